"""The Kronecker factors are second moments of what the gradient by the weight is made of."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.calculus.forms import forms, kfac
from convmath.calculus.gradient import vjp
from convmath.errors import ShapeError, StatementError
from convmath.ir.exact import exact_array
from convmath.ops.registry import operator

from ...faults import caught
from .drawn import Drawn, a_case

NAMES = pytest.mark.parametrize("name", ["conv", "conv_transpose", "turned", "turned_scattering", "dense"])


def drawn(data: st.DataObject, name: str) -> tuple[Drawn, np.ndarray, int, int]:
    """A case that is not empty, a cotangent, and the numbers of groups and of output channels in one."""
    case = a_case(data, name)
    x = case.arrays["X"]
    if not len(x):
        case = Drawn(case.statement, case.arrays | {"X": np.ones((1, *x.shape[1:]), object)}, case.given)
    y = case.value()
    rng = np.random.default_rng(data.draw(st.integers(0, 2**20), label="seed"))
    groups = case.given.get("groups", case.given.get("G", 1))
    return case, exact_array(rng.integers(-3, 4, y.shape)), groups, y.shape[1] // groups


def gradient(case: Drawn, cotangent: np.ndarray, groups: int) -> np.ndarray:
    """By the derived formula: (group, output channel, what multiplies it), with that by the bias behind."""
    arrays = case.arrays | {"gY": cotangent}
    g = vjp(case.statement, "W").evaluate(arrays, **case.given)
    outputs = cotangent.shape[1] // groups
    g = g.reshape(groups, g.shape[0] // groups, *g.shape[1:])
    g = g if g.shape[1] == outputs and _is_first(case) else g.swapaxes(1, 2)
    g = g.reshape(groups, outputs, -1)
    if "B" not in case.arrays:
        return g
    b = vjp(case.statement, "B").evaluate(arrays, **case.given).reshape(groups, outputs, 1)
    return np.concatenate([g, b], 2)


def _is_first(case: Drawn) -> bool:
    """Whether the output's channels are the weight's first axis: so it is where the output gathers."""
    return not case.statement.output.terms[0].guards


@NAMES
@given(data=st.data())
def test_omega_is_the_moment_of_what_each_position_reads(name: str, data: st.DataObject) -> None:
    """The gradient for a cotangent that is 1 at one position of one example is what that position reads."""
    case, gy, groups, _ = drawn(data, name)
    if gy[:, 0].size > 60:
        return
    form = case.form("kfac")
    assert form is not None
    Ω, _ = form.compute(case.arrays | {"gY": gy}, **case.given)
    total = 0
    for place in itertools.product(*map(range, (len(gy), *gy.shape[2:]))):
        one = np.zeros(gy.shape, object)
        one[(place[0], slice(None), *place[1:])] = 1
        seen = gradient(case, one, groups)[:, 0]
        total = total + seen[:, :, None] * seen[:, None, :]
    assert Ω.tolist() == _as_stated(total * Fraction(1, len(gy)), form)


@NAMES
@given(data=st.data())
def test_gamma_is_the_moment_of_the_cotangent(name: str, data: st.DataObject) -> None:
    case, gy, groups, outputs = drawn(data, name)
    form = case.form("kfac")
    assert form is not None
    _, Γ = form.compute(case.arrays | {"gY": gy}, **case.given)
    rows = gy.reshape(len(gy), groups, outputs, -1)
    total = sum(rows[ν, :, :, None, j] * rows[ν, :, None, :, j] for ν, j in np.ndindex(len(rows), rows.shape[3]))
    assert Γ.tolist() == _as_stated(total * Fraction(1, len(gy) * rows.shape[3]), form)


def _as_stated(matrices: np.ndarray, form: kfac.Kfac) -> list:
    """One matrix where channels have no groups, else one for each."""
    found = exact_array(matrices)
    return (found if form.structure.groups else found[0]).tolist()


@pytest.mark.parametrize("name", ["conv", "turned", "dense"])
@given(data=st.data())
def test_for_one_example_with_one_position_their_product_is_the_fisher_matrix(name: str, data: st.DataObject) -> None:
    """gW gWᵀ = Γ ⊗ Ω, exactly: the approximation is in the sums over positions and examples alone."""
    case, gy, groups, _ = drawn(data, name)
    far = {"conv": {"stride": 50}, "turned": {"s": 50}, "dense": {}}[name]  # one window, and no room for another
    one = Drawn(case.statement, case.arrays | {"X": case.arrays["X"][:1]}, case.given | far)
    gy = gy[:1, :, *[slice(1)] * (gy.ndim - 2)]
    form = one.form("kfac")
    assert form is not None
    Ω, Γ = form.compute(one.arrays | {"gY": gy}, **one.given)
    g = gradient(one, gy, groups)
    for group in range(groups):
        block = g[group].reshape(-1)
        factors = (Ω[group], Γ[group]) if form.structure.groups else (Ω, Γ)
        assert np.kron(factors[1], factors[0]).tolist() == np.outer(block, block).tolist()


@NAMES
@given(data=st.data())
def test_what_is_stated_is_what_is_computed(name: str, data: st.DataObject) -> None:
    case, gy, _, _ = drawn(data, name)
    if case.arrays["W"].size > 60:
        return  # every product of two of its entries is a sum of its own
    form = case.form("kfac")
    assert form is not None
    arrays = case.arrays | {"gY": gy}
    stated, (Ω, Γ) = form.statement.evaluate(arrays, **case.given), form.compute(arrays, **case.given)
    assert Γ.tolist() == stated["Γ"].tolist()
    last = Ω.shape[-1] - (1 if "V" in stated else 0)
    assert Ω[..., :last, :last].tolist() == stated["Ω"].tolist()
    if "V" in stated:
        assert Ω[..., last, :last].tolist() == Ω[..., :last, last].tolist() == stated["V"].tolist()
        assert set(Ω[..., last, last].reshape(-1).tolist()) == {math.prod(gy.shape[2:])}


# --- teeth ------------------------------------------------------------------------------------------------------------


def test_a_moment_over_too_many_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = kfac._moment
    monkeypatch.setattr(kfac, "_moment", lambda rows, count: true(rows, count + 1))
    for law in (
        test_omega_is_the_moment_of_what_each_position_reads,
        test_gamma_is_the_moment_of_the_cotangent,
        test_for_one_example_with_one_position_their_product_is_the_fisher_matrix,
        test_what_is_stated_is_what_is_computed,
    ):
        caught(law, "conv")


def test_what_is_missing_is_said() -> None:
    form = forms(operator("conv", ndim=1, groups=1).statement)["kfac"]
    arrays = {"X": [[[1, 2, 3]]], "W": [[[1, 2]]]}
    with pytest.raises(StatementError, match="no array is given for gY, the cotangent of Y"):
        form.compute(arrays)
    with pytest.raises(ShapeError, match=r"gY has shape \(1, 1, 3\), but \(1, 1, 2\) is needed, the shape of Y"):
        form.compute(arrays | {"gY": [[[1, 2, 3]]]})
    with pytest.raises(ShapeError, match="means over a batch and its positions, but there are 0 and 2 of them"):
        form.compute({"X": np.ones((0, 1, 3)), "W": [[[1, 2]]], "gY": np.ones((0, 1, 2))})
