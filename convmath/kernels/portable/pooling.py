"""Pooling by slices: maxima and sums one axis after the other, and gradients tap by tap."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from types import ModuleType
from typing import Any

import numpy as np

from convmath.window import Window

from .library import floating, of_numpy
from .moves import Slices, added, along, inner, inside, padded, taps, zeros

__all__ = ["avg_input", "avg_pool", "max_pool", "max_pool_input", "max_pool_selection", "sum_pool", "sum_pool_input"]

Windows = Sequence[Window]
Divisor = np.ndarray | int  # of each window, or of all


# --- maximum ------------------------------------------------------------------------------------------------------


def max_pool(xp: ModuleType, x: Any, windows: Windows, counts: Sequence[int]) -> Any:
    y = _padded(xp, x, windows, counts)
    for axis, (window, m) in enumerate(zip(windows, counts, strict=True), 2):
        y = reduce(xp.maximum, [y[_line(axis, window, t, m)] for t in range(window.kernel)])
    # of zeros with different signs a library may take either
    return y + 0 if xp.isdtype(y.dtype, "real floating") else xp.astype(y, y.dtype)


def _line(axis: int, window: Window, t: int, m: int) -> tuple[Any, ...]:
    first = window.dilation * t
    return along(axis, first, first + window.stride * (m - 1) + 1, window.stride) if m else along(axis, 0, 0)


def _padded(xp: ModuleType, x: Any, windows: Windows, counts: Sequence[int]) -> Any:
    """With what is no greater than anything around it."""
    floats = xp.isdtype(x.dtype, "real floating")
    return padded(xp, x, windows, counts, -math.inf if floats else xp.iinfo(x.dtype).min)


@dataclass(frozen=True, slots=True)
class _Taps:
    """The taps of windows on an array, in the order in which they are looked at: the first that attains is selected."""

    xp: ModuleType
    wide: Any
    y: Any
    places: tuple[Slices, ...]
    inside: Any  # which elements of the padded array are there; None where all are

    @classmethod
    def of(cls, xp: ModuleType, x: Any, y: Any, windows: Windows, *, backwards: bool) -> _Taps:
        counts = y.shape[2:]
        places, there = tuple(taps(windows, counts)), inside(windows, x.shape[2:], counts)
        wide = _padded(xp, x, windows, counts)
        return cls(
            xp, wide, y, places[::-1] if backwards else places, None if there is None else of_numpy(xp, there, x)
        )

    def attaining(self) -> Iterator[Any]:
        """For each tap in which windows it attains the maximum; a NaN is one."""
        xp = self.xp
        nan = xp.isdtype(self.wide.dtype, "real floating")
        for place in self.places:
            values = self.wide[place]
            attains = (values == self.y) | xp.isnan(values) if nan else values == self.y
            yield attains if self.inside is None else attains & self.inside[place]


def max_pool_selection(xp: ModuleType, x: Any, y: Any, windows: Windows, ties: str) -> Any:
    """The flat position of the first (or last) maximiser of each window, -1 where it holds nothing."""
    # of several that attain it the last one stays, so the one to be selected comes last
    backwards = ties != "last"
    starts, offsets = _positions(windows, x.shape[2:], y.shape[2:])
    first = of_numpy(xp, starts, x)
    found = xp.broadcast_to(of_numpy(xp, np.full((1,) * y.ndim, -1), x), y.shape)
    seen = _Taps.of(xp, x, y, windows, backwards=backwards)
    for attains, offset in zip(seen.attaining(), offsets[::-1] if backwards else offsets, strict=True):
        found = xp.where(attains, first + offset, found)
    return found


def _positions(windows: Windows, sizes: Sequence[int], counts: Sequence[int]) -> tuple[np.ndarray, list[int]]:
    """The flat position at which each window starts, and row by row how far behind it each tap is."""
    starts, offsets = np.zeros((), int), np.zeros((), int)
    for axis, (window, m) in enumerate(zip(windows, counts, strict=True)):
        place = math.prod(sizes[axis + 1 :])
        starts = np.add.outer(starts, (window.stride * np.arange(m) - window.before) * place)
        offsets = np.add.outer(offsets, window.dilation * np.arange(window.kernel) * place)
    return starts, offsets.reshape(-1).tolist()


def max_pool_input(xp: ModuleType, gy: Any, x: Any, windows: Windows, ties: str) -> Any:
    """Each cotangent goes to what `ties` selects among the maximisers of its window."""
    y = max_pool(xp, x, windows, gy.shape[2:])
    seen = _Taps.of(xp, x, y, windows, backwards=ties == "last")
    if ties == "split":
        gy = floating(xp, gy)
        several = reduce(lambda n, attains: n + xp.astype(attains, gy.dtype), seen.attaining(), xp.zeros_like(gy))
        gy = gy / xp.where(several == 0, xp.ones_like(several), several)
    nothing = zeros(xp, (), gy)
    gx, left = xp.zeros_like(seen.wide, dtype=gy.dtype), None  # the windows that nothing is selected in as yet
    for attains, place in zip(seen.attaining(), seen.places, strict=True):
        hit = attains
        if ties in ("first", "last"):
            hit, left = (attains, ~attains) if left is None else (attains & left, left & ~attains)
        gx = added(xp, gx, place, xp.where(hit, gy, nothing))
    return inner(gx, windows, x.shape[2:])


# --- sums ---------------------------------------------------------------------------------------------------------


def sum_pool(xp: ModuleType, x: Any, windows: Windows, counts: Sequence[int]) -> Any:
    y = padded(xp, x, windows, counts)
    for axis, (window, m) in enumerate(zip(windows, counts, strict=True), 2):
        first, *others = (y[_line(axis, window, t, m)] for t in range(window.kernel))
        y = reduce(lambda total, values: total + values, others, first)
    return y


def sum_pool_input(xp: ModuleType, g: Any, windows: Windows, sizes: Sequence[int]) -> Any:
    for axis, (window, n) in enumerate(zip(windows, sizes, strict=True), 2):
        m = g.shape[axis]
        length = max(window.before + n, window.stride * (m - 1) + window.span if m else 0)
        wide = zeros(xp, (*g.shape[:axis], length, *g.shape[axis + 1 :]), g)
        for t in range(window.kernel):
            wide = added(xp, wide, _line(axis, window, t, m), g)
        g = wide[along(axis, window.before, window.before + n)]
    return g


def avg_pool(xp: ModuleType, x: Any, windows: Windows, counts: Sequence[int], divisor: Divisor) -> Any:
    return sum_pool(xp, x, windows, counts) / _in_type(xp, divisor, x)


def avg_input(xp: ModuleType, gy: Any, windows: Windows, sizes: Sequence[int], divisor: Divisor) -> Any:
    return sum_pool_input(xp, gy / _in_type(xp, divisor, gy), windows, sizes)


def _in_type(xp: ModuleType, divisor: Divisor, like: Any) -> Any:
    return divisor if isinstance(divisor, int) else xp.astype(of_numpy(xp, divisor, like), like.dtype)
