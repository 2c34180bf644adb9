"""The gradient by the weight with pixels in the lanes: tiles of output channels × taps, each a dot product.

    acc[channel][tap] += gy[channel][position] · x[offset of the tap + position]

Input and cotangent lie in scratch memory on one plane; the cotangent is 0 between its rows, so flat positions need no
mask. Right for few output channels, which would not fill the vectors of `channels_weight`. The sum over lanes depends
on their number: a kernel for the same bits everywhere this is not. As there, the parts of a batch depend on sizes
alone.
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
from .memory import aligned
from .plane import ROOM, Plane, pack

__all__ = ["Plan", "plan", "run_weight"]

FLOPS = 120e9  # multiplications and additions a second, about: only to see what is worth sharing
PARTS = 8  # of a batch at most
TOTALS = 2**24  # bytes that the sums of all parts may take
ITEM = (
    5  # words: the first image, the one behind the last, the channels' offsets in x and in gy, the offset of the sums
)


@kernel(
    "x gy sums offsets rows cotangent_rows items",
    "channels channel packed rows_in length phase image outputs out_channel packed_out rows_out out_length out_image "
    "vectors at_once slot out_slot channel_tiles tap_tiles row scratch_bytes",
    "scratch cotangents",
)
def dot(k: Builder, dtype: str, channels: int, taps: int, step: int) -> None:
    """Tiles of `channels` × `taps`, over as many images at once as are together in the cache."""

    def item(i: Value) -> None:
        first, behind, x, gy, sums = (k.load_word(k.at(k.items, i * (8 * ITEM)), 8 * place) for place in range(ITEM))
        total, zero = k.at(k.sums, sums), k.word(0)
        # what lies behind the rows is multiplied by zeros, so it must be numbers
        k.loop(0, k.scratch_bytes, k.vector, [], lambda at: k.store(k.splat(0.0), k.scratch, at))

        def images(n: Value) -> None:
            count = k.least_of(k.at_once, behind - n)

            def lay(j: Value) -> None:
                source, into = k.at(k.x, x + (n + j) * k.image), k.at(k.scratch, j * k.slot)
                pack(k, source, into, k.channels, k.channel, k.packed, k.rows, zero, k.rows_in, k.length, k.phase, step)
                source, into = k.at(k.gy, gy + (n + j) * k.out_image), k.at(k.cotangents, j * k.out_slot)
                pack(
                    k, source, into, k.outputs, k.out_channel, k.packed_out, k.cotangent_rows,
                    zero, k.rows_out, k.out_length, zero, 1,
                )  # fmt: skip

            k.loop(0, count, 1, [], lay)
            k.loop(
                0, k.tap_tiles, 1, [], lambda t: k.loop(0, k.channel_tiles, 1, [], lambda c: tile(t, c, count)) and None
            )

        def tile(t: Value, c: Value, count: Value) -> None:
            begins = [k.load_word(k.offsets, (t * taps + i) * 8) for i in range(taps)]
            lines = k.at(k.cotangents, c * k.packed_out * channels)

            def image(j: Value, *now: Value) -> list[Value]:
                here = k.at(k.scratch, j * k.slot)
                inputs = [k.at(here, begin) for begin in begins]
                cotangents = [k.at(k.at(lines, j * k.out_slot), k.packed_out * i) for i in range(channels)]

                def vector(v: Value, *now: Value) -> list[Value]:
                    found, at = list(now), v * k.vector
                    each = [k.load(line, at) for line in cotangents]
                    for i in range(taps):
                        value = k.load(inputs[i], at)
                        for o in range(channels):
                            found[o * taps + i] = k.multiply_add(each[o], value, found[o * taps + i])
                    return found

                return k.loop(0, k.vectors, 1, now, vector)

            found = k.loop(0, count, 1, [k.splat(0.0)] * (channels * taps), image)
            for o in range(channels):
                line = k.at(total, (c * channels + o) * k.row + t * (taps * k.bytes))
                for i in range(taps):
                    so_far = k.load_number(line, i * k.bytes)
                    k.store(so_far + k.sum_of_lanes(found[o * taps + i]), line, i * k.bytes)

        k.loop(first, behind, k.at_once, [], images)

    k.loop(k.first, k.behind, 1, [], item)


def tile(outputs: int, taps: int, vectors: int, together: int) -> tuple[float, int, int]:
    """The fewest cycles an image, and the channels and taps of the tiles that take them."""
    best = (math.inf, 1, 1)
    for channels, each in product(range(1, 9), range(1, 13)):
        if channels * each + channels + 1 > host().registers:
            continue
        one = (
            vectors * (max(channels * each / 2, (channels + 2 * each) / 2, 4.0) + 0.5) + 8 * channels * each / together
        )
        best = min(best, (-(-outputs // channels) * -(-taps // each) * one, channels, each))
    return best


class Plan:
    """The gradient by the weight at given sizes."""

    def __init__(
        self, dtype: str, batch: int, channels: int, sizes: tuple[int, ...], outputs: int,
        windows: tuple[Window, ...], counts: tuple[int, ...], groups: int,
    ):  # fmt: skip
        size, lanes = BYTES[dtype], host().vector // BYTES[dtype]
        reads, makes = channels // groups, outputs // groups
        plane = Plane(sizes, windows, counts, max(1, counts[0]), size, lanes)
        # as many rows of zeros behind as a vector can reach
        inner = plane.shape[1:]
        extents = (counts[0] + -(-lanes // max(1, math.prod(inner))), *inner)
        laid = tuple(Window(1, after=n - m) for n, m in zip(extents, counts, strict=True))
        out_plane = Plane(counts, laid, extents, max(1, extents[0]), size, lanes)
        vectors = -(-plane.flat // lanes)
        taps = (plane.channel * np.arange(reads)[:, None] + plane.taps).reshape(-1)
        near = max(1, min(batch, 64 // max(1, vectors)))
        cycles, self.channels, each = tile(makes, len(taps), vectors, near)
        channel_tiles, tap_tiles = -(-makes // self.channels), -(-len(taps) // each)
        self.kernel = partial(dot, dtype, self.channels, each, plane.phases[-1])
        # what fills up the last tile reads the last tap again, and is not used
        self.offsets = size * np.pad(taps, (0, tap_tiles * each - len(taps)), mode="edge")
        self.rows, self.out_rows = plane.rows(0), out_plane.rows(0)
        slot = -(-(reads * plane.channel + (vectors + 2) * lanes) // lanes) * lanes
        out_slot = channel_tiles * self.channels * out_plane.channel + lanes
        together = max(1, min(near, ROOM // ((slot + out_slot) * size)))
        self.shape = (groups, channel_tiles * self.channels, tap_tiles * each)
        self.parts = max(1, min(PARTS, batch, TOTALS // max(1, math.prod(self.shape) * size)))
        self.used = (makes, len(taps), reads, tuple(w.kernel for w in windows))
        in_size, out_size, step = math.prod(sizes), math.prod(counts), -(-batch // self.parts)
        part, g = (grid.reshape(-1) for grid in np.meshgrid(range(self.parts), range(groups), indexing="ij"))
        columns = (
            np.minimum(part * step, batch),
            np.minimum((part + 1) * step, batch),
            g * (reads * in_size * size),
            g * (makes * out_size * size),
            (part * groups + g) * (math.prod(self.shape[1:]) * size),
        )
        self.items = np.stack(columns, -1).astype(np.int64)
        self.dtype, self.own = np.dtype(dtype), (together * slot * size, together * out_slot * size)
        self.words = words(
            *(self.offsets, self.rows, self.out_rows, self.items),
            *(reads, in_size * size, plane.channel * size, len(self.rows), plane.shape[-1], plane.phase * size),
            *(channels * in_size * size, makes, out_size * size, out_plane.channel * size, len(self.out_rows)),
            *(extents[-1], outputs * out_size * size, vectors, together, slot * size, out_slot * size),
            *(channel_tiles, tap_tiles, self.shape[2] * size, together * slot * size),
        )
        self.cycles = batch * groups * (cycles + 2 * (reads * plane.channel + makes * out_plane.channel) / lanes)
        self.seconds = 2 * batch * groups * math.prod(self.shape[1:]) * vectors * lanes / FLOPS


plan = lru_cache(512)(Plan)


def run_weight(plan: Plan, gy: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, bool]:
    """The gradient, and whether all of it is finite."""
    sums = aligned(plan.parts * math.prod(plan.shape), plan.dtype)
    sums.fill(0)
    block = words(x, gy, sums, then=plan.words)
    workers.run(plan.kernel(), block, len(plan.items), plan.own, plan.seconds)
    found = sums.reshape(plan.parts, *plan.shape).sum(0)
    makes, taps, reads, kernels = plan.used
    gw = np.ascontiguousarray(found[:, :makes, :taps]).reshape(-1, reads, *kernels)
    return gw, bool(np.isfinite(gw).all())
