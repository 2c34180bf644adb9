"""Textbook and table cases are solved, and equal the numbers that are known of them."""

from __future__ import annotations

import pytest
import sympy

from convmath.signals import Convolution, Correlation

from .cases import FILE, Case, by_name, cases, wrong_points

pytestmark = pytest.mark.skipif(not FILE.exists(), reason="shared/data/signals/cases.json is not beside the checkout")


@pytest.mark.parametrize("case", cases(), ids=str)
def test_a_case_is_solved_and_equals_what_is_known_of_it(case: Case) -> None:
    answer = case.solve()
    assert isinstance(answer, list) or not answer.has(Convolution, Correlation), f"{case.f} ∗ {case.g} is not found"
    assert wrong_points(case, answer) == []


@pytest.mark.parametrize("name", ["c04", "c65", "d05", "n10"])
def test_the_numbers_have_teeth(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that is off by a factor, or at another place, is seen; impulses too."""
    case = by_name()[name]
    answer = case.solve()
    x = case.variables[0]
    assert wrong_points(case, answer * sympy.Rational(1001, 1000))
    assert wrong_points(case, answer.subs(x, x - 1))
