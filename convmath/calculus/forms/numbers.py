"""A statement that has forms, at numbers: its arrays with groups apart, and which position each tap reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from convmath.errors import DtypeError, StatementError
from convmath.ir.bind import bind
from convmath.ir.exact import exact_array
from convmath.window import BORDERS, Border

from .structure import Axis, Structure

__all__ = ["Laid", "Numbers", "applied", "arithmetic", "correlated", "patches", "picked", "relaid"]


@dataclass(frozen=True, slots=True)
class Laid:
    """How one axis is laid, in numbers: n positions of the input, m of the output, k taps."""

    n: int
    m: int
    k: int
    stride: int
    dilation: int
    before: int
    gathers: bool
    border: Border | None

    def reads(self) -> np.ndarray:
        """The position of the input that meets output position j at tap t, as an m×k array; -1 where there is none."""
        return self.within(self._forwards() if self.gathers else self._backwards())

    def _forwards(self) -> np.ndarray:
        """s·j + d·t - a"""
        return self.stride * np.arange(self.m)[:, None] + self.dilation * np.arange(self.k) - self.before

    def _backwards(self) -> np.ndarray:
        """(j - d·t + a)/s where that is whole"""
        quotient, rest = np.divmod(
            np.arange(self.m)[:, None] - self.dilation * np.arange(self.k) + self.before, self.stride
        )
        return np.where(rest == 0, quotient, -1)

    def within(self, e: np.ndarray) -> np.ndarray:
        """The element of the input that stands at each position e of the padded axis; -1 where there is none."""
        if self.border is not None:
            e = np.where(e < 0, self.border.below(e, self.n), np.where(e >= self.n, self.border.above(e, self.n), e))
        return np.where((e >= 0) & (e < self.n), e, -1)


@dataclass(frozen=True)
class Numbers:
    """x is (batch, group, channel, *positions), w (group, output channel, input channel, *taps)."""

    x: np.ndarray
    w: np.ndarray
    bias: np.ndarray | None
    axes: tuple[Laid, ...]

    @staticmethod
    def of(structure: Structure, arrays: Mapping[str, Any], given: Mapping[str, Any]) -> Numbers:
        found = arithmetic(arrays)
        for name in structure.statement.reads:
            if name not in found:
                raise StatementError(
                    f"no array is given for {name}; the statement reads {', '.join(structure.statement.reads)}"
                )
        env = bind(structure.statement, {name: array.shape for name, array in found.items()}, given)
        x, w = found[structure.x.tensor], found[structure.w.tensor]
        groups = prod(index.size.evaluate(env) for index in structure.groups)
        w = w.reshape(groups, w.shape[0] // groups, *w.shape[1:])
        border = BORDERS.get(structure.outside)  # type: ignore[arg-type]
        outputs = [index.evaluate(env) for index in structure.shape(structure.output.name)[2:]]

        def laid(axis: Axis, n: int, m: int, k: int) -> Laid:
            stride, dilation, before = (form.evaluate(env) for form in (axis.stride, axis.dilation, axis.before))
            return Laid(n, m, k, stride, dilation, before, structure.gathers, border)

        return Numbers(
            x.reshape(len(x), groups, x.shape[1] // groups, *x.shape[2:]),
            w if structure.gathers else w.swapaxes(1, 2),
            found[structure.bias.body.tensor] if structure.bias else None,  # type: ignore[union-attr]
            tuple(laid(*each) for each in zip(structure.axes, x.shape[2:], outputs, w.shape[3:], strict=True)),
        )

    @property
    def exact(self) -> bool:
        return self.x.dtype == object

    def value(self, y: np.ndarray) -> np.ndarray:
        """(batch, group, channel, *positions) as the statement has its output, with the bias added."""
        y = y.reshape(len(y), y.shape[1] * y.shape[2], *y.shape[3:])
        y = y if self.bias is None else y + self.bias.reshape(-1, *[1] * len(self.axes))
        return exact_array(y) if self.exact else y


def arithmetic(arrays: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The arrays in one arithmetic: floating point if one of them has it and none holds objects, else exact numbers."""
    found = {name: np.asarray(array) for name, array in arrays.items()}
    for name, array in found.items():
        if array.dtype.kind not in "iufO":
            raise DtypeError(f"{name} is an array of {array.dtype}, but integers, Fractions or floats are needed")
    kinds = {array.dtype.kind for array in found.values()}
    if "f" in kinds and "O" not in kinds:
        dtype = np.result_type(np.float32, *found.values())
        return {name: array.astype(dtype) for name, array in found.items()}
    return {name: exact_array(array) for name, array in found.items()}


def picked(x: np.ndarray, positions: Sequence[np.ndarray]) -> np.ndarray:
    """The last axes of x taken at positions, each axis becoming as many as its positions have; 0 at position -1."""
    first = x.ndim - len(positions)
    for place in reversed(range(len(positions))):
        axis = first + place
        zero = np.zeros((*x.shape[:axis], 1, *x.shape[axis + 1 :]), x.dtype)
        x = np.take(np.concatenate([x, zero], axis), positions[place], axis)
    return x


def applied(matrix: np.ndarray, x: np.ndarray, axis: int) -> np.ndarray:
    """The matrix times x along one axis"""
    return np.moveaxis(np.tensordot(matrix, x, (1, axis)), 0, axis)


def patches(numbers: Numbers) -> np.ndarray:
    """(batch, group, channel·tap, position): what each output position reads, the matrix of im2col"""
    D = len(numbers.axes)
    seen = picked(numbers.x, [axis.reads() for axis in numbers.axes])
    taps, positions = range(4, 3 + 2 * D, 2), range(3, 3 + 2 * D, 2)
    seen = seen.transpose(0, 1, 2, *taps, *positions)
    return seen.reshape(*seen.shape[:2], prod(seen.shape[2 : 3 + D]), prod(seen.shape[3 + D :]))


def correlated(numbers: Numbers) -> np.ndarray:
    """(batch, group, output channel, *positions): the product of the weight, as a matrix, with the patches"""
    w = numbers.w.reshape(*numbers.w.shape[:2], prod(numbers.w.shape[2:]))
    y = w @ patches(numbers)
    return y.reshape(*y.shape[:3], *(axis.m for axis in numbers.axes))


def relaid(numbers: Numbers, **changes: Sequence[Any]) -> Numbers:
    """The same arrays with their axes laid in another way, one value an axis."""
    axes = (
        replace(axis, **{name: values[place] for name, values in changes.items()})
        for place, axis in enumerate(numbers.axes)
    )
    return replace(numbers, axes=tuple(axes))
