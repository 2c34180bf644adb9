"""Pools whose windows are tiles, which neither overlap nor reach outside: forward and backward, in registers.

    forward    y[j] = ⊕_t x[s·j + t]
    backward   gx[s·j + t] = gy[j], for a maximum only where t is the tap that was selected

A vector of outputs is made of as many vectors of each row as the tile is wide, and everything is read once. What is
kept of a maximum is the number of its tap, in one byte. The taps of a sum have the order that `pool` gives them.
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
from .builder import BYTE, BYTES, Builder, Value, addresses, words
from .compile import Kernel, kernel
from .host import host
from .lanes import every
from .memory import AHEAD, empty, goes_past
from .pool_tables import read

__all__ = ["Plan", "are_tiles", "factor", "maxima", "run", "scaling", "spread_maximum", "spread_sum"]

MOST = 16  # taps that are written out
SPEED = 60e9  # bytes a second, about: only to see what is worth sharing

# bytes of a plane and of a row; `rest` is 1 where some elements lie in no tile
SHAPE = "plane_in plane_out rows row_out rest"

Tile = tuple[int, int, int]  # rows, elements of a row, and vectors of a row of the array that an output vector has


# --- code ---------------------------------------------------------------------------------------------------------


def _over(
    k: Builder, array: Value, plane: Value, tile: Tile,
    body: Callable[[list[Value], Value, Value, Value | None, Value | None], None],
) -> None:  # fmt: skip
    """body(rows, place, along, left, mask) for each vector of outputs of a plane.

    There are the rows of the array at its tiles, and the bytes of outputs before it, of all and of the plane; in the
    last vector of a row also how many elements are left of a row of the array, and a mask of outputs.
    """
    high, wide, _ = tile
    first = k.at(array, plane * k.plane_in)

    def row(r: Value) -> None:
        starts = [k.at(first, k.load_word(k.starts, (r * high + t) * 8)) for t in range(high)]
        first_along = r * k.row_out

        def vector(offset: Value, mask: Value | None) -> None:
            left = None if mask is None else (k.row_out - offset) // k.bytes * wide
            along = first_along + offset
            body([k.at(start, offset * wide) for start in starts], plane * k.plane_out + along, along, left, mask)

        k.over(k.row_out // k.bytes, vector)

    k.loop(0, k.rows, 1, [], row)


def _loaded(k: Builder, row: Value, tile: Tile, left: Value | None) -> list[Value]:
    """The vectors of a row; of a short one some have nothing."""
    _, wide, filled = tile
    for v in range(filled):
        k.prefetch(row, v * k.vector + AHEAD)
    masks = [None if left is None else k.below(left - v * k.lanes) for v in range(filled)]
    return [k.load(row, v * k.vector, mask=mask) for v, mask in enumerate(masks)] + [k.splat(0.0)] * (wide - filled)


def _tap(k: Builder, vectors: Sequence[Value], t: int) -> Value:
    """Every so many elements, from element t on."""
    return every(k, lambda e: vectors[e // k.lanes], len(vectors), t)


def scaling(k: Builder, scale: str) -> Callable[..., Value]:
    """A sum stays, is divided by a factor ("over") or multiplied by it ("times"); a zero is +0, as behind 0 + …

    Or there is a factor for "each" output of a plane, so many bytes behind the first, as far as there is a mask.
    """
    if scale == "each":
        return lambda total, along, mask: (total + 0.0) / k.load(k.factor, along, mask=mask, outside=1.0)
    factor = k.splat(1.0 if scale == "none" else k.load_number(k.factor))
    if scale == "over":
        return lambda total, *_: (total + 0.0) / factor
    return lambda total, *_: (total + 0.0) * factor


@kernel("x y factor starts", SHAPE)
def forward(k: Builder, dtype: str, kind: str, tile: Tile, scale: str) -> None:
    """A maximum ("max") or a sum ("sum"), down the rows of the tile and then along."""
    scaled = scaling(k, scale)

    def join(so_far: Value, new: Value) -> Value:
        return k.greater(so_far, new) if kind == "max" else so_far + new

    def outputs(rows: list[Value], place: Value, along: Value, left: Value | None, mask: Value | None) -> None:
        loaded = [_loaded(k, row, tile, left) for row in rows]
        columns = [reduce(join, column) for column in zip(*loaded, strict=True)]
        found = reduce(join, (_tap(k, columns, t) for t in range(tile[1])))
        if kind == "sum":
            found = scaled(found, along, mask)
        elif k.exact:  # of zeros with different signs either may be the maximum
            found = found + 0.0
        k.store(found, k.y, place, mask=mask)

    k.loop(k.first, k.behind, 1, [], lambda i: _over(k, k.x, i, tile, outputs))


@kernel("x y taps starts", SHAPE)
def selection(k: Builder, dtype: str, tile: Tile, last: bool) -> None:
    """The maximum, and the number of the tap where it is first (or last)."""

    def outputs(rows: list[Value], place: Value, along: Value, left: Value | None, mask: Value | None) -> None:
        loaded = [_loaded(k, row, tile, left) for row in rows]
        taps = [_tap(k, vectors, t) for vectors in loaded for t in range(tile[1])]
        best, at = taps[0], k.integers(k.integer, [0] * k.lanes)
        for t, new in enumerate(taps[1:], 1):
            takes = (new >= best) | new.differs(new) if last else k.overtakes(best, new)
            best, at = k.select(takes, new, best), k.select(takes, t, at)
        k.store(best + 0.0 if k.exact else best, k.y, place, mask=mask)
        k.store(k.resized(at, BYTE), k.taps, place // k.bytes, mask=mask)

    k.loop(k.first, k.behind, 1, [], lambda i: _over(k, k.x, i, tile, outputs))


@kernel("gy taps gx factor starts", SHAPE)
def backward(k: Builder, dtype: str, tile: Tile, selected: bool, scale: str, past: bool) -> None:
    """Each cotangent to its whole tile, or to the tap that is `selected`."""
    (_, wide, filled), scaled = tile, scaling(k, scale)

    def outputs(rows: list[Value], place: Value, along: Value, left: Value | None, mask: Value | None) -> None:
        g, at = scaled(k.load(k.gy, place, mask=mask), along, mask), None
        if selected:
            at = k.resized(k.load_integers(BYTE, k.taps, place // k.bytes, mask=mask), k.integer)
        for v in range(filled):
            elements = [v * k.lanes + i for i in range(k.lanes)]
            output = [e // wide for e in elements]
            of_output = k.shuffle(g, g, output)
            for t, row in enumerate(rows):
                found = of_output
                if at is not None:
                    here = k.integers(k.integer, [t * wide + e % wide for e in elements])
                    found = k.select(k.shuffle(at, at, output).equals(here), of_output, k.splat(0.0))
                if left is None:
                    k.store(found, row, v * k.vector, past=past)
                else:
                    k.store_first(left - v * k.lanes, found, row, v * k.vector, past=past)

    def plane(i: Value) -> None:
        def clear() -> None:
            into = k.at(k.gx, i * k.plane_in)
            k.over(k.plane_in // k.bytes, lambda offset, mask: k.store(k.splat(0.0), into, offset, mask=mask))

        k.when(k.rest.differs(0), clear)
        _over(k, k.gx, i, tile, outputs)

    k.loop(k.first, k.behind, 1, [], plane)


# --- plans --------------------------------------------------------------------------------------------------------


def are_tiles(dtype: str, sizes: Sequence[int], windows: Sequence[Window], counts: Sequence[int]) -> bool:
    """Whether there are kernels for these windows; rows of few outputs would leave most lanes empty."""
    for w, n, m in zip(windows, sizes, counts, strict=True):
        if w.kernel != w.stride or (w.dilation > 1 and w.kernel > 1) or w.before or m * w.stride > n:
            return False
    few = host().vector // BYTES[dtype] // 4
    return math.prod(w.kernel for w in windows) <= MOST and counts[-1] >= few


@dataclass(frozen=True)
class Plan:
    """Tiles of planes of these sizes."""

    dtype: str
    sizes: tuple[int, ...]
    windows: tuple[Window, ...]
    counts: tuple[int, ...]

    @cached_property
    def tile(self) -> Tile:
        *outer, last = (w.kernel for w in self.windows)
        lanes = host().vector // BYTES[self.dtype]
        return math.prod(outer), last, -(-min(self.counts[-1], lanes) * last // lanes)

    @cached_property
    def starts(self) -> np.ndarray:
        return read(self.sizes, self.windows, self.counts).entries * BYTES[self.dtype]

    @cached_property
    def words(self) -> tuple[int, ...]:
        """The words behind the arrays of a call."""
        size, planes = BYTES[self.dtype], (math.prod(self.sizes), math.prod(self.counts))
        rest = math.prod(self.counts) * math.prod(self.tile[:2]) != planes[0]
        rows = planes[1] // self.counts[-1]
        return (*addresses(self.starts), planes[0] * size, planes[1] * size, rows, self.counts[-1] * size, int(rest))

    def goes_past(self, gx: np.ndarray) -> bool:
        """What lies in no tile is cleared first, and so is in the cache."""
        *_, rest = self.words
        return not rest and goes_past(gx, self.sizes[-1] * gx.itemsize)

    def start(self, code: Kernel, planes: int, *arrays: np.ndarray | int) -> None:
        moved = planes * (self.words[1] + 2 * self.words[2])
        workers.run(code, words(*arrays, *self.words), planes, seconds=moved / SPEED)


def factor(divisor: np.ndarray | int | None, dtype: np.dtype) -> tuple[str, np.ndarray | int]:
    """What becomes of a sum, and the factor; a reciprocal only where it is exact."""
    if divisor is None:
        return "none", 0
    if isinstance(divisor, np.ndarray):
        return "each", np.ascontiguousarray(divisor, dtype)
    exact = math.frexp(divisor)[0] == 0.5
    return ("times", np.array([1 / divisor], dtype)) if exact else ("over", np.array([divisor], dtype))


def run(p: Plan, kind: str, x: np.ndarray, divisor: np.ndarray | int | None = None) -> np.ndarray:
    """The maxima ("max") or sums ("sum"), these over a divisor, which may be one for each output of a plane."""
    y = empty((*x.shape[:2], *p.counts), x.dtype)
    scale, number = factor(divisor, x.dtype)
    code = forward(p.dtype, kind, p.tile, scale, exact=in_exact_order())
    p.start(code, math.prod(x.shape[:2]), x, y, number)
    return y


def maxima(p: Plan, x: np.ndarray, ties: str) -> tuple[np.ndarray, np.ndarray]:
    """The maxima, and the numbers of the taps where they are first (or last)."""
    y, taps = (empty((*x.shape[:2], *p.counts), dtype) for dtype in (x.dtype, np.uint8))
    code = selection(p.dtype, p.tile, ties == "last", exact=in_exact_order())
    p.start(code, math.prod(x.shape[:2]), x, y, taps)
    return y, taps


def spread_maximum(p: Plan, gy: np.ndarray, taps: np.ndarray) -> np.ndarray:
    gx = empty((*gy.shape[:2], *p.sizes), gy.dtype)
    p.start(backward(p.dtype, p.tile, True, "none", p.goes_past(gx)), math.prod(gy.shape[:2]), gy, taps, gx, 0)
    return gx


def spread_sum(p: Plan, gy: np.ndarray, divisor: np.ndarray | int | None) -> np.ndarray:
    gx = empty((*gy.shape[:2], *p.sizes), gy.dtype)
    scale, number = factor(divisor, gy.dtype)
    p.start(backward(p.dtype, p.tile, False, scale, p.goes_past(gx)), math.prod(gy.shape[:2]), gy, 0, gx, number)
    return gx
