"""Pools forward: down the rows that a window stands on, then along the row that this gives.

    column[i] = ⊕_rows x[row, i],    y[j] = ⊕_t column[s·j + d·t - a]

The columns of some rows of outputs, of several planes where they are small, are kept in scratch memory, with what lies
outside before and behind them. Along a row the lanes are outputs; a stride picks from as many vectors as it is long.
Each output is made of its taps in one order, whatever the vectors and threads are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np

from convmath.kernels.order import in_exact_order
from convmath.window import Window

from . import workers
from .builder import BYTES, WORD, Builder, Value, Words, words
from .compile import Kernel, kernel
from .host import host
from .lanes import every
from .memory import AHEAD, empty
from .pool_tables import Lists, read

__all__ = ["Plan", "maxima", "run", "select"]

# words of a block: rows of outputs from and to; its first output, outputs; its first column, columns, the number of the
# first; where what lies outside before them ends, and where what lies behind begins and ends
BLOCK = 10
UNROLLED = 9  # rows and taps that are written out
ROOM = 16 * 1024  # bytes of columns that are kept
WIDEST = 2048  # outputs of a row that are made at once
SPEED = 40e9  # bytes a second, about: only to see what is worth sharing

POOL = "planes planes_in planes_out group blocks pitch out_row taps step"

Found = tuple[Value, ...]  # the maximum or sum so far, and the position of a maximum


@dataclass(frozen=True)
class Code:
    """What the code is made for: along a row `stride`, `taps` (0: any number) and `dilation`; `rows` (0: any number).

    `flat`: windows don't overlap along a row, so that all columns that are kept are one long row.
    """

    stride: int
    taps: int
    dilation: int
    rows: int
    flat: bool

    def __str__(self) -> str:
        return f"{self.stride}_{self.taps}_{self.dilation}_{self.rows}_{int(self.flat)}"


# --- values -------------------------------------------------------------------------------------------------------


@kernel("x y divisor rows ends block", POOL, "columns")
def pool(k: Builder, dtype: str, kind: str, code: Code) -> None:
    """A maximum ("max"), sum ("sum") or mean ("mean", with a divisor for each output)."""

    def join(so_far: Found, new: Found) -> Found:
        return (k.greater(so_far[0], new[0]) if kind == "max" else so_far[0] + new[0],)

    def finish(found: Found, offset: Value, mask: Value | None) -> Found:
        if kind == "max":
            return (_unsigned(k, found[0]),)
        total = found[0] + 0.0  # a zero is +0, as that of a sum that begins with 0
        if kind == "sum":
            return (total,)
        return (total / k.load(k.divisor, offset, mask=mask, outside=1.0),)

    nothing = (k.splat(-math.inf if kind == "max" else 0.0),)
    _emit(k, code, [k.columns], [k.y], nothing, lambda value, _: (value,), join, join, finish)


# --- positions of maxima ------------------------------------------------------------------------------------------


@kernel("x y values rows ends block", POOL, "columns places")
def selection(k: Builder, dtype: str, last: bool, valued: bool, code: Code) -> None:
    """1 + the flat position of the first (or last) maximiser of each window, 0 where there is none; maxima too."""
    none = -1 if last else 2 ** (8 * k.bytes - 1) - 1
    lanes = k.lane_numbers(k.integer)

    def join(so_far: Found, new: Found) -> Found:
        """The greater, NaN the greatest; of equal ones the one that is wanted."""
        (best, at), (value, place) = so_far, new
        sooner = place > at if last else place < at
        takes = (value > best) | (value.equals(best) & sooner) | (value.differs(value) & (sooner | best.equals(best)))
        return k.select(takes, value, best), k.select(takes, place, at)

    def follow(so_far: Found, new: Found) -> Found:
        """The same of one whose position is behind."""
        (best, at), (value, place) = so_far, new
        takes = (value >= best) | value.differs(value) if last else k.overtakes(best, value)
        return k.select(takes, value, best), k.select(takes, place, at)

    def number(value: Value, first: Value) -> Found:
        return value, _splat(k, first) + lanes

    def finish(found: Found, offset: Value, mask: Value | None) -> Found:
        place = found[1] + 1
        chosen = place if last else k.select(found[1].equals(none), 0, place)
        return (chosen, _unsigned(k, found[0])) if valued else (chosen,)

    nothing = k.splat(-math.inf), _splat(k, k.word(none))
    _emit(k, code, [k.columns, k.places], [k.y, k.values], nothing, number, join, follow, finish)


def _unsigned(k: Builder, most: Value) -> Value:
    """In an exact kernel a zero is +0: of zeros with different signs either may be the maximum."""
    return most + 0.0 if k.exact else most


def _splat(k: Builder, number: Value) -> Value:
    return k.splat(number if k.integer == WORD else k.resized(number, k.integer))


# --- what they have in common -------------------------------------------------------------------------------------


def _emit(
    k: Builder,
    code: Code,
    areas: Sequence[Value],
    outputs: Sequence[Value],
    nothing: Found,
    read: Callable[[Value, Value], Found],
    join: Callable[[Found, Found], Found],
    follow: Callable[[Found, Found], Found],
    finish: Callable[[Found, Value, Value | None], Found],
) -> None:
    """`read` makes of a vector and the number of its first element what `join` joins; `follow` joins what is behind."""

    def down(source: Value, begin: Value, end: Value, into: list[Value], first: Value, length: Value) -> None:
        def columns(take: Callable[[Value, Value | None], Sequence[Value]]) -> None:
            def vector(offset: Value, mask: Value | None) -> None:
                for area, column in zip(into, take(offset, mask), strict=True):
                    k.store(column, area, offset, mask=mask)

            k.over(length, vector)

        def one(start: Value, offset: Value, mask: Value | None) -> Found:
            return read(k.load(k.at(source, start), offset, mask=mask), first + (start + offset) // k.bytes)

        def some() -> None:
            def take(offset: Value, mask: Value | None) -> list[Value]:
                def row(t: Value, *so_far: Value) -> Found:
                    return join(so_far, one(k.load_word(k.rows, t * 8), offset, mask))

                return k.loop(begin, end, 1, nothing, row)

            columns(take)

        def all_of_them() -> None:
            starts = [k.load_word(k.at(k.rows, begin * 8), 8 * t) for t in range(code.rows)]

            def take(offset: Value, mask: Value | None) -> Found:
                for start in starts:
                    k.prefetch(k.at(source, start), offset + AHEAD)
                return reduce(follow, (one(start, offset, mask) for start in starts))

            columns(take)

        if code.rows:
            k.either((end - begin).equals(code.rows), all_of_them, some)
        else:
            some()

    def along(row: list[Value], into: Value, out: Value, count: Value) -> None:
        """`count` outputs that begin with byte `out` of a plane, and with byte `into` of all."""

        def tap(offset: Value, first: int) -> Found:
            here = [k.at(area, offset) for area in row]
            loads = [lambda e: k.load(here[0], e * k.bytes), lambda e: k.load_integers(k.integer, here[1], e * k.bytes)]
            return tuple(every(k, load, code.stride, first) for load in loads[: len(row)])

        def vector(offset: Value, mask: Value | None) -> None:
            begin = offset * code.stride
            if code.taps:
                found = reduce(join, (tap(begin, t * code.dilation) for t in range(code.taps)))
            else:

                def one(t: Value, *so_far: Value) -> Found:
                    return join(so_far, tap(begin + t * k.step, 0))

                found = tuple(k.loop(0, k.taps, 1, nothing, one))
            for array, value in zip(outputs, finish(found, out + offset, mask), strict=False):
                k.store(value, k.at(array, into), offset, mask=mask)

        k.over(count, vector)

    def item(i: Value) -> None:
        block, group = k.at(k.block, i % k.blocks * (8 * BLOCK)), i // k.blocks * k.group
        words = [k.load_word(block, 8 * place) for place in range(BLOCK)]
        first, behind, out, count, begin, length, number, before, right, end = words
        planes, rows = k.least_of(k.group, k.planes - group), behind - first
        y = group * k.planes_out

        def each(body: Callable[[Value, Value, list[Value]], None]) -> None:
            def plane(p: Value) -> None:
                def row(r: Value) -> None:
                    shift = (p * rows + (r - first)) * k.pitch
                    body(p, r, [k.at(area, shift) for area in areas])

                k.loop(first, behind, 1, [], row)

            k.loop(0, planes, 1, [], plane)

        def fill_in(p: Value, r: Value, row: list[Value]) -> None:
            for area, value in zip(row, nothing, strict=True):
                k.loop(0, before, k.vector, [], lambda at, area=area, value=value: k.store(value, area, at))
                k.loop(right, end, k.vector, [], lambda at, area=area, value=value: k.store(value, area, at))
            ends = k.load_word(k.ends, r * 8), k.load_word(k.ends, r * 8 + 8)
            source = k.at(k.x, (group + p) * k.planes_in + begin)
            down(source, *ends, [k.at(area, before) for area in row], number, length)

        def take_out(p: Value, r: Value, row: list[Value]) -> None:
            to = r * k.out_row + out
            along(row, y + p * k.planes_out + to, to, count)

        each(fill_in)
        if code.flat:
            to = first * k.out_row + out
            along(list(areas), y + to, to, planes * rows * count)
        else:
            each(take_out)

    k.loop(k.first, k.behind, 1, [], item)


# --- plans --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """A pool of so many planes of these sizes."""

    dtype: str
    planes: int
    sizes: tuple[int, ...]
    windows: tuple[Window, ...]
    counts: tuple[int, ...]

    @cached_property
    def lanes(self) -> int:
        return host().vector // BYTES[self.dtype]

    @cached_property
    def rows(self) -> Lists:
        return read(self.sizes, self.windows, self.counts)

    @cached_property
    def code(self) -> Code:
        w, most = self.windows[-1], math.prod(w.kernel for w in self.windows[:-1])
        stride = w.stride if self.counts[-1] > 1 else max(w.span, 1) if w.span <= UNROLLED else 1
        taps, dilation = (w.kernel, w.dilation if w.kernel > 1 else 1) if w.kernel <= UNROLLED else (0, 1)
        flat = w.span <= stride and self.counts[-1] <= WIDEST
        return Code(stride, taps, dilation, most if most <= UNROLLED else 0, flat)

    @cached_property
    def pitch(self) -> int:
        """Elements from one row of columns to the next: whole vectors of outputs read them."""
        w, width, stride = self.windows[-1], min(self.counts[-1], WIDEST), self.code.stride
        if self.code.flat:
            return width * stride
        read = (-(-width // self.lanes) * self.lanes + 1) * stride + w.span
        return (read // self.lanes + 2) * self.lanes

    @cached_property
    def together(self) -> int:
        """Rows of outputs whose columns are kept."""
        return max(1, ROOM // (self.pitch * BYTES[self.dtype]))

    @cached_property
    def group(self) -> int:
        """Planes whose columns are kept; no more than leaves something to share."""
        return max(1, min(self.together // len(self.rows), self.planes // 8))

    @cached_property
    def room(self) -> int:
        """Bytes of scratch memory; vectors reach beyond the last row."""
        rows = self.group * len(self.rows) if self.group > 1 else min(self.together, len(self.rows))
        return (rows * self.pitch + (self.code.stride + 2) * (self.code.stride + 1) * self.lanes) * BYTES[self.dtype]

    @cached_property
    def blocks(self) -> np.ndarray:
        size, w, n, m = BYTES[self.dtype], self.windows[-1], self.sizes[-1], self.counts[-1]
        found = []
        for first in range(0, len(self.rows), self.together):
            behind = min(first + self.together, len(self.rows))
            for out in range(0, m, WIDEST):
                count = min(WIDEST, m - out)
                begin = w.stride * out - w.before
                end = begin + w.stride * (count - 1) + w.span
                start, stop = max(0, min(begin, n)), max(0, min(end, n))
                left = max(0, min(start, end) - begin)
                columns = start * size, stop - start, start
                fill = left * size, (left + stop - start) * size, (end - begin) * size
                found.append((first, behind, out * size, count, *columns, *fill))
        return np.array(found, np.int64)

    @cached_property
    def tables(self) -> tuple[np.ndarray, ...]:
        return self.rows.entries * BYTES[self.dtype], self.rows.ends, self.blocks

    @cached_property
    def words(self) -> Words:
        """The block of words behind the arrays of a call."""
        size, w = BYTES[self.dtype], self.windows[-1]
        return words(
            *self.tables,
            *(self.planes, math.prod(self.sizes) * size, math.prod(self.counts) * size, self.group, len(self.blocks)),
            *(self.pitch * size, self.counts[-1] * size, w.kernel, w.dilation * size),
        )

    @cached_property
    def seconds(self) -> float:
        read, written = len(self.rows.entries) * self.sizes[-1], math.prod(self.counts)
        return self.planes * (read + written) * BYTES[self.dtype] / SPEED

    def start(self, code: Kernel, arrays: tuple, areas: int) -> None:
        items = -(-self.planes // self.group) * len(self.blocks)
        workers.run(code, words(*arrays, then=self.words), items, (self.room,) * areas, self.seconds)


def run(p: Plan, kind: str, x: np.ndarray, divisor: np.ndarray | int | None = None) -> np.ndarray:
    """The maxima ("max") or sums ("sum"), these over a divisor, which may be one for each output of a plane."""
    y = empty((*x.shape[:2], *p.counts), x.dtype)
    kind, each = (kind, 0) if divisor is None else ("mean", _each(divisor, p))
    p.start(pool(p.dtype, kind, p.code, exact=in_exact_order()), (x, y, each), 1)
    return y


def _each(divisor: np.ndarray | int, p: Plan) -> np.ndarray:
    """A divisor for each output of the planes that are kept together."""
    each = np.empty((p.group, *p.counts), f"f{BYTES[p.dtype]}")
    each[...] = divisor
    return each


def select(p: Plan, x: np.ndarray, ties: str, values: np.ndarray | None = None) -> np.ndarray:
    """1 + the positions, in integers as wide as the elements; the maxima are written to `values`."""
    y = empty((*x.shape[:2], *p.counts), f"i{BYTES[p.dtype]}")
    code = selection(p.dtype, ties == "last", values is not None, p.code, exact=in_exact_order())
    p.start(code, (x, y, 0 if values is None else values), 2)
    return y


def maxima(p: Plan, x: np.ndarray, ties: str) -> tuple[np.ndarray, np.ndarray]:
    """The maxima, and what `select` gives."""
    values = empty((*x.shape[:2], *p.counts), x.dtype)
    return values, select(p, x, ties, values)
