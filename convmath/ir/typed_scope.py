"""What the names in a typed statement stand for: letters, their axes, and the indices that are bound.

A statement may be written for one spatial axis, and is lifted to several: of some letters each axis has its own (an
index i, j, t, a size n, k, s, …), and such a letter without a subscript stands for itself on every axis.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from convmath import text
from convmath.errors import TextError
from convmath.text import Tree

from .functions import FUNCTIONS
from .nodes import Real
from .poly import Index, Param, Poly, poly

__all__ = ["RESERVED", "Axis", "Scope", "Vocabulary"]

RESERVED = {"sum", "max", "min", "floor", "where", "pi", "π", "Σ", *FUNCTIONS}

# the axis that is written down; None where several axes have letters of their own, and none of them is meant
Axis = int | None


@dataclass(frozen=True)
class Vocabulary:
    """What names mean before a statement says anything.

    `sizes` gives each integer parameter its least value and its default, `ranges` each index that needs no range said
    the letter of its size. Of `spatial` letters each spatial axis has its own. `aliases` are other ways to type a
    letter. `reals` are the real parameters by the name that is typed.
    """

    sizes: Mapping[str, tuple[int, int | None]]
    ranges: Mapping[str, str]
    spatial: frozenset[str]
    aliases: Mapping[str, str]
    reals: Mapping[str, Real]

    def letter(self, name: str) -> str:
        return self.aliases.get(name, name)

    def size(self, letter: str, axis: int = 0) -> Poly:
        return poly(Param(letter, axis, *self.sizes[letter]))


class Scope:
    """The names at a place of the text, and how an error says where that is."""

    def __init__(self, typed: str, vocabulary: Vocabulary, ndim: int):
        self.typed, self.vocabulary, self.ndim = typed, vocabulary, ndim
        self.indices: dict[tuple[str, int], Index] = {}
        self.plain: Axis = 0 if ndim == 1 else None
        self._lifted: set[str] = set()  # letters that a range on every axis has lifted
        self._said: dict[tuple[str, int], Poly] = {}  # ranges that a left side said
        self._lifted_by_saying: set[str] = set()

    def refusal(self, tree: Tree, why: str) -> TextError:
        start, end = tree.span
        quoted = " ".join(self.typed[start:end].split())
        return TextError(f"{quoted!r} at {text.located(self.typed, start + 1)} {why}")

    # -- letters and axes

    def letter(self, name: text.Name, axis: Axis) -> tuple[str, int]:
        """The letter and the axis that a name stands for, on the axis that is being written down."""
        letters, digits = re.fullmatch(r"(.*?)(\d*)", name.name).groups()  # type: ignore[union-attr]
        letter = self.vocabulary.letter(letters)
        if digits:
            if self.ndim == 1 or not 1 <= int(digits) <= self.ndim:
                known = "is one spatial axis, without a subscript" if self.ndim == 1 else f"are axes 1 to {self.ndim}"
                raise self.refusal(name, f"names axis {digits}, but there {known}")
            return letter, int(digits)
        if not self._is_lifted(letter):
            return letter, 0
        if axis is None:
            each = "·".join(f"{letter}{number}" for number in range(1, self.ndim + 1))
            raise self.refusal(
                name, f"is one number here, but each of {self.ndim} spatial axes has its own; say which, such as {each}"
            )
        return letter, axis

    def _is_lifted(self, letter: str) -> bool:
        return letter in self.vocabulary.spatial or letter in self._lifted

    def axes(self, *trees: Tree | None) -> list[Axis]:
        """The axes that trees are written down for: each, where a letter in them stands for all of them."""
        letters = [self.vocabulary.letter(name.name) for tree in trees if tree for name in text.names(tree)]
        each = self.ndim > 1 and any(map(self._is_lifted, letters))
        return list(range(1, self.ndim + 1)) if each else [self.plain]

    # -- binding

    def begin(self) -> None:
        """A new equation: nothing is bound."""
        self.indices, self._lifted = {}, set(self._lifted_by_saying)

    @contextmanager
    def inner(self) -> Iterator[None]:
        """What is bound in here is not bound behind it."""
        indices, lifted = dict(self.indices), set(self._lifted)
        yield
        self.indices, self._lifted = indices, lifted

    def bind(self, name: text.Name, axes: list[Axis], sizes: list[Poly]) -> list[Index]:
        """The index of that name on each axis."""
        letter = self.vocabulary.letter(name.name)
        if len(axes) > 1:
            self._lifted.add(letter)
        return [self._bind(name, axis, size) for axis, size in zip(axes, sizes, strict=True)]

    def _index(self, name: text.Name, axis: Axis) -> tuple[str, int]:
        """The letter and axis of an index that is to be bound."""
        letter, number = self.letter(name, axis)
        if letter in self.vocabulary.sizes or name.name in self.vocabulary.reals:
            kind = "size" if letter in self.vocabulary.sizes else "real parameter"
            raise self.refusal(name, f"is a {kind}; call the index by another letter")
        if len(letter) != 1:
            raise self.refusal(name, "is no index; an index is one letter (and a number for its axis)")
        return letter, number

    def _bind(self, name: text.Name, axis: Axis, size: Poly) -> Index:
        letter, number = self._index(name, axis)
        if (letter, number) in self.indices:
            raise self.refusal(name, "binds an index a second time; use another letter here")
        self.indices[letter, number] = Index(letter, size, number)
        return self.indices[letter, number]

    def say(self, name: text.Name, axes: list[Axis], sizes: list[Poly]) -> None:
        """From here on these are the sizes of an index on left sides."""
        for axis, size in zip(axes, sizes, strict=True):
            letter, number = self.letter(name, axis)
            if self._said.setdefault((letter, number), size) != size:
                raise self.refusal(
                    name,
                    f"has the range {letter}<{self._said[letter, number]} in an equation before; use another letter",
                )
        if len(axes) > 1:
            self._lifted_by_saying.add(self.vocabulary.letter(name.name))

    @property
    def said(self) -> frozenset[tuple[str, int]]:
        """The indices, by letter and axis, of which a left side said the range."""
        return frozenset(self._said)

    def range(self, name: text.Name, axis: Axis) -> Poly:
        """The size of an index of a left side that needs none said."""
        letter, number = self._index(name, axis)
        if (letter, number) in self._said:
            return self._said[letter, number]
        if letter not in self.vocabulary.ranges:
            known = ", ".join(f"{index}<{size}" for index, size in self.vocabulary.ranges.items())
            raise self.refusal(name, f"has no range; write {name.name}<… (known are {known})")
        return self.vocabulary.size(self.vocabulary.ranges[letter], number)
