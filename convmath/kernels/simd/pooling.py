"""Pooling by generated kernels; `patches` where there are none: for integers, and for shares among equal maximisers.

Maxima and positions are those of the definition, NaN and equal elements included. A sum of n elements is off by at most
γ(n)·Σ|x|, γ(n) = n·u/(1 - n·u), u half the distance of 1 to the next number; a mean has one rounding more. Sums
have the bits that `patches` gives them, whatever the vectors and threads are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeGuard

import numpy as np

from convmath.kernels import patches
from convmath.kernels.taps import folded, output_sizes
from convmath.window import Window

from . import pool, pool_input, pool_tiles, pool_windows
from .builder import DTYPES
from .pool_tables import MOST, entries

__all__ = [
    "avg_pool",
    "avg_pool_input",
    "max_pool",
    "max_pool_input",
    "max_pool_kept",
    "max_pool_selection",
    "sum_pool",
    "sum_pool_input",
]

Windows = Sequence[Window]
LARGEST = 2**31 - 1  # elements of a plane that there are no kernels for


def max_pool(x: np.ndarray, windows: Windows) -> np.ndarray:
    """Y[ν,c,j] = max_t X[ν,c,s·j+d·t-a] over what lies in X: NaN where one is, -∞ where nothing is."""
    if (found := _forward(x, windows)) is None:
        return patches.max_pool(x, windows)
    kernels, plan = found
    return _as(kernels.run(plan, "max", x), x, windows)


def max_pool_selection(x: np.ndarray, windows: Windows, ties: str) -> np.ndarray:
    """The flat position of the first (or, for "last", the last) maximiser of each window; -1 where there is none."""
    if (found := _forward(x, windows, tiles=False)) is None:
        return patches.max_pool_selection(x, windows, ties)
    kernels, plan = found
    return _as(np.subtract(kernels.select(plan, x, ties), 1, dtype=np.int64), x, windows)


def max_pool_kept(x: np.ndarray, windows: Windows, ties: str) -> tuple[np.ndarray, np.ndarray | None]:
    """The maxima, and what `max_pool_input` takes as `selected`; None for nothing."""
    found = _forward(x, windows) if ties in ("first", "last") else None
    if found is None:
        return max_pool(x, windows), None
    kernels, plan = found
    y, selected = kernels.maxima(plan, x, ties)
    return _as(y, x, windows), _as(selected, x, windows)


def max_pool_input(
    gy: np.ndarray, x: np.ndarray, windows: Windows, ties: str, selected: np.ndarray | None = None
) -> np.ndarray:
    """gX[ν,c,i] = Σ_{j,t} [s·j+d·t-a = i] λ[ν,c,j,t] · gY[ν,c,j], λ = 1 at the first (or last) maximiser"""
    if ties not in ("first", "last") or gy.dtype != x.dtype:
        return patches.max_pool_input(gy, x, windows, ties)
    found, back = _forward(x, windows), _backward(gy, windows, x.shape[2:])
    if found is None or back is None:
        return patches.max_pool_input(gy, x, windows, ties)
    if selected is None:
        kernels, plan = found
        selected = kernels.maxima(plan, x, ties)[1]
    kernels, plan = back
    return kernels.spread_maximum(plan, gy, selected)


def avg_pool(x: np.ndarray, windows: Windows, divisor: np.ndarray | int) -> np.ndarray:
    """Y[ν,c,j] = Σ_t X[ν,c,s·j+d·t-a] / D[j]"""
    if (found := _forward(x, windows)) is None:
        return patches.avg_pool(x, windows, divisor)
    kernels, plan = found
    each = divisor.reshape(plan.counts) if isinstance(divisor, np.ndarray) else divisor
    return _as(kernels.run(plan, "sum", x, each), x, windows)


def avg_pool_input(gy: np.ndarray, windows: Windows, sizes: Sequence[int], divisor: np.ndarray | int) -> np.ndarray:
    """gX[ν,c,i] = Σ_{j,t} [s·j+d·t-a = i] gY[ν,c,j] / D[j]"""
    if (found := _backward(gy, windows, sizes)) is None:
        return patches.avg_pool_input(gy, windows, sizes, divisor)
    kernels, plan = found
    return kernels.spread_sum(plan, gy, divisor)


def sum_pool(x: np.ndarray, windows: Windows) -> np.ndarray:
    """Y[ν,c,j] = Σ_t X[ν,c,s·j+d·t-a]"""
    if (found := _forward(x, windows)) is None:
        return patches.sum_pool(x, windows)
    kernels, plan = found
    return _as(kernels.run(plan, "sum", x), x, windows)


def sum_pool_input(gy: np.ndarray, windows: Windows, sizes: Sequence[int]) -> np.ndarray:
    """gX[ν,c,i] = Σ_{j,t} [s·j+d·t-a = i] gY[ν,c,j]"""
    if (found := _backward(gy, windows, sizes)) is None:
        return patches.sum_pool_input(gy, windows, sizes)
    kernels, plan = found
    return kernels.spread_sum(plan, gy, None)


# --- what there are kernels for -----------------------------------------------------------------------------------


def _forward(x: np.ndarray, windows: Windows, *, tiles: bool = True) -> tuple[Any, Any] | None:
    """The module whose kernels pool such arrays, and a plan for it; that of tiles only where positions aren't asked."""
    return _planned(DTYPES.get(x.dtype), x.shape, tuple(windows), tiles)


