"""One axis of a windowed operator: the size formulas that run, and what lies outside an axis.

The formulas are only formulas: integers give integers, and the polynomials of `ir` (or sympy symbols) give
the same formula in symbols, so that what is run is what is printed and what is proved.

>>> Window(kernel=7, stride=2, before=3, after=3).output_size(224)
112
>>> windows((224, 224), kernel=7, stride=2, padding=3)[0].output_size(224)
112
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from convmath.errors import ConvmathError, HyperparameterError, ShapeError, unknown

__all__ = [
    "BORDERS",
    "PADDING_WORDS",
    "Border",
    "Window",
    "border",
    "ceil_steps",
    "flag",
    "per_axis",
    "plain",
    "same_total",
    "span",
    "steps",
    "transposed_size",
    "whole",
    "windows",
]


# --- size formulas ----------------------------------------------------------------------------------------


def span(k: Any, d: Any) -> Any:
    """d·(k - 1) + 1, the length that a dilated kernel covers"""
    return d * (k - 1) + 1


def steps(n: Any, k: Any, s: Any, d: Any, a: Any, b: Any) -> Any:
    """⌊(n + a + b - d·(k - 1) - 1) / s⌋ + 1, the windows that lie inside"""
    return (n + a + b - d * (k - 1) - 1) // s + 1


def ceil_steps(n: Any, k: Any, s: Any, d: Any, a: Any, b: Any, least: Callable[..., Any] = min) -> Any:
    """min(⌊(n + a + b - d·(k - 1) - 2) / s⌋ + 1, ⌊(n + a - 1) / s⌋) + 1

    The windows before which the end was not yet reached (the ceiling) and that start before the end padding.
    """
    return least((n + a + b - d * (k - 1) - 2) // s + 1, (n + a - 1) // s) + 1


def transposed_size(n: Any, k: Any, s: Any, d: Any, a: Any, b: Any, e: Any) -> Any:
    """(n - 1)·s - a - b + d·(k - 1) + e + 1, the e-th size (0 ≤ e < s) whose convolution has n windows"""
    return (n - 1) * s - a - b + d * (k - 1) + e + 1


def same_total(n: int, k: int, s: int, d: int) -> int:
    """max((⌈n / s⌉ - 1)·s + d·(k - 1) + 1 - n, 0), the padding under which ⌈n / s⌉ windows fit"""
    return max((-(-n // s) - 1) * s + span(k, d) - n, 0)


# --- what lies outside ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Border:
    """A padding policy as an index map: `below(e, n)` for e < 0, `above(e, n)` for e ≥ n, else e itself.

    Both are affine, and right as far as `reach(n)` beyond either end (None: however far).
    """

    name: str
    below: Callable[[Any, Any], Any]
    above: Callable[[Any, Any], Any]
    reach: Callable[[Any], Any] | None


BORDERS = {
    border.name: border
    for border in (
        Border("circular", lambda e, n: e + n, lambda e, n: e - n, lambda n: n),
        Border("replicate", lambda e, n: 0 * e, lambda e, n: n - 1 + 0 * e, None),
        # reflect turns about the last element, symmetric about its outer edge (the element stands twice)
        Border("reflect", lambda e, n: -e, lambda e, n: 2 * n - 2 - e, lambda n: n - 1),
        Border("symmetric", lambda e, n: -e - 1, lambda e, n: 2 * n - 1 - e, lambda n: n),
    )
}


def border(padding_mode: str, where: str) -> Border | None:
    """The border of that name; None for zeros, which is no index map."""
    if not isinstance(padding_mode, str) or padding_mode not in ("zeros", *BORDERS):
        raise unknown("padding_mode", padding_mode, ["zeros", *BORDERS], where)
    return BORDERS.get(padding_mode)


# --- one axis ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Window:
    """How a kernel is laid along one axis: `before` and `after` are the padding at either end."""

    kernel: int
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0
    ceil: bool = False

    @property
    def span(self) -> int:
        return span(self.kernel, self.dilation)

    def output_size(self, n: int) -> int:
        count = ceil_steps if self.ceil else steps
        return count(n, self.kernel, self.stride, self.dilation, self.before, self.after)

    def transposed_size(self, n: int, extra: int = 0) -> int:
        return transposed_size(n, self.kernel, self.stride, self.dilation, self.before, self.after, extra)


# --- the public door --------------------------------------------------------------------------------------

PADDING_WORDS = ("same", "same_lower", "valid", "full")


def plain(value: Any) -> Any:
    """Arrays (and tensors) as lists and NumPy's numbers as Python's, also inside a sequence."""
    if callable(convert := getattr(value, "tolist", None)):
        return convert()
    return type(value)(map(plain, value)) if type(value) in (list, tuple) else value


def whole(value: Any, name: str, where: str, least: int) -> int:
    """`value` as an int that is at least `least`, and no more than an array can be long."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise HyperparameterError(f"{name} is {value!r}, but a whole number is needed [{where}]") from None
    if number < least:
        raise HyperparameterError(f"{name} is {number}, but it must be at least {least} [{where}]")
    if number > sys.maxsize:
        raise HyperparameterError(f"{name} is {number}, but it must be at most {sys.maxsize} [{where}]")
    return number


