"""Slices and what is put together of them: padding, windows tap by tap, elements taken back to where they came from.

Nothing is read by strides. `xp` is a namespace of the array API standard, and arrays are its own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import product
from types import EllipsisType, ModuleType
from typing import Any

import numpy as np

from convmath.window import Border, Window

from ..padding import elements
from .library import device, of_numpy, root

__all__ = [
    "added",
    "along",
    "bordered",
    "bordered_input",
    "conjugate",
    "filled",
    "inner",
    "inside",
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


def added(xp: ModuleType, total: Any, place: tuple[Any, ...], values: Any) -> Any:
    """The values added at a place: in the array itself, where its library writes in arrays."""
    if root(xp) != "jax":
        total[place] += values
        return total
    # with 0 around what is added: a compiler joins these sums, but would write at one place after the other
    at = place.index(...)
    each = (*place[:at], *[slice(None)] * (total.ndim - len(place) + 1), *place[at + 1 :])
    read = [range(n)[own] for n, own in zip(total.shape, each, strict=True)]
    if not all(read):
        return total
    around = [(some[0], n - 1 - some[-1], some.step - 1) for n, some in zip(total.shape, read, strict=True)]
    return total + _spread(xp.astype(xp.broadcast_to(values, tuple(map(len, read))), total.dtype), around, 0)


def conjugate(xp: ModuleType, x: Any) -> Any:
    """Of complex numbers; others are their own."""
    return xp.conj(x) if xp.isdtype(x.dtype, "complex floating") else x


def along(axis: int, start: int, stop: int, step: int = 1) -> tuple[Any, ...]:
    """The places from one position to another of an axis, and all of the others."""
    return (*[slice(None)] * axis, slice(start, stop, step), ...)


# --- padding ------------------------------------------------------------------------------------------------------


def filled(xp: ModuleType, x: Any, pads: Sequence[tuple[int, int]], value: float = 0.0) -> Any:
    """The last axes lengthened by (before, after) each and filled with a value; cut off where a number is negative."""
    first = x.ndim - len(pads)
    sizes = [n + a + b for n, (a, b) in zip(x.shape[first:], pads, strict=True)]
    # position j has element j - a, if there is one
    ends = [(max(0, a), min(m, n + a)) for m, n, (a, _) in zip(sizes, x.shape[first:], pads, strict=True)]
    # the standard says nothing of a slice that begins behind the end, also where it is empty
    shifts = [a if start < stop else 0 for (start, stop), (a, _) in zip(ends, pads, strict=True)]
    ends = [(start, stop) if start < stop else (0, 0) for start, stop in ends]
    left = x[(..., *(slice(start - a, stop - a) for (start, stop), a in zip(ends, shifts, strict=True)))]
    if all(end == (0, m) for end, m in zip(ends, sizes, strict=True)):
        return left
    if root(xp) == "jax":
        around = [(start, m - stop, 0) for (start, stop), m in zip(ends, sizes, strict=True)]
        return _spread(left, [(0, 0, 0)] * first + around, value)
    whole = xp.full((*x.shape[:first], *sizes), value, dtype=x.dtype, device=device(x))
    whole[(..., *(slice(*end) for end in ends))] = left
    return whole


def _spread(x: Any, around: Sequence[tuple[int, int, int]], value: float) -> Any:
    """JAX's array with so much of a value before and behind each axis, and between two elements."""
    lax = sys.modules["jax"].lax
    return lax.pad(x, lax.full((), value, x.dtype), around)


def padded(xp: ModuleType, x: Any, windows: Windows, counts: Sequence[int], value: float = 0.0) -> Any:
    """x as long as its windows read, also where they overhang."""
    return filled(xp, x, _ends(windows, x.shape[2:], counts), value)


def _ends(windows: Windows, sizes: Sequence[int], counts: Sequence[int]) -> list[tuple[int, int]]:
    ends = []
    for window, n, m in zip(windows, sizes, counts, strict=True):
        read = window.stride * (m - 1) + window.span if m else 0
        ends.append((window.before, max(0, read - window.before - n)))
    return ends


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


def inside(windows: Windows, sizes: Sequence[int], counts: Sequence[int]) -> np.ndarray | None:
    """Which positions of a padded array are the array's own; None where all are."""
    axes = []
    for (a, b), n in zip(_ends(windows, sizes, counts), sizes, strict=True):
        at = np.arange(-a, n + b)
        axes.append((at >= 0) & (at < n))
    return None if all(each.all() for each in axes) else reduce(np.logical_and.outer, axes)
