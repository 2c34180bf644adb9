"""Convolution by generated kernels: which of them, and what follows if something that is not finite comes out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np

from convmath.kernels import patches
from convmath.window import Window

from . import channels, channels_weight, depthwise, pixels, pixels_weight, winograd, winograd_weight
from .plane import ROOM

__all__ = ["conv", "conv_input", "conv_transpose", "conv_weight"]

Windows = Sequence[Window]
DTYPES = {np.dtype(np.float32): "f4", np.dtype(np.float64): "f8"}


def conv(x: np.ndarray, w: np.ndarray, windows: Windows, groups: int) -> np.ndarray:
    """Y[ν,o,j] = Σ_{c,t} W[o,c,t] · X[ν,c,s·j+d·t-a]"""
    y = None
    if _right(x, w):
        kind, plan = _forward(DTYPES[x.dtype], x.shape[:2], x.shape[2:], w.shape[0], tuple(windows), groups)
        y = _finite(kind.run(plan, x, w, None))
    return patches.conv(x, w, windows, groups) if y is None else y


def conv_input(gy: np.ndarray, w: np.ndarray, windows: Windows, groups: int, sizes: Sequence[int]) -> np.ndarray:
    """gX[ν,c,i] = Σ_{o,j,t} [s·j+d·t-a = i] W[o,c,t] · gY[ν,o,j]"""
    gx = None
    if _right(gy, w) and math.prod(sizes):
        made = w.shape[1] * groups
        shapes = gy.shape[:2], gy.shape[2:], made
        kind, plan = _transposed(DTYPES[gy.dtype], *shapes, tuple(windows), groups, tuple(sizes))
        gx = _finite(kind.run(plan, gy, w, None))
    return patches.conv_input(gy, w, windows, groups, sizes) if gx is None else gx


conv_transpose = conv_input


def conv_weight(gy: np.ndarray, x: np.ndarray, windows: Windows, groups: int) -> np.ndarray:
    """gW[o,c,t] = Σ_{ν,j} gY[ν,o,j] · X[ν,c,s·j+d·t-a]"""
    gw = None
    if _right(gy, x):
        shapes = x.shape[:2], x.shape[2:], gy.shape[1], gy.shape[2:]
        kind, plan = _weight(DTYPES[x.dtype], *shapes, tuple(windows), groups)
        gw = _finite(kind.run_weight(plan, gy, x))
    return patches.conv_weight(gy, x, windows, groups) if gw is None else gw


def _right(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether there are kernels for these arrays."""
    return a.dtype == b.dtype and a.dtype in DTYPES and a.size > 0 and b.size > 0


def _finite(found: tuple[np.ndarray, bool]) -> np.ndarray | None:
    return found[0] if found[1] else None


@lru_cache(512)
def _forward(dtype: str, batch: Any, sizes: Any, outputs: int, windows: Any, groups: int) -> tuple[ModuleType, Any]:
    given = (dtype, *batch, sizes, outputs, windows, groups)
    return _cheaper(*((kind, kind.forward(*given)) for kind in (depthwise, winograd, channels, pixels)))


@lru_cache(512)
def _transposed(
    dtype: str, batch: Any, counts: Any, outputs: int, windows: Any, groups: int, sizes: Any
) -> tuple[ModuleType, Any]:
    given = (dtype, *batch, counts, outputs, windows, groups, sizes)
    return _cheaper(*((kind, kind.transposed(*given)) for kind in (depthwise, winograd, channels, pixels)))


@lru_cache(512)
def _weight(
    dtype: str, batch: Any, sizes: Any, outputs: int, counts: Any, windows: Any, groups: int
) -> tuple[ModuleType, Any]:
    given = (dtype, *batch, sizes, outputs, windows, counts, groups)
    return _cheaper(
        (depthwise, depthwise.weight(*given)),
        (winograd_weight, winograd_weight.plan(*given)),
        (channels_weight, channels_weight.plan(*given, exact=False)),
        (pixels_weight, _near(given)),
    )


def _near(given: Any) -> Any:
    """A plan with pixels in the lanes, unless an image has no room near a core."""
    plan = pixels_weight.plan(*given)
    return plan if max(plan.own) <= 4 * ROOM else None


def _cheaper(*ways: tuple[ModuleType, Any]) -> tuple[ModuleType, Any]:
    return min((way for way in ways if way[1] is not None), key=lambda way: way[1].cycles)
