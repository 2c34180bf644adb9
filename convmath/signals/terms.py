"""A function as monomials on intervals and impulses, and back."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sympy import Symbol, oo

from .facts import Facts
from .monomials import Monomial, monomials
from .pieces import Function, Impulse, Piece
from .sums import expression
from .types import Expr, sympy

__all__ = ["Term", "Terms", "bounded", "disjoint", "mirrored", "terms", "written"]

Term = tuple[Piece, Monomial]  # a monomial, and a piece for its ends


@dataclass(frozen=True)
class Terms:
    terms: tuple[Term, ...]
    impulses: tuple[Impulse, ...] = ()

    def __add__(self, other: Terms) -> Terms:
        return Terms(self.terms + other.terms, self.impulses + other.impulses)


def mirrored(term: Term, t: Symbol) -> Term:
    """The term at -t."""
    piece, m = term
    turned = replace(m, coefficient=m.coefficient * (-1) ** m.power, rate=-m.rate, special=m.special.subs(t, -t))
    return Piece(piece.expression, -piece.high, -piece.low), turned


def terms(function: Function, t: Symbol) -> Terms:
    found = [(piece, m) for piece in function.smooth for m in monomials(piece.expression, t)]
    return Terms(tuple(found), function.points)


def bounded(found: Terms, facts: Facts) -> Terms:
    """The same function, where what begins and ends again is written as intervals: u(t) - u(t - 1) as (0, 1), and so
    is what has fewer terms then: ½(1 + sign t) as (0, ∞).
    """
    groups: dict[Monomial, list[Term]] = defaultdict(list)
    for piece, monomial in found.terms:
        groups[replace(monomial, coefficient=sympy.S.One)].append((piece, monomial))
    terms: list[Term] = []
    for like, group in groups.items():
        parted = _intervals(like, group, facts)
        if parted is None and len(group) > 1:
            parted = _levels(like, group, facts)
            parted = None if parted is None or len(parted) >= len(group) else parted
        terms += group if parted is None else parted
    return Terms(tuple(terms), found.impulses)


def disjoint(found: Iterable[Term], facts: Facts) -> list[Term]:
    """The same sum, where each monomial stands on intervals that do not overlap: ½(1 + sign t) as (0, ∞); where the
    order of break points is not known, from each of them on.
    """
    groups: dict[Monomial, list[Term]] = defaultdict(list)
    for piece, monomial in found:
        groups[replace(monomial, coefficient=sympy.S.One)].append((piece, monomial))
    terms: list[Term] = []
    for like, group in groups.items():
        parted = _levels(like, group, facts)
        terms += _half_lines(like, group) if parted is None else parted
    return terms


def _half_lines(like: Monomial, group: list[Term]) -> list[Term]:
    """A group of one monomial as what begins at each break point, or ends there, if it is 0 on that side; where it is 0
    on both, as integrals from one of them to each other, which may run backwards.
    """
    changes = _changes(group)
    first, *others = ends = [end for end in changes if not end.is_infinite]
    before, after = (sympy.expand(changes[end]) == 0 for end in (-oo, oo))
    if before and after:
        return [(Piece(sympy.S.One, end, first), replace(like, coefficient=changes[end])) for end in others]
    if before:
        return [(Piece(sympy.S.One, end, oo), replace(like, coefficient=changes[end])) for end in ends]
    if after:
        return [(Piece(sympy.S.One, -oo, end), replace(like, coefficient=-changes[end])) for end in ends]
    return group


def _changes(group: list[Term]) -> dict[Expr, Expr]:
    """By how much the coefficient of a group changes at each end."""
    changes: dict[Expr, Expr] = defaultdict(lambda: sympy.S.Zero)
    for piece, monomial in group:
        changes[piece.low] += monomial.coefficient
        changes[piece.high] -= monomial.coefficient
    return changes


def _intervals(like: Monomial, group: list[Term], facts: Facts) -> list[Term] | None:
    """A group of one monomial on intervals, if it ends on the side where its pieces do not."""
    if not any(piece.high is oo for piece, _ in group) or any(piece.low is -oo for piece, _ in group):
        return None
    if sympy.expand(sympy.Add(*(m.coefficient for piece, m in group if piece.high is oo))) != 0:
        return None
    return _levels(like, group, facts)


def _levels(like: Monomial, group: list[Term], facts: Facts) -> list[Term] | None:
    """What a group of one monomial adds to between each two break points."""
    changes = _changes(group)
    if (points := facts.sorted(end for end in changes if not end.is_infinite)) is None:
        return None
    found, level = [], sympy.S.Zero
    for low, high in itertools.pairwise([-oo, *points, oo]):
        level = sympy.expand(level + changes[low])
        if level == 0:
            continue
        if found and found[-1][0].high == low and found[-1][1].coefficient == level:
            low = found.pop()[0].low
        found.append((Piece(sympy.S.One, low, high), replace(like, coefficient=level)))
    return found


def written(found: Terms, t: Symbol, facts: Facts) -> Expr:
    """The sum, with steps for the ends of the intervals; in cases where something has no value beyond such an end."""
    cut = [term for term in found.terms if not (term[0].low is -oo and term[0].high is oo)]
    if any(_needs_cases(monomial) for _, monomial in cut):
        ends = {end for piece, _ in cut for end in (piece.low, piece.high) if not end.is_infinite}
        points = facts.sorted(sorted(ends, key=sympy.default_sort_key))
        if points is not None and (len(points) > 1 or any(piece.low is -oo for piece, _ in cut)):
            whole = tuple(term for term in found.terms if term not in cut)
            return written(Terms(whole, found.impulses), t, facts) + _in_cases(cut, points, t)
    by_ends: dict[tuple[Expr, Expr], list[Monomial]] = defaultdict(list)
    for piece, monomial in found.terms:
        by_ends[piece.low, piece.high].append(monomial)
    parts = [_between(*ends, inside, t) for ends, inside in by_ends.items()]
    parts += [i.coefficient * _delta(i, t) for i in found.impulses]
    return sympy.Add(*parts)


def _needs_cases(monomial: Monomial) -> bool:
    return bool(monomial.special.has(sympy.Pow, sympy.log))


def _in_cases(found: list[Term], points: list[Expr], t: Symbol) -> Expr:
    """What terms add to between each two points."""
    place = {end: number for number, end in enumerate([-oo, *points, oo])}
    values = []
    for k in range(len(points) + 1):
        inside = [m for piece, m in found if place[piece.low] <= k < place[piece.high]]
        values.append(expression(inside, t))
    cases: list[tuple[Expr, Any]] = []
    for k, value in enumerate(values):
        if k + 1 == len(values) or values[k + 1] != value:
            cases.append((value, t < points[k] if k < len(points) else True))
    return sympy.Piecewise(*cases)


def _between(low: Expr, high: Expr, inside: list[Monomial], t: Symbol) -> Expr:
    value = expression(inside, t)
    if high is oo and low is not -oo and any(map(_needs_cases, inside)):
        return sympy.Piecewise((value, t > low), (0, True))  # what has no value before, 0·√t, is not written
    return value * _window(low, high, t)


def _window(low: Expr, high: Expr, t: Symbol) -> Expr:
    if low is -oo:
        return sympy.S.One if high is oo else sympy.Heaviside(high - t)
    if high is oo:
        return sympy.Heaviside(t - low)
    return sympy.Heaviside(t - low) - sympy.Heaviside(t - high)


def _delta(impulse: Impulse, t: Symbol) -> Expr:
    at = t - impulse.at
    return sympy.DiracDelta(at, impulse.order) if impulse.order else sympy.DiracDelta(at)
