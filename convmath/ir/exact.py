"""The value of a statement by its definition.

Exact runs work on Python integers and Fractions (floats are read as the rationals they are). Where a value need not be
rational they work on enclosures, with as much precision as it takes. Native runs use the arrays' own floating-point
type, and rounded runs bound what floating point may be off by. All of them run the same `Program`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from convmath.errors import DtypeError, HyperparameterError, StatementError

from .arithmetic import ENCLOSED, EXACT, ROUNDED, exact_array, exact_number, native
from .bind import bind
from .enclosure import Enclosure, Undecided, precision
from .functions import FUNCTIONS, PI
from .nodes import Apply, Number, Power, Real, Statement
from .poly import Param
from .program import Program, program
from .rounded import Rounded, unit_roundoff
from .walk import inside

__all__ = ["evaluate", "evaluate_at", "evaluate_native", "evaluate_rounded", "exact_array", "real_values"]

BITS = 64
_GUARD = 32  # bits more than are asked for
_MOST = 4096  # bits that are tried; what a float64 can hold needs 1100 before the point, and as many behind it


@lru_cache(maxsize=512)
def _reals(statement: Statement) -> Mapping[str, bool]:
    """The letters of the real parameters, and whether each must be above 0."""
    found: dict[str, bool] = {}
    for node in inside(statement):
        if isinstance(node, Real):
            found[node.letter] = found.get(node.letter, False) or node.positive
    return found


def real_values(statement: Statement, given: Mapping[str, Any]) -> dict[str, int | Fraction]:
    """Those of the statement's real parameters that are given, as the rationals they are."""
    values = {}
    for letter, positive in _reals(statement).items():
        if letter in given:
            value = given[letter]
            if isinstance(value, (float, np.floating)) and not math.isfinite(value):
                raise HyperparameterError(f"the real parameter {letter} is {value}, but a finite number is needed")
            values[letter] = exact_number(value)
            if positive and values[letter] <= 0:
                raise HyperparameterError(f"the real parameter {letter} is {value}, but it must be above 0")
    return values


@lru_cache(maxsize=512)
def _is_rational(statement: Statement) -> bool:
    """Whether rational inputs surely have rational values."""
    for node in inside((statement.equations, statement.requires)):
        match node:
            case Apply(function=function) if not FUNCTIONS[function].rational:
                return False
            case Power(exponent=Number(value=exponent)) if exponent.denominator == 1 and abs(exponent) <= 1024:
                pass
            case Power() | Real(letter=PI.letter):
                return False
    return True


def _exactly(
    program: Program, arrays: Mapping[str, np.ndarray], reals: Mapping[str, Any], bits: int
) -> dict[str, np.ndarray]:
    """The outputs, with as much precision on the way as it takes until every enclosure is narrow enough."""
    if isinstance(bits, bool) or not isinstance(bits, int) or bits < 1:
        raise HyperparameterError(f"bits is {bits!r}, but a whole number from 1 on is needed")
    if _is_rational(program.statement):
        return program.run(arrays, EXACT, reals)
    working = bits + _GUARD
    while True:
        try:
            with precision(working):
                values = program.run(arrays, ENCLOSED, reals)
        except Undecided as question:
            why, lacking = f"{question}", working
        else:
            lacking = _lacking(values, bits)
            if not lacking:
                return values
            why = f"a value is not known to 2^-{bits}"
        if working + lacking > _MOST:
            raise StatementError(f"{why}, with {working} bits on the way; more than {_MOST} are not tried")
        working += lacking


def _lacking(values: Mapping[str, np.ndarray], bits: int) -> int:
    """How many bits more there should have been for every enclosure to have a width of at most 2^-bits."""
    most = Fraction(1, 1 << bits)
    widths = [v.width for array in values.values() for v in array.flat if isinstance(v, Enclosure)]
    widest = max(widths, default=Fraction(0))
    if widest <= most:
        return 0
    return 4 + (widest / most).__ceil__().bit_length()


