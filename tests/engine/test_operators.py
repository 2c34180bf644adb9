"""Derivatives of the first and second order of every operator, held to what follows from its statement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import convmath as cm
from convmath import functional
from convmath import functional as F
from convmath.engine import operators, statements
from convmath.errors import StatementError
from convmath.functional.core import Call, differentiable
from convmath.ir.exact import evaluate_rounded
from convmath.ir.nodes import Statement
from convmath.ops.registry import needed_by
from convmath.testing import Case
from convmath.testing.cases import SEEDS, integers
from convmath.testing.laws import SLACK, _stays_whole

from ..faults import caught
from ..laws.registry import OPERATORS, drawn

UNIT = 2.0**-53
NAMES = pytest.mark.parametrize("name", OPERATORS)


class Called:
    """The numeric operator of a case, as a function of the arrays of real numbers that it has."""

    def __init__(self, case: Case):
        self.case, self.function = case, getattr(functional, case.op)
        statement = case.operator.statement
        self.names = {tensor.name: place for place, tensor in enumerate(statement.inputs) if not tensor.integer}
        self.reals = [case.arrays[place] for place in self.names.values()]

    def _with(self, reals: Any) -> Case:
        arrays: list[Any] = list(self.case.arrays)
        for place, array in zip(self.names.values(), reals, strict=True):
            arrays[place] = array
        return with_arrays(self.case, arrays)

    def value(self, *reals: Any) -> Any:
        case = self._with(reals)
        found = self.function(*case.args, **case.kwargs)
        return found[0] if isinstance(found, tuple) else found

    def vjp(self, cotangent: Any, *reals: Any) -> list[Any]:
        case = self._with(reals)
        found = self.function.vjp(cotangent, *case.args, **case.kwargs)
        came = [g for g, array in zip(found, self.case.array_arguments, strict=False) if array is not None]
        return [came[place] for place in self.names.values()]


def with_arrays(case: Case, arrays: list[Any]) -> Case:
    fresh = iter(arrays)

    def other(value: Any) -> Any:
        return next(fresh) if isinstance(value, np.ndarray) else value

    return Case(case.op, tuple(map(other, case.args)), {key: other(value) for key, value in case.kwargs.items()})


@NAMES
@given(data=st.data())
def test_the_gradient_is_that_of_the_operator(name: str, data: st.DataObject) -> None:
    """One rule for all: what the engine does with an operator's vjp is to call it."""
    case, seed = data.draw(drawn(name), label="case"), data.draw(SEEDS, label="seed")
    called, gy = Called(case), integers(seed, case.sizes)
    value, pullback = cm.vjp(called.value, *called.reals)
    np.testing.assert_array_equal(value, called.value(*called.reals), strict=True)
    for got, own, array in zip(pullback(gy), called.vjp(gy, *called.reals), called.reals, strict=True):
        np.testing.assert_array_equal(got, np.zeros_like(array) if own is None else own, strict=True)


# --- the second order -----------------------------------------------------------------------------------------------


