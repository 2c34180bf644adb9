"""The numeric operators at their door: what comes of which types and layouts, and what is refused in which words.

That the numbers are right is said by the laws (tests/laws).
"""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath import functional as F
from convmath import operator, operators
from convmath.errors import ConvmathError, DtypeError, HyperparameterError, ShapeError, UnknownNameError
from convmath.kernels.choice import EVERYWHERE
from convmath.ops.registry import family_options
from convmath.testing import Case, cases
from convmath.testing.cases import SEEDS, integers

from .generated import by

# what is computed in the type it came in, and the operators whose kernels may be chosen
OPERATORS = pytest.mark.parametrize("name", ["conv", "conv_transpose", "max_pool", "avg_pool"])
EVERY = pytest.mark.parametrize("name", operators())

METHODS = pytest.mark.parametrize("method", [by(method) for method in ("auto", *EVERYWHERE)])
WAYS = pytest.mark.parametrize(
    ("name", "method"), [by(method, name) for name in operators() for method in getattr(F, name).methods]
)


def called(case: Case, *arrays: np.ndarray, **options: Any) -> tuple[np.ndarray, ...]:
    """The value and the gradients of a case at other arrays of the same shapes; the last one is the cotangent."""
    *mine, gy = arrays
    call, own = case.with_arrays(*mine), getattr(F, case.op)
    y = own(*call.args, **call.kwargs, **options)
    return *(y if isinstance(y, tuple) else (y,)), *own.vjp(gy, *call.args, **call.kwargs, **options)


@st.composite
def calls(draw: Callable[..., Any], name: str) -> tuple[Case, list[np.ndarray]]:
    """A case, and integer arrays for it with a cotangent behind them."""
    only = {"return_indices": False} if "return_indices" in family_options(name) else {}
    case = draw(st.sampled_from((1, 2, 3)).flatmap(lambda d: cases(name, d, **only)))
    shape = case.sizes
    return case, [*case.arrays, integers(draw(SEEDS), shape)]


# --- types ----------------------------------------------------------------------------------------------------


@OPERATORS
@pytest.mark.parametrize(
    ("given_as", "computed_in", "mean_in"),
    [
        ("f4", "f4", "f4"),
        ("f8", "f8", "f8"),
        (">f4", "f4", "f4"),
        (">f8", "f8", "f8"),
        ("i2", "i8", "f8"),
        ("i8", "i8", "f8"),
    ],
)
@given(data=st.data())
def test_a_type_stays_and_integers_are_int64_and_their_means_float64(
    name: str, given_as: str, computed_in: str, mean_in: str, data: st.DataObject
) -> None:
    case, arrays = data.draw(calls(name))
    small = [array.astype(given_as) for array in arrays]
    y, *gradients = called(case, *small)
    shares = name == "avg_pool" or case.given.get("ties") == "split"
    assert y.dtype == np.dtype(mean_in if name == "avg_pool" else computed_in)
    assert all(g.dtype == np.dtype(mean_in if shares else computed_in) for g in gradients)
    exact, *slopes = called(case, *arrays)
    if not shares:
        np.testing.assert_array_equal(y, exact)
        for one, other in zip(gradients, slopes, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("one", "other", "together"), [("f4", "f8", "f8"), ("f4", "i2", "f8"), ("i2", "u4", "i8")])
def test_types_together_give_what_holds_both(one: str, other: str, together: str) -> None:
    x, w, b = np.ones((1, 1, 3), one), np.ones((1, 1, 2), other), np.ones(1, one)
    for own in (F.conv, F.conv_transpose):
        y = own(x, w, b)
        assert y.dtype == np.dtype(together)
        assert {g.dtype for g in own.vjp(y, x, w, b)} == {np.dtype(together)}


@OPERATORS
@given(data=st.data())
def test_a_float64_cotangent_of_float32_arrays_gives_float64(name: str, data: st.DataObject) -> None:
    case, (*arrays, gy) = data.draw(calls(name))
    _, *gradients = called(case, *(array.astype("f4") for array in arrays), gy)
    assert {g.dtype for g in gradients} == {np.dtype("f8")}


def test_integers_are_summed_in_int64_and_averaged_in_float64() -> None:
    top = np.full((1, 1, 2), 2**62)
    assert F.conv(top, np.array([[[1, 1]]])).tolist() == [[[-(2**63)]]]  # wraps round, as NumPy's sums do
    assert F.conv(top.astype("u8"), np.array([[[1, 0]]])).tolist() == [[[2**62]]]
    assert F.avg_pool(top, 2).tolist() == [[[2.0**62]]]
    assert F.max_pool(top - [0, 1], 2).tolist() == [[[2**62]]]


# --- layouts --------------------------------------------------------------------------------------------------

LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "Fortran order": np.asfortranarray,
    "every other element": lambda a: np.repeat(a, 2, -1)[..., ::2],
    "negative strides": lambda a: np.flip(np.ascontiguousarray(np.flip(a))),
    "transposed": lambda a: np.ascontiguousarray(a.T).T,
    "not aligned": lambda a: np.frombuffer(b"\0" + a.tobytes(), np.uint8)[1:].view(a.dtype).reshape(a.shape),
    "a subclass": lambda a: a.view(type("Mine", (np.ndarray,), {})),
    "bytes in the other order": lambda a: a.astype(a.dtype.newbyteorder()),
}


@WAYS
@given(data=st.data())
def test_layout_does_not_matter_and_nothing_is_changed_or_shared(name: str, method: str, data: st.DataObject) -> None:
    case, arrays = data.draw(calls(name))
    chosen = {"method": method} if method else {}
    expected = called(case, *arrays, **chosen)
    # an array without axes lies in one way alone
    laid = [LAYOUTS[data.draw(st.sampled_from([*LAYOUTS]))](array) if array.ndim else array.copy() for array in arrays]
    before = [array.copy() for array in laid]
    for array in laid:
        array.flags.writeable = False
    got = called(case, *laid, **chosen)
    for one, other in zip(expected, got, strict=True):
        if one is None:
            assert other is None
            continue
        np.testing.assert_array_equal(one, other, strict=True)
        assert type(other) is np.ndarray
        assert other.flags.writeable
        assert other.flags.c_contiguous
        assert not any(np.shares_memory(other, array) for array in laid)
    for one, other in combinations([array for array in got if array is not None], 2):
        assert not np.shares_memory(one, other)
    for array, copy in zip(laid, before, strict=True):
        np.testing.assert_array_equal(array, copy)


IDENTITIES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "dropout of nothing": lambda x: F.dropout(x, np.ones(x.shape, bool), p=0),
    "no padding": lambda x: F.pad(x, ((0, 0),)),
    "one piece": lambda x: F.concat(x),
    "flat already": lambda x: F.flatten(x[0]),
    "as large as it is": lambda x: F.upsample(x, scale_factor=1),
    "interpolated where it is": lambda x: F.upsample(x, scale_factor=1, mode="linear"),
    "shuffled by one": lambda x: F.pixel_shuffle(x, 1),
    "unshuffled by one": lambda x: F.pixel_unshuffle(x, 1),
    "windows of one": lambda x: F.max_pool(x, 1),
    "means of one": lambda x: F.avg_pool(x, 1),
    "a window for each": lambda x: F.adaptive_avg_pool(x, None),
    "patches of one": lambda x: F.unfold(x, 1),
    "folded from one": lambda x: F.fold(x, x.shape[2], 1),
    "positive": F.relu,
    "times one": lambda x: F.conv(x, np.eye(x.shape[1], dtype=x.dtype)[..., None]),
    "by an identity": lambda x: F.linear(x, np.eye(x.shape[-1], dtype=x.dtype)),
    "convolved with one": lambda x: F.convolve(x, np.ones((1, 1, 1), x.dtype)),
    "correlated with one": lambda x: F.correlate(x, np.ones((1, 1, 1), x.dtype), "same"),
}


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i8"])
@pytest.mark.parametrize("kind", IDENTITIES)
def test_what_comes_out_as_it_came_is_a_copy(kind: str, dtype: str) -> None:
    x = np.arange(1, 13).reshape(2, 2, 3).astype(dtype)
    y = IDENTITIES[kind](x)
    np.testing.assert_array_equal(y.reshape(-1), (x[0] if kind == "flat already" else x).reshape(-1))
    assert not np.shares_memory(x, y)


def test_gradients_that_are_the_cotangent_are_copies() -> None:
    gy = np.ones((2, 2))
    first, second = F.add.vjp(gy, gy, gy)
    assert not any(np.shares_memory(*pair) for pair in ((first, second), (first, gy), (second, gy)))


@OPERATORS
@given(data=st.data())
def test_methods_agree_on_integers(name: str, data: st.DataObject) -> None:
    """Exactly, also means: of multiples of whatever they are divided by."""
    case, arrays = data.draw(calls(name))
    scale = math.lcm(*range(1, 28)) if name == "avg_pool" or case.given.get("ties") == "split" else 1
    whole = [scale * array.astype(int) for array in arrays]
    plain, *others = (called(case, *whole, method=method) for method in ("direct", "patches", "auto"))
    for other in others:
        for one, same in zip(plain, other, strict=True):
            np.testing.assert_array_equal(one, same, strict=True)


