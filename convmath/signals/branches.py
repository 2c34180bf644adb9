"""Answers that depend on parameters: every question that comes up is answered both ways, and each answer keeps its
condition.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sympy import Symbol

from .errors import ContradictionError, DivergentError, NotFoundError, OpenQuestion, TooMuchError
from .facts import Facts, size_of
from .sums import parts
from .types import Expr, sympy

__all__ = ["Answer", "branches", "equations"]

MOST = 6  # questions in a row


@dataclass
class Answer:
    """An expression, and the relations under which it holds (all of them)."""

    expression: Expr | None
    conditions: tuple[Any, ...] = ()
    needed: tuple[Any, ...] = ()  # for convergence, of these conditions
    held: int = 0  # at how many points it was checked
    values: tuple[tuple[Expr, Expr], ...] = ()  # at points of the variable at which the expression shows none
    divergent: DivergentError | None = None
    unknown: NotFoundError | None = None

    def under(self, relation: Any) -> Answer:
        return replace(self, conditions=(relation, *self.conditions))


Way = Callable[[dict[Symbol, Expr], Facts], "tuple[Answer, list[tuple[Expr, Expr]]]"]


def branches(way: Way, facts: Facts, given: dict[Symbol, Expr] | None = None, depth: int = 0) -> list[Answer]:
    """The answers of a way, one for each combination of what was open.

    The way is called with values that were put in for symbols, and with facts; it returns an answer and the pairs
    that it took for different.
    """
    given = given or {}
    try:
        answer, different = way(given, facts)
    except OpenQuestion as question:
        if depth >= MOST:
            raise TooMuchError(question.relation) from None
        return _both(way, facts, given, depth, question)
    except DivergentError as error:
        if depth == 0:
            raise
        return [Answer(None, divergent=error)]
    except NotFoundError as error:
        if depth == 0:
            raise
        return [Answer(None, unknown=error)]
    asked = equations(different)
    followed, left = asked[: MOST - depth], asked[MOST - depth :]
    if left:  # where one of them holds there is no answer
        answer = replace(answer, needed=(*answer.needed, *(sympy.Not(relation) for relation, _ in left)))
    if unsolved := _unsolved(different, facts):
        answer = replace(answer, needed=(*answer.needed, *map(sympy.Not, unsolved)))
    found = [answer]
    for relation, value in followed:
        found = _where_equal(way, facts, given, depth, relation, value) + found
    return found


def _both(way: Way, facts: Facts, given: dict[Symbol, Expr], depth: int, question: OpenQuestion) -> list[Answer]:
    relation = question.relation
    if isinstance(relation, sympy.Eq | sympy.Ne):
        return _equal_or_not(way, facts, given, depth, relation)
    if isinstance(relation, sympy.Gt) and (x := size_of(relation.lhs - relation.rhs)) is not None:
        return _equal_or_not(way, facts, given, depth, sympy.Ne(x, 0))
    found = []
    opposite = sympy.Not(relation)
    if question.apart:
        opposite = sympy.Lt(relation.gts, relation.lts)
    for case in (relation, opposite):
        try:
            known = facts.with_relation(case)
            found += [a.under(case) for a in branches(way, known, given, depth + 1)]
        except ContradictionError:
            continue  # nothing is asked of values that there are not
    if question.apart:
        for equation, value in equations([(relation.gts, relation.lts)]):
            found += _where_equal(way, facts, given, depth, equation, value)
        found += [_missing(equation) for equation in _unsolved([(relation.gts, relation.lts)], facts)]
    return found


def _equal_or_not(way: Way, facts: Facts, given: dict[Symbol, Expr], depth: int, relation: Any) -> list[Answer]:
    """With a symbol's value put in, and where two sides differ."""
    apart = sympy.Ne(relation.lhs, relation.rhs)
    found = []
    for equation, value in equations([(relation.lhs, relation.rhs)]):
        found += _where_equal(way, facts, given, depth, equation, value)
    try:
        known = facts.with_relation(apart)
        found += [a.under(apart) for a in branches(way, known, given, depth + 1)]
    except ContradictionError:
        pass
    return found + [_missing(equation) for equation in _unsolved([(relation.lhs, relation.rhs)], facts)]


def _missing(equation: Any) -> Answer:
    return Answer(None, (equation,), unknown=NotFoundError(f"the answer where {equation} is not found"))


