"""Ours and theirs, taking turns in one process; what a table says of them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter, sleep, thread_time

__all__ = ["Case", "Row", "measured", "milliseconds", "summary", "table"]

Call = Callable[[], object]
Clock = Callable[[], float]

# OpenMP's workers go on spinning for a while after a call, and so do ours and, for up to 2²⁶ cycles, those of OpenBLAS
PAUSE = 0.05
ROUNDS = 7
WARM = 0.01  # seconds of calls that are not timed
SPAN = 0.002  # seconds of calls that are timed one after the other


@dataclass(frozen=True)
class Case:
    """What is timed: our call, and theirs by the name of the layout or the library."""

    name: str
    kind: str
    ours: Call
    theirs: Mapping[str, Call]


@dataclass(frozen=True)
class Row:
    """Seconds of each round."""

    case: Case
    ours: Sequence[float]
    theirs: Mapping[str, Sequence[float]]

    @property
    def best(self) -> str:
        return min(self.theirs, key=lambda name: min(self.theirs[name]))

    @property
    def ratio(self) -> float:
        """Of the least times."""
        return min(self.ours) / min(self.theirs[self.best])


def measured(cases: Iterable[Case], threads: int, clock: Clock | None = None) -> Iterator[Row]:
    """One thread's own time, which a busy machine changes little; with several, the time that passes."""
    clock = clock or (thread_time if threads == 1 else perf_counter)
    for case in cases:
        calls = {"ours": case.ours, **case.theirs}
        for call in calls.values():
            call()
        found: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(ROUNDS):
            for name, call in calls.items():
                if threads > 1:
                    sleep(PAUSE)
                found[name].append(_seconds(call, clock))
        ours = found.pop("ours")
        yield Row(case, ours, found)


def _seconds(call: Call, clock: Clock) -> float:
    """The least seconds of a call among others of its kind: short ones follow one another for a while."""
    # so that threads are awake, each on a core of its own, and nobody pays for what another has left in the caches
    least, end = _once(call, perf_counter), perf_counter() + WARM
    while perf_counter() < end:
        least = min(least, _once(call, perf_counter))
    return min(_once(call, clock) for _ in range(max(1, round(SPAN / least))))


def _once(call: Call, clock: Clock) -> float:
    start = clock()
    call()
    return clock() - start


def table(rows: Iterable[Row], peer: str) -> list[Row]:
    """Print the rows as they come."""
    print(f"| case | | ours: least / median | {peer}: least / median | layout | ratio |\n|---|---|---|---|---|---|")
    found = []
    for row in rows:
        theirs = row.theirs[row.best]
        print(
            f"| {row.case.name} | {row.case.kind} | {milliseconds(row.ours)} | {milliseconds(theirs)} | {row.best} "
            f"| {row.ratio:.2f} |",
            flush=True,
        )
        found.append(row)
    return found


def milliseconds(seconds: Sequence[float]) -> str:
    return f"{1e3 * min(seconds):.2f} / {1e3 * statistics.median(seconds):.2f} ms"


def summary(rows: Sequence[Row]) -> None:
    """The geometric mean of the ratios of each kind, and the largest."""
    print()
    for kind in dict.fromkeys(row.case.kind for row in rows):
        ratios = [row.ratio for row in rows if row.case.kind == kind]
        print(f"{kind}: geometric mean {statistics.geometric_mean(ratios):.2f}, largest {max(ratios):.2f}")
