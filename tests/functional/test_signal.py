"""Convolution and correlation of signals: SciPy's meaning, gradients, borders, and what is refused in which words."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage, signal

from convmath import functional as F
from convmath.errors import DtypeError, HyperparameterError, ShapeError, UnknownNameError
from convmath.functional.signal import MODES
from convmath.kernels import signal as kernels
from convmath.kernels.choice import using, without
from convmath.kernels.threads import set_threads

from ..faults import caught
from ..generated import GENERATED, by, there

NAMES = pytest.mark.parametrize("name", ["convolve", "correlate"])
PLAIN = ("direct", "patches", "fft")
SIMD = by("simd")
METHODS = pytest.mark.parametrize("method", ["auto", *PLAIN, SIMD])
THERE = there(kernels.METHODS)
BOTH = (F.convolve, F.correlate)
KINDS = ("i8", "f4", "f8", "c8", "c16")

Pair = tuple[np.ndarray, np.ndarray]


def numbers(rng: np.random.Generator, shape: tuple[int, ...], kind: str) -> np.ndarray:
    """Small integers of that type: sums of their products are exact."""
    x = rng.integers(-9, 10, shape)
    return np.asarray(x + 1j * rng.integers(-9, 10, shape) if kind.startswith("c") else x).astype(kind)


@st.composite
def pairs(draw: Callable[..., Any], mode: str, kinds: tuple[str, ...] = KINDS) -> Pair:
    """Two arrays of the same number of axes, also none; in mode "valid" one lies in the other."""
    most = {0: 0, 1: 12, 2: 6, 3: 4}
    ndim = draw(st.integers(0, 3))
    n, k = (tuple(draw(st.integers(1, most[ndim])) for _ in range(ndim)) for _ in range(2))
    if mode == "valid":
        n, k = zip(*((max(p), min(p)) for p in zip(n, k, strict=True)), strict=True) if ndim else ((), ())
        n, k = (n, k) if draw(st.booleans()) else (k, n)
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    return numbers(rng, n, draw(st.sampled_from(kinds))), numbers(rng, k, draw(st.sampled_from(kinds)))


def slack(method: str, *arrays: np.ndarray) -> float:
    """What a method may differ by: nothing on small integers, and norm-wise in eps where it transforms."""
    dtype = np.result_type(*arrays)
    if method in ("direct", "patches", "simd") or dtype.kind == "i":
        return 0.0
    return 21 * 20 * float(np.finfo(dtype).eps) * float(np.prod([np.linalg.norm(a) for a in arrays]))


# --- SciPy's meaning ----------------------------------------------------------------------------------------------


@METHODS
@pytest.mark.parametrize("mode", MODES)
@NAMES
@given(data=st.data())
def test_it_is_scipys(name: str, mode: str, method: str, data: st.DataObject) -> None:
    a, v = data.draw(pairs(mode))
    with np.errstate(invalid="ignore"):  # SciPy casts numbers that it has not written yet
        expected = getattr(signal, name)(a, v, mode, method="direct")
    y = getattr(F, name)(a, v, mode, method)
    assert (y.shape, y.dtype) == (expected.shape, np.result_type(a, v))
    assert type(y) is np.ndarray
    assert np.abs(y - expected).max() <= slack(method, a, v)


@pytest.mark.parametrize("kinds", [("f8", "f8"), ("c16", "f8"), ("c8", "c16")])
@NAMES
def test_what_is_large_is_scipys_too(name: str, kinds: tuple[str, str]) -> None:
    """Arrays of several boxes, and kernels of several parts."""
    rng = np.random.default_rng(0)
    for n, k in (((200_000,), (40,)), ((150_000,), (2_000,)), ((300, 400), (9, 12)), ((40, 50, 60), (5, 1, 6))):
        for one, other in ((n, k), (k, n)):
            a, v = numbers(rng, one, kinds[0]), numbers(rng, other, kinds[1])
            expected = getattr(signal, name)(a.astype(complex), v.astype(complex), "same", method="fft")
            for method in ("auto", "patches", "fft", *THERE[3:]):
                y = getattr(F, name)(a, v, "same", method)
                assert np.abs(y - expected).max() < 1e-3  # of whole numbers
                assert method not in ("patches", "simd") or (y == np.round(y)).all()


def test_correlations_of_complex_numbers_are_conjugates_turned_round() -> None:
    rng = np.random.default_rng(0)
    a, v = numbers(rng, (4, 5), "c16"), numbers(rng, (3, 2), "c16")
    np.testing.assert_array_equal(F.correlate(a, v), np.flip(np.conj(F.correlate(v, a))))
    np.testing.assert_array_equal(F.convolve(a, v), F.convolve(v, a))


# --- borders ------------------------------------------------------------------------------------------------------

NDIMAGE = {
    "zeros": "constant",
    "reflect": "mirror",
    "replicate": "nearest",
    "circular": "wrap",
    "symmetric": "reflect",
}
BORDERS = pytest.mark.parametrize("boundary", NDIMAGE)


@BORDERS
@pytest.mark.parametrize("method", [*PLAIN, SIMD])
@given(data=st.data())
def test_borders_are_ndimages(method: str, boundary: str, data: st.DataObject) -> None:
    """Of correlate always, of convolve where the kernel is odd."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**16)))
    ndim = data.draw(st.integers(1, 3))
    k = tuple(data.draw(st.integers(1, 5 if ndim < 3 else 3)) for _ in range(ndim))
    a = numbers(rng, tuple(n + data.draw(st.integers(1, 3)) for n in k), "f8")
    v = numbers(rng, k, "f8")
    y = F.correlate(a, v, "same", method, boundary=boundary)
    expected = ndimage.correlate(a, v, mode=NDIMAGE[boundary])
    assert np.abs(y - expected).max() <= slack(method, a, v) * 9
    if all(n % 2 for n in k):
        y = F.convolve(a, v, "same", method, boundary=boundary)
        assert np.abs(y - ndimage.convolve(a, v, mode=NDIMAGE[boundary])).max() <= slack(method, a, v) * 9


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("boundary", "scipys"), [("zeros", "fill"), ("circular", "wrap"), ("symmetric", "symm")])
def test_borders_are_those_of_convolve2d(boundary: str, scipys: str, mode: str) -> None:
    rng = np.random.default_rng(0)
    a, v = numbers(rng, (5, 6), "f8"), numbers(rng, (4, 3), "f8")
    expected = signal.convolve2d(a, v, mode, scipys)
    np.testing.assert_array_equal(F.convolve(a, v, mode, "direct", boundary=boundary), expected)


