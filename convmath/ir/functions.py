"""The open table of scalar functions: value in floats, exact value or enclosure, derivative, kinks.

A derivative is a scalar expression of the argument, so that it may be differentiated again. `kinks` says at which
arguments the derivative jumps; there the value of `derivative` is the named selection, not the truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from . import enclosure
from .nodes import ZERO, Apply, Number, Power, Real, Scalar

__all__ = ["FUNCTIONS", "PI", "Function", "applied", "rational_power"]


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    value: Callable[[Any], Any]  # of floats or arrays of them, as IEEE arithmetic has it
    derivative: Callable[[Scalar], Scalar]
    exact: Callable[[Any], Any]  # of a rational, where it is rational; else None
    enclosure: Callable[[Any], Any]  # of a rational or an enclosure
    kinks: tuple[Fraction, ...] = ()
    rational: bool = False  # at every rational


_LONG = 1 << 22  # so many bits are not written out for an exponent beyond 1024


def rational_power(base: Any, exponent: Any) -> Fraction | None:
    """base^exponent for rationals, where it is one (base ≠ 0 for a negative exponent); else None.

    None too where a large exponent makes it too long to be written out.
    """
    base, exponent = Fraction(base), Fraction(exponent)
    if exponent.denominator != 1:
        parts = [_root(part, exponent.denominator) for part in (base.numerator, base.denominator)]
        if parts[0] is None or parts[1] is None:
            return None
        base = Fraction(parts[0], parts[1])
    times, bits = abs(exponent.numerator), max(base.numerator.bit_length(), base.denominator.bit_length())
    if times > 1024 and bits > 1 and times * bits > _LONG:
        return None
    return Fraction(base**exponent.numerator)


def _root(value: int, degree: int) -> int | None:
    """The whole number ≥ 0 whose `degree`-th power is `value`, if there is one."""
    if value < 2:
        return value if value >= 0 else None
    if degree >= value.bit_length():  # 2 to that power is larger
        return None
    low, high = 1, 1 << -(-value.bit_length() // degree)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if middle**degree < value else (low, middle)
    return low if low**degree == value else None


def _square_root(x: Any) -> Fraction | None:
    return rational_power(x, Fraction(1, 2)) if math.isfinite(x) else None


def _only_at(place: int, value: int | Fraction) -> Callable[[Any], int | Fraction | None]:
    return lambda x: value if x == place else None


def _sigmoid(x: Any) -> Any:
    return np.exp(-np.logaddexp(0, -x))  # 1/(1 + e^(-x)), where e^(-x) may be too large


_HALF = Number(Fraction(1, 2))
PI = Real("π")

FUNCTIONS = {
    function.name: function
    for function in (
        Function("exp", np.exp, lambda x: Apply("exp", x), _only_at(0, 1), enclosure.exp),
        Function("log", np.log, lambda x: Power.of(x, Number(Fraction(-1))), _only_at(1, 0), enclosure.log),
        Function(
            "sqrt",
            np.sqrt,
            lambda x: _HALF * Power.of(Apply("sqrt", x), Number(Fraction(-1))),
            _square_root,
            enclosure.square_root,
        ),
        Function("abs", np.abs, lambda x: Apply("sign", x), abs, enclosure.absolute, (Fraction(0),), rational=True),
        Function("sign", np.sign, lambda x: ZERO, enclosure.sign, enclosure.sign, (Fraction(0),), rational=True),
        Function("tanh", np.tanh, lambda x: 1 - Apply("tanh", x) ** 2, _only_at(0, 0), enclosure.tanh),
        Function(
            "erf",
            np.frompyfunc(math.erf, 1, 1),
            lambda x: 2 * Power.of(PI, -_HALF) * Apply("exp", -(x**2)),
            _only_at(0, 0),
            enclosure.erf,
        ),
        Function(
            "sigmoid",
            _sigmoid,
            lambda x: Apply("sigmoid", x) * (1 - Apply("sigmoid", x)),
            _only_at(0, Fraction(1, 2)),
            enclosure.sigmoid,
        ),
        Function(
            "softplus",
            lambda x: np.logaddexp(0, x),
            lambda x: Apply("sigmoid", x),
            lambda x: None,
            enclosure.softplus,
        ),
    )
}


def applied(function: str, argument: Scalar) -> Scalar:
    """function(argument), as a number where both are rational."""
    if isinstance(argument, Number) and (value := FUNCTIONS[function].exact(argument.value)) is not None:
        return Number(Fraction(value))
    return Apply(function, argument)
