"""How many threads kernels use.

>>> set_threads(1)
>>> threads()
1
>>> set_threads(None)
"""

from __future__ import annotations

import os

from convmath.errors import HyperparameterError
from convmath.window import whole

from . import blas

__all__ = ["set_threads", "threads"]

VARIABLE = "CONVMATH_THREADS"

_chosen: int | None = None


def usable() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads() -> int:
    """The number that was set, else that of the environment variable CONVMATH_THREADS, else that of usable cores."""
    if _chosen is not None:
        return _chosen
    said = os.environ.get(VARIABLE, "").strip()
    if not said:
        return usable()
    if not said.isdecimal() or int(said) == 0:
        raise HyperparameterError(f"{VARIABLE} is {said!r}, but a whole number of at least 1 is needed")
    return int(said)


def set_threads(n: int | None) -> None:
    """Use n threads from now on, in the whole process; None for as many as there are usable cores.

    Results do not depend on it. The BLAS that NumPy multiplies matrices with has threads of its own, as many from now
    on; while a call of ours multiplies, it has one, in the whole process, and we share out what is large. While others
    help it with NumPy, the thread that calls stays on its core, where the system lets us say so.
    """
    global _chosen
    _chosen = n if n is None else whole(n, "n", "set_threads", 1)
    blas.limit(threads())
