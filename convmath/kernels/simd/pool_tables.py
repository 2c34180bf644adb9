"""Which rows of an array the windows of a pool stand on, as tables that kernels read.

A row is what lies along the last axis; all other axes are outer ones, whatever their number. So a kernel knows two
directions: down the rows that a table lists, and along a row.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from convmath.window import Window

from .plane import strides

__all__ = ["MOST", "Lists", "read", "standing"]

MOST = 2**20  # entries of a table


@dataclass(frozen=True, eq=False)
class Lists:
    """List i is entries[ends[i] : ends[i + 1]]."""

    entries: np.ndarray
    ends: np.ndarray

    def __len__(self) -> int:
        return len(self.ends) - 1


def entries(windows: Sequence[Window], counts: Sequence[int]) -> int:
    """How long a table of rows can become."""
    return math.prod(m * w.kernel for w, m in zip(windows[:-1], counts[:-1], strict=True))


@lru_cache(256)
def read(sizes: tuple[int, ...], windows: tuple[Window, ...], counts: tuple[int, ...]) -> Lists:
    """For each row of the output the rows of the input (as the numbers of their first elements) that its taps read."""
    place, inside = _rows(sizes, windows, counts)
    return Lists(place[inside] * sizes[-1], _ends(inside.sum(1)))


@lru_cache(256)
def standing(sizes: tuple[int, ...], windows: tuple[Window, ...], counts: tuple[int, ...]) -> Lists:
    """For each row of the input the rows of the output whose windows stand on it, the last first: in order of taps."""
    place, inside = _rows(sizes, windows, counts)
    row, on = np.nonzero(inside)[0][::-1], place[inside][::-1]
    order = np.argsort(on, kind="stable")
    return Lists(row[order], _ends(np.bincount(on, minlength=math.prod(sizes[:-1]))))


def _rows(sizes: Sequence[int], windows: Sequence[Window], counts: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """The number of the row on which each tap of each row of windows stands, and whether there is one."""
    place, inside = np.zeros((1, 1), np.int64), np.ones((1, 1), bool)
    for w, n, m, step in zip(windows[:-1], sizes[:-1], counts[:-1], strides(sizes[:-1]), strict=True):
        at = np.add.outer(w.stride * np.arange(m), w.dilation * np.arange(w.kernel)) - w.before
        place = _crossed(np.add, place, at * step)
        inside = _crossed(np.logical_and, inside, (at >= 0) & (at < n))
    return place, inside


def _crossed(combine: np.ufunc, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Rows with rows and taps with taps, those of b running faster."""
    both = combine(a[:, None, :, None], b[None, :, None, :])
    return both.reshape(a.shape[0] * b.shape[0], a.shape[1] * b.shape[1])


def _ends(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
