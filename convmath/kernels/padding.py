"""Padding as an index map along each axis, and its adjoint. One place for every border."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from convmath.window import Border, Window

__all__ = ["cropped", "overhanging", "pad", "pad_adjoint", "positions"]


def positions(n: int, window: Window, border: Border) -> np.ndarray:
    """The element of an axis of size n that each padded position holds."""
    e = np.arange(-window.before, n + window.after)
    return np.where(e < 0, border.below(e, n), np.where(e >= n, border.above(e, n), e))


def pad(x: np.ndarray, windows: Sequence[Window], border: Border | None = None, value: Any = 0) -> np.ndarray:
    """x with each spatial axis lengthened at both ends: by `value`, or by what the border's index map says."""
    if border is None:
        return _filled(x, [(w.before, w.after) for w in windows], value)
    for axis, window in enumerate(windows, 2):
        if window.before or window.after:
            x = np.take(x, positions(x.shape[axis], window, border), axis=axis)
    return x


def _filled(x: np.ndarray, pads: Sequence[tuple[int, int]], value: Any) -> np.ndarray:
    if not any(before or after for before, after in pads):
        return x
    return np.pad(x, [(0, 0), (0, 0), *pads], constant_values=value)


def pad_adjoint(g: np.ndarray, windows: Sequence[Window], sizes: Sequence[int], border: Border | None = None) -> np.ndarray:
    """What `pad` does, transposed: each padded position gives its value back to the element it holds."""
    if border is None:
        return cropped(g, windows, sizes)
    for axis, (window, n) in enumerate(zip(windows, sizes, strict=True), 2):
        if window.before or window.after:
            moved = np.moveaxis(g, axis, 0)
            total = np.zeros((n, *moved.shape[1:]), g.dtype)
            np.add.at(total, positions(n, window, border), moved)
            g = np.moveaxis(total, 0, axis)
    return g


def cropped(g: np.ndarray, windows: Sequence[Window], sizes: Sequence[int]) -> np.ndarray:
    """The positions of the input itself, of a padded array."""
    inner = tuple(slice(w.before, w.before + n) for w, n in zip(windows, sizes, strict=True))
    return g[(slice(None), slice(None), *inner)]


def overhanging(x: np.ndarray, windows: Sequence[Window], counts: Sequence[int], value: Any = 0) -> np.ndarray:
    """x padded by `value` at least as far as the last window reaches (a ceil window may reach beyond the padding)."""
    pads = []
    for n, window, count in zip(x.shape[2:], windows, counts, strict=True):
        reach = (count - 1) * window.stride + window.span - window.before - n
        pads.append((window.before, max(window.after, reach)))
    return _filled(x, pads, value)