def _backward(gy: np.ndarray, windows: Windows, sizes: Sequence[int]) -> tuple[Any, Any] | None:
    """The same of cotangents."""
    return _planned_back(DTYPES.get(gy.dtype), gy.shape, tuple(windows), tuple(sizes))


@lru_cache(1024)
def _planned(
    dtype: str | None, shape: tuple[int, ...], windows: tuple[Window, ...], tiles: bool
) -> tuple[Any, Any] | None:
    sizes = shape[2:]
    if not windows or 0 in shape or not _fits(dtype, sizes):
        return None
    if tiles and (plan := _tiled(dtype, sizes, windows)):
        return pool_tiles, plan
    sizes, laid = folded(sizes, windows)
    counts = output_sizes(laid, sizes)
    if 0 in counts or not _in_reach(laid, counts):
        return None
    if pool_windows.fits(dtype, sizes, laid, counts):
        return pool_windows, pool_windows.Plan(dtype, sizes, laid, counts)
    return pool, pool.Plan(dtype, math.prod(shape[:2]), sizes, laid, counts)


@lru_cache(1024)
def _planned_back(
    dtype: str | None, shape: tuple[int, ...], windows: tuple[Window, ...], sizes: tuple[int, ...]
) -> tuple[Any, Any] | None:
    if not windows or 0 in shape or 0 in sizes or not _fits(dtype, sizes):
        return None
    if plan := _tiled(dtype, sizes, windows):
        return pool_tiles, plan
    if not _in_reach(windows, shape[2:]):
        return None
    found = pool_input.Plan(dtype, sizes, windows, shape[2:])
    return (pool_input, found) if len(found.rows.entries) else None


def _tiled(dtype: str, sizes: tuple[int, ...], windows: tuple[Window, ...]) -> pool_tiles.Plan | None:
    counts = output_sizes(windows, sizes)
    if 0 in counts or entries(windows, counts) > MOST or not pool_tiles.are_tiles(dtype, sizes, windows, counts):
        return None
    return pool_tiles.Plan(dtype, sizes, windows, counts)


def _fits(dtype: str | None, sizes: Sequence[int]) -> TypeGuard[str]:
    """Whether kernels take planes of these sizes: positions in one of float32 are integers of 32 bits."""
    return dtype is not None and math.prod(sizes) < LARGEST


def _in_reach(windows: Windows, counts: Sequence[int]) -> bool:
    return entries(windows, counts) <= MOST and (counts[-1] == 1 or windows[-1].stride <= pool_input.LONGEST)


def _as(y: np.ndarray, x: np.ndarray, windows: Windows) -> np.ndarray:
    """The output with one axis for each of the input."""
    return y if y.ndim == x.ndim else y.reshape(*x.shape[:2], *output_sizes(windows, x.shape[2:]))
