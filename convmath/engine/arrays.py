"""What moves, repeats, adds and multiplies elements: functions as NumPy has them, of arrays or traced values.

Most of them are linear maps, and a linear map is known by its value and its adjoint: then its derivatives of every
order are the two in turn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from convmath import functional
from convmath.errors import ShapeError
from convmath.kernels import basics
from convmath.kernels.storage import floats, half, rounded

from .elementwise import ELEMENTWISE, shape_of, summed, to_shape
from .tape import Pullback, Traced, any_traced, bottom, record

__all__ = [
    "Linear",
    "astype",
    "broadcast_to",
    "clip",
    "concatenate",
    "expand_dims",
    "getitem",
    "matmul",
    "maximum_over",
    "mean",
    "minimum_over",
    "moveaxis",
    "reshape",
    "squeeze",
    "stack",
    "sum_over",
    "swapaxes",
    "transpose",
    "where",
]

Axes = int | tuple[int, ...] | None


class Linear:
    """A linear map of arrays with its adjoint: ⟨g, forward(x)⟩ = ⟨adjoint(g), x⟩"""

    __slots__ = ("adjoint", "forward")

    def __init__(self, forward: Callable[[Any], Any], adjoint: Callable[[Any], Any]):
        self.forward, self.adjoint = forward, adjoint

    def __call__(self, x: Any) -> Any:
        return record(self._rule, (x,)) if isinstance(x, Traced) else self.forward(x)

    def _rule(self, lower: list[Any], places: list[int]) -> tuple[Any, Pullback]:
        back = Linear(self.adjoint, self.forward)
        return self(lower[0]), lambda cotangent: (back(cotangent),)


# --- shapes and places --------------------------------------------------------------------------------------------


def reshape(x: Any, shape: int | Sequence[int], *others: int) -> Any:
    wanted: Any = (shape, *others) if others else shape
    came = shape_of(x)
    return Linear(lambda a: np.reshape(a, wanted), lambda g: np.reshape(g, came))(x)


def transpose(x: Any, axes: Sequence[int] | None = None) -> Any:
    order = tuple(range(x.ndim))[::-1] if axes is None else tuple(axes)
    back = None if axes is None else np.argsort([axis % max(x.ndim, 1) for axis in order])
    return Linear(lambda a: np.transpose(a, order), lambda g: np.transpose(g, back))(x)


def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    return Linear(lambda a: np.swapaxes(a, axis1, axis2), lambda g: np.swapaxes(g, axis1, axis2))(x)


def moveaxis(x: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Any:
    return Linear(lambda a: np.moveaxis(a, source, destination), lambda g: np.moveaxis(g, destination, source))(x)


def expand_dims(x: Any, axis: int | Sequence[int]) -> Any:
    came = shape_of(x)
    return Linear(lambda a: np.expand_dims(a, axis), lambda g: np.reshape(g, came))(x)  # type: ignore[arg-type]


def squeeze(x: Any, axis: Axes = None) -> Any:
    came = shape_of(x)
    return Linear(lambda a: np.squeeze(a, axis), lambda g: np.reshape(g, came))(x)


def broadcast_to(x: Any, shape: int | Sequence[int]) -> Any:
    came = shape_of(x)
    return Linear(lambda a: np.broadcast_to(a, shape), lambda g: to_shape(g, came))(x)


def astype(x: Any, dtype: Any) -> Any:
    """In another type; what is not a real floating-point type has no gradient, and comes as a plain array."""
    came, wanted = x.dtype, np.dtype(dtype)
    if not floats(wanted):
        return bottom(x).astype(wanted)
    return Linear(lambda a: rounded(a, wanted), lambda g: rounded(g, came))(x)


def getitem(x: Any, key: Any) -> Any:
    """x[key]; a gradient is added where the key takes an element several times."""
    came, basic = shape_of(x), _is_basic(key)

    def put(g: Any) -> np.ndarray:
        out = np.zeros(came, g.dtype)
        if basic:
            out[key] = g
        else:
            np.add.at(out, key, g)
        return out

    return Linear(lambda a: a[key], put)(x)


def _is_basic(key: Any) -> bool:
    """Whether a key takes no element twice: without lists or arrays in it."""
    if isinstance(key, tuple):
        return all(map(_is_basic, key))
    return key is None or key is Ellipsis or isinstance(key, int | np.integer | slice)


def concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Any:
    """One behind the other along an axis; laid flat before, if the axis is None."""
    if axis is None:
        return concatenate([reshape(array, -1) for array in arrays])

    def rule(lower: list[Any], places: list[int]) -> tuple[Any, Pullback]:
        value = concatenate(lower, axis)
        along = axis % value.ndim
        ends = np.cumsum([0, *(shape_of(array)[along] for array in lower)]).tolist()
        own = [(*[slice(None)] * along, slice(ends[place], ends[place + 1])) for place in places]
        return value, lambda cotangent: [cotangent[part] for part in own]

    arrays = tuple(arrays)
    return record(rule, arrays) if any_traced(arrays) else np.concatenate(arrays, axis)


def stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    return concatenate([expand_dims(array, axis) for array in arrays], axis)


def where(condition: Any, x: Any, y: Any) -> Any:
    """x where the condition holds, y elsewhere; the condition has no gradient."""
    holds = bottom(condition)

    def rule(lower: list[Any], places: list[int]) -> tuple[Any, Pullback]:
        shapes = [shape_of(lower[place]) for place in places]

        def pullback(cotangent: Any) -> list[Any]:
            parts = (where(holds, *((0, cotangent) if place else (cotangent, 0))) for place in places)
            return [to_shape(part, shape) for part, shape in zip(parts, shapes, strict=True)]

        return where(holds, *lower), pullback

    return record(rule, (x, y)) if any_traced((x, y)) else np.where(holds, x, y)


# --- sums and maxima ----------------------------------------------------------------------------------------------


def _axes(x: Any, axis: Axes, where_: str) -> tuple[int, ...]:
    """The axes that are meant, each once, from the front."""
    ndim = len(shape_of(x))
    said = range(ndim) if axis is None else axis if isinstance(axis, tuple | list) else (axis,)
    if any(not -ndim <= a < ndim for a in said) or len({a % ndim for a in said}) != len(said):
        raise ShapeError(f"axis is {axis!r}, but different axes of an array with {ndim} are needed [{where_}]")
    return tuple(sorted(a % ndim for a in said))


def sum_over(x: Any, axis: Axes = None, *, keepdims: bool = False) -> Any:
    axes, came = _axes(x, axis, "sum"), shape_of(x)
    kept = tuple(1 if place in axes else n for place, n in enumerate(came))
    spread = Linear(lambda a: summed(a, axes, keepdims=keepdims), lambda g: np.broadcast_to(np.reshape(g, kept), came))
    return spread(x)


def mean(x: Any, axis: Axes = None, *, keepdims: bool = False) -> Any:
    if half(x.dtype):  # the sum may be too large where the mean is not
        return astype(mean(astype(x, np.float32), axis, keepdims=keepdims), x.dtype)
    count = math.prod(shape_of(x)[place] for place in _axes(x, axis, "mean"))
    return sum_over(x, axis, keepdims=keepdims) / count


def maximum_over(x: Any, axis: Axes = None, *, keepdims: bool = False, ties: str = "first") -> Any:
    """The greatest along the axes; `ties` selects among equal ones, as in `functional.global_max_pool`."""
    axes, came = _axes(x, axis, "max"), shape_of(x)
    kept = tuple(place for place in range(len(came)) if place not in axes)
    rows, count = [came[place] for place in kept], math.prod(came[place] for place in axes)
    # the rows are a batch of one channel, and what the maximum is taken over is one spatial axis
    laid = reshape(transpose(x, (*kept, *axes)), (math.prod(rows), 1, count))
    found = functional.global_max_pool(laid, ties=ties)
    return reshape(found, [1 if place in axes else n for place, n in enumerate(came)] if keepdims else rows)


def minimum_over(x: Any, axis: Axes = None, *, keepdims: bool = False, ties: str = "first") -> Any:
    return -maximum_over(-x, axis, keepdims=keepdims, ties=ties)


def clip(x: Any, a_min: Any = None, a_max: Any = None) -> Any:
    """min(max(x, a_min), a_max); at the ends the slope is that of x."""
    above = x if a_min is None else ELEMENTWISE[np.maximum](x, a_min)
    return above if a_max is None else ELEMENTWISE[np.minimum](above, a_max)


# --- products -----------------------------------------------------------------------------------------------------


def matmul(x: Any, y: Any) -> Any:
    """x @ y, as NumPy has it: matrices on the last two axes, and a vector for a matrix of one row or one column."""
    if not any_traced((x, y)):
        return basics.matmul(x, y)
    row, column = len(shape_of(x)) == 1, len(shape_of(y)) == 1
    if row:
        x = expand_dims(x, 0)
    if column:
        y = expand_dims(y, 1)
    found = record(_matmul, (x, y))
    if column:
        found = squeeze(found, -1)
    return squeeze(found, -1 if column else -2) if row else found


def _matmul(lower: list[Any], places: list[int]) -> tuple[Any, Pullback]:
    x, y = lower
    shapes = shape_of(x), shape_of(y)
    of_x, of_y = 0 in places, 1 in places
    right, left = y if of_x else None, x if of_y else None

    def pullback(cotangent: Any) -> list[Any]:
        found = []
        if of_x:
            found.append(to_shape(matmul(cotangent, swapaxes(right, -1, -2)), shapes[0]))
        if of_y:
            found.append(to_shape(matmul(swapaxes(left, -1, -2), cotangent), shapes[1]))
        return found

    return matmul(x, y), pullback
