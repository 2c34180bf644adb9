"""Normalisation: arrays in, arrays out. There are statistics for each group of a `Layout`; variances are biased."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import basics

__all__ = [
    "Layout",
    "cross_channel",
    "cross_channel_input",
    "cross_channel_scale",
    "gradients",
    "normalised",
    "standardised",
    "statistics",
]


@dataclass(frozen=True, slots=True)
class Layout:
    """An array seen with four axes, those that a group is along, and which of them weight and bias have.

    Groups are along all but axis 1, or along the last two axes: whole rows, however many, of the last axis.
    """

    shape: tuple[int, int, int, int]
    over: tuple[int, ...]
    affine: tuple[int, ...]

    @property
    def across(self) -> bool:
        """Whether a group goes through the whole batch."""
        return 0 in self.over

    @property
    def members(self) -> int:
        """Elements of a group."""
        return math.prod(self.shape[axis] for axis in self.over)

    @property
    def of_groups(self) -> tuple[int, ...]:
        """The shape of what there is one of for each group."""
        return tuple(1 if axis in self.over else n for axis, n in enumerate(self.shape))

    def wide(self, parameters: np.ndarray) -> np.ndarray:
        """Weight or bias, so that it broadcasts."""
        return parameters.reshape([n if axis in self.affine else 1 for axis, n in enumerate(self.shape)])

    def summed(self, g: np.ndarray, like: np.ndarray) -> np.ndarray:
        """The sum over the axes that weight and bias don't have."""
        return basics.total(g, [axis for axis in range(4) if axis not in self.affine]).reshape(like.shape)


def statistics(x: np.ndarray, layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of each group.

    The deviations are squared, so nothing cancels; their own mean is what the mean was rounded by, and corrects for it.
    """
    x = x.reshape(layout.shape)
    mean = basics.mean(x, layout.over, keepdims=True)
    deviation = x - mean
    rounded = basics.mean(deviation, layout.over, keepdims=True)
    variance = basics.mean(deviation * deviation, layout.over, keepdims=True) - rounded * rounded
    return mean, np.maximum(variance, 0)  # what is hardly more than 0 may be rounded below it


def standardised(
    x: np.ndarray, layout: Layout, mean: np.ndarray, variance: np.ndarray, eps: float,
    w: np.ndarray | None, b: np.ndarray | None,
) -> np.ndarray:  # fmt: skip
    """Y = W·(X - μ)/σ + B, σ = √(V + ε)"""
    z, _ = _z(x, layout, mean, variance, eps)
    y = z if w is None else z * layout.wide(w)
    return (y if b is None else y + layout.wide(b)).reshape(x.shape)


def normalised(
    x: np.ndarray, layout: Layout, eps: float, w: np.ndarray | None, b: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same with the statistics of the groups, which come too."""
    mean, variance = statistics(x, layout)
    return standardised(x, layout, mean, variance, eps, w, b), mean, variance


def gradients(
    gy: np.ndarray, x: np.ndarray, layout: Layout, mean: np.ndarray, variance: np.ndarray, eps: float,
    w: np.ndarray | None, b: np.ndarray | None, *, fixed: bool = False,
) -> tuple[Any, ...]:  # fmt: skip
    """By X, W and B; where the statistics are `fixed`, also by them.

    gX = (gZ - mean gZ - Z·mean(gZ·Z))/σ, gZ = W·gY; gX = gZ/σ, gμ = -Σ gX and gV = -Σ gX·Z/(2σ) where they are fixed
    """
    z, deviation = _z(x, layout, mean, variance, eps)
    g = gy.reshape(layout.shape)
    gz = g if w is None else g * layout.wide(w)
    gw = None if w is None else layout.summed(g * z, w)
    gb = None if b is None else layout.summed(g, b)
    if fixed:
        gx = gz / deviation
        return (
            *(gx.reshape(x.shape), gw, gb, -basics.total(gx, layout.over, keepdims=True)),
            -basics.total(gx * z / deviation, layout.over, keepdims=True) / 2,
        )
    gx = gz - basics.mean(gz, layout.over, keepdims=True) - z * basics.mean(gz * z, layout.over, keepdims=True)
    return (gx / deviation).reshape(x.shape), gw, gb


def _z(x: np.ndarray, layout: Layout, mean: np.ndarray, variance: np.ndarray, eps: float) -> tuple[Any, Any]:
    """Z = (X - μ)/σ, and σ"""
    deviation = np.sqrt(variance + x.dtype.type(eps))
    return (x.reshape(layout.shape) - mean) / deviation, deviation


def cross_channel_scale(x: np.ndarray, size: int, alpha: float, bias: float) -> np.ndarray:
    """D[ν,c,i] = κ + α/k·Σ_t X[ν,c+t-⌊k/2⌋,i]²"""
    scale = x.dtype.type(alpha) / x.dtype.type(size)
    return x.dtype.type(bias) + scale * _across(x * x, size // 2, size - 1 - size // 2)


def cross_channel(x: np.ndarray, scale: np.ndarray, beta: float) -> np.ndarray:
    """Y = X·D^(-β)"""
    return x * basics.power(scale, x.dtype.type(-beta))


def cross_channel_input(
    gy: np.ndarray, x: np.ndarray, scale: np.ndarray, size: int, alpha: float, beta: float
) -> np.ndarray:
    """gX = gY·D^(-β) - 2·α·β/k·X·Σ_t (gY·X·D^(-β - 1))[ν,c-t+⌊k/2⌋,i]"""
    power = basics.power(scale, x.dtype.type(-beta))
    through = _across(gy * x * power / scale, size - 1 - size // 2, size // 2)
    return gy * power - x.dtype.type(2 * alpha * beta / size) * x * through


def _across(x: np.ndarray, before: int, after: int) -> np.ndarray:
    """Σ x[ν,c+t,i] over -before ≤ t ≤ after, x being 0 outside"""
    total = np.zeros_like(x)
    channels = x.shape[1]
    for t in range(-min(before, channels - 1), min(after, channels - 1) + 1):
        start, stop = max(0, -t), min(channels, channels - t)
        total[:, start:stop] += x[:, start + t : stop + t]
    return total
