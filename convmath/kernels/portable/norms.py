"""Normalisation as `kernels.norms` has it: statistics for each group of a `Layout`, and what becomes of a cotangent."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

from ..norms import Layout

__all__ = ["gradients", "standardised", "statistics"]


def _mean(xp: ModuleType, x: Any, layout: Layout) -> Any:
    return xp.sum(x, axis=layout.over, keepdims=True) / layout.members


def statistics(xp: ModuleType, x: Any, layout: Layout) -> tuple[Any, Any]:
    """Mean and variance of each group, corrected for what the mean was rounded by."""
    x = xp.reshape(x, layout.shape)
    mean = _mean(xp, x, layout)
    deviation = x - mean
    rounded = _mean(xp, deviation, layout)
    variance = _mean(xp, deviation * deviation, layout) - rounded * rounded
    return mean, xp.clip(variance, min=0)  # what is hardly more than 0 may be rounded below it


def _wide(xp: ModuleType, parameters: Any, layout: Layout) -> Any:
    """Weight or bias, so that it broadcasts."""
    return xp.reshape(parameters, tuple(n if axis in layout.affine else 1 for axis, n in enumerate(layout.shape)))


def _summed(xp: ModuleType, g: Any, layout: Layout, like: Any) -> Any:
    """The sum over the axes that weight and bias don't have."""
    return xp.reshape(xp.sum(g, axis=tuple(axis for axis in range(4) if axis not in layout.affine)), like.shape)


def standardised(xp: ModuleType, x: Any, layout: Layout, mean: Any, variance: Any, eps: float, w: Any, b: Any) -> Any:
    """Y = W·(X - μ)/σ + B, σ = √(V + ε)"""
    y, _ = _z(xp, x, layout, mean, variance, eps)
    y = y if w is None else y * _wide(xp, w, layout)
    return xp.reshape(y if b is None else y + _wide(xp, b, layout), x.shape)


def gradients(
    xp: ModuleType, gy: Any, x: Any, layout: Layout, mean: Any, variance: Any, eps: float, w: Any, b: Any,
    *, fixed: bool = False,
) -> tuple[Any, ...]:  # fmt: skip
    """By X, W and B; where the statistics are `fixed`, also by them."""
    z, deviation = _z(xp, x, layout, mean, variance, eps)
    g = xp.reshape(gy, layout.shape)
    gz = g if w is None else g * _wide(xp, w, layout)
    gw = None if w is None else _summed(xp, g * z, layout, w)
    gb = None if b is None else _summed(xp, g, layout, b)
    if not fixed:
        gx = gz - _mean(xp, gz, layout) - z * _mean(xp, gz * z, layout)
        return xp.reshape(gx / deviation, x.shape), gw, gb
    gx = gz / deviation
    g_mean = -xp.sum(gx, axis=layout.over, keepdims=True)
    g_variance = -xp.sum(gx * z / deviation, axis=layout.over, keepdims=True) / 2
    count = (math.prod(layout.of_groups),)
    return xp.reshape(gx, x.shape), gw, gb, xp.reshape(g_mean, count), xp.reshape(g_variance, count)


def _z(xp: ModuleType, x: Any, layout: Layout, mean: Any, variance: Any, eps: float) -> tuple[Any, Any]:
    """Z = (X - μ)/σ, and σ"""
    deviation = xp.sqrt(variance + eps)
    return (xp.reshape(x, layout.shape) - mean) / deviation, deviation
