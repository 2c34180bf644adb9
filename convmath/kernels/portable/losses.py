"""Softmax and losses as `kernels.losses` has them: values, and gradients from a cotangent of them.

Classes lie along axis 1 (of a softmax, along any). `z` are logarithms of probabilities; `chosen` says which class is
the target, (N, C, *n), nowhere for a position that does not count; `weight` broadcasts against z.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from .elementwise import sigmoid, softplus
from .moves import zeros

__all__ = [
    "binary",
    "binary_gradients",
    "by_class",
    "by_class_input",
    "by_class_weight",
    "by_probability",
    "by_probability_gradients",
    "chosen_of",
    "log_softmax",
    "log_softmax_input",
    "softmax",
    "softmax_input",
]


# --- softmax ------------------------------------------------------------------------------------------------------


def _below_greatest(xp: ModuleType, x: Any, axis: int) -> Any:
    """x minus its greatest along the axis; nothing has no greatest, and need not have."""
    return x - xp.max(x, axis=axis, keepdims=True) if x.shape[axis] else x


def softmax(xp: ModuleType, x: Any, axis: int) -> Any:
    e = xp.exp(_below_greatest(xp, x, axis))
    return e / xp.sum(e, axis=axis, keepdims=True)


def softmax_input(xp: ModuleType, gy: Any, y: Any, axis: int) -> Any:
    """Y·(gY - Σ gY·Y)"""
    return y * (gy - xp.sum(gy * y, axis=axis, keepdims=True))


def log_softmax(xp: ModuleType, x: Any, axis: int) -> Any:
    below = _below_greatest(xp, x, axis)
    return below - xp.log(xp.sum(xp.exp(below), axis=axis, keepdims=True))


def log_softmax_input(xp: ModuleType, gz: Any, z: Any, axis: int) -> Any:
    """gZ - exp(Z)·Σ gZ"""
    return gz - xp.exp(z) * xp.sum(gz, axis=axis, keepdims=True)


# --- by class -----------------------------------------------------------------------------------------------------


def chosen_of(xp: ModuleType, target: Any, classes: Any, kept: Any) -> Any:
    """[c = T[ν,i]] where the position counts; `classes` are 0, 1, … along axis 1."""
    return (classes == xp.expand_dims(target, axis=1)) & xp.expand_dims(kept, axis=1)


def _picked(xp: ModuleType, chosen: Any, values: Any) -> Any:
    return xp.sum(xp.where(chosen, values, zeros(xp, (), values)), axis=1)


def by_class(xp: ModuleType, z: Any, chosen: Any, kept: Any, weight: Any, smoothing: float) -> Any:
    """-(1 - ε)·W[T]·Z[T] - ε/C·Σ_c W[c]·Z[c]"""
    weighed = weight * z
    losses = -(1 - smoothing) * _picked(xp, chosen, weighed)
    if smoothing:
        losses = losses - smoothing / z.shape[1] * xp.sum(weighed, axis=1)
    return xp.where(kept, losses, zeros(xp, (), z))


def by_class_input(xp: ModuleType, g: Any, z: Any, chosen: Any, kept: Any, weight: Any, smoothing: float) -> Any:
    """By Z, from a cotangent of the loss at each position."""
    g = xp.expand_dims(xp.where(kept, g, zeros(xp, (), g)), axis=1)
    gz = xp.where(chosen, -(1 - smoothing) * g * weight, zeros(xp, (), z))
    return gz - smoothing / z.shape[1] * weight * g if smoothing else gz


def by_class_weight(xp: ModuleType, g: Any, z: Any, chosen: Any, kept: Any, smoothing: float) -> Any:
    """By W, one number for each class."""
    nothing, others = zeros(xp, (), z), (0, *range(2, z.ndim))
    g, kept = xp.expand_dims(xp.where(kept, g, nothing), axis=1), xp.expand_dims(kept, axis=1)
    gw = -xp.sum((1 - smoothing) * g * xp.where(chosen, z, nothing), axis=others)
    if smoothing:
        gw = gw - smoothing / z.shape[1] * xp.sum(g * xp.where(kept, z, nothing), axis=others)
    return gw


# --- by probabilities ---------------------------------------------------------------------------------------------


def by_probability(xp: ModuleType, z: Any, target: Any, weight: Any, smoothing: float) -> Any:
    """-Σ_c W[c]·((1 - ε)·T[c] + ε/C)·Z[c]"""
    return -xp.sum(weight * _smoothed(target, smoothing) * z, axis=1)


def by_probability_gradients(
    xp: ModuleType, g: Any, z: Any, target: Any, weight: Any, smoothing: float
) -> tuple[Any, Any, Any]:
    """By Z, T and W, from a cotangent of the loss at each position."""
    g, said = -xp.expand_dims(g, axis=1), _smoothed(target, smoothing)
    gw = xp.sum(g * said * z, axis=(0, *range(2, z.ndim)))
    return g * weight * said, (1 - smoothing) * g * weight * z, gw


def _smoothed(target: Any, smoothing: float) -> Any:
    return (1 - smoothing) * target + smoothing / target.shape[1] if smoothing else target


# --- by element ---------------------------------------------------------------------------------------------------


def binary(xp: ModuleType, x: Any, t: Any, q: Any) -> Any:
    """-(Q·T·log σ(X) + (1 - T)·log(1 - σ(X)))"""
    return (t if q is None else q * t) * softplus(xp, -x) + (1 - t) * softplus(xp, x)


def binary_gradients(xp: ModuleType, g: Any, x: Any, t: Any, w: Any, q: Any) -> tuple[Any, Any, Any, Any]:
    """By X, T, W and Q, each element for itself, from a cotangent of W times the loss."""
    weighed = g * w
    gx = weighed * ((1 - t) * sigmoid(xp, x) - (t if q is None else q * t) * sigmoid(xp, -x))
    gt = weighed * (-x if q is None else q * softplus(xp, -x) - softplus(xp, x))
    return gx, gt, g * binary(xp, x, t, q), weighed * t * softplus(xp, -x)
