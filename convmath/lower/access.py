"""Reads as arrays over the indices of a box.

An access is an expression of reads at one and the same place, Π f(T[e₁, e₂, …]). It is evaluated where the positions
lie, so that each element is squared, or its logarithm taken, once however many windows hold it; what lies outside the
array is added there; sums along single axes are taken there; and last the windows are laid over it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from convmath.errors import StatementError
from convmath.ir.nodes import Read, Scalar
from convmath.ir.poly import Index, Poly
from convmath.window import BORDERS

from .arrays import Along, Arrays
from .bounds import Affine, affine, bounds
from .scalars import Scalars

__all__ = ["Access", "Part", "form_values"]


@dataclass(frozen=True)
class Part:
    """A part of a box: the indices from their starts on, so many of each; `order` is that of the axes of its arrays."""

    order: tuple[Index, ...]
    starts: Mapping[Index, int]
    lengths: Mapping[Index, int]


def form_values(form: Poly, part: Part) -> Any:
    """The values of a form, with an axis for each index in the order; an int where it has none."""
    if form.constant is not None:
        return form.constant
    present = form.indices()
    env = {}
    for place, index in enumerate(part.order):
        if index in present:
            values = np.arange(part.starts[index], part.starts[index] + part.lengths[index])
            env[index] = values.reshape([-1 if axis == place else 1 for axis in range(len(part.order))])
    if max(map(abs, bounds(form))) >= 1 << 62:
        env = {index: values.astype(object) for index, values in env.items()}
    return np.asarray(form.evaluate(env))


@dataclass(frozen=True)
class Access:
    """`beyond` are the axes outside of which it is `neutral`; `summed` are the indices that it is reduced over."""

    node: Scalar
    at: tuple[Poly, ...]
    sizes: tuple[int, ...]
    beyond: frozenset[int] = frozenset()
    summed: frozenset[Index] = frozenset()
    neutral: float = 0.0

    @cached_property
    def indices(self) -> frozenset[Index]:
        """What it depends on before it is reduced."""
        return frozenset(index for form in self.at for index in form.indices())

    @cached_property
    def left(self) -> frozenset[Index]:
        """What it depends on when it is reduced."""
        return self.indices - self.summed

    @cached_property
    def lines(self) -> tuple[Affine | None, ...]:
        """The place as coefficients and constants, where it is affine."""
        return tuple(map(affine, self.at))

    def reducible(self, bound: frozenset[Index]) -> frozenset[Index]:
        """Those of the bound indices that a reduction along single axes takes away."""
        found = set()
        for axis, line in enumerate(self.lines):
            if line is not None and len(line[0]) <= 2:
                elsewhere = {v for other, form in enumerate(self.at) if other != axis for v in form.indices()}
                found.update([v for v in line[0] if v in bound and v not in elsewhere][:1])
        return frozenset(found)

    def values(
        self, given: Mapping[str, Any], part: Part, scalars: Scalars, kind: str = "sum", raw: bool = False
    ) -> Any:
        """The array over the indices of the part, reduced as the term is; `raw` leaves integers as they are."""
        arrays = scalars.arrays
        ends = [_ends(form, line, part) for form, line in zip(self.at, self.lines, strict=True)]
        inner = [
            _inside(low, high, n) if axis in self.beyond else (low, high)
            for axis, ((low, high), n) in enumerate(zip(ends, self.sizes, strict=True))
        ]
        if isinstance(self.node, Read):
            region = _region(arrays, given, self.node, inner)
            region = region if raw else arrays.cast(region, scalars.dtype)
        else:
            there = replace(scalars, read=lambda read: _region(arrays, given, read, inner))
            region = there.value(self.node)
        if self.beyond:
            region = arrays.padded(region, [_pads(*axis) for axis in zip(ends, inner, strict=True)], self.neutral)
        axes, whole = [], []
        for axis, (form, line, (low, _)) in enumerate(zip(self.at, self.lines, ends, strict=True)):
            region, along = _along(arrays, region, axis, form, line, part, low)
            for index in [index for index in along.steps if index in self.summed]:
                if len(along.steps) == 1:
                    region = arrays.line(region, axis, along.offset, along.steps[index], part.lengths[index])
                    whole.append(axis)
                    along = Along({}, 0)
                else:
                    region, along = _overlapping(arrays, region, axis, along, index, part, kind)
            axes.append(along)
        if whole:
            region = arrays.reduced(kind, region, tuple(whole))
        return arrays.over(region, axes, part.order, part.lengths)


def _ends(form: Poly, line: Affine | None, part: Part) -> tuple[int, int]:
    """The least and the greatest position that is read on an axis."""
    if line is None:
        values = form_values(form, part)
        return int(values.min()), int(values.max())
    low = high = line[1]
    for index, c in line[0].items():
        first = c * part.starts[index]
        last = first + c * (part.lengths[index] - 1)
        low, high = (low + first, high + last) if c > 0 else (low + last, high + first)
    return low, high


def _inside(low: int, high: int, n: int) -> tuple[int, int]:
    """The positions from low to high that an axis of size n has; a last one before the first where there is none."""
    first = max(low, 0)
    return first, max(min(high, n - 1), first - 1)


def _pads(ends: tuple[int, int], inner: tuple[int, int]) -> tuple[int, int]:
    """How many positions are lacking before and behind the inner ones."""
    length, held = ends[1] - ends[0] + 1, inner[1] - inner[0] + 1
    before = min(inner[0] - ends[0], length - held)
    return before, length - held - before


def _region(arrays: Arrays, given: Mapping[str, Any], read: Read, ends: Sequence[tuple[int, int]]) -> Any:
    """The elements from the least to the greatest position on each axis, with what lies outside the array."""
    if read.tensor not in given:
        raise StatementError(f"no array is given for {read.tensor}")
    array, pads = given[read.tensor], []
    for axis, (low, high) in enumerate(ends):
        n = array.shape[axis]
        if read.outside in BORDERS and (low < 0 or high >= n):
            border, e = BORDERS[read.outside], np.arange(low, high + 1)  # type: ignore[index]
            mapped = np.where(e < 0, border.below(e, n), np.where(e >= n, border.above(e, n), e))
            array = arrays.taken(array, np.clip(mapped, 0, n - 1), axis)
            pads.append((0, 0))
            continue
        inner = _inside(low, high, n)
        array = arrays.line(array, axis, min(inner[0], n), 1, inner[1] - inner[0] + 1)
        pads.append(_pads((low, high), inner))
    outside = float(read.outside) if isinstance(read.outside, Fraction) else 0.0
    if not arrays.is_float(array) and not outside.is_integer():
        array = arrays.cast(array, arrays.widest)
    return arrays.padded(array, pads, outside if arrays.is_float(array) else int(outside))


def _along(
    arrays: Arrays, region: Any, axis: int, form: Poly, line: Affine | None, part: Part, low: int
) -> tuple[Any, Along]:
    """How an axis of a region that begins at `low` is read; where that is no line, it is gathered first."""
    if line is not None:
        offset = line[1] - low + sum(c * part.starts[index] for index, c in line[0].items())
        return region, Along(line[0], offset)
    own = [index for index in part.order if index in form.indices()]
    positions = form_values(form, Part(tuple(own), part.starts, part.lengths)) - low
    positions = np.broadcast_to(positions, [part.lengths[index] for index in own]).reshape(-1)
    steps, place = dict[Index, int](), 1
    for index in reversed(own):
        steps[index], place = place, place * part.lengths[index]
    return arrays.taken(region, positions, axis), Along({index: steps[index] for index in own}, 0)


def _overlapping(
    arrays: Arrays, region: Any, axis: int, along: Along, index: Index, part: Part, kind: str
) -> tuple[Any, Along]:
    """The axis reduced over one of its two indices, step by step since windows overlap."""
    [(other, c)] = ((other, c) for other, c in along.steps.items() if other != index)
    starts = (along.offset + along.steps[index] * t for t in range(part.lengths[index]))
    lines = (arrays.line(region, axis, start, c, part.lengths[other]) for start in starts)
    return arrays.joined(kind, lines), Along({other: 1}, 0)
