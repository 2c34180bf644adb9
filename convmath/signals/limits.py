"""Where two functions on intervals overlap.

The integral over τ, with τ in the one interval and t - τ in the other, as signed integrals from one limit to another,
each for an interval of t. No order of break points is asked for: parts that begin at a point meet at the sum of their
points.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from sympy import Symbol, oo

from .types import Expr, sympy

__all__ = ["limits"]


def limits(f: tuple[Expr, Expr], g: tuple[Expr, Expr], t: Symbol) -> Iterable[tuple[int, Expr, Expr, Expr, Expr]]:
    """∫ over τ in f with t - τ in g, as signed integrals from one limit to another, each on an interval of t.

    Where it can be, limits are finite, so that an interval meets anything.
    """
    (a, b), (c, d) = f, g
    if _bounded(f) and (c, d) == (-oo, oo):
        yield 1, a, b, -oo, oo
    elif _bounded(g) and (a, b) == (-oo, oo):
        yield 1, t - d, t - c, -oo, oo
    else:
        toward = -1 if (_bounded(f) and c is -oo) or (_bounded(g) and a is -oo) else 1
        for (sign, side, x), (other, that, y) in itertools.product(_halves(f, toward), _halves(g, toward)):
            yield from _half_limits(sign * other, side, x, that, y, t)


def _bounded(ends: tuple[Expr, Expr]) -> bool:
    return not (ends[0].is_infinite or ends[1].is_infinite)


def _halves(ends: tuple[Expr, Expr], toward: int) -> list[tuple[int, int, Expr]]:
    """Signs, sides (1 from a point on, -1 up to it, 0 the line) and points."""
    low, high = ends
    if low is -oo and high is oo:
        return [(1, 0, sympy.S.Zero)]
    if low is -oo:
        return [(1, -1, high)]
    if high is oo:
        return [(1, 1, low)]
    return [(1, 1, low), (-1, 1, high)] if toward > 0 else [(1, -1, high), (-1, -1, low)]


def _half_limits(
    sign: int, side: int, x: Expr, that: int, y: Expr, t: Symbol
) -> Iterable[tuple[int, Expr, Expr, Expr, Expr]]:
    at = sympy.expand(x + y)
    match side, that:
        case 0, 0:
            yield sign, -oo, oo, -oo, oo
        case 0, 1:
            yield sign, -oo, t - y, -oo, oo
        case 0, -1:
            yield sign, t - y, oo, -oo, oo
        case 1, 0:
            yield sign, x, oo, -oo, oo
        case -1, 0:
            yield sign, -oo, x, -oo, oo
        case 1, 1:
            yield sign, x, t - y, at, oo
        case -1, -1:
            yield sign, t - y, x, -oo, at
        case 1, -1:
            yield sign, x, oo, -oo, at
            yield sign, t - y, oo, at, oo
        case _:
            yield sign, -oo, t - y, -oo, at
            yield sign, -oo, x, at, oo
