"""The generated activations: pieces of straight lines to the bit, the others within units of rounding."""

from __future__ import annotations

import inspect
import math
from dataclasses import replace
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.kernels import elementary
from convmath.kernels import elementwise as definition

from ..faults import PLANTED
from .cases import caught
from .sums import EXACT, at_width

pytest.importorskip("llvmlite", reason="llvmlite is not installed (the extra convmath[fast] brings it)")

from convmath.kernels.simd import elementwise, exponential
from convmath.kernels.simd.activations import ACTIVATIONS
from convmath.kernels.simd.builder import Builder, address, words
from convmath.kernels.simd.compile import kernel
from convmath.kernels.simd.host import host

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


# --- exp, log and Φ ---------------------------------------------------------------------------------------------------


@kernel("x y")
def each(k: Builder, dtype: str, name: str, fault: str) -> None:
    """The function; the fault that is there while it is made has a name, so that this code is not taken elsewhere."""

    def vector(i: Any) -> None:
        found = getattr(exponential, name)(k, k.load(k.x, i * k.bytes))
        k.store(found[0] if name == "normal" else found, k.y, i * k.bytes)

    k.loop(k.first, k.behind, k.lanes, [], vector)


def applied(name: str, x: np.ndarray, fault: str = "none") -> np.ndarray:
    x = np.concatenate([x, np.zeros(-x.size % 16, x.dtype)])
    y = np.empty_like(x)
    block = words(x, y)
    each(f"f{x.itemsize}", name, fault).call(address(block), 0, 0, x.size)
    return y


# by name: from where to where numbers are normal, for both types; the ulps they may be off; the function
FAST = {
    "exp": ((-87.3, 0.0), (-708.0, 0.0), 1, elementary.exp),
    "log1p": ((0.0, 1.0), (0.0, 1.0), 3, elementary.log1p),
    "normal": ((-12.9, 13.0), (-37.4, 38.0), 7, lambda x: elementary.erfc(x * -math.sqrt(0.5)) * 0.5),
}


# without fused products Φ has the rounding of x² to a power, where x < 0
FUSED = "+fma" in host().features.split(",") or not host().triple.startswith(("x86", "amd64", "i686"))


def allowed(name: str, ulps: int, x: np.ndarray) -> np.ndarray:
    """Ulps that each may be off."""
    return ulps + np.where((name == "normal") & (not FUSED) & (x < 0), x.astype(float) ** 2, 0.0)


def fast_is_near(name: str, seed: int, fault: str = "none") -> None:
    (low, high), _, ulps, exact = FAST[name]
    x = np.random.default_rng(seed).uniform(low, high, 4096).astype("f4")
    x[: x.size // 2] *= np.float32(2.0) ** -np.arange(x.size // 2).clip(0, 100).astype("f4")
    expected = exact(x.astype("f8"))
    off = abs(applied(name, x, fault)[: x.size] - expected)
    assert (off < allowed(name, ulps, x) * np.spacing(expected.astype("f4"))).all()


@pytest.mark.parametrize("name", FAST)
@given(seed=SEED)
def test_what_is_fast_is_near_in_float32(name: str, seed: int) -> None:
    fast_is_near(name, seed)


@pytest.mark.parametrize(("name", "ulps"), [("exp", 1), ("log1p", 3), ("normal", 16)])
def test_what_is_fast_is_near_in_float64(name: str, ulps: int) -> None:
    low, high = FAST[name][1]
    x = np.random.default_rng(7).uniform(low, high, 512)
    function = {"exp": mpmath.exp, "log1p": mpmath.log1p, "normal": mpmath.ncdf}[name]
    with mpmath.workprec(200):
        for place, y, most in zip(x, applied(name, x), allowed(name, ulps, x), strict=True):
            assert abs(mpmath.mpf(float(y)) - function(mpmath.mpf(float(place)))) < most * np.spacing(y)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_what_is_fast_has_its_limits(dtype: str) -> None:
    x = np.array([-np.inf, np.nan, 0.0, -0.0, -1e4], dtype)
    np.testing.assert_array_equal(applied("exp", x)[:5], [0.0, np.nan, 1.0, 1.0, 0.0])
    np.testing.assert_array_equal(applied("log1p", x[1:4])[:3], [np.nan, 0.0, 0.0])
    np.testing.assert_array_equal(
        applied("normal", np.array([-1000.0, 1000.0, np.nan, -0.0], dtype))[:4], [0.0, 1.0, np.nan, 0.5]
    )
    small = np.array([-87.5, -95.0, -103.0] if dtype == "f4" else [-708.5, -730.0, -745.0], dtype)
    exact = np.exp(small.astype(EXACT))
    assert (abs(applied("exp", small)[:3] - exact) <= np.spacing(exact.astype(dtype))).all()


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


@pytest.mark.parametrize("field", ["terms", "logarithm", "tail"])
def test_the_law_of_fast_functions_sees_another_polynomial(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    of = exponential.KINDS["f4"]
    first, *rest = getattr(of, field)
    changed = replace(of, **{field: (first * (1 + 2.0**-16), *rest)})
    monkeypatch.setattr(exponential, "KINDS", exponential.KINDS | {"f4": changed})
    with caught():
        fast_is_near({"terms": "exp", "logarithm": "log1p", "tail": "normal"}[field], 1, field)


def test_signatures_are_those_of_the_definition() -> None:
    for name in definition.__all__:
        assert inspect.signature(getattr(elementwise, name)) == inspect.signature(getattr(definition, name))
