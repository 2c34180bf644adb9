"""From words, letters and shapes to the value of every parameter; what does not fit is said in a sentence."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from convmath.errors import ConvmathError, HyperparameterError, ShapeError, StatementError, UnknownNameError
from convmath.ir import bind as module
from convmath.ir.bind import bind
from convmath.ir.build import Tensor, equation, index, read, total
from convmath.ir.nodes import Divides, Size, Statement, Within
from convmath.ir.poly import Param, Poly, least, poly
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
        ({"stride": np.array([2, 3])}, {"s1": 2, "s2": 3}),
        ({"stride": 2, "s": (2, 2), "s1": 2}, {"s1": 2, "s2": 2}),
        ({"m1": 8}, {"m1": 8}),
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
        ((1, 3, 5, 5), (2, 1, 2, 2), {"groups": 2}, ShapeError, "^axis 1 of X is 3, but it must be G·C, and G = 2$"),
        ((1, 0, 5, 5), (1, 0, 2, 2), {}, HyperparameterError, "^C is 0, but it must be at least 1$"),
        ((1, 1, 5, 5), (1, 1, 2, 2), {"stride": 2, "s2": 3}, HyperparameterError, "^s2 is 2 by stride, but 3 by s2$"),
        ((1, 1, 5, 5), (1, 1, 2, 2), {"a": 1, "p": 2}, HyperparameterError, "^a1 is 1 by a, but 2 by p$"),
        ((1, 1, 5, 5), (1, 1, 2, 2), {"padding": (1, (1, 2, 3))}, HyperparameterError, "a whole number or a pair"),
        ((1, 1, 5, 5), (1, 1, 2, 2), {"stride": ((1, 2), (3, 4))}, HyperparameterError, r"stride holds \[?\(?1, 2"),
        (
            (1, 1, 5, 5),
            (1, 1, 2, 2),
            {"n1": 6},
            ShapeError,
            r"X has shape \(1, 1, 5, 5\), but \(1, 1, 6, 5\) is needed",
        ),
        ((1, 1, 5, 5), (1, 1, 2, 2), {"m1": 9}, HyperparameterError, "^m1 is 9, but it follows .* is 4$"),
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


def stated(*shape: Any, size: Size | None = None) -> Statement:
    """Y = Σ X over an input of these sizes."""
    at = [index("i", extent, axis) for axis, extent in enumerate(shape)]
    X = Tensor("X", shape, tuple(("i", axis) for axis in range(len(shape))))
    return Statement((X,), (equation("Y", [], total(read("X", *at), at)),), ("Y",), (size,) if size else ())


N, C, G, M = (Param(letter, least=1) for letter in "NCGM")


@pytest.mark.parametrize(
    ("shape", "given", "known"),
    [
        ((poly(G) * poly(C), poly(G)), (6, 3), {G: 3, C: 2}),
        ((poly(C) + 2, 2 * poly(G) - 1), (3, 5), {C: 1, G: 3}),
        ((poly(N) * poly(C), poly(C) * poly(G), poly(G)), (8, 12, 3), {N: 2, C: 4, G: 3}),
        ((poly(N), poly(N) // 2), (5, 2), {N: 5}),
        ((least(poly(N), poly(C)), poly(N), poly(C)), (2, 2, 7), {N: 2, C: 7}),
    ],
)
def test_one_unknown_of_a_size_is_solved_for(
    shape: tuple[Poly, ...], given: tuple[int, ...], known: dict[Param, int]
) -> None:
    assert bind(stated(*shape), {"X": given}) == known


@pytest.mark.parametrize("shape", [(poly(N) * poly(C),), (poly(N) * poly(N),), (poly(N) // 2,), (poly(N) - poly(N),)])
def test_what_one_size_does_not_tell_is_asked_for(shape: tuple[Poly, ...]) -> None:
    if shape[0] == 0:
        assert bind(stated(*shape), {"X": (0,)}) == {}
        return
    with pytest.raises(StatementError, match=r"N.* can't be told from the arrays and has no default; give it by name"):
        bind(stated(*shape), {"X": (4,)})


def test_a_derived_size_is_at_least_its_least() -> None:
    """Proofs rest on it."""
    statement = stated(poly(N), size=Size(M, poly(N) - 3))
    assert bind(statement, {"X": (4,)})[M] == 1
    with pytest.raises(ShapeError, match=r"^M = N-3 is 0 at N = 3, but it must be at least 1$"):
        bind(statement, {"X": (3,)})


def test_the_conditions_are_named_where_they_fail() -> None:
    statement = replace(stated(poly(N)), requires=(Divides(poly(2), poly(N)), Within(poly(N), poly(6))))
    assert bind(statement, {"X": (4,)}) == {N: 4}
    with pytest.raises(ShapeError, match=r"2 . N.* does not hold at N = 3"):
        bind(statement, {"X": (3,)})
    with pytest.raises(ShapeError, match=r"0 ≤ N < 6.* does not hold at N = 8"):
        bind(statement, {"X": (8,)})


def test_the_law_of_solving_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a size has besides its unknown is forgotten."""

    def forgetful(size: Poly, actual: int, env: dict[Param, int], where: str) -> Any:
        left = [param for param in size.leaves() if param not in env]
        return (left[0], actual) if left else None

    monkeypatch.setattr(module, "_solved", forgetful)
    with pytest.raises(ShapeError):
        bind(stated(poly(C) + 2), {"X": (3,)})
