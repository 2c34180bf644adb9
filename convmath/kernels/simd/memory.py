"""Memory that is used again: scratch memory of a thread, and the pages of results that are not needed any more.

Fresh pages cost as much as many a kernel: the system clears each when it is first touched.
"""

from __future__ import annotations

import ctypes
import math
import threading
import weakref
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

__all__ = ["aligned", "biases", "empty", "scratch"]

LINE, PAGE = 64, 4096  # bytes
SHIFT = 1088  # bytes that scratch areas are shifted against each other, so that they don't share lines of the cache
KEPT = 2**16  # bytes from which on pages of results are kept
MOST = 2**28  # bytes that are kept at most

_own = threading.local()


def aligned(elements: int, dtype: DTypeLike) -> np.ndarray:
    """An array along one axis that begins on a cache line; its elements are whatever is there."""
    dtype = np.dtype(dtype)
    memory = np.empty(elements * dtype.itemsize + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    return memory[start : start + elements * dtype.itemsize].view(dtype)


def biases(b: np.ndarray | None, channels: int, dtype: DTypeLike) -> np.ndarray:
    """The bias, or zeros in its place: kernels always add one, which costs them nothing."""
    return np.zeros(channels, dtype) if b is None else b


def scratch(slot: int, own: Sequence[int]) -> np.ndarray:
    """The addresses of as many areas of that many bytes, for a worker of the calling thread; kept for the next call."""
    areas = _own.__dict__.setdefault("areas", {}).setdefault(slot, {})
    addresses = np.empty(max(1, len(own)), np.int64)
    for place, size in enumerate(own):
        found = areas.get(place)
        if found is None or found[1] < size:
            memory = np.zeros(size + PAGE + place * SHIFT, np.uint8)
            found = areas[place] = (memory.ctypes.data + -memory.ctypes.data % PAGE + place * SHIFT, size, memory)
        addresses[place] = found[0]
    return addresses


# --- results ------------------------------------------------------------------------------------------------------


class _Pages:
    """Blocks of memory by size, which come back when the last view of an array in them is gone."""

    def __init__(self) -> None:
        self.free: dict[int, list[np.ndarray]] = {}
        self.kept = 0
        self.lock = threading.Lock()
        self.lent: dict[int, tuple[Any, np.ndarray]] = {}

    def take(self, size: int) -> Any:
        """Memory of that size, as an object that gives it back when it goes."""
        with self.lock:
            blocks = self.free.get(size)
            memory = blocks.pop() if blocks else None
            if memory is not None:
                self.kept -= size
        if memory is None:
            memory = np.empty(size + PAGE, np.uint8)
        area = _area(size).from_address(memory.ctypes.data + -memory.ctypes.data % PAGE)
        key = id(area)
        self.lent[key] = weakref.ref(area, lambda _: self._back(key, size)), memory
        return area

    def _back(self, key: int, size: int) -> None:
        _, memory = self.lent.pop(key)
        # this may run in the middle of `take`, in the same thread: then the block is simply let go
        if self.lock.acquire(blocking=False):
            try:
                if self.kept + size <= MOST:
                    self.free.setdefault(size, []).append(memory)
                    self.kept += size
            finally:
                self.lock.release()


_pages = _Pages()


@lru_cache(1024)
def _area(size: int) -> type[ctypes.Array]:
    return ctypes.c_char * size


def empty(shape: Sequence[int], dtype: DTypeLike) -> np.ndarray:
    """An array whose elements are whatever is there; a large one is made of pages that have been used before."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    if size < KEPT:
        return np.empty(shape, dtype)
    return np.ndarray(shape, dtype, _pages.take(-(-size // KEPT) * KEPT))
