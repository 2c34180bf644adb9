"""A large array as boxes that stay in the cache."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from convmath.window import Border, Window

from .simd.memory import empty

__all__ = ["Box", "boxes", "fitted", "patch", "pieces", "within"]

Box = tuple[slice, ...]


def fitted(sizes: Sequence[int], room: int) -> tuple[int, ...]:
    """The sizes, of which none is 0, with the longest halved until so many elements are enough.

    >>> fitted((100, 8), 128)
    (13, 8)
    """
    found = [max(1, size) for size in sizes]
    while math.prod(found) > max(1, room):
        longest = found.index(max(found))
        found[longest] = -(-found[longest] // 2)
    return tuple(found)


def pieces(sizes: Sequence[int], step: Sequence[int]) -> int:
    return math.prod(-(-n // s) for n, s in zip(sizes, step, strict=True))


def boxes(sizes: Sequence[int], step: Sequence[int]) -> Iterator[Box]:
    """Boxes of that step that cover an array of these sizes, row by row."""
    return product(*([slice(i, min(i + s, n)) for i in range(0, n, s)] for n, s in zip(sizes, step, strict=True)))


def within(windows: Sequence[Window], sizes: Sequence[int], out: Box, taps: Box) -> tuple[Window, ...]:
    """The windows of some outputs with some taps; a negative padding says how much of the input they leave out."""
    found = []
    for window, n, some, of in zip(windows, sizes, out, taps, strict=True):
        kernel, before = of.stop - of.start, window.before - some.start - of.start
        found.append(Window(kernel, before=before, after=some.stop - some.start + kernel - 1 - n - before))
    return tuple(found)


def patch(
    x: np.ndarray, windows: Sequence[Window], reads: Sequence[int], dtype: np.dtype, border: Border | None
) -> np.ndarray:
    """What the windows read, `reads` positions along each axis from where the first begins; a view where it lies in x.

    Beyond the windows stands whatever there is, and zeros.
    """
    first = [-window.before for window in windows]
    if border is not None:
        return _bordered(x, windows, reads, border).astype(dtype, copy=False)
    ends = [at + size for at, size in zip(first, reads, strict=True)]
    inner = tuple(slice(max(0, at), max(0, min(end, n))) for at, end, n in zip(first, ends, x.shape, strict=True))
    if all(at >= 0 and end <= n for at, end, n in zip(first, ends, x.shape, strict=True)):
        return x[inner].astype(dtype, copy=False)
    padded = empty(reads, dtype)
    at = tuple(slice(s.start - i, max(s.start, s.stop) - i) for s, i in zip(inner, first, strict=True))
    for axis, there in enumerate(at):  # around it alone: it may be large
        for outside in (slice(there.start), slice(there.stop, None)):
            padded[*at[:axis], outside] = 0
    padded[at] = x[inner]
    return padded


def _bordered(x: np.ndarray, windows: Sequence[Window], reads: Sequence[int], border: Border) -> np.ndarray:
    """The elements that stand there as the border says, and zeros behind the last window."""
    places = []
    for window, n in zip(windows, x.shape, strict=True):
        e = np.arange(-window.before, n + window.after)
        places.append(np.select([e < 0, e >= n], [border.below(e, n), border.above(e, n)], e))
    found = x[tuple(slice(at.min(), at.max() + 1) for at in places)]
    for axis, at in enumerate(places):
        if (np.diff(at) != 1).any():  # else they are what the slice has
            found = np.take(found, at - at.min(), axis)
    behind = [(0, size - n) for size, n in zip(reads, found.shape, strict=True)]
    return np.pad(found, behind) if any(zeros for _, zeros in behind) else found