def test_lists_and_numpy_numbers_are_taken() -> None:
    x = [[[1.0, 2.0, 3.0, 4.0, 5.0]]]
    y = F.conv(x, [[[1, 1]]], [0], stride=2, padding=((1, 0),))
    for two in (np.int64(2), np.array(2), np.array([2]), np.uint8([2]), (np.int8(2),), [2], range(2, 3)):
        np.testing.assert_array_equal(F.conv(x, [[[1, 1]]], stride=two, padding=((1, 0),)), y)
    for pad in (np.array([[1, 0]]), [[1, 0]], (np.array([1, 0]),), [(np.int8(1), 0)]):
        np.testing.assert_array_equal(F.conv(x, [[[1, 1]]], stride=2, padding=pad), y)
    assert F.max_pool(x, np.array([2]), ceil_mode=np.True_).shape == (1, 1, 3)
    assert F.avg_pool(x, 2, divisor_override=np.int32(1)).tolist() == [[[3, 7]]]


def test_the_exact_value_takes_hyperparameters_in_the_same_ways() -> None:
    op, x, w = operator("conv", ndim=2), integers(1, (1, 1, 4, 5)), integers(1, (1, 1, 2, 3))
    for named in (
        {"stride": np.array([2, 1]), "padding": np.array([[1, 0], [0, 2]])},
        {"stride": [2, 1], "padding": [(1, 0), [0, np.int8(2)]]},
    ):
        np.testing.assert_array_equal(op.exact(x, w, **named), F.conv(x, w, **named))
    assert op.shape(n=np.array([4, 5]), k=[2, 3]) == op.shape(n=(4, 5), k=(2, 3))
    assert operator("conv", ndim=1).shape(n=(224,), k=(7,)) == operator("conv", ndim=1).shape(n=224, k=7)
    with pytest.raises(
        HyperparameterError, match=r"^stride holds \(1, 2\), but a whole number is needed for each axis"
    ):
        op.exact(x, w, stride=((1, 2), (1, 2)))
    with pytest.raises(
        HyperparameterError, match=r"^padding holds \(1, 2, 3\), but a whole number or a pair is needed"
    ):
        op.exact(x, w, padding=((1, 2, 3), (0, 0)))
    with pytest.raises(HyperparameterError, match=r"^n has 1 entries, but there are 2 axes to set"):
        op.shape(n=(4,))


# --- sizes ----------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("error")
@WAYS
@given(data=st.data())
def test_of_no_images_there_are_results_of_the_same_sizes(name: str, method: str, data: st.DataObject) -> None:
    case, _ = data.draw(calls(name))
    batch, *_ = (inputs := case.operator.statement.inputs)[0].shape
    along = [bool(tensor.shape) and tensor.shape[0] == batch for tensor in inputs]
    none = case.with_arrays(*(a[:0] if cut else a for a, cut in zip(case.arrays, along, strict=True)))
    own, chosen = getattr(F, name), {"method": method} if method else {}
    if name == "batch_norm" and case.kwargs.get("training"):  # no mean of nothing
        with pytest.raises(ShapeError, match="a channel of X has 0 values"):
            own(*none.args, **none.kwargs)
        return
    outputs = [own(*each.args, **each.kwargs, **chosen) for each in (none, case)]
    [y, *_], [full, *_] = (found if isinstance(found, tuple) else (found,) for found in outputs)
    assert (y.dtype, y.shape[1:]) == (full.dtype, full.shape[1:])
    gradients = [g for g in own.vjp(np.ones(y.shape), *none.args, **none.kwargs, **chosen) if g is not None]
    for g, array in zip(gradients, (a for a in none.arrays if a.dtype.kind != "i"), strict=True):
        assert g.shape == array.shape
        assert not np.nan_to_num(g).any()  # a mean of nothing is NaN, and so is its gradient


@METHODS
def test_an_empty_batch_gives_an_empty_result(method: str) -> None:
    x, w, b = np.ones((0, 4, 5, 6)), np.ones((2, 2, 3, 1)), np.ones(2)
    assert F.conv(x, w, b, groups=2, method=method).shape == (0, 2, 3, 6)
    gx, gw, gb = F.conv.vjp(np.ones((0, 2, 3, 6)), x, w, b, groups=2, method=method)
    assert (gx.shape, gw.tolist(), gb.tolist()) == ((0, 4, 5, 6), np.zeros((2, 2, 3, 1)).tolist(), [0, 0])
    w = np.ones((4, 3, 2, 2))
    assert F.conv_transpose(x, w, method=method).shape == (0, 3, 6, 7)
    gx, gw = F.conv_transpose.vjp(np.ones((0, 3, 6, 7)), x, w, method=method)
    assert (gx.shape, gw.any()) == ((0, 4, 5, 6), False)
    for pool in (F.max_pool, F.avg_pool):
        assert pool(x, 2, method=method).shape == (0, 4, 2, 3)
        assert pool.vjp(np.ones((0, 4, 2, 3)), x, 2, method=method)[0].shape == x.shape
    y, at = F.max_pool(x, 2, return_indices=True, method=method)
    assert y.shape == at.shape == (0, 4, 2, 3)


