"""Integrals in several variables in numbers: sums over grids, which lie where something happens."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.special
from sympy import Symbol

from ..deadline import inquire
from ..errors import Unheld
from ..types import Expr, sympy
from .common import WIDE
from .places import edges_along, located, real_numbers
from .quadrature import Integral
from .sifting import Part, sifted

__all__ = ["Spot", "Summed", "guarded", "lambdified"]

Spot = tuple[float, ...]

# by the number of axes: nodes on one, the least between two marks, how far they reach
NODES = {1: (400, 60, 4.5), 2: (240, 30, 4.5), 3: (72, 14, 4.5), 4: (24, 7, 3.2), 5: (16, 5, 3.0), 6: (10, 3, 2.7)}
ROWS = {1: (240, 40, 4.5), 2: (60, 14, 4.5), 3: (24, 8, 3.5)}  # the same across an axis along which edges are known
ALONG = 18  # nodes between two of these
GRIDS, MOST = 3, 2_000_000  # how often it is summed, and over how many nodes at most
FEW = 10  # nodes between two peaks, of which fewer are not enough


class Summed:
    """The integral of an expression in numbers, at numbers for the outer variables."""

    def __init__(self, e: Expr, inner: Sequence[Symbol], outer: Sequence[Symbol]):
        together: dict[tuple[Symbol, ...], list[Expr]] = {}
        for part in sifted(e, inner):
            together.setdefault(part.inner, []).append(part.e)
        self.parts = [_Grid(Part(sympy.Add(*found), free), outer) for free, found in together.items()]
        self.axes = max((len(part.inner) for part in self.parts), default=0)
        self.oblique = any(part.marks.oblique for part in self.parts)

    def __call__(self, at: Spot, draw: random.Random, finer: float = 1) -> Integral:
        return sum((part(at, draw, finer) for part in self.parts), Integral(0, 0.0, 0.0))


class _Grid:
    """One part of it, by sums over grids that are shifted against one another.

    Between jumps that lie across an axis a few nodes are enough. Other edges are found along one of the axes; where
    they are not, a grid sees them coarsely, so that a wrong formula is found there, and no wrong digit.
    """

    def __init__(self, part: Part, outer: Sequence[Symbol]):
        self.inner, self.outer = list(part.inner), tuple(outer)
        if len(self.inner) > max(NODES):
            raise Unheld
        self.marks = located(part.e, self.inner)
        self.edges: Callable[..., Any] | None = None
        if self.marks.oblique and len(self.inner) - 1 in ROWS:
            self._with_edges(part.e)
        self.singular = any(power.exp.is_negative and power.has(*self.inner) for power in part.e.atoms(sympy.Pow))
        self.singular |= part.e.has(sympy.log)
        self.value = lambdified(guarded(part.e), (*outer, *self.inner))

    def _with_edges(self, e: Expr) -> None:
        """Put an axis last along which all edges are known."""
        for x in reversed(self.inner):
            if (edges := edges_along(e, x, self.inner)) is not None:
                self.inner = [y for y in self.inner if y != x] + [x]
                self.marks = located(e, self.inner)
                self.edges = lambdified(sympy.Tuple(*edges), (*self.outer, *self.inner[:-1]))
                return

    def __call__(self, at: Spot, draw: random.Random, finer: float) -> Integral:
        known = dict(zip(self.outer, map(sympy.Float, at), strict=True))
        jumps, peaks = (
            [real_numbers([e.xreplace(known) for e in axis]) for axis in axes]
            for axes in (self.marks.jumps, self.marks.peaks)
        )
        if not self.inner:
            value = complex(self.value(*map(np.float64, at)))
            return Integral(value, WIDE * abs(value), abs(value))
        sums = [self._sum(at, jumps, peaks, draw, finer) for _ in range(GRIDS)]
        values = np.array([value for value, _, _ in sums])
        mean, size = complex(values.mean()), max(size for _, _, size in sums)
        error = 4 * float(np.abs(values - mean).max()) + max(error for _, error, _ in sums) + WIDE * size
        return Integral(mean, error, size)

    def _sum(
        self, at: Spot, jumps: list[list[float]], peaks: list[list[float]], draw: random.Random, finer: float
    ) -> tuple[complex, float, float]:
        """A sum, how far it may be off by what is beyond its ends or between its nodes, and that of absolute values."""
        inquire()
        places = list(zip(jumps, peaks, self.marks.widths, strict=True))
        if self.edges:
            rows, weights, inside = _tensor([_rule(*axis, ROWS[len(places) - 1], finer, draw) for axis in places[:-1]])
            across = np.array(
                [np.broadcast_to(edge, rows[0].shape) for edge in self.edges(*map(np.float64, at), *rows)]
            )
            last = _along_rows(across, *places[-1][1:], finer, draw)
            grid = [*(x[..., None] for x in rows), last[0]]
            weights, inside = weights[..., None] * last[1], inside[..., None] & last[2]
        else:
            grid, weights, inside = _tensor([_rule(*axis, NODES[len(places)], finer, draw) for axis in places])
        with np.errstate(all="ignore"):
            values = self.value(*map(np.float64, at), *grid) * weights
            values = np.where(np.isfinite(values) | inside, values, 0)  # of 0·∞ far out
            sizes = np.abs(values)
            whole = complex(np.sum(values))
            error = 2 * abs(whole - complex(np.sum(values, where=inside)))
            if self.edges:  # where two edges meet, the integrals along rows have a kink between two of them
                error += float(sizes.sum(axis=-1).max(axis=-1).sum()) / 12
            elif self.marks.oblique:  # an edge crosses each row somewhere between two nodes
                error += float(sizes.max(axis=-1).sum()) / 2
            if self.singular:  # a peak in one cell
                error += float(sizes.max())
        return whole, error, float(sizes.sum())


Rule = tuple[np.ndarray, np.ndarray, np.ndarray]  # nodes, their weights, and which do not lie near the ends


def _tensor(axes: Sequence[Rule]) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    if np.prod([len(x) for x, _, _ in axes]) > MOST:
        raise Unheld
    nodes, weights, inside = (np.meshgrid(*parts, indexing="ij", sparse=True) for parts in zip(*axes, strict=True))
    whole = functools.reduce(np.multiply, weights)
    return [np.broadcast_to(x, whole.shape) for x in nodes], whole, functools.reduce(np.logical_and, inside)


def _rule(
    jumps: list[float],
    peaks: list[float],
    widths: Sequence[float],
    nodes: tuple[int, int, float],
    finer: float,
    draw: random.Random,
) -> Rule:
    """Nodes on an axis, which are dense at jumps and around peaks."""
    most, least, reach = nodes
    if least < FEW and not jumps:
        peaks = [float(np.mean(peaks))] if peaks else []
    places = _apart(jumps, peaks, widths)
    narrow, wide = (min(widths), max(widths)) if widths else (1.0, 1.0)
    if not jumps and len(places) <= 1:
        farthest = np.arcsinh(np.sinh(reach) * wide / narrow)
        u, step = _shifted(farthest, int(most * finer), draw)
        middle = places[0] if places else 0.0
        inside = np.abs(np.sinh(u)) < np.sinh(0.85 * reach) * wide / narrow
        return middle + narrow * np.sinh(u), narrow * step * np.cosh(u), inside
    count = int(max(least, most // (len(places) + 1)) * finer)
    return _between(np.array(places), wide, reach, count, draw)


def _along_rows(
    edges: np.ndarray, peaks: list[float], widths: Sequence[float], finer: float, draw: random.Random
) -> Rule:
    """Nodes on each of many rows, with its edges; where a row has fewer of them, some intervals have no length."""
    middle = peaks[0] if peaks else 0.0
    others = [np.full(edges.shape[1:], peak) for peak in peaks or [middle]]
    places = np.sort(np.array([*np.where(np.isfinite(edges), edges, middle), *others]), axis=0)
    return _between(places, max(widths, default=1.0), 4.5, int(ALONG * finer), draw)


def _between(places: np.ndarray, wide: float, reach: float, count: int, draw: random.Random) -> Rule:
    """Nodes between the places, and beyond them; each place may be an array of them, and nodes come last."""
    u, step = _shifted(1.0, count, draw)
    s = np.pi / 2 * np.sinh(3 * u)
    share, weight = 1 / (1 + np.exp(-2 * s)), 3 * step * np.pi / 4 * np.cosh(3 * u) / np.cosh(s) ** 2
    v = reach * u
    distance = wide * np.exp(v - np.exp(-v))
    beyond = reach * step * distance * (1 + np.exp(-v))
    places = places[..., None]
    size = np.diff(places, axis=0)
    every = np.broadcast_to
    nodes = [*(places[:-1] + size * share), places[0] - distance, places[-1] + distance]
    weights = [*(size * weight), *([every(beyond, nodes[-1].shape)] * 2)]
    inside = [every(True, part.shape) for part in nodes[:-2]] + [every(v < 0.85 * reach, nodes[-1].shape)] * 2
    x, w, i = (np.concatenate(parts, axis=-1) for parts in (nodes, weights, inside))
    return x, w, i


def _apart(jumps: list[float], peaks: list[float], widths: Sequence[float]) -> list[float]:
    """The jumps, and the peaks that are not close to another place."""
    places = list(jumps)
    for peak in peaks:
        if all(abs(peak - place) > 0.5 * min(widths, default=1.0) for place in places):
            places.append(peak)
    return sorted(places)


def _shifted(reach: float, nodes: int, draw: random.Random) -> tuple[np.ndarray, float]:
    step = 2 * reach / nodes
    return -reach + step * (np.arange(nodes) + draw.random()), step


def lambdified(e: Expr, variables: Sequence[Symbol]) -> Callable[..., Any]:
    plain = [Symbol(f"x{k}") for k in range(len(variables))]  # of Dummies lambdify takes its time
    e = e.replace(sympy.KroneckerDelta, sympy.Function("same"))  # which it would write as a condition
    e = e.xreplace(dict(zip(variables, plain, strict=True)))
    try:
        value = sympy.lambdify(plain, e, [NUMPY, "scipy", "numpy"])
    except KeyError:  # C(-1, n) is written by factorials that have no value
        raise Unheld from None

    def quiet(*at: Any) -> Any:
        with np.errstate(all="ignore"):
            try:
                return value(*at)
            except (NameError, TypeError):  # of what NumPy and SciPy do not know, or not of complex numbers
                raise Unheld from None

    return quiet


def _guarded(switch: Any, value: Any) -> Any:
    """A step that is 0 is so beside what has no value."""
    return np.where(np.equal(switch, 0), 0, switch * value)


NUMPY = {
    "Heaviside": lambda x, at_0=0.5: np.heaviside(x, at_0),
    "same": lambda i, j: np.equal(i, j) * 1.0,
    "factorial": lambda x: np.where(np.less(x, 0), np.nan, scipy.special.gamma(np.add(x, 1))),
    "binomial": lambda n, k: np.where(np.less(n, 0) | np.less(k, 0), np.nan, scipy.special.binom(n, k)),
    "guarded": _guarded,
}


SWITCHED = (sympy.Heaviside, sympy.KroneckerDelta, sympy.Piecewise)


def _is_switched(e: Expr) -> bool:
    return e.is_Mul and any(part.has(*SWITCHED) for part in e.args) and not all(part.has(*SWITCHED) for part in e.args)


def _as_guarded(e: Expr) -> Expr:
    switches, others = sympy.sift(e.args, lambda part: part.has(*SWITCHED), binary=True)
    return sympy.Function("guarded")(sympy.Mul(*switches), sympy.Mul(*others))


def guarded(e: Expr) -> Expr:
    """The same, where a factor that is switched off leaves nothing of others, even if they have no value."""
    return e.replace(_is_switched, _as_guarded)
