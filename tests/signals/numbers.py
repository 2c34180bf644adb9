"""Results in numbers: at points, integrated, and with something generic in the place of impulses."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import scipy.integrate
from sympy import Symbol

from convmath.signals.types import Expr, sympy

from .drawn import t
from .quadrature import MODULES

__all__ = ["function", "integral", "same", "spread", "value"]

CLOSE = 1e-9


def value(e: Expr, at: Mapping[Symbol, Any]) -> complex:
    """An expression at numbers, with as many digits as it needs; of an impulse δ^{(k)}(x) a wave that goes with k.

    Two sums of impulses are equal only if they are so with any function in the place of each.
    """
    exact = {x: number if isinstance(number, sympy.Basic) else sympy.Rational(number) for x, number in at.items()}
    e = e.replace(sympy.DiracDelta, lambda x, k=0: sympy.cos((k + sympy.Rational(13, 10)) * x + k + 1))
    return complex(e.xreplace(exact).evalf(15))


def same(one: Expr, two: Expr, values: Mapping[Symbol, Expr], points: Sequence[Any], x: Symbol = t) -> None:
    """Two expressions have the same numbers at all points."""
    for at in points:
        first, second = (value(e, {**values, x: at}) for e in (one, two))
        size = max(abs(first), abs(second))
        assert abs(first - second) <= CLOSE * (1 + size), f"{one} is {first} and {two} is {second} at {x} = {at}"


def function(e: Expr, values: Mapping[Symbol, Expr], x: Symbol = t) -> Callable[[Any], Any]:
    """The regular part as a NumPy function."""
    regular = e.replace(sympy.DiracDelta, lambda *_: sympy.S.Zero).xreplace(dict(values))
    found = sympy.lambdify(x, regular, MODULES)
    return lambda at: np.broadcast_to(found(at), np.shape(at))


def integral(f: Callable[[float], Any], breaks: Sequence[float], reach: float = 120.0) -> complex:
    """∫ f over the line, where f falls fast beyond its break points."""
    inner = sorted({float(b) for b in breaks})
    low, high = inner[0] - reach, inner[-1] + reach
    steps = [k for k in range(int(low), int(high) + 1, 4) if low < k < high]
    ends = sorted({low, *inner, *steps, high})
    total = 0.0
    for first, last in itertools.pairwise(ends):
        total += scipy.integrate.fixed_quad(f, first, last, n=24)[0]
    return complex(total)


def spread(breaks: Sequence[float], draw: random.Random, beyond: float = 1.5) -> list[float]:
    """One point between each two break points, and one on each side."""
    inner = sorted({float(b) for b in breaks}) or [0.0]
    between = [a + (b - a) * draw.uniform(0.2, 0.8) for a, b in itertools.pairwise(inner)]
    return [inner[0] - draw.uniform(0.3, beyond), *between, inner[-1] + draw.uniform(0.3, beyond)]
