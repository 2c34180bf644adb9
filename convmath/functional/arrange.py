"""Elements that are put elsewhere, on numbers: padding, patches, flattening, concatenation, pixel shuffle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convmath.errors import DtypeError, HyperparameterError, ShapeError
from convmath.kernels import arrange, padding
from convmath.kernels.taps import output_sizes
from convmath.ops.pad import MODES
from convmath.window import BORDERS, Window, per_axis, plain, whole, windows

from .core import (
    Call,
    Padding,
    PerAxis,
    differentiable,
    known,
    numbers,
    shaped,
    spatial,
    storable,
    with_channels,
)

__all__ = ["concat", "flatten", "fold", "pad", "pixel_shuffle", "pixel_unshuffle", "unfold"]


# --- padding ------------------------------------------------------------------------------------------------------


@differentiable("x")
def pad(x: ArrayLike, pads: Sequence[Sequence[int]], *, mode: str = "constant", value: float = 0.0) -> Call[np.ndarray]:
    """Y[…,j] = X[…,j-a], and outside X what the mode says: "constant" (the value), or an element of X.

    `pads` has a (before, after) pair for each of the last axes of X, in their order; torch has a flat list that begins
    with the last axis. "reflect", "replicate", "circular" and "symmetric" read X again, "reflect" no further than
    n - 1 beyond an axis of n, "circular" and "symmetric" no further than n. With "constant" a negative number cuts off,
    and the value may be infinite. Raises ShapeError, HyperparameterError, DtypeError, UnknownNameError.

    >>> pad([1, 2, 3], ((2, 1),)), pad([1, 2, 3], ((2, -1),), value=9), pad([1, 2, 3], ((2, 1),), mode="reflect")
    (array([0, 0, 1, 2, 3, 0]), array([9, 9, 1, 2]), array([3, 2, 1, 2, 3, 2]))
    >>> pad.vjp([1, 1, 1, 1, 1, 1], [1, 2, 3], ((2, 1),), mode="reflect")
    (array([1, 3, 2]),)
    """
    x = numbers(x, "X", "pad")
    where = f"pad(X{x.shape}, pads={pads!r})"
    mode = known("mode", mode, MODES, where)
    pairs = _pairs(pads, x.ndim, where)
    shape = storable(_padded(x.shape, pairs, where), "the output", where)
    if mode == "constant":
        fill = _value(value, x, where)
        away = tuple((-a, -b) for a, b in pairs)
        return Call(
            where,
            shape,
            x.dtype,
            lambda: arrange.filled(x, pairs, fill),
            lambda gy: (arrange.filled(gy, away, 0),),
        )
    if plain(value) != 0:
        raise HyperparameterError(f"value is {value!r}, but mode={mode!r} fills in elements of X [{where}]")
    first = x.ndim - len(pairs)
    edge, laid = BORDERS[mode], _laid(pairs, x.shape[first:], mode, where)
    rows = (1, math.prod(x.shape[:first]))  # the kernels know a batch, channels, and axes behind them

    def bordered() -> np.ndarray:
        return np.array(padding.pad(x.reshape(*rows, *x.shape[first:]), laid, edge).reshape(shape))

    def gradients(gy: np.ndarray) -> tuple[np.ndarray]:
        g = padding.pad_input(gy.reshape(*rows, *shape[first:]), laid, edge)
        return (np.array(g.reshape(x.shape)),)

    return Call(where, shape, x.dtype, bordered, gradients)


def _pairs(pads: Any, most: int, where: str) -> tuple[tuple[int, int], ...]:
    """A (before, after) pair for each of the last axes, of which there are at most so many."""
    found = plain(pads)
    several = isinstance(found, Sequence) and not isinstance(found, str)
    if not several or any(not isinstance(p, Sequence) or isinstance(p, str) or len(p) != 2 for p in found):
        raise HyperparameterError(
            f"pads is {pads!r}, but a (before, after) pair for each of the last axes is needed, ((1, 1), (0, 2)) "
            f"for two of them [{where}]"
        )
    if len(found) > most:
        raise HyperparameterError(f"pads has {len(found)} pairs, but X has {most} axes [{where}]")
    return tuple(
        (_signed(a, f"pads[{axis}][0]", where), _signed(b, f"pads[{axis}][1]", where))
        for axis, (a, b) in enumerate(found)
    )


def _signed(value: Any, name: str, where: str) -> int:
    """A whole number that may be negative, but not beyond what an array can be long."""
    return whole(value, name, where, -(2**63))


def _padded(shape: tuple[int, ...], pairs: Sequence[tuple[int, int]], where: str) -> tuple[int, ...]:
    first = len(shape) - len(pairs)
    for axis, (n, (a, b)) in enumerate(zip(shape[first:], pairs, strict=True), first):
        if n + a + b < 0:
            raise ShapeError(
                f"axis {axis} has {n} elements, but {-a if a < 0 else 0} and {-b if b < 0 else 0} are to be cut off "
                f"its ends [{where}]"
            )
    return (*shape[:first], *(n + a + b for n, (a, b) in zip(shape[first:], pairs, strict=True)))


def _laid(pairs: Sequence[tuple[int, int]], sizes: Sequence[int], mode: str, where: str) -> tuple[Window, ...]:
    """The padding of each axis as that of a kernel of one tap, within what the border's index map is right for."""
    reach = BORDERS[mode].reach
    for axis, (n, (a, b)) in enumerate(zip(sizes, pairs, strict=True), -len(pairs)):
        if min(a, b) < 0:
            raise HyperparameterError(
                f"the padding of axis {axis} is {min(a, b)}, but only mode='constant' cuts off [{where}]"
            )
        most = 0 if n == 0 else max(a, b) if reach is None else reach(n)
        if max(a, b) > most:
            raise HyperparameterError(
                f"the padding of axis {axis} is {max(a, b)}, but mode={mode!r} reaches at most {most} beyond {n} "
                f"elements [{where}]"
            )
    return tuple(Window(1, before=a, after=b) for a, b in pairs)


