"""The gradient by a 3×3 weight by F(3, 2): its nine taps are the outputs, and tiles of 2×2 cotangents the kernel.

    gW = Aᵀ[Σ (G gY Gᵀ) ⊙ (B X Bᵀ)]A, summed over all tiles and images before A is applied

Images are in the lanes. Of some tiles at a time, the transformed channels of X and of gY are laid out point by point;
at each point the sums over tiles and images are those of a matrix product, whose lanes are added in the end. Where
channels are many, there is room for a line of the points only, and each has items of its own. What is not finite is
noted: a number may be too large on the way that is none in the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from convmath.kernels.toom_cook import Matrix
from convmath.kernels.winograd import TAPS
from convmath.window import Window

from ..builder import Builder, Value
from ..compile import kernel
from ..host import host
from ..memory import LINE
from ..transform import both_sides, times
from ..watch import note, unseen, watched
from ..winograd_weight import turned
from .weights import lanes_summed
from .winograd import POINTS, STEP, is_plain

__all__ = [
    "LINES",
    "READ",
    "SIDE",
    "TILE",
    "add_products",
    "fits",
    "lines_of",
    "most",
    "room",
    "tile_of",
    "transform_back",
]

SIDE = STEP + TAPS - 1  # points of an axis
TILE = 16  # bytes of a row of tiles: where X and gY begin
READ = 2  # lines of X, and of gY, that a point of an axis reads at most
LINES = 2 * READ * 8  # bytes of a row of lines: where those of X and of gY lie

LEAST = 8  # channels on both sides from which on it takes less time
LANES = 8  # numbers of a vector from which on
STEPS = 8  # vectors of a sum from which on adding its lanes is little beside it
NEAR = 384 * 1024  # bytes of scratch memory; as much again is read meanwhile


def most(channels: int, row: int, points: int = POINTS) -> int:
    """Of how many tiles so many channels, of X and gY together, have room at so many points; it may be none."""
    return max(0, (NEAR // (points * channels) - LINE) // row)


def room(channels: int, row: int, points: int) -> int:
    """Bytes of what is laid out of as many."""
    return points * channels * (most(channels, row, points) * row + LINE)


def lines_of(channels: int, row: int) -> int:
    """The lines of points that are laid out at once: all, or one; 0 where there is no room for enough tiles."""
    enough = (lines for lines in (SIDE, 1) if most(channels, row, lines * SIDE) * row >= STEPS * host().vector)
    return next(enough, 0)


def tile_of(lanes: int) -> tuple[int, int]:
    """The outputs and channels of a tile, whose sums are one vector."""
    outputs = 1
    while 2 * outputs * outputs <= lanes:
        outputs *= 2
    return outputs, lanes // outputs


def fits(windows: Sequence[Window], reads: int, outputs: int, row: int, lanes: int) -> bool:
    """Whether the gradient by the weight of a convolution of so many channels is computed in this way."""
    return is_plain(windows) and min(reads, outputs) >= LEAST and lanes >= LANES and lines_of(reads + outputs, row) > 0


class _Channels:
    """What is laid out of an array: the matrix of its axes, its channels, where they lie, and from where on."""

    def __init__(self, k: Builder, matrix: Matrix, source: Value, target: Value, name: str):
        self.k, self.matrix, self.source, self.target, self.size = k, matrix, source, target, len(matrix[0])
        self.count, self.step, self.line = (getattr(k, f"{name}_{word}") for word in ("count", "channel", "line"))

    def fetch(self, here: Value) -> None:
        """What the tile beside this one will be the first to read: they are more streams than a processor foresees."""
        new = range(self.size - STEP, self.size)
        for i, j in product(new, new):
            self.k.prefetch(self.k.at(here, self.line * i), self.k.row * (j + STEP))

    def lay(self, tile: Value, number: Value, channel: Value, chosen: tuple[list[Value], list[Value]] | None) -> None:
        """A tile's, at all points or at those of the line that is chosen; points lie `count` channels apart."""
        k = self.k
        begin, target = k.at(self.source, tile), k.at(self.target, number * k.row)

        def along(here: Value) -> list[list[Value]]:
            """The points of an axis, from the entries of a tile."""
            if chosen is None:
                return both_sides(k, self.matrix, lambda i, j: k.load(k.at(here, self.line * i), k.row * j))
            (one, other), (by, by_other) = chosen
            first, second = k.at(here, one), k.at(here, other)
            sums = [
                k.multiply_add(by, k.load(first, k.row * j), by_other * k.load(second, k.row * j))
                for j in range(self.size)
            ]
            return [times(k, self.matrix, sums)]

        def each(c: Value) -> None:
            def vector(v: Value) -> None:
                here = k.at(begin, c * self.step + v)
                found = along(here)
                if chosen is None:
                    self.fetch(here)
                for place, value in enumerate(value for line in found for value in line):
                    k.store(value, k.at(target, c * channel + v), self.count * channel * place)

            k.loop(0, k.row, k.vector, [], vector)

        k.loop(0, self.count, 1, [], each)


