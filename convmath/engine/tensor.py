"""The array that a derivative is taken through: NumPy's operators, methods and functions, each recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convmath.errors import DtypeError, HyperparameterError, unknown

from . import arrays
from .elementwise import ELEMENTWISE, WITHOUT_GRADIENT, power
from .operators import taken_over
from .tape import Traced, bottom

__all__ = ["Tensor"]

_ADD, _SUBTRACT, _MULTIPLY, _DIVIDE, _NEGATIVE = (
    ELEMENTWISE[ufunc] for ufunc in (np.add, np.subtract, np.multiply, np.divide, np.negative)
)


def _swapped(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda self, other: function(other, self)


def _compared(ufunc: np.ufunc) -> Callable[[Any, Any], np.ndarray]:
    return lambda self, other: ufunc(bottom(self), bottom(other))


def _elementwise(ufunc: np.ufunc) -> Callable[[Any], Any]:
    return lambda self: ELEMENTWISE[ufunc](self)


class Tensor(Traced):
    """An array whose way into a result is recorded, so that the result can be differentiated by it.

    A function that is given to `grad` and its kin meets its arguments as Tensors. They have the operators and the usual
    methods of a NumPy array, NumPy's functions take them (`np.exp(x)`, `np.where(x > 0, x, 0)`), and so does
    `functional`. What has no derivative (a comparison, a type of integers) comes as a plain array. A Tensor is not
    changed in place, and is not made an array by accident: `value` is the array in it, which is constant for every
    gradient. A Tensor that one makes oneself is a constant.

    >>> x = Tensor([1.0, 2.0])
    >>> (x * x).sum().value
    array(5.)
    """

    __slots__ = ()
    __convmath_function__ = staticmethod(taken_over)
    __hash__ = object.__hash__  # a comparison is one of elements, but a Tensor is itself alone

    def __init__(self, value: ArrayLike):
        if isinstance(value, Traced):
            raise DtypeError("a Tensor came, but an array is needed; its .value is one [Tensor]")
        self._level, self._node, self._under = 0, None, np.asarray(value)

    @property
    def value(self) -> np.ndarray:
        """The array itself, to be read; a gradient does not go through it."""
        found = np.asarray(bottom(self)).view()
        found.flags.writeable = False
        return found

    def __repr__(self) -> str:
        return f"Tensor({np.array2string(self.value, separator=', ', prefix='Tensor(')})"

    def __len__(self) -> int:
        return len(bottom(self))

    def __bool__(self) -> bool:
        return bool(bottom(self))

    # -- operators

    def __add__(self, other: Any) -> Any:
        return _ADD(self, other)

    def __sub__(self, other: Any) -> Any:
        return _SUBTRACT(self, other)

    def __mul__(self, other: Any) -> Any:
        return _MULTIPLY(self, other)

    def __truediv__(self, other: Any) -> Any:
        return _DIVIDE(self, other)

    def __neg__(self) -> Any:
        return _NEGATIVE(self)

    def __pos__(self) -> Any:
        return self

    def __pow__(self, exponent: Any) -> Any:
        return power(self, exponent)

    def __matmul__(self, other: Any) -> Any:
        return arrays.matmul(self, other)

    __radd__, __rsub__, __rmul__, __rtruediv__ = map(_swapped, (_ADD, _SUBTRACT, _MULTIPLY, _DIVIDE))
    __rpow__, __rmatmul__ = map(_swapped, (power, arrays.matmul))
    __lt__, __le__, __gt__, __ge__ = map(_compared, (np.less, np.less_equal, np.greater, np.greater_equal))
    __eq__, __ne__ = map(_compared, (np.equal, np.not_equal))  # type: ignore[assignment]
    __abs__ = _elementwise(np.absolute)

    def __getitem__(self, key: Any) -> Any:
        return arrays.getitem(self, key)

    def __iter__(self) -> Iterator[Any]:
        return (self[place] for place in range(len(self)))

    # -- methods

    exp, log, sqrt, tanh = map(_elementwise, (np.exp, np.log, np.sqrt, np.tanh))
    sum, mean, max, min = arrays.sum_over, arrays.mean, arrays.maximum_over, arrays.minimum_over
    clip, reshape, squeeze, swapaxes, astype = (
        *(arrays.clip, arrays.reshape, arrays.squeeze),
        *(arrays.swapaxes, arrays.astype),
    )

    def transpose(self, *axes: Any) -> Any:
        return arrays.transpose(self, (axes[0] if len(axes) == 1 else axes) or None)

    @property
    def T(self) -> Any:
        return arrays.transpose(self)

    def ravel(self) -> Any:
        return arrays.reshape(self, -1)

    flatten = ravel

    # -- NumPy's functions

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *operands: Any, **options: Any) -> Any:
        called = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        if method != "__call__" or (ufunc not in _UFUNCS and ufunc not in WITHOUT_GRADIENT):
            raise unknown("function of NumPy on a Tensor", called, _NAMES)
        if options:
            raise HyperparameterError(
                f"{', '.join(options)} came, but a function of a Tensor takes its operands alone [numpy.{called}]"
            )
        if ufunc in WITHOUT_GRADIENT:
            return ufunc(*map(bottom, operands))
        return _UFUNCS[ufunc](*operands)

    def __array_function__(self, function: Callable, types: Any, args: Any, kwargs: Mapping[str, Any]) -> Any:
        if function in _PLAIN:
            return function(*map(bottom, args), **kwargs)
        if function not in _FUNCTIONS:
            raise unknown("function of NumPy on a Tensor", function.__name__, _NAMES)
        return _FUNCTIONS[function](*args, **kwargs)

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise _lost("array")

    def __float__(self) -> float:
        raise _lost("number")

    __int__ = __float__


def _lost(what: str) -> DtypeError:
    return DtypeError(
        f"a Tensor would become a plain {what} here, and its gradient would be lost; if that is meant, take .value"
    )


_UFUNCS: Mapping[np.ufunc, Callable[..., Any]] = {**ELEMENTWISE, np.power: power, np.matmul: arrays.matmul}
_FUNCTIONS: Mapping[Callable, Callable[..., Any]] = {
    np.broadcast_to: arrays.broadcast_to,
    np.clip: arrays.clip,
    np.concatenate: arrays.concatenate,
    np.expand_dims: arrays.expand_dims,
    np.max: arrays.maximum_over,
    np.mean: arrays.mean,
    np.min: arrays.minimum_over,
    np.moveaxis: arrays.moveaxis,
    np.ravel: Tensor.ravel,
    np.reshape: arrays.reshape,
    np.squeeze: arrays.squeeze,
    np.stack: arrays.stack,
    np.sum: arrays.sum_over,
    np.swapaxes: arrays.swapaxes,
    np.transpose: arrays.transpose,
    np.where: arrays.where,
}
# what looks at an array alone, or makes one like it: plain values come out
_PLAIN = frozenset(
    {
        *(np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.full_like, np.result_type),
        *(np.argmax, np.argmin, np.argsort, np.array_equal, np.allclose, np.isclose),
    }
)
_NAMES = sorted(f.__name__ for table in (_UFUNCS, WITHOUT_GRADIENT, _FUNCTIONS, _PLAIN) for f in table)
