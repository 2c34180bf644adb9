"""Whether an operator does the same to each of its windows, so that the output moves where the input does."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

from convmath.ir.nodes import ONE, Placement, Read, Scalar, Statement
from convmath.ir.poly import poly
from convmath.ir.walk import indices, map_reads, params, reads

__all__ = ["moves_along"]


@lru_cache(maxsize=256)
def moves_along(statement: Statement, placement: Placement) -> bool:
    """Whether windows of the first input are told apart along an axis by nothing but what they read of it.

    Neither the position nor the length of the axis may stand anywhere else: not as a number, nor in a bracket, a range
    or the shape of another input. False says that this was not shown.
    """
    j, first, *others = placement.index, *statement.inputs
    telling = {j, *placement.size.leaves(), *placement.counted.leaves()}

    def tells(*nodes: Any) -> bool:
        return not telling.isdisjoint({*params(nodes), *indices(nodes)})

    def unmoved(read: Read) -> Scalar:
        """1 for a read that moves with its window, or is the same for all."""
        own = [form for form in read.at if form.has(j)]
        if read.tensor != first.name:
            return ONE if own in ([], [poly(j)]) else read
        bounded = isinstance(read.outside, Fraction) or read.outside in ("strict", "nothing")
        if len(own) == 1 and bounded and not tells(own[0] - placement.form.coefficient(j) * poly(j)):
            return ONE
        return read

    if placement.size not in first.shape or tells(*(tensor.shape for tensor in others)):
        return False
    for equation in statement.equations:
        for term in equation.terms:
            left = map_reads(term.body, unmoved)
            sizes = tuple(index.size for index in term.bound)
            if tells(term.guards, left, sizes) or any(read.tensor == first.name for read in reads(left)):
                return False
    return True
