"""What activations are made of: Φ, e^(-x²/2) and log(1 + e^(-|x|)), each in the type of its argument, off by some ulps.

An activation multiplies them by a number and rounds again, so that what pairs would save is not worth their time. How
far they are off: test_elementary.py (float32, all numbers) and test_elementary_proof.py (float64).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .arithmetic import DOUBLE, SINGLE, Arithmetic, Number
from .coefficients import LOG_WIDE, LOG_WIDE_SHORT, NORMAL, NORMAL_SINGLE
from .exponential import exp_below, power_of_e, scaled_down

__all__ = ["TURN", "bell", "log1p_exp", "log1p_reduced", "normal", "tail", "turned"]

TURN = 5.0  # of the variable of NORMAL


@dataclass(frozen=True)
class Kind:
    """The polynomials of a type, and a number from which on e^(-x²/2) is 0."""

    normal: Sequence[float]
    logarithm: Sequence[float]
    far: float


KINDS = {SINGLE: Kind(NORMAL_SINGLE, LOG_WIDE_SHORT, 14.5), DOUBLE: Kind(NORMAL, LOG_WIDE, 39.0)}


def _bell(m: Arithmetic, size: Number) -> tuple[Number, Number]:
    """e^(-x²/2) = y·2^n, the square with all its digits"""
    square, rest = m.square(size)
    return power_of_e(m, square * -0.5, rest * 0.5)


def bell(m: Arithmetic, x: Number) -> Number:
    """e^(-x²/2)"""
    n, y = _bell(m, m.at_most(m.magnitude(x), KINDS[m.format].far))
    return scaled_down(m, y, n)


def turned(size: Number) -> tuple[Number, Number]:
    """1/(x + 5), and t = (x - 5)/(x + 5), which is exact at 0, where the polynomial is steep"""
    over = 1.0 / (size + TURN)
    return over, size * 2.0 * over - 1.0


def tail(m: Arithmetic, over: Number, t: Number, power: Number) -> Number:
    """Φ(-x) = e^(-x²/2)·P(t)/(x + 5), for x ≥ 0 and that power of e"""
    return power * (m.polynomial(KINDS[m.format].normal, t) * over)


def normal(m: Arithmetic, x: Number) -> Number:
    """Φ(x), the distribution function of a standard normal variable; Φ(x) = 1 - Φ(-x)"""
    size = m.at_most(m.magnitude(x), KINDS[m.format].far)
    n, y = _bell(m, size)
    below = scaled_down(m, tail(m, *turned(size), y), n)
    return m.select(x < 0.0, below, 1.0 - below)


def log1p_exp(m: Arithmetic, x: Number) -> Number:
    """log(1 + e^(-|x|))"""
    return log1p_reduced(m, exp_below(m, -m.magnitude(x)), KINDS[m.format].logarithm)


def log1p_reduced(m: Arithmetic, f: Number, coefficients: Sequence[float]) -> Number:
    """log(1 + f) = 2s + s³·L(s²) = f - s·(f - s²·L(s²)) for 0 ≤ f ≤ 1 and s = f/(2 + f)"""
    s = f / (f + 2.0)
    z = s * s
    return f - s * (f - z * m.polynomial(coefficients, z))
