"""The open table of scalar functions: value, derivative, kinks, and how each is written.

A derivative is a scalar expression of the argument, so that it may be differentiated again. `kinks` says at which
arguments the derivative jumps; there the value of `derivative` is the named selection, not the truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from .nodes import ZERO, Apply, Number, Power, Real, Scalar, Sum

__all__ = ["FUNCTIONS", "PI", "Function", "applied", "rational_power"]


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    value: Callable[[float], float]
    derivative: Callable[[Scalar], Scalar]
    exact: Callable[[Any], Any]  # of a rational, where it is rational; else None
    kinks: tuple[Fraction, ...] = ()


def _sign(x: Any) -> int:
    return (x > 0) - (x < 0)


def rational_power(base: Any, exponent: Any) -> Fraction | None:
    """base^exponent for rationals, where it is one (base ≠ 0 for a negative exponent); else None."""
    base, exponent = Fraction(base), Fraction(exponent)
    if exponent.denominator != 1:
        parts = [_root(part, exponent.denominator) for part in (base.numerator, base.denominator)]
        if parts[0] is None or parts[1] is None:
            return None
        base = Fraction(parts[0], parts[1])
    return Fraction(base**exponent.numerator)


def _root(value: int, degree: int) -> int | None:
    """The whole number ≥ 0 whose `degree`-th power is `value`, if there is one."""
    if value < 0:
        return None
    low, high = 0, 1 << -(-value.bit_length() // degree)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if middle**degree < value else (low, middle)
    return low if low**degree == value else None


def _square_root(x: Any) -> Fraction | None:
    return rational_power(x, Fraction(1, 2)) if math.isfinite(x) else None


def _only_at(place: int, value: int) -> Callable[[Any], int | None]:
    return lambda x: value if x == place else None


_HALF = Number(Fraction(1, 2))
PI = Real("π")

FUNCTIONS = {
    function.name: function
    for function in (
        Function("exp", math.exp, lambda x: Apply("exp", x), _only_at(0, 1)),
        Function("log", math.log, lambda x: Power.of(x, Number(Fraction(-1))), _only_at(1, 0)),
        Function("sqrt", math.sqrt, lambda x: _HALF * Power.of(Apply("sqrt", x), Number(Fraction(-1))), _square_root),
        Function("abs", abs, lambda x: Apply("sign", x), abs, (Fraction(0),)),
        Function("sign", _sign, lambda x: ZERO, _sign, (Fraction(0),)),
        Function("tanh", math.tanh, lambda x: Sum.of(Number(Fraction(1)), -(Apply("tanh", x) ** 2)), _only_at(0, 0)),
        Function("erf", math.erf, lambda x: 2 * Power.of(PI, -_HALF) * Apply("exp", -(x**2)), _only_at(0, 0)),
    )
}


def applied(function: str, argument: Scalar) -> Scalar:
    """function(argument), as a number where both are rational."""
    if isinstance(argument, Number) and (value := FUNCTIONS[function].exact(argument.value)) is not None:
        return Number(Fraction(value))
    return Apply(function, argument)
