"""Softmax and losses on arrays of other libraries."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

from convmath.kernels.portable import losses as kernels
from convmath.kernels.portable.library import device
from convmath.kernels.portable.moves import zeros

from .computed import Computed, computed
from .convolutions import along_channels

__all__: list[str] = []

Shape = tuple[int, ...]


@computed
def softmax(xp: ModuleType, shape: Shape, *, x: Any, axis: Any = -1) -> Computed:
    axis = int(axis)
    return Computed(
        lambda: kernels.softmax(xp, x, axis),
        lambda gy: (kernels.softmax_input(xp, gy, kernels.softmax(xp, x, axis), axis),),
    )


@computed
def log_softmax(xp: ModuleType, shape: Shape, *, x: Any, axis: Any = -1) -> Computed:
    axis = int(axis)
    return Computed(
        lambda: kernels.log_softmax(xp, x, axis),
        lambda gy: (kernels.log_softmax_input(xp, gy, kernels.log_softmax(xp, x, axis), axis),),
    )


# --- mean, sum or none --------------------------------------------------------------------------------------------


def _reduced(xp: ModuleType, values: Any, reduction: str, divisor: Any) -> Any:
    """What becomes of a loss at each position; the mean of nothing is NaN."""
    if reduction == "none":
        return values
    return _mean(xp.sum(values), reduction, divisor)


def _spread(xp: ModuleType, gy: Any, shape: Shape, reduction: str, divisor: Any) -> Any:
    """The cotangent of the loss at each position."""
    return xp.broadcast_to(_mean(gy, reduction, divisor), shape)


def _mean(value: Any, reduction: str, divisor: Any) -> Any:
    return value / divisor if reduction == "mean" else value


def _count(xp: ModuleType, shape: Shape, like: Any) -> Any:
    """The number of elements, as an array, since by the number 0 nothing is divided."""
    return xp.full((), math.prod(shape), dtype=like.dtype, device=device(like))


# --- by class -----------------------------------------------------------------------------------------------------


def _classes(
    xp: ModuleType, x: Any, z: Any, target: Any, weight: Any, ignored: int, reduction: str, smoothing: float = 0.0,
    *, softmax: bool,
) -> Computed:  # fmt: skip
    """-(1 - ε)·W[T]·Z[T] - ε/C·Σ_c W[c]·Z[c]; by X, of which Z is the logarithm of the softmax, or Z itself."""
    count, kept = x.shape[1], target != ignored
    classes = xp.reshape(xp.arange(count, device=device(x)), (1, -1, *[1] * (x.ndim - 2)))
    chosen = kernels.chosen_of(xp, target, classes, kept)
    each = xp.ones((count,), dtype=x.dtype, device=device(x)) if weight is None else weight
    wide = along_channels(xp, each, x.ndim)
    divisor = xp.sum(xp.where(chosen, xp.broadcast_to(wide, z.shape), zeros(xp, (), z)))

    def value() -> Any:
        return _reduced(xp, kernels.by_class(xp, z, chosen, kept, wide, smoothing), reduction, divisor)

    def by_weight(gy: Any, g: Any) -> Any:
        gw = kernels.by_class_weight(xp, g, z, chosen, kept, smoothing)
        if reduction == "mean":  # the divisor depends on the weights too
            counts = xp.sum(xp.astype(chosen, g.dtype), axis=(0, *range(2, z.ndim)))
            gw = gw - counts * (gy * value() / divisor)
        return gw

    def gradients(gy: Any) -> tuple[Any, ...]:
        g = _spread(xp, gy, target.shape, reduction, divisor)
        gz = kernels.by_class_input(xp, g, z, chosen, kept, wide, smoothing)
        gx = kernels.log_softmax_input(xp, gz, z, 1) if softmax else gz
        return gx, None, None if weight is None else lambda: by_weight(gy, g)

    return Computed(value, gradients, lambda: xp.any(kept & ((target < 0) | (target >= count))))


@computed
def nll(
    xp: ModuleType, shape: Shape, *, x: Any, target: Any, weight: Any = None, ignore_index: Any = -100,
    reduction: str = "mean",
) -> Computed:  # fmt: skip
    return _classes(xp, x, x, target, weight, int(ignore_index), reduction, softmax=False)


@computed
def cross_entropy(
    xp: ModuleType, shape: Shape, *, x: Any, target: Any, weight: Any = None, ignore_index: Any = -100,
    reduction: str = "mean", label_smoothing: Any = 0.0,
) -> Computed:  # fmt: skip
    z, smoothing = kernels.log_softmax(xp, x, 1), float(label_smoothing)
    if xp.isdtype(target.dtype, "integral"):
        return _classes(xp, x, z, target, weight, int(ignore_index), reduction, smoothing, softmax=True)
    wide = 1.0 if weight is None else along_channels(xp, weight, x.ndim)
    positions = (x.shape[0], *x.shape[2:])
    divisor = _count(xp, positions, x)

    def value() -> Any:
        return _reduced(xp, kernels.by_probability(xp, z, target, wide, smoothing), reduction, divisor)

    def gradients(gy: Any) -> tuple[Any, ...]:
        g = _spread(xp, gy, positions, reduction, divisor)
        gz, gt, gw = kernels.by_probability_gradients(xp, g, z, target, wide, smoothing)
        return kernels.log_softmax_input(xp, gz, z, 1), gt, None if weight is None else gw

    def suspect() -> Any:
        """Whether they may not be probabilities; each sum is rounded here too."""
        off = xp.abs(xp.sum(target, axis=1) - 1) <= (x.shape[1] + 2) * xp.finfo(target.dtype).eps / 2
        return xp.any(~off) | xp.any(target < 0)

    return Computed(value, gradients, suspect)


# --- by element ---------------------------------------------------------------------------------------------------


@computed
def mse(xp: ModuleType, shape: Shape, *, x: Any, target: Any, reduction: str = "mean") -> Computed:
    divisor = _count(xp, x.shape, x)

    def gradients(gy: Any) -> tuple[Any, ...]:
        gx = 2 * _spread(xp, gy, x.shape, reduction, divisor) * (x - target)
        return gx, -gx

    return Computed(lambda: _reduced(xp, (x - target) * (x - target), reduction, divisor), gradients)


@computed
def binary_cross_entropy_with_logits(
    xp: ModuleType, shape: Shape, *, x: Any, target: Any, weight: Any = None, reduction: str = "mean",
    pos_weight: Any = None,
) -> Computed:  # fmt: skip
    divisor = _count(xp, x.shape, x)
    each = 1.0 if weight is None else weight
    wide = None if pos_weight is None else along_channels(xp, pos_weight, x.ndim)

    def value() -> Any:
        return _reduced(xp, each * kernels.binary(xp, x, target, wide), reduction, divisor)

    def gradients(gy: Any) -> tuple[Any, ...]:
        g = _spread(xp, gy, x.shape, reduction, divisor)
        gx, gt, gw, gq = kernels.binary_gradients(xp, g, x, target, each, wide)
        by_pos_weight = None if pos_weight is None else lambda: xp.sum(gq, axis=(0, *range(2, x.ndim)))
        return gx, gt, None if weight is None else gw, by_pos_weight

    return Computed(value, gradients)
