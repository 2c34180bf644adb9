r"""Circular convolution: ∫₀^P f(τ) g(t - τ) dτ, and the sum over a period of sequences, of what is given on one
period.

With h the convolution of one period of f and one of g, which is nothing outside of (0, 2P), it is h(t) + h(t + P) on
the period: what the linear convolution aliases to.
"""

from __future__ import annotations

from dataclasses import replace

from sympy import Symbol

from . import continuous, discrete, sequences, solve
from .errors import NotFoundError
from .facts import Facts
from .pieces import Function, Piece, Reader
from .poles import Poles, Side, product
from .scalars import Field
from .solve import Found
from .terms import Terms, bounded, terms
from .types import Expr, sympy

__all__ = ["convolved", "one_period"]


def one_period(function: Function, reader: Reader, period: Expr) -> Function:
    """What a function is on one period from 0 on."""
    low, high = reader.period(period)
    inside = [p for p in function.points if not reader.before(p.at, sympy.S.Zero) and reader.before(p.at, period)]
    smooth = []
    for piece in function.smooth:
        if (ends := reader.common((piece.low, piece.high), (low, high))) is not None:
            smooth.append(Piece(piece.expression, *ends))
    return Function(tuple(smooth), tuple(inside))


def convolved(f: Function, g: Function, reader: Reader, period: Expr, principal: bool = False) -> Found:
    """h(t) + h(t + P) on a period, with h the convolution of two functions that are 0 outside of it."""
    t, facts = reader.t, reader.facts
    read = discrete.collected if t.is_integer else _collected
    left, right = read(f, t, facts), read(g, t, facts)
    if not all(monomial.exponential for part in (left, right) for _, monomial in part.terms):
        return _by_expressions(f, g, reader, period, principal)
    of = _Sequences if t.is_integer else _Functions
    way = of(left, right, period)
    joined = product(way.poles(left), way.poles(right), facts)
    both = _on_one_period(joined.result + joined.result.moved(-period), reader, period)
    return Found(way.written(both, t, facts), list(joined.different), list(joined.converges))


def _collected(function: Function, t: Symbol, facts: Facts) -> Terms:
    return bounded(terms(function, t), facts)


def _on_one_period(poles: Poles, reader: Reader, period: Expr) -> Poles:
    """Without impulses that are elsewhere."""
    kept = {
        place: orders
        for place, orders in poles.terms.items()
        if place.side is not Side.POINT
        or (not reader.before(place.shift, sympy.S.Zero) and reader.before(place.shift, period))
    }
    return replace(poles, terms=kept)


class _Functions:
    """Functions as poles, and back, on a period."""

    def __init__(self, left: Terms, right: Terms, period: Expr):
        self.period = period
        self.field = self.field_of(left, right)

    def field_of(self, *parts: Terms) -> Field:
        letters = (e for part in parts for e in continuous.letters(part.terms, part.impulses))
        return Field([*letters, self.period])

    def poles(self, part: Terms) -> Poles:
        return continuous.as_poles(self.field, part.terms, part.impulses)

    def written(self, poles: Poles, t: Symbol, facts: Facts) -> Expr:
        return continuous.written(poles, t, facts, (sympy.S.Zero, self.period))


class _Sequences(_Functions):
    def field_of(self, *parts: Terms) -> Field:
        self.base = sequences.Base()
        return self.base.field(*parts, also=[self.period])

    def poles(self, part: Terms) -> Poles:
        return sequences.as_poles(self.field, self.base, part)

    def written(self, poles: Poles, t: Symbol, facts: Facts) -> Expr:
        return sequences.written(poles, self.base, t, facts, (sympy.S.Zero, self.period))


def _by_expressions(f: Function, g: Function, reader: Reader, period: Expr, principal: bool) -> Found:
    """Of what is no exponential, by the linear convolution as it is written."""
    t, facts = reader.t, reader.facts
    found = discrete.convolved(f, g, t, facts) if t.is_integer else solve.convolved(f, g, t, facts, principal)
    both = reader.read(found.expression) + reader.read(found.expression.subs(t, t + period))
    folded = terms(one_period(both, reader, period), t)
    if not all(monomial.exponential for _, monomial in folded.terms):
        raise NotFoundError("a circular convolution of functions that are no exponentials is not found")
    way = (_Sequences if t.is_integer else _Functions)(folded, Terms(()), period)
    return replace(found, expression=way.written(way.poles(folded), t, facts))
