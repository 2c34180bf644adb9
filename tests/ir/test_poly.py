"""Integer forms: a ring whose floors and minima are what they say."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.errors import StatementError
from convmath.ir import poly as module
from convmath.ir.poly import Floor, Index, Param, Poly, floor, least, poly
from convmath.ir.summands import summands

from ..faults import caught
from .forms import ATOMS, FREE, J, K, N, S, forms, values


@given(data=st.data())
def test_forms_are_a_ring(data: st.DataObject) -> None:
    a, b, c = (data.draw(forms()) for _ in range(3))
    assert a + b == b + a
    assert a * b == b * a
    assert (a + b) * c == a * c + b * c
    assert a - a == 0
    assert hash(a + b) == hash(b + a)
    assert a.key == pickle.loads(pickle.dumps(a)).key


@given(data=st.data())
def test_a_sum_a_product_a_floor_and_a_minimum_have_the_value_they_say(data: st.DataObject) -> None:
    a, b, at = data.draw(forms()), data.draw(forms()), data.draw(values())
    x, y, s = a.evaluate(at), b.evaluate(at), at[S]
    assert (a + b).evaluate(at) == x + y
    assert (a * b).evaluate(at) == x * y
    assert floor(a, poly(S)).evaluate(at) == x // s
    assert floor(a + b * poly(S), poly(S)).evaluate(at) == x // s + y
    assert floor(floor(a, poly(S)), poly(K)).evaluate(at) == x // s // at[K]
    assert least(a, b, a + 1).evaluate(at) == min(x, y)


@given(data=st.data())
def test_substituting_is_evaluating_later(data: st.DataObject) -> None:
    form, at = data.draw(forms()), data.draw(values())
    some = data.draw(st.sets(st.sampled_from([N, FREE, J])))
    put_in = {atom: at[atom] for atom in some}
    assert form.substitute(put_in).evaluate(_with_indices(form.substitute(put_in), at)) == form.evaluate(at)


def _with_indices(form: Poly, at: Mapping[Any, int]) -> dict[Any, int]:
    """The values, also for indices whose sizes have become numbers."""
    renamed = {index: at[atom] for index in form.indices() for atom in ATOMS if _same_name(index, atom)}
    return dict(at) | renamed


def _same_name(index: Index, atom: Any) -> bool:
    return isinstance(atom, Index) and (atom.letter, atom.axis) == (index.letter, index.axis)


@given(data=st.data())
def test_arrays_are_integers_side_by_side(data: st.DataObject) -> None:
    form, several = data.draw(forms()), data.draw(st.lists(values(), min_size=1, max_size=4))
    arrays = {atom: np.array([at[atom] for at in several]) for atom in ATOMS}
    np.testing.assert_array_equal(
        np.broadcast_to(form.evaluate(arrays), len(several)), [form.evaluate(at) for at in several]
    )


@given(data=st.data())
def test_what_divides_divides(data: st.DataObject) -> None:
    form, divisor = data.draw(forms()), data.draw(st.sampled_from([poly(S), 2 * poly(K), poly(S) * poly(K)]))
    assert (form * divisor).divided(divisor) == form
    at = data.draw(values())
    rest = form - divisor * form.multiples(divisor)
    assert rest.multiples(divisor) == 0
    assert (form.evaluate(at) - rest.evaluate(at)) % divisor.evaluate(at) == 0
    if (quotient := form.divided(divisor)) is not None:
        assert quotient * divisor == form


@given(data=st.data())
def test_the_summands_that_a_person_would_write_sum_to_the_form(data: st.DataObject) -> None:
    form, at = data.draw(forms()), data.draw(values())
    total = 0
    for summand in summands(form):
        value = summand.coefficient
        for atom, power in summand.powers:
            value *= poly(atom).evaluate(at) ** power
        if summand.less_one is not None:
            value *= at[summand.less_one] - 1
        if summand.remainder is not None:
            value *= summand.remainder.number.evaluate(at) % summand.remainder.divisor.evaluate(at)
        total += value
    assert total == form.evaluate(at)


def test_nothing_is_rounded() -> None:
    big = 10**17 + 1
    assert floor(poly(N), poly(S)).evaluate({N: big, S: 10}) == 10**16
    assert (poly(N) * poly(N)).evaluate({N: big}) == big * big


def test_what_is_plain_is_a_polynomial() -> None:
    n, s, c = poly(N), poly(S), Index("c", poly(S))
    assert floor(2 * n + 6, poly(2)) == n + 3
    assert floor(n * s + s, s) == n + 1
    assert floor(poly(c), s) == 0
    assert floor(poly(7), poly(2)) == 3
    assert floor(poly(-7), poly(2)) == -4
    assert least(n, n + 2, n - 1) == n - 1
    assert isinstance(floor(n, s).atom, Floor)


def test_the_least_value_is_part_of_a_parameter() -> None:
    assert Param("n", least=0) != Param("n", least=1)
    assert Param("n", 1) != Param("n", 2)


@pytest.mark.parametrize("divisor", [0, -2])
def test_a_divisor_below_one_is_refused(divisor: int) -> None:
    with pytest.raises(StatementError, match="the divisor must be at least 1"):
        floor(poly(N), poly(divisor))


def test_a_value_that_is_missing_is_named() -> None:
    with pytest.raises(StatementError, match="s has no value here; values are known for n"):
        (poly(N) + poly(S)).evaluate({N: 1})


def test_the_law_of_values_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """A division that always comes out."""
    monkeypatch.setattr(Poly, "divided", lambda self, divisor: poly(0))
    caught(test_a_sum_a_product_a_floor_and_a_minimum_have_the_value_they_say)


def test_the_law_of_the_ring_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Monomials whose factors are not put in order."""
    monkeypatch.setattr(module, "_times", lambda left, right: (*left, *right))
    caught(test_forms_are_a_ring)
