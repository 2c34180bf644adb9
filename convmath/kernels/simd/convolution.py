"""Convolution by generated kernels: which of them computes a call, and what it costs by its own count of cycles.

Each way is a module with `forward`, `transposed` or `weight` that plan a call (None where it is no way), and `run` or
`run_weight`. If anything that is not finite comes out, the definition decides: the call is computed again without them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np

from convmath.kernels import ordered, patches
from convmath.kernels.problem import Convolution
from convmath.window import Window

from . import (
    batches,
    channels,
    channels_weight,
    depthwise,
    ordered_depthwise,
    pixels,
    pixels_weight,
    winograd,
    winograd_weight,
)
from .builder import DTYPES
from .plane import ROOM

__all__ = ["DIRECT", "EXACT", "WINOGRAD", "WINOGRAD4", "Way", "Ways"]

Windows = Sequence[Window]

PLAIN: tuple[ModuleType, ...] = (depthwise, channels, pixels, batches)  # those that sum as the definition does


@dataclass(frozen=True)
class Way:
    """A kernel's name, what it takes in cycles, and how to run it."""

    name: str
    cycles: float
    run: Callable[..., tuple[np.ndarray, bool]]
    plan: Any

    kind = "generated"

    @property
    def amounts(self) -> dict[str, float]:
        """What counts of it (`costs`)."""
        return {"call": 1, "cycle": self.cycles}


@dataclass(frozen=True)
class Ways:
    """The kernels among which the cheapest is taken: those that sum as the definition does (m = 0), or F(m, 3).

    `exact` ones have the sums of `kernels.ordered`, to the last bit.
    """

    m: int = 0
    exact: bool = False

    @property
    def plain(self) -> ModuleType:
        """What computes a call where there is no way, or something that is not finite came out."""
        return ordered if self.exact else patches

    # the functions of `patches`, with the same meaning

    def conv(
        self, x: np.ndarray, w: np.ndarray, windows: Windows, groups: int, b: np.ndarray | None = None
    ) -> np.ndarray:
        """Y[ν,o,j] = Σ_{c,t} W[o,c,t] · X[ν,c,s·j+d·t-a] + B[o]"""
        return self.of(Convolution.forward(x, w, windows, groups)).conv(x, w, windows, groups, b)

    def conv_input(
        self, gy: np.ndarray, w: np.ndarray, windows: Windows, groups: int, sizes: Sequence[int],
        b: np.ndarray | None = None,
    ) -> np.ndarray:  # fmt: skip
        """gX[ν,c,i] = Σ_{o,j,t} [s·j+d·t-a = i] W[o,c,t] · gY[ν,o,j] + B[c]"""
        problem = Convolution.by_input(gy, w, windows, groups, sizes)
        return self.of(problem).conv_input(gy, w, windows, groups, sizes, b)

    conv_transpose = conv_input

    def conv_weight(self, gy: np.ndarray, x: np.ndarray, windows: Windows, groups: int) -> np.ndarray:
        """gW[o,c,t] = Σ_{ν,j} gY[ν,o,j] · X[ν,c,s·j+d·t-a]"""
        return self.of(Convolution.by_weight(gy, x, windows, groups)).conv_weight(gy, x, windows, groups)

    def of(self, problem: Convolution) -> Taken:
        """The kernels of one problem."""
        return Taken(self.way(problem), self.plain, problem.dtype)

    def way(self, problem: Convolution) -> Way | None:
        """The way that is taken; None where there is none."""
        return None if problem.empty else _way(self.m, self.exact, problem)


@dataclass(frozen=True, eq=False)
class Taken:
    """The same functions, of one problem: a way to compute it, or what is `plain`."""

    way: Way | None
    plain: ModuleType
    dtype: np.dtype

    def conv(
        self, x: np.ndarray, w: np.ndarray, windows: Windows, groups: int, b: np.ndarray | None = None
    ) -> np.ndarray:
        y = self._finite(x, w, b)
        return self.plain.conv(x, w, windows, groups, b) if y is None else y

    def conv_input(
        self, gy: np.ndarray, w: np.ndarray, windows: Windows, groups: int, sizes: Sequence[int],
        b: np.ndarray | None = None,
    ) -> np.ndarray:  # fmt: skip
        gx = self._finite(gy, w, b)
        return self.plain.conv_input(gy, w, windows, groups, sizes, b) if gx is None else gx

    conv_transpose = conv_input

    def conv_weight(self, gy: np.ndarray, x: np.ndarray, windows: Windows, groups: int) -> np.ndarray:
        gw = self._finite(gy, x)
        return self.plain.conv_weight(gy, x, windows, groups) if gw is None else gw

    def _finite(self, one: np.ndarray, other: np.ndarray, *bias: np.ndarray | None) -> np.ndarray | None:
        """What comes out, if there is a way and all of it is finite; arrays of different types have none."""
        if self.way is None or one.dtype != self.dtype or other.dtype != self.dtype:
            return None
        found, finite = self.way.run(self.way.plan, one, other, *bias)
        return found if finite else None


DIRECT, WINOGRAD, WINOGRAD4, EXACT = Ways(), Ways(2), Ways(4), Ways(exact=True)


@lru_cache(4096)
def _way(m: int, exact: bool, p: Convolution) -> Way | None:
    dtype = DTYPES.get(p.dtype)
    if dtype is None:
        return None
    batch, channels_ = p.shape[:2]
    match p.kind:
        case "forward":
            given = dtype, batch, channels_, p.shape[2:], p.outputs, p.windows, p.groups
            if m:
                return _cheapest((winograd, winograd.forward(*given, m=m)))
            return _cheapest(*((kind, kind.forward(*given, exact=exact)) for kind in PLAIN))
        case "input":
            given = dtype, batch, p.outputs, p.counts, channels_, p.windows, p.groups, p.shape[2:]
            if m:
                return _cheapest((winograd, winograd.transposed(*given, m=m)))
            return _cheapest(*((kind, kind.transposed(*given, exact=exact)) for kind in PLAIN))
        case "weight":
            given = dtype, batch, channels_, p.shape[2:], p.outputs, p.windows, p.counts, p.groups
            return _by_weight(m, exact, *given)


def _by_weight(m: int, exact: bool, *given: Any) -> Way | None:
    if m:
        return _cheapest((winograd_weight, winograd_weight.plan(*given, m=m)), run="run_weight")
    if exact and (alone := ordered_depthwise.weight(*given)):
        return _cheapest((ordered_depthwise, alone), run="run_weight")
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
