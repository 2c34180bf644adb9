"""What came of a case."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["KINDS", "Verdict", "quantile", "row"]

# of an answer that is right; one that is not; no closed form; none within the limit; what the system cannot be asked
KINDS = ("solved", "wrong", "not found", "out of time", "not asked")


@dataclass(frozen=True)
class Verdict:
    kind: str
    seconds: float = 0.0
    said: str = ""


def quantile(times: Sequence[float], part: float) -> float:
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def row(name: str, verdicts: Sequence[Verdict]) -> str:
    """One line of a Markdown table: how many of each kind, and the times of what was solved."""
    counts = [sum(v.kind == kind for v in verdicts) for kind in KINDS]
    times = [v.seconds for v in verdicts if v.kind == "solved"] or [float("nan")]
    figures = (statistics.median(times), quantile(times, 0.95), max(times))
    asked = len(verdicts) - counts.pop()
    return (
        " | ".join([f"| {name}", f"{counts[0]} of {asked}", *map(str, counts[1:]), *(f"{s:.3f} s" for s in figures)])
        + " |"
    )


HEADER = (
    "| system | solved | wrong | not found | out of time | median | 95 % | longest |\n|---|---|---|---|---|---|---|---|"
)
