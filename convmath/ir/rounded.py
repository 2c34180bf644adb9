"""Numbers of floating-point arithmetic with a running bound of their error, for any order of summation.

A `Rounded` says how far what floating point computes may lie from the exact number. The bound is carried along with
every operation (N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2002, chapter 3): rounding a result v
costs u·|v|, and what the operands are off by is multiplied by the derivative. `unit_roundoff` sets u.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from .enclosure import Undecided
from .functions import FUNCTIONS, PI
from .nodes import Apply, Number, Power, Product, Real, Scalar, Sum

__all__ = ["Rounded", "constant", "function", "larger", "pi", "power", "settled", "smaller", "unit_roundoff"]

# What a function of a library may be off by, in u: 4 units in the last place, as NumPy's vectorised functions promise.
LIBRARY = 8


_UNIT: ContextVar[tuple[float, float]] = ContextVar("unit", default=(2.0**-53, 0.0))


@contextmanager
def unit_roundoff(u: float, underflow: float = 0.0) -> Iterator[None]:
    """Inside, a rounding is at most u times the result, and `underflow` besides."""
    token = _UNIT.set((u, underflow))
    try:
        yield
    finally:
        _UNIT.reset(token)


def _gamma(roundings: int) -> float:
    """γ_n = n·u/(1 - n·u), what n roundings one upon another come to (Higham, lemma 3.1)."""
    nu = roundings * _UNIT.get()[0]
    return nu / (1 - nu) if nu < 1 else math.inf


class Rounded:
    """A float, and how far the exact number may be.

    A sum stays open: `terms` numbers were added whose absolute values make `mass`, in an order that nobody knows. It is
    `settled` where anything but an addition comes: then the error grows by γ_(terms - 1)·mass, whatever the order was;
    but not where all were `whole` numbers, as long as floats hold them.
    """

    __slots__ = ("error", "mass", "terms", "value", "whole")

    def __init__(self, value: float, error: float = 0.0):
        self.value, self.error = value, error
        self.terms, self.mass = 1, abs(value) + error
        self.whole = not error and value.is_integer()

    def __repr__(self) -> str:
        return f"Rounded({self.value}, {self.error})"

    # -- arithmetic

    def __add__(self, other: Any) -> Rounded:
        other = _number(other)
        if not other.mass:  # 0 is added without rounding
            return self
        if not self.mass:
            return other
        found = Rounded(self.value + other.value, self.error + other.error)
        found.terms, found.mass = self.terms + other.terms, self.mass + other.mass
        found.whole = self.whole and other.whole
        return found

    __radd__ = __add__

    def __mul__(self, other: Any) -> Rounded:
        first, second = settled(self), settled(_number(other))
        value = first.value * second.value
        error = abs(first.value) * second.error + abs(second.value) * first.error + first.error * second.error
        free = _scales(first) or _scales(second) or (first.whole and second.whole and _held(value))
        return Rounded(value, error) if free else _rounded(value, error, 1)

    __rmul__ = __mul__

    def __pow__(self, exponent: Any) -> Rounded:
        return power(self, exponent)

    # -- comparison: decided where rounding can't change it

    def __lt__(self, other: Any) -> bool:
        return _apart(self, other) < 0

    def __le__(self, other: Any) -> bool:
        return _apart(self, other) <= 0

    def __gt__(self, other: Any) -> bool:
        return _apart(self, other) > 0

    def __ge__(self, other: Any) -> bool:
        return _apart(self, other) >= 0

    def __eq__(self, other: Any) -> bool:
        return _apart(self, other) == 0


def _number(value: Any) -> Rounded:
    return value if isinstance(value, Rounded) else constant(value)


def constant(value: Any) -> Rounded:
    """A rational number (or ±∞), as the floating-point number nearest to it."""
    near = float(value)
    fits = math.isinf(near) or _fits(Fraction(value))
    return Rounded(near) if fits else _rounded(near, 0.0, 1)


def _fits(value: Fraction) -> bool:
    """Whether the number is a floating-point number itself."""
    number, divisor = abs(value.numerator), value.denominator
    digits = number.bit_length() - ((number & -number).bit_length() - 1) if number else 0
    return divisor & (divisor - 1) == 0 and digits <= -math.log2(_UNIT.get()[0])


def pi() -> Rounded:
    return _rounded(math.pi, 0.0, 1)


def settled(number: Any) -> Rounded:
    """The sum as it was computed, in whatever order."""
    number = _number(number)
    if number.terms == 1:
        return number
    if number.whole and _held(number.mass):
        return Rounded(number.value)
    lost = (number.terms - 1) * _UNIT.get()[1]
    return Rounded(number.value, number.error + _gamma(number.terms - 1) * number.mass + lost)


def _rounded(value: float, error: float, roundings: int) -> Rounded:
    """A result that is off by `error` before it is rounded, so many times."""
    return Rounded(value, error + _gamma(roundings) * (abs(value) + error) + _UNIT.get()[1])


def _held(value: float) -> bool:
    """Whether every whole number up to this one is a floating-point number."""
    return abs(value) * _UNIT.get()[0] <= 1


def _scales(number: Rounded) -> bool:
    """Whether a product with it is exact: 0 and the powers of 2."""
    return not number.error and math.frexp(number.value)[0] in (0.0, 0.5, -0.5)


def _apart(left: Any, right: Any) -> float:
    """left - right, of which only the sign counts."""
    if left is right:
        return 0.0
    first, second = settled(left), settled(_number(right))
    gap, error = first.value - second.value, first.error + second.error
    if error and abs(gap) <= error:
        raise Undecided(
            f"rounding decides how {first.value} compares with {second.value}, since they may be off by {error:.1g}"
        )
    return gap


def larger(a: Any, b: Any) -> Rounded:
    """max(a, b), which is off by no more than one of them is."""
    return _extreme(max, a, b)


def smaller(a: Any, b: Any) -> Rounded:
    """min(a, b)"""
    return _extreme(min, a, b)


def _extreme(of: Any, a: Any, b: Any) -> Rounded:
    best, other = of((a, b), (b, a), key=lambda pair: settled(pair[0]).value)
    best, other = settled(best), settled(other)
    sure = abs(best.value - other.value) > best.error + other.error
    return best if sure or best.error >= other.error else Rounded(best.value, other.error)


# --- powers and functions -----------------------------------------------------------------------------------------


def power(base: Any, exponent: Any) -> Rounded:
    """base^exponent: 1/x and x² are rounded once, others |exponent| times more than a function of a library."""
    base, exponent = settled(base), settled(exponent)
    e = exponent.value
    value, spread = _pow(base.value, e), _spread(base, e)
    if exponent.error and base.value:  # 0 to a power above 0 is 0, whatever the power
        spread += abs(value * math.log(abs(base.value))) * exponent.error
    if base.whole and exponent.whole and e > 0 and _held(value):
        return Rounded(value)
    plain = not exponent.error and e in (-1, 1, 2)
    return _rounded(value, spread, 1 if plain else LIBRARY + math.ceil(abs(e)))


def _spread(base: Rounded, e: float) -> float:
    """|x̂^e - x^e| for x̂ and x no further apart than the error, by the steepest slope between them (at an end)."""
    least, most = abs(base.value) - base.error, abs(base.value) + base.error
    if not base.error or not e:
        return 0.0
    if least > 0:
        return abs(e) * max(_pow(least, e - 1), _pow(most, e - 1)) * base.error
    if e >= 1:
        return e * _pow(most, e - 1) * base.error
    return _pow(base.error, e) if e > 0 else math.inf  # u^e + v^e ≥ (u + v)^e for 0 < e < 1


def _pow(base: float, exponent: float) -> float:
    return float(np.power(np.float64(base), np.float64(exponent)))


def function(name: str, argument: Any) -> Rounded:
    """name(argument) by a library, which may shift the argument first: then that too is rounded.

    Every slope in the table is greatest at an end of an interval, or at 0.
    """
    argument = settled(argument)
    x, error = argument.value, argument.error
    match name:
        case "abs":
            return Rounded(abs(x), error)
        case "sign":
            return Rounded(float(np.sign(_apart(argument, 0))))
        case "sqrt":
            return power(argument, Fraction(1, 2))
    value = float(FUNCTIONS[name].value(x))
    ends = (x, x - error, x + error, *((0.0,) if abs(x) < error else ()))
    if math.isnan(value) or math.isnan(FUNCTIONS[name].value(x - error)):
        return Rounded(value, math.inf)  # it may have no value there
    spread = max(_slope(name, end) for end in ends) * error
    return _rounded(value, spread + _gamma(1) * _slope(name, x) * abs(x), LIBRARY)


@lru_cache
def _derivative(name: str) -> Scalar:
    return FUNCTIONS[name].derivative(ARGUMENT)


ARGUMENT = Real("x")


def _slope(name: str, x: float) -> float:
    return abs(_at(_derivative(name), x)) if math.isfinite(x) else 0.0


def _at(node: Scalar, x: float) -> float:
    """A derivative of the table, in floats."""
    match node:
        case Number(value=value):
            return float(value)
        case Real():
            return math.pi if node == PI else x
        case Sum(terms=terms):
            return sum(_at(term, x) for term in terms)
        case Product(factors=factors):
            return math.prod(_at(factor, x) for factor in factors)
        case Power(base=base, exponent=exponent):
            return _pow(_at(base, x), _at(exponent, x))
        case Apply(function=function, argument=argument):
            return float(FUNCTIONS[function].value(_at(argument, x)))
    raise NotImplementedError(f"no value for a {type(node).__name__}")
