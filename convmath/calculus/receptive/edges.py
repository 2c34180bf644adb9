"""What a statement reads of an input, axis by axis, from the forms at which its equations read.

For each array between, and at last for the output, the positions that are read lie between two forms in the positions
of that array. The other indices of a read are bounded one by one: by an equation between indices (a sum that scatters),
by one-sided brackets (adaptive windows), or by their ranges (taps); and a floor by its number: v·⌊u/v⌋ lies between
u - v + 1 and u.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from convmath.errors import StatementError
from convmath.integers.facts import obligations, plainly_nonnegative
from convmath.ir.nodes import Divides, Equation, Guard, Read, Statement, Term, Zero
from convmath.ir.poly import Floor, Index, Least, Poly, poly
from convmath.ir.walk import reads, shape_of, substitute

from .reach import Reach, by_jump

__all__ = ["BEFORE", "reaches"]

BEFORE = 2  # the axes before the positions: batch and channel


@lru_cache(maxsize=1024)
def reaches(statement: Statement, data: str) -> tuple[tuple[Reach, ...], ...]:
    """What the first output reaches in an input along each of its spatial axes: one interval for each jump there is."""
    axes = range(BEFORE, len(shape_of(statement, data)))
    return tuple(_along(statement, data, axis) for axis in axes)


@dataclass(frozen=True, slots=True)
class _Between:
    """low ≤ scale·i ≤ high, the ends being forms in the positions of an array."""

    low: Poly
    high: Poly
    scale: Poly = poly(1)


def _position(axis: int) -> Index:
    """The position along an axis of an array, whatever its indices are called."""
    return Index("position", poly(0), axis)


def _along(statement: Statement, data: str, axis: int) -> tuple[Reach, ...]:
    own = poly(_position(axis))
    found: dict[str, list[_Between]] = {data: [_Between(own, own)]}
    for equation in statement.equations:
        here = [
            _through(known, equation, term, read, axis)
            for term in equation.terms
            for read in dict.fromkeys(reads(term))
            for known in found.get(read.tensor, ())
        ]
        if here:
            found[equation.name] = list(dict.fromkeys(here))
    output = statement.outputs[0]
    sizes = shape_of(statement, output)
    return by_jump([_reach(known, axis, sizes) for known in found.get(output, ())])


def _through(known: _Between, equation: Equation, term: Term, read: Read, axis: int) -> _Between:
    """What an equation reads by way of an array of which is known what it reads."""
    at = {_position(place): form for place, form in enumerate(read.at)}
    own = {form.atom: poly(_position(place)) for place, form in enumerate(equation.at) if isinstance(form.atom, Index)}
    low, high = (substitute(form.substitute(at), own) for form in (known.low, known.high))
    guards = list(substitute(term.guards, own))
    if axis < len(equation.at) and equation.at[axis].atom not in own:  # the position is a number of several digits
        guards.insert(0, Zero(equation.at[axis], poly(_position(axis))))
    (v, first), (w, last) = _bounded(low, guards, False), _bounded(high, guards, True)
    return _Between(first, last, known.scale * v) if v == w else _Between(first * w, last * v, known.scale * v * w)


def _reach(known: _Between, axis: int, sizes: Sequence[Poly]) -> Reach:
    """Along one axis, wherever the output is on the others."""
    position = _position(axis)
    ends = []
    for form, upper in ((known.low, False), (known.high, True)):
        for other, size in enumerate(sizes):
            if other != axis:
                c = form.coefficient(_position(other))
                end = size - 1 if _grows(c) == upper else poly(0)
                form = form.substitute({_position(other): end})
        ends.append(form)
    jump = ends[1].coefficient(position)
    if ends[0].coefficient(position) != jump:
        raise StatementError(f"the ends of what is read move by different steps, {ends[0]} and {ends[1]}")
    first, last = (end - jump * poly(position) for end in ends)
    return Reach.of(jump, first, last, known.scale)


# --- bounds ---------------------------------------------------------------------------------------------------------

Bound = tuple[Poly, Poly]  # factor and form: factor·e is at most (or at least) the form


def _open(form: Poly) -> list[Index]:
    """The indices in a form that are no positions."""
    return sorted((v for v in form.indices() if v.size != 0), key=lambda v: v.key)


def _bounded(form: Poly, guards: Sequence[Guard], upper: bool) -> Bound:
    """What the form is at most (or at least), by positions alone."""
    factor, left = poly(1), list(guards)
    while True:
        floors = [atom for atom in form.atoms() if isinstance(atom, Floor) and poly(atom).indices()]
        if floors:
            q = floors[0]
            c = form.coefficient(q)
            above = upper == _grows(c) or Divides(q.divisor, q.number) in guards
            v, end = q.divisor, q.number if above else q.number - q.divisor + 1
            rest = form - c * poly(q)
        elif indices := _open(form):
            index = indices[0]
            if any(isinstance(atom, Least) and poly(atom).has(index) for atom in form.atoms()):
                raise StatementError(f"what {form} reaches is not known: {poly(index)} stands in a minimum")
            c = form.coefficient(index)
            v, end = _end(index, form, left, upper == _grows(c))
            rest = form - c * poly(index)
        else:
            return factor, form
        factor, form = factor * v, v * rest + c * end


def _grows(c: Poly) -> bool:
    if plainly_nonnegative(c):
        return True
    if plainly_nonnegative(-c):
        return False
    raise StatementError(f"whether what is read moves up or down depends on the sign of {c}")


def _end(index: Index, form: Poly, guards: list[Guard], upper: bool) -> Bound:
    """What the index is at most (or at least): by a bracket where no position is in the form yet, else by its range."""
    if len(_open(form)) == len(form.indices()):
        for guard in guards:
            if isinstance(guard, Zero) and (end := _solved(index, guard.form, upper, exact=True)):
                guards.remove(guard)
                return end
        for goal in (goal for guard in guards for goal in obligations(guard) or ()):
            if len(_open(goal)) < len(goal.indices()) and (end := _solved(index, goal, upper, exact=False)):
                return end
    return poly(1), index.size - 1 if upper else poly(0)


def _solved(index: Index, goal: Poly, upper: bool, *, exact: bool) -> Bound | None:
    """From goal ≥ 0 (or = 0) what a multiple of the index is at most (or at least)."""
    if any(isinstance(atom, Floor | Least) and poly(atom).has(index) for atom in goal.atoms()):
        return None
    c = goal.coefficient(index)
    rest = goal - c * poly(index)
    if c != 0 and plainly_nonnegative(c) and (exact or not upper):
        return c, -rest
    if c != 0 and plainly_nonnegative(-c) and (exact or upper):
        return -c, rest
    return None
