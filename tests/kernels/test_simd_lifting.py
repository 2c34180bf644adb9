"""The generated kernels of signals: the definition, whatever tiles, boxes and vectors, within the bound of a sum."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.kernels import signal
from convmath.kernels.signal_costs import costs
from convmath.kernels.taps import output_sizes
from convmath.kernels.threads import set_threads
from convmath.window import Window

from ..faults import PLANTED
from .cases import caught, integers, made_anew
from .sums import EXACT, at_width, bound, wide

pytest.importorskip("llvmlite", reason="llvmlite is not installed (the extra convmath[fast] brings it)")

from convmath.kernels.simd import lifting

SEED = st.integers(0, 2**16)
# outputs and taps that an axis may have, from the last: several vectors and tiles, and kernels longer than a vector
LONGEST = {1: [(700, 90)], 2: [(90, 40), (40, 9)], 3: [(70, 20), (20, 6), (5, 4)]}

Problem = tuple[np.ndarray, np.ndarray, tuple[Window, ...], lifting.Rows]


@st.composite
def problems(draw: Callable[..., Any], numbers: Callable[..., np.ndarray] = integers) -> Problem:
    """A signal, a kernel, where it lies, and any plan: also one whose boxes are small. Negative padding cuts off."""
    dtype, rng = draw(st.sampled_from(["f4", "f8"])), np.random.default_rng(draw(SEED))
    windows, sizes, counts, box = [], [], [], []
    for outputs, taps in reversed(LONGEST[draw(st.integers(1, 3))]):
        m, k = draw(st.integers(1, outputs)), draw(st.integers(1, taps))
        before = draw(st.integers(-3, k - 1))
        after = draw(st.integers(-3, k - 1))
        n = max(1, m + k - 1 - before - after)
        windows.append(Window(k, before=before, after=m + k - 1 - n - before))
        sizes.append(n)
        counts.append(m)
        box.append(draw(st.integers(1, m)))
    kernel = tuple(window.kernel for window in windows)
    x, w = (numbers(rng, *shape).astype(dtype) for shape in (sizes, kernel))
    plan = draw(st.sampled_from([*lifting.plans(tuple(counts), kernel, x.dtype, costs(x.dtype))]))
    high = draw(st.integers(1, lifting.MOST_HEIGHT))
    whole = lifting._three(box)
    return x, w, tuple(windows), replace(plan, rows=draw(st.sampled_from(lifting.ROWS)), high=high, box=whole)


def found(problem: Problem) -> np.ndarray:
    x, w, windows, plan = problem
    y = np.full(output_sizes(windows, x.shape), np.nan, x.dtype)
    assert plan.whole(y, x, w, windows) == np.isfinite(y).all()
    return y


@given(problem=problems())
def test_every_tile_gives_the_correlation(problem: Problem) -> None:
    np.testing.assert_array_equal(found(problem), signal.by_definition(*problem[:3]), strict=True)


def spread(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Numbers of every size that float32 holds with their products."""
    return wide(rng, shape, "f4")


@given(problem=problems(spread))
def test_sums_stay_within_their_bound(problem: Problem) -> None:
    """|ŷ - y| ≤ γ_K·Σ|w||x|, and what is too small to be held beside it"""
    x, w, windows, _ = problem
    exact, size = (signal.by_definition(f(x.astype(EXACT)), f(w.astype(EXACT)), windows) for f in (np.asarray, abs))
    tiny = float(np.finfo(x.dtype).tiny)
    assert (abs(found(problem) - exact) <= bound(w.size, x.dtype) * size + w.size * tiny).all()


@given(problem=problems(), data=st.data())
def test_what_is_not_finite_is_noticed(problem: Problem, data: st.DataObject) -> None:
    """Every output that reads it is not finite, and `found` asserts that this is said."""
    x, w, windows, _ = problem
    place = tuple(data.draw(st.integers(0, n - 1)) for n in x.shape)
    x[place] = data.draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    with np.errstate(invalid="ignore"):
        plain = signal.by_definition(x, w, windows)
    assert not np.isfinite(found(problem)[~np.isfinite(plain)]).any()


def leave_behind_what_is_not_finite(dtype: str) -> None:
    """All over the scratch memory of the threads."""
    x = np.full(10**6, np.nan, dtype)
    [plan] = lifting.plans(x.shape, (1,), x.dtype, costs(x.dtype))
    assert not plan.whole(np.empty_like(x), x, np.ones(1, dtype), (Window(1),))


