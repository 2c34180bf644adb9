"""Which method convolves what in discrete time."""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import Any

from sympy import Symbol

from . import generating, sequences
from .facts import Facts
from .monomials import Monomial
from .pieces import Function, Impulse, Piece
from .poles import product
from .solve import Found
from .sums import expression
from .terms import Term, Terms, bounded, terms
from .types import Expr, sympy

__all__ = ["collected", "convolved"]

SHORT = 8  # values of a sequence that is taken value by value


def convolved(f: Function, g: Function, n: Symbol, facts: Facts) -> Found:
    """f ∗ g for two sequences in pieces."""
    left, right = collected(f, n, facts), collected(g, n, facts)
    if _needs_points(left, right):
        left, right = _as_points(left, n), _as_points(right, n)
    (plain, other), (straight, further) = _split(left), _split(right)
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


def collected(function: Function, n: Symbol, facts: Facts) -> Terms:
    """A sequence as terms on intervals, with binomials as polynomials where they are such."""
    found = terms(function, n)
    plain = tuple(part for term in found.terms for part in generating.plain(term, n, facts))
    return bounded(Terms(plain, found.impulses), facts)


def _needs_points(*both: Terms) -> bool:
    """Whether a short sequence meets what is no exponential, or a wave, whose partial fractions are long."""
    return any(not m.exponential or m.rate.has(sympy.I) for found in both for _, m in found.terms)


def _as_points(found: Terms, n: Symbol) -> Terms:
    """Short finite pieces as impulses."""
    kept: list[Term] = []
    short: dict[Piece, list[Monomial]] = defaultdict(list)
    for piece, monomial in found.terms:
        length = piece.high - piece.low
        if length.is_Integer and length <= SHORT:
            short[piece].append(monomial)
        else:
            kept.append((piece, monomial))
    points = list(found.impulses)
    for piece, inside in short.items():
        value, first = expression(inside, n), piece.low + sequences.HALF
        for k in range(int(piece.high - piece.low)):
            points.append(Impulse(value.subs(n, first + k), sympy.expand(first + k)))
    return Terms(tuple(kept), tuple(points))


def _split(found: Terms) -> tuple[Terms, list[Term]]:
    plain = tuple(term for term in found.terms if term[1].exponential)
    return Terms(plain, found.impulses), [term for term in found.terms if not term[1].exponential]


def _of_poles(left: Terms, right: Terms, n: Symbol, facts: Facts) -> tuple[Expr, list[Any], list[Any]]:
    base = sequences.Base()
    field = base.field(left, right)
    f, g = (sequences.as_poles(field, base, part) for part in (left, right))
    joined = product(f, g, facts)
    return sequences.written(joined.result, base, n, facts), list(joined.different), list(joined.converges)


def _moved(impulse: Impulse, term: Term, n: Symbol) -> Expr:
    """c·δ[n - a] ∗ φ"""
    piece, monomial = term
    value = impulse.coefficient * monomial.expression(n).subs(n, n - impulse.at)
    return value * sequences.window(piece.low + impulse.at, piece.high + impulse.at, n)
