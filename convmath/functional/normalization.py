"""Normalisation on numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convmath.errors import HyperparameterError, ShapeError
from convmath.kernels import norms
from convmath.kernels.norms import Layout
from convmath.kernels.streams import stream
from convmath.window import flag, plain, whole

from .core import Call, alike, differentiable, real, shaped

__all__ = [
    "batch_norm",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "local_response_norm",
    "over_batch",
    "over_groups",
    "over_last",
    "over_positions",
]


@differentiable("x", "running_mean", "running_var", "weight", "bias")
def batch_norm(
    x: ArrayLike,
    running_mean: ArrayLike | None = None,
    running_var: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    *,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Call[Any]:
    """Y[ν,c,i] = W[c]·(X[ν,c,i] - μ[c])/σ[c] + B[c] with σ = √(V + ε); X is (N, C, *n), the others (C,).

    With `training`, μ and V are mean and biased variance of the batch, and what comes back is (Y, running mean, running
    variance): the new ones are (1 - momentum)·old + momentum·that of the batch, the variance unbiased, m/(m - 1)·V, as
    torch has it (Keras, ONNX and flax take the biased one; ONNX and Keras call 1 - momentum the momentum). They are
    None if none came; the arguments are not changed. Without `training`, μ and V are the running ones, which must
    come. ε may be 0 where no channel is constant. Gradients by the running statistics: in training there are none.
    Raises ShapeError, HyperparameterError, DtypeError.

    >>> y, mean, var = batch_norm([[[1.0, 3.0]]], [0.0], [1.0], training=True, eps=0.0)
    >>> y, mean, var
    (array([[[-1.,  1.]]]), array([0.2]), array([1.1]))
    """
    x_, mean, variance, w, b, where = _arguments("batch_norm", x, weight, bias, running_mean, running_var)
    training, eps = flag(training, "training", where), real(eps, "eps", where, least=0)
    channels = x_.shape[1]
    momentum = real(momentum, "momentum", where, least=0)
    if momentum > 1:
        raise HyperparameterError(f"momentum is {momentum}, but it must be at most 1 [{where}]")
    if (mean is None) != (variance is None):
        raise ShapeError(f"running_mean and running_var come together, but only one came [{where}]")
    _each(((mean, "running_mean"), (variance, "running_var"), (w, "weight"), (b, "bias")), (channels,), where)
    if not training and mean is None:
        raise ShapeError(f"running_mean and running_var are needed without training, but none came [{where}]")
    if variance is not None and (variance < 0).any():
        raise HyperparameterError(f"running_var holds {variance.min()}, but no variance is negative [{where}]")
    layout = over_batch(x_.shape)
    if not training:
        assert mean is not None and variance is not None  # noqa: PT018
        return _by_running(x_, layout, mean, variance, w, b, eps, where)
    m = x_.size // channels
    if m < (1 if mean is None else 2):
        least = "one value" if mean is None else "two values, for the unbiased variance,"
        raise ShapeError(f"a channel of X has {m} values, but at least {least} are needed in training [{where}]")
    normal = _Normal(x_, layout, w, b, eps, where)

    def value() -> Any:
        y, μ, v = normal.computed()
        if mean is None or variance is None:
            return y, None, None
        old, new = x_.dtype.type(1 - momentum), x_.dtype.type(momentum)
        unbiased = v.reshape(-1) * x_.dtype.type(m) / x_.dtype.type(m - 1)
        return y, old * mean + new * μ.reshape(-1), old * variance + new * unbiased

    def gradients(gy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        gx, gw, gb = normal.gradients(gy)
        return gx, None, None, gw, gb

    return Call(where, x_.shape, x_.dtype, value, gradients)


def _by_running(
    x: np.ndarray, layout: Layout, mean: np.ndarray, variance: np.ndarray, w: np.ndarray | None, b: np.ndarray | None,
    eps: float, where: str,
) -> Call[Any]:  # fmt: skip
    """By statistics that are given, one of each for a channel."""
    _positive(variance, eps, where)
    kernels, (μ, v) = stream("norms", x.size), (a.reshape(layout.of_groups) for a in (mean, variance))

    def value() -> np.ndarray:
        return kernels.standardised(x, layout, μ, v, eps, w, b)

    def gradients(gy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        gx, gw, gb, g_mean, g_variance = kernels.gradients(gy, x, layout, μ, v, eps, w, b, fixed=True)
        return gx, g_mean.reshape(mean.shape), g_variance.reshape(variance.shape), gw, gb

    return Call(where, x.shape, x.dtype, value, gradients)


@differentiable("x", "weight", "bias")
def layer_norm(
    x: ArrayLike,
    normalized_shape: int | Sequence[int],
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    *,
    eps: float = 1e-5,
) -> Call[np.ndarray]:
    """Y = W·(X - μ)/√(V + ε) + B, the statistics over the last axes, whose sizes `normalized_shape` says.

    Weight and bias have that shape. Raises ShapeError, HyperparameterError, DtypeError.

    >>> layer_norm([[1.0, 3.0], [2.0, 2.5]], 2, eps=0.0)
    array([[-1.,  1.],
           [-1.,  1.]])
    """
    x_, _, _, w, b, where = _arguments("layer_norm", x, weight, bias, least=1)
    said = plain(normalized_shape)
    sizes = tuple(said) if isinstance(said, list | tuple) else (said,)
    last = tuple(whole(n, "normalized_shape", where, 1) for n in sizes)
    if not last or x_.shape[-len(last) :] != last:
        raise ShapeError(f"normalized_shape is {last}, but X ends in {x_.shape[-len(last) or x_.ndim :]} [{where}]")
    _each(((w, "weight"), (b, "bias")), last, where)
    return _over(x_, over_last(x_.shape, len(last)), w, b, eps, where)


@differentiable("x", "weight", "bias")
def group_norm(
    x: ArrayLike,
    num_groups: int,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    *,
    eps: float = 1e-5,
) -> Call[np.ndarray]:
    """Y[ν,c,i] = W[c]·(X[ν,c,i] - μ[ν,g])/σ[ν,g] + B[c], g the group of channel c; X is (N, C, *n), W and B (C,).

    Raises ShapeError, HyperparameterError, DtypeError.

    >>> group_norm([[[1.0], [3.0], [5.0], [9.0]]], 2, eps=0.0).ravel()
    array([-1.,  1., -1.,  1.])
    """
    x_, _, _, w, b, where = _arguments("group_norm", x, weight, bias)
    groups = whole(num_groups, "num_groups", where, 1)
    if x_.shape[1] % groups:
        raise ShapeError(f"X has {x_.shape[1]} channels, which do not divide into {groups} groups [{where}]")
    _each(((w, "weight"), (b, "bias")), x_.shape[1:2], where)
    return _over(x_, over_groups(x_.shape, groups), w, b, eps, where)


@differentiable("x", "weight", "bias")
def instance_norm(
    x: ArrayLike, weight: ArrayLike | None = None, bias: ArrayLike | None = None, *, eps: float = 1e-5
) -> Call[np.ndarray]:
    """Y[ν,c,i] = W[c]·(X[ν,c,i] - μ[ν,c])/σ[ν,c] + B[c], the statistics over positions; X is (N, C, *n), W and B (C,).

    Raises ShapeError, HyperparameterError, DtypeError.

    >>> instance_norm([[[1.0, 3.0], [2.0, 2.5]]], eps=0.0)
    array([[[-1.,  1.],
            [-1.,  1.]]])
    """
    x_, _, _, w, b, where = _arguments("instance_norm", x, weight, bias, least=3)
    _each(((w, "weight"), (b, "bias")), x_.shape[1:2], where)
    return _over(x_, over_positions(x_.shape), w, b, eps, where)


@differentiable("x")
def local_response_norm(
    x: ArrayLike, size: int, *, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Call[np.ndarray]:
    """Y[ν,c,i] = X[ν,c,i]·(k + α/size·Σ_t X[ν,c+t-⌊size/2⌋,i]²)^(-β), the sum over `size` channels around c.

    X is 0 beyond its channels. As torch and ONNX have it, α is divided by the size (for an even size ONNX takes the
    longer half behind c, torch before it); the paper (Krizhevsky, Sutskever and Hinton 2012) does not divide.
    Raises ShapeError, HyperparameterError, DtypeError.

    >>> local_response_norm([[[2.0], [4.0]]], 1, alpha=1.0, beta=0.5, k=0.0).ravel()
    array([1., 1.])
    """
    x_, _, _, _, _, where = _arguments("local_response_norm", x, None, None)
    size = whole(size, "size", where, 1)
    alpha, beta, k = real(alpha, "alpha", where), real(beta, "beta", where), real(k, "k", where)
    scale = norms.cross_channel_scale(x_, size, alpha, k)
    if (scale <= 0).any():
        raise HyperparameterError(
            f"k + alpha/size·Σ X² comes to {scale.min()}, but it must be positive, for it has a real power [{where}]"
        )

    def value() -> np.ndarray:
        return norms.cross_channel(x_, scale, beta)

    def gradients(gy: np.ndarray) -> tuple[np.ndarray]:
        return (norms.cross_channel_input(gy, x_, scale, size, alpha, beta),)

    return Call(where, x_.shape, x_.dtype, value, gradients)


# --- what the statistics are over ---------------------------------------------------------------------------------


def over_batch(shape: Sequence[int]) -> Layout:
    """Batch and positions: a group is a channel."""
    return Layout((shape[0], shape[1], 1, math.prod(shape[2:])), (0, 2, 3), (1,))


def over_last(shape: Sequence[int], count: int) -> Layout:
    """So many of the last axes."""
    first = len(shape) - count
    return Layout((math.prod(shape[:first]), 1, 1, math.prod(shape[first:])), (3,), (3,))


def over_groups(shape: Sequence[int], groups: int) -> Layout:
    """Positions and the channels of a group, in each example."""
    return Layout((shape[0], groups, shape[1] // groups, math.prod(shape[2:])), (2, 3), (1, 2))


def over_positions(shape: Sequence[int]) -> Layout:
    """Positions, in each channel of each example."""
    return Layout((shape[0], shape[1], 1, math.prod(shape[2:])), (3,), (1,))


# --- what they have in common -------------------------------------------------------------------------------------


def _arguments(
    name: str,
    x: ArrayLike,
    weight: ArrayLike | None,
    bias: ArrayLike | None,
    mean: ArrayLike | None = None,
    variance: ArrayLike | None = None,
    least: int = 2,
) -> tuple[np.ndarray, Any, Any, Any, Any, str]:
    """The arrays in one floating-point type, and how an error names the call."""
    named = ("X", "running_mean", "running_var", "weight", "bias")
    found = alike((x, mean, variance, weight, bias), named, name)
    x_ = found[0]
    assert x_ is not None
    where = f"{name}(X{x_.shape})"
    if x_.ndim < least:
        needed = {1: "one axis", 2: "a batch and a channel axis", 3: "a batch, a channel and a spatial axis"}[least]
        raise ShapeError(f"X has {x_.ndim} axes, but at least {needed} are needed [{where}]")
    if least > 1 and x_.shape[1] == 0:
        raise ShapeError(f"X has no channels, but at least one is needed [{where}]")
    mean_, variance_, weight_, bias_ = found[1:]
    return x_, mean_, variance_, weight_, bias_, where


def _each(arrays: Sequence[tuple[np.ndarray | None, str]], shape: tuple[int, ...], where: str) -> None:
    for array, name in arrays:
        if array is not None:
            shaped(array, shape, name, where)


def _positive(variance: np.ndarray, eps: float, where: str) -> None:
    """Refuse a division by σ = 0."""
    if eps == 0 and (variance == 0).any():
        raise HyperparameterError(
            f"eps is 0, and so is a variance: σ = 0 divides nothing; give eps > 0 or values that differ [{where}]"
        )


class _Normal:
    """A normalisation by the statistics of what is normalised, which are computed once, with the output or before."""

    def __init__(
        self, x: np.ndarray, layout: Layout, w: np.ndarray | None, b: np.ndarray | None, eps: float, where: str
    ):
        self.kernels, self.found = stream("norms", x.size), None
        self.given = x, layout, eps, w, b
        if eps == 0:  # a variance may be 0 too
            _positive(self.statistics()[1], eps, where)

    def statistics(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance of each group."""
        if self.found is None:
            self.found = self.kernels.statistics(*self.given[:2])
        return self.found

    def computed(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The output, and the statistics."""
        x, layout, eps, w, b = self.given
        if self.found is not None:
            return self.kernels.standardised(x, layout, *self.found, eps, w, b), *self.found
        y, *found = self.kernels.normalised(*self.given)
        self.found = tuple(found)
        return y, *self.found

    def gradients(self, gy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        x, layout, eps, w, b = self.given
        return self.kernels.gradients(gy, x, layout, *self.statistics(), eps, w, b)


def _over(
    x: np.ndarray, layout: Layout, w: np.ndarray | None, b: np.ndarray | None, eps: Any, where: str
) -> Call[np.ndarray]:
    """A normalisation of the groups of a layout."""
    eps = real(eps, "eps", where, least=0)
    if x.size == 0 and layout.members == 0:
        raise ShapeError(f"there are no values to take a mean of [{where}]")
    normal = _Normal(x, layout, w, b, eps, where)
    return Call(where, x.shape, x.dtype, lambda: normal.computed()[0], normal.gradients)
