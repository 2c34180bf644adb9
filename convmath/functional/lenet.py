"""What LeNet-5 is made of besides convolutions, on numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from convmath.errors import ShapeError
from convmath.kernels import direct, local
from convmath.kernels.features import of_channels
from convmath.kernels.padding import padded_sizes
from convmath.kernels.taps import output_sizes
from convmath.window import windows

from .convolutions import operands
from .core import (
    Call,
    Padding,
    PerAxis,
    differentiable,
    kernels_of,
    numbers,
    one_each,
    shaped,
    spatial,
    storable,
    zeros_and_ones,
)

__all__ = ["subsample", "table_conv"]


@differentiable("x", "w", "b")
def subsample(
    x: ArrayLike,
    kernel_size: PerAxis,
    w: ArrayLike,
    b: ArrayLike | None = None,
    *,
    stride: PerAxis | None = None,
    padding: Padding = 0,
) -> Call[np.ndarray]:
    """Y[ν,c,j] = W[c] · Σ_t X[ν,c,s·j+t-a] + B[c], with one coefficient and one bias a map (LeCun et al. 1998, II.B).

    X is (N, C, *n), W and B (C,). The elements of a window are added, not averaged, as in the paper; X is 0 outside,
    and the stride is the kernel size unless it is given. Raises ShapeError, HyperparameterError, DtypeError,
    UnknownNameError.

    >>> subsample([[[1, 2, 3, 4]]], 2, [10], [5])
    array([[[35, 75]]])
    """
    x, w = numbers(x, "X", "subsample"), numbers(w, "W", "subsample")
    where = f"subsample(X{x.shape}, kernel_size={kernel_size!r})"
    sizes = spatial(x.shape, where)
    shaped(w, x.shape[1:2], "W", where)
    b = None if b is None else shaped(numbers(b, "B", where), x.shape[1:2], "B", where)
    dtype = np.result_type(x, w) if b is None else np.result_type(x, w, b)
    x, w = x.astype(dtype, copy=False), w.astype(dtype, copy=False)
    laid = windows(sizes, kernel_size, kernel_size if stride is None else stride, padding, where=where)
    storable((*x.shape[:2], *padded_sizes(laid, sizes)), "the padded input", where)
    shape = storable((*x.shape[:2], *output_sizes(laid, sizes)), "the output", where)
    along = (-1, *[1] * len(sizes))

    def value() -> np.ndarray:
        y = w.reshape(along) * direct.sum_pool(x, laid)
        return y if b is None else y + b.reshape(along)

    def gradients(gy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        gx = direct.sum_pool_input(gy * w.reshape(along), laid, sizes)
        gw = of_channels(gy * direct.sum_pool(x, laid))
        return gx, gw, None if b is None else of_channels(gy)

    return Call(where, shape, dtype, value, gradients)


@differentiable("x", "w", "table", "b")
def table_conv(
    x: ArrayLike,
    w: ArrayLike,
    table: ArrayLike,
    b: ArrayLike | None = None,
    *,
    stride: PerAxis = 1,
    padding: Padding = 0,
    dilation: PerAxis = 1,
    method: str = "auto",
) -> Call[np.ndarray]:
    """Y[ν,o,j] = Σ_{c,t} [R[o,c] = 1] W[o,c,t] · X[ν,c,s·j+d·t-a] + B[o], R the connection table.

    X is (N, C, *n), W (O, C, *k), the table (O, C) of 0 and 1 (or truth values), B (O,), and Y (N, O, *m): output o
    reads no channel that the table has 0 for, whatever it holds. X is 0 outside. The gradient by the table is None.
    Raises ShapeError, HyperparameterError, DtypeError, DataError, UnknownNameError.

    >>> table_conv([[[1, 2], [10, 20]]], [[[1], [1]], [[1], [1]]], [[1, 0], [1, 1]])
    array([[[ 1,  2],
            [11, 22]]])
    """
    x, w, b, where = operands("table_conv", x, w, b)
    kernels, sizes = kernels_of(method, where, x.size), x.shape[2:]
    if w.shape[1] != x.shape[1]:
        raise ShapeError(f"W reads {w.shape[1]} channels, but X has {x.shape[1]} [{where}]")
    if w.shape[0] == 0:
        raise ShapeError(f"W makes no channels, but at least one is needed [{where}]")
    there = zeros_and_ones(table, w.shape[:2], "the table", where)
    one_each(b, w.shape[0], where)
    laid = windows(sizes, w.shape[2:], stride, padding, dilation, where=where)
    counts = output_sizes(laid, sizes)
    storable((*x.shape[:2], *padded_sizes(laid, sizes)), "the padded input", where)
    shape = storable((x.shape[0], w.shape[0], *counts), "the output", where)

    def value() -> np.ndarray:
        y = local.table_conv(kernels, x, w, there, laid, counts)
        return y if b is None else y + b.reshape(-1, *[1] * len(sizes))

    def gradients(gy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        gx = local.table_conv_input(kernels, gy, w, there, laid, sizes)
        gw = local.table_conv_weight(kernels, gy, x, there, laid, w.shape)
        return gx, gw, None, None if b is None else of_channels(gy)

    return Call(where, shape, x.dtype, value, gradients)
