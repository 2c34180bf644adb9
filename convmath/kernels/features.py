"""Features on the last axis: weighted sums of them, and distances from points."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["distances", "distances_input", "distances_weight", "linear", "linear_input", "linear_weight", "of_channels"]


def linear(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Y[…,o] = Σ_c W[o,c] · X[…,c]"""
    return x @ w.T


def linear_input(gy: np.ndarray, w: np.ndarray) -> np.ndarray:
    """gX[…,c] = Σ_o gY[…,o] · W[o,c]"""
    return gy @ w


def linear_weight(gy: np.ndarray, x: np.ndarray) -> np.ndarray:
    """gW[o,c] = Σ gY[…,o] · X[…,c]"""
    return _rows(gy).T @ _rows(x)


def of_channels(gy: np.ndarray) -> np.ndarray:
    """gB[c] = Σ gY[ν,c,j]; a product with ones has less to do than a sum over axes that are apart"""
    images, channels = gy.shape[:2]
    positions = math.prod(gy.shape[2:])
    each = gy.reshape(images * channels, positions) @ np.ones(positions, gy.dtype)
    return each.reshape(images, channels).sum(0)


def distances(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Y[…,o] = Σ_c (X[…,c] - W[o,c])², the differences first, so that nothing cancels"""
    y = np.empty((*x.shape[:-1], len(w)), x.dtype)
    for o, point in enumerate(w):
        gap = x - point
        y[..., o] = (gap * gap).sum(-1)
    return y


def distances_input(gy: np.ndarray, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """gX[…,c] = 2 · Σ_o gY[…,o] · (X[…,c] - W[o,c])"""
    gx = np.zeros(x.shape, gy.dtype)
    for o, point in enumerate(w):
        gx += gy[..., o : o + 1] * (x - point)
    return 2 * gx


def distances_weight(gy: np.ndarray, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """gW[o,c] = -2 · Σ gY[…,o] · (X[…,c] - W[o,c])"""
    return np.stack([-2 * _rows(gy[..., o : o + 1] * (x - point)).sum(0) for o, point in enumerate(w)])


def _rows(x: np.ndarray) -> np.ndarray:
    return x.reshape(-1, x.shape[-1])
