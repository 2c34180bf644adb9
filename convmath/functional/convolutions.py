"""Convolution and transposed convolution on numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convmath.errors import HyperparameterError, ShapeError
from convmath.kernels.choice import Choice, asked, choose
from convmath.kernels.features import of_channels
from convmath.kernels.padding import bare, pad, pad_input, padded_sizes
from convmath.kernels.problem import Convolution
from convmath.kernels.taps import output_sizes
from convmath.window import Border, Window, border, per_axis, whole, windows

from .core import Call, Padding, PerAxis, differentiable, numbers, one_each, remembered, spatial, storable

__all__ = ["conv", "conv_transpose", "correlation", "operands"]


def operands(
    name: str, x: ArrayLike, w: ArrayLike, b: ArrayLike | None, *, complex_too: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, str]:
    """Input, weight and bias in one type, and how an error names the call."""
    x, w = numbers(x, "X", name, complex_too=complex_too), numbers(w, "W", name, complex_too=complex_too)
    where = f"{name}(X{x.shape}, W{w.shape})"
    spatial(x.shape, where)
    if w.ndim != x.ndim:
        raise ShapeError(f"W has {w.ndim} axes, but X has {x.ndim}, and both need the same number [{where}]")
    b = None if b is None else numbers(b, "B", where, complex_too=complex_too)
    dtype = np.result_type(x, w) if b is None else np.result_type(x, w, b)
    return x.astype(dtype, copy=False), w.astype(dtype, copy=False), b if b is None else b.astype(dtype), where


def _in_groups(channels: int, groups: int, said: str, where: str) -> None:
    if channels == 0:
        raise ShapeError(f"{said} no channels, but at least one is needed [{where}]")
    if channels % groups:
        raise ShapeError(f"{said} {channels} channels, which do not divide into {groups} groups [{where}]")


def _bias_gradient(gy: np.ndarray, b: np.ndarray | None) -> Callable[[], np.ndarray] | None:
    return None if b is None else lambda: of_channels(gy)


def _within_reach(edge: Border, laid: tuple[Window, ...], sizes: tuple[int, ...], where: str) -> None:
    """Refuse a padding that is longer than the border's index map is right for."""
    for axis, (window, n) in enumerate(zip(laid, sizes, strict=True)):
        asked = max(window.before, window.after)
        most = 0 if n == 0 else asked if edge.reach is None else edge.reach(n)
        if asked > most:
            raise HyperparameterError(
                f"the padding of spatial axis {axis} is {asked}, but padding_mode={edge.name!r} reaches at most "
                f"{most} beyond an axis of size {n} [{where}]"
            )


