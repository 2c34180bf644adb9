"""Tiles of any size, at any points; how many products they take."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.calculus.forms import forms, winograd
from convmath.calculus.forms.winograd import Winograd
from convmath.errors import HyperparameterError, StatementError
from convmath.kernels.toom_cook import INFINITY, ToomCook, points
from convmath.ops.registry import operator

from ...faults import caught
from .drawn import a_case


def form(ndim: int = 1) -> Winograd:
    found = forms(operator("conv", ndim, groups=1).statement)["winograd"]
    assert isinstance(found, Winograd)
    return found


@pytest.mark.parametrize("ndim", [1, 2, 3])
@given(data=st.data())
def test_the_products_of_a_tile(ndim: int, data: st.DataObject) -> None:
    """A tile of m outputs takes Π (m + r - 1) products where the definition takes Π m·r."""
    tile, kernel = ([data.draw(st.integers(1, 4)) for _ in range(ndim)] for _ in range(2))
    products, direct = form(ndim).multiplications(kernel, tile)
    assert products == np.prod([m + r - 1 for m, r in zip(tile, kernel, strict=True)])
    assert direct == np.prod([m * r for m, r in zip(tile, kernel, strict=True)])
    assert products <= direct


def test_the_products_that_are_known() -> None:
    """F(2×2, 3×3) and F(4×4, 3×3) take 16 and 36 products, 2.25 and 4 times fewer (Lavin & Gray 2016)."""
    assert form(2).multiplications(3, 2) == (16, 36)
    assert form(2).multiplications(3, 4) == (36, 144)


@given(data=st.data())
def test_any_points_give_the_same_value(data: st.DataObject) -> None:
    case = a_case(data, "turned")
    found = case.form("winograd")
    assert isinstance(found, Winograd)
    tile = data.draw(st.integers(1, 3))
    count = tile + case.arrays["W"].shape[2] - 1
    pool = [*points(8)[:-1], INFINITY]
    chosen = data.draw(st.permutations(pool))[:count]
    value = found.compute(case.arrays, tile=tile, points=chosen, **case.given)
    assert value.tolist() == case.value().tolist()


def test_points_that_are_mixed_up_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = winograd.toom_cook
    monkeypatch.setattr(winograd, "toom_cook", lambda *given: replace(true(*given), A=true(*given).A[::-1]))
    caught(test_any_points_give_the_same_value)


def test_a_wrong_count_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ToomCook, "direct", property(lambda rule: rule.outputs + rule.taps))
    caught(test_the_products_of_a_tile, 2)


def test_options_that_have_no_meaning() -> None:
    arrays = {"X": [[[1, 2, 3]]], "W": [[[1, 2]]]}
    with pytest.raises(HyperparameterError, match="tile is 0, but it must be at least 1"):
        form().compute(arrays, tile=0)
    with pytest.raises(HyperparameterError, match=r"the points are 0, 1, but 3 that differ are needed \[F\(2, 2\)\]"):
        form().compute(arrays, points=[0, 1])
    with pytest.raises(HyperparameterError, match="tile has 2 entries, but there are 1 spatial axes"):
        form().compute(arrays, tile=(2, 2))
    with pytest.raises(StatementError, match="Y scatters what it reads, but F\\(m, r\\) gathers"):
        forms(operator("conv_transpose", 1).statement)["winograd"]
