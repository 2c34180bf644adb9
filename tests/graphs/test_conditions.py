"""What is asked of sizes is said more simply, and asks for the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.errors import ShapeError
from convmath.graphs import conditions
from convmath.graphs.conditions import Conditions, at_least_0, of_one_size
from convmath.ir.build import size
from convmath.ir.guards import holds
from convmath.ir.nodes import AtMost, Divides, Guard, Less, Within, Zero
from convmath.ir.poly import Param, Poly, poly

from ..faults import caught

H, W = Param("H", least=0), Param("W", least=0)


@st.composite
def forms(draw: st.DrawFn, sizes: tuple[Param, ...] = (H,), depth: int = 3) -> Poly:
    """What layers make of a size: floors in floors, and sums of them."""
    if depth == 0:
        return poly(draw(st.sampled_from(sizes)))
    inner = draw(forms(sizes, depth - 1))
    match draw(st.integers(0, 3)):
        case 0:
            return inner + draw(st.integers(-5, 5))
        case 1:
            return draw(st.sampled_from([-2, -1, 1, 2, 3])) * inner
        case 2:
            return (inner + draw(st.integers(-5, 5))) // draw(st.integers(1, 4))
        case _:
            return inner + draw(forms(sizes, depth - 1))


@st.composite
def guards(draw: st.DrawFn) -> Guard:
    left, right = draw(forms((H, W))), draw(forms((H, W)))
    n = poly(draw(st.integers(-3, 30)))
    kinds = [AtMost(n, left), AtMost(left, n), Less(left, right), Zero(left, n), Zero(left, right), Within(left, n)]
    return draw(st.sampled_from([*kinds, Divides(poly(3), left)]))


@given(data=st.data())
def test_a_goal_without_floors_asks_for_the_same(data: st.DataObject) -> None:
    goal = data.draw(forms(), label="goal")
    simple = at_least_0(goal)
    for value in range(40):
        assert (goal.evaluate({H: value}) >= 0) == (simple.evaluate({H: value}) >= 0)


@given(data=st.data())
def test_all_that_is_asked_is_asked_and_no_more(data: st.DataObject) -> None:
    asked = data.draw(st.lists(guards(), min_size=1, max_size=4), label="asked")
    found = Conditions()
    grid = [{H: h, W: w} for h in range(0, 30, 3) for w in range(0, 28, 4)]
    meet = [all(holds(guard, values) for guard in asked) for values in grid]
    try:
        for guard in asked:
            found.add(guard)
    except ShapeError:
        assert not any(meet)
    else:
        assert meet == [all(holds(guard, values) for guard in found.guards()) for values in grid]


@given(data=st.data())
def test_what_is_proved_holds(data: st.DataObject) -> None:
    found = Conditions()
    low, more = data.draw(st.integers(0, 20), label="least"), data.draw(st.integers(0, 20), label="more")
    found.add(AtMost(poly(low), poly(H)))
    if more:
        found.add(AtMost(poly(H), poly(low + more)))
    goal = data.draw(forms(), label="goal")
    if found.proves(goal):
        top = low + (more or 60)
        assert all(goal.evaluate({H: value}) >= 0 for value in range(low, top + 1))


def said(found: Conditions) -> list[str]:
    return [str(guard)[1:-1] for guard in found.guards()]


def test_bounds_are_joined_and_what_follows_is_left_out() -> None:
    found = Conditions()
    half = poly(H) // 2
    for guard in (AtMost(poly(3), half), AtMost(poly(1), poly(H)), Less(poly(1), poly(H) * poly(W) + half)):
        found.add(guard)
    assert said(found) == ["6 ≤ H"]


def test_an_equation_has_no_common_divisor() -> None:
    found = Conditions()
    found.add(Zero(256 * poly(H) * poly(W), poly(9216)))
    assert said(found) == ["H·W = 36"]


def test_names_of_sizes_are_kept() -> None:
    name = Param("h", least=1)
    found = Conditions()
    found.add(Zero(poly(name) * poly(W), poly(6)), {name: poly(H) // 2})
    found.add(AtMost(poly(2), poly(name)), {name: poly(H) // 2})
    assert said(found) == ["4 ≤ H", "h·W = 6"] or said(found) == ["4 ≤ H", "W·h = 6"]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ([AtMost(poly(7), poly(5))], r"^7 ≤ 5 is needed$"),
        ([Zero(poly(H) - 2, poly(H) - 3)], r"^H-2 = H-3 is needed, but no size meets it$"),
        ([Zero(3 * poly(H) * poly(W), poly(37))], r"is needed, but no size meets it$"),
        ([AtMost(poly(5), poly(H)), AtMost(poly(H), poly(3))], r"^H ≤ 3 is needed, but no H ≥ 5 meets it$"),
    ],
)
def test_what_no_size_meets_is_refused(asked: list[Guard], sentence: str) -> None:
    *before, last = asked
    found = Conditions()
    for guard in before:
        found.add(guard)
    with pytest.raises(ShapeError, match=sentence):
        found.add(last)


@given(data=st.data())
def test_of_one_size_it_is_what_is_asked_of_that(data: st.DataObject) -> None:
    names = {Param(letter, least=None): poly(p) // 4 - 1 for letter, p in (("h", H), ("w", W))}
    h, w = map(poly, names)
    number = data.draw(st.integers(1, 40), label="number")
    found = of_one_size([AtMost(poly(8), poly(H)), Zero(h * w, poly(number))], names, [H, W])
    meet = [side for side in range(8, 60) if (side // 4 - 1) ** 2 == number]
    if found:
        assert meet == [side for side in range(60) if all(holds(guard, {H: side}) for guard in found)]
    else:
        assert not meet


def test_where_nothing_simple_can_be_said_nothing_is() -> None:
    assert of_one_size([Zero(size("H") * size("W"), poly(12))], {}, [Param("H", least=0), Param("W", least=0)]) == ()


# --- teeth --------------------------------------------------------------------------------------------------------


def test_a_floor_that_is_cut_wrongly_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = conditions.at_least_0
    wrong: Any = lambda goal: right(goal) - 1 if right(goal) != goal else goal  # noqa: E731
    monkeypatch.setattr(conditions, "at_least_0", wrong)
    monkeypatch.setitem(globals(), "at_least_0", wrong)
    caught(test_a_goal_without_floors_asks_for_the_same)
    caught(test_all_that_is_asked_is_asked_and_no_more)


def test_a_condition_that_is_lost_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Conditions, "proves", lambda self, goal: True)
    caught(test_all_that_is_asked_is_asked_and_no_more)
    caught(test_what_is_proved_holds)


def test_a_root_that_is_rounded_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def rounded(equation: Zero) -> Zero:
        return Zero(poly(next(iter(equation.form.atoms()))), poly(round((-equation.form.terms[()]) ** 0.5)))

    monkeypatch.setattr(conditions, "_root", rounded)
    caught(test_of_one_size_it_is_what_is_asked_of_that)
