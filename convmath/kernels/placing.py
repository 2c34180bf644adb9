"""On which core a thread runs that is to help, and the thread that it helps: not on the same."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache

__all__ = ["kept_away", "staying"]


def kept_away(thread: int | None, before: int | None) -> int | None:
    """Keep a thread (its native id) off the caller's core, where the system likes to wake it although that one is busy.

    What comes back is the core that it is kept away from; `before` is what came back the last time.
    """
    core = _core()
    if core is None or core == before or thread is None:
        return before
    try:
        others = os.sched_getaffinity(0) - {core}
        if not others:
            return before
        os.sched_setaffinity(thread, others)
    except OSError:
        return before
    return core


@contextmanager
def staying(thread: int, core: int | None) -> Iterator[None]:
    """Within this a thread (its native id) that is on a core stays there; for a helper to say of whom it helps.

    Threads that take turns at the interpreter wake each other, and the system likes to move who is woken to the core of
    who wakes: soon all are on one. A helper says it, since signals interrupt the main thread wherever that is.
    """
    before: set[int] = set()
    with suppress(OSError):
        before = os.sched_getaffinity(thread) if core is not None else before
    if core is None or len(before) <= 1:  # another helper has said it, and will take it back
        yield
        return
    try:
        with suppress(OSError):
            os.sched_setaffinity(thread, {core})
        yield
    finally:
        with suppress(OSError):
            os.sched_setaffinity(thread, before)


@lru_cache
def _current_core() -> Callable[[], int] | None:
    if not hasattr(os, "sched_setaffinity"):
        return None
    try:
        return ctypes.CDLL(None).sched_getcpu
    except (OSError, AttributeError):
        return None


def _core() -> int | None:
    current = _current_core()
    return None if current is None else current()