def evaluated(statement: Statement, case: Case, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """The exact value of a derived statement, as floats."""
    _, named, numbers = case.resolved
    exact = statement.evaluate({**named, **arrays}, **needed_by(statement, numbers))
    return (exact[statement.outputs[0]] if isinstance(exact, dict) else exact).astype(float)


def rounding(statement: Statement, case: Case, arrays: Mapping[str, np.ndarray]) -> Any:
    """How far floating point may be off that evaluates a statement."""
    if _stays_whole(statement):
        return 0.0
    _, named, numbers = case.resolved
    found = evaluate_rounded(statement, {**named, **arrays}, UNIT, **needed_by(statement, numbers))
    return SLACK * found[statement.outputs[0]][1]


class Second:
    """The derivatives of ⟨h, gT⟩ by gY and by the inputs, h a cotangent of the gradient by one input T."""

    def __init__(self, case: Case, wrt: str, h: np.ndarray, gy: np.ndarray):
        self.case, self.wrt, self.h, self.gy = case, wrt, h, gy
        self.output = case.operator.statement.outputs[0]

    def by(self, name: str | None) -> tuple[np.ndarray, Any]:
        """By gY (None) or an input: as derived, and how far the statement that the engine runs may be off that."""
        op, tangent = self.case.operator, {f"d{self.wrt}": self.h}
        if name is None:
            derived, arrays = op.jvp(self.wrt).result, tangent
        else:
            derived, arrays = op.hvp(name, along=self.wrt).result, tangent | {f"g{self.output}": self.gy}
        gradient = statements.gradient_by(op, self.wrt)
        run = statements.runnable(statements.gradient_of(gradient, name or f"g{self.output}"))
        bounds = (
            rounding(derived, self.case, arrays),
            rounding(run, self.case, {f"g{self.output}": self.gy, run.inputs[-1].name: self.h}),
        )
        return evaluated(derived, self.case, arrays), np.maximum(*bounds)


@NAMES
@given(data=st.data())
def test_the_second_derivative_is_that_of_the_statement(name: str, data: st.DataObject) -> None:
    """s = Σ ⟨h_T, vjp(gY, T)⟩ has ∂s/∂gY = Σ dY along h_T, and ∂s/∂U = Σ the derivative of gU along h_T."""
    case, seed = data.draw(drawn(name), label="case"), data.draw(SEEDS, label="seed")
    called, gy = Called(case), integers(seed, case.sizes)
    along = {n: integers(seed + 1 + place, case.arrays[place].shape) for n, place in called.names.items()}
    by: list[str | None] = [None, *called.names]
    try:
        parts = [[Second(case, wrt, h, gy).by(letter) for wrt, h in along.items()] for letter in by]
    except StatementError:
        return  # for these numbers there is no second derivative

    def paired(cotangent: Any, *reals: Any) -> Any:
        found = called.vjp(cotangent, *reals)
        return sum((g * h).sum() for g, h in zip(found, along.values(), strict=True) if g is not None)

    got = cm.grad(paired, tuple(range(1 + len(called.reals))))(gy, *called.reals)
    for letter, derived, g in zip(by, parts, got, strict=True):
        exact, bound = sum(value for value, _ in derived), sum(allowed for _, allowed in derived)
        # the parts are added, there and here
        bound = bound + 2 * len(derived) * UNIT * sum(np.abs(value) for value, _ in derived)
        assert g.shape == np.shape(exact)
        off = np.abs(g - exact)
        assert (off <= bound).all(), f"by {letter or 'gY'} it is off by {off.max()}, but {np.max(bound)} is allowed"


# --- calls that are wider than the statement --------------------------------------------------------------------------

C = np.random.default_rng(5).normal(size=(3, 4, 5))
WIDE: Mapping[str, tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]] = {
    "softmax, the last axis": (lambda x: F.softmax(x), ((3, 4, 5),)),
    "softmax, the first axis": (lambda x: F.softmax(x, axis=0), ((3, 4, 5),)),
    "softmax, one axis": (lambda x: F.softmax(x), ((5,),)),
    "log_softmax, axis 2": (lambda x: F.log_softmax(x, axis=2), ((3, 4, 5),)),
    "an activation of a number": (lambda x: F.gelu(x), ((),)),
    "an activation of one axis": (lambda x: F.elu(x, alpha=0.5), ((5,),)),
    "a loss of numbers": (lambda x, y: F.mse(x, y), ((), ())),
    "a loss of one axis": (lambda x, y, w: F.binary_cross_entropy_with_logits(x, y, weight=w), ((4,), (4,), (4,))),
    "a loss of one axis, each": (lambda x, y: F.mse(x, y, reduction="none"), ((4,), (4,))),
    "features alone": (lambda x, w, b: F.linear(x, w, b), ((4,), (4, 4), (4,))),
    "distances of features alone": (lambda x, w: F.rbf(x, w), ((4,), (3, 4))),
    "layer_norm, the last axis": (lambda x, w, b: F.layer_norm(x, 5, w, b), ((3, 4, 5), (5,), (5,))),
    "layer_norm, two axes": (lambda x, w: F.layer_norm(x, (4, 5), w), ((3, 4, 5), (4, 5))),
    "layer_norm, everything": (lambda x: F.layer_norm(x, (3, 4, 5)), ((3, 4, 5),)),
    "layer_norm, one axis": (lambda x, b: F.layer_norm(x, 5, bias=b), ((5,), (5,))),
    "pad, the last axis": (lambda x: F.pad(x, ((1, 2),), mode="reflect"), ((3, 4, 5),)),
    "pad, a value": (lambda x: F.pad(x, ((1, 2), (0, 1)), value=2.0), ((3, 4, 5),)),
    "pad, all axes": (lambda x: F.pad(x, ((1, 2), (0, 1), (1, 1))), ((3, 4, 5),)),
    "concat, the first axis": (lambda x, y: F.concat(x, y, axis=0), ((3, 4, 5), (1, 4, 5))),
    "concat, the last axis": (lambda x, y, z: F.concat(x, y, z, axis=-1), ((3, 4, 5), (3, 4, 2), (3, 4, 1))),
    "concat, one array twice": (lambda x, y: F.concat(x, y, y), ((3, 4, 5), (3, 2, 5))),
    "an adaptive size that stays": (lambda x: F.adaptive_max_pool(x, (None, 2)), ((3, 4, 5, 5),)),
    "a size to unpool to": (lambda x: F.max_unpool(x, np.array([[[0, 3]]]), 2, output_size=(5,)), ((1, 1, 2),)),
    "indices beside the maximum": (lambda x: F.max_pool(x, 2, return_indices=True)[0], ((3, 2, 5, 5),)),
    "statistics beside the norm": (
        lambda x, w: F.batch_norm(x, np.zeros(4), np.ones(4), w, training=True)[0],
        ((3, 4, 5), (4,)),
    ),
    "kernels chosen": (lambda x, w: F.conv(x, w, padding="same", method="direct"), ((2, 4, 5), (2, 4, 3))),
}


