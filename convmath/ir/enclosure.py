"""Real numbers between two rationals: interval arithmetic that rounds outward, to a working precision.

An `Enclosure` stands for one real number, of which only two numbers are known that it lies between. Arithmetic gives
ends that the result lies between; `precision` says how many significant bits they keep. A question that the ends do
not answer (is it less than another one that it overlaps?) raises `Undecided`, and may be asked again with more bits.

>>> with precision(40):
...     root = square_root(2)
>>> root
Enclosure(1.41421356237 ± 4e-12)
>>> root**2 - 2 < Fraction(1, 10**9), 2 in root**2
(True, True)

R. E. Moore, R. B. Kearfott, M. J. Cloud, Introduction to Interval Analysis, 2009, chapters 2 and 5.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import ROUND_UP, Decimal, localcontext
from fractions import Fraction
from functools import lru_cache, wraps
from typing import Any

from convmath.errors import StatementError

from . import series

__all__ = [
    "Enclosure",
    "Undecided",
    "absolute",
    "erf",
    "exp",
    "larger",
    "log",
    "pi",
    "power",
    "precision",
    "sigmoid",
    "sign",
    "smaller",
    "softplus",
    "square_root",
    "tanh",
]

_BITS: ContextVar[int] = ContextVar("bits", default=128)
_FAR = 1 << 20  # how many binary places there may be before the point, or behind it


class Undecided(StatementError):
    """A question that the ends of the enclosures do not answer; narrower ones may."""


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Inside, ends keep so many significant bits."""
    token = _BITS.set(bits)
    try:
        yield
    finally:
        _BITS.reset(token)


Bounds = series.Bounds


