"""Calls of numeric operators that are computed elsewhere, by the type of an argument."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from convmath.kernels.portable.library import is_foreign

__all__ = ["elsewhere"]


def elsewhere(arguments: Iterable[Any]) -> Callable[..., Any] | None:
    """What takes a call over, by the type of one of its arguments.

    A type may have it as `__convmath_function__`; it is called with the function, the arguments and the keyword
    arguments, for the function's `vjp` with the cotangent behind them. Where arrays are of another library, the
    function itself computes with them, by its `of_library`.

    >>> elsewhere((1.0, [2.0])) is None
    True
    """
    found = None
    for value in arguments:
        if (taken_over := _by_type(type(value))) is not None:
            if taken_over is not _of_library:
                return taken_over
            found = taken_over
    return found


@lru_cache(maxsize=512)
def _by_type(kind: type) -> Callable[..., Any] | None:
    own = getattr(kind, "__convmath_function__", None)
    return own if own is not None else _of_library if is_foreign(kind) else None


def _of_library(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], *cotangent: Any) -> Any:
    return function.of_library(args, kwargs, *cotangent)
