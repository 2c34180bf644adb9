"""Winograd's algorithm in any number of dimensions: tiles of M outputs, each by F(M, k) along every axis.

Positions are taken apart into tiles τ and, where there is dilation, phases ρ: s·j = d·(M·τ+r) + ρ. A, Γ and Δ are the
matrices A, G and B of `kernels.toom_cook` (Lavin & Gray, arXiv 1509.09308). A stride above 1 takes every s-th of the
values of stride 1, and so saves less.

>>> from convmath import operator
>>> from convmath.calculus.forms import forms
>>> form = forms(operator("conv", ndim=1, groups=1, stride=1, dilation=1).statement)["winograd"]
>>> print(form)
U[o,c,κ] = Σ_{t<k} Γ[κ,t] · W[o,c,t]
V[ν,c,τ,κ] = Σ_{λ<k+M-1} Δ[κ,λ] · X[ν,c,M·τ+λ-a]        X is 0 outside
Z[ν,o,τ,κ] = Σ_{c<C} U[o,c,κ] · V[ν,c,τ,κ]
Y[ν,o,j] = Σ_{κ<k+M-1} A[κ,j mod M] · Z[ν,o,⌊j/M⌋,κ]
>>> form.multiplications(kernel=3, tile=2)            # for a tile: by the form, and by the definition
(4, 6)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np

from convmath.calculus.eliminate import solved
from convmath.ir.build import equation, read, size, total
from convmath.ir.exact import exact_array
from convmath.ir.nodes import AtMost, Product, Statement, Tensor, Zero
from convmath.ir.poly import Index, Poly, poly
from convmath.kernels.toom_cook import ToomCook, toom_cook
from convmath.window import per_axis

from .form import Form
from .numbers import Laid, Numbers, applied, picked
from .structure import Axis, Refusal, Structure, indices_of

__all__ = ["Winograd"]


class Winograd(Form):
    NAME = "winograd"

    @staticmethod
    def _stated(of: Structure) -> Statement:
        if not of.gathers:
            raise Refusal(
                f"{of.output.name} scatters what it reads, but F(m, r) gathers, as its form 'transposed' does"
            )
        k, m = of.kernel, of.shape(of.output.name)[2:]
        axes = [_tiled(of, *each) for each in zip(of.axes, k, m, strict=True)]
        A, Γ, Δ = zip(*(axis.matrices for axis in axes), strict=True) if axes else ((), (), ())
        points = [poly(axis.point) for axis in axes]
        phases = [axis.phase for axis in axes if axis.phase.size != 1]
        cell = [*(poly(axis.tile) for axis in axes), *map(poly, phases)]
        kernel = read("U", *of.w.at[:2], *points)
        data, values = (
            read(name, of.batch, channel, *cell, *points) for name, channel in zip("VZ", of.channels, strict=True)
        )
        # the last tiles reach beyond what is needed: zeros are there anyway, but no border need go on so far
        needed = [axis.needed for axis in axes] if of.border else []
        seen = replace(
            of.x, at=(*of.x.at[:2], *(axis.seen for axis in axes)), outside=of.outside if of.border else Fraction(0)
        )
        at_kernel = (
            read(matrix, axis.point, tap) for matrix, axis, tap in zip(Γ, axes, _forward_taps(of), strict=True)
        )
        at_data = (read(matrix, axis.point, axis.position) for matrix, axis in zip(Δ, axes, strict=True))
        at_values = (read(matrix, axis.point, axis.inside) for matrix, axis in zip(A, axes, strict=True))
        bound = [*phases, *(index for axis in axes for index in (axis.point, axis.tile, axis.row, axis.inside))]
        statement = of.stated(
            equation("U", kernel.at, total(Product.of(*at_kernel, of.w), indices_of(*of.taps))),
            equation("V", data.at, total(Product.of(*at_data, seen), [axis.position for axis in axes], needed)),
            equation("Z", values.at, of.summed(kernel * data, of.channels[0])),
            of.value(total(Product.of(*at_values, values), bound, [guard for axis in axes for guard in axis.place])),
            inputs=(*A, *Γ, *Δ),
        )
        return solved(statement)[0]

    def compute(
        self, arrays: Mapping[str, Any], *, tile: Any = 2, points: Sequence[Any] | None = None, **given: Any
    ) -> np.ndarray:
        """The value by tiles of `tile` outputs, one number for all axes or one for each, each by F(tile, k)."""
        numbers = Numbers.of(self.structure, arrays, given)
        return numbers.value(_by_tiles(numbers, self.rules([axis.k for axis in numbers.axes], tile, points)))

    def rules(self, kernel: Any, tile: Any = 2, points: Sequence[Any] | None = None) -> tuple[ToomCook, ...]:
        """F(tile, k) along each axis of a kernel."""
        kernels = per_axis(kernel, len(self.structure.axes), "kernel", self.NAME, 1)
        tiles = per_axis(tile, len(self.structure.axes), "tile", self.NAME, 1)
        return tuple(toom_cook(m, k, points) for m, k in zip(tiles, kernels, strict=True))

    def multiplications(self, kernel: Any, tile: Any = 2) -> tuple[int, int]:
        """How many products a tile takes for an input and an output channel: by the form, and by the definition."""
        rules = self.rules(kernel, tile)
        return prod(rule.multiplications for rule in rules), prod(rule.direct for rule in rules)

    def matrices(self, kernel: Any, tile: Any = 2, points: Sequence[Any] | None = None) -> dict[str, np.ndarray]:
        """The arrays A, Γ and Δ that the statement reads, by name."""
        found: dict[str, np.ndarray] = {}
        for axis, rule in zip(self.structure.axes, self.rules(kernel, tile, points), strict=True):
            named = zip(_names(axis), (rule.A, rule.G, rule.B), strict=True)
            found |= {name: exact_array(np.array(matrix, object)) for name, matrix in named}
        return found


# --- the statement ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Tiled:
    """An axis in tiles: s·j = d·h + ρ and h = M·τ + r, and what a tile reads at each of its positions λ."""

    matrices: tuple[Tensor, ...]
    tile: Index  # τ
    phase: Index  # ρ
    inside: Index  # r
    point: Index  # κ
    position: Index  # λ
    row: Index  # h
    seen: Poly
    needed: AtMost
    place: tuple[Zero, Zero]


def _names(axis: Axis) -> list[str]:
    return [f"{letter}{axis.place or ''}" for letter in "AΓΔ"]


def _forward_taps(of: Structure) -> Iterator[Poly]:
    """The taps, the last one first where the kernel is turned."""
    for axis, k in zip(of.axes, of.kernel, strict=True):
        yield axis.tap if axis.forward else k - 1 - axis.tap


def _tiled(of: Structure, axis: Axis, k: Poly, m: Poly) -> _Tiled:
    M, d = of.new(size("M", axis.place, least=1)), axis.step
    last, reach = axis.stride * (m - 1), d * (k - 1)
    rows, points = last // d + 1, M + k - 1
    sizes = {"τ": (rows - 1) // M + 1, "ρ": d, "r": M, "κ": points, "λ": points, "h": rows}
    tile, phase, inside, point, position, row = (Index(letter, extent, axis.place) for letter, extent in sizes.items())
    offset = poly(0) if d == 1 else poly(phase)
    first = d * (M * poly(tile) + poly(position)) + offset
    before = axis.before if axis.forward else axis.before + reach
    shapes = ((points, M), (points, k), (points, points))
    letters = (point, inside), (point, Index("t", k, axis.place)), (point, position)
    matrices = (
        Tensor(name, shape, tuple((i.letter, i.axis) for i in own))
        for name, shape, own in zip(_names(axis), shapes, letters, strict=True)
    )
    return _Tiled(
        tuple(matrices),
        tile,
        phase,
        inside,
        point,
        position,
        row,
        first - before,
        AtMost(first, last + reach),
        (
            Zero(axis.stride * axis.here, d * poly(row) + offset),
            Zero(poly(row), M * poly(tile) + poly(inside)),
        ),
    )


# --- in numbers -------------------------------------------------------------------------------------------------------


def _by_tiles(numbers: Numbers, rules: Sequence[ToomCook]) -> np.ndarray:
    D, (x, w) = len(rules), (numbers.x, numbers.w)
    matrices = [[np.array(matrix, object).astype(x.dtype) for matrix in (rule.A, rule.G, rule.B)] for rule in rules]
    x = picked(x, [_positions(axis, rule) for axis, rule in zip(numbers.axes, rules, strict=True)])
    for axis, (_, G, B) in enumerate(matrices):
        w = applied(G, np.flip(w, 3 + axis) if numbers.axes[axis].dilation < 0 else w, 3 + axis)
        x = applied(B, x, 5 + 3 * axis)
    # each axis of x is a tile, a phase and a point; w has the points alone
    tiles = [(10 + 3 * axis, 11 + 3 * axis, 12 + 3 * axis) for axis in range(D)]
    points, cells = [point for *_, point in tiles], [place for axis in tiles for place in axis]
    y = np.einsum(w, [1, 2, 3, *points], x, [0, 1, 3, *cells], [0, 1, 2, *cells])
    for axis, (A, _, _) in enumerate(matrices):
        y = applied(A.T, y, 5 + 3 * axis)
    y = y.reshape(*y.shape[:3], *(prod(y.shape[3 + 3 * axis : 6 + 3 * axis]) for axis in range(D)))
    return picked(y, [_outputs(axis, rule) for axis, rule in zip(numbers.axes, rules, strict=True)])


def _positions(axis: Laid, rule: ToomCook) -> np.ndarray:
    """What each tile and phase reads at each of its positions: an array of three axes; -1 where it need not read."""
    d, last = abs(axis.dilation), axis.stride * (axis.m - 1)
    reach = d * (axis.k - 1)
    tiles = last // d // rule.outputs + 1
    τ, ρ, λ = np.ogrid[:tiles, :d, : rule.multiplications]
    first = d * (rule.outputs * τ + λ) + ρ
    before = axis.before if axis.dilation > 0 else axis.before + reach
    return np.where(first <= last + reach, axis.within(first - before), -1)


def _outputs(axis: Laid, rule: ToomCook) -> np.ndarray:
    """Where output j stands among tile, phase and place in the tile, counted row by row."""
    d, M = abs(axis.dilation), rule.outputs
    row, phase = np.divmod(axis.stride * np.arange(axis.m), d)
    return (row // M * d + phase) * M + row % M
