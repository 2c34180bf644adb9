r"""Convolution and correlation of functions and sequences.

    (f ∗ g)(t) = ∫ f(τ) g(t - τ) dτ,   Σ_k f[k] g[n - k] where t is an integer;   (f ⋆ g)(t) = ∫ conj f(τ) g(t + τ)
    dτ.

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

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sympy import Symbol
from sympy.core.function import AppliedUndef

from convmath.errors import AssumptionError

from . import circles, folds, isolated, periodic, spatial
from .arguments import listed
from .branches import Answer, branches, equations
from .check import (
    checked,
    checked_in_space,
    checked_period,
    checked_sequence,
    checked_sequence_in_space,
    vanishing_far_out,
)
from .deadline import limited
from .discrete import convolved as discrete_convolved
from .errors import ArgumentError, CheckError, ContradictionError, DivergentError, NotFoundError, TooMuchError
from .facts import Facts
from .lists import convolve_lists, correlate_lists
from .operation import Operation
from .periodic import one_period
from .pieces import SWITCHES, Function, Reader, pieces
from .reflection import reflected
from .sequences import IntegerReader, sequence_pieces
from .solve import Found, convolved
from .turns import at_all_turns
from .types import Expr, sympy

if TYPE_CHECKING:
    from convmath.derivation import Derivation

UNHELD = "a result was found that numbers could not be held against: they are too large, or cancel"
IMPULSES = (sympy.DiracDelta, sympy.KroneckerDelta)

__all__ = ["Convolution", "Correlation", "Result", "convolve", "correlate"]


@dataclass(frozen=True)
class Result:
    """What a convolution is, or why it was not found: at all, where there are no answers, or in some of its cases."""

    expr: Expr
    answers: tuple[Answer, ...] = ()
    reason: str = ""
    asked: Any = field(default=None, repr=False)
    variables: tuple[Symbol, ...] = field(default=(), repr=False)  # those of the answers
    facts: Facts = field(default_factory=Facts, repr=False, compare=False)
    principal: bool = field(default=False, repr=False)

    @property
    def conditions(self) -> tuple[Any, ...]:
        """The relations on which the answer depends: for convergence, or because it is another one where they do not
        hold.
        """
        found = {r: None for answer in self.answers for r in (*answer.conditions, *answer.needed)}
        return tuple(found)

    def derivation(self, method: str = "support", *, branch: int = -1) -> Derivation:
        """The steps to the result, as a lecturer writes them: "support" goes by where the functions overlap,
        "transform" by Laplace's transform or by that in z.

        Of several answers, `branch` is the place of the one that is derived; the last is that of parameters in
        general.
        """
        from .derive import derivation  # loaded when steps are asked for

        try:
            return derivation(self, method, branch)
        except NotFoundError as error:
            if self.asked is not None:
                error.args = (_told(error, self.asked.variables),)
            raise


class _Solved(Operation):
    """An operation that can be carried out."""

    def doit(self, **hints: Any) -> Expr:
        args = [a.doit(**hints) for a in self.args] if hints.get("deep", True) else self.args
        return self.func(*args).solve().expr

    def solve(self, *, assume: Iterable[Any] = (), period: Any = None, pv: bool = False) -> Result:
        """The result with its conditions; where none is found, its expression is what was asked, and its reason says
        why.
        """
        asked = self if period is None else self.func(self.args[0], self.args[1], self.args[2], period)
        if asked.period is not None and len(asked.variables) > 1:
            return Result(asked, reason="no method convolves functions of several variables over a period")
        try:
            with limited():
                return _solved(asked, asked._first(), asked.args[1], asked.variable, Facts(assume), pv, asked.period)
        except (CheckError, DivergentError) as error:
            error.args = (_told(error, asked.variables),)
            raise

    def _first(self) -> Expr:
        """The function that is convolved with g."""
        return self.args[0]


class Convolution(_Solved):
    """(f ∗ g)(t), not carried out."""


class Correlation(_Solved):
    """(f ⋆ g)(t) = ∫ conj f(τ) g(t + τ) dτ, not carried out."""

    sign = 1

    def _first(self) -> Expr:
        return reflected(self.args[0], self.variables, self.period)


def convolve(f: Any, g: Any, t: Any = None, *, assume: Iterable[Any] = (), period: Any = None, pv: bool = False) -> Any:
    if t is None:
        with limited():
            return convolve_lists(listed(f, "f of convolve"), listed(g, "g of convolve"), period)
    return _with_one_variable(Convolution(f, g, t)).solve(assume=assume, period=period, pv=pv).expr


def correlate(
    f: Any, g: Any, t: Any = None, *, assume: Iterable[Any] = (), period: Any = None, pv: bool = False
) -> Any:
    if t is None:
        with limited():
            return correlate_lists(listed(f, "f of correlate"), listed(g, "g of correlate"), period)
    return _with_one_variable(Correlation(f, g, t)).solve(assume=assume, period=period, pv=pv).expr


def _with_one_variable(asked: _Solved) -> _Solved:
    """The same; a symbol of the same name as the variable that is another one was not meant."""
    for x in asked.variables:
        for name, e in zip("fg", asked.functions, strict=True):
            if any(other.name == x.name and other != x for other in e.free_symbols):
                why = f"another symbol than the variable {x}: one of them was declared with other assumptions"
                raise ArgumentError(f"{name} has {x} in it, {why} [{type(asked).__name__}]")
    return asked


def _solved(asked: Operation, f: Expr, g: Expr, t: Any, facts: Facts, principal: bool, period: Any) -> Result:
    variables = tuple(t) if isinstance(t, sympy.Tuple) else (t,)
    f, g = (_exact(_written_out(e)) for e in (f, g))
    if sums := [*f.atoms(sympy.Sum), *g.atoms(sympy.Sum)]:
        return Result(asked, reason=f"only sums of known numbers of terms are written out, which {sums[0]} is not")
    period = None if period is None else _exact(period)
    for relation in facts.relations:
        if relation.has(*variables):
            why = "but functions are needed at all values of a variable; a step says where one begins"
            raise AssumptionError(f"{relation} came as an assumption, {why} [assume]")
    facts, known_values = _with_equations(facts)
    f, g, period = (None if e is None else e.subs(known_values) for e in (f, g, period))
    asked = asked.func(*(e.subs(known_values) for e in asked.args))
    inner = {x: _inner(x, f.free_symbols | g.free_symbols) for x in variables}
    f, g = f.subs(inner), g.subs(inner)
    if len(variables) == 1:
        [x] = inner.values()

        def way(given: dict[Symbol, Expr], known: Facts) -> tuple[Answer, list[tuple[Expr, Expr]]]:
            if period is not None:
                return _circular(_at(f, given), _at(g, given), x, period.subs(given), known, principal)
            return in_one_variable(_at(f, given), _at(g, given), x, known, principal)
    else:

        def way(given: dict[Symbol, Expr], known: Facts) -> tuple[Answer, list[tuple[Expr, Expr]]]:
            return _several(_at(f, given), _at(g, given), tuple(inner.values()), known)

    try:
        answers = branches(way, facts)
    except NotFoundError as error:
        return Result(asked, reason=_told(error, variables))
    except TooMuchError as error:
        if not error.relation.has(*inner.values()):
            raise
        return Result(
            asked, reason=_told(NotFoundError(f"too many cases depend on whether {error.relation}"), variables)
        )
    reason = next((_told(answer.unknown, variables) for answer in answers if answer.unknown), "")
    if all(answer.expression is None for answer in answers):
        if reason:
            return Result(asked, reason=reason)
        raise next(answer.divergent for answer in answers if answer.divergent)
    back = {y: x for x, y in inner.items()}
    sequences = [e for e in (f, g, period) if e is not None] if variables[0].is_integer else []
    whole = [_with_values(answer, *inner.values()) for answer in answers]
    found = _assembled(whole, asked, sequences).subs(back)
    return Result(found, tuple(answers), reason, asked, tuple(inner.values()), facts, principal)


LONGEST = 200  # terms of a sum that is written out


def _written_out(e: Expr) -> Expr:
    """Finite sums, as of a few impulses, term by term, derivatives, and Macaulay's brackets ⟨t - a⟩ⁿ with steps and
    impulses.
    """

    def written(term: Expr, *limits: Any) -> Expr:
        sizes = [limit[2] - limit[1] if len(limit) == 3 else sympy.oo for limit in limits]
        whole = sympy.Sum(term, *limits)
        return whole.doit() if all(size.is_Integer and size <= LONGEST for size in sizes) else whole

    def bracket(x: Expr, a: Expr, power: Expr) -> Expr:
        if power.is_Integer and power < 0:
            return sympy.DiracDelta(x - a, -power - 1) if power < -1 else sympy.DiracDelta(x - a)
        return (x - a) ** power * sympy.Heaviside(x - a)

    if e.has(sympy.Derivative) and not e.has(AppliedUndef):
        e = e.doit()
    e = e.replace(sympy.SingularityFunction, bracket) if e.has(sympy.SingularityFunction) else e
    return e.replace(sympy.Sum, written) if e.has(sympy.Sum) else e


def _exact(e: Expr) -> Expr:
    """Decimals as the fractions that they are: only those are equal where they should be, as 0.1 + 0.2 and 0.3."""
    return e.xreplace({x: sympy.nsimplify(x, rational=True) for x in e.atoms(sympy.Float)})


def _with_equations(facts: Facts) -> tuple[Facts, Any]:
    """What is left to know once the equations that were assumed are put in, and the values that they give."""
    values: dict[Symbol, Expr] = {}
    while (equation := next((r for r in facts.relations if isinstance(r, sympy.Eq)), None)) is not None:
        found = equations([(equation.lhs, equation.rhs)])
        if not found:
            raise AssumptionError(f"{equation} came as an assumption, but it is not solved for a symbol [assume]")
        [(_, value)] = found
        facts = facts.with_value(value)
        values = {x: e.subs(value) for x, e in values.items()} | value
    return facts, values


def _at(e: Expr, given: dict[Symbol, Expr]) -> Expr:
    """A function at values of parameters, which has to have a value there."""
    found = e.subs(given)
    if given and found.has(sympy.nan, sympy.zoo):
        raise ContradictionError(f"{e} has no value where {given} [assume]")
    return found


def _inner(x: Symbol, others: Expr) -> Symbol:
    """A variable that is known to be real or an integer; it has the same name, unless that is another one's."""
    assumed = {"integer": True} if x.is_integer else {"real": True}
    named = Symbol(x.name, **assumed)
    return named if named == x or named not in others else sympy.Dummy(x.name, **assumed)


