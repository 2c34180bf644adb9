"""What floating point computes lies within the bound that is carried along, in any order of summation."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.calculus.gradient import select, vjp
from convmath.calculus.outside import expand_outside
from convmath.errors import DtypeError, HyperparameterError, StatementError
from convmath.ir import rounded
from convmath.ir.build import Tensor, count, equation, index, largest, read, size, total
from convmath.ir.enclosure import Enclosure, Undecided
from convmath.ir.exact import evaluate, evaluate_native, evaluate_rounded
from convmath.ir.functions import FUNCTIONS, PI
from convmath.ir.nodes import Apply, Bracket, Compare, Number, Real, Scalar, Statement
from convmath.ir.rounded import Rounded, constant, unit_roundoff

from ..faults import caught
from ..paper import STATEMENTS

n = size("n", least=1)
i = index("i", n)
X = Tensor("X", (n,), (("i", 0),))
x = read(X, i)
KINDS = st.sampled_from([np.float32, np.float64])


def each(body: Scalar) -> Statement:
    return Statement((X,), (equation("Y", [i], total(body)),), ("Y",))


def unit(kind: Any) -> float:
    return float(np.finfo(kind).eps) / 2


def off(got: Any, exact: Any) -> float:
    """How far a float is from an exact value, at least."""
    ends = (exact.low, exact.high) if isinstance(exact, Enclosure) else (exact, exact)
    return float(max(0, ends[0] - Fraction(float(got)), Fraction(float(got)) - ends[1]))


def within(statement: Statement, arrays: dict[str, np.ndarray], got: Any, kind: Any, **given: Any) -> None:
    """Every element is as near to the exact value as the bound says, and the bound is no empty one."""
    [name] = statement.outputs
    exact = np.asarray(evaluate(statement, arrays, bits=200, **given)[name], object)
    value, error = evaluate_rounded(statement, arrays, unit(kind), underflow=float(np.finfo(kind).tiny), **given)[name]
    assert value.shape == error.shape == exact.shape == np.shape(got)
    for close, right, v, e in zip(np.ravel(got), exact.flat, value.flat, error.flat, strict=True):
        assert off(close, right) <= e
        assert off(v, right) <= e + 2.0**-50 * abs(v)  # it is computed in float64 itself
        assert e < 1


# --- one operation after another -----------------------------------------------------------------------------------


@given(data=st.data())
def test_a_sum_in_any_order_is_within_its_bound(data: st.DataObject) -> None:
    kind, count = data.draw(KINDS), data.draw(st.integers(1, 300))
    seed, scale = data.draw(st.integers(0, 2**20)), data.draw(st.sampled_from([1, 100, 2.0**-10]))
    values = (np.random.default_rng(seed).standard_normal(count) * scale).astype(kind)
    statement = Statement((X,), (equation("Y", [], total(x, [i])),), ("Y",))
    order = random.Random(seed)
    left = list(values)
    while len(left) > 1:  # two of them, anywhere
        a, b = (left.pop(order.randrange(len(left))) for _ in range(2))
        left.append(a + b)
    _, error = evaluate_rounded(statement, {"X": values}, unit(kind))["Y"]
    exact = sum(map(Fraction, values.astype(float)))
    assert off(left[0], exact) <= error
    assert error <= 1.01 * (count - 1) * unit(kind) * np.abs(values.astype(float)).sum()


BODIES: dict[str, Callable[[Scalar], Scalar]] = {
    "product": lambda x: x * x * x,
    "scaled": lambda x: x * Fraction(1, 3) + Fraction(1, 10),
    "quotient": lambda x: (x + 3) / (x * x + 1),
    "nested": lambda x: (x + Fraction(1, 3)) * (x - Fraction(2, 7)) - x,
    "root": lambda x: (x * x + 1) ** Fraction(1, 2),
    "inverse root": lambda x: x * (x**2 + Fraction(1, 3)) ** Fraction(-1, 2),
    "odd power": lambda x: Apply("abs", x) ** Fraction(7, 3),
    "cube": lambda x: (x + Fraction(1, 3)) ** 3 + (x + Fraction(1, 3)) ** -3 * 0,
    "absolute": lambda x: Apply("abs", x * Fraction(1, 3)) * Apply("sign", x),
    "exp": lambda x: Apply("exp", x * Fraction(1, 3)),
    "log": lambda x: Apply("log", x * x + Fraction(1, 3)),
    "sqrt": lambda x: Apply("sqrt", x * x + Fraction(1, 3)),
    "tanh": lambda x: Apply("tanh", x + Fraction(1, 3)),
    "sigmoid": lambda x: Apply("sigmoid", 3 * x) * x,
    "softplus": lambda x: Apply("softplus", x * Fraction(4, 3)),
    "erf": lambda x: x * (1 + Apply("erf", x * Number(Fraction(1, 2)) ** Fraction(1, 2))) / 2,
    "π": lambda x: PI * x,
    "bracket": lambda x: Bracket(Compare(Number(Fraction(0)), "<", x)) * Apply("exp", -x) + x,
}


def test_every_function_has_a_body() -> None:
    used = {"absolute": "abs", "sign": "abs"}
    assert {used.get(name, name) for name in FUNCTIONS} <= {*BODIES, "abs"}


@pytest.mark.parametrize("name", list(BODIES))
@given(data=st.data())
def test_what_floats_compute_is_within_its_bound(name: str, data: st.DataObject) -> None:
    kind, seed = data.draw(KINDS), data.draw(st.integers(0, 2**20))
    values = (np.random.default_rng(seed).standard_normal(8) * data.draw(st.sampled_from([1, 4, 0.1]))).astype(kind)
    statement = each(BODIES[name](x))
    within(statement, {"X": values}, evaluate_native(statement, {"X": values})["Y"], kind)


CASES: dict[str, tuple[dict[str, tuple[int, ...]], dict[str, Any]]] = {
    "batch_norm": ({"X": (3, 2, 5), "Γ": (2,), "B": (2,)}, {"ε": 1e-5}),
    "cross_entropy": ({"X": (3, 4)}, {}),
    "lp_pool": ({"X": (2, 2, 9)}, {"r": 1.5, "k": 3, "s": 2, "p": 0}),
    "local_response_norm": ({"X": (2, 6, 3)}, {"κ": 1, "α": 1e-2, "β": 0.75, "k": 5, "a": 2}),
}


@cache
def gradient_of(name: str) -> Statement:
    return vjp(select(expand_outside(STATEMENTS[name])), "X")


@pytest.mark.parametrize("gradient", [False, True], ids=["value", "gradient"])
@pytest.mark.parametrize("name", list(CASES))
@given(data=st.data())
def test_a_statement_of_the_page_is_within_its_bound(name: str, gradient: bool, data: st.DataObject) -> None:
    kind, rng = data.draw(KINDS), np.random.default_rng(data.draw(st.integers(0, 2**20)))
    shapes, numbers = CASES[name]
    arrays = {letter: rng.standard_normal(shape).astype(kind) for letter, shape in shapes.items()}
    if name == "cross_entropy":
        arrays["T"] = rng.integers(0, 4, 3)
    statement = STATEMENTS[name]
    if gradient:
        [output] = statement.outputs
        shape = np.shape(evaluate_native(statement, arrays, **numbers)[output])
        arrays[f"g{output}"] = rng.standard_normal(shape).astype(kind)
        statement = gradient_of(name)
    [output] = statement.outputs
    within(statement, arrays, evaluate_native(statement, arrays, **numbers)[output], kind, **numbers)


S = read("S")
SOFTMAX = Statement(
    (X,),
    (equation("S", [], total(Apply("exp", x), [i])), equation("P", [i], total(Apply("exp", x) / S))),
    ("P",),
)
LOG_SUM = Statement((X,), (SOFTMAX.equations[0], equation("L", [], total(Apply("log", S)))), ("L",))


@given(data=st.data())
def test_an_argument_may_be_shifted_before_a_function_is_applied(data: st.DataObject) -> None:
    """exp(x - max) and max + log Σ exp(x - max) stand for exp(x) and log Σ exp(x)."""
    kind, rng = data.draw(KINDS), np.random.default_rng(data.draw(st.integers(0, 2**20)))
    scale, shift = data.draw(st.sampled_from([5, 25])), data.draw(st.sampled_from([0, -40, 20]))
    values = (rng.standard_normal(6) * scale + shift).astype(kind)
    shifted = np.exp(values - values.max())
    within(SOFTMAX, {"X": values}, shifted / shifted.sum(dtype=kind), kind)
    exact = evaluate(LOG_SUM, {"X": values}, bits=200)["L"].item()
    _, error = evaluate_rounded(LOG_SUM, {"X": values}, unit(kind))["L"]
    assert off(values.max() + np.log(shifted.sum(dtype=kind)), exact) <= error


# --- what is exact, and what is not known ----------------------------------------------------------------------------


def test_what_a_float_holds_is_taken_as_it_is() -> None:
    with unit_roundoff(2.0**-24):
        for value in (0, 1, -3, 2**24, 2**24 + 2, Fraction(1, 2**30), Fraction(5, 8), math.inf):
            assert constant(value).error == 0
        for value in (2**24 + 1, Fraction(1, 3), Fraction(0.1)):
            assert constant(value).error == 2.0**-24 * float(value) / (1 - 2.0**-24)
        assert (constant(Fraction(1, 3)) * 4).error == 4 * constant(Fraction(1, 3)).error
        assert (Rounded(0.75) * 5).error > 0
        assert (Rounded(3.0) + 0).error == 0
        assert rounded.settled(Rounded(3.0) + 0 + 0).error == 0


def test_whole_numbers_are_exact_as_long_as_floats_hold_them() -> None:
    with unit_roundoff(2.0**-24):
        many = sum([Rounded(1.0)] * 1000, Rounded(0.0))
        assert (rounded.settled(many).value, rounded.settled(many).error) == (1000, 0)
        assert (many * many * 16).error == 0
        assert rounded.power(many, 2).error == 0
        assert (many * many * many).error > 0
        assert rounded.power(many, -1).error > 0
        assert rounded.power(many, 3).error > 0
        assert rounded.settled(many + Rounded(2.0**24)).error > 0
        assert rounded.settled(many + Rounded(0.5)).error > 0


def test_the_largest_may_be_off_as_the_others_are() -> None:
    near = rounded.larger(Rounded(1.0, 0.1), Rounded(0.9, 0.5))
    assert (near.value, near.error) == (1.0, 0.5)
    far = Rounded(5.0, 0.1)
    assert rounded.larger(far, Rounded(0.9, 0.5)) is far
    assert rounded.smaller(Rounded(5.0, 0.1), Rounded(0.9, 0.5)).value == 0.9
    assert rounded.larger(-math.inf, far) is far
    statement = Statement((X,), (equation("M", [], largest(x * Fraction(1, 3), [i])),), ("M",))
    value, error = evaluate_rounded(statement, {"X": np.array([1.0, 3.0, 2.0])}, 2.0**-53)["M"]
    assert value == 1.0
    assert 0 < error < 2.0**-51


def test_a_power_near_zero_is_bounded_without_a_slope() -> None:
    assert rounded.power(Rounded(0.0, 1e-4), Fraction(1, 2)).error == pytest.approx(1e-2)
    assert rounded.power(Rounded(1e-5, 1e-4), 2).error < 1e-7
    assert rounded.power(Rounded(1e-5, 1e-4), -1).error == math.inf
    with np.errstate(invalid="ignore"):
        assert rounded.function("log", Rounded(1e-5, 1e-4)).error == math.inf
    assert rounded.function("sqrt", Rounded(0.0)).error == 0
    assert rounded.function("exp", Rounded(-math.inf)).value == 0
    assert rounded.power(Rounded(0.0), Fraction(1, 3)).error == 0


def test_an_infinite_value_has_no_bound() -> None:
    [(value, error)] = evaluate_rounded(SOFTMAX, {"X": np.array([1000.0, 0.0])}, 2.0**-53).values()
    assert math.isnan(value[0])
    assert error[0] == math.inf


def test_a_comparison_that_rounding_decides_is_refused() -> None:
    third = x * Fraction(1, 3)
    statement = each(Bracket(Compare(third, "<", Real("κ"))) * x)
    given = {"X": np.array([3.0, 1.0])}
    [(value, _)] = evaluate_rounded(statement, given, 2.0**-53, κ=0.75).values()
    assert value.tolist() == [0, 1]
    with pytest.raises(Undecided, match=r"^rounding decides how 1\.0 compares with 1\.0, since they may be off by"):
        evaluate_rounded(statement, given, 2.0**-53, κ=1)
    with pytest.raises(Undecided):
        rounded.function("sign", Rounded(1e-5, 1e-4))
    same = Rounded(1.0, 0.1)
    assert same == same
    assert same >= same
    assert not same > same


def test_a_maximum_is_still_equal_to_the_element_it_is() -> None:
    """[f = max f] is decided though f is rounded: one is the same number, the others are further apart than that."""
    A = read("A", i)
    statement = Statement(
        (X,),
        (
            equation("A", [i], total(x * Fraction(1, 3))),
            equation("M", [], largest(A, [i])),
            equation("Y", [i], total(1, [], [Compare(A, "=", read("M"))])),
        ),
        ("Y",),
    )
    [(value, error)] = evaluate_rounded(statement, {"X": np.array([1.0, 3.0, 2.0])}, 2.0**-53).values()
    assert value.tolist() == [0, 1, 0]
    assert error.tolist() == [0, 0, 0]


def test_a_rounded_run_reads_floats_and_integers_alone() -> None:
    with pytest.raises(StatementError, match="the real parameter κ has no value"):
        evaluate_rounded(each(Real("κ") * x), {"X": [1.0]}, 2.0**-53)
    [(value, error)] = evaluate_rounded(each(x / 4), {"X": [1, 2]}, 2.0**-53).values()
    assert value.tolist() == [0.25, 0.5]
    assert error.tolist() == [0, 0]
    counted = Statement((X,), (equation("Y", [], count([i])),), ("Y",))
    assert [part.item() for part in evaluate_rounded(counted, {"X": [1, 2]}, 2.0**-53)["Y"]] == [2, 0]
    for unit in (0, -1, 1, math.nan):
        with pytest.raises(HyperparameterError, match=rf"^the unit roundoff is {unit}, but a number between 0 and 1"):
            evaluate_rounded(counted, {"X": [1, 2]}, unit)
    with pytest.raises(DtypeError, match="X is an array of object"):
        evaluate_rounded(each(x), {"X": [Fraction(1, 3)]}, 2.0**-53)


# --- teeth --------------------------------------------------------------------------------------------------------


def test_a_rounding_that_is_not_counted_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounded, "_gamma", lambda roundings: 0.0)
    caught(test_a_sum_in_any_order_is_within_its_bound)
    caught(test_what_floats_compute_is_within_its_bound, "exp")
    caught(test_a_statement_of_the_page_is_within_its_bound, "batch_norm", False)


@pytest.mark.parametrize("name", ["quotient", "inverse root"])
def test_an_error_that_a_power_loses_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounded, "_spread", lambda base, e: 0.0)
    monkeypatch.setattr(rounded, "LIBRARY", 0)
    caught(test_what_floats_compute_is_within_its_bound, name)


@pytest.mark.parametrize("name", ["exp", "log"])
def test_an_error_that_a_function_loses_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounded, "_slope", lambda name, x: 0.0)
    monkeypatch.setattr(rounded, "LIBRARY", 0)
    caught(test_what_floats_compute_is_within_its_bound, name)


def test_a_shift_that_is_not_counted_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounded, "_slope", lambda name, x: 0.0)
    caught(test_an_argument_may_be_shifted_before_a_function_is_applied)
