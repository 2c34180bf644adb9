"""Cases of what puts elements elsewhere: padding, patches, flattening, concatenation, pixel shuffle, upsampling."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from hypothesis import strategies as st

from convmath.kernels.taps import output_sizes
from convmath.ops.pad import MODES
from convmath.ops.upsample import MODES as NEAR
from convmath.window import Window

from ..case import Case
from .options import BATCH, Options, within_reach

__all__ = ["DRAWN"]

_CHANNELS = st.sampled_from((1, 2, 3, 5))
_LONGEST = {0: 0, 1: 7, 2: 4, 3: 3}  # an axis without a window, by the number of axes
_LONGEST_BEYOND = 2


def _sizes(options: Options) -> list[int]:
    most = _LONGEST.get(options.ndim, _LONGEST_BEYOND)
    return options.axes(lambda one: one.draw(st.integers(1, most)))


# --- padding ------------------------------------------------------------------------------------------------------


def _pad(options: Options) -> Case:
    # in four dimensions a border has 81 branches
    modes = MODES if options.ndim < 4 and not options.only.get("value") else MODES[:1]
    mode = options.one_of("mode", *modes)
    laid, sizes = zip(*options.axes(lambda one: _padded(one, mode)), strict=True)
    (x,) = options.arrays((options.draw(BATCH), options.draw(_CHANNELS), *sizes))
    kwargs: dict[str, Any] = {} if mode == "constant" else {"mode": mode}
    other = options.one_of("value", False, False, True)  # drawn in any mode: the simplest case draws least
    if mode == "constant" and other:
        kwargs["value"] = options.draw(st.sampled_from((1.0, -3.0, 0.5, 0.0)))
    return Case("pad", (x, tuple((window.before, window.after) for window in laid)), kwargs)


def _padded(options: Options, mode: str) -> tuple[Window, int]:
    """The padding at both ends of an axis, and its length; a constant may also be cut off."""
    most = options.most[2]
    if mode != "constant":
        window = Window(1, 1, 1, *options.pads(most))
        return window, options.size(max([1, *within_reach(mode, window)]))
    n = options.size(1)
    if options.only.get("padding") == "symmetric":
        before = after = options.draw(st.integers(-(min(n, most) // 2), most))
    else:
        before = options.draw(st.integers(-min(n, most), most))
        after = options.draw(st.integers(-min(n + before, most), most))
    return Window(1, 1, 1, before, after), n


# --- patches ------------------------------------------------------------------------------------------------------


def _unfold(options: Options) -> Case:
    laid, sizes = options.placed()
    (x,) = options.arrays((options.draw(BATCH), options.draw(_CHANNELS), *sizes))
    kwargs = options.given(laid, "dilation", "padding", "stride")
    return Case("unfold", (x, tuple(window.kernel for window in laid)), kwargs)


def _fold(options: Options) -> Case:
    laid, sizes = options.placed()
    kernel = tuple(window.kernel for window in laid)
    rows, columns = options.draw(_CHANNELS) * math.prod(kernel), math.prod(output_sizes(laid, sizes))
    (x,) = options.arrays((options.draw(BATCH), rows, columns))
    return Case("fold", (x, sizes, kernel), options.given(laid, "dilation", "padding", "stride"))


# --- the same elements in another order ---------------------------------------------------------------------------


def _flatten(options: Options) -> Case:
    return Case("flatten", options.arrays((options.draw(BATCH), options.draw(_CHANNELS), *_sizes(options))), {})


def _concat(options: Options) -> Case:
    batch, sizes = options.draw(BATCH), _sizes(options)
    count = options.one_of("arrays", 2, 3, 1, 4)
    # at least two are drawn, as many as there are in the simplest case
    arrays = options.arrays(*((batch, options.draw(_CHANNELS), *sizes) for _ in range(max(2, count))))
    return Case("concat", arrays[:count], {})


def _shuffle(name: str, options: Options) -> Case:
    sizes, factors = zip(*options.axes(_blocks), strict=True)
    batch, channels = options.draw(BATCH), options.draw(_CHANNELS)
    if name == "pixel_shuffle":
        shape = (batch, channels * math.prod(factors), *sizes)
    else:
        shape = (batch, channels, *(s * n for s, n in zip(factors, sizes, strict=True)))
    return Case(name, (*options.arrays(shape), factors), {})


def _blocks(options: Options) -> tuple[int, int]:
    """How many blocks there are along an axis, and how long they are."""
    return options.draw(st.integers(1, 3)), options.draw(st.integers(1, 3 if options.ndim < 3 else 2))


# --- upsampling ---------------------------------------------------------------------------------------------------


def _upsample(options: Options) -> Case:
    mode = options.one_of("mode", *NEAR[2:] if options.only.get("align_corners") else NEAR)
    corners = mode == "linear" and options.one_of("align_corners", False, True)
    word = "size" if options.one_of("size", False, True) else "scale_factor"
    sizes, wanted = zip(*options.axes(partial(_wanted, word=word, corners=corners)), strict=True)
    (x,) = options.arrays((options.draw(BATCH), options.draw(_CHANNELS), *sizes))
    kwargs: dict[str, Any] = {word: wanted} | ({} if mode == "nearest" else {"mode": mode})
    return Case("upsample", (x,), kwargs | ({"align_corners": True} if corners else {}))


def _wanted(options: Options, *, word: str, corners: bool) -> tuple[int, int]:
    """The length of an axis, and the length or the factor that is wanted: with corners at least 2 positions."""
    most = _LONGEST.get(options.ndim, _LONGEST_BEYOND)
    n = options.draw(st.integers(1, most))
    least = 1 if not corners or (word == "scale_factor" and n > 1) else 2
    return n, options.draw(st.integers(least, 3 if word == "scale_factor" else most + 1))


DRAWN: Mapping[str, Callable[[Options], Case]] = {
    "pad": _pad,
    "unfold": _unfold,
    "fold": _fold,
    "flatten": _flatten,
    "concat": _concat,
    "pixel_shuffle": partial(_shuffle, "pixel_shuffle"),
    "pixel_unshuffle": partial(_shuffle, "pixel_unshuffle"),
    "upsample": _upsample,
}
