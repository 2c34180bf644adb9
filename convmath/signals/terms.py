"""A function as monomials on intervals and impulses, and back."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import sympy
from sympy import Symbol, oo

from .monomials import Monomial, monomials
from .pieces import Function, Impulse, Piece
from .sums import expression
from .types import Expr

__all__ = ["Term", "Terms", "terms", "written"]

Term = tuple[Piece, Monomial]  # a monomial, and a piece for its ends


@dataclass(frozen=True)
class Terms:
    terms: tuple[Term, ...]
    impulses: tuple[Impulse, ...] = ()

    def __add__(self, other: Terms) -> Terms:
        return Terms(self.terms + other.terms, self.impulses + other.impulses)


def terms(function: Function, t: Symbol) -> Terms:
    found = [(piece, m) for piece in function.smooth for m in monomials(piece.expression, t)]
    return Terms(tuple(found), function.points)


def written(found: Terms, t: Symbol) -> Expr:
    """The sum, with steps for the ends of the intervals."""
    by_ends: dict[tuple[Expr, Expr], list[Monomial]] = defaultdict(list)
    for piece, monomial in found.terms:
        by_ends[piece.low, piece.high].append(monomial)
    parts = [_between(*ends, inside, t) for ends, inside in by_ends.items()]
    parts += [i.coefficient * _delta(i, t) for i in found.impulses]
    return sympy.Add(*parts)


def _between(low: Expr, high: Expr, inside: list[Monomial], t: Symbol) -> Expr:
    value = expression(inside, t)
    if high is oo and low is not -oo and any(m.special.has(sympy.Pow, sympy.log) for m in inside):
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
