"""Whether a result in several variables is the convolution, in numbers, as a whole.

An impulse is sifted with: ∫ δ(Lτ - c) h(τ) dτ is an integral over the plane Lτ = c, and a derivative of δ moves on to
h. What is left is summed over grids, and a sequence over a box that grows until what lies outside is nothing. Where
that takes too much, functions are parted into products of functions of one variable each, which numbers have to
confirm, and summed or integrated along each.
"""

from __future__ import annotations

import bisect
import contextlib
import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sympy import Matrix, Symbol

from ..errors import CheckError, NotFoundError, OpenQuestion, Unheld
from ..facts import Facts
from ..pieces import pieces
from ..sequences import sequence_pieces
from ..spatial.separable import products
from ..spatial.solve import in_new_variables
from ..types import Expr, sympy
from .boxes import INDICES, Array, Box, index_spots, indices_of
from .common import TRIES, WIDE, compared, concrete, drawn_values, without_impulses
from .functions import Numeric
from .grids import Spot, Summed, lambdified
from .places import Marks, located, real_numbers
from .quadrature import Integral
from .sequences import Indexed, at_an_index, enough, marks_of, summed
from .sifting import at_simple_zeros, common_plane, impulse_terms, solved_for

__all__ = ["checked_in_space", "checked_sequence_in_space"]

Values = dict[Symbol, Expr]

POINTS = (32, 12, 8, 3, 1, 1, 1)  # at how many a result is held, by the number of variables that impulses leave
HUGE, ROUNDING = 1e150, 1e-13  # what is larger has no square; what is left of 0
COARSE = 0.25  # what a sum must not be off by to be of use
UNSEEN = 1e-3  # of what is integrated elsewhere: how much may lie in a corner between edges that no node meets
FINER = 1.6  # with how many more nodes, before a result is called wrong


def checked_in_space(
    f: Expr, g: Expr, variables: Sequence[Symbol], result: Expr, facts: Facts, conditions: Sequence[Any] = ()
) -> int:
    """At how many points a result was held against sums over grids, and its impulses against a Gaussian."""
    return _checked(_held_at_points, f, g, variables, result, facts, conditions)


def checked_sequence_in_space(
    f: Expr, g: Expr, variables: Sequence[Symbol], result: Expr, facts: Facts, conditions: Sequence[Any] = ()
) -> int:
    """At how many indices a result was held against sums over boxes."""
    return _checked(_held_at_indices, f, g, variables, result, facts, conditions)


def _checked(
    held: Callable[[_Question], int],
    f: Expr,
    g: Expr,
    variables: Sequence[Symbol],
    result: Expr,
    facts: Facts,
    conditions: Sequence[Any],
) -> int:
    f, g, result = (concrete(e) for e in (f, g, result))
    draw, at, times = random.Random(0), 0, 0
    for _ in range(TRIES):
        values = drawn_values((f, g, result), set(variables), facts, conditions, draw)
        values = {x: value for x, value in values.items() if x not in variables}
        left, right, found = (e.xreplace(values) for e in (f, g, result))
        where = [r.xreplace(values) for r in (*facts.relations, *conditions) if r.has(*variables)]
        question = _Question(left, right, found, tuple(variables), values, draw, where)
        for way in (held, _held_along_axes):
            try:
                here = way(question)
            except (Unheld, NameError):  # NumPy and SciPy do not know every function
                continue
            if here:
                at, times = at + here, times + 1
                break
        if times == enough(values) or not values:
            break
    return at


TRIED = 400  # places


