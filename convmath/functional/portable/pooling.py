"""Pooling on arrays of other libraries."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from convmath.kernels.portable import adaptive
from convmath.kernels.portable import pooling as kernels
from convmath.kernels.portable.library import of_numpy
from convmath.kernels.portable.moves import zeros
from convmath.kernels.taps import output_sizes
from convmath.window import Window, windows

from ..pooling import divisor_of
from .computed import Computed, computed

__all__: list[str] = []


def _laid(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> tuple[tuple[Window, ...], tuple[int, ...]]:
    stride = kernel_size if stride is None else stride
    laid = windows(x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode=ceil_mode)
    return laid, output_sizes(laid, x.shape[2:])


@computed
def max_pool(
    xp: ModuleType, shape: tuple[int, ...], *, x: Any, return_indices: bool = False, ties: str = "first", **given: Any
) -> Computed:
    laid, counts = _laid(x, **given)

    def value() -> Any:
        y = kernels.max_pool(xp, x, laid, counts)
        return (y, kernels.max_pool_selection(xp, x, y, laid, ties)) if return_indices else y

    return Computed(value, lambda gy: (kernels.max_pool_input(xp, gy, x, laid, ties),))


@computed
def avg_pool(
    xp: ModuleType, shape: tuple[int, ...], *, x: Any, count_include_pad: bool = True, divisor_override: Any = None,
    **given: Any,
) -> Computed:  # fmt: skip
    laid, counts = _laid(x, **given)
    sizes = x.shape[2:]
    divisor = divisor_of(laid, sizes, count_include_pad) if divisor_override is None else int(divisor_override)
    return Computed(
        lambda: kernels.avg_pool(xp, x, laid, counts, divisor),
        lambda gy: (kernels.avg_input(xp, gy, laid, sizes, divisor),),
    )


# --- powers -------------------------------------------------------------------------------------------------------


def _powers(
    xp: ModuleType, x: Any, p: float, absolute: bool, pooled: Callable[[Any], Any], back: Callable[[Any], Any]
) -> Computed:
    """(Σ X^p)^(1/p); where the sum is 0 the gradient is taken to be 0."""
    base = xp.abs(x) if absolute else x
    sums = pooled(xp.pow(base, p))

    def gradients(gy: Any) -> tuple[Any, ...]:
        slopes = xp.pow(base, p - 1)
        positive = xp.where(sums == 0, xp.ones_like(sums), sums)
        of_sums = xp.where(sums == 0, xp.zeros_like(gy), gy * xp.pow(positive, 1 / p - 1))
        return (back(of_sums) * (slopes * xp.sign(x) if absolute else slopes),)

    def suspect() -> Any:
        negative = xp.any(sums < 0)
        return negative if p.is_integer() else negative | xp.any(base < 0)

    return Computed(lambda: xp.pow(sums, 1 / p), gradients, suspect)


@computed
def lp_pool(
    xp: ModuleType, shape: tuple[int, ...], *, x: Any, norm_type: Any, absolute: bool = False, **given: Any
) -> Computed:
    laid, counts = _laid(x, **given)
    return _powers(
        xp,
        x,
        float(norm_type),
        absolute,
        lambda powers: kernels.sum_pool(xp, powers, laid, counts),
        lambda g: kernels.sum_pool_input(xp, g, laid, x.shape[2:]),
    )


@computed
def global_lp_pool(
    xp: ModuleType, shape: tuple[int, ...], *, x: Any, norm_type: Any, absolute: bool = False
) -> Computed:
    axes = tuple(range(2, x.ndim))
    return _powers(
        xp, x, float(norm_type), absolute, lambda powers: xp.sum(powers, axis=axes, keepdims=True), lambda g: g
    )


# --- adaptive and global ------------------------------------------------------------------------------------------


@computed
def adaptive_avg_pool(xp: ModuleType, shape: tuple[int, ...], *, x: Any, output_size: Any = None) -> Computed:
    return Computed(
        lambda: adaptive.avg_pool(xp, x, shape[2:]), lambda gy: (adaptive.avg_pool_input(xp, gy, x.shape[2:]),)
    )


@computed
def adaptive_max_pool(
    xp: ModuleType, shape: tuple[int, ...], *, x: Any, output_size: Any = None, return_indices: bool = False,
    ties: str = "first",
) -> Computed:  # fmt: skip
    def value() -> Any:
        y = adaptive.max_pool(xp, x, shape[2:])
        return (y, adaptive.max_pool_selection(xp, x, shape[2:], ties)) if return_indices else y

    return Computed(value, lambda gy: (adaptive.max_pool_input(xp, gy, x, ties),))


@computed
def global_avg_pool(xp: ModuleType, shape: tuple[int, ...], *, x: Any) -> Computed:
    return adaptive_avg_pool(xp, shape, x=x)


@computed
def global_max_pool(xp: ModuleType, shape: tuple[int, ...], *, x: Any, ties: str = "first") -> Computed:
    return adaptive_max_pool(xp, shape, x=x, ties=ties)


# --- back to where elements came from -----------------------------------------------------------------------------


@computed
def max_unpool(xp: ModuleType, shape: tuple[int, ...], *, x: Any, indices: Any, **given: Any) -> Computed:
    """Nothing is written at a place that data tell: each position looks for itself among those that are sorted."""
    size, rows = math.prod(shape[2:]), math.prod(shape[:2])
    at = xp.reshape(indices, (rows, math.prod(x.shape[2:])))
    own = xp.reshape(at + of_numpy(xp, size * np.arange(rows)[:, None], at), (-1,))

    def value() -> Any:
        if own.shape[0] == 0:
            return zeros(xp, shape, x)
        order = xp.argsort(own)
        held = xp.take(own, order, axis=0)
        wanted = xp.astype(of_numpy(xp, np.arange(rows * size), own), own.dtype)
        place = xp.clip(xp.searchsorted(held, wanted), max=own.shape[0] - 1)
        values = xp.take(xp.reshape(x, (-1,)), xp.take(order, place, axis=0), axis=0)
        return xp.reshape(xp.where(xp.take(held, place, axis=0) == wanted, values, zeros(xp, (), x)), shape)

    def suspect() -> Any:
        beyond, each = xp.any((at < 0) | (at >= size)), xp.sort(at, axis=-1)
        return beyond | xp.any(each[:, 1:] == each[:, :-1])

    def gradients(gy: Any) -> tuple[Any, ...]:
        return xp.reshape(xp.take(xp.reshape(gy, (-1,)), own, axis=0), x.shape), None

    return Computed(value, gradients, suspect)
