"""Features on the last axis: weighted sums of them, and distances from points."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from .basics import matmul, total
from .choice import asked, without
from .order import in_exact_order

ROOM = 2**17  # elements that are worked on together

__all__ = ["distances", "distances_input", "distances_weight", "linear", "linear_input", "linear_weight", "of_channels"]


# --- weighted sums: generated kernels where there are some that are not slower, else NumPy's products of matrices -----


def linear(x: np.ndarray, w: np.ndarray, b: np.ndarray | None = None) -> np.ndarray:
    """Y[…,o] = Σ_c W[o,c] · X[…,c] + B[o]"""
    rows, shape = _rows(x), (*x.shape[:-1], len(w))
    if (products := _generated(rows, w, len(rows), *w.shape)) is not None:
        return products.product(rows, w, b, of="turned").reshape(shape)
    y = matmul(rows, w.T).reshape(shape)
    return y if b is None else y + b


def linear_input(gy: np.ndarray, w: np.ndarray) -> np.ndarray:
    """gX[…,c] = Σ_o gY[…,o] · W[o,c]"""
    rows, shape = _rows(gy), (*gy.shape[:-1], w.shape[1])
    products = _generated(rows, w, len(rows), *w.shape[::-1])
    return (matmul(rows, w) if products is None else products.product(rows, w)).reshape(shape)


def linear_weight(gy: np.ndarray, x: np.ndarray) -> np.ndarray:
    """gW[o,c] = Σ gY[…,o] · X[…,c]"""
    left, right = _rows(gy), _rows(x)
    products = _generated(left, right, left.shape[1], right.shape[1], len(left))
    return matmul(left.T, right) if products is None else products.product(left, right, of="sums")


def _generated(a: np.ndarray, b: np.ndarray, rows: int, columns: int, common: int) -> Any:
    """The generated kernels, if they are there, are not said not to be taken, and have this product."""
    if asked("auto", "linear") in ("direct", "patches") or without():
        return None
    from .simd import products

    return products if products.fits(a, b, rows, columns, common) else None


def of_channels(gy: np.ndarray) -> np.ndarray:
    """gB[c] = Σ gY[ν,c,j]; a product with ones has less to do than a sum over axes that are apart"""
    images, channels = gy.shape[:2]
    positions = math.prod(gy.shape[2:])
    if in_exact_order() or positions > ROOM:
        return total(gy.reshape(images, channels, positions), (0, 2))
    each = matmul(gy.reshape(images * channels, positions), np.ones(positions, gy.dtype))
    return total(each.reshape(images, channels), (0,))


def distances(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Y[…,o] = Σ_c (X[…,c] - W[o,c])², the differences first, so that nothing cancels"""
    rows, y = _rows(x), np.empty((math.prod(x.shape[:-1]), len(w)), x.dtype)
    for some in _points(rows, w):
        gap = rows[:, None] - w[some]
        y[:, some] = total(gap * gap, (2,))
    return y.reshape(*x.shape[:-1], len(w))


def distances_input(gy: np.ndarray, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """gX[…,c] = 2 · Σ_o gY[…,o] · (X[…,c] - W[o,c])"""
    gx = np.zeros(x.shape, gy.dtype)
    for o, point in enumerate(w):
        gx += gy[..., o : o + 1] * (x - point)
    return 2 * gx


def distances_weight(gy: np.ndarray, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """gW[o,c] = -2 · Σ gY[…,o] · (X[…,c] - W[o,c])"""
    rows, g = _rows(x), _rows(gy)
    parts = [total(g[:, some, None] * (rows[:, None] - w[some]), (0,)) for some in _points(rows, w)]
    return -2 * np.concatenate(parts)


def _points(rows: np.ndarray, w: np.ndarray) -> Iterator[slice]:
    """So many points at once that their differences stay in the cache."""
    step = max(1, ROOM // max(1, rows.size))
    return (slice(start, start + step) for start in range(0, len(w), step))


def _rows(x: np.ndarray) -> np.ndarray:
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
