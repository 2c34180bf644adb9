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

__all__ = ["FUNCTIONS", "PI", "Function", "applied"]


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    value: Callable[[float], float]
    derivative: Callable[[Scalar], Scalar]
    exact: Callable[[Any], Any] | None = None  # where rationals go to rationals
    kinks: tuple[Fraction, ...] = ()


def _sign(x: Any) -> int:
    return (x > 0) - (x < 0)


_HALF = Number(Fraction(1, 2))
PI = Real("π")

FUNCTIONS = {
    function.name: function
    for function in (
        Function("exp", math.exp, lambda x: Apply("exp", x)),
        Function("log", math.log, lambda x: Power.of(x, Number(Fraction(-1)))),
        Function("sqrt", math.sqrt, lambda x: _HALF * Power.of(Apply("sqrt", x), Number(Fraction(-1)))),
        Function("abs", abs, lambda x: Apply("sign", x), abs, (Fraction(0),)),
        Function("sign", _sign, lambda x: ZERO, _sign, (Fraction(0),)),
        Function("tanh", math.tanh, lambda x: Sum.of(Number(Fraction(1)), -(Apply("tanh", x) ** 2))),
        Function("erf", math.erf, lambda x: 2 * Power.of(PI, -_HALF) * Apply("exp", -(x**2))),
    )
}


def applied(function: str, argument: Scalar) -> Scalar:
    """function(argument), as a number where both are rational."""
    exact = FUNCTIONS[function].exact
    if exact is not None and isinstance(argument, Number):
        return Number(Fraction(exact(argument.value)))
    return Apply(function, argument)
