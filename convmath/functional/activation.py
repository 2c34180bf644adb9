"""Activations on numbers: a function of each element, of arrays of any shape."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convmath.kernels.basics import total
from convmath.kernels.streams import stream
from convmath.ops.activation import GELU_CUBIC, SELU

from .core import Call, differentiable, floating, known, numbers, real, shaped, together, with_channels

__all__ = [
    "elu",
    "gelu",
    "hardswish",
    "leaky_relu",
    "prelu",
    "relu",
    "relu6",
    "scaled_tanh",
    "selu",
    "sigmoid",
    "silu",
    "softplus",
    "tanh",
]


def _operand(name: str, x: ArrayLike) -> tuple[np.ndarray, str]:
    """The input in floating point, and how an error names the call."""
    array = floating(numbers(x, "X", name))
    return array, f"{name}(X{array.shape})"


def _pointwise(where: str, x: np.ndarray, name: str, **reals: Any) -> Call[np.ndarray]:
    """The call of a function of each element, by the kernels of that name."""
    kernels = stream("elementwise", x.size)

    def gradients(gy: np.ndarray) -> tuple[np.ndarray]:
        return (getattr(kernels, f"{name}_input")(gy, x, **reals),)

    return Call(where, x.shape, x.dtype, lambda: getattr(kernels, name)(x, **reals), gradients)


# --- pieces of straight lines -------------------------------------------------------------------------------------


@differentiable("x")
def relu(x: ArrayLike) -> Call[np.ndarray]:
    """Y = max(0, X).

    The gradient at the kink X = 0 is 0, as in torch. Integers stay integers. Raises DtypeError.

    >>> relu([-1.0, 0.0, 2.0])
    array([0., 0., 2.])
    >>> relu.vjp([1.0, 1.0, 1.0], [-1.0, 0.0, 2.0])
    (array([0., 0., 1.]),)
    """
    array = numbers(x, "X", "relu")
    return _pointwise(f"relu(X{array.shape})", array, "relu")


@differentiable("x")
def leaky_relu(x: ArrayLike, *, negative_slope: float = 0.01) -> Call[np.ndarray]:
    """Y = X where X > 0, negative_slope·X elsewhere.

    The gradient at the kink X = 0 is negative_slope, as in torch. ONNX's LeakyRelu is the same (`alpha`); Keras' layer
    has 0.3 unless another is given. Raises HyperparameterError, DtypeError.

    >>> leaky_relu([-1.0, 0.0, 2.0], negative_slope=0.25)
    array([-0.25,  0.  ,  2.  ])
    """
    array, where = _operand("leaky_relu", x)
    slope = real(negative_slope, "negative_slope", where)
    return _pointwise(where, array, "prelu", slope=slope)


@differentiable("x", "weight")
def prelu(x: ArrayLike, weight: ArrayLike) -> Call[np.ndarray]:
    """Y[ν,c,i] = X[ν,c,i] where it is above 0, W[c]·X[ν,c,i] elsewhere; X is (N, C, *n).

    W is (C,), or (1,) for one slope of all channels. The gradients at the kink X = 0 are those of the lower piece, as
    in torch: W[c] by X, 0 by W. ONNX's slope broadcasts from the last axis, so that it is (C, 1, …, 1) there. Raises
    ShapeError, DtypeError.

    >>> prelu([[-1.0, 2.0], [3.0, -4.0]], [0.5, 0.25])
    array([[-0.5,  2. ],
           [ 3. , -1. ]])
    >>> prelu.vjp([[1.0, 1.0], [1.0, 1.0]], [[-1.0, 2.0], [3.0, -4.0]], [0.5, 0.25])[1]
    array([-1., -4.])
    """
    x, w = together((x, weight), ("X", "weight"), "prelu")
    where = f"prelu(X{x.shape}, weight{w.shape})"
    channels = with_channels(x, where)
    shared = w.shape == (1,)
    if not shared:
        shaped(w, (channels,), "weight", where)
    slope = w.reshape(1, -1, *[1] * (x.ndim - 2))
    summed = tuple(axis for axis in range(x.ndim) if axis != 1 or shared)

    elementwise = stream("elementwise", x.size)

    def gradients(gy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        gw = total(elementwise.prelu_weight(gy, x), summed)
        return elementwise.prelu_input(gy, x, slope), gw.reshape(w.shape)

    return Call(where, x.shape, x.dtype, lambda: elementwise.prelu(x, slope), gradients)


@differentiable("x")
def relu6(x: ArrayLike) -> Call[np.ndarray]:
    """Y = min(max(0, X), 6).

    The gradients at the kinks X = 0 and X = 6 are 0, as in torch. Integers stay integers. Raises DtypeError.

    >>> relu6([-1, 3, 8])
    array([0, 3, 6])
    """
    array = numbers(x, "X", "relu6")
    return _pointwise(f"relu6(X{array.shape})", array, "relu6")


@differentiable("x")
def hardswish(x: ArrayLike) -> Call[np.ndarray]:
    """Y = X·min(max(0, X + 3), 6)/6.

    The gradient at the kink X = -3 is that of the piece below, 0, and at X = 3 that of the piece above, 1, as in torch
    (Howard et al. 2019, Searching for MobileNetV3). At -∞ stands the limit 0, where torch has NaN. Raises DtypeError.

    >>> hardswish([-4.0, 0.0, 1.5, 5.0])
    array([-0.   ,  0.   ,  1.125,  5.   ])
    """
    array, where = _operand("hardswish", x)
    return _pointwise(where, array, "hardswish")


# --- exponentials -------------------------------------------------------------------------------------------------


@differentiable("x")
def elu(x: ArrayLike, *, alpha: float = 1.0) -> Call[np.ndarray]:
    """Y = X where X > 0, alpha·(exp(X) - 1) elsewhere.

    The gradient at X = 0 is alpha, as in torch; for alpha = 1 there is no kink. Raises HyperparameterError, DtypeError.

    >>> elu([-np.inf, 0.0, 2.0], alpha=0.5)
    array([-0.5,  0. ,  2. ])
    """
    array, where = _operand("elu", x)
    return _pointwise(where, array, "elu", alpha=real(alpha, "alpha", where))


@differentiable("x")
def selu(x: ArrayLike) -> Call[np.ndarray]:
    """Y = λ·X where X > 0, λ·α·(exp(X) - 1) elsewhere, with λ = 1.0507… and α = 1.6732….

    λ and α are such that a standard normal variable keeps its mean and its variance (Klambauer et al. 2017). The
    gradient at the kink X = 0 is λ·α, as in torch. Raises DtypeError.

    >>> selu([-np.inf, 1.0])
    array([-1.75809934,  1.05070099])
    """
    array, where = _operand("selu", x)
    scale, alpha = (float(constant.default) for constant in SELU if constant.default is not None)
    return _pointwise(where, array, "elu", alpha=alpha, scale=scale)


@differentiable("x")
def softplus(x: ArrayLike, *, beta: float = 1.0, threshold: float | None = None) -> Call[np.ndarray]:
    """Y = log(1 + exp(beta·X))/beta; with a threshold, X itself where beta·X is above it.

    torch has threshold=20 unless another is given, so that its values and gradients there are off by up to
    2.1e-9/beta and 2.1e-9; the formula here needs none. Raises HyperparameterError, DtypeError.

    >>> softplus([-np.inf, 0.0, 3.0])
    array([0.        , 0.69314718, 3.04858735])
    """
    array, where = _operand("softplus", x)
    reals = {
        "beta": real(beta, "beta", where, above=0),
        "threshold": None if threshold is None else real(threshold, "threshold", where),
    }
    return _pointwise(where, array, "softplus", **reals)


@differentiable("x")
def sigmoid(x: ArrayLike) -> Call[np.ndarray]:
    """Y = 1/(1 + exp(-X)).

    Raises DtypeError.

    >>> sigmoid([-np.inf, 0.0, np.inf])
    array([0. , 0.5, 1. ])
    """
    array, where = _operand("sigmoid", x)
    return _pointwise(where, array, "sigmoid")


@differentiable("x")
def tanh(x: ArrayLike) -> Call[np.ndarray]:
    """Y = tanh(X).

    Raises DtypeError.

    >>> tanh([-np.inf, 0.0, np.inf])
    array([-1.,  0.,  1.])
    """
    array, where = _operand("tanh", x)
    return _pointwise(where, array, "scaled_tanh")


@differentiable("x")
def scaled_tanh(x: ArrayLike, *, amplitude: float = 1.7159, slope: float = 2 / 3) -> Call[np.ndarray]:
    """Y = amplitude·tanh(slope·X).

    The activation of LeNet-5 (LeCun, Bottou, Bengio, Haffner 1998, appendix A): with these numbers ±1 are mapped to
    ±1. Raises HyperparameterError, DtypeError.

    >>> scaled_tanh([-1.0, 0.0, 1.0]).round(4)
    array([-1.,  0.,  1.])
    """
    array, where = _operand("scaled_tanh", x)
    reals = {"amplitude": real(amplitude, "amplitude", where), "slope": real(slope, "slope", where)}
    return _pointwise(where, array, "scaled_tanh", **reals)


# --- gates --------------------------------------------------------------------------------------------------------


@differentiable("x")
def silu(x: ArrayLike) -> Call[np.ndarray]:
    """Y = X/(1 + exp(-X)), also called swish.

    At -∞ stands the limit 0, where torch has NaN. Raises DtypeError.

    >>> silu([-np.inf, 0.0, np.inf])
    array([-0.,  0., inf])
    """
    array, where = _operand("silu", x)
    return _pointwise(where, array, "silu")


@differentiable("x")
def gelu(x: ArrayLike, *, approximate: str = "none") -> Call[np.ndarray]:
    """Y = X·Φ(X), Φ the distribution function of a standard normal variable, ½·(1 + erf(X/√2)).

    approximate="tanh" has ½·(1 + tanh(√(2/π)·(X + 0.044715·X³))) for Φ (Hendrycks and Gimpel 2016). Names and defaults
    are torch's and ONNX's; JAX takes the tanh unless it is told otherwise. At -∞ stands the limit 0, where torch has
    NaN. Raises UnknownNameError, DtypeError.

    >>> gelu([-np.inf, 0.0, 1.0])
    array([-0.        ,  0.        ,  0.84134475])
    >>> gelu([1.0], approximate="tanh")
    array([0.84119199])
    """
    array, where = _operand("gelu", x)
    if known("approximation", approximate, ("none", "tanh"), where) == "none":
        return _pointwise(where, array, "gelu")
    assert GELU_CUBIC.default is not None
    cubic = float(GELU_CUBIC.default)
    return _pointwise(where, array, "gelu_tanh", cubic=cubic)
