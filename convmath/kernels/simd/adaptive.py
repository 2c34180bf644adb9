"""Adaptive and global pools by generated kernels where all windows of an axis are of one size; else `kernels.adaptive`.

Bounds are those of `pooling`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from convmath.kernels import adaptive
from convmath.window import Window

from . import pooling
from .pooling import LARGEST

__all__ = ["avg_pool", "avg_pool_input", "max_pool", "max_pool_input", "max_pool_selection"]


def _windows(array: np.ndarray, sizes: Sequence[int], counts: Sequence[int]) -> tuple[Window, ...] | None:
    """The windows, if there are kernels for them."""
    return adaptive.alike(sizes, counts) if array.dtype.kind == "f" and math.prod(sizes) < LARGEST else None


def _taps(windows: Sequence[Window]) -> int:
    return math.prod(window.kernel for window in windows)


def avg_pool(x: np.ndarray, counts: Sequence[int]) -> np.ndarray:
    windows = _windows(x, x.shape[2:], counts)
    return adaptive.avg_pool(x, counts) if windows is None else pooling.avg_pool(x, windows, _taps(windows))


def avg_pool_input(gy: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    windows = _windows(gy, sizes, gy.shape[2:])
    if windows is None:
        return adaptive.avg_pool_input(gy, sizes)
    return pooling.avg_pool_input(gy, windows, sizes, _taps(windows))


def max_pool(x: np.ndarray, counts: Sequence[int]) -> np.ndarray:
    windows = _windows(x, x.shape[2:], counts)
    return adaptive.max_pool(x, counts) if windows is None else pooling.max_pool(x, windows)


def max_pool_selection(x: np.ndarray, counts: Sequence[int], ties: str) -> np.ndarray:
    windows = _windows(x, x.shape[2:], counts)
    if windows is None:
        return adaptive.max_pool_selection(x, counts, ties)
    return pooling.max_pool_selection(x, windows, ties)


def max_pool_input(gy: np.ndarray, x: np.ndarray, ties: str) -> np.ndarray:
    windows = _windows(x, x.shape[2:], gy.shape[2:])
    if windows is None:
        return adaptive.max_pool_input(gy, x, ties)
    return pooling.max_pool_input(gy, x, windows, ties)
