r"""Circular convolution: ∫₀^P f(τ) g(t - τ) dτ, and the sum over a period of sequences, of what is given on one
period.

With h the convolution of one period of f and one of g, which is nothing outside of (0, 2P), it is h(t) + h(t + P) on
the period: what the linear convolution aliases to.
"""

from __future__ import annotations

from sympy import Symbol

from . import continuous, sequences
from .errors import NotFoundError
from .facts import Facts
from .pieces import Function, Piece, Reader
from .scalars import Field
from .terms import Terms, terms
from .types import Expr, sympy

__all__ = ["folded", "one_period"]


def one_period(function: Function, reader: Reader, period: Expr) -> Function:
    """What a function is on one period from 0 on."""
    low, high = reader.period(period)
    inside = [p for p in function.points if not reader.before(p.at, sympy.S.Zero) and reader.before(p.at, period)]
    smooth = []
    for piece in function.smooth:
        if (ends := reader.common((piece.low, piece.high), (low, high))) is not None:
            smooth.append(Piece(piece.expression, *ends))
    return Function(tuple(smooth), tuple(inside))


def folded(linear: Expr, reader: Reader, period: Expr) -> Expr:
    """h(t) + h(t + P) on a period, from the convolution h of single periods."""
    t, facts = reader.t, reader.facts
    both = reader.read(linear) + reader.read(linear.subs(t, t + period))
    found = terms(one_period(both, reader, period), t)
    if not all(monomial.exponential for _, monomial in found.terms):
        raise NotFoundError("a circular convolution of functions that are no exponentials is not found")
    return _sequence(found, reader, period) if t.is_integer else _function(found, t, period, facts)


def _function(found: Terms, t: Symbol, period: Expr, facts: Facts) -> Expr:
    field = Field([*continuous.letters(found.terms, found.impulses), period])
    poles = continuous.as_poles(field, found.terms, found.impulses)
    return continuous.written(poles, t, facts, (sympy.S.Zero, period))


def _sequence(found: Terms, reader: Reader, period: Expr) -> Expr:
    base = sequences.Base()
    field = base.field(found, also=[period])
    poles = sequences.as_poles(field, base, found)
    return sequences.written(poles, base, reader.t, reader.facts, (sympy.S.Zero, period))
