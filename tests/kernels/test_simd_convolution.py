"""The generated kernels of convolution: each is the definition, exactly where floats are, else within its bound."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convmath.kernels import direct, ordered
from convmath.kernels.order import exact_order
from convmath.kernels.problem import Convolution
from convmath.kernels.threads import set_threads
from convmath.window import Window

from ..faults import PLANTED
from .cases import FUNCTIONS, Channels, Laid, arguments, caught, layouts, made_anew
from .sums import gamma

pytest.importorskip("llvmlite", reason="llvmlite is not installed (the extra convmath[fast] brings it)")

from convmath.kernels.simd import (
    batches,
    channels,
    channels_weight,
    depthwise,
    pixels,
    pixels_weight,
    plane,
    winograd,
    winograd_weight,
)
from convmath.kernels.simd.builder import Builder
from convmath.kernels.simd.convolution import DIRECT, EXACT, PLAIN, WINOGRAD

DTYPES = st.sampled_from(["f4", "f8"])
SEED = st.integers(0, 2**16)
# batch, groups, channels read and made in each; some fill vectors, and so do some images
CHANNELS = st.tuples(
    st.sampled_from([1, 2, 3, 17]),
    st.integers(1, 2),
    st.sampled_from([1, 2, 3, 16]),
    st.sampled_from([1, 2, 5, 16, 32]),
)


@pytest.mark.parametrize("name", FUNCTIONS)
@given(laid=layouts(), channels=CHANNELS, dtype=DTYPES, seed=SEED)
def test_generated_kernels_are_the_definition(name: str, laid: Laid, channels: Channels, dtype: str, seed: int) -> None:
    given = arguments(laid, channels, dtype, seed)[name]
    expected = getattr(direct, name)(*given)
    found = getattr(DIRECT, name)(*given)
    np.testing.assert_array_equal(found, expected, strict=True)


def _runs(laid: Laid, channels_: Channels, dtype: str) -> dict[str, list[tuple[str, Any, Callable[..., Any]]]]:
    """For each function the plans that there are, also those that are not the cheapest."""
    (windows, sizes), (batch, groups, reads, makes) = laid, channels_
    counts = tuple(v.output_size(n) for v, n in zip(windows, sizes, strict=True))
    ahead = dtype, batch, groups * reads, sizes, groups * makes, windows, groups
    back = dtype, batch, groups * makes, counts, groups * reads, windows, groups, sizes
    weight = dtype, batch, groups * reads, sizes, groups * makes, windows, counts, groups
    return {
        "conv": [(kind.__name__, kind.forward(*ahead), kind.run) for kind in PLAIN],
        "conv_input": [(kind.__name__, kind.transposed(*back), kind.run) for kind in PLAIN],
        "conv_weight": [
            ("pixels_weight", pixels_weight.plan(*weight), pixels_weight.run_weight),
            ("depthwise", depthwise.weight(*weight), depthwise.run_weight),
        ],
    }


def every_way(name: str, data: st.DataObject) -> None:
    laid, dtype = data.draw(layouts()), data.draw(DTYPES)
    channels_ = data.draw(CHANNELS)
    (windows, sizes) = laid
    if not math.prod(sizes) or not all(v.output_size(n) for v, n in zip(windows, sizes, strict=True)):
        return
    given = arguments(laid, channels_, dtype, data.draw(SEED))[name]
    expected = getattr(direct, name)(*given)
    for kind, plan, run in _runs(laid, channels_, dtype)[name]:
        if plan is not None:
            arrays = (
                (*given[:2], given[4]) if name == "conv" else (*given[:2], None) if name == "conv_input" else given[:2]
            )
            found, finite = run(plan, *arrays)
            assert finite
            np.testing.assert_array_equal(found, expected, kind)


@pytest.mark.parametrize("name", FUNCTIONS)
@given(data=st.data())
def test_every_way_is_the_definition(name: str, data: st.DataObject) -> None:
    every_way(name, data)


# --- few images ---------------------------------------------------------------------------------------------------


@st.composite
def long_layouts(draw: Callable[..., Any]) -> Laid:
    """What is long along its first axis."""
    windows, (first, *others) = draw(layouts())
    return windows, (first + draw(st.integers(0, 40)), *others)


def cut_anywhere(laid: Laid, channels_: Channels, dtype: str, seed: int) -> None:
    """Plans that are cut into as many bands as there can be, however short they are, have the bits of whole ones."""
    (windows, sizes), (batch, groups, reads, makes) = laid, channels_
    counts = tuple(v.output_size(n) for v, n in zip(windows, sizes, strict=True))
    if not math.prod(sizes) or not all(counts):
        return
    weight = dtype, batch, groups * reads, sizes, groups * makes, windows, counts, groups
    whole, found = _runs(laid, channels_, dtype), {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plane, "WORTH_SHARING", 1e-15)
        patch.setattr(channels_weight, "FEW", 1)
        for kind, made in product(PLAIN, ("forward", "transposed")):  # plans that are not kept
            patch.setattr(kind, made, getattr(kind, made).__wrapped__)
        found = _runs(laid, channels_, dtype)
        by_weight = [
            *((channels_weight.Plan(*weight, exact=exact), channels_weight.run_weight) for exact in (False, True)),
            (winograd_weight.plan.__wrapped__(*weight), winograd_weight.run_weight),
        ]
    wide, given = (arguments(laid, channels_, dtype, seed, wide=wide) for wide in (True, False))
    for name in ("conv", "conv_input"):
        one, other, *_ = wide[name]
        for (kind, cut, run), (_, plan, _) in zip(found[name], whole[name], strict=True):
            if plan is not None:
                np.testing.assert_array_equal(run(cut, one, other, None)[0], run(plan, one, other, None)[0], kind)
    gy, x, *_ = given["conv_weight"]
    for plan, run in by_weight:
        if plan is not None:
            np.testing.assert_array_equal(run(plan, gy, x)[0], direct.conv_weight(*given["conv_weight"]))


@given(laid=long_layouts(), channels_=CHANNELS, dtype=DTYPES, seed=SEED)
def test_few_images_are_cut_into_bands(laid: Laid, channels_: Channels, dtype: str, seed: int) -> None:
    cut_anywhere(laid, channels_, dtype, seed)


@pytest.mark.parametrize(
    ("window", "sizes", "made", "read"),
    [(Window(7, 2, 1, 3, 3), (112, 112), 64, 3), (Window(5), (60, 60), 32, 16), (Window(9), (12544,), 64, 32)],
    ids=["stem", "unpadded", "1-D"],
)
def test_one_image_has_something_for_several_threads(
    window: Window, sizes: tuple[int, ...], made: int, read: int
) -> None:
    windows, counts = (window,) * len(sizes), tuple(window.output_size(n) for n in sizes)
    given = "f4", 1, read, sizes, made, windows
    for plan in (
        *(kind.forward(*given, 1) for kind in (channels, pixels)),
        channels_weight.plan(*given, counts, 1, exact=False),
    ):
        assert plan is None or len(plan.items) >= plane.SHARED // 2


def read_from_the_first_band(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = plane.Plane.rows
    monkeypatch.setattr(plane.Plane, "rows", lambda self, band: rows(self, 0))


def sum_all_bands_in_each_part(monkeypatch: pytest.MonkeyPatch) -> None:
    right = channels_weight.Plan

    def every(*given: Any, **mode: bool) -> Any:
        plan = right(*given, **mode)
        plan.items[:, 7:] = 0, len(plan.bands)
        return plan

    monkeypatch.setattr(channels_weight, "Plan", every)


def write_to_the_first_band(monkeypatch: pytest.MonkeyPatch) -> None:
    right = pixels._rows

    def rows(*given: Any) -> np.ndarray:
        found = right(*given)
        found[:, 1] -= found[:1, 1]
        return found

    monkeypatch.setattr(pixels, "_rows", rows)


@pytest.mark.parametrize("fault", [read_from_the_first_band, sum_all_bands_in_each_part, write_to_the_first_band])
def test_the_law_of_bands_has_teeth(
    fault: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fault(monkeypatch)
    with caught():
        PLANTED(given(laid=long_layouts(), channels_=CHANNELS, dtype=DTYPES, seed=SEED)(cut_anywhere))()


# --- a kernel for each channel ------------------------------------------------------------------------------------


@st.composite
def wide_kernels(draw: Callable[..., Any]) -> Laid:
    """One or two axes, kernels of up to 7 and strides of up to 5, more than there are registers or ways for too."""
    each = []
    for _ in range(draw(st.integers(1, 2))):
        w = Window(*(draw(st.integers(1, most)) for most in (7, 5, 2)), *(draw(st.integers(0, 3)) for _ in range(2)))
        each.append((w, draw(st.integers(max(1, w.span - w.before - w.after), w.span + 40))))
    return tuple(window for window, _ in each), tuple(n for _, n in each)


def one_kernel_a_channel(laid: Laid, batch: int, channels_: int, dtype: str, seed: int) -> None:
    """The definition on integers, and within `exact_order` the bits of its order."""
    case = laid, (batch, channels_, 1, 1), dtype, seed
    for name, given_ in arguments(*case).items():
        np.testing.assert_array_equal(getattr(DIRECT, name)(*given_), getattr(direct, name)(*given_), name)
    for name, given_ in arguments(*case, wide=True).items():
        with exact_order():
            found, expected = (getattr(kind, name)(*given_) for kind in (EXACT, ordered))
        np.testing.assert_array_equal(found, expected, name)


@given(laid=wide_kernels(), batch=st.integers(1, 2), channels_=st.integers(2, 3), dtype=DTYPES, seed=SEED)
def test_a_kernel_for_each_channel_is_the_definition(
    laid: Laid, batch: int, channels_: int, dtype: str, seed: int
) -> None:
    one_kernel_a_channel(laid, batch, channels_, dtype, seed)


def pick_as_without_a_stride(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(depthwise, "every", lambda k, load, stride, first: load(first))


def read_rows_as_without_a_stride(monkeypatch: pytest.MonkeyPatch) -> None:
    right = depthwise.Shape.readers
    monkeypatch.setattr(depthwise.Shape, "readers", lambda shape, rows: right(replace(shape, stride=(1, 1)), rows))


@pytest.mark.parametrize("fault", [pick_as_without_a_stride, read_rows_as_without_a_stride])
def test_the_law_of_single_channels_has_teeth(
    fault: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fault(monkeypatch)
    drawn = {"laid": wide_kernels(), "batch": st.just(1), "channels_": st.just(2), "dtype": DTYPES, "seed": SEED}
    with made_anew(depthwise.correlate, depthwise.dot), caught():
        PLANTED(given(**drawn)(one_kernel_a_channel))()


# --- images in the lanes ------------------------------------------------------------------------------------------


@given(sizes=st.lists(st.integers(3, 12), min_size=2, max_size=2), channels_=CHANNELS, dtype=DTYPES, seed=SEED)
def test_what_is_read_where_it_lies_may_be_cut_anywhere(
    sizes: list[int], channels_: Channels, dtype: str, seed: int
) -> None:
    laid = (Window(1), Window(1)), tuple(sizes)
    given = arguments(laid, channels_, dtype, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pixels, "NEAR", 1)
        for made in ("forward", "transposed"):  # plans that are not kept
            patch.setattr(pixels, made, getattr(pixels, made).__wrapped__)
        runs = _runs(laid, channels_, dtype)
    for name in ("conv", "conv_input"):
        one, other, *_, bias = given[name]
        [plan] = [plan for kind, plan, _ in runs[name] if kind == pixels.__name__]
        found, finite = pixels.run(plan, one, other, bias if name == "conv" else None)
        assert finite
        np.testing.assert_array_equal(found, getattr(direct, name)(*given[name]), name)


def test_the_law_of_cuts_sees_that_all_begin_where_the_first_does(monkeypatch: pytest.MonkeyPatch) -> None:
    items = pixels.Plan._items

    def forgotten(self: Any, *given: Any) -> np.ndarray:
        found = items(self, *given)
        found[:, 0] = 0
        return found

    monkeypatch.setattr(pixels.Plan, "_items", forgotten)
    with caught():
        test_what_is_read_where_it_lies_may_be_cut_anywhere()


def test_what_a_position_reads_and_no_more_is_computed_where_images_are_small() -> None:
    """The gradient by the input of LeNet-5's second layer has 1.96 products in the padding for each of its own."""
    windows = (Window(5), Window(5))
    plan = batches.transposed("f4", 64, 16, (10, 10), 6, windows, 1, (14, 14))
    other = pixels.transposed("f4", 64, 16, (10, 10), 6, windows, 1, (14, 14))
    assert plan is not None
    assert plan.problem.products == 10 * 10 * 5 * 5
    assert plan.cycles < other.cycles
    gy = np.ones((64, 16, 10, 10), "f4")
    way = DIRECT.way(Convolution.by_input(gy, np.ones((16, 6, 5, 5), "f4"), windows, 1, (14, 14)))
    assert way is not None
    assert way.name == "batches"


