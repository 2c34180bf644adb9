"""Which solution comes first: the cost of a solution, and a system whose solutions come in its order.

The cost is an unknown of its own, c = d·κ + s + a + b + e + n + 8·(d - 1) with κ = k - 1. When the others are solved
for, what is left bounds the cost from below, which no bounds of single unknowns do: where n + a + b ≥ 1000, each of
them may be small.
"""

from __future__ import annotations

from collections.abc import Iterable

from convmath.ir.poly import Atom, Param, Poly, poly

from .boxes import INFINITE, System
from .cases import Case
from .families import eliminated
from .problem import INNER, SHIFTED

__all__ = ["FIRST", "by_cost", "cost"]

COST = Param("c", least=0)
# what each step of a dilation beyond 1 costs, where all else costs its size: it is the last thing one turns to
DILATION = 8
# among solutions of one cost the unknown that is to be small first
FIRST = "dskpaben"


def cost(letters: Iterable[str]) -> Poly:
    """What a solution costs, of the unknowns that it has."""
    d, reach = poly(INNER["d"]), poly(INNER["d"]) * poly(INNER["k"])
    total = reach + DILATION * (d - 1)
    for letter in letters:
        if letter not in "kd":
            times = 2 if letter == "p" else 1
            total = total + times * (poly(INNER[letter]) + (letter in SHIFTED))
    return total


def by_cost(case: Case) -> System | None:
    """The case with its cost as the first variable, and the others in the order of `FIRST`."""
    letters = [letter for letter in FIRST if INNER[letter] in case.ranges]
    ranges: dict[Atom, tuple[int, float]] = {COST: (0, INFINITE)}
    ranges |= {INNER[letter]: case.ranges[INNER[letter]] for letter in letters}
    fixed = {atom: int(low) for atom, (low, high) in ranges.items() if low == high}
    gap = poly(COST) - cost(letters).substitute(fixed)
    found = eliminated(case, ranges, [gap, -gap])
    return None if found is None else System.of(found.implied, ranges)
