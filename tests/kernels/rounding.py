"""What rounding can do at most, by running the same code on ranges instead of numbers.

A `Range` is all numbers between two floats, and how far what is computed may be from what is meant: from the real
number that the formula has without rounding, with each polynomial that stands for a function replaced by that function.
`Bounds` knows what the operations on pairs are worth by their theorems (Dekker's: a sum or a product and its error are
two floats), which a range for each float by itself would not see.

The ends and errors are floats, made larger after every operation by more than it was rounded. That nothing underflows
is left to the caller.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from convmath.kernels.elementary.arithmetic import Arithmetic

__all__ = ["Bounds", "PairRange", "Range"]

MORE, LESS = 1 + 2.0**-45, 1 - 2.0**-45


def up(x: float) -> float:
    return x * (MORE if x > 0 else LESS)


def down(x: float) -> float:
    return -up(-x)


def more(x: float, by: float) -> float:
    """x + by, no less"""
    return up(x + by) if by else x


def half_ulp(size: float) -> float:
    """How far a number that is no larger may be from the nearest float."""
    return math.ulp(up(size)) / 2


def is_power(x: Any) -> bool:
    return isinstance(x, float) and abs(math.frexp(x)[0]) == 0.5


@dataclass(frozen=True)
class Range:
    """low ≤ meant ≤ high and |computed - meant| ≤ error, `before` the last rounding less."""

    low: float
    high: float
    error: float = 0.0
    before: float = 0.0

    @property
    def most(self) -> float:
        """The greatest |computed|."""
        return more(max(abs(self.low), abs(self.high)), self.error)

    @property
    def least(self) -> float:
        """The least |computed|."""
        return max(0.0, -more(-max(self.low, -self.high), self.error))

    @property
    def zero(self) -> bool:
        return self.low == self.high == self.error == 0

    def __neg__(self) -> Range:
        return Range(-self.high, -self.low, self.error, self.before)

    def __add__(self, other: Any) -> Range:
        b = number(other)
        if self.zero or b.zero:
            return b if self.zero else self
        return rounded(down(self.low + b.low), up(self.high + b.high), up(self.error + b.error))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Range:
        return self + -number(other)

    def __rsub__(self, other: Any) -> Range:
        return number(other) + -self

    def __mul__(self, other: Any) -> Range:
        b = number(other)
        low, high, error = product(self, b)
        if is_power(other):
            return Range(low, high, error, up(self.before * abs(other)))
        return Range(0.0, 0.0) if self.zero or b.zero else rounded(low, high, error)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Range:
        low, high, error = quotient(self, number(other))
        return rounded(low, high, error)

    def __rtruediv__(self, other: Any) -> Range:
        return number(other) / self


def number(x: Any) -> Range:
    return x if isinstance(x, Range) else Range(float(x), float(x))


def rounded(low: float, high: float, error: float) -> Range:
    """What is that before it is rounded."""
    return Range(low, high, up(error + half_ulp(max(abs(low), abs(high)) + error)), error)


def product(a: Any, b: Any) -> tuple[float, float, float]:
    """The range of a·b and its error."""
    corners = a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high
    error = max(abs(a.low), abs(a.high)) * b.error + b.most * a.error
    return down(min(corners)), up(max(corners)), up(error)


def quotient(a: Any, b: Any) -> tuple[float, float, float]:
    """The range of a/b and its error; b must not be near 0."""
    assert b.least > 0, b
    corners = a.low / b.low, a.low / b.high, a.high / b.low, a.high / b.high
    size = max(map(abs, corners))
    return down(min(corners)), up(max(corners)), up((a.error + up(size) * b.error) / b.least)


@dataclass(frozen=True)
class PairRange:
    """A pair: its sum lies between two numbers and has an error; |low part| ≤ rest."""

    low: float
    high: float
    error: float
    rest: float

    @property
    def most(self) -> float:
        return more(max(abs(self.low), abs(self.high)), self.error)

    @property
    def least(self) -> float:
        return max(0.0, -more(-max(self.low, -self.high), self.error))

    @property
    def head(self) -> float:
        """The least of |high part|."""
        return max(0.0, -more(-self.least, self.rest))

    @property
    def zero(self) -> bool:
        return self.low == self.high == self.error == self.rest == 0


def pair(x: Any) -> PairRange:
    """Also of two floats."""
    if isinstance(x, PairRange):
        return x
    high, low = x
    return PairRange(down(high + low), up(high + low), 0.0, abs(low)) if low else PairRange(high, high, 0.0, 0.0)


def not_below(a: float, b: float) -> bool:
    """Whether a number of size a or more never has a smaller exponent than one of size b or less."""
    return math.frexp(a)[1] >= math.frexp(b)[1]


def lost(*sizes: float) -> float:
    """What a sum of floats of these sizes may lose; nothing if there is only one of them."""
    present = [size for size in sizes if size]
    return half_ulp(up(sum(present))) if len(present) > 1 else 0.0


class Bounds(Arithmetic):
    """The arithmetic on ranges. `off` says how far each polynomial is from the function it stands for."""

    def __init__(self, off: Mapping[Sequence[float], float]):
        super().__init__()
        self.off = off

    def polynomial(self, coefficients: Sequence[float], x: Any) -> Range:
        y, off = super().polynomial(coefficients, x), self.off[tuple(coefficients)]
        return Range(down(y.low - off), up(y.high + off), up(y.error + off), up(y.before + off))

    def _sum(self, a: Any, b: Any, beside: float = 0.0) -> PairRange:
        """Two floats and their error; the first may be the high part of a pair, with so much beside it."""
        if a.zero or b.zero:
            return PairRange(a.low + b.low, a.high + b.high, a.error + b.error, 0.0)
        low, high, error = down(a.low + b.low), up(a.high + b.high), up(a.error + b.error)
        return PairRange(low, high, error, half_ulp(max(abs(low), abs(high)) + error + beside))

    def ordered_sum(self, a: Any, b: Any) -> Any:
        if isinstance(a, float) and isinstance(b, float):
            assert abs(a) >= abs(b)
            return pair(super().ordered_sum(a, b))
        a, b = number(a), number(b)
        assert a.zero or not_below(a.least, b.most), ("the first is not the larger", a, b)
        return self._sum(a, b)

    def exact_sum(self, a: Any, b: Any) -> Any:
        if isinstance(a, float) and isinstance(b, float):
            return pair(super().exact_sum(a, b))
        return self._sum(number(a), number(b))

    def exact_product(self, a: Any, b: Any) -> Any:
        low, high, error = product(number(a), number(b))
        return PairRange(low, high, error, half_ulp(max(abs(low), abs(high)) + error))

    def increased(self, pair_: Any, x: Any) -> Any:
        p, x = pair(pair_), number(x)
        assert p.zero or not_below(p.head, x.most), ("the pair is not the larger", p, x)
        total = self._sum(p, x, p.rest)
        rest = up(total.rest + p.rest)
        return PairRange(total.low, total.high, up(total.error + lost(total.rest, p.rest)), rest)

    def extended(self, pair_: Any, x: Any) -> Any:
        p, x = pair(pair_), number(x)
        low = up(p.rest + x.most)
        assert not_below(p.head, low), ("the pair is not the larger", p, x)
        total = self._sum(p, x)
        error = up(total.error + lost(p.rest, x.most))
        return PairRange(total.low, total.high, error, half_ulp(total.most + error))

    def added(self, first: Any, second: Any) -> Any:
        p, q = pair(first), pair(second)
        assert p.zero or not_below(p.head, up(q.most + q.rest)), ("the first is not the larger", p, q)
        lows = up(p.rest + q.rest)
        total = self._sum(p, q, lows)
        error = up(total.error + lost(p.rest, q.rest) + lost(total.rest, lows))
        return PairRange(total.low, total.high, error, up((total.rest + lows) * MORE))

    def scaled(self, pair_: Any, power: Any) -> Any:
        assert is_power(power), power
        p, by = pair(pair_), number(power)
        low, high, error = product(p, by)
        return PairRange(low, high, error, p.rest * abs(power))

    def multiplied(self, first: Any, second: Any) -> Any:
        p, q = pair(first), pair(second)
        low, high, error = product(p, q)
        size = up(up(p.most + p.rest) * up(q.most + q.rest))
        mixed = up(up(p.most + p.rest) * q.rest), up(up(q.most + q.rest) * p.rest)
        lows = up(half_ulp(size) + sum(mixed))
        error += p.rest * q.rest + half_ulp(mixed[0]) + half_ulp(mixed[1]) + half_ulp(sum(mixed)) + half_ulp(lows)
        assert down(p.head * q.head - lows) > lows, ("the low parts are not small", p, q)
        return PairRange(low, high, up(error), half_ulp(up(size + error)))

    def divided(self, first: Any, second: Any) -> Any:
        """With q the rounded quotient of the high parts, h - q·h' is exact, as it is for every rounded quotient."""
        p, q = pair(first), pair(second)
        low, high, error = quotient(p, q)
        size = up((p.most + p.rest) / q.head)
        mixed = up(size * q.rest)
        remains = up(half_ulp(size) * (q.most + q.rest) + p.rest + mixed)
        # divided by the high part alone, instead of by both
        error += remains * q.rest / (q.head * q.least)
        error += (half_ulp(mixed) * (mixed > 0) + lost(p.rest, mixed) + half_ulp(remains)) / q.head
        error += half_ulp(remains / q.head)
        return PairRange(low, high, up(error), up(remains / q.head * MORE))

    def rounded(self, pair_: Any, x: Any = 0.0) -> Any:
        p, x = pair(pair_), number(x)
        total = self._sum(p, x)
        return rounded(total.low, total.high, up(total.error + lost(p.rest, x.most)))
