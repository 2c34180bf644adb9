"""Runs: all windows of an array lie in one run, and each tap reads that run further along it.

Nothing is laid out: a sum over taps goes along the run (einsum), so that many windows of few taps take little more than
their multiplications. What comes out between the rows means nothing. A signal of several axes is computed so, and a
depthwise convolution (`depthwise`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .signal_costs import Costs
from .simd.memory import empty
from .tiles import fitted, pieces

__all__ = ["Runs", "plans", "read", "swept"]

ROOM = 2**17  # elements of a run of a signal, which should stay near a core
TAPS = 2**8  # taps of a signal that are taken at once


def read(x: np.ndarray, kernel: Sequence[int], steps: Sequence[int], rows: int) -> np.ndarray:
    """(…, *tap, window): what each tap reads, taps so many elements apart, of so many rows of windows.

    x is in C order, and has one row more than is read: the last taps of the last row reach beyond it.
    """
    rank = len(kernel)
    outer, along = x.strides[:-rank], [step * stride for step, stride in zip(steps, x.strides[-rank:], strict=True)]
    run = rows * math.prod(x.shape[x.ndim - rank + 1 :])
    shape = (*x.shape[:-rank], *kernel, run)
    return as_strided(x, shape, (*outer, *along, x.itemsize), writeable=False)


def swept(by: np.ndarray, taps: np.ndarray) -> np.ndarray:
    """Σ_t by[c, *t] · taps[ν, c, *t, run] of each run: (ν, c, run)"""
    *outer, run = range(2, taps.ndim - 1)
    total, part = (empty((*taps.shape[:2], taps.shape[-1]), taps.dtype) for _ in range(2))
    with np.errstate(all="ignore"):  # also between the rows
        for tap in range(by.shape[-1]):
            into = part if tap else total
            np.einsum(by[..., tap], (1, *outer), taps[..., tap, :], (0, 1, *outer, run), (0, 1, run), out=into)
            if tap:
                total += part
    return total


@dataclass(frozen=True, slots=True)
class Runs:
    """Boxes of a signal of several axes, as runs."""

    tile: tuple[int, ...]
    part: tuple[int, ...]
    seconds: float

    method = "patches"
    threaded = True
    exact = True  # where the numbers are

    def reads(self, counts: Sequence[int], kernel: Sequence[int]) -> tuple[int, ...]:
        """With one row more."""
        first, *others = (m + k - 1 for m, k in zip(counts, kernel, strict=True))
        return first + 1, *others

    def prepared(self, w: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        def run(x: np.ndarray) -> np.ndarray:
            rows = len(x) - len(w)
            taps = read(np.ascontiguousarray(x), w.shape, (1,) * w.ndim, rows)
            return swept(w[None], taps[None, None]).reshape(rows, *x.shape[1:])

        return run


def plans(counts: tuple[int, ...], kernel: tuple[int, ...], dtype: np.dtype, cost: Costs) -> Iterator[Runs]:
    if len(counts) < 2:
        return
    part, tile = fitted(kernel, TAPS), fitted(counts, ROOM)
    run = tile[0] * math.prod(m + k - 1 for m, k in zip(tile[1:], part[1:], strict=True))
    once = part[-1] * (cost.sweep + run * cost.joined) + run * math.prod(part) * cost.swept
    yield Runs(tile, part, pieces(counts, tile) * pieces(kernel, part) * once)