@METHODS
def test_an_axis_of_size_zero_is_what_the_padding_makes_of_it(method: str) -> None:
    x = np.ones((2, 1, 0))
    assert F.conv(x, np.ones((1, 1, 2)), [7.0], padding=1, method=method).tolist() == [[[7.0]], [[7.0]]]
    gx, gw = F.conv.vjp(np.ones((2, 1, 1)), x, np.ones((1, 1, 2)), padding=1, method=method)
    assert (gx.shape, gw.tolist()) == ((2, 1, 0), [[[0, 0]]])
    assert F.max_pool(x, 2, padding=1, method=method).tolist() == [[[-np.inf]], [[-np.inf]]]
    assert F.avg_pool(x, 2, padding=1, method=method).tolist() == [[[0]], [[0]]]
    # the adjoint of a convolution that has no window in an output of two
    assert F.conv_transpose(x, np.ones((1, 1, 3)), method=method).tolist() == [[[0, 0]], [[0, 0]]]
    gx, gw = F.conv_transpose.vjp(np.ones((2, 1, 2)), x, np.ones((1, 1, 3)), method=method)
    assert (gx.shape, gw.any()) == ((2, 1, 0), False)


@METHODS
def test_an_output_of_size_zero_is_empty(method: str) -> None:
    x, w = np.ones((1, 1, 1)), np.ones((1, 1, 2))
    assert F.conv_transpose(x, w, padding=1, method=method).shape == (1, 1, 0)
    gx, gw = F.conv_transpose.vjp(np.ones((1, 1, 0)), x, w, padding=1, method=method)
    assert (gx.tolist(), gw.tolist()) == ([[[0]]], [[[0, 0]]])


@METHODS
def test_four_dimensions_with_every_hyperparameter(method: str) -> None:
    rng = np.random.default_rng(0)
    x, w = rng.integers(-4, 5, (2, 4, 3, 4, 2, 3)), rng.integers(-4, 5, (6, 2, 2, 1, 2, 2))
    options: dict[str, Any] = {
        "stride": (1, 2, 1, 2),
        "padding": ((1, 0), (0, 1), (1, 1), (0, 0)),
        "dilation": (2, 1, 1, 2),
        "groups": 2,
    }
    case = Case("conv", (x, w, np.arange(6)), options)
    np.testing.assert_array_equal(F.conv(*case.args, **options, method=method), case.expected)
    gy = rng.integers(-4, 5, case.expected.shape)
    for one, other in zip(F.conv.vjp(gy, *case.args, **options, method=method), case.expected_vjp(gy), strict=True):
        np.testing.assert_array_equal(one, other)


@METHODS
@pytest.mark.parametrize("ties", ["first", "last"])
@given(data=st.data())
def test_indices_are_where_the_maximum_stands(method: str, ties: str, data: st.DataObject) -> None:
    case = data.draw(cases("max_pool", ties=ties, return_indices=False))
    [x] = case.arrays
    y, at = F.max_pool(*case.args, **case.kwargs, return_indices=True, method=method)
    assert at.dtype == np.int64
    flat = x.reshape(*x.shape[:2], math.prod(x.shape[2:]))
    found = np.take_along_axis(flat, at.reshape(*at.shape[:2], -1), 2) if y.size else y
    np.testing.assert_array_equal(found.reshape(y.shape), y)
    # a gradient of ones counts how often a position is chosen
    [chosen] = F.max_pool.vjp(np.ones(y.shape), *case.args, **case.kwargs, method=method)
    for v, c in np.ndindex(*x.shape[:2]):
        counted = np.bincount(at[v, c].reshape(-1), minlength=flat.shape[2])
        np.testing.assert_array_equal(chosen[v, c].reshape(-1), counted)


# --- values without a number ----------------------------------------------------------------------------------


@METHODS
def test_nan_and_infinity_go_where_ieee_sends_them(method: str) -> None:
    x, nan, inf = np.array([[[np.nan, 1.0, np.inf, 2.0]]]), np.nan, np.inf
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(F.conv(x, [[[1.0, 0.0]]], method=method), [[[nan, nan, inf]]])
        np.testing.assert_array_equal(F.avg_pool(x, 2, stride=1, method=method), [[[nan, inf, inf]]])
        np.testing.assert_array_equal(F.conv_transpose(x, [[[2.0]]], method=method), 2 * x)
    y, at = F.max_pool(x, 2, stride=1, return_indices=True, method=method)
    np.testing.assert_array_equal(y, [[[nan, inf, inf]]])
    np.testing.assert_array_equal(at, [[[0, 2, 2]]])
    np.testing.assert_array_equal(F.max_pool.vjp([[[1, 2, 4]]], x, 2, stride=1, method=method)[0], [[[1, 0, 6, 0]]])


