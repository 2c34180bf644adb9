"""Cases of the kin of convolution, of layers of features, of two arrays element by element, and of LeNet-5's layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from hypothesis import strategies as st

from convmath.kernels.taps import output_sizes

from ..case import Case
from .convolution import border, of_border
from .numbers import SEEDS
from .options import BATCH, Options

__all__ = ["DRAWN"]

_FEW = st.sampled_from((1, 2, 3))
_CHANNELS = st.sampled_from((1, 2, 3, 5, 17))
_LONGEST = {1: 4, 2: 3}  # an axis without a window, by the number of axes


def _zeros_and_ones(options: Options, shape: tuple[int, ...]) -> np.ndarray:
    """Whole numbers, each 0 or 1; the simplest are ones."""
    seed = options.draw(SEEDS)
    return np.random.default_rng(seed).integers(0, 2, shape) if seed else np.ones(shape, int)


def _with_bias(options: Options, *shapes: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """The arrays, the last of which is a bias that may be left out."""
    arrays = options.arrays(*shapes)
    return arrays if options.one_of("bias", False, True) else arrays[:-1]


# --- windows ------------------------------------------------------------------------------------------------------


def _depthwise_conv(options: Options) -> Case:
    mode = border(options)
    laid, sizes = options.placed(mode)
    batch, channels, made = options.draw(BATCH), options.draw(_CHANNELS), options.draw(_FEW)
    weight = (channels * made, 1, *(window.kernel for window in laid))
    arrays = _with_bias(options, (batch, channels, *sizes), weight, (channels * made,))
    return Case("depthwise_conv", arrays, options.given(laid, "stride", "padding", "dilation") | of_border(mode))


def _separable_conv(options: Options) -> Case:
    laid, sizes = options.placed()
    batch, channels = options.draw(BATCH), options.draw(_CHANNELS)
    between, out = options.draw(_FEW), options.draw(_FEW)
    weight = (channels * between, 1, *(window.kernel for window in laid))
    pointwise = (out, channels * between, *[1] * options.ndim)
    arrays = _with_bias(options, (batch, channels, *sizes), weight, pointwise, (out,))
    return Case("separable_conv", arrays, options.given(laid, "stride", "padding", "dilation"))


def _locally_connected(options: Options) -> Case:
    laid, sizes = options.placed()
    batch, channels, out = options.draw(BATCH), options.draw(_FEW), options.draw(_FEW)
    counts = output_sizes(laid, sizes)
    weight = (out, *counts, channels, *(window.kernel for window in laid))
    arrays = _with_bias(options, (batch, channels, *sizes), weight, (out, *counts))
    return Case("locally_connected", arrays, options.given(laid, "stride", "padding", "dilation"))


def _table_conv(options: Options) -> Case:
    laid, sizes = options.placed()
    batch, channels, out = options.draw(BATCH), options.draw(_CHANNELS), options.draw(st.sampled_from((1, 2, 3, 5)))
    weight = (out, channels, *(window.kernel for window in laid))
    x, w, *bias = _with_bias(options, (batch, channels, *sizes), weight, (out,))
    table = _zeros_and_ones(options, (out, channels))
    return Case("table_conv", (x, w, table, *bias), options.given(laid, "stride", "padding", "dilation"))


def _subsample(options: Options) -> Case:
    laid, sizes = zip(*options.axes(_summed), strict=True)
    kernel, strides = (tuple(getattr(window, name) for window in laid) for name in ("kernel", "stride"))
    shape = (options.draw(BATCH), options.draw(_CHANNELS), *sizes)
    x, w, *bias = _with_bias(options, shape, shape[1:2], shape[1:2])
    kwargs = options.given(laid, "padding") | ({"stride": strides} if strides != kernel else {})
    return Case("subsample", (x, kernel, w, *bias), kwargs)


def _summed(options: Options) -> tuple:
    window = options.window(dilated=False)
    return window, options.size(max(1, window.span - window.before - window.after))


# --- features, and elements ---------------------------------------------------------------------------------------


def _before(options: Options) -> tuple[int, ...]:
    """The axes before the features: the batch, and as many as there are spatial ones."""
    most = _LONGEST.get(options.ndim, 2)
    return options.draw(BATCH), *options.axes(lambda one: one.draw(st.integers(1, most)))


def _linear(options: Options) -> Case:
    features, out = options.draw(_CHANNELS), options.draw(_CHANNELS)
    return Case("linear", _with_bias(options, (*_before(options), features), (out, features), (out,)), {})


def _rbf(options: Options) -> Case:
    features, out = options.draw(_CHANNELS), options.draw(_FEW)
    return Case("rbf", options.arrays((*_before(options), features), (out, features)), {})


def _shape(options: Options) -> tuple[int, ...]:
    batch, *sizes = _before(options)
    return batch, options.draw(_CHANNELS), *sizes


def _add(options: Options) -> Case:
    shape = _shape(options)
    return Case("add", options.arrays(shape, shape), {})


def _dropout(options: Options) -> Case:
    shape = _shape(options)
    (x,), mask = options.arrays(shape), _zeros_and_ones(options, shape)
    p = options.draw(st.sampled_from((0.5, 0.0, 0.25, 0.75, 0.1)))
    return Case("dropout", (x, mask), {} if p == 0.5 else {"p": p})


DRAWN: Mapping[str, Callable[[Options], Case]] = {
    "depthwise_conv": _depthwise_conv,
    "separable_conv": _separable_conv,
    "locally_connected": _locally_connected,
    "linear": _linear,
    "add": _add,
    "dropout": _dropout,
    "subsample": _subsample,
    "table_conv": _table_conv,
    "rbf": _rbf,
}
