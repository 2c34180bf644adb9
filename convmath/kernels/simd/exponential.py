"""exp and the distribution functions that it gives, as fast as vectors are: in their own type, with fused products.

x = n·log 2 + r as in `kernels.elementary`, whose polynomials these use; log 2 is two numbers, and a fused product loses
nothing of the first. exp is off by less than 1 ulp where it is a normal number (measured on all of float32 by
`python -m tests.bench.elementary`), and where it is not, by one more rounding. An exact kernel takes the exponential of
`kernels.elementary`, which has the same bits everywhere; so does an exact Φ.
"""

from __future__ import annotations

from dataclasses import dataclass

from convmath.kernels.elementary import inside
from convmath.kernels.elementary.coefficients import (
    EXP,
    EXP_SHORT,
    LN2,
    LN2_HIGH,
    LN2_LOW,
    LOG2E,
    LOG_WIDE,
    LOG_WIDE_SHORT,
    NORMAL,
    NORMAL_SINGLE,
)
from convmath.kernels.elementary.gates import TURN

from .builder import Builder, Value

__all__ = ["exp", "log1p", "log1p_exp", "normal", "sigmoid"]


@dataclass(frozen=True)
class Kind:
    """A floating type: bits of its fraction, bias of its exponent, log 2 as two numbers.

    exp is 0 below `least`; 2^`lift` times a power of e down to there is a normal number. `terms` are the coefficients
    of exp(r) from r² on, `tail` those of Φ, `logarithm` those of log.
    """

    fraction: int
    bias: int
    high: float
    low: float
    least: float
    lift: int
    terms: tuple[float, ...]
    tail: tuple[float, ...]
    logarithm: tuple[float, ...]


LN2_SHORT = 0.693359375  # the first ten places of log 2 behind the point
KINDS = {
    "f4": Kind(23, 127, LN2_SHORT, LN2 - LN2_SHORT, -104.0, 64, EXP_SHORT, NORMAL_SINGLE, LOG_WIDE_SHORT),
    "f8": Kind(52, 1023, LN2_HIGH, LN2_LOW, -746.0, 512, (0.5, *EXP), NORMAL, LOG_WIDE),
}


def exp(k: Builder, x: Value) -> Value:
    """e^x for an x that is hardly above 0: all powers here are of what lies below a greatest number

    It is right up to 2^63, and 2^511 in float64.
    """
    if k.exact:
        return inside(k, "exp_below", x)
    of = KINDS[k.dtype]
    x = k.select(x < of.least, k.splat(of.least), x)
    # what is added to a small number is rounded to a whole one, which the low bits of the sum are
    whole = k.splat(1.5 * 2.0**of.fraction)
    shifted = k.multiply_add(x, k.splat(LOG2E), whole)
    n, many = k.bits(shifted) - k.bits(whole), shifted - whole
    r = k.multiply_add(many, k.splat(-of.low), k.multiply_add(many, k.splat(-of.high), x))
    y = k.multiply_add(r * r, _polynomial(k, of.terms, r), r) + 1.0
    # 2^n may be too small for a normal number
    return y * k.from_bits((n + (of.lift + of.bias)) << of.fraction) * 2.0**-of.lift


def _polynomial(k: Builder, coefficients: tuple[float, ...], x: Value) -> Value:
    *rest, last = coefficients
    p = k.splat(last)
    for coefficient in reversed(rest):
        p = k.multiply_add(p, x, k.splat(coefficient))
    return p


def sigmoid(k: Builder, x: Value) -> Value:
    """1/(1 + e^(-x)); e^x/(1 + e^x) for a negative x, so that nothing cancels"""
    e = exp(k, -k.of_kind("fabs", x))
    return k.select(x < 0.0, e, k.splat(1.0)) / (e + 1.0)


def log1p(k: Builder, x: Value) -> Value:
    """log(1 + x) for 0 ≤ x ≤ 1: log((1 + s)/(1 - s)), s = x/(2 + x); off by less than 3 ulp (on all of float32)"""
    s = x / (x + 2.0)
    z = s * s
    return k.multiply_add(s * z, _polynomial(k, KINDS[k.dtype].logarithm, z), s + s)


def log1p_exp(k: Builder, x: Value) -> Value:
    """log(1 + e^(-|x|))"""
    return inside(k, "log1p_exp", x) if k.exact else log1p(k, exp(k, -k.of_kind("fabs", x)))


def normal(k: Builder, x: Value) -> tuple[Value, Value]:
    """Φ(x), the distribution function of a standard normal variable, and e^(-x²/2), as `elementary.gates` has them

    Where numbers are normal Φ is off by less than 7 ulp in float32 (measured on all of it), and 16 in float64 (on a
    sample). On a processor that does not fuse products the square is rounded, which counts x²-fold: x² ulp more for
    x < 0.
    """
    if k.exact:
        return inside(k, "normal", x), inside(k, "bell", x)
    negative = x * -0.5
    square = negative * x
    # what the square was rounded by is more than that of the exponential where x is large
    e = exp(k, square)
    e = k.multiply_add(k.multiply_add(negative, x, -square), e, e)
    size = k.of_kind("fabs", x)
    over = k.splat(1.0) / (size + TURN)
    t = k.multiply_add(size + size, over, k.splat(-1.0))
    tail = e * (_polynomial(k, KINDS[k.dtype].tail, t) * over)
    return k.select(x < 0.0, tail, 1.0 - tail), e
