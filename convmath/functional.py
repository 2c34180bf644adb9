"""The operators on numbers, each with its gradient as `.vjp`.

Arrays are (N, C, *spatial) with any number of spatial axes. float32 and float64 stay what they are, and together
give float64; integers are computed in int64, where sums wrap round (means in float64). Inputs are never changed,
and results share no memory with them. An int stands for every spatial axis and a flat tuple has one entry for each;
padding also takes a (before, after) pair for each axis, or "same", "same_lower", "valid" or "full".

`op.vjp(cotangent, *arguments)` takes what `op` takes behind a cotangent of the output's shape, and returns a tuple
with the gradient of ⟨cotangent, op(*arguments)⟩ by each array argument that was passed (None for None). `method`
chooses the kernels: "direct" is the plain definition, "patches" multiplies matrices, "auto" is the fastest.

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
import inspect
import math
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from convmath.errors import DtypeError, HyperparameterError, ShapeError, unknown
from convmath.kernels import AUTO, METHODS
from convmath.kernels.padding import bare, pad, pad_input, padded_sizes
from convmath.kernels.taps import occupancy, output_sizes
from convmath.window import Border, Window, border, flag, per_axis, whole, windows

__all__ = ["avg_pool", "conv", "conv_transpose", "max_pool"]

TIES = ("first", "last", "split", "all")

# the elements of 8 bytes that there are addresses for
_MOST = sys.maxsize // 8

PerAxis = int | Sequence[int] | np.ndarray
Padding = PerAxis | Sequence[Sequence[int]] | str


# --- an operator and its gradient -----------------------------------------------------------------------------

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Call(Generic[R]):
    """An operator at arguments that are checked: how to compute it, and its gradients from a cotangent."""

    where: str
    shape: tuple[int, ...]
    dtype: np.dtype
    value: Callable[[], R]
    gradients: Callable[[np.ndarray], tuple[np.ndarray | None, ...]]


class Differentiable(Protocol[P, R_co]):
    """A function with its gradient beside it."""

    __name__: str
    vjp: Callable[Concatenate[ArrayLike, P], tuple[Any, ...]]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...


def differentiable(*arrays: str) -> Callable[[Callable[P, Call[R]]], Differentiable[P, R]]:
    """The operator whose calls the decorated function prepares; `arrays` names its first arguments, the arrays."""

    def made(prepare: Callable[P, Call[R]]) -> Differentiable[P, R]:
        @functools.wraps(prepare)
        def forward(*args: P.args, **kwargs: P.kwargs) -> R:
            return prepare(*args, **kwargs).value()

        def vjp(cotangent: ArrayLike, *args: P.args, **kwargs: P.kwargs) -> tuple[np.ndarray | None, ...]:
            call = prepare(*args, **kwargs)
            gradients = zip(arrays, call.gradients(_cotangent(cotangent, call)), strict=True)
            return tuple(g for i, (name, g) in enumerate(gradients) if i < len(args) or name in kwargs)

        name, taken = (
            prepare.__name__,
            inspect.signature(prepare).replace(return_annotation=inspect.Signature.empty),
        )
        first = inspect.Parameter("cotangent", inspect.Parameter.POSITIONAL_ONLY)
        vjp.__module__, vjp.__name__, vjp.__qualname__ = prepare.__module__, "vjp", f"{name}.vjp"
        vjp.__doc__ = f"The gradient of ⟨cotangent, {name}(…)⟩ by each array argument that is passed."
        operator: Any = forward
        operator.vjp, operator.__signature__ = vjp, taken
        operator.vjp.__signature__ = taken.replace(parameters=[first, *taken.parameters.values()])
        return operator

    return made


def _cotangent(value: ArrayLike, call: Call[Any]) -> np.ndarray:
    cotangent = _numbers(value, "the cotangent", call.where)
    if cotangent.shape != call.shape:
        raise ShapeError(
            f"the cotangent has shape {cotangent.shape}, but the output's shape {call.shape} is needed [{call.where}]"
        )
    return cotangent.astype(np.result_type(cotangent, call.dtype), copy=False)


# --- what every operator asks of its arguments ----------------------------------------------------------------


def _numbers(value: ArrayLike, name: str, where: str) -> np.ndarray:
    """The array in the type that it is computed in."""
    if isinstance(value, np.ndarray) and hasattr(value, "mask"):
        raise DtypeError(f"{name} is a masked array, but what is masked has no value; fill it first [{where}]")
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DtypeError(f"{name} cannot be read as an array of numbers: {error} [{where}]") from error
    kind, width = array.dtype.kind, array.dtype.itemsize
    if kind == "f" and width in (4, 8):
        return array.astype(f"f{width}", copy=False)
    if kind not in "iu":
        raise DtypeError(f"{name} holds {array.dtype}, but float32, float64 or integers are needed [{where}]")
    if kind == "u" and width == 8 and array.size and array.max() > np.iinfo(np.int64).max:
        raise DtypeError(f"{name} holds {array.max()}, but integers are computed in int64 [{where}]")
    return array.astype(np.int64, copy=False)


def _known(kind: str, name: Any, names: Collection[str], where: str) -> str:
    if not isinstance(name, str) or name not in names:
        raise unknown(kind, name, names, where)
    return name


def _kernels(method: str, where: str) -> ModuleType:
    named = _known("method", method, ("auto", *METHODS), where)
    return METHODS[AUTO if named == "auto" else named]


def _spatial(x: np.ndarray, where: str) -> tuple[int, ...]:
    if x.ndim < 3:
        raise ShapeError(
            f"X has {x.ndim} axes, but a batch axis, a channel axis and at least one spatial axis are needed [{where}]"
        )
    if x.shape[1] == 0:
        raise ShapeError(f"X has no channels, but at least one is needed [{where}]")
    return x.shape[2:]


def _operands(
    name: str, x: ArrayLike, w: ArrayLike, b: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, str]:
    """Input, weight and bias in one type, and how an error names the call."""
    x, w = _numbers(x, "X", name), _numbers(w, "W", name)
    where = f"{name}(X{x.shape}, W{w.shape})"
    _spatial(x, where)
    if w.ndim != x.ndim:
        raise ShapeError(f"W has {w.ndim} axes, but X has {x.ndim}, and both need the same number [{where}]")
    b = None if b is None else _numbers(b, "B", where)
    dtype = np.result_type(x, w) if b is None else np.result_type(x, w, b)
    return x.astype(dtype, copy=False), w.astype(dtype, copy=False), b if b is None else b.astype(dtype), where


def _in_groups(channels: int, groups: int, said: str, where: str) -> None:
    if channels == 0:
        raise ShapeError(f"{said} no channels, but at least one is needed [{where}]")
    if channels % groups:
        raise ShapeError(f"{said} {channels} channels, which do not divide into {groups} groups [{where}]")


def _one_each(b: np.ndarray | None, channels: int, where: str) -> None:
    if b is not None and b.shape != (channels,):
        raise ShapeError(f"B has shape {b.shape}, but ({channels},) is needed, one number an output channel [{where}]")


def _storable(shape: tuple[int, ...], what: str, where: str) -> tuple[int, ...]:
    """The shape, if an array can have it."""
    if math.prod(n for n in shape if n) > _MOST:
        raise ShapeError(f"{what} would have the shape {shape}, which is more than any array can hold [{where}]")
    return shape


def _shifted(y: np.ndarray, b: np.ndarray | None) -> np.ndarray:
    """y with the bias added in place."""
    if b is not None:
        y += b.reshape(-1, *[1] * (y.ndim - 2))
    return y


def _bias_gradient(gy: np.ndarray, b: np.ndarray | None) -> np.ndarray | None:
    return None if b is None else gy.sum(axis=(0, *range(2, gy.ndim)))


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


# --- convolution ----------------------------------------------------------------------------------------------


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
    IEEE arithmetic, also W·0 in the padding. Raises ShapeError, HyperparameterError, DtypeError, UnknownNameError.

    >>> conv([[[1, 2, 3, 4]]], [[[1, 10]]], stride=2, padding=((1, 0),))
    array([[[10, 32]]])
    >>> conv([[[1, 2, 3, 4]]], [[[1, 10]]], padding=((1, 0),), padding_mode="circular")
    array([[[14, 21, 32, 43]]])
    """
    x, w, b, where = _operands("conv", x, w, b)
    kernels, groups = _kernels(method, where), whole(groups, "groups", where, 1)
    _in_groups(x.shape[1], groups, "X has", where)
    _in_groups(w.shape[0], groups, "W makes", where)
    if w.shape[1] * groups != x.shape[1]:
        raise ShapeError(f"W reads {w.shape[1]} channels a group, but X has {x.shape[1]} in {groups} groups [{where}]")
    edge, sizes = border(padding_mode, where), x.shape[2:]
    laid = windows(sizes, w.shape[2:], stride, padding, dilation, where=where)
    _one_each(b, w.shape[0], where)
    _storable((*x.shape[:2], *padded_sizes(laid, sizes)), "the padded input", where)
    shape = _storable((x.shape[0], w.shape[0], *output_sizes(laid, sizes)), "the output", where)
    wide, inner = x, laid  # the kernels know zeros; what another border gives is put around X before
    if edge is not None:
        _within_reach(edge, laid, sizes, where)
        wide, inner = pad(x, laid, edge), bare(laid)

    def value() -> np.ndarray:
        return _shifted(kernels.conv(wide, w, inner, groups), b)

    def gradients(gy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        gx = kernels.conv_input(gy, w, inner, groups, wide.shape[2:])
        gw = kernels.conv_weight(gy, wide, inner, groups)
        return gx if edge is None else pad_input(gx, laid, edge), gw, _bias_gradient(gy, b)

    return Call(where, shape, x.dtype, value, gradients)


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
    "valid". Raises ShapeError, HyperparameterError, DtypeError, UnknownNameError.

    >>> conv_transpose([[[1, 2]]], [[[1, 10, 100]]], stride=2)
    array([[[  1,  10, 102,  20, 200]]])
    """
    x, w, b, where = _operands("conv_transpose", x, w, b)
    kernels, groups = _kernels(method, where), whole(groups, "groups", where, 1)
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
    _storable((*shape[:2], *padded_sizes(laid, sizes)), "the output before it is cut", where)
    _one_each(b, shape[1], where)

    def value() -> np.ndarray:
        return _shifted(kernels.conv_transpose(x, w, laid, groups, sizes), b)

    def gradients(gy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        # an output padding of a stride or more leaves room for windows that X does not have
        own = tuple(slice(0, n) for n in x.shape[2:])
        gx = np.ascontiguousarray(kernels.conv(gy, w, laid, groups)[..., *own])
        return gx, kernels.conv_weight(x, gy, laid, groups), _bias_gradient(gy, b)

    return Call(where, shape, x.dtype, value, gradients)


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


# --- pooling --------------------------------------------------------------------------------------------------


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
    kernels, ties = _kernels(method, where), _known("choice of ties", ties, TIES, where)
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
    x = x.astype(np.result_type(x, np.float32), copy=False)
    kernels, sizes = _kernels(method, where), x.shape[2:]
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
    x = _numbers(x, "X", name)
    where = f"{name}(X{x.shape}, kernel_size={kernel_size!r})"
    sizes, stride = _spatial(x, where), kernel_size if stride is None else stride
    laid = windows(sizes, kernel_size, stride, padding, dilation, ceil_mode=ceil_mode, where=where)
    return x, laid, _storable((*x.shape[:2], *output_sizes(laid, sizes)), "the output", where), where


def _occupied(count: np.ndarray, why: str, where: str) -> None:
    """Refuse windows that hold nothing."""
    for position in np.argwhere(count == 0)[:1]:
        raise ShapeError(f"window {tuple(map(int, position))} holds no element of X, and {why} [{where}]")