# --- gradients ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [*PLAIN, SIMD])
@pytest.mark.parametrize("mode", MODES)
@NAMES
@given(data=st.data())
def test_gradients_pair_with_the_function(name: str, mode: str, method: str, data: st.DataObject) -> None:
    """Re⟨g, f(da, v)⟩ = Re⟨ga, da⟩, and likewise by v."""
    own = getattr(F, name)
    a, v = data.draw(pairs(mode, ("i8", "f8", "c16")))
    boundary = data.draw(st.sampled_from([*NDIMAGE] if min((*a.shape, 9)) > max((*v.shape, 0)) else ["zeros"]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**16)))
    y = own(a, v, mode, method, boundary=boundary)
    g = numbers(rng, y.shape, y.dtype.str[1:])
    gradients = own.vjp(g, a, v, mode, method, boundary=boundary)
    for place, gradient in enumerate(gradients):
        given_ = (a, v)[place]
        assert gradient.shape == given_.shape
        assert (gradient.dtype.kind == "c") == (given_.dtype.kind == "c")
        step = numbers(rng, given_.shape, given_.dtype.str[1:])
        moved = own(*((step, v) if place == 0 else (a, step)), mode, method, boundary=boundary)
        left, right = (np.vdot(g, moved).real, np.vdot(gradient, step).real)
        # either side is the sum of as many results as there are elements, ‖g‖₁ ≤ √m · ‖g‖₂
        sums = float(np.sqrt(g.size) + np.sqrt(step.size))
        assert abs(left - right) <= sums * slack(method, g, step, (a, v)[1 - place])


def test_gradients_of_large_arrays_pair_with_the_function() -> None:
    """A cotangent is a kernel as large as the signal: taps come in parts."""
    rng = np.random.default_rng(0)
    for n, k in (((300_000,), (30,)), ((300_000,), (900,)), ((250, 300), (7, 8))):
        a, v = numbers(rng, n, "i8"), numbers(rng, k, "i8")
        g = numbers(rng, n, "i8")
        ga, gv = F.correlate.vjp(g, a, v, "same")
        y = F.correlate(a, v, "same")
        assert (g * y).sum() == (ga * a).sum() == (gv * v).sum()


