"""Functions element by element, that broadcast: NumPy's values, and the slopes of a scalar expression each.

>>> from convmath import grad
>>> grad(lambda x: (1 / x + np.exp(x)).sum())(np.array([1.0, 2.0])).round(4)
array([1.7183, 7.1391])
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache
from math import isfinite
from typing import Any

import numpy as np

from convmath.ir.nodes import Apply, Bracket, Compare, Number, Power, Scalar
from convmath.kernels import basics
from convmath.kernels.streams import plus

from .slopes import OPERANDS, Compiled, pulled
from .tape import Pullback, Traced, any_traced, bottom, record

__all__ = ["ELEMENTWISE", "WITHOUT_GRADIENT", "Elementwise", "power", "shape_of", "summed", "to_shape"]


class Elementwise:
    """A function of one or two operands, whose derivatives are those of a scalar expression in A and B."""

    __slots__ = ("_plans", "expression", "value")

    def __init__(self, value: Callable[..., Any], expression: Scalar):
        self.value, self.expression = value, expression
        self._plans: dict[tuple[int, ...], tuple[list[Compiled | None], frozenset[str]]] = {}

    def __call__(self, *operands: Any) -> Any:
        return record(self._rule, operands) if any_traced(operands) else self.value(*operands)

    def _plan(self, places: tuple[int, ...]) -> tuple[list[Compiled | None], frozenset[str]]:
        """The pullbacks to these operands, and what they need besides the cotangent."""
        if places not in self._plans:
            pulls = [pulled(self.expression, place) for place in places]
            self._plans[places] = pulls, frozenset().union(*(pull.needs for pull in pulls if pull))
        return self._plans[places]

    def _rule(self, lower: list[Any], places: list[int]) -> tuple[Any, Pullback | None]:
        y = self(*lower)
        pulls, needed = self._plan(tuple(places))
        if places and not any(pulls):
            return bottom(y), None
        values = dict(zip("AB", lower, strict=False), Y=y)
        kept, shapes = {name: values[name] for name in needed}, [shape_of(lower[place]) for place in places]

        def pullback(cotangent: Any) -> list[Any]:
            values = kept | {"G": cotangent}
            return [pull and to_shape(pull.run(values), shape) for pull, shape in zip(pulls, shapes, strict=True)]

        return y, pullback


def shape_of(value: Any) -> tuple[int, ...]:
    return value.shape if hasattr(value, "shape") else np.shape(value)


def to_shape(cotangent: Any, shape: tuple[int, ...]) -> Any:
    """The sum over the axes along which an operand of this shape was repeated."""
    given = cotangent.shape
    if given == shape:
        return cotangent
    lead = len(given) - len(shape)
    repeated = tuple(axis + lead for axis, n in enumerate(shape) if n == 1 and given[axis + lead] != 1)
    return summed(cotangent, (*range(lead), *repeated)).reshape(shape)


def summed(value: Any, axes: tuple[int, ...], *, keepdims: bool = False) -> Any:
    """Σ over the axes, of an array or of a traced value"""
    if isinstance(value, Traced):
        return value.sum(axis=axes, keepdims=keepdims)  # type: ignore[attr-defined]
    return basics.total(value, axes, keepdims=keepdims)


# --- powers -------------------------------------------------------------------------------------------------------


def power(base: Any, exponent: Any) -> Any:
    """base^exponent; a number for exponent is part of the expression, so that x² has the slope 2·x, also at 0."""
    if isinstance(exponent, int | float | np.number) and isfinite(exponent):
        return _power_of(exponent)(base)
    return ELEMENTWISE[np.power](base, exponent)


@lru_cache(maxsize=256, typed=True)
def _power_of(exponent: Any) -> Elementwise:
    expression = Power.of(OPERANDS[0], Number(Fraction(float(exponent))))
    return Elementwise(lambda base: basics.power(base, exponent), expression)


# --- the table ----------------------------------------------------------------------------------------------------

A, B = OPERANDS


def _chosen(first: Compare, u: Scalar, second: Compare, v: Scalar) -> Scalar:
    return Bracket(first) * u + Bracket(second) * v


EXPRESSIONS: Mapping[np.ufunc, Scalar] = {
    np.positive: A,
    np.negative: -A,
    np.add: A + B,
    np.subtract: A - B,
    np.multiply: A * B,
    np.divide: A / B,
    np.power: Power(A, B),
    np.square: A**2,
    np.reciprocal: 1 / A,
    np.absolute: Apply("abs", A),
    np.sign: Apply("sign", A),
    np.sqrt: Apply("sqrt", A),
    np.exp: Apply("exp", A),
    np.log: Apply("log", A),
    np.expm1: Apply("exp", A) - 1,
    np.log1p: Apply("log", 1 + A),
    np.tanh: Apply("tanh", A),
    # the first where they tie
    np.maximum: _chosen(Compare(B, "≤", A), A, Compare(A, "<", B), B),
    np.minimum: _chosen(Compare(A, "≤", B), A, Compare(B, "<", A), B),
}
# with the operators of Python, where it has one: they are quicker for numbers; and those that know of `exact_order`
_OPERATORS: Mapping[np.ufunc, Callable[..., Any]] = {
    np.negative: operator.neg,
    np.add: plus,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.divide: operator.truediv,
    np.power: basics.power,
    np.exp: basics.exp,
    np.log: basics.log,
    np.expm1: basics.expm1,
    np.log1p: basics.log1p,
    np.tanh: basics.tanh,
    np.maximum: basics.maximum,
    np.minimum: basics.minimum,
}
ELEMENTWISE: Mapping[np.ufunc, Elementwise] = {
    ufunc: Elementwise(_OPERATORS.get(ufunc, ufunc), expression) for ufunc, expression in EXPRESSIONS.items()
}

# what is constant almost everywhere: plain arrays come out
WITHOUT_GRADIENT = frozenset(
    {
        *(np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal),
        *(np.logical_and, np.logical_or, np.logical_not, np.logical_xor),
        *(np.isnan, np.isinf, np.isfinite, np.signbit, np.floor, np.ceil, np.rint, np.trunc),
    }
)
