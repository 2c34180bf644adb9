"""The plain definition: a loop over the taps, and in it one strided slice of the input and one of the output."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from convmath.window import Window

from .padding import bare, pad
from .taps import Slices, output_sizes, taps

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
    "shifted",
]

Windows = Sequence[Window]


# --- convolution ----------------------------------------------------------------------------------------------


def conv(x: np.ndarray, w: np.ndarray, windows: Windows, groups: int, b: np.ndarray | None = None) -> np.ndarray:
    """Y[ν,o,j] = Σ_{c,t} W[o,c,t] · X[ν,c,s·j+d·t-a] + B[o]"""
    # padded, so that W·0 stands in the sum as the definition has it: it is NaN where W is infinite
    x, windows = pad(x, windows), bare(windows)
    counts = output_sizes(windows, x.shape[2:])
    x, w = _grouped(x, 1, groups), _grouped(w, 0, groups)
    y = np.zeros((x.shape[0], *w.shape[:2], *counts), np.result_type(x, w))
    for tap, out, into in taps(windows, x.shape[3:], counts):
        y[out] += np.einsum("goc,ngc...->ngo...", w[(..., *tap)], x[into])
    return shifted(_ungrouped(y, 1), b)


def conv_input(
    gy: np.ndarray, w: np.ndarray, windows: Windows, groups: int, sizes: Sequence[int], b: np.ndarray | None = None
) -> np.ndarray:
    """gX[ν,c,i] = Σ_{o,j,t} [s·j+d·t-a = i] W[o,c,t] · gY[ν,o,j] + B[c]"""
    counts = gy.shape[2:]
    gy, w = _grouped(gy, 1, groups), _grouped(w, 0, groups)
    gx = np.zeros((gy.shape[0], groups, w.shape[2], *sizes), np.result_type(gy, w))
    for tap, out, into in taps(windows, sizes, counts):
        gx[into] += np.einsum("goc,ngo...->ngc...", w[(..., *tap)], gy[out])
    return shifted(_ungrouped(gx, 1), b)


def conv_weight(gy: np.ndarray, x: np.ndarray, windows: Windows, groups: int) -> np.ndarray:
    """gW[o,c,t] = Σ_{ν,j} gY[ν,o,j] · X[ν,c,s·j+d·t-a]"""
    x, windows = pad(x, windows), bare(windows)
    counts = gy.shape[2:]
    gy, x = _grouped(gy, 1, groups), _grouped(x, 1, groups)
    kernel = tuple(window.kernel for window in windows)
    gw = np.zeros((groups, gy.shape[2], x.shape[2], *kernel), np.result_type(gy, x))
    for tap, out, into in taps(windows, x.shape[3:], counts):
        gw[(..., *tap)] = np.einsum("ngoj,ngcj->goc", _flat(gy[out]), _flat(x[into]))
    return _ungrouped(gw, 0)


# what a convolution does to cotangents of its output, a transposed one does to its input
conv_transpose = conv_input


def shifted(y: np.ndarray, b: np.ndarray | None) -> np.ndarray:
    """y with one number for each channel added in place."""
    if b is not None:
        y += b.reshape(-1, *[1] * (y.ndim - 2))
    return y


def _grouped(array: np.ndarray, axis: int, groups: int) -> np.ndarray:
    """The channels of that axis as (group, channel of the group)."""
    shape = array.shape
    return array.reshape(*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :])


def _ungrouped(array: np.ndarray, axis: int) -> np.ndarray:
    shape = array.shape
    return array.reshape(*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :])


def _flat(array: np.ndarray) -> np.ndarray:
    """The spatial axes of a grouped array as one."""
    return array.reshape(*array.shape[:3], math.prod(array.shape[3:]))


# --- maximum --------------------------------------------------------------------------------------------------


def max_pool(x: np.ndarray, windows: Windows) -> np.ndarray:
    """Y[ν,c,j] = max_t X[ν,c,s·j+d·t-a] over what lies in X: NaN where one is, the least value where nothing is."""
    counts = output_sizes(windows, x.shape[2:])
    least = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    y = np.full((*x.shape[:2], *counts), least, x.dtype)
    for _, out, into in taps(windows, x.shape[2:], counts):
        np.maximum(y[out], x[into], out=y[out])
    return y


def max_pool_selection(x: np.ndarray, windows: Windows, ties: str) -> np.ndarray:
    """The flat position of the first (or, for "last", the last) maximiser of each window; -1 where there is none."""
    y, positions = max_pool(x, windows), _positions(x)
    selection = np.full(y.shape, -1)
    # what is written last stays
    for _, out, into in taps(windows, x.shape[2:], y.shape[2:], backwards=ties != "last"):
        np.copyto(selection[out], positions[into], where=_attains(x[into], y[out]))
    return selection


def max_pool_input(gy: np.ndarray, x: np.ndarray, windows: Windows, ties: str) -> np.ndarray:
    """gX[ν,c,i] = Σ_{j,t} [s·j+d·t-a = i] λ[ν,c,j,t] · gY[ν,c,j]

    λ is 1 at the selected maximiser ("first" or "last") or at each of them ("all"), or 1 over their number ("split").
    """
    if ties == "split":
        number = np.zeros(gy.shape, np.int64)
        for out, _, selected in _selected(x, windows, ties):
            number[out] += selected
        gy = divided(gy, np.maximum(number, 1))
    gx = np.zeros(x.shape, gy.dtype)
    for out, into, selected in _selected(x, windows, ties):
        gx[into] += np.where(selected, gy[out], 0)
    return gx


def _selected(x: np.ndarray, windows: Windows, ties: str) -> Iterator[tuple[Slices, Slices, np.ndarray]]:
    """For each tap the windows and what they read, and where that is a maximiser that `ties` selects."""
    y, positions = max_pool(x, windows), _positions(x)
    one = max_pool_selection(x, windows, ties) if ties in ("first", "last") else None
    for _, out, into in taps(windows, x.shape[2:], y.shape[2:]):
        yield out, into, _attains(x[into], y[out]) if one is None else one[out] == positions[into]


def _attains(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Where x is the maximum y of its window; a NaN makes the maximum NaN, and is it."""
    return (x == y) | np.isnan(x)


