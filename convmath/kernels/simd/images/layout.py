"""Where the elements of a value lie, and the way of arrays (N, C, *n) there and back."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..builder import Builder, Value
from ..compile import kernel
from ..host import host
from ..watch import note, unseen, watched

__all__ = ["Layout", "Lanes", "egress", "ingest", "lanes_of"]

MOST_VECTORS = 8  # of images that a tile of outputs takes at once


@dataclass(frozen=True)
class Lanes:
    """How many images there are, and in which vectors they lie; `together` of them are taken at once."""

    images: int
    dtype: str
    lanes: int
    vectors: int
    together: int

    @property
    def vector(self) -> int:
        """The bytes of a vector."""
        return host().vector

    @property
    def row(self) -> int:
        """The bytes of one element of all images."""
        return self.vectors * self.vector


def lanes_of(images: int, dtype: str) -> Lanes:
    """As few vectors as there may be, but a number of them that tiles divide."""
    lanes = host().vector // int(dtype[1])
    least = -(-images // lanes)
    registers = host().registers

    def cost(vectors: int) -> tuple[float, int]:
        together = _divisor(vectors)
        # a tile loads `together` vectors and broadcasts as many weights as it has outputs
        outputs = max(1, (registers - together - 2) // together)
        return vectors * max(1.0, (outputs + together) / (outputs * together)), vectors

    vectors = min(range(least, least + 2), key=cost)
    return Lanes(images, dtype, lanes, vectors, _divisor(vectors))


def _divisor(vectors: int) -> int:
    most = MOST_VECTORS if host().registers == 32 else MOST_VECTORS // 2
    wanted = [count for count in range(1, most + 1) if vectors % count == 0]
    # four vectors are loaded as quickly as their products are summed, more leave few outputs to a tile
    return min(wanted, key=lambda count: (abs(count - most // 2), count))


@dataclass(frozen=True)
class Layout:
    """A value of so many channels; zeros of the `margins` lie around its spatial axes. All numbers are bytes."""

    channels: int
    sizes: tuple[int, ...]
    row: int
    margins: tuple[tuple[int, int], ...]

    @property
    def strides(self) -> tuple[int, ...]:
        wide = [n + before + after for n, (before, after) in zip(self.sizes, self.margins, strict=True)]
        return tuple(self.row * math.prod(wide[axis + 1 :]) for axis in range(len(wide)))

    @property
    def channel(self) -> int:
        wide = (n + before + after for n, (before, after) in zip(self.sizes, self.margins, strict=True))
        return self.row * math.prod(wide)

    @property
    def origin(self) -> int:
        """Where position 0 of a channel lies."""
        return sum(stride * before for stride, (before, _) in zip(self.strides, self.margins, strict=True))

    @property
    def bytes(self) -> int:
        return self.channels * self.channel

    @property
    def positions(self) -> np.ndarray:
        """Where each position of a channel lies, row by row."""
        return self.at([np.arange(n) for n in self.sizes])

    @property
    def elements(self) -> np.ndarray:
        """Where each element of an image lies, row by row."""
        return np.add.outer(self.channel * np.arange(self.channels), self.positions).reshape(-1)

    def at(self, coordinates: Sequence[np.ndarray]) -> np.ndarray:
        """Where the positions lie that have these coordinates along each axis, row by row."""
        total = np.array([self.origin], np.int64)
        for along, stride in zip(coordinates, self.strides, strict=True):
            total = np.add.outer(total, stride * along).reshape(-1)
        return total


# --- there and back -----------------------------------------------------------------------------------------------


def _block(k: Builder, i: Value, n: Value) -> tuple[Value, list[Value], list[Value]]:
    """A vector of elements, and one of images: where the first lies, masks of the rows, places of the elements."""
    first = i * k.lanes
    left = k.elements - first
    begin = k.at(k.array, (n * k.elements + first) * k.bytes)
    masks = [k.below(k.select(n + row < k.images, left, k.word(0))) for row in range(k.lanes)]
    # behind the last element the last is meant again
    own = [k.load_word(k.places, k.least_of(first + place, k.elements - 1) * 8) for place in range(k.lanes)]
    return begin, masks, [k.at(k.lanewise, where + n * k.bytes) for where in own]


def _each_block(k: Builder, body: Callable[[Value, Value], None]) -> None:
    """An item is a vector of elements."""
    k.loop(k.first, k.behind, 1, [], lambda i: k.loop(0, k.images, k.lanes, [], lambda n: body(i, n)) and None)


@kernel("array lanewise places", "images elements", passes=False)
def ingest(k: Builder, dtype: str) -> None:
    """(N, …) as (…, images); the last vector is filled up with zeros."""

    def block(i: Value, n: Value) -> None:
        begin, masks, places = _block(k, i, n)
        rows = [k.load(begin, k.elements * (k.bytes * row), mask=mask) for row, mask in enumerate(masks)]
        for place, (vector, there) in enumerate(zip(k.transposed(rows), places, strict=True)):
            k.when(i * k.lanes + place < k.elements, lambda v=vector, at=there: k.store(v, at))

    _each_block(k, block)


@kernel("array lanewise places flag", "images elements", passes=False)
def egress(k: Builder, dtype: str) -> None:
    """(…, images) as (N, …); what is not finite is noted."""

    def block(i: Value, n: Value) -> None:
        begin, masks, places = _block(k, i, n)
        elements, seen = [k.load(there) for there in places], unseen(k)
        for vector in elements:
            seen = watched(k, seen, vector)
        note(k, seen, k.flag)
        rows = k.transposed(elements)
        for row, (vector, mask) in enumerate(zip(rows, masks, strict=True)):
            k.store(vector, begin, k.elements * (k.bytes * row), mask=mask)

    _each_block(k, block)
