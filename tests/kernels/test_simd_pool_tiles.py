"""Pools whose windows are tiles: they are the definition, and have the bits of any other pool."""

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
from convmath.kernels.taps import output_sizes
from convmath.window import Window

from ..faults import PLANTED
from .cases import Laid, caught, made_anew

pytest.importorskip("llvmlite", reason="llvmlite is not installed (the extra convmath[fast] brings it)")

from convmath.kernels.simd import pool, pool_input, pool_tiles, pooling
from convmath.kernels.simd.host import host
from convmath.kernels.simd.words import words

from .test_simd_pooling import VALUES, each_is_the_definition

DTYPES = st.sampled_from(["f4", "f8"])
SEED = st.integers(0, 2**16)


@st.composite
def tiles(draw: Callable[..., Any]) -> Laid:
    """Tiles of few elements along up to three axes, with elements left over or none."""
    room, each = pool_tiles.MOST, []
    for axis in reversed(range(draw(st.integers(1, 3)))):
        k = draw(st.integers(1, min(room, 4)))
        # rows of few outputs, as few as there are kernels for, share a vector
        few = st.integers(max(1, host().vector // 16), 7)
        count = draw(st.integers(1, 3)) if axis else draw(few | st.integers(8, 40))
        each.append((Window(k, k), k * count + draw(st.integers(0, k - 1))))
        room //= k
    return tuple(window for window, _ in each), tuple(n for _, n in each)


DRAWN = {"laid": tiles(), "dtype": DTYPES, "seed": SEED}


def planned(laid: Laid, dtype: str) -> pool_tiles.Plan:
    windows, sizes = laid
    found = pooling._planned(dtype, (1, 1, *sizes), windows, True)
    assert found is not None
    assert found[0] is pool_tiles
    return found[1]


@given(values=VALUES, **DRAWN)
def test_tiles_are_the_definition(laid: Laid, dtype: str, values: list[float], seed: int) -> None:
    planned(laid, dtype)
    each_is_the_definition(laid, dtype, values, seed)


def numbers(laid: Laid, dtype: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Of every size, and zeros of both signs."""
    rng = np.random.default_rng(seed)
    shapes = (2, 3, *laid[1]), (2, 3, *output_sizes(*laid))
    x, gy = ((rng.standard_normal(s) * rng.choice([0.0, -0.0, 1.0, 1e6], s)).astype(dtype) for s in shapes)
    return x, gy


def same_bits(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found.view(f"u{found.itemsize}"), expected.view(f"u{found.itemsize}"))


@given(divisor=st.integers(1, 9), **DRAWN)
def test_sums_have_the_bits_of_any_pool(laid: Laid, dtype: str, divisor: int, seed: int) -> None:
    """So it makes no difference which is taken, which the width of the vectors has a say in."""
    (windows, sizes), (x, gy), plan = laid, numbers(laid, dtype, seed), planned(laid, dtype)
    any_pool = pool.Plan(dtype, math.prod(x.shape[:2]), sizes, windows, plan.counts)
    back = pool_input.Plan(dtype, sizes, windows, plan.counts)
    each = np.random.default_rng(seed).integers(1, 9, plan.counts)
    same_bits(pool_tiles.run(plan, "sum", x), pool.run(any_pool, "sum", x))
    for over in (divisor, each):
        same_bits(pool_tiles.run(plan, "sum", x, over), pool.run(any_pool, "sum", x, over))
        same_bits(pool_tiles.spread_sum(plan, gy, over), pool_input.spread_sum(back, gy, over))
    taps, positions = pool_tiles.maxima(plan, x, "last")[1], pool.select(any_pool, x, "last")
    same_bits(pool_tiles.spread_maximum(plan, gy, taps), pool_input.spread_maximum(back, gy, positions))


@given(divisor=st.integers(1, 9), **DRAWN)
def test_within_exact_order_the_bits_are_those_of_numpy(laid: Laid, dtype: str, divisor: int, seed: int) -> None:
    (windows, sizes), (x, gy), _ = laid, numbers(laid, dtype, seed), planned(laid, dtype)
    with exact_order():
        for name, arguments in {
            "max_pool": (x, windows),
            "max_pool_input": (gy, x, windows, "last"),
            "sum_pool": (x, windows),
            "avg_pool": (x, windows, divisor),
            "avg_pool_input": (gy, windows, sizes, divisor),
        }.items():
            same_bits(getattr(pooling, name)(*arguments), getattr(patches, name)(*arguments))
        same_bits(pooling.max_pool_kept(x, windows, "first")[0], patches.max_pool(x, windows))


@pytest.mark.parametrize(
    "window",
    [Window(2, 3), Window(3, 2), Window(2, 2, 2), Window(2, 2, 1, 1), Window(2, 2, 1, 0, 0, True), Window(17, 17)],
    ids=["gaps", "overlaps", "dilated", "padded", "overhangs", "long"],
)
def test_what_is_no_tile_is_not_taken_for_one(window: Window) -> None:
    kernels, _ = pooling._planned("f4", (1, 1, 1021), (window,), True) or (None, None)
    assert kernels is not pool_tiles


# --- teeth ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def planned_anew() -> Iterator[None]:
    for cache in (pooling._planned, pooling._planned_back):
        cache.cache_clear()
    yield
    for cache in (pooling._planned, pooling._planned_back):
        cache.cache_clear()


@pytest.mark.usefixtures("planned_anew")
@pytest.mark.parametrize("law", [test_tiles_are_the_definition, test_sums_have_the_bits_of_any_pool])
def test_the_laws_see_rows_in_another_order(law: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    right = pool_tiles.Plan.starts.func  # type: ignore[attr-defined]

    def turned(plan: pool_tiles.Plan) -> np.ndarray:
        return np.ascontiguousarray(right(plan).reshape(-1, plan.tile.high)[:, ::-1])

    monkeypatch.setattr(pool_tiles.Plan, "starts", property(turned))
    drawn = DRAWN | ({"values": VALUES} if law is test_tiles_are_the_definition else {"divisor": st.just(3)})
    with caught():
        PLANTED(given(**drawn)(law.hypothesis.inner_test))()


@pytest.mark.usefixtures("planned_anew")
@pytest.mark.parametrize("law", [test_tiles_are_the_definition, test_sums_have_the_bits_of_any_pool])
def test_the_laws_see_what_another_row_has(law: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where several rows share a vector, each has the outputs of the first."""

    def places(tile: pool_tiles.Tile, lanes: int, tap: int) -> list[int]:
        return [o % tile.outputs * tile.wide + tap for o in range(lanes)]

    monkeypatch.setattr(pool_tiles.Tile, "places", places)
    drawn = DRAWN | ({"values": VALUES} if law is test_tiles_are_the_definition else {"divisor": st.just(3)})
    with made_anew(pool_tiles.forward), caught():
        PLANTED(given(**drawn)(law.hypothesis.inner_test))()


@pytest.mark.usefixtures("planned_anew")
def test_the_law_sees_what_is_left_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elements that lie in no tile, and are not cleared."""
    right = pool_tiles.Plan.words.func  # type: ignore[attr-defined]
    monkeypatch.setattr(pool_tiles.Plan, "words", property(lambda plan: words(*right(plan)[:-1], 0)))
    monkeypatch.setattr(pool_tiles, "empty", lambda shape, dtype: np.ones(shape, dtype))
    law: Any = test_tiles_are_the_definition
    with caught():
        PLANTED(given(values=VALUES, **DRAWN)(law.hypothesis.inner_test))()
