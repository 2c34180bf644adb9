"""Activations, element by element: the value, and what becomes of a cotangent (`_input`).

NaN stays NaN, and at an infinity stands the limit. Where a difference of two nearly equal numbers would lose digits
(1 - tanh², 1 + erf, log(1 + exp)) there is a formula without it. Each is, operation by operation, what
`simd.activations` has, so that within `exact_order` both have the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import basics
from .basics import sigmoid

__all__ = [
    "elu",
    "elu_input",
    "gelu",
    "gelu_input",
    "gelu_tanh",
    "gelu_tanh_input",
    "hardswish",
    "hardswish_input",
    "plus",
    "prelu",
    "prelu_input",
    "prelu_weight",
    "relu",
    "relu6",
    "relu6_input",
    "relu_input",
    "scaled_tanh",
    "scaled_tanh_input",
    "sigmoid",
    "sigmoid_input",
    "silu",
    "silu_input",
    "softplus",
    "softplus_input",
]


def plus(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """X + Z of one shape"""
    return x + z


# Beyond it exp(-x) is 0 in float64: what a gate lets through is nothing or all, and its slope 0.
_FAR = 1000.0


# --- pieces of straight lines -------------------------------------------------------------------------------------


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0) + x.dtype.type(0)  # of zeros with different signs NumPy may take either


def relu_input(gy: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.where(x <= 0, 0, gy)


def relu6(x: np.ndarray) -> np.ndarray:
    return basics.clip(x, 0, 6)


def relu6_input(gy: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.where((x <= 0) | (x >= 6), 0, gy)


def prelu(x: np.ndarray, slope: np.ndarray | float) -> np.ndarray:
    """x where it is above 0, slope·x elsewhere; the slope broadcasts against x."""
    return x * _slope(x, slope)


def prelu_input(gy: np.ndarray, x: np.ndarray, slope: np.ndarray | float) -> np.ndarray:
    return gy * _slope(x, slope)


def _slope(x: np.ndarray, below: np.ndarray | float) -> np.ndarray:
    return np.where(x > 0, 1, np.asarray(below, x.dtype))


def prelu_weight(gy: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The share of each element in the gradient by its slope."""
    return np.where(x > 0, 0, gy) * basics.minimum(x, 0)


def hardswish(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, -3) * (np.clip(x + 3, 0, 6) / 6)


def hardswish_input(gy: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.where(x <= -3, 0, gy * np.where(x >= 3, 1, (2 * np.clip(x, -3, 3) + 3) / 6))


# --- exponentials -------------------------------------------------------------------------------------------------


def elu(x: np.ndarray, alpha: float, scale: float = 1.0) -> np.ndarray:
    """scale·x where x is above 0, scale·alpha·(exp(x) - 1) elsewhere."""
    return scale * np.where(x > 0, x, alpha * basics.expm1(basics.minimum(x, 0)))


def elu_input(gy: np.ndarray, x: np.ndarray, alpha: float, scale: float = 1.0) -> np.ndarray:
    return gy * (scale * np.where(x > 0, 1, alpha * basics.exp(basics.minimum(x, 0))))


def softplus(x: np.ndarray, beta: float = 1.0, threshold: float | None = None) -> np.ndarray:
    """log(1 + exp(βx))/β, and x itself where βx is above the threshold."""
    y = np.maximum(x, 0) + basics.log1p_exp(beta * x) / beta
    return y if threshold is None else np.where(beta * x > threshold, x, y)


def softplus_input(gy: np.ndarray, x: np.ndarray, beta: float = 1.0, threshold: float | None = None) -> np.ndarray:
    slope = sigmoid(beta * x)
    return gy * (slope if threshold is None else np.where(beta * x > threshold, 1, slope))


def _sigmoid_slope(x: np.ndarray) -> np.ndarray:
    e = basics.exp(-np.abs(x))
    return e / (1 + e) ** 2


def _sigmoid_and_slope(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By one exponential"""
    e = basics.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e), e / (1 + e) ** 2


def sigmoid_input(gy: np.ndarray, x: np.ndarray) -> np.ndarray:
    return gy * _sigmoid_slope(x)


def scaled_tanh(x: np.ndarray, amplitude: float = 1.0, slope: float = 1.0) -> np.ndarray:
    return amplitude * basics.tanh(slope * x)


def scaled_tanh_input(gy: np.ndarray, x: np.ndarray, amplitude: float = 1.0, slope: float = 1.0) -> np.ndarray:
    # tanh(x) = 2·σ(2x) - 1
    amplitude, slope = x.dtype.type(amplitude), x.dtype.type(slope)
    return gy * (amplitude * slope * 4 * _sigmoid_slope(slope * x * 2))


# --- x times a gate that opens from 0 to 1 ------------------------------------------------------------------------

Gate = Callable[[np.ndarray], np.ndarray]

_ROOT = math.sqrt(8 / math.pi)


def _gated(x: np.ndarray, gate: Gate) -> np.ndarray:
    return np.maximum(x, -_FAR) * gate(np.clip(x, -_FAR, _FAR))


def _gated_input(gy: np.ndarray, x: np.ndarray, both: Callable[[np.ndarray], tuple[Any, Any]]) -> np.ndarray:
    """Of the gate and its slope"""
    x = np.clip(x, -_FAR, _FAR)
    gate, slope = both(x)
    return gy * (gate + x * slope)


def silu(x: np.ndarray) -> np.ndarray:
    return _gated(x, sigmoid)


def silu_input(gy: np.ndarray, x: np.ndarray) -> np.ndarray:
    return _gated_input(gy, x, _sigmoid_and_slope)


def gelu(x: np.ndarray) -> np.ndarray:
    return _gated(x, basics.normal)


def gelu_input(gy: np.ndarray, x: np.ndarray) -> np.ndarray:
    return _gated_input(gy, x, lambda x: (basics.normal(x), basics.bell(x) * (1 / math.sqrt(2 * math.pi))))


def gelu_tanh(x: np.ndarray, cubic: float) -> np.ndarray:
    """½·x·(1 + tanh u) = x·σ(2u), u = √(2/π)·(x + cubic·x³)"""
    return _gated(x, lambda x: sigmoid(_twice(x, cubic)))


def gelu_tanh_input(gy: np.ndarray, x: np.ndarray, cubic: float) -> np.ndarray:
    def both(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        gate, slope = _sigmoid_and_slope(_twice(x, cubic))
        return gate, slope * ((x.dtype.type(cubic) * 3 * (x * x) + 1) * _ROOT)

    return _gated_input(gy, x, both)


def _twice(x: np.ndarray, cubic: float) -> np.ndarray:
    """2u"""
    return (x + cubic * (x * x * x)) * _ROOT
