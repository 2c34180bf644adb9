"""The generated kernels of softmax and cross-entropy: within bounds along any axis; NaN where there is no value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.kernels import losses as definition

from ..faults import PLANTED
from .cases import caught
from .sums import EXACT, at_width, bound

pytest.importorskip("llvmlite", reason="llvmlite is not installed (the extra convmath[fast] brings it)")

from convmath.kernels.simd import losses

SEED = st.integers(0, 2**16)


@st.composite
def shapes(draw: Callable[..., Any]) -> tuple[tuple[int, ...], int]:
    """Few classes and many, last or with positions behind them."""
    ndim = draw(st.integers(1, 4))
    shape = [draw(st.integers(1, 5)) for _ in range(ndim)]
    axis = draw(st.integers(0, ndim - 1))
    shape[axis] = draw(st.one_of(st.integers(1, 40), st.integers(100, 150)))
    if axis < ndim - 1:
        shape[-1] = draw(st.integers(1, 40))
    return tuple(shape), draw(st.sampled_from([axis, axis - ndim]))


DRAWN = {
    "laid": shapes(),
    "dtype": st.sampled_from(["f4", "f8"]),
    "spread": st.sampled_from([0.0, 3.0, 90.0, 900.0]),
    "seed": SEED,
}


def near(found: np.ndarray, exact: np.ndarray, allowed: np.ndarray) -> None:
    assert found.shape == exact.shape
    assert (abs(found - exact) <= allowed + 8 * np.finfo(found.dtype).tiny).all()


@given(**DRAWN)
def test_softmax_and_its_gradient_stay_within_their_bounds(
    laid: tuple[tuple[int, ...], int], dtype: str, spread: float, seed: int
) -> None:
    """An exponent z is rounded, which counts |z|-fold; exp, the sum and the quotient are rounded too."""
    (shape, axis), rng = laid, np.random.default_rng(seed)
    x, g = (rng.standard_normal(shape) * spread).astype(dtype), rng.standard_normal(shape).astype(dtype)
    n = shape[axis] + 8
    exact, depth = definition.softmax(x.astype(EXACT), axis), x.max(axis, keepdims=True) - x.astype(EXACT)
    y = losses.softmax(x, axis)
    assert y.dtype == x.dtype
    near(y, exact, bound(n, dtype) * exact * (2 + depth) + bound(n, dtype) * exact)
    z, logarithms = losses.log_softmax(x, axis), definition.log_softmax(x.astype(EXACT), axis)
    near(z, logarithms, bound(n, dtype) * (abs(logarithms) + depth + np.log(n)))
    ly, lz, lg = y.astype(EXACT), z.astype(EXACT), g.astype(EXACT)
    size = ly * (abs(lg) + (abs(lg) * ly).sum(axis, keepdims=True))
    near(losses.softmax_input(g, y, axis), definition.softmax_input(lg, ly, axis), bound(n, dtype) * size)
    size = abs(lg) + np.exp(lz) * abs(lg).sum(axis, keepdims=True)
    near(losses.log_softmax_input(g, z, axis), definition.log_softmax_input(lg, lz, axis), bound(n, dtype) * size)


@given(laid=shapes(), dtype=st.sampled_from(["f4", "f8"]), seed=SEED)
def test_where_there_is_no_value_there_is_none(laid: tuple[tuple[int, ...], int], dtype: str, seed: int) -> None:
    (shape, axis), rng = laid, np.random.default_rng(seed)
    x = rng.choice([0.0, 1.0, -np.inf, np.inf, np.nan], shape, p=[0.4, 0.4, 0.1, 0.05, 0.05]).astype(dtype)
    with np.errstate(invalid="ignore"):
        for name in ("softmax", "log_softmax"):
            found, expected = (getattr(kernels, name)(x, axis) for kernels in (losses, definition))
            np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
            np.testing.assert_array_equal(np.isinf(found), np.isinf(expected))


@given(
    batch=st.integers(1, 40),
    classes=st.integers(1, 40),
    positions=st.integers(0, 20),
    dtype=st.sampled_from(["f4", "f8"]),
    smoothing=st.sampled_from([0.0, 0.0, 0.25]),
    seed=SEED,
)
def test_the_gradient_of_a_loss_by_class_stays_within_its_bound(
    batch: int, classes: int, positions: int, dtype: str, smoothing: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    behind = (positions,) if positions else ()
    z = definition.log_softmax(rng.standard_normal((batch, classes, *behind)).astype(dtype) * 9, 1)
    g, weight = rng.standard_normal((batch, *behind)).astype(dtype), rng.random(classes).astype(dtype)
    target, kept = rng.integers(0, classes, g.shape), rng.random(g.shape) < 0.7
    found = losses.by_class_input(g, z, target, kept, weight, smoothing)
    assert found.dtype == z.dtype
    lz, each = z.astype(EXACT), weight.astype(EXACT).reshape(-1, *[1] * len(behind))
    one = (np.arange(classes).reshape(each.shape) == target[:, None]).astype(EXACT)
    gz = -np.where(kept, g, 0)[:, None] * each * ((1 - smoothing) * one + smoothing / classes)
    exact = gz - np.exp(lz) * gz.sum(1, keepdims=True)
    size = (np.where(kept, abs(g), 0) * weight.max())[:, None] * (1 + np.exp(lz)) * 2
    # the probabilities of Z sum to 1 but for its rounding
    near(found, exact, bound(2 * classes + 30, dtype) * size)


DIGEST = """
import hashlib
import numpy as np
from convmath.kernels.simd import losses
rng, total = np.random.default_rng(3), hashlib.sha256()
for shape in ((700, 130), (9, 21, 999)):
    x = rng.standard_normal(shape).astype("f4")
    y, z = losses.softmax(x, 1), losses.log_softmax(x, 1)
    for found in (y, z, losses.softmax_input(x, y, 1), losses.log_softmax_input(x, z, 1)):
        total.update(found.tobytes())
print(total.hexdigest())
"""


@pytest.mark.parametrize("width", [16, 32, 64])
def test_the_bits_do_not_depend_on_threads(width: int) -> None:
    assert len({at_width(width, threads, DIGEST) for threads in (1, 3)}) == 1


# --- teeth ------------------------------------------------------------------------------------------------------------


def test_the_bounds_see_another_axis(monkeypatch: pytest.MonkeyPatch) -> None:
    right = losses._shape

    def shifted(array: np.ndarray, axis: int) -> tuple[int, int, int] | None:
        found = right(array, axis)
        return found and (found[2], found[1], found[0]) if found and found[0] > 4 and found[2] > 4 else found

    monkeypatch.setattr(losses, "_shape", shifted)
    with caught():
        PLANTED(given(**DRAWN)(test_softmax_and_its_gradient_stay_within_their_bounds.hypothesis.inner_test))()


def test_the_bound_of_a_loss_sees_probabilities_that_are_off(monkeypatch: pytest.MonkeyPatch) -> None:
    right = losses._run
    monkeypatch.setattr(losses, "_run", lambda *given: right(*given) * np.float32(1 + 1e-3))
    with caught():
        test_the_gradient_of_a_loss_by_class_stays_within_its_bound()
