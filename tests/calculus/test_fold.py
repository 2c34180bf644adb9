"""Closed forms are those written by hand, have the value of what they came from, and are the same in every process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from convmath import operator
from convmath.calculus import fold, monomials
from convmath.calculus.derive import vjp_derivation
from convmath.ir.build import Tensor, equation, index, read, size, total
from convmath.ir.nodes import Apply, Statement
from convmath.ir.poly import poly
from convmath.steps import Fold

from .statements import POLYNOMIAL

TITLE = {"en": "by hand", "es": "a mano"}
N, C = size("N", least=1), size("C", least=1)
ν, c = index("ν", N), index("c", C)
X = Tensor("X", (N, C), (("ν", 0), ("c", 0)))


@pytest.mark.parametrize(
    ("name", "options", "wrt", "closed"),
    [
        # Ioffe and Szegedy 2015, section 3, gathered: γ/(mσ)·(m·gY - Σ gY - Z·Σ gY·Z)
        (
            "batch_norm",
            {"training": True, "weight": True, "bias": True},
            "X",
            "gX[ν,c,i] = W[c] · (N·n · gY[ν,c,i] - gB[c] - gW[c] · Z[ν,c,i]) / (σ[c] · N·n)",
        ),
        ("softmax", {}, "X", "gX[ν,c,i] = Y[ν,c,i] · (gY[ν,c,i] - E[ν,i])"),
        (
            "group_norm",
            {},
            "X",
            "gX[ν,C·g+c,i] = (C·n · gY[ν,C·g+c,i] - E[ν,g] - E₂[ν,g] · Y[ν,C·g+c,i]) / (σ[ν,g] · C·n)",
        ),
        ("lp_pool", {"norm_type": 2}, "X", "gX[ν,c,i] = Σ_{j<m} [0 ≤ i-s·j+a < k] gY[ν,c,j] · X[ν,c,i] / Y[ν,c,j]"),
    ],
)
def test_the_closed_form_is_the_one_that_is_written(name: str, options: dict, wrt: str, closed: str) -> None:
    derivation = operator(name, ndim=1, **options).vjp(wrt)
    assert str(derivation.result.output) == closed
    assert derivation.verify()


def test_the_hessian_of_softmax_and_cross_entropy_is_diag_p_less_p_p() -> None:
    """dgX = gY/N·P·(dX - Σ P·dX), which is (diag(P) - P·Pᵀ)·dX row by row."""
    derivation = operator("cross_entropy", ndim=0).hvp("X")
    *_, sums, last = map(str, derivation.result.equations)
    assert sums == "E[ν] = Σ_{c<C} dX[ν,c] · P[ν,c]"
    assert last == "dgX[ν,c] = gY · P[ν,c] · (dX[ν,c] - E[ν]) / N"
    assert derivation.verify()


def test_a_closed_form_is_only_taken_where_it_is_shorter() -> None:
    """An inner value that is read in many places: putting it in everywhere would be longer to read."""
    square = equation("S", [ν], total(Apply("tanh", read("X", ν, c)) + read("X", ν, c) ** 2, [c]))
    body = sum((read("S", ν) ** k * read("X", ν, c) ** (7 - k) for k in range(1, 7)), read("S", ν))
    statement = Statement((X,), (square, equation("Y", [ν, c], total(body))), ("Y",))
    derivation = vjp_derivation(statement, "X", TITLE)
    assert derivation.verify()
    folded = [step for step in derivation.plain_steps if isinstance(step, Fold)]
    lengths = [[len(str(e)) for e in side.equations] for step in folded for side in (step.before, step.after)]
    assert not folded or sum(lengths[1]) < sum(lengths[0])


def test_a_mean_that_is_taken_away_leaves_a_sum_of_zero() -> None:
    """Z = X - μ with μ = Σ X/N: the gradient of Σ Z·Z is 2·Z, since Σ Z = 0."""
    mean = equation("μ", [c], total(read("X", ν, c) / poly_scalar(), [ν]))
    centred = equation("Z", [ν, c], total(read("X", ν, c) - read("μ", c)))
    squares = equation("Y", [c], total(read("Z", ν, c) ** 2, [ν]))
    statement = Statement((X,), (mean, centred, squares), ("Y",))
    derivation = vjp_derivation(statement, "X", TITLE)
    assert derivation.verify()
    assert str(derivation.result.output) == "gX[ν,c] = 2 · gY[c] · Z[ν,c]"


def poly_scalar() -> object:
    return poly(N)


def test_it_is_the_same_in_every_process() -> None:
    """Sets have no order: nothing that is printed may depend on how letters are hashed."""
    code = (
        "from convmath import operator\n"
        "print(operator('batch_norm', 1, training=True, weight=True, bias=True).hvp('X').result)\n"
        "print(operator('cross_entropy', 0).jvp('X').result)"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2", "3")
    }
    assert len(printed) == 1


# --- teeth --------------------------------------------------------------------------------------------------------


def test_a_sum_that_is_taken_to_vanish_wrongly_is_caught_by_the_step(
    anew: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold._Fold, "_vanishes", lambda self, total: True)
    assert not operator("softmax", ndim=1).vjp("X").verify()


def test_a_number_of_terms_that_is_counted_twice_is_caught_by_the_step(
    anew: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = monomials._form
    monkeypatch.setattr(monomials, "_form", lambda form: {m: 2 * number for m, number in true(form).items()})
    assert not operator("batch_norm", ndim=1, training=True).vjp("X").verify()


def test_an_index_of_a_sum_is_not_taken_for_one_that_it_is_a_function_of() -> None:
    """Two windows, one in the other, that run over the same letter."""
    statement, _ = POLYNOMIAL["a maximum of a correlation"]
    for wrt in statement.reads:
        derivation = vjp_derivation(statement, wrt, TITLE)
        assert derivation.verify()
        for equation_ in derivation.result.equations:
            for term in equation_.terms:
                assert not set(term.bound) & set(equation_.free)