def _value(value: Any, x: np.ndarray, where: str) -> float:
    """What is filled in, as a number of the type of X."""
    number = plain(value)
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise HyperparameterError(f"value is {value!r}, but a number is needed [{where}]")
    if x.dtype.kind == "i" and not (math.isfinite(number) and number == int(number)):
        raise DtypeError(f"value is {number}, but X holds integers; give X in floating point [{where}]")
    if x.dtype.kind == "i" and not -(2**63) <= number < 2**63:
        raise HyperparameterError(f"value is {number}, but integers are computed in int64 [{where}]")
    return number


# --- patches ------------------------------------------------------------------------------------------------------


@differentiable("x")
def unfold(
    x: ArrayLike, kernel_size: PerAxis, *, dilation: PerAxis = 1, padding: Padding = 0, stride: PerAxis = 1
) -> Call[np.ndarray]:
    """Y[ν, k·c+t, j] = X[ν, c, s·j+d·t-a]: the patches of X as columns (im2col); X is 0 outside.

    X is (N, C, *n) with any number of spatial axes (torch's has two), and Y (N, C·Πk, Πm): channel and tap are one
    number, and windows are one axis, row by row. Raises ShapeError, HyperparameterError, DtypeError, UnknownNameError.

    >>> unfold([[[1, 2, 3, 4]]], 2, stride=2)
    array([[[1, 3],
            [2, 4]]])
    """
    x = numbers(x, "X", "unfold")
    where = f"unfold(X{x.shape}, kernel_size={kernel_size!r})"
    sizes = spatial(x.shape, where)
    laid = windows(sizes, kernel_size, stride, padding, dilation, where=where)
    counts = output_sizes(laid, sizes)
    rows = x.shape[1] * math.prod(window.kernel for window in laid)
    shape = storable((x.shape[0], rows, math.prod(counts)), "the output", where)
    return Call(
        where,
        shape,
        x.dtype,
        lambda: arrange.unfold(x, laid, counts),
        lambda gy: (arrange.fold(gy, laid, counts, sizes),),
    )


