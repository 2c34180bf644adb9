"""What a program does with arrays, in two ways: NumPy with strides, and any namespace of the array API standard.

Both take the same program. An array over indices has an axis for each index of a box, of length 1 where it does not
depend on it, so that arithmetic broadcasts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from convmath.errors import DtypeError, HyperparameterError
from convmath.ir.functions import FUNCTIONS
from convmath.ir.poly import Index
from convmath.kernels import basics
from convmath.kernels.order import in_exact_order
from convmath.kernels.portable.library import is_foreign, readable
from convmath.kernels.portable.products import matmul

from .functions import portable

__all__ = ["Along", "Arrays", "Strided", "of_namespace"]


UFUNCS: Mapping[str, Any] = {"sum": np.add, "max": np.maximum, "min": np.minimum}


@dataclass(frozen=True, slots=True)
class Along:
    """How an axis of an array is read: at offset + Σ step·index, with indices counted from 0."""

    steps: Mapping[Index, int]
    offset: int

    def reads_in_order(self, lengths: Mapping[Index, int], size: int) -> bool:
        """Whether the positions are 0, 1, …, size - 1 as the indices run."""
        place = 1
        for index in reversed(list(self.steps)):
            if self.steps[index] != place:
                return False
            place *= lengths[index]
        return not self.offset and place == size

    def positions(self, lengths: Mapping[Index, int]) -> np.ndarray:
        """With an axis for each index."""
        grids = np.ix_(*(step * np.arange(lengths[index]) for index, step in self.steps.items()))
        return np.asarray(sum(grids, np.asarray(self.offset)))


class Arrays:
    """Arrays of a namespace: slices, gathers and matrix products, nothing is written in place."""

    def __init__(self, xp: Any):
        self.xp = xp

    # -- what comes in

    def given(self, name: str, values: Any) -> Any:
        """An array of integers or floats."""
        array = values if is_foreign(type(values)) else self.xp.asarray(values)
        if not self.xp.isdtype(array.dtype, ("integral", "real floating")):
            raise DtypeError(f"{name} is an array of {array.dtype}; integers or floats are needed")
        return array

    def is_float(self, array: Any) -> bool:
        return self.xp.isdtype(array.dtype, "real floating")

    def floating(self, arrays: Sequence[Any]) -> Any:
        """The type that is computed in: the arrays' own, but float32 at least; float64 where all are integers."""
        xp = self.xp
        floats = [array.dtype for array in arrays if self.is_float(array)]
        wide = [dtype for dtype in floats if xp.finfo(dtype).bits >= 32]
        if floats:
            return xp.result_type(xp.float32, *wide)
        return self.widest if arrays else xp.float32

    @property
    def widest(self) -> Any:
        """float64, or what the namespace has instead."""
        floats = self.xp.__array_namespace_info__().dtypes(kind="real floating")
        return floats.get("float64", floats["float32"])

    def positions(self, most: int, dtype: Any) -> Any:
        """A type of floats that holds whole numbers up to this one: the type itself if it does."""
        for held in (dtype, self.widest):
            if most * float(self.xp.finfo(held).eps) <= 2:
                return held
        raise DtypeError(f"positions up to {most} came up, but {held} does not hold them; float64 is needed")

    @property
    def integers(self) -> Any:
        return self.xp.asarray(0).dtype

    def number(self, value: Any, like: Any = None) -> Any:
        """An array from NumPy, on the device of another."""
        return self.xp.asarray(value, device=None if like is None else self.device(like))

    def device(self, array: Any) -> Any:
        return getattr(array, "device", None)

    def cast(self, array: Any, dtype: Any) -> Any:
        return array if array.dtype == dtype else self.xp.astype(array, dtype)

    def full(self, shape: Sequence[int], value: float, dtype: Any, like: Any = None) -> Any:
        device = None if like is None else self.device(like)
        return self.xp.full(tuple(shape), value, dtype=dtype, device=device)

    # -- elements

    def function(self, name: str) -> Callable[[Any], Any]:
        """A scalar function of the language, on arrays."""
        return portable(self.xp)[name]

    def power(self, base: Any, exponent: Any) -> Any:
        """Of two arrays, or of an array and a number."""
        return self.xp.pow(base, exponent)

    def chosen(self, mask: Any, values: Any, otherwise: float) -> Any:
        """The values where the mask holds, a number elsewhere."""
        other = self.full((1,) * mask.ndim, otherwise, values.dtype, mask)
        return self.xp.where(mask, values, other)

    def finite(self, array: Any) -> bool:
        """Whether no element is NaN or infinite."""
        # a sum that overflows says no, too, which costs time and nothing else; what is only traced is taken to be so
        total = readable(self.xp.sum(array))
        return total is None or math.isfinite(total)

    # -- reductions

    def matmul(self, first: Any, second: Any) -> Any:
        return matmul(self.xp, first, second)

    def reduced(self, kind: str, array: Any, axes: tuple[int, ...]) -> Any:
        """Σ, max or min over axes, which stay with length 1."""
        if kind == "sum":
            return self.xp.sum(array, axis=axes, keepdims=True, dtype=array.dtype)
        return (self.xp.max if kind == "max" else self.xp.min)(array, axis=axes, keepdims=True)

    def join(self, kind: str, first: Any, second: Any) -> Any:
        """first + second, or the larger or smaller of them."""
        if kind == "sum":
            return first + second
        return (self.xp.maximum if kind == "max" else self.xp.minimum)(first, second)

    def joined(self, kind: str, several: Iterable[Any]) -> Any:
        return reduce(partial(self.join, kind), several)

    # -- axes

    def line(self, array: Any, axis: int, start: int, step: int, length: int) -> Any:
        """The elements start, start + step, … along an axis."""
        if step < 0:
            array = self.line(array, axis, start + step * (length - 1), -step, length)
            return self.xp.flip(array, axis=axis)
        stop = start + step * (length - 1) + 1 if length else start
        if (start, step, stop) == (0, 1, array.shape[axis]):
            return array
        return array[(*(slice(None),) * axis, slice(start, stop, step), ...)]

    def taken(self, array: Any, positions: np.ndarray, axis: int) -> Any:
        return self.xp.take(array, self.number(positions, array), axis=axis)

    def padded(self, array: Any, pads: Sequence[tuple[int, int]], value: float) -> Any:
        """Longer at both ends of each axis."""
        for axis, ends in enumerate(pads):
            shape = list(array.shape)
            slabs = []
            for length in ends:
                shape[axis] = length
                slabs.append([self.full(shape, value, array.dtype, array)] if length else [])
            if any(ends):
                array = self.xp.concat([*slabs[0], array, *slabs[1]], axis=axis)
        return array

    def over(self, array: Any, axes: Sequence[Along], order: Sequence[Index], lengths: Mapping[Index, int]) -> Any:
        """An array with an axis for each index in the order; `axes` says how the axes of the array are read."""
        xp, named = self.xp, [index for along in axes for index in along.steps]
        if len(set(named)) < len(named):  # an index that reads along two axes
            return self._scattered(array, axes, order, lengths)
        for axis, along in enumerate(axes):
            match list(along.steps.items()):
                case []:
                    array = self.line(array, axis, along.offset, 1, 1)
                case [(index, step)]:
                    array = self.line(array, axis, along.offset, step, lengths[index])
                case _ if not along.reads_in_order(lengths, array.shape[axis]):
                    array = self.taken(array, along.positions(lengths).reshape(-1), axis)
        array = xp.reshape(array, tuple(lengths[index] for index in named))
        sequence = [index for index in order if index in named]
        if named != sequence:
            array = xp.permute_dims(array, tuple(map(named.index, sequence)))
        return xp.reshape(array, tuple(lengths[index] if index in named else 1 for index in order))

    def _scattered(
        self, array: Any, axes: Sequence[Along], order: Sequence[Index], lengths: Mapping[Index, int]
    ) -> Any:
        flat: Any = np.zeros([1] * len(order), np.intp)
        for along, n in zip(axes, array.shape, strict=True):
            own = [index for index in order if index in along.steps]
            sorted_ = Along({index: along.steps[index] for index in own}, along.offset)
            laid = [lengths[index] if index in along.steps else 1 for index in order]
            flat = flat * n + sorted_.positions(lengths).reshape(laid)
        return self.xp.reshape(self.taken(self.xp.reshape(array, (-1,)), flat.reshape(-1), 0), flat.shape)

    def contiguous_last(self, array: Any, first: Sequence[int], second: Sequence[int]) -> bool:
        """Whether of two groups of axes it is the first that should run fastest in a copy."""
        return False