def flag(value: Any, name: str, where: str) -> bool:
    if not isinstance(found := plain(value), bool):
        raise HyperparameterError(f"{name} is {value!r}, but True or False is needed [{where}]")
    return found


def per_axis(value: Any, ndim: int, name: str, where: str, least: int) -> tuple[int, ...]:
    """An int for all axes, or a flat sequence or array with one for each, as a tuple with one for each."""
    value = plain(value)
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        return (whole(value, name, where, least),) * ndim
    if len(value) != ndim:
        raise HyperparameterError(f"{name} has {len(value)} entries, but there are {ndim} spatial axes [{where}]")
    return tuple(whole(entry, f"{name}[{axis}]", where, least) for axis, entry in enumerate(value))


def _pads(padding: Any, ndim: int, where: str) -> tuple[tuple[int, int], ...]:
    padding = plain(padding)
    nested = isinstance(padding, Sequence) and not isinstance(padding, str)
    if nested and any(isinstance(entry, Sequence) and not isinstance(entry, str) for entry in padding):
        if len(padding) != ndim or any(not isinstance(pair, Sequence) or len(pair) != 2 for pair in padding):
            raise HyperparameterError(
                f"padding is {padding!r}, but a (before, after) pair for each of {ndim} spatial axes is needed "
                f"[{where}]"
            )
        return tuple(
            (whole(pair[0], f"padding[{axis}][0]", where, 0), whole(pair[1], f"padding[{axis}][1]", where, 0))
            for axis, pair in enumerate(padding)
        )
    if nested and ndim == 1 and len(padding) == 2:
        raise HyperparameterError(
            f"padding is {padding!r} for 1 spatial axis; a before/after pair is written nested, "
            f"(({padding[0]!r}, {padding[1]!r}),) [{where}]"
        )
    return tuple((p, p) for p in per_axis(padding, ndim, "padding", where, 0))


def _word_pads(word: str, n: int, k: int, s: int, d: int) -> tuple[int, int]:
    if word == "valid":
        return 0, 0
    if word == "full":
        return span(k, d) - 1, span(k, d) - 1
    total = same_total(n, k, s, d)
    return (total // 2, total - total // 2) if word == "same" else (total - total // 2, total // 2)


def windows(
    sizes: Sequence[int],
    kernel: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    *,
    ceil_mode: bool = False,
    where: str = "window",
    fits: bool = True,
) -> tuple[Window, ...]:
    """One `Window` per spatial axis of an input of these `sizes`, checked once and for all.

    An int stands for every axis and a flat tuple has one for each; `padding` also takes a (before, after)
    pair for each axis, or "same" (⌈n/s⌉ windows, the odd one at the end), "same_lower" (at the start), "valid", or
    "full". With `fits`, each axis must hold at least one window.
    """
    if all(map(_immutable, (kernel, stride, padding, dilation, ceil_mode))):
        try:
            return _kept(tuple(sizes), kernel, stride, padding, dilation, ceil_mode, fits)
        except ConvmathError:
            pass  # it is said again, with the name of the call
    return _windows(sizes, kernel, stride, padding, dilation, ceil_mode, fits, where)


def _immutable(value: Any) -> bool:
    """Whether equal values mean the same: 1.0 and True are equal to 1, and refused."""
    return type(value) in (int, bool, str) or (type(value) is tuple and all(type(entry) is int for entry in value))


@lru_cache(4096, typed=True)
def _kept(
    sizes: tuple[int, ...], kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: Any, fits: bool
) -> tuple[Window, ...]:
    return _windows(sizes, kernel, stride, padding, dilation, ceil_mode, fits, "window")


def _windows(
    sizes: Sequence[int],
    kernel: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: Any,
    fits: bool,
    where: str,
) -> tuple[Window, ...]:
    ndim = len(sizes)
    kernels = per_axis(kernel, ndim, "kernel", where, 1)
    strides = per_axis(stride, ndim, "stride", where, 1)
    dilations = per_axis(dilation, ndim, "dilation", where, 1)
    if isinstance(padding, str):
        if padding not in PADDING_WORDS:
            raise unknown("padding", padding, PADDING_WORDS, where)
        pads = tuple(_word_pads(padding, *axis) for axis in zip(sizes, kernels, strides, dilations, strict=True))
    else:
        pads = _pads(padding, ndim, where)
    ceil = flag(ceil_mode, "ceil_mode", where)
    made = tuple(Window(k, s, d, a, b, ceil) for k, s, d, (a, b) in zip(kernels, strides, dilations, pads, strict=True))
    for axis, (n, window) in enumerate(zip(sizes, made, strict=True)):
        if fits and n + window.before + window.after < window.span:
            raise ShapeError(
                f"the kernel spans {window.span} (kernel {window.kernel}, dilation {window.dilation}), but spatial "
                f"axis {axis} has only {n + window.before + window.after} "
                f"(input {n}, padding {window.before} and {window.after}) [{where}]"
            )
    return made
