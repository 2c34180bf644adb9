"""Correlation of one signal with one kernel, tap after tap: lines of outputs, some vectors of which stay in registers.

Each output has the bits of `kernels.ordered.conv` for one channel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from . import workers
from .builder import Builder, Value, words
from .compile import kernel
from .memory import empty
from .plane import positions, strides

__all__ = ["DTYPES", "correlate"]

DTYPES = {np.dtype(np.float32): "f4", np.dtype(np.float64): "f8"}
TILE = 8  # vectors of outputs that are summed together
CHUNK = 4096  # outputs of an item
RATE = 16e9  # products a second, about: only to see what is worth sharing


@kernel("x y w lines offsets", "length taps chunks")
def lines(k: Builder, dtype: str) -> None:
    """y[line, j] = Σ_t w[t] · x[line + offset t + j]; an item is a part of a line"""

    def item(i: Value) -> None:
        line, first = i // k.chunks, i % k.chunks * CHUNK
        x = k.at(k.x, k.load_word(k.lines, line * 8) + first * k.bytes)
        y = k.at(k.y, (line * k.length + first) * k.bytes)
        here = k.least_of(k.length - first, CHUNK)
        whole = here & -(TILE * k.lanes)

        def some(start: Value, masks: Sequence[Value | None]) -> None:
            places = [(start + v * k.lanes) * k.bytes for v in range(len(masks))]

            def tap(t: Value, *sums: Value) -> list[Value]:
                source, weight = k.at(x, k.load_word(k.offsets, t * 8)), k.splat(k.load_number(k.w, t * k.bytes))
                read = (k.load(source, place, mask=mask) for place, mask in zip(places, masks, strict=True))
                return [total + weight * value for total, value in zip(sums, read, strict=True)]

            sums = k.loop(0, k.taps, 1, [k.splat(0.0)] * len(masks), tap)
            for total, place, mask in zip(sums, places, masks, strict=True):
                k.store(total, y, place, mask=mask)

        k.loop(0, whole, TILE * k.lanes, [], lambda j: some(j, [None] * TILE))
        k.loop(whole, here, k.lanes, [], lambda j: some(j, [k.below(here - j)]))

    k.loop(k.first, k.behind, 1, [], item)


def correlate(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """y[j] = Σ_t w[t] · x[j+t], of what lies in x; both in C order and of one type in DTYPES."""
    counts = tuple(n - k + 1 for n, k in zip(x.shape, w.shape, strict=True))
    y, steps = empty(counts, x.dtype), [x.itemsize * step for step in strides(x.shape)]
    rows, offsets = positions(counts[:-1], steps[:-1]), positions(w.shape, steps)
    chunks = -(-counts[-1] // CHUNK)
    block = words(x, y, w, rows, offsets, counts[-1], w.size, chunks)
    seconds = w.size * math.prod(counts) * x.itemsize / (4 * RATE)
    workers.run(lines(DTYPES[x.dtype]), block, len(rows) * chunks, (), seconds)
    return y