@METHODS
def test_a_window_without_an_element_has_no_maximum(method: str) -> None:
    x = np.array([[[5.0]]])
    y, at = F.max_pool(x, 1, padding=((1, 0),), return_indices=True, method=method)
    assert (y.tolist(), at.tolist()) == ([[[-np.inf, 5.0]]], [[[-1, 0]]])
    for ties in ("first", "last", "split", "all"):
        [gx] = F.max_pool.vjp([[[3.0, 4.0]]], x, 1, padding=((1, 0),), ties=ties, method=method)
        assert gx.tolist() == [[[4.0]]]


@METHODS
def test_a_share_goes_to_each_of_equal_maxima(method: str) -> None:
    x, gy = [[[2, 2, 1, 2]]], [[[6, 12]]]

    def sent(ties: str) -> list:
        return F.max_pool.vjp(gy, x, 3, stride=1, ties=ties, method=method)[0].tolist()

    assert sent("first") == [[[6, 12, 0, 0]]]
    assert sent("last") == [[[0, 6, 0, 12]]]
    assert sent("split") == [[[3, 9, 0, 6]]]
    assert sent("all") == [[[6, 18, 0, 12]]]


# --- gradients by name ----------------------------------------------------------------------------------------


def test_there_is_a_gradient_for_each_array_that_is_passed() -> None:
    x, w, b, gy = np.ones((1, 1, 3)), np.ones((2, 1, 2)), np.ones(2), np.ones((1, 2, 2))
    for gradients in (F.conv.vjp(gy, x, w), F.conv.vjp(gy, w=w, x=x), F.conv.vjp(gy, x, w=w)):
        gx, gw = gradients
        assert (gx.shape, gw.shape) == (x.shape, w.shape)
    assert F.conv.vjp(gy, x, w, b)[2].tolist() == [2, 2]
    assert F.conv.vjp(gy, x, w, b=b)[2].tolist() == [2, 2]
    assert F.conv.vjp(gy, x, w, None)[2] is None


@EVERY
def test_an_operator_tells_its_signature(name: str) -> None:
    own = getattr(F, name)
    taken, vjp = inspect.signature(own), inspect.signature(own.vjp)
    assert own.__name__ == own.__qualname__ == name
    assert [*vjp.parameters] == ["cotangent", *taken.parameters]
    assert "Call" not in str(taken)
    assert name in own.vjp.__doc__


# --- what is refused ------------------------------------------------------------------------------------------


def x(*shape: int) -> np.ndarray:
    return np.ones(shape)


X, W = x(2, 4, 5, 6), x(6, 2, 3, 3)
WHERE = r" \[conv\(X\(2, 4, 5, 6\), W\(6, 2, 3, 3\)\)\]$"