# --- numbers ------------------------------------------------------------------------------------------------------


def refused(call: Callable[..., Any], *arguments: Any) -> bool:
    """Whether a transform is refused for integers that are too large."""
    try:
        call(*arguments)
    except HyperparameterError as error:
        return str(error).startswith("method is 'fft', but integers so large a transform may not round to the right")
    return False


@METHODS
@given(data=st.data())
def test_integers_are_exact_modulo_2_to_the_64(method: str, data: st.DataObject) -> None:
    size = data.draw(st.sampled_from([2**3, 2**20, 2**31, 2**62]))
    n, k = data.draw(st.integers(1, 8)), data.draw(st.integers(1, 5))
    of = st.integers(-size, size)
    a, v = (data.draw(st.lists(of, min_size=m, max_size=m)) for m in (n, k))
    full = [sum(a[i] * v[p - i] for i in range(n) if 0 <= p - i < k) for p in range(n + k - 1)]
    expected = [(total + 2**63) % 2**64 - 2**63 for total in full]
    if method == "fft" and refused(F.convolve, a, v, "full", method):
        assert size > 2**3
        assert refused(F.convolve.plan, a, v, "full", method)
        return
    y = F.convolve(a, v, method=method)
    assert y.dtype == np.int64
    assert y.tolist() == expected


def test_large_integers_are_transformed_where_that_is_exact() -> None:
    rng = np.random.default_rng(0)
    a, v = rng.integers(-1000, 1001, 40_000), rng.integers(-1000, 1001, 3_000)
    assert F.convolve.plan(a, v).method == "fft"
    expected = np.round(signal.fftconvolve(a.astype(float), v.astype(float)))
    np.testing.assert_array_equal(F.convolve(a, v), expected.astype(int))
    assert F.convolve.plan(a * 2**30, v * 2**30).method == "direct"


@pytest.mark.parametrize("method", ["patches", "fft", SIMD])
@given(data=st.data())
def test_what_is_not_finite_is_in_the_outputs_that_read_it_alone(method: str, data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**16)))
    shapes = data.draw(st.sampled_from([((40,), (6,)), ((9, 8), (3, 2)), ((5, 4, 6), (2, 2, 3))]))
    a, v = (numbers(rng, shape, "f8") for shape in shapes)
    for array, most in ((a, 3), (v, 1)):
        for _ in range(data.draw(st.integers(0, most))):
            place = tuple(data.draw(st.integers(0, n - 1)) for n in array.shape)
            array[place] = data.draw(st.sampled_from([np.inf, -np.inf, np.nan]))
    mode = data.draw(st.sampled_from(MODES))
    with np.errstate(invalid="ignore"):
        plain, y = F.convolve(a, v, mode, "direct"), F.convolve(a, v, mode, method)
    np.testing.assert_allclose(y, plain, rtol=0, atol=1e-9)  # of whole numbers; NaN and infinities at the same places


@pytest.mark.parametrize("method", [*PLAIN, SIMD])
def test_what_overflows_on_the_way_alone_is_right(method: str) -> None:
    a, v = np.full(60, 1e308), np.array([0.5, -0.5, 0.25])
    np.testing.assert_array_equal(F.convolve(a, v, "valid", method), np.full(58, 0.25e308))
    tiny = F.convolve(np.full(60, 1e-200), np.full(3, 1e-200), method=method)
    assert (np.abs(tiny) < 1e-300).all()


def test_infinity_meets_no_zero_outside() -> None:
    with np.errstate(all="raise"):
        assert F.convolve([1.0], [np.inf, 1.0]).tolist() == [np.inf, 1.0]


