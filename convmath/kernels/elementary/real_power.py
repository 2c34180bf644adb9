"""x^y = exp(y·log x) for x ≥ 0, with a logarithm as a pair, since its error counts y-fold."""

from __future__ import annotations

import math

from .arithmetic import Arithmetic, Number
from .exponential import LEAST, MOST, exp_reduced, exp_short, parts_of_two_to, reduced
from .logarithm import log_short, log_terms

__all__ = ["fixing", "power", "power_short"]


def fixing(exponent: float) -> tuple[float, float, float]:
    """What fixes a power: an exponent that is not 0, and what comes out at 0 and at ∞"""
    # beyond 2^70 there is no other result than 0, 1 and ∞
    limited = max(-(2.0**70), min(exponent, 2.0**70))
    return (limited, 0.0, math.inf) if exponent > 0 else (limited, math.inf, 0.0)


def power(m: Arithmetic, x: Number, exponent: Number, at_zero: Number, at_infinity: Number) -> Number:
    high, low = m.multiplied(m.extended(*log_terms(m, x)), (exponent, 0.0))
    n, r, rest = reduced(m, m.between(high, LEAST, MOST))
    first, second = parts_of_two_to(m, n)
    low = m.between(low, -(2.0**-40), 2.0**-40)  # where it is more, high was far outside
    return _ends(m, x, exp_reduced(m, r, rest - low) * first * second, at_zero, at_infinity)


def power_short(m: Arithmetic, x: Number, exponent: Number, at_zero: Number, at_infinity: Number) -> Number:
    """For numbers that came from float32 and go back to it."""
    return _ends(m, x, exp_short(m, log_short(m, x) * exponent), at_zero, at_infinity)


def _ends(m: Arithmetic, x: Number, y: Number, at_zero: Number, at_infinity: Number) -> Number:
    """y between 0 and ∞, and what it tends to there; no number below."""
    y = m.select(x <= 0.0, at_zero, m.select(x < math.inf, y, m.select(x > 0.0, at_infinity, x)))
    return m.select(x < 0.0, math.nan, y)
