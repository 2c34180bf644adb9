"""Pools backward: each element of the input gathers from the windows that may hold it.

    maximum   gx[i] = Σ_{j ∋ i} [selected[j] = i] gy[j]
    sum       gx[i] = Σ_{j ∋ i} gy[j]

Along a row these are the windows j = ⌊(i + a)/s⌋ - q, q = 0, 1, …: neighbours for neighbouring elements, each s times.
So nothing is scattered, and every element is written once. The order of a sum is that of the taps: down the rows of a
window, and along a row that of q. Rows of cotangents are laid out in scratch memory, with zeros for windows that there
are not.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from convmath.window import Window

from . import workers
from .builder import BYTES, WORD, Builder, Value, Words, words
from .compile import Kernel, kernel
from .host import host
from .lanes import repeated
from .memory import empty, goes_past
from .pool_tables import Lists, standing

__all__ = ["LONGEST", "Plan", "spread_maximum", "spread_sum"]

LONGEST = 16  # the longest stride that code is written out for
UNROLLED = 8  # windows along a row that are written out
SPEED = 40e9  # bytes a second, about: only to see what is worth sharing

SHAPE = "planes_in planes_out rows_in rows_out row_in row_out pitch left behind_row"


# --- code ---------------------------------------------------------------------------------------------------------


@kernel("selected gy gx lists ends", SHAPE, "positions cotangents")
def maximum(k: Builder, dtype: str, stride: int, phase: int, past: bool) -> None:
    """`selected` holds 1 + the position of each window's maximiser, or 0; a list has the places of windows."""
    one_on = k.lane_numbers(k.integer) + 1

    def plane(i: Value) -> None:
        def lay_out(r: Value) -> None:
            for array, scratch in ((k.selected, k.positions), (k.gy, k.cotangents)):
                _lay_out(k, k.at(array, i * k.planes_out + r * k.row_out), k.at(scratch, r * k.pitch), lambda v, *_: v)

        def row(r: Value) -> None:
            first, behind = (k.load_word(k.ends, r * 8 + 8 * end) for end in range(2))
            number = r * (k.row_in // k.bytes)

            def given(t: Value, shift: Value, begin: int, here: Value) -> Value:
                """What a window gives, which is selected, not multiplied: what is infinite stays where it is sent."""
                at = k.load_word(k.lists, t * 8) + shift
                positions, cotangents = k.at(k.positions, at), k.at(k.cotangents, at)
                chosen = repeated(k, lambda w: k.load_integers(k.integer, positions, w * k.bytes), stride, begin)
                g = repeated(k, lambda w: k.load(cotangents, w * k.bytes), stride, begin)
                return k.select(chosen.equals(here), g, k.splat(0.0))

            def here(e: Value) -> Value:
                return k.splat(e if k.integer == WORD else k.resized(e, k.integer)) + one_on

            def of_one(e: Value, shift: Value, begin: int) -> Value:
                return given(first, shift, begin, here(number + e)) + 0.0

            def of_some(e: Value, shift: Value, begin: int) -> Value:
                position = here(number + e)
                return k.loop(
                    first, behind, 1, [k.splat(0.0)], lambda t, so_far: so_far + given(t, shift, begin, position)
                )[0]

            into = k.at(k.gx, i * k.planes_in + r * k.row_in)
            k.either(
                (behind - first).equals(1),
                lambda: _along(k, into, stride, phase, past, of_one),
                lambda: _along(k, into, stride, phase, past, of_some),
            )

        k.loop(0, k.rows_out, 1, [], lay_out)
        k.loop(0, k.rows_in, 1, [], row)

    k.loop(k.first, k.behind, 1, [], plane)


@kernel("gy divisor gx lists ends masks", SHAPE + " near windows step most", "cotangents total")
def total(k: Builder, dtype: str, stride: int, phase: int, reach: int, mean: bool, past: bool) -> None:
    """A list has the rows of windows; a mask says which of the windows along a row hold an element.

    `reach` is how many of them there are if all of them hold it, else 0.
    """

    def divided(v: Value, divisor: Value, offset: Value, mask: Value | None) -> Value:
        d = k.load(divisor, offset, mask=mask)
        return v / (d if mask is None else k.select(mask, d, k.splat(1.0)))

    def plane(i: Value) -> None:
        def lay_out(r: Value) -> None:
            source, divisor = k.at(k.gy, i * k.planes_out + r * k.row_out), k.at(k.divisor, r * k.row_out)
            change = (lambda v, offset, mask: divided(v, divisor, offset, mask)) if mean else lambda v, *_: v
            _lay_out(k, source, k.at(k.cotangents, r * k.pitch), change)

        def row(r: Value) -> None:
            first, behind = (k.load_word(k.ends, r * 8 + 8 * end) for end in range(2))
            alone = (behind - first).equals(1)

            def down(offset: Value) -> None:
                def add(t: Value, so_far: Value) -> Value:
                    return so_far + k.load(k.at(k.cotangents, k.load_word(k.lists, t * 8)), offset)

                k.store(k.loop(first, behind, 1, [k.splat(0.0)], add)[0], k.total, offset)

            # a row that stands alone is its own total
            with k.code.if_then((~alone).value):
                k.loop(0, k.pitch, k.vector, [], down)
            there = k.least_of(first, k.most)
            column = k.select(alone, k.at(k.cotangents, k.load_word(k.lists, there * 8)), k.total)

            def elements(e: Value, shift: Value, begin: int) -> Value:
                near, masks = (
                    k.at(column, k.near + shift),
                    k.at(k.masks, (begin - phase) // k.lanes * k.vector + e * k.step),
                )

                def given(q: Value | int) -> Value:
                    at = k.at(near, q * -k.bytes)
                    return repeated(k, lambda w: k.load(at, w * k.bytes), stride, begin)

                def window(q: Value, so_far: Value) -> Value:
                    mask = k.load_integers(k.integer, masks, q * (max(1, stride) * k.vector))
                    return so_far + k.from_bits(k.bits(given(q)) & mask)

                if reach:  # a zero is +0, as that of a sum that begins with 0
                    return sum((given(q) for q in range(1, reach)), given(0)) + 0.0
                return k.loop(0, k.windows, 1, [k.splat(0.0)], window)[0]

            _along(k, k.at(k.gx, i * k.planes_in + r * k.row_in), stride, phase, past, elements)

        k.loop(0, k.rows_out, 1, [], lay_out)
        k.loop(0, k.rows_in, 1, [], row)

    k.loop(k.first, k.behind, 1, [], plane)


def _lay_out(k: Builder, source: Value, into: Value, change: Callable[[Value, Value, Value | None], Value]) -> None:
    """A row with zeros before and behind it; bits of integers come through as they are."""
    zero = k.splat(0.0)
    k.loop(0, k.left, k.vector, [], lambda at: k.store(zero, into, at))
    k.loop(k.behind_row, k.pitch, k.vector, [], lambda at: k.store(zero, into, at))
    to = k.at(into, k.left)

    def copy(offset: Value, mask: Value | None) -> None:
        k.store(change(k.load(source, offset, mask=mask), offset, mask), to, offset, mask=mask)

    k.over(k.row_out // k.bytes, copy)


def _along(
    k: Builder, into: Value, stride: int, phase: int, past: bool, elements: Callable[[Value, Value, int], Value]
) -> None:
    """A row of gx in blocks that begin with a window; elements(first, bytes of windows before, lane) is a vector."""
    length, vectors = k.row_in // k.bytes, max(1, stride)
    block = vectors * k.lanes
    whole = length // block * block

    def shift(e: Value) -> Value:
        return e // stride * k.bytes if stride else k.word(0)

    def complete(e: Value) -> None:
        for v in range(vectors):
            found = elements(e + v * k.lanes, shift(e), v * k.lanes + phase)
            k.store(found, into, (e + v * k.lanes) * k.bytes, past=past)

    k.loop(0, whole, block, [], complete)
    for v in range(vectors):
        here = whole + v * k.lanes

        def rest(here: Value = here, v: int = v) -> None:
            found = elements(here, shift(whole), v * k.lanes + phase)
            k.store_first(length - here, found, into, here * k.bytes, past=past)

        k.when(here < length, rest)


# --- plans --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """A pool of planes of these sizes, backward."""

    dtype: str
    sizes: tuple[int, ...]
    windows: tuple[Window, ...]
    counts: tuple[int, ...]

    @cached_property
    def lanes(self) -> int:
        return host().vector // BYTES[self.dtype]

    @cached_property
    def stride(self) -> int:
        """0 where there is one window along a row: then there is nothing to step over."""
        return self.windows[-1].stride if self.counts[-1] > 1 else 0

    @cached_property
    def phase(self) -> int:
        return self.windows[-1].before % self.stride if self.stride else 0

    @cached_property
    def reach(self) -> int:
        """How many windows along a row may hold an element."""
        return (self.windows[-1].span - 1) // self.stride + 1 if self.stride else 1

    @cached_property
    def behind(self) -> int:
        """How many windows before the beginning of a row its padding begins."""
        return self.windows[-1].before // self.stride if self.stride else 0

    @cached_property
    def left(self) -> int:
        return max(0, self.reach - 1 - self.behind)

    @cached_property
    def pitch(self) -> int:
        """Elements from one row that is laid out to the next."""
        n, m, lanes = self.sizes[-1], self.counts[-1], self.lanes
        most = (n + self.phase) // self.stride + lanes + 1 + self.behind if self.stride else lanes
        return -(-(self.left + max(m, most) + lanes) // lanes) * lanes

    @cached_property
    def rows(self) -> Lists:
        return standing(self.sizes, self.windows, self.counts)

    @cached_property
    def places(self) -> Lists:
        """For each row of the input the windows that may hold its first element, in bytes of what is laid out."""
        first = self.rows.entries * self.pitch + self.left + self.behind
        each = np.subtract.outer(first, np.arange(self.reach)).reshape(-1)
        return Lists(each * BYTES[self.dtype], self.rows.ends * self.reach)

    @cached_property
    def masks(self) -> np.ndarray:
        """All bits where window ⌊(i + a)/s⌋ - q holds element i, for each q: elements of a block, or all of a row."""
        w, lanes = self.windows[-1], self.lanes
        if self.stride:
            tap = (np.arange(self.stride * lanes) + self.phase) % self.stride
            tap = np.add.outer(self.stride * np.arange(self.reach), tap)
        else:
            tap = np.arange(-(-self.sizes[-1] // lanes) * lanes) + w.before
        held = (tap % w.dilation == 0) & (tap // w.dilation < w.kernel)
        return -np.ascontiguousarray(held.reshape(-1), f"i{BYTES[self.dtype]}")

    @cached_property
    def shape(self) -> tuple[int, ...]:
        size, n, m = BYTES[self.dtype], self.sizes[-1], self.counts[-1]
        planes = math.prod(self.sizes), math.prod(self.counts)
        return (
            *(planes[0] * size, planes[1] * size, planes[0] // n, planes[1] // m),
            *(n * size, m * size, self.pitch * size, self.left * size, (self.left + m) * size),
        )

    @cached_property
    def of_maximum(self) -> Words:
        """The block of words behind the arrays of a call."""
        return words(self.places.entries, self.places.ends, *self.shape)

    @cached_property
    def lists(self) -> np.ndarray:
        return self.rows.entries * (self.pitch * BYTES[self.dtype])

    @cached_property
    def of_sum(self) -> Words:
        """The block of words behind the arrays of a call."""
        size = BYTES[self.dtype]
        return words(
            *(self.lists, self.rows.ends, self.masks, *self.shape, (self.left + self.behind) * size, self.reach),
            *(0 if self.stride else size, len(self.lists) - 1),
        )

    @cached_property
    def written_out(self) -> int:
        return self.reach if self.reach <= UNROLLED and self.masks.all() else 0

    def goes_past(self, gx: np.ndarray) -> bool:
        return goes_past(gx, self.sizes[-1] * gx.itemsize)

    def start(self, code: Kernel, arrays: tuple, rest: Words, scratch: tuple[int, ...], planes: int) -> None:
        rows = math.prod(self.counts[:-1])
        moved = planes * (math.prod(self.sizes) + 2 * rows * self.pitch) * BYTES[self.dtype]
        workers.run(code, words(*arrays, then=rest), planes, scratch, moved / SPEED)

    def room(self, rows: int) -> int:
        return (rows * self.pitch + self.lanes) * BYTES[self.dtype]


def spread_maximum(p: Plan, gy: np.ndarray, selected: np.ndarray) -> np.ndarray:
    gx = empty((*gy.shape[:2], *p.sizes), gy.dtype)
    rows = p.room(math.prod(p.counts[:-1]))
    code = maximum(p.dtype, p.stride, p.phase, p.goes_past(gx))
    p.start(code, (selected, gy, gx), p.of_maximum, (rows, rows), math.prod(gy.shape[:2]))
    return gx


def spread_sum(p: Plan, gy: np.ndarray, divisor: np.ndarray | int | None) -> np.ndarray:
    gx, each = empty((*gy.shape[:2], *p.sizes), gy.dtype), np.empty(p.counts, gy.dtype)
    if divisor is not None:
        each[...] = divisor
    code = total(p.dtype, p.stride, p.phase, p.written_out, divisor is not None, p.goes_past(gx))
    scratch = p.room(math.prod(p.counts[:-1])), p.room(1)
    p.start(code, (gy, each, gx), p.of_sum, scratch, math.prod(gy.shape[:2]))
    return gx
