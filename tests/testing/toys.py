"""Implementations with one fault each, and how small the case is at which it must be found.

What is right in them is `functional`, which other tests hold to the definition.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from convmath import functional as F
from convmath.testing import Case
from convmath.window import Window

__all__ = ["TOYS", "Toy"]


@dataclass(frozen=True)
class Toy:
    """An implementation, the laws that it is seen to break, and the smallest case at which it does."""

    op: str
    forward: Callable[..., Any]
    laws: set[str]
    window: Window
    shapes: tuple[tuple[int, ...], ...]
    vjp: Callable[..., Any] | None = None
    says: str = " is right"
    verdict: str = "wrong"


def pairs(padding: Any, ndim: int) -> tuple[tuple[int, int], ...]:
    return padding or ((0, 0),) * ndim


def flipped(x: np.ndarray, w: np.ndarray, b: Any = None, **options: Any) -> np.ndarray:
    return F.conv(x, w[(..., *[slice(None, None, -1)] * (w.ndim - 2))], b, **options)


def undilated(x: np.ndarray, w: np.ndarray, b: Any = None, *, dilation: Any = 1, **options: Any) -> np.ndarray:
    return F.conv(x, w, b, **options)


def turned(x: np.ndarray, w: np.ndarray, b: Any = None, *, padding: Any = 0, **options: Any) -> np.ndarray:
    return F.conv(x, w, b, padding=tuple((after, before) for before, after in pairs(padding, x.ndim - 2)), **options)


def mixed(x: np.ndarray, w: np.ndarray, b: Any = None, *, groups: int = 1, **options: Any) -> np.ndarray:
    """The last group reads what the first should."""
    each = x.reshape(x.shape[0], groups, x.shape[1] // groups, *x.shape[2:])[:, ::-1]
    return F.conv(each.reshape(x.shape), w, b, groups=groups, **options)


def keeps_the_last(x: np.ndarray, kernel_size: tuple, *, ceil_mode: bool = False, **options: Any) -> np.ndarray:
    """Under ceil_mode also the window that starts in the end padding."""
    if not ceil_mode:
        return F.max_pool(x, kernel_size, **options)
    laid = Case("max_pool", (x, kernel_size), options).windows
    pads = []
    for n, window in zip(x.shape[2:], laid, strict=True):
        over = -(n + window.before + window.after - window.span) % window.stride
        pads.append((window.before, window.after + over))
    return F.max_pool(x, kernel_size, **{**options, "padding": tuple(pads)})


def counts_the_overhang(
    x: np.ndarray,
    kernel_size: tuple,
    *,
    count_include_pad: bool = True,
    divisor_override: Any = None,
    **options: Any,
) -> np.ndarray:
    """Every window is divided by its whole size."""
    if not count_include_pad:
        return F.avg_pool(x, kernel_size, count_include_pad=False, divisor_override=divisor_override, **options)
    return F.avg_pool(x, kernel_size, divisor_override=divisor_override or int(np.prod(kernel_size)), **options)


def the_last(gy: np.ndarray, x: np.ndarray, kernel_size: tuple, *, ties: str = "first", **options: Any) -> Any:
    return F.max_pool.vjp(gy, x, kernel_size, ties="last" if ties == "first" else ties, **options)


def uncropped(gy: np.ndarray, x: np.ndarray, *rest: np.ndarray, padding: Any = 0, **options: Any) -> Any:
    """The gradient of the padded input."""
    if options.get("padding_mode", "zeros") != "zeros":
        return F.conv.vjp(gy, x, *rest, padding=padding, **options)
    wide = np.pad(x, ((0, 0), (0, 0), *pairs(padding, x.ndim - 2)))
    return F.conv.vjp(gy, wide, *rest, **options)


def wants_stride_one(x: np.ndarray, w: np.ndarray, b: Any = None, *, stride: Any = 1, **options: Any) -> np.ndarray:
    assert stride == 1, "the stride must be 1"
    return F.conv(x, w, b, **options)


def scales_its_input(x: np.ndarray, kernel_size: tuple, **options: Any) -> np.ndarray:
    y = F.max_pool(x, kernel_size, **options)
    x *= 2
    return y


def scales_its_cotangent(gy: np.ndarray, *arguments: Any, **options: Any) -> Any:
    gradients = F.conv.vjp(gy, *arguments, **options)
    gy *= 2
    return gradients


def loses_a_number(x: np.ndarray, w: np.ndarray, b: Any = None, **options: Any) -> np.ndarray:
    """NaN where a window reads nothing but padding."""
    y = F.conv_transpose(x, w, b, **options)
    return np.where(F.conv_transpose(np.ones_like(x), np.ones_like(w), **options) == 0, np.nan, y)


def without_the_bias(gy: np.ndarray, *arguments: Any, **options: Any) -> Any:
    return F.conv.vjp(gy, *arguments, **options)[:2]


def one_array(gy: np.ndarray, *arguments: Any, **options: Any) -> Any:
    return F.avg_pool.vjp(gy, *arguments, **options)[0]


def nothing(*arguments: Any, **options: Any) -> None:
    return None


ONE = (1, 1, 1)
TWO = (1, 1, 2)

TOYS = {
    "the kernel is flipped": Toy("conv", flipped, {"definition"}, Window(2), (TWO, TWO)),
    "dilation is forgotten": Toy(
        "conv", undilated, {"definition", "output size", "translation"}, Window(2, dilation=2), ((1, 1, 3), TWO)
    ),
    "padding is at the wrong side": Toy("conv", turned, {"definition"}, Window(1, after=1), (ONE, ONE)),
    "groups are swapped": Toy("conv", mixed, {"definition"}, Window(1), ((1, 2, 1), (2, 1, 1))),
    "the dropped window is kept": Toy(
        "max_pool",
        keeps_the_last,
        {"definition", "output size", "translation"},
        Window(1, 2, ceil=True),
        (TWO,),
    ),
    "the overhang counts": Toy("avg_pool", counts_the_overhang, {"definition"}, Window(2, 2, ceil=True), ((1, 1, 3),)),
    "the last of equal maxima": Toy("max_pool", F.max_pool, {"gradient", "tangent"}, Window(2), (TWO,), the_last),
    "the gradient is not cropped": Toy(
        "conv",
        F.conv,
        {"gradient", "tangent", "pairing"},
        Window(1, after=1),
        (ONE, ONE),
        uncropped,
        "gX has shape",
    ),
    "a stride above one raises": Toy(
        "conv",
        wants_stride_one,
        {"definition", "output size", "purity", "linearity", "translation"},
        Window(1, 2),
        (ONE, ONE),
        says="raises AssertionError: the stride must be 1",
        verdict="raises",
    ),
    "the input is changed": Toy(
        "max_pool", scales_its_input, {"purity"}, Window(1), (ONE,), says="the call changes X", verdict="impure"
    ),
    "the cotangent is changed": Toy(
        "conv", F.conv, {"purity"}, Window(1), (ONE, ONE), scales_its_cotangent, "changes the cotangent", "impure"
    ),
    "a number is lost": Toy(
        "conv_transpose",
        loses_a_number,
        {"definition", "linearity", "translation"},
        Window(1, dilation=2),
        (ONE, ONE),
        says="is nan, but 0 is right",
    ),
    "a gradient is missing": Toy(
        "conv",
        F.conv,
        {"gradient", "tangent", "purity"},
        Window(1),
        (ONE, ONE, (1,)),
        without_the_bias,
        "vjp returns 2 gradients, but there are 3 arrays",
        "raises",
    ),
    "the gradients are no tuple": Toy(
        "avg_pool",
        F.avg_pool,
        {"gradient", "tangent", "purity", "pairing"},
        Window(1),
        (ONE,),
        one_array,
        "vjp returns a ndarray",
        "raises",
    ),
    "nothing is returned": Toy(
        "max_pool",
        nothing,
        {"definition", "output size", "purity", "translation"},
        Window(1),
        (ONE,),
        says="the output is a NoneType of object, but an array of numbers is needed",
        verdict="raises",
    ),
}