@pytest.mark.parametrize("name", WIDE)
def test_a_call_that_is_wider_than_its_statement_has_the_same_second_derivatives(name: str) -> None:
    """The Hessian along a tangent is the difference quotient of the gradient."""
    function, shapes = WIDE[name]
    rng = np.random.default_rng(11)
    arrays = [rng.normal(size=shape) for shape in shapes]
    along = [rng.normal(size=shape) for shape in shapes]
    weights = rng.normal(size=np.shape(function(*arrays)))

    def total(*arrays: Any) -> Any:
        return (weights * function(*arrays) ** 3).sum()

    product, gradient = cm.hvp(total, arrays, along), cm.grad(total, tuple(range(len(arrays))))
    step = 2.0**-18
    sides = [gradient(*(x + sign * step * t for x, t in zip(arrays, along, strict=True))) for sign in (1, -1)]
    for above, below, found in zip(*sides, product, strict=True):
        # the step squared times a third derivative, and the rounding of the gradient over the step
        size = max(1.0, np.abs(above).max())
        np.testing.assert_allclose(found, (above - below) / (2 * step), rtol=0, atol=1e-8 * size)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("far", [30.0, 200.0, 2000.0])
def test_second_derivatives_of_a_softmax_do_not_overflow(far: float, dtype: type) -> None:
    """Where one class has all the probability, the Hessian is 0 and a number."""
    x, one = np.array([[far, 0.0, -far], [-far, 0.0, -far]], dtype), np.ones((2, 3), dtype)
    for total in (
        lambda x: F.cross_entropy(x, np.array([0, 2])),
        lambda x: F.cross_entropy(x, np.array([0, 2]), weight=one[0], label_smoothing=0.5),
        lambda x: (F.softmax(x) ** 2).sum(),
        lambda x: F.log_softmax(x, axis=1).sum(),
        cm.grad(lambda x: F.cross_entropy(x, np.array([0, 2]))),
    ):
        _, pullback = cm.vjp(cm.grad(total) if total(x).shape == () else total, x)
        assert np.isfinite(pullback(one)[0]).all()
        assert pullback(one)[0].dtype == dtype


