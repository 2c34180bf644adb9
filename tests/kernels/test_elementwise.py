"""The kernels of activations and losses: no digits are lost, and what stands at infinities, NaN and nothing."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.ir.enclosure import Enclosure
from convmath.kernels import elementwise, losses
from convmath.ops.registry import operator

from ..faults import caught

NAMES = ["elu", "gelu", "gelu_tanh", "scaled_tanh", "selu", "sigmoid", "silu", "softplus"]
CUBIC = 0.044715
SELU = {"alpha": 1.6732632423543772, "scale": 1.0507009873554805}

# how the kernels of an operator are called, and what its statement is
KERNELS: dict[str, tuple[Callable[..., Any], Callable[..., Any], dict[str, Any]]] = {
    "elu": (partial(elementwise.elu, alpha=0.5), partial(elementwise.elu_input, alpha=0.5), {"α": Fraction(1, 2)}),
    "gelu": (elementwise.gelu, elementwise.gelu_input, {}),
    "gelu_tanh": (
        partial(elementwise.gelu_tanh, cubic=CUBIC),
        partial(elementwise.gelu_tanh_input, cubic=CUBIC),
        {"approximate": "tanh", "κ": Fraction(CUBIC)},
    ),
    "scaled_tanh": (
        partial(elementwise.scaled_tanh, amplitude=2.0, slope=0.5),
        partial(elementwise.scaled_tanh_input, amplitude=2.0, slope=0.5),
        {"α": 2, "β": Fraction(1, 2)},
    ),
    "selu": (
        partial(elementwise.elu, **SELU),
        partial(elementwise.elu_input, **SELU),
        {"α": Fraction(SELU["alpha"]), "λ": Fraction(SELU["scale"])},
    ),
    "sigmoid": (elementwise.sigmoid, elementwise.sigmoid_input, {}),
    "silu": (elementwise.silu, elementwise.silu_input, {}),
    "softplus": (partial(elementwise.softplus, beta=2.0), partial(elementwise.softplus_input, beta=2.0), {"β": 2}),
}
# How many units of rounding the relative error may have. The tail of a gate is exp(-z), and each rounding on the way to
# z counts z-fold: z = x²/2 < 72 and twice that in erfc, of x/√2; z = 2u < 143 in the tanh, with 5 roundings.
UNIT = 2.0**-53
UNITS = {"gelu": 2 * 144 + 8, "gelu_tanh": 5 * 143 + 8}
# a slope that crosses 0 has an error relative to the gate that it is made of
CROSSES = {"gelu": 1.0, "gelu_tanh": 1.0, "silu": 1.0}


def exact(name: str, x: np.ndarray, of_gradient: bool) -> np.ndarray:
    """The value (or slope) by the statement, with many digits."""
    _, _, given = KERNELS[name]
    options = {key: value for key, value in given.items() if isinstance(value, str)}
    numbers = {key: value for key, value in given.items() if not isinstance(value, str)}
    op = operator(name.removesuffix("_tanh") if options else name, 0, **options)
    statement = op.vjp("X").result if of_gradient else op.statement
    arrays = {"X": x.reshape(1, -1)} | ({"gY": np.ones((1, x.size))} if of_gradient else {})
    return statement.evaluate(arrays, bits=1200, **numbers).reshape(-1)


def relative(got: float, expected: Any, at_least: float = 0.0) -> float:
    middle = (expected.low + expected.high) / 2 if isinstance(expected, Enclosure) else Fraction(expected)
    scale = max(abs(middle), Fraction(at_least))
    return 0.0 if got == middle else float(abs(Fraction(got) - middle) / scale)


# also where 1 - tanh², 1 + erf and log(1 + exp) lose everything
POINTS = st.one_of(st.floats(-12, 12), st.floats(-1e-6, 1e-6)).filter(lambda x: abs(x) > 1e-280)


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_no_digits_are_lost(name: str, data: st.DataObject) -> None:
    points = data.draw(st.lists(POINTS, min_size=1, max_size=4))
    x = np.array(points)
    value, gradient, _ = KERNELS[name]
    allowed = UNITS.get(name, 8) * UNIT
    for point, got, expected in zip(points, value(x), exact(name, x, False), strict=True):
        assert relative(got, expected) <= allowed, (point, got, expected)
    for point, got, expected in zip(points, gradient(np.ones(x.size), x), exact(name, x, True), strict=True):
        at_least = CROSSES.get(name, 0.0) * min(1.0, np.exp(min(point, 0.0)))
        assert relative(got, expected, at_least) <= allowed, (point, got, expected)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("sigmoid", lambda x: 1 - 1 / (1 + np.exp(x))),
        ("softplus", lambda x: np.log(1 + np.exp(2 * x)) / 2),
        ("gelu_tanh", lambda x: x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + CUBIC * x**3))) / 2),
        ("elu", lambda x: np.where(x > 0, x, 0.5 * (np.exp(x) - 1))),
    ],
)
def test_a_difference_of_nearly_equal_numbers_is_caught(
    name: str, plain: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KERNELS, name, (plain, *KERNELS[name][1:]))
    caught(test_no_digits_are_lost, name)


# --- infinities, NaN and nothing --------------------------------------------------------------------------------------

INF, NAN = np.inf, np.nan
# the limits of the value at -∞ and ∞, and of the slope
LIMITS = {
    "elu": ((-0.5, INF), (0, 1)),
    "gelu": ((0, INF), (0, 1)),
    "gelu_tanh": ((0, INF), (0, 1)),
    "scaled_tanh": ((-2, 2), (0, 0)),
    "selu": ((-SELU["alpha"] * SELU["scale"], INF), (0, SELU["scale"])),
    "sigmoid": ((0, 1), (0, 0)),
    "silu": ((0, INF), (0, 1)),
    "softplus": ((0, INF), (0, 1)),
}


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", NAMES)
def test_the_limits_stand_at_infinity_and_far_out(name: str, dtype: str) -> None:
    value, gradient, _ = KERNELS[name]
    of_value, of_slope = LIMITS[name]
    far = np.finfo(dtype).max / 4
    for low, high in ((-INF, INF), (-far, far)):
        x = np.array([low, high], dtype)
        expected = [limit if np.isfinite(limit) else high for limit in of_value]
        if name == "selu" and np.isfinite(high):
            expected[1] = SELU["scale"] * high
        np.testing.assert_allclose(value(x), np.array(expected, dtype), rtol=1e-6)
        np.testing.assert_allclose(gradient(np.ones(2, dtype), x), np.array(of_slope, dtype), rtol=1e-6)


@pytest.mark.parametrize("name", [*NAMES, "relu", "relu6", "hardswish"])
def test_nan_stays_and_types_stay_and_nothing_is_nothing(name: str) -> None:
    value = KERNELS[name][0] if name in KERNELS else getattr(elementwise, name)
    gradient = KERNELS[name][1] if name in KERNELS else getattr(elementwise, f"{name}_input")
    assert np.isnan(value(np.array([NAN, 1.0]))).tolist() == [True, False]
    for dtype in ("f4", "f8"):
        for shape in ((0,), (2, 0, 3), ()):
            x = np.zeros(shape, dtype)
            for found in (value(x), gradient(np.ones(shape, dtype), x)):
                assert np.shape(found) == shape
                assert found.dtype == dtype


def test_a_piece_that_is_flat_passes_nothing_on_not_even_infinity() -> None:
    gy = np.array([INF, NAN, -INF])
    for kernel in (elementwise.relu_input, elementwise.relu6_input, elementwise.hardswish_input):
        np.testing.assert_array_equal(kernel(gy, np.full(3, -INF)), np.zeros(3))


# --- softmax ----------------------------------------------------------------------------------------------------------


def test_a_softmax_of_large_numbers_is_that_of_their_differences() -> None:
    x = np.array([[0.0, 1.0, 2.0]])
    for shift in (-1e5, 1e5, 1e300):
        np.testing.assert_allclose(losses.softmax(x + shift, 1), losses.softmax(x + shift - shift, 1), rtol=1e-15)
    np.testing.assert_allclose(losses.log_softmax(np.array([[0.0, -1e4]]), 1), [[0.0, -1e4]])
    np.testing.assert_array_equal(losses.softmax(np.array([[0.0, -INF]]), 1), [[1.0, 0.0]])


def test_a_softmax_over_nothing_is_nothing() -> None:
    for kernel in (losses.softmax, losses.log_softmax):
        assert kernel(np.zeros((2, 0)), 1).shape == (2, 0)
        assert kernel(np.zeros((0, 2)), 1).shape == (0, 2)