SHAPES: list[tuple[Callable[[], Any], str]] = [
    (lambda: F.conv(X, W), r"^W reads 2 channels a group, but X has 4 in 1 groups" + WHERE),
    (lambda: F.conv(X, W, groups=3), r"^X has 4 channels, which do not divide into 3 groups" + WHERE),
    (lambda: F.conv(X, x(5, 2, 3, 3), groups=2), r"^W makes 5 channels, which do not divide into 2 groups"),
    (lambda: F.conv_transpose(X, x(3, 2, 1, 1)), r"^W reads 3 channels, but X has 4 \[conv_transpose\(X"),
    (lambda: F.conv_transpose(X, x(4, 2, 1, 1), groups=3), r"^X has 4 channels, which do not divide into 3 groups"),
    (lambda: F.conv(X, x(6, 4, 3)), r"^W has 3 axes, but X has 4, and both need the same number"),
    (lambda: F.conv(x(4, 5), x(6, 4)), r"^X has 2 axes, but a batch axis, a channel axis and at least one spatial"),
    (lambda: F.conv(3.0, W), r"^X has 0 axes, but .* \[conv\(X\(\), W"),
    (lambda: F.max_pool(x(5), 2), r"^X has 1 axes, but a batch axis"),
    (lambda: F.conv(x(2, 0, 5), x(1, 0, 3)), r"^X has no channels, but at least one is needed"),
    (lambda: F.conv(X, x(0, 4, 3, 3)), r"^W makes no channels, but at least one is needed"),
    (lambda: F.conv_transpose(X, x(4, 0, 3, 3)), r"^W makes no channels, but at least one is needed"),
    (
        lambda: F.avg_pool(x(2, 0, 5), 2),
        r"^X has no channels, but at least one is needed \[avg_pool\(X\(2, 0, 5\), ke",
    ),
    (
        lambda: F.conv(X, W, groups=2, dilation=(3, 1)),
        r"^the kernel spans 7 \(kernel 3, dilation 3\), but spatial axis 0 has only 5 \(input 5, padding 0 and 0\)",
    ),
    (lambda: F.max_pool(X, 7), r"^the kernel spans 7 .* only 5 .* \[max_pool\(X\(2, 4, 5, 6\), kernel_size=7\)\]$"),
    (lambda: F.max_pool(X, 9, padding=1), r"^the kernel spans 9 .* only 7 \(input 5, padding 1 and 1\)"),
    (
        lambda: F.conv(X, W, x(5), groups=2),
        r"^B has shape \(5,\), but \(6,\) is needed, one number an output channel",
    ),
    (lambda: F.conv(X, W, x(6, 1), groups=2), r"^B has shape \(6, 1\), but \(6,\) is needed"),
    (lambda: F.conv(X, W, 1.0, groups=2), r"^B has shape \(\), but \(6,\) is needed"),
    (lambda: F.conv_transpose(X, x(4, 3, 1, 1), x(3), groups=2), r"^B has shape \(3,\), but \(6,\) is needed"),
    (
        lambda: F.conv.vjp(x(2, 6, 3, 3), X, W, groups=2),
        r"^the cotangent has shape \(2, 6, 3, 3\), but the output's shape \(2, 6, 3, 4\) is needed" + WHERE,
    ),
    (lambda: F.max_pool.vjp(1.0, X, 2), r"^the cotangent has shape \(\), but the output's shape \(2, 4, 2, 3\) is"),
    (
        lambda: F.conv_transpose(x(1, 1, 1), x(1, 1, 1), padding=1),
        r"^the output would have size -1 on spatial axis 0,",
    ),
    (
        lambda: F.max_pool(np.ones((1, 1, 1), int), 1, padding=((0, 1),)),
        r"^window \(1,\) holds no element of X, and nothing has no greatest integer \[max_pool",
    ),
    (
        lambda: F.avg_pool(x(1, 1, 1), 1, padding=1, count_include_pad=False),
        r"^window \(0,\) holds no element of X, and nothing has no mean \[avg_pool",
    ),
    (
        lambda: F.conv(X, W, groups=2, padding=2**61),
        r"^the padded input would have the shape \(2, 4, 46\d+, 46\d+\), ",
    ),
    (
        lambda: F.conv(X, W, groups=2, padding=2**31),
        r"^the padded input would have the shape .* than any array can",
    ),
    (
        lambda: F.max_pool(X, 2, padding=2**62),
        r"^the output would have the shape \(2, 4, .*, which is more than any",
    ),
    (
        lambda: F.conv_transpose(X, x(4, 1, 1, 1), stride=2**62, padding=2**63 - 1),
        r"^the output before it is cut would have the shape",
    ),
    (lambda: F.conv_transpose(x(0, 1, 3), x(1, 1, 1), stride=2**62), r"^the output before it is cut would have"),
]

