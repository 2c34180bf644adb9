"""The generated activations: pieces of straight lines to the bit, the others within units of rounding."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.kernels import elementwise as definition

from ..faults import PLANTED
from .cases import caught
from .sums import EXACT, at_width

pytest.importorskip("llvmlite", reason="llvmlite is not installed (the extra convmath[fast] brings it)")

from convmath.kernels.simd import elementwise, exponential
from convmath.kernels.simd.activations import ACTIVATIONS
from convmath.kernels.simd.builder import Builder, words
from convmath.kernels.simd.compile import kernel

DTYPES = st.sampled_from(["f4", "f8"])
SEED = st.integers(0, 2**16)
LINES = {"relu": {}, "relu6": {}, "prelu": {"slope": 0.25}, "hardswish": {}}
CURVES = {
    "elu": {"alpha": 0.5, "scale": 2.0},
    "softplus": {"beta": 2.0, "threshold": None},
    "sigmoid": {},
    "scaled_tanh": {"amplitude": 2.0, "slope": 0.5},
    "silu": {},
    "gelu": {},
    "gelu_tanh": {"cubic": 0.044715},
}
SPECIAL = [-np.inf, np.inf, np.nan, 0.0, -0.0, 3.0, -3.0, 6.0, 1e-30, -1e-30, 1e30, -1e30, 88.0, -88.0, -104.0, -746.0]
# How many units of rounding a value and a slope may be off, relative to the size of what they are made of. A rounding
# on the way to an exponent z counts |z|-fold; all are 0 before |z| = 150 in float32, and 1500 in float64.
UNITS = 16


def drawn(dtype: str, size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = np.concatenate([SPECIAL, rng.standard_normal(size) * 10.0 ** rng.integers(-3, 3, size)]).astype(dtype)
    return x, rng.integers(-4, 5, x.size).astype(dtype)


def test_every_activation_is_here() -> None:
    """Those of the definition are all generated, or say that they are not."""
    assert set(LINES) | set(CURVES) == set(ACTIVATIONS)
    for name in definition.__all__:
        assert callable(getattr(elementwise, name))


@pytest.mark.parametrize("name", LINES)
@given(dtype=DTYPES, size=st.integers(0, 70), seed=SEED)
def test_pieces_of_straight_lines_are_the_same_to_the_bit(name: str, dtype: str, size: int, seed: int) -> None:
    x, g = drawn(dtype, size, seed)
    with np.errstate(invalid="ignore"):
        for suffix, arrays in (("", (x,)), ("_input", (g, x))):
            found, expected = (getattr(m, name + suffix)(*arrays, **LINES[name]) for m in (elementwise, definition))
            np.testing.assert_array_equal(found, expected, strict=True)


def curve_is_near(name: str, dtype: str, size: int, seed: int) -> None:
    x, g = drawn(dtype, size, seed)
    unit, far = np.finfo(dtype).eps / 2, 150 if dtype == "f4" else 1500
    with np.errstate(all="ignore"):
        for suffix, arrays in (("", (x,)), ("_input", (g, x))):
            found = getattr(elementwise, name + suffix)(*arrays, **CURVES[name])
            exact = getattr(definition, name + suffix)(*(a.astype(float) for a in arrays), **CURVES[name])
            if dtype == "f8":  # the definition is rounded too
                np.testing.assert_array_equal(np.isnan(found), np.isnan(exact))
            depth = UNITS * (2 + np.minimum(x.astype(float) ** 2, far))
            made_of = abs(exact) + (abs(g) * np.exp(-np.minimum(x.astype(float) ** 2, far) / 2) if suffix else 0)
            least = UNITS * (1 + np.minimum(abs(x.astype(float)), far)) * np.finfo(dtype).tiny
            right = (
                (found == exact)
                | (np.isnan(found) & np.isnan(exact))
                | (abs(found - exact) <= unit * depth * made_of + least)
            )
            assert found.dtype == x.dtype
            assert right.all(), (x[~right][:3], found[~right][:3], exact[~right][:3])


@pytest.mark.parametrize("name", CURVES)
@given(dtype=DTYPES, size=st.integers(0, 70), seed=SEED)
def test_curves_stay_within_units_of_rounding(name: str, dtype: str, size: int, seed: int) -> None:
    curve_is_near(name, dtype, size, seed)


@given(slope=st.floats(-2, 2), seed=SEED)
def test_what_has_no_kernel_is_computed_all_the_same(slope: float, seed: int) -> None:
    """Slopes that are an array, integers, and a cotangent of another type."""
    x, g = drawn("f4", 20, seed)
    slopes = np.full_like(x, slope)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(elementwise.prelu(x, slopes), definition.prelu(x, slopes))
        np.testing.assert_array_equal(elementwise.relu(np.arange(-3, 4)), [0, 0, 0, 0, 1, 2, 3])
        found = elementwise.relu_input(g.astype("f8"), x)
    np.testing.assert_array_equal(found, definition.relu_input(g.astype("f8"), x), strict=True)


# --- exp --------------------------------------------------------------------------------------------------------------


@kernel("x y")
def exp(k: Builder, dtype: str) -> None:
    def vector(i: Any) -> None:
        k.store(exponential.exp(k, k.load(k.x, i * k.bytes)), k.y, i * k.bytes)

    k.loop(k.first, k.behind, k.lanes, [], vector)


@given(dtype=DTYPES, seed=SEED)
def test_exp_is_less_than_one_ulp_off(dtype: str, seed: int) -> None:
    low, high = (-87.3, 88.7) if dtype == "f4" else (-708.0, 709.7)
    x = np.random.default_rng(seed).uniform(low, high, 4096).astype(dtype)
    y = np.empty_like(x)
    exp(dtype).call(words(x, y).ctypes.data, 0, 0, x.size)
    exact = np.exp(x.astype(EXACT))
    assert (abs(y - exact) < np.spacing(exact.astype(dtype))).all()


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_exp_has_its_limits(dtype: str) -> None:
    x = np.array([-np.inf, np.inf, np.nan, 0.0, -0.0, 1e4, -1e4, *[0.0] * 25], dtype)
    y = np.empty_like(x)
    exp(dtype).call(words(x, y).ctypes.data, 0, 0, x.size)
    np.testing.assert_array_equal(y[:7], [0.0, np.inf, np.nan, 1.0, 1.0, np.inf, 0.0])
    small = np.array([-87.5, -95.0, -103.0] if dtype == "f4" else [-708.5, -730.0, -745.0], dtype)
    x[:3] = small
    exp(dtype).call(words(x, y).ctypes.data, 0, 0, x.size)
    exact = np.exp(small.astype(EXACT))
    assert (abs(y[:3] - exact) <= np.spacing(exact.astype(dtype))).all()


DIGEST = """
import hashlib
import numpy as np
from convmath.kernels.simd import elementwise
x, total = np.random.default_rng(3).standard_normal(200001), hashlib.sha256()
for dtype in ("f4", "f8"):
    for name in ("relu", "hardswish", "sigmoid", "gelu"):
        total.update(getattr(elementwise, name)(x.astype(dtype)).tobytes())
