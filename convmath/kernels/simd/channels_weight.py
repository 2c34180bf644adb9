"""The gradient by the weight with output channels in the lanes: tiles of taps × vectors of channels.

    acc[tap][channels] += x[offset of the tap + stride·position] · gy[position][channels]

The cotangent is laid out once for each image with its channels innermost. Each weight is a sum over positions row by
row, image by image, within one of a few *parts*: some images, or some rows of one where there are few; the parts are
added at the end. They depend on the sizes alone, so that the sums do not depend on how many threads there are.
"""

from __future__ import annotations

import math
from functools import lru_cache, partial
from itertools import product

import numpy as np

from convmath.window import Window

from . import workers
from .builder import BYTES, Builder, Value, words
from .compile import kernel
from .host import host
from .lanes import turn
from .laying import TAKEN_BACK, taken_back
from .memory import aligned
from .plane import ROOM, Plane, pack, parts, positions, strides, widest_band

__all__ = ["TOTALS", "Plan", "plan", "run_weight", "shared_out"]

FLOPS = 120e9  # multiplications and additions a second, about: only to see what is worth sharing
PARTS = 8  # at most, which are summed by themselves
BLOCKS = 8  # of taps at most, where there may be one part alone
AGAIN = 2  # the same elsewhere: each lays out the cotangent again
FEW = 256  # terms of a sum, about, that take no longer than a part of its own
TOTALS = 2**24  # bytes that the sums of all parts may take
ITEM = 9  # words: images from, to; the channels' offsets in x and in gy, that of the sums; taps and bands from, to
BAND = 7  # words: rows to pack; offsets of the band in x and gy; its positions, rows, and positions of a row


@kernel(
    "x gy sums offsets rows items begins bands",
    "channels channel packed length image outputs wide gy_image gy_channel taps copied",
    "scratch turned",
    passes=False,
)
def sum_over_pixels(k: Builder, dtype: str, count: int, vectors: int, rest: int, stride: int) -> None:
    """Tiles of `count` taps × `vectors` of output channels, and one of `rest` taps."""
    across = k.wide * k.bytes  # bytes from one position of the turned cotangent to the next

    def lay_out(gy: Value, positions: Value) -> None:
        """gy[channel][position] as turned[position][channel]; the last channel fills up the vectors."""

        def channels(c: Value) -> None:
            lines = [k.at(gy, k.least_of(c + i, k.outputs - 1) * k.gy_channel) for i in range(k.lanes)]
            turn(k, lines, positions, k.at(k.turned, c * k.bytes), across)

        k.loop(0, k.wide, k.lanes, [], channels)

    def tile(source: Value, first: Value, sums: Value, lines: Value, width: Value, taps: int) -> None:
        begins = [k.at(source, k.load_word(k.offsets, (first + i) * 8)) for i in range(taps)]

        def channels(c: Value) -> None:
            cotangents = k.at(k.turned, c * k.bytes)

            def row(r: Value, *now: Value) -> list[Value]:
                begin, line = k.load_word(k.begins, r * 8), k.at(cotangents, r * width * across)

                def pixel(p: Value, *now: Value) -> list[Value]:
                    found, at = list(now), begin + p * (stride * k.bytes)
                    each = [k.load(k.at(line, p * across), j * k.vector) for j in range(vectors)]
                    for i in range(taps):
                        x = k.splat(k.load_number(begins[i], at))
                        for j in range(vectors):
                            found[i * vectors + j] = k.multiply_add(x, each[j], found[i * vectors + j])
                    return found

                return k.loop(0, width, 1, now, pixel)

            here = [k.at(sums, (first + i) * across + c * k.bytes) for i in range(taps)]
            kept = [k.load(place, j * k.vector) for place in here for j in range(vectors)]
            kept = k.loop(0, lines, 1, kept, row)
            for i, place in enumerate(here):
                for j in range(vectors):
                    k.store(kept[i * vectors + j], place, j * k.vector)

        k.loop(0, k.wide, vectors * k.lanes, [], channels)

    def item(i: Value) -> None:
        at = [k.load_word(k.at(k.items, i * (8 * ITEM)), 8 * place) for place in range(ITEM)]
        first, behind, x, gy = at[:4]
        total = k.at(k.sums, at[4])
        k.loop(at[5] * across, at[6] * across, k.vector, [], lambda place: k.store(k.splat(0.0), total, place))

        def band(n: Value, b: Value) -> None:
            told = [k.load_word(k.at(k.bands, b * (8 * BAND)), 8 * place) for place in range(BAND)]
            own = k.at(k.at(k.x, x + n * k.image), told[2])
            packed = k.copied > 0

            def copy() -> None:
                one = k.word(0)
                pack(k, own, k.scratch, k.channels, k.channel, k.packed, k.rows, told[0], told[1], k.length, one, 1)

            k.when(packed, copy)
            source = k.select(packed, k.scratch, own)
            lay_out(k.at(k.at(k.gy, gy + n * k.gy_image), told[3]), told[4])
            whole = k.taps - rest
            last = k.least_of(at[6], whole)
            k.loop(at[5], last, count, [], lambda t: tile(source, t, total, told[5], told[6], count))
            if rest:
                k.when(at[6] > whole, lambda: tile(source, whole, total, told[5], told[6], rest))

        def image(n: Value) -> None:
            k.loop(at[7], at[8], 1, [], lambda b: band(n, b))

        k.loop(first, behind, 1, [], image)

    k.loop(k.first, k.behind, 1, [], item)


