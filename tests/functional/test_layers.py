"""The kin of convolution, layers of features, dropout, and LeNet-5's layers: what they are made of, what is refused."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st

from convmath import functional as F
from convmath.errors import ConvmathError, DataError, DtypeError, HyperparameterError, ShapeError, UnknownNameError
from convmath.functional import separable
from convmath.kernels import features, local
from convmath.ops.lenet import CONNECTIONS, TABLE
from convmath.testing import Case, Subject, cases
from convmath.testing.cases import SEEDS, integers
from convmath.testing.laws import LAWS, applies, laws_of

from ..faults import caught

X = np.arange(8.0).reshape(1, 2, 4)


def drawn(data: st.DataObject, name: str, **only: Any) -> Case:
    return data.draw(cases(name, data.draw(st.integers(1, 3)), **only), label="case")


def run(case: Case) -> np.ndarray:
    return getattr(F, case.op)(*case.args, **case.kwargs)


# --- kin of convolution -------------------------------------------------------------------------------------------


@given(data=st.data())
def test_true_convolution_is_the_correlation_with_the_kernel_turned(data: st.DataObject) -> None:
    case = drawn(data, "convolution")
    x, w, *b = case.arrays
    turned = np.flip(w, tuple(range(2, w.ndim)))
    np.testing.assert_array_equal(run(case), F.conv(x, turned, *b, **case.kwargs))


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_full_padding_gives_what_scipy_convolves(ndim: int) -> None:
    rng = np.random.default_rng(ndim)
    x, w = rng.integers(-4, 5, (5, 4, 3)[:ndim]).astype(float), rng.integers(-4, 5, (3, 2, 2)[:ndim]).astype(float)
    y = F.convolution(x[None, None], w[None, None], padding="full")
    np.testing.assert_array_equal(y[0, 0], scipy.signal.convolve(x, w, method="direct"))


def test_a_kernel_that_is_not_turned_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(separable, "_turned", lambda w: w)
    caught(test_true_convolution_is_the_correlation_with_the_kernel_turned)


@given(data=st.data())
def test_depthwise_is_a_convolution_with_as_many_groups_as_channels(data: st.DataObject) -> None:
    case = drawn(data, "depthwise_conv")
    np.testing.assert_array_equal(run(case), F.conv(*case.arrays, **case.kwargs, groups=case.arrays[0].shape[1]))


@given(data=st.data())
def test_separable_is_one_convolution_by_the_product_of_its_weights(data: st.DataObject) -> None:
    """W'[o,c,t] = Σ_f U[o,F·c+f] · W[F·c+f,t]"""
    case = drawn(data, "separable_conv")
    x, w, u, *b = case.arrays
    channels = x.shape[1]
    each = w.reshape(channels, -1, *w.shape[2:])
    mixed = u.reshape(len(u), channels, -1)
    whole = np.einsum("ocf,cf...->oc...", mixed, each)
    np.testing.assert_array_equal(run(case), F.conv(x, whole, *b, **case.kwargs))


@given(data=st.data())
def test_the_same_weights_everywhere_are_a_convolution(data: st.DataObject) -> None:
    case = drawn(data, "locally_connected", bias=False)
    x, w = case.arrays
    d = case.ndim
    shared = w[(slice(None), *[0] * d)]
    everywhere = np.broadcast_to(shared.reshape(len(w), *[1] * d, *shared.shape[1:]), w.shape)
    y = F.conv(x, shared, **case.kwargs)
    np.testing.assert_array_equal(run(case.with_arrays(x, np.ascontiguousarray(everywhere))), y)


def test_weights_at_the_wrong_window_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = local.unfold
    monkeypatch.setattr(local, "unfold", lambda *given_: true(*given_)[..., ::-1])
    caught(test_the_same_weights_everywhere_are_a_convolution)


@given(data=st.data())
def test_a_full_table_is_a_convolution_and_an_empty_one_the_bias(data: st.DataObject) -> None:
    case = drawn(data, "table_conv", bias=True)
    x, w, table, b = case.arrays
    np.testing.assert_array_equal(
        F.table_conv(x, w, np.ones_like(table), b, **case.kwargs), F.conv(x, w, b, **case.kwargs)
    )
    alone = F.table_conv(x, w, np.zeros_like(table), b, **case.kwargs)
    np.testing.assert_array_equal(alone, np.broadcast_to(b.reshape(-1, *[1] * case.ndim), alone.shape))


