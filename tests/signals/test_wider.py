"""Random questions of each wider kind are answered as numbers say; a refusal is told."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import settings

from convmath.signals import convolution, lists, periodic
from convmath.signals.spatial import balls
from convmath.signals.types import sympy

from .wider import WIDER

EACH = max(2, settings().max_examples // 15)  # questions of a kind
ASKS = ("circular", "turning")  # where the order of break points and a period may depend on too many parameters


@pytest.mark.parametrize("kind", WIDER, ids=lambda name: name.replace(" ", "_"))
def test_every_question_is_answered_as_numbers_say(kind: str) -> None:
    for place in range(EACH):
        said, outcome = WIDER[kind](random.Random(f"{kind} {place}"))
        allowed = ("equal", "diverges", "refused") if kind in ASKS else ("equal", "diverges")
        assert outcome.kind in allowed, f"{said}: {outcome.kind}, {outcome.said}"


def _without_folding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(periodic.Poles, "moved", lambda poles, _: poles)


def _with_a_larger_ball(monkeypatch: pytest.MonkeyPatch) -> None:
    right = balls.convolved
    monkeypatch.setattr(balls, "convolved", lambda *args: right(*args) * sympy.Rational(11, 10))


def _not_conjugated(monkeypatch: pytest.MonkeyPatch) -> None:
    def first(asked: Any) -> Any:
        return asked.args[0].subs({x: -x for x in asked.variables}, simultaneous=True)

    monkeypatch.setattr(convolution.Correlation, "_first", first)


def _from_the_other_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "_periods", lambda _, axes: (None,) * axes)


FAULTS = {
    "circular": _without_folding,
    "turning": _without_folding,
    "discs": _with_a_larger_ball,
    "correlation": _not_conjugated,
    "lists": _from_the_other_end,
}


@pytest.mark.parametrize("kind", FAULTS)
def test_the_questions_have_teeth(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the library's own checks off, a fault is found by a few questions."""
    FAULTS[kind](monkeypatch)
    for name in ("checked", "checked_sequence", "checked_period", "checked_in_space", "checked_sequence_in_space"):
        monkeypatch.setattr(convolution, name, lambda *_: 1)
    assert "wrong" in [WIDER[kind](random.Random(f"{kind} {place}"))[1].kind for place in range(12)]
