"""exp and the logistic function as fast as vectors are: in their own type, with fused multiplications.

x = n·log 2 + r as in `kernels.elementary`, whose polynomials these use; log 2 is two numbers, and a fused product loses
nothing of the first. exp is off by less than 1 ulp where it is a normal number (measured on all of float32 by
`python -m tests.bench.elementary`), and where it is not, by one more rounding. An exact kernel takes the functions of
`kernels.elementary`, which have the same bits everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from convmath.kernels.elementary import emit
from convmath.kernels.elementary.coefficients import EXP, EXP_SHORT, LN2, LN2_HIGH, LN2_LOW, LOG2E

from .builder import Builder, Value

__all__ = ["exp", "sigmoid"]


@dataclass(frozen=True)
class Kind:
    """A floating type: bits of its fraction, bias of its exponent, log 2 as two numbers.

    exp is 0 below `least`, and ∞ above `most`; `terms` are the coefficients of exp(r) from r² on.
    """

    fraction: int
    bias: int
    high: float
    low: float
    least: float
    most: float
    terms: tuple[float, ...]


LN2_SHORT = 0.693359375  # the first ten places of log 2 behind the point
KINDS = {
    "f4": Kind(23, 127, LN2_SHORT, LN2 - LN2_SHORT, -104.0, 89.0, EXP_SHORT),
    "f8": Kind(52, 1023, LN2_HIGH, LN2_LOW, -746.0, 710.0, (0.5, *EXP)),
}


def exp(k: Builder, x: Value) -> Value:
    """e^x"""
    if k.exact:
        return emit(k, "exp", x)
    of = KINDS[k.dtype]
    x = k.select(x < of.least, k.splat(of.least), x)
    x = k.select(x > of.most, k.splat(of.most), x)
    # what is added to a small number is rounded to a whole one, which the low bits of the sum are
    whole = k.splat(1.5 * 2.0**of.fraction)
    shifted = k.multiply_add(x, k.splat(LOG2E), whole)
    n, many = k.bits(shifted) - k.bits(whole), shifted - whole
    r = k.multiply_add(many, k.splat(-of.low), k.multiply_add(many, k.splat(-of.high), x))
    *rest, last = of.terms
    p = k.splat(last)
    for coefficient in reversed(rest):
        p = k.multiply_add(p, r, k.splat(coefficient))
    y = k.multiply_add(r * r, p, r) + 1.0
    # two powers of two, for 2^n may be too large or too small by itself
    half = n >> 1
    return y * _power(k, half, of) * _power(k, n - half, of)


def _power(k: Builder, n: Value, of: Kind) -> Value:
    return k.from_bits((n + of.bias) << of.fraction)


def sigmoid(k: Builder, x: Value) -> Value:
    """1/(1 + e^(-x)); e^x/(1 + e^x) for a negative x, so that nothing cancels"""
    if k.exact:
        return emit(k, "sigmoid", x)
    e = exp(k, -k.of_kind("fabs", x))
    return k.select(x < 0.0, e, k.splat(1.0)) / (e + 1.0)
