"""Sums over windows in which the weights are not the same everywhere, or not there for every channel."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from types import ModuleType

import numpy as np

from convmath.window import Window

from .arrange import fold, unfold
from .basics import matmul

__all__ = [
    "locally_connected",
    "locally_connected_input",
    "locally_connected_weight",
    "table_conv",
    "table_conv_input",
    "table_conv_weight",
]

Windows = Sequence[Window]


# --- weights of its own for every window --------------------------------------------------------------------------


def _by_window(patches: np.ndarray) -> np.ndarray:
    """(window, channel and tap, image)"""
    return patches.transpose(2, 1, 0)


def _weights(w: np.ndarray, counts: Sequence[int]) -> np.ndarray:
    """(window, output channel, channel and tap)"""
    count = math.prod(counts)
    return w.reshape(w.shape[0], count, math.prod(w.shape[1 + len(counts) :])).transpose(1, 0, 2)


def locally_connected(x: np.ndarray, w: np.ndarray, windows: Windows, counts: Sequence[int]) -> np.ndarray:
    """Y[ν,o,j] = Σ_{c,t} W[o,j,c,t] · X[ν,c,s·j+d·t-a]"""
    y = matmul(_weights(w, counts), _by_window(unfold(x, windows, counts)))
    return y.transpose(2, 1, 0).reshape(x.shape[0], w.shape[0], *counts)


def locally_connected_input(
    gy: np.ndarray, w: np.ndarray, windows: Windows, counts: Sequence[int], sizes: Sequence[int]
) -> np.ndarray:
    """gX[ν,c,i] = Σ_{o,j,t} [s·j+d·t-a = i] W[o,j,c,t] · gY[ν,o,j]"""
    columns = matmul(_weights(w, counts).swapaxes(1, 2), _by_output(gy))
    return fold(columns.transpose(2, 1, 0), windows, counts, sizes)


def locally_connected_weight(
    gy: np.ndarray, x: np.ndarray, windows: Windows, counts: Sequence[int], shape: Sequence[int]
) -> np.ndarray:
    """gW[o,j,c,t] = Σ_ν gY[ν,o,j] · X[ν,c,s·j+d·t-a]"""
    gw = matmul(_by_output(gy), _by_window(unfold(x, windows, counts)).swapaxes(1, 2))
    return gw.transpose(1, 0, 2).reshape(shape)


def _by_output(gy: np.ndarray) -> np.ndarray:
    """(window, output channel, image)"""
    return gy.reshape(*gy.shape[:2], math.prod(gy.shape[2:])).transpose(2, 1, 0)


# --- connections by a table ---------------------------------------------------------------------------------------


def _alike(table: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The output channels that read the same channels, and these; an output that reads none is left out."""
    rows, which = np.unique(table, axis=0, return_inverse=True)
    for place, row in enumerate(rows):
        if row.any():
            yield np.flatnonzero(which.reshape(-1) == place), np.flatnonzero(row)


def _at(x: np.ndarray, channels: np.ndarray) -> np.ndarray:
    """These channels, row by row in memory."""
    return np.ascontiguousarray(x[:, channels])


def _between(w: np.ndarray, outputs: np.ndarray, channels: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(w[np.ix_(outputs, channels)])


def table_conv(
    kernels: ModuleType, x: np.ndarray, w: np.ndarray, table: np.ndarray, windows: Windows, counts: Sequence[int]
) -> np.ndarray:
    """Y[ν,o,j] = Σ_{c,t} [R[o,c] = 1] W[o,c,t] · X[ν,c,s·j+d·t-a]"""
    y = np.zeros((x.shape[0], w.shape[0], *counts), x.dtype)
    for outputs, channels in _alike(table):
        y[:, outputs] = kernels.conv(_at(x, channels), _between(w, outputs, channels), windows, 1)
    return y


def table_conv_input(
    kernels: ModuleType, gy: np.ndarray, w: np.ndarray, table: np.ndarray, windows: Windows, sizes: Sequence[int]
) -> np.ndarray:
    """gX[ν,c,i] = Σ_{o,j,t} [R[o,c] = 1] [s·j+d·t-a = i] W[o,c,t] · gY[ν,o,j]"""
    gx = np.zeros((gy.shape[0], w.shape[1], *sizes), gy.dtype)
    for outputs, channels in _alike(table):
        own = _between(w, outputs, channels)
        gx[:, channels] += kernels.conv_input(_at(gy, outputs), own, windows, 1, sizes)
    return gx


def table_conv_weight(
    kernels: ModuleType, gy: np.ndarray, x: np.ndarray, table: np.ndarray, windows: Windows, shape: Sequence[int]
) -> np.ndarray:
    """gW[o,c,t] = Σ_{ν,j} [R[o,c] = 1] gY[ν,o,j] · X[ν,c,s·j+d·t-a]"""
    gw = np.zeros(shape, gy.dtype)
    for outputs, channels in _alike(table):
        gw[np.ix_(outputs, channels)] = kernels.conv_weight(_at(gy, outputs), _at(x, channels), windows, 1)
    return gw