def _prepared(
    statement: Statement, arrays: Mapping[str, np.ndarray], given: Mapping[str, Any]
) -> tuple[Program, dict[str, int | Fraction]]:
    """The program at the sizes of the arrays and the given hyper-parameters, and the values of its real parameters."""
    reals = real_values(statement, given)
    words = {name: value for name, value in given.items() if name not in reals}
    env = bind(statement, {name: array.shape for name, array in arrays.items()}, words)
    return program(statement, env), reals


def evaluate_at(
    statement: Statement, arrays: Mapping[str, Any], env: Mapping[Param, int], *, bits: int = BITS, **reals: Any
) -> dict[str, np.ndarray]:
    """The outputs by name at these values of the parameters, exactly: as `evaluate` gives them."""
    found = {name: exact_array(values) for name, values in arrays.items()}
    return _exactly(program(statement, env), found, real_values(statement, reals), bits)


def evaluate(
    statement: Statement, arrays: Mapping[str, Any], *, bits: int = BITS, **given: Any
) -> dict[str, np.ndarray]:
    """The outputs by name, as object arrays of ints and Fractions; where a value is not rational, an Enclosure of it.

    An enclosure has a width of at most 2^-bits. Real parameters are given by their letter.
    """
    found = {name: exact_array(values) for name, values in arrays.items()}
    compiled, reals = _prepared(statement, found, given)
    return _exactly(compiled, found, reals, bits)


def evaluate_native(statement: Statement, arrays: Mapping[str, Any], **given: Any) -> dict[str, np.ndarray]:
    """The outputs by name, computed in the floating-point type of the arrays (float32 at least)."""
    found = _floats(arrays)
    floats = [array for array in found.values() if array.dtype.kind == "f"]
    dtype = np.result_type(np.float32, *(floats or found.values()))
    compiled, reals = _prepared(statement, found, given)
    return compiled.run({name: array.astype(dtype) for name, array in found.items()}, native(dtype), reals)


def _floats(arrays: Mapping[str, Any]) -> dict[str, np.ndarray]:
    found = {name: np.asarray(values) for name, values in arrays.items()}
    for name, array in found.items():
        if array.dtype.kind not in "iuf":
            raise DtypeError(f"{name} is an array of {array.dtype}; integers or floats are needed")
    return found


def evaluate_rounded(
    statement: Statement, arrays: Mapping[str, Any], unit: float, *, underflow: float = 0.0, **given: Any
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By name, the value of each output in floats, and how far floating point with unit roundoff u may be off.

    What it promises: whoever evaluates the statement equation by equation is at most the second away from the exact
    value, if a rounding is at most u times the result (and `underflow` besides), functions of a library are within 4
    units in the last place, and inputs are held exactly. Sums may be taken in any order, an argument may be shifted
    before a function is applied (exp(x - max)), and constants and real parameters are rounded.

    What it does not: the bound is of the statement as it is written, and another formula for the same number (a
    product multiplied out, a variance as a difference of two means) may be off by more. What one argument's rounding
    does to a function is taken to first order in u. Where rounding decides a comparison there is no bound, and a
    StatementError says so. An infinite error says that nothing is known.
    """
    if not 0 < unit < 1:
        raise HyperparameterError(f"the unit roundoff is {unit}, but a number between 0 and 1 is needed")
    found = _floats(arrays)
    compiled, reals = _prepared(statement, found, given)
    held = np.frompyfunc(lambda value: Rounded(float(value)), 1, 1)
    with unit_roundoff(unit, underflow):
        numbers = {name: np.asarray(held(array), object) for name, array in found.items()}
        outputs = compiled.run(numbers, ROUNDED, reals)
    return {name: (_part(array, "value"), _known(_part(array, "error"))) for name, array in outputs.items()}


def _part(array: np.ndarray, name: str) -> np.ndarray:
    return np.array([getattr(number, name) for number in array.flat], float).reshape(array.shape)


def _known(errors: np.ndarray) -> np.ndarray:
    """An error of ∞ - ∞ is one that nothing is known of."""
    return np.where(np.isnan(errors), math.inf, errors)
