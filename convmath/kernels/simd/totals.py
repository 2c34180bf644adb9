"""Sums over axes in the order of `kernels.ordered.total`, with the same bits, by generated kernels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from convmath.kernels import ordered

from . import sixteen, workers
from .builder import DTYPES, Builder, Value, words
from .compile import kernel
from .host import host

__all__ = ["total"]

COLUMNS = 4  # vectors of columns that are summed together
SPEED = 8e9  # bytes a second, about: only to see what is worth sharing


@kernel("x y", "lines many length")
def along(k: Builder, dtype: str) -> None:
    """y[q] = Σ x[n,q,p] in 16 lanes, line by line"""

    def one(q: Value) -> None:
        def line(n: Value, *sums: Value) -> list[Value]:
            start = (n * k.many + q) * (k.length * k.bytes)
            return sixteen.over(k, k.length, lambda offset, mask: [k.load(k.x, start + offset, mask=mask)], sums)

        k.store(sixteen.total(k, k.loop(0, k.lines, 1, sixteen.nothing(k), line)), k.y, q * k.bytes)

    k.loop(k.first, k.behind, 1, [], one)


@kernel("x y", "rows columns")
def down(k: Builder, dtype: str) -> None:
    """y[c] = Σ x[r,c], one row after the other; an item is some columns"""

    def some(start: Value, masks: Sequence[Value | None]) -> None:
        def row(r: Value, *sums: Value) -> list[Value]:
            at = start + r * (k.columns * k.bytes)
            return [s + k.load(k.x, at + v * k.vector, mask=masks[v]) for v, s in enumerate(sums)]

        found = k.loop(0, k.rows, 1, [k.splat(0.0)] * COLUMNS, row)
        for v, total in enumerate(found):
            k.store(total, k.y, start + v * k.vector, mask=masks[v])

    def item(i: Value) -> None:
        first = i * (COLUMNS * k.lanes)
        rest = k.columns - first
        k.either(
            rest >= COLUMNS * k.lanes,
            lambda: some(first * k.bytes, [None] * COLUMNS),
            lambda: some(first * k.bytes, [k.below(rest - v * k.lanes) for v in range(COLUMNS)]),
        )

    k.loop(k.first, k.behind, 1, [], item)


def total(x: np.ndarray, axes: Sequence[int]) -> np.ndarray:
    """Σ x over the axes, which stay with length 1"""
    if x.dtype not in DTYPES or not x.size:
        return ordered.total(x, axes)
    *others, last = sorted(axis % x.ndim for axis in axes)
    kept = [axis for axis in range(x.ndim) if axis not in others and axis != last]
    lines, many, length = (math.prod(x.shape[axis] for axis in part) for part in (others, kept, [last]))
    y = np.empty([length if axis in kept else 1 for axis, length in enumerate(x.shape)], x.dtype)
    if math.prod(x.shape[last + 1 :]) == 1:
        laid = np.ascontiguousarray(x.transpose(*others, *kept, last))
        code, numbers, items = along(DTYPES[x.dtype]), (lines, many, length), many
    else:
        laid = np.ascontiguousarray(x.transpose(*others, last, *kept))
        code, numbers = down(DTYPES[x.dtype]), (lines * length, many)
        items = -(-many // (COLUMNS * host().vector // x.itemsize))
    workers.run(code, words(laid, y, *numbers), items, seconds=x.nbytes / SPEED)
    return y
