"""The gradient by a 3×3 weight by F(3, m): its nine taps are the outputs, and tiles of m×m cotangents the kernel.

    gW = Aᵀ[Σ (G gy Gᵀ) ⊙ (B d Bᵀ)]A, summed over all tiles before A is applied

At each point the sum over tiles is a matrix product, (channels × tiles) times (tiles × channels made). Its parts are
as in `channels_weight`: some images, or some rows of tiles of one. Where it is so large that there is one part alone,
the channels that are read are cut into blocks, each of which transforms the cotangents again.
"""

from __future__ import annotations

import math
from functools import lru_cache, partial
from itertools import product

import numpy as np

from convmath.kernels.toom_cook import ToomCook, toom_cook
from convmath.kernels.winograd import TAPS, matrices, plain
from convmath.window import Window

from . import workers
from .builder import BYTES, Builder, Value, words
from .channels_weight import TOTALS, shared_out
from .compile import kernel
from .host import host
from .laying import SPEED, TAKEN_BACK, taken_back
from .memory import aligned
from .plane import parts
from .transform import both_sides
from .winograd import FLOPS, NEAR, innermost, transform_tiles

__all__ = ["Plan", "plan", "run_weight"]

BLOCK = 64  # channels that are read, for which transforming the cotangents takes little
ITEM = 5  # words: its first step, the one behind its last; the channels' offsets in x and gy; the offset of the sums
STEP = 6  # words: offsets of the image in x and gy; images; the first row of tiles, rows of tiles; 0


def turned(m: int) -> ToomCook:
    """F(3, m) at the points of F(m, 3)."""
    return toom_cook(TAPS, m, matrices(m).points)


