r"""Convolution and correlation of functions and sequences.

    (f ∗ g)(t) = ∫ f(τ) g(t - τ) dτ,   Σ_k f[k] g[n - k] where t is an integer;   (f ⋆ g)(t) = ∫ conj f(τ) g(t + τ) dτ.

>>> import sympy
>>> from sympy import Heaviside as u, exp, Abs
>>> t = sympy.Symbol("t", real=True)
>>> a, b = sympy.symbols("a b", positive=True)
>>> convolve(exp(-a * t) * u(t), exp(-a * t) * u(t), t)
t*exp(-a*t)*Heaviside(t)
>>> convolve(exp(-Abs(t)), u(t), t)
Piecewise((exp(t), t < 0), (2 - exp(-t), True))
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr as SympyExpr
from sympy import Symbol

from . import spatial
from .branches import Answer, branches
from .check import checked, checked_in_space, checked_period, checked_sequence
from .discrete import convolved as discrete_convolved
from .errors import NotFoundError
from .facts import Facts
from .lists import convolve_lists, correlate_lists
from .periodic import folded, one_period
from .pieces import Function, Reader, pieces
from .sequences import IntegerReader, sequence_pieces
from .solve import Found, convolved
from .types import Expr

IMPULSES = (sympy.DiracDelta, sympy.KroneckerDelta)

__all__ = ["Convolution", "Correlation", "Result", "convolve", "correlate"]


@dataclass(frozen=True)
class Result:
    """What a convolution is, or why it was not found."""

    expr: Expr
    answers: tuple[Answer, ...] = ()
    reason: str = ""

    @property
    def conditions(self) -> tuple[Any, ...]:
        """The relations on which the answer depends: for convergence, or because it is another one where they do not hold."""
        found = {r: None for answer in self.answers for r in (*answer.conditions, *answer.needed)}
        return tuple(found)


class _Operation(SympyExpr):
    """What convolution and correlation have in common."""

    def __new__(cls, f: Any, g: Any, t: Any, **options: Any) -> Any:
        f, g = sympy.sympify(f), sympy.sympify(g)
        return SympyExpr.__new__(cls, f, g, sympy.sympify(t))

    @property
    def variable(self) -> Symbol:
        return self.args[2]

    @property
    def free_symbols(self) -> set[Any]:
        return set().union(*(a.free_symbols for a in self.args))

    def doit(self, **hints: Any) -> Expr:
        return self.solve().expr

    def solve(self, *, assume: Iterable[Any] = (), period: Any = None, pv: bool = False) -> Result:
        f, g, t = self.args
        return _solved(self, f, g, t, Facts(assume), pv, period)


class Convolution(_Operation):
    """(f ∗ g)(t), not carried out."""


class Correlation(_Operation):
    """(f ⋆ g)(t) = ∫ conj f(τ) g(t + τ) dτ, not carried out."""

    def solve(self, *, assume: Iterable[Any] = (), period: Any = None, pv: bool = False) -> Result:
        f, g, t = self.args
        return _solved(self, sympy.conjugate(f).subs(t, -t), g, t, Facts(assume), pv, period)


def convolve(f: Any, g: Any, t: Any = None, *, assume: Iterable[Any] = (), period: Any = None, pv: bool = False) -> Any:
    if t is None:
        return convolve_lists(f, g, period)
    return Convolution(f, g, t).solve(assume=assume, period=period, pv=pv).expr


def correlate(
    f: Any, g: Any, t: Any = None, *, assume: Iterable[Any] = (), period: Any = None, pv: bool = False
) -> Any:
    if t is None:
        return correlate_lists(f, g, period)
    return Correlation(f, g, t).solve(assume=assume, period=period, pv=pv).expr


def _solved(asked: _Operation, f: Expr, g: Expr, t: Any, facts: Facts, principal: bool, period: Any) -> Result:
    variables = tuple(t) if isinstance(t, sympy.Tuple) else (t,)
    inner = {
        x: sympy.Dummy(x.name, integer=True) if x.is_integer else sympy.Dummy(x.name, real=True) for x in variables
    }
    f, g = f.subs(inner), g.subs(inner)
    if len(variables) == 1:
        [x] = inner.values()

        def way(given: dict[Symbol, Expr], known: Facts) -> tuple[Answer, list[tuple[Expr, Expr]]]:
            if period is not None:
                return _circular(f.subs(given), g.subs(given), x, sympy.sympify(period).subs(given), known)
            return _one(f.subs(given), g.subs(given), x, known, principal)
    else:

        def way(given: dict[Symbol, Expr], known: Facts) -> tuple[Answer, list[tuple[Expr, Expr]]]:
            return _several(f.subs(given), g.subs(given), tuple(inner.values()), known)

    try:
        answers = branches(way, facts)
    except NotFoundError as error:
        return Result(asked, reason=str(error))
    if all(answer.expression is None for answer in answers):
        raise next(answer.divergent for answer in answers if answer.divergent)
    back = {y: x for x, y in inner.items()}
    return Result(_assembled(answers, asked).subs(back), tuple(answers))


def _one(f: Expr, g: Expr, x: Symbol, known: Facts, principal: bool) -> tuple[Answer, list[tuple[Expr, Expr]]]:
    """In one variable, checked."""
    read = sequence_pieces if x.is_integer else pieces
    left = read(f, x, known) if f.has(*IMPULSES) else None
    right = read(g, x, known) if g.has(*IMPULSES) else None
    if left and _sifts(left):
        functions, found = (left, right or Function()), Found(_moved(left, g, x))
    elif right and _sifts(right):
        functions, found = (left or Function(), right), Found(_moved(right, f, x))
    else:
        functions = left or read(f, x, known), right or read(g, x, known)
        found = discrete_convolved(*functions, x, known) if x.is_integer else convolved(*functions, x, known, principal)
    conditions = [*found.converges, *(sympy.Ne(*pair) for pair in found.different)]
    if x.is_integer:
        held = checked_sequence(f, g, x, found.expression, known, functions, conditions)
    else:
        held = checked(f, g, x, found.expression, known, functions, conditions, principal)
    return Answer(found.expression, (), tuple(found.converges), held), found.different


def _sifts(function: Function) -> bool:
    """Whether a function is a sum of impulses, and of none of their derivatives."""
    return not function.smooth and all(impulse.order == 0 for impulse in function.points)


def _moved(impulses: Function, g: Expr, x: Symbol) -> Expr:
    """Σ c·δ(x - a) ∗ g = Σ c·g(x - a), whatever g is."""
    return sympy.Add(*(impulse.coefficient * g.subs(x, x - impulse.at) for impulse in impulses.points))


def _circular(f: Expr, g: Expr, x: Symbol, period: Expr, known: Facts) -> tuple[Answer, list[tuple[Expr, Expr]]]:
    """On one period from 0 on."""
    reader = IntegerReader(x, known) if x.is_integer else Reader(x, known)
    functions = one_period(reader.read(f), reader, period), one_period(reader.read(g), reader, period)
    found = discrete_convolved(*functions, x, known) if x.is_integer else convolved(*functions, x, known)
    expression = folded(found.expression, reader, period)
    conditions = [sympy.Ne(*pair) for pair in found.different]
    held = checked_period(f, g, x, expression, known, functions, period, conditions)
    return Answer(expression, (), tuple(found.converges), held), found.different


def _several(f: Expr, g: Expr, variables: tuple[Symbol, ...], known: Facts) -> tuple[Answer, list[tuple[Expr, Expr]]]:
    different: list[tuple[Expr, Expr]] = []
    needed: dict[Any, None] = {}

    def along(p: Expr, q: Expr, x: Symbol, facts: Facts) -> Expr:
        answer, pairs = _one(p, q, x, facts, False)
        different.extend(pairs)
        needed.update(dict.fromkeys(answer.needed))
        assert answer.expression is not None
        return answer.expression

    expression = spatial.convolved(f, g, variables, known, along)
    conditions = [*needed, *(sympy.Ne(*pair) for pair in different)]
    held = checked_in_space(f, g, variables, expression, known, conditions) if not any(x.is_integer for x in variables) else 0
    return Answer(expression, (), tuple(needed), held), different


def _assembled(answers: Sequence[Answer], asked: Expr) -> Expr:
    """One expression, in cases where there are several answers."""
    if len(answers) == 1 and not answers[0].conditions and not answers[0].needed:
        return answers[0].expression
    cases = [
        (asked if answer.expression is None else answer.expression, sympy.And(*answer.conditions, *answer.needed))
        for answer in answers
    ]
    if any(answer.needed for answer in answers):
        cases.append((asked, True))
    elif len(cases) > 1:  # no other case is left
        cases[-1] = (cases[-1][0], True)
    return sympy.Piecewise(*cases)
