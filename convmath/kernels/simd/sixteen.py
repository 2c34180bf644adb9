"""Sums in 16 lanes by the position modulo 16, in as many vectors as that takes, as `kernels.ordered.total` has them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from convmath.kernels.ordered import LANES

from .builder import Builder, Value

__all__ = ["nothing", "over", "total"]


def nothing(k: Builder, count: int = 1) -> list[Value]:
    """So many sums of nothing, the vectors of one behind those of the other."""
    return [k.splat(0.0)] * (count * (LANES // k.lanes))


def over(
    k: Builder, length: Value, terms: Callable[[Value, Value | None], Sequence[Value]], sums: Sequence[Value]
) -> list[Value]:
    """The sums with terms(offset in bytes, mask) of a row of so many numbers added, one term for each of the sums.

    A term is 0 where it is masked.
    """
    vectors = LANES // k.lanes

    def added(start: Value, masks: Sequence[Value | None], so_far: Sequence[Value]) -> list[Value]:
        each = [terms((start + v * k.lanes) * k.bytes, mask) for v, mask in enumerate(masks)]
        new = [each[v][one] for one in range(len(so_far) // vectors) for v in range(vectors)]
        return [total + term for total, term in zip(so_far, new, strict=True)]

    whole = length & -LANES
    found = k.loop(0, whole, LANES, sums, lambda i, *now: added(i, [None] * vectors, now))
    masks = [k.below(length - whole - v * k.lanes) for v in range(vectors)]
    return k.loop(whole, length, LANES, found, lambda i, *now: added(i, masks, now))


def total(k: Builder, lanes: Sequence[Value]) -> Value:
    """The upper half of the lanes of one sum is added to the lower, until one is left."""
    vectors = list(lanes)
    while len(vectors) > 1:
        half = len(vectors) // 2
        vectors = [a + b for a, b in zip(vectors[:half], vectors[half:], strict=True)]
    return k.sum_of_lanes(vectors[0])
