"""Softmax and its logarithm on numbers, along any axis."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from convmath.errors import HyperparameterError, ShapeError
from convmath.kernels.streams import stream
from convmath.window import whole

from .core import Call, differentiable, floating, numbers

__all__ = ["log_softmax", "softmax"]


def _operand(name: str, x: ArrayLike, axis: int) -> tuple[np.ndarray, int, str]:
    """The input in floating point, an axis that it has, and how an error names the call."""
    array = floating(numbers(x, "X", name))
    where = f"{name}(X{array.shape}, axis={axis!r})"
    if not array.ndim:
        raise ShapeError(f"X has no axes, but at least one is needed [{where}]")
    found = whole(axis, "axis", where, -array.ndim)
    if found >= array.ndim:
        raise HyperparameterError(f"axis is {found}, but X has the axes 0, …, {array.ndim - 1} [{where}]")
    return array, found, where


@differentiable("x")
def softmax(x: ArrayLike, *, axis: int = -1) -> Call[np.ndarray]:
    """Y[c] = exp(X[c])/Σ_c exp(X[c]) along the axis.

    torch and ONNX have no axis for a default (ONNX the last one from version 13 on). Integers are computed in float64.
    Where the greatest is infinite there is no value: NaN. Raises ShapeError, HyperparameterError, DtypeError.

    >>> softmax([[0, 0], [800, 800]])
    array([[0.5, 0.5],
           [0.5, 0.5]])
    >>> softmax.vjp([1.0, 0.0], [0.0, 0.0])
    (array([ 0.25, -0.25]),)
    """
    array, axis, where = _operand("softmax", x, axis)
    losses = stream("losses", array.size)

    def gradients(gy: np.ndarray) -> tuple[np.ndarray]:
        return (losses.softmax_input(gy, losses.softmax(array, axis), axis, over=True),)

    return Call(where, array.shape, array.dtype, lambda: losses.softmax(array, axis), gradients)


@differentiable("x")
def log_softmax(x: ArrayLike, *, axis: int = -1) -> Call[np.ndarray]:
    """Y[c] = X[c] - log Σ_c exp(X[c]) along the axis, the logarithm of the softmax.

    Integers are computed in float64. Raises ShapeError, HyperparameterError, DtypeError.

    >>> log_softmax([0.0, 1000.0])
    array([-1000.,     0.])
    """
    array, axis, where = _operand("log_softmax", x, axis)
    losses = stream("losses", array.size)

    def gradients(gy: np.ndarray) -> tuple[np.ndarray]:
        return (losses.log_softmax_input(gy, losses.log_softmax(array, axis), axis, over=True),)

    return Call(where, array.shape, array.dtype, lambda: losses.log_softmax(array, axis), gradients)