NUMBERS: list[tuple[Callable[[], Any], str]] = [
    *(
        (lambda name=name, value=value: F.conv(X, W, groups=2, **{name: value}), rf"^{name} is {said}" + WHERE)
        for name, least in (("stride", 1), ("dilation", 1), ("padding", 0))
        for value, said in (
            (-1, f"-1, but it must be at least {least}"),
            (1.5, r"1\.5, but a whole number is needed"),
            (1.0, r"1\.0, but a whole number is needed"),
            (math.nan, "nan, but a whole number is needed"),
            (math.inf, "inf, but a whole number is needed"),
            (np.float64(2), r"2\.0, but a whole number is needed"),
            (True, "True, but a whole number is needed"),
            (None, "None, but a whole number is needed"),
            (1j, "1j, but a whole number is needed"),
            (2**63, f"{2**63}, but it must be at most {sys.maxsize}"),
            (-(2**63), f"{-(2**63)}, but it must be at least {least}"),
            (b"12", "b'12', but a whole number is needed"),
            ({1: 2}, r"\{1: 2\}, but a whole number is needed"),
        )
    ),
    *(
        (lambda name=name, value=value: F.conv(X, W, groups=2, **{name: value}), rf"^{name}{said}" + WHERE)
        for name in ("stride", "dilation", "padding")
        for value, said in (
            ((1, 2, 3), " has 3 entries, but there are 2 spatial axes"),
            ((), " has 0 entries, but there are 2 spatial axes"),
            (np.array([1]), " has 1 entries, but there are 2 spatial axes"),
            ((1, 0.5), r"\[1\] is 0\.5, but a whole number is needed"),
            (np.array([1.0, 2.0]), r"\[0\] is 1\.0, but a whole number is needed"),
            (np.array([True, True]), r"\[0\] is True, but a whole number is needed"),
            (np.ma.masked_array([1, 2], [True, False]), r"\[0\] is None, but a whole number is needed"),
        )
    ),
    (lambda: F.conv(X, W, groups=2, stride=0), r"^stride is 0, but it must be at least 1" + WHERE),
    (lambda: F.conv(X, W, groups=2, dilation=(1, 0)), r"^dilation\[1\] is 0, but it must be at least 1"),
    (lambda: F.conv(X, W, groups=2, stride="2"), r"^stride is '2', but a whole number is needed"),
    (lambda: F.conv(X, W, groups=2, stride=((1, 2), (1, 2))), r"^stride\[0\] is \(1, 2\), but a whole number"),
    (lambda: F.conv(X, x(6, 4, 0, 3)), r"^kernel\[0\] is 0, but it must be at least 1"),
    (lambda: F.conv(X, W, groups=0), r"^groups is 0, but it must be at least 1"),
    (lambda: F.conv(X, W, groups=1.5), r"^groups is 1\.5, but a whole number is needed"),
    (lambda: F.conv(X, W, groups=(2,)), r"^groups is \(2,\), but a whole number is needed"),
    (
        lambda: F.conv(X, W, groups=2, padding=((1, 2),)),
        r"^padding is \(\(1, 2\),\), but a \(before, after\) pair for each of 2 spatial axes is needed" + WHERE,
    ),
    (
        lambda: F.conv(X, W, groups=2, padding=((1, 2, 3), (1, 2, 3))),
        r"^padding is .* but a \(before, after\) pair",
    ),
    (
        lambda: F.conv(X, W, groups=2, padding=((1, -1), (0, 0))),
        r"^padding\[0\]\[1\] is -1, but it must be at least",
    ),
    (lambda: F.conv(X, W, groups=2, padding=((1, 0.5), (0, 0))), r"^padding\[0\]\[1\] is 0\.5, but a whole number"),
    (lambda: F.conv(x(1, 1, 5), x(1, 1, 3), padding=(1, 2)), r"pair is written nested, \(\(1, 2\),\)"),
    (
        lambda: F.conv(X, W, groups=2, padding=6, padding_mode="circular"),
        r"^the padding of spatial axis 0 is 6, but padding_mode='circular' reaches at most 5 beyond an axis",
    ),
    (lambda: F.conv(X, W, groups=2, padding=5, padding_mode="reflect"), r"is 5, but .*'reflect' reaches at most 4"),
    (
        lambda: F.conv(x(1, 1, 0), x(1, 1, 1), padding=1, padding_mode="replicate"),
        r"reaches at most 0 beyond an axis",
    ),
    (
        lambda: F.conv_transpose(X, x(4, 1, 2, 2), stride=2, output_padding=(0, 2)),
        r"^output_padding is 2 on spatial axis 1, but it must be smaller than the stride 2 or the dilation 1 ",
    ),
    (
        lambda: F.conv_transpose(X, x(4, 1, 2, 2), output_padding=-1),
        r"^output_padding is -1, but it must be at least 0",
    ),
    (
        lambda: F.conv_transpose(X, x(4, 1, 2, 2), padding="same"),
        r"^padding is 'same', but a transposed convolution takes whole numbers, pairs or 'valid'",
    ),
    *(
        (lambda value=value: F.max_pool(X, value), rf"^kernel{said} \[max_pool\(X\(2, 4, 5, 6\), kernel_size=")
        for value, said in (
            (0, " is 0, but it must be at least 1"),
            (-2, " is -2, but it must be at least 1"),
            (2.5, r" is 2\.5, but a whole number is needed"),
            (None, " is None, but a whole number is needed"),
            (math.inf, " is inf, but a whole number is needed"),
            ((2, 2, 2), " has 3 entries, but there are 2 spatial axes"),
            (2**63, f" is {2**63}, but it must be at most {sys.maxsize}"),
        )
    ),
    (lambda: F.max_pool(X, 2, ceil_mode=1), r"^ceil_mode is 1, but True or False is needed \[max_pool"),
    (lambda: F.max_pool(X, 2, return_indices="no"), r"^return_indices is 'no', but True or False is needed"),
    (lambda: F.avg_pool(X, 2, count_include_pad=None), r"^count_include_pad is None, but True or False is needed"),
    (lambda: F.avg_pool(X, 2, divisor_override=0), r"^divisor_override is 0, but it must be at least 1"),
    (lambda: F.avg_pool(X, 2, divisor_override=0.5), r"^divisor_override is 0\.5, but a whole number is needed"),
]

