"""Lowered statements on the arrays of other libraries: theirs go in, and theirs come out with the same values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from convmath import lower
from convmath.ir.exact import evaluate_rounded
from convmath.kernels.portable.library import namespace
from convmath.ops.registry import needed_by, operator

from ..libraries import Library, cupy, jax, torch

EACH = pytest.mark.parametrize("of", [torch, jax, cupy])

CALLS: dict[str, tuple[tuple[tuple[int, ...], ...], dict[str, Any]]] = {
    "conv": (((2, 4, 9, 8), (6, 2, 3, 3)), {"stride": 2, "padding": 1, "groups": 2}),
    "conv_transpose": (((2, 4, 5, 4), (4, 3, 3, 2)), {"stride": 2}),
    "max_pool": (((2, 3, 9, 8),), {"kernel_size": 3, "stride": 2, "padding": 1}),
    "relu": (((2, 3, 4, 5),), {}),
    "linear": (((3, 2, 2, 5), (4, 5)), {}),
}


def namespace_of(own: Library) -> Any:
    return namespace(own.given(np.zeros(0)), "lower")


@EACH
@pytest.mark.parametrize("name", CALLS)
def test_small_integers_have_the_same_results(name: str, of: Callable[[], Library]) -> None:
    """Floats are exact on them, so equal means equal."""
    own = of()
    shapes, numbers = CALLS[name]
    rng = np.random.default_rng(0)
    arrays = [rng.integers(-3, 4, shape).astype(np.float32) for shape in shapes]
    op, named, letters = operator(name, 2).at(arrays, numbers)
    named["gY"] = rng.integers(-3, 4, op.statement.evaluate(named, **letters).shape).astype(np.float32)
    for statement in (op.statement, *(op.vjp(t).result for t in op.statement.differentiable)):
        held = {n: array for n, array in named.items() if n in statement.reads}
        told = needed_by(statement, letters)
        right = lower.evaluate(statement, held, **told)[statement.outputs[0]]
        found = lower.evaluate(statement, {n: own.given(a) for n, a in held.items()}, namespace_of(own), **told)
        value = found[statement.outputs[0]]
        assert isinstance(value, own.array)
        assert value.dtype == own.given(arrays[0]).dtype
        np.testing.assert_array_equal(own.back(value), right)


@EACH
def test_functions_are_within_rounding(of: Callable[[], Library]) -> None:
    """erf, exp, tanh, sigmoid and softplus: either is as near to the exact value as the statement's bound says."""
    own = of()
    x = np.linspace(-4, 4, 60, dtype=np.float32).reshape(1, 1, 60)
    for name in ("gelu", "tanh", "sigmoid", "softplus", "softmax"):
        op, named, letters = operator(name, 1).at([x], {})
        right, bound = evaluate_rounded(op.statement, named, 2.0**-24, **letters)["Y"]
        value = own.back(lower.evaluate(op.statement, {"X": own.given(x)}, namespace_of(own), **letters)["Y"])
        assert (abs(value - right) <= bound).all(), name
