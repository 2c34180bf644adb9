"""The generated kernels of pooling: the definition, whatever the sizes, within the bound of a sum."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.kernels import adaptive as definition
from convmath.kernels import direct, patches
from convmath.kernels.order import exact_order
from convmath.kernels.taps import output_sizes
from convmath.kernels.threads import set_threads
from convmath.window import Window

from ..faults import PLANTED
from .cases import Laid, caught, integers, layouts
from .sums import EXACT, at_width, bound, wide

pytest.importorskip("llvmlite", reason="llvmlite is not installed (the extra convmath[fast] brings it)")

from convmath.kernels.simd import adaptive, pool, pool_input, pool_tables, pooling

DTYPES = st.sampled_from(["f4", "f8"])
SEED = st.integers(0, 2**16)
# few values, so that there are ties; and those that comparisons treat in their own way
VALUES = st.sampled_from([[0.0, 1.0, 2.0], [-0.0, 0.0, -1.0], [-np.inf, np.inf, np.nan, 0.0, 1.0], [-np.inf]])
FUNCTIONS = {
    "max_pool": lambda x, gy, windows, d: (x, windows),
    "sum_pool": lambda x, gy, windows, d: (x, windows),
    "avg_pool": lambda x, gy, windows, d: (x, windows, d),
    "sum_pool_input": lambda x, gy, windows, d: (gy, windows, x.shape[2:]),
    "avg_pool_input": lambda x, gy, windows, d: (gy, windows, x.shape[2:], d),
}


@st.composite
def long(draw: Callable[..., Any]) -> Laid:
    """Rows of several vectors, kernels and strides of every length, and windows of a whole axis."""
    ndim = draw(st.integers(1, 3))
    each = []
    for axis in range(ndim):
        most = 90 if axis == ndim - 1 else 6
        kernel = draw(st.integers(1, 12 if axis == ndim - 1 else 4))
        stride, dilation = draw(st.integers(1, 18)), draw(st.integers(1, 2))
        before, after = draw(st.integers(0, 5)), draw(st.integers(0, 5))
        window = Window(kernel, stride, dilation, before, after, draw(st.booleans()))
        least = max(1, window.span - before - after)
        n = least + draw(st.integers(0, most))
        each.append((Window(n) if draw(st.integers(0, 5)) == 0 else window, n))
    return tuple(window for window, _ in each), tuple(n for _, n in each)


def same(name: str, *given: Any) -> None:
    np.testing.assert_array_equal(
        getattr(pooling, name)(*given), getattr(direct, name)(*given), f"{name}{given[1:]}", strict=True
    )


def each_is_the_definition(laid: Laid, dtype: str, values: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    windows, counts = laid[0], output_sizes(*laid)
    planes = tuple(map(int, rng.integers(1, 6, 2)))
    x, gy = rng.choice(values, (*planes, *laid[1])).astype(dtype), integers(rng, *planes, *counts).astype(dtype)
    for name in ("first", "last"):
        same("max_pool_selection", x, windows, name)
    for ties in ("first", "last", "split", "all"):
        same("max_pool_input", gy, x, windows, ties)
        y, selected = pooling.max_pool_kept(x, windows, ties)
        np.testing.assert_array_equal(y, direct.max_pool(x, windows), strict=True)
        again = pooling.max_pool_input(gy, x, windows, ties, selected)
        np.testing.assert_array_equal(again, direct.max_pool_input(gy, x, windows, ties), strict=True)
    same("max_pool", x, windows)
    whole = integers(rng, *x.shape).astype(dtype)
    for name, arguments in FUNCTIONS.items():
        for divisor in (4, 2 ** rng.integers(0, 4, counts)):
            same(name, *arguments(whole, gy, windows, divisor))


SMALL = {"laid": layouts(pools=True), "dtype": DTYPES, "values": VALUES, "seed": SEED}
LONG = {"laid": long(), "dtype": DTYPES, "seed": SEED}


@given(**SMALL)
def test_small_pools_are_the_definition(laid: Laid, dtype: str, values: list[float], seed: int) -> None:
    each_is_the_definition(laid, dtype, values, seed)


@given(values=VALUES, **LONG)
def test_long_pools_are_the_definition(laid: Laid, dtype: str, values: list[float], seed: int) -> None:
    each_is_the_definition(laid, dtype, values, seed)


@pytest.mark.parametrize(
    ("sizes", "windows"),
    [
        ((4601,), (Window(3, 2, 1, 1, 1),)),  # rows that are made in parts
        ((4200,), (Window(2, 2),)),
        ((640,), (Window(640),)),  # one window, which is folded
        ((6, 256), (Window(6), Window(256))),
        ((50, 66), (Window(3, 1, 1, 1, 1), Window(3, 1, 1, 1, 1))),  # more rows than are kept at once
        ((5, 3, 2, 4), tuple(Window(2, 1, 1, 1, 0) for _ in range(4))),
    ],
)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_large_pools_are_the_definition(sizes: tuple[int, ...], windows: tuple[Window, ...], dtype: str) -> None:
    for values in ([0.0, 1.0, 2.0], [-np.inf, np.nan]):
        each_is_the_definition((windows, sizes), dtype, values, 5)


def test_an_infinite_cotangent_stays_where_it_is_sent() -> None:
    gx = pooling.max_pool_input(
        np.array([[[np.inf, 1.0]]]), np.array([[[1.0, 2.0, 3.0, 0.0]]]), (Window(2, 2),), "first"
    )
    np.testing.assert_array_equal(gx, [[[0.0, np.inf, 1.0, 0.0]]])


def test_the_sign_of_a_zero_stays() -> None:
    assert np.signbit(pooling.max_pool(np.full((1, 1, 4), -0.0), (Window(2, 2),))).all()


@given(laid=st.one_of(layouts(pools=True), long()), dtype=DTYPES, seed=SEED)
def test_within_exact_order_the_bits_are_those_of_numpy(laid: Laid, dtype: str, seed: int) -> None:
    (windows, sizes), rng = laid, np.random.default_rng(seed)
    counts = output_sizes(windows, sizes)
    x, gy = (
        (rng.standard_normal(shape) * rng.choice([0.0, -0.0, 1.0, 64.0], shape)).astype(dtype)
        for shape in ((2, 2, *sizes), (2, 2, *counts))
    )
    d = rng.integers(1, 9, counts)
    calls = {name: made(x, gy, windows, d) for name, made in FUNCTIONS.items()}
    calls["max_pool_input"] = (gy, x, windows, "first")
    with exact_order():
        for name, arguments in calls.items():
            found, expected = (getattr(module, name)(*arguments) for module in (pooling, patches))
            np.testing.assert_array_equal(found.view(f"u{x.itemsize}"), expected.view(f"u{x.itemsize}"), name)


@given(laid=layouts(pools=True), seed=SEED)
def test_integers_and_mixed_types_are_taken_too(laid: Laid, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, gy = integers(rng, 2, 1, *laid[1]), integers(rng, 2, 1, *output_sizes(*laid))
    same("max_pool", x, laid[0])
    same("max_pool_input", gy.astype(float), x.astype("f4"), laid[0], "first")


@given(
    counts=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    factors=st.lists(st.integers(1, 5), min_size=3, max_size=3),
    over=st.integers(0, 1),
    dtype=DTYPES,
    values=VALUES,
    seed=SEED,
)
def test_adaptive_pools_are_the_definition(
    counts: list[int], factors: list[int], over: int, dtype: str, values: list[float], seed: int
) -> None:
    """Windows of one size, and windows that differ."""
    rng, m = np.random.default_rng(seed), tuple(counts)
    sizes = tuple(c * f + over for c, f in zip(m, factors, strict=False))
    x, whole = rng.choice(values, (3, 4, *sizes)).astype(dtype), integers(rng, 3, 4, *sizes).astype(dtype)
    gy = math.lcm(*range(1, 7)) ** 3 * integers(rng, 3, 4, *m).astype("f8")
    for name, arguments in {
        "max_pool": (x, m),
        "max_pool_selection": (x, m, "last"),
        "max_pool_input": (gy, x.astype("f8"), "first"),
        "avg_pool_input": (gy, sizes),
    }.items():
        found, expected = getattr(adaptive, name)(*arguments), getattr(definition, name)(*arguments)
        np.testing.assert_array_equal(found, expected, name, strict=True)
    terms = math.prod(n // c + 1 for n, c in zip(sizes, m, strict=True)) + 4
    exact, size = (definition.avg_pool(a, m) for a in (whole.astype(EXACT), abs(whole.astype(EXACT))))
    assert (abs(adaptive.avg_pool(whole, m) - exact) <= bound(terms, dtype) * size).all()


# --- bounds, threads, widths ------------------------------------------------------------------------------------------


@given(**LONG)
def test_sums_stay_within_their_bound(laid: Laid, dtype: str, seed: int) -> None:
    """γ_n·Σ|x|, n the taps; and one rounding more for a mean"""
    rng = np.random.default_rng(seed)
    windows, counts = laid[0], output_sizes(*laid)
    x, gy = wide(rng, (2, 3, *laid[1]), dtype), wide(rng, (2, 3, *counts), dtype)
    divisor = rng.integers(1, 9, counts)
    terms = math.prod(window.kernel for window in windows) + 2
    for name, arguments in list(FUNCTIONS.items())[1:]:
        found = getattr(pooling, name)(*arguments(x, gy, windows, divisor))
        exact = getattr(direct, name)(*arguments(x.astype(EXACT), gy.astype(EXACT), windows, divisor))
        size = getattr(direct, name)(*arguments(abs(x.astype(EXACT)), abs(gy.astype(EXACT)), windows, divisor))
        assert (abs(found - exact) <= bound(terms, dtype) * size + terms * np.finfo(dtype).tiny).all(), name


DIGEST = """
import hashlib
import numpy as np
from convmath.kernels.simd import pooling
from convmath.window import Window
rng, total = np.random.default_rng(3), hashlib.sha256()
for dtype in ("f4", "f8"):
    for k, s, p, sizes in ((2, 2, 0, (30, 62)), (3, 2, 1, (33, 47)), (3, 1, 1, (20, 35)), (5, 7, 0, (40, 50)),
                           (11, 3, 2, (30, 64)), (31, 31, 0, (31, 31))):
        windows = (Window(k, s, 1, p, p),) * 2
        x = (rng.standard_normal((6, 20, *sizes)) * 10.0 ** rng.integers(-3, 3, sizes)).astype(dtype)
        y = pooling.avg_pool(x, windows, 9)
        for found in (y, pooling.max_pool(x, windows), pooling.max_pool_selection(x, windows, "first"),
                      pooling.max_pool_input(y, x, windows, "last"), pooling.avg_pool_input(y, windows, sizes, 7)):
            total.update(found.tobytes())