NAMES: list[tuple[Callable[[], Any], str]] = [
    (
        lambda: F.conv(X, W, groups=2, method="patch"),
        r"^there is no method 'patch'; the nearest is patches \(all: auto",
    ),
    (
        lambda: F.conv(X, W, groups=2, method=None),
        r"^there is no method None; there are \(auto, direct, patches, simd, winograd, winograd4\)",
    ),
    (lambda: F.conv(X, W, groups=2, padding="smae"), r"^there is no padding 'smae'; the nearest is same "),
    (
        lambda: F.conv(X, W, groups=2, padding_mode="zero"),
        r"^there is no padding_mode 'zero'; the nearest is zeros",
    ),
    (lambda: F.conv(X, W, groups=2, padding_mode=X), r"^there is no padding_mode array"),
    (lambda: F.max_pool(X, 2, ties="frist"), r"^there is no choice of ties 'frist'; the nearest is first"),
    (lambda: F.max_pool(X, 2, ties=["first"]), r"^there is no choice of ties \['first'\]"),
]

MASKED = np.ma.masked_array(x(2, 4, 5, 6), X > 0)
TYPES: dict[str, tuple[Any, str]] = {
    "None": (None, "holds object"),
    "objects": (X.astype(object), "holds object"),
    "booleans": (X > 0, "holds bool"),
    "strings": ([[["a", "b"]]], "holds <U1"),
    "bytes": (b"abc", r"holds \|S3"),
    "dates": (X.astype("M8[D]"), r"holds datetime64\[D\]"),
    "structures": (np.zeros((1, 1, 2), "i4,i4"), r"holds \[\('f0'"),
    "too large": (np.full((1, 1, 2), 2**63, "u8"), f"holds {2**63}, but integers are computed in int64"),
    "larger": ([[[2**70]]], "holds object"),
    "ragged": ([[[1.0], [2.0, 3.0]]], "cannot be read as an array of numbers: .*inhomogeneous"),
    "masked": (MASKED, "is a masked array, but what is masked has no value; fill it first"),
    "a set": ({1, 2}, "holds object"),
    "a function": (len, "holds object"),
}


REFUSED = [
    *((call, ShapeError, sentence) for call, sentence in SHAPES),
    *((call, HyperparameterError, sentence) for call, sentence in NUMBERS),
    *((call, UnknownNameError, sentence) for call, sentence in NAMES),
]


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    REFUSED,
    ids=[f"{error.__name__} {place}" for place, (_, error, _) in enumerate(REFUSED)],
)
def test_what_does_not_fit_is_said(call: Callable[[], Any], error: type[ConvmathError], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        call()


@pytest.mark.parametrize("kind", TYPES)
def test_an_array_of_another_type_is_said_in_every_place(kind: str) -> None:
    wrong, said = TYPES[kind]
    end = r" \[(conv|conv_transpose|max_pool|avg_pool)(\(X.*\))?\]$"
    for name, call in {
        "X": lambda: F.conv(wrong, W),
        "W": lambda: F.conv(X, wrong),
        "B": lambda: F.conv(X, x(6, 4, 1, 1), wrong if wrong is not None else {}),
        "the cotangent": lambda: F.conv.vjp(wrong, X, x(6, 4, 1, 1)),
    }.items():
        with pytest.raises(DtypeError, match=rf"^{name} {said}.*{end}"):
            call()
    for pool in (lambda: F.max_pool(wrong, 2), lambda: F.avg_pool(wrong, 2), lambda: F.conv_transpose(wrong, W)):
        with pytest.raises(DtypeError, match=rf"^X {said}.*{end}"):
            pool()


@pytest.mark.skipif(np.dtype(np.longdouble).itemsize == 8, reason="this platform has no longdouble wider than float64")
def test_longdouble_is_not_narrowed_in_silence() -> None:
    needed = r"float16, bfloat16, float32, float64 or integers are needed"
    with pytest.raises(DtypeError, match=rf"^X holds float\d+, but {needed} \[max_pool\]$"):
        F.max_pool(X.astype(np.longdouble), 2)
    with pytest.raises(DtypeError, match=r"^X holds complex\d+, but .*complex64, complex128 or integers are needed"):
        F.conv(X.astype(np.clongdouble), W)
    with pytest.raises(DtypeError, match=rf"^X holds complex128, but {needed} \[max_pool\]$"):
        F.max_pool(X + 1j, 2)


def test_an_argument_that_there_is_none_of_is_pythons_own_error() -> None:
    with pytest.raises(TypeError, match="strides"):
        F.conv(X, W, strides=2)
    with pytest.raises(TypeError):
        F.max_pool(X)
