"""The compiled evaluator gives what the definition says, and nothing that is not exact."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.calculus.gradient import jvp, select, vjp
from convmath.calculus.outside import expand_outside
from convmath.derivation import sample
from convmath.errors import DtypeError, ShapeError, StatementError
from convmath.ir import exact
from convmath.ir.build import Tensor, equation, index, poly, read, size, total
from convmath.ir.functions import PI
from convmath.ir.nodes import (
    Apply,
    AtMost,
    Bracket,
    Compare,
    IndexValue,
    Less,
    Matches,
    Number,
    Real,
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
from .statements import cases

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
# rational at these values of their real parameters
REALS: dict[str, dict[str, Any]] = {
    "lp_pool": {"r": 1},
    "local_response_norm": {"κ": 2, "α": Fraction(1, 3), "β": 1},
}


def tuples(statement: Statement, env: Mapping[Any, int]) -> int:
    """How many tuples the definition goes through."""
    return sum(
        math.prod(index.size.evaluate(env) for index in (*stated.free, *term.bound))
        for stated in statement.equations
        for term in stated.terms
    )


def same(statement: Statement, seed: int, **reals: Any) -> None:
    rng = random.Random(seed)
    several = (sample.parameters(statement, rng) for _ in range(100))
    env = next(env for env in several if tuples(statement, env) <= 2000)
    arrays = sample.integers(statement, env, rng)
    for name in arrays:
        if name == "T":  # classes
            arrays[name] = np.array([rng.randrange(env[n.atom]) for _ in arrays[name]], object)  # type: ignore[index]
        elif rng.random() < 0.5:  # ties, and numbers that are not whole
            arrays[name] = arrays[name] // 2 * Fraction(1, 3)
    found, expected = (run(statement, arrays, env, **reals) for run in (exact.evaluate_at, naive.evaluate))
    assert found.keys() == expected.keys()
    for name in found:
        assert found[name].shape == expected[name].shape
        assert (found[name] == expected[name]).all(), (name, found[name], expected[name])


@pytest.mark.parametrize("name", list(WRITTEN))
@given(data=st.data())
def test_what_the_language_can_say_has_its_value(name: str, data: st.DataObject) -> None:
    same(WRITTEN[name], data.draw(st.integers(0, 2**20)))


@given(data=st.data())
def test_any_statement_has_its_value(data: st.DataObject) -> None:
    """What has a value by definition has that value; what has none is refused."""
    case = data.draw(cases())
    try:
        expected = naive.evaluate(case.statement, case.arrays, case.env)
    except naive.Undefined:
        expected = None
    try:
        found = exact.evaluate_at(case.statement, case.arrays, case.env)
    except StatementError:
        # an empty axis has no last value, and no one asks whether the arrays make a guard leave it out
        assert expected is None or 0 in case.env.values()
        return
    assert expected is not None
    for name, values in found.items():
        assert values.shape == expected[name].shape
        assert (values == expected[name]).all(), (name, values, expected[name])


@pytest.mark.parametrize("name", list(PAPER))
def test_the_statements_of_the_page_and_their_gradients_have_their_value(name: str) -> None:
    for seed in range(4):
        for statement in (PAPER[name], vjp(select(expand_outside(PAPER[name])), "X")):
            same(statement, seed)


@pytest.mark.parametrize("name", list(REALS))
def test_statements_with_real_parameters_have_their_value(name: str) -> None:
    for seed in range(4):
        same(STATEMENTS[name], seed, **REALS[name])


OPERATORS = [op for name in operators() for op in variants(name, ndim=1)] + [
    variants(name, 2)[0] for name in operators()
]


@pytest.mark.parametrize("op", OPERATORS, ids=repr)
def test_every_operator_and_its_derivatives_have_their_value(op: Any) -> None:
    prepared = select(expand_outside(op.statement))
    for statement in (op.statement, vjp(prepared, "X"), jvp(prepared, "X"), op.vjp("X").result):
        for seed in range(3):
            same(statement, seed)


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
    with pytest.raises(StatementError, match=r"exp\(1\) is not rational: it has no exact value"):
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


def test_what_lies_outside_an_empty_axis_is_still_outside() -> None:
    empty = Tensor("X", (size("l"),), (("i", 0),))
    stated = one(total(read("X", poly(j) - 1, outside=3)), inputs=(empty,))
    assert stated.evaluate({"X": []}, m=2).tolist() == [3, 3]
    with pytest.raises(StatementError, match="of axis 0, which has size 0"):
        one(total(read("X", poly(j) - 1, outside="replicate")), inputs=(empty,)).evaluate({"X": []}, m=2)


def test_an_empty_maximum_has_no_product_with_zero() -> None:
    least = equation("A", [], Term((i,), (Less(n, poly(i)),), x, "max"))
    with pytest.raises(StatementError, match="Y is 0·∞ or ∞ - ∞ for an empty maximum or minimum"):
        Statement((X,), (least, equation("Y", [], total(read("A") * x, [i]))), ("Y",)).evaluate({"X": [0]})


def test_a_real_parameter_has_a_value_that_is_rational() -> None:
    stated = one(total(x * Real("κ") + Real("ε", default=Fraction(1, 4)), [i]), at=None)
    assert stated.evaluate({"X": [2]}, κ=0.5) == Fraction(5, 4)
    assert stated.evaluate({"X": [2]}, κ=Fraction(1, 3), ε=0) == Fraction(2, 3)
    with pytest.raises(StatementError, match="the real parameter κ has no value; give it by name"):
        stated.evaluate({"X": [2]})
    with pytest.raises(DtypeError, match="nan has no exact value; exact evaluation needs finite numbers"):
        stated.evaluate({"X": [2]}, κ=float("nan"))
    with pytest.raises(StatementError, match="π is not rational: it has no exact value"):
        one(total(x * PI, [i]), at=None).evaluate({"X": [2]})


def test_arrays_of_other_sizes_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"^X has shape \(2,\), but \(3,\) is needed "):
        exact.evaluate_at(one(total(x, [i]), at=None), {"X": [1, 2]}, {n.atom: 3})


def test_sizes_beyond_a_machine_word_are_exact() -> None:
    square = one(total(IndexValue(n * n * n - 1 + poly(j))), inputs=())
    assert square.evaluate({}, n=10**17, m=2).tolist() == [10**51 - 1, 10**51]
    p = size("p")
    shifted = one(
        total(read("X", poly(j) + p * p - 1, outside=7) + read("X", (p * poly(j) + 1) // p), [], [Less(poly(j), p)])
    )
    assert shifted.evaluate({"X": [1, 2]}, p=10**17, m=2).tolist() == [8, 9]


@pytest.mark.parametrize("op", OPERATORS, ids=repr)
def test_the_native_run_is_within_its_bound(op: Any) -> None:
    """Sums and products alone: each rounding is relative, so the sum of the absolute values times their number bounds
    what they do together."""
    rng = random.Random(repr(op))
    env = sample.parameters(op.statement, rng)
    arrays = sample.integers(op.statement, env, rng)
    arrays = {name: (array / Fraction(3)).astype(float) for name, array in arrays.items()}
    given = {f"{param.letter}{param.axis or ''}": value for param, value in env.items()}
    right, close = op.statement.evaluate(arrays, **given), op.statement.function()(**arrays, **given)
    largest = op.statement.evaluate({name: abs(array) for name, array in arrays.items()}, **given)
    terms = 2 + sum(array.size for array in arrays.values())
    bound = terms * np.finfo(float).eps * largest
    assert close.dtype == float
    assert all(c == r or abs(c - r) <= b for c, r, b in zip(close.flat, right.flat, bound.flat, strict=True))


@pytest.mark.parametrize("values", [["a"], [True], [1j]])
def test_the_native_run_takes_numbers_only(values: Any) -> None:
    with pytest.raises(DtypeError, match=r"X is an array of .*; integers or floats are needed"):
        one(total(x, [i]), at=None).function()(X=np.array(values))


# --- faults -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "law", [(test_what_the_language_can_say_has_its_value, "bracket"), (test_any_statement_has_its_value,)]
)
def test_the_laws_see_a_guard_that_is_forgotten(law: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "holds", lambda guard, values: np.bool_(True))
    caught(*law)


def test_the_law_sees_a_value_outside_that_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    right = exact.CompiledTerm._gather
    monkeypatch.setattr(exact.CompiledTerm, "_gather", lambda *arguments: replace(right(*arguments), outside=None))
    caught(test_any_statement_has_its_value)


def test_the_law_sees_a_tuple_that_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups of tuples that begin one place late."""
    right = exact._component

    def late(*arguments: Any) -> Any:
        found = right(*arguments)
        return found if found.starts is None or len(found.starts) < 2 else replace(found, starts=found.starts // 2)

    monkeypatch.setattr(exact, "_component", late)
    caught(test_any_statement_has_its_value)


def test_the_bound_of_the_native_run_sees_a_lost_element(monkeypatch: pytest.MonkeyPatch) -> None:
    right = exact._Run._read

    def lossy(self: Any, read: Any) -> np.ndarray:
        values = right(self, read)
        return values * (1 + 1e-12) if self.arithmetic.dtype == float else values

    monkeypatch.setattr(exact._Run, "_read", lossy)
    with pytest.raises(AssertionError):
        test_the_native_run_is_within_its_bound(OPERATORS[0])
