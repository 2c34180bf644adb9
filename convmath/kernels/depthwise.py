"""Depthwise convolution of stride 1 with NumPy: each group reads one channel and makes one.

All windows of a padded channel lie in one run (`runs`): sums over taps go along it, and gradients by the weight are
scalar products of runs (vecdot). What comes out between the rows means nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from convmath.window import Window

from .blocks import Piece, pieces
from .cores import each
from .padding import pad
from .runs import read, swept
from .simd.memory import empty
from .sums import add_up

__all__ = ["conv", "conv_weight", "fits"]

Windows = Sequence[Window]

SECONDS = 1.5e-10  # about, for a tap of an output


def fits(windows: Windows, reads: int, makes: int, dtype: np.dtype) -> bool:
    """Whether it is one: with so many channels in a group."""
    plain = len(windows) > 1 and all(window.stride == 1 for window in windows)
    return plain and reads == makes == 1 and dtype.kind == "f"


def conv(x: np.ndarray, w: np.ndarray, windows: Windows, counts: Sequence[int]) -> np.ndarray:
    """Y[ν,c,j] = Σ_t W[c,0,t] · X[ν,c,j+d·t-a]"""
    y = empty((*x.shape[:2], *counts), x.dtype)

    def compute(piece: Piece) -> None:
        runs = _runs(x, piece)
        total = swept(w[piece.groups, 0], runs.taps)
        y[piece.read[:2] + piece.block.out[2:]] = total.reshape(*total.shape[:2], *runs.lengths)[runs.inner]

    each(compute, _pieces(x, windows, counts), _seconds(y.size, windows))
    return y


def conv_weight(gy: np.ndarray, x: np.ndarray, windows: Windows) -> np.ndarray | None:
    """gW[c,0,t] = Σ_{ν,j} gY[ν,c,j] · X[ν,c,j+d·t-a], if all of it is finite; else zeros between the rows may count."""
    total = np.zeros((x.shape[1], *(window.kernel for window in windows)), gy.dtype)

    def add(into: np.ndarray, piece: Piece) -> None:
        runs, given = _runs(x, piece), gy[piece.read[:2] + piece.block.out[2:]]
        left = empty((*given.shape[:2], *runs.lengths), gy.dtype)
        left[...] = 0
        left[runs.inner] = given
        left = left.reshape(*left.shape[:2], *[1] * len(windows), -1)
        with np.errstate(all="ignore"):
            into[piece.groups] += np.vecdot(left, runs.taps).sum(0)

    add_up(total, list(_pieces(x, windows, gy.shape[2:])), add, _seconds(gy.size, windows))
    return total[:, None] if np.isfinite(total).all() else None


def _pieces(x: np.ndarray, windows: Windows, counts: Sequence[int]) -> Iterable[Piece]:
    return pieces(x.shape, windows, counts, x.shape[1], 2 * x.itemsize)


def _seconds(outputs: int, windows: Windows) -> float:
    return SECONDS * outputs * math.prod(window.kernel for window in windows)


class _Runs(NamedTuple):
    """What each tap reads (image, channel, *tap, window), how many windows lie along each axis, which are wanted."""

    taps: np.ndarray
    lengths: tuple[int, ...]
    inner: tuple[Any, ...]


def _runs(x: np.ndarray, piece: Piece) -> _Runs:
    (first, *others), counts = piece.block.windows, piece.block.counts
    x = np.ascontiguousarray(pad(x[piece.read], (replace(first, after=first.after + 1), *others)))
    kernel, steps = zip(*((w.kernel, w.dilation) for w in piece.block.windows), strict=True)
    lengths = counts[0], *x.shape[3:]
    return _Runs(read(x, kernel, steps, counts[0]), lengths, (..., *(slice(n) for n in counts)))