print(total.hexdigest())
"""


def test_the_bits_do_not_depend_on_threads_and_vectors() -> None:
    assert len({at_width(width, threads, DIGEST) for width, threads in ((64, 1), (64, 3), (32, 1))}) == 1


# --- teeth ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("law", "name"),
    [
        (test_pieces_of_straight_lines_are_the_same_to_the_bit, "prelu"),
        (test_curves_stay_within_units_of_rounding, "elu"),
    ],
)
def test_the_laws_see_other_numbers(law: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = elementwise._run
    monkeypatch.setattr(elementwise, "_run", lambda name, x, g, fixed: right(name, x, g, [1.01 * f for f in fixed]))

    def planted(dtype: str, size: int, seed: int) -> None:
        law.hypothesis.inner_test(name, dtype, size, seed)

    with caught():
        PLANTED(given(dtype=DTYPES, size=st.integers(0, 70), seed=SEED)(planted))()


def test_the_law_of_curves_sees_a_lost_digit(monkeypatch: pytest.MonkeyPatch) -> None:
    right = elementwise._run
    monkeypatch.setattr(elementwise, "_run", lambda *given: right(*given) * np.float32(1 + 2e-5))
    with caught():
        curve_is_near("sigmoid", "f4", 50, 1)


def test_signatures_are_those_of_the_definition() -> None:
    for name in definition.__all__:
        assert inspect.signature(getattr(elementwise, name)) == inspect.signature(getattr(definition, name))
