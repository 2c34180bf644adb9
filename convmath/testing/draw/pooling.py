"""Cases of pools."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from convmath.window import Window

from ..case import Case
from .numbers import SEEDS, distinct, integers
from .options import BATCH, Options

__all__ = ["DRAWN"]


def _pool(options: Options, *names: str) -> tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]:
    """The shape of the input, the kernel and the hyper-parameters of a pool none of whose windows is empty."""

    def axis(one: Options) -> tuple[Window, int]:
        window = one.window(dilated="dilation" in names, within=True)
        # a dilated window that is partly outside has a tap inside an axis that no step of it jumps over
        least = window.dilation if window.before or window.after else 1
        return window, one.size(max(least, window.span - window.before - window.after))

    laid, sizes = zip(*options.axes(axis), strict=True)
    kernel, strides = (tuple(getattr(window, name) for window in laid) for name in ("kernel", "stride"))
    kwargs = options.given(laid, "padding", *names) | ({"stride": strides} if strides != kernel else {})
    kwargs |= {"ceil_mode": True} if options.one_of("ceil_mode", False, True) else {}
    channels = options.draw(st.sampled_from((1, 2, 3, 5, 17)))
    return (options.draw(BATCH), channels, *sizes), kernel, kwargs


def _max_pool(options: Options) -> Case:
    shape, kernel, kwargs = _pool(options, "dilation")
    values = options.draw(st.sampled_from((integers, distinct)))
    ties = options.one_of("ties", "first", "last", "split", "all")
    kwargs |= {"ties": ties} if ties != "first" else {}
    return Case("max_pool", (values(options.draw(SEEDS), shape), kernel), kwargs)


def _avg_pool(options: Options) -> Case:
    shape, kernel, kwargs = _pool(options)
    kwargs |= {} if options.one_of("count_include_pad", True, True, False) else {"count_include_pad": False}
    if options.one_of("divisor_override", False, False, False, True):
        kwargs["divisor_override"] = options.draw(st.integers(1, 5))
    return Case("avg_pool", (*options.arrays(shape), kernel), kwargs)


DRAWN: Mapping[str, Callable[[Options], Case]] = {"max_pool": _max_pool, "avg_pool": _avg_pool}
