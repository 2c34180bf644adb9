"""The value of a scalar on arrays, element by element. One rule per node.

Numbers stay Python floats until they meet an array, so that they take its type.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from convmath.errors import StatementError
from convmath.ir.functions import FUNCTIONS, PI
from convmath.ir.nodes import (
    Apply,
    Bracket,
    Compare,
    Guard,
    IndexValue,
    Matches,
    Number,
    Power,
    Product,
    Read,
    Real,
    Scalar,
    Sum,
)
from convmath.ir.poly import Poly
from convmath.kernels import basics

from .arrays import Arrays

__all__ = ["Scalars"]

RELATIONS = {"=": operator.eq, "≠": operator.ne, "<": operator.lt, "≤": operator.le}


@dataclass(frozen=True)
class Scalars:
    """How nodes become arrays: what a read, a form and a guard between forms are, and the values of real parameters.

    `read` gives an array as it is, `form` integers (or one), `holds` booleans (or one).
    """

    arrays: Arrays
    dtype: Any
    reals: Mapping[str, Any]
    read: Callable[[Read], Any]
    form: Callable[[Poly], Any]
    holds: Callable[[Guard], Any]

    def value(self, node: Scalar) -> Any:
        match node:
            case Number(value=value):
                return _float(value)
            case IndexValue(form=form):
                values = self.form(form)
                return _float(values) if isinstance(values, int) else self.arrays.cast(values, self.dtype)
            case Real():
                return self._real(node)
            case Read():
                return self.arrays.cast(self.read(node), self.dtype)
            case Sum(terms=terms):
                return self._folded(operator.add, terms)
            case Product(factors=factors):
                brackets = [factor.guard for factor in factors if isinstance(factor, Bracket)]
                others = [factor for factor in factors if not isinstance(factor, Bracket)]
                return self.where(brackets, self._folded(operator.mul, others) if others else 1.0, 0.0)
            case Power(base=base, exponent=exponent):
                return self._power(self.value(base), self.value(exponent))
            case Apply(function=function, argument=argument):
                values = self.value(argument)
                if isinstance(values, float):
                    return float(basics.function(function, FUNCTIONS[function].value)(np.float64(values)))
                return self.arrays.function(function)(values)
            case Bracket(guard=guard):
                return self.where([guard], 1.0, 0.0)
        raise NotImplementedError(f"no value for a {type(node).__name__}")

    def guard(self, guard: Guard) -> Any:
        """Where it holds: True, False or an array."""
        match guard:
            case Compare(left=left, relation=relation, right=right):
                return RELATIONS[relation](self.value(left), self.value(right))
            case Matches(form=form, read=read):
                return self._matches(self.form(form), self.read(read))
        return self.holds(guard)

    def where(self, guards: Iterable[Guard], values: Any, otherwise: float) -> Any:
        """The values where all the guards hold."""
        held = [self.guard(guard) for guard in guards]
        if not all(where is True for where in held if isinstance(where, bool)):
            return otherwise
        masks = sorted((where for where in held if not isinstance(where, bool)), key=_size)
        if not masks:
            return values
        mask = reduce(operator.and_, masks)
        if isinstance(values, float):
            if (values, otherwise) == (1.0, 0.0):
                return self.arrays.cast(mask, self.dtype)
            values = self.arrays.full((1,) * mask.ndim, values, self.dtype, mask)
        return self.arrays.chosen(mask, values, otherwise)

    def _matches(self, form: Any, values: Any) -> Any:
        if self.arrays.is_float(values):
            return values == (_float(form) if isinstance(form, int) else self.arrays.cast(form, values.dtype))
        integers = self.arrays.integers
        return self.arrays.cast(values, integers) == (
            form if isinstance(form, int) else self.arrays.cast(form, integers)
        )

    def _real(self, node: Real) -> float:
        value = self.reals.get(node.letter, node.default)
        if value is not None:
            return _float(value)
        if node == PI:
            return math.pi
        raise StatementError(f"the real parameter {node.letter} has no value; give it by name")

    def _folded(self, join: Callable[[Any, Any], Any], nodes: Sequence[Scalar]) -> Any:
        # small ones first: numbers and arrays over few indices meet before the large ones
        return reduce(join, sorted(map(self.value, nodes), key=_size))

    def _power(self, base: Any, exponent: Any) -> Any:
        if isinstance(base, float) and isinstance(exponent, float):
            return float(basics.power(np.float64(base), exponent))
        if isinstance(base, float):
            base = self.arrays.full(exponent.shape, base, exponent.dtype, exponent)
        return self.arrays.power(base, exponent)


def _size(value: Any) -> int:
    return 0 if isinstance(value, float) else math.prod(value.shape)


def _float(value: Any) -> float:
    """The nearest float; an infinity beyond them."""
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value)
