"""A scalar expression as a function of arrays or traced values; its derivatives come from `calculus`.

Operands are the reads A and B, the value of the expression itself is Y, and G is a cotangent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import add, mul
from typing import Any

import numpy as np

from convmath.calculus.scalars import derivative
from convmath.ir.functions import FUNCTIONS, PI
from convmath.ir.nodes import ZERO, Apply, Bracket, Compare, Number, Power, Product, Read, Real, Scalar, Sum
from convmath.ir.walk import reads
from convmath.kernels import basics

from .tape import Traced, any_traced

__all__ = ["OPERANDS", "Compiled", "compiled", "pulled"]

OPERANDS = (Read("A", ()), Read("B", ()))
_VALUE, _COTANGENT = Read("Y", ()), Read("G", ())
_RELATIONS: Mapping[str, np.ufunc] = {"=": np.equal, "≠": np.not_equal, "<": np.less, "≤": np.less_equal}

Run = Callable[[Mapping[str, Any]], Any]


class Compiled:
    """What an expression is for values of its reads; `needs` names those besides the cotangent."""

    __slots__ = ("needs", "run")

    def __init__(self, node: Scalar):
        self.needs, self.run = frozenset(read.tensor for read in reads(node)) - {"G"}, compiled(node)


def pulled(expression: Scalar, place: int) -> Compiled | None:
    """G·∂expression/∂operand, with Y for what is equal to the expression; None where the slope is 0 everywhere."""
    slope = derivative(expression, OPERANDS[place])
    return None if slope == ZERO else Compiled(_named(Product.of(_COTANGENT, slope), expression))


def _named(node: Scalar, value: Scalar) -> Scalar:
    """The expression with Y in the place of what is equal to `value`."""
    if node == value and not isinstance(value, Read):
        return _VALUE
    match node:
        case Sum(terms=terms):
            return Sum(tuple(_named(term, value) for term in terms))
        case Product(factors=factors):
            return Product(tuple(_named(factor, value) for factor in factors))
        case Power(base=base, exponent=exponent):
            return Power(_named(base, value), exponent)
        case Apply(function=function, argument=argument):
            return Apply(function, _named(argument, value))
    return node


# --- one rule per node --------------------------------------------------------------------------------------------


def compiled(node: Scalar) -> Run:
    match node:
        case Read(tensor=name):
            return lambda values: values[name]
        case Number(value=value):
            # a number of Python keeps the type of the array that it meets
            number = value.numerator if value.denominator == 1 else float(value)
            return lambda values: number
        case Real() if node == PI:
            return lambda values: math.pi
        case Sum(terms=terms):
            return _joined(add, [compiled(term) for term in terms])
        case Product(factors=factors):
            return _product(factors)
        case Power(base=base, exponent=exponent):
            return _power(compiled(base), exponent)
        case Apply(function=function, argument=argument):
            applied, inner = _applied(function), compiled(argument)
            return lambda values: applied(inner(values))
        case Bracket(guard=Compare(left=left, relation=relation, right=right)):
            compare, sides = _RELATIONS[relation], (compiled(left), compiled(right))
            return lambda values: compare(*(side(values) for side in sides))
    raise NotImplementedError(f"no function of arrays for a {type(node).__name__}")


def _joined(join: Callable[[Any, Any], Any], parts: Sequence[Run]) -> Run:
    if len(parts) == 1:
        return parts[0]
    if len(parts) == 2:
        first, second = parts
        return lambda values: join(first(values), second(values))
    return lambda values: reduce(join, (part(values) for part in parts))


def _product(factors: Sequence[Scalar]) -> Run:
    """Factors with a negative power divide, so that a quotient is rounded once; brackets are strong zeros."""
    brackets = [compiled(factor) for factor in factors if isinstance(factor, Bracket)]
    below = [_turned(factor) for factor in factors if _divides(factor)]
    above = [factor for factor in factors if not isinstance(factor, Bracket) and not _divides(factor)]
    run = _joined(mul, [compiled(factor) for factor in above or [Number(ZERO.value + 1)]])
    if below:
        whole, divisor = run, _joined(mul, [compiled(factor) for factor in below])
        run = lambda values: whole(values) / divisor(values)  # noqa: E731
    if brackets:
        inside, holds = run, _joined(np.logical_and, brackets)
        run = lambda values: np.where(holds(values), inside(values), 0)  # noqa: E731
    return run


def _divides(factor: Scalar) -> bool:
    return isinstance(factor, Power) and isinstance(factor.exponent, Number) and factor.exponent.value < 0


def _turned(factor: Scalar) -> Scalar:
    """1/factor for a negative power"""
    assert isinstance(factor, Power)
    assert isinstance(factor.exponent, Number)
    return Power.of(factor.base, Number(-factor.exponent.value))


def _power(base: Run, exponent: Scalar) -> Run:
    if exponent == Number(ZERO.value + 2):
        return lambda values: _squared(base(values))
    power = compiled(exponent)
    return lambda values: _raised(base(values), power(values))


def _raised(base: Any, exponent: Any) -> Any:
    return base**exponent if any_traced((base, exponent)) else basics.power(base, exponent)


def _applied(function: str) -> Callable[[Any], Any]:
    value = FUNCTIONS[function].value
    own = basics.function(function, value)
    return lambda x: value(x) if isinstance(x, Traced) else own(x)


def _squared(value: Any) -> Any:
    return value * value
