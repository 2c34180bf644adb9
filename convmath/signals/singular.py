"""Where a function of a real variable is infinite, and whether it can be integrated there.

Every place at which an operation in an expression is not continuous is looked for: zeros below a bar, those of the
cosine for a tangent, of the argument of a logarithm. At each of them from each side |f(p ± x)| has to be less than
C·x^{ε-1} with an ε > 0; what is not found out counts as a place where it is not.

>>> import sympy
>>> t = sympy.Symbol("t", real=True)
>>> [integrable(f, t, 0, 2) for f in (sympy.tan(t), 1 / sympy.sqrt(t), sympy.exp(1 / t), sympy.exp(-1 / t))]
[False, True, False, True]
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sympy import Symbol
from sympy.core.function import AppliedUndef

from .types import Expr, sympy

__all__ = ["integrable"]

LESS = sympy.Rational(1, 32)  # than 1, the power of 1/x that can be integrated

CONTINUOUS = (
    *(sympy.exp, sympy.sin, sympy.cos, sympy.sinh, sympy.cosh, sympy.tanh, sympy.sech, sympy.sinc),
    *(sympy.atan, sympy.asinh, sympy.asin, sympy.acos, sympy.acosh, sympy.Abs, sympy.sign, sympy.re, sympy.im),
    *(sympy.erf, sympy.erfc, sympy.erfi, sympy.Si, sympy.Shi, sympy.fresnels, sympy.fresnelc, sympy.Heaviside),
    *(sympy.besselj, sympy.besseli, sympy.airyai, sympy.airybi, sympy.floor, sympy.ceiling, sympy.Max, sympy.Min),
    AppliedUndef,
)
# zeros of which of the argument's functions are singularities
SINGULAR = {
    sympy.log: lambda x: [x],
    sympy.tan: lambda x: [sympy.cos(x)],
    sympy.sec: lambda x: [sympy.cos(x)],
    sympy.cot: lambda x: [sympy.sin(x)],
    sympy.csc: lambda x: [sympy.sin(x)],
    sympy.coth: lambda x: [sympy.sinh(x)],
    sympy.csch: lambda x: [sympy.sinh(x)],
    sympy.acot: lambda x: [x],
    sympy.atanh: lambda x: [x - 1, x + 1],
    sympy.acoth: lambda x: [x - 1, x + 1],
    sympy.li: lambda x: [x, x - 1],
    sympy.Ei: lambda x: [x],
    sympy.Ci: lambda x: [x],
    sympy.Chi: lambda x: [x],
    sympy.bessely: lambda x: [x],
    sympy.besselk: lambda x: [x],
}


class _Unknown(Exception):
    """Singularities that are not found, or are too many."""


def integrable(f: Expr, t: Symbol, low: Expr, high: Expr) -> bool:
    """Whether it is known that a function can be integrated over every finite part of an interval, with its ends."""
    low, high = map(sympy.sympify, (low, high))
    try:
        places = {p for zero in _vanishing(f, t) for p in _zeros(zero, t, low, high)}
        return all(_weak(f, t, place, low, high) for place in places)
    except (_Unknown, ArithmeticError, AttributeError, NotImplementedError, TypeError, ValueError):
        return False  # SymPy's sets and limits know no other way to say that they do not know


def _vanishing(f: Expr, t: Symbol) -> Iterable[Expr]:
    """Expressions whose zeros are the only places where a function may not be continuous."""
    for e in sympy.preorder_traversal(f):
        if not e.has(t) or isinstance(e, sympy.Add | sympy.Mul | Symbol):
            continue
        if isinstance(e, sympy.Pow) and not e.exp.has(t):
            if not e.exp.is_extended_nonnegative:
                yield e.base
        elif isinstance(e, sympy.Pow):
            yield from (e.base,) if e.base.has(t) else ()
        elif type(e) in SINGULAR:
            yield from SINGULAR[type(e)](e.args[-1])
        elif not isinstance(e, CONTINUOUS) or any(order.has(t) for order in e.args[:-1]):
            raise _Unknown


def _zeros(e: Expr, t: Symbol, low: Expr, high: Expr) -> Iterable[Expr]:
    """The zeros that may lie in an interval."""
    if e.is_nonzero:
        return []
    found = sympy.solveset(e, t, sympy.S.Reals)
    if not _listed(found) and low.is_finite and high.is_finite and low.is_number and high.is_number:
        found = sympy.solveset(e, t, sympy.Interval(low, high))
    if not _listed(found):
        raise _Unknown
    while isinstance(found, sympy.Intersection):  # of what may not be real
        found = next(part for part in found.args if _listed(part))
    return found


def _listed(found: Any) -> bool:
    if isinstance(found, sympy.Intersection):
        return any(map(_listed, found.args))
    return isinstance(found, sympy.FiniteSet) or found is sympy.S.EmptySet


def _weak(f: Expr, t: Symbol, place: Expr, low: Expr, high: Expr) -> bool:
    """Whether a function is less than C·x^{ε-1} on both sides of a place, as far as they lie in an interval."""
    x = sympy.Dummy("x", positive=True)
    sides = [side for side, beyond in ((1, place - high), (-1, low - place)) if not beyond.is_extended_nonnegative]
    if any(end.is_extended_positive for end in (place - high, low - place)):
        return True
    return all(
        sympy.limit(x ** (1 - LESS) * f.subs(t, place + side * x), x, 0, "+") in (0, sympy.AccumBounds(0, 0))
        for side in sides
    )
