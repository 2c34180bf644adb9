"""Convolution with pixels in the lanes: tiles of output channels × flat positions stay in registers over all taps.

    acc[channel][position] += w[tap][channel] · x[offset of the tap + position]

The input lies in scratch memory as `plane` says. Forward, and by the input (which is a transposed convolution), are one
kernel with other tables: by the input the positions i of each remainder class modulo the stride form a *group* with
its own taps. Each output sums its taps in one order, channel by channel and row by row, however the tiles are cut.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from itertools import pairwise, product

import numpy as np

from convmath.window import Window

from . import workers
from .builder import BYTES, Builder, Value, words
from .compile import kernel
from .host import host
from .laying import GATHERED, gathered, numbers
from .memory import LINE, biases, empty
from .plane import WRITTEN_OUT, Plane, pack, parts, strides, widest_band
from .watch import note, unseen, watched

__all__ = ["Plan", "forward", "run", "transposed"]

MOST_VECTORS = 8
BLOCKS_AHEAD = 2  # from the positions that are read to those that are fetched
FAR = 3.0  # cycles until a vector has come from the second cache
NEAR = 256 * 1024  # bytes that should stay near a core
FLOPS = 150e9  # multiplications and additions a second, about: only to see what is worth sharing


# --- the kernel ---------------------------------------------------------------------------------------------------

ITEM = 9  # words: offsets of x, y, w, b in bytes; rows to pack; blocks of positions; positions; its first group
GROUP = 5  # words: its first tap in bytes, taps, offset of its weights, rows of the output
OUT = 3  # words of a row of the output: where it stands in the tile's plane, where it goes, elements


@kernel(
    "x y w b flag offsets rows items groups out",
    "channels channel packed length phase count out_channel tiles tile_plane",
    "scratch tile_scratch",
)
def correlate(k: Builder, dtype: str, channels: int, vectors: int, rest: int, step: int, out_step: int) -> None:
    """Tiles of `channels` × `vectors`, and one of `rest` channels; `step` phases of a row, `out_step` between outputs.

    With step = 0 the input is read where it lies, and the output is written where it belongs.
    """
    tile = k.subroutine("tile", "pppppiiii", lambda *a: _tile(k, channels, vectors, not step, *a))
    last = k.subroutine("rest", "pppppiiii", lambda *a: _tile(k, rest, vectors, not step, *a)) if rest else tile

    def item(i: Value) -> None:
        at = [k.load_word(k.at(k.items, i * (8 * ITEM)), 8 * place) for place in range(ITEM)]
        x, y, w, b = (k.at(base, offset) for base, offset in zip((k.x, k.y, k.w, k.b), at[:4], strict=True))
        if step:
            pack(
                k, x, k.scratch, k.channels, k.channel, k.packed, k.rows, at[4], at[5], k.length, k.phase, step
            )  # fmt: skip

        def group(g: Value) -> None:
            told = k.at(k.groups, (at[8] + g) * (8 * GROUP))
            tap, taps, offset, first, behind = (k.load_word(told, 8 * place) for place in range(GROUP))
            offsets, weights = k.at(k.offsets, tap), k.at(w, offset)
            size = taps * (channels * k.bytes)

            def one(t: Value) -> None:
                there = k.at(y, t * (k.out_channel * channels))
                source, target = (k.scratch, k.tile_scratch) if step else (x, there)
                plane = k.tile_plane if step else k.out_channel
                bias_at = k.at(b, t * (channels * k.bytes))
                told = source, k.at(weights, t * size), bias_at, target, offsets, taps, at[6], plane, at[7]
                whole = t < k.tiles
                if rest:
                    k.either(whole, lambda: tile(*told), lambda: last(*told))
                else:
                    tile(*told)
                if step:
                    made = k.select(whole, k.word(channels), k.word(rest))
                    _unpack(k, made, out_step, there, first, behind)

            k.loop(0, k.tiles + 1 if rest else k.tiles, 1, [], one)

        k.loop(0, k.count, 1, [], group)

    k.loop(k.first, k.behind, 1, [], item)


def _tile(
    k: Builder,
    channels: int,
    vectors: int,
    far: bool,
    x: Value,
    w: Value,
    b: Value,
    y: Value,
    offsets: Value,
    taps: Value,
    blocks: Value,
    plane: Value,
    positions: Value,
) -> None:
    """Positions of a tile's channels, block by block; the last block is moved back where it would go too far."""
    wide = vectors * k.vector
    rows = [k.at(y, plane * i) for i in range(channels)]
    furthest = positions * k.bytes - wide

    def block(step: Value) -> None:
        here = k.least_of(step * wide, furthest)
        there = k.at(x, here)

        def tap(t: Value, *sums: Value) -> list[Value]:
            found = list(sums)
            source, weights = k.at(there, k.load_word(offsets, t * 8)), k.at(w, t * (channels * k.bytes))
            inputs = [k.load(source, j * k.vector) for j in range(vectors)]
            if far:  # the channels are so far apart that no processor guesses what comes next
                for line in range(0, wide, LINE):
                    k.prefetch(source, BLOCKS_AHEAD * wide + line, soon=False)
            for i in range(channels):
                weight = k.splat(k.load_number(weights, i * k.bytes))
                for j in range(vectors):
                    found[i * vectors + j] = k.multiply_add(weight, inputs[j], found[i * vectors + j])
            return found

        sums = k.loop(0, taps, 1, [k.splat(0.0)] * (channels * vectors), tap)
        for i in range(channels):
            shift = k.splat(k.load_number(b, i * k.bytes))
            for j in range(vectors):
                k.store(sums[i * vectors + j] + shift, k.at(rows[i], here), j * k.vector)

    k.loop(0, blocks, 1, [], block)


