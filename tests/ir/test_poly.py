"""Integer forms: a ring whose floors and minima are what they say."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.errors import StatementError
from convmath.ir import poly as module
from convmath.ir.poly import Floor, Index, Param, Poly, floor, least, poly

from ..faults import caught
from .forms import ATOMS, FREE, J, K, N, S, built, expressions, forms, values, worth


@given(data=st.data())
def test_forms_are_a_ring(data: st.DataObject) -> None:
    a, b, c = (data.draw(forms()) for _ in range(3))
    assert a + b == b + a
    assert a * b == b * a
    assert (a + b) * c == a * c + b * c
    assert a - a == 0
    assert -a == 0 - a == a * -1
    assert hash(a + b) == hash(b + a)
    assert a.key == pickle.loads(pickle.dumps(a)).key


@given(data=st.data())
def test_a_form_has_the_value_of_what_it_is_made_from(data: st.DataObject) -> None:
    expression, at = data.draw(expressions(3)), data.draw(values())
    assert built(expression).evaluate(at) == worth(expression, at)


@given(data=st.data())
def test_a_form_is_linear_where_it_has_a_coefficient_and_nothing_else(data: st.DataObject) -> None:
    left, right, more = (data.draw(forms(1)) for _ in range(3))
    form, atom = left * right + more, data.draw(st.sampled_from(ATOMS))
    rest = form - form.coefficient(atom) * poly(atom)
    assert all((atom, 1) not in monomial for monomial in rest.terms)
    assert atom not in form.coefficient(atom).atoms()
    if not rest.has(atom):
        at, other = data.draw(values()), data.draw(st.integers(-9, 9))
        gap = form.coefficient(atom).evaluate(at) * (other - at[atom])
        assert form.evaluate({**at, atom: other}) == form.evaluate(at) + gap


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


def test_nothing_is_rounded() -> None:
    big = 10**17 + 1
    assert floor(poly(N), poly(S)).evaluate({N: big, S: 10}) == 10**16
    assert (poly(N) * poly(N)).evaluate({N: big}) == big * big


def test_a_number_is_a_number() -> None:
    assert poly(3) == 3
    assert hash(poly(3)) == hash(3)
    assert poly(0) == 0 == poly(N) - poly(N)
    assert {poly(3): "three"}[3] == "three"  # type: ignore[index]
    assert poly(np.int64(3)) == 3  # type: ignore[arg-type]
    for value in (1.5, 2.0, "3", None):
        with pytest.raises(TypeError):
            poly(value)  # type: ignore[arg-type]


def test_what_is_plain_is_a_polynomial() -> None:
    n, s, c = poly(N), poly(S), Index("c", poly(S))
    assert floor(2 * n + 6, poly(2)) == n + 3
    assert floor(n * s + s, s) == n + 1
    assert floor(poly(c), s) == 0
    assert floor(poly(7), poly(2)) == 3
    assert floor(poly(-7), poly(2)) == -4
    assert floor(n - n, n + s) == 0
    assert (n + s).divided(n + s) == 1
    assert (n + s).divided(-n - s) == -1
    assert (n - n).divided(n + s) == 0
    assert n.divided(poly(0)) is None
    assert (n - n).divided(poly(0)) is None
    assert n.divided(s) is None
    assert (3 * n).divided(poly(2)) is None
    assert least(n, n + 2, n - 1) == n - 1
    assert isinstance(floor(n, s).atom, Floor)


def test_the_least_value_is_part_of_a_parameter() -> None:
    assert Param("n", least=0) != Param("n", least=1)
    assert Param("n", 1) != Param("n", 2)


@pytest.mark.parametrize("divisor", [0, -2])
def test_a_divisor_below_one_is_refused(divisor: int) -> None:
    with pytest.raises(StatementError, match="the divisor must be at least 1"):
        floor(poly(N), poly(divisor))
    with pytest.raises(StatementError, match=r"has no meaning for u = -?\d: it must be at least 1"):
        floor(poly(N), poly(FREE)).evaluate({N: 3, FREE: divisor})


def test_another_process_makes_the_same_form() -> None:
    """Hashes of letters differ from one process to the next; what is unpickled is made anew."""
    form = floor(poly(N) * poly(J), poly(S)) + least(poly(K), poly(FREE))
    script = "import pickle, sys; print(pickle.dumps(pickle.loads(bytes.fromhex(sys.argv[1]))).hex())"
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    arguments = [sys.executable, "-c", script, pickle.dumps((form, {form: 1})).hex()]
    done = subprocess.run(arguments, capture_output=True, text=True, env=environment, check=True)
    again, known = pickle.loads(bytes.fromhex(done.stdout))
    assert again == form
    assert known[form] == 1


def test_a_value_that_is_missing_is_named() -> None:
    with pytest.raises(StatementError, match="s has no value here; values are known for n"):
        (poly(N) + poly(S)).evaluate({N: 1})


def test_the_law_of_values_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """A division that always comes out."""
    monkeypatch.setattr(Poly, "divided", lambda self, divisor: poly(0))
    caught(test_a_sum_a_product_a_floor_and_a_minimum_have_the_value_they_say)


def test_the_law_of_what_a_form_is_made_from_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every occurrence of an atom counts once: n·n is n."""
    monkeypatch.setattr(
        module, "_times", lambda left, right: tuple(sorted({**dict(left), **dict(right)}.items(), key=module._atom_key))
    )
    caught(test_a_form_has_the_value_of_what_it_is_made_from)


def test_the_law_of_coefficients_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the number in front counts: the coefficient of s in n·s is 1."""

    def found(self: Poly, atom: Any) -> Poly:
        return poly(sum(c for monomial, c in self.terms.items() if (atom, 1) in monomial))

    monkeypatch.setattr(Poly, "coefficient", found)
    caught(test_a_form_is_linear_where_it_has_a_coefficient_and_nothing_else)


def test_the_law_of_the_ring_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Monomials whose factors are not put in order."""
    monkeypatch.setattr(module, "_times", lambda left, right: (*left, *right))
    caught(test_forms_are_a_ring)


def test_a_copy_that_nobody_reads_has_a_short_name() -> None:
    """Texts of terms are compared and kept: a million primes would be two megabytes for each."""
    names = [str(poly(Index("i", N, 0, primes))) for primes in (1, 9, 10, 999, 10**6, 10**6 + 1)]
    assert names[:2] == ["i′", "i" + 9 * "′"]
    assert names == sorted(names)
    assert max(map(len, names)) < 16
