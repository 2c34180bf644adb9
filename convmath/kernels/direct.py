"""The plain definition: one strided slice and one product a tap."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from convmath.window import Window

from .padding import cropped, overhanging, pad

__all__ = ["avg_pool", "avg_pool_input", "conv", "conv_input", "conv_transpose", "conv_weight", "max_pool", "max_pool_input"]

Windows = Sequence[Window]
Tap = tuple[int, ...]


def taps(windows: Windows) -> Iterator[Tap]:
    """Every position in the kernel, row by row."""
    return np.ndindex(*(window.kernel for window in windows))


def at_tap(windows: Windows, tap: Tap, counts: Sequence[int]) -> tuple[slice, ...]:
    """The positions of a padded array that the windows read at one tap: s·j + d·t for j < m."""
    spatial = (
        slice(w.dilation * t, w.dilation * t + w.stride * (m - 1) + 1, w.stride) if m else slice(0, 0)
        for w, t, m in zip(windows, tap, counts, strict=True)
    )
    return (slice(None), slice(None), *spatial)


def counts_of(sizes: Sequence[int], windows: Windows) -> tuple[int, ...]:
    return tuple(window.output_size(n) for window, n in zip(windows, sizes, strict=True))


def _grouped(x: np.ndarray, groups: int) -> np.ndarray:
    return x.reshape(x.shape[0], groups, x.shape[1] // groups, *x.shape[2:])


def _flat(x: np.ndarray) -> np.ndarray:
    """The spatial axes of a grouped array as one."""
    return x.reshape(*x.shape[:3], math.prod(x.shape[3:]))


# --- convolution ----------------------------------------------------------------------------------------------------


def conv(x: np.ndarray, w: np.ndarray, windows: Windows, groups: int) -> np.ndarray:
    """y[ν,o,j] = Σ_{c,t} w[o,c,t] · x[ν,c,s·j+d·t-a], the channels in groups"""
    counts = counts_of(x.shape[2:], windows)
    padded = pad(x, windows)
    kernel = w.reshape(groups, w.shape[0] // groups, *w.shape[1:])
    y = np.zeros((x.shape[0], groups, kernel.shape[1], *counts), x.dtype)
    for tap in taps(windows):
        read = _grouped(padded[at_tap(windows, tap, counts)], groups)
        y += np.einsum("goc,ngc...->ngo...", kernel[(..., *tap)], read)
    return y.reshape(x.shape[0], w.shape[0], *counts)


def conv_input(gy: np.ndarray, w: np.ndarray, windows: Windows, groups: int, sizes: Sequence[int]) -> np.ndarray:
    """The adjoint of conv in x: each gy[j] adds its weighted kernel at s·j - a."""
    kernel = w.reshape(groups, w.shape[0] // groups, *w.shape[1:])
    counts = gy.shape[2:]
    grouped = _grouped(gy, groups)
    lengths = [n + window.before + window.after for n, window in zip(sizes, windows, strict=True)]
    padded = np.zeros((gy.shape[0], groups * w.shape[1], *lengths), gy.dtype)
    for tap in taps(windows):
        part = np.einsum("goc,ngo...->ngc...", kernel[(..., *tap)], grouped)
        padded[at_tap(windows, tap, counts)] += part.reshape(gy.shape[0], -1, *counts)
    return np.ascontiguousarray(cropped(padded, windows, sizes))


def conv_weight(gy: np.ndarray, x: np.ndarray, windows: Windows, groups: int) -> np.ndarray:
    """The adjoint of conv in w: gw[o,c,t] = Σ_{ν,j} gy[ν,o,j] · x[ν,c,s·j+d·t-a]"""
    counts = gy.shape[2:]
    padded = pad(x, windows)
    grouped = _grouped(gy, groups)
    channels = x.shape[1] // groups
    gw = np.zeros((groups, gy.shape[1] // groups, channels, *(window.kernel for window in windows)), gy.dtype)
    for tap in taps(windows):
        read = _grouped(padded[at_tap(windows, tap, counts)], groups)
        gw[(..., *tap)] = np.einsum("ngop,ngcp->goc", _flat(grouped), _flat(read))
    return gw.reshape(gy.shape[1], *gw.shape[2:])


def conv_transpose(x: np.ndarray, w: np.ndarray, windows: Windows, groups: int, sizes: Sequence[int]) -> np.ndarray:
    """The adjoint of the convolution that has windows x: the same map as conv_input."""
    return conv_input(x, w, windows, groups, sizes)


# --- pooling --------------------------------------------------------------------------------------------------------


def max_pool(x: np.ndarray, windows: Windows, last: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """The greatest value of each window, and the number of the tap (row by row) that has it: the first, or the last.

    A NaN is greater than everything. A window without an element has -inf (the least integer), and no tap: -1.
    """
    counts = counts_of(x.shape[2:], windows)
    low = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    padded = overhanging(x, windows, counts, low)
    inside = overhanging(np.ones((1, 1, *x.shape[2:]), bool), windows, counts, False)
    best = np.full((*x.shape[:2], *counts), low, x.dtype)
    chosen = np.full(best.shape, -1)
    for number, tap in enumerate(taps(windows)):
        where = at_tap(windows, tap, counts)
        value, there = padded[where], inside[where]
        greater = (value > best) | (np.isnan(value) & ~np.isnan(best)) | (chosen < 0)
        if last:
            greater |= (value == best) | (np.isnan(value) & np.isnan(best))
        greater &= there
        best = np.where(greater, value, best)
        chosen = np.where(greater, number, chosen)
    return best, chosen


def max_pool_input(gy: np.ndarray, x: np.ndarray, windows: Windows, ties: str) -> np.ndarray:
    """The gradient goes to the selected tap; "split" shares it among the greatest, "all" gives it to each of them."""
    counts = gy.shape[2:]
    best, chosen = max_pool(x, windows, last=ties == "last")
    shared = ties in ("split", "all")
    padded = overhanging(x, windows, counts) if shared else None
    inside = overhanging(np.ones((1, 1, *x.shape[2:]), bool), windows, counts, False)

    def takes(number: int, tap: Tap) -> np.ndarray:
        if padded is None:
            return chosen == number
        value = padded[at_tap(windows, tap, counts)]
        return ((value == best) | (np.isnan(value) & np.isnan(best))) & inside[at_tap(windows, tap, counts)]

    if ties == "split":
        holders = sum((takes(number, tap).astype(gy.dtype) for number, tap in enumerate(taps(windows))), np.zeros_like(gy))
        gy = gy / np.maximum(holders, 1)
    g = np.zeros((*x.shape[:2], *inside.shape[2:]), gy.dtype)
    for number, tap in enumerate(taps(windows)):
        g[at_tap(windows, tap, counts)] += np.where(takes(number, tap), gy, 0)
    return np.ascontiguousarray(cropped(g, windows, x.shape[2:]))


def avg_pool(x: np.ndarray, windows: Windows, divisor: np.ndarray) -> np.ndarray:
    """The sum over each window divided by what the statement divides it by."""
    counts = counts_of(x.shape[2:], windows)
    padded = overhanging(x, windows, counts)
    total = np.zeros((*x.shape[:2], *counts), x.dtype)
    for tap in taps(windows):
        total += padded[at_tap(windows, tap, counts)]
    return total / divisor.astype(x.dtype)


def avg_pool_input(gy: np.ndarray, windows: Windows, sizes: Sequence[int], divisor: np.ndarray) -> np.ndarray:
    """Each window gives its share to every position it holds."""
    counts = gy.shape[2:]
    share = gy / divisor.astype(gy.dtype)
    lengths = overhanging(np.zeros((1, 1, *sizes), bool), windows, counts).shape[2:]
    g = np.zeros((*gy.shape[:2], *lengths), gy.dtype)
    for tap in taps(windows):
        g[at_tap(windows, tap, counts)] += share
    return np.ascontiguousarray(cropped(g, windows, sizes))
