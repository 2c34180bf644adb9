"""exp and what is made of it. All start with x = k·log 2 + r, |r| ≤ log(2)/2 and a little: exp x = 2^k·exp r.

W. J. Cody and W. Waite, Software Manual for the Elementary Functions, 1980: log 2 is two floats, the first so short
that x - k·LN2_HIGH is exact. Functions that end in _short are for numbers that came from float32 and go back to it. exp
itself is the same for both types, each with its numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

from .arithmetic import DOUBLE, SINGLE, Arithmetic, Number, Pair
from .coefficients import (
    EXP,
    EXP_DOUBLE,
    EXP_SHORT,
    EXP_SINGLE,
    LN2,
    LN2_HIGH,
    LN2_LOW,
    LN2_SINGLE,
    LN2_SINGLE_LOW,
    LOG2E,
)

__all__ = [
    "exp",
    "exp_below",
    "exp_reduced",
    "exp_short",
    "exp_small",
    "exp_tail",
    "expm1",
    "expm1_short",
    "parts_of_two_to",
    "power_of_e",
    "reduced",
    "reduced_short",
    "scaled_down",
    "sigmoid",
    "sigmoid_short",
    "tanh",
    "tanh_short",
    "two_to",
]

# exp is 0 in float64 below the first, and infinite above the second
LEAST, MOST = -746.0, 710.0


# --- reduction ----------------------------------------------------------------------------------------------------


def _whole(m: Arithmetic, x: Number) -> tuple[Number, Number]:
    """The nearest whole number, as a float and as an integer."""
    shifted = x + m.format.whole
    return shifted - m.format.whole, m.bits(shifted) - m.format.whole_bits


def reduced(m: Arithmetic, x: Number) -> tuple[Number, Number, Number]:
    """x = k·log 2 + r - low: k as an integer, r exact"""
    k, n = _whole(m, x * LOG2E)
    return n, x - k * LN2_HIGH, k * LN2_LOW


def reduced_short(m: Arithmetic, x: Number) -> tuple[Number, Number]:
    """2^k, where it is a normal number, and exp(r) - 1"""
    k, n = _whole(m, x * LOG2E)
    r = x - k * LN2
    return two_to(m, n), r + r * r * m.polynomial(EXP_SHORT, r)


def two_to(m: Arithmetic, n: Number) -> Number:
    """2^n, a normal number"""
    return m.from_bits((n << m.format.fraction) + m.format.one)


def parts_of_two_to(m: Arithmetic, n: Number) -> tuple[Number, Number]:
    """Two powers of two whose product is 2^n: what is multiplied by one after the other is rounded once"""
    half = n >> 1
    return two_to(m, half), two_to(m, n - half)


def exp_tail(m: Arithmetic, r: Number, low: Number) -> Number:
    """exp(r - low) - 1 - r, for a low so small that its square is nothing"""
    tail = r * r * 0.5 + cubic(m, r)  # where the tail stands beside 1, a rounded r² will do
    return tail - (low + low * (r + tail))


def cubic(m: Arithmetic, r: Number) -> Number:
    """exp(r) - 1 - r - r²/2"""
    return r * r * (r * m.polynomial(EXP, r))


def exp_pair(m: Arithmetic, r: Number, low: Number) -> Pair:
    """exp(r - low), with r² exact"""
    third = cubic(m, r)
    total = m.added(m.ordered_sum(1.0, r), m.scaled(m.exact_product(r, r), 0.5))
    return m.extended(total, third - low * (r * r * 0.5 + third + (r + 1.0)))


# --- exp of both types --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """log 2 as two numbers, of which k·high is exact, the polynomial, and where exp is 0 and where infinite.

    2^`lift` times a power of e is a normal number down to there.
    """

    high: float
    low: float
    terms: tuple[float, ...]
    least: float
    most: float
    lift: int


KINDS = {
    SINGLE: Kind(LN2_SINGLE, LN2_SINGLE_LOW, EXP_SINGLE, -104.0, 89.0, 64),
    DOUBLE: Kind(LN2_HIGH, LN2_LOW, EXP_DOUBLE, LEAST, MOST, 512),
}


def power_of_e(m: Arithmetic, x: Number, beside: Number = 0.0) -> tuple[Number, Number]:
    """e^(x - beside) = y·2^n"""
    of = KINDS[m.format]
    k, n = _whole(m, x * LOG2E)
    return n, exp_small(m, (x - k * of.high) - (k * of.low + beside))


def exp_small(m: Arithmetic, r: Number) -> Number:
    return m.rounded(m.ordered_sum(1.0, r), r * r * m.polynomial(KINDS[m.format].terms, r))


def scaled_down(m: Arithmetic, y: Number, n: Number) -> Number:
    """y·2^n, for a y near 1 and an n that is hardly above 0"""
    lift = KINDS[m.format].lift
    return y * two_to(m, n + lift) * 2.0**-lift


def exp(m: Arithmetic, x: Number) -> Number:
    of = KINDS[m.format]
    n, y = power_of_e(m, m.between(x, of.least, of.most))
    first, second = parts_of_two_to(m, n)
    return y * first * second


def exp_below(m: Arithmetic, x: Number) -> Number:
    """exp, with the same bits, for an x that is hardly above 0"""
    n, y = power_of_e(m, m.at_least(x, KINDS[m.format].least))
    return scaled_down(m, y, n)


# --- float64 ------------------------------------------------------------------------------------------------------


def exp_reduced(m: Arithmetic, r: Number, low: Number) -> Number:
    return m.rounded(m.ordered_sum(1.0, r), exp_tail(m, r, low))


def expm1(m: Arithmetic, x: Number) -> Number:
    """exp(x) - 1, and x itself where it is so near to 0 that nothing else is nearer"""
    n, r, low = reduced(m, m.between(x, -40.0, MOST))
    y = expm1_reduced(m, two_to(m, n - 1), r, low)
    return m.select(m.magnitude(x) < 2.0**-54, x, y)


def expm1_reduced(m: Arithmetic, half: Number, r: Number, low: Number) -> Number:
    """2·(h·exp(r - low) - 1/2), h half of 2^k, which itself may be too large"""
    third = cubic(m, r)
    total = m.increased(m.exact_sum(half, -0.5), half * r)
    total = m.added(total, m.scaled(m.exact_product(r, r), half * 0.5))
    return m.rounded(total, half * (third - low * (r * r * 0.5 + third + (r + 1.0)))) * 2.0


def tanh(m: Arithmetic, x: Number) -> Number:
    """(1 - e)/(1 + e), e = exp(-2|x|), and x itself where x³/3 is less than its rounding"""
    size = m.magnitude(x)
    n, r, low = reduced(m, m.between(size * -2.0, -40.0, 0.0))
    y = tanh_reduced(m, two_to(m, n), r, low)
    return m.select(size < 2.0**-27, x, m.select(x < 0.0, -y, y))


def tanh_reduced(m: Arithmetic, p: Number, r: Number, low: Number) -> Number:
    """e = p·exp(r - low)"""
    head, tail = p * r, p * exp_tail(m, r, low)
    below = m.extended(m.increased(m.ordered_sum(1.0, -p), -head), -tail)
    above = m.extended(m.increased(m.ordered_sum(1.0, p), head), tail)
    return m.rounded(m.divided(below, above))


def sigmoid(m: Arithmetic, x: Number) -> Number:
    """1/(1 + e), e = exp(-|x|), or e over that for a negative x"""
    n, r, low = reduced(m, m.between(-m.magnitude(x), LEAST, 0.0))
    first, second = parts_of_two_to(m, n)
    e, negative = exp_pair(m, r, low), x < 0.0
    y = sigmoid_reduced(m, m.selected(negative, e, (1.0, 0.0)), e, first * second)
    return m.select(negative, y * first * second, y)


def sigmoid_reduced(m: Arithmetic, above: Pair, e: Pair, p: Number) -> Number:
    """above/(1 + p·e)"""
    e = m.scaled(e, p)
    below = m.added(m.ordered_sum(1.0, 0.0), e)
    return m.rounded(m.divided(above, below))


# --- float32, in float64 ------------------------------------------------------------------------------------------


def exp_short(m: Arithmetic, x: Number) -> Number:
    p, rest = reduced_short(m, m.between(x, -110.0, 100.0))
    return p * (1.0 + rest)


def expm1_short(m: Arithmetic, x: Number) -> Number:
    p, rest = reduced_short(m, m.between(x, -40.0, 100.0))
    return m.select(m.magnitude(x) < 2.0**-40, x, (p - 1.0) + p * rest)


def tanh_short(m: Arithmetic, x: Number) -> Number:
    size = m.magnitude(x)
    p, rest = reduced_short(m, m.between(size * -2.0, -40.0, 0.0))
    y = ((1.0 - p) - p * rest) / ((1.0 + p) + p * rest)
    return m.select(size < 2.0**-20, x, m.select(x < 0.0, -y, y))


def sigmoid_short(m: Arithmetic, x: Number) -> Number:
    p, rest = reduced_short(m, m.between(-m.magnitude(x), -110.0, 0.0))
    e = p * (1.0 + rest)
    return m.select(x < 0.0, e, 1.0) / (1.0 + e)
