"""What the reads of a statement reach, axis by axis, from the forms at which they read.

The position j of the output is what stands on the left side. The other indices of a read are bounded one by one: by an
equation between indices (a sum that scatters), by one-sided brackets (adaptive windows), or by their ranges (taps), and
a floor by its number: v·⌊u/v⌋ lies between u - v + 1 and u.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from convmath.errors import StatementError
from convmath.integers.facts import obligations, plainly_nonnegative
from convmath.ir.nodes import Divides, Equation, Guard, Read, Statement, Term, Zero
from convmath.ir.poly import Floor, Index, Least, Poly, poly
from convmath.ir.walk import reads, shape_of, substitute

from .reach import ITSELF, Reach, joined

__all__ = ["BEFORE", "reaches"]

BEFORE = 2  # the axes before the positions: batch and channel

Reaches = tuple[tuple[Reach, ...], ...]  # for each spatial axis, one for each jump


@lru_cache(maxsize=1024)
def reaches(statement: Statement, data: str) -> Reaches:
    """What the first output reaches in an input along each of its spatial axes: one interval for each jump there is."""
    axes = range(BEFORE, len(shape_of(statement, data)))
    return tuple(_along(statement, data, axis) for axis in axes)


def _along(statement: Statement, data: str, axis: int) -> tuple[Reach, ...]:
    found: dict[str, tuple[Reach, ...]] = {data: (ITSELF,)}
    for equation in statement.equations:
        here = [
            known.behind(_edge(statement, equation, term, read, axis))
            for term in equation.terms
            for read in dict.fromkeys(reads(term))
            for known in found.get(read.tensor, ())
        ]
        if here:
            found[equation.name] = by_jump(here)
    return found.get(statement.outputs[0], ())


def by_jump(several: Sequence[Reach]) -> tuple[Reach, ...]:
    """One interval for each jump."""
    kept: list[Reach] = []
    for reach in dict.fromkeys(several):
        same = next((place for place, other in enumerate(kept) if other.moves_with(reach)), None)
        if same is None:
            kept.append(reach)
        else:
            kept[same] = joined(kept[same], reach)
    return tuple(kept)


# --- one read -----------------------------------------------------------------------------------------------------


def _edge(statement: Statement, equation: Equation, term: Term, read: Read, axis: int) -> Reach:
    """What a read reaches along an axis, from the position on the same axis of the left side."""
    sizes = shape_of(statement, read.tensor)
    if axis >= len(sizes):  # it has no such axis any more: its elements read all of it
        return Reach(poly(0), poly(0), poly(0))
    position = Index("position", poly(0))
    guards = list(term.guards)
    at = equation.at[axis] if axis < len(equation.at) else poly(0)
    if at.indices():
        guards.insert(0, Zero(at, poly(position)))
    form = read.at[axis]
    if isinstance(at.atom, Index):
        form = form.substitute({at.atom: poly(position)})
        guards = list(substitute(tuple(guards[1:]), {at.atom: poly(position)}))
    low, high = (_bounded(form, position, guards, upper) for upper in (False, True))
    return _between(low, high, position, read)


Bound = tuple[Poly, Poly]  # scale and form: scale·e is at most (or at least) the form, which is affine in the position


def _between(low: Bound, high: Bound, position: Index, read: Read) -> Reach:
    (v, first), (w, last) = low, high
    first, last = first * w, last * v
    jump = last.coefficient(position)
    if first.coefficient(position) != jump:
        raise StatementError(f"the ends of what {read} reaches move by different steps, {first} and {last}")
    rest = jump * poly(position)
    return Reach.of(jump, first - rest, last - rest, v * w)


def _bounded(form: Poly, position: Index, guards: Sequence[Guard], upper: bool) -> Bound:
    """What the form is at most (or at least), by the position alone."""
    scale, left = poly(1), list(guards)
    while True:
        floor = next((atom for atom in form.atoms() if isinstance(atom, Floor) and poly(atom).indices()), None)
        if floor is not None:
            c = form.coefficient(floor)
            up = upper == _grows(c, form)
            end = floor.number if up or Divides(floor.divisor, floor.number) in guards else _below(floor)
            scale, form = scale * floor.divisor, floor.divisor * (form - c * poly(floor)) + c * end
            continue
        index = next(iter(sorted(form.indices() - {position}, key=lambda v: v.key)), None)
        if index is None:
            return scale, form
        if any(isinstance(atom, Least) and poly(atom).has(index) for atom in form.atoms()):
            raise StatementError(f"what {form} reaches is not known: {poly(index)} stands in a minimum")
        c = form.coefficient(index)
        factor, end = _end(index, form, position, left, upper == _grows(c, form))
        scale, form = scale * factor, factor * (form - c * poly(index)) + c * end


def _below(floor: Floor) -> Poly:
    return floor.number - floor.divisor + 1


def _grows(c: Poly, form: Poly) -> bool:
    if plainly_nonnegative(c):
        return True
    if plainly_nonnegative(-c):
        return False
    raise StatementError(f"whether {form} grows depends on the sign of {c}")


def _end(index: Index, form: Poly, position: Index, guards: list[Guard], upper: bool) -> Bound:
    """factor·index is at most (or at least) this: by a bracket where the position is not in the form yet."""
    if not form.has(position):
        for guard in guards:
            if isinstance(guard, Zero) and (end := _solved(index, guard.form, exact=True, upper=upper)):
                guards.remove(guard)
                return end
        for guard in guards:
            for goal in obligations(guard) or ():
                if goal.has(position) and (end := _solved(index, goal, exact=False, upper=upper)):
                    return end
    return poly(1), index.size - 1 if upper else poly(0)


def _solved(index: Index, goal: Poly, *, exact: bool, upper: bool) -> Bound | None:
    """From goal ≥ 0 (or = 0), what a multiple of the index is at most, or at least."""
    if any(isinstance(atom, Floor | Least) and poly(atom).has(index) for atom in goal.atoms()):
        return None
    c = goal.coefficient(index)
    rest = goal - c * poly(index)
    if c != 0 and plainly_nonnegative(c) and (exact or not upper):
        return c, -rest
    if c != 0 and plainly_nonnegative(-c) and (exact or upper):
        return -c, rest
    return None