def _unpack(k: Builder, count: Value, step: int, y: Value, first: Value, behind: Value) -> None:
    """The rows of the output out of the planes of `count` channels."""

    def row(r: Value) -> None:
        told = k.at(k.out, r * (8 * OUT))
        at, to, length = (k.load_word(told, 8 * place) for place in range(OUT))

        def channel(i: Value) -> None:
            source, there = k.at(k.at(k.tile_scratch, k.tile_plane * i), at), k.at(k.at(y, k.out_channel * i), to)

            def vector(offset: Value, mask: Value | None, seen: Value) -> Value:
                value = k.load(source, offset, mask=mask)
                _spread(k, value, there, offset, mask, step)
                return watched(k, seen, value)

            if step > WRITTEN_OUT:
                _apart(k, source, there, length, step)
            else:
                [seen] = k.over(length, vector, [unseen(k)])
                note(k, seen, k.flag)

        k.loop(0, count, 1, [], channel)

    k.loop(first, behind, 1, [], row)


def _apart(k: Builder, source: Value, there: Value, length: Value, step: int) -> None:
    """So many numbers, `step` apart."""

    def one(i: Value, seen: Value) -> Value:
        value = k.load_number(source, i * k.bytes)
        k.store(value, there, i * (step * k.bytes))
        return watched(k, seen, value)

    [seen] = k.loop(0, length, 1, [unseen(k, 1)], one)
    note(k, seen, k.flag)


