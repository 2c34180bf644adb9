"""Convolution by quadrature and by summation, which know of a function only where it breaks and how it grows.

They share nothing with the library: functions are evaluated by NumPy, integrals are SciPy's.
"""

from __future__ import annotations

import itertools
import random
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import scipy.integrate
import scipy.special
from sympy import Symbol

from convmath.signals.types import Expr, sympy

from .drawn import Signal, t

__all__ = ["Numeric", "Unknown", "at_points", "converges", "convolved", "quad", "summed"]

Values = Mapping[Symbol, Expr]
MODULES: list[Any] = [
    {
        "Heaviside": lambda x, at_0=0.5: np.heaviside(x, at_0),
        "KroneckerDelta": lambda i, j: np.equal(i, j) * 1.0,
        "binomial": scipy.special.binom,
        "factorial": scipy.special.factorial,
    },
    "scipy",
    "numpy",
]


class Unknown(Exception):
    """A quadrature that says itself that it is not good enough."""


class Numeric:
    """A drawn function at values of its parameters."""

    def __init__(self, signal: Signal, values: Values, variable: Symbol = t):
        self.signal, self.values, self.variable = signal, values, variable
        regular = signal.expression.replace(sympy.DiracDelta, lambda *_: sympy.S.Zero).xreplace(dict(values))
        self._regular, self._derivatives = regular, {}
        self.breaks = [float(b.xreplace(dict(values))) for b in signal.breaks]
        self.low, self.high = (self._end(x) for x in (signal.low, signal.high))
        self.left, self.right = (self._end(x) for x in (signal.left, signal.right))
        self.impulses = [
            (float(c.xreplace(dict(values))), float(at.xreplace(dict(values))), order)
            for c, at, order in signal.impulses
        ]
        self.vanishes = regular == 0
        self.slow = signal.falls > 0 and not signal.breaks

    def _end(self, x: Expr) -> float:
        return float(sympy.sympify(x).xreplace(dict(self.values)))

    def derivative(self, order: int) -> Callable[[Any], Any]:
        if order not in self._derivatives:
            e = sympy.diff(self._regular, self.variable, order) if order else self._regular
            e = e.replace(sympy.DiracDelta, lambda *_: sympy.S.Zero)
            self._derivatives[order] = sympy.lambdify(self.variable, e, MODULES)
        return self._derivatives[order]

    def __call__(self, x: Any) -> Any:
        with np.errstate(all="ignore"):
            return self.derivative(0)(x)


def converges(f: Numeric, g: Numeric) -> bool | None:
    """Whether ∫ f(τ) g(t - τ) dτ exists; None where a wave that falls slowly may have an integral or none."""
    waves = any(h.signal.expression.has(sympy.sin, sympy.cos, sympy.sinc) for h in (f, g))
    for one, two in ((f, g), (g, f)):  # one towards ∞ meets two towards -∞
        if one.vanishes or two.vanishes or one.high < np.inf or two.low > -np.inf:
            continue
        falls = one.signal.falls + two.signal.falls
        if one.right == two.left and waves and -1 < falls <= 1:
            return None
        if one.right > two.left or (one.right == two.left and falls <= 1):
            return False
    return True


def convolved(f: Numeric, g: Numeric, at: float) -> float:
    """(f ∗ g)(at) where no impulse meets another."""
    total = 0.0
    for one, two in ((f, g), (g, f)):
        for c, place, order in one.impulses:
            with np.errstate(all="ignore"):
                if two.low < at - place < two.high:
                    total += c * float(two.derivative(order)(np.float64(at - place)))
    if f.vanishes or g.vanishes:
        return total
    low, high = max(f.low, at - g.high), min(f.high, at - g.low)
    if not low < high:
        return total

    def integrand(x: Any) -> Any:
        return f(x) * g(at - x)

    if f.slow and g.slow:
        return total + _slow(integrand, at)
    breaks = {*f.breaks, *(at - b for b in g.breaks)}
    middle = [0.0, at] if low == -np.inf or high == np.inf else []  # where functions without breaks have their bulk
    ends = [low, *sorted({x for x in (*breaks, *middle) if low < x < high}), high]
    return total + sum(_between(integrand, *pair) for pair in itertools.pairwise(ends))


NEAR = 6.0  # the width of what one quadrature sees


def _between(integrand: Callable[[Any], Any], low: float, high: float) -> float:
    if high == np.inf:
        return quad(integrand, low, low + NEAR) + _far(integrand, low + NEAR, 1)
    if low == -np.inf:
        return quad(integrand, high - NEAR, high) + _far(integrand, high - NEAR, -1)
    # so many that what oscillates, or has a bulk somewhere, is met
    cuts = np.linspace(low, high, int((high - low) / NEAR) + 2)
    return sum(quad(integrand, *pair) for pair in itertools.pairwise(cuts))