class Strided(Arrays):
    """NumPy arrays: windows are views, and results are written where they belong."""

    def __init__(self) -> None:
        super().__init__(np)

    def given(self, name: str, values: Any) -> Any:
        array = np.asarray(values)
        if array.dtype.kind not in "iuf":
            raise DtypeError(f"{name} is an array of {array.dtype}; integers or floats are needed")
        return array

    def is_float(self, array: Any) -> bool:
        return array.dtype.kind == "f"

    def floating(self, arrays: Sequence[Any]) -> Any:
        floats = [array.dtype for array in arrays if array.dtype.kind == "f"]
        return np.result_type(np.float32, *(floats or [array.dtype for array in arrays]))

    def cast(self, array: Any, dtype: Any) -> Any:
        return array.astype(dtype, copy=False)

    def number(self, value: Any, like: Any = None) -> Any:
        return value

    def device(self, array: Any) -> Any:
        return None

    def function(self, name: str) -> Callable[[Any], Any]:
        if name == "erf" and not in_exact_order():
            from scipy.special import erf

            return erf
        return basics.function(name, FUNCTIONS[name].value)

    def power(self, base: Any, exponent: Any) -> Any:
        # a power by a number takes the short way where there is one: a square, a root, a reciprocal
        return basics.power(base, exponent)

    def finite(self, array: Any) -> bool:
        # whether a sum overflows may depend on its order
        return bool(np.isfinite(array).all()) if in_exact_order() else super().finite(array)

    def matmul(self, first: Any, second: Any) -> Any:
        return basics.matmul(first, second)

    def reduced(self, kind: str, array: Any, axes: tuple[int, ...]) -> Any:
        if kind == "sum" and in_exact_order():
            return basics.total(array, axes, keepdims=True)
        return super().reduced(kind, array, axes)

    def chosen(self, mask: Any, values: Any, otherwise: float) -> Any:
        # a bit pattern times false is that of 0, NaN's too; np.where takes 40 times as long where masks are irregular
        if values.dtype.itemsize > 8:
            return super().chosen(mask, values, otherwise)
        integers = np.dtype(f"i{values.dtype.itemsize}")
        bits = values.view(integers) * mask
        if otherwise:
            bits += np.asarray(otherwise, values.dtype).view(integers) * ~mask
        return bits.view(values.dtype)

    def joined(self, kind: str, several: Iterable[Any]) -> Any:
        ufunc, rest = UFUNCS[kind], iter(several)
        total = next(rest)
        for place, other in enumerate(rest):
            total = ufunc(total, other, out=total) if place else ufunc(total, other)
        return total

    def padded(self, array: Any, pads: Sequence[tuple[int, int]], value: float) -> Any:
        shape = [before + n + after for n, (before, after) in zip(array.shape, pads, strict=True)]
        if shape == list(array.shape):
            return array
        longer = np.full(shape, value, array.dtype) if value else np.zeros(shape, array.dtype)
        longer[tuple(slice(before, before + n) for n, (before, _) in zip(array.shape, pads, strict=True))] = array
        return longer

    def over(self, array: Any, axes: Sequence[Along], order: Sequence[Index], lengths: Mapping[Index, int]) -> Any:
        strides = dict.fromkeys(order, 0)
        for axis, (along, stride) in enumerate(zip(axes, array.strides, strict=True)):
            array = array[(*(slice(None),) * axis, slice(along.offset, None))]
            for index, step in along.steps.items():
                strides[index] += step * stride
        present = {index for along in axes for index in along.steps}
        shape = [lengths[index] if index in present else 1 for index in order]
        return as_strided(array, shape, list(strides.values()), writeable=False)

    def contiguous_last(self, array: Any, first: Sequence[int], second: Sequence[int]) -> bool:
        def run(axes: Sequence[int]) -> int:
            near = [array.shape[axis] for axis in axes if abs(array.strides[axis]) <= 4 * array.itemsize]
            return max(near, default=0)

        return run(first) > run(second)


def of_namespace(namespace: Any) -> Arrays:
    """How the arrays of a namespace are worked on; None: NumPy's, with strides."""
    if namespace is None:
        return Strided()
    if in_exact_order():
        raise HyperparameterError(
            f"the namespace is {getattr(namespace, '__name__', namespace)!r}, but within exact_order NumPy's arrays "
            "are needed: other libraries sum in an order of their own"
        )
    if not hasattr(namespace, "__array_namespace_info__"):
        came = getattr(namespace, "__name__", namespace)
        raise HyperparameterError(
            f"the namespace is {came!r}, but one of the array API standard is needed; array_api_compat has them for "
            "other libraries"
        )
    return Arrays(namespace)
