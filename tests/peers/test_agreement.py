"""When numbers from elsewhere agree with ours: equal, or within a bound that rounding keeps and mistakes do not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath import functional as F
from convmath.testing import Case, cases
from tests.bench.suites.agreement import Bound, Call, Difference, compared
from tests.bench.suites.tally import Outcome, by_operator, reasons

INF, NAN = np.inf, np.nan


def against(ours: Any, theirs: Any, allowed: Any = 0.0) -> str:
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    return compared(ours, theirs, lambda: np.broadcast_to(np.asarray(allowed, float), ours.shape), "it")


def test_equal_is_equal() -> None:
    assert against([1.0, NAN, INF, -0.0], [1.0, NAN, INF, 0.0]) == "equal"
    assert against(np.array([1, 255]), np.array([1, 255], np.uint8)) == "equal"
    assert against([1.0, 2.5], [1.0, 2.0], 0.5) == "within"


@pytest.mark.parametrize(
    ("ours", "theirs", "allowed", "said"),
    [
        ([1.0], [1.0, 2.0], 9.0, "shape"),
        (np.ones(1, np.float32), [1.0], 9.0, "float32 here, but float64 there"),
        ([1.0], [2.0], INF, "inf is allowed"),
        ([NAN], [2.0], 9.0, "nan"),
        ([1 + 1j], [1 + 2j], 0.5, "1 apart"),
        ([INF], [-INF], 9.0, "inf"),
        ([1.0, 1.0], [1.0, 2.0], [9.0, 0.5], "1 of 2"),
    ],
)
def test_other_numbers_differ(ours: Any, theirs: Any, allowed: Any, said: str) -> None:
    with pytest.raises(Difference, match=said):
        against(ours, theirs, allowed)


OPERATORS = ("conv", "conv_transpose", "linear", "avg_pool", "softmax", "layer_norm", "gelu", "cross_entropy")


def lifted(case: Case, rng: np.random.Generator, dtype: type) -> Call:
    """The call with numbers between those of the case; whole numbers that say a class stay."""

    def between(value: Any) -> Any:
        if not isinstance(value, np.ndarray):
            return value
        return (value + rng.uniform(0, 0.5, value.shape)).astype(dtype) if value.dtype.kind == "f" else value

    return Call(case.op, tuple(map(between, case.args)), {name: between(v) for name, v in case.kwargs.items()})


@pytest.mark.parametrize("name", OPERATORS)
@given(data=st.data())
def test_one_precision_is_within_the_bound_of_the_other(name: str, data: st.DataObject) -> None:
    """float32 is no further from float64 than the bound says, values and gradients."""
    only = {"target": "indices"} if name == "cross_entropy" else {}
    case = data.draw(cases(name, 2, **only), label="case")
    call = lifted(case, np.random.default_rng(0), np.float32)
    exact = Call(call.name, tuple(map(widened, call.args)), {key: widened(v) for key, v in call.kwargs.items()})
    narrow, wide = call.value()[0], exact.value()[0]
    assert narrow is not None
    assert wide is not None
    bound = Bound(call, np.dtype(np.float32))
    assert (np.abs(narrow - wide) <= bound.of_output(0, narrow.shape)).all()
    cotangent = np.random.default_rng(1).normal(size=narrow.shape).astype(np.float32)
    pairs = [
        (g, h)
        for g, h in zip(call.gradients(cotangent), exact.gradients(cotangent), strict=True)
        if g is not None and h is not None
    ]
    g, h = pairs[0]
    assert (np.abs(g - h) <= bound.of_gradient(0, cotangent, g.shape)).all()


def widened(value: Any) -> Any:
    return value.astype(np.float64) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value


@pytest.mark.parametrize("name", OPERATORS)
def test_the_bound_has_teeth(name: str) -> None:
    """A thousandth part is beyond what rounding to float32 allows, in every operator."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 3, 5, 5)).astype(np.float32)
    arguments = {
        "conv": (x, rng.normal(size=(2, 3, 3, 3)).astype(np.float32)),
        "conv_transpose": (x, rng.normal(size=(3, 2, 3, 3)).astype(np.float32)),
        "linear": (x, rng.normal(size=(4, 5)).astype(np.float32)),
        "avg_pool": (x, 2),
        "layer_norm": (x, (5,)),
        "cross_entropy": (x, rng.integers(0, 3, (2, 5, 5))),
    }
    call = Call(name, arguments.get(name, (x,)), {"axis": 3} if name == "softmax" else {})
    y = np.asarray(getattr(F, name)(*call.args, **call.kwargs))
    off = np.abs(y) / 1000
    assert (off > Bound(call, y.dtype).of_output(0, y.shape)).any()


def test_outcomes_are_counted_by_operator_and_by_reason() -> None:
    outcomes = [
        Outcome("s", "conv", "1", "equal", beside=("mask",)),
        Outcome("s", "conv", "2", "refused", "axis is 3, but there are 2 [conv(X(1, 2))]"),
        Outcome("s", "conv", "3", "refused", "axis is 4, but there are 2 [conv(X(5, 6))]"),
        Outcome("s", "add", "1", "differing", "off"),
    ]
    rows = {row.operator: (row.agreed, row.refused, row.differing) for row in by_operator(outcomes)}
    assert rows == {"add": (0, 0, 1), "conv": (1, 2, 0), "all": (1, 2, 1)}
    assert list(reasons(outcomes)) == [
        "| conv | 2 | axis is 3, but there are 2 |",
        "| conv | 1 | not compared beside what agrees: mask |",
    ]