def forget_what_lies_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every tap of an axis reads something, what is not there the first element."""
    planned = batches.Plan

    def all_of(problem: Any, *, exact: bool) -> Any:
        axes = tuple(
            tuple([(t, dict(reads).get(t, 0)) for t in range(size)] for reads in axis)
            for axis, size in zip(problem.axes, problem.kernel, strict=True)
        )
        return planned(replace(problem, axes=axes), exact=exact)

    monkeypatch.setattr(batches, "Plan", all_of)


def share_the_taps_of_a_position(monkeypatch: pytest.MonkeyPatch) -> None:
    """All positions have the taps of the first."""
    classes = batches._classes

    def first(*given: Any) -> Any:
        places, taps = classes(*given)
        places[:, 1:] = places[0, 1:]
        return places, taps

    monkeypatch.setattr(batches, "_classes", first)


# --- strides ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stride", [15, 16, 17, 130])
@pytest.mark.parametrize("before", [0, 3, 20])
def test_large_strides_are_the_definition(stride: int, before: int) -> None:
    windows, sizes = (Window(3, 2, 1, 1, 1), Window(3, stride, 2, before, 1)), (6, 2 * stride + 9)
    given = arguments((windows, sizes), (2, 1, 3, 5), "f4", stride + before)
    for name, runs in _runs((windows, sizes), (2, 1, 3, 5), "f4").items():
        expected = getattr(direct, name)(*given[name])
        for kind, plan, run in runs:
            if plan is not None:
                arrays = given[name][:2] if name == "conv_weight" else (*given[name][:2], None)
                found, finite = run(plan, *arrays)
                assert finite
                bias = given[name][4].reshape(-1, 1, 1) if name == "conv" else 0
                np.testing.assert_array_equal(found + bias, expected, kind)


def _length(plan: Any) -> int:
    """The lines of code that are emitted for a plan."""
    made = plan.kernel
    names = ("pointers", "integers", "own")
    kernel = made.func.__wrapped__
    builder = Builder("kernel", made.args[0], *(getattr(plan.kernel(), name) for name in names))
    kernel(builder, *made.args)
    return len(str(builder.module).splitlines())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_code_does_not_grow_with_the_stride(name: str) -> None:
    def lengths(stride: int) -> dict[str, int]:
        laid = (Window(3), Window(3, stride)), (5, 2 * stride + 3)
        return {kind: _length(plan) for kind, plan, _ in _runs(laid, (2, 1, 3, 5), "f4")[name] if plan is not None}

    assert lengths(64) == lengths(512)
    assert max(lengths(512).values()) < 2 * max(lengths(8).values())


# --- not finite -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FUNCTIONS)
@given(laid=layouts(), channels=CHANNELS, dtype=DTYPES, seed=SEED)
def test_what_is_not_finite_goes_where_the_definition_says(
    name: str, laid: Laid, channels: Channels, dtype: str, seed: int
) -> None:
    one, other, *rest = arguments(laid, channels, dtype, seed)[name]
    rng = np.random.default_rng(seed)
    for array in (one, other):
        if array.size:
            array.flat[rng.integers(array.size)] = rng.choice([np.inf, -np.inf, np.nan, 1.0])
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(
            getattr(DIRECT, name)(one, other, *rest), getattr(direct, name)(one, other, *rest)
        )


# --- bounds, threads, widths ------------------------------------------------------------------------------------


@given(laid=layouts(), channels=CHANNELS, seed=SEED)
def test_sums_stay_within_their_bound(laid: Laid, channels: Channels, seed: int) -> None:
    """γ_n·Σ|w||x|, n the number of terms"""
    for name, (one, other, *rest) in arguments(laid, channels, "f4", seed, wide=True).items():
        exact = getattr(direct, name)(one.astype(float), other.astype(float), *rest)
        size = getattr(direct, name)(np.abs(one).astype(float), np.abs(other).astype(float), *map(_absolute, rest))
        terms = 2 + max(one.size, other.size)
        found = getattr(DIRECT, name)(one, other, *rest)
        assert (np.abs(found - exact) <= gamma(terms, "f4") * size + terms * np.finfo("f4").tiny).all(), name


def _absolute(value: Any) -> Any:
    return np.abs(value).astype(float) if isinstance(value, np.ndarray) else value


@pytest.fixture
def as_before() -> Any:
    yield
    set_threads(None)


@pytest.mark.usefixtures("as_before")
@pytest.mark.parametrize("ways", [DIRECT, EXACT, WINOGRAD], ids=["direct", "exact", "winograd"])
def test_threads_change_no_bit(ways: Any) -> None:
    case = (tuple(Window(3, 1, 1, 1, 1) for _ in range(2)), (24, 29)), (7, 1, 16, 32)
    for name, one in arguments(*case, "f4", 1, wide=True).items():
        found = []
        for count in (1, 2, 3):
            set_threads(count)
            found.append(getattr(ways, name)(*one))
        np.testing.assert_array_equal(found[0], found[1])
        np.testing.assert_array_equal(found[0], found[2])


EXACT_BITS = """
import hashlib
import numpy as np
from convmath.kernels import ordered
from convmath.kernels.simd.convolution import EXACT
from convmath.window import Window
rng, total = np.random.default_rng(3), hashlib.sha256()
for dtype in ("f4", "f8"):
    for kernel, stride, dilation, made, groups in ((3, 1, 1, 32, 1), (5, 2, 1, 6, 2), (2, 3, 2, 16, 1), (3, 1, 2, 5,
    5)):
        windows = (Window(kernel, stride, dilation, 1, 2), Window(3, stride, 1, 1, 0))
        x = rng.standard_normal((17, 2 * groups, 13, 23)).astype(dtype)
        w = rng.standard_normal((made, 2, kernel, 3)).astype(dtype)
        y = EXACT.conv(x, w, windows, groups)
        gy = rng.standard_normal(y.shape).astype(dtype)
        found = y, EXACT.conv_input(gy, w, windows, groups, (13, 23)), EXACT.conv_weight(gy, x, windows, groups)
        plain = (ordered.conv(x, w, windows, groups), ordered.conv_input(gy, w, windows, groups, (13, 23)),
                 ordered.conv_weight(gy, x, windows, groups))
        for one, other in zip(found, plain):
            assert (one.view("u1") == other.view("u1")).all(), (dtype, kernel, stride)
            total.update(one.tobytes())
