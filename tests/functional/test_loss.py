"""Softmax and losses at their door: axes, targets, weights, reductions, and what is refused in which words."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath import functional as F
from convmath import operator
from convmath.errors import (
    DataError,
    DtypeError,
    HyperparameterError,
    ProbabilityWarning,
    ShapeError,
    StatementError,
    UnknownNameError,
)
from convmath.testing import cases

X = np.array([[0.0, 1.0, 2.0], [2.0, 0.0, -1.0]])
T = np.array([2, 0])
LOSSES = ("cross_entropy", "nll", "mse", "binary_cross_entropy_with_logits")


# --- softmax ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
def test_any_axis_is_that_of_the_statement_moved(name: str, axis: int) -> None:
    own, rng = getattr(F, name), np.random.default_rng(axis + 3)
    x, gy = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 3, 4))
    moved, gy_moved = np.moveaxis(x, axis, 1), np.moveaxis(gy, axis, 1)
    exact = operator(name, 1).exact(moved).astype(float)
    np.testing.assert_allclose(own(x, axis=axis), np.moveaxis(exact, 1, axis), rtol=1e-14)
    slope = operator(name, 1).exact_vjp(gy_moved, moved)[0].astype(float)
    np.testing.assert_allclose(own.vjp(gy, x, axis=axis)[0], np.moveaxis(slope, 1, axis), rtol=1e-12, atol=1e-15)


def test_integers_are_computed_in_float64() -> None:
    assert F.softmax([1, 2]).dtype == np.float64
    assert F.cross_entropy(X.astype(int), T) == F.cross_entropy(X, T)
    assert F.cross_entropy(X.astype("f4"), T).dtype == np.float32
    assert F.cross_entropy(X.astype("f4"), T, weight=np.ones(3)).dtype == np.float64


# --- reductions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOSSES)
@given(data=st.data())
def test_mean_and_sum_are_those_of_the_losses(name: str, data: st.DataObject) -> None:
    """The mean by class divides by the weights of the targets; every other by the number of losses."""
    case, own = data.draw(cases(name, data.draw(st.integers(0, 2)) or None, reduction="none")), getattr(F, name)
    kwargs = dict(case.kwargs)
    losses = own(*case.args, **kwargs)
    if not losses.size:
        return
    divisor: Any = losses.size
    target = case.args[1]
    if target.dtype.kind == "i":
        weight = kwargs["weight"] if kwargs.get("weight") is not None else np.ones(case.args[0].shape[1])
        kept = target != kwargs.get("ignore_index", -100)
        divisor = weight[target[kept]].sum()
    assert own(*case.args, **kwargs | {"reduction": "sum"}) == pytest.approx(losses.sum(), rel=1e-12)
    if divisor:
        mean = own(*case.args, **kwargs | {"reduction": "mean"})
        assert mean == pytest.approx(losses.sum() / divisor, rel=1e-12)


def test_a_number_comes_as_an_array_without_axes() -> None:
    for y in (F.mse(X, X), F.cross_entropy(X, T), F.nll(X, T, reduction="sum")):
        assert type(y) is np.ndarray
        assert y.shape == ()


def test_the_mean_of_nothing_is_nan_and_passes_nothing_on() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(F.cross_entropy(X, [-100, -100]))
        assert np.isnan(F.nll(np.zeros((0, 3)), np.zeros(0, int)))
        assert np.isnan(F.mse([], []))
        assert F.cross_entropy.vjp(1.0, X, [-100, -100])[0].tolist() == np.zeros((2, 3)).tolist()
    with pytest.raises(StatementError, match=r"^\[R ≠ 0\] does not hold"):
        operator("cross_entropy", 0).exact(X, np.array([-100, -100]), ignore_index=-100)


# --- targets ----------------------------------------------------------------------------------------------------------


def test_what_is_ignored_neither_counts_nor_is_looked_at() -> None:
    strange = X.copy()
    strange[0] = [np.nan, np.inf, 5.0]
    for ignored in (-100, 1, 7):
        kwargs: dict[str, Any] = {} if ignored == -100 else {"ignore_index": ignored}
        for more in ({}, {"weight": np.array([1.0, 2.0, 3.0])}, {"label_smoothing": 0.5}):
            with np.errstate(invalid="ignore"):
                got = F.cross_entropy(strange, [ignored, 0], **kwargs, **more)
            assert got == F.cross_entropy(X[1:], [0], **more)


def test_classes_are_probabilities_that_are_0_or_1() -> None:
    one_hot = np.eye(3)[T]
    for more in ({}, {"label_smoothing": 0.25}, {"reduction": "sum", "weight": [1.0, 2.0, 3.0]}):
        by_class, by_probability = F.cross_entropy(X, T, **more), F.cross_entropy(X, one_hot, **more)
        assert by_class == pytest.approx(float(by_probability), rel=1e-14)


def test_the_means_of_weighted_classes_and_probabilities_divide_by_different_numbers() -> None:
    weight = np.array([1.0, 2.0, 5.0])
    total = F.cross_entropy(X, T, weight=weight, reduction="sum")
    assert F.cross_entropy(X, T, weight=weight) == pytest.approx(total / 6)
    assert F.cross_entropy(X, np.eye(3)[T], weight=weight) == pytest.approx(total / 2)


def test_probabilities_that_are_none_are_warned_of() -> None:
    for dtype in ("f4", "f8"):
        rows = F.softmax(np.random.default_rng(0).normal(size=(50, 7)), axis=1).astype(dtype)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            F.cross_entropy(np.zeros((50, 7)), rows)
    for wrong, said in (
        ([[0.5, 0.25], [1, 0]], r"the probabilities target\[0, :\] sum to 0.75 \[cross_entropy\(X\(2, 2\)"),
        ([[1, 0], [0.5, 0.5001]], r"the probabilities target\[1, :\] sum to 1.0001 "),
        ([[1, 0], [1.5, -0.5]], r"the probabilities target\[1, :\] hold a negative number "),
        ([[np.nan, 1], [1, 0]], r"the probabilities target\[0, :\] sum to nan "),
    ):
        with pytest.warns(ProbabilityWarning, match=said) as found:
            value = F.cross_entropy(np.zeros((2, 2)), np.array(wrong, float))
        assert found[0].filename == __file__
        assert np.isnan(value) == np.isnan(wrong).any()
        with pytest.warns(ProbabilityWarning, match=said) as found:
            F.cross_entropy.vjp(1.0, np.zeros((2, 2)), np.array(wrong, float))
        assert found[0].filename == __file__


def test_nan_among_logits_or_targets_goes_on() -> None:
    for own in (F.mse, F.binary_cross_entropy_with_logits):
        assert np.isnan(own([0.0, 1.0], [np.nan, 1.0]))
        assert np.isnan(own([0.0, 1.0], [np.nan, 1.0], reduction="none")).tolist() == [True, False]
    losses = F.cross_entropy([[np.nan, 0.0], [0.0, 0.0]], [0, 0], reduction="none")
    assert np.isnan(losses).tolist() == [True, False]


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (
            lambda: F.cross_entropy(X, [0, 3]),
            DataError,
            "target[1] is 3, but the classes are 0, …, 2, and -100 is what does not count "
            "[cross_entropy(X(2, 3), target(2,))]",
        ),
        (lambda: F.nll(X, [-1, 0]), DataError, "target[0] is -1, but the classes are 0, …, 2"),
        (lambda: F.nll(X, [-100, 0], ignore_index=1), DataError, "target[0] is -100, but the classes are 0, …, 2"),
        (
            lambda: F.cross_entropy(X, np.eye(3, dtype=int)[T]),
            ShapeError,
            "target has shape (2, 3), but (2,) is needed, a class for each position; probabilities would be floats",
        ),
        (
            lambda: F.cross_entropy(X, [0.0, 2.0]),
            ShapeError,
            "target has shape (2,), but probabilities for (2, 3) are needed; classes would be whole numbers",
        ),
        (lambda: F.cross_entropy(X, [0, 1, 2]), ShapeError, "target has shape (3,), but (2,) is needed"),
        (
            lambda: F.cross_entropy(X, [True, False]),
            DtypeError,
            "target holds bool, but float16, bfloat16, float32, float64 or integers",
        ),
        (lambda: F.cross_entropy(X, ["a", "b"]), DtypeError, "target holds <U1, but float16"),
        (lambda: F.nll(X, [0.0, 1.0]), DtypeError, "target holds float64, but whole numbers are needed [nll]"),
        (lambda: F.nll(X, np.ma.array([0, 1])), DtypeError, "target is a masked array"),
        (
            lambda: F.cross_entropy([0.0, 1.0], 0),
            ShapeError,
            "X has 1 axes, but a batch axis and a channel axis are needed [cross_entropy(X(2,), target())]",
        ),
        (
            lambda: F.cross_entropy(np.zeros((2, 0)), [0, 0]),
            ShapeError,
            "X has no channels, but at least one is needed",
        ),
        (lambda: F.cross_entropy(X, T, weight=[1.0]), ShapeError, "weight has shape (1,), but (3,) is needed"),
        (
            lambda: F.cross_entropy(X, T, reduction="avg"),
            UnknownNameError,
            "there is no reduction 'avg'; there are (mean, sum, none) [cross_entropy(X(2, 3), target(2,))]",
        ),
        (lambda: F.mse(X, X, reduction=None), UnknownNameError, "there is no reduction None"),
        (
            lambda: F.cross_entropy(X, T, label_smoothing=1.5),
            HyperparameterError,
            "label_smoothing is 1.5, but it must be at most 1",
        ),
        (
            lambda: F.cross_entropy(X, T, label_smoothing=-0.1),
            HyperparameterError,
            "label_smoothing is -0.1, but it must be at least 0",
        ),
        (lambda: F.cross_entropy(X, T, label_smoothing=np.nan), HyperparameterError, "label_smoothing is nan"),
        (lambda: F.nll(X, T, ignore_index=0.5), HyperparameterError, "ignore_index is 0.5, but a whole number"),
        (
            lambda: F.cross_entropy(X, np.eye(3)[T], ignore_index=1),
            HyperparameterError,
            "ignore_index is 1, but a target of probabilities has no class to ignore",
        ),
        (lambda: F.mse(X, T), ShapeError, "target has shape (2,), but (2, 3) is needed [mse(X(2, 3), target(2,))]"),
        (
            lambda: F.binary_cross_entropy_with_logits(X, X, weight=[1.0, 1.0, 1.0]),
            ShapeError,
            "weight has shape (3,), but (2, 3) is needed",
        ),
        (
            lambda: F.binary_cross_entropy_with_logits(X, X, pos_weight=[[1.0, 1.0, 1.0]]),
            ShapeError,
            "pos_weight has shape (1, 3), but (3,) is needed",
        ),
        (
            lambda: F.binary_cross_entropy_with_logits([1.0], [1.0], pos_weight=[1.0]),
            ShapeError,
            "X has 1 axes, but a batch axis and a channel axis are needed",
        ),
        (lambda: F.softmax(3.0), ShapeError, "X has no axes, but at least one is needed [softmax(X(), axis=-1)]"),
        (lambda: F.softmax(X, axis=2), HyperparameterError, "axis is 2, but X has the axes 0, …, 1"),
        (lambda: F.softmax(X, axis=-3), HyperparameterError, "axis is -3, but it must be at least -2"),
        (lambda: F.log_softmax(X, axis=0.0), HyperparameterError, "axis is 0.0, but a whole number is needed"),
        (
            lambda: F.mse.vjp([1.0], X, X),
            ShapeError,
            "the cotangent has shape (1,), but the output's shape () is needed",
        ),
    ],
)
def test_what_has_no_meaning_is_refused_with_a_sentence(call: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error) as found:
        call()
    assert sentence in str(found.value)


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: operator("cross_entropy", 0).exact(X, np.array([0, 3])), StatementError, "[T[ν] < C] does not hold"),
        (lambda: operator("nll", 0).exact(X, np.array([-1, 0])), StatementError, "[0 ≤ T[ν]] does not hold"),
        (
            lambda: operator("nll", 0).exact(X, np.array([-1, 0]), ignore_index=-100),
            StatementError,
            "[0 < [T[ν] = τ] + [0 ≤ T[ν]] · [T[ν] < C]] does not hold at ν = 0",
        ),
        (
            lambda: operator("cross_entropy", 0).exact(X, T, label_smoothing=1.5),
            StatementError,
            "[ε ≤ 1] does not hold",
        ),
        (lambda: operator("softmax", 0).exact(X, axis=0), UnknownNameError, "there is no axis [softmax] 0"),
        (lambda: operator("mse", 0, reduction="avg"), UnknownNameError, "there is no reduction [mse] 'avg'"),
        (lambda: operator("mse", 0).exact(X, X[:1]), ShapeError, "T has shape (1, 3), but (2, 3) is needed"),
        (lambda: operator("mse", 0).exact(X[:0], X[:0]), ShapeError, "[1 ≤ C·N] does not hold at"),
        (lambda: operator("cross_entropy", 0).vjp("T"), UnknownNameError, "no input to differentiate by 'T'"),
    ],
)
def test_a_statement_that_has_no_meaning_is_refused_with_a_sentence(
    call: Any, error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error) as found:
        call()
    assert sentence in str(found.value)
