"""Windows laid out as a strided view, and matrix products over them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import as_strided

from convmath.window import Window

from . import direct
from .direct import at_tap, counts_of, taps
from .padding import cropped, overhanging, pad

__all__ = ["avg_pool", "avg_pool_input", "conv", "conv_input", "conv_transpose", "conv_weight", "max_pool", "max_pool_input"]

Windows = Sequence[Window]


def view(padded: np.ndarray, windows: Windows, counts: Sequence[int]) -> np.ndarray:
    """A view (N, C, *j, *t) of a padded array: what window j reads at tap t."""
    spatial = padded.strides[2:]
    steps = [window.stride * step for window, step in zip(windows, spatial, strict=True)]
    inner = [window.dilation * step for window, step in zip(windows, spatial, strict=True)]
    shape = (*padded.shape[:2], *counts, *(window.kernel for window in windows))
    return as_strided(padded, shape, (*padded.strides[:2], *steps, *inner), writeable=False)


def _columns(x: np.ndarray, windows: Windows, groups: int, counts: Sequence[int]) -> np.ndarray:
    """im2col: (groups, C·∏k, N·∏m)"""
    ndim = len(windows)
    seen = view(pad(x, windows), windows, counts)
    split = seen.reshape(x.shape[0], groups, x.shape[1] // groups, *seen.shape[2:]) if groups > 1 else seen[:, None]
    j, t = range(3, 3 + ndim), range(3 + ndim, 3 + 2 * ndim)
    return split.transpose(1, 2, *t, 0, *j).reshape(groups, _size(windows) * (x.shape[1] // groups), x.shape[0] * math.prod(counts))


def _size(windows: Windows) -> int:
    return math.prod(window.kernel for window in windows)


def _rows(gy: np.ndarray, groups: int) -> np.ndarray:
    """(groups, O, N·∏m)"""
    pixels = math.prod(gy.shape[2:])
    split = gy.reshape(gy.shape[0], groups, gy.shape[1] // groups, pixels)
    return split.transpose(1, 2, 0, 3).reshape(groups, gy.shape[1] // groups, gy.shape[0] * pixels)


def conv(x: np.ndarray, w: np.ndarray, windows: Windows, groups: int) -> np.ndarray:
    counts = counts_of(x.shape[2:], windows)
    made = w.reshape(groups, w.shape[0] // groups, -1) @ _columns(x, windows, groups, counts)
    y = made.reshape(w.shape[0], x.shape[0], *counts)
    return np.ascontiguousarray(np.moveaxis(y, 1, 0))


def conv_input(gy: np.ndarray, w: np.ndarray, windows: Windows, groups: int, sizes: Sequence[int]) -> np.ndarray:
    counts = gy.shape[2:]
    kernel = w.reshape(groups, w.shape[0] // groups, -1)
    columns = kernel.transpose(0, 2, 1) @ _rows(gy, groups)
    # (groups·C, *k, N, *m): one slice of every window a tap
    columns = columns.reshape(groups * w.shape[1], *w.shape[2:], gy.shape[0], *counts)
    lengths = [n + window.before + window.after for n, window in zip(sizes, windows, strict=True)]
    padded = np.zeros((gy.shape[0], groups * w.shape[1], *lengths), gy.dtype)
    for tap in taps(windows):
        padded[at_tap(windows, tap, counts)] += np.moveaxis(columns[(slice(None), *tap)], 1, 0)
    return np.ascontiguousarray(cropped(padded, windows, sizes))


def conv_weight(gy: np.ndarray, x: np.ndarray, windows: Windows, groups: int) -> np.ndarray:
    columns = _columns(x, windows, groups, gy.shape[2:])
    gw = _rows(gy, groups) @ columns.transpose(0, 2, 1)
    return gw.reshape(gy.shape[1], x.shape[1] // groups, *(window.kernel for window in windows))


def conv_transpose(x: np.ndarray, w: np.ndarray, windows: Windows, groups: int, sizes: Sequence[int]) -> np.ndarray:
    return conv_input(x, w, windows, groups, sizes)


def _windows_last(x: np.ndarray, windows: Windows, counts: Sequence[int], value: object) -> np.ndarray:
    """(N, C, *m, ∏k), the elements of each window in one axis"""
    seen = view(overhanging(x, windows, counts, value), windows, counts)
    return seen.reshape(*x.shape[:2], *counts, _size(windows))


def max_pool(x: np.ndarray, windows: Windows, last: bool = False) -> tuple[np.ndarray, np.ndarray]:
    counts = counts_of(x.shape[2:], windows)
    low = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    values = _windows_last(x, windows, counts, low)
    inside = np.broadcast_to(_windows_last(np.ones((1, 1, *x.shape[2:]), bool), windows, counts, False), values.shape)
    best = values.max(axis=-1)  # NaN in a window is its maximum
    takes = ((values == best[..., None]) | np.isnan(values)) & inside
    size = values.shape[-1]
    chosen = size - 1 - takes[..., ::-1].argmax(-1) if last else takes.argmax(-1)
    return best, np.where(takes.any(-1), chosen, -1)


# The gradients of pooling scatter tap by tap; a strided view can't be written to where windows overlap.
max_pool_input = direct.max_pool_input
avg_pool_input = direct.avg_pool_input


def avg_pool(x: np.ndarray, windows: Windows, divisor: np.ndarray) -> np.ndarray:
    counts = counts_of(x.shape[2:], windows)
    return _windows_last(x, windows, counts, 0).sum(axis=-1) / divisor.astype(x.dtype)
