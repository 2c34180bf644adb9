"""A form as a person would write it is still the form."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.ir import summands as module
from convmath.ir.poly import Floor, Param, Poly, floor, poly
from convmath.ir.summands import Summand, summands

from ..faults import caught
from .forms import J, K, N, S, forms, values

D, M = Param("d", least=1), Param("m", least=0)
n, s, k, d, m, j = map(poly, (N, S, K, D, M, J))
PARTS = (
    *(s * (n - 1), d * s * (k - 1), s * (k - 1) * (n - 1), -2 * d * (k - 1), n * k - n - k),
    *(n - s * (n // s), 2 * s * (j - 3 * (j // 3)), k * n - k * s * (n // s), (n + j) - s * ((n + j) // s)),
    *(n // s - 3 * (n // (3 * s)), 2 * (n // 3) - 2 * s * (n // (3 * s)), n // 2 - s * (n // (3 * s))),
)


@given(data=st.data())
def test_the_summands_sum_to_the_form(data: st.DataObject) -> None:
    form = sum(data.draw(st.lists(st.sampled_from(PARTS), max_size=3)), data.draw(forms(1)))
    at = {**data.draw(values()), D: data.draw(st.integers(1, 4))}
    assert sum(worth(summand, at) for summand in summands(form)) == form.evaluate(at)


def worth(summand: Summand, at: Any) -> int:
    value = summand.coefficient
    for atom, power in summand.powers:
        value *= poly(atom).evaluate(at) ** power
    if summand.less_one is not None:
        value *= at[summand.less_one] - 1
    if (quotient := summand.remainder) is not None:
        value *= quotient.number.evaluate(at) % quotient.divisor.evaluate(at)
    return value


QUOTIENT = floor(n, s).atom
assert isinstance(QUOTIENT, Floor)
NESTED = Floor(poly(QUOTIENT), poly(3))  # the middle one of three digits


@pytest.mark.parametrize(
    ("form", "written"),
    [
        (poly(0), ()),
        (n - 1, (Summand(1, ((N, 1),)), Summand(-1, ()))),
        (d * k - d, (Summand(1, ((D, 1),), less_one=K),)),
        (d - d * k, (Summand(-1, ((D, 1),), less_one=K),)),
        (s * m - s, (Summand(1, ((S, 1),), less_one=M),)),
        (k * j - j, (Summand(1, ((J, 1), (K, 1))), Summand(-1, ((J, 1),)))),
        (d * s - d, (Summand(1, ((D, 1), (S, 1))), Summand(-1, ((D, 1),)))),
        (2 * d * k - d, (Summand(2, ((D, 1), (K, 1))), Summand(-1, ((D, 1),)))),
        (n - s * (n // s), (Summand(1, (), remainder=QUOTIENT),)),
        (3 * d * n - 3 * d * s * (n // s), (Summand(3, ((D, 1),), remainder=QUOTIENT),)),
        (s * (n // s) - n, (Summand(-1, (), remainder=QUOTIENT),)),
        (n // s - 3 * (n // (3 * s)), (Summand(1, (), remainder=NESTED),)),
        (3 * d * (n // (3 * s)) - d * (n // s), (Summand(-1, ((D, 1),), remainder=NESTED),)),
    ],
    ids=str,
)
def test_what_a_person_would_write(form: Poly, written: tuple[Summand, ...]) -> None:
    assert {replace(found, powers=tuple(sorted(found.powers, key=str))) for found in summands(form)} == {
        replace(found, powers=tuple(sorted(found.powers, key=str))) for found in written
    }


@pytest.mark.parametrize("function", ["_less_one", "_remainders"])
def test_the_law_of_summands_has_teeth(function: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number in front that is lost."""
    right = getattr(module, function)
    monkeypatch.setattr(module, function, lambda *forms: [replace(found, coefficient=1) for found in right(*forms)])
    caught(test_the_summands_sum_to_the_form)
