"""Cases of convolutions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hypothesis import strategies as st

from convmath.window import BORDERS, Window, transposed_size

from ..case import Case
from .options import Options, within_reach

__all__ = ["DRAWN"]


def _conv(options: Options) -> Case:
    mode = options.one_of("padding_mode", *["zeros"] * len(BORDERS), *BORDERS)

    def axis(one: Options) -> tuple[Window, int]:
        window = one.window()
        return window, one.size(max(1, window.span - window.before - window.after, *within_reach(mode, window)))

    laid, sizes = zip(*options.axes(axis), strict=True)
    N, G, C, O = options.channels()
    x, w, b = options.arrays((N, G * C, *sizes), (G * O, C, *(window.kernel for window in laid)), (G * O,))
    kwargs = options.given(laid, "stride", "padding", "dilation")
    kwargs |= ({"groups": G} if G > 1 else {}) | ({"padding_mode": mode} if mode != "zeros" else {})
    return Case("conv", (x, w, b) if options.one_of("bias", False, True) else (x, w), kwargs)


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


DRAWN: Mapping[str, Callable[[Options], Case]] = {"conv": _conv, "conv_transpose": _conv_transpose}