@given(data=st.data())
def test_what_a_table_leaves_out_may_hold_anything(data: st.DataObject) -> None:
    """Also a NaN, in the channel, its weights or what comes back; and no gradient goes there."""
    case = drawn(data, "table_conv")
    x, w, table, *b = case.arrays
    kept = np.where(table.reshape(*table.shape, *[1] * case.ndim), w, np.nan)
    unread = ~table.any(0)
    lost = np.where(unread.reshape(1, -1, *[1] * case.ndim), np.nan, x)
    strange = case.with_arrays(lost, kept, table, *b)
    np.testing.assert_array_equal(run(strange), run(case))
    ones = np.ones(case.sizes)
    for one, other in zip(
        F.table_conv.vjp(ones, *strange.args, **case.kwargs),
        F.table_conv.vjp(ones, *case.args, **case.kwargs),
        strict=True,
    ):
        assert (one is None) == (other is None)
        if one is not None:
            np.testing.assert_array_equal(one, other)


def test_a_table_that_is_read_by_columns_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = local._alike
    monkeypatch.setattr(local, "_alike", lambda table: true(np.ones_like(table)))
    caught(test_what_a_table_leaves_out_may_hold_anything)


# --- features -----------------------------------------------------------------------------------------------------

ALONE = ("linear", "rbf", "add", "dropout", "flatten", "concat")


@pytest.mark.parametrize(("name", "law"), [(name, law) for name in ALONE for law in laws_of(name, True)])
@given(data=st.data())
def test_without_spatial_axes_it_obeys_the_laws_too(name: str, law: str, data: st.DataObject) -> None:
    case, seed = data.draw(cases(name, 0), label="case"), data.draw(SEEDS, label="seed")
    own = getattr(F, name)
    found = LAWS[law](Subject(name, own, own.vjp), case, lambda shape: integers(seed, shape))
    assert found is None or not applies(law, case), f"{found} at {case}"


def test_a_sum_that_is_a_difference_is_caught_without_spatial_axes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "linear", lambda x, w, b: -x @ w.T)
    caught(test_without_spatial_axes_it_obeys_the_laws_too, "linear", "definition")


@pytest.mark.parametrize("lead", [(), (0,), (3,), (2, 3), (2, 1, 3, 2)])
def test_any_axes_may_stand_before_the_features(lead: tuple[int, ...]) -> None:
    rng = np.random.default_rng(len(lead))
    x, w, b = rng.integers(-4, 5, (*lead, 3)), rng.integers(-4, 5, (5, 3)), rng.integers(-4, 5, 5)
    y = F.linear(x, w, b)
    assert (y.shape, y.dtype) == ((*lead, 5), np.int64)
    np.testing.assert_array_equal(y, np.einsum("oc,...c->...o", w, x) + b)
    gx, gw, gb = F.linear.vjp(y, x, w, b)
    np.testing.assert_array_equal(gx, np.einsum("oc,...o->...c", w, y))
    np.testing.assert_array_equal(gw, y.reshape(-1, 5).T @ x.reshape(-1, 3))
    np.testing.assert_array_equal(gb, y.reshape(-1, 5).sum(0))
    gap = x[..., None, :] - w
    np.testing.assert_array_equal(F.rbf(x, w), (gap**2).sum(-1))
    gx, gw = F.rbf.vjp(y, x, w)
    np.testing.assert_array_equal(gx, (2 * y[..., None] * gap).sum(-2))
    np.testing.assert_array_equal(gw, -(2 * y[..., None] * gap).reshape(-1, 5, 3).sum(0))


def test_a_distance_whose_square_is_lost_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "distances", lambda x, w: np.abs(x[..., None, :] - w).sum(-1))
    with pytest.raises(AssertionError):
        test_any_axes_may_stand_before_the_features((3,))


def test_a_distance_does_not_cancel() -> None:
    """(x - w)² and not x² - 2xw + w²: of two numbers near 10⁸ that differ by 1."""
    assert F.rbf(np.float32([[2**24 + 2]]), np.float32([[2**24]])).tolist() == [[4.0]]


def test_dropping_keeps_the_mean_and_takes_truth_values() -> None:
    x = np.arange(1.0, 9.0).reshape(2, 4)
    masks = np.array([*product([0, 1], repeat=8)]).reshape(-1, 2, 4)
    mean = np.mean([F.dropout(x, mask) for mask in masks], axis=0)
    np.testing.assert_allclose(mean, x, rtol=2**-45)
    np.testing.assert_array_equal(F.dropout(x, masks[3].astype(bool)), F.dropout(x, masks[3]))
    assert F.dropout(x.astype("f4"), masks[3], p=0.25).dtype == np.float32
    assert F.dropout(x.astype(int), masks[3]).dtype == np.float64
    assert F.dropout.vjp(x, x, masks[3])[1] is None
    assert np.isnan(F.dropout([[np.nan]], [[0]])).all()


