"""Elements put elsewhere, on arrays of other libraries."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

from convmath.kernels.padding import padded_sizes
from convmath.kernels.portable.library import of_numpy
from convmath.kernels.portable.moves import (
    added,
    along,
    bordered,
    bordered_input,
    filled,
    inner,
    padded,
    taken_input,
    taps,
    zeros,
)
from convmath.kernels.taps import output_sizes
from convmath.window import BORDERS, Window, per_axis, plain, windows

from ..upsampling import between, nearest
from .computed import Computed, computed

__all__ = ["folded", "unfolded"]

Shape = tuple[int, ...]
Windows = Sequence[Window]


def _copy(xp: ModuleType, x: Any, shape: Sequence[int]) -> Any:
    """In another shape, and in memory of its own."""
    return xp.reshape(xp.astype(x, x.dtype), tuple(shape))


# --- padding ------------------------------------------------------------------------------------------------------


@computed
def pad(xp: ModuleType, shape: Shape, *, x: Any, pads: Any, mode: str = "constant", value: Any = 0.0) -> Computed:
    pairs = [(int(a), int(b)) for a, b in plain(pads)]
    if mode == "constant":
        fill = plain(value)
        fill = int(fill) if xp.isdtype(x.dtype, "integral") else float(fill)
        away = [(-a, -b) for a, b in pairs]
        return Computed(
            lambda: _copy(xp, filled(xp, x, pairs, fill), shape),
            lambda gy: (_copy(xp, filled(xp, gy, away), x.shape),),
        )
    laid, edge = tuple(Window(1, before=a, after=b) for a, b in pairs), BORDERS[mode]
    return Computed(
        lambda: _copy(xp, bordered(xp, x, laid, edge), shape),
        lambda gy: (_copy(xp, bordered_input(xp, gy, laid, edge), x.shape),),
    )


# --- patches ------------------------------------------------------------------------------------------------------


def unfolded(xp: ModuleType, x: Any, laid: Windows, counts: Sequence[int], shape: Shape) -> Any:
    wide = padded(xp, x, laid, counts)
    return xp.reshape(xp.stack([wide[place] for place in taps(laid, counts)], axis=2), shape)


def folded(xp: ModuleType, y: Any, laid: Windows, counts: Sequence[int], shape: Shape) -> Any:
    columns = xp.reshape(y, (*shape[:2], math.prod(window.kernel for window in laid), *counts))
    x = zeros(xp, (*shape[:2], *padded_sizes(laid, shape[2:])), y)
    for t, place in enumerate(taps(laid, counts)):
        x = added(xp, x, place, columns[:, :, t, ...])
    return _copy(xp, inner(x, laid, shape[2:]), shape)


@computed
def unfold(
    xp: ModuleType, shape: Shape, *, x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Computed:
    laid = windows(x.shape[2:], kernel_size, stride, padding, dilation)
    counts = output_sizes(laid, x.shape[2:])
    return Computed(lambda: unfolded(xp, x, laid, counts, shape), lambda gy: (folded(xp, gy, laid, counts, x.shape),))


@computed
def fold(
    xp: ModuleType, shape: Shape, *, x: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0,
    stride: Any = 1,
) -> Computed:  # fmt: skip
    laid = windows(shape[2:], kernel_size, stride, padding, dilation)
    counts = output_sizes(laid, shape[2:])
    return Computed(lambda: folded(xp, x, laid, counts, shape), lambda gy: (unfolded(xp, gy, laid, counts, x.shape),))


# --- flattening and concatenation ---------------------------------------------------------------------------------


@computed
def flatten(xp: ModuleType, shape: Shape, *, x: Any) -> Computed:
    return Computed(lambda: _copy(xp, x, shape), lambda gy: (_copy(xp, gy, x.shape),))


@computed
def concat(xp: ModuleType, shape: Shape, *, x: Any, others: tuple[Any, ...] = (), axis: Any = 1) -> Computed:
    arrays, place = (x, *others), int(axis) % x.ndim
    ends = np.cumsum([0, *(array.shape[place] for array in arrays)]).tolist()

    def gradients(gy: Any) -> tuple[Any, ...]:
        each = zip(ends, ends[1:], arrays, strict=False)
        first, *rest = (_copy(xp, gy[along(place, low, high)], array.shape) for low, high, array in each)
        return first, tuple(rest)

    return Computed(lambda: xp.concat(list(arrays), axis=place), gradients)


# --- pixels -------------------------------------------------------------------------------------------------------


def _shuffled(xp: ModuleType, x: Any, factors: Sequence[int], shape: Shape) -> Any:
    ndim = len(factors)
    y = xp.reshape(x, (*shape[:2], *factors, *x.shape[2:]))
    order = [axis for pair in zip(range(2 + ndim, 2 + 2 * ndim), range(2, 2 + ndim), strict=True) for axis in pair]
    return _copy(xp, xp.permute_dims(y, (0, 1, *order)), shape)


def _unshuffled(xp: ModuleType, y: Any, factors: Sequence[int], shape: Shape) -> Any:
    ndim = len(factors)
    x = xp.reshape(y, (*y.shape[:2], *(part for pair in zip(shape[2:], factors, strict=True) for part in pair)))
    order = (*range(3, 3 + 2 * ndim, 2), *range(2, 2 + 2 * ndim, 2))
    return _copy(xp, xp.permute_dims(x, (0, 1, *order)), shape)


@computed
def pixel_shuffle(xp: ModuleType, shape: Shape, *, x: Any, upscale_factor: Any) -> Computed:
    factors = per_axis(upscale_factor, x.ndim - 2, "upscale_factor", "pixel_shuffle", 1)
    return Computed(lambda: _shuffled(xp, x, factors, shape), lambda gy: (_unshuffled(xp, gy, factors, x.shape),))


@computed
def pixel_unshuffle(xp: ModuleType, shape: Shape, *, x: Any, downscale_factor: Any) -> Computed:
    factors = per_axis(downscale_factor, x.ndim - 2, "downscale_factor", "pixel_unshuffle", 1)
    return Computed(lambda: _unshuffled(xp, x, factors, shape), lambda gy: (_shuffled(xp, gy, factors, x.shape),))


# --- upsampling ---------------------------------------------------------------------------------------------------


@computed
def upsample(
    xp: ModuleType, shape: Shape, *, x: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
    align_corners: bool = False,
) -> Computed:  # fmt: skip
    axes = list(enumerate(zip(x.shape[2:], shape[2:], strict=True), 2))

    def value() -> Any:
        y = x
        for axis, (n, m) in axes:
            if mode != "linear":
                y = xp.take(y, of_numpy(xp, nearest(n, m, mode), x), axis=axis)
                continue
            low, high, part, inside = _neighbours(xp, axis, n, m, align_corners, y)
            first, second = (xp.take(y, of_numpy(xp, places, x), axis=axis) for places in (low, high))
            y = xp.where(inside, first * (1 - part) + second * part, first)
        return y

    def gradients(gy: Any) -> tuple[Any, ...]:
        for axis, (n, m) in axes:
            if mode != "linear":
                gy = taken_input(xp, gy, axis, nearest(n, m, mode), n)
                continue
            low, high, part, inside = _neighbours(xp, axis, n, m, align_corners, gy)
            gy = taken_input(xp, xp.where(inside, gy * (1 - part), gy), axis, low, n) + taken_input(
                xp, xp.where(inside, gy * part, xp.zeros_like(gy)), axis, high, n
            )
        return (gy,)

    return Computed(value, gradients)


def _neighbours(
    xp: ModuleType, axis: int, n: int, m: int, corners: bool, like: Any
) -> tuple[np.ndarray, np.ndarray, Any, Any]:
    """The elements before and behind each position, how far it is from the first, and whether it lies between them."""
    at, parts = between(n, m, corners)
    low, rest = at // parts, at % parts
    laid = (m, *[1] * (like.ndim - axis - 1))
    # where nothing lies behind, it is not looked at
    part = xp.astype(of_numpy(xp, rest.reshape(laid), like), like.dtype) / parts
    return low, np.minimum(low + 1, n - 1), part, of_numpy(xp, (rest != 0).reshape(laid), like)