print(total.hexdigest())
"""


def test_exact_kernels_have_the_bits_of_the_ordered_sums_on_vectors_of_any_width() -> None:
    found = set()
    for width in ("16", "32", "64"):
        for count in ("1", "2"):
            environment = os.environ | {"CONVMATH_VECTOR_BYTES": width, "CONVMATH_THREADS": count}
            run = [sys.executable, "-c", EXACT_BITS]
            found.add(subprocess.run(run, env=environment, check=True, capture_output=True, text=True).stdout)
    assert len(found) == 1


# --- planted faults ---------------------------------------------------------------------------------------------------


def forget_phases(monkeypatch: pytest.MonkeyPatch) -> None:
    place = plane.Plane.place
    monkeypatch.setattr(
        plane.Plane, "place", lambda self, e: place(self, [s * (v // s) for v, s in zip(e, self.phases, strict=True)])
    )


def forget_the_padding(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = plane.Plane.rows
    bare = lambda self: replace(self, windows=tuple(replace(w, before=0) for w in self.windows))  # noqa: E731
    monkeypatch.setattr(plane.Plane, "rows", lambda self, band: rows(bare(self), band))


FAULTS = [forget_phases, forget_the_padding, forget_what_lies_outside, share_the_taps_of_a_position]


@pytest.mark.parametrize("fault", FAULTS)
def test_the_law_has_teeth(fault: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    fault(monkeypatch)
    made = (pixels.forward, pixels.transposed, channels.forward, batches.forward)
    for planned in made:
        planned.cache_clear()
    with caught():
        settings(max_examples=300, database=None, deadline=None)(
            given(data=st.data())(lambda data: every_way("conv", data))
        )()
    for planned in made:
        planned.cache_clear()


def test_a_kernel_that_does_not_say_what_is_not_finite_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """F(2, 3) subtracts what it adds: an infinity becomes NaN where the definition has none."""
    windows = tuple(Window(3, 1, 1, 1, 1) for _ in range(2))
    x, w = np.ones((1, 16, 8, 8), "f4"), np.ones((16, 16, 3, 3), "f4")
    x[0, 0, 4, 4] = np.inf
    np.testing.assert_array_equal(WINOGRAD.conv(x, w, windows, 1), direct.conv(x, w, windows, 1))
    plan = winograd.forward("f4", 1, 16, (8, 8), 16, windows, 1)
    assert plan is not None
    found, finite = winograd.run(plan, x, w, None)
    assert not finite
    assert np.isnan(found).any()
