"""A derivation: its steps, each with the outcome of an exact check, and its result. It is a value; it prints itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from convmath.ir.nodes import Statement
from convmath.render import Document
from convmath.render.derivation import document
from convmath.steps import Outcome, Step

from .printable import SUFFIXES, Printable, writable, write
from .verify import checked_step

__all__ = ["SUFFIXES", "Derivation", "Outcome", "Printable", "Verdict", "writable", "write"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether every step held; true when it is ok."""

    ok: bool
    failures: tuple[str, ...]
    cases: int

    def __bool__(self) -> bool:
        return self.ok


@dataclass(frozen=True)
class Derivation(Printable):
    """Steps from a statement to a result.

    `kind` is what is derived (shape, vjp, jvp, hvp, …) and `title` the operator's name by language. `subject` is the
    statement that the derivation is about, or what else its steps are checked against, and `checked` says how;
    `relational` is the unsolved form of the result where there is one.
    """

    called = "derivation"

    kind: str
    title: Mapping[str, str]
    subject: Any
    plain_steps: tuple[Step, ...] = field(repr=False)
    result: Any
    relational: Statement | None = field(default=None, repr=False)
    wrt: str = ""
    checked: str = "checked"

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The steps, each with the outcome of its check."""
        return tuple(
            replace(step, outcome=checked_step(step, self.subject, seed)) for seed, step in enumerate(self.plain_steps)
        )

    def verify(self) -> Verdict:
        """Every step held at random sizes by exact evaluation; the verdict is true when all of them did."""
        outcomes = [(step, step.outcome or Outcome(0)) for step in self.steps]
        failures = tuple(
            f"step {place}, {type(step).__name__} ({step.rule}): {outcome.failure or 'nothing was checked'}"
            for place, (step, outcome) in enumerate(outcomes, 1)
            if not outcome.ok
        )
        return Verdict(not failures, failures, sum(outcome.cases for _, outcome in outcomes))

    def document(self, lang: str = "en") -> Document:
        return document(self, lang)
