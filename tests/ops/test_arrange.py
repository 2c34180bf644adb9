"""What puts elements elsewhere, the kin of convolution, and layers: derivations hold, and say what they should."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from convmath import operator
from convmath.calculus import eliminate
from convmath.derivation import Derivation
from convmath.errors import ConvmathError, HyperparameterError, ShapeError, StatementError, UnknownNameError
from convmath.ir.nodes import Bracket, Divides, Guard, Within
from convmath.ir.walk import inside
from convmath.ops.registry import FAMILIES, Operator, variants

NAMES = (
    *("convolution", "depthwise_conv", "separable_conv", "locally_connected", "unfold", "fold", "pad", "upsample"),
    *("linear", "add", "dropout", "flatten", "concat", "pixel_shuffle", "pixel_unshuffle"),
    *("subsample", "table_conv", "rbf"),
)


def brackets(derivation: Derivation) -> list[Guard]:
    """What a gradient has to ask."""
    found = inside(derivation.result.output)
    return [part for part in found if isinstance(part, Within | Divides)] + [
        part.guard for part in inside(derivation.result.output) if isinstance(part, Bracket)
    ]


def checked(op: Operator) -> None:
    assert op.shape().verify()
    assert op.solved().verify()
    for tensor in op.statement.inputs:
        if not tensor.integer:
            for derivation in (op.vjp(tensor.name), op.jvp(tensor.name)):
                verdict = derivation.verify()
                assert verdict, f"{derivation.kind} by {tensor.name} of {op}: {verdict.failures}"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ndim", [0, 1, 2])
def test_every_step_of_every_derivation_holds(name: str, ndim: int) -> None:
    if ndim < FAMILIES[name].least_ndim:
        return
    for op in variants(name, ndim) if ndim < 2 else [operator(name, ndim)]:
        checked(op)


@pytest.mark.parametrize("name", NAMES)
def test_it_does_in_three_dimensions(name: str) -> None:
    checked(operator(name, 3))


# --- what the gradients ask ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize("name", ["flatten", "pixel_shuffle", "pixel_unshuffle", "upsample", "add"])
def test_a_gradient_that_only_moves_elements_asks_nothing(name: str, ndim: int) -> None:
    assert brackets(operator(name, ndim).vjp("X")) == []


@pytest.mark.parametrize("place", [1, 2, 3])
def test_the_gradients_of_a_concatenation_are_its_parts(place: int) -> None:
    gradient = operator("concat", 2, arrays=3).vjp(f"X{place}")
    assert brackets(gradient) == []
    before = "".join(f"+C{sub}" for sub in "₁₂₃"[: place - 1])
    sub = "₁₂₃"[place - 1]
    assert str(gradient.result) == f"gX{sub}[ν,c,i₁,i₂] = gY[ν,c{before},i₁,i₂]"


def test_padding_by_a_known_number_leaves_no_bracket_and_cropping_leaves_one() -> None:
    assert brackets(operator("pad", 2, pads=((1, 2), (0, 3))).vjp("X")) == []
    assert [str(g) for g in brackets(operator("pad", 1, pads=-1).vjp("X"))] == ["[0 ≤ i-1 < m]"]


def test_linear_upsampling_has_a_matrix_and_its_adjoint_the_same_one() -> None:
    for size in (False, True):
        op = operator("upsample", 2, mode="linear", size=size)
        given, derived = (
            equation.terms for equation in (op.statement.equation("H1"), op.vjp("X").result.equation("H1"))
        )
        assert given == derived
        assert brackets(op.vjp("X")) == []


def test_a_turned_kernel_makes_the_adjoint_a_correlation() -> None:
    full = operator("convolution", 1, padding="full", stride=1, dilation=1, groups=1)
    assert str(full.vjp("X").result) == "gX[ν,c,i] = Σ_{o<O, t<k} gY[ν,o,i+t] · W[o,c,t]"
    assert str(full.statement.output) == "Y[ν,o,j] = Σ_{c<C, t<k} W[o,c,t] · X[ν,c,j-t]        X is 0 outside"


def test_a_crop_whose_bracket_is_forgotten_is_caught(anew: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes at which padding is negative are among those that a step is checked at."""
    true = eliminate._applied

    def forgetful(term: Any, zero: Any, solution: Any, facts: Any) -> Any:
        return true(term, zero, replace(solution, left_behind=()), facts)

    monkeypatch.setattr(eliminate, "_applied", forgetful)
    assert not all(operator("pad", ndim).vjp("X").verify() for ndim in (1, 2, 3))


# --- sizes, and how many numbers ----------------------------------------------------------------------------------


def test_what_is_shared_in_a_convolution_and_what_is_not_in_a_local_layer() -> None:
    """A 7×7 input and a 3×3 kernel: 25 outputs, 9 shared weights, 225 that are not shared."""
    fixed = {"n": 7, "k": 3, "s": 1, "d": 1, "p": 0, "C": 1, "O": 1, "N": 1}
    local = operator("locally_connected", 2, **fixed)
    assert tuple(local.shape().result) == (1, 1, 5, 5)
    sizes = [size.constant for size in local.statement.tensor("W").shape]
    assert (np.prod(sizes), sizes) == (225, [1, 5, 5, 1, 3, 3])


