"""Pooling on numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convmath.errors import HyperparameterError, ShapeError
from convmath.kernels import adaptive, basics
from convmath.kernels.streams import stream
from convmath.kernels.taps import occupancy, output_sizes
from convmath.window import Window, flag, plain, whole, windows

from .core import (
    Call,
    Padding,
    PerAxis,
    differentiable,
    floating,
    known,
    numbers,
    real,
    remembered,
    shaped,
    spatial,
    storable,
    whole_numbers,
)

__all__ = [
    "adaptive_avg_pool",
    "adaptive_max_pool",
    "avg_pool",
    "divisor_of",
    "global_avg_pool",
    "global_lp_pool",
    "global_max_pool",
    "laid_over",
    "lp_pool",
    "max_pool",
    "max_unpool",
]

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
    kernels, ties = stream("pooling", x.size, method, where), known("choice of ties", ties, TIES, where)
    indices = flag(return_indices, "return_indices", where)
    if x.dtype.kind == "i":
        _occupied(occupancy(laid, x.shape[2:], padding=False), "nothing has no greatest integer", where)

    def value() -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        y = kernels.max_pool(x, laid)
        return (y, kernels.max_pool_selection(x, laid, ties)) if indices else y

    selected: list[Any] = []

    def kept() -> np.ndarray:
        y, found = kernels.max_pool_kept(x, laid, ties)
        selected[:] = [found]
        return y

    def gradients(gy: np.ndarray) -> tuple[np.ndarray]:
        return (kernels.max_pool_input(gy, x, laid, ties, *selected),)

    keeps = not indices and hasattr(kernels, "max_pool_kept")
    return Call(where, shape, x.dtype, value, gradients, kept=kept if keeps else None)


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
    kernels, sizes = stream("pooling", x.size, method, where), x.shape[2:]
    padded = flag(count_include_pad, "count_include_pad", where)
    if divisor_override is None:
        divisor = divisor_of(laid, sizes, padded)
        if isinstance(divisor, np.ndarray):
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
    laid, counts, where = laid_over(name, x.shape, kernel_size, stride, padding, dilation, ceil_mode)
    return x, laid, storable((*x.shape[:2], *counts), "the output", where), where


@remembered
def laid_over(
    name: str,
    shape: tuple[int, ...],
    kernel_size: PerAxis,
    stride: PerAxis | None,
    padding: Padding,
    dilation: PerAxis,
    ceil_mode: bool,
) -> tuple[tuple[Window, ...], tuple[int, ...], str]:
    """The windows of a pool over an array (N, C, *n), how many there are, and how an error names the call."""
    where = f"{name}(X{shape}, kernel_size={kernel_size!r})"
    sizes, stride = spatial(shape, where), kernel_size if stride is None else stride
    laid = windows(sizes, kernel_size, stride, padding, dilation, ceil_mode=ceil_mode, where=where)
    return laid, output_sizes(laid, sizes), where


@lru_cache(256)
def divisor_of(laid: tuple[Window, ...], sizes: tuple[int, ...], padded: bool) -> np.ndarray | int:
    """How many positions each window has; one number where all of them have as many, and some."""
    count = occupancy(laid, sizes, padding=padded)
    count.flags.writeable = False
    least, most = (count.min(), count.max()) if count.size else (0, 0)
    return int(least) if 0 < least == most else count


def _occupied(count: np.ndarray, why: str, where: str) -> None:
    """Refuse windows that hold nothing."""
    for position in np.argwhere(count == 0)[:1]:
        raise ShapeError(f"window {tuple(map(int, position))} holds no element of X, and {why} [{where}]")


@differentiable("x")
def lp_pool(
    x: ArrayLike,
    norm_type: float,
    kernel_size: PerAxis,
    *,
    stride: PerAxis | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    absolute: bool = False,
    method: str = "auto",
) -> Call[np.ndarray]:
    """Y[ν,c,j] = (Σ_t X[ν,c,s·j+t-a]^p)^(1/p), p = `norm_type` > 0; X is 0 outside.

    As in torch the power is of X itself, so an odd p may make the sum negative, and a p that is not whole needs X ≥ 0;
    with `absolute` it is of |X|, as in ONNX. Where the sum is 0 the gradient is taken to be 0 (torch: NaN). A window
    that overhangs under `ceil_mode` sums what it holds; torch multiplies that by k over the number of its positions.
    The stride is the kernel size unless it is given. Raises ShapeError, HyperparameterError, DtypeError.

    >>> lp_pool([[[3.0, 4.0, 5.0, 12.0]]], 2, 2)
    array([[[ 5., 13.]]])
    """
    x, laid, shape, where = _pooled("lp_pool", x, kernel_size, stride, padding, 1, ceil_mode)
    kernels, x = stream("pooling", x.size, method, where), floating(x)
    power = _Power(x, norm_type, absolute, where)
    sums = power.checked(kernels.sum_pool(power.powers, laid))

    def gradients(gy: np.ndarray) -> tuple[np.ndarray]:
        return (kernels.sum_pool_input(power.of_sums(gy, sums), laid, x.shape[2:]) * power.slopes,)

    return Call(where, shape, x.dtype, lambda: power.root(sums), gradients)


@differentiable("x")
def global_lp_pool(x: ArrayLike, norm_type: float, *, absolute: bool = False) -> Call[np.ndarray]:
    """Y[ν,c,0] = (Σ_i X[ν,c,i]^p)^(1/p), p = `norm_type` > 0; with `absolute` (as in ONNX) powers of |X|.

    The spatial axes stay, with length 1. Where the sum is 0 the gradient is taken to be 0. Raises ShapeError,
    HyperparameterError, DtypeError.

    >>> global_lp_pool([[[3.0, 4.0]]], 2)
    array([[[5.]]])
    """
    x, axes, where = _whole("global_lp_pool", x)
    power = _Power(x, norm_type, absolute, where)
    sums = power.checked(basics.total(power.powers, axes, keepdims=True))

    def gradients(gy: np.ndarray) -> tuple[np.ndarray]:
        return (power.of_sums(gy, sums) * power.slopes,)

    return Call(where, sums.shape, x.dtype, lambda: power.root(sums), gradients)


class _Power:
    """X^p and its slopes, and the root of their sums."""

    def __init__(self, x: np.ndarray, norm_type: Any, absolute: Any, where: str):
        self.p, self.where = real(norm_type, "norm_type", where, above=0), where
        absolute = flag(absolute, "absolute", where)
        base = np.abs(x) if absolute else x
        if not self.p.is_integer() and (base < 0).any():
            raise HyperparameterError(
                f"norm_type is {self.p}, but X holds {base.min()}, and a negative number has whole powers alone; "
                f"absolute=True takes powers of |X| [{where}]"
            )
        self.base, self.sign = base, x if absolute else None

    @property
    def powers(self) -> np.ndarray:
        return basics.power(self.base, self.base.dtype.type(self.p))

    @property
    def slopes(self) -> np.ndarray:
        """Over p, which the root has under it"""
        with np.errstate(divide="ignore"):  # p < 1 at 0
            slopes = basics.power(self.base, self.base.dtype.type(self.p) - 1)
        return slopes if self.sign is None else slopes * np.sign(self.sign)

    def checked(self, sums: np.ndarray) -> np.ndarray:
        if (sums < 0).any():
            raise HyperparameterError(
                f"a window's sum of powers is {sums.min()}, and has no real root; absolute=True takes powers of |X| "
                f"[{self.where}]"
            )
        return sums

    def root(self, sums: np.ndarray) -> np.ndarray:
        return basics.power(sums, sums.dtype.type(1 / self.p))

    def of_sums(self, gy: np.ndarray, sums: np.ndarray) -> np.ndarray:
        """gY·P^(1/p - 1); 0 where P is"""
        positive = np.where(sums == 0, 1, sums)
        return np.where(sums == 0, 0, gy * basics.power(positive, sums.dtype.type(1 / self.p - 1)))


# --- adaptive and global ------------------------------------------------------------------------------------------


@differentiable("x")
def adaptive_avg_pool(x: ArrayLike, output_size: int | Sequence[int | None] | None) -> Call[np.ndarray]:
    """Y[ν,c,j] = the mean of X[ν,c,i] over ⌊j·n/m⌋ ≤ i < ⌈(j+1)·n/m⌉, m = `output_size` windows an axis.

    None for an axis keeps its size. Raises ShapeError, HyperparameterError, DtypeError.

    >>> adaptive_avg_pool([[[1.0, 2.0, 3.0]]], 2)
    array([[[1.5, 2.5]]])
    """
    x, counts, where = _adapted("adaptive_avg_pool", floating(numbers(x, "X", "adaptive_avg_pool")), output_size)
    adaptive = stream("adaptive", x.size)

    def gradients(gy: np.ndarray) -> tuple[np.ndarray]:
        return (adaptive.avg_pool_input(gy, x.shape[2:]),)

    return Call(where, (*x.shape[:2], *counts), x.dtype, lambda: adaptive.avg_pool(x, counts), gradients)


@differentiable("x")
def adaptive_max_pool(
    x: ArrayLike,
    output_size: int | Sequence[int | None] | None,
    *,
    return_indices: bool = False,
    ties: str = "first",
) -> Call[Any]:
    """Y[ν,c,j] = the greatest X[ν,c,i] over ⌊j·n/m⌋ ≤ i < ⌈(j+1)·n/m⌉, m = `output_size` windows an axis.

    None for an axis keeps its size. `ties` and `return_indices` are those of `max_pool`. Raises ShapeError,
    HyperparameterError, DtypeError, UnknownNameError.

    >>> adaptive_max_pool([[[1.0, 3.0, 2.0]]], 2, return_indices=True)
    (array([[[3., 3.]]]), array([[[1, 1]]]))
    """
    x, counts, where = _adapted("adaptive_max_pool", numbers(x, "X", "adaptive_max_pool"), output_size)
    ties, indices = known("choice of ties", ties, TIES, where), flag(return_indices, "return_indices", where)
    adaptive = stream("adaptive", x.size)

    def value() -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        y = adaptive.max_pool(x, counts)
        return (y, adaptive.max_pool_selection(x, counts, ties)) if indices else y

    def gradients(gy: np.ndarray) -> tuple[np.ndarray]:
        return (adaptive.max_pool_input(gy, x, ties),)

    return Call(where, (*x.shape[:2], *counts), x.dtype, value, gradients)


@differentiable("x")
def global_avg_pool(x: ArrayLike) -> Call[np.ndarray]:
    """Y[ν,c,0] = the mean of X[ν,c,i] over all positions; the spatial axes stay, with length 1, as in ONNX.

    Raises ShapeError, DtypeError.

    >>> global_avg_pool([[[1.0, 2.0, 6.0]]])
    array([[[3.]]])
    """
    x, axes, where = _whole("global_avg_pool", x)
    counts, adaptive = (1,) * len(axes), stream("adaptive", x.size)

    def gradients(gy: np.ndarray) -> tuple[np.ndarray]:
        return (adaptive.avg_pool_input(gy, x.shape[2:]),)

    return Call(where, (*x.shape[:2], *counts), x.dtype, lambda: adaptive.avg_pool(x, counts), gradients)


@differentiable("x")
def global_max_pool(x: ArrayLike, *, ties: str = "first") -> Call[np.ndarray]:
    """Y[ν,c,0] = the greatest X[ν,c,i]; the spatial axes stay, with length 1, as in ONNX. `ties` as in `max_pool`.

    Raises ShapeError, DtypeError, UnknownNameError.

    >>> global_max_pool([[[1.0, 6.0, 2.0]]])
    array([[[6.]]])
    """
    x_ = numbers(x, "X", "global_max_pool")
    x_, counts, where = _adapted("global_max_pool", x_, 1)
    ties, adaptive = known("choice of ties", ties, TIES, where), stream("adaptive", x_.size)

    def gradients(gy: np.ndarray) -> tuple[np.ndarray]:
        return (adaptive.max_pool_input(gy, x_, ties),)

    return Call(where, (*x_.shape[:2], *counts), x_.dtype, lambda: adaptive.max_pool(x_, counts), gradients)


def _whole(name: str, x: ArrayLike) -> tuple[np.ndarray, tuple[int, ...], str]:
    """The input in floating point, and its spatial axes, none of which may be empty."""
    found, _, where = _adapted(name, floating(numbers(x, "X", name)), 1)
    return found, tuple(range(2, found.ndim)), where


def _adapted(name: str, x: np.ndarray, output_size: Any) -> tuple[np.ndarray, tuple[int, ...], str]:
    where = f"{name}(X{x.shape})"
    sizes, said = spatial(x.shape, where), plain(output_size)
    each = tuple(said) if isinstance(said, list | tuple) else (said,) * len(sizes)
    if len(each) != len(sizes):
        raise HyperparameterError(
            f"output_size has {len(each)} entries, but there are {len(sizes)} spatial axes [{where}]"
        )
    if 0 in sizes:
        raise ShapeError(f"a spatial axis of X is empty, and nothing has no mean or maximum [{where}]")
    counts = tuple(n if m is None else whole(m, "output_size", where, 1) for n, m in zip(sizes, each, strict=True))
    return x, counts, where


# --- back to where elements came from -----------------------------------------------------------------------------


@differentiable("x", "indices")
def max_unpool(
    x: ArrayLike,
    indices: ArrayLike,
    kernel_size: PerAxis,
    *,
    stride: PerAxis | None = None,
    padding: Padding = 0,
    output_size: Sequence[int] | None = None,
) -> Call[np.ndarray]:
    """Y[ν,c,i] = X[ν,c,j] where indices[ν,c,j] is the flat position i, and 0 elsewhere.

    An axis is (n - 1)·s - a - b + k long, or as `output_size` says, which a pooling with this kernel, stride and
    padding must have brought to n: less than a stride longer. The positions of a channel must differ (torch keeps
    one of several, and leaves open which). Raises ShapeError, HyperparameterError, DtypeError.

    >>> max_unpool([[[3.0, 4.0]]], [[[1, 2]]], 2)
    array([[[0., 3., 4., 0.]]])
    """
    x_ = numbers(x, "X", "max_unpool")
    where = f"max_unpool(X{x_.shape}, kernel_size={kernel_size!r})"
    counts = spatial(x_.shape, where)
    at = shaped(whole_numbers(indices, "indices", where), x_.shape, "indices", where)
    laid = windows(counts, kernel_size, kernel_size if stride is None else stride, padding, where=where, fits=False)
    least = tuple(window.transposed_size(n) for window, n in zip(laid, counts, strict=True))
    sizes = least if output_size is None else _said_sizes(output_size, least, laid, where)
    if min(sizes) < 0:
        raise ShapeError(f"the output would have the sizes {sizes} [{where}]")
    if at.size and (at.min() < 0 or at.max() >= math.prod(sizes)):
        raise HyperparameterError(
            f"indices hold {at.min()} to {at.max()}, but the output has positions 0 to {math.prod(sizes) - 1} [{where}]"
        )
    rows = np.sort(at.reshape(-1, math.prod(counts)), -1)
    if (rows[:, 1:] == rows[:, :-1]).any():
        raise HyperparameterError(f"two elements of one channel have the same position in indices [{where}]")

    def gradients(gy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        return adaptive.unpool_input(gy, at), None

    shape = storable((*x_.shape[:2], *sizes), "the output", where)
    return Call(where, shape, x_.dtype, lambda: adaptive.unpool(x_, at, sizes), gradients)


def _said_sizes(said: Any, least: tuple[int, ...], laid: tuple[Window, ...], where: str) -> tuple[int, ...]:
    sizes = tuple(plain(said))[-len(least) :]
    if len(sizes) != len(least):
        raise ShapeError(f"output_size has {len(sizes)} entries, but there are {len(least)} spatial axes [{where}]")
    for axis, (size, from_, window) in enumerate(zip(sizes, least, laid, strict=True)):
        if not from_ <= whole(size, "output_size", where, 0) < from_ + window.stride:
            raise ShapeError(
                f"output_size is {size} on spatial axis {axis}, but {from_} to {from_ + window.stride - 1} come down "
                f"to this input [{where}]"
            )
    return sizes
