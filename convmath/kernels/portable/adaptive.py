"""Adaptive windows as `kernels.adaptive` has them: window j of m on an axis of n holds ⌊j·n/m⌋ ≤ i < ⌈(j+1)·n/m⌉."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from ..adaptive import boxes, ends
from .library import floating, of_numpy
from .moves import added, along, zeros

__all__ = ["avg_pool", "avg_pool_input", "max_pool", "max_pool_input", "max_pool_selection"]


# --- mean: one axis after the other, since a box is a product of intervals ----------------------------------------


def avg_pool(xp: ModuleType, x: Any, counts: Sequence[int]) -> Any:
    for axis, m in enumerate(counts, 2):
        parts = [x[along(axis, *each)] for each in ends(x.shape[axis], m)]
        x = xp.stack([xp.sum(part, axis=axis) / part.shape[axis] for part in parts], axis=axis)
    return x


def avg_pool_input(xp: ModuleType, gy: Any, sizes: Sequence[int]) -> Any:
    for axis, n in enumerate(sizes, 2):
        gx = zeros(xp, (*gy.shape[:axis], n, *gy.shape[axis + 1 :]), gy)
        for j, (start, stop) in enumerate(ends(n, gy.shape[axis])):
            gx = added(xp, gx, along(axis, start, stop), gy[along(axis, j, j + 1)] / (stop - start))
        gy = gx
    return gy


# --- maximum ------------------------------------------------------------------------------------------------------


def _of_each(xp: ModuleType, x: Any, counts: Sequence[int], found: Callable[[Any, tuple[slice, ...]], Any]) -> Any:
    """What is found in the box of each window, as an array with a position for each."""
    each = [found(x[(..., *box)], box) for _, box in boxes(x.shape[2:], counts)]
    return xp.reshape(xp.stack(each, axis=2), (*x.shape[:2], *counts))


def max_pool(xp: ModuleType, x: Any, counts: Sequence[int]) -> Any:
    axes = tuple(range(2, x.ndim))
    y = _of_each(xp, x, counts, lambda window, _: xp.max(window, axis=axes))
    return y + 0 if xp.isdtype(y.dtype, "real floating") else y


def _attaining(xp: ModuleType, window: Any, ties: str) -> Any:
    """Where a window attains its maximum, seen with one axis; for "first" and "last" one place alone."""
    flat = xp.reshape(window, (*window.shape[:2], math.prod(window.shape[2:])))
    attains = flat == xp.max(flat, axis=-1, keepdims=True)
    if xp.isdtype(flat.dtype, "real floating"):
        attains = attains | xp.isnan(flat)
    if ties not in ("first", "last"):
        return attains
    order = of_numpy(xp, np.arange(flat.shape[-1]) if ties == "last" else np.arange(flat.shape[-1])[::-1].copy(), flat)
    rank = xp.where(attains, order, xp.full_like(order, -1))
    return rank == xp.max(rank, axis=-1, keepdims=True)


def max_pool_selection(xp: ModuleType, x: Any, counts: Sequence[int], ties: str) -> Any:
    """The flat position of the first (or last) maximiser of each window; a NaN is the maximum."""
    place = np.arange(math.prod(x.shape[2:])).reshape(x.shape[2:])

    def selected(window: Any, box: tuple[slice, ...]) -> Any:
        own = of_numpy(xp, place[box].reshape(-1), x)
        return xp.max(xp.where(_attaining(xp, window, ties), own, xp.full_like(own, -1)), axis=-1)

    return _of_each(xp, x, counts, selected)


def max_pool_input(xp: ModuleType, gy: Any, x: Any, ties: str) -> Any:
    """Each cotangent goes to what `ties` selects among the maximisers of its window."""
    gy = floating(xp, gy) if ties == "split" else gy
    gx, nothing = xp.zeros_like(x, dtype=gy.dtype), zeros(xp, (), gy)
    for j, box in boxes(x.shape[2:], gy.shape[2:]):
        window, g = x[(..., *box)], xp.expand_dims(gy[(..., *j)], axis=-1)
        attains = _attaining(xp, window, ties)
        if ties == "split":
            g = g / xp.sum(xp.astype(attains, gy.dtype), axis=-1, keepdims=True)
        gx = added(xp, gx, (..., *box), xp.reshape(xp.where(attains, g, nothing), window.shape))
    return gx
