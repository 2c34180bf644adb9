"""Random pairs of the cells that are closed, timed."""

from __future__ import annotations

import random
import statistics
from collections import Counter

from tests.signals.pairs import drawn, tried
from tests.signals.table import cells

from ..budgets import processor
from .verdict import quantile

__all__ = ["random_pairs"]


def random_pairs(number: int, seed: int) -> None:
    """The pairs go round the cells; what is wrong, refused or slow is printed."""
    print(f"{processor()}\n")
    order, kinds, times = cells(), Counter[str](), []
    for place in range(number):
        first, second = order[place % len(order)]
        pair = drawn(first, second, random.Random(f"{first} {second} {seed} {place}"))
        outcome = tried(pair)
        kinds[outcome.kind] += 1
        times.append(outcome.seconds)
        if (
            outcome.kind in ("wrong", "refused")
            or outcome.seconds > 1
            or (outcome.kind == "equal" and not outcome.points)
        ):
            print(
                f"{first} ∗ {second} #{place}: {outcome.kind} {outcome.seconds:.2f} s {pair}\n    {outcome.said}"[:800],
                flush=True,
            )
    counted = ", ".join(f"{kinds[kind]} {kind}" for kind in sorted(kinds))
    print(f"\n{number} pairs in {len(order)} cells: {counted}")
    print(f"median {statistics.median(times):.3f} s, 95 % {quantile(times, 0.95):.3f} s, longest {max(times):.3f} s")
