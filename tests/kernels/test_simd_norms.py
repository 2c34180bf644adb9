"""The generated kernels of normalisation: statistics and gradients within their bounds, whatever the sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from convmath.kernels import norms as definition
from convmath.kernels.norms import Layout

from ..faults import PLANTED
from .cases import caught
from .sums import EXACT, at_width, bound, wide

pytest.importorskip("llvmlite", reason="llvmlite is not installed (the extra convmath[fast] brings it)")

from convmath.kernels.simd import norms
from convmath.kernels.simd.norms import CHUNK, SUMMED

SEED = st.integers(0, 2**16)
EPS = 2.0**-10


@st.composite
def layouts(draw: Callable[..., Any]) -> Layout:
    """Of batch, group, instance and layer normalisation; rows shorter than a vector, of several, and of chunks."""
    a, b, c = (draw(st.integers(1, 4)) for _ in range(3))
    length = draw(st.one_of(st.integers(1, 80), st.integers(CHUNK - 1, CHUNK + 90)))
    return draw(
        st.sampled_from(
            [
                Layout((a, b, 1, length), (0, 2, 3), (1,)),
                Layout((a, b, c, length), (2, 3), (1, 2)),
                Layout((a, b, 1, length), (3,), (1,)),
                Layout((a * b * 40, 1, 1, min(length, 200)), (3,), (3,)),
            ]
        )
    )


DRAWN = {
    "layout": layouts(),
    "dtype": st.sampled_from(["f4", "f8"]),
    "weights": st.sampled_from(["both", "weight", "bias", "none"]),
    "seed": SEED,
}


def operands(layout: Layout, dtype: str, weights: str, seed: int) -> tuple[np.ndarray, ...]:
    """x, gy, and weight and bias as far as they come."""
    rng = np.random.default_rng(seed)
    x, gy = (wide(rng, layout.shape, dtype) for _ in range(2))
    x = (x / 1e4 + rng.choice([0, 1, 1e4])).astype(dtype)
    sizes = int(np.prod([layout.shape[axis] for axis in layout.affine]))
    w, b = rng.standard_normal((2, sizes)).astype(dtype)
    return x, gy, w if weights in ("both", "weight") else None, b if weights in ("both", "bias") else None


def long(*arrays: np.ndarray | None) -> list[Any]:
    return [None if a is None else a.astype(EXACT) for a in arrays]


def roundings(layout: Layout) -> int:
    """Sums that an element goes through, in its type or in float64."""
    rows = layout.shape[0] if layout.across else max(layout.shape[2], layout.shape[0])
    return SUMMED + rows * -(-layout.shape[3] // CHUNK) + rows


def near(found: np.ndarray, exact: np.ndarray, size: np.ndarray, n: int, what: str) -> None:
    assert found.shape == exact.shape, what
    tiny = n * np.finfo(found.dtype).tiny
    assert (abs(found - exact) <= bound(n, found.dtype) * size + tiny).all(), what


@example(layout=Layout((2, 2, 1, 1), (0, 2, 3), (1,)), dtype="f4", weights="both", seed=0)
@given(**DRAWN)
def test_statistics_and_values_stay_within_their_bounds(layout: Layout, dtype: str, weights: str, seed: int) -> None:
    x, _, w, b = operands(layout, dtype, weights, seed)
    y, mean, variance = norms.normalised(x, layout, EPS, w, b)
    assert {y.dtype, mean.dtype, variance.dtype} == {x.dtype}
    n, (lx, lw, lb, lmean, lvariance) = roundings(layout), long(x, w, b, mean, variance)
    exact_mean, exact_variance = definition.statistics(lx, layout)
    near(mean, exact_mean, abs(lx.reshape(layout.shape)).mean(layout.over, keepdims=True), n + 2, "mean")
    squares = exact_variance + (lmean - exact_mean) ** 2
    near(variance, exact_variance, 3 * squares, n + 6, "variance")
    # by the statistics that came out
    exact = definition.standardised(lx, layout, lmean, lvariance, EPS, lw, lb)
    parts = definition.standardised(lx, layout, lmean, lvariance, EPS, lw, None)
    size = abs(parts) + (0 if lb is None else abs(layout.wide(lb)))
    near(y, exact, size, 8, "value")
    near(norms.standardised(x, layout, mean, variance, EPS, w, b), exact, size, 8, "value by given statistics")
    np.testing.assert_array_equal(norms.statistics(x, layout)[1], variance)


@given(**DRAWN)
def test_gradients_stay_within_their_bounds(layout: Layout, dtype: str, weights: str, seed: int) -> None:
    x, gy, w, b = operands(layout, dtype, weights, seed)
    mean, variance = norms.statistics(x, layout)
    n = roundings(layout) + 16
    lx, lg, lw, lb, lmean, lvariance = long(x, gy, w, b, mean, variance)
    given = lx, layout, lmean, lvariance, EPS
    z, g = abs(definition.standardised(*given, None, None)), abs(lg)
    deviation = np.sqrt(lvariance + EPS)
    gz = g if lw is None else g * abs(layout.wide(lw))
    size = gz + gz.mean(layout.over, keepdims=True) + z * (gz * z).mean(layout.over, keepdims=True)
    found = norms.gradients(gy, x, layout, mean, variance, EPS, w, b)
    exact = definition.gradients(lg, *given, lw, lb)
    near(found[0], exact[0], size / deviation, n, "X")
    each = [
        (w, lambda: layout.summed(g * z, w)),
        (b, lambda: layout.summed(g, b)),
    ]
    for place, (parameter, total) in enumerate(each, 1):
        assert (found[place] is None) == (parameter is None)
        if parameter is not None:
            near(found[place], exact[place], total(), n, f"parameter {place}")
    fixed = norms.gradients(gy, x, layout, mean, variance, EPS, w, b, fixed=True)
    exact = definition.gradients(lg, *given, lw, lb, fixed=True)
    near(fixed[0], exact[0], gz / deviation, n, "X, statistics fixed")
    near(fixed[3], exact[3], (gz / deviation).sum(layout.over, keepdims=True), n, "mean")
    near(fixed[4], exact[4], (gz * z / deviation**2).sum(layout.over, keepdims=True), n, "variance")


@given(layout=layouts(), dtype=st.sampled_from(["f4", "f8"]), seed=SEED)
def test_equal_elements_have_no_negative_variance(layout: Layout, dtype: str, seed: int) -> None:
    x = np.full(layout.shape, np.random.default_rng(seed).standard_normal(), dtype)
    for kernels in (norms, definition):
        mean, variance = kernels.statistics(x, layout)
        assert (variance >= 0).all()
        assert (abs(variance) <= (2 * bound(roundings(layout), x.dtype) * mean) ** 2).all()


@given(layout=layouts(), dtype=st.sampled_from(["f4", "f8"]), seed=SEED)
def test_sums_of_small_integers_are_exact(layout: Layout, dtype: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(-8, 9, layout.shape).astype(dtype)
    mean, _ = norms.statistics(x, layout)
    exact = x.astype(float).sum(layout.over, keepdims=True)
    np.testing.assert_array_equal(mean, (exact / layout.members).astype(dtype))
    b = np.zeros(int(np.prod([layout.shape[axis] for axis in layout.affine])), dtype)
    gb = norms.gradients(x, x, layout, mean, np.ones_like(mean), EPS, None, b)[2]
    np.testing.assert_array_equal(gb, layout.summed(x.astype(float), b))


def test_what_is_constant_has_no_variance() -> None:
    x = np.full((3, 2, 1, 500), 1234.567, "f4")
    _, variance = norms.statistics(x, Layout(x.shape, (0, 2, 3), (1,)))
    assert (variance <= np.float32(1e-12) * 1234.567**2).all()


@pytest.mark.parametrize("rows", [1, 3])
def test_the_variance_is_right_where_the_sample_is_unlike_the_rest(rows: int) -> None:
    """What lies in the middle of a row says nothing of the mean."""
    x = 1000 + np.random.default_rng(0).standard_normal((rows, 1, 1, 2**16)).astype("f4")
    x[..., 2**15 - CHUNK : 2**15 + CHUNK] -= 1000
    layout = Layout(x.shape, (0, 2, 3), (1,))
    exact = definition.statistics(x.astype(EXACT), layout)[1]
    near(norms.statistics(x, layout)[1], exact, 3 * exact, SUMMED + 8, "variance")


def test_a_group_with_nan_is_nan_and_no_other_is() -> None:
    x = np.random.default_rng(0).standard_normal((3, 2, 1, 50)).astype("f4")
    x[1, 0, 0, 7] = np.nan
    y, mean, _ = norms.normalised(x, Layout(x.shape, (0, 2, 3), (1,)), EPS, None, None)
    np.testing.assert_array_equal(np.isnan(y[:, :, 0, 0]), [[True, False]] * 3)
    assert np.isnan(mean.ravel()).tolist() == [True, False]


@given(layout=layouts(), seed=SEED)
def test_other_types_are_taken_too(layout: Layout, seed: int) -> None:
    """A cotangent of another type than the input."""
    x, gy, w, b = operands(layout, "f4", "both", seed)
    given = x, layout, *definition.statistics(x, layout), EPS, w, b
    found, expected = norms.gradients(gy.astype(float), *given), definition.gradients(gy.astype(float), *given)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


DIGEST = """
import hashlib
import numpy as np
from convmath.kernels.norms import Layout
from convmath.kernels.simd import norms
rng, total = np.random.default_rng(3), hashlib.sha256()
for layout in (Layout((9, 7, 1, 1500), (0, 2, 3), (1,)), Layout((6, 4, 5, 300), (2, 3), (1, 2)),
               Layout((900, 1, 1, 130), (3,), (3,))):
    x, g = rng.standard_normal((2, *layout.shape)).astype("f4")
    w = rng.standard_normal(int(np.prod([layout.shape[axis] for axis in layout.affine]))).astype("f4")
    y, mean, variance = norms.normalised(x, layout, 1e-5, w, w)
    for found in (y, mean, variance, *norms.gradients(g, x, layout, mean, variance, 1e-5, w, w)):
        total.update(found.tobytes())
print(total.hexdigest())
"""


@pytest.mark.parametrize("width", [16, 32, 64])
def test_the_bits_do_not_depend_on_threads(width: int) -> None:
    assert len({at_width(width, threads, DIGEST) for threads in (1, 2, 3)}) == 1


# --- teeth ------------------------------------------------------------------------------------------------------------


def fails(law: Any) -> None:
    with caught():
        PLANTED(given(**DRAWN)(law.hypothesis.inner_test))()


def test_the_bounds_see_a_group_that_is_not_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    right = norms.shape_words

    def shifted(layout: Layout, itemsize: int) -> tuple[int, ...]:
        rows, length, far, *rest = right(layout, itemsize)
        return rows, length, 0 if layout.shape[1] > 1 else far, *rest

    monkeypatch.setattr(norms, "shape_words", shifted)
    fails(test_statistics_and_values_stay_within_their_bounds)


def test_the_bounds_see_an_epsilon_that_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    right = norms._reals
    monkeypatch.setattr(norms, "_reals", lambda layout, eps: right(layout, 0.0))
    fails(test_gradients_stay_within_their_bounds)
