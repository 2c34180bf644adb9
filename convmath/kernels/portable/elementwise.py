"""Activations, element by element, as `kernels.elementwise` has them: the value, and what becomes of a cotangent.

NaN stays NaN, and at an infinity stands the limit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

from .library import device, root

__all__ = [
    "elu",
    "elu_input",
    "erf",
    "erfc",
    "gelu",
    "gelu_input",
    "gelu_tanh",
    "gelu_tanh_input",
    "hardswish",
    "hardswish_input",
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

# beyond it exp(-x) is 0 in float64: what a gate lets through is nothing or all, and its slope 0
_FAR = 1000.0


def _where(xp: ModuleType, mask: Any, one: Any, other: Any, like: Any) -> Any:
    """Of arrays or numbers, of which a number takes the type of `like`."""
    one, other = (
        xp.full((), value, dtype=like.dtype, device=device(like)) if isinstance(value, int | float) else value
        for value in (one, other)
    )
    return xp.where(mask, one, other)


# --- pieces of straight lines -------------------------------------------------------------------------------------


def relu(xp: ModuleType, x: Any) -> Any:
    # where x is NaN it is not below 0, and stays; -0 becomes 0
    return _where(xp, x <= 0, 0, x, x)


def relu_input(xp: ModuleType, gy: Any, x: Any) -> Any:
    return _where(xp, x <= 0, 0, gy, gy)


def relu6(xp: ModuleType, x: Any) -> Any:
    return _where(xp, x >= 6, 6, relu(xp, x), x)


def relu6_input(xp: ModuleType, gy: Any, x: Any) -> Any:
    return _where(xp, (x <= 0) | (x >= 6), 0, gy, gy)


def prelu(xp: ModuleType, x: Any, slope: Any) -> Any:
    """x where it is above 0, slope·x elsewhere; the slope is a number, or broadcasts against x."""
    return x * _where(xp, x > 0, 1, slope, x)


def prelu_input(xp: ModuleType, gy: Any, x: Any, slope: Any) -> Any:
    return gy * _where(xp, x > 0, 1, slope, x)


def prelu_weight(xp: ModuleType, gy: Any, x: Any) -> Any:
    """The share of each element in the gradient by its slope."""
    return _where(xp, x > 0, 0, gy, gy) * _below(xp, x)


def _below(xp: ModuleType, x: Any) -> Any:
    """min(x, 0)"""
    return _where(xp, x > 0, 0, x, x)


def hardswish(xp: ModuleType, x: Any) -> Any:
    return xp.clip(x, min=-3) * (xp.clip(x + 3, 0, 6) / 6)


def hardswish_input(xp: ModuleType, gy: Any, x: Any) -> Any:
    slope = _where(xp, x >= 3, 1, (2 * xp.clip(x, -3, 3) + 3) / 6, x)
    return _where(xp, x <= -3, 0, gy * slope, gy)


# --- exponentials -------------------------------------------------------------------------------------------------


def elu(xp: ModuleType, x: Any, alpha: float, scale: float = 1.0) -> Any:
    """scale·x where x is above 0, scale·alpha·(exp(x) - 1) elsewhere."""
    return scale * _where(xp, x > 0, x, alpha * xp.expm1(_below(xp, x)), x)


def elu_input(xp: ModuleType, gy: Any, x: Any, alpha: float, scale: float = 1.0) -> Any:
    return gy * (scale * _where(xp, x > 0, 1, alpha * xp.exp(_below(xp, x)), x))


def softplus(xp: ModuleType, x: Any, beta: float = 1.0, threshold: float | None = None) -> Any:
    """log(1 + exp(βx))/β, and x itself where βx is above the threshold."""
    y = _where(xp, x <= 0, 0, x, x) + xp.log1p(xp.exp(-beta * xp.abs(x))) / beta
    return y if threshold is None else xp.where(beta * x > threshold, x, y)


def softplus_input(xp: ModuleType, gy: Any, x: Any, beta: float = 1.0, threshold: float | None = None) -> Any:
    slope = sigmoid(xp, beta * x)
    return gy * (slope if threshold is None else _where(xp, beta * x > threshold, 1, slope, x))


def sigmoid(xp: ModuleType, x: Any) -> Any:
    e = xp.exp(-xp.abs(x))
    return _where(xp, x < 0, e, 1, x) / (1 + e)


def _sigmoid_slope(xp: ModuleType, x: Any) -> Any:
    e = xp.exp(-xp.abs(x))
    return e / ((1 + e) * (1 + e))


def sigmoid_input(xp: ModuleType, gy: Any, x: Any) -> Any:
    return gy * _sigmoid_slope(xp, x)


def scaled_tanh(xp: ModuleType, x: Any, amplitude: float = 1.0, slope: float = 1.0) -> Any:
    return amplitude * xp.tanh(slope * x)


def scaled_tanh_input(xp: ModuleType, gy: Any, x: Any, amplitude: float = 1.0, slope: float = 1.0) -> Any:
    # tanh(x) = 2·σ(2x) - 1
    return gy * (amplitude * slope * 4 * _sigmoid_slope(xp, slope * x * 2))


# --- x times a gate that opens from 0 to 1 ------------------------------------------------------------------------

Gate = Callable[[Any], Any]

_ROOT = math.sqrt(8 / math.pi)


def _gated(xp: ModuleType, x: Any, gate: Gate) -> Any:
    return xp.clip(x, min=-_FAR) * gate(xp.clip(x, -_FAR, _FAR))


def _gated_input(xp: ModuleType, gy: Any, x: Any, gate: Gate, slope: Gate) -> Any:
    x = xp.clip(x, -_FAR, _FAR)
    return gy * (gate(x) + x * slope(x))


def silu(xp: ModuleType, x: Any) -> Any:
    return _gated(xp, x, lambda x: sigmoid(xp, x))


def silu_input(xp: ModuleType, gy: Any, x: Any) -> Any:
    return _gated_input(xp, gy, x, lambda x: sigmoid(xp, x), lambda x: _sigmoid_slope(xp, x))


def gelu(xp: ModuleType, x: Any) -> Any:
    return _gated(xp, x, lambda x: _normal(xp, x))


def gelu_input(xp: ModuleType, gy: Any, x: Any) -> Any:
    def slope(x: Any) -> Any:
        return xp.exp(x * x * -0.5) * (1 / math.sqrt(2 * math.pi))

    return _gated_input(xp, gy, x, lambda x: _normal(xp, x), slope)


def _normal(xp: ModuleType, x: Any) -> Any:
    """Φ(x), the distribution function of a standard normal variable."""
    return erfc(xp, x * -math.sqrt(0.5)) * 0.5


def gelu_tanh(xp: ModuleType, x: Any, cubic: float) -> Any:
    """½·x·(1 + tanh u) = x·σ(2u), u = √(2/π)·(x + cubic·x³)"""
    return _gated(xp, x, lambda x: sigmoid(xp, _twice(x, cubic)))


def gelu_tanh_input(xp: ModuleType, gy: Any, x: Any, cubic: float) -> Any:
    def slope(x: Any) -> Any:
        return _sigmoid_slope(xp, _twice(x, cubic)) * ((cubic * 3 * (x * x) + 1) * _ROOT)

    return _gated_input(xp, gy, x, lambda x: sigmoid(xp, _twice(x, cubic)), slope)


def _twice(x: Any, cubic: float) -> Any:
    """2u"""
    return (x + cubic * (x * x * x)) * _ROOT


# --- the error function, which the standard does not have ---------------------------------------------------------

_HOMES = {"torch": "torch.special", "jax": "jax.scipy.special", "cupy": "cupyx.scipy.special"}
_NEAR = 1.5  # up to here the series is summed, and from here the continued fraction


def erf(xp: ModuleType, x: Any) -> Any:
    """The library's own, if it has one.

    Else by 2x/√π·e^(-x²)·Σ (2x²)ⁿ/(1·3·…·(2n+1)) near 0, and elsewhere by the continued fraction of erfc. Both are of
    positive terms (M. Abramowitz, I. A. Stegun, Handbook of Mathematical Functions, 1964, 7.1.6, 7.1.14).
    """
    if (home := _HOMES.get(root(xp))) is not None:
        return import_module(home).erf(x)
    near, series, fraction = _both(xp, x)
    right = xp.where(near, series, 1 - fraction)
    return xp.where(x < 0, -right, xp.where(xp.isnan(x), x, right))


def erfc(xp: ModuleType, x: Any) -> Any:
    """1 - erf x, by the same."""
    if (home := _HOMES.get(root(xp))) is not None:
        return import_module(home).erfc(x)
    near, series, fraction = _both(xp, x)
    right = xp.where(near, 1 - series, fraction)
    return xp.where(x < 0, 2 - right, xp.where(xp.isnan(x), x, right))


def _both(xp: ModuleType, x: Any) -> tuple[Any, Any, Any]:
    """Where |x| is near 0, erf |x| there, and erfc |x| elsewhere."""
    far = xp.abs(x)
    near = far < _NEAR
    return near, _series(xp, _where(xp, near, far, 0, x)), _fraction(xp, _where(xp, near, _NEAR, far, x))


def _series(xp: ModuleType, near: Any) -> Any:
    """erf, where 0 ≤ x < 1.5"""
    square, term = near * near, xp.ones_like(near)
    total = term
    for n in range(1, 32):  # by then (2·1.5²)ⁿ/(1·3·…·(2n+1)) is below 2^-60
        term = term * (2 * square / (2 * n + 1))
        total = total + term
    return 2 / math.sqrt(math.pi) * near * xp.exp(-square) * total


def _fraction(xp: ModuleType, outer: Any) -> Any:
    """erfc, where 1.5 ≤ x"""
    fraction = outer
    for n in range(100, 0, -1):
        fraction = outer + n / 2 / fraction
    return xp.exp(-outer * outer) / (math.sqrt(math.pi) * fraction)
