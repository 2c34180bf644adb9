"""All solutions of an inverse problem as one value: what they are, one after the other, whether something is one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from itertools import islice
from sys import maxsize
from typing import ClassVar

from convmath.derivation import Printable
from convmath.errors import HyperparameterError, unknown
from convmath.ir.guards import holds
from convmath.ir.nodes import Guard, Zero
from convmath.ir.poly import poly
from convmath.render import Document
from convmath.window import transposed_size, whole, windows

from .boxes import points
from .families import Part, families
from .family import Family
from .order import FIRST, by_cost
from .printed import document
from .problem import LETTERS, SHIFTED, WHERE, Problem, Range, only

__all__ = ["Solution", "Solutions"]

# what an unknown is where nobody says it
DEFAULTS = {"s": 1, "d": 1, "p": 0, "a": 0, "b": 0, "e": 0}


@dataclass(frozen=True, slots=True)
class Solution:
    """A kernel, a stride, a dilation, the padding at either end, the output padding; n where it is one number.

    Under padding "same", where n or m is not one number, a, b and e depend on it and are None.
    """

    k: int
    s: int = 1
    d: int = 1
    a: int | None = 0
    b: int | None = 0
    e: int | None = 0
    n: int | None = None

    @property
    def p(self) -> int | None:
        """The padding where it is the same at both ends."""
        return self.a if self.a == self.b else None


@dataclass(frozen=True, repr=False)
class Solutions(Printable):
    """The complete set of solutions of a problem, never empty.

    It is iterated over from the simplest, by what the kernel spans, the stride, the padding at both ends, the output
    padding, and n where it is unknown, and 8 for each step of the dilation beyond 1: d·(k - 1) + s + a + b + e + n +
    8·(d - 1); padding that follows from a word counts nothing. An infinite set goes on for ever. `shown` are printed.
    """

    called: ClassVar[str] = "set of solutions"

    problem: Problem
    shown: int = field(default=12, compare=False)

    @cached_property
    def _parts(self) -> tuple[Part, ...]:
        return tuple(families(self.problem))

    @cached_property
    def _branches(self) -> tuple[Part, ...]:
        return tuple(branch for part in self._parts for branch in part.branches())

    @property
    def families(self) -> tuple[Family, ...]:
        """The solutions in closed form; each is in exactly one family."""
        return tuple(part.family for part in self._parts)

    @cached_property
    def conditions(self) -> tuple[Guard, ...]:
        """What makes a solution one, before anything is solved."""
        return self.problem.conditions({})

    # -- as a set

    def __iter__(self) -> Iterator[Solution]:
        letters = [letter for letter in FIRST if letter in self.problem.letters]
        systems = [system for branch in self._branches if (system := by_cost(branch.case)) is not None]
        for _, *point in points(systems):
            shifted = (value + (letter in SHIFTED) for letter, value in zip(letters, point, strict=True))
            yield self._solution(dict(zip(letters, shifted, strict=True)))

    def __contains__(self, found: object) -> bool:
        """Whether a Solution is one of these, or k, s, d, p (or a and b), e and n by their letters.

        What is not said is what the problem fixes, else s = d = 1 and a = b = e = 0.
        """
        match found:
            case Solution():
                given = {f.name: getattr(found, f.name) for f in fields(found)}
            case Mapping():
                given = dict(found)
            case _:
                return False
        for name in given:
            if name not in LETTERS:
                raise unknown("letter of a solution", name, LETTERS, WHERE)
        given = {name: whole(value, name, WHERE, -maxsize) for name, value in given.items() if value is not None}
        if "p" in given:
            p = given.pop("p")
            given = {"a": p, "b": p} | given
        if "p" in self.problem.letters and "a" in given:
            given["p"] = given["a"]
        at = {letter: self._said(letter, runs, given) for letter, runs in self.problem.known}
        if not all(any(low <= at[letter] <= high for low, high in runs) for letter, runs in self.problem.known):
            return False
        if not all(map(_holds, self.problem.conditions({letter: poly(value) for letter, value in at.items()}))):
            return False
        made = self._solution(at)
        given.pop("p", None)
        free = "abe" if self.problem.worded else ""
        return all(
            getattr(made, letter) == value or (getattr(made, letter) is None and letter in free)
            for letter, value in given.items()
        )

    @staticmethod
    def _said(letter: str, runs: tuple[Range, ...], given: Mapping[str, int]) -> int:
        """The value of an unknown."""
        fixed = only(runs)
        value = given.get(letter, DEFAULTS.get(letter) if fixed is None else fixed)
        if value is None:
            raise HyperparameterError(f"a solution says what {letter} is, but {dict(given)} came [{WHERE}]")
        return value

    def _solution(self, at: Mapping[str, int]) -> Solution:
        """The solution with the padding that follows from it."""
        problem, (k, s, d) = self.problem, (at[letter] for letter in "ksd")
        [(n, m), *others] = ([None if size is None else size.constant for size in pair] for pair in problem.sizes)
        n = at.get("n", None if others else n)
        if not problem.worded:
            a, b = problem.pads(at)
            return Solution(k, s, d, a, b, at.get("e", 0), n)
        if others or n is None or m is None:
            return Solution(k, s, d, None, None, None if problem.transposed else 0, n)
        [laid] = windows([m if problem.transposed else n], k, s, problem.padding, d, fits=False)
        e = m - transposed_size(n, k, s, d, laid.before, laid.after, 0) if problem.transposed else 0
        return Solution(k, s, d, laid.before, laid.after, e, n)

    @property
    def finite(self) -> bool:
        """Whether there is an end of them."""
        return all(branch.system.box.bounded for branch in self._branches)

    @property
    def count(self) -> int | None:
        """How many there are; None where there is no end of them."""
        return int(sum(branch.system.count() for branch in self._branches)) if self.finite else None

    def first(self, number: int) -> tuple[Solution, ...]:
        """The simplest of them, as many as asked for (or all)."""
        return tuple(islice(self, whole(number, "number", "first", 0)))

    def values(self, solution: Solution) -> dict[str, int]:
        """A solution by the letters that say it: n only where it is unknown, p where the padding is so at both ends."""
        ends = ("p",) if self.problem.padding in ("symmetric", "full") else ("a", "b")
        letters = [*(("n",) if "n" in self.problem.letters else ()), *"ksd", *ends]
        letters += ["e"] if self.problem.transposed else []
        found = ((letter, getattr(solution, letter)) for letter in letters)
        return {letter: value for letter, value in found if value is not None}

    # -- for people

    def showing(self, number: int) -> Solutions:
        """The same, of which so many are printed one by one."""
        return replace(self, shown=whole(number, "number", "showing", 0))

    def __repr__(self) -> str:
        return f"<{self.called}: {self.document().title}>"

    def document(self, lang: str = "en") -> Document:
        return document(self, lang)


def _holds(guard: Guard) -> bool:
    """Whether a condition with numbers put in holds, at every value of the symbols that are left.

    A floor keeps what its divisor divides outside, so that sizes which are equal at every value are equal forms.
    """
    return guard.left == guard.right if isinstance(guard, Zero) else bool(holds(guard, {}))
