"""How long the transforms must be, and the field in which they are exact."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.calculus.forms import forms, fourier
from convmath.calculus.forms.fourier import Fourier, root_of_unity
from convmath.errors import HyperparameterError, ShapeError, StatementError
from convmath.ops.registry import operator

from ...faults import caught
from .drawn import Drawn, a_case


@pytest.mark.parametrize("name", ["conv", "conv_transpose", "turned", "turned_scattering"])
@given(data=st.data())
def test_any_length_that_is_long_enough_will_do(name: str, data: st.DataObject) -> None:
    case = a_case(data, name)
    form = case.form("fourier")
    if form is None or form.structure.border:
        return
    numbers = fourier.Numbers.of(form.structure, case.arrays, case.given)
    lengths = tuple(least + data.draw(st.integers(0, 3)) for least in fourier._lengths(numbers, None))
    assert form.compute(case.arrays, length=lengths, **case.given).tolist() == case.value().tolist()
    one_shorter = tuple(least - 1 for least in fourier._lengths(numbers, None))
    if min(one_shorter):
        with pytest.raises(HyperparameterError, match="positions count modulo the length, and others would meet"):
            form.compute(case.arrays, length=one_shorter, **case.given)


def test_a_length_that_wraps_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the last place of what is reached, something is read round the end."""
    true = fourier._reach
    monkeypatch.setattr(fourier, "_reach", lambda *axis: (true(*axis)[0] + 1, true(*axis)[1] - 1))
    caught(test_any_length_that_is_long_enough_will_do, "conv")


def test_the_length_that_is_needed_is_needed() -> None:
    """n + k - 1 for the full correlation: one less, and the ends meet."""
    statement = operator("conv", ndim=1, groups=1, stride=1, dilation=1).statement
    form = forms(statement)["fourier"]
    arrays, full = {"X": [[[1, 2, 3, 4]]], "W": [[[1, 1, 1]]]}, {"padding": 2}
    assert form.compute(arrays, length=6, **full).tolist() == statement.evaluate(arrays, **full).tolist()
    with pytest.raises(HyperparameterError, match="length is 5, but it must be 6 or more"):
        form.compute(arrays, length=5, **full)
    with pytest.raises(ShapeError, match=r"\[n\+a ≤ L\] does not hold at n = 4, a = 2, L = 5"):
        form.statement.evaluate(arrays, L=5, ω=2, **full)
    free = replace(form.statement, requires=())
    p, ω = root_of_unity(5, 100)
    found = [v.numerator * pow(v.denominator, -1, p) % p for v in free.evaluate(arrays, L=5, ω=ω, **full)[0, 0]]
    assert found != statement.evaluate(arrays, **full)[0, 0].tolist()
    assert found[0] == 4 + 1  # X[-2] + X[-1] + X[0], but position -2 is position 3 modulo 5


def test_a_period_is_the_length() -> None:
    statement = operator("conv", ndim=1, groups=1, padding_mode="circular").statement
    form = forms(statement)["fourier"]
    assert form.conditions == ()
    arrays = {"X": [[[1, 2, 3, 4]]], "W": [[[1, 10]]]}
    assert form.compute(arrays, length=4, padding=((1, 0),)).tolist() == [[[14, 21, 32, 43]]]
    with pytest.raises(HyperparameterError, match="length is 8, but it must be 4: positions count modulo the length"):
        form.compute(arrays, length=8, padding=((1, 0),))


@pytest.mark.parametrize("border", ["reflect", "replicate", "symmetric"])
def test_another_border_has_no_transform(border: str) -> None:
    statement = operator("conv", ndim=1, padding_mode=border).statement
    with pytest.raises(StatementError, match=f"X has the border {border}, but the convolution theorem needs zeros"):
        forms(statement)["fourier"]


@given(length=st.integers(1, 60), beyond=st.integers(0, 10**6))
def test_a_root_has_its_order(length: int, beyond: int) -> None:
    p, ω = root_of_unity(length, beyond)
    assert p > beyond
    assert (p - 1) % length == 0
    assert all(p % q for q in range(2, min(p, int(p**0.5) + 1)))
    assert min(e for e in range(1, length + 1) if pow(ω, e, p) == 1) == length


def test_long_numbers_stay_exact() -> None:
    """The prime grows with the numbers."""
    form = Drawn(operator("conv", ndim=1, groups=1).statement, {}, {}).form("fourier")
    assert isinstance(form, Fourier)
    assert form.compute({"X": [[[10**40, -(10**39)]]], "W": [[[10**30, 1]]]}).tolist() == [[[10**70 - 10**39]]]
