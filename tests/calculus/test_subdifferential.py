"""Every choice among ties is a subgradient, nothing else is, and the windows that are said to be empty are."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath import operator
from convmath.calculus import subdifferential
from convmath.errors import ShapeError, StatementError
from convmath.ir.guards import holds
from convmath.ir.walk import params
from convmath.ops.registry import variants
from convmath.testing.cases import SEEDS, cases
from convmath.window import Window

from ..faults import caught

MAXIMA = ("max_pool", "adaptive_max_pool", "global_max_pool")
KINKED: dict[str, dict[str, Any]] = {
    "relu": {},
    "leaky_relu": {"negative_slope": Fraction(1, 4)},
    "relu6": {},
    "elu": {"alpha": 2},
}


def tied(data: st.DataObject, name: str) -> tuple[Any, np.ndarray, np.ndarray]:
    """A case with many ties, a cotangent of both signs, and the gradient of the selection that it names."""
    case = data.draw(cases(name, data.draw(st.sampled_from((1, 2)))), label="case")
    rng = np.random.default_rng(data.draw(SEEDS))
    case = case.with_arrays(rng.integers(0, 2, case.arrays[0].shape).astype(float))
    gy = rng.integers(-3, 4, case.sizes)
    return case, gy, case.expected_vjp(gy)[0]


def ask(case: Any, g: np.ndarray, gy: np.ndarray) -> bool:
    given = {key: value for key, value in case.given.items() if key != "ties"}
    return operator(case.op, case.ndim).is_subgradient(g, *case.arrays, gy, **given)


@pytest.mark.parametrize("name", MAXIMA)
@given(data=st.data())
def test_a_named_selection_is_a_subgradient_and_so_is_a_mean_of_two(name: str, data: st.DataObject) -> None:
    case, gy, _ = tied(data, name)
    op, given = operator(name, case.ndim), {k: v for k, v in case.given.items() if k not in ("ties", "return_indices")}
    first, last, split = (op.exact_vjp(gy, *case.arrays, **given, ties=ties)[0] for ties in ("first", "last", "split"))
    weight = Fraction(data.draw(st.integers(0, 4)), 4)
    for g in (first, last, split, weight * first + (1 - weight) * split):
        assert ask(case, g, gy)


@pytest.mark.parametrize("name", MAXIMA)
@given(data=st.data())
def test_what_is_no_choice_among_ties_is_refused(name: str, data: st.DataObject) -> None:
    """More, or less, in all than the windows give."""
    case, gy, g = tied(data, name)
    if not g.size:
        return
    moved = g.copy()
    moved.flat[0] += 1
    assert not ask(case, moved, gy)
    if (g != 0).any():
        assert not ask(case, 2 * g, gy)


def test_every_vertex_and_nothing_beyond_is_found_by_hand() -> None:
    op = operator("max_pool", ndim=1)
    x, gy = [[[1, 1, 1]]], [[[1, -1]]]  # two windows that share the middle: it may get 1 and -1, or neither
    for a, b in product((0, Fraction(1, 2), 1), repeat=2):
        assert op.is_subgradient([[[a, (1 - a) - b, b - 1]]], x, gy, k=2, stride=1)
    assert not op.is_subgradient([[[1, 1, -2]]], x, gy, k=2, stride=1)
    assert not op.is_subgradient([[[2, -1, -1]]], x, gy, k=2, stride=1)


@pytest.mark.parametrize("name", KINKED)
@given(data=st.data())
def test_at_a_kink_every_slope_between_the_one_sided_ones_is_a_subgradient(name: str, data: st.DataObject) -> None:
    op = operator(name, ndim=1, **KINKED[name])
    gy, step = data.draw(st.integers(-3, 3)), Fraction(1, 2**40)
    [[[left, right]]] = op.exact_vjp([[[gy, gy]]], [[[-step, step]]])[0]
    left, right = (round(float(slope), 6) for slope in (left, right))
    for weight in (0, Fraction(1, 3), 1):
        between = weight * Fraction(left) + (1 - weight) * Fraction(right)
        assert op.is_subgradient([[[between]]], [[[0]]], [[[gy]]])
    assert not op.is_subgradient([[[max(left, right) + 1]]], [[[0]]], [[[gy]]])


def test_where_there_is_one_gradient_there_is_one_subgradient() -> None:
    op = operator("avg_pool", ndim=1)
    assert op.is_subgradient([[[Fraction(1, 2), Fraction(1, 2)]]], [[[3, 4]]], [[[1]]], k=2)
    assert not op.is_subgradient([[[1, 0]]], [[[3, 4]]], [[[1]]], k=2)


@pytest.mark.parametrize("ties", ["first", "last", "split"])
def test_the_weights_of_a_selection_make_it_the_statement_of_all(ties: str) -> None:
    """The statement with weights gives the named selections, and refuses weights that are none."""
    statement = operator("max_pool", ndim=1).subdifferential()
    x, gy = np.array([[[2, 2, 1, 2]]]), np.array([[[5, 7]]])
    weights = {"first": [[1, 0], [0, 1]], "last": [[0, 1], [0, 1]], "split": [[Fraction(1, 2)] * 2, [0, 1]]}[ties]
    at = {"X": x, "gY": gy, "Λ": np.array([[weights]], object)}
    expected = operator("max_pool", ndim=1, ties=ties).exact_vjp(gy, x, k=2)[0]
    assert (statement.evaluate(at, s=2) == expected).all()
    for wrong in ([[1, 1], [0, 1]], [[1, 0], [1, 0]], [[2, -1], [0, 1]]):
        with pytest.raises(StatementError, match=r"Λ|D\[|K\["):
            statement.evaluate(at | {"Λ": np.array([[wrong]], object)}, s=2)


@pytest.mark.parametrize("op", [op for op in variants("max_pool", 1) if "ties" not in dict(op.options)], ids=str)
@given(data=st.data())
def test_a_window_is_empty_exactly_when_it_is_said_to_be(op: Any, data: st.DataObject) -> None:
    [axis] = op.empty_windows()
    k, s, d = (data.draw(st.integers(1, 4)) for _ in range(3))
    a, b, n = (data.draw(st.integers(0, 5)) for _ in range(3))
    window = Window(k, s, d, a, b, axis.placement.rule == "starts")
    if n + a + b < window.span or n == 0:
        return
    values = {"N": 1, "C": 1, "n": n, "k": k, "s": s, "d": d, "a": a, "b": b, "m": window.output_size(n)}
    env: dict[Any, int] = {p: values[p.letter] for p in params(op.statement)}
    empty = [not any(0 <= s * j + d * t - a < n for t in range(k)) for j in range(values["m"])]
    for j, is_empty in enumerate(empty):
        at = env | {axis.placement.index: j}
        assert is_empty == any(all(holds(guard, at) for guard in case) for case in axis.cases)
    if any(all(holds(guard, env) for guard in case) for case in axis.never):
        assert not any(empty)


def test_bad_questions_are_refused() -> None:
    pool = operator("max_pool", ndim=1)
    with pytest.raises(ShapeError, match=r"g has shape \(1, 1, 1\), but X has \(1, 1, 2\)"):
        pool.is_subgradient([[[1]]], [[[1, 1]]], [[[2]]], k=2)
    with pytest.raises(StatementError, match="Y is no maximum"):
        operator("conv", ndim=1).subdifferential()


# --- teeth --------------------------------------------------------------------------------------------------------


def test_a_flow_that_forgets_who_asks_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subdifferential._Flow, "feasible", lambda self: True)
    caught(test_what_is_no_choice_among_ties_is_refused, "max_pool")


def test_a_window_that_only_looks_at_its_first_element_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = subdifferential._empty
    monkeypatch.setattr(subdifferential, "_empty", lambda p: replace(true(p), cases=true(p).cases[:2]))
    caught(test_a_window_is_empty_exactly_when_it_is_said_to_be, operator("max_pool", 1))
