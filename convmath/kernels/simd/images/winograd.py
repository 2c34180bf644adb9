"""Σ_{c,t} W[o,c,t] · X[c, position + t] for 3×3 taps by F(2, 3): tiles of 2×2 outputs from 16 multiplications.

    Y = Aᵀ[Σ_c (G W Gᵀ) ⊙ (B X Bᵀ)]A

with the matrices of `kernels.toom_cook`, images in the lanes, so that what is transformed are whole vectors. At each of
the 16 points the sum over channels is a matrix product. By the input it is the same with the kernels turned. Whatever
is not finite is noted: a number may be too large on the way that is none in the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from convmath.kernels.winograd import TAPS, matrices, plain
from convmath.window import Window

from ..builder import Builder, Value
from ..compile import kernel
from ..transform import both_sides
from ..watch import note, unseen, watched
from .tails import expect, finish

__all__ = ["POINTS", "STEP", "TILE", "correlate_tiles", "fits", "is_plain", "room", "transform_weights"]

STEP = 2  # outputs of a tile, along each axis
POINTS = (STEP + TAPS - 1) ** 2
TILE = 32  # bytes of a row of tiles: where X and Y begin, the rows and columns of outputs that are there
LEAST = 24  # channels on both sides from which on it takes less time
MOST = 2**20  # bytes of scratch memory


def fits(windows: Sequence[Window], reads: int, outputs: int, block: int) -> bool:
    """Whether a convolution of so many channels is computed in this way, there and by its input."""
    return is_plain(windows) and min(reads, outputs) >= LEAST and room(reads, outputs, block) <= MOST


def is_plain(windows: Sequence[Window]) -> bool:
    """Whether the windows are 3×3, without stride and dilation, and each reads something."""
    return plain(windows) and all(max(w.before, w.after) < TAPS for w in windows)


def room(reads: int, outputs: int, block: int) -> int:
    """Bytes of the transformed input and of the products; points lie a block further apart, on other lines."""
    return POINTS * (reads + outputs + 2) * block


@kernel("w u", "reads outputs w_in w_out groups w_group u_group u_point", passes=False)
def transform_weights(k: Builder, dtype: str, many: int, turned: bool) -> None:
    """G W Gᵀ, as (point, block of outputs, channel, output of it); an item is an output of a group."""
    g, size = matrices(STEP).G, TAPS * TAPS

    def item(i: Value) -> None:
        group, o = i // k.outputs, i % k.outputs
        source, block = k.at(k.w, group * k.w_group + o * k.w_out), o // many * (k.reads * (many * k.bytes))
        target = k.at(k.u, group * k.u_group + block + o % many * k.bytes)

        def channel(c: Value) -> None:
            here, there = k.at(source, c * k.w_in), k.at(target, c * (many * k.bytes))

            def tap(i: int, j: int) -> Value:
                number = i * TAPS + j
                return k.splat(k.load_number(here, (size - 1 - number if turned else number) * k.bytes))

            found = (value for line in both_sides(k, g, tap) for value in line)
            for point, value in enumerate(found):
                k.store(k.lane(value, 0), there, k.u_point * point)

        k.loop(0, k.reads, 1, [], channel)

    k.loop(k.first, k.behind, 1, [], item)


@kernel(
    "x u b y z fixed tiles flag",
    "reads outputs blocks groups x_channel x_line x_group y_channel y_line u_group u_point row",
    "room",
    passes=False,
)
def correlate_tiles(
    k: Builder, dtype: str, many: int, together: int, biased: bool, tail: str, name: str, numbers: int
) -> None:
    """An item is a tile of a group, all channels and images."""
    f, block = matrices(STEP), together * k.vector
    vectors = range(0, block, k.vector)
    back = tuple(zip(*f.A, strict=True))
    size = len(f.points)

    def item(i: Value) -> None:
        group, entry = i % k.groups, k.at(k.tiles, i // k.groups * TILE)
        x, y, rows, columns = (k.load_word(entry, 8 * word) for word in range(4))
        input_point, point = (k.reads + 1) * block, (k.blocks * many + 1) * block
        products = k.at(k.room, input_point * POINTS)

        def transform(c: Value, images: Value) -> None:
            begin = k.at(k.x, x + group * k.x_group + c * k.x_channel + images)
            lines, there = [k.at(begin, k.x_line * i) for i in range(size)], k.at(k.room, c * block)
            for v in vectors:
                found = both_sides(k, f.B, lambda i, j, v=v: k.load(k.at(lines[i], k.row * j), v))
                for place, value in enumerate(value for line in found for value in line):
                    k.store(value, k.at(there, input_point * place), v)

        def multiply(p: Value, b: Value) -> None:
            read, by = (
                k.at(k.room, p * input_point),
                group * k.u_group + p * k.u_point + b * (k.reads * (many * k.bytes)),
            )

            def channel(c: Value, *sums: Value) -> list[Value]:
                from_, weights = k.at(read, c * block), k.at(k.u, by + c * (many * k.bytes))
                own, found = [k.load(from_, v) for v in vectors], []
                for o in range(many):
                    factor = k.splat(k.load_number(weights, o * k.bytes))
                    these = sums[o * together : (o + 1) * together]
                    found += [k.multiply_add(factor, v, s) for v, s in zip(own, these, strict=True)]
                return found

            sums = k.loop(0, k.reads, 1, [k.splat(0.0)] * (many * together), channel)
            there = k.at(products, p * point + b * (many * block))
            for place, value in enumerate(sums):
                k.store(value, there, place * k.vector)

        def output(o: Value, images: Value, seen: Value) -> Value:
            read, channel = k.at(products, o * block), group * k.outputs + o
            shift = k.splat(k.load_number(k.b, channel * k.bytes) if biased else 0.0)
            begin = y + channel * k.y_channel + images
            found = [
                both_sides(k, back, lambda i, j, v=v: k.load(k.at(read, point * (i * size + j)), v)) for v in vectors
            ]
            for i, j in product(range(STEP), repeat=2):
                values = [lines[i][j] + shift for lines in found]
                for value in values:
                    seen = watched(k, seen, value)

                def store(values: list[Value] = values, at: Value = begin + k.y_line * i + k.row * j) -> None:
                    for v, value in zip(vectors, values, strict=True):
                        finish(k, tail, name, numbers, value, at + v)

                k.when((rows > i) & (columns > j), store)
            return seen

        def expected(o: Value, images: Value) -> None:
            begin = y + (group * k.outputs + o) * k.y_channel + images
            for i, j in product(range(STEP), repeat=2):
                expect(k, tail, begin + k.y_line * i + k.row * j, block)

        def images(v: Value) -> None:
            k.loop(0, k.outputs, 1, [], lambda o: expected(o, v))
            k.loop(0, k.reads, 1, [], lambda c: transform(c, v))
            k.loop(0, POINTS, 1, [], lambda p: k.loop(0, k.blocks, 1, [], lambda b: multiply(p, b)) and None)
            [seen] = k.loop(0, k.outputs, 1, [unseen(k)], lambda o, seen: output(o, v, seen))
            note(k, seen, k.flag)

        k.loop(0, k.row, block, [], images)

    k.loop(k.first, k.behind, 1, [], item)
