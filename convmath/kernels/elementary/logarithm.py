"""log and log1p. Both start with x = 2^k·(1 + f), √½ ≤ 1 + f < √2, and s = f/(2 + f):

log(1 + f) = log((1 + s)/(1 - s)) = 2s + s³·L(s²) = f - f²/2 + s·(f²/2 + s²·L(s²))

The last form loses nothing to the rounding of s, for f is exact. It is that of fdlibm (Sun Microsystems, 1993); here
f²/2 is exact too. Functions that end in _short are for numbers that came from float32 and go back to it.
"""

from __future__ import annotations

import math

from .arithmetic import DOUBLE, Arithmetic, Number, Pair
from .coefficients import LN2, LN2_HIGH, LN2_LOW, LOG, LOG_SHORT

__all__ = ["log", "log1p", "log1p_short", "log_reduced", "log_short", "log_terms"]

FRACTION, ONE = DOUBLE.fraction, DOUBLE.one
ROOT = 0x3FE6A09E667F3BCD  # the bits of √½
MANY = 0x4330000000000000  # and of 2^52, whose low bits count by 1
BIASED = 2.0**52 + 1023
NORMAL = 2.0**-1022


def _split(m: Arithmetic, x: Number) -> tuple[Number, Number, Number]:
    """k + 1023 as an integer, k as a float, and 1 + f; x is a positive normal number"""
    moved = m.bits(x) + (ONE - ROOT)
    n = moved >> FRACTION
    return n, m.from_bits(n | MANY) - BIASED, m.from_bits((moved & ((1 << FRACTION) - 1)) + ROOT)


def _ends(m: Arithmetic, x: Number, y: Number) -> Number:
    """y between 0 and ∞, and there -∞ and ∞; no number below, nor where x is none"""
    y = m.select(x <= 0.0, -math.inf, m.select(x < math.inf, y, x))
    return m.select(x < 0.0, math.nan, y)


def log_reduced(m: Arithmetic, k: Number, f: Number, rest: Number) -> tuple[Pair, Number]:
    """k·log 2 + log(1 + f) + rest, as an exact sum and one that is small beside it"""
    s = f / (f + 2.0)
    z = s * s
    total = m.added(m.ordered_sum(k * LN2_HIGH, f), m.scaled(m.exact_product(f, f), -0.5))
    small = s * (f * f * 0.5 + z * m.polynomial(LOG, z))
    return total, small + (k * LN2_LOW + rest)


def log_terms(m: Arithmetic, x: Number) -> tuple[Pair, Number]:
    """log x for a positive finite x, as `log_reduced` has it"""
    tiny = x < NORMAL
    _, k, factor = _split(m, m.select(tiny, x * 2.0**54, x))
    return log_reduced(m, m.select(tiny, k - 54.0, k), factor - 1.0, 0.0)


def log(m: Arithmetic, x: Number) -> Number:
    return _ends(m, x, m.rounded(*log_terms(m, x)))


def log1p(m: Arithmetic, x: Number) -> Number:
    """log(1 + x), and x itself where it is so near to 0 that nothing else is nearer"""
    total, lost = m.exact_sum(x, 1.0)
    n, k, factor = _split(m, total)
    # what the sum has lost counts relative to it; where k = 0 nothing need be lost, for f = x
    lost = lost * m.from_bits((2047 - n) << FRACTION) * 0.5 / factor
    shifted = k * k > 0.0
    y = m.rounded(*log_reduced(m, k, m.select(shifted, factor - 1.0, x), m.select(shifted, lost, 0.0)))
    return m.select(m.magnitude(x) < 2.0**-54, x, _ends(m, total, y))


# --- float32, in float64 ------------------------------------------------------------------------------------------


def _reduced_short(m: Arithmetic, k: Number, f: Number) -> Number:
    s = f / (f + 2.0)
    z = s * s
    return k * LN2 + (s * 2.0 + s * (z * m.polynomial(LOG_SHORT, z)))


def log_short(m: Arithmetic, x: Number) -> Number:
    _, k, factor = _split(m, x)
    return _ends(m, x, _reduced_short(m, k, factor - 1.0))


def log1p_short(m: Arithmetic, x: Number) -> Number:
    total = x + 1.0
    _, k, factor = _split(m, total)
    y = _reduced_short(m, k, m.select(k * k > 0.0, factor - 1.0, x))
    return m.select(m.magnitude(x) < 2.0**-40, x, _ends(m, total, y))
