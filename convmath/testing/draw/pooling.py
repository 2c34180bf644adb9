"""Cases of pools."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
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
    kwargs |= _ties(options)
    if options.one_of("return_indices", False, False, True) and kwargs.get("ties", "first") in ("first", "last"):
        kwargs["return_indices"] = True
    return Case("max_pool", (values(options.draw(SEEDS), shape), kernel), kwargs)


def _avg_pool(options: Options) -> Case:
    shape, kernel, kwargs = _pool(options)
    kwargs |= {} if options.one_of("count_include_pad", True, True, False) else {"count_include_pad": False}
    if options.one_of("divisor_override", False, False, False, True):
        kwargs["divisor_override"] = options.draw(st.integers(1, 5))
    return Case("avg_pool", (*options.arrays(shape), kernel), kwargs)


def _lp_pool(options: Options) -> Case:
    shape, kernel, kwargs = _pool(options)
    absolute = options.one_of("absolute", False, True)
    p = options.draw(st.sampled_from((2, 1, 3, 2.5, 4)))
    return Case("lp_pool", (_without_zeros(options, shape, p, absolute), p, kernel), kwargs | _absolute(absolute))


def _global_lp_pool(options: Options) -> Case:
    absolute = options.one_of("absolute", False, True)
    p, shape = options.draw(st.sampled_from((2, 1, 3, 2.5, 4))), _anywhere(options)
    return Case("global_lp_pool", (_without_zeros(options, shape, p, absolute), p), _absolute(absolute))


def _absolute(absolute: bool) -> dict[str, Any]:
    return {"absolute": True} if absolute else {}


def _without_zeros(options: Options, shape: tuple[int, ...], p: float, absolute: bool) -> np.ndarray:
    """No window sums to 0, where a root has no slope, nor to less."""
    x = integers(options.draw(SEEDS), shape)
    x = np.where(x == 0, 5.0, x)
    return x if absolute or p in (2, 4) else np.abs(x)


def _anywhere(options: Options) -> tuple[int, ...]:
    """A shape without windows."""
    sizes = [options.draw(st.integers(1, options.most[-1] + 1)) for _ in range(options.ndim)]
    return options.draw(BATCH), options.draw(st.sampled_from((1, 2, 3, 5))), *sizes


def _adaptive(name: str) -> Callable[[Options], Case]:
    def drawn(options: Options) -> Case:
        shape = _anywhere(options)
        counts = tuple(options.draw(st.integers(1, n + 1)) for n in shape[2:])
        values = options.draw(st.sampled_from((integers, distinct)))
        kwargs = {} if name == "adaptive_avg_pool" else _ties(options)
        if name != "adaptive_avg_pool" and options.one_of("return_indices", False, True):
            kwargs |= {"return_indices": True} if kwargs.get("ties", "first") in ("first", "last") else {}
        return Case(name, (values(options.draw(SEEDS), shape), counts), kwargs)

    return drawn


def _ties(options: Options) -> dict[str, Any]:
    ties = options.one_of("ties", "first", "last", "split", "all")
    return {"ties": ties} if ties != "first" else {}


def _global_avg_pool(options: Options) -> Case:
    return Case("global_avg_pool", (integers(options.draw(SEEDS), _anywhere(options)),), {})


def _global_max_pool(options: Options) -> Case:
    values = options.draw(st.sampled_from((integers, distinct)))
    return Case("global_max_pool", (values(options.draw(SEEDS), _anywhere(options)),), _ties(options))


def _max_unpool(options: Options) -> Case:
    shape, kernel, kwargs = _pool(options)
    kwargs.pop("ceil_mode", None)
    strides = kwargs.get("stride", kernel)
    pads = kwargs.get("padding", ((0, 0),) * options.ndim)
    pads = [pad if isinstance(pad, tuple) else (pad, pad) for pad in pads]
    sizes = [(n - 1) * s - a - b + k for n, k, s, (a, b) in zip(shape[2:], kernel, strides, pads, strict=True)]
    room = math.prod(max(0, size) for size in sizes)
    if min(sizes) < 0 or room < math.prod(shape[2:]):  # nowhere for every element: without padding there is room
        kwargs.pop("padding", None)
        strides = kwargs["stride"] = tuple(max(k, s) for k, s in zip(kernel, strides, strict=True))
        room = math.prod((n - 1) * s + k for n, k, s in zip(shape[2:], kernel, strides, strict=True))
    rng = np.random.default_rng(options.draw(SEEDS))
    rows = [rng.permutation(room)[: math.prod(shape[2:])] for _ in range(math.prod(shape[:2]))]
    indices = np.array(rows, np.int64).reshape(shape)
    return Case("max_unpool", (integers(options.draw(SEEDS), shape), indices, kernel), kwargs)


DRAWN: Mapping[str, Callable[[Options], Case]] = {
    "max_pool": _max_pool,
    "avg_pool": _avg_pool,
    "lp_pool": _lp_pool,
    "adaptive_avg_pool": _adaptive("adaptive_avg_pool"),
    "adaptive_max_pool": _adaptive("adaptive_max_pool"),
    "global_avg_pool": _global_avg_pool,
    "global_max_pool": _global_max_pool,
    "global_lp_pool": _global_lp_pool,
    "max_unpool": _max_unpool,
}
