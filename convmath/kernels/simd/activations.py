"""What becomes of a vector, and of its cotangent, in each activation: the formulas of `kernels.elementwise`, as code.

Each is a function of the builder, the vectors and the numbers that fix the activation, in the order of its arguments.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from convmath.kernels.elementary import emit

from .builder import Builder, Value
from .exponential import exp, log1p_exp, normal, sigmoid

__all__ = ["ACTIVATIONS"]

FAR = 1000.0  # beyond it exp(-x) is 0 in float64: what a gate lets through is nothing or all, and its slope 0
ROOT = math.sqrt(8 / math.pi)


def _clip(k: Builder, x: Value, low: float, high: float) -> Value:
    """NaN stays."""
    x = k.select(x < low, k.splat(low), x)
    return k.select(x > high, k.splat(high), x)


def _size(k: Builder, x: Value) -> Value:
    return k.of_kind("fabs", x)


# --- pieces of straight lines -------------------------------------------------------------------------------------


def relu(k: Builder, x: Value) -> Value:
    return k.select(x <= 0.0, k.splat(0.0), x)


def relu_input(k: Builder, g: Value, x: Value) -> Value:
    return k.select(x <= 0.0, k.splat(0.0), g)


def relu6(k: Builder, x: Value) -> Value:
    return _clip(k, x, 0.0, 6.0)


def relu6_input(k: Builder, g: Value, x: Value) -> Value:
    return k.select((x <= 0.0) | (x >= 6.0), k.splat(0.0), g)


def prelu(k: Builder, x: Value, slope: Value) -> Value:
    return x * k.select(x > 0.0, k.splat(1.0), slope)


def prelu_input(k: Builder, g: Value, x: Value, slope: Value) -> Value:
    return g * k.select(x > 0.0, k.splat(1.0), slope)


def hardswish(k: Builder, x: Value) -> Value:
    return k.select(x < -3.0, k.splat(-3.0), x) * (_clip(k, x + 3.0, 0.0, 6.0) / 6.0)


def hardswish_input(k: Builder, g: Value, x: Value) -> Value:
    slope = (_clip(k, x, -3.0, 3.0) * 2.0 + 3.0) / 6.0
    return k.select(x <= -3.0, k.splat(0.0), g * k.select(x >= 3.0, k.splat(1.0), slope))


# --- exponentials -------------------------------------------------------------------------------------------------


def _not_above(k: Builder, x: Value) -> Value:
    return k.select(x > 0.0, k.splat(0.0), x)


def elu(k: Builder, x: Value, alpha: Value, scale: Value) -> Value:
    return scale * k.select(x > 0.0, x, alpha * emit(k, "expm1", _not_above(k, x)))


def elu_input(k: Builder, g: Value, x: Value, alpha: Value, scale: Value) -> Value:
    return g * (scale * k.select(x > 0.0, k.splat(1.0), alpha * exp(k, _not_above(k, x))))


def softplus(k: Builder, x: Value, beta: Value, threshold: Value) -> Value:
    y = k.select(x <= 0.0, k.splat(0.0), x) + log1p_exp(k, beta * x) / beta
    return k.select(beta * x > threshold, x, y)


def softplus_input(k: Builder, g: Value, x: Value, beta: Value, threshold: Value) -> Value:
    return g * k.select(beta * x > threshold, k.splat(1.0), sigmoid(k, beta * x))


def _sigmoid_slope(k: Builder, x: Value) -> Value:
    e = exp(k, -_size(k, x))
    return e / ((e + 1.0) * (e + 1.0))


def _sigmoid_and_slope(k: Builder, x: Value) -> tuple[Value, Value]:
    """By one exponential"""
    e = exp(k, -_size(k, x))
    return k.select(x < 0.0, e, k.splat(1.0)) / (e + 1.0), e / ((e + 1.0) * (e + 1.0))


def sigmoid_input(k: Builder, g: Value, x: Value) -> Value:
    return g * _sigmoid_slope(k, x)


def scaled_tanh(k: Builder, x: Value, amplitude: Value, slope: Value) -> Value:
    return amplitude * emit(k, "tanh", slope * x)


def scaled_tanh_input(k: Builder, g: Value, x: Value, amplitude: Value, slope: Value) -> Value:
    # tanh(x) = 2·σ(2x) - 1
    return g * (amplitude * slope * 4.0 * _sigmoid_slope(k, slope * x * 2.0))


# --- x times a gate that opens from 0 to 1 ------------------------------------------------------------------------

Gate = Callable[[Value], Value]


def _gated(k: Builder, x: Value, gate: Gate) -> Value:
    return k.select(x < -FAR, k.splat(-FAR), x) * gate(_clip(k, x, -FAR, FAR))


def _gated_input(k: Builder, g: Value, x: Value, both: Callable[[Value], tuple[Value, Value]]) -> Value:
    """Of the gate and its slope"""
    x = _clip(k, x, -FAR, FAR)
    gate, slope = both(x)
    return g * (gate + x * slope)


def silu(k: Builder, x: Value) -> Value:
    return _gated(k, x, lambda x: sigmoid(k, x))


def silu_input(k: Builder, g: Value, x: Value) -> Value:
    return _gated_input(k, g, x, lambda x: _sigmoid_and_slope(k, x))


def gelu(k: Builder, x: Value) -> Value:
    return _gated(k, x, lambda x: normal(k, x)[0])


def gelu_input(k: Builder, g: Value, x: Value) -> Value:
    def both(x: Value) -> tuple[Value, Value]:
        gate, density = normal(k, x)
        return gate, density * (1 / math.sqrt(2 * math.pi))

    return _gated_input(k, g, x, both)


def _twice(x: Value, cubic: Value) -> Value:
    """2u"""
    return (x + cubic * (x * x * x)) * ROOT


def gelu_tanh(k: Builder, x: Value, cubic: Value) -> Value:
    """½·x·(1 + tanh u) = x·σ(2u), u = √(2/π)·(x + cubic·x³)"""
    return _gated(k, x, lambda x: sigmoid(k, _twice(x, cubic)))


def gelu_tanh_input(k: Builder, g: Value, x: Value, cubic: Value) -> Value:
    def both(x: Value) -> tuple[Value, Value]:
        gate, slope = _sigmoid_and_slope(k, _twice(x, cubic))
        return gate, slope * ((cubic * 3.0 * (x * x) + 1.0) * ROOT)

    return _gated_input(k, g, x, both)


# --- the table ----------------------------------------------------------------------------------------------------

# by name: the value, and what becomes of a cotangent
ACTIVATIONS: dict[str, tuple[Callable[..., Value], Callable[..., Value]]] = {
    "relu": (relu, relu_input),
    "relu6": (relu6, relu6_input),
    "prelu": (prelu, prelu_input),
    "hardswish": (hardswish, hardswish_input),
    "elu": (elu, elu_input),
    "softplus": (softplus, softplus_input),
    "sigmoid": (sigmoid, sigmoid_input),
    "scaled_tanh": (scaled_tanh, scaled_tanh_input),
    "silu": (silu, silu_input),
    "gelu": (gelu, gelu_input),
    "gelu_tanh": (gelu_tanh, gelu_tanh_input),
}
