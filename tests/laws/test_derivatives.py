"""What is derived from a statement, held to the statement alone, in exact arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.calculus import gradient
from convmath.ir.degree import is_linear, is_polynomial, statement_degree
from convmath.ir.exact import exact_array
from convmath.ir.nodes import Statement
from convmath.ops.registry import needed_by, operator, variants
from convmath.testing import Case
from convmath.testing.cases import SEEDS, integers

from ..faults import caught
from .registry import OPERATORS, drawn


def homogeneous(statement: Statement) -> bool:
    """Whether the output is of degree one in each input: linear in it, or a maximum of its elements."""
    maximum = [term.reduce for equation in statement.equations for term in equation.terms] == ["max"]
    return maximum or all(is_linear(statement, t.name) for t in statement.inputs if not t.integer)


# where both sides are exact: the steps of the other derivations are held to quotients in enclosures
POLYNOMIAL = [name for name in OPERATORS if all(is_polynomial(op.statement) for op in variants(name, 1))]
NAMES = pytest.mark.parametrize("name", POLYNOMIAL)
LINEAR = [name for name in POLYNOMIAL if homogeneous(operator(name, 1).statement)]


def generic(data: st.DataObject, name: str) -> tuple[Case, int]:
    """A case in whose arrays no two elements are as close as a small step, so that no maximum changes place."""
    case, seed = data.draw(drawn(name), label="case"), data.draw(SEEDS, label="seed")
    rng = np.random.default_rng(seed)
    of_reals = (not tensor.integer for tensor in case.operator.statement.inputs)
    moved = (
        exact_array(rng.permutation(a.size).reshape(a.shape)) if real else a
        for a, real in zip(case.arrays, of_reals, strict=True)
    )
    return case.with_arrays(*moved), seed


def inputs(case: Case) -> list[tuple[int, str]]:
    """The inputs that there are derivatives by, with their places."""
    return [(place, tensor.name) for place, tensor in enumerate(case.operator.statement.inputs) if not tensor.integer]


def first(value: Any) -> np.ndarray:
    """The output that is differentiated."""
    return next(iter(value.values())) if isinstance(value, dict) else value[0] if isinstance(value, tuple) else value


def value(statement: Statement, case: Case, **tangents: np.ndarray) -> np.ndarray:
    """What a statement derived from that of a case is, at its arrays and numbers."""
    _, named, numbers = case.resolved
    return first(statement.evaluate({**named, **tangents}, **needed_by(statement, numbers)))


def slope(at_step: Callable[[Fraction], np.ndarray], degree: int) -> np.ndarray:
    """The derivative at 0 of h ↦ at_step(h), a polynomial of that degree: (1/δ)·Σ_k (-1)^(k+1)/k · Δᵏ value(0)."""
    δ = Fraction(1, 1 << 20)
    at = [at_step(k * δ) for k in range(degree + 1)]
    differences = [sum((-1) ** (k - i) * comb(k, i) * at[i] for i in range(k + 1)) for k in range(1, degree + 1)]
    return sum(Fraction((-1) ** (k + 1), k) * d for k, d in enumerate(differences, 1)) / δ


@NAMES
@given(data=st.data())
def test_the_derivative_along_a_tangent_is_the_difference_quotient(name: str, data: st.DataObject) -> None:
    case, seed = generic(data, name)
    statement = case.operator.statement
    for place, wrt in inputs(case):
        dx = exact_array(integers(seed, case.arrays[place].shape))

        def moved(h: Fraction, place: int = place, dx: np.ndarray = dx) -> np.ndarray:
            arrays = [a + h * dx if i == place else a for i, a in enumerate(case.arrays)]
            return first(case.with_arrays(*arrays).expected)

        derived = value(case.operator.jvp(wrt).result, case, **{f"d{wrt}": dx})
        assert (derived == slope(moved, statement_degree(statement, wrt))).all(), f"d{wrt}"


@NAMES
@given(data=st.data())
def test_the_gradient_pairs_with_the_derivative(name: str, data: st.DataObject) -> None:
    """⟨gY, dY⟩ = ⟨gT, dT⟩ for every input T: the gradient is the adjoint of the derivative, linear or not."""
    case, seed = generic(data, name)
    gy = exact_array(integers(seed, case.sizes))
    for place, wrt in inputs(case):
        dx = exact_array(integers(seed + 1, case.arrays[place].shape))
        pushed = value(case.operator.jvp(wrt).result, case, **{f"d{wrt}": dx})
        pulled = case.expected_vjp(gy)[place]
        assert pulled is not None
        assert np.sum(gy * pushed) == np.sum(pulled * dx), wrt


@pytest.mark.parametrize("name", LINEAR)
@given(data=st.data())
def test_a_value_of_degree_one_pairs_with_its_gradient(name: str, data: st.DataObject) -> None:
    """⟨gY, A x⟩ = ⟨Aᵀ gY, x⟩ for every input x, without bias; of a maximum this is Euler's identity."""
    case, seed = generic(data, name)
    named = zip(case.operator.statement.reads, case.arrays, strict=True)
    plain = case.with_arrays(*(array for letter, array in named if letter != "B"))
    if not homogeneous(plain.operator.statement):
        return
    y = first(plain.expected)
    gy = exact_array(integers(seed, y.shape))
    derived = plain.expected_vjp(gy)
    for place, _ in inputs(plain):
        assert (gy * y).sum() == (derived[place] * plain.arrays[place]).sum()


