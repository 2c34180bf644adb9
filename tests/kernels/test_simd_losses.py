"""The generated kernels of softmax and cross-entropy: within bounds along any axis; NaN where there is no value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.kernels import losses as definition
from convmath.kernels.order import exact_order

from ..faults import PLANTED
from .cases import caught
from .sums import EXACT, at_width, bound

pytest.importorskip("llvmlite", reason="llvmlite is not installed (the extra convmath[fast] brings it)")

from convmath.kernels.simd import losses
from convmath.kernels.simd.losses import LONG

SEED = st.integers(0, 2**16)


@st.composite
def shapes(draw: Callable[..., Any]) -> tuple[tuple[int, ...], int]:
    """Few classes and many, last or with positions behind them, few or many."""
    ndim = draw(st.integers(1, 4))
    shape = [draw(st.integers(1, 5)) for _ in range(ndim)]
    axis = draw(st.integers(0, ndim - 1))
    shape[axis] = draw(st.one_of(st.integers(1, 40), st.integers(100, 150), st.integers(LONG, LONG + 70)))
    if axis < ndim - 1:
        many = st.integers(LONG, LONG + 70) if shape[axis] <= 40 else st.nothing()
        shape[-1] = draw(st.one_of(st.integers(1, 40), many))
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
    plain=st.booleans(),
    seed=SEED,
)
def test_the_loss_of_a_softmax_and_its_gradient_stay_within_their_bounds(
    batch: int, classes: int, positions: int, dtype: str, plain: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    behind = (positions,) if positions else ()
    x = rng.standard_normal((batch, classes, *behind)).astype(dtype) * 9
    g, weight = rng.standard_normal((batch, *behind)).astype(dtype), rng.random(classes).astype(dtype)
    target, kept = rng.integers(0, classes, g.shape), rng.random(g.shape) < 0.7
    found, by_input = losses.of_softmax(x, target, *((None, None) if plain else (kept, weight)))
    if plain:
        weight, kept = np.ones_like(weight), np.ones_like(kept)
    assert found.dtype == x.dtype
    lx, each = x.astype(EXACT), weight.astype(EXACT).reshape(-1, *[1] * len(behind))
    below = lx - lx.max(1, keepdims=True)
    logarithm = np.log(np.exp(below).sum(1, keepdims=True))
    one = (np.arange(classes).reshape(each.shape) == target[:, None]).astype(EXACT)
    own = np.where(kept[:, None], each, 0) * one
    # a rounding of a difference that is taken to an exponent counts as often as it is large
    depth = 2 * classes + 30 + 2 * abs(below - logarithm)
    near(
        found,
        -(own * (below - logarithm)).sum(1),
        bound(classes + 12, dtype) * (own * (abs(below) + logarithm + 1)).sum(1),
    )
    for cotangent in (g, np.broadcast_to(g.reshape(-1)[:1].reshape([1] * g.ndim), g.shape)):
        weighed = own.sum(1, keepdims=True) * cotangent[:, None]
        exact = weighed * (np.exp(below - logarithm) - one)
        near(by_input(cotangent), exact, bound(1, dtype) * depth * abs(weighed) * (np.exp(below - logarithm) + one))


def test_a_position_that_does_not_count_is_0_whatever_stands_there() -> None:
    x, target = np.full((2, 3), np.nan, "f4"), np.zeros(2, np.int64)
    x[0] = 1
    found, _ = losses.of_softmax(x, target, np.array([True, False]), np.ones(3, "f4"))
    np.testing.assert_allclose(found, [np.log(3), 0.0], rtol=1e-6)


def same_bits(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found.view(f"u{found.itemsize}"), expected.view(f"u{found.itemsize}"))


@given(**DRAWN)
def test_within_exact_order_losses_have_the_bits_of_numpy(
    laid: tuple[tuple[int, ...], int], dtype: str, spread: float, seed: int
) -> None:
    (shape, axis), rng = laid, np.random.default_rng(seed)
    x, g = (rng.standard_normal(shape) * spread).astype(dtype), rng.standard_normal(shape).astype(dtype)
    with exact_order():
        y, z = definition.softmax(x, axis), definition.log_softmax(x, axis)
        for name, arguments in {
            "softmax": (x, axis),
            "log_softmax": (x, axis),
            "softmax_input": (g, y, axis),
            "log_softmax_input": (g, z, axis),
        }.items():
            same_bits(getattr(losses, name)(*arguments), getattr(definition, name)(*arguments))
        scores = np.ascontiguousarray(np.moveaxis(x[None], axis % x.ndim + 1, 1))
        target = rng.integers(0, scores.shape[1], (1, *scores.shape[2:]))
        kept, weight = rng.random(target.shape) < 0.7, rng.random(scores.shape[1]).astype(dtype)
        cotangent = rng.standard_normal(target.shape).astype(dtype)
        for own in ((None, None), (kept, None), (None, weight), (kept, weight)):
            found, back = losses.of_softmax(scores, target, *own)
            expected, expected_back = definition.of_softmax(scores, target, *own)
            same_bits(found, expected)
            for one in (cotangent, np.broadcast_to(cotangent.flat[0], target.shape)):
                same_bits(back(one), expected_back(one))


DIGEST = """
import hashlib
import numpy as np
from convmath.kernels.simd import losses
rng, total = np.random.default_rng(3), hashlib.sha256()
for shape in ((700, 130), (9, 21, 999), (40, 700)):
    x = rng.standard_normal(shape).astype("f4")
    y, z = losses.softmax(x, 1), losses.log_softmax(x, 1)
    target = rng.integers(0, shape[1], (shape[0], *shape[2:]))
    value, back = losses.of_softmax(x, target, target > 2, x[0].reshape(shape[1], -1)[:, 0])
    for found in (y, z, losses.softmax_input(x, y, 1), losses.log_softmax_input(x, z, 1), value, back(value)):
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


@pytest.mark.parametrize("of_value", [True, False])
def test_the_bounds_of_a_loss_see_what_is_off(of_value: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    right, much = losses.of_softmax, np.float32(1 + 1e-3)

    def off(*given: Any, **named: Any) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
        found, by_input = right(*given, **named)
        return (found * much, by_input) if of_value else (found, lambda g: by_input(g) * much)

    monkeypatch.setattr(losses, "of_softmax", off)
    with caught():
        test_the_loss_of_a_softmax_and_its_gradient_stay_within_their_bounds()


def test_the_law_of_exact_order_sees_sums_in_another_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "in_exact_order", lambda: False)
    law: Any = test_within_exact_order_losses_have_the_bits_of_numpy
    with caught():
        PLANTED(given(**DRAWN)(law.hypothesis.inner_test))()
