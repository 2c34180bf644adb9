"""Activations at their door: any shape, the kinks, and what is refused in which words."""

from __future__ import annotations

import inspect
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from convmath import functional as F
from convmath import operator
from convmath.errors import DtypeError, HyperparameterError, ShapeError, UnknownNameError
from convmath.ir.walk import reals
from convmath.ops import activation
from convmath.ops.registry import FAMILIES

NAMES = [family.name for family in activation.FAMILIES]
POINTWISE = [name for name in NAMES if name != "prelu"]


@pytest.mark.parametrize("name", POINTWISE)
@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (1, 2, 3, 1, 2)], ids=str)
def test_any_shape_is_taken_and_stays(name: str, shape: tuple[int, ...]) -> None:
    own, x = getattr(F, name), np.full(shape, -1.5)
    y = own(x)
    [gx] = own.vjp(np.ones(shape), x)
    assert (y.shape, gx.shape) == (shape, shape)
    alone = own(-1.5)
    assert (y == alone).all()


@pytest.mark.parametrize("name", POINTWISE)
def test_integers_stay_only_where_every_value_is_whole(name: str) -> None:
    y = getattr(F, name)(np.array([-2, 0, 3]))
    assert y.dtype == (np.int64 if name in ("relu", "relu6") else np.float64)


@pytest.mark.parametrize("name", NAMES)
def test_the_defaults_are_those_of_the_statement(name: str) -> None:
    taken = inspect.signature(getattr(F, name)).parameters
    letters = {real.letter: real.default for real in reals(operator(name, 0).statement)}
    for word, letter in FAMILIES[name].words.items():
        if letter in letters:
            assert taken[word].default == pytest.approx(float(letters[letter]), rel=1e-15), word


# --- kinks ------------------------------------------------------------------------------------------------------------

# where, and the slope there
KINKS: list[tuple[str, dict[str, Any], float, float]] = [
    ("relu", {}, 0.0, 0.0),
    ("leaky_relu", {"negative_slope": 0.25}, 0.0, 0.25),
    ("relu6", {}, 0.0, 0.0),
    ("relu6", {}, 6.0, 0.0),
    ("elu", {"alpha": 0.5}, 0.0, 0.5),
    ("selu", {}, 0.0, 1.7580993408473766),
    ("softplus", {"beta": 2.0, "threshold": 2.0}, 1.0, 0.8807970779778823),
    ("hardswish", {}, -3.0, 0.0),
    ("hardswish", {}, 3.0, 1.0),
]


@pytest.mark.parametrize(("name", "given", "at", "slope"), KINKS)
def test_the_slope_at_a_kink_is_that_of_the_piece_it_belongs_to(
    name: str, given: dict[str, Any], at: float, slope: float
) -> None:
    [gx] = getattr(F, name).vjp([[1.0]], [[at]], **given)
    [derived] = operator(name, 0).exact_vjp(np.ones((1, 1)), np.array([[at]]), **given)
    assert float(gx[0, 0]) == pytest.approx(slope, rel=1e-15)
    assert float(derived[0, 0]) == pytest.approx(slope, rel=1e-15)


@pytest.mark.parametrize(("name", "given", "at", "slope"), KINKS)
def test_it_is_a_kink(name: str, given: dict[str, Any], at: float, slope: float) -> None:
    """The slopes on both sides differ, and the one at the kink is the limit from one of them."""
    own, near = getattr(F, name), 2.0**-40
    left, here, right = own.vjp(np.ones(3), [at - near, at, at + near], **given)[0]
    assert abs(left - right) > 0.05
    assert min(abs(here - left), abs(here - right)) < 1e-9


def test_the_gradients_of_prelu_at_its_kink_are_those_of_the_lower_piece() -> None:
    gx, gw = F.prelu.vjp([[1.0]], [[0.0]], [0.25])
    assert (gx.item(), gw.item()) == (0.25, 0.0)
    derived = operator("prelu", 0).exact_vjp(np.ones((1, 1)), np.zeros((1, 1)), np.array([0.25]))
    assert [float(g.item()) for g in derived] == [0.25, 0.0]


# --- PReLU ------------------------------------------------------------------------------------------------------------


