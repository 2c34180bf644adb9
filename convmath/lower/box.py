"""A box: what is left of a term when its index set has been taken apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count as numbers
from typing import Literal

from convmath.ir.nodes import Guard, Scalar
from convmath.ir.poly import Index, Poly, poly
from convmath.ir.walk import map_forms, substitute

from .bounds import folded

__all__ = ["Box", "Line", "new_index"]


@dataclass(frozen=True)
class Line:
    """An axis of the output of that size: it is written at start + step·index."""

    index: Index
    size: int
    start: int = 0
    step: int = 1

    def at(self, offset: int, factor: int, index: Index) -> Line:
        """The line where its index is offset + factor·(the new one)."""
        return Line(index, self.size, self.start + self.step * offset, self.step * factor)


@dataclass(frozen=True)
class Box:
    """⊕_bound [guards] [data] body, written where the lines say.

    `body` and the guards on `data` are those of the term; `forms` says what each form in them is in the indices of the
    box, and `guards` speak of these. `share` is how many boxes the term has by now.
    """

    lines: tuple[Line, ...]
    bound: tuple[Index, ...]
    guards: tuple[Guard, ...]
    data: tuple[Guard, ...]
    body: Scalar
    reduce: Literal["sum", "max", "min"]
    forms: Mapping[Poly, Poly]
    share: int = 1

    @property
    def indices(self) -> tuple[Index, ...]:
        return (*self.bound, *(line.index for line in self.lines))

    def with_forms(self, values: Mapping[Index, Poly]) -> Box:
        """The box with indices replaced in every form and guard."""
        forms = {
            form: folded(now.substitute(values)) if any(v in now.indices() for v in values) else now
            for form, now in self.forms.items()
        }
        guards = tuple(map_forms(substitute(guard, values), folded) for guard in self.guards)
        return replace(self, guards=guards, forms=forms)

    def moved(self, index: Index, offset: int, factor: int, size: int) -> Box:
        """index = offset + factor·(a new index of that size)"""
        new = new_index(size)
        lines = tuple(line.at(offset, factor, new) if line.index == index else line for line in self.lines)
        bound = tuple(new if v == index else v for v in self.bound)
        return replace(self, lines=lines, bound=bound).with_forms({index: poly(new) * factor + offset})


_NAMES = numbers()


def new_index(size: int) -> Index:
    return Index(f"u{next(_NAMES)}", poly(size))
