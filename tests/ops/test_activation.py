"""Activations and losses as statements: their constants, and closed forms that were written down by hand."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from convmath.ir.enclosure import erf, exp, pi, precision, square_root
from convmath.ops import activation, loss, softmax
from convmath.ops.registry import operator, variants

NAMES = [family.name for module in (activation, softmax, loss) for family in module.FAMILIES]


@pytest.mark.parametrize("name", NAMES)
def test_without_spatial_axes_its_gradients_are_checked(name: str) -> None:
    for op in variants(name, 0):
        for tensor in op.statement.inputs:
            if not tensor.integer:
                for derivation in (op.vjp(tensor.name), op.jvp(tensor.name)):
                    verdict = derivation.verify()
                    assert verdict.ok, f"{op}: {verdict.failures}"
        assert op.shape().verify().ok


def test_a_standard_normal_variable_keeps_mean_and_variance_under_selu() -> None:
    """E f(x) = 0 and E f(x)² = 1, by E x⁺ = 1/√(2π) and E [x ≤ 0] e^(ax) = e^(a²/2)·(1 - erf(a/√2))/2."""
    with precision(160):
        tail = [exp(Fraction(a * a, 2)) * (1 - erf(a / square_root(2))) / 2 for a in (1, 2)]
        α = 1 / square_root(2 * pi()) / (Fraction(1, 2) - tail[0])
        λ = 1 / square_root(Fraction(1, 2) + α**2 * (tail[1] - 2 * tail[0] + Fraction(1, 2)))
    for real, found in zip(activation.SELU, (λ, α), strict=True):
        assert real.default is not None
        assert abs(found - real.default) < Fraction(1, 10**30)


def test_lecun_maps_one_to_one() -> None:
    """f(±1) = ±1 to the digits that are given."""
    [y] = operator("scaled_tanh", 0).exact(np.array([[1]])).reshape(-1)
    assert abs(float(y) - 1) < 1e-4


# --- cross-entropy ----------------------------------------------------------------------------------------------------


@pytest.fixture
def logits() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits, targets, and the softmax in floats."""
    x = np.random.default_rng(3).integers(-2, 3, (2, 3))
    e = np.exp(x)
    return x, np.array([2, 0]), e / e.sum(axis=1, keepdims=True)


def test_the_gradient_of_cross_entropy_is_p_less_the_target(
    logits: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    x, target, p = logits
    [gx, _] = operator("cross_entropy", 0).exact_vjp(np.array(1), x, target)
    np.testing.assert_allclose(gx.astype(float), (p - np.eye(3)[target]) / 2, rtol=1e-14)


def test_the_second_derivative_of_cross_entropy_is_diag_p_less_p_p(
    logits: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    x, target, p = logits
    result = operator("cross_entropy", 0, reduction="sum").hvp("X").result
    for c in range(3):
        dx = np.zeros((2, 3), int)
        dx[:, c] = 1
        column = result.evaluate({"X": x, "T": target, "gY": np.array(1), "dX": dx}).astype(float)
        hessian = np.array([np.diag(row) - np.outer(row, row) for row in p])
        np.testing.assert_allclose(column, hessian[:, :, c], rtol=1e-13)


def test_the_printed_second_derivative_is_that_of_the_hessian() -> None:
    for ndim, at in ((0, "ν"), (1, "ν,i")):
        op = operator("cross_entropy", ndim, reduction="none")
        where = at.replace("ν", "ν,c")
        last = f"dgX[{where}] = gY[{at}] · P[{where}] · (dX[{where}] - E[{at}])"
        assert str(op.hvp("X").result).splitlines()[-1] == last


@pytest.mark.parametrize("target", ["indices", "probabilities"])
def test_a_mean_divides_by_what_its_kind_of_target_says(target: str) -> None:
    weighed = operator("cross_entropy", 1, target=target, weight=True)
    [y] = weighed.statement.equations[-1:]
    assert (
        str(y)
        == {
            "indices": "Y = Σ_{ν<N, i<n} L[ν,i] / R",
            "probabilities": "Y = Σ_{ν<N, i<n} L[ν,i] / (N·n)",
        }[target]
    )


def test_the_arrays_tell_which_kind_of_target_came() -> None:
    x, by_class, by_probability = np.zeros((2, 3)), np.array([0, 1]), np.full((2, 3), Fraction(1, 3))
    op = operator("cross_entropy", 0)
    assert dict(op.at((x, by_class), {})[0].options) == {"target": "indices"}
    assert dict(op.at((x, by_probability), {})[0].options) == {"target": "probabilities"}
    assert dict(operator("prelu", 0).at((x, np.ones(1)), {})[0].options) == {"shared": True}
    assert dict(operator("prelu", 0).at((x, np.ones(3)), {})[0].options) == {"shared": False}
