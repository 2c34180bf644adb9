"""A certificate that is found is true; what is false is not proved."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.integers import facts as module
from convmath.integers.facts import Facts, Move, plainly_nonnegative
from convmath.ir.nodes import Less, Within
from convmath.ir.poly import Index, Param, Poly, poly

from ..faults import caught
from ..ir.forms import J, K, N, S, T, forms, values
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


def claimed(data: st.DataObject) -> Poly:
    """A goal that has a chance to be true: what is known to be ≥ 0 times what is, and a little more or less."""
    known = [poly(N), poly(S) - 1, poly(K) - 1, poly(J), poly(N) - 1 - poly(J), poly(T), poly(K) - 1 - poly(T)]
    known += [poly(N) - poly(S) * (poly(N) // poly(S)), poly(N) // poly(S), poly(1)]
    parts = data.draw(st.lists(st.tuples(st.sampled_from(known), st.sampled_from(known)), min_size=1, max_size=3))
    total = sum((left * right for left, right in parts), poly(0))
    return total + data.draw(st.sampled_from([poly(0), poly(0), poly(-1), -poly(S), data.draw(forms(1))]))


@given(data=st.data())
def test_what_is_proved_is_true(data: st.DataObject) -> None:
    goal = claimed(data)
    certificate = module._proved.__wrapped__(Facts(), goal)  # nothing is remembered from one law to the next
    if certificate is None:
        return
    assert certificate.goal == goal
    for _ in range(12):
        at = data.draw(values())
        assert goal.evaluate(at) >= 0, (goal, at)


@pytest.mark.parametrize("goal", [poly(J) * poly(J), (poly(N) // poly(S)) * (poly(N) // poly(S)) + poly(N) // poly(S)])
def test_the_search_ends_where_no_move_helps(goal: Poly) -> None:
    assert Facts().nonnegative(goal - 1) is None


def test_a_guard_is_always_true_when_all_it_asks_for_is() -> None:
    assert Facts().always(Within(poly(J), poly(N))) is not None
    assert Facts().always(Less(poly(J), poly(N))) is not None
    assert Facts().always(Less(poly(J) + 1, poly(N))) is None


def test_only_a_parameter_with_a_least_value_is_plain() -> None:
    assert plainly_nonnegative(poly(S) - 1)
    assert not plainly_nonnegative(poly(Param("u", least=None)))
    assert not plainly_nonnegative(poly(J))


def test_the_law_of_proofs_sees_a_range_that_is_one_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    forced = Facts._forced

    def longer(self: Facts, goal: Poly) -> list[Move]:
        """0 ≤ index ≤ size - 2"""
        for atom in goal.atoms():
            if isinstance(atom, Index) and (c := goal.coefficient(atom)) != 0 and plainly_nonnegative(-c):
                room = atom.size - 2 - poly(atom)
                return [Move("weaken", goal + c * room, -c, room)]
        return forced(self, goal)

    monkeypatch.setattr(Facts, "_forced", longer)
    caught(test_what_is_proved_is_true)


def test_the_law_of_proofs_sees_a_floor_that_is_cut_too_far(monkeypatch: pytest.MonkeyPatch) -> None:
    right = module._drop_floor

    def further(goal: Poly, q: Any) -> Move | None:
        """u - v·q ≥ 1, which is false where v divides u"""
        move = right(goal, q)
        return None if move is None else Move(move.kind, move.goal + q.divisor, move.factor, move.fact)

    monkeypatch.setattr(module, "_drop_floor", further)
    caught(test_what_is_proved_is_true)
