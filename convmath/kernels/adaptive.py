"""Adaptive windows: window j of m on an axis of n holds ⌊j·n/m⌋ ≤ i < ⌈(j+1)·n/m⌉."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from convmath.window import Window

from . import basics, patches
from .order import in_exact_order

__all__ = [
    "alike",
    "avg_pool",
    "avg_pool_input",
    "boxes",
    "ends",
    "max_pool",
    "max_pool_input",
    "max_pool_selection",
    "unpool",
    "unpool_input",
]

MANY = 2**24  # elements of a window


def ends(n: int, m: int) -> list[tuple[int, int]]:
    """Where the windows of an axis begin, and where they end."""
    return [(j * n // m, -(-(j + 1) * n // m)) for j in range(m)]


def boxes(sizes: Sequence[int], counts: Sequence[int]) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
    """Each window, and the box of positions that it holds."""
    each = [ends(n, m) for n, m in zip(sizes, counts, strict=True)]
    for j in product(*map(range, counts)):
        yield j, tuple(slice(*each[axis][place]) for axis, place in enumerate(j))


def alike(sizes: Sequence[int], counts: Sequence[int]) -> tuple[Window, ...] | None:
    """The windows of plain pooling, where those of each axis are all of one size."""
    if any(n % m for n, m in zip(sizes, counts, strict=True)):
        return None
    return tuple(Window(n // m, n // m) for n, m in zip(sizes, counts, strict=True))


# --- mean: one axis after the other, since a box is a product of intervals ----------------------------------------


def avg_pool(x: np.ndarray, counts: Sequence[int]) -> np.ndarray:
    windows = alike(x.shape[2:], counts)
    # a window is summed tap by tap, which takes long where it has very many
    if windows and (in_exact_order() or math.prod(window.kernel for window in windows) <= MANY):
        return patches.avg_pool(x, windows, math.prod(x.shape[2:]) // math.prod(counts))
    for axis, m in enumerate(counts, 2):
        parts = [x[(slice(None),) * axis + (slice(*own),)] for own in ends(x.shape[axis], m)]
        x = np.stack([basics.mean(part, (axis,)) for part in parts], axis)
    return x


def avg_pool_input(gy: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    if windows := alike(sizes, gy.shape[2:]):
        return patches.avg_pool_input(gy, windows, sizes, math.prod(sizes) // math.prod(gy.shape[2:]))
    for axis, n in enumerate(sizes, 2):
        gx = np.zeros((*gy.shape[:axis], n, *gy.shape[axis + 1 :]), gy.dtype)
        for j, (start, stop) in enumerate(ends(n, gy.shape[axis])):
            own = (slice(None),) * axis
            gx[(*own, slice(start, stop))] += gy[(*own, slice(j, j + 1))] / gy.dtype.type(stop - start)
        gy = gx
    return gy


# --- maximum ------------------------------------------------------------------------------------------------------


def max_pool(x: np.ndarray, counts: Sequence[int]) -> np.ndarray:
    y = np.empty((*x.shape[:2], *counts), x.dtype)
    for j, box in boxes(x.shape[2:], counts):
        y[..., *j] = basics.greatest(x[..., *box], range(2, x.ndim))
    return y


def max_pool_selection(x: np.ndarray, counts: Sequence[int], ties: str) -> np.ndarray:
    """The flat position of the first (or last) maximiser of each window; a NaN is the maximum."""
    found, sizes = np.empty((*x.shape[:2], *counts), np.int64), x.shape[2:]
    for j, box in boxes(sizes, counts):
        window = _flat(x[..., *box])
        own = tuple(part.stop - part.start for part in box)
        at = math.prod(own) - 1 - window[..., ::-1].argmax(-1) if ties == "last" else window.argmax(-1)
        position = np.zeros_like(at)
        for n, part, there in zip(sizes, box, np.unravel_index(at, own), strict=True):
            position = position * n + part.start + there
        found[..., *j] = position
    return found


def max_pool_input(gy: np.ndarray, x: np.ndarray, ties: str) -> np.ndarray:
    """Each cotangent goes to what `ties` selects among the maximisers of its window."""
    # a share of a whole number is none
    gx = np.zeros(x.shape, np.result_type(gy, np.float32) if ties == "split" else gy.dtype)
    axes = tuple(range(2, x.ndim))
    for j, box in boxes(x.shape[2:], gy.shape[2:]):
        window, g = x[..., *box], gy[(..., *(slice(place, place + 1) for place in j))]
        most = window.max(axes, keepdims=True)
        attains = (window == most) | np.isnan(window)
        if ties in ("first", "last"):
            attains = _only(attains, ties)
        elif ties == "split":
            g = g / attains.sum(axes, keepdims=True)
        gx[..., *box] += np.where(attains, g, 0)
    return gx


def _only(attains: np.ndarray, ties: str) -> np.ndarray:
    """The first (or last) of those that attain the maximum, row by row."""
    flat = _flat(attains)
    flat = flat[..., ::-1] if ties == "last" else flat
    first = flat & (np.cumsum(flat, -1) == 1)
    return (first[..., ::-1] if ties == "last" else first).reshape(attains.shape)


# --- back to where elements came from -----------------------------------------------------------------------------


def unpool(x: np.ndarray, positions: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """y[ν,c,i] = x[ν,c,j] where positions[ν,c,j] is the flat position i, and 0 elsewhere"""
    y = np.zeros((*x.shape[:2], math.prod(sizes)), x.dtype)
    np.put_along_axis(y, _flat(positions), _flat(x), -1)
    return y.reshape(*x.shape[:2], *sizes)


def unpool_input(gy: np.ndarray, positions: np.ndarray) -> np.ndarray:
    return np.take_along_axis(_flat(gy), _flat(positions), -1).reshape(positions.shape)


def _flat(a: np.ndarray) -> np.ndarray:
    return a.reshape(*a.shape[:2], math.prod(a.shape[2:]))
