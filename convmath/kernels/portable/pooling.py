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
from .moves import added, along, held, inner, padded, taps, zeros

__all__ = ["avg_input", "avg_pool", "max_pool", "max_pool_input", "max_pool_selection", "sum_pool", "sum_pool_input"]

Windows = Sequence[Window]


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
    order: tuple[tuple[Any, np.ndarray | None, np.ndarray], ...]

    @classmethod
    def of(cls, xp: ModuleType, x: Any, y: Any, windows: Windows, *, backwards: bool) -> _Taps:
        sizes, counts = x.shape[2:], y.shape[2:]
        each = zip(
            *(taps(windows, counts), held(windows, sizes, counts), _positions(windows, sizes, counts)), strict=True
        )
        order = tuple(each)
        return cls(xp, _padded(xp, x, windows, counts), y, order[::-1] if backwards else order)

    def attaining(self) -> Iterator[Any]:
        """For each tap in which windows it attains the maximum; a NaN is one."""
        xp = self.xp
        nan = xp.isdtype(self.wide.dtype, "real floating")
        for place, there, _ in self.order:
            values = self.wide[place]
            attains = (values == self.y) | xp.isnan(values) if nan else values == self.y
            yield attains if there is None else attains & of_numpy(xp, there, self.y)


def max_pool_selection(xp: ModuleType, x: Any, y: Any, windows: Windows, ties: str) -> Any:
    """The flat position of the first (or last) maximiser of each window, -1 where it holds nothing."""
    # of several that attain it the last one stays, so the one to be selected comes last
    seen = _Taps.of(xp, x, y, windows, backwards=ties != "last")
    found = xp.broadcast_to(of_numpy(xp, np.full((1,) * y.ndim, -1), x), y.shape)
    for attains, (_, _, at) in zip(seen.attaining(), seen.order, strict=True):
        found = xp.where(attains, of_numpy(xp, at, x), found)
    return found


def _positions(windows: Windows, sizes: Sequence[int], counts: Sequence[int]) -> Iterator[np.ndarray]:
    """For each tap, row by row, the flat position that it has in each window."""
    starts, offsets = np.zeros((), int), np.zeros((), int)
    for axis, (window, m) in enumerate(zip(windows, counts, strict=True)):
        place = math.prod(sizes[axis + 1 :])
        starts = np.add.outer(starts, (window.stride * np.arange(m) - window.before) * place)
        offsets = np.add.outer(offsets, window.dilation * np.arange(window.kernel) * place)
    return (starts + offset for offset in offsets.reshape(-1))


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
    for attains, (place, _, _) in zip(seen.attaining(), seen.order, strict=True):
        hit = attains
        if ties in ("first", "last"):
            hit, left = (attains, ~attains) if left is None else (attains & left, left & ~attains)
        gx = added(gx, place, xp.where(hit, gy, nothing))
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
            wide = added(wide, _line(axis, window, t, m), g)
        g = wide[along(axis, window.before, window.before + n)]
    return g


def avg_pool(xp: ModuleType, x: Any, windows: Windows, divisor: np.ndarray) -> Any:
    return sum_pool(xp, x, windows, divisor.shape) / _in_type(xp, divisor, x)


def avg_input(xp: ModuleType, gy: Any, windows: Windows, sizes: Sequence[int], divisor: np.ndarray) -> Any:
    return sum_pool_input(xp, gy / _in_type(xp, divisor, gy), windows, sizes)


def _in_type(xp: ModuleType, divisor: np.ndarray, like: Any) -> Any:
    return xp.astype(of_numpy(xp, divisor, like), like.dtype)
