"""Depthwise convolution of stride 1 over one or two axes: each channel has a kernel of its own.

Nothing is laid out anew: rows are read where they are, with masks at their ends, and a loaded vector serves every row
of the output that reads it. By the input the kernel is turned; by the weight each tap is a dot product of two shifted
planes, image by image and row by row.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from convmath.window import Window

from . import workers
from .builder import Builder, Value, words
from .compile import Kernel, kernel
from .host import host
from .memory import empty
from .watch import note, unseen, watched

__all__ = ["Plan", "forward", "run", "run_weight", "transposed", "weight"]

BANDWIDTH = 10e9  # bytes a second, about: only to see what is worth sharing
MOST = 64  # taps of a kernel that is written out tap by tap
SIZES = "height width out_height out_width before_row before_column"


def columns(
    k: Builder, reach: int, inner: Callable[[Value, bool, Sequence[Value]], Sequence[Value]], carried: Sequence[Value]
) -> list[Value]:
    """inner(column, whether masks are needed, carried) for blocks of a row of the output; taps reach so far beyond."""
    # the columns j whose block lies inside, also all that it reads: before ≤ j and j + lanes + reach - before ≤ width
    first = (k.before_column + (k.lanes - 1)) // k.lanes * k.lanes
    last = k.least_of(k.width - reach + k.before_column, k.out_width) - k.lanes
    first = k.least_of(first, k.out_width)
    behind = k.select(last >= first, first + ((last - first) // k.lanes + 1) * k.lanes, first)
    now = k.loop(0, first, k.lanes, carried, lambda j, *now: inner(j, True, now))
    now = k.loop(first, behind, k.lanes, now, lambda j, *now: inner(j, False, now))
    return k.loop(behind, k.out_width, k.lanes, now, lambda j, *now: inner(j, True, now))


def _inside(k: Builder, column: Value) -> Value:
    """The lanes of a block that begins at this column of the input and lie in it."""
    return k.below(k.width - column) & ~k.below(k.greatest_of(-column, k.word(0)))


def _row(k: Builder, plane: Value, row: Value) -> Value:
    """The row of the input; one of zeros if there is none."""
    inside = (row >= 0) & (row < k.height)
    return k.select(inside, k.at(plane, row * k.width * k.bytes), k.zeros)


def _readers(high: int, down: int, rows: int) -> dict[int, list[tuple[int, int]]]:
    """For each row of the input below the first that is read: which row of the output reads it, with which tap."""
    found: dict[int, list[tuple[int, int]]] = {}
    for out in range(rows):
        for r in range(high):
            found.setdefault(out + down * r, []).append((out, r))
    return found


@kernel("x w y zeros flag", f"channels {SIZES}")
def correlate(
    k: Builder, dtype: str, taps: tuple[int, int], dilation: tuple[int, int], rows: int, backwards: bool
) -> None:
    """So many `rows` of the output at once; the last tap first, if it is to go `backwards`."""
    (high, wide), (down, right) = taps, dilation
    readers = _readers(high, down, rows)

    def plane(i: Value) -> None:
        x, y = k.at(k.x, i * k.height * k.width * k.bytes), k.at(k.y, i * k.out_height * k.out_width * k.bytes)
        w = k.at(k.w, i % k.channels * (high * wide * k.bytes))
        weights = [[k.splat(k.load_number(w, (r * wide + s) * k.bytes)) for s in range(wide)] for r in range(high)]

        def lines(first: Value) -> None:
            source = {row: _row(k, x, first + row - k.before_row) for row in readers}
            there = [k.at(y, (first + out) * k.out_width * k.bytes) for out in range(rows)]

            def block(j: Value, edge: bool, now: Sequence[Value]) -> Sequence[Value]:
                sums, seen = [k.splat(0.0)] * rows, now[0]
                for row in sorted(readers, reverse=backwards):
                    for s in sorted(range(wide), reverse=backwards):
                        column = j + right * s - k.before_column
                        mask = _inside(k, column) if edge else None
                        value = k.load(source[row], column * k.bytes, mask=mask)
                        for out, r in readers[row]:
                            sums[out] = k.multiply_add(value, weights[r][s], sums[out])
                mask = k.below(k.out_width - j) if edge else None
                for out, total in enumerate(sums):
                    seen = watched(k, seen, total)
                    store = lambda out=out, total=total: k.store(total, there[out], j * k.bytes, mask=mask)  # noqa: E731
                    if out:
                        k.when(first + out < k.out_height, store)
                    else:
                        store()
                return [seen]

            [seen] = columns(k, right * (wide - 1), block, [unseen(k)])
            note(k, seen, k.flag)

        k.loop(0, k.out_height, rows, [], lines)

    k.loop(k.first, k.behind, 1, [], plane)


@kernel("x gy sums zeros", SIZES)
def dot(k: Builder, dtype: str, taps: tuple[int, int], dilation: tuple[int, int], rows: int) -> None:
    """Each item is a plane, read in the order of memory; so many `rows` of the cotangent at once."""
    (high, wide), (down, right) = taps, dilation
    readers = _readers(high, down, rows)

    def plane(i: Value) -> None:
        x, gy = k.at(k.x, i * k.height * k.width * k.bytes), k.at(k.gy, i * k.out_height * k.out_width * k.bytes)

        def lines(first: Value, *sums: Value) -> list[Value]:
            source = {row: _row(k, x, first + row - k.before_row) for row in readers}
            there = [k.at(gy, (first + out) * k.out_width * k.bytes) for out in range(rows)]
            there[1:] = [k.select(first + 1 + out < k.out_height, at, k.zeros) for out, at in enumerate(there[1:])]

            def block(j: Value, edge: bool, now: Sequence[Value]) -> list[Value]:
                mask = k.below(k.out_width - j) if edge else None
                found, cotangents = list(now), [k.load(at, j * k.bytes, mask=mask) for at in there]
                for s in range(wide):
                    column = j + right * s - k.before_column
                    mask = _inside(k, column) if edge else None
                    for row in sorted(readers):
                        value = k.load(source[row], column * k.bytes, mask=mask)
                        for out, r in readers[row]:
                            tap = r * wide + s
                            found[tap] = k.multiply_add(value, cotangents[out], found[tap])
                return found

            return columns(k, right * (wide - 1), block, sums)

        sums = k.loop(0, k.out_height, rows, [k.splat(0.0)] * (high * wide), lines)
        for place, total in enumerate(sums):
            k.store(k.sum_of_lanes(total), k.at(k.sums, i * (high * wide * k.bytes)), place * k.bytes)

    k.loop(k.first, k.behind, 1, [], plane)


# --- plans --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """A depthwise correlation, or its gradient by the weight, at given sizes, as one over rows and columns."""

    kernel: Callable[[], Kernel]
    batch: int
    channels: int
    sizes: tuple[int, ...]  # of the output
    rows: tuple[int, ...]  # the words of SIZES
    turned: bool = False

    @property
    def bytes(self) -> int:
        return 8 * self.batch * self.channels * math.prod(self.sizes)

    @property
    def cycles(self) -> float:
        """Always the least: what is laid out for another kernel costs more than all of this."""
        return 0.0

    @property
    def seconds(self) -> float:
        return self.bytes / BANDWIDTH


def _laid(
    channels: int, outputs: int, windows: tuple[Window, ...], groups: int, befores: Sequence[int]
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]] | None:
    """Kernel, dilation and padding before, of rows and columns; None where this is no way to compute it."""
    plain = len(windows) in (1, 2) and all(w.stride == 1 for w in windows)
    if (
        not plain
        or not channels == outputs == groups
        or min(befores) < 0
        or math.prod(w.kernel for w in windows) > MOST
    ):
        return None
    fill = 2 - len(windows)
    taps, dilations = [w.kernel for w in windows], [w.dilation for w in windows]
    return (*([1] * fill), *taps), (*([1] * fill), *dilations), (*([0] * fill), *befores)  # type: ignore[return-value]


def _correlation(
    dtype: str, batch: int, channels: int, sizes: tuple[int, ...], out_sizes: tuple[int, ...],
    laid: tuple[tuple[int, int], tuple[int, int], tuple[int, int]], *, turned: bool, exact: bool,
) -> Plan:  # fmt: skip
    taps, dilation, before = laid
    rows = max(1, min(4, (host().registers - taps[0] * taps[1]) // 4)) if dilation[0] == 1 else 1
    # a kernel that is turned has its taps in the other order
    code = partial(correlate, dtype, taps, dilation, rows, turned and exact, exact=exact)
    return Plan(code, batch, channels, out_sizes, (*_two(sizes), *_two(out_sizes), *before), turned)


def _two(sizes: Sequence[int]) -> tuple[int, ...]:
    return (*[1] * (2 - len(sizes)), *sizes)


@lru_cache(512)
def forward(
    dtype: str, batch: int, channels: int, sizes: tuple[int, ...], outputs: int, windows: tuple[Window, ...],
    groups: int, *, exact: bool = False,
) -> Plan | None:  # fmt: skip
    """Y[ν,c,j] = Σ_t W[c,t] · X[ν,c,j+d·t-a]; None where this is no way to compute it."""
    laid = _laid(channels, outputs, windows, groups, [w.before for w in windows])
    counts = tuple(window.output_size(n) for window, n in zip(windows, sizes, strict=True))
    return laid and _correlation(dtype, batch, channels, sizes, counts, laid, turned=False, exact=exact)


@lru_cache(512)
def transposed(
    dtype: str, batch: int, channels: int, counts: tuple[int, ...], outputs: int, windows: tuple[Window, ...],
    groups: int, sizes: tuple[int, ...], *, exact: bool = False,
) -> Plan | None:  # fmt: skip
    """Y[ν,c,i] = Σ_{j,t} [j+d·t-a = i] W[c,t] · X[ν,c,j]: the kernel is turned."""
    laid = _laid(channels, outputs, windows, groups, [w.span - 1 - w.before for w in windows])
    return laid and _correlation(dtype, batch, channels, counts, sizes, laid, turned=True, exact=exact)


@lru_cache(512)
def weight(
    dtype: str, batch: int, channels: int, sizes: tuple[int, ...], outputs: int, windows: tuple[Window, ...],
    counts: tuple[int, ...], groups: int,
) -> Plan | None:  # fmt: skip
    """gW[c,t] = Σ_{ν,j} gY[ν,c,j] · X[ν,c,j+d·t-a]; None where this is no way to compute it."""
    laid = _laid(channels, outputs, windows, groups, [w.before for w in windows])
    if laid is None or math.prod(laid[0]) > host().registers - 6:
        return None
    code = partial(dot, dtype, laid[0], laid[1], 2 if laid[1][0] == 1 else 1)
    return Plan(code, batch, channels, tuple(w.kernel for w in windows), (*_two(sizes), *_two(counts), *laid[2]))


def _zeros(plan: Plan, dtype: np.dtype) -> np.ndarray:
    """A row of zeros, read with what a vector reaches beyond it."""
    return np.zeros(max(plan.rows[1], plan.rows[3]) + 2 * host().vector // dtype.itemsize, dtype)


def run(plan: Plan, x: np.ndarray, w: np.ndarray, b: np.ndarray | None) -> tuple[np.ndarray, bool]:
    """The output, and whether all of it is finite."""
    y = empty((plan.batch, plan.channels, *plan.sizes), x.dtype)
    turned = np.ascontiguousarray(np.flip(w, tuple(range(2, w.ndim)))) if plan.turned else w
    flag, zeros = np.zeros(1, np.int64), _zeros(plan, x.dtype)
    block = words(x, turned, y, zeros, flag, plan.channels, *plan.rows)
    workers.run(plan.kernel(), block, plan.batch * plan.channels, (), plan.seconds)
    if b is not None:
        y += b.reshape(-1, *[1] * len(plan.sizes))
    return y, not flag[0]


def run_weight(plan: Plan, gy: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, bool]:
    """The gradient, and whether all of it is finite."""
    sums, zeros = empty((plan.batch, plan.channels, 1, *plan.sizes), x.dtype), _zeros(plan, x.dtype)
    block = words(x, gy, sums, zeros, *plan.rows)
    workers.run(plan.kernel(), block, plan.batch * plan.channels, (), gy.nbytes / BANDWIDTH)
    gw = sums.sum(0)
    return gw, bool(np.isfinite(gw).all())