print(total.hexdigest())
"""


def test_the_bits_do_not_depend_on_threads_and_vectors() -> None:
    """Each output is made of its taps in one order."""
    assert len({at_width(width, threads, DIGEST) for width, threads in ((64, 1), (64, 3), (32, 2), (16, 2))}) == 1


@pytest.mark.parametrize("threads", [1, 3])
def test_inputs_stay_as_they_are(threads: int) -> None:
    rng = np.random.default_rng(0)
    windows = (Window(3, 2, 1, 1, 1),) * 2
    x, gy = rng.standard_normal((4, 9, 40, 40)), rng.standard_normal((4, 9, 20, 20))
    x.flags.writeable = gy.flags.writeable = False
    set_threads(threads)
    try:
        same("max_pool", x, windows)
        same("max_pool_input", gy * 0 + 3, x, windows, "first")
    finally:
        set_threads(None)


# --- teeth ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def planned_anew() -> Iterator[None]:
    """No plan that a fault is in is kept, nor one from before."""
    caches = pooling._planned, pooling._planned_back, pool_tables.read, pool_tables.standing
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


def fails(law: Any, drawn: dict[str, Any]) -> None:
    with caught():
        PLANTED(given(**drawn)(law.hypothesis.inner_test))()


@pytest.mark.usefixtures("planned_anew")
def test_the_law_sees_rows_in_another_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that come backwards: of equal maximisers the wrong one is selected."""
    right = pool.read

    def backwards(*given: Any) -> pool_tables.Lists:
        lists = right(*given)
        ends = zip(lists.ends, lists.ends[1:], strict=False)
        return pool_tables.Lists(np.concatenate([lists.entries[a:b][::-1] for a, b in ends]), lists.ends)

    monkeypatch.setattr(pool, "read", backwards)
    fails(test_small_pools_are_the_definition, SMALL)


@pytest.mark.usefixtures("planned_anew")
def test_the_law_sees_a_window_that_holds_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """All windows that may hold an element do."""
    monkeypatch.setattr(pool_input.Plan, "masks", property(lambda plan: np.full(2**14, -1, f"i{plan.dtype[1]}")))
    fails(test_small_pools_are_the_definition, SMALL)


@pytest.mark.usefixtures("planned_anew")
def test_the_law_sees_what_lies_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing stands behind the last column."""
    right = pool.Plan.blocks.func  # type: ignore[attr-defined]

    def blocks(plan: pool.Plan) -> np.ndarray:
        found = right(plan).copy()
        found[:, -1] = 0
        return found

    monkeypatch.setattr(pool.Plan, "blocks", property(blocks))
    fails(test_small_pools_are_the_definition, SMALL)


@pytest.mark.usefixtures("planned_anew")
def test_the_bound_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sum that is off by what no rounding is."""
    right = pooling.sum_pool
    monkeypatch.setattr(pooling, "sum_pool", lambda x, windows: right(x * (1 + 1e-5), windows))
    fails(test_sums_stay_within_their_bound, LONG)
