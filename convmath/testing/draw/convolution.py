"""Cases of convolutions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from hypothesis import strategies as st

from convmath.window import BORDERS, Window, transposed_size

from ..case import Case
from .options import Options

__all__ = ["DRAWN", "border", "of_border"]


def _conv(name: str, options: Options) -> Case:
    mode = border(options)
    laid, sizes = options.placed(mode)
    N, G, C, O = options.channels()
    x, w, b = options.arrays((N, G * C, *sizes), (G * O, C, *(window.kernel for window in laid)), (G * O,))
    kwargs = options.given(laid, "stride", "padding", "dilation")
    kwargs |= ({"groups": G} if G > 1 else {}) | of_border(mode)
    return Case(name, (x, w, b) if options.one_of("bias", False, True) else (x, w), kwargs)


def border(options: Options) -> str:
    """What lies outside the input, mostly zeros."""
    return options.one_of("padding_mode", *["zeros"] * len(BORDERS), *BORDERS)


def of_border(mode: str) -> dict[str, str]:
    return {"padding_mode": mode} if mode != "zeros" else {}


def _conv_transpose(options: Options) -> Case:
    def axis(one: Options) -> tuple[Window, int, int]:
        longest, reach, padding, _ = one.most
        kernel, stride, dilation = (one.draw(st.integers(1, most)) for most in (longest, reach, reach))
        n, extra = one.size(1), one.draw(st.integers(0, max(stride, dilation) - 1))
        full = transposed_size(n, kernel, stride, dilation, 0, 0, extra)
        return Window(kernel, stride, dilation, *one.pads(padding, full - 1)), n, extra

    laid, sizes, extras = zip(*options.axes(axis), strict=True)
    N, G, C, O = options.channels()
    x, w, b = options.arrays((N, G * C, *sizes), (G * C, O, *(window.kernel for window in laid)), (G * O,))
    kwargs = options.given(laid, "stride", "padding", "dilation")
    kwargs |= ({"groups": G} if G > 1 else {}) | ({"output_padding": extras} if any(extras) else {})
    return Case("conv_transpose", (x, w, b) if options.one_of("bias", False, True) else (x, w), kwargs)


DRAWN: Mapping[str, Callable[[Options], Case]] = {
    "conv": partial(_conv, "conv"),
    "conv_transpose": _conv_transpose,
    "convolution": partial(_conv, "convolution"),
}
