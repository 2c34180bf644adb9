"""The kin of convolution on numbers: with the kernel turned, channel by channel, in two parts, not shared."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from convmath.errors import ShapeError
from convmath.kernels import local
from convmath.kernels.basics import total
from convmath.kernels.padding import padded_sizes
from convmath.kernels.taps import output_sizes
from convmath.window import windows

from .convolutions import correlation, operands
from .core import Call, Padding, PerAxis, differentiable, numbers, one_each, shaped, spatial, storable

__all__ = ["convolution", "depthwise_conv", "locally_connected", "separable_conv"]


@differentiable("x", "w", "b")
def convolution(
    x: ArrayLike,
    w: ArrayLike,
    b: ArrayLike | None = None,
    *,
    stride: PerAxis = 1,
    padding: Padding = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    method: str = "auto",
) -> Call[np.ndarray]:
    """Y[ν,o,j] = Σ_{c,t} W[o,c,t] · X[ν,c,s·j+d·(k-1-t)-a] + B[o]: as `conv`, but with the kernel turned.

    With padding="full" and stride 1 it is the sum of the textbooks, Σ_t W[t]·X[j-t]. Shapes, sizes and errors are those
    of `conv`; the flip is along the spatial axes only, in each of them.

    >>> convolution([[[1, 2, 3]]], [[[1, 10]]], padding="full")
    array([[[ 1, 12, 23, 30]]])
    """
    x, w, b, where = operands("convolution", x, w, b, complex_too=True)
    turned = _turned(w)
    call = correlation(x, turned, b, where, stride, padding, dilation, groups, padding_mode, method)

    def gradients(gy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        gx, gw, gb = call.pulled(gy)
        return gx, _turned(gw), gb

    return replace(call, gradients=gradients)


def _turned(w: np.ndarray) -> np.ndarray:
    """The kernels read backwards along each axis."""
    return np.ascontiguousarray(np.flip(w, tuple(range(2, w.ndim))))


@differentiable("x", "w", "b")
def depthwise_conv(
    x: ArrayLike,
    w: ArrayLike,
    b: ArrayLike | None = None,
    *,
    stride: PerAxis = 1,
    padding: Padding = 0,
    dilation: PerAxis = 1,
    padding_mode: str = "zeros",
    method: str = "auto",
) -> Call[np.ndarray]:
    """Y[ν, O·c+o, j] = Σ_t W[O·c+o, 0, t] · X[ν, c, s·j+d·t-a] + B[O·c+o]: each channel has kernels of its own.

    X is (N, C, *n), W (C·O, 1, *k) as torch lays out a convolution with C groups, B (C·O,), and Y (N, C·O, *m), the O
    maps of a channel one behind the other. Sizes, borders and errors are those of `conv`.

    >>> depthwise_conv([[[1, 2, 3], [4, 5, 6]]], [[[1, 1]], [[1, -1]]])
    array([[[ 3,  5],
            [-1, -1]]])
    """
    x, w, b, where = operands("depthwise_conv", x, w, b, complex_too=True)
    return correlation(x, w, b, where, stride, padding, dilation, x.shape[1], padding_mode, method)


@differentiable("x", "w", "u", "b")
def separable_conv(
    x: ArrayLike,
    w: ArrayLike,
    u: ArrayLike,
    b: ArrayLike | None = None,
    *,
    stride: PerAxis = 1,
    padding: Padding = 0,
    dilation: PerAxis = 1,
    method: str = "auto",
) -> Call[np.ndarray]:
    """Z = the depthwise convolution of X by W, Y[ν,o,j] = Σ_c U[o,c,0] · Z[ν,c,j] + B[o]: then at each position.

    X is (N, C, *n), W (C·F, 1, *k), U (O, C·F, 1, …, 1), B (O,), and Y (N, O, *m); both weights are those of two
    convolutions of torch, of which the first has C groups. X is 0 outside. Sizes and errors are those of `conv`.

    >>> separable_conv([[[1, 2, 3], [4, 5, 6]]], [[[1, 1]], [[1, -1]]], [[[1], [10]]])
    array([[[-7, -5]]])
    """
    x, w, _, where = operands("separable_conv", x, w, None)
    u, b = numbers(u, "U", where), None if b is None else numbers(b, "B", where)
    dtype = np.result_type(*(array for array in (x, w, u, b) if array is not None))
    x, w, u = (array.astype(dtype, copy=False) for array in (x, w, u))
    b = b if b is None else b.astype(dtype, copy=False)
    first = correlation(x, w, None, where, stride, padding, dilation, x.shape[1], method=method)
    shaped(u, (*u.shape[:1], w.shape[0], *[1] * (x.ndim - 2)), "U", where)
    if u.shape[0] == 0:
        raise ShapeError(f"U makes no channels, but at least one is needed [{where}]")
    one_each(b, u.shape[0], where)

    def pointwise(z: np.ndarray) -> Call[np.ndarray]:
        return correlation(z, u, b, where, method=method)

    def gradients(gy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        gz, gu, gb = pointwise(first.value()).pulled(gy)
        gx, gw, _ = first.pulled(gz)
        return gx, gw, gu, gb

    shape = storable((x.shape[0], u.shape[0], *first.shape[2:]), "the output", where)
    return Call(where, shape, dtype, lambda: pointwise(first.value()).value(), gradients)


@differentiable("x", "w", "b")
def locally_connected(
    x: ArrayLike,
    w: ArrayLike,
    b: ArrayLike | None = None,
    *,
    stride: PerAxis = 1,
    padding: Padding = 0,
    dilation: PerAxis = 1,
) -> Call[np.ndarray]:
    """Y[ν,o,j] = Σ_{c,t} W[o,j,c,t] · X[ν,c,s·j+d·t-a] + B[o,j]: a convolution whose weights are not shared.

    X is (N, C, *n), W (O, *m, C, *k), where W[o,j] is the kernel of the output element (o,j), B (O, *m), and Y
    (N, O, *m); X is 0 outside. Keras has W as (Πm, k·C, O). Raises ShapeError, HyperparameterError, DtypeError,
    UnknownNameError.

    >>> locally_connected([[[1, 2, 3]]], [[[[1, 1]], [[10, 100]]]])
    array([[[  3, 320]]])
    """
    x, w = numbers(x, "X", "locally_connected"), numbers(w, "W", "locally_connected")
    where = f"locally_connected(X{x.shape}, W{w.shape})"
    sizes = spatial(x.shape, where)
    ndim = len(sizes)
    if w.ndim != 2 + 2 * ndim:
        raise ShapeError(
            f"W has {w.ndim} axes, but {2 + 2 * ndim} are needed: output channel, window, input channel, tap [{where}]"
        )
    laid = windows(sizes, w.shape[2 + ndim :], stride, padding, dilation, where=where)
    counts = output_sizes(laid, sizes)
    shaped(w, (w.shape[0], *counts, x.shape[1], *w.shape[2 + ndim :]), "W", where)
    if w.shape[0] == 0:
        raise ShapeError(f"W makes no channels, but at least one is needed [{where}]")
    b = None if b is None else shaped(numbers(b, "B", where), (w.shape[0], *counts), "B", where)
    dtype = np.result_type(x, w) if b is None else np.result_type(x, w, b)
    x, w = x.astype(dtype, copy=False), w.astype(dtype, copy=False)
    storable((*x.shape[:2], *padded_sizes(laid, sizes)), "the padded input", where)
    columns = (x.shape[0], x.shape[1] * math.prod(window.kernel for window in laid), math.prod(counts))
    storable(columns, "the matrix of patches", where)
    shape = storable((x.shape[0], w.shape[0], *counts), "the output", where)

    def value() -> np.ndarray:
        y = local.locally_connected(x, w, laid, counts)
        return y if b is None else y + b

    def gradients(gy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        gx = local.locally_connected_input(gy, w, laid, counts, sizes)
        gw = local.locally_connected_weight(gy, x, laid, counts, w.shape)
        return gx, gw, None if b is None else total(gy, (0,))

    return Call(where, shape, dtype, value, gradients)
