"""Correlation of one signal with one kernel: tiles of output rows stay in registers over all taps.

    y[row][j] += w[t][s] · x[row + t][j + s]

A vector of the input that is loaded serves every row of the tile that reads it, with the weights of one column of the
kernel in registers beside the sums. Neighbouring outputs of a single row are lifted: y[S·v + lane], with S numbers in a
vector, is row v of an array whose rows follow one another at a distance of S, and the tap S·t + s is row t and column
s of its kernel. So a signal of one axis, or a kernel of one row, is computed in the same way.

The output is made in boxes. What a box reads is laid out, with zeros for what lies outside the input, in memory near
the core. Each output sums its taps in an order that the sizes of the kernel fix; taps that only fill up are 0, so the
error is that of a plain sum, |ŷ - y| ≤ γ_K Σ |w|·|x| (Higham 2002, §3.1). Where x is not finite, 0·x is NaN, and the
caller has to mind it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import product

import numpy as np

from convmath.kernels.signal_costs import Costs
from convmath.kernels.tiles import fitted, pieces
from convmath.window import Window

from . import workers
from .builder import BYTES, DTYPES, Builder, Value, words
from .compile import kernel
from .host import host
from .memory import empty
from .plane import ROOM
from .watch import note, unseen, watched

__all__ = ["Rows", "plans"]

AXES = 3
# rows of a tile: eight sums that do not wait for one another keep a core busy, and many rows are more streams of memory
# than it can follow
ROWS = (8, 12, 16)
MOST_HEIGHT = 6  # rows of the kernel that a tile takes at once
LINE = 64  # bytes
# boxes there should be, and the bytes from which on it is worth having so many; elements of a call from the walk, and
# of a kernel taken at once
BOXES, LEAST = 8, 2**15
CALL, TAPS = 2**18, 2**17

Three = tuple[int, int, int]


# --- the kernel ---------------------------------------------------------------------------------------------------


@kernel(
    "x y w offsets flag",
    "depth height width out_depth out_height out_width before_depth before_height before_width "
    "box_depth box_height box_width boxes_height boxes_width reach_depth reach_height reach_width "
    "row plane groups rests",
    "scratch",
)
def correlate(k: Builder, dtype: str, rows: int, high: int, rest: int, lifted: bool) -> None:
    """Tiles of so many `rows`, which take `high` rows of the kernel at once, and `rest` in the end."""

    def box(i: Value) -> None:
        across, rows_of_boxes = i % k.boxes_width, i // k.boxes_width
        first = (
            rows_of_boxes // k.boxes_height * k.box_depth,
            rows_of_boxes % k.boxes_height * k.box_height,
            across * k.box_width,
        )
        counts = (
            k.least_of(k.out_depth - first[0], k.box_depth),
            k.least_of(k.out_height - first[1], k.box_height),
            k.least_of(k.out_width - first[2], k.box_width),
        )
        _lay_out(k, first, counts)

        def plane(p: Value) -> None:
            source = k.at(k.scratch, p * k.plane)
            there = k.at(k.y, (((first[0] + p) * k.out_height + first[1]) * k.out_width + first[2]) * k.bytes)
            strip = partial(_line if lifted else _strip, k, rows, high, rest, source, there, counts)
            k.loop(0, counts[1], 1 if lifted else rows, [], strip)

        k.loop(0, counts[0], 1, [], plane)

    k.loop(k.first, k.behind, 1, [], box)


def _lay_out(k: Builder, first: Sequence[Value], counts: Sequence[Value]) -> None:
    """What the outputs of a box read, row by row, with zeros for what lies outside."""
    length, begin = counts[2] + k.reach_width, first[2] - k.before_width
    before = k.least_of(k.greatest_of(-begin, 0), length)
    skipped = k.greatest_of(begin, 0)
    copied = k.greatest_of(k.least_of(k.width - skipped, length - before), 0)

    def plane(p: Value) -> None:
        at_plane, into = first[0] + p - k.before_depth, k.at(k.scratch, p * k.plane)

        def row(r: Value) -> None:
            at = first[1] + r - k.before_height
            inside = (at_plane >= 0) & (at_plane < k.depth) & (at >= 0) & (at < k.height)
            source = k.at(k.x, ((at_plane * k.height + at) * k.width + skipped) * k.bytes)
            there = k.at(into, r * k.row)

            def copy() -> None:
                zeros(there, k.word(0), before)
                to = k.at(there, before * k.bytes)
                k.over(copied, lambda offset, mask: k.store(k.load(source, offset, mask=mask), to, offset))
                zeros(there, before + copied, length)

            k.either(inside, copy, lambda: zeros(there, k.word(0), length))

        k.loop(0, counts[1] + k.reach_height, 1, [], row)

    def zeros(there: Value, start: Value, behind: Value) -> None:
        """Up to a vector too far, where the next row comes later."""
        k.loop(start, behind, k.lanes, [], lambda i: k.store(k.splat(0.0), there, i * k.bytes))

    k.loop(0, counts[0] + k.reach_depth, 1, [], plane)


def _strip(
    k: Builder, rows: int, high: int, rest: int, source: Value, there: Value, counts: Sequence[Value], first: Value
) -> None:
    """The rows of the output from one on: tiles of one vector of each."""
    source, there = k.at(source, first * k.row), k.at(there, first * k.out_width * k.bytes)
    left = counts[1] - first
    row = k.out_width * k.bytes

    def columns(j: Value) -> None:
        beyond = counts[2] - j
        limits = [k.select(left > r, beyond, 0) for r in range(rows)]
        whole = (left >= rows) & (beyond >= k.lanes)
        sums = _sums(k, rows, high, rest, k.at(source, j * k.bytes), k.row)
        _keep(k, sums, k.at(there, j * k.bytes), row, whole, limits)

    k.loop(0, counts[2], k.lanes, [], columns)


def _line(
    k: Builder, rows: int, high: int, rest: int, source: Value, there: Value, counts: Sequence[Value], line: Value
) -> None:
    """One row of the output: tiles of vectors that follow one another."""
    source, there = k.at(source, line * k.row), k.at(there, line * k.out_width * k.bytes)
    row = k.word(k.vector)

    def columns(j: Value) -> None:
        beyond = counts[2] - j
        limits = [beyond - r * k.lanes for r in range(rows)]
        sums = _sums(k, rows, high, rest, k.at(source, j * k.bytes), row)
        _keep(k, sums, k.at(there, j * k.bytes), row, beyond >= rows * k.lanes, limits)

    k.loop(0, counts[2], rows * k.lanes, [], columns)


def _sums(k: Builder, rows: int, high: int, rest: int, source: Value, row: Value) -> list[Value]:
    """A vector of each row, over all groups of taps."""
    sums = [k.splat(0.0)] * rows
    offsets, weights = k.offsets, k.w
    for count, groups in ((high, k.groups), (rest, k.rests)):
        if count:
            sums = k.loop(0, groups, 1, sums, partial(_group, k, count, source, row, offsets, weights))
            offsets, weights = k.at(offsets, groups * 8), k.at(weights, groups * (count * k.bytes))
    return sums


def _group(
    k: Builder, high: int, source: Value, row: Value, offsets: Value, weights: Value, g: Value, *sums: Value
) -> list[Value]:
    """One column of the kernel, `high` rows of it: each row of the input serves the rows of the output that read it."""
    found, at = list(sums), k.at(source, k.load_word(offsets, g * 8))
    mine = k.at(weights, g * (high * k.bytes))
    weight = [k.splat(k.load_number(mine, t * k.bytes)) for t in range(high)]
    for line in range(len(sums) + high - 1):
        value = k.load(at)
        for t in range(high):
            if 0 <= line - t < len(sums):
                found[line - t] = k.multiply_add(value, weight[t], found[line - t])
        # step by step: the multiples of a distance would be kept in more registers than there are
        at = k.at(at, row)
    return found


def _keep(k: Builder, sums: Sequence[Value], there: Value, row: Value, whole: Value, limits: Sequence[Value]) -> None:
    """Store what belongs to the output: all of it, or in each row the numbers below its limit."""

    def all_of_it() -> None:
        check(sums)
        for r, total in enumerate(sums):
            k.store(total, there, row * r)

    def some() -> None:
        masks = [k.below(limit) for limit in limits]
        check([k.select(mask, total, k.splat(0.0)) for mask, total in zip(masks, sums, strict=True)])
        for r, (mask, total) in enumerate(zip(masks, sums, strict=True)):
            k.store(total, there, row * r, mask=mask)

    def check(values: Sequence[Value]) -> None:
        # 0·v is NaN where v is not finite, and so are the sums with it
        found = k.splat(0.0)
        for value in values:
            found = k.multiply_add(value, k.splat(0.0), found)
        note(k, watched(k, unseen(k), found), k.flag)

    k.either(whole, all_of_it, some)


# --- plans --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rows:
    """Tiles of so many rows, and the outputs of a box; `lifted` where the rows are vectors of one row."""

    dtype: str
    lifted: bool
    rows: int
    high: int
    box: Three
    tile: tuple[int, ...]
    part: tuple[int, ...]
    seconds: float

    method = "simd"
    threaded = False  # the boxes of one call are shared out
    exact = True  # where the numbers are

    def reads(self, counts: Sequence[int], kernel: Sequence[int]) -> tuple[int, ...]:
        return tuple(m + k - 1 for m, k in zip(counts, kernel, strict=True))

    def prepared(self, w: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        windows = tuple(map(Window, w.shape))

        def run(x: np.ndarray) -> np.ndarray:
            y = empty([n - k + 1 for n, k in zip(x.shape, w.shape, strict=True)], x.dtype)
            self.whole(y, np.require(x, requirements=["C", "A"]), w, windows)
            return y

        return run

    def whole(self, y: np.ndarray, x: np.ndarray, w: np.ndarray, windows: Sequence[Window]) -> bool:
        """All of the outputs, and whether they are finite; y and x lie row by row, and are of this type."""
        sizes, counts, kernel = (_three(array.shape) for array in (x, y, w))
        before = _three([v.before for v in windows], 0)
        box = tuple(map(min, self.box, counts))
        size, lanes = BYTES[self.dtype], host().vector // BYTES[self.dtype]
        reach = _reach(kernel, lanes, self.lifted)
        row, plane, own = _laid(box, reach, size, lanes, self.rows, self.lifted)
        high, rest = _heights(kernel, self.high, lanes, self.lifted)
        weights, offsets, groups = _groups(w.reshape(kernel), high, rest, lanes, (plane, row, size), self.lifted)
        flag = np.zeros(1, np.int64)
        boxes = tuple(-(-m // b) for m, b in zip(counts, box, strict=True))
        block = words(
            x, y, weights, offsets, flag, *sizes, *counts, *before, *box, *boxes[1:], *reach, row, plane, *groups
        )
        code = correlate(self.dtype, self.rows, high, rest, self.lifted)
        workers.run(code, block, math.prod(boxes), (own,), self.seconds)
        return not flag[0]


def _three(sizes: Sequence[int], other: int = 1) -> Three:
    """As if there were three axes."""
    first, second, last = (*[other] * (AXES - len(sizes)), *sizes)
    return first, second, last


def _laid(box: Sequence[int], reach: Sequence[int], size: int, lanes: int, rows: int, lifted: bool) -> Three:
    """Bytes from one row of what a box reads to the next, from one plane to the next, and of all of it.

    Rows begin on lines of the cache that many rows do not share: an odd number of lines lies between them.
    """
    vectors = -(-box[2] // lanes)
    width = (-(-vectors // rows) * rows if lifted else vectors) * lanes + reach[2]
    lines = -(-(width + lanes) * size // LINE) | 1
    height = box[1] + reach[1] if lifted else -(-box[1] // rows) * rows + reach[1]
    row, plane = LINE * lines, LINE * lines * height
    return row, plane, plane * (box[0] + reach[0]) + LINE


def _heights(kernel: Three, high: int, lanes: int, lifted: bool) -> tuple[int, int]:
    """How many rows of the kernel a group takes, and those in the end."""
    rows = _rows(kernel, lanes, lifted)
    return min(high, rows), rows % min(high, rows)


def _rows(kernel: Three, lanes: int, lifted: bool) -> int:
    """The rows of the kernel, as a tile sees it."""
    return -(-kernel[2] // lanes) if lifted else kernel[1]


def _reach(kernel: Three, lanes: int, lifted: bool) -> Three:
    """How far behind an output its taps read, those that only fill up included."""
    depth, height, width = kernel
    filled = _rows(kernel, lanes, lifted) * min(width, lanes) if lifted else width
    return depth - 1, height - 1, filled - 1


def _groups(
    w: np.ndarray, high: int, rest: int, lanes: int, steps: Three, lifted: bool
) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """The weights in the order in which they are read, the offset of each group, and how many of both kinds."""
    plane, row, size = steps
    depth, height, width = _three(w.shape)
    outer, step = plane * np.arange(depth), row
    if lifted:
        outer, step = np.add.outer(outer, row * np.arange(height)).reshape(-1), lanes * size
        lines, length = w.reshape(-1, width), width
        height, width = _rows((depth, height, width), lanes, lifted), min(width, lanes)
        w = np.zeros((len(lines), height * width), w.dtype)
        w[:, :length] = lines
        w = w.reshape(-1, height, width)
    whole = height - rest
    starts = step * np.arange(0, whole, high)[:, None] + size * np.arange(width)
    main = w[:, :whole].reshape(len(w), -1, high, width).swapaxes(2, 3)
    ends = step * whole + size * np.arange(width if rest else 0)
    weights = np.concatenate([main.reshape(-1), w[:, whole:].swapaxes(1, 2).reshape(-1)])
    offsets = [np.add.outer(outer, places).reshape(-1) for places in (starts, ends)]
    return weights, np.concatenate(offsets).astype(np.int64), (len(offsets[0]), len(offsets[1]))


def plans(counts: tuple[int, ...], kernel: tuple[int, ...], dtype: np.dtype, cost: Costs) -> Iterator[Rows]:
    """The best tile along the rows, and the best across them."""
    name = DTYPES.get(dtype)
    if name is None or not 1 <= len(counts) <= AXES:
        return
    part, size = fitted(kernel, TAPS), BYTES[name]
    tile, lanes = fitted(counts, CALL), host().vector // size
    for lifted in (False, True) if len(counts) > 1 else (True,):
        cycles, rows, high = _best(_three(counts), _three(part), lanes, lifted)
        box, read = _box(_three(counts), _three(part), size, lanes, rows, lifted)
        moved = pieces(_three(counts), box) * read + math.prod(counts)
        seconds = pieces(kernel, part) * (cost.launch + cycles * cost.cycle + moved * cost.laid)
        yield Rows(name, lifted, rows, high, box, tile, part, seconds)


@lru_cache(1024)
def _best(counts: Three, kernel: Three, lanes: int, lifted: bool) -> tuple[float, int, int]:
    """The fewest cycles, and the rows and the height of the tile that takes them.

    A processor of the kind that kernels are made for multiplies two vectors and loads two in a cycle, those that lie on
    one line of the cache, and a sum waits four cycles for the one before.
    """
    vectors, heights = -(-counts[2] // lanes), _rows(kernel, lanes, lifted)
    columns = math.prod(kernel) // kernel[1] if not lifted else kernel[0] * kernel[1] * min(kernel[2], lanes)
    load = 0.5 + host().vector / LINE / 2

    def cycles(rows: int, high: int) -> float:
        return max(rows * high / 2, (rows + high - 1) * load + high / 2, 4.0 * high) + 2 if high else 0.0

    found = []
    for rows, high in product(ROWS, range(1, min(MOST_HEIGHT, heights) + 1)):
        if rows + high + 2 <= host().registers:
            tiles = counts[1] * -(-vectors // rows) if lifted else -(-counts[1] // rows) * vectors
            taps = columns * (heights // high * cycles(rows, high) + cycles(rows, heights % high))
            found.append((counts[0] * tiles * (taps + 2 * rows + 16), rows, high))
    return min(found)


def _box(counts: Three, kernel: Three, size: int, lanes: int, rows: int, lifted: bool) -> tuple[Three, int]:
    """The outputs of a box that stays near a core, and how many elements it reads: halved where that reads least."""
    least = (1, 1, rows * lanes) if lifted else (1, rows, 4 * lanes)

    def read(box: Sequence[int]) -> int:
        return math.prod(m + k - 1 for m, k in zip(box, kernel, strict=True))

    def halved(box: Three, axis: int) -> Three:
        step = least[axis]
        most = -(-box[axis] // (2 * step)) * step
        return _three([most if i == axis else m for i, m in enumerate(box)])

    box = counts
    room = min(ROOM, max(LEAST, size * read(counts) // BOXES))
    while size * read(box) > room:
        smaller = [halved(box, axis) for axis in range(AXES) if box[axis] > least[axis]]
        if not smaller:
            break
        box = min(smaller, key=lambda one: read(one) / math.prod(one))
    return box, read(box)