@pytest.mark.parametrize(("name", "along"), [("conv", "W"), ("conv_transpose", "W"), ("max_pool", "X")])
@given(data=st.data())
def test_the_second_derivative_is_the_difference_quotient_of_the_gradient(
    name: str, along: str, data: st.DataObject
) -> None:
    case, seed = generic(data, name)
    gy = exact_array(integers(seed, case.sizes))
    place = case.operator.statement.reads.index(along)
    dw = exact_array(integers(seed + 1, case.arrays[place].shape))

    def moved(h: Fraction) -> np.ndarray:
        arrays = [a + h * dw if i == place else a for i, a in enumerate(case.arrays)]
        return case.with_arrays(*arrays).expected_vjp(gy)[0]

    derived = value(case.operator.hvp("X", along=along).result, case, gY=gy, **{f"d{along}": dw})
    assert (derived == slope(moved, 1)).all()


# --- teeth ----------------------------------------------------------------------------------------------------


def doubled(monkeypatch: pytest.MonkeyPatch) -> None:
    true = gradient.derivative
    monkeypatch.setattr(gradient, "derivative", lambda node, by: true(node, by) * 2)


@NAMES
def test_a_slope_that_is_doubled_is_caught_by_the_quotient(
    name: str, anew: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    doubled(monkeypatch)
    caught(test_the_derivative_along_a_tangent_is_the_difference_quotient, name)


def test_an_exchange_that_loses_the_guards_is_caught_by_the_adjoint(
    anew: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bracket that says which element is the maximum is lost: every element of the window gets the gradient."""
    true = gradient._exchanged
    monkeypatch.setattr(
        gradient,
        "_exchanged",
        lambda statement, equation, term, *rest: true(statement, equation, replace(term, guards=()), *rest),
    )
    caught(test_the_gradient_pairs_with_the_derivative, "max_pool")


@pytest.mark.parametrize("name", ["conv", "conv_transpose", "avg_pool"])
def test_an_exchange_that_counts_twice_is_caught_by_the_adjoint(
    name: str, anew: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = gradient._gathered
    monkeypatch.setattr(
        gradient, "_gathered", lambda statement, name, terms: true(statement, name, [*terms, *terms[:1]])
    )
    caught(test_the_gradient_pairs_with_the_derivative, name)


def test_a_tangent_that_counts_twice_is_caught_by_the_second_derivative(
    anew: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = gradient._tangent

    def twice(equation: Any, depends: set[str]) -> Any:
        tangent = true(equation, depends)
        return replace(tangent, terms=2 * tangent.terms)

    monkeypatch.setattr(gradient, "_tangent", twice)
    caught(test_the_second_derivative_is_the_difference_quotient_of_the_gradient, "conv", "W")


@pytest.mark.parametrize("name", ["conv", "conv_transpose", "avg_pool"])
def test_a_gradient_that_is_doubled_is_caught_by_the_pairing(
    name: str, anew: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    doubled(monkeypatch)
    caught(test_a_value_of_degree_one_pairs_with_its_gradient, name)
