"""Softmax and losses: values, and gradients from a cotangent of them.

Classes lie along axis 1 (of a softmax, along any). `z` are logarithms of probabilities, `target` classes, of which only
those that are `kept` count, `weight` one number for each class. A sum over classes is taken after the greatest of them
is taken away, so that no exponential is too large.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import basics
from .elementwise import sigmoid, softplus

__all__ = [
    "binary",
    "binary_gradients",
    "by_class",
    "by_class_gradients",
    "by_class_input",
    "by_probability",
    "by_probability_gradients",
    "each_of",
    "log_softmax",
    "log_softmax_input",
    "of_softmax",
    "of_target",
    "softmax",
    "softmax_input",
    "squared",
    "squared_input",
]


# --- softmax ------------------------------------------------------------------------------------------------------


def _below_greatest(x: np.ndarray, axis: int) -> np.ndarray:
    """x minus its greatest along the axis; nothing has no greatest, and need not have."""
    return x - basics.greatest(x, axis, keepdims=True)


def softmax(x: np.ndarray, axis: int) -> np.ndarray:
    e = basics.exp(_below_greatest(x, axis))
    return e / basics.total(e, (axis,), keepdims=True)


def softmax_input(gy: np.ndarray, y: np.ndarray, axis: int, *, over: bool = False) -> np.ndarray:
    """Y·(gY - Σ gY·Y), which may be written over Y"""
    return y * (gy - basics.total(gy * y, (axis,), keepdims=True))


def log_softmax(x: np.ndarray, axis: int) -> np.ndarray:
    below = _below_greatest(x, axis)
    with np.errstate(divide="ignore"):  # the sum is 0 only over nothing
        return below - basics.log(basics.total(basics.exp(below), (axis,), keepdims=True))


def log_softmax_input(gz: np.ndarray, z: np.ndarray, axis: int, *, over: bool = False) -> np.ndarray:
    """gZ - exp(Z)·Σ gZ, which may be written over Z"""
    return gz - basics.exp(z) * basics.total(gz, (axis,), keepdims=True)


# --- by class -----------------------------------------------------------------------------------------------------


def _along_classes(weight: np.ndarray, z: np.ndarray) -> np.ndarray:
    """One number for each class, so that it broadcasts against z."""
    return weight.reshape(1, -1, *[1] * (z.ndim - 2))


def _picked(z: np.ndarray, target: np.ndarray) -> np.ndarray:
    """z[ν, target, i]"""
    return np.take_along_axis(z, target[:, None], axis=1)[:, 0]


def each_of(
    x: np.ndarray, target: np.ndarray, kept: np.ndarray | None, weight: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Target, what is kept of it (everything, if nothing is said), and weights (1, if there are none)."""
    kept = np.ones(target.shape, bool) if kept is None else kept
    return target, kept, np.ones(x.shape[1], x.dtype) if weight is None else weight


def of_target(weight: np.ndarray, target: np.ndarray, kept: np.ndarray | None) -> np.ndarray:
    """The weight of each target, 0 for one that does not count; `target` is a class also there."""
    return weight[target] if kept is None else np.where(kept, weight[target], 0)


def by_class(
    z: np.ndarray, target: np.ndarray, kept: np.ndarray, weight: np.ndarray, smoothing: float = 0.0
) -> np.ndarray:
    """-(1 - ε)·W[T]·Z[T] - ε/C·Σ_c W[c]·Z[c]"""
    losses = -(1 - smoothing) * weight[target] * _picked(z, target)
    if smoothing:
        losses -= smoothing / z.shape[1] * basics.total(_along_classes(weight, z) * z, (1,))
    return np.where(kept, losses, 0)


def by_class_gradients(
    g: np.ndarray, z: np.ndarray, target: np.ndarray, kept: np.ndarray, weight: np.ndarray, smoothing: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """By Z and W, from a cotangent of the loss at each position."""
    g, classes = np.where(kept, g, 0), z.shape[1]
    share = smoothing / classes
    gz = np.zeros(z.shape, np.result_type(g, z))
    if smoothing:
        gz -= share * _along_classes(weight, z) * g[:, None]
    chosen = (1 - smoothing) * g
    np.put_along_axis(gz, target[:, None], (_picked(gz, target) - chosen * weight[target])[:, None], axis=1)
    picked = np.where(kept, chosen * _picked(z, target), 0)
    gw = -np.bincount(target.reshape(-1), picked.reshape(-1), minlength=classes).astype(gz.dtype)
    if smoothing:
        counted = np.where(kept[:, None], z, 0) * g[:, None]
        gw -= share * basics.total(counted, (0, *range(2, z.ndim)))
    return gz, gw


def by_class_input(
    g: np.ndarray, z: np.ndarray, target: np.ndarray, kept: np.ndarray, weight: np.ndarray, smoothing: float = 0.0
) -> np.ndarray:
    """By X, for Z the logarithms of the softmax of X"""
    return log_softmax_input(by_class_gradients(g, z, target, kept, weight, smoothing)[0], z, 1)


def of_softmax(
    x: np.ndarray, target: np.ndarray, kept: np.ndarray | None, weight: np.ndarray | None
) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """-W[T]·log softmax(X)[T] for each position, and the gradient by X of a cotangent of it"""
    z, each = log_softmax(x, 1), each_of(x, target, kept, weight)
    return by_class(z, *each), lambda g: by_class_input(g, z, *each)


# --- by probabilities ---------------------------------------------------------------------------------------------


def by_probability(z: np.ndarray, target: np.ndarray, weight: np.ndarray, smoothing: float = 0.0) -> np.ndarray:
    """-Σ_c W[c]·((1 - ε)·T[c] + ε/C)·Z[c]"""
    return -basics.total(_along_classes(weight, z) * _smoothed(target, smoothing) * z, (1,))


def by_probability_gradients(
    g: np.ndarray, z: np.ndarray, target: np.ndarray, weight: np.ndarray, smoothing: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By Z, T and W, from a cotangent of the loss at each position."""
    wide, said, g = _along_classes(weight, z), _smoothed(target, smoothing), -g[:, None]
    gw = basics.total(g * said * z, (0, *range(2, z.ndim)))
    return g * wide * said, (1 - smoothing) * g * wide * z, gw


def _smoothed(target: np.ndarray, smoothing: float) -> np.ndarray:
    return (1 - smoothing) * target + smoothing / target.shape[1] if smoothing else target


# --- by element ---------------------------------------------------------------------------------------------------


def squared(x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """(X - T)²"""
    return (x - t) ** 2


def squared_input(g: np.ndarray, x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """2·(X - T)"""
    return 2 * g * (x - t)


def binary(x: np.ndarray, t: np.ndarray, w: np.ndarray | float, q: np.ndarray | None) -> np.ndarray:
    """-W·(Q·T·log σ(X) + (1 - T)·log(1 - σ(X)))"""
    return w * _binary(x, t, q)


def _binary(x: np.ndarray, t: np.ndarray, q: np.ndarray | None) -> np.ndarray:
    return (t if q is None else q * t) * softplus(-x) + (1 - t) * softplus(x)


def binary_gradients(
    g: np.ndarray, x: np.ndarray, t: np.ndarray, w: np.ndarray | float, q: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """By X, T, W and Q, each element for itself."""
    weighed = g * w
    gx = weighed * ((1 - t) * sigmoid(x) - (t if q is None else q * t) * sigmoid(-x))
    gt = weighed * (-x if q is None else q * softplus(-x) - softplus(x))
    return gx, gt, g * _binary(x, t, q), weighed * t * softplus(-x)
