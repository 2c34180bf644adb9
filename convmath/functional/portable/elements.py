"""Activations, normalisation, and features on arrays of other libraries."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

from convmath.kernels.norms import Layout
from convmath.kernels.portable import elementwise, norms
from convmath.kernels.portable.moves import conjugate
from convmath.kernels.portable.products import matmul
from convmath.ops.activation import GELU_CUBIC, SELU
from convmath.window import plain

from ..normalization import over_batch, over_groups, over_last, over_positions
from .computed import Computed, computed
from .convolutions import along_channels

__all__: list[str] = []

Shape = tuple[int, ...]


# --- activations --------------------------------------------------------------------------------------------------


def _pointwise(xp: ModuleType, x: Any, name: str, **reals: Any) -> Computed:
    """The function of that name, of each element."""
    value, gradient = getattr(elementwise, name), getattr(elementwise, f"{name}_input")
    return Computed(lambda: value(xp, x, **reals), lambda gy: (gradient(xp, gy, x, **reals),))


@computed
def relu(xp: ModuleType, shape: Shape, *, x: Any) -> Computed:
    return _pointwise(xp, x, "relu")


@computed
def relu6(xp: ModuleType, shape: Shape, *, x: Any) -> Computed:
    return _pointwise(xp, x, "relu6")


@computed
def leaky_relu(xp: ModuleType, shape: Shape, *, x: Any, negative_slope: Any = 0.01) -> Computed:
    return _pointwise(xp, x, "prelu", slope=float(negative_slope))


@computed
def prelu(xp: ModuleType, shape: Shape, *, x: Any, weight: Any) -> Computed:
    slope = along_channels(xp, weight, x.ndim)
    summed = tuple(axis for axis in range(x.ndim) if axis != 1 or weight.shape == (1,))

    def by_weight(gy: Any) -> Any:
        return xp.reshape(xp.sum(elementwise.prelu_weight(xp, gy, x), axis=summed), weight.shape)

    return Computed(
        lambda: elementwise.prelu(xp, x, slope),
        lambda gy: (elementwise.prelu_input(xp, gy, x, slope), lambda: by_weight(gy)),
    )


@computed
def hardswish(xp: ModuleType, shape: Shape, *, x: Any) -> Computed:
    return _pointwise(xp, x, "hardswish")


@computed
def elu(xp: ModuleType, shape: Shape, *, x: Any, alpha: Any = 1.0) -> Computed:
    return _pointwise(xp, x, "elu", alpha=float(alpha))


@computed
def selu(xp: ModuleType, shape: Shape, *, x: Any) -> Computed:
    scale, alpha = (float(constant.default) for constant in SELU if constant.default is not None)
    return _pointwise(xp, x, "elu", alpha=alpha, scale=scale)


@computed
def softplus(xp: ModuleType, shape: Shape, *, x: Any, beta: Any = 1.0, threshold: Any = None) -> Computed:
    return _pointwise(xp, x, "softplus", beta=float(beta), threshold=None if threshold is None else float(threshold))


@computed
def sigmoid(xp: ModuleType, shape: Shape, *, x: Any) -> Computed:
    return _pointwise(xp, x, "sigmoid")


@computed
def tanh(xp: ModuleType, shape: Shape, *, x: Any) -> Computed:
    return _pointwise(xp, x, "scaled_tanh")


@computed
def scaled_tanh(xp: ModuleType, shape: Shape, *, x: Any, amplitude: Any = 1.7159, slope: Any = 2 / 3) -> Computed:
    return _pointwise(xp, x, "scaled_tanh", amplitude=float(amplitude), slope=float(slope))


@computed
def silu(xp: ModuleType, shape: Shape, *, x: Any) -> Computed:
    return _pointwise(xp, x, "silu")


@computed
def gelu(xp: ModuleType, shape: Shape, *, x: Any, approximate: str = "none") -> Computed:
    if approximate == "none":
        return _pointwise(xp, x, "gelu")
    assert GELU_CUBIC.default is not None
    return _pointwise(xp, x, "gelu_tanh", cubic=float(GELU_CUBIC.default))


# --- normalisation ------------------------------------------------------------------------------------------------


def _normal(xp: ModuleType, x: Any, layout: Layout, weight: Any, bias: Any, eps: float) -> Computed:
    """By the statistics of the groups of a layout."""
    mean, variance = norms.statistics(xp, x, layout)
    return Computed(
        lambda: norms.standardised(xp, x, layout, mean, variance, eps, weight, bias),
        lambda gy: norms.gradients(xp, gy, x, layout, mean, variance, eps, weight, bias),
        (lambda: xp.any(variance == 0)) if eps == 0 else None,
    )


@computed
def layer_norm(
    xp: ModuleType, shape: Shape, *, x: Any, normalized_shape: Any, weight: Any = None, bias: Any = None,
    eps: Any = 1e-5,
) -> Computed:  # fmt: skip
    said = plain(normalized_shape)
    layout = over_last(x.shape, len(said) if isinstance(said, list | tuple) else 1)
    return _normal(xp, x, layout, weight, bias, float(eps))


@computed
def group_norm(
    xp: ModuleType, shape: Shape, *, x: Any, num_groups: Any, weight: Any = None, bias: Any = None, eps: Any = 1e-5
) -> Computed:
    return _normal(xp, x, over_groups(x.shape, int(num_groups)), weight, bias, float(eps))


@computed
def instance_norm(
    xp: ModuleType, shape: Shape, *, x: Any, weight: Any = None, bias: Any = None, eps: Any = 1e-5
) -> Computed:
    return _normal(xp, x, over_positions(x.shape), weight, bias, float(eps))


@computed
def batch_norm(
    xp: ModuleType, shape: Shape, *, x: Any, running_mean: Any = None, running_var: Any = None, weight: Any = None,
    bias: Any = None, training: bool = False, momentum: Any = 0.1, eps: Any = 1e-5,
) -> Computed:  # fmt: skip
    layout, eps, new = over_batch(x.shape), float(eps), float(momentum)
    if not training:
        return _by_running(xp, x, layout, running_mean, running_var, weight, bias, eps)
    normal, m = _normal(xp, x, layout, weight, bias, eps), layout.members

    def value() -> Any:
        if running_mean is None:
            return normal.value(), None, None
        mean, variance = (xp.reshape(each, running_mean.shape) for each in norms.statistics(xp, x, layout))
        unbiased = variance * m / (m - 1)
        return normal.value(), (1 - new) * running_mean + new * mean, (1 - new) * running_var + new * unbiased

    def gradients(gy: Any) -> tuple[Any, ...]:
        gx, gw, gb = normal.gradients(gy)
        return gx, None, None, gw, gb

    def suspect() -> Any:
        own = normal.suspect() if normal.suspect else None
        given = None if running_var is None else xp.any(running_var < 0)
        return own | given if own is not None and given is not None else own if given is None else given

    return Computed(value, gradients, None if normal.suspect is None and running_var is None else suspect)


def _by_running(
    xp: ModuleType, x: Any, layout: Layout, mean: Any, variance: Any, weight: Any, bias: Any, eps: float
) -> Computed:
    """By statistics that are given, one of each for a channel."""
    μ, v = (xp.reshape(each, layout.of_groups) for each in (mean, variance))

    def gradients(gy: Any) -> tuple[Any, ...]:
        gx, gw, gb, *others = norms.gradients(xp, gy, x, layout, μ, v, eps, weight, bias, fixed=True)
        return gx, *others, gw, gb

    return Computed(
        lambda: norms.standardised(xp, x, layout, μ, v, eps, weight, bias),
        gradients,
        lambda: xp.any(variance <= 0 if eps == 0 else variance < 0),
    )


# --- features and elements ----------------------------------------------------------------------------------------


@computed
def linear(xp: ModuleType, shape: Shape, *, x: Any, w: Any, b: Any = None) -> Computed:
    def rows(a: Any) -> Any:
        return xp.reshape(a, (math.prod(a.shape[:-1]), a.shape[-1]))

    def value() -> Any:
        y = xp.reshape(matmul(xp, rows(x), xp.matrix_transpose(w)), shape)
        return y if b is None else y + b

    def by_input(gy: Any) -> Any:
        return xp.reshape(matmul(xp, rows(gy), conjugate(xp, w)), x.shape)

    def by_weight(gy: Any) -> Any:
        return matmul(xp, xp.matrix_transpose(rows(gy)), conjugate(xp, rows(x)))

    def gradients(gy: Any) -> tuple[Any, ...]:
        by_bias = None if b is None else lambda: xp.sum(rows(gy), axis=0, dtype=gy.dtype)
        return lambda: by_input(gy), lambda: by_weight(gy), by_bias

    return Computed(value, gradients)


@computed
def add(xp: ModuleType, shape: Shape, *, x: Any, z: Any) -> Computed:
    return Computed(lambda: x + z, lambda gy: (xp.astype(gy, gy.dtype), xp.astype(gy, gy.dtype)))


@computed
def dropout(xp: ModuleType, shape: Shape, *, x: Any, mask: Any, p: Any = 0.5) -> Computed:
    def kept(values: Any) -> Any:
        return values * xp.astype(mask, values.dtype) / (1 - float(p))

    return Computed(lambda: kept(x), lambda gy: (kept(gy), None), lambda: xp.any((mask != 0) & (mask != 1)))
