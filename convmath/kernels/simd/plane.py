"""An input laid out for kernels that run over flat positions: zero-padded rows behind one another, in scratch memory.

Where windows step by s along an axis, position e of the padded axis is element ⌊e/s⌋ of phase e mod s, and every phase
is a plane of its own: then the windows of one tap read neighbours, whatever the stride. A tap is one offset in bytes,
and so a kernel needs to know nothing of axes, strides and dilations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from convmath.window import Window

from .builder import Builder, Value

__all__ = ["ROOM", "ROW", "WRITTEN_OUT", "Plane", "pack", "parts", "positions", "strides", "widest_band"]

ROW = 4  # words of a row that is packed: where it comes from, where it goes, zeros before it, elements of it
WRITTEN_OUT = 16  # the largest stride whose phases are written out one by one; the code of others must not grow
ROOM = 768 * 1024  # bytes of an input that should stay in the cache near a core
SHARED = 8  # items that a call has at least, if each of them takes so many seconds
WORTH_SHARING = 3e-5


def positions(counts: Sequence[int], strides: Sequence[int]) -> np.ndarray:
    """Σ index·stride for all index tuples below the counts, row by row."""
    total = np.zeros(1, np.int64)
    for count, stride in zip(counts, strides, strict=True):
        total = np.add.outer(total, stride * np.arange(count)).reshape(-1)
    return total


def strides(shape: Sequence[int]) -> tuple[int, ...]:
    """How far apart neighbours along each axis are, in elements."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


