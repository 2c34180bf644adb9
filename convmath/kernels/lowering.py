"""Windows laid out as matrices, so that a convolution is a product with the weight ("lowering").

By *columns* (im2col), each window of an image is a column of its channels and taps. By *rows* (MEC), windows are laid
out along all axes but the first, for each row of the input. What a row of outputs reads are then as many of those rows
as the kernel has, one after the other: matrices of neighbouring rows overlap, and as many times less is laid out. What
comes out lies by rows too, and is moved from there.

Source of the latter: M. Cho and D. Brand, "MEC: memory-efficient convolution for deep neural network", ICML 2017.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .blocks import Piece, at_once
from .padding import pad
from .problem import Convolution
from .simd.memory import empty

__all__ = ["Columns", "Lowering", "Rows", "columns", "lowering", "worth_turning"]

WIDE = 64  # columns of a matrix below which its product takes longer than need be


@dataclass(frozen=True)
class Columns:
    """Each image has a matrix of its windows. Arrays of outputs are (image, group, channel, *counts)."""

    window: int  # bytes that are laid out for a window of a group
    copied: int  # bytes that are laid out and moved for all of them, and for the products to begin

    def weights(self, w: np.ndarray, groups: int) -> np.ndarray:
        """(group, output channel, channel and tap), as `windows` has them"""
        return w.reshape(groups, w.shape[0] // groups, math.prod(w.shape[1:]))

    def kernel(self, gw: np.ndarray, shape: Sequence[int]) -> np.ndarray:
        """From there back to a kernel of such a shape."""
        return gw.reshape(shape)

    def windows(self, x: np.ndarray, piece: Piece) -> np.ndarray:
        """(matrix, group, channel and tap, window) of what a piece reads"""
        x = _padded(x, piece)
        images, channels, *at = x.strides
        kernel, counts, taps, steps = _along(piece, at)
        laid = _laid(x, (*x.shape[:2], *kernel, *counts), (images, channels, *taps, *steps))
        return laid.reshape(len(x), _groups(piece), -1, math.prod(counts))

    def outputs(self, y: np.ndarray, piece: Piece) -> np.ndarray:
        """(matrix, group, channel, window) of what a piece makes"""
        return y.reshape(*y.shape[:3], math.prod(y.shape[3:]))[piece.out]

    def multiply(self, weights: np.ndarray, x: np.ndarray, piece: Piece, y: np.ndarray) -> None:
        """Write what a piece makes."""
        part = self.outputs(y, piece)
        if part.flags.c_contiguous:
            np.matmul(weights[piece.groups], self.windows(x, piece), out=part)
        else:  # NumPy has no quick way into rows that are apart
            part[...] = weights[piece.groups] @ self.windows(x, piece)


@dataclass(frozen=True)
class Rows:
    """Each row of outputs, of all images, has a matrix. The functions are those of `Columns`."""

    window: int
    copied: int

    def weights(self, w: np.ndarray, groups: int) -> np.ndarray:
        return np.moveaxis(w, 2, 1).reshape(groups, w.shape[0] // groups, math.prod(w.shape[1:]))

    def kernel(self, gw: np.ndarray, shape: Sequence[int]) -> np.ndarray:
        outputs, channels, first, *others = shape
        return np.ascontiguousarray(np.moveaxis(gw.reshape(outputs, first, channels, *others), 1, 2))

    def windows(self, x: np.ndarray, piece: Piece) -> np.ndarray:
        x, groups = _padded(x, piece), _groups(piece)
        images, channels, row, *at = x.strides
        (k, *kernel), (m, *counts), (_, *taps), (_, *steps) = _along(piece, (row, *at))
        reads, stride = x.shape[1] // groups, piece.block.windows[0].stride
        rows, tall, wide = stride * (m - 1) + k, reads * math.prod(kernel), len(x) * math.prod(counts)
        shape = groups, rows, reads, *kernel, len(x), *counts
        laid = _laid(x, shape, (reads * channels, row, channels, *taps, images, *steps))
        size, step = laid.itemsize, tall * wide * laid.itemsize
        return as_strided(
            laid, (m, groups, k * tall, wide), (stride * step, rows * step, wide * size, size), writeable=False
        )

    def outputs(self, y: np.ndarray, piece: Piece) -> np.ndarray:
        part = y[piece.made].swapaxes(0, 3)
        found = empty(part.shape, y.dtype)
        found[...] = part
        return found.reshape(*part.shape[:3], -1)

    def multiply(self, weights: np.ndarray, x: np.ndarray, piece: Piece, y: np.ndarray) -> None:
        part, windows = y[piece.made].swapaxes(0, 3), self.windows(x, piece)
        found = empty((*part.shape[:3], windows.shape[-1]), y.dtype)
        part[...] = np.matmul(weights[piece.groups], windows, out=found).reshape(part.shape)


Lowering = Columns | Rows


def worth_turning(problem: Convolution) -> Convolution | None:
    """The convolution by which a gradient by the input is computed; None where its windows are too many for that."""
    smaller = problem.outputs * math.prod(problem.shape[2:]) <= 2 * problem.shape[1] * math.prod(problem.counts)
    return problem.turned if smaller else None


def columns(problem: Convolution) -> Columns:
    """The windows of a problem as columns."""
    taps, count = problem.reads * problem.taps, math.prod(problem.counts)
    return Columns(taps * problem.dtype.itemsize, _bytes(problem, taps, count))


@lru_cache(4096)
def lowering(problem: Convolution) -> Lowering:
    """The way that lays out and moves less, of those whose matrices are wide enough."""
    if problem.kind == "input":
        back = worth_turning(problem)
        return columns(problem) if back is None else lowering(back)
    by_columns, (m, *others), (first, *along) = columns(problem), problem.counts, problem.windows
    if problem.empty:
        return by_columns
    row, k, s = math.prod(others) * problem.dtype.itemsize, first.kernel, first.stride
    tall, makes = problem.reads * math.prod(w.kernel for w in along), problem.makes
    # rows of outputs of an image and group that there is room for
    high = min(m, (at_once(row) - tall * (k - s)) // (tall * s + makes))
    if first.dilation > 1 or high < 1:
        return by_columns
    # elements of a window that are laid out, once for all that share them, and moved
    laid = tall * (s * (high - 1) + k) / high + makes
    images = at_once(math.ceil(problem.groups * m * row * laid))
    wide = max(1, min(problem.shape[0] // 2, images)) * math.prod(others)
    by_rows = Rows(math.ceil(laid * problem.dtype.itemsize), _bytes(problem, laid, wide))
    enough = wide >= min(WIDE, math.prod(problem.counts)) and by_rows.copied < by_columns.copied
    return by_rows if enough else by_columns


def _bytes(problem: Convolution, each: float, wide: int) -> int:
    """So many elements of each window, and of each product, which has so many columns, the weight arranged for BLAS."""
    weight = problem.makes * problem.reads * problem.taps
    windows = problem.shape[0] * problem.groups * math.prod(problem.counts)
    return math.ceil(windows * (each + weight / max(1, wide)) * problem.dtype.itemsize)


def _padded(x: np.ndarray, piece: Piece) -> np.ndarray:
    # with its padding, so that W·0 stands in the sum as the definition has it: it is NaN where W is infinite
    return pad(x[piece.read], piece.block.windows)


def _laid(x: np.ndarray, shape: tuple[int, ...], strides: tuple[int, ...]) -> np.ndarray:
    """A copy of elements that may overlap."""
    laid = empty(shape, x.dtype)
    laid[...] = as_strided(x, shape, strides, writeable=False)
    return laid


def _along(piece: Piece, strides: Sequence[int]) -> tuple[Sequence[int], ...]:
    """Taps and windows of each axis, how many and how far apart in memory."""
    windows = piece.block.windows
    taps = [w.dilation * stride for w, stride in zip(windows, strides, strict=True)]
    steps = [w.stride * stride for w, stride in zip(windows, strides, strict=True)]
    return [w.kernel for w in windows], piece.block.counts, taps, steps


def _groups(piece: Piece) -> int:
    return piece.groups.stop - piece.groups.start
