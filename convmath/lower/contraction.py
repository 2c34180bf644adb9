"""Σ over indices of a product of arrays, two by two, as products of matrices."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from convmath.ir.poly import Index

from .arrays import Arrays

__all__ = ["Factor", "contracted"]


@dataclass(frozen=True)
class Factor:
    """An array with an axis for each index in the order, of which it depends on these."""

    values: Any
    indices: frozenset[Index]


def contracted(
    arrays: Arrays,
    factors: Sequence[Factor],
    free: Collection[Index],
    order: Sequence[Index],
    lengths: Mapping[Index, int],
) -> Any:
    """Σ Π factors over the indices that are not free, with an axis of length 1 for each of them."""
    pool = [_summed(arrays, factor, free, _elsewhere(factors, factor), order) for factor in factors]
    while len(pool) > 1:
        _, first, second = min(
            ((_cost(pool, a, b, free, lengths), a, b) for a, b in combinations(range(len(pool)), 2)),
        )
        rest = [factor for place, factor in enumerate(pool) if place not in (first, second)]
        kept = frozenset(free).union(*(factor.indices for factor in rest))
        pool = [*rest, _product(arrays, pool[first], pool[second], kept, order, lengths)]
    return pool[0].values


def _elsewhere(factors: Sequence[Factor], own: Factor) -> frozenset[Index]:
    return frozenset().union(*(factor.indices for factor in factors if factor is not own))


def _summed(
    arrays: Arrays, factor: Factor, free: Collection[Index], elsewhere: Collection[Index], order: Sequence[Index]
) -> Factor:
    """The factor summed over what no other has."""
    own = {index for index in factor.indices if index not in free and index not in elsewhere}
    if not own:
        return factor
    axes = tuple(axis for axis, index in enumerate(order) if index in own)
    return Factor(arrays.reduced("sum", factor.values, axes), factor.indices - own)


def _cost(
    pool: Sequence[Factor], a: int, b: int, free: Collection[Index], lengths: Mapping[Index, int]
) -> tuple[int, int]:
    """How large the product of two is, less what goes; then how much work it is."""
    both = pool[a].indices | pool[b].indices
    kept = frozenset(free).union(*(factor.indices for place, factor in enumerate(pool) if place not in (a, b)))
    size = math.prod(lengths[index] for index in both & kept)
    gone = sum(math.prod(lengths[index] for index in pool[place].indices) for place in (a, b))
    return size - gone, math.prod(lengths[index] for index in both)


def _product(
    arrays: Arrays,
    left: Factor,
    right: Factor,
    kept: Collection[Index],
    order: Sequence[Index],
    lengths: Mapping[Index, int],
) -> Factor:
    """The product of two, summed over what is not kept."""
    shared = left.indices & right.indices
    batch = [axis for axis, index in enumerate(order) if index in shared and index in kept]
    gone = [axis for axis, index in enumerate(order) if index in shared and index not in kept]
    rows = [axis for axis, index in enumerate(order) if index in left.indices - shared]
    columns = [axis for axis, index in enumerate(order) if index in right.indices - shared]
    indices = (left.indices | right.indices) & frozenset(order[axis] for axis in (*batch, *rows, *columns))
    if not gone:
        return Factor(left.values * right.values, indices)
    if not rows and not columns:
        return Factor(arrays.reduced("sum", left.values * right.values, tuple(gone)), indices)
    length = [lengths[index] for index in order]
    product = arrays.matmul(
        _matrices(arrays, left.values, batch, rows, gone, length),
        _matrices(arrays, right.values, batch, gone, columns, length),
    )
    sequence = [*batch, *rows, *columns]
    values = arrays.xp.reshape(product, tuple(length[axis] for axis in sequence))
    if sequence != sorted(sequence):
        values = arrays.xp.permute_dims(values, tuple(sequence.index(axis) for axis in sorted(sequence)))
    laid = tuple(length[axis] if axis in sequence else 1 for axis in range(len(order)))
    return Factor(arrays.xp.reshape(values, laid), indices)


def _matrices(
    arrays: Arrays,
    values: Any,
    batch: Sequence[int],
    first: Sequence[int],
    second: Sequence[int],
    length: Sequence[int],
) -> Any:
    """(batch, first, second); copied in the other order and turned, where that reads the memory in longer runs."""
    turned = arrays.contiguous_last(values, first, second)
    groups = (batch, second, first) if turned else (batch, first, second)
    others = [axis for axis in range(len(length)) if not any(axis in group for group in groups)]
    values = arrays.xp.permute_dims(values, (*others, *(axis for group in groups for axis in group)))
    shape = tuple(math.prod(length[axis] for axis in group) for group in groups)
    matrices = arrays.xp.reshape(values, shape)
    return arrays.xp.matrix_transpose(matrices) if turned else matrices
