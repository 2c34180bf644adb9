"""Padding, patches, shuffling and upsampling at their door: what they are made of, and what is refused."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np
import pytest
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st

from convmath import functional as F
from convmath.errors import ConvmathError, DtypeError, HyperparameterError, ShapeError, UnknownNameError
from convmath.kernels import arrange
from convmath.testing import Case, cases
from convmath.testing.cases import SEEDS, integers
from convmath.window import windows

from ..faults import caught

X = np.arange(8.0).reshape(1, 2, 4)
MOVED = ("pad", "unfold", "flatten", "concat", "pixel_shuffle", "pixel_unshuffle", "upsample")


def drawn(data: st.DataObject, name: str, **only: Any) -> Case:
    return data.draw(cases(name, data.draw(st.integers(1, 3)), **only), label="case")


def run(case: Case) -> np.ndarray:
    return getattr(F, case.op)(*case.args, **case.kwargs)


# --- padding ------------------------------------------------------------------------------------------------------

NUMPY = {
    "constant": "constant",
    "circular": "wrap",
    "replicate": "edge",
    "reflect": "reflect",
    "symmetric": "symmetric",
}


@pytest.mark.parametrize("mode", NUMPY)
@given(data=st.data())
def test_padding_is_numpys_and_what_is_negative_is_cut_off(mode: str, data: st.DataObject) -> None:
    case = drawn(data, "pad", mode=mode)
    x, pads = case.args
    more = [(max(a, 0), max(b, 0)) for a, b in pads]
    value = {"constant_values": case.given.get("value", 0)} if mode == "constant" else {}
    wide = np.pad(x, [(0, 0), (0, 0), *more], NUMPY[mode], **value)
    cut = [(a - c, b - d) for (c, d), (a, b) in zip(more, pads, strict=True)]
    # what is cut off and what is put on may be at the same place: a = -5 and b = 4 of 3 elements leaves 2 of the value
    if all(n + min(a, 0) + min(b, 0) >= 0 for n, (a, b) in zip(x.shape[2:], pads, strict=True)):
        kept = tuple(slice(-a, n + b) for n, (a, b) in zip(wide.shape[2:], cut, strict=True))
        np.testing.assert_array_equal(run(case), wide[:, :, *kept])


def test_padding_with_the_border_at_the_wrong_end_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = arrange.filled
    monkeypatch.setattr(arrange, "filled", lambda x, pads, v: true(x, [(b, a) for a, b in pads], v))
    caught(test_padding_is_numpys_and_what_is_negative_is_cut_off, "constant")


def test_pairs_are_those_of_the_last_axes_the_channels_and_the_batch_too() -> None:
    assert F.pad(X, ()).tolist() == X.tolist()
    assert F.pad(X, ((1, 0),)).shape == (1, 2, 5)
    assert F.pad(X, ((0, 1), (1, 0))).tolist() == [[[0, 0, 1, 2, 3], [0, 4, 5, 6, 7], [0] * 5]]
    assert F.pad(X, ((1, 1), (0, 0), (0, 0))).shape == (3, 2, 4)
    assert F.pad(X, ((0, 1), (0, 0)), mode="circular")[0, 2].tolist() == X[0, 0].tolist()
    [g] = F.pad.vjp(np.ones((1, 3, 5)), X, ((0, 1), (1, 0)), mode="circular")
    assert g.tolist() == [[[2, 2, 2, 4], [1, 1, 1, 2]]]


def test_what_is_filled_in_may_be_infinite_and_goes_no_further() -> None:
    assert F.pad(X, ((1, 0),), value=-math.inf)[0, 0].tolist() == [-math.inf, 0, 1, 2, 3]
    assert np.isnan(F.pad(X, ((1, 0),), value=math.nan)[0, 0, 0])
    [g] = F.pad.vjp(np.array([[[math.nan, 1, 2, 3, 4]] * 2]), X, ((1, 0),), value=math.nan)
    assert g.tolist() == [[[1, 2, 3, 4]] * 2]


def test_an_empty_axis_is_filled_but_has_no_border() -> None:
    assert F.pad(np.ones((1, 1, 0)), ((2, 1),), value=7).tolist() == [[[7, 7, 7]]]
    for mode in NUMPY:
        assert F.pad(np.ones((1, 1, 0)), ((0, 0),), mode=mode).shape == (1, 1, 0)
        assert F.pad(np.ones((0, 1, 3)), ((2, 1),), mode=mode).shape == (0, 1, 6)


def test_padding_before_is_padding_of_the_convolution() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.integers(-4, 5, (2, 2, 5, 4)), rng.integers(-4, 5, (3, 2, 3, 2))
    pads = ((1, 2), (0, 1))
    for mode, border in [("constant", "zeros"), *((m, m) for m in list(NUMPY)[1:])]:
        laid = F.conv(x, w, padding=pads, padding_mode=border, stride=2)
        np.testing.assert_array_equal(F.conv(F.pad(x, pads, mode=mode), w, stride=2), laid)


# --- patches ------------------------------------------------------------------------------------------------------


@given(data=st.data())
def test_a_convolution_is_a_matrix_times_the_patches(data: st.DataObject) -> None:
    case = drawn(data, "conv", padding_mode="zeros", bias=False)
    (x, w), given_ = case.arrays, dict(case.kwargs)
    if given_.pop("groups", 1) > 1:
        return
    y = run(case)
    rows = w.reshape(len(w), -1) @ F.unfold(x, w.shape[2:], **given_)
    np.testing.assert_array_equal(rows.reshape(y.shape), y)


@given(data=st.data())
def test_folding_what_was_unfolded_counts_how_often_each_element_was_read(data: st.DataObject) -> None:
    case = drawn(data, "unfold")
    x, kernel = case.args
    back = F.fold(run(case), x.shape[2:], kernel, **case.kwargs)
    times = F.fold(np.ones_like(run(case)), x.shape[2:], kernel, **case.kwargs)
    laid = windows(x.shape[2:], kernel, **case.kwargs)
    assert times.sum(tuple(range(2, x.ndim))).max(initial=0) <= math.prod(
        window.kernel * window.output_size(n) for window, n in zip(laid, x.shape[2:], strict=True)
    )
    np.testing.assert_array_equal(back, x * times)


def test_patches_without_their_first_tap_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = arrange.taps
    monkeypatch.setattr(arrange, "taps", lambda *given, **named: list(true(*given, **named))[1:])
    caught(test_a_convolution_is_a_matrix_times_the_patches)


def test_folding_that_forgets_what_overlaps_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = arrange.fold
    monkeypatch.setattr(arrange, "fold", lambda *given: np.minimum(true(*given), 1))
    caught(test_folding_what_was_unfolded_counts_how_often_each_element_was_read)


# --- the same elements in another order ---------------------------------------------------------------------------


@given(data=st.data())
def test_shuffling_is_undone_by_unshuffling(data: st.DataObject) -> None:
    case = drawn(data, "pixel_shuffle")
    y = run(case)
    np.testing.assert_array_equal(F.pixel_unshuffle(y, case.args[1]), case.args[0], strict=True)
    np.testing.assert_array_equal(F.pixel_shuffle.vjp(y, *case.args)[0], case.args[0], strict=True)


def test_shuffling_in_the_wrong_order_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = arrange.unshuffled
    monkeypatch.setattr(arrange, "unshuffled", lambda y, factors: np.flip(true(y, factors), 1))
    caught(test_shuffling_is_undone_by_unshuffling)


@given(data=st.data(), axis=st.integers(-3, 2))
def test_arrays_are_joined_along_any_axis_and_gradients_are_the_parts(data: st.DataObject, axis: int) -> None:
    lengths = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=4))
    shapes = [[2, 2, 2] for _ in lengths]
    for shape, length in zip(shapes, lengths, strict=True):
        shape[axis] = length
    arrays = [integers(data.draw(SEEDS), tuple(shape)) for shape in shapes]
    y = F.concat(*arrays, axis=axis)
    np.testing.assert_array_equal(y, np.concatenate(arrays, axis))
    for part, array in zip(F.concat.vjp(y, *arrays, axis=axis), arrays, strict=True):
        np.testing.assert_array_equal(part, array, strict=True)


def test_types_together_give_what_holds_both() -> None:
    assert F.concat(X, X.astype("f4")).dtype == np.float64
    assert F.concat(X.astype("f4"), X.astype("f4")).dtype == np.float32
    assert F.concat(X.astype("i2"), X.astype("u1")).dtype == np.int64


@pytest.mark.parametrize("name", MOVED)
@given(data=st.data())
def test_integers_stay_and_nothing_is_shared(name: str, data: st.DataObject) -> None:
    case = drawn(
        data, name, **({"value": False} if name == "pad" else {"mode": "nearest"} if name == "upsample" else {})
    )
    whole = case.with_arrays(*(array.astype(int) for array in case.arrays))
    y = run(whole)
    assert y.dtype == np.int64
    np.testing.assert_array_equal(y, run(case))
    gradients = getattr(F, name).vjp(y, *whole.args, **whole.kwargs)
    for found in (y, *gradients):
        assert not any(np.shares_memory(found, array) for array in whole.arrays)
    assert not any(np.shares_memory(g, y) for g in gradients)


# --- upsampling ---------------------------------------------------------------------------------------------------


@given(data=st.data())
def test_a_whole_factor_is_the_size_that_it_gives(data: st.DataObject) -> None:
    case = drawn(data, "upsample", size=False)
    factors, given_ = case.given["scale_factor"], dict(case.given)
    given_.pop("scale_factor")
    size = tuple(s * n for s, n in zip(factors, case.args[0].shape[2:], strict=True))
    np.testing.assert_array_equal(run(case), F.upsample(case.args[0], size, **given_))


@given(data=st.data())
def test_what_is_the_same_everywhere_stays_the_same(data: st.DataObject) -> None:
    """The weights of a position sum to 1."""
    case = drawn(data, "upsample")
    y = run(case.with_arrays(np.full(case.arrays[0].shape, 5.0)))
    np.testing.assert_allclose(y, 5, rtol=2**-50)


@given(data=st.data())
def test_with_corners_a_straight_line_stays_one(data: st.DataObject) -> None:
    case = drawn(data, "upsample", size=True, mode="linear", align_corners=True)
    x, size = case.arrays[0], case.given["size"]
    lines = [np.linspace(0, n - 1, m) for n, m in zip(x.shape[2:], size, strict=True)]
    slopes = range(1, 1 + len(size))
    whole = sum(s * i for s, i in zip(slopes, np.indices(x.shape[2:]), strict=True))
    straight = sum(s * line for s, line in zip(slopes, np.meshgrid(*lines, indexing="ij"), strict=True))
    y = run(case.with_arrays(np.broadcast_to(whole, x.shape).astype(float)))
    np.testing.assert_allclose(y, np.broadcast_to(straight, y.shape), rtol=2**-48, atol=2**-48)


def test_a_weight_that_is_turned_round_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = arrange._neighbours

    def turned(*given_: Any) -> Any:
        low, between, weight = true(*given_)
        return low, between, 1 - weight

    monkeypatch.setattr(arrange, "_neighbours", turned)
    caught(test_with_corners_a_straight_line_stays_one)


def test_a_weight_that_is_too_large_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = arrange._neighbours

    def twice(at: np.ndarray, parts: int, dtype: np.dtype) -> Any:
        low, between, weight = true(at, parts, dtype)
        return low, between[:1], weight[:1]

    monkeypatch.setattr(arrange, "_neighbours", twice)
    caught(test_with_corners_a_straight_line_stays_one)


def test_the_nearest_element_is_the_one_of_its_place_by_whole_numbers() -> None:
    """6 to 74: position 37 is 37·6/74 = 3, which is 2.9999998 in float32."""
    assert F.upsample(np.arange(6).reshape(1, 1, 6), 74)[0, 0, 37] == 3
    for n in range(1, 9):
        for m in range(1, 30):
            x = np.arange(n).reshape(1, 1, n)
            assert F.upsample(x, m)[0, 0].tolist() == [j * n // m for j in range(m)]
            exact = F.upsample(x, m, mode="nearest-exact")[0, 0].tolist()
            assert exact == [math.floor((j + 0.5) * n / m) for j in range(m)]


def test_an_element_of_weight_0_is_not_looked_at() -> None:
    x = np.array([[[1.0, np.nan, np.inf, 3.0]]])
    y = F.upsample(x, 7, mode="linear", align_corners=True)[0, 0]
    assert y[0] == 1.0
    assert np.isnan(y[1:4]).all()
    assert y[4] == np.inf
    assert y[6] == 3.0


# --- what is refused ----------------------------------------------------------------------------------------------

Refused = tuple[str, tuple, dict[str, Any], type[ConvmathError], str]
ONES = np.ones
REFUSED: list[Refused] = [
    ("pad", (X, 1), {}, HyperparameterError, r"pads is 1, but a \(before, after\) pair for each of the last axes"),
    ("pad", (X, (1, 1)), {}, HyperparameterError, r"pads is \(1, 1\), but a \(before, after\) pair"),
    ("pad", (X, "same"), {}, HyperparameterError, r"pads is 'same', but a \(before, after\) pair"),
    ("pad", (X, ((1, 1),) * 4), {}, HyperparameterError, r"pads has 4 pairs, but X has 3 axes"),
    ("pad", (X, ((1.5, 0),)), {}, HyperparameterError, r"pads\[0\]\[0\] is 1\.5, but a whole number is needed"),
    ("pad", (X, ((-3, -2),)), {}, ShapeError, r"axis 2 has 4 elements, but 3 and 2 are to be cut off its ends"),
    ("pad", (X, ((2**62, 2**62),)), {}, ShapeError, r"which is more than any array can hold"),
    ("pad", (X, ((1, 1),)), {"mode": "zeros"}, UnknownNameError, r"there is no mode 'zeros'; there are \(constant, "),
    ("pad", (X, ((1, 1),)), {"mode": "reflect", "value": 1.0}, HyperparameterError, r"but mode='reflect' fills in"),
    ("pad", (X, ((4, 0),)), {"mode": "reflect"}, HyperparameterError, r"mode='reflect' reaches at most 3 beyond 4"),
    ("pad", (X, ((0, 5),)), {"mode": "circular"}, HyperparameterError, r"mode='circular' reaches at most 4 beyond 4"),
    (
        "pad",
        (X, ((-1, 0),)),
        {"mode": "replicate"},
        HyperparameterError,
        r"axis -1 is -1, but only mode='constant' cuts",
    ),
    ("pad", (ONES((1, 1, 0)), ((1, 0),)), {"mode": "replicate"}, HyperparameterError, r"reaches at most 0 beyond 0"),
    ("pad", (X.astype(int), ((1, 1),)), {"value": 0.5}, DtypeError, r"value is 0\.5, but X holds integers"),
    ("pad", (X.astype(int), ((1, 1),)), {"value": 2.0**63}, HyperparameterError, r"integers are computed in int64"),
    ("pad", (X, ((1, 1),)), {"value": "a"}, HyperparameterError, r"value is 'a', but a number is needed"),
    ("unfold", (X, 5), {}, ShapeError, r"the kernel spans 5 .*, but spatial axis 0 has only 4"),
    ("unfold", (X, 2), {"stride": 0}, HyperparameterError, r"stride is 0, but it must be at least 1"),
    ("unfold", (X, 2), {"padding": "sme"}, UnknownNameError, r"there is no padding 'sme'; the nearest is same"),
    ("unfold", (X[0], 2), {}, ShapeError, r"X has 2 axes, but a batch axis, a channel axis and at least one spatial"),
    ("fold", (X[0], 5, 2), {}, ShapeError, r"X has 2 axes, but \(batch, channel and tap, window\) are needed"),
    ("fold", (X, 6, 2), {}, ShapeError, r"axis 2 of X is 4, but an output of \(6,\) has 5 windows"),
    ("fold", (X, (3, 4), (1, 2)), {}, ShapeError, r"an output of \(3, 4\) has 3 · 3 = 9 windows"),
    ("fold", (X, 6, 3), {}, ShapeError, r"axis 1 of X is 2, but it must be a multiple of the 3 taps"),
    ("fold", (X, 5, 2), {"padding": "same"}, HyperparameterError, r"folding takes whole numbers, pairs or 'valid'"),
    ("fold", (X, (), ()), {}, HyperparameterError, r"output_size is \(\), but at least one axis is needed"),
    ("fold", (X, -1, 2), {}, HyperparameterError, r"output_size is -1, but it must be at least 0"),
    ("fold", (X, 1, 2), {}, ShapeError, r"the kernel spans 2 .*, but spatial axis 0 has only 1"),
    ("flatten", (ONES(3),), {}, ShapeError, r"X has 1 axes, but a batch axis and a channel axis are needed"),
    ("flatten", (ONES((2, 0, 3)),), {}, ShapeError, r"X has no channels"),
    ("concat", ([X, X],), {}, HyperparameterError, r"one sequence came, but the arrays are needed one by one"),
    ("concat", (X, X[0]), {}, ShapeError, r"array 2 has shape \(2, 4\), but \(1, 4, 4\) is needed"),
    ("concat", (X, X[:, :, :3]), {}, ShapeError, r"array 2 has shape \(1, 2, 3\), but \(1, 2, 4\) is needed"),
    ("concat", (X, X), {"axis": 3}, HyperparameterError, r"axis is 3, but the arrays have 3 axes"),
    ("concat", (X, X), {"axis": -4}, HyperparameterError, r"axis is -4, but it must be at least -3"),
    ("concat", (X, ONES((1, 0, 4))), {}, ShapeError, r"an array has no channels"),
    ("pixel_shuffle", (X, 3), {}, ShapeError, r"X has 2 channels, which are no multiple of 3"),
    ("pixel_shuffle", (ONES((1, 2, 3, 3)), 2), {}, ShapeError, r"which are no multiple of 2 · 2"),
    ("pixel_shuffle", (X, 0), {}, HyperparameterError, r"upscale_factor is 0, but it must be at least 1"),
    ("pixel_unshuffle", (X, 3), {}, ShapeError, r"spatial axis 0 has 4 elements, which are no multiple of 3"),
    (
        "pixel_unshuffle",
        (X, (1, 2)),
        {},
        HyperparameterError,
        r"downscale_factor has 2 entries, but there are 1 spatial",
    ),
    ("upsample", (X,), {}, HyperparameterError, r"size or scale_factor is needed, but neither came"),
    ("upsample", (X, 3, 2), {}, HyperparameterError, r"size or scale_factor is needed, but both came"),
    (
        "upsample",
        (X,),
        {"scale_factor": 1.5},
        HyperparameterError,
        r"scale_factor is 1\.5, but a whole number is needed",
    ),
    ("upsample", (X, 0), {}, HyperparameterError, r"size is 0, but it must be at least 1"),
    (
        "upsample",
        (X, 5),
        {"mode": "bilinear"},
        UnknownNameError,
        r"there is no mode 'bilinear'; the nearest are linear",
    ),
    ("upsample", (X, 5), {"align_corners": True}, HyperparameterError, r"mode='nearest' takes an element as it is"),
    ("upsample", (X, 1), {"mode": "linear", "align_corners": True}, HyperparameterError, r"at least 2 positions"),
    ("upsample", (X, 5), {"mode": "linear", "align_corners": 1}, HyperparameterError, r"True or False is needed"),
    ("upsample", (ONES((1, 1, 0)), 5), {}, ShapeError, r"X has no element on an axis"),
    ("upsample", (X, 2**61), {}, ShapeError, r"which is more than any array can hold"),
]


@pytest.mark.parametrize(("name", "args", "kwargs", "error", "sentence"), REFUSED)
def test_what_is_refused_is_said_in_a_sentence(
    name: str, args: tuple, kwargs: dict[str, Any], error: type[ConvmathError], sentence: str
) -> None:
    own = getattr(F, name)
    with pytest.raises(error, match=sentence) as raised:
        own(*args, **kwargs)
    assert f"[{name}" in str(raised.value)
    with pytest.raises(error, match=sentence):
        own.vjp(np.ones(1), *args, **kwargs)


def test_the_arguments_are_those_that_are_documented() -> None:
    said = {name: str(inspect.signature(getattr(F, name))) for name in ("pad", "upsample", "concat")}
    assert said["pad"].startswith("(x: 'ArrayLike', pads: ")
    assert "mode: 'str' = 'constant', value: 'float' = 0.0" in said["pad"]
    assert said["concat"] == "(x: 'ArrayLike', *others: 'ArrayLike', axis: 'int' = 1)"


def test_upsampling_keeps_the_sum_of_a_gradient() -> None:
    """Each position is a mean of elements with weights that sum to 1, so its adjoint leaves the sum as it is."""
    gy = np.random.default_rng(0).integers(-4, 5, (2, 3, 6, 9)).astype(float)
    for mode in ("nearest", "nearest-exact", "linear"):
        [g] = F.upsample.vjp(gy, np.ones((2, 3, 4, 5)), (6, 9), mode=mode)
        np.testing.assert_allclose(g.sum((2, 3)), gy.sum((2, 3)), rtol=0, atol=2**-44)


def test_the_patches_of_a_signal_are_what_scipy_correlates() -> None:
    x, w = np.arange(7.0), np.array([1.0, -2.0, 4.0])
    assert (w @ F.unfold(x.reshape(1, 1, -1), 3)[0]).tolist() == scipy.signal.correlate(x, w, "valid").tolist()
