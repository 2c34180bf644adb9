"""Normalisation: arrays in, arrays out. The mean is over given axes, and the variance is the biased one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = [
    "cross_channel",
    "cross_channel_input",
    "cross_channel_scale",
    "standardised",
    "standardised_input",
    "statistics",
]


def statistics(x: np.ndarray, axes: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance over the axes, which stay with length 1. The deviations are squared, so nothing cancels."""
    mean = x.mean(tuple(axes), keepdims=True)
    deviation = x - mean
    return mean, (deviation * deviation).mean(tuple(axes), keepdims=True)


def standardised(x: np.ndarray, mean: np.ndarray, variance: np.ndarray, eps: float) -> tuple[np.ndarray, np.ndarray]:
    """Z = (X - μ)/σ, and σ = √(V + ε)"""
    deviation = np.sqrt(variance + x.dtype.type(eps))
    return (x - mean) / deviation, deviation


def standardised_input(gz: np.ndarray, z: np.ndarray, deviation: np.ndarray, axes: Sequence[int]) -> np.ndarray:
    """gX = (gZ - mean gZ - Z·mean(gZ·Z))/σ, the means over the axes that the statistics are over"""
    over = tuple(axes)
    return (gz - gz.mean(over, keepdims=True) - z * (gz * z).mean(over, keepdims=True)) / deviation


def cross_channel_scale(x: np.ndarray, size: int, alpha: float, bias: float) -> np.ndarray:
    """D[ν,c,i] = κ + α/k·Σ_t X[ν,c+t-⌊k/2⌋,i]²"""
    scale = x.dtype.type(alpha) / x.dtype.type(size)
    return x.dtype.type(bias) + scale * _across(x * x, size // 2, size - 1 - size // 2)


def cross_channel(x: np.ndarray, scale: np.ndarray, beta: float) -> np.ndarray:
    """Y = X·D^(-β)"""
    return x * scale ** x.dtype.type(-beta)


def cross_channel_input(
    gy: np.ndarray, x: np.ndarray, scale: np.ndarray, size: int, alpha: float, beta: float
) -> np.ndarray:
    """gX = gY·D^(-β) - 2·α·β/k·X·Σ_t (gY·X·D^(-β - 1))[ν,c-t+⌊k/2⌋,i]"""
    power = scale ** x.dtype.type(-beta)
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
