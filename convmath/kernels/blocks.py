"""The windows of a batch in blocks: what is laid out for one of them stays small, and threads can share them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from convmath.window import Window

from .tiles import boxes

__all__ = ["PARTS", "ROOM", "Block", "Piece", "at_once", "blocks", "has_room", "pieces"]

# bytes that a thread lays out at once: they should stay in the cache, and no batch, and no image, fill the memory
ROOM = 2**22
PARTS = 16  # as many threads have something to do
FEW = 32  # times the ROOM that a call may take whose pieces are remembered


class Block(NamedTuple):
    """Some windows of some images, and how they lie on what they `read`."""

    images: slice
    out: tuple[Any, ...]  # the index of the block in an array (image, channel, *counts)
    read: tuple[Any, ...]  # and of what it reads in one (image, channel, *sizes)
    first: tuple[int, ...]  # the position where that begins
    windows: tuple[Window, ...]
    counts: tuple[int, ...]
    positions: slice  # the windows of an image, numbered row by row; a block has no gaps


def blocks(
    batch: int,
    windows: Sequence[Window],
    sizes: Sequence[int],
    counts: Sequence[int],
    each: int,
    image: int = 1,
) -> Iterator[Block]:
    """All windows of a batch in their order, so many at once that there is ROOM for `each` times as many bytes.

    And so few images that there is for `image` bytes of each of them. What fills more than a quarter of the ROOM is cut
    into two blocks at least, so that two threads have something to do.

    >>> for block in blocks(1, [Window(kernel=3, before=1, after=1)], [2**18], [2**18], each=3 * 4):
    ...     print(block.read[2], block.windows[0].before, block.windows[0].after, block.positions)
    slice(0, 131073, None) 1 0 slice(0, 131072, None)
    slice(131071, 262144, None) 0 1 slice(131072, 262144, None)
    """
    lengths = (batch, *counts)
    if not math.prod(lengths):
        return
    total, most, least = math.prod(lengths), at_once(each), at_once(4 * each)
    crops = any(min(window.before, window.after) < 0 for window in windows)
    if total <= least and batch <= at_once(image) and not crops:
        whole = (slice(None),) * (2 + len(sizes))
        yield Block(slice(None), whole, whole, (0,) * len(sizes), tuple(windows), tuple(counts), slice(None))
        return
    first, *others = _steps(lengths, min(most, max(-(-total // 2), least)))
    steps = tuple(map(_alike, lengths, (min(first, at_once(image)), *others)))
    for images, *out in boxes(lengths, steps):
        read, laid = zip(*map(_laid, windows, sizes, out), strict=True)
        own = tuple(o.stop - o.start for o in out)
        position = 0
        for o, m in zip(out, counts, strict=True):
            position = position * m + o.start
        positions = slice(position, position + math.prod(own))
        start = tuple(r.start for r in read)
        yield Block(images, (images, slice(None), *out), (images, slice(None), *read), start, laid, own, positions)


class Piece(NamedTuple):
    """A block of windows in some groups of channels."""

    block: Block
    groups: slice
    channels: slice  # theirs in the input

    @property
    def read(self) -> tuple[slice, ...]:
        """The index in an array (image, channel, *sizes)."""
        images, _, *others = self.block.read
        return (images, self.channels, *others)

    @property
    def out(self) -> tuple[slice, ...]:
        """The index in an array (image, group, channel, window)."""
        return self.block.images, self.groups, slice(None), self.block.positions

    @property
    def made(self) -> tuple[Any, ...]:
        """The same in an array (image, group, channel, *counts)."""
        return self.block.images, self.groups, slice(None), *self.block.out[2:]


def pieces(
    shape: Sequence[int], windows: Sequence[Window], counts: Sequence[int], groups: int, each: int, image: int = 1
) -> Iterable[Piece]:
    """All windows of an input, where each takes so many bytes in a group, and an image so many more.

    So many groups at once as there is room for with all windows of an image.
    """
    given = tuple(shape), tuple(windows), tuple(counts), groups, each, image
    few = shape[0] * max(math.prod(counts) * groups * each, image) <= FEW * ROOM
    return _remembered(ROOM, *given) if few else _pieces(*given)


@lru_cache(1024)
def _remembered(room: int, *given: Any) -> tuple[Piece, ...]:
    """The pieces of a call that has few: they take as long to find as a small one takes to compute."""
    return tuple(_pieces(*given))


def _pieces(
    shape: tuple[int, ...], windows: tuple[Window, ...], counts: tuple[int, ...], groups: int, each: int, image: int
) -> Iterator[Piece]:
    batch, channels, *sizes = shape
    own, few = channels // groups, min(groups, at_once(each * math.prod(counts)))
    for first in range(0, groups, few):
        behind = min(first + few, groups)
        for block in blocks(batch, windows, sizes, counts, few * each, image):
            yield Piece(block, slice(first, behind), slice(first * own, behind * own))


def at_once(size: int) -> int:
    """How many of what takes so many bytes there is ROOM for, one at least."""
    return max(1, ROOM // max(1, size))


def has_room(size: int) -> bool:
    """Whether there is for so many bytes."""
    return size <= ROOM


def _steps(lengths: Sequence[int], room: int) -> tuple[int, ...]:
    """The sides of boxes of at most so many, or of one: whole rows where they fit."""
    steps = []
    for length in reversed(lengths):
        steps.append(max(1, min(length, room)))
        room //= steps[-1]
    return tuple(reversed(steps))


def _alike(length: int, step: int) -> int:
    """At most that step, in so many parts that two, four, … threads have about as much to do."""
    parts = 1
    while parts * step < length:
        parts *= 2
    return -(-length // parts)


def _laid(window: Window, n: int, out: slice) -> tuple[slice, Window]:
    """What these windows of an axis read of its n elements, and the windows on that."""
    first = window.stride * out.start - window.before
    behind = window.stride * (out.stop - 1) - window.before + window.span
    low, high = max(0, first), min(n, behind)
    if low >= high:
        return slice(0, 0), Window(window.kernel, window.stride, window.dilation, 0, behind - first)
    return slice(low, high), Window(window.kernel, window.stride, window.dilation, low - first, behind - high)
