"""Random pairs of every cell of the class × class table equal a quadrature or a sum of what defines them.

`python -m tests.bench.signals --random 2000` tries as many as one likes, and prints the times.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import settings

from convmath.signals import convolution, poles

from .drawn import CONTINUOUS, DISCRETE
from .pairs import drawn, tried
from .table import CLASSES, cells, is_closed, markdown, open_cells

EACH = max(1, settings().max_examples // 25)  # pairs of a cell


def seeds(first: str, second: str) -> list[random.Random]:
    return [random.Random(f"{first} {second} {place}") for place in range(EACH)]


@pytest.mark.parametrize(("first", "second"), cells(), ids=lambda name: name.replace(" ", "_"))
def test_every_pair_of_a_closed_cell_is_answered_as_numbers_say(first: str, second: str) -> None:
    for source in seeds(first, second):
        pair = drawn(first, second, source)
        outcome = tried(pair)
        assert outcome.kind in ("equal", "diverges"), f"{pair}: {outcome.kind}, {outcome.said}"


@pytest.mark.parametrize(("first", "second"), open_cells(), ids=lambda name: name.replace(" ", "_"))
def test_elsewhere_a_refusal_is_told_and_no_answer_is_wrong(first: str, second: str) -> None:
    pair = drawn(first, second, seeds(first, second)[0])
    outcome = tried(pair)
    assert outcome.kind != "wrong", f"{pair}: {outcome.said}"
    assert outcome.kind != "refused" or len(outcome.said) > 20


def test_the_table_names_each_class_once_and_is_printed_whole() -> None:
    assert list(CLASSES["continuous"]) == list(CONTINUOUS)
    assert list(CLASSES["discrete"]) == list(DISCRETE)
    assert is_closed("bounded", "impulses")
    assert is_closed("impulses", "bounded")
    for time, classes in CLASSES.items():
        rows = [line for line in markdown(time).splitlines() if line.startswith("| **")]
        assert len(rows) == len(classes)
        assert all(row.count("●") + row.count("○") == len(classes) for row in rows)


@pytest.mark.parametrize("cell", [("causal", "two-sided"), ("since", "since")])
def test_the_pairs_have_teeth(cell: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """With the library's own check off, a fault in the algebra of poles is found by a few pairs."""
    right = poles.product._of

    def fault(self: Any, *terms: Any) -> list[Any]:
        return [(place, order, number * (2 if order > 1 else 1)) for place, order, number in right(self, *terms)]

    for name in ("checked", "checked_sequence"):
        monkeypatch.setattr(convolution, name, lambda *_: 1)  # as if held against one number
    monkeypatch.setattr(poles.product, "_of", fault)
    outcomes = [tried(drawn(*cell, random.Random(place), waves=False)).kind for place in range(12)]
    assert "wrong" in outcomes
