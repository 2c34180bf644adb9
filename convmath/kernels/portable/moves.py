"""Slices and what is put together of them: padding, windows tap by tap, elements taken back to where they came from.

Nothing is read by strides. `xp` is a namespace of the array API standard, and arrays are its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import product
from types import EllipsisType, ModuleType
from typing import Any

import numpy as np

from convmath.window import Border, Window

from ..padding import elements
from .library import device, of_numpy

__all__ = [
    "added",
    "along",
    "bordered",
    "bordered_input",
    "conjugate",
    "filled",
    "held",
    "inner",
    "padded",
    "taken_input",
    "taps",
    "zeros",
]

Windows = Sequence[Window]
Slices = tuple[EllipsisType | slice, ...]


def zeros(xp: ModuleType, shape: Sequence[int], like: Any) -> Any:
    """In the type of another array, and where it lies."""
    return xp.zeros(tuple(shape), dtype=like.dtype, device=device(like))


def added(total: Any, place: Any, values: Any) -> Any:
    """The values added at a place: in the array itself, where its library writes in arrays."""
    if hasattr(total, "at"):  # JAX
        return total.at[place].add(values)
    total[place] += values
    return total


def conjugate(xp: ModuleType, x: Any) -> Any:
    """Of complex numbers; others are their own."""
    return xp.conj(x) if xp.isdtype(x.dtype, "complex floating") else x


def along(axis: int, start: int, stop: int, step: int = 1) -> tuple[Any, ...]:
    """The places from one position to another of an axis, and all of the others."""
    return (*[slice(None)] * axis, slice(start, stop, step), ...)


# --- padding ------------------------------------------------------------------------------------------------------


def filled(xp: ModuleType, x: Any, pads: Sequence[tuple[int, int]], value: float = 0.0) -> Any:
    """The last axes lengthened by (before, after) each and filled with a value; cut off where a number is negative."""
    for axis, (a, b) in enumerate(pads, x.ndim - len(pads)):
        n = x.shape[axis]
        start, stop = min(n, max(0, -a)), max(0, n - max(0, -b))
        left = max(0, stop - start)
        if left < n:
            x = x[along(axis, start, start + left)]
        # where more is cut off at one end than there is, less is filled in at the other
        before = min(max(0, a), n + a + b)
        slabs = [_slab(xp, x, axis, length, value) for length in (before, n + a + b - before - left)]
        if slabs[0] or slabs[1]:
            x = xp.concat([*slabs[0], x, *slabs[1]], axis=axis)
    return x


def _slab(xp: ModuleType, x: Any, axis: int, length: int, value: float) -> list[Any]:
    shape = (*x.shape[:axis], length, *x.shape[axis + 1 :])
    return [xp.full(shape, value, dtype=x.dtype, device=device(x))] if length else []


def padded(xp: ModuleType, x: Any, windows: Windows, counts: Sequence[int], value: float = 0.0) -> Any:
    """x as long as its windows read, also where they overhang."""
    ends = []
    for window, n, m in zip(windows, x.shape[2:], counts, strict=True):
        read = window.stride * (m - 1) + window.span if m else 0
        ends.append((window.before, max(0, read - window.before - n)))
    return filled(xp, x, ends, value)


def inner(x: Any, windows: Windows, sizes: Sequence[int]) -> Any:
    """What is left of a padded array without its padding."""
    return x[(..., *(slice(window.before, window.before + n) for window, n in zip(windows, sizes, strict=True)))]


def bordered(xp: ModuleType, x: Any, windows: Windows, border: Border) -> Any:
    """x with its last axes lengthened as the border says."""
    for axis, window in enumerate(windows, x.ndim - len(windows)):
        if window.before or window.after:
            x = xp.take(x, of_numpy(xp, elements(window, x.shape[axis], border), x), axis=axis)
    return x


def bordered_input(xp: ModuleType, g: Any, windows: Windows, border: Border) -> Any:
    """The adjoint of `bordered`: an element gets what its copies have."""
    for axis, window in enumerate(windows, g.ndim - len(windows)):
        if window.before or window.after:
            n = g.shape[axis] - window.before - window.after
            g = taken_input(xp, g, axis, elements(window, n, border), n)
    return g


def taken_input(xp: ModuleType, g: Any, axis: int, where: np.ndarray, n: int) -> Any:
    """The adjoint of taking the elements at these places of an axis of n, added copy by copy."""
    total = zeros(xp, (*g.shape[:axis], n, *g.shape[axis + 1 :]), g)
    counts = np.bincount(where, minlength=n)
    # behind the last one there is a 0, for elements that have fewer copies than others
    longer = xp.concat([g, zeros(xp, (*g.shape[:axis], 1, *g.shape[axis + 1 :]), g)], axis=axis)
    order, firsts = np.argsort(where, kind="stable"), np.cumsum(counts) - counts
    for t in range(int(counts.max(initial=0))):
        places = np.full(n, where.size)
        places[counts > t] = order[(firsts + t)[counts > t]]
        total = total + xp.take(longer, of_numpy(xp, places, g), axis=axis)
    return total


# --- windows ------------------------------------------------------------------------------------------------------


def taps(windows: Windows, counts: Sequence[int]) -> Iterator[Slices]:
    """For each tap, row by row, the positions of a padded array that it reads."""
    rows = [[_read(window, t, m) for t in range(window.kernel)] for window, m in zip(windows, counts, strict=True)]
    return ((..., *places) for places in product(*rows))


def _read(window: Window, t: int, m: int) -> slice:
    first = window.dilation * t
    return slice(first, first + window.stride * (m - 1) + 1, window.stride) if m else slice(0, 0)


def held(windows: Windows, sizes: Sequence[int], counts: Sequence[int]) -> Iterator[np.ndarray | None]:
    """For each tap, row by row, which windows have it in the array itself; None where all have."""
    rows = []
    for window, n, m in zip(windows, sizes, counts, strict=True):
        at = window.stride * np.arange(m)[:, None] + window.dilation * np.arange(window.kernel) - window.before
        rows.append(((at >= 0) & (at < n)).T)
    for each in product(*rows):
        yield None if all(row.all() for row in each) else reduce(np.logical_and.outer, each)
