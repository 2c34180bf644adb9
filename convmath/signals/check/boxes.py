"""Sums over several indices in numbers: over a box, which grows until what lies beyond is nothing."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
from sympy import Symbol

from ..deadline import inquire
from ..errors import Unheld
from ..types import Expr, sympy
from .common import WIDE
from .grids import guarded, lambdified
from .places import located
from .sequences import at_an_index

__all__ = ["INDICES", "Array", "Box", "index_spots", "indices_of"]

MOST = 2_000_000  # terms
MARGIN = (24, 10, 5, 4, 3)  # indices beyond all marks at first, in two variables and in more
INDICES, MANY = 24, 400  # at how many a result is held, and of how many these are chosen
LAYERS = 4  # the outermost of a box, which say how much lies beyond
SINGLY = 400  # values that are found one by one


class Array:
    """A sequence at many indices."""

    def __init__(self, e: Expr, variables: tuple[Symbol, ...]):
        self.e, self.variables = e.replace(sympy.Heaviside, lambda x, *_: sympy.Heaviside(x, 1)), variables
        self.value = lambdified(guarded(self.e), variables)

    def __call__(self, *indices: np.ndarray) -> np.ndarray:
        inquire()
        grid = np.broadcast_arrays(*(index.astype(float) for index in indices))
        found = np.array(np.broadcast_to(self.value(*grid), grid[0].shape), complex)
        wrong = np.argwhere(~np.isfinite(found))
        if len(wrong) > SINGLY:
            raise Unheld
        for place in map(tuple, wrong):
            at = {x: int(index[place]) for x, index in zip(self.variables, grid, strict=True)}
            try:
                found[place] = at_an_index(self.e, at)
            except (TypeError, OverflowError):  # it has no value there, or a large one
                raise Unheld from None
        return found


def indices_of(e: Expr, variables: tuple[Symbol, ...]) -> list[list[int]]:
    """On each axis the indices at which something happens; what couples indices may happen far out on each."""
    marks = located(e, variables)
    axes = [sorted({int(np.floor(float(at))) for at in places}) or [0] for places in marks.jumps]
    if marks.oblique:
        every = sorted(set().union(*axes))
        return [every] * len(axes)
    return axes


def index_spots(
    marks: Sequence[Sequence[Sequence[Any]]], draw: random.Random, also: Sequence[Sequence[int]] | None = None
) -> list[tuple[int, ...]]:
    """Indices around where something happens in the result, in an order of no meaning; around others `also`."""
    axes = []
    for place, (one, two) in enumerate(zip(*marks, strict=True)):
        starts = {a + b for a, b in itertools.product(one, two)}.union(also[place] if also else ())
        axes.append(sorted({start + step for start in starts for step in (-2, -1, 0, 1, 3)} | {draw.randint(4, 9)}))
    found = sorted({tuple(draw.choice(axis) for axis in axes) for _ in range(MANY)})
    draw.shuffle(found)
    return found


class Box:
    """Σ_k f[k] g[n - k] over the indices k of a box, for several n."""

    def __init__(self, left: Array, right: Array, marks: list[list[list[int]]], spots: np.ndarray):
        self.left, self.right, self.spots = left, right, spots
        self.lowest, self.highest = spots.min(axis=0), spots.max(axis=0)
        margin = MARGIN[min(spots.shape[1], len(MARGIN) + 1) - 2]
        ends = [
            (min(*one, low - two[-1]), max(*one, high - two[0]))
            for one, two, low, high in zip(*marks, self.lowest, self.highest, strict=True)
        ]
        self.low = np.array([low for low, _ in ends]) - margin
        self.high = np.array([high for _, high in ends]) + margin

    def grow(self, sides: np.ndarray | None = None) -> None:
        """Twice as far on the sides that are told, or on all."""
        by = self.high - self.low
        sides = np.ones((len(by), 2), bool) if sides is None else sides
        self.low, self.high = self.low - by * sides[:, 0], self.high + by * sides[:, 1]

    def sums(self) -> tuple[np.ndarray, np.ndarray]:
        """The sums, and how far each may be off beside 1 + its size."""
        while True:
            wanted, beyond = self._sums()
            sides = np.asarray(np.any(beyond > WIDE / 100, axis=0))
            if not sides.any():
                break
            low, high = self.low, self.high
            self.grow(sides)
            if self._volume() > MOST:
                self.low, self.high = low, high
                break
        return wanted, beyond.sum(axis=(1, 2))

    def _volume(self) -> float:
        return float(np.prod(1.0 + self.high - self.low + self.highest - self.lowest))

    def _sums(self) -> tuple[np.ndarray, np.ndarray]:
        if self._volume() > MOST:
            raise Unheld
        first = self.left(*_grid(self.low, self.high))
        second = self.right(*_grid(self.lowest - self.high, self.highest - self.low))
        turned = (slice(None, None, -1),) * first.ndim
        wanted, beyond = [], []
        for spot in self.spots:
            start = spot - self.lowest
            there = tuple(slice(a, a + size) for a, size in zip(start, first.shape, strict=True))
            terms = first * second[there][turned]
            sizes, total = np.abs(terms), complex(terms.sum())
            rounding = 1e-14 * sizes.sum()  # which is not to be mistaken for a sum
            wanted.append(total if rounding <= WIDE / 10 * (1 + abs(total)) else complex("nan"))
            beyond.append([_beyond(sizes, axis) for axis in range(sizes.ndim)] / (1 + np.abs(total)))
        return np.array(wanted), np.array(beyond)


def _grid(low: np.ndarray, high: np.ndarray) -> list[np.ndarray]:
    ranges = (np.arange(a, b + 1) for a, b in zip(low, high, strict=True))
    return list(np.meshgrid(*ranges, indexing="ij", sparse=True))


def _beyond(sizes: np.ndarray, axis: int) -> np.ndarray:
    """What lies beyond the two ends of an axis, if the terms go on falling as they do in the outermost layers."""
    layers = sizes.sum(axis=tuple(k for k in range(sizes.ndim) if k != axis))
    found = []
    for row in (layers, layers[::-1]):
        last, before = row[:LAYERS].sum(), row[LAYERS : 2 * LAYERS].sum()
        found.append(0.0 if last == 0 else last / (1 - last / before) if last < before else np.inf)
    return np.array(found)
