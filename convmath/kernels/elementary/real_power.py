"""x^y = exp(y·log x) for x ≥ 0, with a logarithm as a pair, since its error counts y-fold."""

from __future__ import annotations

import math

from .arithmetic import ONE, Arithmetic, Number
from .exponential import LEAST, MOST, exp_reduced, exp_short, parts_of_two_to, reduced
from .logarithm import log_short, log_terms

__all__ = ["power", "power_short"]


def power(m: Arithmetic, x: Number, exponent: float) -> Number:
    # beyond 2^70 there is no other result than 0, 1 and ∞
    limited = max(-(2.0**70), min(exponent, 2.0**70))
    high, low = m.multiplied(m.extended(*log_terms(m, x)), (limited, 0.0))
    n, r, rest = reduced(m, m.between(high, LEAST, MOST))
    first, second = parts_of_two_to(m, n)
    low = m.between(low, -(2.0**-40), 2.0**-40)  # where it is more, high was far outside
    return _ends(m, x, exponent, exp_reduced(m, r, rest - low) * first * second)


def power_short(m: Arithmetic, x: Number, exponent: float) -> Number:
    """For numbers that came from float32 and go back to it."""
    return _ends(m, x, exponent, exp_short(m, log_short(m, x) * exponent))


def _ends(m: Arithmetic, x: Number, exponent: float, y: Number) -> Number:
    """y between 0 and ∞, and what it tends to there; no number below. Everything to the power 0 is 1."""
    if exponent == 0:
        return m.from_bits((m.bits(x) & 0) | ONE)
    small, large = (0.0, math.inf) if exponent > 0 else (math.inf, 0.0)
    y = m.select(x <= 0.0, small, m.select(x < math.inf, y, m.select(x > 0.0, large, x)))
    return m.select(x < 0.0, math.nan, y)
