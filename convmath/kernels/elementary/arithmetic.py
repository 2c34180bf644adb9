"""What the elementary functions are written in: IEEE's floats, bits of them, and unevaluated sums of two numbers.

`Arithmetic` is the interface. What it is given are numbers with + - * / < > and integers with + - & | << >>: arrays of
NumPy, or the vectors of a kernel builder. Every operation rounds to the nearest, alone; no product is fused with a sum.
So each operation has one right answer, and the functions the same bits wherever they run.

A pair (high, low) stands for high + low, with a low that is small beside high. T. J. Dekker, A floating-point technique
for extending the available precision, 1971; J.-M. Muller et al., Handbook of Floating-Point Arithmetic, 2018, ch. 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

__all__ = ["DOUBLE", "FORMATS", "SINGLE", "Arithmetic", "Arrays", "Format", "Number", "Pair", "Vectors"]

Number = Any
Pair = tuple[Number, Number]


@dataclass(frozen=True)
class Format:
    """A type of floats: how many bits there are, how many the fraction has, and the greatest exponent."""

    width: int
    fraction: int
    bias: int

    @property
    def one(self) -> int:
        """The bits of 1."""
        return self.bias << self.fraction

    @property
    def sign(self) -> int:
        """The sign bit."""
        return 1 << (self.width - 1)

    @property
    def lower(self) -> int:
        """How many of the last bits are left out in a number whose square is exact."""
        return (self.fraction + 2) // 2

    @property
    def whole(self) -> float:
        """What is added to a number of less than a third of it is rounded to a whole one, which the low bits are."""
        return 1.5 * 2.0**self.fraction

    @property
    def whole_bits(self) -> int:
        return (self.bias + self.fraction << self.fraction) + (1 << (self.fraction - 1))


SINGLE, DOUBLE = Format(32, 23, 127), Format(64, 52, 1023)
FORMATS = {"f4": SINGLE, "f8": DOUBLE}
SPLIT = 2.0**27 + 1  # cuts a float64 in halves


class Arithmetic:
    """Operations on floats that the operators do not have, and on pairs of them; a product of pairs is of float64."""

    def __init__(self, of: Format = DOUBLE):
        self.format = of

    # --- what a machine brings itself

    def bits(self, x: Number) -> Number:
        """The bits as a signed integer."""
        raise NotImplementedError

    def from_bits(self, n: Number) -> Number:
        raise NotImplementedError

    def select(self, condition: Number, yes: Number, no: Number) -> Number:
        raise NotImplementedError

    def widened(self, x: Number) -> Number:
        """A float32 as a float64."""
        raise NotImplementedError

    def narrowed(self, x: Number) -> Number:
        """The nearest float32."""
        raise NotImplementedError

    def double(self) -> Arithmetic:
        """The arithmetic of what is widened."""
        raise NotImplementedError

    # --- numbers

    def magnitude(self, x: Number) -> Number:
        """|x|"""
        return self.from_bits(self.bits(x) & (self.format.sign - 1))

    def between(self, x: Number, low: float, high: float) -> Number:
        """The nearest number that is not outside; NaN stays."""
        return self.at_most(self.at_least(x, low), high)

    def at_least(self, x: Number, low: float) -> Number:
        return self.select(x < low, low, x)

    def at_most(self, x: Number, high: float) -> Number:
        return self.select(x > high, high, x)

    def polynomial(self, coefficients: Sequence[float], x: Number) -> Number:
        """By Horner's rule; coefficients lowest first."""
        *rest, last = coefficients
        return reduce(lambda y, c: y * x + c, reversed(rest), last)

    def square(self, x: Number) -> Pair:
        """x², rounded, and what that has lost, nearly: the square of the first half of the bits is exact"""
        upper = self.from_bits(self.bits(x) & -(1 << self.format.lower))
        square = x * x
        return square, (upper * upper - square) + (x - upper) * (x + upper)

    # --- pairs

    def ordered_sum(self, a: Number, b: Number) -> Pair:
        """a + b, exactly, where the exponent of a is not the smaller, or a = 0"""
        high = a + b
        return high, b - (high - a)

    def exact_sum(self, a: Number, b: Number) -> Pair:
        """a + b, exactly"""
        high = a + b
        of_b = high - a
        return high, (a - (high - of_b)) + (b - of_b)

    def exact_product(self, a: Number, b: Number) -> Pair:
        """a·b, exactly, where nothing under- or overflows: both are cut into halves whose products are exact"""
        product = a * b
        (upper, lower), (above, below) = self._halves(a), self._halves(b)
        return product, ((upper * above - product) + upper * below + lower * above) + lower * below

    def _halves(self, a: Number) -> Pair:
        """Two numbers of 26 bits, with sign, whose sum is a"""
        wide = a * SPLIT
        upper = wide - (wide - a)
        return upper, a - upper

    def increased(self, pair: Pair, x: Number) -> Pair:
        """pair + x, where |high| ≥ |x| or high = 0; low is rounded"""
        high, low = pair
        total, rest = self.ordered_sum(high, x)
        return total, rest + low

    def extended(self, pair: Pair, x: Number) -> Pair:
        """pair + x, where |high| ≥ |low + x|; low + x is rounded"""
        high, low = pair
        return self.ordered_sum(high, low + x)

    def added(self, first: Pair, second: Pair) -> Pair:
        """first + second, where |high| of the first is the greater or 0; their low parts are rounded"""
        high, low = self.ordered_sum(first[0], second[0])
        return high, low + (first[1] + second[1])

    def scaled(self, pair: Pair, power: Number) -> Pair:
        """pair times a power of two, or its opposite"""
        return pair[0] * power, pair[1] * power

    def multiplied(self, first: Pair, second: Pair) -> Pair:
        """first·second; the products with low parts are rounded, and that of both is left out"""
        high, low = self.exact_product(first[0], second[0])
        return self.ordered_sum(high, low + (first[0] * second[1] + first[1] * second[0]))

    def divided(self, first: Pair, second: Pair) -> Pair:
        """first/second: the rounded quotient, and what remains over the divisor"""
        quotient = first[0] / second[0]
        high, low = self.exact_product(quotient, second[0])
        rest = ((first[0] - high) - low) + (first[1] - quotient * second[1])
        return quotient, rest / second[0]

    def selected(self, condition: Number, yes: Pair, no: Pair) -> Pair:
        return self.select(condition, yes[0], no[0]), self.select(condition, yes[1], no[1])

    def rounded(self, pair: Pair, x: Number = 0.0) -> Number:
        """pair + x as one number"""
        high, low = pair
        return high + (low + x)


class Arrays(Arithmetic):
    """Arrays of NumPy, of at least one axis."""

    def bits(self, x: np.ndarray) -> np.ndarray:
        return x.view(f"i{self.format.width // 8}")

    def from_bits(self, n: np.ndarray) -> np.ndarray:
        return n.view(f"f{self.format.width // 8}")

    def select(self, condition: np.ndarray, yes: Any, no: Any) -> np.ndarray:
        return np.where(condition, yes, no)

    def widened(self, x: np.ndarray) -> np.ndarray:
        return x.astype(np.float64)

    def narrowed(self, x: np.ndarray) -> np.ndarray:
        return x.astype(np.float32)

    def double(self) -> Arrays:
        return Arrays(DOUBLE)


class Vectors(Arithmetic):
    """Values of a kernel builder: anything with `bits`, `from_bits`, `select`, `widened` and `narrowed`."""

    def __init__(self, builder: Any, of: Format = DOUBLE):
        super().__init__(of)
        self._builder = builder
        self.bits, self.from_bits, self.select = builder.bits, builder.from_bits, builder.select
        self.widened, self.narrowed = builder.widened, builder.narrowed

    def double(self) -> Vectors:
        return Vectors(self._builder, DOUBLE)
