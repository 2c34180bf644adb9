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
from functools import lru_cache
from itertools import product

import numpy as np

from . import workers
from .builder import DTYPES, Builder, Value, words
from .compile import kernel
from .host import host
from .memory import LINE, empty
from .plane import positions, strides

__all__ = ["DTYPES", "correlate"]

TILE = 8  # vectors of outputs of a line that are summed together
SUMS = 12  # vectors of a tile of members, where there are registers for them
WAITED = 2  # cycles from a sum to the next
CROSSED = 1.2  # loads that a vector across the end of a line of the cache takes more, about
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
    """Tiles of so many members of `wide` vectors: one `below` the other, or in one line; an item is a part of a line.

    `delay` are the taps from a member to the next, `member` the bytes; the taps come in `sets` of `taps`.
    """
    step = wide * k.lanes * (1 if below else members)

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
    vectors, below = max(1, columns // lanes), min(rows, high) > 1
    if below:  # as many rows at most as there are taps for: there is a step in which all members are at one
        members, wide = _tile(high * length, length, 0, min(rows, high + 1), vectors)
    else:
        members, wide = _tile(length, 0, lanes, SUMS, vectors)
    if members == 1:
        _lines(call, range(rows), 0)
    elif below:
        whole = rows // members * members
        _tiles(call, range(0, whole, members), columns, members, wide, True)
        _lines(call, range(whole, rows), 0)
    else:
        step = members * wide * lanes
        whole = columns // step * step
        _tiles(call, range(rows), whole, members, wide, False)
        _lines(call, range(rows), whole)
    return call.y


@lru_cache(1024)
def _tile(taps: int, apart: int, lanes: int, most: int, vectors: int) -> tuple[int, int]:
    """Members and vectors of the tile that takes the fewest cycles, of at most so many; one member is none.

    A member is `apart` taps behind the one before, and `lanes` more for each vector. A processor loads two lines of the
    cache in a cycle, multiplies two vectors and adds two. In each step it also loads where the signal is, and a weight.
    """
    sums, loaded = SUMS if host().registers == 32 else TILE, 1 + CROSSED * host().vector / LINE

    def cycles(members: int, wide: int) -> float:
        delay = apart + lanes * wide
        some = [max((loaded * wide + count + 1) / 2, count * wide / 2, WAITED) for count in range(1, members + 1)]
        return ((taps - delay * (members - 1)) * some[-1] + 2 * delay * sum(some[:-1])) / (members * wide)

    found = [(cycles(1, TILE), 1, TILE)]
    for members, wide in product(range(2, min(most, sums) + 1), range(1, sums + 1)):
        fits = members * wide <= sums and (members * wide if lanes else wide) <= vectors
        if fits and (apart + lanes * wide) * (members - 1) <= taps:
            found.append((cycles(members, wide), members, wide))
    _, members, wide = min(found)
    return members, wide


def _tiles(call: Call, rows: range, length: int, members: int, wide: int, below: bool) -> None:
    """So many outputs of what begins in these rows."""
    size = call.x.itemsize
    lanes = wide * (host().vector // size)
    axes, step = (2, lanes) if below else (1, members * lanes)
    *outer, width = call.kernel[-axes:]
    delay, member = (width, call.of_y[-2]) if below else (lanes, lanes * size)
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
