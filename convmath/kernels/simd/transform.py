"""Linear maps with constant matrices, in registers: M·d and M·d·Mᵀ by as few operations as signs and symmetry allow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

from .builder import Builder, Value

__all__ = ["both_sides", "times"]

Row = Sequence[Fraction]


def times(k: Builder, matrix: Sequence[Row], d: Sequence[Value]) -> list[Value]:
    """M·d. Rows that differ in the sign of every other entry (points ±a have such) share their halves."""
    found: list[Value | None] = [None] * len(matrix)
    for i, row in enumerate(matrix):
        if found[i] is not None:
            continue
        partner, sign = _partner(matrix, i, found)
        if partner is None:
            found[i] = _sum(k, row, d, range(len(d)))
            continue
        even, odd = (_sum(k, row, d, range(first, len(d), 2)) for first in (0, 1))
        found[i], found[partner] = even + odd, even - odd if sign > 0 else odd - even
    return [value for value in found if value is not None]


def _partner(matrix: Sequence[Row], i: int, found: Sequence[Value | None]) -> tuple[int | None, int]:
    """A later row that is this one, or its negative, with the signs of the odd entries changed."""
    row = matrix[i]
    if any(row[::2]) and any(row[1::2]):
        for j in range(i + 1, len(matrix)):
            for sign in (1, -1):
                if found[j] is None and all(
                    b == sign * (-1) ** p * a for p, (a, b) in enumerate(zip(row, matrix[j], strict=True))
                ):
                    return j, sign
    return None, 0


def _sum(k: Builder, row: Row, d: Sequence[Value], places: Iterable[int]) -> Value:
    """Σ row·d over these places: first what needs no multiplication."""
    total: Value | None = None
    for place in sorted(places, key=lambda p: abs(row[p]) != 1):
        c = row[place]
        if c == 0:
            continue
        if total is None:
            total = d[place] if c == 1 else -d[place] if c == -1 else d[place] * float(c)
        elif abs(c) == 1:
            total = total + d[place] if c > 0 else total - d[place]
        else:
            total = k.multiply_add(d[place], k.splat(float(c)), total)
    return k.splat(0.0) if total is None else total


def both_sides(k: Builder, matrix: Sequence[Row], at: Callable[[int, int], Value]) -> list[list[Value]]:
    """M·d·Mᵀ, d given entry by entry."""
    size = len(matrix[0])
    columns = [times(k, matrix, [at(i, j) for i in range(size)]) for j in range(size)]
    return [times(k, matrix, [column[i] for column in columns]) for i in range(len(matrix))]