@dataclass
class _Question:
    """Two functions without parameters, and what was found for them."""

    f: Expr
    g: Expr
    result: Expr
    variables: tuple[Symbol, ...]
    values: Values
    draw: random.Random
    where: Sequence[Any]  # what has to hold of the variables, where an answer is one of several cases of them

    def __post_init__(self) -> None:
        self.regular = without_impulses(self.result)

    def compare(self, at: Spot, got: complex, wanted: complex, allowed: float) -> None:
        place = sympy.Tuple(*self.variables), sympy.Tuple(*at)
        compared(self.result, place[0], place[1], got, wanted, allowed, self.values)

    def inside(self, spots: Iterable[Spot]) -> Iterator[Spot]:
        """The places at which the answer is one, of as many as may be tried."""
        for at in itertools.islice(spots, TRIED):
            known = dict(zip(self.variables, map(sympy.Rational, at), strict=True))
            if all(relation.xreplace(known) == True for relation in self.where):  # noqa: E712
                yield at

    def starts(self, marks: Sequence[Marks]) -> list[list[float]]:
        """On each axis the sums of where something happens in the one and in the other."""
        found = []
        for axis in range(len(self.variables)):
            one, two = (real_numbers((*m.jumps[axis], *m.peaks[axis])) or [0.0] for m in marks)
            found.append(sorted({round(a + b, 9) for a in one for b in two}))
        return found

    def spots(self, marks: Sequence[Marks]) -> Iterator[Spot]:
        """Points around these."""
        widths = zip(*(m.widths for m in marks), strict=True)
        reaches = [1.2 * max(min(each, default=1.0) for each in axis) for axis in widths]
        return self.inside(_spots(self.starts(marks), reaches, self.draw))


def _held_at_points(question: _Question) -> int:
    variables, draw = question.variables, question.draw
    f, g = (at_simple_zeros(e, variables) for e in (question.f, question.g))
    inner = [sympy.Dummy(x.name, real=True) for x in variables]
    inside = dict(zip(variables, inner, strict=True))
    integral = Summed(f.xreplace(inside) * g.xreplace({x: x - y for x, y in inside.items()}), inner, variables)
    evaluated, many = lambdified(question.regular, variables), POINTS[integral.axes]
    marks = [located(e, variables) for e in (f, g)]
    spots = question.spots(marks)
    values = [(at, _number(evaluated(*map(np.float64, at)))) for at in itertools.islice(spots, 16 * many)]
    held, telling, scale = 0, question.regular == 0, 0.0
    for tried, (at, got) in enumerate(_telling_first(values, question.starts(marks))):
        wanted = integral(at, draw)
        scale = max(scale, wanted.size) if np.isfinite(wanted.size) else scale
        if _useful(wanted):
            held += _agrees(question, at, got, wanted, integral, scale)
            telling |= wanted.size > 0
        if (held >= many and telling) or tried > 2 * many or (tried > many and not held):
            break
    if held and question.result.has(sympy.DiracDelta):
        with contextlib.suppress(Unheld):  # then what was held along each axis has to do: an impulse is on no plane
            held += _held_against_a_gaussian(question, f, g, inside)
    return held if telling else 0


def _telling_first(values: list[tuple[Spot, complex]], starts: list[list[float]]) -> Iterator[tuple[Spot, complex]]:
    """By turns a place where a result is large, since most is seen there, and one between other places than before."""
    largest = max((abs(got) for _, got in values if np.isfinite(got)), default=0.0)
    cells = [tuple(map(bisect.bisect, starts, at)) for at, _ in values]
    left, seen = list(range(len(values))), set()
    for turn in range(len(values)):
        wanted = (k for k in left if (abs(values[k][1]) > largest / 10 if turn % 2 == 0 else cells[k] not in seen))
        k = next(wanted, left[0])
        left.remove(k)
        seen.add(cells[k])
        yield values[k]


def _number(value: Any) -> complex:
    """A value whose size is none for doubles is no number."""
    return complex(value) if np.abs(value) < HUGE else complex("nan")


def _useful(wanted: Integral) -> bool:
    return bool(wanted.size < HUGE and wanted.error <= COARSE * wanted.size + ROUNDING)


def _agrees(question: _Question, at: Spot, got: complex, wanted: Integral, integral: Summed, scale: float) -> bool:
    """Whether a result was held at a point; it is called wrong only after a finer grid has said so."""
    unseen = ROUNDING + (UNSEEN if integral.oblique else 1e-9) * scale
    if not abs(got - wanted.value) <= wanted.error + unseen:
        try:
            wanted = integral(at, question.draw, FINER)
        except Unheld:  # there would be too many nodes: a second time is all there is
            wanted = integral(at, question.draw)
        if not _useful(wanted):
            return False
    question.compare(at, got, wanted.value, wanted.error + unseen)
    return True


