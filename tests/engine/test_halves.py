"""Tensors of two-byte numbers: values and gradients rounded once an operation, sums and products taken in float32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from convmath import Tensor, functional, grad, hvp, value_and_grad
from convmath.engine import arrays
from convmath.kernels import basics, blas

pytestmark = pytest.mark.filterwarnings("error")

Make = Callable[..., np.ndarray]


@pytest.fixture(params=["float16", "bfloat16"])
def make(request: pytest.FixtureRequest) -> Make:
    """Arrays of a type of two bytes, of numbers that it has."""
    if request.param == "float16":
        dtype = np.dtype(np.float16)
    else:
        dtype = np.dtype(pytest.importorskip("ml_dtypes", reason="ml_dtypes, which has bfloat16, is missing").bfloat16)
    return made(dtype)


def made(dtype: np.dtype) -> Make:
    rng = np.random.default_rng(0)
    return lambda *shape: (rng.integers(-8, 9, shape) / np.float32(7)).astype(np.float32).astype(dtype)


def equal(found: np.ndarray, expected: np.ndarray, dtype: np.dtype) -> None:
    assert found.dtype == dtype
    np.testing.assert_array_equal(found.astype(np.float32), expected.astype(dtype).astype(np.float32))


def test_a_gradient_through_operators_is_theirs(make: Make) -> None:
    x, w = make(2, 3, 8), make(4, 3, 3)

    def loss(w: Any, x: Any) -> Any:
        return functional.relu(functional.conv(x, w)).sum()

    [gw, gx] = value_and_grad(loss, (0, 1))(w, x)[1]
    g = functional.relu.vjp(np.ones((2, 4, 6), x.dtype), functional.conv(x, w))[0]
    for found, expected in zip((gx, gw), functional.conv.vjp(g, x, w), strict=True):
        equal(found, expected, x.dtype)


def test_weights_in_float32_and_layers_in_two_bytes(make: Make) -> None:
    """Mixed precision: what `astype` narrows on the way it widens on the way back."""
    x, w = make(2, 3, 8), make(4, 3, 3).astype(np.float32)
    found = grad(lambda w: functional.conv(x, w.astype(x.dtype)).astype(np.float32).sum())(w)
    assert found.dtype == np.float32
    [_, expected] = functional.conv.vjp(np.ones((2, 4, 6), x.dtype), x, w.astype(x.dtype))
    np.testing.assert_array_equal(found, expected.astype(np.float32))


def test_sums_means_and_products_are_taken_in_float32(make: Make) -> None:
    x, y = make(300, 300), make(300, 300)
    wide, few = x.astype(np.float32), x[:150]
    with blas.alone():  # 150 rows are one product, and BLAS shares out none
        expected = few.astype(np.float32) @ y.astype(np.float32)
    equal(Tensor(x).sum(axis=0).value, wide.sum(axis=0), x.dtype)
    equal((Tensor(few) @ y).value, expected, x.dtype)
    value, slope = value_and_grad(lambda x: x.mean())(np.full_like(x, 4))
    assert (float(value), slope.dtype) == (4.0, x.dtype)  # the sum is too large for float16
    np.testing.assert_array_equal(slope, np.full_like(x, 1 / 90000))
    # a row that is added to each row has the sum over them
    equal(grad(lambda b: (x * 0 + b).sum())(x[0]), np.full(300, 300.0, np.float32), x.dtype)


def test_what_is_too_large_is_infinite_without_a_warning() -> None:
    assert Tensor(np.full(2, 60000, np.float16)).sum().value == np.inf
    assert float((Tensor(np.full(2, 300, np.float16)) @ np.full(2, 300, np.float16)).value) == np.inf


def test_second_derivatives_are_rounded_too(make: Make) -> None:
    x, w = make(1, 2, 6), make(1, 2, 3)
    [found] = hvp(lambda w: (functional.conv(x, w) ** 2).sum(), (w,), (w,))
    [exact] = hvp(lambda w: (functional.conv(x.astype("f4"), w) ** 2).sum(), (w.astype("f4"),), (w.astype("f4"),))
    assert found.dtype == x.dtype
    # each number is rounded a few times on the way
    unit = 2.0**-7 if x.dtype.name == "bfloat16" else 2.0**-10
    assert (abs(found.astype("f4") - exact) <= 8 * unit * abs(exact) + 64 * unit * abs(exact).max()).all()


@pytest.mark.parametrize("room", [arrays, basics])
def test_the_law_of_sums_sees_that_they_are_taken_in_two_bytes(room: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "half", lambda dtype: False)
    with pytest.raises((AssertionError, RuntimeWarning)):
        test_sums_means_and_products_are_taken_in_float32(made(np.dtype(np.float16)))