def _told(error: Exception, variables: Sequence[Symbol]) -> str:
    """What an error says, with the names that came: inside, a variable t is another one, _t."""
    return re.sub(rf"(?<!\w)_({'|'.join(re.escape(x.name) for x in variables)})(?!\w)", r"\1", str(error))


def in_one_variable(
    f: Expr, g: Expr, x: Symbol, known: Facts, principal: bool
) -> tuple[Answer, list[tuple[Expr, Expr]]]:
    """In one variable, checked."""
    if x.is_integer:  # u[0] = 1
        f, g = (e.replace(sympy.Heaviside, lambda at, *_: sympy.Heaviside(at, 1)) for e in (f, g))
    read = sequence_pieces if x.is_integer else pieces
    left = read(f, x, known) if f.has(*IMPULSES) else None
    right = read(g, x, known) if g.has(*IMPULSES) else None
    sifted = True
    if left and _sifts(left):
        functions, found = (left, right or Function()), Found(_moved(left, g, x))
    elif right and _sifts(right):
        functions, found = (left or Function(), right), Found(_moved(right, f, x))
    elif x.is_integer:
        functions = left or read(f, x, known), right or read(g, x, known)
        found = discrete_convolved(*functions, x, known)
    else:
        sifted = False
        functions = left or read(f, x, known), right or read(g, x, known)
        try:
            found = convolved(*functions, x, known, principal)
        except DivergentError as error:
            if not (error.growth and vanishing_far_out(f, g, x, known)):
                raise
            functions = read(_together(f), x, known), read(_together(g), x, known)
            found = _found_together(functions, x, known, principal)
    conditions = [*found.converges, *(sympy.Ne(*pair) for pair in found.different)]
    try:
        if x.is_integer:
            held = checked_sequence(f, g, x, found.expression, known, functions, conditions)
        else:
            held = checked(f, g, x, found.expression, known, functions, conditions, principal, found.guessed)
    except CheckError:
        if not found.guessed:
            raise
        held = 0
    if found.guessed and not held:
        raise NotFoundError("no method is known, and what SymPy finds does not hold in numbers")
    if not held:
        raise NotFoundError(UNHELD)
    plain = sifted or x.is_integer  # what is sifted has a value where the function has one
    values = () if plain else tuple(isolated.values(found.expression, x, known, conditions))
    return Answer(found.expression, (), tuple(found.converges), held, values), found.different


