"""Pools whose windows have few taps and may overlap or reach outside: forward, in registers.

    column[i] = ⊕_rows x[row, i],    y[j] = ⊕_t column[s·j + d·t - a]

A vector of outputs is made of vectors of each row that lie behind one another; at the ends of a row masks say what lies
in it. A row of a window that lies outside is a row of zeros for a sum, and for a maximum one of its other rows once
more. Taps have the order that `pool` gives them.
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
from .lanes import picked
from .memory import AHEAD, empty
from .pool_tables import Lists, read
from .pool_tiles import factor, scaling

__all__ = ["Plan", "fits", "maxima", "run", "select"]

MOST = 16  # taps that are written out
VECTORS = 4  # vectors of a row that are held
SPEED = 60e9  # bytes a second, about: only to see what is worth sharing

Found = tuple[Value, Value]  # values, and where they are
Join = Callable[[Found, Found], Found]

# bytes of a plane and of a row; elements before a row
SHAPE = "plane_in plane_out rows row_in row_out left"


@dataclass(frozen=True)
class Code:
    """What the code is made for: the `rows` of a window; along a row `taps`, `dilation` and `stride`.

    So many rows are `fresh`: the row of outputs before has not read them.
    """

    rows: int
    fresh: int
    taps: int
    dilation: int
    stride: int

    def __str__(self) -> str:
        return f"{self.rows}_{self.fresh}_{self.taps}_{self.dilation}_{self.stride}"

    def places(self, lanes: int, tap: int) -> list[int]:
        """Where the elements of a tap are in the vectors of a row."""
        return [self.stride * lane + self.dilation * tap for lane in range(lanes)]

    def vectors(self, lanes: int) -> int:
        """How many vectors of a row a vector of outputs needs."""
        return self.places(lanes, self.taps - 1)[-1] // lanes + 1


# --- code ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Block:
    """The rows under a vector of outputs, where they begin in bytes, and the number of the first element of a row.

    The outputs are `place` bytes behind the first, and `along` bytes behind that of the plane; there are masks of each
    vector of a row, and one of the outputs, where there are fewer.
    """

    rows: Sequence[Value]
    starts: Sequence[Value]
    base: Value
    place: Value
    along: Value
    masks: Sequence[Value | None]
    mask: Value | None

    def loaded(self, k: Builder, code: Code, t: int, outside: float) -> list[Value]:
        """The vectors of row t."""
        at = self.base * k.bytes
        if t >= code.rows - code.fresh:
            for v in range(code.stride):
                k.prefetch(self.rows[t], at + (v * k.vector + AHEAD))
        return [
            k.load(self.rows[t], at + v * k.vector, mask=mask, outside=outside) for v, mask in enumerate(self.masks)
        ]


def _over(k: Builder, code: Code, body: Callable[[Block], None], row_at: Callable[[Value, Value], Value]) -> None:
    """The body for each vector of outputs; row_at(plane, start) is where a row begins."""
    length, outputs, vectors = k.row_in // k.bytes, k.row_out // k.bytes, code.vectors(k.lanes)

    def plane(i: Value) -> None:
        first = k.at(k.x, i * k.plane_in)

        def row(r: Value) -> None:
            starts = [k.load_word(k.starts, (r * code.rows + t) * 8) for t in range(code.rows)]
            rows = [row_at(first, start) for start in starts]

            def block(j: Value) -> None:
                base, along = j * code.stride - k.left, r * k.row_out + j * k.bytes
                place = i * k.plane_out + along

                def some() -> None:
                    entry = k.at(k.masks, j // k.lanes * (8 * (vectors + 1)))
                    *masks, mask = (k.lanes_of(k.load_word(entry, 8 * v)) for v in range(vectors + 1))
                    body(Block(rows, starts, base, place, along, masks, mask))

                def whole() -> None:
                    body(Block(rows, starts, base, place, along, [None] * vectors, None))

                inside = (base >= 0) & (base + vectors * k.lanes <= length) & (j + k.lanes <= outputs)
                k.either(inside, whole, some)

            k.loop(0, outputs, k.lanes, [], block)

        k.loop(0, k.rows, 1, [], row)

    k.loop(k.first, k.behind, 1, [], plane)


@kernel("x y factor zeros starts masks", SHAPE)
def forward(k: Builder, dtype: str, kind: str, code: Code, scale: str) -> None:
    """A maximum ("max") or a sum ("sum"), down the rows of the window and then along."""
    scaled = scaling(k, scale)

    def join(so_far: Value, new: Value) -> Value:
        return k.greater(so_far, new) if kind == "max" else so_far + new

    def outputs(block: Block) -> None:
        outside = -math.inf if kind == "max" else 0.0
        rows = [block.loaded(k, code, t, outside) for t in range(code.rows)]
        columns = [reduce(join, column) for column in zip(*rows, strict=True)]
        found = reduce(join, (picked(k, columns, code.places(k.lanes, t)) for t in range(code.taps)))
        if kind == "sum":
            found = scaled(found, block.along, block.mask)
        elif k.exact:  # of zeros with different signs either may be the maximum
            found = found + 0.0
        k.store(found, k.y, block.place, mask=block.mask)

    def row_at(plane: Value, start: Value) -> Value:
        there = k.at(plane, start)
        return there if kind == "max" else k.select(start < 0, k.zeros, there)

    _over(k, code, outputs, row_at)


@kernel("x y values zeros starts masks", SHAPE)
def selection(k: Builder, dtype: str, code: Code, last: bool, valued: bool) -> None:
    """1 + the flat position of the first (or last) maximiser of each window, 0 where there is none; maxima too."""
    none = k.integers(k.integer, [-1 if last else 2 ** (8 * k.bytes - 1) - 1] * k.lanes)
    lanes, taps = k.lane_numbers(k.integer), [code.places(k.lanes, t) for t in range(code.taps)]

    def chosen(block: Block, rows: Sequence[list[Value]], down: Join, along: Callable[..., Found]) -> None:
        starts = [_whole(k, start // k.bytes) for start in block.starts]
        columns = [reduce(down, zip(column, starts, strict=True)) for column in zip(*rows, strict=True)]
        values, places = [value for value, _ in columns], []
        for v, ((_, at), mask) in enumerate(zip(columns, block.masks, strict=True)):
            place = at + (_whole(k, block.base + v * k.lanes) + lanes)
            places.append(place if mask is None else k.select(mask, place, none))
        best, at = along([(picked(k, values, tap), picked(k, places, tap)) for tap in taps])
        place = at + 1
        place = place if last else k.select(at.equals(none), 0, place)
        k.store(place, k.y, block.place, mask=block.mask)
        if valued:
            k.store(best + 0.0 if k.exact else best, k.values, block.place, mask=block.mask)

    def greater(so_far: Value, new: Value) -> Value:
        return k.select(new > so_far, new, so_far)

    def down(so_far: Found, new: Found) -> Found:
        """The greater of two numbers, and of equal ones the one that is wanted; the new one is behind."""
        (best, at), (value, place) = so_far, new
        return greater(best, value), k.select(value >= best if last else value > best, place, at)

    def along(found: Sequence[Found]) -> Found:
        """The same of numbers in any order: the first (or last) of all that are the greatest."""
        best = reduce(greater, (value for value, _ in found))
        places = (k.select(value.equals(best), place, none) for value, place in found)
        return best, reduce(k.greatest_of if last else k.least_of, places)

    def down_with_nan(so_far: Found, new: Found) -> Found:
        """The same where NaN is the greatest."""
        (best, at), (value, place) = so_far, new
        takes = (value >= best) | value.differs(value) if last else k.overtakes(best, value)
        return k.select(takes, value, best), k.select(takes, place, at)

    def join_with_nan(so_far: Found, new: Found) -> Found:
        (best, at), (value, place) = so_far, new
        sooner = place > at if last else place < at
        takes = (value > best) | (value.equals(best) & sooner) | (value.differs(value) & (sooner | best.equals(best)))
        return k.select(takes, value, best), k.select(takes, place, at)

    def outputs(block: Block) -> None:
        rows = [block.loaded(k, code, t, -math.inf) for t in range(code.rows)]
        total = reduce(lambda a, b: a + b, (vector for row in rows for vector in row))
        # infinities of both signs come here too
        k.either(
            k.any_of(total.differs(total)),
            lambda: chosen(block, rows, down_with_nan, lambda found: reduce(join_with_nan, found)),
            lambda: chosen(block, rows, down, along),
        )

    _over(k, code, outputs, k.at)


def _whole(k: Builder, number: Value) -> Value:
    return k.splat(number if k.integer == WORD else k.resized(number, k.integer))


# --- plans --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """Pools of planes of these sizes."""

    dtype: str
    sizes: tuple[int, ...]
    windows: tuple[Window, ...]
    counts: tuple[int, ...]

    @cached_property
    def code(self) -> Code:
        *outer, w = self.windows
        rows = math.prod(window.kernel for window in outer)
        fresh = min(rows, outer[0].stride) if len(outer) == 1 else rows
        return Code(rows, fresh, w.kernel, w.dilation if w.kernel > 1 else 1, w.stride)

    @cached_property
    def lists(self) -> Lists:
        return read(self.sizes, self.windows, self.counts)

    def starts(self, missing: int | None) -> np.ndarray:
        """Where the rows of the windows of each row of outputs begin; one outside is `missing`, or another again."""
        lists, rows = self.lists, self.code.rows
        found = []
        for begin, end in zip(lists.ends[:-1], lists.ends[1:], strict=True):
            there = [int(entry) * BYTES[self.dtype] for entry in lists.entries[begin:end]]
            found.append(there + [there[-1] if missing is None else missing] * (rows - len(there)))
        return np.array(found, np.int64)

    @cached_property
    def masks(self) -> np.ndarray:
        """For each vector of outputs, which lanes of the vectors of a row lie in it, and which outputs there are."""
        w, lanes = self.windows[-1], host().vector // BYTES[self.dtype]
        first = np.arange(0, self.counts[-1], lanes)
        place = (first * w.stride - w.before)[:, None] + np.arange(self.code.vectors(lanes) * lanes)
        inside, there = (place >= 0) & (place < self.sizes[-1]), first[:, None] + np.arange(lanes) < self.counts[-1]
        chosen = np.concatenate([inside, there], axis=1).reshape(len(first), -1, lanes)
        return chosen @ (1 << np.arange(lanes))

    @cached_property
    def of_maximum(self) -> Words:
        """The words behind the arrays of a call."""
        return words(0, self.starts(None), self.masks, *self.shape)

    @cached_property
    def of_sum(self) -> Words:
        return words(self.zeros, self.starts(-1), self.masks, *self.shape)

    @cached_property
    def zeros(self) -> np.ndarray:
        return np.zeros(self.sizes[-1], f"f{BYTES[self.dtype]}")

    @cached_property
    def shape(self) -> tuple[int, ...]:
        size, planes = BYTES[self.dtype], (math.prod(self.sizes), math.prod(self.counts))
        rows = planes[1] // self.counts[-1]
        row_in, row_out = self.sizes[-1] * size, self.counts[-1] * size
        return planes[0] * size, planes[1] * size, rows, row_in, row_out, self.windows[-1].before

    @cached_property
    def seconds(self) -> float:
        """About how long a plane takes."""
        read, written, *_ = self.shape
        return (read + 2 * written) / SPEED

    def start(self, code: Kernel, planes: int, then: Words, *arrays: np.ndarray | int) -> None:
        workers.run(code, words(*arrays, then=then), planes, seconds=planes * self.seconds)


def fits(dtype: str, sizes: tuple[int, ...], windows: tuple[Window, ...], counts: tuple[int, ...]) -> bool:
    """Whether there are kernels for these windows, each of which needs a row; few outputs leave most lanes empty."""
    w, lanes, taps = windows[-1], host().vector // BYTES[dtype], math.prod(window.kernel for window in windows)
    if taps > MOST or counts[-1] < lanes // 2 or w.stride * (lanes - 1) + w.span > VECTORS * lanes:
        return False
    return bool((np.diff(read(sizes, windows, counts).ends) > 0).all())


def run(p: Plan, kind: str, x: np.ndarray, divisor: np.ndarray | int | None = None) -> np.ndarray:
    """The maxima ("max") or sums ("sum"), these over a divisor, which may be one for each output of a plane."""
    y = empty((*x.shape[:2], *p.counts), x.dtype)
    scale, number = factor(divisor, x.dtype)
    code = forward(p.dtype, kind, p.code, scale, exact=in_exact_order())
    p.start(code, math.prod(x.shape[:2]), p.of_maximum if kind == "max" else p.of_sum, x, y, number)
    return y


def select(p: Plan, x: np.ndarray, ties: str, values: np.ndarray | None = None) -> np.ndarray:
    """1 + the positions, in integers as wide as the elements; the maxima are written to `values`."""
    y = empty((*x.shape[:2], *p.counts), f"i{BYTES[p.dtype]}")
    code = selection(p.dtype, p.code, ties == "last", values is not None, exact=in_exact_order())
    p.start(code, math.prod(x.shape[:2]), p.of_maximum, x, y, 0 if values is None else values)
    return y


def maxima(p: Plan, x: np.ndarray, ties: str) -> tuple[np.ndarray, np.ndarray]:
    """The maxima, and what `select` gives."""
    values = empty((*x.shape[:2], *p.counts), x.dtype)
    return values, select(p, x, ties, values)
