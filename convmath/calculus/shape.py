"""The output size, derived from the statement: how many positions there are whose window lies as the placement says.

Nothing here knows the closed form that runs (`window` does); a law holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from convmath.errors import StatementError
from convmath.integers.facts import Facts, facts_of, plainly_nonnegative
from convmath.ir.nodes import AtMost, Guard, Less, Placement, Size, Statement
from convmath.ir.poly import Index, Param, Poly, floor, least, poly
from convmath.ir.walk import shape_of
from convmath.steps import (
    Assemble,
    ChooseExtra,
    CountPositions,
    Dropped,
    ExtremeTap,
    Isolate,
    Likewise,
    Rearrange,
    Relations,
    Shape,
    Sizes,
    Step,
    WindowInside,
    WindowsCounted,
    WindowStarts,
)

__all__ = ["derived_shape", "derived_size", "extreme"]


def derived_shape(statement: Statement) -> tuple[tuple[Poly, ...], tuple[Step, ...]]:
    """The shape of the output in terms of the sizes of the inputs, and the steps that lead to it."""
    facts = facts_of(statement)
    derived = [(placement, *derived_size(placement, facts)) for placement in statement.placements]
    named = shape_of(statement, statement.outputs[0])
    shape = tuple(size.substitute({_param(p): size_of for p, size_of, _ in derived}) for size in named)
    return shape, (*_told_once(derived), Assemble(Shape(named), Shape(shape)))


def _told_once(derived: list[tuple[Placement, Poly, tuple[Step, ...]]]) -> Iterator[Step]:
    """The steps of each axis; axes on which the same rules lead to it are told together, after the first."""
    while derived:
        (first, size, steps), *others = derived
        rules = [type(step) for step in steps]
        alike = [axis for axis in others if [type(step) for step in axis[2]] == rules]
        yield from steps
        if alike:
            sizes = Sizes(tuple(Size(_param(p), size_of) for p, size_of, _ in alike))
            yield Likewise(Size(_param(first), size), sizes, placements=tuple(p for p, _, _ in alike))
        derived = [axis for axis in others if axis not in alike]


def derived_size(placement: Placement, facts: Facts) -> tuple[Poly, tuple[Step, ...]]:
    """The size that a placement decides, and the steps."""
    return {"inside": _inside, "starts": _starts, "preimage": _preimage}[placement.rule](placement, facts)


def _taps(placement: Placement) -> tuple[Index, ...]:
    return tuple(sorted(placement.form.indices() - {placement.index}, key=lambda index: index.key))


def _extreme(placement: Placement, last: bool) -> Poly:
    """The form at the tap where it is greatest (or least)."""
    return extreme(placement.form, _taps(placement), last)


def extreme(form: Poly, over: Iterable[Index], last: bool) -> Poly:
    """The greatest (or least) value of a form over the ranges of some indices."""
    values: dict[Index, Poly] = {}
    for index in over:
        c = form.coefficient(index)
        if plainly_nonnegative(c):
            values[index] = index.size - 1 if last else poly(0)
        elif plainly_nonnegative(-c):
            values[index] = poly(0) if last else index.size - 1
        else:
            raise StatementError(f"whether {form} grows with {poly(index)} depends on the sign of {c}")
    return form.substitute(values)


def _at_most(form: Poly, bound: Poly, j: Index) -> Poly:
    """The greatest whole j with form(j) ≤ bound: ⌊(bound - rest)/s⌋."""
    s = form.coefficient(j)
    return floor(bound - (form - s * poly(j)), s)


def _inside(placement: Placement, facts: Facts) -> tuple[Poly, tuple[Step, ...]]:
    j = placement.index
    low, high = -placement.before, placement.size + placement.after
    all_inside = Relations(poly(j), (AtMost(low, placement.form), Less(placement.form, high)), _taps(placement))
    first, last = _extreme(placement, last=False), _extreme(placement, last=True)
    starts = AtMost(low, first)
    certificates = facts.always(starts)
    kept: tuple[Guard, ...] = (Less(last, high),) if certificates is not None else (starts, Less(last, high))
    dropped = (Dropped(starts, certificates),) if certificates is not None else ()
    extreme = Relations(poly(j), kept)
    greatest = _at_most(last, high - 1, j)
    isolated = Relations(poly(j), (*kept[:-1], AtMost(poly(j), greatest)))
    size = greatest + 1
    counted = Size(_param(placement), size)
    return size, (
        WindowInside(placement, all_inside),
        ExtremeTap(all_inside, extreme, dropped),
        Isolate(extreme, isolated),
        CountPositions(isolated, counted),
    )


def _starts(placement: Placement, facts: Facts) -> tuple[Poly, tuple[Step, ...]]:
    j = placement.index
    first, last = _extreme(placement, last=False), _extreme(placement, last=True)
    before = last.substitute({j: poly(j) - 1})
    starts, open_ = Less(first, placement.size), Less(before, placement.size + placement.after - 1)
    rule = Relations(poly(j), (starts, open_))
    greatest = least(_at_most(before, placement.size + placement.after - 2, j), _at_most(first, placement.size - 1, j))
    isolated = Relations(poly(j), (AtMost(poly(j), greatest),))
    size = greatest + 1
    counted = Size(_param(placement), size)
    return size, (
        WindowStarts(placement, rule),
        Isolate(rule, isolated),
        CountPositions(isolated, counted),
    )


def _preimage(placement: Placement, facts: Facts) -> tuple[Poly, tuple[Step, ...]]:
    i, m = placement.index, placement.size
    last = _extreme(placement, last=True)
    end = m + placement.after
    inside = last.substitute({i: i.size - 1})
    beyond = last.substitute({i: i.size})
    rule = Relations(m, (Less(inside, end), AtMost(end, beyond)))
    smallest = inside - placement.after + 1
    isolated = Relations(m, (AtMost(smallest, m), Less(m, smallest + placement.form.coefficient(i))))
    size = smallest + placement.extra
    chosen = Size(_param(placement), size)
    return size, (
        WindowsCounted(placement, rule),
        Rearrange(rule, isolated),
        ChooseExtra(isolated, chosen, extra=placement.extra),
    )


def _param(placement: Placement) -> Param:
    param = placement.counted.atom
    if not isinstance(param, Param):
        raise StatementError(f"the size {placement.counted} is fixed already; there is nothing to derive")
    return param