@dataclass(frozen=True)
class Plane:
    """How one channel of an input with these sizes lies, so that `counts` windows along each axis can be read.

    `band` windows along the first axis are laid out at once.
    """

    sizes: tuple[int, ...]
    windows: tuple[Window, ...]
    counts: tuple[int, ...]
    band: int
    bytes: int
    lanes: int
    split: bool = True  # whether phases are planes of their own; else the stride stays in the positions

    @cached_property
    def phases(self) -> tuple[int, ...]:
        return tuple(w.stride if self.split else 1 for w in self.windows)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """The elements of a phase along each axis."""
        counts = (min(self.band, self.counts[0]), *self.counts[1:])
        each = zip(self.windows, counts, self.phases, strict=True)
        return tuple(-(-((m - 1) * w.stride + w.span) // s) for w, m, s in each)

    @cached_property
    def strides(self) -> tuple[int, ...]:
        return strides(self.shape)

    @property
    def phase(self) -> int:
        """Elements from one phase to the next; a vector may be stored across the end of the last row."""
        return (math.prod(self.shape) // self.lanes + 2) * self.lanes

    @property
    def channel(self) -> int:
        """Elements from one channel to the next."""
        return self.phase * math.prod(self.phases)

    @property
    def flat(self) -> int:
        """Flat positions from the first window to behind the last, the ones between rows included."""
        counts = (min(self.band, self.counts[0]), *self.counts[1:])
        return sum((m - 1) * stride for m, stride in zip(counts, self.strides, strict=True)) + 1

    @cached_property
    def bands(self) -> tuple[int, ...]:
        """The first window of each band."""
        return tuple(range(0, self.counts[0], self.band))

    def place(self, coordinates: Sequence[int]) -> int:
        """Where a position of the padded input stands in its channel, in elements."""
        phase = place = 0
        for e, s, stride in zip(coordinates, self.phases, self.strides, strict=True):
            phase, place = phase * s + e % s, place + e // s * stride
        return phase * self.phase + place

    @cached_property
    def taps(self) -> np.ndarray:
        """The offset of each tap in elements, row by row."""
        taps = np.ndindex(*(w.kernel for w in self.windows))
        return np.array([self.place([w.dilation * t for w, t in zip(self.windows, tap, strict=True)]) for tap in taps])

    def rows(self, band: int) -> np.ndarray:
        """The rows to pack for the band that begins with this window, as the words of ROW; bytes, and -1 for no row."""
        *outer, last = range(len(self.sizes))
        first = [band * w.stride if axis == 0 else 0 for axis, w in enumerate(self.windows)]
        padded = [first[i] + np.arange(self.shape[i] * self.phases[i]) for i in outer]
        grid = np.meshgrid(*padded, indexing="ij") if outer else []
        source, inside = np.int64(0), np.bool_(True)
        phase = place = np.int64(0)
        step = strides(self.sizes)
        for i, e in zip(outer, grid, strict=True):
            at = e - self.windows[i].before
            inside = inside & (at >= 0) & (at < self.sizes[i])
            source = source + at * step[i]
            phase = phase * self.phases[i] + (e - first[i]) % self.phases[i]
            place = place + (e - first[i]) // self.phases[i] * self.strides[i]
        w, n = self.windows[last], self.sizes[last]
        # along a row the first band begins inside the padding, later ones inside the input
        begin = first[last] - w.before
        before, skipped = max(0, -begin), max(0, begin)
        copied = max(0, min(n - skipped, self.shape[last] * self.phases[last] - before))
        source = np.where(inside, (source + skipped) * self.bytes, -1)
        there = (phase * self.phases[last] * self.phase + place) * self.bytes
        table = np.broadcast_arrays(source, there, before, copied)
        return np.stack([np.ravel(column) for column in table], -1).astype(np.int64)


def widest_band(windows: Sequence[Window], counts: Sequence[int], channels: int, bytes: int, bands: int = 1) -> int:
    """Windows along the first axis whose input stays near a core; fewer where there have to be so many bands."""
    band, first = counts[0], windows[0]
    behind = math.prod((m - 1) * w.stride + w.span for w, m in zip(windows[1:], counts[1:], strict=True))
    least = max(4, 2 * first.span // first.stride)

    def goes(band: int) -> bool:
        return channels * behind * ((band - 1) * first.stride + first.span) * bytes <= ROOM

    while band > least and not (goes(band) and -(-counts[0] // band) >= bands):
        band = -(-band // 2)
    return band


def parts(seconds: float, items: int) -> int:
    """Into how many parts each of the items is cut, so that several threads have something to do; by the work alone."""
    return -(-min(SHARED, int(seconds / WORTH_SHARING)) // items)


# --- code ---------------------------------------------------------------------------------------------------------


def pack(
    k: Builder,
    x: Value,
    scratch: Value,
    channels: Value,
    channel: Value,
    packed_channel: Value,
    rows: Value,
    first: Value,
    behind: Value,
    length: Value,
    phase: Value,
    step: int,
) -> None:
    """Lay out the channels: `length` elements of each of `step` phases, by the rows first ≤ r < behind."""

    def one(c: Value) -> None:
        source, there = k.at(x, c * channel), k.at(scratch, c * packed_channel)

        def row(r: Value) -> None:
            at, to, before, copied = (k.load_word(k.at(rows, r * (8 * ROW)), 8 * place) for place in range(ROW))
            into = k.at(there, to)

            def copy() -> None:
                if step == 1:
                    _copy(k, k.at(source, at), into, before, copied, length)
                else:
                    _split(k, k.at(source, at), into, before, copied, length, phase, step)

            def clear() -> None:
                k.loop(0, step, 1, [], lambda p: _zeros(k, k.at(into, phase * p), k.word(0), length))

            k.either(at >= 0, copy, clear)

        k.loop(first, behind, 1, [], row)

    k.loop(0, channels, 1, [], one)


def _zeros(k: Builder, into: Value, first: Value, behind: Value) -> None:
    """Zeros, and up to a vector beyond: what is packed later, or nobody, stands there."""
    k.loop(first, behind, k.lanes, [], lambda i: k.store(k.splat(0.0), into, i * k.bytes))


def _copy(k: Builder, source: Value, into: Value, before: Value, copied: Value, length: Value) -> None:
    """A row with zeros before and behind it."""
    _zeros(k, into, k.word(0), before)
    to = k.at(into, before * k.bytes)
    k.over(copied, lambda offset, mask: k.store(k.load(source, offset, mask=mask), to, offset))
    _zeros(k, into, before + copied, length)


def _split(
    k: Builder, source: Value, into: Value, before: Value, copied: Value, length: Value, phase: Value, step: int
) -> None:
    """Element e of the padded row goes to element ⌊e/step⌋ of phase e mod step."""
    if step > WRITTEN_OUT:
        _split_in_turn(k, source, into, before, copied, length, phase, step)
        return
    planes = [k.at(into, phase * p) for p in range(step)]
    for plane in planes:
        _zeros(k, plane, k.word(0), length)

    def single(p: int, q: Value) -> None:
        e = q * step + p - before
        with k.code.if_then(((e >= 0) & (e < copied)).value):
            k.store(k.load_number(source, e * k.bytes), planes[p], q * k.bytes)

    def singles(first: Value, behind: Value) -> None:
        def each(q: Value) -> None:
            for p in range(step):
                single(p, q)

        k.loop(first, behind, 1, [], each)

    if step & (step - 1):
        singles(k.word(0), length)
        return
    # whole vectors where all phases lie inside the row
    start = k.least_of((before + (step - 1)) // step, length)
    vectors = k.greatest_of(k.least_of((before + copied) // step, length) - start, k.word(0)) & -k.lanes

    def vector(q: Value) -> None:
        begin = k.at(source, (q * step - before) * k.bytes)
        parts = _deinterleaved(k, [k.load(begin, i * k.vector) for i in range(step)])
        for plane, part in zip(planes, parts, strict=True):
            k.store(part, plane, q * k.bytes)

    singles(k.word(0), start)
    k.loop(start, start + vectors, k.lanes, [], vector)
    singles(start + vectors, length)


def _split_in_turn(
    k: Builder, source: Value, into: Value, before: Value, copied: Value, length: Value, phase: Value, step: int
) -> None:
    """The same, one phase after the other."""

    def one(p: Value) -> None:
        plane = k.at(into, phase * p)
        _zeros(k, plane, k.word(0), length)
        # the first element of the phase that lies in the row, and the first behind it
        first, behind = ((end - p + (step - 1)) // step for end in (before, before + copied))
        copy = lambda q: k.store(k.load_number(source, (q * step + p - before) * k.bytes), plane, q * k.bytes)  # noqa: E731
        k.loop(first, k.least_of(behind, length), 1, [], copy)

    k.loop(0, step, 1, [], one)


def _deinterleaved(k: Builder, vectors: list[Value]) -> list[Value]:
    """Every s-th element, for s vectors behind one another, s a power of two."""
    if len(vectors) == 1:
        return vectors
    pairs = list(zip(vectors[::2], vectors[1::2], strict=True))
    even = _deinterleaved(k, [k.shuffle(a, b, range(0, 2 * k.lanes, 2)) for a, b in pairs])
    odd = _deinterleaved(k, [k.shuffle(a, b, range(1, 2 * k.lanes, 2)) for a, b in pairs])
    return [part for both in zip(even, odd, strict=True) for part in both]
