"""Windows as columns of a matrix: convolutions are products of matrices, pools go along one axis after the other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import reduce

import numpy as np

from convmath.window import Window

from . import direct
from .padding import bare, pad
from .taps import output_sizes, taps

__all__ = [
    "avg_pool",
    "avg_pool_input",
    "conv",
    "conv_input",
    "conv_transpose",
    "conv_weight",
    "max_pool",
    "max_pool_input",
    "max_pool_selection",
    "sum_pool",
    "sum_pool_input",
]

Windows = Sequence[Window]

# elements in a matrix of windows: it should stay in the cache, and no batch should fill the memory
ROOM = 2**21


# --- convolution ----------------------------------------------------------------------------------------------


def conv(x: np.ndarray, w: np.ndarray, windows: Windows, groups: int, b: np.ndarray | None = None) -> np.ndarray:
    """(O × C·k) times (C·k × windows), in each image and group"""
    counts = output_sizes(windows, x.shape[2:])
    y = np.empty((x.shape[0], groups, w.shape[0] // groups, math.prod(counts)), np.result_type(x, w))
    for part in _parts(x.shape, windows, counts):
        np.matmul(_weight_matrix(w, groups), _columns(x[part], windows, counts, groups), out=y[part])
    return direct.shifted(y.reshape(x.shape[0], w.shape[0], *counts), b)


def conv_input(
    gy: np.ndarray, w: np.ndarray, windows: Windows, groups: int, sizes: Sequence[int], b: np.ndarray | None = None
) -> np.ndarray:
    """(C·k × O) times (O × windows), in each image and group; each tap's rows are added where it reads"""
    counts, channels = gy.shape[2:], groups * w.shape[1]
    gx = np.zeros((gy.shape[0], channels, *sizes), np.result_type(gy, w))
    for part in _parts(gx.shape, windows, counts):
        product = _weight_matrix(w, groups).swapaxes(1, 2) @ _rows(gy[part], groups)
        columns = product.reshape(-1, channels, *w.shape[2:], *counts)
        for tap, out, into in taps(windows, sizes, counts):
            gx[part][into] += columns[:, :, *tap][out]
    return direct.shifted(gx, b)


