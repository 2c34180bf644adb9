"""From typed equations to a statement: how large its inputs are, how many windows there are, what lies outside.

The size of an axis is told by the index that it is read at (c<C, t<k), and is n where it is read at a position such as
s·j+d·t-a. How far j goes is counted: the windows that lie inside the padded input. What the lowest read takes away at
j = 0 is the padding before; the padding after is b where that is a, and the same again where it is anything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product as pairs

from convmath.calculus.shape import derived_size, extreme
from convmath.errors import StatementError, unknown
from convmath.integers.facts import Facts, facts_of, obligations, plainly_nonnegative
from convmath.ir.nodes import (
    AtMost,
    Bracket,
    Compare,
    Equation,
    Guard,
    Matches,
    Outside,
    Placement,
    Read,
    Scalar,
    Size,
    Statement,
    Tensor,
    Term,
    Within,
)
from convmath.ir.plan import plan
from convmath.ir.poly import Index, Param, Poly, poly
from convmath.ir.typed_equations import Typed
from convmath.ir.typed_scope import Vocabulary
from convmath.ir.walk import inside, map_forms, map_leaves, radix, reads, shape_of
from convmath.window import BORDERS

__all__ = ["stated"]

COUNTED = "j"  # the index of output positions: how far it goes is counted
POSITIONS = "ij"  # what makes a form a position in an input
FIRST = ("X", "W", "B")  # the order in which inputs come; others follow in the order in which they are read

Shapes = Mapping[str, tuple[Poly, ...]]


def stated(
    typed: Typed,
    vocabulary: Vocabulary,
    outside: Mapping[str, Outside],
    shapes: Shapes,
    requires: tuple[Guard, ...] = (),
) -> Statement:
    """The statement of the last equation, under the conditions that are required and those that follow.

    `outside` says what lies outside an array, and `shapes` how large an input is, each where it is not told otherwise.
    """
    equations, output = typed.equations, typed.equations[-1].name
    _are_needed(equations)
    found = Statement(_inputs(typed, vocabulary, shapes), equations, (output,))
    for names, given, known in (
        ("array", outside, (*found.reads, *(equation.name for equation in equations))),
        ("input", shapes, found.reads),
    ):
        for name in given:
            if name not in known:
                raise unknown(names, name, known, output)
    counts = [_counted(found, j, vocabulary) for j in _output_positions(typed)]
    found = replace(
        found,
        sizes=tuple(Size(count.param, count.size) for count in counts),
        placements=tuple(count.placement for count in counts),
    )
    ranges = (
        map_forms(AtMost(poly(0), index.size), lambda form: form) for equation in equations for index in equation.free
    )
    found = _requiring(found, [*requires, *(count.fits for count in counts if count.fits), *ranges])
    reached = [guard for equation in equations for guard in _reach(found, equation, outside, counts)]
    return replace(_requiring(found, reached), equations=_with_outside(found, outside))


def _are_needed(equations: Sequence[Equation]) -> None:
    """The last equation needs all others, and no array has the name of a derivative."""
    names, needed = [equation.name for equation in equations], {equations[-1].name}
    for equation in reversed(equations):
        if equation.name not in needed:
            raise StatementError(
                f"{equation.name} is stated, but {names[-1]}, which the last equation states, does not need it; "
                "leave it out, or put the equation of the result last"
            )
        needed |= {read.tensor for read in reads(equation.terms)}
    for name in needed:
        if name[0] in "gd" and name[1:] in needed:
            raise StatementError(f"an array is called {name}, as a derivative of {name[1:]} is; choose another name")


def _requiring(statement: Statement, guards: Iterable[Guard]) -> Statement:
    """The statement with those of the conditions that do not follow from its others."""
    for guard in guards:
        if facts_of(statement).always(guard) is None:
            statement = replace(statement, requires=(*statement.requires, guard))
    return statement


# --- inputs -----------------------------------------------------------------------------------------------------


def _output_positions(typed: Typed) -> list[Index]:
    """The indices whose range is counted."""
    free = dict.fromkeys(index for equation in typed.equations for index in equation.free)
    return [index for index in free if index.letter == COUNTED and (index.letter, index.axis) not in typed.said]


def _inputs(typed: Typed, vocabulary: Vocabulary, shapes: Shapes) -> tuple[Tensor, ...]:
    names = {equation.name for equation in typed.equations}
    found: dict[str, list[Read]] = {}
    for equation in typed.equations:
        for read in reads(equation.terms):
            if read.tensor not in names:
                found.setdefault(read.tensor, []).append(read)
    whole = {node.read.tensor for node in inside(typed.equations) if isinstance(node, Matches)}
    counted = set(_output_positions(typed))
    order = sorted(found, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    return tuple(
        _tensor(name, found[name], shapes.get(name), vocabulary, counted, integer=name in whole) for name in order
    )


def _tensor(
    name: str,
    found: list[Read],
    shape: tuple[Poly, ...] | None,
    vocabulary: Vocabulary,
    counted: set[Index],
    integer: bool,
) -> Tensor:
    rank = len(found[0].at)
    if shape is not None and len(shape) != rank:
        raise StatementError(f"shapes gives {name} {len(shape)} axes, but {found[0]} reads {rank}")
    axes = [list(dict.fromkeys(read.at[axis] for read in found)) for axis in range(rank)]
    if shape is None:
        shape = tuple(_told(name, axis, forms, vocabulary, counted) for axis, forms in enumerate(axes))
    named: list[tuple[str, int]] = []
    for forms, size in zip(axes, shape, strict=True):
        named.append(next(one for one in _letters(forms, size, vocabulary) if one not in named))
    return Tensor(name, shape, tuple(named), integer)


def _told(name: str, axis: int, forms: list[Poly], vocabulary: Vocabulary, counted: set[Index]) -> Poly:
    """The size of an axis that is read at these forms."""
    found = {size for form in forms if (size := _position(form, vocabulary, counted)) is not None}
    if not found:  # an index by itself, or digits of one number
        found = {size for form in forms if form.indices() and (size := radix(form)) is not None}
    if not found:  # a window along another axis, as in X[ν,c+t-a,i]
        ranges = vocabulary.ranges
        letters = {index.letter for form in forms for index in form.indices() if index.letter in ranges}
        found = {vocabulary.size(ranges[letter]) for letter in letters if letter not in vocabulary.spatial}
    if len(found) == 1:
        return found.pop()
    said = ", ".join(map(str, forms))
    why = "tell no size" if not found else f"tell different sizes, {' and '.join(sorted(map(str, found)))}"
    raise StatementError(
        f"the positions {said} at which axis {axis} of {name} is read {why}; say how large {name} is, "
        f"shapes={{{name!r}: '…, …'}} with a size for each axis"
    )


def _position(form: Poly, vocabulary: Vocabulary, counted: set[Index]) -> Poly | None:
    """n, where the form is a position in an input, and more than an index with a range of its own."""
    own = form.indices()
    position = next((index for index in sorted(own, key=lambda i: i.key) if index.letter in POSITIONS), None)
    if position is None or (radix(form) is not None and not own & counted):
        return None
    return vocabulary.size("n", position.axis)


def _letters(forms: list[Poly], size: Poly, vocabulary: Vocabulary) -> Iterator[tuple[str, int]]:
    """What the index of an axis may be called: by its size, then as it is read."""
    by_size = {of: letter for letter, of in vocabulary.ranges.items() if letter != COUNTED}
    low = [(form.coefficient(index) != 1, index.letter, index.axis) for form in forms for index in form.indices()]
    if isinstance(size.atom, Param) and size.atom.letter in by_size:
        yield by_size[size.atom.letter], size.atom.axis
    yield from ((letter, axis) for _, letter, axis in sorted(low) if letter != COUNTED)
    yield from ((letter, axis) for axis in range(len(forms) + 9) for letter in "ulh")


# --- counting the windows -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Count:
    """How far an index of output positions goes."""

    param: Param
    size: Poly
    placement: Placement
    fits: Guard | None  # at least one window, where the size could be negative otherwise


def _counted(statement: Statement, j: Index, vocabulary: Vocabulary) -> _Count:
    """The windows that lie inside the padded input, from the lowest read at one to the highest."""
    found: dict[tuple[Poly, Poly], Read] = {}
    for equation in statement.equations:
        for read in reads(equation.terms):
            for form, size in zip(read.at, shape_of(statement, read.tensor), strict=True):
                if form.has(j) and j.size.atom not in set(size.leaves()):
                    found[form, size] = read
    where = f"{poly(j)}, an index of output positions,"
    if not found:
        raise StatementError(
            f"{where} stands in no position at which an input is read, so how far it goes is not told; say it on the "
            f"left side, {j.name}<…, or call it by another letter"
        )
    windows = [one for one in found if _is_open(one[0]) and plainly_nonnegative(one[0].coefficient(j) - 1)]
    for (low, _), (high, size) in pairs(windows, windows):
        if count := _count(j, low, high, size, list(found), vocabulary):
            return count
    said = ", ".join(dict.fromkeys(str(read) for read in found.values()))
    raise StatementError(
        f"{where} is read in {said}, which do not tell how far it goes; say it on the left side, {j.name}<…"
    )


def _is_open(form: Poly) -> bool:
    """Whether no index stands inside a floor or a minimum."""
    return form.indices() <= set(form.atoms())


def _count(
    j: Index, low: Poly, high: Poly, size: Poly, every: list[tuple[Poly, Poly]], vocabulary: Vocabulary
) -> _Count | None:
    """The count by the lowest and the highest read, if all others lie between; None if it is not shown that they do."""
    param = j.size.atom
    assert isinstance(param, Param)
    try:
        first = extreme(low.substitute({j: poly(0)}), low.indices() - {j}, last=False)
        last = extreme(high.substitute({j: poly(0)}), high.indices() - {j}, last=True)
    except StatementError:
        return None
    if not plainly_nonnegative(first) and not plainly_nonnegative(-first):
        return None
    before = -first if plainly_nonnegative(-first) else poly(0)
    after = vocabulary.size("b", j.axis) if before == vocabulary.size("a", j.axis) else before
    placement = Placement("inside", j, high, size, before, after)
    value = derived_size(placement, Facts())[0]
    fits: Guard | None = None
    if Facts().nonnegative(value) is None:
        fits = AtMost(last + before + 1, size + before + after)
    known = Facts(((param, value),), (obligations(fits) or ()) if fits else ())
    between = (Within(form + before, n + before + after) for form, n in every)
    if any(known.always(guard) is None for guard in between):
        return None
    return _Count(param, value, placement, fits)


# --- what lies outside --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Beyond:
    """A read that is not shown to lie inside its array: on which axis, and whether before its beginning."""

    equation: Equation
    read: Read
    axis: int
    before: bool


def _with_outside(statement: Statement, outside: Mapping[str, Outside]) -> tuple[Equation, ...]:
    """The equations with what lies outside of an array at every read that may lie there."""
    beyond = {term: _beyond(statement, equation, term) for equation in statement.equations for term in equation.terms}
    unsaid = [one for several in beyond.values() for one in several if one.read.tensor not in outside]
    if unsaid:  # what lies before the beginning is what was meant to be padding
        raise _leaves(statement, min(unsaid, key=lambda one: not one.before))

    def placed(term: Term) -> Term:
        new = {one.read: replace(one.read, outside=outside[one.read.tensor]) for one in beyond[term]}
        guards = tuple(_guard(guard, new) for guard in term.guards)
        return replace(term, guards=guards, body=_scalar(term.body, new))

    return tuple(replace(equation, terms=tuple(map(placed, equation.terms))) for equation in statement.equations)


def _beyond(statement: Statement, equation: Equation, term: Term) -> list[_Beyond]:
    facts = facts_of(statement)
    found: dict[Read, _Beyond] = {}
    for read, brackets in plan(statement, equation, term).reads.items():
        for held in brackets:
            said = [goal for guard in (*term.guards, *held) for goal in obligations(guard) or ()]
            for axis, (form, size) in enumerate(zip(read.at, shape_of(statement, read.tensor), strict=True)):
                inside = [_follows(facts, said, goal) for goal in (form, size - 1 - form)]
                if radix(form) != size and not all(inside):
                    found.setdefault(read, _Beyond(equation, read, axis, not inside[0]))
    return list(found.values())


def _follows(facts: Facts, said: Sequence[Poly], goal: Poly) -> bool:
    """Whether goal ≥ 0, where what is said is not negative."""
    return any(facts.nonnegative(goal - known) is not None for known in (poly(0), *said))


def _leaves(statement: Statement, beyond: _Beyond) -> StatementError:
    name, form = beyond.read.tensor, beyond.read.at[beyond.axis]
    size = shape_of(statement, name)[beyond.axis]
    where = "less than 0" if beyond.before else f"more than {size - 1}"
    return StatementError(
        f"{beyond.equation.name} reads {beyond.read}, where {form} may be {where}, outside axis {beyond.axis} of "
        f"{name}; say what lies there, outside={{{name!r}: 0}}, or leave it out, (… where 0 <= {form} < {size}), or "
        "write a position that stays inside, or require what keeps it there, requires='…'"
    )


def _scalar(node: Scalar, new: Mapping[Read, Read]) -> Scalar:
    def leaf(part: Scalar) -> Scalar:
        if isinstance(part, Bracket):
            return Bracket(_guard(part.guard, new))
        return new.get(part, part) if isinstance(part, Read) else part

    return map_leaves(node, leaf)


def _guard(guard: Guard, new: Mapping[Read, Read]) -> Guard:
    match guard:
        case Compare(left=left, relation=relation, right=right):
            return Compare(_scalar(left, new), relation, _scalar(right, new))
        case Matches(form=form, read=read):
            return Matches(form, new.get(read, read))
    return guard


def _reach(
    statement: Statement, equation: Equation, outside: Mapping[str, Outside], counts: Sequence[_Count]
) -> Iterator[Guard]:
    """What the sizes must meet for the index map of a border to be right wherever it is read."""
    for term in equation.terms:
        for read in (one.read for one in _beyond(statement, equation, term)):
            border = BORDERS.get(str(outside.get(read.tensor)))
            if border is None:
                continue
            for form, size in zip(read.at, shape_of(statement, read.tensor), strict=True):
                if radix(form) == size:
                    continue
                if border.reach is None:
                    yield AtMost(poly(1), size)
                    continue
                for pad in _pads(read, form, size, counts):
                    yield AtMost(pad, border.reach(size))


def _pads(read: Read, form: Poly, size: Poly, counts: Sequence[_Count]) -> tuple[Poly, Poly]:
    """How far before and behind its axis a form may lie."""
    for count in counts:
        if form.has(count.placement.index) and count.param not in size.leaves():
            return count.placement.before, count.placement.after
    if not _is_open(form):
        raise StatementError(
            f"how far outside {read.tensor} the position {form} of {read} lies is not told; write it without a floor"
        )
    return -extreme(form, form.indices(), last=False), extreme(form, form.indices(), last=True) - size + 1
