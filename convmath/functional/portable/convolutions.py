"""Convolutions and their kin on arrays of other libraries."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from convmath.kernels.padding import bare
from convmath.kernels.portable import convolution as kernels
from convmath.kernels.portable.moves import bordered, bordered_input, conjugate
from convmath.window import BORDERS, windows

from .computed import Computed, computed

__all__ = ["along_channels"]


def along_channels(xp: ModuleType, b: Any, ndim: int) -> Any:
    """One number for each channel, so that it broadcasts against (N, C, *n)."""
    return xp.reshape(b, (1, b.shape[0], *[1] * (ndim - 2)))


def _shifted(xp: ModuleType, y: Any, b: Any) -> Any:
    return y if b is None else y + along_channels(xp, b, y.ndim)


def _bias(xp: ModuleType, gy: Any, b: Any) -> Callable[[], Any] | None:
    return None if b is None else lambda: kernels.of_channels(xp, gy)


@computed
def conv(
    xp: ModuleType, shape: tuple[int, ...], *, x: Any, w: Any, b: Any = None, stride: Any = 1, padding: Any = 0,
    dilation: Any = 1, groups: int = 1, padding_mode: str = "zeros",
) -> Computed:  # fmt: skip
    laid = windows(x.shape[2:], w.shape[2:], stride, padding, dilation)
    edge = BORDERS.get(padding_mode)
    # the kernels know zeros; what another border gives is put around X before
    wide, inner = (x, laid) if edge is None else (bordered(xp, x, laid, edge), bare(laid))

    def by_input(gy: Any) -> Any:
        gx = kernels.conv_input(xp, gy, conjugate(xp, w), inner, groups, wide.shape[2:])
        return gx if edge is None else bordered_input(xp, gx, laid, edge)

    def by_weight(gy: Any) -> Any:
        return kernels.conv_weight(xp, gy, conjugate(xp, wide), inner, groups)

    def gradients(gy: Any) -> tuple[Any, ...]:
        return lambda: by_input(gy), lambda: by_weight(gy), _bias(xp, gy, b)

    return Computed(lambda: _shifted(xp, kernels.conv(xp, wide, w, inner, groups), b), gradients)


@computed
def depthwise_conv(xp: ModuleType, shape: tuple[int, ...], *, x: Any, w: Any, **given: Any) -> Computed:
    return conv(xp, shape, x=x, w=w, groups=x.shape[1], **given)


@computed
def convolution(xp: ModuleType, shape: tuple[int, ...], *, x: Any, w: Any, **given: Any) -> Computed:
    def turned(w: Any) -> Any:
        return xp.flip(w, axis=tuple(range(2, w.ndim)))

    plain = conv(xp, shape, x=x, w=turned(w), **given)

    def gradients(gy: Any) -> tuple[Any, ...]:
        gx, gw, gb = plain.gradients(gy)
        return gx, lambda: turned(gw()), gb

    return Computed(plain.value, gradients)


@computed
def separable_conv(
    xp: ModuleType, shape: tuple[int, ...], *, x: Any, w: Any, u: Any, b: Any = None, **given: Any
) -> Computed:
    first = depthwise_conv(xp, shape, x=x, w=w, **given)

    def second() -> Computed:
        return conv(xp, shape, x=first.value(), w=u, b=b)

    def gradients(gy: Any) -> tuple[Any, ...]:
        gz, gu, gb = second().gradients(gy)
        gx, gw, _ = first.gradients(gz())
        return gx, gw, gu, gb

    return Computed(lambda: second().value(), gradients)


@computed
def conv_transpose(
    xp: ModuleType, shape: tuple[int, ...], *, x: Any, w: Any, b: Any = None, stride: Any = 1, padding: Any = 0,
    output_padding: Any = 0, dilation: Any = 1, groups: int = 1,
) -> Computed:  # fmt: skip
    laid = windows(x.shape[2:], w.shape[2:], stride, padding, dilation, fits=False)

    def value() -> Any:
        return _shifted(xp, kernels.conv_input(xp, x, w, laid, groups, shape[2:]), b)

    def by_input(gy: Any) -> Any:
        # an output padding of a stride or more leaves room for windows that X does not have
        return kernels.conv(xp, gy, conjugate(xp, w), laid, groups)[(..., *(slice(0, n) for n in x.shape[2:]))]

    def by_weight(gy: Any) -> Any:
        return kernels.conv_weight(xp, conjugate(xp, x), gy, laid, groups)

    def gradients(gy: Any) -> tuple[Any, ...]:
        return lambda: by_input(gy), lambda: by_weight(gy), _bias(xp, gy, b)

    return Computed(value, gradients)
