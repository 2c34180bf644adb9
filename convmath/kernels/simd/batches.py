"""Convolution with images in the lanes: tiles of output channels × vectors of images stay in registers over all taps.

    acc[channel][images] += w[tap][channel] · x[position of the tap][images]

Each position of the output has the taps that read an element there, so that nothing is computed on the padding or
between rows: right for small images, of whose rows vectors would waste much. Images are laid across the lanes in
scratch memory, and what comes out is laid back. Sums are in the same order as in `pixels`; what is left out of them is
a product with a zero, and where a weight is not finite the definition decides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from itertools import product

import numpy as np

from convmath.window import Window

from . import workers
from .builder import BYTES, Builder, Value, words
from .compile import kernel
from .host import host
from .lanes import turn
from .laying import GATHERED, gathered, numbers
from .memory import empty
from .plane import ROOM, strides
from .watch import note, unseen, watched

__all__ = ["Plan", "forward", "run", "transposed"]

PAIRS = 2**16  # pairs of a position and a tap that are looked at, and may stand in a table
FLOPS = 150e9  # multiplications and additions a second, about: only to see what is worth sharing
PLACE = 3  # words of a position: where its taps are counted from, its first tap, the one behind its last
TAP = 2  # words of a tap: where it reads, and its weights
ITEM = 5  # words: the first image; offsets of x, y, w, b in bytes

Reads = list[tuple[int, int]]  # the taps of a position along an axis, and the element that each reads


# --- the kernel ---------------------------------------------------------------------------------------------------


@kernel(
    "x y w b flag items places taps",
    "batch image elements out_image out_elements reads channel w_channel tiles w_tile positions",
    "scratch made",
    passes=False,
)
def correlate(k: Builder, dtype: str, many: int, together: int) -> None:
    """An item is so many images `together` as fill that many vectors, in a group of channels."""
    row = together * k.vector

    def item(i: Value) -> None:
        first, x, y, w, b = (k.load_word(k.at(k.items, i * (8 * ITEM)), 8 * place) for place in range(ITEM))
        x, y, w, b = (k.at(base, offset) for base, offset in zip((k.x, k.y, k.w, k.b), (x, y, w, b), strict=True))
        k.loop(0, together, 1, [], lambda v: _lay_across(k, x, first + v * k.lanes, v * k.vector, row))

        def tile(t: Value) -> None:
            weights, shift = k.at(w, t * k.w_tile), k.at(b, t * (many * k.bytes))
            there = k.at(k.made, t * k.positions * (many * row))

            def position(p: Value, seen: Value) -> Value:
                sums = _sums(k, p, weights, many, together)
                for o in range(many):
                    added = k.splat(k.load_number(shift, o * k.bytes))
                    for v in range(together):
                        value = sums[o * together + v] + added
                        k.store(value, k.at(there, k.positions * (o * row) + p * row), v * k.vector)
                        seen = watched(k, seen, value)
                return seen

            [seen] = k.loop(0, k.positions, 1, [unseen(k)], position)
            note(k, seen, k.flag)

        k.loop(0, k.tiles, 1, [], tile)
        k.loop(0, together, 1, [], lambda v: _lay_back(k, y, first + v * k.lanes, v * k.vector, row))

    k.loop(k.first, k.behind, 1, [], item)


def _sums(k: Builder, p: Value, weights: Value, many: int, together: int) -> list[Value]:
    """The outputs of a tile at a position."""
    told = k.at(k.places, p * (8 * PLACE))
    begin, first, behind = (k.load_word(told, 8 * place) for place in range(PLACE))

    def channel(c: Value, *sums: Value) -> list[Value]:
        x, w = k.at(k.scratch, begin + c * k.channel), k.at(weights, c * k.w_channel)

        def tap(t: Value, *sums: Value) -> list[Value]:
            told, found = k.at(k.taps, t * (8 * TAP)), list(sums)
            source, by = k.at(x, k.load_word(told)), k.at(w, k.load_word(told, 8))
            inputs = [k.load(source, v * k.vector) for v in range(together)]
            for o in range(many):
                weight = k.splat(k.load_number(by, o * k.bytes))
                for v in range(together):
                    found[o * together + v] = k.multiply_add(weight, inputs[v], found[o * together + v])
            return found

        return k.loop(first, behind, 1, sums, tap)

    return k.loop(0, k.reads, 1, [k.splat(0.0)] * (many * together), channel)


def _lay_across(k: Builder, x: Value, first: Value, shift: Value, row: int) -> None:
    """The elements of as many images as there are lanes, one vector for each element; the last image goes on."""
    images = [k.at(x, k.least_of(first + lane, k.batch - 1) * k.image) for lane in range(k.lanes)]
    turn(k, images, k.elements, k.at(k.scratch, shift), row)


def _lay_back(k: Builder, y: Value, first: Value, shift: Value, row: int) -> None:
    """The elements of the output, image by image."""

    def block(offset: Value, mask: Value | None) -> None:
        begin = k.at(k.made, offset // k.bytes * row + shift)
        for lane, vector in enumerate(k.transposed([k.load(begin, e * row) for e in range(k.lanes)])):
            image = first + lane
            store = lambda image=image, vector=vector: k.store(vector, y, image * k.out_image + offset, mask=mask)  # noqa: E731
            k.when(image < k.batch, store)

    k.over(k.out_elements, block)


# --- tables -------------------------------------------------------------------------------------------------------


def tile(makes: int, products: int, positions: int, reads: int, most: int) -> tuple[float, int, int]:
    """The fewest cycles a vector of images, and the channels and vectors (at most so many) of the tiles."""
    best = (math.inf, 1, 1)
    for together, many in product(range(1, min(most, 2) + 1), range(1, min(makes, 16) + 1)):
        if many * together + together + 1 > host().registers:
            continue
        each = max(many * together / 2, (many + together + 2) / 2, 4.0) + 0.5
        cycles = products * reads * each + positions * (3 * reads + 2 * many * together)
        best = min(best, (-(-makes // many) * cycles / together, many, together))
    return best


def _classes(axes: Sequence[Sequence[Reads]], far: Sequence[int], kernel: Sequence[int]) -> tuple[np.ndarray, list]:
    """For each position of the output where its taps are counted from, and what they are: offsets and numbers.

    Positions that have the same taps share them.
    """
    step, known = strides(kernel), {}
    places, taps = [], []
    for reads in product(*axes):
        begin = [taps_[0][1] if taps_ else 0 for taps_ in reads]
        shape = tuple(tuple((t, e - at) for t, e in taps_) for taps_, at in zip(reads, begin, strict=True))
        if shape not in known:
            all_of = list(product(*shape))
            offsets = [sum(e * f for (_, e), f in zip(tap, far, strict=True)) for tap in all_of]
            numbers = [sum(t * s for (t, _), s in zip(tap, step, strict=True)) for tap in all_of]
            known[shape] = (len(taps), len(taps) + len(all_of))
            taps += zip(offsets, numbers, strict=True)
        places.append((sum(at * f for at, f in zip(begin, far, strict=True)), *known[shape]))
    return np.array(places, np.int64), taps


@dataclass(frozen=True, eq=False)
class Problem:
    """A correlation of `reads` channels of `sizes` into `makes` of `counts`, in each of `groups`."""

    dtype: str
    batch: int
    groups: int
    reads: int
    makes: int
    sizes: tuple[int, ...]
    counts: tuple[int, ...]
    kernel: tuple[int, ...]
    axes: tuple[tuple[Reads, ...], ...]  # for each axis, what each position of the output reads
    weights: Callable[
        [], np.ndarray
    ]  # (groups, makes, reads, taps): the number of each weight in the kernel as it comes

    @property
    def room(self) -> int:
        """Bytes of a vector of images, in and out."""
        return (self.reads * math.prod(self.sizes) + self.makes * math.prod(self.counts)) * host().vector

    @property
    def products(self) -> int:
        """The pairs of a position and a tap that reads something there."""
        return math.prod(sum(map(len, axis)) for axis in self.axes)


class Plan:
    """A correlation of given sizes: its kernel, and all tables that it reads."""

    def __init__(self, problem: Problem, *, exact: bool):
        p, size, vector = problem, BYTES[problem.dtype], host().vector
        lanes, taps = vector // size, math.prod(p.kernel)
        in_size, out_size = math.prod(p.sizes), math.prod(p.counts)
        cycles, many, together = tile(p.makes, p.products, out_size, p.reads, ROOM // p.room)
        tiles, row = -(-p.makes // many), together * vector
        self.problem, self.kernel = p, partial(correlate, p.dtype, many, together, exact=exact)
        places, told = _classes(p.axes, strides(p.sizes), p.kernel)
        self.places = places * [row, 1, 1]
        self.taps = np.array(told, np.int64).reshape(-1, TAP) * [row, many * size]
        # what fills up the last tile is computed from the last output's weights, and not laid back
        self.outputs = np.minimum(np.arange(tiles * many), p.makes - 1).reshape(tiles, many)
        self.biases = (p.makes * np.arange(p.groups)[:, None] + self.outputs.reshape(-1)).reshape(-1)
        blocks = -(-p.batch // (together * lanes))
        block, g = (grid.reshape(-1) for grid in np.meshgrid(range(blocks), range(p.groups), indexing="ij"))
        columns = (
            block * (together * lanes),
            g * (p.reads * in_size * size),
            g * (p.makes * out_size * size),
            g * (tiles * many * p.reads * taps * size),
            g * (tiles * many * size),
        )
        self.items = np.stack(columns, -1).astype(np.int64)
        elements, made = p.reads * in_size, p.makes * out_size
        self.own = ((elements + lanes) * row, (max(made, tiles * many * out_size) + lanes) * row)
        self.words = words(
            *(self.items, self.places, self.taps),
            *(p.batch, p.groups * elements * size, elements, p.groups * made * size, made),
            *(p.reads, in_size * row, taps * many * size, tiles, p.reads * taps * many * size, out_size),
        )
        # to turn lanes² elements takes lanes·log₂(lanes) shuffles, and they are loaded and stored
        turned = (elements + made) * (math.log2(lanes) + 2)
        gathered_ = GATHERED * p.groups * tiles * many * p.reads * taps
        self.cycles = len(self.items) * together * (cycles + turned) + gathered_
        self.seconds = 2 * p.batch * p.groups * p.makes * p.reads * p.products / FLOPS

    @cached_property
    def weights(self) -> np.ndarray:
        """The number of each weight in the order in which tiles read them."""
        padded = self.problem.weights()[:, self.outputs]  # (group, tile, output, channel, tap)
        return np.ascontiguousarray(padded.transpose(0, 1, 3, 4, 2)).reshape(-1)


def run(plan: Plan, x: np.ndarray, w: np.ndarray, b: np.ndarray | None) -> tuple[np.ndarray, bool]:
    """The output, and whether all of it is finite."""
    p = plan.problem
    y = empty((p.batch, p.groups * p.makes, *p.counts), x.dtype)
    tiled = gathered(w, plan.weights)
    shift = np.zeros(len(plan.biases), x.dtype) if b is None else b.take(plan.biases)
    flag = np.zeros(1, np.int64)
    workers.run(
        plan.kernel(), words(x, y, tiled, shift, flag, then=plan.words), len(plan.items), plan.own, plan.seconds
    )
    return y, not flag[0]


# --- forward, and by the input --------------------------------------------------------------------------------------


def _fits(
    dtype: str, batch: int, reads: int, makes: int, sizes: Sequence[int], counts: Sequence[int], kernel: Sequence[int]
) -> bool:
    """Whether images fill vectors, what is laid across them has room near a core, and the tables are small."""
    room = (reads * math.prod(sizes) + makes * math.prod(counts)) * host().vector
    small = room <= ROOM and math.prod(counts) * math.prod(kernel) <= PAIRS
    return small and batch >= host().vector // BYTES[dtype]


@lru_cache(512)
def forward(
    dtype: str, batch: int, channels: int, sizes: tuple[int, ...], outputs: int, windows: tuple[Window, ...],
    groups: int, *, exact: bool = False,
) -> Plan | None:  # fmt: skip
    """Y[ν,o,j] = Σ_{c,t} W[o,c,t] · X[ν,c,s·j+d·t-a] + B[o]; None where this is no way to compute it."""
    counts = tuple(window.output_size(n) for window, n in zip(windows, sizes, strict=True))
    kernel, makes, reads = tuple(w.kernel for w in windows), outputs // groups, channels // groups
    if not _fits(dtype, batch, reads, makes, sizes, counts, kernel):
        return None
    axes = tuple(
        tuple(
            [(t, e) for t in range(w.kernel) if 0 <= (e := w.stride * j + w.dilation * t - w.before) < n]
            for j in range(m)
        )
        for w, n, m in zip(windows, sizes, counts, strict=True)
    )
    # a weight that nothing but padding meets must be finite too, which what comes out would not say
    if any(
        {t for reads in axis for t, _ in reads} != {*range(w.kernel)} for axis, w in zip(axes, windows, strict=True)
    ):
        return None

    def weights() -> np.ndarray:
        return numbers(outputs * reads * math.prod(kernel)).reshape(groups, makes, reads, -1)

    return Plan(Problem(dtype, batch, groups, reads, makes, sizes, counts, kernel, axes, weights), exact=exact)


@lru_cache(512)
def transposed(
    dtype: str, batch: int, channels: int, counts: tuple[int, ...], outputs: int, windows: tuple[Window, ...],
    groups: int, sizes: tuple[int, ...], *, exact: bool = False,
) -> Plan | None:  # fmt: skip
    """Y[ν,o,i] = Σ_{c,j,t} [s·j+d·t-a = i] W[c,o,t] · X[ν,c,j] + B[o], of `sizes` positions i; None likewise."""
    kernel, makes, reads = tuple(w.kernel for w in windows), outputs // groups, channels // groups
    if not _fits(dtype, batch, reads, makes, counts, sizes, kernel):
        return None
    axes = tuple(
        tuple(
            [
                (t, e // w.stride)
                for t in range(w.kernel)
                if (e := i + w.before - w.dilation * t) % w.stride == 0 and 0 <= e < m * w.stride
            ]
            for i in range(n)
        )
        for w, n, m in zip(windows, sizes, counts, strict=True)
    )

    def weights() -> np.ndarray:
        return numbers(channels * makes * math.prod(kernel)).reshape(groups, reads, makes, -1).swapaxes(1, 2)

    if not all(any(axis) for axis in axes):
        return None
    return Plan(Problem(dtype, batch, groups, reads, makes, counts, sizes, kernel, axes, weights), exact=exact)