def test_one_slope_may_stand_for_all_channels() -> None:
    x, gy = np.arange(-6.0, 6.0).reshape(2, 3, 2), np.arange(12.0).reshape(2, 3, 2)
    one, each = F.prelu(x, [0.5]), F.prelu(x, [0.5] * 3)
    np.testing.assert_array_equal(one, each)
    (gx, gw), (gx_each, gw_each) = F.prelu.vjp(gy, x, [0.5]), F.prelu.vjp(gy, x, [0.5] * 3)
    np.testing.assert_array_equal(gx, gx_each)
    assert gw.tolist() == [gw_each.sum()]
    assert operator("prelu", 1).exact_vjp(gy, x, np.array([0.5]))[1].tolist() == [Fraction(gw_each.sum())]


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: F.relu("x"), DtypeError, "X holds <U1, but float16, bfloat16, float32, float64 or int"),
        (lambda: F.relu([[1.0], [1.0, 2.0]]), DtypeError, "X cannot be read as an array of numbers"),
        (lambda: F.sigmoid([1j]), DtypeError, "X holds complex128, but float16, bfloat16, float32, "),
        (
            lambda: F.leaky_relu([1.0], negative_slope="steep"),
            HyperparameterError,
            "negative_slope is 'steep', but a number is needed [leaky_relu(X(1,))]",
        ),
        (lambda: F.elu([1.0], alpha=np.nan), HyperparameterError, "alpha is nan, but a finite number is needed"),
        (lambda: F.softplus([1.0], beta=0), HyperparameterError, "beta is 0.0, but it must be greater than 0"),
        (lambda: F.softplus([1.0], beta=-1), HyperparameterError, "beta is -1.0, but it must be greater than 0"),
        (
            lambda: F.softplus([1.0], threshold=np.inf),
            HyperparameterError,
            "threshold is inf, but a finite number is needed",
        ),
        (lambda: F.scaled_tanh([1.0], slope=None), HyperparameterError, "slope is None, but a number is needed"),
        (
            lambda: F.gelu([1.0], approximate="tan"),
            UnknownNameError,
            "there is no approximation 'tan'; the nearest is tanh (all: none, tanh) [gelu(X(1,))]",
        ),
        (lambda: F.gelu([1.0], approximate=True), UnknownNameError, "there is no approximation True"),
        (
            lambda: F.prelu([1.0], [0.25]),
            ShapeError,
            "X has 1 axes, but a batch axis and a channel axis are needed [prelu(X(1,), weight(1,))]",
        ),
        (lambda: F.prelu(np.ones((2, 3)), [1.0, 2.0]), ShapeError, "weight has shape (2,), but (3,) is needed"),
        (lambda: F.prelu(np.ones((2, 0)), [1.0]), ShapeError, "X has no channels, but at least one is needed"),
        (
            lambda: F.relu.vjp([1.0, 2.0], [1.0]),
            ShapeError,
            "the cotangent has shape (2,), but the output's shape (1,) is needed [relu(X(1,))]",
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
        (lambda: operator("softplus", 1, beta=0), ShapeError, "0 < 0 is needed, but does not hold [softplus]"),
        (lambda: operator("gelu", 1, approximate="tan"), UnknownNameError, "there is no approximate [gelu] 'tan'"),
        (lambda: operator("relu", 1, alpha=1), UnknownNameError, "there is no hyper-parameter 'alpha'"),
        (lambda: operator("elu", 1, alpha="a"), HyperparameterError, "α is 'a', but a finite number is needed"),
        (lambda: operator("relu", -1), HyperparameterError, "ndim is -1, but it must be at least 0 [relu]"),
        (lambda: operator("relu", 1).exact(np.ones((1, 1))), ShapeError, "X has shape (1, 1), but 1 spatial axes"),
        (lambda: operator("relu", 0).vjp("W"), UnknownNameError, "there is no input of relu 'W'"),
        (
            lambda: operator("softplus", 0).exact(np.ones((1, 1)), beta=0.0),
            HyperparameterError,
            "the real parameter β is 0.0, but it must be above 0",
        ),
    ],
)
def test_a_statement_that_has_no_meaning_is_refused_with_a_sentence(
    call: Any, error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error) as found:
        call()
    assert sentence in str(found.value)