def _far(integrand: Callable[[Any], Any], start: float, sign: int) -> float:
    """A tail, by steps until they are nothing beside the rest; what falls as a power is left to one quadrature."""
    total, small, step = 0.0, 0, NEAR
    for _ in range(25):
        end = start + sign * step
        part = quad(integrand, min(start, end), max(start, end))
        total, start, step = total + part, end, min(1.2 * step, 10 * NEAR)
        small = small + 1 if abs(part) <= 1e-13 * (1 + abs(total)) else 0
        if small == 3:
            return total
    return total + quad(integrand, *((start, np.inf) if sign > 0 else (-np.inf, start)))


def quad(integrand: Callable[[Any], Any], low: float, high: float) -> float:
    """∫ from one point to another, with x = low + (high - low)·s³(10 - 15s + 6s²) where both are finite: what is as
    t^{-2/3} at an end is bounded in s.
    """
    if np.isfinite(low) and np.isfinite(high):
        plain, start, width = integrand, low, high - low

        def integrand(s: Any) -> Any:
            return plain(start + width * s**3 * (10 - 15 * s + 6 * s**2)) * 30 * width * (s * (1 - s)) ** 2

        low, high = 0.0, 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value, error, *_ = scipy.integrate.quad(
            integrand, low, high, limit=200, epsabs=1e-12, epsrel=1e-10, full_output=1
        )
    if not np.isfinite(value) or error > 1e-7 * (1 + abs(value)):
        raise Unknown(f"the error may be {error}")
    return value


NODES, WEIGHTS = np.polynomial.legendre.leggauss(12)


def _slow(integrand: Callable[[Any], Any], at: float) -> float:
    """∫ of what is smooth and falls as a power: with smooth ends at ±L, and the rest in powers of 1/L extrapolated."""
    lengths = [100.0 * 2**k for k in range(5)]
    edges = np.arange(-lengths[-1], lengths[-1], 0.5) + 0.0123 + at / 2
    x = (edges[:, None] + 0.25 * (1 + NODES)).ravel()
    values = integrand(x) * np.tile(WEIGHTS * 0.25, len(edges))
    distance = np.abs(x - at / 2)
    row = [float((values * _faded(distance / length)).sum()) for length in lengths]
    while len(row) > 2:
        order = len(lengths) - len(row) + 1
        row = [b + (b - a) / (2**order - 1) for a, b in itertools.pairwise(row)]
    if not abs(row[1] - row[0]) <= 1e-7 * (1 + abs(row[1])):
        raise Unknown("the extrapolation does not settle")
    return row[1]


def _faded(x: np.ndarray) -> np.ndarray:
    """1 up to ⅓, 0 from 1 on: the regularised incomplete beta function between."""
    return 1 - scipy.special.betainc(12, 12, np.clip((3 * x - 1) / 2, 0, 1))


def at_points(f: Numeric, g: Numeric, draw: random.Random, most: int = 8) -> list[Any]:
    """One point between each two break points of the result, and some beyond; of sequences, indices around them."""
    if f.variable.is_integer:
        marks = {int(x + y) + k for x in (f.breaks or [0]) for y in (g.breaks or [0]) for k in (-2, -1, 0, 1, 4)}
        return sorted(draw.sample(sorted(marks), min(len(marks), 2 * most)))
    breaks = sorted({round(x + y, 9) for x in (f.breaks or [0.0]) for y in (g.breaks or [0.0])})
    if len(breaks) > most:
        breaks = sorted(draw.sample(breaks, most))
    inner = [a + (b - a) * draw.uniform(0.15, 0.85) for a, b in itertools.pairwise(breaks)]
    beyond = [breaks[0] - draw.uniform(0.2, 2.0), breaks[-1] + draw.uniform(0.2, 1.0), breaks[-1] + draw.uniform(1, 4)]
    return [*inner, *beyond]


FAR = 300  # terms to either side; what is summed falls at least as 0.9^k


def summed(f: Numeric, g: Numeric, at: int) -> complex:
    """Σ_k f[k] g[at - k], over all k where both may be other than 0."""
    low, high = max(f.low, at - g.high), min(f.high, at - g.low)
    terms = [f(np.float64(k)) * g(np.float64(at - k)) for k in range(int(max(low, -FAR)), int(min(high, FAR)) + 1)]
    total = complex(np.sum(terms))
    ends = [terms[0]] * (low < -FAR) + [terms[-1]] * (high > FAR) if terms else []
    if not np.isfinite(total) or any(abs(term) > 1e-9 * (1 + abs(total)) for term in ends):
        raise Unknown("the sum does not end")
    return total