@differentiable("x", "w", "b")
def conv(
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
    """Y[ν,o,j] = Σ_{c,t} W[o,c,t] · X[ν,c,s·j+d·t-a] + B[o], cross-correlation: the kernel is not turned.

    X is (N, C, *n), W (O, C/groups, *k), B (O,), and Y (N, O, *m) with m = ⌊(n + a + b - d·(k - 1) - 1)/s⌋ + 1.
    Outside X lies what `padding_mode` says: "zeros", "reflect", "replicate", "circular" or "symmetric". Sums follow
    IEEE arithmetic, also W·0 in the padding. Complex numbers are multiplied as they are, none is conjugated; the vjp is
    the gradient of Re⟨g, Y⟩, with conj W and conj X in it, as that of `convolve`. Raises ShapeError,
    HyperparameterError, DtypeError, MemoryNeededError, UnknownNameError.

    >>> conv([[[1, 2, 3, 4]]], [[[1, 10]]], stride=2, padding=((1, 0),))
    array([[[10, 32]]])
    >>> conv([[[1, 2, 3, 4]]], [[[1, 10]]], padding=((1, 0),), padding_mode="circular")
    array([[[14, 21, 32, 43]]])
    """
    x, w, b, where = operands("conv", x, w, b, complex_too=True)
    return correlation(x, w, b, where, stride, padding, dilation, groups, padding_mode, method)


def correlation(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray | None,
    where: str,
    stride: PerAxis = 1,
    padding: Padding = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    method: str = "auto",
) -> Call[np.ndarray]:
    """The convolution of arrays of one type, by whatever name it is called."""
    asked(method, where)
    layer = _checked(
        x.shape, w.shape, x.dtype, where, stride, padding, dilation, groups, padding_mode
    )  # fmt: skip
    one_each(b, w.shape[0], where)
    groups, laid, inner, edge = layer.problem.groups, layer.laid, layer.problem.windows, layer.edge
    # the kernels know zeros; what another border gives is put around X before
    wide = x if edge is None else pad(x, laid, edge)

    def plan() -> Choice:
        return choose(method, layer.problem, where)

    def value() -> np.ndarray:
        return plan().kernels.conv(wide, w, inner, groups, b)

    def by_input(gy: np.ndarray) -> np.ndarray:
        v, sizes = w.astype(gy.dtype, copy=False).conj(), wide.shape[2:]
        chosen = choose(method, _of_type(layer.by_input, gy), where)
        gx = chosen.kernels.conv_input(gy, v, inner, groups, sizes)
        return gx if edge is None else pad_input(gx, laid, edge)

    def by_weight(gy: np.ndarray) -> np.ndarray:
        u = wide.astype(gy.dtype, copy=False).conj()
        chosen = choose(method, _of_type(layer.by_weight, gy), where)
        return chosen.kernels.conv_weight(gy, u, inner, groups)

    def gradients(gy: np.ndarray) -> tuple[Any, ...]:
        return lambda: by_input(gy), lambda: by_weight(gy), _bias_gradient(gy, b)

    return Call(where, layer.shape, x.dtype, value, gradients, plan)


@dataclass(frozen=True, slots=True)
class _Layer:
    """A convolution that is checked: its windows, the border, the output's shape, and what the kernels compute."""

    laid: tuple[Window, ...]
    edge: Border | None
    shape: tuple[int, ...]
    problem: Convolution
    by_input: Convolution
    by_weight: Convolution


@remembered
def _checked(
    shape: tuple[int, ...], kernel: tuple[int, ...], dtype: np.dtype, where: str, stride: PerAxis, padding: Padding,
    dilation: PerAxis, groups: int, padding_mode: str,
) -> _Layer:  # fmt: skip
    """The convolution of an input and a kernel of these shapes, if there is one."""
    groups = whole(groups, "groups", where, 1)
    _in_groups(shape[1], groups, "X has", where)
    _in_groups(kernel[0], groups, "W makes", where)
    if kernel[1] * groups != shape[1]:
        raise ShapeError(f"W reads {kernel[1]} channels a group, but X has {shape[1]} in {groups} groups [{where}]")
    edge, sizes = border(padding_mode, where), shape[2:]
    laid = windows(sizes, kernel[2:], stride, padding, dilation, where=where)
    padded = storable((*shape[:2], *padded_sizes(laid, sizes)), "the padded input", where)
    made = storable((shape[0], kernel[0], *output_sizes(laid, sizes)), "the output", where)
    inner = laid
    if edge is not None:
        _within_reach(edge, laid, sizes, where)
        shape, inner = padded, bare(laid)
    problem = Convolution("forward", dtype, shape, kernel[0], made[2:], inner, groups)
    return _Layer(laid, edge, made, problem, replace(problem, kind="input"), replace(problem, kind="weight"))


def _of_type(problem: Convolution, gy: np.ndarray) -> Convolution:
    """The problem in the type of a cotangent, which holds that of the arrays."""
    return problem if problem.dtype == gy.dtype else replace(problem, dtype=gy.dtype)


@differentiable("x", "w", "b")
def conv_transpose(
    x: ArrayLike,
    w: ArrayLike,
    b: ArrayLike | None = None,
    *,
    stride: PerAxis = 1,
    padding: Padding = 0,
    output_padding: PerAxis = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
    method: str = "auto",
) -> Call[np.ndarray]:
    """Y[ν,o,j] = Σ_{c,i,t} [s·i+d·t-a = j] W[c,o,t] · X[ν,c,i] + B[o], the adjoint of a convolution.

    X is (N, C, *n), W (C, O/groups, *k), B (O,), and Y (N, O, *m) with m = (n - 1)·s - a - b + d·(k - 1) + e + 1,
    where e is the output padding, smaller than the stride or the dilation; padding is cut off, and its only word is
    "valid". Complex W is not conjugated here, as it would be in the adjoint; the vjp is that of Re⟨g, Y⟩. Raises
    ShapeError, HyperparameterError, DtypeError, MemoryNeededError, UnknownNameError.

    >>> conv_transpose([[[1, 2]]], [[[1, 10, 100]]], stride=2)
    array([[[  1,  10, 102,  20, 200]]])
    """
    x, w, b, where = operands("conv_transpose", x, w, b, complex_too=True)
    asked(method, where)
    groups = whole(groups, "groups", where, 1)
    _in_groups(x.shape[1], groups, "X has", where)
    _in_groups(w.shape[1], 1, "W makes", where)
    if w.shape[0] != x.shape[1]:
        raise ShapeError(f"W reads {w.shape[0]} channels, but X has {x.shape[1]} [{where}]")
    if isinstance(padding, str) and padding != "valid":
        raise HyperparameterError(
            f"padding is {padding!r}, but a transposed convolution takes whole numbers, pairs or 'valid' [{where}]"
        )
    laid = windows(x.shape[2:], w.shape[2:], stride, padding, dilation, where=where, fits=False)
    extras = per_axis(output_padding, len(laid), "output_padding", where, 0)
    sizes = tuple(_transposed(*each, where) for each in zip(laid, x.shape[2:], extras, range(len(laid)), strict=True))
    shape = (x.shape[0], groups * w.shape[1], *sizes)
    storable((*shape[:2], *padded_sizes(laid, sizes)), "the output before it is cut", where)
    one_each(b, shape[1], where)

    def plan() -> Choice:
        return choose(method, Convolution.by_input(x, w, laid, groups, sizes), where)

    def value() -> np.ndarray:
        return plan().kernels.conv_transpose(x, w, laid, groups, sizes, b)

    def by_input(gy: np.ndarray) -> np.ndarray:
        v = w.astype(gy.dtype, copy=False).conj()
        gx = choose(method, Convolution.forward(gy, v, laid, groups), where).kernels.conv(gy, v, laid, groups)
        # an output padding of a stride or more leaves room for windows that X does not have
        return np.ascontiguousarray(gx[..., *(slice(0, n) for n in x.shape[2:])])

    def by_weight(gy: np.ndarray) -> np.ndarray:
        u = x.astype(gy.dtype, copy=False).conj()
        chosen = choose(method, Convolution.by_weight(u, gy, laid, groups), where)
        return chosen.kernels.conv_weight(u, gy, laid, groups)

    def gradients(gy: np.ndarray) -> tuple[Any, ...]:
        return lambda: by_input(gy), lambda: by_weight(gy), _bias_gradient(gy, b)

    return Call(where, shape, x.dtype, value, gradients, plan)


def _transposed(window: Window, n: int, extra: int, axis: int, where: str) -> int:
    if extra >= max(window.stride, window.dilation):
        raise HyperparameterError(
            f"output_padding is {extra} on spatial axis {axis}, but it must be smaller than the stride "
            f"{window.stride} or the dilation {window.dilation} [{where}]"
        )
    size = window.transposed_size(n, extra)
    if size < 0:
        raise ShapeError(
            f"the output would have size {size} on spatial axis {axis}, because its padding {window.before} and "
            f"{window.after} is more than there is to cut off [{where}]"
        )
    return size
