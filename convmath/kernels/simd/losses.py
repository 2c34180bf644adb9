"""Softmax, its logarithm and their gradients by generated kernels; those of `kernels.losses` where there are none.

Classes are in the lanes where their axis is the last one, else the positions behind it. exp is that of `exponential`
and log that of `kernels.elementary`, at most 1 ulp off; a sum of n is off by at most γ(n)·Σ|…|, γ(n) = n·u/(1 - n·u).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from convmath.kernels import losses
from convmath.kernels.elementary import emit

from . import workers
from .builder import Builder, Value, words
from .compile import Kernel, kernel
from .exponential import exp
from .memory import empty

__all__ = ["by_class_input", "log_softmax", "log_softmax_input", "softmax", "softmax_input"]

DTYPES = {np.dtype(np.float32): "f4", np.dtype(np.float64): "f8"}
SHORT = 4  # positions for which lanes are not worth it
ROWS = 16  # rows of an item
SPEED = 4e9  # bytes a second, about: only to see what is worth sharing

SHAPE = "outer classes inner"
Emit = Callable[..., Value]


# --- the two ways through an array --------------------------------------------------------------------------------


class _Along:
    """One sum or maximum over classes: what is carried is a vector, whose lanes are classes or positions.

    `over(body, carried)` goes through the classes with body(offset in bytes, mask, *carried); `one` makes one number of
    a vector of classes, in every lane.
    """

    def __init__(self, k: Builder, rows: bool, start: Value, mask: Value | None):
        self.k, self.rows, self.start, self.mask = k, rows, start, mask

    def over(self, body: Callable[..., list[Value]], carried: list[Value]) -> list[Value]:
        k = self.k
        if self.rows:
            return k.over(k.classes, lambda offset, mask, *now: body(self.start + offset, mask, *now), carried)
        step = k.inner * k.bytes
        return k.loop(0, k.classes, 1, carried, lambda c, *now: body(self.start + c * step, self.mask, *now))

    def total(self, vector: Value) -> Value:
        return self.k.splat(self.k.sum_of_lanes(vector)) if self.rows else vector

    def greatest(self, vector: Value) -> Value:
        k, lanes = self.k, vector.lanes
        if not self.rows:
            return vector
        while lanes > 1:
            lanes //= 2
            upper = k.shuffle(vector, vector, range(lanes, 2 * lanes))
            vector = k.greater(k.shuffle(vector, vector, range(lanes)), upper)
        return k.splat(k.lane(vector, 0))


def _each(k: Builder, rows: bool, body: Callable[[_Along], None]) -> None:
    """The body for each row, or each vector of positions."""
    if rows:

        def row(i: Value) -> None:
            body(_Along(k, True, i * (k.classes * k.bytes), None))

        k.loop(k.first * ROWS, k.least_of(k.behind * ROWS, k.outer), 1, [], row)
        return

    def plane(i: Value) -> None:
        start = i * (k.classes * k.inner * k.bytes)
        k.over(k.inner, lambda offset, mask: body(_Along(k, False, start + offset, mask)))

    k.loop(k.first, k.behind, 1, [], plane)


def _outside(k: Builder, value: Value, mask: Value | None, stands: float) -> Value:
    """What stands where nothing is loaded."""
    return value if mask is None else k.select(mask, value, k.splat(stands))


# --- code ---------------------------------------------------------------------------------------------------------


@kernel("x y", SHAPE)
def forward(k: Builder, dtype: str, rows: bool, logarithm: bool) -> None:
    """exp(X - M)/S, or X - M - log S; M the greatest, S the sum of exponentials."""

    def body(along: _Along) -> None:
        def greater(offset: Value, mask: Value | None, so_far: Value) -> list[Value]:
            return [k.greater(so_far, _outside(k, k.load(k.x, offset, mask=mask), mask, -math.inf))]

        most = along.greatest(along.over(greater, [k.splat(-math.inf)])[0])

        def add(offset: Value, mask: Value | None, so_far: Value) -> list[Value]:
            e = exp(k, k.load(k.x, offset, mask=mask) - most)
            if not logarithm:
                k.store(e, k.y, offset, mask=mask)
            return [so_far + _outside(k, e, mask, 0.0)]

        total = along.total(along.over(add, [k.splat(0.0)])[0])
        change = emit(k, "log", total) if logarithm else k.splat(1.0) / total

        def write(offset: Value, mask: Value | None) -> list[Value]:
            if logarithm:
                k.store(k.load(k.x, offset, mask=mask) - most - change, k.y, offset, mask=mask)
            else:
                k.store(k.load(k.y, offset, mask=mask) * change, k.y, offset, mask=mask)
            return []

        along.over(write, [])

    _each(k, rows, body)


@kernel("g y out", SHAPE)
def backward(k: Builder, dtype: str, rows: bool, logarithm: bool) -> None:
    """Y·(gY - Σ gY·Y), or gZ - exp(Z)·Σ gZ"""

    def body(along: _Along) -> None:
        def add(offset: Value, mask: Value | None, so_far: Value) -> list[Value]:
            g = k.load(k.g, offset, mask=mask)
            return [so_far + g if logarithm else k.multiply_add(g, k.load(k.y, offset, mask=mask), so_far)]

        total = along.total(along.over(add, [k.splat(0.0)])[0])

        def write(offset: Value, mask: Value | None) -> list[Value]:
            g, y = k.load(k.g, offset, mask=mask), k.load(k.y, offset, mask=mask)
            found = g - exp(k, y) * total if logarithm else y * (g - total)
            k.store(found, k.out, offset, mask=mask)
            return []

        along.over(write, [])

    _each(k, rows, body)


@kernel("g z out", SHAPE)
def scaled(k: Builder, dtype: str, rows: bool) -> None:
    """exp(Z)·g, g a number for each position"""
    if rows:

        def row(i: Value) -> None:
            along = _Along(k, True, i * (k.classes * k.bytes), None)
            _scale(along, k.splat(k.load_number(k.g, i * k.bytes)))

        k.loop(k.first * ROWS, k.least_of(k.behind * ROWS, k.outer), 1, [], row)
        return

    def plane(i: Value) -> None:
        start, own = i * (k.classes * k.inner * k.bytes), k.at(k.g, i * (k.inner * k.bytes))
        k.over(
            k.inner,
            lambda offset, mask: _scale(_Along(k, False, start + offset, mask), k.load(own, offset, mask=mask)),
        )

    k.loop(k.first, k.behind, 1, [], plane)


def _scale(along: _Along, g: Value) -> None:
    k = along.k

    def write(offset: Value, mask: Value | None) -> list[Value]:
        k.store(exp(k, k.load(k.z, offset, mask=mask)) * g, k.out, offset, mask=mask)
        return []

    along.over(write, [])


# --- calls --------------------------------------------------------------------------------------------------------


def _shape(array: np.ndarray, axis: int) -> tuple[int, int, int] | None:
    """Rows, classes and positions behind them; None where there is no kernel."""
    axis %= array.ndim
    outer, inner = math.prod(array.shape[:axis]), math.prod(array.shape[axis + 1 :])
    fits = array.dtype in DTYPES and array.flags.c_contiguous and array.size > 0
    return (outer, array.shape[axis], inner) if fits and (inner == 1 or inner >= SHORT) else None


def _run(code: Kernel, arrays: tuple[np.ndarray, ...], shape: tuple[int, int, int]) -> np.ndarray:
    out = empty(arrays[-1].shape, arrays[-1].dtype)
    items = -(-shape[0] // ROWS) if shape[2] == 1 else shape[0]
    workers.run(code, words(*arrays, out, *shape), items, seconds=3 * out.nbytes / SPEED)
    return out


def softmax(x: np.ndarray, axis: int) -> np.ndarray:
    shape = _shape(x, axis)
    if shape is None:
        return losses.softmax(x, axis)
    return _run(forward(DTYPES[x.dtype], shape[2] == 1, False), (x,), shape)


def log_softmax(x: np.ndarray, axis: int) -> np.ndarray:
    shape = _shape(x, axis)
    if shape is None:
        return losses.log_softmax(x, axis)
    return _run(forward(DTYPES[x.dtype], shape[2] == 1, True), (x,), shape)


def softmax_input(gy: np.ndarray, y: np.ndarray, axis: int) -> np.ndarray:
    """Y·(gY - Σ gY·Y)"""
    shape = _shape(y, axis)
    if shape is None or _shape(gy, axis) is None or gy.dtype != y.dtype:
        return losses.softmax_input(gy, y, axis)
    return _run(backward(DTYPES[y.dtype], shape[2] == 1, False), (gy, y), shape)


def log_softmax_input(gz: np.ndarray, z: np.ndarray, axis: int) -> np.ndarray:
    """gZ - exp(Z)·Σ gZ"""
    shape = _shape(z, axis)
    if shape is None or _shape(gz, axis) is None or gz.dtype != z.dtype:
        return losses.log_softmax_input(gz, z, axis)
    return _run(backward(DTYPES[z.dtype], shape[2] == 1, True), (gz, z), shape)


def by_class_input(
    g: np.ndarray, z: np.ndarray, target: np.ndarray, kept: np.ndarray, weight: np.ndarray, smoothing: float = 0.0
) -> np.ndarray:
    """gX = W[T]·gL·(exp(Z) - [c = T]), for Z the logarithms of the softmax of X"""
    shape = _shape(z, 1)
    if shape is None or smoothing or g.dtype != z.dtype or weight.dtype != z.dtype:
        return losses.by_class_input(g, z, target, kept, weight, smoothing)
    own = np.where(kept, g * weight[target], 0)
    gx = _run(scaled(DTYPES[z.dtype], shape[2] == 1), (own, z), shape)
    outer, classes, inner = shape
    row, position = np.arange(outer)[:, None] * classes, np.arange(inner)
    gx.reshape(-1)[(row + target.reshape(outer, inner)) * inner + position] -= own.reshape(outer, inner)
    return gx
