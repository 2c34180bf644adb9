"""Every plan of every way gives the correlation, and transforms lose no more than they say."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from convmath.kernels import cores, fft, lifting, runs, signal, tiles
from convmath.kernels.signal_costs import costs
from convmath.kernels.tiles import boxes, fitted, patch
from convmath.window import BORDERS, Window

from .cases import caught

SEED = st.integers(0, 2**16)
# test_simd_lifting has the laws of "simd"; runs are one of the ways of "patches"
WAYS = pytest.mark.parametrize("way", ["direct", "patches", "runs", "fft"])
Sizes = tuple[int, ...]


@st.composite
def problems(draw: Callable[..., Any]) -> tuple[tuple[Window, ...], Sizes]:
    """Windows on arrays; a negative padding cuts off, and a kernel may be longer than the array it lies on."""
    windows, sizes = [], []
    for _ in range(draw(st.integers(1, 3))):
        k, n = draw(st.integers(1, 5)), draw(st.integers(1, 6))
        before = draw(st.integers(1 - n, k - 1))
        outputs = draw(st.integers(1, max(1, n + before)))
        windows.append(Window(k, before=before, after=outputs + k - 1 - n - before))
        sizes.append(n)
    return tuple(windows), tuple(sizes)


def definition(x: np.ndarray, w: np.ndarray, windows: tuple[Window, ...]) -> np.ndarray:
    """y[j] = Σ_t w[t] · x[j+t-a], element by element"""
    counts = tuple(v.output_size(n) for v, n in zip(windows, x.shape, strict=True))
    y = np.zeros(counts, x.dtype)
    for j in np.ndindex(*counts):
        for t in np.ndindex(*w.shape):
            i = tuple(p + q - v.before for p, q, v in zip(j, t, windows, strict=True))
            if all(0 <= p < n for p, n in zip(i, x.shape, strict=True)):
                y[j] += w[t] * x[i]
    return y


def plans(way: str, counts: Sizes, kernel: Sizes, dtype: np.dtype) -> list[signal.Plan]:
    of = runs.plans if way == "runs" else signal.METHODS[way]
    return list(of(counts, kernel, dtype, costs(dtype)))


def drawn(problem: tuple[tuple[Window, ...], Sizes], seed: int, dtype: str = "f8") -> tuple[Any, Any, Any]:
    (windows, sizes), rng = problem, np.random.default_rng(seed)
    x, w = (rng.integers(-9, 10, shape).astype(dtype) for shape in (sizes, tuple(v.kernel for v in windows)))
    if dtype.startswith("c"):
        x, w = x + 1j * np.roll(x, 1), w - 1j * np.roll(w, 1)
    return x.astype(dtype), w.astype(dtype), windows


@WAYS
@given(problem=problems(), seed=SEED, dtype=st.sampled_from(["f4", "f8", "c8", "c16"]), data=st.data())
def test_every_plan_gives_the_correlation(
    way: str, problem: tuple[tuple[Window, ...], Sizes], seed: int, dtype: str, data: st.DataObject
) -> None:
    """Exactly, on small integers, where nothing is transformed."""
    x, w, windows = drawn(problem, seed, dtype)
    y = definition(x, w, windows)
    there = plans(way, y.shape, w.shape, x.dtype)
    assume(there)  # there are none of one axis by runs
    plan = data.draw(st.sampled_from(there), label="plan")
    found = signal.walk(np.empty_like(y), x, w, windows, None, plan, x.dtype)
    slack = 0.0 if plan.exact else 1e-3 if dtype in ("f4", "c8") else 1e-9
    assert np.abs(found - y).max() <= slack


@given(problem=problems(), seed=SEED, data=st.data())
def test_boxes_of_outputs_and_parts_of_taps_are_the_whole(
    problem: tuple[tuple[Window, ...], Sizes], seed: int, data: st.DataObject
) -> None:
    x, w, windows = drawn(problem, seed)
    y = definition(x, w, windows)
    found = np.zeros_like(y)
    tile, part = (tuple(data.draw(st.integers(1, n)) for n in of) for of in (y.shape, w.shape))
    for out in boxes(y.shape, tile):
        for taps in boxes(w.shape, part):
            found[out] += signal.by_definition(x, w[taps], tiles.within(windows, x.shape, out, taps))
    np.testing.assert_array_equal(found, y)


@pytest.mark.parametrize("border", [None, *BORDERS])
@given(data=st.data())
def test_a_patch_is_what_numpy_pads(border: str | None, data: st.DataObject) -> None:
    sizes = tuple(data.draw(st.lists(st.integers(2, 6), min_size=1, max_size=3)))
    x = np.arange(1.0, 1 + math.prod(sizes)).reshape(sizes)
    pads = [(data.draw(st.integers(1 - n, n - 1)), data.draw(st.integers(0, n - 1))) for n in sizes]
    more = [(max(a, 0), b) for a, b in pads]
    numpys = {None: "constant", "circular": "wrap", "replicate": "edge"}
    wide = np.pad(x, more, numpys.get(border, border))[tuple(slice(max(0, -a), None) for a, _ in pads)]  # type: ignore
    windows = tuple(Window(1, before=a, after=b) for a, b in pads)
    extra = data.draw(st.integers(0, 2))
    reads = tuple(n + extra for n in wide.shape)
    seen = patch(x, windows, reads, x.dtype, None if border is None else BORDERS[border])
    np.testing.assert_array_equal(seen[tuple(map(slice, wide.shape))], wide)
    assert seen.shape == reads


# --- bounds -------------------------------------------------------------------------------------------------------


def wide_numbers(rng: np.random.Generator, size: int, dtype: str, spread: int) -> np.ndarray:
    """Numbers of many magnitudes, in part of equal ones with opposite signs, whose sums cancel."""
    x = rng.standard_normal(size) * 2.0 ** rng.integers(-spread, spread + 1, size)
    pairs = rng.random(size // 2) < 0.3
    x[1 : 2 * (size // 2) : 2][pairs] = -x[: 2 * (size // 2) : 2][pairs]
    return x.astype(dtype)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("way", ["patches", "fft"])
@given(
    seed=SEED,
    n=st.integers(1, 60),
    k=st.integers(1, 30),
    spread=st.sampled_from([0, 3, 12]),
    scale=st.sampled_from([-40, 0, 40]),
    data=st.data(),
)
def test_the_error_is_within_the_bound(
    way: str, dtype: str, seed: int, n: int, k: int, spread: int, scale: int, data: st.DataObject
) -> None:
    """patches: γ_K Σ|w||x|. fft: loss(N) · u · ‖x‖₂ · ‖w‖₂."""
    rng = np.random.default_rng(seed)
    x, w = wide_numbers(rng, n + k - 1, dtype, spread), wide_numbers(rng, k, dtype, spread)
    x = x * x.dtype.type(2.0**scale)
    plan = data.draw(st.sampled_from(plans(way, (n,), (k,), x.dtype)), label="plan")
    y = signal.walk(np.empty(n, dtype), x, w, (Window(k),), None, plan, x.dtype)
    u = float(np.finfo(dtype).eps) / 2
    gamma = k * Fraction(u) / (1 - k * Fraction(u))
    exact_x, exact_w = [Fraction(float(e)) for e in x], [Fraction(float(e)) for e in w]
    norms = float(np.linalg.norm(x.astype(float)) * np.linalg.norm(w.astype(float)))
    for j in range(n):
        terms = [a * b for a, b in zip(exact_w, exact_x[j : j + k], strict=True)]
        allowed = gamma * sum(map(abs, terms))
        if isinstance(plan, fft.Blocks):
            allowed = Fraction(float(plan.loss() * u * norms))
        assert abs(Fraction(float(y[j])) - sum(terms)) <= allowed


@example(counts=[3000, 3000], kernel=[8, 8, 1])  # a transform would be faster, and lose more than 64 products
@given(
    counts=st.lists(st.integers(1, 3000), min_size=1, max_size=3),
    kernel=st.lists(st.integers(1, 40), min_size=3, max_size=3),
)
def test_by_itself_nothing_is_transformed_whose_bound_is_above_that_of_the_plain_sum(
    counts: list[int], kernel: list[int]
) -> None:
    taps = tuple(islice(kernel, len(counts)))
    for dtype in map(np.dtype, ("f4", "f8", "c8", "c16")):
        chosen = signal.plan(tuple(counts), taps, dtype)
        assert not isinstance(chosen, fft.Blocks) or chosen.loss() <= math.prod(taps)
    assert isinstance(signal.plan((10**6,), (5000,), np.dtype("f8")), fft.Blocks)
    assert signal.plan((10**6,), (20,), np.dtype("f8")).exact


def test_few_taps_of_several_axes_go_along_runs() -> None:
    assert isinstance(signal.plan((2000, 2000), (3, 3), np.dtype("f4"), "patches"), runs.Runs)
    assert isinstance(signal.plan((2000, 2000), (15, 15), np.dtype("f4"), "patches"), lifting.Lifting)
    assert isinstance(signal.plan((10**6,), (3,), np.dtype("f4"), "patches"), lifting.Lifting)


def test_what_a_plan_does_at_once_fits_into_its_room() -> None:
    assert fitted((3, 1000), 100) == (3, 32)
    for counts, kernel in (((10**8,), (31,)), ((5000, 7000), (9, 9)), ((300, 300, 300), (5, 5, 5))):
        for one in lifting.plans(counts, kernel, np.dtype("f8"), costs(np.dtype("f8"))):
            assert math.prod(one.tile) <= 2 * lifting.ROOM
            span, rest = one.rows + one.part[one.axis] - 1, math.prod(one.part) // one.part[one.axis]
            assert one.rows * span * rest <= lifting.MATRICES
        for one in runs.plans(counts, kernel, np.dtype("f8"), costs(np.dtype("f8"))):
            assert math.prod(one.tile) <= runs.ROOM
        for one in fft.plans(counts, kernel, np.dtype("f8"), costs(np.dtype("f8"))):
            blocks = math.prod(one.group)
            assert blocks == 1 or blocks * math.prod(one.lengths) <= 4 * fft.ROOM


def test_work_of_several_threads_raises_what_one_of_them_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "threads", lambda: 3)
    done: list[int] = []
    cores.each(done.append, range(20), 1.0)
    assert sorted(done) == [*range(20)]

    def refuse(item: int) -> None:
        if item == 3:
            raise ArithmeticError("three")

    with pytest.raises(ArithmeticError, match=r"^three$"):
        cores.each(refuse, range(20), 1.0)
    # what the caller set for its own context holds in the threads
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        cores.each(lambda _: np.float32(1e38) * np.array([1e38], "f4"), range(4), 1.0)


# --- teeth --------------------------------------------------------------------------------------------------------


def test_the_law_of_plans_sees_a_band_that_is_shifted(monkeypatch: pytest.MonkeyPatch) -> None:
    band = lifting._band
    monkeypatch.setattr(lifting, "_band", lambda w, rows: np.roll(band(w, rows), 1, 1))
    with caught():
        test_every_plan_gives_the_correlation("patches")


def test_the_law_of_plans_sees_a_run_that_begins_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    true = runs.read
    monkeypatch.setattr(runs, "read", lambda x, kernel, *rest: np.roll(true(x, kernel, *rest), 1, len(kernel) - 1))
    with caught():
        test_every_plan_gives_the_correlation("runs")


def test_the_law_of_plans_sees_a_kernel_that_is_turned(monkeypatch: pytest.MonkeyPatch) -> None:
    true = fft.Blocks.prepared
    monkeypatch.setattr(fft.Blocks, "prepared", lambda self, w: true(self, np.flip(w)))
    with caught():
        test_every_plan_gives_the_correlation("fft")


def test_the_law_of_parts_sees_a_window_at_the_wrong_tap(monkeypatch: pytest.MonkeyPatch) -> None:
    true = tiles.within
    first = lambda of: tuple(slice(0, s.stop - s.start) for s in of)  # noqa: E731
    monkeypatch.setattr(tiles, "within", lambda windows, sizes, out, of: true(windows, sizes, out, first(of)))
    with caught():
        test_boxes_of_outputs_and_parts_of_taps_are_the_whole()


def test_the_law_of_patches_sees_a_border_at_the_wrong_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BORDERS, "reflect", BORDERS["symmetric"])
    with caught():
        test_a_patch_is_what_numpy_pads("reflect")


@pytest.mark.parametrize("way", ["patches", "fft"])
def test_the_bound_sees_a_factor_that_is_rounded_to_fewer_bits(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel in float32 where everything is float64."""
    plan = {"patches": lifting.Lifting, "fft": fft.Blocks}[way]
    true = plan.prepared
    monkeypatch.setattr(plan, "prepared", lambda self, w: true(self, w.astype("f4").astype("f8")))
    with caught():
        test_the_error_is_within_the_bound(way, "f8")


def test_the_law_of_the_choice_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """A choice that asks for the time alone."""
    monkeypatch.setattr(signal, "plan", lambda m, k, dtype: signal._plan(m, k, dtype, "auto", math.inf, False))
    with caught():
        test_by_itself_nothing_is_transformed_whose_bound_is_above_that_of_the_plain_sum()
