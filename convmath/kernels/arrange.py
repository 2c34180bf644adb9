"""Elements put elsewhere: padding and cropping, patches, shuffled pixels, positions between elements."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from convmath.window import Window

from .blocks import at_once
from .taps import taps

__all__ = [
    "filled",
    "fold",
    "interpolated",
    "interpolated_input",
    "picked",
    "picked_input",
    "shuffled",
    "unfold",
    "unshuffled",
]

Pads = Sequence[tuple[int, int]]


# --- padding ------------------------------------------------------------------------------------------------------


def filled(x: np.ndarray, pads: Pads, value: float) -> np.ndarray:
    """The last axes lengthened by (before, after) each and filled with a value; cut off where a number is negative.

    With the signs turned and the value 0 it is the adjoint.
    """
    pads = (*[(0, 0)] * (x.ndim - len(pads)), *pads)
    y = np.full([n + a + b for n, (a, b) in zip(x.shape, pads, strict=True)], value, x.dtype)
    kept = [(max(0, -a), min(n, n + b)) for n, (a, b) in zip(x.shape, pads, strict=True)]
    if all(low < high for low, high in kept):
        own = tuple(slice(low, high) for low, high in kept)
        there = tuple(slice(low + a, high + a) for (low, high), (a, _) in zip(kept, pads, strict=True))
        y[there] = x[own]
    return y


# --- patches ------------------------------------------------------------------------------------------------------


def unfold(x: np.ndarray, windows: Sequence[Window], counts: Sequence[int]) -> np.ndarray:
    """(image, channel and tap, window)"""
    kernel = [window.kernel for window in windows]
    y = np.zeros((*x.shape[:2], *kernel, *counts), x.dtype)
    for tap, out, into in taps(windows, x.shape[2:], counts):
        y[(slice(None), slice(None), *tap, *out[1:])] = x[into]
    return y.reshape(x.shape[0], x.shape[1] * math.prod(kernel), math.prod(counts))


def fold(y: np.ndarray, windows: Sequence[Window], counts: Sequence[int], sizes: Sequence[int]) -> np.ndarray:
    """The adjoint of `unfold`: what patches hold of an element of an array of these sizes is added."""
    kernel = [window.kernel for window in windows]
    channels = y.shape[1] // math.prod(kernel)
    y = y.reshape(y.shape[0], channels, *kernel, *counts)
    x = np.zeros((y.shape[0], channels, *sizes), y.dtype)
    for tap, out, into in taps(windows, sizes, counts):
        x[into] += y[(slice(None), slice(None), *tap, *out[1:])]
    return x


# --- pixels -------------------------------------------------------------------------------------------------------


def shuffled(x: np.ndarray, factors: Sequence[int]) -> np.ndarray:
    """y[ν, c, s·i+t] = x[ν, s·c+t, i], t a digit for each axis"""
    ndim, channels = len(factors), x.shape[1] // math.prod(factors)
    y = x.reshape(x.shape[0], channels, *factors, *x.shape[2:])
    order = [axis for pair in zip(range(2 + ndim, 2 + 2 * ndim), range(2, 2 + ndim), strict=True) for axis in pair]
    sizes = [s * n for s, n in zip(factors, x.shape[2:], strict=True)]
    return y.transpose(0, 1, *order).copy().reshape(x.shape[0], channels, *sizes)


def unshuffled(y: np.ndarray, factors: Sequence[int]) -> np.ndarray:
    """The inverse of `shuffled`, and its adjoint."""
    ndim, sizes = len(factors), [n // s for s, n in zip(factors, y.shape[2:], strict=True)]
    x = y.reshape(*y.shape[:2], *(part for pair in zip(sizes, factors, strict=True) for part in pair))
    order = (*range(3, 3 + 2 * ndim, 2), *range(2, 2 + 2 * ndim, 2))
    return x.transpose(0, 1, *order).copy().reshape(y.shape[0], y.shape[1] * math.prod(factors), *sizes)


# --- positions along an axis --------------------------------------------------------------------------------------


def picked(x: np.ndarray, axis: int, where: np.ndarray) -> np.ndarray:
    """The elements at these places of an axis."""
    return np.take(x, where, axis)


def picked_input(gy: np.ndarray, axis: int, where: np.ndarray, size: int) -> np.ndarray:
    """The adjoint of `picked` for an axis of that size, along which `where` never decreases."""
    return np.moveaxis(_summed(np.moveaxis(gy, axis, -1), where, size), -1, axis)


def interpolated(x: np.ndarray, axis: int, at: np.ndarray, parts: int) -> np.ndarray:
    """Along an axis, what lies at the positions at/parts, which are no less than 0 and do not go beyond the last.

    Between two elements it is as much of each as the position is near it; on an element no other is looked at.
    """
    low, between, weight = _neighbours(at, parts, x.dtype)
    y = np.take(x, low, axis)
    rows, near = np.moveaxis(y, axis, -1), np.moveaxis(x, axis, -1)
    step = at_once(x.nbytes // max(1, x.shape[axis]))
    for first in range(0, between.size, step):
        places, share = between[first : first + step], weight[first : first + step]
        rows[..., places] = rows[..., places] * (1 - share) + near[..., low[places] + 1] * share
    return y


def interpolated_input(gy: np.ndarray, axis: int, at: np.ndarray, parts: int, size: int) -> np.ndarray:
    """The adjoint of `interpolated` for an axis of that size."""
    low, between, weight = _neighbours(at, parts, gy.dtype)
    gx = np.empty((*gy.shape[:axis], size, *gy.shape[axis + 1 :]), gy.dtype)
    cotangents, into = np.moveaxis(gy, axis, -1), np.moveaxis(gx, axis, -1)
    step = at_once(gy.nbytes // max(1, cotangents.shape[-2]))
    for first in range(0, cotangents.shape[-2], step):
        g = cotangents[..., first : first + step, :]
        own = np.array(g)
        own[..., between] *= 1 - weight
        shares = _summed(g[..., between] * weight, low[between] + 1, size)
        into[..., first : first + step, :] = _summed(own, low, size) + shares
    return gx


def _neighbours(at: np.ndarray, parts: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The element at or before each position, the positions that lie behind it, and how far, as a part of a step."""
    low, rest = at // parts, at % parts
    between = np.flatnonzero(rest)
    return low, between, rest[between].astype(dtype) / dtype.type(parts)


def _summed(g: np.ndarray, where: np.ndarray, size: int) -> np.ndarray:
    """Along the last axis, the sum of the elements that belong to each place; `where` never decreases."""
    total = np.zeros((*g.shape[:-1], size), g.dtype)
    if where.size:
        starts = np.flatnonzero(np.diff(where, prepend=-1))
        lengths = np.diff(starts, append=where.size)
        for t in range(lengths.max()):  # one after the other, so that the order is known
            own = starts[lengths > t]
            total[..., where[own]] += g[..., own + t]
    return total
