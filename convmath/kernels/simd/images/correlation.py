"""Σ_{c,t} W[o,c,t] · X[c, position + offset of t]: convolutions, linear layers, and both by their input.

A tile holds some outputs at one position, for some vectors of images; each vector that is loaded is multiplied by a
weight of each output. What differs is in the tables: by the input, the taps of a position are those that exist. An
output is summed over the taps in their order, and over the channels within each.
"""

from __future__ import annotations

from collections.abc import Callable

from ..builder import Builder, Value
from ..compile import kernel
from ..host import host
from ..watch import note, unseen
from .greatest import greatest
from .layout import Lanes
from .tables import PLACE, TAP
from .tails import expect, finish

__all__ = ["correlate", "correlate_pooled", "outputs_of"]

MOST_OUTPUTS = 12  # of a tile: each has an address of its own

POINTERS = "x w b y z fixed taps places"
SIZES = "reads x_channel w_in w_out y_channel outputs tiles groups x_group w_group row"


def outputs_of(outputs: int, lanes: Lanes) -> int:
    """How many outputs a tile takes, so that little is computed in vain."""
    most = max(1, min(MOST_OUTPUTS, (host().registers - lanes.together - 2) // lanes.together))

    def cost(each: int) -> float:
        return -(-outputs // each) * (each * lanes.together + 0.25 * (each + lanes.together))

    return min(range(1, min(most, outputs) + 1), key=cost)


class _Tile:
    """Where an item is: a position, a group, and the first output of its tile."""

    def __init__(self, k: Builder, item: Value, many: int, biased: bool):
        self.k, self.many = k, many
        self.place, rest = item // (k.groups * k.tiles), item % (k.groups * k.tiles)
        group, self.first = rest // k.tiles, rest % k.tiles * many
        self.channel = group * k.outputs + self.first
        self.x, self.w = k.at(k.x, group * k.x_group), k.at(k.w, group * k.w_group)
        # outputs that are not there are computed from the last one's weights, and not stored
        own = [k.least_of(self.first + o, k.outputs - 1) for o in range(many)]
        self.rows = [o * k.w_out for o in own]
        nothing = k.splat(0.0)
        self.shift = [
            k.splat(k.load_number(k.b, (group * k.outputs + o) * k.bytes)) if biased else nothing for o in own
        ]

    def sums(self, place: Value, images: Value, together: int) -> list[Value]:
        """The outputs at a position, for the vectors that begin with these images: output by output."""
        k, many = self.k, self.many
        entry = k.at(k.places, place * PLACE)
        x = k.at(self.x, k.load_word(entry) + images)

        def tap(e: Value, *sums: Value) -> list[Value]:
            offset = k.at(k.taps, e * TAP)
            read, weight = k.at(x, k.load_word(offset)), k.at(self.w, k.load_word(offset, 8))

            def channel(c: Value, *sums: Value) -> list[Value]:
                from_, by = k.at(read, c * k.x_channel), k.at(weight, c * k.w_in)
                vectors = [k.load(from_, place * k.vector) for place in range(together)]
                found = []
                for o in range(many):
                    factor = k.splat(k.load_number(by, self.rows[o]))
                    own = sums[o * together : (o + 1) * together]
                    found += [k.multiply_add(factor, v, s) for v, s in zip(vectors, own, strict=True)]
                return found

            return k.loop(0, k.reads, 1, sums, channel)

        begin = [shift for shift in self.shift for _ in range(together)]
        return k.loop(k.load_word(entry, 8), k.load_word(entry, 16), 1, begin, tap)

    def each(self, target: Value, store: Callable[[int, Value], None]) -> None:
        """store(output of the tile, where its row lies) for the outputs that are there."""
        k = self.k
        for o in range(self.many):
            where = target + (self.channel + o) * k.y_channel
            k.when(self.first + o < k.outputs, lambda o=o, where=where: store(o, where))


@kernel(POINTERS, SIZES, passes=False)
def correlate(
    k: Builder, dtype: str, many: int, together: int, biased: bool, tail: str, name: str, numbers: int
) -> None:
    """An item is a tile of outputs at a position, all images."""

    def item(i: Value) -> None:
        tile = _Tile(k, i, many, biased)

        def images(v: Value) -> None:
            target = k.load_word(k.places, tile.place * PLACE + 24) + v
            tile.each(target, lambda _, where: expect(k, tail, where, together * k.vector))
            sums = tile.sums(tile.place, v, together)

            def store(o: int, where: Value) -> None:
                for place in range(together):
                    finish(k, tail, name, numbers, sums[o * together + place], where + place * k.vector)

            tile.each(target, store)

        k.loop(0, k.row, together * k.vector, [], images)

    k.loop(k.first, k.behind, 1, [], item)


@kernel(f"{POINTERS} chosen flag", SIZES, "room", passes=False)
def correlate_pooled(
    k: Builder, dtype: str, many: int, together: int, biased: bool, tail: str, name: str, numbers: int, window: int
) -> None:
    """The same, and of `window` positions behind one another the greatest, with the number of the first that is it."""
    size = many * together * k.vector

    def item(i: Value) -> None:
        tile = _Tile(k, i, many, biased)
        begin = tile.place * window

        def images(v: Value) -> None:
            def member(q: Value) -> None:
                for place, value in enumerate(tile.sums(begin + q, v, together)):
                    k.store(value, k.room, q * size + place * k.vector)

            def store(o: int, where: Value) -> None:
                seen = unseen(k)
                for place in range(together):
                    own = (o * together + place) * k.vector
                    members = [k.load(k.room, q * size + own) for q in range(window)]
                    best = greatest(k, members, tail, name, numbers)
                    best.store(where + place * k.vector)
                    seen = seen | best.strange
                note(k, seen, k.flag)

            k.loop(0, window, 1, [], member)
            tile.each(k.load_word(k.places, begin * PLACE + 24) + v, store)

        k.loop(0, k.row, together * k.vector, [], images)

    k.loop(k.first, k.behind, 1, [], item)