def _spots(starts: list[list[float]], reaches: list[float], draw: random.Random) -> Iterator[Spot]:
    """Points between the places of each axis and beyond them."""

    def along(places: list[float], beyond: float) -> float:
        if draw.random() < 0.5:
            return draw.uniform(places[0] - beyond / 4, places[-1] + beyond / 4)
        k = draw.randint(0, len(places))
        low = places[k - 1] if k else places[0] - beyond
        high = places[k] if k < len(places) else places[-1] + beyond
        return low + (high - low) * draw.uniform(0.1, 0.9)

    while True:
        yield tuple(map(along, starts, reaches))


def _held_against_a_gaussian(question: _Question, f: Expr, g: Expr, inside: dict[Symbol, Symbol]) -> int:
    """Impulses have no values: the result beside a Gaussian φ is ∫∫ f(τ) g(σ) φ(r - τ - σ) dτ dσ.

    A Gaussian in as few of the variables as there are impulses across; in the others φ is an impulse itself.
    """
    variables, draw = question.variables, question.draw
    further = {x: sympy.Dummy(x.name, real=True) for x in variables}
    smooth: set[Symbol] = set()
    for impulses, _ in impulse_terms(at_simple_zeros(question.result, variables)):
        if impulses and (plane := common_plane(impulses, variables)):
            smooth.update(solved_for(*plane, variables)[0])

    def beside(place: Callable[[Symbol], Expr]) -> Expr:
        impulses = (sympy.DiracDelta(x - place(x)) for x in variables if x not in smooth)
        return sympy.exp(-sympy.Add(*((x - place(x)) ** 2 for x in smooth))) * sympy.Mul(*impulses)

    both = (*inside.values(), *further.values())
    double = Summed(
        f.xreplace(inside) * g.xreplace(further) * beside(lambda x: inside[x] + further[x]), both, variables
    )
    result = at_simple_zeros(question.result, variables).xreplace(inside)
    single = Summed(result * beside(lambda x: inside[x]), tuple(inside.values()), variables)
    spots = question.spots([located(e, variables) for e in (f, g)])
    held = 0
    for at in itertools.islice(spots, POINTS[max(double.axes, single.axes)]):
        for finer in (1, FINER):
            wanted, got = (integral(at, draw, finer) for integral in (double, single))
            allowed = wanted.error + got.error + 1e-9 * wanted.size + ROUNDING
            if not (_useful(wanted) and _useful(got)):
                break
            if abs(got.value - wanted.value) <= allowed:
                held += 1
                break
        else:
            place = {**question.values, sympy.Tuple(*variables): sympy.Tuple(*at)}
            raise CheckError(f"{question.result} beside exp(-|r|²)", place, got.value, wanted.value)
    if not held:
        raise Unheld
    return held


def _held_at_indices(question: _Question) -> int:
    variables, draw = question.variables, question.draw
    left, right, answer = (Array(e, variables) for e in (question.f, question.g, question.result))
    marks = [indices_of(e, variables) for e in (question.f, question.g)]
    cases = indices_of(sympy.And(*question.where), variables) if question.where else None
    spots = np.array(list(itertools.islice(question.inside(index_spots(marks, draw, cases)), INDICES)))
    if not len(spots):
        return 0
    got = answer(*spots.T)
    box = Box(left, right, marks, spots)
    wanted, errors = box.sums()
    near = np.abs(got - wanted) <= WIDE * (1 + np.abs(wanted))
    if not np.all(near | ~(errors <= WIDE / 10)):
        box.grow()  # before a result is called wrong
        wanted, errors = box.sums()
    held = np.flatnonzero(errors <= WIDE / 10)
    for k in held:
        question.compare(tuple(map(int, spots[k])), got[k], wanted[k], WIDE * (1 + abs(wanted[k])))
    return len(held)


# --- axis by axis ----------------------------------------------------------------------------------------------------


