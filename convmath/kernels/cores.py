"""Threads for what spends its time outside the interpreter: NumPy's loops and SciPy's transforms.

Which thread does an item makes no difference to the result, as long as no two items write to the same place.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from .threads import threads

__all__ = ["each"]

T = TypeVar("T")

# seconds of work that are worth waking a second thread for
WORTH = 3e-4

_lock = threading.Lock()
_pools: dict[int, ThreadPoolExecutor] = {}


def each(work: Callable[[T], None], items: Iterable[T], seconds: float) -> None:
    """Do the work for each item; `seconds` is about what one thread needs for all of them."""
    several, count = list(items), threads()
    if count == 1 or len(several) == 1 or seconds < WORTH:
        for item in several:
            work(item)
        return
    # what the caller set for its own context (np.errstate) holds for the threads that work for it
    running = [_pool(count).submit(copy_context().run, work, item) for item in several]
    try:
        for one in running:
            one.result()
    finally:
        for one in running:
            one.cancel()


def _pool(count: int) -> ThreadPoolExecutor:
    with _lock:
        if count not in _pools:
            _pools[count] = ThreadPoolExecutor(count, "convmath")
        return _pools[count]


def _forget() -> None:
    """In a forked child there are no threads, and the lock may be held by one of them."""
    global _lock
    _lock = threading.Lock()
    _pools.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