def _together(e: Expr) -> Expr:
    """A function whose terms cancel far out, as one: 1 + tanh t as a quotient, 1 - erf t as erfc t."""
    if e.has(*HYPERBOLIC):
        e = sympy.cancel(sympy.together(e.rewrite(sympy.exp))) if not e.has(*SWITCHES, sympy.sign, sympy.Abs) else e
    return sympy.expand(e.rewrite(sympy.erfc)) if e.has(sympy.erf) else e


def _found_together(functions: tuple[Function, Function], x: Symbol, known: Facts, principal: bool) -> Found:
    try:
        return convolved(*functions, x, known, principal)
    except DivergentError:
        raise NotFoundError("terms of which each diverges add to what may have a value") from None


HYPERBOLIC = (sympy.tanh, sympy.coth, sympy.sech, sympy.csch)


def _sifts(function: Function) -> bool:
    """Whether a function is a sum of impulses, and of none of their derivatives."""
    return not function.smooth and all(impulse.order == 0 for impulse in function.points)


def _moved(impulses: Function, g: Expr, x: Symbol) -> Expr:
    """Σ c·δ(x - a) ∗ g = Σ c·g(x - a), whatever g is."""
    return sympy.Add(*(impulse.coefficient * g.subs(x, x - impulse.at) for impulse in impulses.points))


