"""From words, letters and shapes to the value of every parameter; what does not fit is said in a sentence."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from convmath.errors import ConvmathError, HyperparameterError, ShapeError, StatementError, UnknownNameError
from convmath.ir.bind import bind
from convmath.ops.registry import operator

CONV = operator("conv", ndim=2)


def bound(x: tuple[int, ...], w: tuple[int, ...], **given: Any) -> dict[str, int]:
    env = bind(CONV.statement, {"X": x, "W": w}, given)
    return {param.letter + str(param.axis or ""): value for param, value in env.items()}


def test_sizes_are_solved_from_the_shapes_and_the_rest_has_defaults() -> None:
    env = bound((2, 6, 9, 8), (4, 3, 3, 2), groups=2)
    assert (env["N"], env["G"], env["C"], env["O"]) == (2, 2, 3, 2)
    assert [env[name] for name in ("n1", "n2", "k1", "k2", "m1", "m2")] == [9, 8, 3, 2, 7, 7]
    assert {env[f"{letter}{axis}"] for letter in "sd" for axis in (1, 2)} == {1}
    assert {env[f"{letter}{axis}"] for letter in "ab" for axis in (1, 2)} == {0}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"stride": 2}, {"s1": 2, "s2": 2}),
        ({"s": (2, 3)}, {"s1": 2, "s2": 3}),
        ({"s2": 3}, {"s1": 1, "s2": 3}),
        ({"padding": 1}, {"a1": 1, "b1": 1, "a2": 1, "b2": 1}),
        ({"p": (1, 2)}, {"a1": 1, "b1": 1, "a2": 2, "b2": 2}),
        ({"padding": ((1, 0), (0, 2))}, {"a1": 1, "b1": 0, "a2": 0, "b2": 2}),
        ({"a": 1}, {"a1": 1, "a2": 1, "b1": 0}),
        ({"dilation": np.int64(2)}, {"d1": 2, "d2": 2}),
    ],
)
def test_words_and_letters_set_parameters(given: dict[str, Any], expected: dict[str, int]) -> None:
    env = bound((1, 1, 9, 9), (1, 1, 2, 2), **given)
    assert {name: env[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("x", "w", "given", "error", "sentence"),
    [
        (
            (1, 1, 5, 5),
            (1, 1, 2, 2),
            {"strid": 2},
            UnknownNameError,
            "no hyper-parameter 'strid'; the nearest",
        ),
        (
            (1, 1, 5, 5),
            (1, 1, 2, 2),
            {"stride": (1, 2, 3)},
            HyperparameterError,
            "stride has 3 entries, but",
        ),
        ((1, 1, 5, 5), (1, 1, 2, 2), {"stride": 0}, HyperparameterError, "is 0, but it must be at least 1"),
        ((1, 1, 5, 5), (1, 1, 2, 2), {"stride": 1.5}, HyperparameterError, "1.5, but a whole number is needed"),
        (
            (1, 1, 5, 5),
            (1, 1, 2, 2),
            {"stride": float("nan")},
            HyperparameterError,
            "nan, but a whole number",
        ),
        ((1, 1, 5, 5), (1, 1, 2, 2), {"stride": True}, HyperparameterError, "True, but a whole number is needed"),
        ((1, 1, 5, 5), (1, 1, 2, 2), {"padding": Fraction(1, 2)}, HyperparameterError, "a whole number is needed"),
        ((1, 1, 5, 5), (1, 1, 2, 2), {"padding": -1}, HyperparameterError, "is -1, but it must be at least 0"),
        ((1, 1, 5), (1, 1, 2, 2), {}, ShapeError, r"X has 3 axes \(1, 1, 5\), but 4 are needed"),
        ((1, 2, 5, 5), (1, 3, 2, 2), {}, ShapeError, "is needed"),
        ((1, 3, 5, 5), (2, 1, 2, 2), {"groups": 2}, ShapeError, "is needed"),
        ((1, 1, 2, 5), (1, 1, 3, 3), {}, ShapeError, "does not hold at"),
    ],
)
def test_what_does_not_fit_is_refused(
    x: tuple[int, ...], w: tuple[int, ...], given: dict[str, Any], error: type[ConvmathError], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        bound(x, w, **given)


def test_what_can_not_be_told_is_named() -> None:
    with pytest.raises(StatementError, match="k1, k2 can't be told from the arrays"):
        bind(operator("max_pool", ndim=2).statement, {"X": (1, 1, 5, 5)})
    with pytest.raises(StatementError, match="no array is given for W; the statement reads X, W"):
        bind(CONV.statement, {"X": (1, 1, 5, 5)})
    with pytest.raises(UnknownNameError, match="no input of the statement 'V'"):
        bind(CONV.statement, {"V": (1,)})
