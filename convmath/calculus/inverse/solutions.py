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

from .boxes import System, points, solvable
from .cases import SHIFTED
from .families import Family, families
from .printed import document
from .problem import LETTERS, WHERE, Problem, Range, only

__all__ = ["Solution", "Solutions"]

# what each step of a dilation beyond 1 counts, where all else counts its size: it is the last thing one turns to
DILATION = 8
# among solutions of one cost the order in which they come
FIRST = "dskpaben"
# what an unknown is where nobody says it
DEFAULTS = {"s": 1, "d": 1, "p": 0, "a": 0, "b": 0, "e": 0}


@dataclass(frozen=True, slots=True)
class Solution:
    """A kernel, stride, dilation, the padding at either end, the output padding; n where it was unknown.

    Under padding "same" at sizes that are not one number, a, b and e depend on the size, and are None.
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


@dataclass(frozen=True)
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
    def _parts(self) -> tuple[tuple[System, Family], ...]:
        return tuple(families(self.problem))

    @property
    def families(self) -> tuple[Family, ...]:
        """The solutions in closed form; each is in exactly one family."""
        return tuple(family for _, family in self._parts)

    @cached_property
    def conditions(self) -> tuple[Guard, ...]:
        """What makes a solution one, before anything is solved."""
        return self.problem.conditions({})

    # -- as a set

    def __iter__(self) -> Iterator[Solution]:
        letters = self.problem.letters
        order = [letters.index(letter) for letter in FIRST if letter in letters]
        plain = [(place, 2 if letter == "p" else 1) for place, letter in enumerate(letters) if letter not in "kd"]
        k, d = letters.index("k"), letters.index("d")

        def key(point: tuple[int, ...]) -> tuple[int, ...]:
            """It grows with every coordinate; the kernel is counted less one here."""
            cost = point[d] * point[k] + DILATION * (point[d] - 1)
            return (cost + sum(times * point[place] for place, times in plain), *(point[place] for place in order))

        for point in points((system, key) for system, _ in self._parts):
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
        k, s, d = (at[letter] for letter in "ksd")
        n, m = (None if size is None else size.constant for size in self.problem.sizes[0])
        n = at.get("n", n if len(self.problem.sizes) == 1 else None)
        match self.problem.padding:
            case "symmetric":
                a, b = at["p"], at["p"]
            case "asymmetric":
                a, b = at["a"], at["b"]
            case word:
                inner = m if self.problem.transposed else n
                if self.problem.worded and (n is None or m is None or inner is None):
                    return Solution(k, s, d, None, None, None if self.problem.transposed else 0, n)
                [laid] = windows([inner or 1], k, s, word, d, fits=False)
                a, b = laid.before, laid.after
        e = at.get("e", 0)
        if self.problem.transposed and self.problem.worded:
            e = (m or 0) - transposed_size(n or 0, k, s, d, a, b, 0)
        return Solution(k, s, d, a, b, e, n)

    @property
    def finite(self) -> bool:
        return not any(
            not part.box.bounded and solvable(part) for system, _ in self._parts for part in system.branches()
        )

    @property
    def count(self) -> int | None:
        """How many there are; None where there is no end of them."""
        return int(sum(system.count() for system, _ in self._parts)) if self.finite else None

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

    def document(self, lang: str = "en") -> Document:
        return document(self, lang)


def _holds(guard: Guard) -> bool:
    """Whether a condition with numbers put in holds, at every value of the symbols that are left.

    A floor keeps what its divisor divides outside, so that sizes which are equal at every value are equal forms.
    """
    return guard.left == guard.right if isinstance(guard, Zero) else bool(holds(guard, {}))
