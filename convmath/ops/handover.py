"""Calls of numeric operators that another room takes over, by the type of an argument."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["elsewhere"]


def elsewhere(arguments: Iterable[Any]) -> Callable[..., Any] | None:
    """What takes a call over, where the type of one of its arguments has it as `__convmath_function__`.

    It is called with the function, the arguments and the keyword arguments, for the function's `vjp` with the cotangent
    behind them.

    >>> elsewhere((1.0, [2.0])) is None
    True
    """
    for value in arguments:
        if (taken_over := getattr(type(value), "__convmath_function__", None)) is not None:
            return taken_over
    return None
