"""gW[o,c,t] = Σ gY[o, position] · X[c, position + offset of t] over positions and images, and gB[o] = Σ gY[o, position]

A tile holds sums of some outputs by some pairs of channel and tap. Each lane sums its own images, position by position
in their order; in the end the lanes are added. Where the arrays are larger than what lies near a core, positions are
gone through in bands, and the tiles of a band one after the other, their sums kept in memory between the bands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..builder import Builder, Value
from ..compile import kernel
from ..host import host
from ..watch import note, unseen, watched

__all__ = ["BIASES", "RUN", "lanes_summed", "tile_of", "weights"]

RUN = 24  # bytes of a row of positions: where X and gY begin, and how far it goes
ADDRESSES = 12  # registers for where the outputs and pairs of a tile lie
BIASES = 8  # outputs of a tile of gB


def tile_of(outputs: int, pairs: int, lanes: int) -> tuple[int, int]:
    """How many outputs and pairs a tile takes, so that little is computed in vain."""
    registers = host().registers

    def cost(tile: tuple[int, int]) -> float:
        o, e = tile
        # loads and sums of a step, and what it costs to begin and end a tile
        return -(-outputs // o) * -(-pairs // e) * (o * e + 0.5 * (o + e) + 4)

    fitting = [
        (o, e)
        for o in range(1, min(outputs, ADDRESSES) + 1)
        for e in range(1, min(pairs, lanes, ADDRESSES) + 1)
        if o * e + o + e <= registers and o + e <= ADDRESSES
    ]
    return min(fitting, key=cost)


class _Tile:
    """Where an item is: the outputs and pairs of its tile, in its group. Those that are not there repeat the last."""

    def __init__(self, k: Builder, item: Value, many: int, pairs: int):
        self.k = k
        self.group, rest = item // (k.tiles * k.wide), item % (k.tiles * k.wide)
        # pairs in blocks of `across` tiles, each with all outputs, the last block with what is left
        block = rest // (k.tiles * k.across)
        inside, width = rest - block * k.tiles * k.across, k.least_of(k.across, k.wide - block * k.across)
        self.output, self.pair = inside // width * many, (block * k.across + inside % width) * pairs
        self.g = k.at(k.g, self.group * k.g_group)
        self.x = k.at(k.x, self.group * k.x_group)
        self.rows = [k.least_of(self.output + o, k.outputs - 1) * k.g_channel for o in range(many)]
        places = (k.least_of(self.pair + e, k.pairs - 1) for e in range(pairs))
        self.offsets = [k.load_word(k.offsets, place * 8) for place in places]

    def over(self, first: Value, behind: Value, sums: Sequence[Value]) -> list[Value]:
        """The sums with the runs of these numbers added."""
        k = self.k

        def run(r: Value, *sums: Value) -> list[Value]:
            entry = k.at(k.runs, r * RUN)
            x, g = k.at(self.x, k.load_word(entry)), k.at(self.g, k.load_word(entry, 8))

            def step(v: Value, *sums: Value) -> list[Value]:
                x_, g_ = k.at(x, v), k.at(g, v)
                of_outputs = [k.load(g_, row) for row in self.rows]
                of_pairs = [k.load(x_, offset) for offset in self.offsets]
                both = ((a, b) for a in of_outputs for b in of_pairs)
                return [k.multiply_add(a, b, s) for (a, b), s in zip(both, sums, strict=True)]

            return k.loop(0, k.load_word(entry, 16), k.vector, sums, step)

        return k.loop(first, behind, 1, sums, run)

    def store(self, sums: Sequence[Value]) -> None:
        k, pairs = self.k, len(self.offsets)
        totals = [lanes_summed(k, sums[o * pairs : (o + 1) * pairs]) for o in range(len(self.rows))]
        # what a vector has beyond the tile's own pairs is another tile's
        there = k.below(k.least_of(k.pairs - self.pair, pairs), totals[0].lanes)
        for o, total in enumerate(totals):
            row = (self.group * k.outputs + self.output + o) * k.pairs + self.pair
            k.when(self.output + o < k.outputs, lambda t=total, r=row: k.store(t, k.gw, r * k.bytes, mask=there))
        _note(k, totals)


class _Bias:
    """The same of a tile of gB."""

    def __init__(self, k: Builder, tile: Value):
        self.k, self.output, self.all = k, tile * BIASES, k.groups * k.outputs
        self.rows = [k.least_of(self.output + o, self.all - 1) * k.g_channel for o in range(BIASES)]

    def over(self, first: Value, behind: Value, sums: Sequence[Value]) -> list[Value]:
        k = self.k

        def run(r: Value, *sums: Value) -> list[Value]:
            entry = k.at(k.runs, r * RUN)
            g = k.at(k.g, k.load_word(entry, 8))

            def step(v: Value, *sums: Value) -> list[Value]:
                g_ = k.at(g, v)
                return [s + k.load(g_, row) for s, row in zip(sums, self.rows, strict=True)]

            return k.loop(0, k.load_word(entry, 16), k.vector, sums, step)

        return k.loop(first, behind, 1, sums, run)

    def store(self, sums: Sequence[Value]) -> None:
        k = self.k
        for first in range(0, BIASES, k.lanes):
            total = lanes_summed(k, sums[first : first + k.lanes])
            there = k.below(self.all - self.output - first, total.lanes)
            k.store(total, k.gb, (self.output + first) * k.bytes, mask=there)
            _note(k, [total])


def lanes_summed(k: Builder, vectors: Sequence[Value]) -> Value:
    """The sums of the lanes of some vectors, as one vector; what it has more repeats the last."""
    count = 2
    while count < len(vectors):
        count *= 2
    left = [*vectors, *[vectors[-1]] * (count - len(vectors))]
    while len(left) > 1:
        left = [_neighbours(k, a, b) for a, b in zip(left[::2], left[1::2], strict=True)]
    [total] = left
    while total.lanes > count:
        total = k.shuffle(total, total, range(0, total.lanes, 2)) + k.shuffle(total, total, range(1, total.lanes, 2))
    return total


def _neighbours(k: Builder, a: Value, b: Value) -> Value:
    """The sums of two lanes side by side each, those of b behind those of a."""
    return k.shuffle(a, b, range(0, 2 * k.lanes, 2)) + k.shuffle(a, b, range(1, 2 * k.lanes, 2))


def _note(k: Builder, totals: Sequence[Value]) -> None:
    seen = unseen(k, totals[0].lanes)
    for total in totals:
        seen = watched(k, seen, total)
    note(k, seen, k.flag)


@kernel(
    "x g gw gb offsets runs bands sums flag",
    "groups outputs pairs tiles wide across x_group g_group g_channel parts",
    passes=False,
)
def weights(k: Builder, dtype: str, many: int, pairs: int, banded: bool) -> None:
    """An item is a tile; those of gB come last. `bands` has the first run of each, and the number of all."""
    most = max(many * pairs, BIASES)
    of_matrix = k.groups * k.tiles * k.wide

    def each(body: Callable[[Value, _Tile | _Bias, int], None]) -> None:
        def item(i: Value) -> None:
            k.either(
                i < of_matrix,
                lambda: body(i, _Tile(k, i, many, pairs), many * pairs),
                lambda: body(i, _Bias(k, i - of_matrix), BIASES),
            )

        k.loop(k.first, k.behind, 1, [], item)

    def kept(i: Value, place: int) -> Value:
        return k.at(k.sums, i * (most * k.vector) + place * k.vector)

    def band(number: Value) -> None:
        first, behind = k.load_word(k.bands, number * 8), k.load_word(k.bands, number * 8 + 8)

        def add(i: Value, tile: _Tile | _Bias, count: int) -> None:
            sums = tile.over(first, behind, [k.load(kept(i, place)) for place in range(count)])
            for place, value in enumerate(sums):
                k.store(value, kept(i, place))

        each(add)

    def clear(i: Value, tile: _Tile | _Bias, count: int) -> None:
        for place in range(count):
            k.store(k.splat(0.0), kept(i, place))

    if banded:
        each(clear)
        k.loop(0, k.parts, 1, [], band)
        each(lambda i, tile, count: tile.store([k.load(kept(i, place)) for place in range(count)]))
    else:
        behind = k.load_word(k.bands, k.parts * 8)
        each(lambda i, tile, count: tile.store(tile.over(k.word(0), behind, [k.splat(0.0)] * count)))
