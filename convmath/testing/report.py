"""What a check found, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .cases import Case

__all__ = ["Deviation", "Report"]


@dataclass(frozen=True)
class Deviation:
    """A law that does not hold, with the smallest case found.

    The verdict is "wrong", "raises" or "impure"; where the law is about a gradient, `cotangent` is what it was
    pulled back from.
    """

    subject: str
    law: str
    case: Case
    expected: Any
    got: Any
    verdict: str
    diagnosis: str
    cotangent: np.ndarray | None = None

    @property
    def code(self) -> str:
        """What is right at the smallest case, as Python."""
        of = self.case.of
        lines = ["import numpy as np", f"from convmath import {'define' if of else 'operator'}"]
        names = iter(self.case.operator.statement.reads)
        called = ["None" if a is None else next(names).lower() for a in self.case.array_arguments]
        arrays = dict(zip((name for name in called if name != "None"), self.case.arrays, strict=True))
        asked = "exact"
        if self.cotangent is not None:
            arrays, asked, called = {"gy": self.cotangent, **arrays}, "exact_vjp", ["gy", *called]
        lines += [f"{name} = np.array({a.tolist()!r}).reshape({a.shape})" for name, a in arrays.items()]
        given = "".join(f", {key}={value!r}" for key, value in self.case.given.items())
        made = repr(of) if of else f"operator({self.case.op!r}, ndim={self.case.ndim})"
        return "\n".join([*lines, f"print({made}.{asked}({', '.join(called)}{given}))  # by definition"])

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
        """No deviation, and something was run for every law that speaks about the cases."""
        return not self.deviations and bool(self.coverage) and all(self.coverage.values())

    @property
    def cases(self) -> int:
        return sum(self.coverage.values())

    def __str__(self) -> str:
        verdict = "ok" if self.ok else "not ok"
        head = f"{self.subject} as {self.op}: {verdict}, {self.cases} checks, {self.refusals} refused"
        return "\n".join([head, *(f"  {deviation}" for deviation in self.deviations)])
