"""Lowered statements on the arrays of other libraries: theirs go in, and theirs come out with the same values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convmath import lower
from convmath.ir.exact import evaluate_rounded
from convmath.ops.registry import needed_by, operator


def of_torch() -> tuple[Any, Any]:
    torch = pytest.importorskip("torch", reason="torch is missing")
    namespace = pytest.importorskip("array_api_compat.torch", reason="array-api-compat (extra interop) is missing")
    return namespace, torch.as_tensor


def of_jax() -> tuple[Any, Any]:
    namespace = pytest.importorskip("jax.numpy", reason="jax is missing")
    return namespace, namespace.asarray


CALLS: dict[str, tuple[tuple[tuple[int, ...], ...], dict[str, Any]]] = {
    "conv": (((2, 4, 9, 8), (6, 2, 3, 3)), {"stride": 2, "padding": 1, "groups": 2}),
    "conv_transpose": (((2, 4, 5, 4), (4, 3, 3, 2)), {"stride": 2}),
    "max_pool": (((2, 3, 9, 8),), {"kernel_size": 3, "stride": 2, "padding": 1}),
    "relu": (((2, 3, 4, 5),), {}),
    "linear": (((3, 2, 2, 5), (4, 5)), {}),
}


@pytest.mark.parametrize("library", [of_torch, of_jax])
@pytest.mark.parametrize("name", CALLS)
def test_small_integers_have_the_same_results(name: str, library: Any) -> None:
    """Floats are exact on them, so equal means equal."""
    namespace, given = library()
    shapes, numbers = CALLS[name]
    rng = np.random.default_rng(0)
    arrays = [rng.integers(-3, 4, shape).astype(np.float32) for shape in shapes]
    op, named, letters = operator(name, 2).at(arrays, numbers)
    named["gY"] = rng.integers(-3, 4, op.statement.evaluate(named, **letters).shape).astype(np.float32)
    for statement in (op.statement, *(op.vjp(t).result for t in op.statement.differentiable)):
        own = {n: array for n, array in named.items() if n in statement.reads}
        told = needed_by(statement, letters)
        right = lower.evaluate(statement, own, **told)[statement.outputs[0]]
        found = lower.evaluate(statement, {n: given(a) for n, a in own.items()}, namespace, **told)
        value = found[statement.outputs[0]]
        assert type(value) is type(given(arrays[0]))
        assert value.dtype == given(arrays[0]).dtype
        np.testing.assert_array_equal(np.asarray(value), right)


@pytest.mark.parametrize("library", [of_torch, of_jax])
def test_functions_are_within_rounding(library: Any) -> None:
    """erf, exp, tanh, sigmoid and softplus: either is as near to the exact value as the statement's bound says."""
    namespace, given = library()
    x = np.linspace(-4, 4, 60, dtype=np.float32).reshape(1, 1, 60)
    for name in ("gelu", "tanh", "sigmoid", "softplus", "softmax"):
        op, named, letters = operator(name, 1).at([x], {})
        right, bound = evaluate_rounded(op.statement, named, 2.0**-24, **letters)["Y"]
        value = np.asarray(lower.evaluate(op.statement, {"X": given(x)}, namespace, **letters)["Y"])
        assert (abs(value - right) <= bound).all(), name