@kernel(
    "x g sums tiles parts lines factors",
    "x_count g_count pieces most x_channel x_group x_line g_channel g_group g_line row",
    "room",
    passes=False,
)
def add_products(k: Builder, dtype: str, many: int, pairs: int, whole: bool) -> None:
    """An item is a part of the tiles of a group, at all points or at a line of them.

    `parts` has the first tile of each part, and the number of all; `lines` and `factors` a row for each line of points.
    """
    f, points = turned(STEP), POINTS if whole else SIDE
    each, down, across = k.vector, (k.g_count + (many - 1)) // many, (k.x_count + (pairs - 1)) // pairs

    def item(i: Value) -> None:
        line, rest = (k.word(0), i) if whole else (i % SIDE, i // SIDE)
        part, group = rest % k.pieces, rest // k.pieces
        channel = k.most * k.row + LINE
        cotangents = k.at(k.room, k.x_count * channel * points)
        x = _Channels(k, f.B, k.at(k.x, group * k.x_group), k.room, "x")
        g = _Channels(k, f.G, k.at(k.g, group * k.g_group), cotangents, "g")
        chosen = [None, None] if whole else [_line(k, line, axis) for axis in range(2)]
        size = down * across * each
        own = k.at(k.sums, i * (size * points))
        k.loop(0, size * points, each, [], lambda at: k.store(k.splat(0.0), own, at))

        def multiply(p: Value, count: Value) -> None:
            v, u = k.at(k.room, p * (k.x_count * channel)), k.at(cotangents, p * (k.g_count * channel))

            def tile(o: Value, c: Value) -> None:
                # what is not there is the last again
                rows = [k.at(u, k.least_of(o * many + place, k.g_count - 1) * channel) for place in range(many)]
                columns = [k.at(v, k.least_of(c * pairs + place, k.x_count - 1) * channel) for place in range(pairs)]

                def step(at: Value, *sums: Value) -> list[Value]:
                    left, right = [k.load(row, at) for row in rows], [k.load(column, at) for column in columns]
                    both = ((a, b) for a in left for b in right)
                    return [k.multiply_add(a, b, s) for (a, b), s in zip(both, sums, strict=True)]

                sums = k.loop(0, count * k.row, k.vector, [k.splat(0.0)] * (many * pairs), step)
                into = k.at(own, p * size + (o * across + c) * each)
                k.store(k.load(into) + lanes_summed(k, sums), into)

            k.loop(0, down, 1, [], lambda o: k.loop(0, across, 1, [], lambda c: tile(o, c)) and None)

        def block(first: Value) -> None:
            count = k.least_of(k.most, behind - first)

            def transform(t: Value) -> None:
                entry = k.at(k.tiles, (first + t) * TILE)
                for axis, array in enumerate((x, g)):
                    array.lay(k.load_word(entry, 8 * axis), t, channel, chosen[axis])

            k.loop(0, count, 1, [], transform)
            k.loop(0, points, 1, [], lambda p: multiply(p, count))

        behind = k.load_word(k.parts, part * 8 + 8)
        k.loop(k.load_word(k.parts, part * 8), behind, k.most, [], block)

    k.loop(k.first, k.behind, 1, [], item)


def _line(k: Builder, line: Value, axis: int) -> tuple[list[Value], list[Value]]:
    """Where the lines lie that a line of points reads, and what they count."""
    lines, factors = k.at(k.lines, line * LINES), k.at(k.factors, line * (2 * READ * k.bytes))
    places = range(READ * axis, READ * (axis + 1))
    return [k.load_word(lines, 8 * p) for p in places], [k.splat(k.load_number(factors, p * k.bytes)) for p in places]


@kernel("sums gw flag", "x_count g_count pieces", "room", passes=False)
def transform_back(k: Builder, dtype: str, many: int, pairs: int) -> None:
    """Aᵀ M A, where M is summed over the parts; an item is a tile of outputs and channels."""
    back, taps = tuple(zip(*turned(STEP).A, strict=True)), TAPS * TAPS
    down, across = (k.g_count + (many - 1)) // many, (k.x_count + (pairs - 1)) // pairs

    def item(i: Value) -> None:
        size = down * across * k.vector
        group, tile = i // (down * across), i % (down * across)
        begin = k.at(k.sums, group * k.pieces * (size * POINTS) + tile * k.vector)

        def total(a: int, b: int) -> Value:
            at = k.at(begin, size * (a * SIDE + b))
            add = lambda part, sum_: [sum_ + k.load(at, part * (size * POINTS))]  # noqa: E731
            return k.loop(0, k.pieces, 1, [k.splat(0.0)], add)[0]

        seen = unseen(k)
        for place, value in enumerate(value for line in both_sides(k, back, total) for value in line):
            seen = watched(k, seen, value)
            k.store(value, k.room, place * k.vector)
        note(k, seen, k.flag)

        def lane(e: Value) -> None:
            o, c = tile // across * many + e // pairs, tile % across * pairs + e % pairs
            to = k.at(k.gw, ((group * k.g_count + o) * k.x_count + c) * (taps * k.bytes))

            def store() -> None:
                for place in range(taps):
                    k.store(k.load_number(k.room, place * k.vector + e * k.bytes), to, place * k.bytes)

            k.when((o < k.g_count) & (c < k.x_count), store)

        k.loop(0, k.lanes, 1, [], lane)

    k.loop(k.first, k.behind, 1, [], item)