# --- LeNet-5 ------------------------------------------------------------------------------------------------------


def test_table_i_of_the_paper_has_60_connections_and_1516_parameters() -> None:
    """LeCun et al. 1998, II.B: C3 has 1,516 trainable parameters; its six first maps read three maps in a row."""
    table = np.array(TABLE)
    assert table.shape == (16, 6)
    assert [tuple(np.flatnonzero(row)) for row in table] == list(CONNECTIONS)
    assert 25 * table.sum() + 16 == 1516
    assert table.sum(1).tolist() == [3] * 6 + [4] * 9 + [6]
    assert table.sum(0).tolist() == [10] * 6
    assert all(set(maps) == {(first + i) % 6 for i in range(3)} for first, maps in enumerate(map(set, CONNECTIONS[:6])))
    assert all(
        set(maps) == {(first + i) % 6 for i in range(4)} for first, maps in enumerate(map(set, CONNECTIONS[6:12]))
    )
    assert len({frozenset(maps) for maps in CONNECTIONS}) == 16


def test_the_layers_of_the_paper_have_its_sizes() -> None:
    """32×32 → C1 28×28 → S2 14×14 → C3 10×10 → S4 5×5 → C5 1×1 → F6 84 → 10"""
    rng = np.random.default_rng(0)
    draw = lambda *shape: rng.integers(-1, 2, shape).astype(float)  # noqa: E731
    c1 = F.conv(draw(2, 1, 32, 32), draw(6, 1, 5, 5), draw(6))
    s2 = F.subsample(c1, 2, draw(6), draw(6))
    c3 = F.table_conv(s2, draw(16, 6, 5, 5), TABLE, draw(16))
    s4 = F.subsample(c3, 2, draw(16), draw(16))
    c5 = F.conv(s4, draw(120, 16, 5, 5), draw(120))
    f6 = F.linear(F.flatten(c5), draw(84, 120), draw(84))
    sizes = [layer.shape[1:] for layer in (c1, s2, c3, s4, c5, f6, F.rbf(f6, draw(10, 84)))]
    assert sizes == [(6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (120, 1, 1), (84,), (10,)]


@given(data=st.data())
def test_subsampling_is_a_mean_times_the_size_of_the_window(data: st.DataObject) -> None:
    case = drawn(data, "subsample", bias=False)
    x, w = case.arrays
    kernel = case.given["kernel_size"]
    means = F.avg_pool(x, kernel, divisor_override=1, **case.kwargs)
    np.testing.assert_array_equal(run(case), means * w.reshape(-1, *[1] * case.ndim))


# --- what is refused ----------------------------------------------------------------------------------------------

Refused = tuple[str, tuple, dict[str, Any], type[ConvmathError], str]


@pytest.mark.parametrize("stride", [1.0, (1.0, 1), True, (True, 1)])
def test_what_was_checked_for_one_number_is_not_taken_for_its_equal_of_another_type(stride: Any) -> None:
    x, w = np.ones((1, 1, 5, 5)), np.ones((1, 1, 3, 3))
    for whole in (1, (1, 1), [1, 1], np.int64(1), np.ones(2, int)):
        assert F.conv(x, w, stride=whole).shape == (1, 1, 3, 3)
    with pytest.raises(HyperparameterError, match=r"but a whole number is needed \[conv\(X\(1, 1, 5, 5\)"):
        F.conv(x, w, stride=stride)


ONES = np.ones
TABLED = (X, ONES((3, 2, 2)))
LOCAL = (X, ONES((1, 3, 2, 2)))
DROP = (X, ONES((1, 2, 4), int))
PARTS = (X, ONES((2, 1, 2)))
REFUSED: list[Refused] = [
    ("convolution", (X, ONES((1, 2, 5))), {}, ShapeError, r"the kernel spans 5 .*, but spatial axis 0 has only 4"),
    ("convolution", (X, ONES((1, 3, 2))), {}, ShapeError, r"W reads 3 channels a group, but X has 2 in 1 groups"),
    ("depthwise_conv", (X, ONES((3, 1, 2))), {}, ShapeError, r"W makes 3 channels, which do not divide into 2 groups"),
    ("depthwise_conv", (X, ONES((2, 2, 2))), {}, ShapeError, r"W reads 2 channels a group, but X has 2 in 2 groups"),
    ("depthwise_conv", (ONES((1, 0, 4)), ONES((2, 1, 2))), {}, ShapeError, r"X has no channels"),
    ("separable_conv", (*PARTS, ONES((3, 2))), {}, ShapeError, r"U has shape \(3, 2\), but \(3, 2, 1\) is needed"),
    ("separable_conv", (*PARTS, ONES((3, 3, 1))), {}, ShapeError, r"U has shape \(3, 3, 1\), but \(3, 2, 1\)"),
    ("separable_conv", (*PARTS, ONES((0, 2, 1))), {}, ShapeError, r"U makes no channels"),
    ("separable_conv", (*PARTS, ONES((3, 2, 1)), ONES(2)), {}, ShapeError, r"B has shape \(2,\), but \(3,\) is needed"),
    ("locally_connected", (X, ONES((1, 3, 2))), {}, ShapeError, r"W has 3 axes, but 4 are needed: output channel, win"),
    ("locally_connected", (X, ONES((1, 3, 2, 3))), {}, ShapeError, r"W has shape .*, but \(1, 2, 2, 3\) is needed"),
    ("locally_connected", (X, ONES((1, 3, 3, 2))), {}, ShapeError, r"W has shape .*, but \(1, 3, 2, 2\) is needed"),
    ("locally_connected", (*LOCAL, ONES(3)), {}, ShapeError, r"B has shape \(3,\), but \(1, 3\) is needed"),
    ("locally_connected", LOCAL, {"dilation": 0}, HyperparameterError, r"dilation is 0, but it must be at least 1"),
    ("linear", (ONES((2, 3)), ONES((4, 2))), {}, ShapeError, r"X has 3 features, but W reads 2 on its last axis"),
    ("linear", (ONES((2, 3)), ONES((4, 3)), ONES(3)), {}, ShapeError, r"B has shape \(3,\), but \(4,\) is needed"),
    ("linear", (ONES((2, 3)), ONES(3)), {}, ShapeError, r"W has shape \(3,\), but \(outputs, features\)"),
    ("linear", (ONES((2, 0)), ONES((4, 0))), {}, ShapeError, r"at least one of each, is needed"),
    ("linear", (3.0, ONES((4, 3))), {}, ShapeError, r"X has no axes, but W reads 3 on its last axis"),
    ("rbf", (X, ONES((2, 3))), {}, ShapeError, r"X has 4 features, but W reads 3 on its last axis"),
    ("add", (X, X[0]), {}, ShapeError, r"Z has shape \(2, 4\), but \(1, 2, 4\) is needed"),
    ("dropout", (X, ONES((1, 2, 4))), {}, DtypeError, r"the mask holds float64, but whole numbers are needed"),
    (
        "dropout",
        (X, ONES((1, 2, 3), int)),
        {},
        ShapeError,
        r"the mask has shape \(1, 2, 3\), but \(1, 2, 4\) is needed",
    ),
    ("dropout", (X, 2 * ONES((1, 2, 4), int)), {}, DataError, r"the mask holds 2, but 0 or 1 is needed"),
    ("dropout", DROP, {"p": 1}, HyperparameterError, r"p is 1\.0, but it must be less than 1"),
    ("dropout", DROP, {"p": -0.1}, HyperparameterError, r"p is -0\.1, but it must be at least 0"),
    ("dropout", DROP, {"p": "0.5"}, HyperparameterError, r"p is '0\.5', but a number is needed"),
    ("subsample", (X, 2, ONES(3)), {}, ShapeError, r"W has shape \(3,\), but \(2,\) is needed"),
    ("subsample", (X, 2, ONES(2), ONES(3)), {}, ShapeError, r"B has shape \(3,\), but \(2,\) is needed"),
    ("subsample", (X, 5, ONES(2)), {}, ShapeError, r"the kernel spans 5 .*, but spatial axis 0 has only 4"),
    ("table_conv", (*TABLED, ONES((3, 2))), {}, DtypeError, r"the table holds float64, but whole numbers are needed"),
    ("table_conv", (*TABLED, -ONES((3, 2), int)), {}, DataError, r"the table holds -1, but 0 or 1 is needed"),
    (
        "table_conv",
        (*TABLED, ONES((2, 3), int)),
        {},
        ShapeError,
        r"the table has shape \(2, 3\), but \(3, 2\) is needed",
    ),
    ("table_conv", (X, ONES((3, 1, 2)), ONES((3, 1), int)), {}, ShapeError, r"W reads 1 channels, but X has 2"),
    ("table_conv", (*TABLED, ONES((3, 2), int)), {"method": "fft"}, UnknownNameError, r"there is no method 'fft'"),
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
