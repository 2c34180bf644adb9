"""The operators on numbers: arrays in, arrays out, each with its gradient as `.vjp`.

Arrays are (N, C, *spatial) with any number of spatial axes. float32 and float64 stay what they are; integers are computed in
int64. Inputs are never changed, and results never share memory with them. An int stands for every spatial axis, a flat tuple
has one entry for each; padding also takes a (before, after) pair for each axis, or "same", "same_lower", "valid", "full".

>>> import numpy as np
>>> x, w = np.arange(5.0).reshape(1, 1, 5), np.array([[[1.0, 0.0, -1.0]]])
>>> conv(x, w, padding=1)
array([[[-1., -2., -2., -2.,  3.]]])
>>> gx, gw = conv.vjp(np.ones((1, 1, 5)), x, w, padding=1)
>>> gx
array([[[ 1.,  0.,  0.,  0., -1.]]])
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from convmath.errors import DtypeError, HyperparameterError, ShapeError, unknown
from convmath.kernels import direct, padding as padded, patches
from convmath.window import Border, Window, border, per_axis, whole, windows

__all__ = ["avg_pool", "conv", "conv_transpose", "max_pool"]

METHODS: dict[str, ModuleType] = {"direct": direct, "patches": patches, "auto": patches}
TIES = ("first", "last", "split", "all")


class Differentiable:
    """A numeric operator that can be called, with its gradient as `.vjp`."""

    def __init__(self, forward: Callable[..., Any], vjp: Callable[..., Any]):
        self._forward = forward
        self.vjp = vjp
        functools.update_wrapper(self, forward)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._forward(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<convmath.functional.{self._forward.__name__}>"

    def __reduce__(self) -> str:
        return self._forward.__name__


def _differentiable(vjp: Callable[..., Any]) -> Callable[[Callable[..., Any]], Differentiable]:
    return lambda forward: Differentiable(forward, vjp)


# --- what every operator asks of its arrays -------------------------------------------------------------------------


def _arrays(where: str, **named: Any) -> tuple[np.ndarray, ...]:
    """The arrays in one type to compute in."""
    found = {}
    for name, value in named.items():
        array = np.asarray(value)
        if array.dtype.kind not in "iu" and array.dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
            raise DtypeError(f"{name} is an array of {array.dtype}, but float32, float64 or integers are needed [{where}]")
        found[name] = array.astype(np.int64, copy=False) if array.dtype.kind in "iu" else array
    dtype = np.result_type(*found.values())
    return tuple(array.astype(dtype, copy=False) for array in found.values())


def _method(method: str) -> ModuleType:
    if method not in METHODS:
        raise unknown("method", method, METHODS)
    return METHODS[method]


def _spatial(x: np.ndarray, where: str) -> tuple[int, ...]:
    if x.ndim < 3:
        raise ShapeError(f"X has shape {x.shape}, but (N, C, *spatial) with at least one spatial axis is needed [{where}]")
    if x.shape[1] == 0:
        raise ShapeError(f"X has no channels: its shape is {x.shape} [{where}]")
    return x.shape[2:]


def _shapes(name: str, x: np.ndarray, w: np.ndarray) -> str:
    return f"{name}(X{x.shape}, W{w.shape})"


def _cotangent(gy: Any, shape: tuple[int, ...], where: str) -> np.ndarray:
    [array] = _arrays(where, gY=gy)
    if array.shape != shape:
        raise ShapeError(f"the cotangent has shape {array.shape}, but the output has {shape} [{where}]")
    return array


def _bias(b: Any, channels: int, where: str) -> np.ndarray | None:
    if b is None:
        return None
    [array] = _arrays(where, B=b)
    if array.shape != (channels,):
        raise ShapeError(f"B has shape {array.shape}, but there are {channels} output channels [{where}]")
    return array


def _biased(y: np.ndarray, b: np.ndarray | None) -> np.ndarray:
    if b is None:
        return y
    return y + b.reshape(-1, *(1,) * (y.ndim - 2)).astype(np.result_type(y, b))


def _bias_gradient(gy: np.ndarray) -> np.ndarray:
    return gy.sum(axis=(0, *range(2, gy.ndim)))


def _each(arrays: Sequence[Any], gradients: Sequence[np.ndarray | None]) -> tuple[np.ndarray | None, ...]:
    """One gradient for each array that came; None for an array that is None."""
    return tuple(None if array is None else g for array, g in zip(arrays, gradients, strict=False))


# --- convolution ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Conv:
    """A checked call of conv: arrays of one type, windows, and the border if there is one."""

    x: np.ndarray
    w: np.ndarray
    laid: tuple[Window, ...]
    inner: tuple[Window, ...]  # the windows on an input that a border has lengthened already
    groups: int
    border: Border | None
    where: str

    @property
    def lengthened(self) -> np.ndarray:
        return self.x if self.border is None else padded.pad(self.x, self.laid, self.border)

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.x.shape[0], self.w.shape[0], *direct.counts_of(self.x.shape[2:], self.laid))


def _conv_call(
    x: Any, w: Any, stride: Any, padding: Any, dilation: Any, groups: Any, padding_mode: str
) -> _Conv:
    x, w = _arrays("conv", X=x, W=w)
    where = _shapes("conv", x, w)
    sizes = _spatial(x, where)
    groups = whole(groups, "groups", where, 1)
    if w.ndim != x.ndim:
        raise ShapeError(f"W has {w.ndim} axes, but X has {x.ndim}; both need the same number of spatial axes [{where}]")
    if x.shape[1] % groups:
        raise ShapeError(f"the {x.shape[1]} channels of X do not divide into {groups} groups [{where}]")
    if w.shape[1] != x.shape[1] // groups:
        raise ShapeError(f"W reads {w.shape[1]} channels a group, but X has {x.shape[1]} in {groups} groups [{where}]")
    if w.shape[0] == 0 or w.shape[0] % groups:
        raise ShapeError(f"the {w.shape[0]} output channels of W do not divide into {groups} groups [{where}]")
    laid = windows(sizes, w.shape[2:], stride, padding, dilation, where=where)
    found = border(padding_mode, where)
    for axis, (n, window) in enumerate(zip(sizes, laid, strict=True)):
        reach = None if found is None or found.reach is None else found.reach(n)
        if found is not None and (n == 0 or (reach is not None and max(window.before, window.after) > reach)):
            raise ShapeError(
                f"padding_mode={padding_mode!r} reaches at most {reach if n else 0} beyond an axis of {n}, but axis {axis} "
                f"has padding {window.before} and {window.after} [{where}]"
            )
    inner = laid if found is None else tuple(Window(v.kernel, v.stride, v.dilation) for v in laid)
    return _Conv(x, w, laid, inner, groups, found, where)


def _conv_vjp(
    gy: Any,
    x: Any,
    w: Any,
    *bias: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    method: str = "auto",
    **b: Any,
) -> tuple[np.ndarray | None, ...]:
    """(gx, gw) or, with a bias, (gx, gw, gb): the cotangent pulled back to each array argument."""
    kernel = _method(method)
    call = _conv_call(x, w, stride, padding, dilation, groups, padding_mode)
    biases = _passed_bias(bias, b, call.where)
    gy = _cotangent(gy, call.shape, call.where)
    long = call.lengthened
    gx = kernel.conv_input(gy, call.w, call.inner, call.groups, long.shape[2:])
    if call.border is not None:
        gx = padded.pad_adjoint(gx, call.laid, call.x.shape[2:], call.border)
    gw = kernel.conv_weight(gy, long, call.inner, call.groups)
    return _each((x, w, *biases), (gx, gw, _bias_gradient(gy)))


def _passed_bias(positional: tuple[Any, ...], named: dict[str, Any], where: str) -> tuple[Any, ...]:
    if len(positional) + len(named) > 1 or set(named) - {"b"}:
        raise TypeError(f"the arguments are x, w and at most a bias b, not {', '.join(named) or len(positional) + 2} [{where}]")
    return (*positional, *named.values())


@_differentiable(_conv_vjp)
def conv(
    x: Any,
    w: Any,
    b: Any = None,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    method: str = "auto",
) -> np.ndarray:
    """y[ν,o,j] = b[o] + Σ_{c,t} w[o,c,t] · x[ν,c,s·j+d·t-a]: cross-correlation, the kernel is not turned.

    x is (N, C, *n), w is (O, C/groups, *k), b is (O,); y is (N, O, *m), m = ⌊(n + a + b - d·(k - 1) - 1)/s⌋ + 1.
    padding_mode says what lies outside x: "zeros", "reflect", "replicate", "circular" or "symmetric".
    A NaN or infinity in a window goes into its sum as IEEE arithmetic has it.
    """
    kernel = _method(method)
    call = _conv_call(x, w, stride, padding, dilation, groups, padding_mode)
    bias = _bias(b, call.w.shape[0], call.where)
    return _biased(kernel.conv(call.lengthened, call.w, call.inner, call.groups), bias)


@dataclass(frozen=True, slots=True)
class _ConvTranspose:
    x: np.ndarray
    w: np.ndarray
    laid: tuple[Window, ...]
    sizes: tuple[int, ...]
    groups: int
    where: str

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.x.shape[0], self.groups * self.w.shape[1], *self.sizes)


def _conv_transpose_call(
    x: Any, w: Any, stride: Any, padding: Any, output_padding: Any, dilation: Any, groups: Any
) -> _ConvTranspose:
    x, w = _arrays("conv_transpose", X=x, W=w)
    where = _shapes("conv_transpose", x, w)
    inner = _spatial(x, where)
    groups = whole(groups, "groups", where, 1)
    if w.ndim != x.ndim:
        raise ShapeError(f"W has {w.ndim} axes, but X has {x.ndim}; both need the same number of spatial axes [{where}]")
    if w.shape[0] != x.shape[1]:
        raise ShapeError(f"W takes {w.shape[0]} channels, but X has {x.shape[1]} [{where}]")
    if x.shape[1] % groups or w.shape[1] == 0:
        raise ShapeError(f"the {x.shape[1]} channels of X do not divide into {groups} groups [{where}]")
    if isinstance(padding, str) and padding != "valid":
        raise HyperparameterError(
            f"padding={padding!r} has several meanings for a transposed convolution; give numbers or 'valid' [{where}]"
        )
    laid = windows(inner, w.shape[2:], stride, padding, dilation, where=where, fits=False)
    extras = per_axis(output_padding, len(inner), "output_padding", where, 0)
    for axis, (window, extra) in enumerate(zip(laid, extras, strict=True)):
        if extra >= window.stride and extra >= window.dilation:
            raise HyperparameterError(
                f"output_padding is {extra} on axis {axis}, but it must be below the stride {window.stride} or the dilation "
                f"{window.dilation} [{where}]"
            )
    sizes = tuple(v.transposed_size(n, extra) for v, n, extra in zip(laid, inner, extras, strict=True))
    for axis, size in enumerate(sizes):
        if size < 0:
            raise ShapeError(f"the output would have size {size} on axis {axis}: the padding takes more than there is [{where}]")
    return _ConvTranspose(x, w, laid, sizes, groups, where)


def _conv_transpose_vjp(
    gy: Any,
    x: Any,
    w: Any,
    *bias: Any,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    method: str = "auto",
    **b: Any,
) -> tuple[np.ndarray | None, ...]:
    """(gx, gw) or, with a bias, (gx, gw, gb): a convolution of the cotangent, and the roles of x and y exchanged."""
    kernel = _method(method)
    call = _conv_transpose_call(x, w, stride, padding, output_padding, dilation, groups)
    biases = _passed_bias(bias, b, call.where)
    gy = _cotangent(gy, call.shape, call.where)
    # an output padding beyond the stride makes room for windows that x does not have: they are left out
    own = (slice(None), slice(None), *(slice(0, n) for n in call.x.shape[2:]))
    gx = np.ascontiguousarray(kernel.conv(gy, call.w, call.laid, call.groups)[own])
    gw = kernel.conv_weight(call.x, gy, call.laid, call.groups)
    return _each((x, w, *biases), (gx, gw, _bias_gradient(gy)))


@_differentiable(_conv_transpose_vjp)
def conv_transpose(
    x: Any,
    w: Any,
    b: Any = None,
    *,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    method: str = "auto",
) -> np.ndarray:
    """y[ν,o,j] = b[o] + Σ_{c,i,t} [s·i+d·t-a = j] w[c,o,t] · x[ν,c,i]: the adjoint of conv.

    x is (N, C, *n), w is (C, O/groups, *k), b is (O,); y is (N, O, *m), m = (n - 1)·s - a - b + d·(k - 1) + e + 1 with
    e the output padding, which must be below the stride or the dilation.
    """
    kernel = _method(method)
    call = _conv_transpose_call(x, w, stride, padding, output_padding, dilation, groups)
    bias = _bias(b, call.shape[1], call.where)
    return _biased(kernel.conv_transpose(call.x, call.w, call.laid, call.groups, call.sizes), bias)


# --- pooling --------------------------------------------------------------------------------------------------------


def _pool_call(
    name: str, x: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: Any
) -> tuple[np.ndarray, tuple[Window, ...], str]:
    [array] = _arrays(name, X=x)
    where = f"{name}(X{array.shape}, kernel_size={kernel_size})"
    sizes = _spatial(array, where)
    stride = kernel_size if stride is None else stride
    return array, windows(sizes, kernel_size, stride, padding, dilation, ceil_mode=ceil_mode, where=where), where


def _pooled_shape(x: np.ndarray, laid: tuple[Window, ...]) -> tuple[int, ...]:
    return (*x.shape[:2], *direct.counts_of(x.shape[2:], laid))


def _max_pool_vjp(
    gy: Any,
    x: Any,
    kernel_size: Any,
    *,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    ties: str = "first",
    method: str = "auto",
) -> tuple[np.ndarray]:
    """(gx,): each cotangent goes to the element that `ties` selects."""
    kernel = _method(method)
    array, laid, where = _pool_call("max_pool", x, kernel_size, stride, padding, dilation, ceil_mode)
    _known_ties(ties)
    gy = _cotangent(gy, _pooled_shape(array, laid), where)
    return (kernel.max_pool_input(gy, array, laid, ties),)


def _known_ties(ties: str) -> None:
    if ties not in TIES:
        raise unknown("choice of ties", ties, TIES)


@_differentiable(_max_pool_vjp)
def max_pool(
    x: Any,
    kernel_size: Any,
    *,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    ties: str = "first",
    method: str = "auto",
) -> Any:
    """y[ν,c,j] = max_t x[ν,c,s·j+d·t-a] over the elements of x in the window; what lies outside is not in it.

    The stride is the kernel size where it is None. A NaN in a window is its maximum; a window without an element has -inf (for
    integers that is an error). With return_indices also the flat spatial position of the selected element:
    of those that are equal the first, or with ties="last" the last. `ties` says where a gradient goes:
    "first" (torch), "last", "split" (equal shares) or "all".
    """
    kernel = _method(method)
    array, laid, where = _pool_call("max_pool", x, kernel_size, stride, padding, dilation, ceil_mode)
    _known_ties(ties)
    value, chosen = kernel.max_pool(array, laid, last=ties == "last")
    if (array.dtype.kind == "i" or return_indices) and (chosen < 0).any():
        empty = tuple(int(i) for i in np.argwhere(chosen < 0)[0][2:])
        raise ShapeError(f"the window at position {empty} holds no element of X: its maximum is -inf and has no index [{where}]")
    return (value, _flat_positions(chosen, array.shape[2:], laid)) if return_indices else value


def _flat_positions(chosen: np.ndarray, sizes: tuple[int, ...], laid: tuple[Window, ...]) -> np.ndarray:
    """The flat position in the input of tap `chosen` of each window."""
    taps = np.unravel_index(chosen, tuple(window.kernel for window in laid))
    grids = np.indices(chosen.shape, sparse=True)[2:]
    at = [w.stride * j + w.dilation * t - w.before for w, j, t in zip(laid, grids, taps, strict=True)]
    flat = np.zeros(chosen.shape, np.int64)
    for n, e in zip(sizes, at, strict=True):
        flat = flat * n + e
    return flat


def _divisor(x: np.ndarray, laid: tuple[Window, ...], include_pad: bool, override: Any, where: str) -> np.ndarray:
    """What each window is divided by: its positions in the padded input (or in the input), or the number given."""
    if override is not None:
        return np.asarray(whole(override, "divisor_override", where, 1))
    if not isinstance(include_pad, bool):
        raise HyperparameterError(f"count_include_pad is {include_pad!r}, but True or False is needed [{where}]")
    total = np.ones((1,) * len(laid), np.int64)
    for axis, (n, w) in enumerate(zip(x.shape[2:], laid, strict=True)):
        e = w.stride * np.arange(w.output_size(n))[:, None] + np.arange(w.kernel) - w.before
        low, high = (-w.before, n + w.after) if include_pad else (0, n)
        counted = ((e >= low) & (e < high)).sum(axis=1)
        total = total * counted.reshape([-1 if i == axis else 1 for i in range(len(laid))])
    if (total == 0).any():
        empty = tuple(int(i) for i in np.argwhere(total == 0)[0])
        raise ShapeError(f"the window at position {empty} holds nothing that counts, so its mean divides by 0 [{where}]")
    return total


def _avg_pool_vjp(
    gy: Any,
    x: Any,
    kernel_size: Any,
    *,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    method: str = "auto",
) -> tuple[np.ndarray]:
    """(gx,): each cotangent is shared by the elements of its window."""
    kernel = _method(method)
    array, laid, where = _pool_call("avg_pool", x, kernel_size, stride, padding, 1, ceil_mode)
    divisor = _divisor(array, laid, count_include_pad, divisor_override, where)
    gy = _cotangent(gy, _pooled_shape(array, laid), where)
    gy = gy.astype(np.float64) if gy.dtype.kind == "i" else gy
    return (kernel.avg_pool_input(gy, laid, array.shape[2:], divisor),)


@_differentiable(_avg_pool_vjp)
def avg_pool(
    x: Any,
    kernel_size: Any,
    *,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    method: str = "auto",
) -> np.ndarray:
    """y[ν,c,j] = Σ_t x[ν,c,s·j+t-a] / D[j], x being 0 outside.

    D[j] is the number of the window's positions in the padded input (what a ceil_mode window has beyond the padding is not
    counted), with count_include_pad=False of those in x itself, or divisor_override. Integers give float64.
    The stride is the kernel size where it is None.
    """
    kernel = _method(method)
    array, laid, where = _pool_call("avg_pool", x, kernel_size, stride, padding, 1, ceil_mode)
    array = array.astype(np.float64) if array.dtype.kind == "i" else array
    return kernel.avg_pool(array, laid, _divisor(array, laid, count_include_pad, divisor_override, where))
