"""Threads for what spends its time outside the interpreter: NumPy's loops and products, and SciPy's transforms.

Which thread does an item makes no difference to the result, as long as no two items write to the same place.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import nullcontext
from contextvars import copy_context
from typing import TypeVar

from . import blas
from .placing import kept_away, staying
from .threads import threads

__all__ = ["WORTH", "each"]

T = TypeVar("T")

# seconds of work that are worth waking a second thread for
WORTH = 3e-4
# seconds after which the system has put each thread on a core of its own anyway
LONG = 0.1


class _Helpers(ThreadPoolExecutor):
    """Threads, each with the core that it is kept away from."""

    def __init__(self, count: int):
        self.away_from: dict[int, int | None] = {}
        super().__init__(count, "convmath", lambda: self.away_from.update({threading.get_native_id(): None}))

    def place(self) -> None:
        for thread, before in list(self.away_from.items()):
            self.away_from[thread] = kept_away(thread, before)

    @property
    def placed(self) -> bool:
        """Whether they are all kept away from a core."""
        return bool(self.away_from) and None not in self.away_from.values()


_lock = threading.Lock()
_pools: dict[int, _Helpers] = {}


def each(work: Callable[[T], None], items: Iterable[T], seconds: float) -> None:
    """Do the work for each item; `seconds` is about what one thread needs for all of them.

    What multiplies matrices does so in the thread that it runs in, also where there is one thread alone: the order of
    BLAS's sums depends on how many it has.
    """
    left = deque(items)
    helpers = 0 if seconds < WORTH else min(threads(), len(left)) - 1

    def along() -> None:
        try:
            while True:
                try:
                    item = left.popleft()
                except IndexError:
                    return
                work(item)
        except BaseException:
            left.clear()
            raise

    with blas.alone():
        if helpers <= 0:
            along()
            return
        pool = _pool(helpers)
        pool.place()
        # what the caller set for its own context (np.errstate) holds for the threads that work for it
        running = [pool.submit(copy_context().run, along) for _ in range(helpers)]
        try:
            with staying() if pool.placed and seconds < LONG else nullcontext():
                along()
        finally:
            begun = [one for one in running if not one.cancel()]
            wait(begun)
    for one in begun:
        one.result()


def _pool(count: int) -> _Helpers:
    with _lock:
        if count not in _pools:
            _pools[count] = _Helpers(count)
        return _pools[count]


def _forget() -> None:
    """In a forked child there are no threads, and the lock may be held by one of them."""
    global _lock
    _lock = threading.Lock()
    _pools.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
