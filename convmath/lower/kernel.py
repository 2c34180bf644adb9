"""A box on arrays, part by part, so that what stands between input and output stays small."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from convmath.ir import walk
from convmath.ir.guards import holds
from convmath.ir.nodes import Guard, Read
from convmath.ir.poly import Index, Poly, poly

from .access import Access, Part, form_values
from .arrays import Arrays
from .bounds import count
from .box import Box
from .boxes import unguarded
from .contraction import Factor, contracted
from .factors import Elements, Factors, factors
from .scalars import Scalars

__all__ = ["Context", "Kernel"]

MATRIX = 2**21  # elements of a matrix that windows are laid out in: it should stay in the cache
ELEMENTS = 2**17  # of an array that something is computed in, element by element


@dataclass(frozen=True)
class Context:
    """What a kernel runs with: the arrays by name, and the type and the real parameters of its equation."""

    arrays: Arrays
    given: Mapping[str, Any]
    dtype: Any
    reals: Mapping[str, Any]

    @property
    def like(self) -> Any:
        """An array on the device that everything is on."""
        return next(iter(self.given.values()), None)


class Kernel:
    """A box with its factors; its values come part by part."""

    def __init__(self, box: Box, sizes: Mapping[str, Sequence[int]], exact: bool = False):
        self.box, self.sizes = box, sizes
        self.free = tuple(line.index for line in box.lines)
        self.order = (*box.bound, *self.free)
        self.factors = _with_sums(factors(box, sizes, exact), box)
        self.steps = _steps(self.factors, box)
        self.accesses: dict[Read, Access] = {}

    @property
    def exact(self) -> tuple[Kernel, ...]:
        """The same for numbers that are not finite."""
        return tuple(Kernel(box, self.sizes, exact=True) for box in unguarded(self.box))

    def _access(self, read: Read) -> Access:
        if read not in self.accesses:
            at = tuple(self.box.forms[form] for form in read.at)
            self.accesses[read] = Access(read, at, tuple(self.sizes[read.tensor]))
        return self.accesses[read]

    # -- parts

    def parts(self) -> Iterator[Part]:
        """All its parts, those of the first free index last."""
        indices = (*self.free, *self.box.bound)
        for cuts in product(*map(self.cuts, indices)):
            starts, lengths = zip(*cuts, strict=True) if cuts else ((), ())
            yield Part(self.order, dict(zip(indices, starts, strict=True)), dict(zip(indices, lengths, strict=True)))

    def cuts(self, index: Index) -> list[tuple[int, int]]:
        """Where the parts begin along an index, and how long they are."""
        length = count(index)
        step = self.steps.get(index, length)
        return [(start, min(step, length - start)) for start in range(0, length, step)]

    # -- values

    def block(self, context: Context, part: Part) -> tuple[Any, bool]:
        """The values of a part, with an axis for each line of the box (of length 1 where they are all the same).

        And whether they are right even where they are not finite.
        """
        kind, found = self.box.reduce, self.factors
        scalars = self._scalars(context, part)
        values = [Factor(access.values(context.given, part, scalars, kind), access.left) for access in found.accesses]
        values += [self._elements(element, scalars) for element in found.elements]
        numbers = [factor.values for factor in values if isinstance(factor.values, float)]
        values = [factor for factor in values if not isinstance(factor.values, float)]
        if kind != "sum":
            total, sure = self._reduced(context, values[0].values if values else numbers[0], kind), True
        else:
            scale = math.prod(numbers) * self._repeated(found, part)
            total = contracted(context.arrays, values, self.free, self.order, part.lengths) if values else None
            total = scale if total is None else total if scale == 1 else total * scale
            sure = found.sure and math.isfinite(scale)
        if isinstance(total, float):
            return context.arrays.full((1,) * len(self.free), total, context.dtype, context.like), sure
        total = context.arrays.cast(total, context.dtype)
        return total[(*(0,) * len(self.box.bound), ...)], sure

    def _reduced(self, context: Context, values: Any, kind: str) -> Any:
        if isinstance(values, float):
            return values
        axes = tuple(axis for axis in range(len(self.box.bound)) if values.shape[axis] > 1)
        return context.arrays.reduced(kind, values, axes) if axes else values

    def _repeated(self, found: Factors, part: Part) -> float:
        """How often the same is added: once for each tuple of the indices that nothing depends on."""
        used = frozenset().union(*(factor.indices for factor in (*found.accesses, *found.elements)))
        return float(math.prod(part.lengths[index] for index in self.box.bound if index not in used))

    def _elements(self, element: Elements, scalars: Scalars) -> Factor:
        values = scalars.value(element.node)
        return Factor(scalars.where(element.guards, values, element.neutral), element.indices)

    def _scalars(self, context: Context, part: Part) -> Scalars:
        arrays, forms, known = context.arrays, self.box.forms, dict[Read, Any]()

        def read(node: Read) -> Any:
            if node not in known:
                known[node] = self._access(node).values(context.given, part, scalars, raw=True)
            return known[node]

        def form(node: Poly) -> Any:
            values = form_values(forms.get(node, node), part)
            if isinstance(values, int):
                return values
            return arrays.number(values.astype(float) if values.dtype == object else values, context.like)

        def guard(node: Guard) -> Any:
            now = walk.map_forms(node, lambda form: forms.get(form, form))
            values = {index: form_values(poly(index), part) for index in walk.indices(now)}
            where = holds(now, values)
            return bool(where) if np.ndim(where) == 0 else arrays.number(where, context.like)

        scalars = Scalars(arrays, context.dtype, context.reals, read, form, guard)
        return scalars


def _with_sums(found: Factors, box: Box) -> Factors:
    """The accesses with those indices summed on the way that no other factor has."""
    everything = (*found.accesses, *found.elements)
    accesses = []
    for access in found.accesses:
        others = frozenset().union(*(factor.indices for factor in everything if factor is not access))
        own = access.reducible(frozenset(box.bound) - others)
        accesses.append(replace(access, summed=own))
    return replace(found, accesses=tuple(accesses))


# --- how a box is cut into parts --------------------------------------------------------------------------------------


def _steps(found: Factors, box: Box) -> dict[Index, int]:
    """How many values of an index a part has, where it does not have all."""
    lengths = {index: count(index) for index in box.indices}
    cut: dict[Index, int] = {}
    several = len(found.accesses) + len(found.elements) > 1
    held: list[tuple[frozenset[Index], Callable[[], int], int]] = []
    for access in found.accesses:
        matrix = several and isinstance(access.node, Read)
        held.append((access.indices, _size_of(access, lengths, several), MATRIX if matrix else ELEMENTS))
    for element in found.elements:
        held.append((element.indices, _size(element.indices, lengths), ELEMENTS))
    free = frozenset(line.index for line in box.lines)
    held.append((free, _size(free, lengths), MATRIX if several and found.accesses else ELEMENTS))
    while True:
        own, size, limit = max(held, key=lambda entry: entry[1]() / entry[2], default=(frozenset(), lambda: 0, 1))
        candidates = [
            index for index in (*(line.index for line in box.lines), *box.bound) if index in own and lengths[index] > 1
        ]
        if size() <= limit or not candidates:
            return cut
        index = min(candidates, key=lambda index: _doubled(index, held, box, lengths))
        lengths[index] = cut[index] = max(1, lengths[index] // max(2, -(-size() // limit)))


def _doubled(
    index: Index,
    held: Sequence[tuple[frozenset[Index], Callable[[], int], int]],
    box: Box,
    lengths: Mapping[Index, int],
) -> int:
    """How many elements are gone through once more for each further part along an index."""
    again = sum(size() for own, size, _ in held if index not in own)
    return again + (math.prod(lengths[line.index] for line in box.lines) if index in box.bound else 0)


def _size(own: frozenset[Index], lengths: Mapping[Index, int]) -> Callable[[], int]:
    return lambda: math.prod(lengths[index] for index in own)


def _size_of(access: Access, lengths: Mapping[Index, int], expanded: bool) -> Callable[[], int]:
    def region() -> int:
        return math.prod(
            min(n, 1 + sum(abs(c) * (lengths[index] - 1) for index, c in line[0].items())) if line else n
            for line, n in zip(access.lines, access.sizes, strict=True)
        )

    laid = _size(access.left, lengths)
    return lambda: max(region(), laid() if expanded else 0)
