"""Which method convolves what in discrete time."""

from __future__ import annotations

import itertools
from typing import Any

from sympy import Symbol

from . import generating, sequences
from .facts import Facts
from .pieces import Function, Impulse
from .poles import product
from .scalars import Field
from .solve import Found
from .terms import Term, Terms, terms
from .types import Expr

__all__ = ["convolved"]


def convolved(f: Function, g: Function, n: Symbol, facts: Facts) -> Found:
    """f ∗ g for two sequences in pieces."""
    left, right = terms(f, n), terms(g, n)
    parts = [_split(part) for part in (left, right)]
    (plain, other), (straight, further) = parts
    found, different, converges = _of_poles(plain, straight, n, facts)
    for impulse, term in (*itertools.product(plain.impulses, further), *itertools.product(straight.impulses, other)):
        found += _moved(impulse, term, n)
    pairs = itertools.chain(
        itertools.product(plain.terms, further),
        itertools.product(other, straight.terms),
        itertools.product(other, further),
    )
    for first, second in pairs:
        found += generating.joined(first, second, n, facts)
    return Found(found, different, converges)


def _split(found: Terms) -> tuple[Terms, list[Term]]:
    plain = tuple(term for term in found.terms if term[1].exponential)
    return Terms(plain, found.impulses), [term for term in found.terms if not term[1].exponential]


def _of_poles(left: Terms, right: Terms, n: Symbol, facts: Facts) -> tuple[Expr, list[Any], list[Any]]:
    base = sequences.Base()
    field = Field([*sequences.letters(left, base), *sequences.letters(right, base)])
    f, g = (sequences.as_poles(field, base, part) for part in (left, right))
    joined = product(f, g, facts)
    different = [(base.rate(x), base.rate(y)) for x, y in joined.different]
    return sequences.written(joined.result, base, n, facts), different, list(joined.converges)


def _moved(impulse: Impulse, term: Term, n: Symbol) -> Expr:
    """c·δ[n - a] ∗ φ"""
    piece, monomial = term
    value = impulse.coefficient * monomial.expression(n).subs(n, n - impulse.at)
    return value * sequences.window(piece.low + impulse.at, piece.high + impulse.at, n)
