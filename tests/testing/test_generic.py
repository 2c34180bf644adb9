"""Cases, laws and reports of an operator that is none of the registry's: all of it read off the statement."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from convmath import define, operator, testing
from convmath.errors import HyperparameterError, UnknownNameError
from convmath.ir.bind import holds
from convmath.ir.poly import poly
from convmath.ops.registry import Operator, operators
from convmath.testing import Case, cases
from convmath.testing import generic as home
from convmath.testing.generic import generic
from convmath.testing.shifts import moves_along

from ..faults import caught

SOFT = """
S[v,c,j] = sum(t<k) exp(beta*X[v,c,s*j+d*t-a])
Y[v,c,j] = sum(t<k) exp(beta*X[v,c,s*j+d*t-a]) * X[v,c,s*j+d*t-a] / S[v,c,j]
"""
CONV = "Y[v,o,j] = sum(c<C, t<k) W[o,c,t]*X[v,c,s*j+d*t-a] + B[o]"
STATED: dict[str, tuple[str, dict[str, Any]]] = {
    "soft pool": (SOFT, {"outside": {"X": "nothing"}, "reals": {"beta": 1}, "requires": "a < k, b < k"}),
    "convolution": (CONV, {"outside": {"X": 0}}),
    "reflected": (CONV, {"outside": {"X": "reflect"}}),
    "difference": ("Y[v,c,j] = X[v,c,j+1] - X[v,c,j]", {}),
    "symmetric": ("Y[v,c,j] = sum(t<k) X[v,c,s*j+t-p]/7", {"outside": {"X": 3}}),
    "maximum": ("Y[v,c,j] = max(t<k) X[v,c,s*j+t-a]", {"outside": {"X": "nothing"}, "requires": "a < k, b < k"}),
    "squares": ("Y[v,c,i] = sum(t<3) W[t]*X[v,c,i+t-1]^2", {"outside": {"X": "circular"}}),
    "adaptive": (
        "K[j<m] = sum(i<n where n*j < m*(i+1), m*i < n*(j+1)) 1; "
        "Y[v,c,j] = sum(i<n where n*j < m*(i+1), m*i < n*(j+1)) X[v,c,i]/K[j]",
        {},
    ),
    "classes": ("L = -sum(v<N, c<C) [c = T[v]] log(X[v,c])/N", {}),
    "roots": ("Y[v,c,j] = sqrt(X[v,c,j])*gain", {"reals": ["gain"]}),
}
NAMES = pytest.mark.parametrize("name", STATED)
QUIET: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "database": None,
    "phases": (Phase.generate, Phase.shrink),
}


def stated(name: str, ndim: int = 1, **fixed: Any) -> Operator:
    text, given = STATED[name]
    return define(name.replace(" ", "_"), text, ndim=ndim, **given, **fixed)


# --- cases ------------------------------------------------------------------------------------------------------


@NAMES
@given(data=st.data())
def test_a_case_is_valid_as_it_is_drawn(name: str, data: st.DataObject) -> None:
    case = data.draw(cases(stated(name, data.draw(st.integers(1, 2)))), label="case")
    op, statement = case.operator, case.operator.statement
    env = op.environment(*case.arrays, **case.given)
    assert all(holds(condition, env) for condition in statement.requires)
    assert case.expected.shape == case.sizes == op.function(*case.arrays, **case.given).shape
    for array, tensor in zip(case.arrays, statement.inputs, strict=True):
        assert array.dtype == (int if tensor.integer else float)
        assert (array == np.round(array)).all()
    assert all(v is None or np.isfinite(v.astype(float)).all() for v in case.expected_vjp(np.ones(case.sizes)))


@pytest.mark.parametrize("name", ["conv", "conv_transpose", "max_pool", "avg_pool"])
@given(data=st.data())
def test_cases_of_the_registry_s_operators_can_be_read_off_too(name: str, data: st.DataObject) -> None:
    case = data.draw(generic(operator(name, ndim=data.draw(st.integers(1, 3)))), label="case")
    assert case.expected.shape == case.sizes


@pytest.mark.parametrize(
    ("name", "shapes", "kwargs"),
    [
        ("soft pool", [(1, 1, 1)], {"k": 1, "s": 1}),
        ("convolution", [(1, 1, 1), (1, 1, 1), (1,)], {"s": 1}),
        ("difference", [(1, 1, 2)], {}),
        ("squares", [(1, 1, 1), (3,)], {}),
        ("adaptive", [(1, 1, 1)], {"m": 1}),
        ("classes", [(1, 1), (1,)], {}),
        ("roots", [(1, 1, 1)], {"gain": 1.0}),
    ],
)
def test_the_simplest_case_has_one_tap_stride_one_and_no_padding(name: str, shapes: list, kwargs: dict) -> None:
    case = find(generic(stated(name)), lambda case: True, settings=settings(max_examples=2000, **QUIET))
    assert [array.shape for array in case.arrays] == shapes
    assert case.kwargs == kwargs


WANTED: dict[str, Callable[[Case], bool]] = {
    "a dilation": lambda case: case.given.get("d", 1) > 1 and case.given["k"] > 1,
    "padding at one end": lambda case: case.given.get("a", 0) != case.given.get("b", 0),
    "another parameter": lambda case: "beta" in case.given,
    "an input longer than it must be": lambda case: case.sizes[2] > 2,
    "several channels": lambda case: case.arrays[0].shape[1] > 1,
    "a stride": lambda case: case.given["s"] == 3,
    "numbers below 0": lambda case: case.arrays[0].min() < 0,
}


@pytest.mark.parametrize("kind", WANTED)
def test_every_kind_is_drawn(kind: str) -> None:
    assert find(generic(stated("soft pool")), WANTED[kind], settings=settings(max_examples=1000, **QUIET))


def test_axes_have_an_entry_each_and_what_is_fixed_is_not_said() -> None:
    wanted = settings(max_examples=1000, **QUIET)
    case = find(generic(stated("convolution", 2)), lambda case: len(set(case.given["s"])) == 2, settings=wanted)
    assert case.arrays[0].ndim == 4
    fixed = find(generic(stated("convolution", 2, stride=2, k1=3)), lambda case: True, settings=wanted)
    assert "s" not in fixed.given
    assert fixed.arrays[1].shape[2:] == (3, 1)


def test_cases_of_an_operator_are_its_own() -> None:
    op = stated("difference")
    with pytest.raises(UnknownNameError, match=r"^there is no option of the cases of difference 'ties'"):
        cases(op, ties="first")
    with pytest.raises(HyperparameterError, match=r"^ndim is 2, but difference has 1 spatial axes \[cases\]$"):
        cases(op, 2)
    assert find(cases(op, 1), lambda case: True).of is op
    same = define("conv", "Y[v,c,j] = X[v,c,j]", ndim=1)  # a name that the registry has too
    assert find(cases(same), lambda case: True).of is same


# --- checks -----------------------------------------------------------------------------------------------------


@NAMES
def test_what_the_statement_computes_obeys_its_laws(name: str) -> None:
    op = stated(name)
    report = testing.check(op.function, op, profile="quick")
    assert report.ok, str(report)
    assert {"definition", "output size", "purity", "gradient", "tangent"} <= set(report.coverage)
    assert report.op == op.name


def soft(x: np.ndarray, k: int, s: int = 1, d: int = 1, a: int = 0, b: int = 0, beta: float = 1.0) -> np.ndarray:
    """Padding holds no share."""
    wide = np.pad(x, ((0, 0), (0, 0), (a, b)), constant_values=-np.inf)
    m = (wide.shape[2] - d * (k - 1) - 1) // s + 1
    windows = np.stack([wide[:, :, d * t : d * t + s * (m - 1) + 1 : s] for t in range(k)])
    share = np.exp(beta * (windows - windows.max(axis=0)))
    return (share * np.where(share > 0, windows, 0)).sum(axis=0) / share.sum(axis=0)


def faulty(name: str) -> Callable[..., np.ndarray]:
    """The function above with one fault."""
    return {
        "dilation is forgotten": lambda x, k, d=1, **given: soft(x, k, **given),
        "beta is forgotten": lambda x, k, beta=1.0, **given: soft(x, k, **given),
        "padding counts": lambda x, k, a=0, b=0, **given: soft(np.pad(x, ((0, 0), (0, 0), (a, b))), k, **given),
        "a mean": lambda x, k, beta=1.0, **given: soft(x, k, beta=0.0, **given),
    }[name]


def test_an_implementation_of_one_s_own_is_checked() -> None:
    undilated = define("soft_pool", SOFT, ndim=1, **STATED["soft pool"][1] | {"requires": "a < k, b < k, d = 1"})
    assert testing.check(soft, undilated, profile="quick").ok
    test = testing.conforms(undilated, profile="quick", laws=["output size"])(soft)
    test()
    assert test.__name__ == "test_soft_conforms_to_soft_pool"


@pytest.mark.parametrize(
    ("fault", "kwargs"),
    [
        ("dilation is forgotten", {"k": 2, "s": 1, "d": 2}),
        ("beta is forgotten", None),
        ("padding counts", {"k": 2, "s": 1, "b": 1}),
        ("a mean", None),
    ],
)
def test_a_fault_is_found_and_shrunk(fault: str, kwargs: dict[str, Any] | None) -> None:
    op = stated("soft pool")
    report = testing.check(faulty(fault), op, profile="quick")
    assert not report.ok
    deviation = report.deviations[0]
    assert deviation.law == "definition"
    assert kwargs is None or deviation.case.kwargs == kwargs
    assert deviation.case.arrays[0].shape[:2] == (1, 1)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(deviation.code, {})
    assert "Enclosure" in printed.getvalue() or "[[[" in printed.getvalue()


def test_a_gradient_that_is_wrong_is_found() -> None:
    op = stated("soft pool")

    def halved(*arguments: Any, **given: Any) -> Any:
        return op.function(*arguments, **given)

    halved.vjp = lambda *arguments, **given: tuple(g / 2 for g in op.function.vjp(*arguments, **given))  # type: ignore
    report = testing.check(halved, op, profile="quick")
    assert {deviation.law for deviation in report.deviations} == {"gradient", "tangent"}


# --- what moves with its input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "given", "moves"),
    [
        ("Y[v,c,j] = X[v,c,j+1] - X[v,c,j]", {}, True),
        ("Y[v,c,j] = sum(t<k) W[t]*exp(X[v,c,s*j+t-a])", {"outside": {"X": 3}}, True),
        ("S[v,c,j] = X[v,c,j]^2; Y[v,c,j] = S[v,c,j]/2", {}, True),
        ("Y[v,c,j] = max(t<k) X[v,c,s*j+t-a]", {"outside": {"X": "nothing"}}, True),
        ("Y[v,c,j] = sum(t<k) X[v,c,s*j+t-a]", {"outside": {"X": "circular"}}, False),
        ("Y[v,c,j] = j*X[v,c,j]", {}, False),
        ("Y[v,c,j] = [2 | j] X[v,c,j]", {}, False),
        ("Y[v,c,j] = X[v,c,j]/n", {}, False),
        ("Y[v,c,j] = V[j]*X[v,c,j]", {}, False),
        ("Y[v,c,j] = X[v,c,j]*X[v,c,0]", {"requires": "1 <= n"}, False),
        ("Y[v,c,j] = sum(i<n) X[v,c,i]*X[v,c,j]", {}, False),
        ("Y[v,c,j] = X[v,c,2*j]*X[v,c,j]", {}, False),
        ("S[v,c] = sum(i<n) X[v,c,i]; Y[v,c,j] = X[v,c,j]/S[v,c]", {}, False),
    ],
)
def test_what_moves_with_its_input(text: str, given: dict[str, Any], moves: bool) -> None:
    op = define("f", text, ndim=1, **given)
    [placement] = op.statement.placements
    assert moves_along(op.statement, placement) is moves
    report = testing.check(op.function, op, profile="quick", laws=["translation"])
    assert (not report.deviations, "translation" in report.coverage) == (True, moves)


def test_a_shift_that_is_promised_in_vain_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    from convmath.testing import laws

    monkeypatch.setattr(laws, "moves_along", lambda statement, placement: True)
    for text in ("Y[v,c,j] = j*X[v,c,j]", "Y[v,c,j] = X[v,c,j]/n"):
        op = define("f", text, ndim=1)
        assert testing.check(op.function, op, profile="quick", laws=["translation"]).deviations


# --- teeth ------------------------------------------------------------------------------------------------------


def test_lengths_that_are_drawn_too_short_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = home.settle
    monkeypatch.setattr(
        home, "settle", lambda statement, env: {p: 0 if p.letter == "n" else v for p, v in true(statement, env).items()}
    )
    with pytest.raises((AssertionError, ValueError)):
        caught(test_a_case_is_valid_as_it_is_drawn, "difference")
    assert poly(0) == 0


def test_every_registered_operator_is_still_drawn_by_its_own_strategy() -> None:
    for name in operators()[:4]:
        assert find(cases(operator(name, ndim=1)), lambda case: True).of is None
