"""Random pairs of the cells that are closed, timed."""

from __future__ import annotations

import contextlib
import random
import signal
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.signals.pairs import Outcome, Pair, drawn, tried
from tests.signals.table import cells

from ..budgets import processor
from .verdict import quantile

__all__ = ["LIMIT", "random_pairs"]

LIMIT = 60.0  # of a pair, with the numbers that it is held against


class _Late(BaseException):
    """No error that somebody in between may handle."""


def random_pairs(number: int, seed: int, first: int = 0) -> None:
    """The pairs go round the cells; what is wrong, refused, late or slow is printed."""
    print(f"{processor()}\n")
    order, kinds, times = cells(), Counter[str](), []
    for place in range(first, first + number):
        one, two = order[place % len(order)]
        pair = drawn(one, two, random.Random(f"{one} {two} {seed} {place}"))
        outcome = _tried(pair)
        kinds[outcome.kind] += 1
        times.append(outcome.seconds)
        if (
            outcome.kind in ("wrong", "refused", "late")
            or outcome.seconds > 1
            or (outcome.kind == "equal" and not outcome.points)
        ):
            print(
                f"{one} ∗ {two} #{place}: {outcome.kind} {outcome.seconds:.2f} s {pair}\n    {outcome.said}"[:800],
                flush=True,
            )
    counted = ", ".join(f"{kinds[kind]} {kind}" for kind in sorted(kinds))
    print(f"\n{number} pairs in {len(order)} cells: {counted}")
    print(f"median {statistics.median(times):.3f} s, 95 % {quantile(times, 0.95):.3f} s, longest {max(times):.3f} s")


def _tried(pair: Pair) -> Outcome:
    """What comes of a pair; `late` is one that does not end."""
    start = time.perf_counter()
    try:
        with _stopped(LIMIT):
            return tried(pair)
    except _Late:
        return Outcome("late", f"it did not end within {LIMIT:g} s", time.perf_counter() - start)


@contextlib.contextmanager
def _stopped(seconds: float) -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise _Late

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
