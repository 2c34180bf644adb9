"""Whole numbers in a box at which polynomials are not negative: bounds, all points in order, how many.

A form is a polynomial with whole coefficients in variables that are at least 0, none of them squared. A term is then
greatest at the upper ends of its variables where its coefficient is positive, and at the lower ends where it is
negative; so a box bounds every form, and a form that must not be negative bounds every variable in turn.

>>> from convmath.ir.build import size
>>> x, y = size("x"), size("y")
>>> system = System.of([3 * x + 2 * y - 12, 7 - x - y], {x.atom: (0, INFINITE), y.atom: (0, INFINITE)})
>>> system.box.low, system.box.high
((0, 0), (7, 7))
>>> system.count()
20
>>> next(points([system]))
(0, 6)
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from math import inf, isinf, isqrt

from convmath.ir.poly import Atom, Poly

__all__ = ["INFINITE", "Box", "System", "least_and_greatest", "multilinear", "points", "solvable"]

INFINITE = inf

# a form as (coefficient, places of its variables) for each term
Form = tuple[tuple[int, tuple[int, ...]], ...]
Ends = Sequence[int | float]

# each round is sound, so that stopping early only leaves a box wider than it could be
ROUNDS = 30


@dataclass(frozen=True, slots=True)
class Box:
    """low ≤ x ≤ high, for each variable."""

    low: tuple[int, ...]
    high: tuple[int | float, ...]

    @property
    def bounded(self) -> bool:
        return not any(map(isinf, self.high))

    @property
    def points(self) -> int | float:
        total: int | float = 1
        for low, high in zip(self.low, self.high, strict=True):
            total *= high - low + 1
        return total

    def with_low(self, place: int, low: int) -> Box:
        return replace(self, low=(*self.low[:place], low, *self.low[place + 1 :]))

    def with_high(self, place: int, high: int) -> Box:
        return replace(self, high=(*self.high[:place], high, *self.high[place + 1 :]))

    def halves(self, place: int, at: int) -> tuple[Box, Box]:
        """x ≤ at, and x > at."""
        return self.with_high(place, at), self.with_low(place, at + 1)


@dataclass(frozen=True, slots=True)
class System:
    """Every form is at least 0, in a box."""

    variables: tuple[Atom, ...]
    forms: tuple[Form, ...]
    box: Box

    @staticmethod
    def of(polys: Iterable[Poly], ranges: Mapping[Atom, tuple[int, int | float]]) -> System | None:
        """The system with its box as narrow as the forms make it; None where nothing is left."""
        variables = tuple(ranges)
        place = {variable: at for at, variable in enumerate(variables)}
        forms = tuple(_compiled(form, place) for form in polys)
        box = Box(tuple(low for low, _ in ranges.values()), tuple(high for _, high in ranges.values()))
        return System(variables, forms, box).narrowed()

    @property
    def ranges(self) -> dict[Atom, tuple[int, int | float]]:
        """The side of the box for each variable."""
        return dict(zip(self.variables, zip(self.box.low, self.box.high, strict=True), strict=True))

    def narrowed(self, box: Box | None = None) -> System | None:
        """The system in that part of its box, as narrow as the forms make it; None where nothing is left."""
        box = box or self.box
        low, high = list(box.low), list(box.high)
        if any(a > b for a, b in zip(low, high, strict=True)):
            return None
        for _ in range(ROUNDS):
            before = low[:], high[:]
            if not all(_narrow(form, low, high) for form in self.forms):
                return None
            if (low, high) == before:
                break
        return replace(self, box=Box(tuple(low), tuple(high)))

    def holds_at(self, point: Sequence[int]) -> bool:
        return all(_greatest(form, point, point) >= 0 for form in self.forms)

    @property
    def holds_throughout(self) -> bool:
        """Every point of the box is a solution, as far as bounds can tell."""
        return all(_least(form, self.box.low, self.box.high) >= 0 for form in self.forms)

    def branches(self) -> Iterator[System]:
        """Its parts in which each variable that multiplies another is 0 throughout, or at least 1 throughout."""
        products = {place for form in self.forms for _, places in form if len(places) > 1 for place in places}
        place = next((p for p in products if self.box.low[p] == 0 < self.box.high[p]), None)
        if place is None:
            yield self
            return
        for part in self.split(place, 0):
            yield from part.branches()

    def count(self) -> int | float:
        """How many solutions there are, in a bounded box or one that holds throughout."""
        if self.holds_throughout:
            return self.box.points
        return sum(part.count() for part in self.parts())

    def cut(self) -> tuple[int, int] | None:
        """The side to split, and after which number: a bounded side, or where no other is left an unbounded one.

        The side is the one whose ends are most times each other, and each part has as many times: products of unknowns
        are then split where they are, and not where their factors are large.
        """
        sides = [
            (not isinf(high), (high + 1) / (low + 1) if not isinf(high) else -low, -place)
            for place, (low, high) in enumerate(zip(self.box.low, self.box.high, strict=True))
            if low < high
        ]
        if not sides:
            return None
        bounded, _, place = max(sides)
        low, high = self.box.low[-place], self.box.high[-place]
        return -place, isqrt((low + 1) * (int(high) + 1)) - 1 if bounded else 2 * low + 1

    def parts(self) -> Iterator[System]:
        """Its two parts along the side to split."""
        if (cut := self.cut()) is not None:
            yield from self.split(*cut)

    def split(self, place: int, at: int) -> Iterator[System]:
        """The parts with x ≤ at and with x > at, where they may hold a solution."""
        for box in self.box.halves(place, at):
            if (part := self.narrowed(box)) is not None:
                yield part

    def without_first(self) -> Iterator[System]:
        """The parts of the box that are left without its lowest corner."""
        box = self.box
        for place, (low, high) in enumerate(zip(box.low, box.high, strict=True)):
            if low < high:
                at, rest = box.halves(place, low)
                if (part := self.narrowed(rest)) is not None:
                    yield part
                box = at


def points(systems: Iterable[System]) -> Iterator[tuple[int, ...]]:
    """The solutions of systems with the same variables, in lexicographic order; each once where they are disjoint.

    Below each value of the first variable there must be finitely many solutions: it is a cost that the others have. A
    box is taken out in the order of its lowest corner: the corner is a solution, or the box is split, along the cost
    first.
    """
    number = count()
    heap = [(system.box.low, next(number), system) for system in systems]
    heapq.heapify(heap)
    while heap:
        corner, _, system = heapq.heappop(heap)
        if system.holds_at(corner):
            yield corner
            parts = system.without_first()
        else:
            parts = system.split(0, corner[0]) if corner[0] < system.box.high[0] else system.parts()
        for part in parts:
            heapq.heappush(heap, (part.box.low, next(number), part))


def solvable(system: System) -> bool:
    """Whether there is a solution: small boxes first, and what an unbounded side leaves over after all of them."""
    number = count()
    heap = [(0, 0, next(number), system)]
    while heap:
        beyond, depth, _, system = heapq.heappop(heap)
        if system.holds_at(system.box.low):
            return True
        for part in system.parts():
            left_over = any(
                isinf(high) and low > before
                for low, high, before in zip(part.box.low, part.box.high, system.box.low, strict=True)
            )
            heapq.heappush(heap, (beyond + left_over, depth - 1, next(number), part))
    return False


# --- bounds -------------------------------------------------------------------------------------------------------


def multilinear(form: Poly) -> bool:
    """No variable is squared."""
    return all(power == 1 for monomial in form.terms for _, power in monomial)


def _compiled(form: Poly, place: Mapping[Atom, int]) -> Form:
    if not multilinear(form):
        raise NotImplementedError(f"a variable is squared in {form}")
    return tuple((c, tuple(place[atom] for atom, _ in monomial)) for monomial, c in form.terms.items())


def _product(factor: int | float, places: Iterable[int], ends: Ends) -> int | float:
    """A product of ends, in which 0·∞ is 0: a variable that is 0 takes its whole term away."""
    for place in places:
        factor = factor * ends[place] if factor and ends[place] else 0
    return factor


def _greatest(form: Form, low: Ends, high: Ends) -> int | float:
    return sum(_product(c, places, high if c > 0 else low) for c, places in form)


def _least(form: Form, low: Ends, high: Ends) -> int | float:
    return sum(_product(c, places, low if c > 0 else high) for c, places in form)


def _narrow(form: Form, low: list[int], high: list[int | float]) -> bool:
    """Narrow each variable of the form to where the form can be at least 0; False where it can't be."""
    if _greatest(form, low, high) < 0:
        return False
    for place in {place for _, places in form for place in places}:
        rest: int | float = 0
        slope: int | float = 0
        for c, places in form:
            ends = high if c > 0 else low
            if place in places:
                slope += _product(c, (other for other in places if other != place), ends)
            else:
                rest += _product(c, places, ends)
        if isinf(rest):
            continue
        if isinf(slope):
            low[place] = max(low[place], int(rest < 0))  # as much of it as one likes, if there is any
            continue
        rest, slope = int(rest), int(slope)
        if slope > 0:
            low[place] = max(low[place], -(rest // slope))
        elif slope < 0:
            high[place] = min(high[place], rest // -slope)
        if low[place] > high[place] or (not slope and rest < 0):
            return False
    return True


def least_and_greatest(form: Poly, ranges: Mapping[Atom, tuple[int, int | float]]) -> tuple[int | float, int | float]:
    """Bounds of a form over a box."""
    place = {variable: at for at, variable in enumerate(ranges)}
    low, high = zip(*ranges.values(), strict=True) if ranges else ((), ())
    terms = _compiled(form, place)
    return _least(terms, low, high), _greatest(terms, low, high)
