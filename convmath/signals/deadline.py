"""How long an answer may take.

Nothing stops a computation from outside; where work is repeated (a product of numbers, a question about parameters, a
value of a check), it is asked whether there is time left. Who asks for the answer says so, once: what it asks for
itself, in the same thread or in a nested call, has no more time than it has.

>>> with limited(0):
...     inquire()
Traceback (most recent call last):
    ...
convmath.signals.errors.LateError: no answer was found within 15 s
"""

from __future__ import annotations

import contextlib
import contextvars
import time
from collections.abc import Iterator

from .errors import LateError

__all__ = ["SECONDS", "inquire", "left", "limited"]

SECONDS = 15.0

_end: contextvars.ContextVar[float] = contextvars.ContextVar("end", default=float("inf"))


@contextlib.contextmanager
def limited(seconds: float | None = None) -> Iterator[None]:
    """Within it, `inquire` raises once so many seconds are over, or the time of a call around it."""
    token = _end.set(min(_end.get(), time.monotonic() + (SECONDS if seconds is None else seconds)))
    try:
        yield
    finally:
        _end.reset(token)


def inquire() -> None:
    """A LateError where the time is over."""
    if time.monotonic() >= _end.get():
        raise LateError(f"no answer was found within {SECONDS:g} s")


def left() -> float:
    """The seconds that are left."""
    return max(0.0, _end.get() - time.monotonic())