def _positions(x: np.ndarray) -> np.ndarray:
    """The number of each spatial position, row by row."""
    return np.arange(math.prod(x.shape[2:])).reshape(x.shape[2:])


# --- mean -----------------------------------------------------------------------------------------------------


def avg_pool(x: np.ndarray, windows: Windows, divisor: np.ndarray | int) -> np.ndarray:
    """Y[ν,c,j] = Σ_t X[ν,c,s·j+d·t-a] / D[j]"""
    return divided(sum_pool(x, windows), divisor)


def avg_pool_input(gy: np.ndarray, windows: Windows, sizes: Sequence[int], divisor: np.ndarray | int) -> np.ndarray:
    """gX[ν,c,i] = Σ_{j,t} [s·j+d·t-a = i] gY[ν,c,j] / D[j]"""
    return sum_pool_input(divided(gy, divisor), windows, sizes)


def sum_pool(x: np.ndarray, windows: Windows) -> np.ndarray:
    """Y[ν,c,j] = Σ_t X[ν,c,s·j+d·t-a]"""
    counts = output_sizes(windows, x.shape[2:])
    y = np.zeros((*x.shape[:2], *counts), x.dtype)
    for _, out, into in taps(windows, x.shape[2:], counts):
        y[out] += x[into]
    return y


def sum_pool_input(gy: np.ndarray, windows: Windows, sizes: Sequence[int]) -> np.ndarray:
    """gX[ν,c,i] = Σ_{j,t} [s·j+d·t-a = i] gY[ν,c,j]"""
    gx = np.zeros((*gy.shape[:2], *sizes), gy.dtype)
    for _, out, into in taps(windows, sizes, gy.shape[2:]):
        gx[into] += gy[out]
    return gx


def divided(total: np.ndarray, divisor: np.ndarray | int) -> np.ndarray:
    """The quotient in the type of the total, or in float64 for integers."""
    return total / np.asarray(divisor, np.result_type(total, np.float32))
