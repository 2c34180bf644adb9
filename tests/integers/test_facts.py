"""A certificate that is found is true; what is false is not proved."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.integers import facts as module
from convmath.integers.facts import Facts, Move, plainly_nonnegative
from convmath.ir.nodes import Less, Within
from convmath.ir.poly import Floor, Index, Least, Param, Poly, poly

from ..faults import caught
from ..ir.forms import J, N, S
from . import worlds
from .claims import FALSE, TRUE, M, a, b, d, j, k, n, s, t


@pytest.mark.parametrize("claim", list(TRUE))
def test_what_is_true_is_proved(claim: str) -> None:
    facts, goal = TRUE[claim]
    assert facts.nonnegative(goal) is not None


def somewhere(facts: Facts, rng: random.Random) -> dict[Any, int] | None:
    """Values at which the facts hold."""
    at: dict[Any, int] = {}
    for form in (n, a, b, s, k, d):
        [param] = form.atoms()
        assert isinstance(param, Param)
        at[param] = (param.least or 0) + rng.randint(0, 4)
    at |= {param: value.evaluate(at) for param, value in facts.sizes}
    if at.get(M, 1) < 1 or any(condition.evaluate(at) < 0 for condition in facts.conditions):
        return None
    at[j] = rng.randrange(at.get(M, 5))
    at[t] = rng.randrange(k.evaluate(at))
    return at


@pytest.mark.parametrize("claim", list(FALSE))
def test_what_is_false_is_not_proved(claim: str) -> None:
    facts, goal = FALSE[claim]
    assert facts.nonnegative(goal) is None
    rng = random.Random(claim)
    found = (somewhere(facts, rng) for _ in range(3000))
    assert any(goal.evaluate(at) < 0 for at in found if at is not None), "the claim is not false"


@given(data=st.data())
def test_what_is_proved_is_true(data: st.DataObject) -> None:
    facts = data.draw(worlds.facts())
    goal = data.draw(worlds.goals(facts))
    certificate = module._proved.__wrapped__(facts, goal)  # nothing is remembered from one law to the next
    if certificate is None:
        return
    assert certificate.goal == goal
    values = np.asarray(goal.evaluate(worlds.points(facts, goal)))
    assert (values >= 0).all(), (facts, goal)


def test_two_indices_stay_two_when_their_sizes_are_equal() -> None:
    """j < m and j < n with m = n: the goal is -8 + 5 at s = 1, k = 3, n = 5, where the one is 4 and the other 0."""
    one, other = Index("j", worlds.m), Index("j", worlds.n)
    goal = (worlds.s - worlds.k) * (poly(one) - poly(other)) + worlds.m
    assert Facts(sizes=((worlds.M, worlds.n),)).nonnegative(goal) is None


@pytest.mark.parametrize("goal", [poly(J) * poly(J), (poly(N) // poly(S)) * (poly(N) // poly(S)) + poly(N) // poly(S)])
def test_the_search_ends_where_no_move_helps(goal: Poly) -> None:
    assert Facts().nonnegative(goal - 1) is None


def test_a_guard_is_always_true_when_all_it_asks_for_is() -> None:
    assert Facts().always(Within(poly(J), poly(N))) is not None
    assert Facts().always(Less(poly(J), poly(N))) is not None
    assert Facts().always(Less(poly(J) + 1, poly(N))) is None


def test_nothing_is_said_of_a_floor_whose_divisor_may_be_zero() -> None:
    free = poly(Param("u", least=None))
    for goal in (poly(N) // free, poly(N) - free * (poly(N) // free)):
        assert Facts().nonnegative(goal) is None
        assert Facts().nonnegative(goal.substitute({free.atom: poly(S)})) is not None


def test_only_a_parameter_with_a_least_value_is_plain() -> None:
    assert plainly_nonnegative(poly(S) - 1)
    assert not plainly_nonnegative(poly(Param("u", least=None)))
    assert not plainly_nonnegative(poly(J))


# --- faults -------------------------------------------------------------------------------------------------------


def test_the_law_sees_a_range_that_is_one_too_short(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Facts._forced

    def shorter(self: Facts, goal: Poly) -> list[Move]:
        """index ≤ size - 2"""
        for atom in goal.atoms():
            if isinstance(atom, Index) and (c := goal.coefficient(atom)) != 0 and plainly_nonnegative(-c):
                room = atom.size - 2 - poly(atom)
                return [Move("weaken", goal + c * room, -c, room)]
        return right(self, goal)

    monkeypatch.setattr(Facts, "_forced", shorter)
    caught(test_what_is_proved_is_true)


@pytest.mark.parametrize(
    ("of", "fault"),
    [
        # q + r from u + v·r + v ≥ 0, which says q + 1 + r ≥ 0
        (("cut", 1), lambda goal, q: goal + q.divisor),
        # r - q from v·r + v - u ≥ 0
        (("cut", -1), lambda goal, q: goal + 1),
        # v·q - u ≥ 0: the v - 1 is forgotten
        (("weaken", 1), lambda goal, q: goal + q.divisor - 1),
    ],
    ids=["cut below", "cut above", "weaken"],
)
def test_the_law_sees_a_floor_that_is_taken_away_wrongly(
    of: tuple[str, int], fault: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = module._drop_floor

    def wrong(goal: Poly, q: Floor) -> Move | None:
        move = right(goal, q)
        plus = plainly_nonnegative(goal.coefficient(q))
        if move is None or (move.kind, 1 if plus else -1) != of:
            return move
        return replace(move, goal=fault(move.goal, q))

    monkeypatch.setattr(module, "_drop_floor", wrong)
    caught(test_what_is_proved_is_true)


def test_the_law_sees_a_minimum_that_is_taken_for_its_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minimum that is as large as each of its entries."""
    right = Facts._forced

    def larger(self: Facts, goal: Poly) -> list[Move]:
        for atom in goal.atoms():
            if isinstance(atom, Least) and (c := goal.coefficient(atom)) != 0 and plainly_nonnegative(c):
                rooms = [poly(atom) - entry for entry in atom.among]
                return [Move("weaken", goal - c * room, c, room) for room in rooms]
        return right(self, goal)

    monkeypatch.setattr(Facts, "_forced", larger)
    caught(test_what_is_proved_is_true)


def test_two_indices_would_become_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_defined", lambda goal, param, value: goal.substitute({param: value}))
    module._proved.cache_clear()
    with pytest.raises(AssertionError):
        test_two_indices_stay_two_when_their_sizes_are_equal()
    module._proved.cache_clear()
