"""Pooling on numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convmath.errors import ShapeError
from convmath.kernels.taps import occupancy, output_sizes
from convmath.window import Window, flag, whole, windows

from .core import Call, Padding, PerAxis, differentiable, floating, kernels_of, known, numbers, spatial, storable

__all__ = ["avg_pool", "max_pool"]

TIES = ("first", "last", "split", "all")


@differentiable("x")
def max_pool(
    x: ArrayLike,
    kernel_size: PerAxis,
    *,
    stride: PerAxis | None = None,
    padding: Padding = 0,
    dilation: PerAxis = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    ties: str = "first",
    method: str = "auto",
) -> Call[Any]:
    """Y[ν,c,j] = max_t X[ν,c,s·j+d·t-a]; what lies outside X is not in the window.

    The stride is the kernel size unless it is given. A NaN in the window is its maximum. A window that holds no
    element of X has the maximum -inf, and passes no gradient on; for integers it is an error. Of equal maximisers
    `ties` selects the "first" or the "last" in the window, row by row; the gradient may also "split" into equal
    shares or go to "all" of them. With `return_indices` the flat spatial positions of the first (or last)
    maximisers come too, -1 for no element. Raises ShapeError, HyperparameterError, DtypeError, UnknownNameError.

    >>> max_pool([[[1, 3, 3, 2]]], 2, stride=1, return_indices=True)
    (array([[[3, 3, 3]]]), array([[[1, 1, 2]]]))
    >>> max_pool.vjp([[[1, 1, 1]]], [[[1, 3, 3, 2]]], 2, stride=1, ties="last")
    (array([[[0, 1, 2, 0]]]),)
    """
    x, laid, shape, where = _pooled("max_pool", x, kernel_size, stride, padding, dilation, ceil_mode)
    kernels, ties = kernels_of(method, where), known("choice of ties", ties, TIES, where)
    indices = flag(return_indices, "return_indices", where)
    if x.dtype.kind == "i":
        _occupied(occupancy(laid, x.shape[2:], padding=False), "nothing has no greatest integer", where)

    def value() -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        y = kernels.max_pool(x, laid)
        return (y, kernels.max_pool_selection(x, laid, ties)) if indices else y

    def gradients(gy: np.ndarray) -> tuple[np.ndarray]:
        return (kernels.max_pool_input(gy, x, laid, ties),)

    return Call(where, shape, x.dtype, value, gradients)


@differentiable("x")
def avg_pool(
    x: ArrayLike,
    kernel_size: PerAxis,
    *,
    stride: PerAxis | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    method: str = "auto",
) -> Call[np.ndarray]:
    """Y[ν,c,j] = Σ_t X[ν,c,s·j+t-a] / D[j]; X is 0 outside.

    D[j] counts the positions of the window in the padded input, or in X itself without `count_include_pad`; what a
    window of `ceil_mode` has beyond the padding never counts. `divisor_override` stands for every D[j]. The stride
    is the kernel size unless it is given. Raises ShapeError (also where D[j] is 0), HyperparameterError,
    DtypeError, UnknownNameError.

    >>> avg_pool([[[1, 2, 3, 4, 5]]], 2, ceil_mode=True)
    array([[[1.5, 3.5, 5. ]]])
    >>> avg_pool.vjp([[[2.0, 4.0]]], [[[1.0, 2.0, 3.0, 4.0]]], 2)
    (array([[[1., 1., 2., 2.]]]),)
    """
    x, laid, shape, where = _pooled("avg_pool", x, kernel_size, stride, padding, 1, ceil_mode)
    # a sum of integers could leave int64; their mean does not
    x = floating(x)
    kernels, sizes = kernels_of(method, where), x.shape[2:]
    divisor = occupancy(laid, sizes, padding=flag(count_include_pad, "count_include_pad", where))
    if divisor_override is None:
        _occupied(divisor, "nothing has no mean", where)
    else:
        divisor = whole(divisor_override, "divisor_override", where, 1)

    def value() -> np.ndarray:
        return kernels.avg_pool(x, laid, divisor)

    def gradients(gy: np.ndarray) -> tuple[np.ndarray]:
        return (kernels.avg_pool_input(gy, laid, sizes, divisor),)

    return Call(where, shape, x.dtype, value, gradients)


def _pooled(
    name: str,
    x: ArrayLike,
    kernel_size: PerAxis,
    stride: PerAxis | None,
    padding: Padding,
    dilation: PerAxis,
    ceil_mode: bool,
) -> tuple[np.ndarray, tuple[Window, ...], tuple[int, ...], str]:
    """The input, the windows and the output's shape of a pool, and how an error names the call."""
    x = numbers(x, "X", name)
    where = f"{name}(X{x.shape}, kernel_size={kernel_size!r})"
    sizes, stride = spatial(x, where), kernel_size if stride is None else stride
    laid = windows(sizes, kernel_size, stride, padding, dilation, ceil_mode=ceil_mode, where=where)
    return x, laid, storable((*x.shape[:2], *output_sizes(laid, sizes)), "the output", where), where


def _occupied(count: np.ndarray, why: str, where: str) -> None:
    """Refuse windows that hold nothing."""
    for position in np.argwhere(count == 0)[:1]:
        raise ShapeError(f"window {tuple(map(int, position))} holds no element of X, and {why} [{where}]")
