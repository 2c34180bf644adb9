"""Systems of forms in a box against trying every point."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import combinations, islice, product
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.calculus.inverse import boxes
from convmath.calculus.inverse.boxes import System, least_and_greatest, points, solvable
from convmath.ir.build import size
from convmath.ir.poly import Param, Poly, poly

from ..faults import caught

X = tuple(size(letter) for letter in "xyz")
ATOMS = tuple(next(form.atoms()) for form in X)
COST = Param("c", least=0)
Ranges = dict[Any, tuple[int, int]]


@st.composite
def systems(draw: Callable[..., Any]) -> tuple[list[Poly], Ranges]:
    """Up to three forms in three variables, products of two of them too."""
    monomials = [Poly.of(1), *X, *(a * b for a, b in combinations(X, 2))]
    coefficients = st.lists(st.integers(-4, 4), min_size=len(monomials), max_size=len(monomials))
    forms = [
        sum((c * monomial for c, monomial in zip(draw(coefficients), monomials, strict=True)), Poly.of(0))
        for _ in range(draw(st.integers(1, 3)))
    ]
    ranges = {}
    for atom in ATOMS:
        low = draw(st.integers(0, 3))
        ranges[atom] = low, draw(st.integers(low, low + 4))
    return forms, ranges


def tried(forms: list[Poly], ranges: Ranges) -> Iterator[tuple[int, ...]]:
    for point in product(*(range(low, high + 1) for low, high in ranges.values())):
        at = dict(zip(ATOMS, point, strict=True))
        if all(form.evaluate(at) >= 0 for form in forms):
            yield point


def with_cost(forms: list[Poly], ranges: Any) -> System | None:
    """The system with x + y + z as its first variable."""
    gap = poly(COST) - sum(X, Poly.of(0))
    return System.of([*forms, gap, -gap], {COST: (0, inf), **ranges})


def in_order(found: Iterable[tuple[int, ...]]) -> list[tuple[int, ...]]:
    return sorted(found, key=lambda point: (sum(point), *point))


@given(data=st.data())
def test_all_solutions_come_once_and_in_order(data: st.DataObject) -> None:
    forms, ranges = data.draw(systems())
    right = in_order(tried(forms, ranges))
    system, costed = System.of(forms, ranges), with_cost(forms, ranges)
    assert system is not None or not right
    assert [tuple(point) for _, *point in points([costed] if costed else [])] == right
    if system is not None:
        assert list(points([system])) == sorted(right)
        assert system.count() == len(right)
        assert solvable(system) == bool(right)


@given(data=st.data())
def test_branches_keep_all_solutions_apart(data: st.DataObject) -> None:
    forms, ranges = data.draw(systems())
    system = System.of(forms, ranges)
    if system is not None:
        branches = list(system.branches())
        assert list(points(branches)) == sorted(tried(forms, ranges))


@given(data=st.data())
def test_without_an_end_the_first_solutions_come_first(data: st.DataObject) -> None:
    forms, ranges = data.draw(systems())
    forever = {atom: (low, inf) for atom, (low, _) in ranges.items()}
    system, costed = System.of(forms, forever), with_cost(forms, forever)
    right = in_order(tried(forms, {atom: (low, low + 8) for atom, (low, _) in ranges.items()}))
    assert system is not None or not right
    if system is not None and costed is not None and right:
        assert solvable(system)
        # what lies outside the box that was tried costs more than 8 steps from its corner
        near = [point for point in right if sum(point) <= sum(low for low, _ in ranges.values()) + 8]
        assert [tuple(point) for _, *point in islice(points([costed]), len(near))] == near


@given(data=st.data())
def test_bounds_of_a_form_are_bounds(data: st.DataObject) -> None:
    [form, *_], ranges = data.draw(systems())
    least, greatest = least_and_greatest(form, ranges)
    for point in product(*(range(low, high + 1) for low, high in ranges.values())):
        assert least <= form.evaluate(dict(zip(ATOMS, point, strict=True))) <= greatest


def test_bounds_go_on_for_ever_except_where_a_factor_is_0() -> None:
    x, y, _ = X
    forever = {ATOMS[0]: (0, 0), ATOMS[1]: (1, inf)}
    assert least_and_greatest(5 - x * y, forever) == (5, 5)
    assert least_and_greatest(5 - y, forever) == (-inf, 4)


def test_a_square_is_no_form_here() -> None:
    with pytest.raises(NotImplementedError, match=r"^a variable is squared in x²"):
        System.of([X[0] * X[0]], {ATOMS[0]: (0, 3)})


# --- teeth --------------------------------------------------------------------------------------------------------


def test_a_corner_that_is_lost_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A split that leaves out the upper end."""
    right = boxes.Box.halves
    monkeypatch.setattr(
        boxes.Box, "halves", lambda box, place, at: (right(box, place, at)[0], box.with_low(place, at + 2))
    )
    caught(test_all_solutions_come_once_and_in_order)
    caught(test_branches_keep_all_solutions_apart)


def test_a_corner_that_is_not_looked_at_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boxes.System, "holds_at", lambda system, point: True)
    caught(test_all_solutions_come_once_and_in_order)
    caught(test_without_an_end_the_first_solutions_come_first)


def test_bounds_at_the_wrong_ends_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boxes, "_greatest", boxes._least)
    caught(test_all_solutions_come_once_and_in_order)
    caught(test_bounds_of_a_form_are_bounds)
