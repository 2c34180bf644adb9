"""A derivation: its steps, each with the outcome of an exact check, and its result. It is a value; it prints itself."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from convmath.errors import OutputError, unknown
from convmath.ir.nodes import Statement
from convmath.render import emit
from convmath.render.derivation import document
from convmath.steps import Outcome, Step

from .verify import checked_step

__all__ = ["SUFFIXES", "Derivation", "Outcome", "Verdict", "writable", "write"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether every step held; true when it is ok."""

    ok: bool
    failures: tuple[str, ...]
    cases: int

    def __bool__(self) -> bool:
        return self.ok


SUFFIXES = {".tex": "latex", ".md": "markdown", ".html": "html", ".txt": "text"}


@dataclass(frozen=True)
class Derivation:
    """Steps from a statement to a result.

    `kind` is what is derived (shape, vjp, jvp, hvp) and `title` the operator's name by language. `subject` is the
    statement that the derivation is about; `relational` is the unsolved form of the result where there is one.
    """

    kind: str
    title: Mapping[str, str]
    subject: Statement
    plain_steps: tuple[Step, ...] = field(repr=False)
    result: Any
    relational: Statement | None = field(default=None, repr=False)
    wrt: str = ""

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

    # -- for people

    def emit(self, format: str, lang: str = "en", **options: Any) -> str:
        """The derivation as a document in one of `render.FORMATS`."""
        return emit(document(self, lang), format, **options)

    def to_latex(self, lang: str = "en", *, standalone: bool = False) -> str:
        return self.emit("latex", lang, standalone=standalone)

    def to_markdown(self, lang: str = "en", *, flavor: str = "commonmark") -> str:
        return self.emit("markdown", lang, flavor=flavor)

    def to_html(self, lang: str = "en", *, fragment: bool = False) -> str:
        return self.emit("html", lang, fragment=fragment)

    def to_text(self, lang: str = "en") -> str:
        return self.emit("text", lang)

    def save(self, path: str | Path, lang: str = "en") -> Path:
        """Write it as the suffix says: .tex (a whole document), .md, .html (a whole page) or .txt."""
        path = Path(path)
        if path.suffix not in SUFFIXES:
            raise unknown("file type to save a derivation as", path.suffix or str(path), SUFFIXES)
        format = SUFFIXES[path.suffix]
        text = self.emit(format, lang, **({"standalone": True} if format == "latex" else {}))
        write(path, text)
        return path

    def __str__(self) -> str:
        return self.to_text()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What Jupyter shows: the richest form that it can."""
        return {
            "text/plain": self.to_text(),
            "text/markdown": self.to_markdown(),
            "text/latex": self.to_latex(),
            "text/html": self.to_html(fragment=True),
        }


def write(path: Path, text: str) -> None:
    """Write a text file whole or not at all, or say why it can't be written."""
    with _partial(path) as partial:
        partial.write_text(text, encoding="utf-8")
        if partial != path:
            partial.replace(path)


def writable(path: Path) -> None:
    """Nothing where a file could be written; else the error that writing it would be."""
    with _partial(path) as partial:
        if path.is_dir():
            raise _is_a_directory()
        if partial != path:
            partial.touch()


@contextmanager
def _partial(path: Path) -> Iterator[Path]:
    """A file beside the path, gone afterwards (a device or a pipe itself); an OSError becomes a sentence."""
    partial = path
    try:
        if not path.name:
            raise _is_a_directory()
        if path.is_file() or path.is_dir() or not path.exists():  # else it is written into, and never replaced
            partial = path.with_name(f".{path.name}.part")
        yield partial
    except OSError as error:
        raise OutputError(f"{path} can't be written: {error.strerror or error}") from None
    finally:
        if partial != path:
            with suppress(OSError):
                partial.unlink(missing_ok=True)


def _is_a_directory() -> IsADirectoryError:
    return IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
