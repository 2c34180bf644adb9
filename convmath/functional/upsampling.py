"""Upsampling on numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convmath.errors import HyperparameterError, ShapeError
from convmath.kernels import arrange
from convmath.ops.upsample import MODES
from convmath.window import flag, per_axis

from .core import Call, PerAxis, differentiable, floating, known, numbers, spatial, storable

__all__ = ["between", "nearest", "upsample"]


@differentiable("x")
def upsample(
    x: ArrayLike,
    size: PerAxis | None = None,
    scale_factor: PerAxis | None = None,
    *,
    mode: str = "nearest",
    align_corners: bool = False,
) -> Call[np.ndarray]:
    """Y[ν,c,j] = the element nearest to position j, or with "linear" what lies between its neighbours.

    Each spatial axis gets the `size` m, or `scale_factor` times (a whole number) the elements it has. "nearest" takes
    element ⌊j·n/m⌋, "nearest-exact" ⌊(j + ½)·n/m⌋, computed in integers; torch rounds in float32, and takes another for
    some sizes (6 to 74). "linear" interpolates at (j + ½)·n/m - ½, or with `align_corners` at j·(n - 1)/(m - 1), along
    each of any number of axes (torch calls it bilinear with two, trilinear with three); before the first element and
    behind the last that one stands. Integers are interpolated in float64.
    Raises ShapeError, HyperparameterError, DtypeError, UnknownNameError.

    >>> upsample([[[1, 2, 3]]], scale_factor=2), upsample([[[1, 2, 3]]], 5)
    (array([[[1, 1, 2, 2, 3, 3]]]), array([[[1, 1, 2, 2, 3]]]))
    >>> upsample([[[0, 4]]], scale_factor=2, mode="linear"), upsample([[[0, 4]]], 5, mode="linear", align_corners=True)
    (array([[[0., 1., 3., 4.]]]), array([[[0., 1., 2., 3., 4.]]]))
    """
    x = numbers(x, "X", "upsample")
    where = f"upsample(X{x.shape}, size={size!r}, scale_factor={scale_factor!r})"
    sizes, mode = spatial(x.shape, where), known("mode", mode, MODES, where)
    corners = flag(align_corners, "align_corners", where)
    if corners and mode != "linear":
        raise HyperparameterError(f"align_corners is True, but mode={mode!r} takes an element as it is [{where}]")
    wanted = _wanted(size, scale_factor, sizes, where)
    shape = storable((*x.shape[:2], *wanted), "the output", where)
    if corners and min(wanted) < 2:
        raise HyperparameterError(
            f"the output would be {wanted}, but two corners on an axis need at least 2 positions [{where}]"
        )
    if (size is not None or mode == "linear") and min(sizes) == 0:
        raise ShapeError(f"X has no element on an axis, but at least one is needed [{where}]")
    forward: Callable[..., np.ndarray]
    back: Callable[..., np.ndarray]
    laid: list[tuple[Any, ...]]
    if mode == "linear":
        x, forward, back = floating(x), arrange.interpolated, arrange.interpolated_input
        laid = [between(n, m, corners) for n, m in zip(sizes, wanted, strict=True)]
    else:
        forward, back = arrange.picked, arrange.picked_input
        laid = [(nearest(n, m, mode),) for n, m in zip(sizes, wanted, strict=True)]

    def value() -> np.ndarray:
        y = x
        for axis, at in enumerate(laid, 2):
            y = forward(y, axis, *at)
        return y

    def gradients(gy: np.ndarray) -> tuple[np.ndarray]:
        for axis, (at, n) in enumerate(zip(laid, sizes, strict=True), 2):
            gy = back(gy, axis, *at, n)
        return (gy,)

    return Call(where, shape, x.dtype, value, gradients)


def _wanted(size: PerAxis | None, scale_factor: PerAxis | None, sizes: tuple[int, ...], where: str) -> tuple[int, ...]:
    """The spatial sizes of the output."""
    if (size is None) == (scale_factor is None):
        came = "both came" if size is not None else "neither came"
        raise HyperparameterError(f"size or scale_factor is needed, but {came} [{where}]")
    if size is not None:
        return per_axis(size, len(sizes), "size", where, 1)
    factors = per_axis(scale_factor, len(sizes), "scale_factor", where, 1)
    return tuple(s * n for s, n in zip(factors, sizes, strict=True))


def nearest(n: int, m: int, mode: str) -> np.ndarray:
    """The element of n that position j of m takes: ⌊j·n/m⌋, or ⌊(2·j + 1)·n/(2·m)⌋"""
    j = np.arange(m)
    return j * n // max(m, 1) if mode == "nearest" else (2 * j + 1) * n // max(2 * m, 1)


def between(n: int, m: int, corners: bool) -> tuple[np.ndarray, int]:
    """Where position j of m lies among n elements, as parts of a step, and how many parts make a step."""
    j = np.arange(m)
    if corners:
        return j * (n - 1), m - 1
    return np.clip((2 * j + 1) * n - m, 0, 2 * m * (n - 1)), 2 * m
