"""Which positions read which: tables of offsets, made once for given sizes.

A table has a row for each position: where its first read lies, and from which entry to which its taps go. An entry is
how far from there a tap reads, and a word of the tap's own. Positions whose windows hold the same taps share entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from convmath.window import Window

from .layers import Refused
from .layout import Layout

__all__ = ["PLACE", "TAP", "Axis", "Table", "backward", "forward", "reads", "table"]

PLACE, TAP = 32, 16  # bytes of a row, and of an entry

MOST = 2**24  # taps of all positions
# for each position of an axis and each tap: the coordinate that is read, and whether there is one
Axis = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Table:
    """Words of the positions (base, first, behind, target), and of the taps (offset, own)."""

    places: np.ndarray
    taps: np.ndarray


def forward(window: Window, n: int, count: int) -> Axis:
    """s·j + d·t - a for the windows j < m and taps t, where that is a position of the axis"""
    j, t = np.arange(count)[:, None], np.arange(window.kernel)
    read = window.stride * j + window.dilation * t - window.before
    return read, (read >= 0) & (read < n)


def backward(window: Window, n: int, count: int) -> Axis:
    """The window j that reads the position i by the tap t, where there is one"""
    i, t = np.arange(n)[:, None], np.arange(window.kernel)
    begin = i + window.before - window.dilation * t
    j = begin // window.stride
    return j, (begin % window.stride == 0) & (j >= 0) & (j < count)


def reads(axes: Sequence[Axis], source: Layout) -> Axis:
    """The same of several axes together, row by row: where in the source each position reads by each tap."""
    found, there = np.full((1, 1), source.origin, np.int64), np.ones((1, 1), bool)
    for (coordinate, inside), stride in zip(axes, source.strides, strict=True):
        shape = (len(found) * len(coordinate), found.shape[1] * coordinate.shape[1])
        if shape[0] * shape[1] > MOST:
            raise Refused(f"{shape[0]:,} positions have {shape[1]:,} taps each, and tables have room for {MOST:,}")
        found = (found[:, None, :, None] + stride * coordinate[None, :, None, :]).reshape(shape)
        there = (there[:, None, :, None] & inside[None, :, None, :]).reshape(shape)
    return found, there


def table(axes: Sequence[Axis], source: Layout, own: np.ndarray, targets: np.ndarray) -> Table:
    """What positions read of the source; `own` is a word of each tap, `targets` one of each position."""
    found, there = reads(axes, source)
    far = np.iinfo(np.int64).max
    base = np.where(there, found, far).min(1, initial=far)
    base = np.where(base == far, source.origin, base)
    kinds, kind = np.unique(np.where(there, found - base[:, None], -1), axis=0, return_inverse=True)
    kind, exists = kind.reshape(-1), kinds >= 0
    ends = np.cumsum([0, *exists.sum(1)])
    # one entry more: a position without taps may look at one
    taps = np.zeros((ends[-1] + 1, 2), np.int64)
    taps[:-1] = np.stack([kinds[exists], np.broadcast_to(own, kinds.shape)[exists]], -1)
    places = np.stack(np.broadcast_arrays(base, ends[kind], ends[kind + 1], targets), -1)
    return Table(places.astype(np.int64), taps)
