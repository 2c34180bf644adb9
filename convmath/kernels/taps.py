"""Which positions of an input the windows read, tap by tap: the slices that every kernel loops over."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product
from types import EllipsisType

import numpy as np

from convmath.window import Window

from .padding import bare, padded_sizes

__all__ = ["Slices", "folded", "occupancy", "output_sizes", "taps"]

Slices = tuple[EllipsisType | slice, ...]

WIDE = 128  # elements of a row from which on one that a single window holds is folded


def output_sizes(windows: Sequence[Window], sizes: Sequence[int]) -> tuple[int, ...]:
    return tuple(window.output_size(n) for window, n in zip(windows, sizes, strict=True))


def taps(
    windows: Sequence[Window], sizes: Sequence[int], counts: Sequence[int], *, backwards: bool = False
) -> Iterator[tuple[tuple[int, ...], Slices, Slices]]:
    """Each tap t, row by row, with the windows j < m whose tap lies in the input, and the positions i that it reads.

    >>> for tap, out, into in taps([Window(kernel=2, stride=2, before=1)], sizes=[4], counts=[2]):
    ...     print(tap, out, into)
    (0,) (Ellipsis, slice(1, 2, None)) (Ellipsis, slice(1, 3, 2))
    (1,) (Ellipsis, slice(0, 2, None)) (Ellipsis, slice(0, 4, 2))
    """
    first, *others = (_along(*axis, backwards) for axis in zip(windows, sizes, counts, strict=True))
    rest = list(map(list, others))
    for one in first:  # one by one: there may be as many as an array has elements
        for each in product(*rest):
            tap, out, into = zip(one, *each, strict=True)
            yield tap, (..., *out), (..., *into)


def _along(window: Window, n: int, m: int, backwards: bool) -> Iterator[tuple[int, slice, slice]]:
    """Each tap of an axis."""
    order = range(window.kernel)
    return ((t, *_read(window, t, n, m)) for t in (reversed(order) if backwards else order))


def _read(window: Window, t: int, n: int, m: int) -> tuple[slice, slice]:
    """The j < m with 0 ≤ s·j + d·t - a < n, and those s·j + d·t - a"""
    s, offset = window.stride, window.dilation * t - window.before
    first = max(0, -(offset // s))
    behind = max(first, min(m, (n - 1 - offset) // s + 1))
    return slice(first, behind), slice(s * first + offset, s * behind + offset, s)


def folded(sizes: Sequence[int], windows: Sequence[Window]) -> tuple[tuple[int, ...], tuple[Window, ...]]:
    """A long last axis that one window holds as two axes, so that a kernel has rows to go down."""
    *outer, n = sizes
    *others, w = windows
    whole = w.output_size(n) == 1 and w.dilation == 1 and w.kernel >= w.before + n
    width = max(d for d in range(1, WIDE + 1) if n % d == 0) if whole and n > WIDE else n
    if width == n:
        return tuple(sizes), tuple(windows)
    return (*outer, n // width, width), (*others, Window(n // width), Window(width))


def occupancy(windows: Sequence[Window], sizes: Sequence[int], *, padding: bool) -> np.ndarray:
    """How many positions each window has in the input or, with `padding`, in the input and its padding."""
    counts = output_sizes(windows, sizes)
    if padding:
        windows, sizes = bare(windows), padded_sizes(windows, sizes)
    kind = np.int32 if math.prod(window.kernel for window in windows) < 2**31 else np.int64
    found = np.ones((), kind)  # of an axis, times that of the others
    for window, n, m in zip(windows, sizes, counts, strict=True):
        along = np.zeros(m, kind)
        for _, out, _ in taps([window], [n], [m]):
            along[out] += 1
        found = np.multiply.outer(found, along)
    return found
