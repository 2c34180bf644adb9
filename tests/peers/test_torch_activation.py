"""PyTorch's activations, forward and autograd, give what the statements say, within the bound of their rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convmath import functional as F
from convmath import operator
from convmath.ops import activation
from convmath.testing import Case, cases
from convmath.testing.cases import SEEDS

from .torch_calls import agree, gradients_of

torch = pytest.importorskip("torch", reason="torch is not installed (the extra convmath[torch] brings it)")

NAMES = [family.name for family in activation.FAMILIES]
CASES = settings(max_examples=max(200, settings().max_examples))
BEYOND = {"threshold": 1e4}  # torch has no softplus without a threshold


def peer(case: Case) -> Callable[..., Any]:
    """The same call of torch."""
    kwargs, nn = dict(case.kwargs), torch.nn.functional
    if case.op == "scaled_tanh":
        amplitude, slope = kwargs.get("amplitude", 1.7159), kwargs.get("slope", 2 / 3)
        return lambda x: amplitude * torch.tanh(slope * x)
    if case.op == "softplus":
        kwargs = BEYOND | kwargs
    called = getattr(torch, case.op) if case.op in ("tanh", "sigmoid") else getattr(nn, case.op)
    return lambda *tensors: called(*tensors, **kwargs)


def random_case(data: st.DataObject, name: str) -> tuple[Case, np.random.Generator]:
    """A case whose numbers are any floats, none of them at a kink."""
    case = data.draw(cases(name, data.draw(st.integers(1, 2))), label="case")
    rng = np.random.default_rng(data.draw(SEEDS, label="seed"))
    return case.with_arrays(*(rng.normal(scale=3, size=array.shape) for array in case.arrays)), rng


@pytest.mark.parametrize("name", NAMES)
@CASES
@given(data=st.data())
def test_it_gives_the_same(name: str, data: st.DataObject) -> None:
    case, rng = random_case(data, name)
    agree(case, peer(case), rng)


# --- kinks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "at", "given"),
    [
        ("relu", 0.0, {}),
        ("leaky_relu", 0.0, {"negative_slope": 0.25}),
        ("relu6", 0.0, {}),
        ("relu6", 6.0, {}),
        ("elu", 0.0, {"alpha": 0.5}),
        ("selu", 0.0, {}),
        ("softplus", 1.0, {"beta": 2.0, "threshold": 2.0}),
        ("hardswish", -3.0, {}),
        ("hardswish", 3.0, {}),
    ],
)
def test_at_a_kink_it_has_the_same_slope(name: str, at: float, given: dict[str, Any]) -> None:
    x = np.array([[at]])
    case = Case(name, (x,), given)
    _, [theirs] = gradients_of(peer(case), None, x)
    [derived] = operator(name, 0).exact_vjp(np.ones((1, 1)), x, **given)
    assert theirs.item() == pytest.approx(float(derived.item()), rel=1e-15)
    assert theirs.item() == pytest.approx(getattr(F, name).vjp(np.ones((1, 1)), x, **given)[0].item(), rel=1e-15)


def test_at_the_kink_of_prelu_it_has_the_same_slopes() -> None:
    x, w = np.array([[0.0]]), np.array([0.25])
    _, [gx, gw] = gradients_of(torch.nn.functional.prelu, None, x, w)
    assert [gx.item(), gw.item()] == [g.item() for g in F.prelu.vjp(np.ones((1, 1)), x, w)] == [0.25, 0.0]


# --- where it differs -------------------------------------------------------------------------------------------------


def test_its_softplus_without_a_threshold_of_ours_is_a_line_from_20_on() -> None:
    x = np.array([19.0, 20.0, 20.5, 21.0])
    theirs, [slope] = gradients_of(torch.nn.functional.softplus, None, x)
    np.testing.assert_array_equal(theirs[2:], x[2:])
    np.testing.assert_array_equal(slope[2:], [1.0, 1.0])
    np.testing.assert_allclose(theirs[:2], F.softplus(x)[:2], rtol=1e-15)
    np.testing.assert_allclose(theirs, F.softplus(x, threshold=20.0), rtol=1e-15)
    off = np.abs(theirs - F.softplus(x)).max(), np.abs(slope - F.softplus.vjp(np.ones(4), x)[0]).max()
    assert max(off) < 2.1e-9


@pytest.mark.parametrize("name", ["silu", "gelu", "hardswish"])
def test_at_minus_infinity_it_has_nan_where_the_limit_is_0(name: str) -> None:
    x = np.array([-np.inf])
    assert np.isnan(getattr(torch.nn.functional, name)(torch.tensor(x)).item())
    assert getattr(F, name)(x).item() == 0


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("prelu", "scaled_tanh", "softplus")])
def test_where_there_is_no_exact_value_it_gives_the_same(name: str) -> None:
    x = np.array([np.nan, np.inf, 0.0, -0.0])
    theirs = peer(Case(name, (x,), {}))(torch.tensor(x)).numpy()
    np.testing.assert_array_equal(getattr(F, name)(x), theirs)
