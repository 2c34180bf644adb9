"""Layouts of windows, built valid: they shrink to one tap, stride 1 and no padding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from convmath.window import Window

Laid = tuple[tuple[Window, ...], tuple[int, ...]]
Channels = tuple[int, int, int, int]  # batch, groups, channels read and made in each

FUNCTIONS = ["conv", "conv_input", "conv_weight"]

# what an axis may have more than its kernel needs, by the number of axes: the definition visits every element
ROOM = {1: 6, 2: 3, 3: 2, 4: 1, 5: 1}


@st.composite
def axes(draw: Callable[..., Any], ndim: int, *, ceil: bool = False, within: bool = False) -> tuple[Window, int]:
    """A window and the size of its axis. With `within`, no window can lie wholly in the padding."""
    kernel = draw(st.integers(1, 3 if ndim < 4 else 2))
    stride, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    before, after = (draw(st.integers(0, kernel - 1 if within else 3)) for _ in range(2))
    if within:
        dilation = 1
    window = Window(kernel, stride, dilation, before, after, ceil)
    least = max(1 if within else 0, window.span - before - after)
    return window, draw(st.integers(least, least + ROOM[ndim]))


@st.composite
def layouts(draw: Callable[..., Any], ndim: int | None = None, *, pools: bool = False, within: bool = False) -> Laid:
    """Windows and the sizes of the axes they lie on."""
    ndim = draw(st.integers(1, 3)) if ndim is None else ndim
    ceil = draw(st.booleans()) if pools else False
    each = [draw(axes(ndim, ceil=ceil, within=within)) for _ in range(ndim)]
    return tuple(window for window, _ in each), tuple(n for _, n in each)


def arguments(laid: Laid, channels: Channels, dtype: str, seed: int, *, wide: bool = False) -> dict[str, tuple]:
    """Those of each function of a convolution: small integers, or numbers of every size."""
    (windows, sizes), (batch, groups, reads, makes) = laid, channels
    rng = np.random.default_rng(seed)

    def array(*shape: int) -> np.ndarray:
        if wide:
            return (rng.standard_normal(shape) * 10.0 ** rng.integers(-12, 12, shape)).astype(dtype)
        return rng.integers(-4, 5, shape).astype(dtype)

    x = array(batch, groups * reads, *sizes)
    w, b = array(groups * makes, reads, *(v.kernel for v in windows)), array(groups * makes)
    counts = tuple(v.output_size(n) for v, n in zip(windows, sizes, strict=True))
    gy = array(batch, groups * makes, *counts)
    return {
        "conv": (x, w, windows, groups, b),
        "conv_input": (gy, w, windows, groups, sizes),
        "conv_weight": (gy, x, windows, groups),
    }


def turned(window: Window) -> Window:
    """A window whose padding is at the wrong ends."""
    return replace(window, before=window.after, after=window.before)


def integers(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(-9, 10, shape)


@contextmanager
def caught() -> Iterator[None]:
    """The law that is called inside must fail by an assertion (Hypothesis groups failures that differ)."""
    with pytest.raises((AssertionError, ExceptionGroup)) as found:
        yield
    assert not isinstance(found.value, ExceptionGroup) or found.value.subgroup(AssertionError)


@contextmanager
def made_anew(*kernels: Any) -> Iterator[None]:
    """No generated kernel that a fault is in is kept, neither in memory nor on disk, nor is one from before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVMATH_CACHE", "")
        for kernel in kernels:
            kernel.known.clear()
        try:
            yield
        finally:
            for kernel in kernels:
                kernel.known.clear()