def _where_equal(
    way: Way, facts: Facts, given: dict[Symbol, Expr], depth: int, equation: Any, value: dict[Symbol, Expr]
) -> list[Answer]:
    """The answers with a symbol's value put in, if that may be."""
    both = {symbol: e.subs(value) for symbol, e in given.items()} | value
    try:
        return [a.under(equation) for a in branches(way, facts.with_value(value), both, depth + 1)]
    except ContradictionError:
        return []


def equations(pairs: list[tuple[Expr, Expr]]) -> list[tuple[Any, dict[Symbol, Expr]]]:
    """Equations between rates, each solved for symbols of it; where both parts of one are open, both are needed."""
    found: dict[Any, dict[Symbol, Expr]] = {}
    for left, right in pairs:
        for solved in itertools.product(*map(_solutions, _open_parts(left - right))):
            equations, values = zip(*solved, strict=True)
            if (equation := sympy.And(*equations)) != False:  # noqa: E712
                found.setdefault(equation, {x: v for value in values for x, v in value.items()})
    return list(found.items())


def _unsolved(pairs: list[tuple[Expr, Expr]], facts: Facts) -> list[Any]:
    """The equations that are not solved for a symbol, and may hold."""
    found: dict[Any, None] = {}
    for left, right in pairs:
        open_parts = _open_parts(left - right)
        if all(map(_solutions, open_parts)) or any(facts.equal(part, sympy.S.Zero) is False for part in open_parts):
            continue
        found[sympy.And(*(sympy.Eq(sympy.factor(part), 0) for part in open_parts))] = None
    return [equation for equation in found if equation != False]  # noqa: E712


def _open_parts(difference: Expr) -> list[Expr]:
    """What has to be 0 for a difference to be 0: both of its parts, or the whole where a symbol may be complex."""
    difference = sympy.expand(difference)
    real, turn = parts(difference)
    if turn != 0 and any(map(_may_be_complex, difference.free_symbols)):
        return [difference]
    return [part for part in (real, turn) if part != 0]


def _may_be_complex(symbol: Symbol) -> bool:
    return not symbol.is_extended_real


Solution = tuple[Any, dict[Symbol, Expr]]


def _solutions(difference: Expr) -> list[Solution]:
    """difference = 0 as symbols and their values, one for each factor, or none where a factor is not solved."""
    factors = [difference]
    if difference.is_polynomial(*difference.free_symbols):
        top = sympy.numer(sympy.together(difference))
        factors = [factor for factor, _ in sympy.factor_list(top)[1] if factor.free_symbols]
    found = [solution for factor in factors if (solution := _solved(factor))]
    return found if len(found) == len(factors) else []


def _solved(difference: Expr) -> Solution | None:
    """difference = 0 as a symbol and its value, a complex symbol first; logarithms are taken together."""
    if difference.has(sympy.log):
        difference = sympy.exp(sympy.logcombine(difference, force=True)) - 1
    difference = sympy.numer(sympy.together(difference))
    difference = sympy.factor_terms(sympy.expand(difference))
    if isinstance(difference, sympy.Pow) and difference.exp.is_positive:
        difference = difference.base
    by_name = sorted(difference.free_symbols, key=sympy.default_sort_key, reverse=True)
    complex_first = sorted(by_name, key=_may_be_complex, reverse=True)
    found = [solution for symbol in complex_first if (solution := _isolated(difference, symbol))]
    if found:  # a value that is defined everywhere, if there is one: a = bc, not b = a/c
        return next((one for one in found if all(map(_defined, one[1].values()))), found[0])
    for size in sorted(difference.atoms(sympy.Abs), key=sympy.default_sort_key):  # |r| for r
        unknown = sympy.Dummy(nonnegative=True)
        if isolated := _isolated(difference.xreplace({size: unknown}), unknown):
            value = isolated[1][unknown].xreplace({unknown: size})
            return sympy.Eq(size, value), {size: value}
    return None


def _defined(value: Expr) -> bool:
    """Whether a value has no denominator that may be 0; exponentials are none."""
    bottom = sympy.denom(value)
    return bool(bottom.xreplace(dict.fromkeys(bottom.atoms(sympy.exp), sympy.S.One)).is_nonzero)


def _isolated(difference: Expr, symbol: Symbol) -> Solution | None:
    slope = sympy.diff(difference, symbol)
    if slope.has(symbol) or slope == 0:
        return None
    value = sympy.cancel(symbol - difference / slope)
    return sympy.Eq(symbol, value), {symbol: value}