def conv_weight(gy: np.ndarray, x: np.ndarray, windows: Windows, groups: int) -> np.ndarray:
    """(O × windows) times (windows × C·k), in each image and group"""
    counts, channels = gy.shape[2:], x.shape[1] // groups
    kernel = tuple(window.kernel for window in windows)
    gw = np.zeros((groups, gy.shape[1] // groups, channels * math.prod(kernel)), np.result_type(gy, x))
    for part in _parts(x.shape, windows, counts, gw.size):
        columns = _columns(x[part], windows, counts, groups).swapaxes(2, 3)
        gw += (_rows(gy[part], groups) @ columns).sum(0)
    return gw.reshape(gy.shape[1], channels, *kernel)


# what a convolution does to cotangents of its output, a transposed one does to its input
conv_transpose = conv_input


def _parts(shape: Sequence[int], windows: Windows, counts: Sequence[int], more: int = 0) -> Iterator[slice]:
    """The batch of an input of this shape in parts for whose windows, and `more` elements an image, there is ROOM.

    No part where there are no windows.
    """
    batch, channels = shape[:2]
    columns = channels * math.prod(window.kernel for window in windows) * math.prod(counts)
    step = max(1, ROOM // (columns + more)) if columns else 1
    return (slice(start, start + step) for start in range(0, batch if columns else 0, step))


def _columns(x: np.ndarray, windows: Windows, counts: Sequence[int], groups: int) -> np.ndarray:
    """(image, group, channel and tap, window)"""
    x, windows = pad(x, windows), bare(windows)
    kernel = tuple(window.kernel for window in windows)
    if math.prod(kernel) == 1 and x.shape[2:] == tuple(counts):
        return _rows(x, groups)
    columns = np.empty((*x.shape[:2], *kernel, *counts), x.dtype)
    for tap, _, into in taps(windows, x.shape[2:], counts):
        columns[:, :, *tap] = x[into]
    return columns.reshape(len(x), groups, -1, math.prod(counts))


def _rows(y: np.ndarray, groups: int) -> np.ndarray:
    """(image, group, channel, window)"""
    return y.reshape(y.shape[0], groups, y.shape[1] // groups, math.prod(y.shape[2:]))


def _weight_matrix(w: np.ndarray, groups: int) -> np.ndarray:
    """(group, output channel, channel and tap)"""
    return w.reshape(groups, w.shape[0] // groups, math.prod(w.shape[1:]))


# --- pooling --------------------------------------------------------------------------------------------------
# A window is a box: its maximum, and its sum, is that of one axis after the other.


def _along_each(windows: Windows) -> list[tuple[Window, ...]]:
    """For each axis the windows that act on it alone."""
    single = Window(1)
    return [tuple(w if i == axis else single for i in range(len(windows))) for axis, w in enumerate(windows)]


def max_pool(x: np.ndarray, windows: Windows) -> np.ndarray:
    return reduce(direct.max_pool, _along_each(windows), x)


def max_pool_selection(x: np.ndarray, windows: Windows, ties: str) -> np.ndarray:
    """The first maximiser stands behind as many taps as there are before any has attained the maximum."""
    y, sizes = max_pool(x, windows), x.shape[2:]
    nan = np.isnan(y).any()
    attained = np.zeros(y.shape, bool)
    waited = np.zeros(y.shape, np.min_scalar_type(math.prod(window.kernel for window in windows)))
    for _, out, into in taps(windows, sizes, y.shape[2:], backwards=ties == "last"):
        attained[out] |= x[into] == y[out]
        if nan:
            attained[out] |= np.isnan(x[into])
        waited += ~attained
    place = [math.prod(sizes[axis + 1 :]) for axis in range(len(sizes))]
    axes = list(zip(windows, y.shape[2:], place, strict=True))
    start = reduce(np.add.outer, [(w.stride * np.arange(m) - w.before) * p for w, m, p in axes])
    tap = reduce(np.add.outer, [w.dilation * np.arange(w.kernel) * p for w, _, p in axes]).reshape(-1)
    return np.where(attained, start + (tap[::-1] if ties == "last" else tap).take(waited, mode="clip"), -1)


def max_pool_input(gy: np.ndarray, x: np.ndarray, windows: Windows, ties: str) -> np.ndarray:
    """Each cotangent is added at the position that its window selects."""
    if ties in ("split", "all"):
        return direct.max_pool_input(gy, x, windows, ties)
    selection = max_pool_selection(x, windows, ties)
    gx = np.zeros((math.prod(x.shape[:2]), math.prod(x.shape[2:])), gy.dtype)
    planes = gx.shape[1] * np.arange(len(gx)).reshape(*x.shape[:2], *[1] * len(windows))
    found = selection >= 0
    np.add.at(gx.reshape(-1), (planes + selection)[found], gy[found])
    return gx.reshape(x.shape)


def avg_pool(x: np.ndarray, windows: Windows, divisor: np.ndarray | int) -> np.ndarray:
    return direct.divided(sum_pool(x, windows), divisor)


def avg_pool_input(gy: np.ndarray, windows: Windows, sizes: Sequence[int], divisor: np.ndarray | int) -> np.ndarray:
    return sum_pool_input(direct.divided(gy, divisor), windows, sizes)


def sum_pool(x: np.ndarray, windows: Windows) -> np.ndarray:
    return reduce(direct.sum_pool, _along_each(windows), x)


def sum_pool_input(g: np.ndarray, windows: Windows, sizes: Sequence[int]) -> np.ndarray:
    for axis, along in reversed([*enumerate(_along_each(windows))]):
        g = direct.sum_pool_input(g, along, (*g.shape[2 : 2 + axis], *sizes[axis:]))
    return g
