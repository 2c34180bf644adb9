"""Convolution with output channels in the lanes: tiles of pixels × vectors of channels stay in registers over all taps.

    acc[pixel][channels] += x[offset of the tap + stride·pixel] · w[tap][channels]

No lane is wasted at the end of a row, and a stride needs no planes of its own. Channels must fill whole vectors. What
comes out is transposed in registers, from channels to rows of pixels. Sums are in the same order as in `pixels`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import product

import numpy as np

from convmath.window import Window

from . import workers
from .builder import BYTES, Builder, Value, words
from .compile import kernel
from .host import host
from .laying import LAID, laid
from .memory import biases, empty
from .plane import Plane, pack, parts, positions, strides, widest_band
from .watch import note, unseen, watched

__all__ = ["Plan", "forward", "run", "transposed"]

FLOPS = 150e9  # multiplications and additions a second, about: only to see what is worth sharing
ITEM = 10  # words: offsets of x, y, w, b in bytes; from and to: rows to pack, rows of the output, tiles
OUT = 4  # words of a row of the output: where its first window begins, where it goes, whole tiles, whether one is left


@kernel(
    "x y w b flag offsets rows items out",
    "channels channel packed length taps out_channel copied",
    "scratch",
)
def correlate(k: Builder, dtype: str, pixels: int, vectors: int, rest: int, stride: int) -> None:
    """Tiles of `pixels` × `vectors` of channels, and one of `rest` pixels at the end of each row."""

    def tile(x: Value, y: Value, w: Value, b: Value, count: int) -> None:
        def tap(t: Value, *sums: Value) -> list[Value]:
            found = list(sums)
            source, weights = k.at(x, k.load_word(k.offsets, t * 8)), k.at(w, t * (vectors * k.vector))
            each = [k.load(weights, j * k.vector) for j in range(vectors)]
            for i in range(count):
                pixel = k.splat(k.load_number(source, i * stride * k.bytes))
                for j in range(vectors):
                    found[i * vectors + j] = k.multiply_add(pixel, each[j], found[i * vectors + j])
            return found

        sums = k.loop(0, k.taps, 1, [k.splat(0.0)] * (count * vectors), tap)
        seen = unseen(k)
        for j in range(vectors):
            shift = k.load(b, j * k.vector)
            values = [sums[i * vectors + j] + shift for i in range(count)]
            for value in values:
                seen = watched(k, seen, value)
            _store(k, values, k.at(y, k.out_channel * (j * k.lanes)))
        note(k, seen, k.flag)

    def item(i: Value) -> None:
        at = [k.load_word(k.at(k.items, i * (8 * ITEM)), 8 * place) for place in range(ITEM)]
        x, y, w, b = (k.at(base, offset) for base, offset in zip((k.x, k.y, k.w, k.b), at[:4], strict=True))
        packed = k.copied > 0
        k.when(
            packed,
            lambda: pack(
                k, x, k.scratch, k.channels, k.channel, k.packed, k.rows, at[4], at[5], k.length, k.word(0), 1
            ),
        )
        source = k.select(packed, k.scratch, x)

        def channels(t: Value) -> None:
            weights, shift = k.at(w, t * k.taps * (vectors * k.vector)), k.at(b, t * (vectors * k.vector))
            there = k.at(y, t * k.out_channel * (vectors * k.lanes))

            def row(r: Value) -> None:
                told = [k.load_word(k.at(k.out, r * (8 * OUT)), 8 * place) for place in range(OUT)]
                begin, into, blocks = k.at(source, told[0]), k.at(there, told[1]), told[2]

                def block(p: Value) -> None:
                    first = p * (pixels * k.bytes)
                    tile(k.at(begin, first * stride), k.at(into, first), weights, shift, pixels)

                def last() -> None:
                    first = blocks * (pixels * k.bytes)
                    tile(k.at(begin, first * stride), k.at(into, first), weights, shift, rest)

                k.loop(0, blocks, 1, [], block)
                if rest:
                    k.when(told[3] > 0, last)

            k.loop(at[6], at[7], 1, [], row)

        k.loop(at[8], at[9], 1, [], channels)

    k.loop(k.first, k.behind, 1, [], item)


def _store(k: Builder, pixels: list[Value], y: Value) -> None:
    """Vectors of channels, one for each pixel, into one row of pixels for each channel."""
    for begin in range(0, len(pixels), k.lanes):
        here = pixels[begin : begin + k.lanes]
        mask = None if len(here) == k.lanes else k.below(k.word(len(here)))
        rows = k.transposed(here + [k.splat(0.0)] * (k.lanes - len(here)))
        for channel, row in enumerate(rows):
            k.store(row, k.at(y, k.out_channel * channel), begin * k.bytes, mask=mask)


# --- tables -------------------------------------------------------------------------------------------------------


def tile(width: int, vectors: int) -> tuple[float, int, int]:
    """Cycles a tap and row, and the pixels and vectors of a tile that take the fewest; `vectors` of channels in all."""
    best = (math.inf, 1, 1)
    for wide, count in product(range(1, 5), range(1, min(width, 28) + 1)):
        if vectors % wide or count * wide + wide + 1 > host().registers:
            continue

        def cycles(count: int, wide: int = wide) -> float:
            # the weights come from farther away than the pixels, and a step of the loop is not free
            return max(count * wide / 2, (count + 2 * wide + 1) / 2, 4.0) + 0.5 if count else 0

        total = vectors // wide * (width // count * cycles(count) + cycles(width % count))
        best = min(best, (total, count, wide))
    return best


@dataclass(frozen=True, eq=False)
class Problem:
    """A correlation of `reads` channels into `makes`, in each of `groups`."""

    dtype: str
    batch: int
    groups: int
    reads: int
    makes: int
    sizes: tuple[int, ...]
    windows: tuple[Window, ...]
    turned: bool = False  # whether weights are (reads, makes, …), and a tap reads as that as far from the end


class Plan:
    """A correlation of given sizes: its kernel, and all tables that it reads."""

    def __init__(self, problem: Problem, *, exact: bool):
        p, size, windows = problem, BYTES[problem.dtype], problem.windows
        lanes = host().vector // size
        counts = tuple(window.output_size(n) for window, n in zip(windows, p.sizes, strict=True))
        padded = any(w.before or w.after for w in windows)
        cycles, pixels, self.vectors = tile(counts[-1], p.makes // lanes)
        taps = math.prod(w.kernel for w in windows)
        self.seconds = 2 * p.batch * p.groups * p.makes * p.reads * taps * math.prod(counts) / FLOPS
        # what is read where it lies needs no room
        band = widest_band(windows, counts, p.reads if padded else 0, size, parts(self.seconds, p.batch * p.groups))
        band = -(-band // pixels) * pixels if len(counts) == 1 else band
        plane = Plane(p.sizes, windows, counts, band, size, lanes, split=False)
        shape = plane.shape if padded else p.sizes
        self.problem, self.counts = p, counts
        self.kernel = partial(
            correlate, p.dtype, pixels, self.vectors, counts[-1] % pixels, windows[-1].stride, exact=exact
        )
        in_size, out_size, far = math.prod(p.sizes), math.prod(counts), strides(shape)
        channel = plane.channel if padded else in_size
        at = positions([w.kernel for w in windows], [w.dilation * f for w, f in zip(windows, far, strict=True)])
        at = at[::-1] if p.turned else at
        self.offsets = size * np.add.outer(channel * np.arange(p.reads), at).reshape(-1)
        self.tiles = p.makes // (self.vectors * lanes)
        self.rows, self.out, ends = self._rows(plane, padded, far, size, pixels)
        # where images are small, tiles are shared out too, for each of which a band is laid out again
        shares = min(self.tiles, max(1, parts(self.seconds, p.batch * p.groups * len(plane.bands))))
        each = -(-self.tiles // shares)
        cuts = range(p.batch), range(p.groups), range(len(plane.bands)), range(0, self.tiles, each)
        image, g, b, t = np.meshgrid(*cuts, indexing="ij")
        first = image * p.groups + g
        columns = (
            first * (p.reads * in_size * size),
            first * (p.makes * out_size * size),
            g * (p.makes * len(self.offsets) * size),
            g * (p.makes * size),
            *(ends[0][b], ends[0][b + 1], ends[1][b], ends[1][b + 1], t, np.minimum(t + each, self.tiles)),
        )
        self.items = np.stack([np.ravel(column) for column in columns], -1).astype(np.int64)
        self.own = ((p.reads * plane.channel + 2 * lanes) * size if padded else 0,)
        self.words = words(
            *(self.offsets, self.rows, self.items, self.out),
            *(p.reads, in_size * size, channel * size, plane.shape[-1], len(self.offsets)),
            *(out_size * size, int(padded)),
        )
        # a transposition takes lanes·log₂(lanes) shuffles for lanes² outputs, and as many stores
        turned = p.makes * out_size / lanes * (math.log2(lanes) + 2)
        moved = p.reads * plane.channel / lanes if padded else 0
        lines = out_size // max(1, counts[-1])
        weights = p.makes * len(self.offsets) / lanes
        self.cycles = p.groups * (p.batch * (cycles * lines * len(self.offsets) + turned + 2 * moved) + LAID * weights)

    def _rows(
        self, plane: Plane, padded: bool, far: tuple[int, ...], size: int, pixels: int
    ) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
        """The rows to pack, those of the output, and where those of each band end."""
        packed = [plane.rows(band) if padded else np.zeros((0, 4), np.int64) for band in plane.bands]
        out, (first, *others) = [], self.counts
        steps = [w.stride * f for w, f in zip(self.problem.windows, far, strict=True)]
        to = strides(self.counts)
        for band in plane.bands:
            *here, width = min(plane.band, first - band), *others
            begin, into = positions(here, steps[:-1]), positions(here, to[:-1]) + band * to[0]
            begin = begin if padded else begin + band * steps[0]
            out.append(np.stack(np.broadcast_arrays(begin * size, into * size, width // pixels, width % pixels), -1))
        ends = np.cumsum([0, *map(len, packed)]), np.cumsum([0, *map(len, out)])
        return np.concatenate(packed), np.concatenate(out), ends


def run(plan: Plan, x: np.ndarray, w: np.ndarray, b: np.ndarray | None) -> tuple[np.ndarray, bool]:
    """The output, and whether all of it is finite."""
    p = plan.problem
    y = empty((p.batch, p.groups * p.makes, *plan.counts), x.dtype)
    tiled = laid(w, p.groups, plan.vectors, turned=p.turned)
    flag = np.zeros(1, np.int64)
    shift = biases(b, p.groups * p.makes, x.dtype)
    block = words(x, y, tiled, shift, flag, then=plan.words)
    workers.run(plan.kernel(), block, len(plan.items), plan.own, plan.seconds)
    return y, not flag[0]


@lru_cache(512)
def forward(
    dtype: str, batch: int, channels: int, sizes: tuple[int, ...], outputs: int, windows: tuple[Window, ...],
    groups: int, *, exact: bool = False,
) -> Plan | None:  # fmt: skip
    """Y[ν,o,j] = Σ_{c,t} W[o,c,t] · X[ν,c,s·j+d·t-a] + B[o]; None where the channels don't fill vectors."""
    makes, reads = outputs // groups, channels // groups
    if makes % (host().vector // BYTES[dtype]):
        return None
    return Plan(Problem(dtype, batch, groups, reads, makes, sizes, windows), exact=exact)


@lru_cache(512)
def transposed(
    dtype: str, batch: int, channels: int, counts: tuple[int, ...], outputs: int, windows: tuple[Window, ...],
    groups: int, sizes: tuple[int, ...], *, exact: bool = False,
) -> Plan | None:  # fmt: skip
    """Y[ν,o,i] = Σ_{c,j,t} [j+d·t-a = i] W[c,o,t] · X[ν,c,j] + B[o] without stride: the kernel is turned."""
    makes, reads = outputs // groups, channels // groups
    pads = [(w.span - 1 - w.before, n - m + w.before) for w, n, m in zip(windows, sizes, counts, strict=True)]
    if makes % (host().vector // BYTES[dtype]) or any(w.stride > 1 for w in windows) or min(map(min, pads)) < 0:
        return None
    turned = tuple(
        Window(w.kernel, 1, w.dilation, before, after) for w, (before, after) in zip(windows, pads, strict=True)
    )
    problem = Problem(dtype, batch, groups, reads, makes, counts, turned, turned=True)
    return Plan(problem, exact=exact)
