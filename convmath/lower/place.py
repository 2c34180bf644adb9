"""The values of an equation from those of its boxes: written in place, or put side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np

from convmath.ir.poly import Index
from convmath.kernels.order import in_exact_order

from .access import Part
from .arrays import UFUNCS, Strided
from .bounds import count
from .box import Line
from .factors import EMPTY
from .kernel import Context, Kernel

__all__ = ["Terms"]


Block = Callable[[Kernel, Part], Any]  # the values of a part


class _NotFinite(Exception):
    """A part is not finite, and may not be right for that reason."""


@dataclass(frozen=True)
class Terms:
    """The kernels of each term of an equation, and the shape of what it states.

    Where that are positions, `positions` says how large they are.
    """

    shape: tuple[int, ...]
    kind: str
    kernels: tuple[tuple[Kernel, ...], ...]
    positions: int = 0

    def values(self, context: Context) -> Any:
        """What the equation states; without short cuts, in longer time, where numbers are not finite and it matters."""
        try:
            return self._placed(context)
        except _NotFinite:
            return self._exact._placed(context, sure=True)

    @cached_property
    def _exact(self) -> Terms:
        exact = tuple(tuple(box for kernel in kernels for box in kernel.exact) for kernels in self.kernels)
        return replace(self, kernels=exact)

    def _placed(self, context: Context, sure: bool = False) -> Any:
        place = self._written if isinstance(context.arrays, Strided) else self._joined
        return place(lambda kernel, part: _block(kernel, context, part, sure), context)

    # -- in place

    def _written(self, block: Block, context: Context) -> np.ndarray:
        full = self._once and self._covered
        out = np.empty(self.shape, context.dtype) if full else np.full(self.shape, EMPTY[self.kind], context.dtype)
        ufunc = UFUNCS[self.kind]
        for place, kernels in enumerate(self.kernels):
            for kernel in kernels:
                laid = out.reshape([line.size for line in kernel.box.lines])
                for part in kernel.parts():
                    values = block(kernel, part)
                    target = laid[(*(_slice(line, part) for line in kernel.box.lines), ...)]
                    if place == 0 and self._once and not any(part.starts[index] for index in kernel.box.bound):
                        target[...] = values
                    else:
                        ufunc(target, values, out=target)
        if self.kind != "sum" and in_exact_order():
            out += 0  # of zeros with different signs NumPy may take either as the maximum
        return out

    @cached_property
    def _once(self) -> bool:
        """Whether no position is written by two boxes of the first term."""
        return len(self.kernels[:1]) == 1 and all(
            _apart(one.box.lines, other.box.lines) for one, other in combinations(self.kernels[0], 2)
        )

    @cached_property
    def _covered(self) -> bool:
        written = sum(math.prod(map(count, kernel.free)) for kernel in self.kernels[0])
        return written == math.prod(self.shape)

    # -- side by side

    def _joined(self, block: Block, context: Context) -> Any:
        arrays, total = context.arrays, None
        for kernels in self.kernels:
            for kernel in kernels:
                values = _gathered(kernel, block, context)
                for axis, line in enumerate(kernel.box.lines):
                    values = _along(context, values, axis, line, EMPTY[self.kind])
                values = arrays.xp.reshape(values, self.shape)
                total = values if total is None else arrays.join(self.kind, total, values)
        return arrays.full(self.shape, EMPTY[self.kind], context.dtype, context.like) if total is None else total


def _slice(line: Line, part: Part) -> slice:
    start, length = line.start + line.step * part.starts[line.index], part.lengths[line.index]
    return slice(start, start + line.step * (length - 1) + 1, line.step)


def _block(kernel: Kernel, context: Context, part: Part, sure: bool) -> Any:
    block, finds = kernel.block(context, part)
    if not (sure or finds or context.arrays.finite(block)):
        raise _NotFinite
    return block


def _gathered(kernel: Kernel, block: Block, context: Context) -> Any:
    """The values of a box in one array."""

    def go(left: Sequence[Index], starts: Mapping[Index, int], lengths: Mapping[Index, int]) -> Any:
        if not left:
            values = block(kernel, Part(kernel.order, starts, lengths))
            return context.arrays.xp.broadcast_to(values, tuple(lengths[index] for index in kernel.free))
        index, *others = left
        several = [
            go(others, {**starts, index: start}, {**lengths, index: length}) for start, length in kernel.cuts(index)
        ]
        if len(several) == 1:
            return several[0]
        if index in kernel.free:
            return context.arrays.xp.concat(several, axis=kernel.free.index(index))
        return context.arrays.joined(kernel.box.reduce, several)

    return go([*kernel.free, *kernel.box.bound], {}, {})


def _along(context: Context, block: Any, axis: int, line: Line, neutral: float) -> Any:
    """The block along an axis of the output, with what is neutral where it has nothing."""
    length = block.shape[axis]
    if (line.start, line.step, line.size) == (0, 1, length):
        return block
    arrays, rest = context.arrays, list(block.shape)
    rest[axis] = 1
    positions = np.full(line.size, length)
    positions[line.start : line.start + line.step * (length - 1) + 1 : line.step] = np.arange(length)
    longer = arrays.xp.concat([block, arrays.full(rest, neutral, block.dtype, block)], axis=axis)
    return arrays.taken(longer, positions, axis)


def _apart(one: Sequence[Line], other: Sequence[Line]) -> bool:
    """Whether two boxes write no position both."""
    if [line.size for line in one] != [line.size for line in other]:
        return False
    return any(_disjoint(a, b) for a, b in zip(one, other, strict=True))


def _disjoint(a: Line, b: Line) -> bool:
    last = [line.start + line.step * (count(line.index) - 1) for line in (a, b)]
    if a.step == b.step and (a.start - b.start) % a.step:
        return True
    return last[0] < b.start or last[1] < a.start