@pytest.mark.parametrize(
    ("sizes", "kernel"),
    [
        ((100_000,), (30,)),
        ((600, 700), (7, 5)),
        ((300, 900), (1, 33)),
        ((40, 60, 70), (3, 4, 5)),
        ((3, 50_000), (3, 9)),
    ],
)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_arrays_of_many_boxes_are_the_definition(sizes: tuple[int, ...], kernel: tuple[int, ...], dtype: str) -> None:
    """By every plan, on one thread and on three, from memory that has held something that is not finite."""
    rng = np.random.default_rng(0)
    x, w = (integers(rng, *shape).astype(dtype) for shape in (sizes, kernel))
    windows = tuple(Window(k, before=k // 2, after=(k - 1) // 2) for k in kernel)
    expected = signal.by_definition(x, w, windows)
    for plan in lifting.plans(sizes, kernel, x.dtype, costs(x.dtype)):
        assert math.prod(-(-m // b) for m, b in zip(lifting._three(sizes), plan.box, strict=True)) > 1
        for threads in (1, 3):
            set_threads(threads)
            try:
                leave_behind_what_is_not_finite(dtype)
                np.testing.assert_array_equal(found((x, w, windows, plan)), expected)
            finally:
                set_threads(None)


def test_what_a_box_reads_stays_near_a_core() -> None:
    """Unless the kernel itself is longer."""
    for counts, kernel in (((10**9,), (31,)), ((10**5, 7000), (9, 9)), ((3, 10**8), (3, 3)), ((500,) * 3, (5,) * 3)):
        for plan in lifting.plans(counts, kernel, np.dtype("f8"), costs(np.dtype("f8"))):
            reads = [b + k - 1 for b, k in zip(plan.box, lifting._three(kernel), strict=True)]
            assert 8 * math.prod(reads) <= lifting.ROOM
            assert all(b <= m for b, m in zip(plan.box, lifting._three(counts), strict=True))


def test_there_are_no_plans_for_what_there_are_no_kernels_for() -> None:
    for dtype, axes in (("c8", 1), ("i8", 2), ("f4", 4)):
        assert not list(lifting.plans((9,) * axes, (3,) * axes, np.dtype(dtype), costs(np.dtype(dtype))))


PROGRAM = """
import numpy as np
from convmath.kernels import signal
from convmath.kernels.signal_costs import costs
from convmath.window import Window
rng = np.random.default_rng(3)
for dtype in ("f4", "f8"):
    for n, k in (((5000,), (50,)), ((80, 90), (5, 7)), ((9, 30, 40), (3, 2, 20))):
        x, w = (rng.integers(-9, 10, shape).astype(dtype) for shape in (n, k))
        windows = tuple(Window(q, before=q // 2, after=(q - 1) // 2) for q in k)
        for plan in signal.METHODS["simd"](n, k, x.dtype, costs(x.dtype)):
            y = np.empty_like(x)
            assert plan.whole(y, x, w, windows)
            assert (y == signal.by_definition(x, w, windows)).all()
print("right")
"""


@pytest.mark.parametrize("width", [16, 32])
def test_narrow_vectors_give_the_correlation_too(width: int) -> None:
    assert at_width(width, 2, PROGRAM) == "right\n"


# --- teeth ------------------------------------------------------------------------------------------------------------


def fails(law: Any, problem: st.SearchStrategy[Problem]) -> None:
    drawn: dict[str, Any] = {"problem": problem}
    if law is test_what_is_not_finite_is_noticed:
        drawn["data"] = st.data()
    with made_anew(lifting.correlate), caught():
        PLANTED(given(**drawn)(law.hypothesis.inner_test))()


def test_the_law_sees_weights_of_the_wrong_column(monkeypatch: pytest.MonkeyPatch) -> None:
    right = lifting._groups
    monkeypatch.setattr(lifting, "_groups", lambda w, *more: right(np.flip(w, 2), *more))
    fails(test_every_tile_gives_the_correlation, problems())


def test_the_law_sees_a_rest_that_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    right = lifting._groups

    def groups(*given_: Any) -> Any:
        weights, offsets, (main, _) = right(*given_)
        return weights, offsets, (main, 0)

    monkeypatch.setattr(lifting, "_groups", groups)
    fails(test_every_tile_gives_the_correlation, problems())


def test_the_law_sees_a_row_that_reads_its_neighbour(monkeypatch: pytest.MonkeyPatch) -> None:
    right = lifting._group

    def group(*given_: Any) -> Any:
        first, *others = right(*given_)
        return [*others, first]

    monkeypatch.setattr(lifting, "_group", group)
    fails(test_every_tile_gives_the_correlation, problems())


def test_the_law_of_boxes_sees_what_is_not_laid_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Taps that only fill up read what stood there before."""
    monkeypatch.setattr(lifting, "_reach", lambda kernel, *more: tuple(k - 1 for k in kernel))
    with caught():
        test_arrays_of_many_boxes_are_the_definition((3, 50_000), (3, 9), "f8")


def test_the_bound_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """A weight that is off by what no rounding is."""
    right = lifting._groups
    monkeypatch.setattr(lifting, "_groups", lambda w, *more: right(w * w.dtype.type(1 + 1e-4), *more))
    fails(test_sums_stay_within_their_bound, problems(spread))


def test_the_law_of_the_infinite_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that never says so."""
    monkeypatch.setattr(lifting, "note", lambda k, seen, place: None)
    fails(test_what_is_not_finite_is_noticed, problems())
