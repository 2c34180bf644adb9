"""Memory that is used again: scratch memory of a thread, and the pages of results that are not needed any more.

Fresh pages cost as much as many a kernel: the system clears each when it is first touched.
"""

from __future__ import annotations

import ctypes
import math
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import compress, islice
from sys import getrefcount
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from convmath.kernels.threads import threads

from .words import Words, address, words

__all__ = ["AHEAD", "LINE", "aligned", "biases", "empty", "goes_past", "is_alone", "scratch"]

LINE, PAGE = 64, 4096  # bytes
SHIFT = 1088  # bytes that scratch areas are shifted against each other, so that they don't share lines of the cache
MANY = 512  # sets of scratch areas that are kept in mind
KEPT = 2**16  # bytes from which on pages of results are kept
MOST = 2**28  # bytes of results that are kept in mind at most
AREA = 2**24  # bytes that small blocks are parts of
LOOKED_AT = 64  # blocks of a size at a time, whether one is free
AHEAD = 12288  # bytes from what is read to what is fetched: about what is read until memory answers
LARGE = 2**21  # bytes of which little is in a second-level cache any more when the last are written
SHARED = 2**24  # the same of the last cache, which takes what several threads write quicker than memory does

Block = Any  # an array of ctypes

_own = threading.local()


def _references(blocks: Iterable[Block]) -> list[int]:
    """To each block, as they are counted here."""
    return [getrefcount(block) for block in blocks]


[UNUSED] = _references(deque([ctypes.c_char()]))


def aligned(elements: int, dtype: DTypeLike) -> np.ndarray:
    """An array along one axis that begins on a cache line; its elements are whatever is there."""
    dtype = np.dtype(dtype)
    if elements * dtype.itemsize >= KEPT:
        return empty((elements,), dtype)
    memory = np.empty(elements * dtype.itemsize + LINE, np.uint8)
    return np.ndarray((elements,), dtype, memory, -address(memory) % LINE)


def biases(b: np.ndarray | None, channels: int, dtype: DTypeLike) -> np.ndarray:
    """The bias, or zeros in its place: kernels always add one, which costs them nothing."""
    return np.zeros(channels, dtype) if b is None else b


def scratch(slot: int, own: tuple[int, ...]) -> Words:
    """The addresses of as many areas of that many bytes, for a worker of the calling thread; kept for the next call.

    Whoever has the addresses used has to hold what comes back meanwhile: it holds the areas.
    """
    try:
        return _own.found[slot, own]
    except (AttributeError, KeyError):
        return _found(slot, own)


def _found(slot: int, own: tuple[int, ...]) -> Words:
    kept = _own.__dict__
    areas, found = kept.setdefault("areas", {}), kept.setdefault("found", {})
    for place, size in enumerate(own):
        if (slot, place) not in areas or areas[slot, place].size < size:
            memory = np.zeros(size + PAGE + place * SHIFT, np.uint8)
            begin = -address(memory) % PAGE + place * SHIFT
            areas[slot, place] = memory[begin : begin + size]
            # a smaller area that was there is let go with all that speak of it, unless a call still holds them
            # (and what a signal calls in between may have done so)
            for key in list(found):
                if key[0] == slot:
                    found.pop(key, None)
    if len(found) >= MANY:
        found.clear()
    block = found[slot, own] = words(*(areas[slot, place] for place in range(len(own))), 0)
    return block


# --- results ------------------------------------------------------------------------------------------------------


class _Pages:
    """Blocks of memory by size. One is used again when nobody but this has a reference to it.

    Each view of an array, and each view of that, has a reference to the block that it lies in. Small blocks are parts
    of large areas, for which the system has large pages.
    """

    def __init__(self) -> None:
        self.blocks: dict[int, deque[Block]] = {}
        self.bytes = 0
        self.lock = threading.Lock()
        self.area = np.empty(0, np.uint8)

    def within(self, shape: Sequence[int], dtype: np.dtype, size: int) -> np.ndarray:
        """An array in a block of that size, that begins on a page."""
        # what is collected meanwhile may ask for memory in its turn, in the same thread
        if not self.lock.acquire(False):
            return np.ndarray(shape, dtype, _part(_pages_of(size)))
        try:
            return np.ndarray(shape, dtype, self._block(size))
        finally:
            self.lock.release()

    def _block(self, size: int) -> Block:
        blocks = self.blocks.get(size) or deque()
        # always the first that is free: few blocks are more likely to be in a cache
        for block in islice(blocks, LOOKED_AT):
            if getrefcount(block) == UNUSED:
                return block
        blocks.rotate(-LOOKED_AT)
        if size <= MOST < self.bytes + size:
            self._forget()
        if self.bytes + size > MOST:
            return _part(_pages_of(size))
        memory = _part(_pages_of(size)) if size > AREA // 4 else self._of_area(size)
        self.blocks.setdefault(size, deque()).append(memory)
        self.bytes += size
        return memory

    def _of_area(self, size: int) -> Block:
        if len(self.area) < size:
            self.area = _pages_of(AREA)
        memory, self.area = self.area[:size], self.area[size:]
        return _part(memory)

    def _forget(self) -> None:
        """Let go of all that is not used now."""
        for size, blocks in list(self.blocks.items()):
            used = deque(compress(blocks, (count > UNUSED for count in _references(blocks))))
            self.bytes -= size * (len(blocks) - len(used))
            if used:
                self.blocks[size] = used
            else:
                del self.blocks[size]


def _pages_of(size: int) -> np.ndarray:
    """Fresh memory that begins on a page."""
    memory = np.empty(size + PAGE, np.uint8)
    start = -address(memory) % PAGE
    return memory[start : start + size]


def _part(memory: np.ndarray) -> Block:
    """The memory as an object of its own: an array in it has a reference to that, and not to what it is part of."""
    return _bytes(len(memory)).from_buffer(memory)  # type: ignore[arg-type]


@lru_cache(1024)
def _bytes(size: int) -> type[ctypes.Array]:
    return ctypes.c_char * size


_pages = _Pages()


def empty(shape: Sequence[int], dtype: DTypeLike) -> np.ndarray:
    """An array whose elements are whatever is there; a large one is made of pages that have been used before."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    if size < KEPT:
        return np.empty(shape, dtype)
    return _pages.within(shape, dtype, -(-size // KEPT) * KEPT)


def is_alone(array: np.ndarray) -> bool:
    """Whether no other array has this one's memory: it owns it, or it is all that lies in a block."""
    return array.flags.owndata or isinstance(array.base, ctypes.Array)


def goes_past(y: np.ndarray, row: int = 0) -> bool:
    """Whether a result of `empty` is written past the caches, whose lines are not read first then.

    Rows that are written one by one must be whole vectors.
    """
    from .host import host  # this module is there without llvmlite too

    return y.nbytes >= (LARGE if threads() == 1 else SHARED) and row % host().vector == 0