class Enclosure:
    """A real number x with low ≤ x ≤ high.

    The ends are whole numbers times 2^exponent, rounded outward to the working precision of the larger of the two.
    """

    __slots__ = ("_exponent", "_high", "_low")
    _low: int
    _high: int
    _exponent: int

    def __init__(self, low: int | Fraction, high: int | Fraction):
        if low > high:
            raise StatementError(f"no number lies between {low} and {high}: the first must not be larger")
        hull = _hull(_known(low), _known(high))
        self._low, self._high, self._exponent = hull._low, hull._high, hull._exponent

    # -- what it is

    @property
    def low(self) -> Fraction:
        return _dyadic(self._low, self._exponent)

    @property
    def high(self) -> Fraction:
        return _dyadic(self._high, self._exponent)

    @property
    def width(self) -> Fraction:
        return _dyadic(self._high - self._low, self._exponent)

    @property
    def single(self) -> bool:
        """Whether only one number lies between the ends."""
        return self._low == self._high

    def __contains__(self, value: int | Fraction) -> bool:
        return self.low <= value <= self.high

    def __float__(self) -> float:
        """The float nearest to the middle; infinite beyond the largest."""
        middle = _dyadic(self._low + self._high, self._exponent - 1)
        try:
            return float(middle)
        except OverflowError:
            return math.inf if middle > 0 else -math.inf

    def __str__(self) -> str:
        """A decimal number, and how far the ends lie from it at most."""
        if self.single:
            return str(self.low)
        middle, half = (self.low + self.high) / 2, self.width / 2
        places = (self._low + self._high).bit_length() - (self._high - self._low).bit_length()
        with localcontext(prec=min(20, max(1, places * 3 // 10))):
            written = Decimal(middle.numerator) / middle.denominator
        far = abs(Fraction(written) - middle) + half
        with localcontext(prec=1, rounding=ROUND_UP):
            return f"{written} ± {Decimal(far.numerator) / far.denominator:.0e}"

    def __repr__(self) -> str:
        return f"Enclosure({self})"

    # -- arithmetic

    def __add__(self, other: Any) -> Any:
        if _is_infinite(other):
            return other
        bounds = _bounds(other)
        return NotImplemented if bounds is None else _sum(self._bounds, bounds)

    __radd__ = __add__

    def __neg__(self) -> Enclosure:
        return _rounded(-self._high, -self._low, self._exponent)

    def __sub__(self, other: Any) -> Any:
        return self + -other

    def __rsub__(self, other: Any) -> Any:
        return other + -self

    def __mul__(self, other: Any) -> Any:
        if _is_infinite(other):
            return other * sign(self)
        bounds = _bounds(other)
        return NotImplemented if bounds is None else _product(self._bounds, bounds)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self * power(other, -1)

    def __rtruediv__(self, other: Any) -> Any:
        return other * power(self, -1)

    def __pow__(self, exponent: Any) -> Any:
        return power(self, exponent)

    def __rpow__(self, base: Any) -> Any:
        return power(base, self)

    def __abs__(self) -> Enclosure:
        return absolute(self)

    # -- comparison: decided where the two lie apart

    def __lt__(self, other: Any) -> Any:
        return _compared(self, "<", other)

    def __le__(self, other: Any) -> Any:
        return _compared(self, "≤", other)

    def __gt__(self, other: Any) -> Any:
        return _compared(other, "<", self)

    def __ge__(self, other: Any) -> Any:
        return _compared(other, "≤", self)

    def __eq__(self, other: Any) -> Any:
        return _compared(self, "=", other)

    def __bool__(self) -> bool:
        return self != 0

    @property
    def _bounds(self) -> Bounds:
        return self._low, self._high, self._exponent


# --- bounds: two whole numbers and an exponent of 2 ----------------------------------------------------------------


def _dyadic(number: int, exponent: int) -> Fraction:
    return Fraction(number << exponent) if exponent >= 0 else Fraction(number, 1 << -exponent)


def _is_infinite(value: Any) -> bool:
    """±∞, the value of an empty maximum or minimum (or no number, where two of those met)."""
    return isinstance(value, float) and not math.isfinite(value)


def _bounds(value: Any) -> Bounds | None:
    """What an operand lies between; None if it is none."""
    if isinstance(value, Enclosure):
        return value._low, value._high, value._exponent
    if isinstance(value, int):
        return value, value, 0
    if isinstance(value, float):
        value = Fraction(value)
    if isinstance(value, Fraction):
        number, divisor = value.numerator, value.denominator
        places = max(0, _BITS.get() + divisor.bit_length() - number.bit_length())
        low, rest = divmod(number << places, divisor)
        return low, low + (rest > 0), -places
    return None


def _outward(low: int, high: int, places: int) -> tuple[int, int]:
    """Without the last binary places."""
    return low >> places, -(-high >> places)


def _rounded(low: int, high: int, exponent: int) -> Enclosure:
    """The enclosure with these ends, moved outward to the working precision."""
    excess = max(low.bit_length(), high.bit_length()) - _BITS.get()
    if excess > 0:
        low, high = _outward(low, high, excess)
        exponent += excess
    if exponent < -_FAR:
        low, high = _outward(low, high, -_FAR - exponent)
        exponent = -_FAR
    elif exponent > _FAR and (low or high):
        raise StatementError(f"a number beyond 2^{exponent} came up: it is too large to be enclosed")
    found = object.__new__(Enclosure)
    found._low, found._high, found._exponent = low, high, exponent
    return found


def _top(low: int, high: int, exponent: int) -> float:
    """The place of the first digit."""
    size = max(low.bit_length(), high.bit_length())
    return size + exponent if size else -math.inf


def _aligned(first: Bounds, second: Bounds) -> tuple[tuple[int, int], tuple[int, int], int]:
    """Both with one exponent, outward where one of them is too small to matter to the other."""
    exponent = min(first[2], second[2])
    if first[2] != second[2]:
        exponent = int(max(exponent, max(_top(*first), _top(*second)) - _BITS.get() - 2))
    return _moved(*first, exponent), _moved(*second, exponent), exponent


def _moved(low: int, high: int, exponent: int, to: int) -> tuple[int, int]:
    places = exponent - to
    return (low << places, high << places) if places >= 0 else _outward(low, high, -places)


def _sum(first: Bounds, second: Bounds) -> Enclosure:
    (a, b), (c, d), exponent = _aligned(first, second)
    return _rounded(a + c, b + d, exponent)


def _hull(first: Bounds, second: Bounds) -> Enclosure:
    """From the lower end of the first to the upper end of the second."""
    (low, _), (_, high), exponent = _aligned(first, second)
    return _rounded(low, high, exponent)


def _product(first: Bounds, second: Bounds) -> Enclosure:
    a, b, exponent = first
    c, d, other = second
    if a >= 0 and c >= 0:
        return _rounded(a * c, b * d, exponent + other)
    corners = a * c, a * d, b * c, b * d
    return _rounded(min(corners), max(corners), exponent + other)


def _inverse(low: int, high: int, exponent: int) -> Enclosure:
    """1/x, where 0 < low or high < 0."""
    places = _BITS.get() + max(low.bit_length(), high.bit_length())
    return _rounded((1 << places) // high, -(-(1 << places) // low), -exponent - places)


def _order(a: int, exponent: int, b: int, other: int) -> int:
    """Less than 0, 0 or greater as a·2^exponent is less than b·2^other, equal or greater."""
    if a <= 0 <= b or b <= 0 <= a:
        return (a > 0) - (a < 0) - ((b > 0) - (b < 0))
    first, second = a.bit_length() + exponent, b.bit_length() + other
    if first != second:
        return first - second if a > 0 else second - first
    return (a << max(0, exponent - other)) - (b << max(0, other - exponent))


def _compared(left: Any, relation: str, right: Any) -> Any:
    """Whether the relation holds, if the ends say so."""
    if left is right:
        return relation != "<"
    if _is_infinite(left) or _is_infinite(right):
        u, v = (x if isinstance(x, float) else 0 for x in (left, right))
        return {"=": u == v, "<": u < v, "≤": u <= v}[relation]
    first, second = _bounds(left), _bounds(right)
    if first is None or second is None:
        return NotImplemented
    (a, b, exponent), (c, d, other) = first, second
    below = _order(b, exponent, c, other)  # the end of the left against the beginning of the right
    above = _order(a, exponent, d, other)
    if below < 0 or above > 0:
        return below < 0 and relation != "="
    if relation == "≤" and below == 0:
        return True
    if above == 0 and (relation == "<" or below == 0):
        return relation != "<"
    raise Undecided(f"whether {left} {relation} {right} can't be told apart")


# --- functions ------------------------------------------------------------------------------------------------------


def larger(a: Any, b: Any) -> Any:
    """max(a, b): one of the two where it is known which, for then it is still equal to itself."""
    try:
        return a if a >= b else b
    except Undecided:
        return -_lower_of(-a, -b)


def smaller(a: Any, b: Any) -> Any:
    """min(a, b)"""
    try:
        return a if a <= b else b
    except Undecided:
        return _lower_of(a, b)


def _lower_of(a: Any, b: Any) -> Enclosure:
    (low, high), (other_low, other_high), exponent = _aligned(_known(a), _known(b))
    return _rounded(min(low, other_low), min(high, other_high), exponent)


def sign(x: Any) -> int:
    return (x > 0) - (x < 0)


def absolute(x: Any) -> Any:
    if not isinstance(x, Enclosure):
        return abs(x)
    low, high, exponent = x._bounds
    return x if low >= 0 else _rounded(max(0, -high), max(-low, high), exponent)


def pi() -> Enclosure:
    return _rounded(*series.pi(_BITS.get()))


# Functions that grow: the ends of the value are those at the ends of the argument.


def _growing(at: Callable[[Fraction], Enclosure]) -> Callable[[Any], Enclosure]:
    """The function of an enclosure, from what it is `at` a rational.

    Its value at one rational is one object, so that it is known to be equal to itself.
    """

    @lru_cache(maxsize=4096)
    def once(x: Fraction, bits: int) -> Enclosure:
        return _rounded(*at(x)._bounds)

    @wraps(at)
    def value(x: Any) -> Enclosure:
        if not isinstance(x, Enclosure):
            return once(Fraction(x), _BITS.get())
        return _hull(at(x.low)._bounds, at(x.high)._bounds)

    return value


def _series(of: Callable[[int, int, int], Bounds], x: Fraction) -> Enclosure:
    return _rounded(*of(x.numerator, x.denominator, _BITS.get() + 4))


@contextmanager
def _more(x: Fraction) -> Iterator[None]:
    """As many bits more as x has zeros behind the point (at most twice as many): 1 + x still says what x is."""
    bits = _BITS.get()
    with precision(bits + min(bits, max(0, x.denominator.bit_length() - abs(x.numerator).bit_length() + 1))):
        yield


@_growing
def exp(x: Fraction) -> Enclosure:
    if x > _FAR:
        raise StatementError(f"exp({x}) came up: it is too large to be enclosed")
    return _series(series.exponential, x) if x > -_FAR else _rounded(0, 1, -_FAR)


@_growing
def _log(x: Fraction) -> Enclosure:
    return _series(series.logarithm, x)


def log(x: Any) -> Enclosure:
    if x <= 0:
        raise StatementError(f"log({x}) came up, but only numbers above 0 have a logarithm")
    return _log(x)


@_growing
def _square_root(x: Fraction) -> Enclosure:
    return _series(series.square_root, x)


def square_root(x: Any) -> Enclosure:
    if x < 0:
        raise StatementError(f"sqrt({x}) came up, but only numbers from 0 on have a root")
    return _square_root(x)


@_growing
def sigmoid(x: Fraction) -> Enclosure:
    """1/(1 + e^(-x))"""
    small = exp(-abs(x))
    return (small if x < 0 else 1) / (1 + small)


@_growing
def tanh(x: Fraction) -> Enclosure:
    """(1 - e^(-2x))/(1 + e^(-2x))"""
    if x <= 0:
        return -tanh(-x) if x else Enclosure(0, 0)
    with _more(x):
        small = exp(-2 * x)
        return (1 - small) / (1 + small)


@_growing
def softplus(x: Fraction) -> Enclosure:
    """log(1 + e^x) = max(x, 0) + log(1 + e^(-|x|))"""
    small = exp(-abs(x))
    with _more(small.low):
        return max(x, 0) + log(1 + small)


@_growing
def erf(x: Fraction) -> Enclosure:
    """2/√π · ∫ e^(-u²) du from 0 to x; at x ≥ 1 it is more than 1 - e^(-x²)"""
    if x < 0:
        return -erf(-x)
    if x * x > _BITS.get():
        return Enclosure(1 - Fraction(1, 1 << _BITS.get()), 1)
    return 2 * x * exp(-x * x) * _series(series.erf_series, 2 * x * x) / square_root(pi())


# Powers.


def power(base: Any, exponent: Any) -> Any:
    """base^exponent for a base from 0 on, or a whole exponent; 0 to a positive power is 0."""
    if isinstance(exponent, (int, Fraction)) and exponent.denominator == 1:
        return _whole_power(base, int(exponent))
    low, high, _ = _known(base)
    if high < 0:
        raise StatementError(f"({base})^({exponent}) came up, but a negative number has whole powers only")
    if low > 0:
        if isinstance(exponent, Fraction) and exponent.denominator == 2:
            return _whole_power(square_root(base), exponent.numerator)
        return exp(exponent * log(base))
    if exponent < 0:
        raise _divided(base, exponent)
    if low < 0:
        raise Undecided(f"whether {base} is negative can't be told")
    return _hull((0, 0, 0), _known(power(base.high, exponent))) if high else _rounded(0, 0, 0)


def _known(value: Any) -> Bounds:
    bounds = _bounds(value)
    if bounds is None:
        raise StatementError(f"{value!r} is no rational number and no enclosure of one")
    return bounds


def _divided(base: Any, exponent: Any) -> StatementError:
    """Of a base that may be 0, or is."""
    low, high, _ = _known(base)
    if low == high == 0:
        return StatementError(f"0^{exponent} came up: the statement divides by 0 for these sizes or data")
    return Undecided(f"whether {base} is 0 can't be told")


def _whole_power(base: Any, exponent: int) -> Enclosure:
    """By squaring |base|, so that an even power is never negative."""
    if exponent < 0:
        bounds = _whole_power(base, -exponent)._bounds
        if bounds[0] <= 0 <= bounds[1]:
            raise _divided(base, exponent)
        return _inverse(*bounds)
    base = _rounded(*_known(base))
    found, factor = base if exponent % 2 else _rounded(1, 1, 0), absolute(base)
    while exponent := exponent // 2:
        factor = factor * factor
        if exponent % 2:
            found = found * factor
    return found