def test_a_hessian_of_the_cross_entropy_is_that_of_the_textbook() -> None:
    """diag(p) - p·pᵀ for each image, divided by their number"""
    x, h = np.array([[1.0, 2.0, 0.5], [300.0, 0.0, 299.0]]), np.array([[1.0, -2.0, 3.0], [1.0, 2.0, -1.0]])
    p = F.softmax(x)
    expected = (p * h - p * (p * h).sum(axis=1, keepdims=True)) / 2
    (got,) = cm.hvp(lambda x: F.cross_entropy(x, np.array([0, 2])), (x,), (h,))
    np.testing.assert_allclose(got, expected, rtol=0, atol=16 * np.finfo(float).eps)


def test_an_operator_without_a_statement_has_first_derivatives_alone() -> None:
    @differentiable("x")
    def cubed(x: Any) -> Call[np.ndarray]:
        return Call("cubed", x.shape, x.dtype, lambda: x**3, lambda gy: (3 * gy * x**2,))

    x = np.array([1.0, 2.0])
    np.testing.assert_array_equal(cm.grad(lambda x: cubed(x).sum())(x), [3, 12])
    with pytest.raises(StatementError, match="cubed has no statement that second derivatives could follow from"):
        cm.hvp(lambda x: cubed(x).sum(), (x,), (x,))


def test_an_operator_that_the_user_states_has_derivatives_of_every_order() -> None:
    soft = cm.define("soft_pool", "Y[v,c,j] = sum(t<k) exp(X[v,c,j+t]) * X[v,c,j+t]", ndim=1).function
    x = np.array([[[0.25, 0.5, 0.75, 1.25]]])

    def composed(x: Any) -> Any:
        y = np.exp(x) * x
        return y[..., :-1] + y[..., 1:]

    for total in (lambda f: lambda x: (f(x) ** 2).sum(), lambda f: cm.grad(lambda x: (f(x) ** 2).sum())):
        stated, other = total(lambda x: soft(x, kernel=2)), total(composed)
        mine, theirs = (cm.vjp(f, x) for f in (stated, other))
        np.testing.assert_allclose(mine[0], theirs[0], rtol=1e-14)
        gy = np.ones_like(mine[0])
        np.testing.assert_allclose(mine[1](gy)[0], theirs[1](gy)[0], rtol=1e-14)


# --- teeth ------------------------------------------------------------------------------------------------------------


def test_a_bias_that_is_left_where_it_is_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the output is linear in X and B together, B has to be 0 where only X moves."""
    monkeypatch.setattr(operators, "_nothing", lambda operand: operand)
    caught(test_the_second_derivative_is_that_of_the_statement, "conv")


def test_an_array_that_is_taken_for_linear_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "linear_sets", lambda statement: (frozenset(statement.differentiable),))
    caught(test_the_second_derivative_is_that_of_the_statement, "mse")
    caught(test_the_second_derivative_is_that_of_the_statement, "conv")


def test_a_derived_gradient_by_the_wrong_array_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = statements.gradient_of
    monkeypatch.setattr(statements, "gradient_of", lambda s, name: true(s, "X" if name == "T" else name))
    caught(test_the_second_derivative_is_that_of_the_statement, "mse")


def test_a_selection_that_is_not_followed_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Second derivatives of a maximum go where its first do."""
    true = statements.run

    def last(statement: Statement, arrays: Any, numbers: Any) -> Any:
        taken = {"min": "max", "max": "min"}
        swapped = (
            replace(e, terms=tuple(replace(t, reduce=taken.get(t.reduce, "sum")) for t in e.terms))
            if e.name == "A"
            else e
            for e in statement.equations
        )
        return true(replace(statement, equations=tuple(swapped)), arrays, numbers)

    monkeypatch.setattr(statements, "run", last)
    caught(test_the_second_derivative_is_that_of_the_statement, "max_pool")


def test_a_gradient_by_another_array_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = operators._slots

    def turned(*call: Any) -> Any:
        slots = true(*call)
        return tuple(replace(slot, name=other.name) for slot, other in zip(slots, slots[::-1], strict=True))

    monkeypatch.setattr(operators, "_slots", turned)
    caught(test_the_gradient_is_that_of_the_operator, "mse")