def _circular(
    f: Expr, g: Expr, x: Symbol, period: Expr, known: Facts, principal: bool
) -> tuple[Answer, list[tuple[Expr, Expr]]]:
    """On one period from 0 on, which is positive."""
    needed = () if (positive := known.positive(period)) else (sympy.Gt(period, 0),)
    if positive is False:
        raise DivergentError(f"the period {period} is not positive")
    known = known.with_relation(needed[0]) if needed else known
    reader = IntegerReader(x, known) if x.is_integer else Reader(x, known)
    in_cases = [e if x.is_integer else folds.resolved(e, x, period) for e in (f, g)]
    first, second = (one_period(reader.read(e), reader, period) for e in in_cases)
    functions = first, second
    whole = None
    if not (x.is_integer or any(e.has(*SWITCHES) for e in in_cases)):
        whole = circles.convolved(f, g, x, period, known, principal)
    found = periodic.convolved(*functions, reader, period, principal) if whole is None else Found(whole)
    conditions = [*found.converges, *(sympy.Ne(*pair) for pair in found.different)]
    held = checked_period(f, g, x, found.expression, known, functions, period, conditions, principal)
    if not held:
        raise NotFoundError(UNHELD)
    return Answer(found.expression, (), (*needed, *found.converges), held), found.different


def _several(f: Expr, g: Expr, variables: tuple[Symbol, ...], known: Facts) -> tuple[Answer, list[tuple[Expr, Expr]]]:
    different: list[tuple[Expr, Expr]] = []
    needed: dict[Any, None] = {}
    parameters = (f.free_symbols | g.free_symbols) - {*variables}

    def along(p: Expr, q: Expr, x: Symbol, facts: Facts) -> Expr:
        answer, pairs = in_one_variable(p, q, x, facts, False)
        for condition in answer.needed:
            if not condition.free_symbols <= parameters:
                raise NotFoundError(f"along {x} it converges where {condition}")
        # where another variable has one certain value does not count
        different.extend(pair for pair in pairs if sympy.Tuple(*pair).free_symbols <= parameters)
        needed.update(dict.fromkeys(answer.needed))
        assert answer.expression is not None
        return answer.expression

    expression = spatial.convolved(f, g, variables, known, along)
    conditions = [*needed, *(sympy.Ne(*pair) for pair in different)]
    check = checked_sequence_in_space if variables[0].is_integer else checked_in_space
    held = check(f, g, variables, expression, known, conditions)
    if not held:
        raise NotFoundError(UNHELD)
    return Answer(expression, (), tuple(needed), held), different


def _with_values(answer: Answer, *variables: Symbol) -> Answer:
    """The answer with its values at single points put in."""
    if not answer.values:
        return answer
    assert answer.expression is not None
    return replace(answer, expression=isolated.with_values(answer.expression, variables[0], answer.values))


def _both(*relations: Any) -> Any:
    """All of them, in short where they speak of one parameter."""
    found = sympy.And(*relations)
    return found.simplify() if len(found.free_symbols) == 1 and len(relations) > 1 else found


def _assembled(answers: Sequence[Answer], asked: Expr, sequences: Sequence[Expr]) -> Expr:
    """One expression, in cases where there are several answers; of sequences, those hold for all whole turns."""
    if len(answers) == 1 and not answers[0].conditions and not answers[0].needed:
        return answers[0].expression
    cases = []
    for answer in answers:
        conditions = [*answer.conditions, *answer.needed]
        conditions = at_all_turns(conditions, sequences) if sequences else conditions
        cases.append((asked if answer.expression is None else answer.expression, _both(*conditions)))
    if any(answer.needed for answer in answers):
        cases.append((asked, True))
    elif len(cases) > 1:  # no other case is left
        cases[-1] = (cases[-1][0], True)
    return sympy.Piecewise(*cases)