def _held_along_axes(question: _Question) -> int:
    """At how many places a result was held against sums of products of integrals, or sums, along each axis.

    Where functions do not part, they may in other variables: (f∘A) ∗ (g∘A) = (f ∗ g)∘A / |det A|.
    """
    variables, draw = question.variables, question.draw
    whole = variables[0].is_integer
    if question.result.has(sympy.DiracDelta):  # which these numbers do not see
        return 0
    try:
        f, g, axes, matrix = question.f, question.g, variables, sympy.eye(len(variables))
        try:
            left, right = (products(e, axes) for e in (f, g))
        except NotFoundError:
            if whole:
                raise
            (f, g), axes, matrix = in_new_variables(f, g, variables)
            left, right = (products(e, axes) for e in (f, g))
        forms = matrix * Matrix(variables)
        for e, parts in ((question.f, left), (question.g, right)):
            _parts_as_said(e, parts, dict(zip(axes, forms, strict=True)), variables, draw)
        read = sequence_pieces if whole else pieces
        known = {
            (p, x): Indexed(p, x, marks_of(function, {})) if whole else Numeric(p, x, function, {})
            for part in (*left, *right)
            for p, x in zip(part.factors, axes, strict=True)
            for function in [read(p, x, Facts())]
        }
    except (NotFoundError, OpenQuestion):
        return 0
    marks = [
        [
            sorted({at for part in parts for at in _of_axis(known[part.factors[k], x])}) or [0]
            for k, x in enumerate(axes)
        ]
        for parts in (left, right)
    ]
    if whole:
        spots: Iterable[Spot] = index_spots(marks, draw)
    else:
        starts = [sorted({a + b for a in one for b in two}) for one, two in zip(*marks, strict=True)]
        back = np.array(matrix.inv().tolist(), float)
        spots = (tuple(map(float, back @ at)) for at in _spots(starts, [1.2] * len(starts), draw))
    forward, held = np.array(matrix.tolist(), float), 0
    for at in itertools.islice(question.inside(spots), INDICES):
        wanted, allowed = 0j, 0.0
        for one, two in itertools.product(left, right):
            value, error = complex(one.coefficient * two.coefficient / sympy.Abs(matrix.det())), 0.0
            for p, q, x, place in zip(one.factors, two.factors, axes, at if whole else forward @ at, strict=True):
                found, off = _along(known[p, x], known[q, x], place)
                value, error = value * found, error * (abs(found) + off) + abs(value) * off
            wanted, allowed = wanted + value, allowed + error + WIDE * abs(value)
        if np.isfinite(wanted) and allowed <= 1e-3 * (1 + abs(wanted)):
            held += 1
            got = complex(sympy.N(question.regular.subs(dict(zip(variables, at, strict=True)))))
            question.compare(at, got, wanted, allowed + WIDE)
    return held


def _parts_as_said(
    e: Expr, parts: Sequence[Any], forms: dict[Symbol, Expr], variables: Sequence[Symbol], draw: random.Random
) -> None:
    """A function has to have the values that a sum of products has."""
    e, whole = (without_impulses(h) for h in (e, sympy.Add(*(p.coefficient * sympy.Mul(*p.factors) for p in parts))))
    for _ in range(8):
        at: dict[Symbol, Any] = {x: draw.randint(-3, 5) for x in variables}
        if not variables[0].is_integer:
            at = {x: place + sympy.Rational(draw.randint(1, 30), 31) for x, place in at.items()}
        there = {y: form.subs(at) for y, form in forms.items()}
        one, two = at_an_index(e, at), at_an_index(whole, there)
        if not abs(one - two) <= WIDE * (1 + abs(one)):
            raise Unheld


def _of_axis(axis: Any) -> Sequence[float]:
    return axis.marks if isinstance(axis, Indexed) else [*axis.breaks, *(at for _, at, _ in axis.impulses)]


def _along(one: Any, two: Any, at: Any) -> tuple[complex, float]:
    if isinstance(one, Indexed):
        total, error = summed(one, two, at)
        return total, error * (1 + abs(total))
    found = one.convolved(two, at, False)
    return found.value, found.error
