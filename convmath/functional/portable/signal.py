"""Convolution and correlation of two arrays of any number of axes, on arrays of other libraries: tap by tap."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from itertools import product
from types import ModuleType
from typing import Any

from convmath.kernels.portable.moves import added, bordered, bordered_input, conjugate, filled, zeros
from convmath.window import BORDERS, Window

from ..signal import placed
from .computed import Computed, computed

__all__: list[str] = []

Shape = tuple[int, ...]


@computed
def convolve(xp: ModuleType, shape: Shape, *, a: Any, v: Any, mode: str = "full", boundary: str = "zeros") -> Computed:
    return _convolved(xp, shape, a, v, mode, boundary, lambda gu: gu)


@computed
def correlate(xp: ModuleType, shape: Shape, *, a: Any, v: Any, mode: str = "full", boundary: str = "zeros") -> Computed:
    def turned(u: Any) -> Any:
        return _turned(xp, conjugate(xp, u))

    return _convolved(xp, shape, a, turned(v), mode, boundary, turned)


def _convolved(
    xp: ModuleType, shape: Shape, a: Any, u: Any, mode: str, boundary: str, back: Callable[[Any], Any]
) -> Computed:
    """The convolution of A with u, which was made of V; `back` makes V's gradient of u's."""
    edge = None if mode == "valid" or not a.ndim else BORDERS.get(boundary)
    # a convolution commutes where there is nothing but zeros outside: the smaller array is the kernel
    swapped = edge is None and math.prod(u.shape) > math.prod(a.shape)
    x, kernel = (u, a) if swapped else (a, u)
    w, axes = _turned(xp, kernel), list(zip(a.shape, u.shape, x.shape, kernel.shape, strict=True))
    starts = [placed(mode, n, k)[0] for n, k, *_ in axes]
    ends = [(k - 1 - at, at + m - n) for at, m, (*_, n, k) in zip(starts, shape, axes, strict=True)]
    laid = [Window(1, before=before, after=after) for before, after in ends]
    wide = filled(xp, x, ends) if edge is None else bordered(xp, x, laid, edge)
    taps = [tuple(slice(t, t + m) for t, m in zip(tap, shape, strict=True)) for tap in product(*map(range, w.shape))]
    flat = xp.reshape(w, (-1,))

    def value() -> Any:
        return reduce(lambda y, term: y + term, (flat[t] * wide[(..., *place)] for t, place in enumerate(taps)))

    def of_signal(gy: Any) -> Any:
        """gX[i] = Σ_t conj(w[t]) · g[i+a-t], of X with what lies outside, then back to where that came from"""
        g = zeros(xp, wide.shape, gy)
        for t, place in enumerate(taps):
            g = added(xp, g, (..., *place), gy * conjugate(xp, flat[t]))
        if edge is not None:
            return bordered_input(xp, g, laid, edge)
        return filled(xp, g, [(-before, -after) for before, after in ends])

    def of_kernel(gy: Any) -> Any:
        """gw[t] = Σ_j g[j] · conj X[j+t-a]; the kernel is w turned"""
        each = [xp.sum(gy * conjugate(xp, wide[(..., *place)]), dtype=gy.dtype) for place in taps]
        return _turned(xp, xp.reshape(xp.stack(each), w.shape))

    def gradients(gy: Any) -> tuple[Any, ...]:
        of_a, of_u = (of_kernel, of_signal) if swapped else (of_signal, of_kernel)
        return lambda: of_a(gy), lambda: back(of_u(gy))

    return Computed(value, gradients)


def _turned(xp: ModuleType, array: Any) -> Any:
    return xp.flip(array) if array.ndim else array
