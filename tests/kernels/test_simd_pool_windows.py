"""Pools of few taps, in registers: they are the definition, and have the bits of any other pool."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.kernels import patches
from convmath.kernels.order import exact_order
from convmath.kernels.taps import folded, output_sizes
from convmath.window import Window

from ..faults import PLANTED
from .cases import Laid, caught

pytest.importorskip("llvmlite", reason="llvmlite is not installed (the extra convmath[fast] brings it)")

from convmath.kernels.simd import pool, pool_windows, pooling

from .test_simd_pool_tiles import same_bits
from .test_simd_pooling import VALUES, each_is_the_definition

DTYPES = st.sampled_from(["f4", "f8"])
SEED = st.integers(0, 2**16)


@st.composite
def few(draw: Callable[..., Any]) -> Laid:
    """Windows of few taps along up to three axes, padded or not, that overlap or leave gaps."""
    room, each = pool_windows.MOST, []
    for axis in reversed(range(draw(st.integers(1, 3)))):
        k, s, d = draw(st.integers(1, min(room, 4))), draw(st.integers(1, 3)), draw(st.integers(1, 2))
        w = Window(k, s, d, draw(st.integers(0, k - 1)), draw(st.integers(0, k - 1)), draw(st.booleans()))
        count = draw(st.integers(1, 3)) if axis else draw(st.integers(8, 40))
        each.append((w, max(1, (count - 1) * s + w.span - w.before - w.after + draw(st.integers(0, s - 1)))))
        room //= k
    return tuple(window for window, _ in each), tuple(n for _, n in each)


DRAWN = {"laid": few(), "dtype": DTYPES, "seed": SEED}


def planned(laid: Laid, dtype: str) -> pool_windows.Plan | None:
    windows, sizes = laid
    sizes, windows = folded(sizes, windows)
    counts = output_sizes(windows, sizes)
    fits = 0 not in counts and pool_windows.fits(dtype, sizes, windows, counts)
    return pool_windows.Plan(dtype, sizes, windows, counts) if fits else None


@given(values=VALUES, **DRAWN)
def test_they_are_the_definition(laid: Laid, dtype: str, values: list[float], seed: int) -> None:
    each_is_the_definition(laid, dtype, values, seed)


@given(divisor=st.integers(1, 9), **DRAWN)
def test_they_have_the_bits_of_any_pool(laid: Laid, dtype: str, divisor: int, seed: int) -> None:
    """So it makes no difference which is taken, which the width of the vectors has a say in."""
    if (plan := planned(laid, dtype)) is None:
        return
    rng = np.random.default_rng(seed)
    shape = (2, 3, *plan.sizes)
    x = (rng.standard_normal(shape) * rng.choice([0.0, -0.0, 1.0, 1e6], shape)).astype(dtype)
    any_pool = pool.Plan(dtype, 6, plan.sizes, plan.windows, plan.counts)
    same_bits(pool_windows.run(plan, "sum", x), pool.run(any_pool, "sum", x))
    for over in (divisor, rng.integers(1, 9, plan.counts)):
        same_bits(pool_windows.run(plan, "sum", x, over), pool.run(any_pool, "sum", x, over))
    np.testing.assert_array_equal(pool_windows.run(plan, "max", x), pool.run(any_pool, "max", x))
    x[rng.random(shape) < 0.02] = math.nan
    for holes in (x, np.where(rng.random(shape) < 0.3, -math.inf, x)):
        for ties in ("first", "last"):
            for found, expected in zip(
                pool_windows.maxima(plan, holes, ties), pool.maxima(any_pool, holes, ties), strict=True
            ):
                np.testing.assert_array_equal(found, expected)


@given(divisor=st.integers(1, 9), **DRAWN)
def test_within_exact_order_the_bits_are_those_of_numpy(laid: Laid, dtype: str, divisor: int, seed: int) -> None:
    (windows, sizes), rng = laid, np.random.default_rng(seed)
    if 0 in output_sizes(windows, sizes):
        return
    x = (rng.standard_normal((2, 3, *sizes)) * rng.choice([0.0, -0.0, 1.0, 1e6], (2, 3, *sizes))).astype(dtype)
    with exact_order():
        for name, arguments in {"max_pool": (x, windows), "avg_pool": (x, windows, divisor)}.items():
            same_bits(getattr(pooling, name)(*arguments), getattr(patches, name)(*arguments))
        same_bits(pooling.max_pool_kept(x, windows, "first")[0], patches.max_pool(x, windows))


@pytest.mark.parametrize(
    ("window", "sizes"),
    [(Window(5), (9, 99)), (Window(3, 9), (9, 99)), (Window(2), (9, 2)), (Window(2, 1, 1, 0, 3), (9, 99))],
    ids=["many taps", "far apart", "few outputs", "windows that hold nothing"],
)
def test_others_are_left_to_other_kernels(window: Window, sizes: tuple[int, ...]) -> None:
    assert planned(((window,) * 2, sizes), "f4") is None


def test_the_common_ones_are_taken() -> None:
    kernels, _ = pooling._planned("f4", (1, 1, 112, 112), (Window(3, 2, 1, 1, 1),) * 2, True) or (None, None)
    assert kernels is pool_windows


# --- teeth ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def planned_anew() -> Iterator[None]:
    pooling._planned.cache_clear()
    yield
    pooling._planned.cache_clear()


@pytest.mark.usefixtures("planned_anew")
@pytest.mark.parametrize("law", [test_they_are_the_definition, test_they_have_the_bits_of_any_pool])
def test_the_laws_see_rows_in_another_order(law: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    right = pool_windows.Plan.starts

    def turned(plan: pool_windows.Plan, missing: int | None) -> np.ndarray:
        return np.ascontiguousarray(right(plan, missing)[::-1])

    monkeypatch.setattr(pool_windows.Plan, "starts", turned)
    drawn = DRAWN | ({"values": VALUES} if law is test_they_are_the_definition else {"divisor": st.just(3)})
    with caught():
        PLANTED(given(**drawn)(law.hypothesis.inner_test))()


@pytest.mark.usefixtures("planned_anew")
def test_the_law_sees_a_row_outside_that_is_not_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_windows.Plan, "zeros", property(lambda plan: np.ones(plan.sizes[-1], plan.dtype)))
    law: Any = test_they_have_the_bits_of_any_pool
    with caught():
        PLANTED(given(divisor=st.just(3), **DRAWN)(law.hypothesis.inner_test))()


@pytest.mark.usefixtures("planned_anew")
@pytest.mark.parametrize("law", [test_they_are_the_definition, test_they_have_the_bits_of_any_pool])
def test_the_laws_see_one_element_too_many_at_the_end_of_a_row(law: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    right = pool_windows.Plan.masks.func  # type: ignore[attr-defined]
    monkeypatch.setattr(pool_windows.Plan, "masks", property(lambda plan: right(plan) << 1 | 1))
    drawn = DRAWN | ({"values": VALUES} if law is test_they_are_the_definition else {"divisor": st.just(3)})
    with caught():
        PLANTED(given(**drawn)(law.hypothesis.inner_test))()
