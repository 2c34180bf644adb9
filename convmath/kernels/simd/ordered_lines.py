"""Correlation of one signal with one kernel, tap after tap: tiles of outputs that stay in registers.

Each output has the bits of `kernels.ordered.conv` for one channel. Loads take longer than products. So the members of a
tile, vectors that follow one another in a line, or one below the other, are delayed: where one is at tap t, the next is
as many taps behind as bring it to the same numbers of the signal. Those are loaded once for all of them, and each
output still takes its taps in their order. Outputs that make no whole tile, and those of few taps, are computed line by
line.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from . import workers
from .builder import DTYPES, Builder, Value, words
from .compile import kernel
from .host import host
from .memory import empty
from .plane import positions, strides

__all__ = ["DTYPES", "correlate"]

TILE = 8  # vectors of outputs that are summed together
CHUNK = 4096  # outputs of an item, about
RATE = 25e9  # products of float32 a second, about: only to see what is worth sharing


# --- line by line -------------------------------------------------------------------------------------------------


@kernel("x y w sources places offsets", "length taps chunks")
def lines(k: Builder, dtype: str) -> None:
    """y[line, j] = Σ_t w[t] · x[line + offset t + j]; an item is a part of a line"""

    def item(i: Value) -> None:
        line, first = i // k.chunks, i % k.chunks * CHUNK
        x = k.at(k.x, k.load_word(k.sources, line * 8) + first * k.bytes)
        y = k.at(k.y, k.load_word(k.places, line * 8) + first * k.bytes)
        here = k.least_of(k.length - first, CHUNK)
        whole = here & -(TILE * k.lanes)

        def some(start: Value, masks: Sequence[Value | None]) -> None:
            places = [(start + v * k.lanes) * k.bytes for v in range(len(masks))]

            def tap(t: Value, *sums: Value) -> list[Value]:
                source, weight = k.at(x, k.load_word(k.offsets, t * 8)), k.splat(k.load_number(k.w, t * k.bytes))
                read = (k.load(source, place, mask=mask) for place, mask in zip(places, masks, strict=True))
                return [total + weight * value for total, value in zip(sums, read, strict=True)]

            sums = k.loop(0, k.taps, 1, [k.splat(0.0)] * len(masks), tap)
            for total, place, mask in zip(sums, places, masks, strict=True):
                k.store(total, y, place, mask=mask)

        k.loop(0, whole, TILE * k.lanes, [], lambda j: some(j, [None] * TILE))
        k.loop(whole, here, k.lanes, [], lambda j: some(j, [k.below(here - j)]))

    k.loop(k.first, k.behind, 1, [], item)


# --- members that are delayed -------------------------------------------------------------------------------------


@kernel("x y w sources places offsets planes", "length taps delay sets member chunks chunk")
def delayed(k: Builder, dtype: str, members: int, wide: int, below: bool) -> None:
    """Tiles of so many members, `wide` vectors each: one `below` the other, or in one line; an item is a part of a line

    `delay` are the taps from a member to the next, `member` the bytes; the taps come in `sets` of `taps`.
    """
    step = (wide if below else members) * k.lanes

    def item(i: Value) -> None:
        line, first = i // k.chunks, i % k.chunks * k.chunk
        x = k.at(k.x, k.load_word(k.sources, line * 8) + first * k.bytes)
        y = k.at(k.y, k.load_word(k.places, line * 8) + first * k.bytes)
        here = k.least_of(k.length - first, k.chunk)
        whole = here // step * step

        def tile(j: Value, masks: Sequence[Value | None]) -> None:
            sums = [k.splat(0.0)] * (members * wide)
            sums = k.loop(0, k.sets, 1, sums, lambda p, *so_far: _set(k, members, x, j, masks, p, so_far))
            for m in range(members):
                for v, mask in enumerate(masks):
                    k.store(sums[m * wide + v], y, k.member * m + (j + v * k.lanes) * k.bytes, mask=mask)

        k.loop(0, whole, step, [], lambda j: tile(j, [None] * wide))
        if below:
            k.loop(whole, here, step, [], lambda j: tile(j, [k.below(here - j - v * k.lanes) for v in range(wide)]))

    k.loop(k.first, k.behind, 1, [], item)


def _set(
    k: Builder, members: int, x: Value, j: Value, masks: Sequence[Value | None], p: Value, sums: Sequence[Value]
) -> list[Value]:
    """A set of taps: member m takes tap s - m·delay in step s, where there is one."""
    source = k.at(x, k.load_word(k.planes, p * 8) + j * k.bytes)
    weights = [k.at(k.w, (p * k.taps - k.delay * m) * k.bytes) for m in range(members)]
    wide, found = len(masks), list(sums)

    def stage(first: Value, behind: Value, there: range) -> list[Value]:
        def one(s: Value, *so_far: Value) -> list[Value]:
            new, at = list(so_far), k.at(source, k.load_word(k.offsets, s * 8))
            values = [k.load(at, v * k.vector, mask=mask) for v, mask in enumerate(masks)]
            for m in there:
                weight = k.splat(k.load_number(weights[m], s * k.bytes))
                for v, value in enumerate(values):
                    new[m * wide + v] += weight * value
            return new

        return k.loop(first, behind, 1, found, one)

    for m in range(members - 1):
        found = stage(k.delay * m, k.delay * (m + 1), range(m + 1))
    found = stage(k.delay * (members - 1), k.taps, range(members))
    for m in range(1, members):
        found = stage(k.taps + k.delay * (m - 1), k.taps + k.delay * m, range(m, members))
    return found


# --- the walk -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Call:
    """Arrays in C order, the lengths of two or more axes, and the bytes from one place along them to the next."""

    x: np.ndarray
    w: np.ndarray
    y: np.ndarray

    @property
    def counts(self) -> tuple[int, ...]:
        return _two(self.y)

    @property
    def kernel(self) -> tuple[int, ...]:
        return _two(self.w)

    @property
    def of_x(self) -> list[int]:
        return [self.x.itemsize * step for step in strides(_two(self.x))]

    @property
    def of_y(self) -> list[int]:
        return [self.y.itemsize * step for step in strides(self.counts)]

    def starts(self, rows: range, column: int = 0) -> Iterator[np.ndarray]:
        """Where these rows of each plane begin, in x and in y."""
        for steps in (self.of_x, self.of_y):
            planes = positions(self.counts[:-2], steps[:-2])
            yield np.add.outer(planes, steps[-2] * np.arange(rows.start, rows.stop, rows.step)).reshape(-1) + (
                steps[-1] * column
            )

    def seconds(self, outputs: int) -> float:
        return self.w.size * outputs * self.x.itemsize / (4 * RATE)


def _two(array: np.ndarray) -> tuple[int, ...]:
    return (1,) * (2 - array.ndim) + array.shape


def correlate(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """y[j] = Σ_t w[t] · x[j+t], of what lies in x; both in C order and of one type in DTYPES."""
    call = Call(x, w, empty([n - k + 1 for n, k in zip(x.shape, w.shape, strict=True)], x.dtype))
    (rows, columns), (high, length), lanes = call.counts[-2:], call.kernel[-2:], host().vector // x.itemsize
    # as many rows as there are taps for: there is a step in which all members are at one
    below = min(TILE, high + 1, rows)
    if below > 1:
        whole = rows // below * below
        _tiles(call, range(0, whole, below), columns, below, max(1, TILE // below), True)
        _lines(call, range(whole, rows), 0)
    elif min(length, columns) >= TILE * lanes:
        whole = columns // (TILE * lanes) * (TILE * lanes)
        _tiles(call, range(rows), whole, TILE, 1, False)
        _lines(call, range(rows), whole)
    else:
        _lines(call, range(rows), 0)
    return call.y


def _tiles(call: Call, rows: range, length: int, members: int, wide: int, below: bool) -> None:
    """So many outputs of what begins in these rows."""
    lanes = host().vector // call.x.itemsize
    axes, step = (2, wide * lanes) if below else (1, members * lanes)
    *outer, width = call.kernel[-axes:]
    delay, member = (width, call.of_y[-2]) if below else (lanes, lanes * call.y.itemsize)
    reached = [outer[0] + members - 1, width] if below else [width + delay * (members - 1)]
    offsets, sets = positions(reached, call.of_x[-axes:]), positions(call.kernel[:-axes], call.of_x[:-axes])
    sources, places = call.starts(rows)
    chunk = CHUNK // step * step
    chunks = -(-length // chunk)
    block = words(
        *(call.x, call.y, call.w, sources, places, offsets, sets),
        *(length, math.prod(call.kernel[-axes:]), delay, len(sets), member, chunks, chunk),
    )
    outputs = len(sources) * length * (members if below else 1)
    code = delayed(DTYPES[call.x.dtype], members, wide, below)
    workers.run(code, block, len(sources) * chunks, (), call.seconds(outputs))


def _lines(call: Call, rows: range, column: int) -> None:
    """The outputs of these rows from a column on."""
    sources, places = call.starts(rows, column)
    length = call.counts[-1] - column
    if not len(sources) or not length:
        return
    offsets, chunks = positions(call.kernel, call.of_x), -(-length // CHUNK)
    block = words(call.x, call.y, call.w, sources, places, offsets, length, call.w.size, chunks)
    workers.run(lines(DTYPES[call.x.dtype]), block, len(sources) * chunks, (), call.seconds(len(sources) * length))