@differentiable("x")
def fold(
    x: ArrayLike,
    output_size: PerAxis,
    kernel_size: PerAxis,
    *,
    dilation: PerAxis = 1,
    padding: Padding = 0,
    stride: PerAxis = 1,
) -> Call[np.ndarray]:
    """Y[ν,c,j] = Σ_{i,t} [s·i+d·t-a = j] X[ν, k·c+t, i], the adjoint of `unfold`: what overlaps is added.

    X is (N, C·Πk, Πn), n the number of windows in an array of `output_size`, which has a number for each spatial axis
    (one number is one axis). Y is (N, C, *output_size). Padding is cut off, and its only word is "valid".
    Raises ShapeError, HyperparameterError, DtypeError.

    >>> fold([[[1, 2, 3], [10, 20, 30]]], 4, 2)
    array([[[ 1, 12, 23, 30]]])
    """
    x = numbers(x, "X", "fold")
    where = f"fold(X{x.shape}, output_size={output_size!r}, kernel_size={kernel_size!r})"
    if x.ndim != 3:
        raise ShapeError(f"X has {x.ndim} axes, but (batch, channel and tap, window) are needed [{where}]")
    if isinstance(padding, str) and padding != "valid":
        raise HyperparameterError(
            f"padding is {padding!r}, but folding takes whole numbers, pairs or 'valid' [{where}]"
        )
    ndim = len(said) if isinstance(said := plain(output_size), Sequence) and not isinstance(said, str) else 1
    if ndim == 0:
        raise HyperparameterError(f"output_size is {output_size!r}, but at least one axis is needed [{where}]")
    sizes = per_axis(output_size, ndim, "output_size", where, 0)
    laid = windows(sizes, kernel_size, stride, padding, dilation, where=where)
    counts, taps = output_sizes(laid, sizes), math.prod(window.kernel for window in laid)
    if x.shape[1] == 0 or x.shape[1] % taps:
        raise ShapeError(f"axis 1 of X is {x.shape[1]}, but it must be a multiple of the {taps} taps [{where}]")
    if x.shape[2] != math.prod(counts):
        product = f"{' · '.join(map(str, counts))} = " if len(counts) > 1 else ""
        raise ShapeError(
            f"axis 2 of X is {x.shape[2]}, but an output of {sizes} has {product}{math.prod(counts)} windows [{where}]"
        )
    shape = storable((x.shape[0], x.shape[1] // taps, *sizes), "the output", where)
    return Call(
        where,
        shape,
        x.dtype,
        lambda: arrange.fold(x, laid, counts, sizes),
        lambda gy: (arrange.unfold(gy, laid, counts),),
    )


# --- flattening and concatenation ---------------------------------------------------------------------------------


@differentiable("x")
def flatten(x: ArrayLike) -> Call[np.ndarray]:
    """Y[ν, (c·n₁ + i₁)·n₂ + i₂] = X[ν,c,i₁,i₂]: all axes behind the batch are one, as in torch's layer Flatten.

    torch's function of that name begins with the batch unless it is told. Raises ShapeError, DtypeError.

    >>> flatten([[[1, 2], [3, 4]]])
    array([[1, 2, 3, 4]])
    """
    x = numbers(x, "X", "flatten")
    where = f"flatten(X{x.shape})"
    with_channels(x, where)
    shape = (x.shape[0], math.prod(x.shape[1:]))
    return Call(where, shape, x.dtype, lambda: np.array(x.reshape(shape)), lambda gy: (np.array(gy.reshape(x.shape)),))


@differentiable("x", "others")
def concat(x: ArrayLike, *others: ArrayLike, axis: int = 1) -> Call[np.ndarray]:
    """One array behind the other along an axis, the channels unless said otherwise (torch's `cat`: the batch).

    The arrays come one by one, and differ in that axis only; `vjp` returns a gradient for each of them.
    Raises ShapeError, HyperparameterError, DtypeError.

    >>> concat([[1, 2]], [[3]], [[4]])
    array([[1, 2, 3, 4]])
    >>> concat.vjp([[5, 6, 7]], [[1, 2]], [[3]])
    (array([[5, 6]]), array([[7]]))
    """
    if not others and isinstance(x, list | tuple):
        raise HyperparameterError(
            "one sequence came, but the arrays are needed one by one, concat(a, b) or concat(*arrays) [concat]"
        )
    arrays = [numbers(array, f"array {place}", "concat") for place, array in enumerate((x, *others), 1)]
    where = f"concat({', '.join(str(array.shape) for array in arrays)})"
    ndim = arrays[0].ndim
    along = whole(axis, "axis", where, -ndim)
    if along >= ndim:
        raise HyperparameterError(f"axis is {along}, but the arrays have {ndim} axes [{where}]")
    along %= ndim
    before, behind = arrays[0].shape[:along], arrays[0].shape[along + 1 :]
    for place, array in enumerate(arrays[1:], 2):
        own = array.shape[along : along + 1] or (0,)
        shaped(array, (*before, *own, *behind), f"array {place}", where)
    if along == 1 and any(array.shape[1] == 0 for array in arrays):
        raise ShapeError(f"an array has no channels, but at least one is needed [{where}]")
    dtype = np.result_type(*arrays)
    ends = np.cumsum([array.shape[along] for array in arrays])
    shape = (*before, int(ends[-1]), *behind)

    def gradients(gy: np.ndarray) -> tuple[Any, ...]:
        first, *rest = (np.array(part) for part in np.split(gy, ends[:-1], along))
        return first, tuple(rest)

    return Call(where, storable(shape, "the output", where), dtype, lambda: np.concatenate(arrays, along), gradients)


# --- pixel shuffle ------------------------------------------------------------------------------------------------


@differentiable("x")
def pixel_shuffle(x: ArrayLike, upscale_factor: PerAxis) -> Call[np.ndarray]:
    """Y[ν, c, s·i+t] = X[ν, s·c+t, i]: channels become places between places (Shi et al. 2016).

    X is (N, C·Πs, *n) with any number of spatial axes (torch's has two), the factor one for all of them or one for
    each, and Y (N, C, *s·n). Raises ShapeError, HyperparameterError, DtypeError.

    >>> pixel_shuffle([[[1, 2], [10, 20]]], 2)
    array([[[ 1, 10,  2, 20]]])
    """
    x = numbers(x, "X", "pixel_shuffle")
    where = f"pixel_shuffle(X{x.shape}, upscale_factor={upscale_factor!r})"
    factors = per_axis(upscale_factor, len(spatial(x.shape, where)), "upscale_factor", where, 1)
    if x.shape[1] % math.prod(factors):
        raise ShapeError(
            f"X has {x.shape[1]} channels, which are no multiple of {' · '.join(map(str, factors))} [{where}]"
        )
    sizes = (s * n for s, n in zip(factors, x.shape[2:], strict=True))
    return Call(
        where,
        storable((x.shape[0], x.shape[1] // math.prod(factors), *sizes), "the output", where),
        x.dtype,
        lambda: arrange.shuffled(x, factors),
        lambda gy: (arrange.unshuffled(gy, factors),),
    )


@differentiable("x")
def pixel_unshuffle(x: ArrayLike, downscale_factor: PerAxis) -> Call[np.ndarray]:
    """Y[ν, s·c+t, j] = X[ν, c, s·j+t], the inverse of `pixel_shuffle` and its adjoint.

    X is (N, C, *s·m), Y (N, C·Πs, *m). Raises ShapeError, HyperparameterError, DtypeError.

    >>> pixel_unshuffle([[[1, 10, 2, 20]]], 2)
    array([[[ 1,  2],
            [10, 20]]])
    """
    x = numbers(x, "X", "pixel_unshuffle")
    where = f"pixel_unshuffle(X{x.shape}, downscale_factor={downscale_factor!r})"
    factors = per_axis(downscale_factor, len(spatial(x.shape, where)), "downscale_factor", where, 1)
    for axis, (s, n) in enumerate(zip(factors, x.shape[2:], strict=True)):
        if n % s:
            raise ShapeError(f"spatial axis {axis} has {n} elements, which are no multiple of {s} [{where}]")
    sizes = (n // s for s, n in zip(factors, x.shape[2:], strict=True))
    return Call(
        where,
        storable((x.shape[0], x.shape[1] * math.prod(factors), *sizes), "the output", where),
        x.dtype,
        lambda: arrange.unshuffled(x, factors),
        lambda gy: (arrange.shuffled(gy, factors),),
    )
