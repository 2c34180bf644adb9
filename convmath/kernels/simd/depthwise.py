"""Depthwise convolution over one or two axes: each channel has a kernel of its own.

Nothing is laid out anew: rows are read where they are, with masks at their ends, and a loaded vector serves every row
of the output that reads it; a stride picks from as many vectors as it is long. By the input, where there is no stride,
the kernel is turned; by the weight each tap is a dot product of two shifted planes, image by image and row by row.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import product
from typing import Any

import numpy as np

from convmath.window import Window

from . import workers
from .builder import BYTES, Builder, Value, words
from .compile import Kernel, kernel
from .host import host
from .lanes import every
from .memory import empty
from .watch import note, unseen, watched

__all__ = ["Plan", "forward", "run", "run_weight", "transposed", "weight"]

BANDWIDTH = 10e9  # bytes a second, about: only to see what is worth sharing
MOST = 64  # taps of a kernel that is written out tap by tap
FEW = 16  # taps that are written out also where a stride meets a dilation
ROWS = 4  # of the output at once
FARTHEST = 4  # the longest stride: of a longer one little of what is loaded is used
SIZES = "height width out_height out_width before_row before_column"


@dataclass(frozen=True)
class Shape:
    """What the code is made for: taps, dilation and stride, of rows and columns.

    A row of a `narrow` output is one vector: what masks say is the same in all rows then.
    """

    taps: tuple[int, int]
    dilation: tuple[int, int]
    stride: tuple[int, int]
    narrow: bool

    def __str__(self) -> str:
        return "_".join(map(str, (*self.taps, *self.dilation, *self.stride, int(self.narrow))))

    def readers(self, rows: int) -> dict[int, list[tuple[int, int]]]:
        """For each row of the input below the first that is read: which row of the output reads it, with which tap."""
        found: dict[int, list[tuple[int, int]]] = {}
        for out in range(rows):
            for r in range(self.taps[0]):
                found.setdefault(self.stride[0] * out + self.dilation[0] * r, []).append((out, r))
        return found

    def columns(
        self, k: Builder, inner: Callable[[Value, bool, Sequence[Value]], Sequence[Value]], carried: Sequence[Value]
    ) -> list[Value]:
        """inner(column, whether masks are needed, carried) for blocks of a row of the output."""
        if self.narrow:
            return list(inner(k.word(0), True, carried))
        step = self.stride[1]
        # the vectors that the last tap picks from begin at a multiple of the stride
        reach = self.dilation[1] * (self.taps[1] - 1) // step * step + step * k.lanes
        # the columns j whose block lies inside, also all that it reads: 0 ≤ step·j - before ≤ width - reach
        first = ((k.before_column + (step - 1)) // step + (k.lanes - 1)) // k.lanes * k.lanes
        room = k.width - reach + k.before_column
        last = k.least_of(k.select(room < 0, k.word(-1), room // step), k.out_width - k.lanes)
        first = k.least_of(first, k.out_width)
        behind = k.select(last >= first, first + ((last - first) // k.lanes + 1) * k.lanes, first)
        now = k.loop(0, first, k.lanes, carried, lambda j, *now: inner(j, True, now))
        now = k.loop(first, behind, k.lanes, now, lambda j, *now: inner(j, False, now))
        return k.loop(behind, k.out_width, k.lanes, now, lambda j, *now: inner(j, True, now))

    def reader(self, k: Builder, j: Value, edge: bool, shift: Value | int = 0) -> Callable[[Value, int], Value]:
        """taken(row, tap): what the outputs from column j on read of a row, so many elements on; each vector once."""
        step, base = self.stride[1], j * self.stride[1] - k.before_column + shift
        loaded: dict[tuple[Any, int], Value] = {}

        def load(row: Value, e: int) -> Value:
            key = row.value, e
            if key not in loaded:
                column = base + e
                mask = _inside(k, column) if edge else None
                loaded[key] = k.load(row, column * k.bytes, mask=mask)
            return loaded[key]

        return lambda row, tap: every(k, lambda e: load(row, e), step, self.dilation[1] * tap)


def _inside(k: Builder, column: Value) -> Value:
    """The lanes of a block that begins at this column of the input and lie in it."""
    return k.below(k.width - column) & ~k.below(k.greatest_of(-column, k.word(0)))


def _row(k: Builder, plane: Value, row: Value) -> Value:
    """The row of the input; one of zeros if there is none."""
    inside = (row >= 0) & (row < k.height)
    return k.select(inside, k.at(plane, row * k.width * k.bytes), k.zeros)


@kernel("x w y zeros flag", f"channels {SIZES}")
def correlate(k: Builder, dtype: str, shape: Shape, rows: int, held: bool, backwards: bool) -> None:
    """So many `rows` of the output at once; the last tap first, if it is to go `backwards`.

    Weights are `held` in registers, or loaded where they are needed. Where sums may have any order, as many columns of
    taps as a stride is long are one step of a loop then, which leaves registers for them.
    """
    (high, wide), step = shape.taps, shape.stride[1]
    readers = shape.readers(rows)
    down, along = (sorted(places, reverse=backwards) for places in (readers, range(wide)))
    by_columns = not held and not k.exact and 1 in (step, shape.dilation[1])

    def plane(i: Value) -> None:
        x, y = k.at(k.x, i * k.height * k.width * k.bytes), k.at(k.y, i * k.out_height * k.out_width * k.bytes)
        w = k.at(k.w, i % k.channels * (high * wide * k.bytes))

        def weight(r: int, s: Value | int) -> Value:
            return k.splat(k.load_number(w, (s + r * wide) * k.bytes))

        kept = {(r, s): weight(r, s) for r in range(high) for s in range(wide)} if held else {}

        def lines(first: Value) -> None:
            source = {row: _row(k, x, first * shape.stride[0] + row - k.before_row) for row in readers}
            there = [k.at(y, (first + out) * k.out_width * k.bytes) for out in range(rows)]

            def row_by_row(j: Value, edge: bool) -> list[Value]:
                sums, taken, weights = [k.splat(0.0)] * rows, shape.reader(k, j, edge), dict(kept)
                for row, s in product(down, along):
                    value = taken(source[row], s)
                    for out, r in readers[row]:
                        if (r, s) not in weights:
                            weights[r, s] = weight(r, s)
                        sums[out] = k.multiply_add(value, weights[r, s], sums[out])
                return sums

            def column_by_column(j: Value, edge: bool) -> list[Value]:
                def group(q: Value, *so_far: Value, count: int = step) -> list[Value]:
                    sums, taken = list(so_far), shape.reader(k, j, edge, q * (step * shape.dilation[1]))
                    for s in range(count):
                        weights = [weight(r, q * step + s) for r in range(high)]
                        for row in readers:
                            value = taken(source[row], s)
                            for out, r in readers[row]:
                                sums[out] = k.multiply_add(value, weights[r], sums[out])
                    return sums

                groups, rest = divmod(wide, step)
                sums = k.loop(0, groups, 1, [k.splat(0.0)] * rows, group)
                return group(k.word(groups), *sums, count=rest) if rest else sums

            def block(j: Value, edge: bool, now: Sequence[Value]) -> Sequence[Value]:
                sums, seen = (column_by_column if by_columns else row_by_row)(j, edge), now[0]
                mask = k.below(k.out_width - j) if edge else None
                for out, total in enumerate(sums):
                    seen = watched(k, seen, total)
                    store = lambda out=out, total=total: k.store(total, there[out], j * k.bytes, mask=mask)  # noqa: E731
                    if out:
                        k.when(first + out < k.out_height, store)
                    else:
                        store()
                return [seen]

            [seen] = shape.columns(k, block, [unseen(k)])
            note(k, seen, k.flag)

        k.loop(0, k.out_height, rows, [], lines)

    k.loop(k.first, k.behind, 1, [], plane)


@kernel("x gy sums zeros", SIZES)
def dot(k: Builder, dtype: str, shape: Shape, rows: int) -> None:
    """Each item is a plane, read in the order of memory; so many `rows` of the cotangent at once."""
    high, wide = shape.taps
    readers = shape.readers(rows)

    def plane(i: Value) -> None:
        x, gy = k.at(k.x, i * k.height * k.width * k.bytes), k.at(k.gy, i * k.out_height * k.out_width * k.bytes)

        def lines(first: Value, *sums: Value) -> list[Value]:
            source = {row: _row(k, x, first * shape.stride[0] + row - k.before_row) for row in readers}
            there = [k.at(gy, (first + out) * k.out_width * k.bytes) for out in range(rows)]
            there[1:] = [k.select(first + 1 + out < k.out_height, at, k.zeros) for out, at in enumerate(there[1:])]

            def block(j: Value, edge: bool, now: Sequence[Value]) -> list[Value]:
                mask, taken = k.below(k.out_width - j) if edge else None, shape.reader(k, j, edge)
                found, cotangents = list(now), [k.load(at, j * k.bytes, mask=mask) for at in there]
                for s, row in product(range(wide), sorted(readers)):
                    value = taken(source[row], s)
                    for out, r in readers[row]:
                        tap = r * wide + s
                        found[tap] = k.multiply_add(value, cotangents[out], found[tap])
                return found

            return shape.columns(k, block, sums)

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
    def cycles(self) -> float:
        """Always the least: what is laid out for another kernel costs more than all of this."""
        return 0.0

    @property
    def seconds(self) -> float:
        """It takes what its arrays need to come and go."""
        height, width, out_height, out_width, *_ = self.rows
        return 4 * self.batch * self.channels * (height * width + out_height * out_width) / BANDWIDTH


def _laid(
    dtype: str,
    channels: int,
    outputs: int,
    windows: tuple[Window, ...],
    groups: int,
    befores: Sequence[int],
    width: int,
) -> tuple[Shape, tuple[int, int]] | None:
    """What the code is made for, and the padding before rows and columns; None where this is no way to compute it."""
    if (
        len(windows) not in (1, 2)
        or max(w.stride for w in windows) > FARTHEST
        or not channels == outputs == groups
        or min(befores) < 0
        or math.prod(w.kernel for w in windows) > MOST
    ):
        return None
    if math.prod(w.kernel for w in windows) > FEW and 1 not in (windows[-1].stride, windows[-1].dilation):
        return None  # whose code would be long
    fill = 2 - len(windows)
    each = ([getattr(w, name) for w in windows] for name in ("kernel", "dilation", "stride"))
    narrow = width <= host().vector // BYTES[dtype]
    shape = Shape(*((*([1] * fill), *of_axes) for of_axes in each), narrow)  # type: ignore[arg-type]
    return shape, (*([0] * fill), *befores)  # type: ignore[return-value]


def _correlation(
    dtype: str, batch: int, channels: int, sizes: tuple[int, ...], out_sizes: tuple[int, ...],
    laid: tuple[Shape, tuple[int, int]], *, turned: bool, exact: bool,
) -> Plan:  # fmt: skip
    shape, before = laid
    rows = _together(shape, _two(out_sizes)[0], ROWS)
    held = math.prod(shape.taps) + 4 * rows <= host().registers
    if not held and exact:
        rows = min(rows, 2)  # all taps are written out, which takes as long as there are rows
    # a kernel that is turned has its taps in the other order
    code = partial(correlate, dtype, shape, rows, held, turned and exact, exact=exact)
    return Plan(code, batch, channels, out_sizes, (*_two(sizes), *_two(out_sizes), *before), turned)


def _together(shape: Shape, height: int, most: int) -> int:
    """How many rows are taken at once where they share what they read, so that the last time few are missing."""
    if shape.dilation[0] > 1 or shape.stride[0] > shape.taps[0]:
        return 1
    return -(-height // -(-height // most))


def _two(sizes: Sequence[int]) -> tuple[int, ...]:
    return (*[1] * (2 - len(sizes)), *sizes)


@lru_cache(512)
def forward(
    dtype: str, batch: int, channels: int, sizes: tuple[int, ...], outputs: int, windows: tuple[Window, ...],
    groups: int, *, exact: bool = False,
) -> Plan | None:  # fmt: skip
    """Y[ν,c,j] = Σ_t W[c,t] · X[ν,c,s·j+d·t-a]; None where this is no way to compute it."""
    counts = tuple(window.output_size(n) for window, n in zip(windows, sizes, strict=True))
    laid = _laid(dtype, channels, outputs, windows, groups, [w.before for w in windows], counts[-1])
    return laid and _correlation(dtype, batch, channels, sizes, counts, laid, turned=False, exact=exact)


@lru_cache(512)
def transposed(
    dtype: str, batch: int, channels: int, counts: tuple[int, ...], outputs: int, windows: tuple[Window, ...],
    groups: int, sizes: tuple[int, ...], *, exact: bool = False,
) -> Plan | None:  # fmt: skip
    """Y[ν,c,i] = Σ_{j,t} [j+d·t-a = i] W[c,t] · X[ν,c,j]: the kernel is turned; None where there is a stride."""
    if any(w.stride > 1 for w in windows):
        return None
    laid = _laid(dtype, channels, outputs, windows, groups, [w.span - 1 - w.before for w in windows], sizes[-1])
    return laid and _correlation(dtype, batch, channels, counts, sizes, laid, turned=True, exact=exact)


@lru_cache(512)
def weight(
    dtype: str, batch: int, channels: int, sizes: tuple[int, ...], outputs: int, windows: tuple[Window, ...],
    counts: tuple[int, ...], groups: int,
) -> Plan | None:  # fmt: skip
    """gW[c,t] = Σ_{ν,j} gY[ν,c,j] · X[ν,c,s·j+d·t-a]; None where this is no way to compute it."""
    laid = _laid(dtype, channels, outputs, windows, groups, [w.before for w in windows], counts[-1])
    if laid is None or math.prod(laid[0].taps) > host().registers - 6:
        return None
    shape, before = laid
    code = partial(dot, dtype, shape, _together(shape, _two(counts)[0], 2))
    return Plan(code, batch, channels, tuple(w.kernel for w in windows), (*_two(sizes), *_two(counts), *before))


def _zeros(plan: Plan, dtype: np.dtype) -> np.ndarray:
    """A row of zeros, read with what vectors reach beyond it."""
    return np.zeros(max(plan.rows[1], plan.rows[3]) + 2 * FARTHEST * host().vector // dtype.itemsize, dtype)


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
    workers.run(plan.kernel(), block, plan.batch * plan.channels, (), plan.seconds)
    gw = sums.sum(0)
    return gw, bool(np.isfinite(gw).all())
