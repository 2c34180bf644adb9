"""The compiled evaluator gives what the definition says, and nothing that is not exact."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.calculus.gradient import jvp, select, vjp
from convmath.calculus.outside import expand_outside
from convmath.derivation import sample
from convmath.errors import DtypeError, StatementError
from convmath.ir import exact
from convmath.ir.build import Tensor, equation, index, poly, read, size, total
from convmath.ir.nodes import (
    Apply,
    AtMost,
    Bracket,
    Compare,
    IndexValue,
    Less,
    Matches,
    Number,
    Statement,
    Term,
    Within,
    Zero,
)
from convmath.ir.nodes import Divides as DividesGuard
from convmath.ops.registry import operators, variants
from convmath.window import BORDERS

from ..faults import caught
from ..paper import STATEMENTS
from . import naive

n, m, k = size("n", least=1), size("m", least=1), size("k", least=1)
i, j, t = index("i", n), index("j", m), index("t", k)
X, T = Tensor("X", (n,), (("i", 0),)), Tensor("T", (m,), (("j", 0),), integer=True)
x = read("X", i)


def one(*terms: Term, at: Any = j, inputs: tuple[Tensor, ...] = (X,), name: str = "Y") -> Statement:
    return Statement(inputs, (equation(name, [at] if at is not None else [], *terms),), (name,))


WRITTEN = {
    "least": one(Term((i,), (AtMost(poly(i), poly(j)),), x, "min")),
    "empty sum": one(total(x, [i], [Less(poly(i), poly(0))])),
    "empty maximum": one(Term((i,), (Less(n, poly(i)),), x, "max")),
    "empty minimum": one(Term((i,), (Less(n, poly(i)),), x, "min")),
    "gather": one(total(x, [i], [Matches(poly(i), read("T", j))]), inputs=(X, T)),
    "ties": one(total(1, [i], [Compare(x, "=", read("X", j, outside="replicate"))])),
    "before": one(total(x, [i], [Compare(x, "<", read("X", poly(j) - 1, outside="replicate"))])),
    "not after": one(total(x, [i], [Compare(x, "≤", Number(Fraction(1, 2)))])),
    "bracket": one(total(x * Bracket(Within(poly(i) - poly(j), k)) + IndexValue(poly(j)) / 3, [i])),
    "divides": one(total(x, [i], [DividesGuard(k, poly(i) - poly(j))])),
    "meets": one(total(x, [i, t], [Zero(poly(i), k * poly(j) + poly(t))])),
    "constant outside": one(total(read("X", poly(j) - 2, outside=Fraction(5, 7)))),
    "quotient": one(total(1 / (x * x + 1), [i]), at=None),
    "absolute": one(total(Apply("abs", x) - Apply("sign", x) ** 3, [i]), at=None),
    "lets": one(total(read("X", poly(i) // k, outside=0) * IndexValue(poly(i) // 2), [i])),
    "number": one(total(Fraction(2, 3))),
    "two outputs": Statement(
        (X,), (equation("A", [i], total(2 * x)), equation("B", [i], total(read("A", i) ** 2))), ("A", "B")
    ),
    "digits": Statement((X,), (equation("Y", [k * poly(i) + poly(t)], total(x + IndexValue(poly(t)))),), ("Y",)),
}
WRITTEN |= {f"{border} border": one(total(read("X", poly(j) - k, outside=border))) for border in BORDERS}  # type: ignore[arg-type]
for border, of in BORDERS.items():
    if of.reach is not None:
        reached = [AtMost(pad, of.reach(n)) for pad in (k, m - k)]
        stated = WRITTEN[f"{border} border"]
        WRITTEN[f"{border} border"] = Statement(
            stated.inputs, stated.equations, stated.outputs, requires=tuple(reached)
        )
PAPER = {name: STATEMENTS[name] for name in ("max_pool", "adaptive_avg_pool", "bilinear", "reflect", "circular")}


def same(statement: Statement, seed: int) -> None:
    rng = random.Random(seed)
    env = sample.parameters(statement, rng)
    arrays = sample.integers(statement, env, rng)
    for name in arrays:
        if name == "T":  # classes
            arrays[name] = np.array([rng.randrange(env[n.atom]) for _ in arrays[name]], object)  # type: ignore[index]
        elif rng.random() < 0.5:  # ties, and numbers that are not whole
            arrays[name] = arrays[name] // 2 * Fraction(1, 3)
    found, expected = exact.evaluate_at(statement, arrays, env), naive.evaluate(statement, arrays, env)
    assert found.keys() == expected.keys()
    for name in found:
        assert found[name].shape == expected[name].shape
        assert (found[name] == expected[name]).all(), (name, found[name], expected[name])


@pytest.mark.parametrize("name", list(WRITTEN))
@given(data=st.data())
def test_what_the_language_can_say_has_its_value(name: str, data: st.DataObject) -> None:
    same(WRITTEN[name], data.draw(st.integers(0, 2**20)))


@pytest.mark.parametrize("name", list(PAPER))
def test_the_statements_of_the_page_and_their_gradients_have_their_value(name: str) -> None:
    for seed in range(4):
        for statement in (PAPER[name], vjp(select(expand_outside(PAPER[name])), "X")):
            same(statement, seed)


OPERATORS = [op for name in operators() for op in variants(name, ndim=1)] + [
    variants(name, 2)[0] for name in operators()
]


@pytest.mark.parametrize("op", OPERATORS, ids=repr)
def test_every_operator_and_its_derivatives_have_their_value(op: Any) -> None:
    prepared = select(expand_outside(op.statement))
    for statement in (op.statement, vjp(prepared, "X"), jvp(prepared, "X"), op.vjp("X").result):
        same(statement, seed=len(repr(op)))


# --- numbers ------------------------------------------------------------------------------------------------------


def test_floats_are_the_rationals_they_are() -> None:
    [value] = WRITTEN["number"].evaluate({}, m=1, n=1)
    assert value == Fraction(2, 3)
    found = one(total(x, [i]), at=None).evaluate({"X": [0.1, 0.2, Fraction(1, 3), 7]})
    assert found.item() == Fraction(0.1) + Fraction(0.2) + Fraction(1, 3) + 7
    assert exact.exact_array([0.1]).tolist() == [Fraction(3602879701896397, 2**55)]
    assert exact.exact_array(np.array([2.0], np.float32)).tolist() == [2]
    assert type(exact.exact_array([2.0])[0]) is int


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_has_no_exact_value(value: float) -> None:
    with pytest.raises(DtypeError, match="has no exact value; exact evaluation needs finite numbers"):
        exact.exact_array([1.0, value])


@pytest.mark.parametrize("values", [["a"], [1j], [None], [True], np.array(["2020"], "M8[Y]")])
def test_what_is_not_rational_is_refused(values: Any) -> None:
    with pytest.raises(DtypeError, match="exact evaluation needs integers, Fractions or finite floats"):
        exact.exact_array(values)


def test_what_is_irrational_is_not_rounded() -> None:
    with pytest.raises(StatementError, match="exp of a rational is not rational"):
        one(total(Apply("exp", x), [i]), at=None).evaluate({"X": [1]})
    with pytest.raises(StatementError, match="is not rational: it has no exact value"):
        one(total(x ** Fraction(1, 2), [i]), at=None).evaluate({"X": [2]})
    with pytest.raises(StatementError, match="divides by 0"):
        one(total(1 / x, [i]), at=None).evaluate({"X": [0]})


def test_a_strict_read_outside_its_array_is_an_error() -> None:
    with pytest.raises(StatementError, match="reads position 3 of axis 0, which has size 3"):
        one(total(read("X", poly(j)))).evaluate({"X": [1, 2, 3]}, m=4)


def test_the_native_run_is_close_to_the_exact_one() -> None:
    rng = np.random.default_rng(0)
    [op] = variants("conv_transpose", ndim=1)[:1]
    a, w = rng.standard_normal((2, 2, 5)), rng.standard_normal((2, 2, 3))
    close = op.statement.function()(X=a, W=w, stride=2)
    right = op.exact(a, w, stride=2).astype(float)
    bound = 6 * np.finfo(float).eps * op.exact(abs(a), abs(w), stride=2).astype(float)
    assert (abs(close - right) <= bound).all()
    assert op.statement.function()(X=a.astype(np.float32), W=w.astype(np.float32)).dtype == np.float32


def test_the_law_of_values_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Index tuples that meet a guard only in part are listed all the same."""
    monkeypatch.setattr(exact, "holds", lambda guard, values: True)
    caught(test_what_the_language_can_say_has_its_value, "bracket")
