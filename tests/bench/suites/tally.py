"""What came of each call of a suite, and the tables of it.

A call agrees (it is equal, or within the bound of rounding), is refused with a sentence, or differs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

__all__ = ["AGREED", "Outcome", "Refused", "by_operator", "failures", "reasons", "table"]

AGREED = ("equal", "within")


class Refused(Exception):
    """What convmath does not offer, as a sentence."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One call of a suite: whose it is, and what came of it.

    `verdict` is "equal", "within" (the bound), "refused" or "differing"; `said` says why it is refused or how it
    differs, and `beside` what the suite has beside it that was not compared.
    """

    suite: str
    operator: str
    case: str
    verdict: str
    said: str = ""
    beside: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert self.verdict in (*AGREED, "refused", "differing"), self.verdict


@dataclass(frozen=True, slots=True)
class Row:
    """How many calls of an operator came to what."""

    operator: str
    equal: int
    within: int
    refused: int
    differing: int

    @property
    def agreed(self) -> int:
        return self.equal + self.within


def by_operator(outcomes: Iterable[Outcome]) -> list[Row]:
    """A row for each operator in the order of their names, and one for all of them."""
    counts = Counter((outcome.operator, outcome.verdict) for outcome in outcomes)
    names = sorted({operator for operator, _ in counts})
    verdicts = ("equal", "within", "refused", "differing")
    rows = [Row(name, *(counts[name, verdict] for verdict in verdicts)) for name in names]
    return [*rows, Row("all", *(sum(getattr(row, verdict) for row in rows) for verdict in verdicts))]


def table(heading: str, outcomes: Iterable[Outcome]) -> Iterator[str]:
    """The lines of a table in Markdown."""
    yield f"| {heading} | agreed | of them equal | refused | differing |"
    yield "|---|---|---|---|---|"
    for row in by_operator(outcomes):
        yield f"| {row.operator} | {row.agreed} | {row.equal} | {row.refused} | {row.differing} |"


def reasons(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """Why calls are refused, and what was not compared: an example of each reason, and how often there is one.

    Sentences that differ in their numbers only, or in where they come from, are one reason.
    """
    found = list(outcomes)
    said = [(o.operator, o.said) for o in found if o.verdict == "refused"]
    said += [(o.operator, f"not compared beside what agrees: {name}") for o in found for name in o.beside]
    examples, times = dict[tuple[str, str], str](), Counter[tuple[str, str]]()
    for operator, sentence in said:
        example = re.sub(r" \[[^\[]*\]$", "", sentence)
        reason = operator, re.sub(r"-?\d+(\.\d+)?", "#", example)
        examples.setdefault(reason, example)
        times[reason] += 1
    for reason, example in sorted(examples.items()):
        yield f"| {reason[0]} | {times[reason]} | {example} |"


def failures(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """A line for each call that differs."""
    for o in outcomes:
        if o.verdict == "differing":
            yield f"{o.suite}, {o.operator}, {o.case}: {o.said}"
