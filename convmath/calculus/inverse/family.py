"""One family of solutions: what is fixed, bounds, conditions. It prints itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from convmath.errors import unknown
from convmath.ir.guards import holds
from convmath.ir.nodes import AtMost, Guard, Zero
from convmath.ir.poly import Param, Poly, poly
from convmath.render.latex import latex
from convmath.render.mathematics import layout, relation
from convmath.render.text import text
from convmath.render.tree import EQUALS, Big, Fence, Layout, Op, commas, row

from .problem import PARAMS, WHERE

__all__ = ["AT_MOST", "Family", "Row", "extreme"]

AT_MOST, AT_LEAST = Op("≤", "wide"), Op("≥", "wide")


@dataclass(frozen=True, slots=True)
class Row:
    """What one unknown lies between: the greatest of `lower` and the least of `upper` (none: no bound)."""

    param: Param
    lower: tuple[Poly, ...]
    upper: tuple[Poly, ...]

    @property
    def value(self) -> Poly | None:
        """The one form that it is, where it is determined."""
        return self.lower[0] if self.lower == self.upper and len(self.lower) == 1 else None

    @property
    def plain(self) -> bool:
        """Its bounds are numbers."""
        return all(form.constant is not None for form in (*self.lower, *self.upper))

    @property
    def layout(self) -> Layout:
        x = layout(self.param)
        if self.value is not None:
            return row(x, EQUALS, layout(self.value))
        lower = extreme("max", map(layout, self.lower))
        if not self.upper:
            return row(x, AT_LEAST, lower)
        return row(lower, AT_MOST, x, AT_MOST, extreme("min", map(layout, self.upper)))

    @property
    def guards(self) -> Iterator[Guard]:
        x = poly(self.param)
        if self.value is not None:
            yield Zero(x, self.value)
            return
        yield from (AtMost(bound, x) for bound in self.lower)
        yield from (AtMost(x, bound) for bound in self.upper)


@dataclass(frozen=True)
class Family:
    """Solutions in closed form: what is fixed, conditions, and the others row by row, bounded by those above them."""

    fixed: tuple[tuple[Param, int], ...]
    rows: tuple[Row, ...]
    conditions: tuple[Guard, ...]

    @cached_property
    def guards(self) -> tuple[Guard, ...]:
        """All that the family says; exactly its members meet it."""
        fixed = (Zero(poly(param), poly(value)) for param, value in self.fixed)
        return (*fixed, *self.conditions, *(guard for row in self.rows for guard in row.guards))

    def __contains__(self, values: Mapping[str, int]) -> bool:
        """Whether the unknowns, by their letters, are a member."""
        for letter in values:
            if letter not in PARAMS:
                raise unknown("letter of a solution", letter, PARAMS, WHERE)
        at = {PARAMS[letter]: value for letter, value in values.items()}
        return all(holds(guard, at) for guard in self.guards)

    # -- for people

    @property
    def lines(self) -> tuple[Layout, ...]:
        """On one line what is fixed, what numbers bound, and the conditions; then each unknown that others bound."""
        fixed = [row(layout(param), EQUALS, layout(poly(value))) for param, value in self.fixed]
        plain = [bounds.layout for bounds in self.rows if bounds.plain]
        others = [bounds.layout for bounds in self.rows if not bounds.plain]
        first = [*fixed, *plain, *map(relation, self.conditions)]
        return (*((commas(first, loose=True),) if first else ()), *others)

    def __str__(self) -> str:
        return text(commas(self.lines, loose=True))

    def to_latex(self) -> str:
        """The family in mathematics mode."""
        return latex(commas(self.lines, loose=True))


def extreme(name: str, among: Iterable[Layout]) -> Layout:
    """max(…) or min(…); of one only that one."""
    first, *others = among
    return row(Big(name), Fence("(", commas([first, *others], loose=True), ")")) if others else first
