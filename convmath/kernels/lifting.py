"""Lifting: S consecutive outputs of one signal are S rows of a band (Toeplitz) matrix, and a convolution a product.

y[S·q + r] = Σ_{u < S+k-1} B[r,u] · x[S·q + u] with B[r,u] = w[u-r] where 0 ≤ u-r < k, and 0 elsewhere. With more axes
there is one matrix for each tap of the others, and what it multiplies is the same array read from that tap on.

Every product that is added is one of the definition or 0·x, so the error is that of a plain sum of the taps,
|ŷ - y| ≤ γ_{K+1} Σ |w|·|x| (Higham 2002, §3.1), and on small integers there is none. Where x is not finite, 0·x is NaN:
the caller has to mind it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .signal_costs import Costs
from .tiles import fitted, pieces

__all__ = ["Lifting", "plans"]

# the heights that are tried, how many elements of the output (or of its windows) are in the cache at once, and how
# many all matrices may have
ROWS = (4, 8, 16, 32, 64, 128)
ROOM = 2**19
MATRICES = 2**20
# multiplications of a product of matrices: what it reads and makes should stay near a core
PRODUCT = 2**22


@dataclass(frozen=True, slots=True)
class Lifting:
    """S outputs along an axis at once: the outputs and taps of one round of products."""

    axis: int
    rows: int
    tile: tuple[int, ...]
    part: tuple[int, ...]
    seconds: float

    method = "patches"
    threaded = True
    exact = True  # where the numbers are

    def reads(self, counts: Sequence[int], kernel: Sequence[int]) -> tuple[int, ...]:
        """How much of the input stands in a patch for so many outputs: that axis is rounded up to whole rows."""
        whole = [*counts]
        whole[self.axis] = -(-counts[self.axis] // self.rows) * self.rows
        return tuple(m + k - 1 for m, k in zip(whole, kernel, strict=True))

    def prepared(self, w: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        w = np.moveaxis(w, self.axis, 0)
        if w.ndim == 1:
            band = np.ascontiguousarray(_band(w, self.rows).T)
            return lambda x: _line(x, band)
        bands = [(tap, _band(w[(slice(None), *tap)], self.rows)) for tap in product(*map(range, w.shape[1:]))]
        return lambda x: np.moveaxis(_planes(np.moveaxis(x, self.axis, 0), bands, w.shape), 0, self.axis)


def plans(counts: tuple[int, ...], kernel: tuple[int, ...], dtype: np.dtype, cost: Costs) -> Iterator[Lifting]:
    for axis, rows in product(range(len(counts)), ROWS):
        if rows > ROWS[0] and rows >= 2 * counts[axis]:
            continue
        part = fitted(kernel, MATRICES // (rows * (1 + rows // kernel[axis])))
        span = rows + part[axis] - 1
        tile = _tile(counts, axis, rows, ROOM // span * rows if len(counts) == 1 else ROOM)
        once = cost.call + math.prod(tile) * (span * (cost.mac + cost.packed / rows) + cost.added)
        once = once * (math.prod(part) // part[axis]) + math.prod(tile) * cost.copied
        yield Lifting(axis, rows, tile, part, pieces(counts, tile) * pieces(kernel, part) * once)


def _tile(counts: Sequence[int], axis: int, rows: int, room: int) -> tuple[int, ...]:
    if len(counts) == 1:
        return (min(-(-counts[0] // rows), max(1, room // rows)) * rows,)
    rest = fitted([m for i, m in enumerate(counts) if i != axis], room // rows)
    return (*rest[:axis], rows, *rest[axis:])


def _band(w: np.ndarray, rows: int) -> np.ndarray:
    """B[r,u] = w[u-r]"""
    band = np.zeros((rows, rows + len(w) - 1), w.dtype)
    for r in range(rows):
        band[r, r : r + len(w)] = w
    return band


def _line(x: np.ndarray, band: np.ndarray) -> np.ndarray:
    """Windows that overlap, one behind the other at a distance of S, times the matrix."""
    span, rows = band.shape
    windows = sliding_window_view(x, span)[::rows]
    y = np.empty((len(windows), rows), x.dtype)
    for some in _chunks(len(windows), span * rows):
        np.matmul(np.ascontiguousarray(windows[some]), band, out=y[some])
    return y.reshape(-1)


def _planes(x: np.ndarray, bands: Sequence[tuple[tuple[int, ...], np.ndarray]], kernel: Sequence[int]) -> np.ndarray:
    """The other axes as one line: a tap of theirs is a distance along it. What wraps round is cut off."""
    shape = x.shape
    lines = np.ascontiguousarray(x).reshape(shape[0], -1)
    steps = [math.prod(shape[i + 1 :]) for i in range(1, len(shape))]
    at = [(sum(s * t for s, t in zip(steps, tap, strict=True)), band) for tap, band in bands]
    rows, span = bands[0][1].shape
    y = np.empty((rows, lines.shape[1]), x.dtype)
    for some in _chunks(lines.shape[1] - at[-1][0], span * rows):
        total = y[:, some]
        more = np.empty(total.shape, x.dtype)
        np.matmul(at[0][1], lines[:, some], out=total)
        for away, band in at[1:]:
            np.matmul(band, lines[:, some.start + away : some.stop + away], out=more)
            total += more
    kept = tuple(slice(n - k + 1) for n, k in zip(shape[1:], kernel[1:], strict=True))
    return y.reshape(rows, *shape[1:])[:, *kept]


def _chunks(length: int, each: int) -> Iterator[slice]:
    """So many columns at once that a product stays near a core."""
    step = max(1, PRODUCT // each)
    return (slice(i, min(i + step, length)) for i in range(0, length, step))
