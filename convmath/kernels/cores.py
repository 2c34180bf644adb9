"""Threads for what spends its time outside the interpreter: NumPy's loops and products, and SciPy's transforms.

Which thread does an item makes no difference to the result, as long as no two items write to the same place.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from contextvars import copy_context
from queue import SimpleQueue
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


class _Job:
    """What a helper is to do. Nothing here is ever held by a thread that a signal can interrupt."""

    def __init__(self, work: Callable[[], None]):
        self.work = copy_context().run, work  # what the caller set for its own context (np.errstate) holds for it
        self.claim, self.done = threading.Lock(), threading.Lock()
        self.done.acquire()
        self.error: BaseException | None = None

    def begin(self) -> None:
        if self.cancel():
            run, work = self.work
            try:
                run(work)
            except BaseException as error:
                self.error = error
            finally:
                self.done.release()

    def cancel(self) -> bool:
        """Whether nobody had begun it, and nobody will."""
        return self.claim.acquire(blocking=False)

    def wait(self) -> None:
        self.done.acquire()


class _Helper(threading.Thread):
    """A thread that does jobs, with the core that it is kept away from."""

    def __init__(self, jobs: SimpleQueue[_Job]):
        super().__init__(name="convmath-helper", daemon=True)
        self.jobs = jobs
        self.away_from: int | None = None
        self.start()

    def run(self) -> None:
        while True:
            self.jobs.get().begin()

    def place(self) -> int | None:
        """Keep it away from the core of who calls, which comes back; None where that can't be done."""
        self.away_from = kept_away(self.native_id, self.away_from)
        return self.away_from


_lock = threading.Lock()
_helpers: list[_Helper] = []
_jobs: SimpleQueue[_Job] = SimpleQueue()


def each(work: Callable[[T], None], items: Iterable[T], seconds: float) -> None:
    """Do the work for each item; `seconds` is about what one thread needs for all of them.

    What multiplies matrices does so in the thread that it runs in, also where there is one thread alone: the order of
    BLAS's sums depends on how many it has.
    """
    left = deque(items)
    count = 0 if seconds < WORTH else min(threads(), len(left)) - 1

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
        if count <= 0:
            along()
            return
        caller, placed = threading.get_native_id(), {helper.place() for helper in _ready(count)}
        core = placed.pop() if len(placed) == 1 and seconds < LONG else None

        def beside() -> None:
            with staying(caller, core):
                along()

        jobs = [_Job(beside) for _ in range(count)]
        try:
            for job in jobs:
                _jobs.put(job)
            along()
        finally:
            begun = [job for job in jobs if not job.cancel()]
            for job in begun:
                job.wait()
    for job in begun:
        if job.error is not None:
            raise job.error


def _ready(count: int) -> list[_Helper]:
    """So many helpers, or as many as the system lets begin."""
    with _lock, suppress(RuntimeError):
        while len(_helpers) < count:
            _helpers.append(_Helper(_jobs))
    return _helpers[:count]


def _forget() -> None:
    """In a forked child there are no threads, and the lock may be held by one of them."""
    global _lock, _jobs
    _lock, _jobs = threading.Lock(), SimpleQueue()
    _helpers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
