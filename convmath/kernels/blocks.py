"""The windows of a batch in blocks, so that what is laid out for one of them stays small."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from convmath.window import Window

from .tiles import boxes

__all__ = ["ROOM", "Block", "at_once", "blocks"]

# elements that are laid out at once: they should stay in the cache, and no batch, and no image, should fill the memory
ROOM = 2**21


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
    elements: int,
    image: int = 1,
) -> Iterator[Block]:
    """All windows of a batch in their order, so many at once that there is ROOM for `elements` of each.

    And so few images that there is for `image` elements of each of them.

    >>> for block in blocks(1, [Window(kernel=3, before=1, after=1)], [2**20], [2**20], elements=3):
    ...     print(block.read[2], block.windows[0].before, block.windows[0].after, block.positions)
    slice(0, 699051, None) 1 0 slice(0, 699050, None)
    slice(699049, 1048576, None) 0 1 slice(699050, 1048576, None)
    """
    each = math.prod(counts)
    if not batch * each:
        return
    most = at_once(image)
    if batch * each * elements <= ROOM and batch <= most:
        yield Block(slice(None), (...,), (...,), (0,) * len(sizes), tuple(windows), tuple(counts), slice(None))
        return
    steps = _steps((batch, *counts), at_once(elements))
    steps = (min(steps[0], most), *steps[1:])
    for images, *out in boxes((batch, *counts), steps):
        read, laid = zip(*map(_laid, windows, sizes, out), strict=True)
        own = tuple(o.stop - o.start for o in out)
        first = 0
        for o, m in zip(out, counts, strict=True):
            first = first * m + o.start
        positions = slice(first, first + math.prod(own))
        start = tuple(r.start for r in read)
        yield Block(images, (images, slice(None), *out), (images, slice(None), *read), start, laid, own, positions)


def at_once(elements: int) -> int:
    """How many of what takes so many elements there is ROOM for, one at least."""
    return max(1, ROOM // max(1, elements))


def _steps(lengths: Sequence[int], room: int) -> tuple[int, ...]:
    """The sides of boxes of at most so many elements, or of one: whole rows where they fit."""
    steps = []
    for length in reversed(lengths):
        steps.append(max(1, min(length, room)))
        room //= steps[-1]
    return tuple(reversed(steps))


def _laid(window: Window, n: int, out: slice) -> tuple[slice, Window]:
    """What these windows of an axis read of its n elements, and the windows on that."""
    first = window.stride * out.start - window.before
    behind = window.stride * (out.stop - 1) - window.before + window.span
    low, high = max(0, first), min(n, behind)
    if low >= high:
        return slice(0, 0), Window(window.kernel, window.stride, window.dilation, 0, behind - first)
    return slice(low, high), Window(window.kernel, window.stride, window.dilation, low - first, behind - high)
