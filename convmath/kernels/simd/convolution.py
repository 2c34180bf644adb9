"""Convolution by generated kernels: which of them computes a call, and what it costs by its own count of cycles.

Each way is a module with `forward`, `transposed` or `weight` that plan a call (None where it is no way), and `run` or
`run_weight`. If anything that is not finite comes out, the definition decides: the call is computed again by `patches`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np

from convmath.kernels import patches
from convmath.window import Window

from . import channels, channels_weight, depthwise, pixels, pixels_weight, winograd, winograd_weight
from .plane import ROOM

__all__ = ["DIRECT", "EXACT", "WINOGRAD", "WINOGRAD4", "Way", "Ways"]

Windows = Sequence[Window]
DTYPES = {np.dtype(np.float32): "f4", np.dtype(np.float64): "f8"}


@dataclass(frozen=True)
class Way:
    """A kernel's name, what it takes in cycles, and how to run it."""

    name: str
    cycles: float
    run: Callable[..., tuple[np.ndarray, bool]]
    plan: Any


@dataclass(frozen=True)
class Ways:
    """The kernels among which the cheapest is taken: those that sum as the definition does (m = 0), or F(m, 3).

    `exact` ones have the sums of `kernels.ordered`, to the last bit.
    """

    m: int = 0
    exact: bool = False

    # the functions of `patches`, with the same meaning

    def conv(
        self, x: np.ndarray, w: np.ndarray, windows: Windows, groups: int, b: np.ndarray | None = None
    ) -> np.ndarray:
        """Y[ν,o,j] = Σ_{c,t} W[o,c,t] · X[ν,c,s·j+d·t-a] + B[o]"""
        way = self.forward(x, w, windows, groups)
        y, finite = way.run(way.plan, x, w, b) if way else (None, False)
        return y if finite and y is not None else patches.conv(x, w, windows, groups, b)

    def conv_input(
        self, gy: np.ndarray, w: np.ndarray, windows: Windows, groups: int, sizes: Sequence[int],
        b: np.ndarray | None = None,
    ) -> np.ndarray:  # fmt: skip
        """gX[ν,c,i] = Σ_{o,j,t} [s·j+d·t-a = i] W[o,c,t] · gY[ν,o,j] + B[c]"""
        way = self.transposed(gy, w, windows, groups, sizes)
        gx, finite = way.run(way.plan, gy, w, b) if way else (None, False)
        return gx if finite and gx is not None else patches.conv_input(gy, w, windows, groups, sizes, b)

    conv_transpose = conv_input

    def conv_weight(self, gy: np.ndarray, x: np.ndarray, windows: Windows, groups: int) -> np.ndarray:
        """gW[o,c,t] = Σ_{ν,j} gY[ν,o,j] · X[ν,c,s·j+d·t-a]"""
        way = self.weight(gy, x, windows, groups)
        gw, finite = way.run(way.plan, gy, x) if way else (None, False)
        return gw if finite and gw is not None else patches.conv_weight(gy, x, windows, groups)

    # the way that is taken; None where there is none

    def forward(self, x: np.ndarray, w: np.ndarray, windows: Windows, groups: int) -> Way | None:
        if not _right(x, w) or not all(window.output_size(n) for window, n in zip(windows, x.shape[2:], strict=True)):
            return None
        given = DTYPES[x.dtype], *x.shape[:2], x.shape[2:], w.shape[0], tuple(windows), groups
        return _forward(self.m, self.exact, *given)

    def transposed(
        self, gy: np.ndarray, w: np.ndarray, windows: Windows, groups: int, sizes: Sequence[int]
    ) -> Way | None:
        if not _right(gy, w) or not math.prod(sizes):
            return None
        given = DTYPES[gy.dtype], *gy.shape[:2], gy.shape[2:], w.shape[1] * groups, tuple(windows), groups, tuple(sizes)
        return _transposed(self.m, self.exact, *given)

    def weight(self, gy: np.ndarray, x: np.ndarray, windows: Windows, groups: int) -> Way | None:
        if not _right(gy, x):
            return None
        given = DTYPES[x.dtype], *x.shape[:2], x.shape[2:], gy.shape[1], tuple(windows), gy.shape[2:], groups
        return _weight(self.m, self.exact, *given)


DIRECT, WINOGRAD, WINOGRAD4, EXACT = Ways(), Ways(2), Ways(4), Ways(exact=True)


def _right(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether there are kernels for these arrays."""
    return a.dtype == b.dtype and a.dtype in DTYPES and a.size > 0 and b.size > 0


@lru_cache(2048)
def _forward(m: int, exact: bool, *given: Any) -> Way | None:
    if m:
        return _cheapest((winograd, winograd.forward(*given, m=m)))
    return _cheapest(*((kind, kind.forward(*given, exact=exact)) for kind in (depthwise, channels, pixels)))


@lru_cache(2048)
def _transposed(m: int, exact: bool, *given: Any) -> Way | None:
    if m:
        return _cheapest((winograd, winograd.transposed(*given, m=m)))
    # a depthwise kernel that is turned has its taps in the other order
    kinds = (channels, pixels) if exact else (depthwise, channels, pixels)
    return _cheapest(*((kind, kind.transposed(*given, exact=exact)) for kind in kinds))


@lru_cache(2048)
def _weight(m: int, exact: bool, *given: Any) -> Way | None:
    if m:
        return _cheapest((winograd_weight, winograd_weight.plan(*given, m=m)), run="run_weight")
    along = channels_weight, channels_weight.plan(*given, exact=exact)
    if exact:
        return _cheapest(along, run="run_weight")
    near = pixels_weight.plan(*given)
    # an image must have room near a core
    across = pixels_weight, near if max(near.own) <= 4 * ROOM else None
    return _cheapest((depthwise, depthwise.weight(*given)), along, across, run="run_weight")


def _cheapest(*kinds: tuple[ModuleType, Any], run: str = "run") -> Way | None:
    ways = [
        Way(kind.__name__.rpartition(".")[2], plan.cycles, getattr(kind, run), plan)
        for kind, plan in kinds
        if plan is not None
    ]
    return min(ways, key=lambda way: way.cycles, default=None)