def test_nothing_depends_on_the_number_of_threads() -> None:
    rng = np.random.default_rng(0)
    cases = [(rng.standard_normal(n), rng.standard_normal(k)) for n, k in ((400_000, 50), (400_000, 2_000))]
    cases.append((rng.standard_normal((300, 500)), rng.standard_normal((7, 9))))
    try:
        found = []
        for threads in (1, 3):
            set_threads(threads)
            found.append([F.convolve(a, v, method=m) for a, v in cases for m in THERE[1:]])
    finally:
        set_threads(None)
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_call_takes_little_more_than_its_output() -> None:
    a, v, w = np.ones((2000, 1500), "f4"), np.ones((9, 9), "f4"), np.ones((40, 40), "f4")
    for kernel, method in ((v, "direct"), (v, "patches"), (w, "fft"), *((v, method) for method in THERE[3:])):
        F.convolve(a[:100], kernel, "same", method)  # what is imported and kept does not count
        tracemalloc.start()
        y = F.convolve(a, kernel, "same", method)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert most <= y.nbytes + 32 * 2**20


# --- the door -----------------------------------------------------------------------------------------------------


@METHODS
@pytest.mark.parametrize("mode", MODES)
def test_the_result_is_written_into_out(mode: str, method: str) -> None:
    a, v = np.arange(6.0), np.array([1.0, -2.0, 3.0])
    expected = F.convolve(a, v, mode, method)
    out = np.full(expected.shape, np.nan)
    assert F.convolve(a, v, mode, method, out) is out
    np.testing.assert_array_equal(out, expected)
    if mode == "same":  # it may be one of the arrays
        assert F.convolve(a, v, mode, method, a) is a
        np.testing.assert_array_equal(a, expected)


def test_arrays_are_neither_changed_nor_shared() -> None:
    for a in (np.arange(12.0)[::-2], np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(4.0).astype(">f8")):
        a.flags.writeable = False
        one = np.ones((1,) * a.ndim)
        for own in BOTH:
            for method in THERE:
                y = own(a, one, method=method)
                np.testing.assert_allclose(y, a, rtol=1e-14)
                assert y.flags.writeable
                assert y.flags.c_contiguous
                assert not np.shares_memory(y, a)


def test_the_plan_says_what_is_done() -> None:
    a, v = np.ones(10**5), np.ones(30)
    assert F.convolve.methods == F.correlate.methods == ("direct", "patches", "fft", "simd")
    plan = F.convolve.plan(a, v)
    assert (plan.method, plan.flops) == ("patches" if without() else "simd", 2 * 30 * (10**5 + 29))
    assert set(plan.seconds) == set(THERE)
    assert F.correlate.plan(a, v, method="fft").why == "asked for"
    infinite = F.convolve.plan(a, np.full(30, np.inf), method="patches")
    assert (infinite.method, infinite.why[:26]) == ("direct", "the only one that keeps wh")
    with using("direct"):
        assert F.convolve.plan(a, v).method == "direct"
        assert F.convolve.plan(a, v, method="fft").method == "fft"
    with using("winograd"):  # which signals do not have
        assert F.convolve.plan(a, v).method == plan.method


@GENERATED
def test_generated_kernels_compute_what_they_are_for_and_the_plan_says_so() -> None:
    v = np.ones(30)
    with using("simd"):
        assert F.convolve.plan(np.ones(9), v).method == "simd"
    assert F.convolve.plan(np.ones(99), v).method != "simd"  # making one takes longer
    assert F.convolve.plan(np.arange(9), np.arange(4), method="simd").method == "simd"  # in float64, exact
    for a in (np.ones(9, complex), np.full(9, 2**60)):
        plan = F.convolve.plan(a, a, method="simd")
        assert plan.method == "patches"
        assert plan.why == "simd is asked for, but its kernels are for float32 and float64 on one to three axes"
    four = np.ones((2, 3, 4, 5))
    np.testing.assert_array_equal(F.convolve(four, four, "same", "simd"), F.convolve(four, four, "same", "direct"))


def test_without_generated_kernels_there_are_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "without", lambda: "llvmlite is not installed")
    kernels._plan.cache_clear()
    a, v = np.ones(10**5), np.ones(30)
    plan = F.convolve.plan(a, v)
    assert (plan.method, set(plan.seconds)) == ("patches", {"direct", "patches", "fft"})
    with pytest.raises(HyperparameterError, match=r"^method 'simd' is asked for, but llvmlite is not installed \[conv"):
        F.convolve(a, v, method="simd")
    kernels._plan.cache_clear()