@kernel(
    "x gy sums items steps",
    "height width out_height out_width before_row before_column length columns plane out_plane image out_image tiles",
    "scratch cotangents transformed transformed_cotangents",
    passes=False,
)
def tiles(k: Builder, dtype: str, m: int, count: int, vectors: int, channels: int, makes: int) -> None:
    """Tiles of `count` channels that are read × `vectors` of those that are made, of `channels` and `makes` in all."""
    f = turned(m)
    points, rest = len(f.points) ** 2, channels % count
    pixel, out_pixel = channels * k.bytes, makes * k.bytes
    arranged = k.subroutine("innermost", "pipiiiiiiii", partial(innermost, k))

    def tile(v: Value, g: Value, sums: Value, c: Value, all_tiles: Value, rows: int) -> None:
        def made(o: Value) -> None:
            lines = [k.at(sums, ((c + i) * makes + o) * k.bytes) for i in range(rows)]

            def one(t: Value, *now: Value) -> list[Value]:
                found = list(now)
                at, row = k.at(v, (t * channels + c) * k.bytes), k.at(g, (t * makes + o) * k.bytes)
                each = [k.load(row, j * k.vector) for j in range(vectors)]
                for i in range(rows):
                    x = k.splat(k.load_number(at, i * k.bytes))
                    for j in range(vectors):
                        found[i * vectors + j] = k.multiply_add(x, each[j], found[i * vectors + j])
                return found

            kept = [k.load(line, j * k.vector) for line in lines for j in range(vectors)]
            kept = k.loop(0, all_tiles, 1, kept, one)
            for place, total in enumerate(kept):
                k.store(total, lines[place // vectors], place % vectors * k.vector)

        k.loop(0, makes, vectors * k.lanes, [], made)

    def item(i: Value) -> None:
        at = [k.load_word(k.at(k.items, i * (8 * ITEM)), 8 * place) for place in range(ITEM)]
        total = k.at(k.sums, at[4])
        k.loop(0, points * channels * out_pixel, k.vector, [], lambda place: k.store(k.splat(0.0), total, place))

        def step(s: Value) -> None:
            told = [k.load_word(k.at(k.steps, s * (8 * STEP)), 8 * place) for place in range(STEP)]
            x, gy = k.at(k.x, at[2] + told[0]), k.at(k.gy, at[3] + told[1])
            images, first, rows = told[2], told[3], told[4]
            each, zero = rows * k.columns, k.word(0)
            point, out_point = k.tiles * pixel, k.tiles * out_pixel
            width = k.columns * m

            def lay(j: Value) -> None:
                arranged(
                    k.at(x, j * k.image), k.plane, k.scratch, k.word(channels), k.height, k.width,
                    k.before_row, k.before_column, first * m, rows * m + (TAPS - 1), k.length,
                )  # fmt: skip
                into = k.at(k.transformed, j * each * pixel)
                transform_tiles(k, f.B, k.scratch, k.length, into, point, channels, m, rows, k.columns)
                arranged(
                    k.at(gy, j * k.out_image), k.out_plane, k.cotangents, k.word(makes), k.out_height, k.out_width,
                    zero, zero, first * m, rows * m, width,
                )  # fmt: skip
                into = k.at(k.transformed_cotangents, j * each * out_pixel)
                transform_tiles(k, f.G, k.cotangents, width, into, out_point, makes, m, rows, k.columns)

            k.loop(0, images, 1, [], lay)
            all_tiles = images * each

            def one(p: Value) -> None:
                v, g = k.at(k.transformed, p * point), k.at(k.transformed_cotangents, p * out_point)
                sums = k.at(total, p * (channels * out_pixel))
                k.loop(0, channels - rest, count, [], lambda c: tile(v, g, sums, c, all_tiles, count))
                if rest:
                    tile(v, g, sums, k.word(channels - rest), all_tiles, rest)

            k.loop(0, points, 1, [], one)

        k.loop(at[0], at[1], 1, [], step)

    k.loop(k.first, k.behind, 1, [], item)


@kernel("sums back", "parts part channels makes", passes=False)
def transform_back(k: Builder, dtype: str, m: int) -> None:
    """Aᵀ M A: sums (part, group, point, channel, made) into (group, channel, tap, made); an item is a channel."""
    f = turned(m)
    size = len(f.points)
    back = tuple(zip(*f.A, strict=True))

    def item(i: Value) -> None:
        g, c = i // k.channels, i % k.channels
        first = k.at(k.sums, (g * k.channels * (size * size) + c) * k.makes * k.bytes)
        into = k.at(k.back, i * k.makes * (TAPS * TAPS * k.bytes))

        def made(o: Value) -> None:
            places = [k.at(first, (k.channels * k.makes * place + o) * k.bytes) for place in range(size * size)]

            def add(p: Value, *so_far: Value) -> list[Value]:
                return [s + k.load(place, p * k.part) for s, place in zip(so_far, places, strict=True)]

            totals = k.loop(1, k.parts, 1, [k.load(place) for place in places], add)
            found = both_sides(k, back, lambda a, b: totals[a * size + b])
            for place, value in enumerate(value for row in found for value in row):
                k.store(value, k.at(into, (k.makes * place + o) * k.bytes))

        k.loop(0, k.makes, k.lanes, [], made)

    k.loop(k.first, k.behind, 1, [], item)


def tile(channels: int, vectors: int) -> tuple[int, int]:
    """The channels that are read, and vectors of those that are made, of the tiles that take the fewest cycles."""
    best = (math.inf, 1, 1)
    for wide, count in product(range(1, 5), range(1, min(channels, 28) + 1)):
        if vectors % wide or count * wide + wide + 1 > host().registers:
            continue

        def cycles(count: int, wide: int = wide) -> float:
            return max(count * wide / 2, (count + wide) / 2, 4.0) + 0.5 if count else 0

        best = min(
            best, (vectors // wide * (channels // count * cycles(count) + cycles(channels % count)), count, wide)
        )
    return best[1:]


class Plan:
    """The gradient by the weight at given sizes by F(3, m)."""

    def __init__(
        self, dtype: str, batch: int, channels: int, sizes: tuple[int, ...], outputs: int,
        windows: tuple[Window, ...], counts: tuple[int, ...], groups: int, m: int,
    ):  # fmt: skip
        size, points = BYTES[dtype], len(turned(m).points) ** 2
        lanes = host().vector // size
        reads, makes = channels // groups, outputs // groups
        rows, columns = (-(-n // m) for n in counts)
        work = points * rows * columns * batch * groups * reads * makes
        self.seconds, totals = 2 * work / FLOPS, TOTALS // (groups * points * reads * makes * size)
        images, cuts = shared_out(batch, groups, self.seconds, totals, batch * rows * columns)
        self.parts, per = images * cuts, -(-batch // images)
        wanted = min(parts(self.seconds, self.parts * groups), reads // BLOCK)
        blocks = max((n for n in range(1, wanted + 1) if reads % (n * lanes) == 0), default=1)
        read = reads // blocks
        most = max(24, 2 * NEAR // (points * (reads + makes) * size))
        if rows * columns <= most:
            together, band = max(1, min(per, most // (rows * columns))), rows
        else:
            together, band = 1, max(1, most // columns)
            band = -(-rows // -(-rows // band))
        band = min(band, -(-rows // cuts))
        count, vectors = tile(read, makes // lanes)
        self.dtype, self.m = np.dtype(dtype), m
        self.shape = self.parts, groups * blocks, points, read, makes
        self.weights = groups, makes, reads
        self.kernel = partial(tiles, dtype, m, count, vectors, read, makes)
        self.back = partial(transform_back, dtype, m)
        plane, out_plane = math.prod(sizes) * size, math.prod(counts) * size
        steps, ends = [], [0]
        bands = range(0, rows, band)
        each = -(-len(bands) // cuts)
        for image, cut in product(range(images), range(cuts)):
            first, behind = min(image * per, batch), min((image + 1) * per, batch)
            steps += [
                (n * channels * plane, n * outputs * out_plane, min(together, behind - n), ty, min(band, rows - ty), 0)
                for n, ty in product(range(first, behind, together), bands[cut * each : (cut + 1) * each])
            ]
            ends.append(len(steps))
        self.steps = np.array(steps, np.int64)
        self.items = np.array([
            (
                ends[part], ends[part + 1], block * read * plane, block // blocks * makes * out_plane,
                (part * groups * blocks + block) * points * read * makes * size,
            )
            for part, block in product(range(self.parts), range(groups * blocks))
        ], np.int64)  # fmt: skip
        length = max(columns * m + TAPS - 1, windows[1].before + sizes[1])
        all_tiles = together * band * columns | 1  # odd, so that the points don't share lines of the cache
        self.numbers = (
            *sizes, *counts, windows[0].before, windows[1].before, length, columns, plane, out_plane,
            channels * plane, outputs * out_plane, all_tiles,
        )  # fmt: skip
        wide = max(columns * m, counts[1])
        self.own = tuple(size * elements for elements in (
            ((band * m + TAPS - 1) * length + lanes) * read, (band * m * wide + lanes) * makes,
            points * all_tiles * read + lanes, points * all_tiles * makes + lanes,
        ))  # fmt: skip
        summed = groups * reads * makes * TAKEN_BACK * (self.parts * points + 2 * TAPS * TAPS)
        moved = points * rows * columns * batch * groups * (reads + makes) * 3.5
        self.cycles = (work / 2 * 1.1 + moved + summed) / lanes


@lru_cache(512)
def plan(
    dtype: str, batch: int, channels: int, sizes: tuple[int, ...], outputs: int,
    windows: tuple[Window, ...], counts: tuple[int, ...], groups: int, *, m: int = 2,
) -> Plan | None:  # fmt: skip
    """None where this is no way to compute it."""
    lanes = host().vector // BYTES[dtype]
    if not plain(windows) or channels // groups % lanes or outputs // groups % lanes or min(counts) < 4:
        return None
    return Plan(dtype, batch, channels, sizes, outputs, windows, counts, groups, m)


def run_weight(plan: Plan, gy: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, bool]:
    """The gradient, and whether all of it is finite."""
    sums, (groups, makes, reads) = aligned(math.prod(plan.shape), plan.dtype), plan.weights
    block = words(x, gy, sums, plan.items, plan.steps, *plan.numbers)
    workers.run(plan.kernel(), block, len(plan.items), plan.own, plan.seconds)
    parts_, blocks, _, read, _ = plan.shape
    back = aligned(groups * reads * TAPS * TAPS * makes, plan.dtype)
    block = words(sums, back, parts_, sums.nbytes // parts_, read, makes)
    workers.run(plan.back(), block, blocks * read, seconds=sums.nbytes / SPEED)
    return taken_back(back.reshape(1, groups, -1, makes), (groups * makes, reads, TAPS, TAPS))
