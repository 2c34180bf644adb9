"""NumPy's BLAS, which has threads of its own: how many it uses.

>>> with alone():
...     pass
"""

from __future__ import annotations

import os
import threading
import warnings
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

__all__ = ["alone", "limit"]


class _Inside:
    """One that is inside `alone`; gone with its frame, also where a signal interrupted it on the way out."""


_lock = threading.RLock()  # a handler of signals may multiply too
_inside: weakref.WeakSet[_Inside] = weakref.WeakSet()
_before: list[int] = []  # what each library used before the first of them; empty where that holds


def limit(count: int) -> None:
    """So many threads from now on, or as soon as nobody is inside `alone` any more."""
    with _lock:
        found = _libraries()
        if _inside:
            _before[:] = [count] * len(found)
        else:
            _before.clear()
            _use([count] * len(found))


@contextmanager
def alone() -> Iterator[None]:
    """Within this, a product of matrices is computed by the thread that asks for it, in the whole process."""
    one = _Inside()
    try:
        with _lock:
            if not _inside:
                _before[:] = _before or [library.get_num_threads() for library in _libraries()]
                _use([1] * len(_before))
            _inside.add(one)
        yield
    finally:
        with _lock:
            _inside.discard(one)
            if not _inside and _before:
                _use(tuple(_before))
                _before.clear()


def _use(counts: Sequence[int]) -> None:
    # a handler of signals that multiplies may have emptied what it was read from: it has set the numbers then
    for library, count in zip(_libraries(), counts, strict=False):
        if library.get_num_threads() != count:
            _free(library)
            library.set_num_threads(count)
            _free(library)


def _free(library: Any) -> None:
    """threadpoolctl lets only one thread set numbers, the first; here whoever has the lock may."""
    if hasattr(library, "clear_controlling_thread"):
        library.clear_controlling_thread(force=True)


@lru_cache
def _libraries() -> list[Any]:
    """What multiplies matrices here. It is looked for once, which takes milliseconds."""
    import numpy  # noqa: F401  # so that its library is loaded
    from threadpoolctl import ThreadpoolController

    with warnings.catch_warnings():  # that two OpenMPs are loaded is nothing that a convolution has to say
        warnings.simplefilter("ignore", RuntimeWarning)
        return ThreadpoolController().select(user_api="blas").lib_controllers


def _forget() -> None:
    """In a forked child no other thread is inside `alone`, and the lock may be held by one of the parent's."""
    global _lock
    _lock = threading.RLock()
    _inside.clear()
    if _before:
        _use(_before)
        _before.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
