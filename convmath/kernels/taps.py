"""Which positions of an input the windows read, tap by tap: the slices that every kernel loops over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from types import EllipsisType

import numpy as np

from convmath.window import Window

from .padding import bare, padded_sizes

__all__ = ["Slices", "occupancy", "output_sizes", "taps"]

Slices = tuple[EllipsisType | slice, ...]


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
    axes = []
    for window, n, m in zip(windows, sizes, counts, strict=True):
        row = [(t, *_read(window, t, n, m)) for t in range(window.kernel)]
        axes.append(row[::-1] if backwards else row)
    for each in product(*axes):
        tap, out, into = zip(*each, strict=True)
        yield tap, (..., *out), (..., *into)


def _read(window: Window, t: int, n: int, m: int) -> tuple[slice, slice]:
    """The j < m with 0 ≤ s·j + d·t - a < n, and those s·j + d·t - a"""
    s, offset = window.stride, window.dilation * t - window.before
    first = max(0, -(offset // s))
    behind = max(first, min(m, (n - 1 - offset) // s + 1))
    return slice(first, behind), slice(s * first + offset, s * behind + offset, s)


def occupancy(windows: Sequence[Window], sizes: Sequence[int], *, padding: bool) -> np.ndarray:
    """How many positions each window has in the input or, with `padding`, in the input and its padding."""
    counts = output_sizes(windows, sizes)
    if padding:
        windows, sizes = bare(windows), padded_sizes(windows, sizes)
    found = np.zeros(counts, np.int64)
    for _, out, _ in taps(windows, sizes, counts):
        found[out] += 1
    return found
