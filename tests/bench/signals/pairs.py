"""Random pairs of the cells that are closed, and questions of other kinds, timed."""

from __future__ import annotations

import contextlib
import random
import signal
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from tests.signals.pairs import Outcome, drawn, tried
from tests.signals.table import cells
from tests.signals.wider import WIDER

from ..budgets import processor
from .verdict import quantile

__all__ = ["LIMIT", "random_pairs", "wider_questions"]

LIMIT = 60.0  # of a pair, with the numbers that it is held against


class _Late(BaseException):
    """No error that somebody in between may handle."""


def random_pairs(number: int, seed: int, first: int = 0) -> None:
    """The pairs go round the closed cells."""
    order = cells()

    def asked(place: int) -> tuple[str, str, Outcome]:
        one, two = order[place % len(order)]
        pair = drawn(one, two, random.Random(f"{one} {two} {seed} {place}"))
        return f"{one} ∗ {two}", str(pair), tried(pair)

    _told(range(first, first + number), asked, f"pairs in {len(order)} cells")


def wider_questions(number: int, seed: int, first: int = 0) -> None:
    """The questions go round the kinds of tests/signals/wider.py."""
    kinds = list(WIDER)

    def asked(place: int) -> tuple[str, str, Outcome]:
        kind = kinds[place % len(kinds)]
        return (kind, *WIDER[kind](random.Random(f"{kind} {seed} {place}")))

    _told(range(first, first + number), asked, f"questions of {len(kinds)} kinds")


def _told(places: range, asked: Callable[[int], tuple[str, str, Outcome]], what: str) -> None:
    """What is wrong, refused, late or slow is printed, and what was compared nowhere."""
    print(f"{processor()}\n")
    kinds, times = Counter[str](), []
    for place in places:
        name, said, outcome = _in_time(asked, place)
        kinds[outcome.kind] += 1
        times.append(outcome.seconds)
        if (
            outcome.kind in ("wrong", "refused", "late")
            or outcome.seconds > 1
            or (outcome.kind == "equal" and not outcome.points)
        ):
            print(
                f"{name} #{place}: {outcome.kind} {outcome.seconds:.2f} s {said}\n    {outcome.said}"[:800], flush=True
            )
    counted = ", ".join(f"{kinds[kind]} {kind}" for kind in sorted(kinds))
    print(f"\n{len(places)} {what}: {counted}")
    print(f"median {statistics.median(times):.3f} s, 95 % {quantile(times, 0.95):.3f} s, longest {max(times):.3f} s")


def _in_time(asked: Callable[[int], tuple[str, str, Outcome]], place: int) -> tuple[str, str, Outcome]:
    """What comes of a question; `late` is one that does not end."""
    start = time.perf_counter()
    try:
        with _stopped(LIMIT):
            return asked(place)
    except _Late:
        return "?", "", Outcome("late", f"it did not end within {LIMIT:g} s", time.perf_counter() - start)


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