@NAMES
@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (([], [1]), ShapeError, r"^A has shape \(0,\), but at least one element along every axis is needed \[NAME\("),
        (([1], np.ones((0,))), ShapeError, r"^V has shape \(0,\), but at least one element"),
        (([[1]], [1]), ShapeError, r"^V has 1 axes, but A has 2, and both need the same number \[NAME\(A\(1, 1\), V\("),
        (([1], [1], "Full"), UnknownNameError, r"^there is no mode 'Full'; the nearest is full"),
        (([1], [1], 2), UnknownNameError, r"^there is no mode 2;"),
        (([1], [1], "full", "simdd"), UnknownNameError, r"^there is no method 'simdd'; the nearest is simd"),
        ((np.ones((2, 3)), np.ones((3, 2)), "valid"), ShapeError, r"^mode is 'valid', but neither array lies in the"),
        (([1], ["a"]), DtypeError, r"^V holds <U1, but float16, bfloat16, float32, float64, complex64, complex128 or"),
        (([1], [1], "full", "auto", [0]), DtypeError, r"^out is list, but a NumPy array is needed"),
        (([1], [1], "full", "auto", np.zeros(2)), ShapeError, r"^out has shape \(2,\), but the output's shape \(1,\)"),
        (([1], [1], "full", "auto", np.zeros(1)), DtypeError, r"^out holds float64, but the output is int64"),
        (
            ([1, 2], [1], "full", "auto", np.zeros(4, int)[::2]),
            HyperparameterError,
            r"^out does not lie row by row, but a writable array in C order is needed",
        ),
    ],
)
def test_what_is_refused_is_said(name: str, arguments: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said.replace("NAME", name)):
        getattr(F, name)(*arguments)


def test_borders_that_reach_too_far_are_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"^there is no boundary 'wrap'; there are"):
        F.convolve([1], [1], boundary="wrap")
    with pytest.raises(
        HyperparameterError,
        match=r"^mode='full' reads 2 positions beyond axis 0, but boundary='reflect' reaches at most 1 beyond 2 ",
    ):
        F.convolve([1, 2], [1, 2, 3], boundary="reflect")
    assert F.convolve([1, 2], [1, 2, 3], "valid", boundary="reflect").tolist() == [4, 7]
    with pytest.raises(HyperparameterError, match=r"^out cannot be written to"):
        F.convolve([1.0], [1.0], out=np.broadcast_to(1.0, (1,)))
    with pytest.raises(ShapeError, match=r"^the cotangent has shape \(1,\), but the output's shape \(2,\) is needed"):
        F.convolve.vjp([1], [1, 2], [1])
    with pytest.raises(
        DtypeError, match=r"^the cotangent holds complex128, but float16, bfloat16, float32, float64 or integers"
    ):
        F.convolve.vjp([1j, 1], [1, 2], [1])


# --- teeth --------------------------------------------------------------------------------------------------------


def test_scipys_meaning_sees_same_placed_as_numpy_places_it_for_even_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    from convmath.functional import signal as own

    true = own.placed
    monkeypatch.setattr(own, "placed", lambda mode, n, k: (k // 2, n) if mode == "same" else true(mode, n, k))
    caught(test_it_is_scipys, "convolve", "same", "direct")


def test_gradients_see_a_conjugate_that_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    from convmath.functional import signal as own

    true = own._correlated
    monkeypatch.setattr(own, "_correlated", lambda x, w, *rest: true(x, np.conj(w), *rest))
    caught(test_gradients_pair_with_the_function, "convolve", "full", "direct")


def test_the_law_of_the_infinite_sees_what_spreads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_sound", lambda seen, w, run, counts: run(seen)[tuple(map(slice, counts))])
    for method in ("patches", "fft"):
        with np.errstate(all="ignore"):
            caught(test_what_is_not_finite_is_in_the_outputs_that_read_it_alone, method)


def test_the_law_of_integers_sees_a_transform_that_is_not_rounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np, "rint", lambda x: x - 0.25)
    caught(test_integers_are_exact_modulo_2_to_the_64, "fft")


def test_the_law_of_borders_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    from convmath.functional import signal as own
    from convmath.window import BORDERS as TRUE

    monkeypatch.setattr(own, "BORDERS", {**TRUE, "reflect": TRUE["symmetric"]})
    caught(test_borders_are_ndimages, "direct", "reflect")
