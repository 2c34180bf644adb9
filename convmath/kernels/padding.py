"""Padding and its adjoint: zeros, or a border's index map along one axis after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from convmath.window import Border, Window

from .simd.memory import empty

__all__ = ["bare", "elements", "pad", "pad_input", "padded_sizes"]


def padded_sizes(windows: Sequence[Window], sizes: Sequence[int]) -> tuple[int, ...]:
    return tuple(window.before + n + window.after for window, n in zip(windows, sizes, strict=True))


def bare(windows: Sequence[Window]) -> tuple[Window, ...]:
    """The same windows on an input that is padded already."""
    return tuple(replace(window, before=0, after=0) for window in windows)


def pad(x: np.ndarray, windows: Sequence[Window], border: Border | None = None) -> np.ndarray:
    """x with every spatial axis lengthened at both ends, by zeros or as the border says; x itself if by nothing."""
    if not any(window.before or window.after for window in windows):
        return x
    if border is None:
        padded = empty((*x.shape[:2], *padded_sizes(windows, x.shape[2:])), x.dtype)
        padded[...] = 0
        padded[_inner(windows, x.shape[2:])] = x
        return padded
    for axis, window in enumerate(windows, 2):
        x = np.take(x, elements(window, x.shape[axis], border), axis)
    return x


def pad_input(g: np.ndarray, windows: Sequence[Window], border: Border | None = None) -> np.ndarray:
    """The adjoint of `pad`: each position of the padded array gives what it has to the element it was copied from."""
    if border is None:
        sizes = [length - window.before - window.after for window, length in zip(windows, g.shape[2:], strict=True)]
        return np.ascontiguousarray(g[_inner(windows, sizes)])
    for axis, window in enumerate(windows, 2):
        n = g.shape[axis] - window.before - window.after
        total = np.zeros((*g.shape[:axis], n, *g.shape[axis + 1 :]), g.dtype)
        # several positions may be copies of one element, so the additions must not overwrite one another
        np.add.at(total.swapaxes(0, axis), elements(window, n, border), g.swapaxes(0, axis))
        g = total
    return g


def _inner(windows: Sequence[Window], sizes: Sequence[int]) -> tuple:
    return (..., *(slice(window.before, window.before + n) for window, n in zip(windows, sizes, strict=True)))


def elements(window: Window, n: int, border: Border) -> np.ndarray:
    """The element of an axis of size n that stands at each position of the padded axis."""
    e = np.arange(-window.before, n + window.after)
    return np.select([e < 0, e >= n], [border.below(e, n), border.above(e, n)], e)
