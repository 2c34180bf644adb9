"""The numbers that a program can run on: rationals and enclosures, floats, floats with a bound of their error."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from convmath.errors import DtypeError, StatementError

from . import enclosure, rounded
from .enclosure import Enclosure
from .functions import FUNCTIONS, rational_power

__all__ = ["ENCLOSED", "EXACT", "ROUNDED", "Arithmetic", "exact_array", "exact_number", "native"]


# --- exact numbers -------------------------------------------------------------------------------------------


def exact_number(value: Any) -> int | Fraction:
    """A number as the rational it is: an int where it is whole."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        if not math.isfinite(value):
            raise DtypeError(f"{value} has no exact value; exact evaluation needs finite numbers")
        return _whole_or_fraction(Fraction(*value.as_integer_ratio()))
    if isinstance(value, Fraction):
        return _whole_or_fraction(value)
    raise DtypeError(
        f"{value!r} is a {type(value).__name__}; exact evaluation needs integers, Fractions or finite floats"
    )


def _whole_or_fraction(value: Fraction) -> int | Fraction:
    return value.numerator if value.denominator == 1 else value


def exact_array(values: Any) -> np.ndarray:
    """An array of Python ints and Fractions with the same values."""
    array = np.asarray(values)
    if array.dtype.kind in "iu":
        return array.astype(object)
    if array.dtype.kind not in "fO":
        raise DtypeError(f"an array of {array.dtype} came; exact evaluation needs integers, Fractions or finite floats")
    result = np.empty(array.shape, object)
    result.reshape(-1)[:] = [exact_number(value) for value in array.reshape(-1).tolist()]
    return result


def _exact_power(base: Any, exponent: Any) -> Any:
    if isinstance(base, float) or isinstance(exponent, float):
        raise StatementError(
            f"({base})^{exponent} came up, a power of an empty maximum or minimum: it has no exact value"
        )
    if not isinstance(base, Enclosure) and not isinstance(exponent, Enclosure):
        if exponent < 0 and base == 0:
            raise StatementError(f"0^{exponent} came up: the statement divides by 0 for these sizes or data")
        if (value := rational_power(base, exponent)) is not None:
            return _whole_or_fraction(value)
    return enclosure.power(base, exponent)


def _exact_function(name: str) -> Callable[[Any], Any]:
    function = FUNCTIONS[name]

    def value(argument: Any) -> Any:
        if not isinstance(argument, Enclosure):
            if (found := function.exact(argument)) is not None:
                return found
            if isinstance(argument, float):
                raise StatementError(
                    f"{name}({argument}) came up, of an empty maximum or minimum: it has no exact value"
                )
        return function.enclosure(argument)

    return value


def _settled(value: Any) -> Any:
    """An enclosure of one number alone is that number."""
    if isinstance(value, Enclosure) and value.single:
        return _whole_or_fraction(value.low)
    return value


# --- the arithmetics -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Arithmetic:
    """What the runs do differently."""

    dtype: Any
    number: Callable[[Any], Any]  # from a rational
    power: Callable[[Any, Any], Any]
    function: Callable[[str], Callable[[Any], Any]]
    pi: Callable[[], Any]
    reduce: Mapping[str, np.ufunc]
    settled: Callable[[Any], Any] | None = None  # what becomes of a value when its equation is done
    exact: bool = False
    checks: bool = True  # whether what the data must meet is looked at
    warnings: Mapping[str, Any] = field(default_factory=dict)  # those of NumPy that say nothing here


_NUMPY = {"sum": np.add, "max": np.maximum, "min": np.minimum}
# where no value but a rational one can come up
EXACT = Arithmetic(
    dtype=object,
    number=exact_number,
    power=np.frompyfunc(_exact_power, 2, 1),
    function=lambda name: np.frompyfunc(_exact_function(name), 1, 1),
    pi=enclosure.pi,
    reduce=_NUMPY,
    exact=True,
    warnings={"invalid": "ignore"},
)
ENCLOSED = replace(
    EXACT,
    reduce=_NUMPY | {"max": np.frompyfunc(enclosure.larger, 2, 1), "min": np.frompyfunc(enclosure.smaller, 2, 1)},
    settled=np.frompyfunc(_settled, 1, 1),
)
ROUNDED = Arithmetic(
    dtype=object,
    number=rounded.constant,
    power=np.frompyfunc(rounded.power, 2, 1),
    function=lambda name: np.frompyfunc(partial(rounded.function, name), 1, 1),
    pi=rounded.pi,
    reduce=_NUMPY | {"max": np.frompyfunc(rounded.larger, 2, 1), "min": np.frompyfunc(rounded.smaller, 2, 1)},
    settled=np.frompyfunc(rounded.settled, 1, 1),
    checks=False,
    warnings={"all": "ignore"},
)


def native(dtype: Any) -> Arithmetic:
    """Floats of this type."""
    kind = np.dtype(dtype).type
    return Arithmetic(dtype, kind, np.power, lambda name: FUNCTIONS[name].value, lambda: math.pi, _NUMPY)