def _spread(k: Builder, value: Value, there: Value, offset: Value, mask: Value | None, step: int) -> None:
    """The numbers of a vector, `step` apart; nothing between them is touched."""
    if step == 1:
        k.store(value, there, offset, mask=mask)
        return
    for part in range(step):
        places = range(part * k.lanes, (part + 1) * k.lanes)
        own, come = k.lanes_where([place % step == 0 for place in places]), [place // step for place in places]
        there_too = own if mask is None else own & k.shuffle(mask, mask, come)
        k.store(k.shuffle(value, value, come), there, offset * step + part * k.vector, mask=there_too)


# --- tables -------------------------------------------------------------------------------------------------------


def tile(channels: int, positions: int, lanes: int, taps: float, most: int, far: bool) -> tuple[float, int, int]:
    """The fewest cycles, and the channels and vectors (at most so many) of the tiles that take them.

    A processor of the kind that kernels are made for multiplies two vectors and loads two in a cycle, and a chain of
    sums needs four cycles a link. A vector that no other tap has loaded is `far`, in the second cache.
    """
    wide, best = -(-positions // lanes), (math.inf, 1, 1)
    for vectors, count in product(range(1, min(most, MOST_VECTORS) + 1), range(1, min(channels, 16) + 1)):
        if count * vectors + vectors + 1 > host().registers:
            continue

        def cycles(count: int, vectors: int = vectors) -> float:
            work = max(count * vectors / 2, (count + 2 * vectors + 1) / 2, 4.0, FAR * far * vectors) + 0.5
            return work * taps + count * vectors + 8 if count else 0

        total = -(-wide // vectors) * (channels // count * cycles(count) + cycles(channels % count))
        best = min(best, (total, count, vectors))
    return best


@dataclass(frozen=True, eq=False)
class Group:
    """Outputs that read the same taps: their offsets in the plane, numbers in the kernel, rows by band."""

    offsets: np.ndarray
    numbers: np.ndarray
    rows: tuple[np.ndarray, ...]


@dataclass(frozen=True, eq=False)
class Problem:
    """What is read and made: a correlation over `plane` of `reads` channels into `makes`, in each of `groups`."""

    dtype: str
    batch: int
    groups: int
    reads: int
    makes: int
    plane: Plane
    sizes: tuple[int, ...]  # of the output
    step: int  # from one output of a row to the next
    parts: tuple[Group, ...]
    weights: Callable[
        [], np.ndarray
    ]  # (groups, makes, reads, taps): the number of each weight in the kernel as it comes
    in_place: bool
    blank: bool = False  # whether there are outputs that no part has: nothing but the bias


class Plan:
    """A correlation of given sizes: its kernel, and all tables that it reads."""

    def __init__(self, problem: Problem, *, exact: bool):
        p, plane, size = problem, problem.plane, BYTES[problem.dtype]
        lanes, taps = host().vector // size, [p.reads * len(part.offsets) for part in p.parts]
        flat = math.prod(plane.sizes) if p.in_place else plane.flat
        most = flat // lanes if p.in_place else MOST_VECTORS
        alone = all(len(part.offsets) == 1 for part in p.parts)
        cycles, self.channels, vectors = tile(p.makes, flat, lanes, sum(taps) / max(1, len(taps)), most, alone)
        self.tiles, rest = divmod(p.makes, self.channels)
        blocks = -(-flat // (vectors * lanes))
        tile_plane = blocks * vectors * lanes
        step = 0 if p.in_place else plane.phases[-1]
        self.problem = p
        self.kernel = partial(correlate, p.dtype, self.channels, vectors, rest, step, p.step, exact=exact)
        in_size, out_size = math.prod(plane.sizes), math.prod(p.sizes)
        channel = in_size if p.in_place else plane.channel
        self.offsets = self._offsets(channel) * size
        packed = [plane.rows(band) for band in plane.bands]
        self.rows = np.concatenate(packed)
        self.groups, self.out = self._groups(taps, size)
        if p.in_place:  # positions of all channels that stay near while one tile after the other goes by
            near = max(1, NEAR // (p.reads * vectors * host().vector))
            cuts = [(first, 0, 0, min(near, blocks - first)) for first in range(0, blocks, near)]
        else:
            ends = np.cumsum([0, *map(len, packed)])
            cuts = [(0, *rows, blocks) for rows in pairwise(ends)]
        self.items = self._items(in_size, out_size, np.array(cuts), vectors * lanes, sum(taps), size)
        # the taps of the last block read beyond what is laid out, and what they make of it is not used
        reach = int(self.offsets.max(initial=0)) // size + tile_plane
        self.own = (max(reach, p.reads * channel + lanes) * size, self.channels * tile_plane * size)
        self.words = words(
            *(self.offsets, self.rows, self.items, self.groups, self.out),
            *(p.reads, in_size * size, channel * size),
            *(plane.shape[-1], plane.phase * size, len(p.parts), out_size * size, self.tiles, tile_plane * size),
        )
        # every vector that is laid out or comes out is loaded and stored once more
        moved = 0 if p.in_place else (p.reads * plane.channel + p.makes * flat * len(p.parts)) / lanes
        whole = p.batch * p.groups * (1 if p.in_place else len(plane.bands))
        self.cycles = whole * (cycles * len(p.parts) + 2 * moved) + GATHERED * p.groups * p.makes * sum(taps)
        self.seconds = 2 * whole * p.makes * sum(taps) * tile_plane / FLOPS

    def _offsets(self, channel: int) -> np.ndarray:
        """The taps of each group, for each channel that is read."""
        each = channel * np.arange(self.problem.reads)[:, None]
        return np.concatenate([(each + part.offsets).reshape(-1) for part in self.problem.parts]).astype(np.int64)

    @cached_property
    def weights(self) -> np.ndarray:
        """The number of each weight in the order in which tiles read them: (group, part, tile, tap, channel)."""
        p, whole = self.problem, self.tiles * self.channels
        places, found = p.weights(), []
        for part in p.parts:
            each = places[..., part.numbers].reshape(p.groups, p.makes, -1)
            tiled = each[:, :whole].reshape(p.groups, self.tiles, self.channels, -1).swapaxes(2, 3)
            found += [tiled.reshape(p.groups, -1), each[:, whole:].swapaxes(1, 2).reshape(p.groups, -1)]
        return np.concatenate(found, 1).reshape(-1)

    def _groups(self, taps: Sequence[int], size: int) -> tuple[np.ndarray, np.ndarray]:
        """The words of GROUP for each band and part, and the rows of the output."""
        told, rows, row = [], [], 0
        for band in range(len(self.problem.plane.bands)):
            tap = 0
            for part, count in zip(self.problem.parts, taps, strict=True):
                behind = row + len(part.rows[band])
                told.append((8 * tap, count, self.problem.makes * tap * size, row, behind))
                rows.append(part.rows[band] * [size, size, 1])
                tap, row = tap + count, behind
        return np.array(told, np.int64), np.concatenate(rows).astype(np.int64)

    def _items(self, in_size: int, out_size: int, cuts: np.ndarray, wide: int, taps: int, size: int) -> np.ndarray:
        """The words of ITEM for each image, group of channels and cut: its first block, rows to pack, blocks."""
        p = self.problem
        image, g, cut = np.meshgrid(range(p.batch), range(p.groups), range(len(cuts)), indexing="ij", sparse=False)
        block, row, behind, blocks = cuts[cut].transpose(3, 0, 1, 2)
        first, flat = image * p.groups + g, block * wide
        # behind the last block there is nothing where the input is read as it lies
        positions = in_size - flat if p.in_place else blocks * wide
        columns = (
            (first * (p.reads * in_size) + flat) * size,
            (first * (p.makes * out_size) + flat) * size,
            g * (p.makes * taps * size),
            g * (p.makes * size),
            row,
            behind,
            blocks,
            positions,
            np.zeros_like(cut) if p.in_place else cut * len(p.parts),
        )
        return np.stack([np.ravel(column) for column in columns], -1).astype(np.int64)


def run(plan: Plan, x: np.ndarray, w: np.ndarray, b: np.ndarray | None) -> tuple[np.ndarray, bool]:
    """The output, and whether all of it is finite."""
    p = plan.problem
    y = empty((p.batch, p.groups * p.makes, *p.sizes), x.dtype)
    tiled = gathered(w, plan.weights)
    flag = np.zeros(1, np.int64)
    shift = biases(b, p.groups * p.makes, x.dtype)
    if p.blank:
        y[...] = shift.reshape(-1, *[1] * len(p.sizes))
    block = words(x, y, tiled, shift, flag, then=plan.words)
    workers.run(plan.kernel(), block, len(plan.items), plan.own, plan.seconds)
    return y, not flag[0] and (not p.in_place or bool(np.isfinite(y).all()))


# --- forward, and by the input --------------------------------------------------------------------------------------


@lru_cache(512)
def forward(
    dtype: str, batch: int, channels: int, sizes: tuple[int, ...], outputs: int, windows: tuple[Window, ...],
    groups: int, *, exact: bool = False,
) -> Plan:  # fmt: skip
    """Y[ν,o,j] = Σ_{c,t} W[o,c,t] · X[ν,c,s·j+d·t-a] + B[o]"""
    counts = tuple(window.output_size(n) for window, n in zip(windows, sizes, strict=True))
    reads, makes, taps = channels // groups, outputs // groups, math.prod(w.kernel for w in windows)
    seconds = 2 * batch * outputs * reads * taps * math.prod(counts) / FLOPS
    band = widest_band(windows, counts, reads, BYTES[dtype], parts(seconds, batch * groups))
    plane = Plane(sizes, windows, counts, band, BYTES[dtype], host().vector // BYTES[dtype])
    part = Group(
        plane.taps,
        np.arange(taps),
        tuple(
            _rows(plane, counts, [(0, m) for m in counts], band, (1,) * len(counts), (0,) * len(counts))
            for band in plane.bands
        ),
    )

    def weights() -> np.ndarray:
        return numbers(outputs * reads * taps).reshape(groups, makes, reads, taps)

    return Plan(
        Problem(
            dtype,
            batch,
            groups,
            reads,
            makes,
            plane,
            counts,
            1,
            (part,),
            weights,
            _in_place(plane, windows, reads, makes),
        ),
        exact=exact,
    )


def _rows(
    plane: Plane,
    sizes: Sequence[int],
    ranges: Sequence[tuple[int, int]],
    band: int,
    steps: Sequence[int],
    starts: Sequence[int],
) -> np.ndarray:
    """The rows of the output as the words of OUT, in elements: the positions q in the ranges that are in this band.

    Position q of an axis is the output step·q + start of that axis.
    """
    (low, high), *others = ranges
    ranges = [(max(low, band), min(high, band + plane.band)), *others]
    each = [np.arange(low, max(low, high)) for low, high in ranges]
    far = strides(sizes)
    at, to = np.int64(0), np.int64(0)
    for axis, q in enumerate(np.meshgrid(*each[:-1], indexing="ij")):
        at = at + (q - (band if axis == 0 else 0)) * plane.strides[axis]
        to = to + (steps[axis] * q + starts[axis]) * far[axis]
    low, high = ranges[-1]
    at, to = at + (low - (band if len(sizes) == 1 else 0)), to + steps[-1] * low + starts[-1]
    table = np.broadcast_arrays(at, to, max(0, high - low))
    return np.stack([np.ravel(column) for column in table], -1)


@lru_cache(512)
def transposed(
    dtype: str, batch: int, channels: int, counts: tuple[int, ...], outputs: int, windows: tuple[Window, ...],
    groups: int, sizes: tuple[int, ...], *, exact: bool = False,
) -> Plan:  # fmt: skip
    """Y[ν,o,i] = Σ_{c,j,t} [s·j+d·t-a = i] W[c,o,t] · X[ν,c,j] + B[o], of `sizes` positions i.

    With i + a = s·q + r the taps of remainder r are those with s | d·t - r, and they read X at q - (d·t - r)/s: a
    correlation of stride 1 for each r.
    """
    reads, makes, taps = channels // groups, outputs // groups, math.prod(w.kernel for w in windows)
    reach = [(w.span - 1) // w.stride for w in windows]
    count = [(n - 1 + w.before) // w.stride + 1 for w, n in zip(windows, sizes, strict=True)]
    inner = tuple(Window(r + 1, before=r) for r in reach)
    seconds = 2 * batch * channels * makes * taps * math.prod(counts) / FLOPS
    band = widest_band(inner, count, reads, BYTES[dtype], parts(seconds, batch * groups))
    plane = Plane(counts, inner, tuple(count), band, BYTES[dtype], host().vector // BYTES[dtype])
    remainders = tuple(
        _remainder(plane, windows, sizes, reach, remainder)
        for remainder in product(*(range(w.stride) for w in windows))
    )
    read = tuple(part for part in remainders if len(part.offsets))

    def weights() -> np.ndarray:
        return numbers(channels * makes * taps).reshape(groups, reads, makes, taps).swapaxes(1, 2)

    return Plan(
        Problem(
            dtype, batch, groups, reads, makes, plane, sizes, windows[-1].stride, read, weights,
            _in_place(plane, windows, reads, makes), read != remainders,
        ),
        exact=exact,
    )  # fmt: skip


def _in_place(plane: Plane, windows: Sequence[Window], reads: int, makes: int) -> bool:
    """Whether the input is read where it lies, since each output reads the position that is its own.

    The output is written in short pieces then, which takes longer where there is much more of it.
    """
    own = all(window == Window(1) for window in windows) and math.prod(plane.sizes) >= plane.lanes
    return own and makes <= 2 * reads


def _remainder(
    plane: Plane, windows: Sequence[Window], sizes: Sequence[int], reach: Sequence[int], remainder: Sequence[int]
) -> Group:
    """The positions i with i + a = s·q + r: their taps, in the order of the kernel's, and their rows."""
    axes = list(zip(windows, remainder, reach, strict=True))
    each = [[t for t in range(w.kernel) if (w.dilation * t - r) % w.stride == 0] for w, r, _ in axes]
    step = strides([w.kernel for w in windows])
    offsets = [
        plane.place([far - (w.dilation * t - r) // w.stride for t, (w, r, far) in zip(tap, axes, strict=True)])
        for tap in product(*each)
    ]
    numbers = [sum(t * s for t, s in zip(tap, step, strict=True)) for tap in product(*each)]
    ranges = [
        (max(0, -((r - w.before) // w.stride)), (n - 1 + w.before - r) // w.stride + 1)
        for (w, r, _), n in zip(axes, sizes, strict=True)
    ]
    steps, starts = [w.stride for w in windows], [r - w.before for w, r, _ in axes]
    rows = tuple(_rows(plane, sizes, ranges, band, steps, starts) for band in plane.bands)
    return Group(np.array(offsets, np.int64), np.array(numbers, np.int64), rows)