@pytest.mark.parametrize(
    ("name", "ndim", "given", "shape"),
    [
        ("pad", 2, {"n": 5, "pads": ((1, 2), (-1, -2))}, "(N, C, 8, 2)"),
        ("upsample", 2, {"n": 5, "scale_factor": 3}, "(N, C, 15, 15)"),
        ("pixel_shuffle", 2, {"n": 5, "upscale_factor": (2, 3)}, "(N, C, 10, 15)"),
        ("pixel_unshuffle", 1, {"m": 5, "downscale_factor": 2}, "(N, 2*C, 5)"),
        ("unfold", 2, {"n": 5, "kernel": 3, "s": 1, "d": 1, "p": 0}, "(N, 9*C, 9)"),
        ("fold", 1, {"output_size": 8, "kernel": 3}, "(N, C, 8)"),
        ("flatten", 2, {"n": 5, "C": 16}, "(N, 400)"),
        ("subsample", 2, {"n": 28, "k": 2, "s": 2, "p": 0}, "(N, C, 14, 14)"),
    ],
)
def test_sizes_go_by_the_words_of_the_numeric_operator(name: str, ndim: int, given: dict[str, Any], shape: str) -> None:
    assert str(operator(name, ndim).shape(**given).result) == shape


# --- what is refused ----------------------------------------------------------------------------------------------

X = np.arange(8.0).reshape(1, 2, 4)


@pytest.mark.parametrize(
    ("ask", "error", "sentence"),
    [
        (
            lambda: operator("pad", 1, pads="same"),
            HyperparameterError,
            r"padding='same' is told by a kernel, and there",
        ),
        (lambda: operator("pad", 2, pads=((1, 2),)), HyperparameterError, r"has 1 entries, but there are 2 axes"),
        (
            lambda: operator("pad", 1, mode="reflect", pads=-1),
            HyperparameterError,
            r"a is -1, but it must be at least 0",
        ),
        (
            lambda: operator("pad", 1, mode="reflect", value=2.0),
            HyperparameterError,
            r"mode='reflect' fills in elements",
        ),
        (lambda: operator("pad", 1, mode="zeros"), UnknownNameError, r"there is no mode \[pad\] 'zeros'"),
        (lambda: operator("pad", 1, pads=-5).shape(n=3), ShapeError, r"0 ≤ n-10 is needed, but does not hold at n = 3"),
        (lambda: operator("pad", 1).exact(X, pads=((5, 5),), mode="reflect"), ShapeError, r"\[a ≤ n-1\] does not hold"),
        (lambda: operator("upsample", 1).exact(X), StatementError, r"s can't be told from the arrays"),
        (lambda: operator("upsample", 1, align_corners=True), HyperparameterError, r"mode='nearest' takes an element"),
        (lambda: operator("upsample", 1, scale_factor=1.5), HyperparameterError, r"s is 1\.5, but a whole number is"),
        (lambda: operator("upsample", 1, mode="cubic"), UnknownNameError, r"there is no mode \[upsample\] 'cubic'"),
        (
            lambda: operator("upsample", 1, size=1, mode="linear", align_corners=True).statement,
            ShapeError,
            r"2 ≤ m is needed, but does not hold at m = 1",
        ),
        (
            lambda: operator("pixel_shuffle", 1).exact(X, upscale_factor=3),
            ShapeError,
            r"axis 1 of X is 2, but it must be",
        ),
        (lambda: operator("pixel_unshuffle", 1).exact(X, downscale_factor=3), ShapeError, r"axis 2 of X is 4, but it"),
        (lambda: operator("concat", 1, arrays=0), UnknownNameError, r"there is no arrays \[concat\] 0"),
        (lambda: operator("concat", 1, axis=2), UnknownNameError, r"there is no axis \[concat\] 2"),
        (lambda: operator("concat", 1).exact(X, X[:, :, :3]), ShapeError, r"X2 has shape \(1, 2, 3\), but \(1, 2, 4\)"),
        (lambda: operator("fold", 1).exact(X, output_size=6, kernel_size=2), ShapeError, r"X has shape .* is needed"),
        (lambda: operator("unfold", 1).exact(X, kernel_size=5), ShapeError, r"does not hold at"),
        (lambda: operator("linear", 0).exact(X[0], np.ones((2, 3))), ShapeError, r"W has shape \(2, 3\), but \(2, 4\)"),
        (lambda: operator("dropout", 0, p=1), ShapeError, r"1 < 1 is needed, but does not hold"),
        (
            lambda: operator("dropout", 1).exact(X, 2 * np.ones(X.shape, int)),
            StatementError,
            r"K\[ν,c,i\] ≤ 1\] does not",
        ),
        (lambda: operator("separable_conv", 1, groups=2), UnknownNameError, r"there is no hyper-parameter 'groups'"),
        (
            lambda: operator("depthwise_conv", 1).exact(X, np.ones((3, 1, 2))),
            ShapeError,
            r"axis 0 of W is 3, but it must",
        ),
        (lambda: operator("locally_connected", 1).exact(X, np.ones((1, 2, 2, 2))), ShapeError, r"W has shape"),
        (
            lambda: operator("table_conv", 1).exact(X, np.ones((3, 2, 1)), -np.ones((3, 2), int)),
            StatementError,
            r"\[0 ≤ R\[o,c\]\] does not hold",
        ),
    ],
)
def test_what_is_refused_is_said_in_a_sentence(ask: Any, error: type[ConvmathError], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        ask()