def shared_out(batch: int, groups: int, seconds: float, most: int, terms: int) -> tuple[int, int]:
    """Into how many parts a batch is cut, and each of these into bands; `most` in all, and enough terms for each.

    Parts have as many images each, but for the last.
    """
    most = max(1, min(most, terms // FEW))
    images = -(-batch // -(-batch // min(PARTS, most, batch)))
    return images, max(1, min(parts(seconds, images * groups), most // images))


def tile(taps: int, vectors: int) -> tuple[float, int, int]:
    """The fewest cycles a position, and the taps and vectors of the tiles that take them."""
    best = (math.inf, 1, 1)
    for wide, count in product(range(1, 5), range(1, min(taps, 28) + 1)):
        if vectors % wide or count * wide + wide + 1 > host().registers:
            continue

        def cycles(count: int, wide: int = wide) -> float:
            return max(count * wide / 2, (count + 2 * wide + 1) / 2, 4.0) + 0.5 if count else 0

        best = min(best, (vectors // wide * (taps // count * cycles(count) + cycles(taps % count)), count, wide))
    return best


class Plan:
    """The gradient by the weight at given sizes."""

    def __init__(
        self, dtype: str, batch: int, channels: int, sizes: tuple[int, ...], outputs: int,
        windows: tuple[Window, ...], counts: tuple[int, ...], groups: int, *, exact: bool,
    ):  # fmt: skip
        size, lanes = BYTES[dtype], host().vector // BYTES[dtype]
        reads, makes = channels // groups, outputs // groups
        kernels = tuple(w.kernel for w in windows)
        padded = any(w.before or w.after for w in windows)
        wide, behind = -(-makes // lanes) * lanes, math.prod(counts[1:])
        weights = groups * wide * reads * math.prod(kernels)
        self.seconds = 2 * batch * weights * math.prod(counts) / FLOPS
        # one part where sums have to have one order; then, and where parts are not worth it, taps are shared out
        most = 1 if exact else TOTALS // max(1, weights * size)
        images, cuts = shared_out(batch, groups, self.seconds, most, batch * math.prod(counts))
        band = max(1, min(widest_band(windows, counts, reads, size, cuts), ROOM // max(1, behind * wide * size)))
        plane = Plane(sizes, windows, counts, band, size, lanes, split=False)
        shape = plane.shape if padded else sizes
        far = strides(shape)
        taps = positions(kernels, [w.dilation * f for w, f in zip(windows, far, strict=True)])
        channel = plane.channel if padded else math.prod(sizes)
        self.offsets = size * np.add.outer(channel * np.arange(reads), taps).reshape(-1)
        steps = [w.stride * f for w, f in zip(windows, far, strict=True)]
        inner = (min(band, counts[0]), *counts[1:])[:-1]
        self.begins = size * positions(inner, steps[:-1])
        packed = [plane.rows(first) if padded else np.zeros((0, 4), np.int64) for first in plane.bands]
        ends, each = np.cumsum([0, *map(len, packed)]), math.prod(inner[1:])
        self.rows, self.bands = np.concatenate(packed), np.zeros((len(plane.bands), BAND), np.int64)
        for place, first in enumerate(plane.bands):
            here = min(band, counts[0] - first)
            within = 0 if padded else first * steps[0] * size
            lines, width = (here * each, counts[-1]) if inner else (1, here)
            self.bands[place] = (*ends[place : place + 2], within, first * behind * size, here * behind, lines, width)
        cycles, count, vectors = tile(len(self.offsets), wide // lanes)
        self.kernel = partial(
            sum_over_pixels, dtype, count, vectors, len(self.offsets) % count, windows[-1].stride, exact=exact
        )
        cuts = min(cuts, len(self.bands))
        self.parts = images * cuts
        tiles = -(-len(self.offsets) // count)
        blocks = BLOCKS if exact else max(1, min(AGAIN, parts(self.seconds, self.parts * groups)))
        each = count * -(-tiles // min(blocks, tiles))
        firsts = range(0, len(self.offsets), each)
        self.shape, self.kernels, self.dtype = (self.parts, groups, len(self.offsets), wide), kernels, np.dtype(dtype)
        self.makes, self.reads = makes, reads
        step, bands = -(-batch // images), -(-len(self.bands) // cuts)
        in_size, out_size = math.prod(sizes), math.prod(counts)
        grids = np.meshgrid(range(self.parts), range(groups), firsts, indexing="ij")
        part, g, tap = (grid.reshape(-1) for grid in grids)
        image, cut = part // cuts, part % cuts
        columns = (
            np.minimum(image * step, batch),
            np.minimum((image + 1) * step, batch),
            g * (reads * in_size * size),
            g * (makes * out_size * size),
            (part * groups + g) * (len(self.offsets) * wide * size),
            tap,
            np.minimum(tap + each, len(self.offsets)),
            np.minimum(cut * bands, len(self.bands)),
            np.minimum((cut + 1) * bands, len(self.bands)),
        )
        self.items = np.stack(columns, -1).astype(np.int64)
        self.own = ((reads * plane.channel + 2 * lanes) * size if padded else 0, (band * behind + lanes) * wide * size)
        self.words = words(
            *(self.offsets, self.rows, self.items, self.begins, self.bands),
            *(reads, in_size * size, channel * size, plane.shape[-1], channels * in_size * size),
            *(makes, wide, outputs * out_size * size, out_size * size, len(self.offsets), int(padded)),
        )
        # to turn lanes² elements takes lanes·log₂(lanes) shuffles, and they are loaded and stored
        turned = wide / lanes * (math.log2(lanes) + 3) / lanes
        moved = 2 * reads * plane.channel * len(plane.bands) / lanes if padded else 0
        summed = TAKEN_BACK * self.parts * weights / lanes
        self.cycles = batch * groups * (out_size * (cycles + turned) + moved) + summed


plan = lru_cache(512)(Plan)


def run_weight(plan: Plan, gy: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, bool]:
    """The gradient, and whether all of it is finite."""
    sums = aligned(math.prod(plan.shape), plan.dtype)
    block = words(x, gy, sums, then=plan.words)
    workers.run(plan.kernel(), block, len(plan.items), plan.own, plan.seconds)
    groups = plan.shape[1]
    return taken_back(sums.reshape(plan.shape), (groups * plan.makes, plan.reads, *plan.kernels))
