"""Pools whose windows are tiles, which neither overlap nor reach outside: forward and backward, in registers.

    forward    y[j] = ⊕_t x[s·j + t]
    backward   gx[s·j + t] = gy[j], for a maximum only where t is the tap that was selected

A vector of outputs is made of as many vectors of each row as the tile is wide, and everything is read once; where
rows are short, it has the outputs of several. What is kept of a maximum is the number of its tap, in one byte. The taps
of a sum have the order that `pool` gives them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial, reduce

import numpy as np

from convmath.kernels.order import in_exact_order
from convmath.window import Window

from . import workers
from .builder import BYTE, BYTES, Builder, Value, Words, words
from .compile import Kernel, kernel
from .host import host
from .lanes import picked
from .memory import AHEAD, empty, goes_past
from .pool_tables import read

__all__ = ["Plan", "are_tiles", "factor", "maxima", "run", "scaling", "spread_maximum", "spread_sum"]

MOST = 16  # taps that are written out
SPEED = 60e9  # bytes a second, about: only to see what is worth sharing

# bytes of a plane and of a row; `rest` is 1 where some elements lie in no tile
SHAPE = "plane_in plane_out rows row_out rest"


@dataclass(frozen=True)
class Tile:
    """What the code is made for: the rows and the elements of a row of a tile; the outputs of a row that a vector has.

    That are those of a whole row, if they are fewer than the lanes, and then of `beside` rows.
    """

    high: int
    wide: int
    outputs: int
    beside: int

    def __str__(self) -> str:
        return f"{self.high}_{self.wide}_{self.outputs}_{self.beside}"

    def filled(self, lanes: int) -> int:
        """The vectors of a row of the array."""
        return -(-self.outputs * self.wide // lanes)

    def places(self, lanes: int, tap: int) -> list[int]:
        """For each lane of outputs where its tap is in the vectors of the rows, which lie behind one another."""
        pitch, most = self.filled(lanes) * lanes, self.beside * self.outputs - 1
        found = (divmod(min(o, most), self.outputs) for o in range(lanes))
        return [row * pitch + j * self.wide + tap for row, j in found]


# --- code ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Block:
    """A vector of outputs: `rows[g][t]` is row t of the array under the g-th row of tiles, from the first element on.

    The outputs lie `place` bytes behind the first of all, and `along` bytes behind that of the plane. There is a mask
    of them, and the elements that a row still has, where it does not fill its vectors; `there` says of each row of
    tiles but the first whether it is one.
    """

    rows: Sequence[Sequence[Value]]
    place: Value
    along: Value
    mask: Value | None
    left: Value | int | None
    there: Sequence[Value] = ()

    def loaded(self, k: Builder, tile: Tile) -> list[list[Value]]:
        """The vectors of row t of all tiles."""
        filled = range(tile.filled(k.lanes))
        masks = [_first(k, self.left, v) for v in filled]
        for row in (row for rows in self.rows for row in rows):
            for v in filled:
                k.prefetch(row, v * k.vector + AHEAD)
        return [
            [k.load(rows[t], v * k.vector, mask=masks[v]) for rows in self.rows for v in filled]
            for t in range(tile.high)
        ]

    def store(self, k: Builder, vector: Value, g: int, t: int, v: int, past: bool) -> None:
        """Vector v of row t under the g-th row of tiles."""
        row, offset = self.rows[g][t], v * k.vector
        if isinstance(self.left, Value):
            k.store_first(self.left - v * k.lanes, vector, row, offset, past=past)
        else:
            mask = _first(k, self.left, v)
            k.store(vector, row, offset, mask=mask, past=past and mask is None)


def _first(k: Builder, left: Value | int | None, v: int) -> Value | None:
    """A mask of what vector v has of the elements that are left; None for all."""
    if isinstance(left, Value):
        return k.below(left - v * k.lanes)
    if left is None or left >= (v + 1) * k.lanes:
        return None
    return k.lanes_where([v * k.lanes + i < left for i in range(k.lanes)])


def _over(k: Builder, array: Value, plane: Value, tile: Tile, body: Callable[[Block], None]) -> None:
    """The body for each vector of outputs of a plane."""
    first = k.at(array, plane * k.plane_in)
    short = tile.outputs < k.lanes

    def group(r: Value) -> None:
        starts = [
            [k.at(first, k.load_word(k.starts, ((r + g) * tile.high + t) * 8)) for t in range(tile.high)]
            for g in range(tile.beside)
        ]
        first_along = r * k.row_out

        def vector(offset: Value, mask: Value | None) -> None:
            left = None if mask is None else (k.row_out - offset) // k.bytes * tile.wide
            along = first_along + offset
            rows = [[k.at(start, offset * tile.wide) for start in starts[0]]]
            body(Block(rows, plane * k.plane_out + along, along, mask, left))

        if short:
            mask = k.below(k.least_of(k.rows - r, tile.beside) * tile.outputs)
            there = [r + g < k.rows for g in range(1, tile.beside)]
            place = plane * k.plane_out + first_along
            body(Block(starts, place, first_along, mask, tile.outputs * tile.wide, there))
        else:
            k.over(k.row_out // k.bytes, vector)

    k.loop(0, k.rows, tile.beside, [], group)


def _tap(k: Builder, vectors: Sequence[Value], tile: Tile, t: int) -> Value:
    return picked(k, vectors, tile.places(k.lanes, t))


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

    def outputs(block: Block) -> None:
        columns = [reduce(join, column) for column in zip(*block.loaded(k, tile), strict=True)]
        found = reduce(join, (_tap(k, columns, tile, t) for t in range(tile.wide)))
        if kind == "sum":
            found = scaled(found, block.along, block.mask)
        elif k.exact:  # of zeros with different signs either may be the maximum
            found = found + 0.0
        k.store(found, k.y, block.place, mask=block.mask)

    k.loop(k.first, k.behind, 1, [], lambda i: _over(k, k.x, i, tile, outputs))


@kernel("x y taps starts", SHAPE)
def selection(k: Builder, dtype: str, tile: Tile, last: bool) -> None:
    """The maximum, and the number of the tap where it is first (or last)."""

    def outputs(block: Block) -> None:
        taps = [_tap(k, vectors, tile, t) for vectors in block.loaded(k, tile) for t in range(tile.wide)]
        best, at = taps[0], k.integers(k.integer, [0] * k.lanes)
        for t, new in enumerate(taps[1:], 1):
            takes = (new >= best) | new.differs(new) if last else k.overtakes(best, new)
            best, at = k.select(takes, new, best), k.select(takes, t, at)
        k.store(best + 0.0 if k.exact else best, k.y, block.place, mask=block.mask)
        k.store(k.resized(at, BYTE), k.taps, block.place // k.bytes, mask=block.mask)

    k.loop(k.first, k.behind, 1, [], lambda i: _over(k, k.x, i, tile, outputs))


@kernel("gy taps gx factor starts", SHAPE)
def backward(k: Builder, dtype: str, tile: Tile, selected: bool, scale: str, past: bool) -> None:
    """Each cotangent to its whole tile, or to the tap that is `selected`."""
    scaled, filled = scaling(k, scale), tile.filled(k.lanes)

    def outputs(block: Block) -> None:
        g, at = scaled(k.load(k.gy, block.place, mask=block.mask), block.along, block.mask), None
        if selected:
            at = k.resized(k.load_integers(BYTE, k.taps, block.place // k.bytes, mask=block.mask), k.integer)

        def row(beside: int) -> None:
            for v in range(filled):
                elements = [v * k.lanes + i for i in range(k.lanes)]
                output = [min(beside * tile.outputs + e // tile.wide, k.lanes - 1) for e in elements]
                of_output = k.shuffle(g, g, output)
                for t in range(tile.high):
                    found = of_output
                    if at is not None:
                        here = k.integers(k.integer, [t * tile.wide + e % tile.wide for e in elements])
                        found = k.select(k.shuffle(at, at, output).equals(here), of_output, k.splat(0.0))
                    block.store(k, found, beside, t, v, past)

        row(0)
        for beside, there in enumerate(block.there, 1):
            k.when(there, partial(row, beside))

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
        lanes, count = host().vector // BYTES[self.dtype], self.counts[-1]
        rows = math.prod(self.counts[:-1])
        return Tile(math.prod(outer), last, min(count, lanes), min(rows, max(1, lanes // count)))

    @cached_property
    def starts(self) -> np.ndarray:
        """Where the rows of each row of tiles begin; the last row of tiles once more, where it has none beside it."""
        rows = read(self.sizes, self.windows, self.counts).entries.reshape(-1, self.tile.high)
        missing = -len(rows) % self.tile.beside
        return np.concatenate([rows, rows[-1:].repeat(missing, 0)]) * BYTES[self.dtype]

    @cached_property
    def words(self) -> Words:
        """The words behind the arrays of a call."""
        size, planes = BYTES[self.dtype], (math.prod(self.sizes), math.prod(self.counts))
        rest = planes[1] * self.tile.high * self.tile.wide != planes[0]
        rows = planes[1] // self.counts[-1]
        return words(self.starts, planes[0] * size, planes[1] * size, rows, self.counts[-1] * size, int(rest))

    @cached_property
    def seconds(self) -> float:
        """About how long a plane takes."""
        _, read, written, *_ = self.words
        return (read + 2 * written) / SPEED

    def goes_past(self, gx: np.ndarray) -> bool:
        """What lies in no tile is cleared first, and so is in the cache."""
        *_, rest = self.words
        return not rest and goes_past(gx, self.sizes[-1] * gx.itemsize)

    def start(self, code: Kernel, planes: int, *arrays: np.ndarray | int) -> None:
        workers.run(code, words(*arrays, then=self.words), planes, seconds=planes * self.seconds)


def factor(divisor: np.ndarray | int | None, dtype: np.dtype) -> tuple[str, np.ndarray | int]:
    """What becomes of a sum, and the factor; a reciprocal only where it is exact."""
    if divisor is None:
        return "none", 0
    if isinstance(divisor, np.ndarray):
        return "each", np.ascontiguousarray(divisor, dtype)
    return _one_factor(divisor, dtype)


@lru_cache(256)
def _one_factor(divisor: int, dtype: np.dtype) -> tuple[str, np.ndarray]:
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
