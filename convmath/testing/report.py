"""What a check found, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


from .cases import Case

__all__ = ["Deviation", "Report"]


@dataclass(frozen=True)
class Deviation:
    """A law that does not hold, with the smallest case found."""

    subject: str
    law: str
    case: Case
    expected: Any
    got: Any
    verdict: str
    diagnosis: str

    @property
    def code(self) -> str:
        """The smallest case as Python."""
        lines = ["import numpy as np", "from convmath import operator"]
        names = []
        for place, array in enumerate(self.case.arrays):
            names.append(name := "xwb"[place])
            lines.append(f"{name} = np.array({array.tolist()!r}).reshape({array.shape})")
        given = "".join(f", {key}={value!r}" for key, value in self.case.given.items())
        lines.append(
            f"print(operator({self.case.op!r}, ndim={self.case.ndim}).exact({', '.join(names)}{given}))  # by definition"
        )
        return "\n".join(lines)

    def __str__(self) -> str:
        return f"{self.subject}: {self.law}: {self.diagnosis} at {self.case}"


@dataclass(frozen=True)
class Report:
    """The laws held against a subject: cases run by law, what it refused, and where it deviates."""

    subject: str
    op: str
    coverage: Mapping[str, int]
    refusals: int
    deviations: tuple[Deviation, ...]

    @property
    def ok(self) -> bool:
        """No deviation, and something was run for every law."""
        return not self.deviations and bool(self.coverage) and all(self.coverage.values())

    @property
    def cases(self) -> int:
        return sum(self.coverage.values())

    def __str__(self) -> str:
        head = f"{self.subject} as {self.op}: {'ok' if self.ok else 'not ok'}, {self.cases} checks, {self.refusals} refused"
        return "\n".join([head, *(f"  {deviation}" for deviation in self.deviations)])
