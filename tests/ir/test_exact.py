"""The compiled evaluator gives what the definition says, and nothing that is not exact."""

from __future__ import annotations

import math
import operator
import random
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from convmath.calculus.gradient import jvp, select, vjp
from convmath.calculus.outside import expand_outside
from convmath.derivation import sample
from convmath.errors import DtypeError, HyperparameterError, ShapeError, StatementError
from convmath.ir import exact, program
from convmath.ir.build import Tensor, equation, index, poly, read, size, total
from convmath.ir.check import checked
from convmath.ir.enclosure import Enclosure
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


def tuples(statement: Statement, env: Mapping[Any, int]) -> int:
    """How many tuples the definition goes through."""
    return sum(
        math.prod(index.size.evaluate(env) for index in (*stated.free, *term.bound))
        for stated in statement.equations
        for term in stated.terms
    )


def drawn(statement: Statement, rng: random.Random) -> sample.Sample:
    """A sample that the definition goes through in little time; one that a condition refuses is drawn again."""
    whole = exact._is_rational(statement)
    may_refuse = not whole or any(isinstance(condition, Compare) for condition in statement.requires)
    for _ in range(400):
        env = sample.parameters(statement, rng)
        if tuples(statement, env) > 2000:
            continue
        arrays = (sample.integers if whole else sample.fractions)(statement, env, rng)
        for tensor in statement.inputs:
            if whole and not tensor.integer and rng.random() < 0.5:  # ties, and numbers that are not whole
                arrays[tensor.name] = arrays[tensor.name] // 2 * Fraction(1, 3)
        numbers = sample.real_values(statement, rng)
        try:
            return sample.Sample(env, arrays, numbers, exact.evaluate_at(statement, arrays, env, **numbers))
        except StatementError:
            if not may_refuse:
                raise
    raise AssertionError("no sample was found")


def near(found: Any, expected: Any) -> bool:
    """Whether a number of many digits is the one that is enclosed."""
    _, mantissa, exponent, _ = mpmath.mpmathify(expected)._mpf_
    right = (-1 if expected < 0 else 1) * mantissa * Fraction(2) ** exponent
    gap = found - right
    ends = (gap.low, gap.high) if isinstance(gap, Enclosure) else (gap, gap)
    return ends[1] - ends[0] <= Fraction(1, 2**60) and all(abs(end) <= Fraction(1, 2**60) for end in ends)


def same(statement: Statement, seed: int) -> None:
    env, arrays, numbers, found = drawn(statement, random.Random(seed))
    if exact._is_rational(statement):
        expected = naive.evaluate(statement, arrays, env, **numbers)
        agree = operator.eq
    else:
        with naive.decimals():
            expected = naive.evaluate(statement, arrays, env, **numbers)
        agree = near
    assert found.keys() == expected.keys()
    for name in found:
        assert found[name].shape == expected[name].shape
        for place in np.ndindex(found[name].shape):
            assert agree(found[name][place], expected[name][place]), (name, place, found[name], expected[name])


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


@pytest.mark.parametrize("name", list(STATEMENTS))
def test_the_statements_of_the_page_and_their_gradients_have_their_value(name: str) -> None:
    for seed in range(4):
        for statement in (STATEMENTS[name], vjp(select(expand_outside(STATEMENTS[name])), "X")):
            same(statement, seed)


OPERATORS = [op for name in operators() for op in variants(name, ndim=1)] + [
    variants(name, 2)[0] for name in operators()
]


@pytest.mark.parametrize("op", OPERATORS, ids=repr)
def test_every_operator_and_its_derivatives_have_their_value(op: Any) -> None:
    prepared, first = select(expand_outside(op.statement)), op.statement.reads[0]
    for statement in (op.statement, vjp(prepared, first), jvp(prepared, first), op.vjp(first).result):
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


def test_what_divides_by_zero_is_refused() -> None:
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
    with pytest.raises(HyperparameterError, match="the real parameter κ is nan, but a finite number is needed"):
        stated.evaluate({"X": [2]}, κ=float("nan"))


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
    env, arrays, numbers, _ = drawn(op.statement, random.Random(repr(op)))
    whole = {tensor.name for tensor in op.statement.inputs if tensor.integer}
    floats = {
        name: array.astype(int) if name in whole else (array / Fraction(3)).astype(float)
        for name, array in arrays.items()
    }
    given = {f"{param.letter}{param.axis or ''}": value for param, value in env.items()} | numbers
    right, close = (
        exact.evaluate(op.statement, floats, bits=100, **given),
        exact.evaluate_native(op.statement, floats, **given),
    )
    bounds = exact.evaluate_rounded(op.statement, floats, np.finfo(float).eps / 2, **given)
    for name, (_, error) in bounds.items():
        assert close[name].dtype == float
        for c, r, e in zip(close[name].flat, right[name].flat, error.flat, strict=True):
            assert c == float(r) or abs(Fraction(float(c)) - r) <= e


@pytest.mark.parametrize("values", [["a"], [True], [1j]])
def test_the_native_run_takes_numbers_only(values: Any) -> None:
    with pytest.raises(DtypeError, match=r"X is an array of .*; integers or floats are needed"):
        one(total(x, [i]), at=None).function()(X=np.array(values))


# --- enclosures -----------------------------------------------------------------------------------------------------

exp, log = (lambda u, name=name: Apply(name, u) for name in ("exp", "log"))


def only(statement: Statement, arrays: Any, **given: Any) -> Any:
    return np.asarray(statement.evaluate(arrays, **given), object).item()


@pytest.mark.parametrize("bits", [1, 64, 200, 1000])
def test_what_is_irrational_is_enclosed_as_narrowly_as_is_asked(bits: int) -> None:
    """√2 + π·e^(x₀) for x₀ = 1 and for 30, where the value has 44 bits before its point."""
    stated = one(total(Number(Fraction(2)) ** Fraction(1, 2) + PI * exp(x), [i]), at=None)
    for at, power in ((1, sympy.E), (30, sympy.exp(30))):
        value = only(stated, {"X": [at]}, bits=bits)
        assert value.width <= Fraction(1, 2**bits)
        right = sympy.N(sympy.sqrt(2) + sympy.pi * power, 400)
        assert value.low - Fraction(1, 10**380) <= Fraction(str(right)) <= value.high + Fraction(1, 10**380)


def test_what_is_rational_stays_so_among_others() -> None:
    stated = one(total(exp(x) ** 2 + x ** Fraction(1, 2)), at=i)
    found = stated.evaluate({"X": [0, 2, 0]})
    assert found[0] == found[2] == 1
    assert type(found[0]) is int
    assert isinstance(found[1], Enclosure)
    zero = one(total(0 * IndexValue(poly(j)) + exp(x) * (x - 1), [i]), at=None)
    assert type(only(zero, {"X": [1]})) is int  # e·0


def test_what_cancels_is_enclosed_with_more_precision() -> None:
    """e^x - 1 - x at x = 2^-100: the first 200 bits cancel."""
    value = only(one(total(exp(x) - 1 - x, [i]), at=None), {"X": [Fraction(1, 2**100)]}, bits=300)
    assert Fraction(1, 2**201) < value < Fraction(1, 2**200)


def test_a_comparison_is_decided_with_more_precision() -> None:
    """3^(1/2) against a fraction that agrees with it in 300 bits."""
    near = Fraction(math.isqrt(3 * 4**300), 2**300)
    stated = one(total(1, [i], [Compare(Number(Fraction(3)) ** Fraction(1, 2), "<", x)]), at=None)
    assert only(stated, {"X": [near, near + Fraction(1, 2**300)]}) == 1


def test_two_equal_numbers_that_no_precision_tells_apart_are_refused() -> None:
    stated = one(total(1, [i], [Compare(exp(x) * exp(-x), "=", Number(Fraction(1)))]), at=None)
    with pytest.raises(
        StatementError,
        match=r"^whether 1 ± .* = 1 can't be told apart, with \d+ bits on the way; more than 4096 are not",
    ):
        stated.evaluate({"X": [1]})
    with pytest.raises(
        StatementError, match=r"^a value is not known to 2\^-64, with 96 bits on the way; more than 4096"
    ):
        one(total(exp(x), [i]), at=None).evaluate({"X": [5000]})


def test_a_maximum_of_irrational_numbers_is_one_of_them() -> None:
    """Its gradient asks which: [e^X = max e^X]."""
    A = read("A", i)
    most = equation("M", [], Term((i,), (), A, "max"))
    which = equation("Y", [i], total(1, [], [Compare(A, "=", read("M"))]))
    stated = Statement((X,), (equation("A", [i], total(exp(x))), most, which), ("Y", "M"))
    found = stated.evaluate({"X": [1, 3, 2]})
    assert found["Y"].tolist() == [0, 1, 0]
    assert Fraction(20) < found["M"].item() < 21
    least = replace(most, terms=(Term((i,), (), A, "min"),))
    assert replace(stated, equations=(stated.equations[0], least, which)).evaluate({"X": [1, 3, 2]})["Y"][0] == 1


@pytest.mark.parametrize("bits", [0, -1, 1.5, "64", True])
def test_bits_are_a_whole_number(bits: Any) -> None:
    with pytest.raises(HyperparameterError, match=r"^bits is .*, but a whole number from 1 on is needed$"):
        one(total(x, [i]), at=None).evaluate({"X": [1]}, bits=bits)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (log(x), r"^log\(0\) came up, but only numbers above 0 have a logarithm$"),
        (log(x - 1), r"^log\(-1\) came up"),
        (Apply("sqrt", x - 2), r"^sqrt\(-2\) came up, but only numbers from 0 on have a root$"),
        (exp(x) * x ** Fraction(-1, 2), r"^0\^-1/2 came up: the statement divides by 0 for these sizes or data$"),
        ((x - 8) ** Fraction(1, 3), r"^\(-8\)\^\(1/3\) came up, but a negative number has whole powers only$"),
        (exp(x + 10**8), r"^exp\(100000000\) came up: it is too large to be enclosed$"),
    ],
)
def test_what_no_number_is_is_refused_with_a_sentence(body: Any, sentence: str) -> None:
    with pytest.raises(StatementError, match=sentence):
        one(total(body, [i]), at=None).evaluate({"X": [0]})


def test_what_an_empty_maximum_leads_to_is_refused() -> None:
    nothing = equation("A", [], Term((i,), (Less(n, poly(i)),), x, "max"))
    for body, sentence in (
        (exp(read("A")), r"exp\(-inf\) came up, of an empty maximum or minimum: it has no exact value"),
        (read("A") ** Fraction(1, 2), r"\(-inf\)\^1/2 came up, a power of an empty maximum or minimum"),
    ):
        with pytest.raises(StatementError, match=sentence):
            Statement((X,), (nothing, equation("Y", [], total(body))), ("Y",)).evaluate({"X": [0]})
    both = Statement((X,), (nothing, equation("Y", [], total(read("A") + exp(x), [i]))), ("Y",))
    assert only(both, {"X": [1]}) == -math.inf


def test_integers_beside_floats_leave_the_native_run_its_type() -> None:
    gather = WRITTEN["gather"].function()
    assert gather(X=np.array([1.5, 2.5], np.float32), T=np.array([1, 0])).dtype == np.float32
    assert gather(X=np.array([1, 2]), T=np.array([1, 0])).dtype == np.float64


# --- what the data must meet -----------------------------------------------------------------------------------------

V, κ = read("V"), Real("κ")
ONE_NUMBER = equation("V", [], total(x * x - 4, [i]))
ROOT = equation("Y", [], total((V + κ) ** Fraction(-1, 2)))
CLASSES = one(total(x, [i], [Matches(poly(i), read("T", j))]), inputs=(X, T))


def required(statement: Statement, *conditions: Compare) -> Statement:
    return checked(replace(statement, requires=(*statement.requires, *conditions)))


POSITIVE = required(Statement((X,), (ONE_NUMBER, ROOT), ("Y",)), Compare(Number(Fraction(0)), "<", V + κ))
INSIDE = required(CLASSES, Compare(Number(Fraction(0)), "≤", read("T", j)), Compare(read("T", j), "<", IndexValue(n)))


def test_a_condition_on_an_inner_value_comes_before_the_division_by_zero() -> None:
    assert only(POSITIVE, {"X": [2]}, κ=4) == Fraction(1, 2)
    for run in (POSITIVE.evaluate, lambda arrays, **given: POSITIVE.function()(X=np.array(arrays["X"]), **given)):
        with pytest.raises(StatementError, match=r"^\[0 < V \+ κ\] does not hold: there it is 0(\.0)? < 0(\.0)?$"):
            run({"X": [2]}, κ=0)


def test_a_condition_on_an_input_names_the_first_place_where_it_fails() -> None:
    assert INSIDE.evaluate({"X": [5, 6, 7], "T": [0, 2]}).tolist() == [5, 7]
    with pytest.raises(StatementError, match=r"^\[T\[j\] < n\] does not hold at j = 1: there it is 3 < 3$"):
        INSIDE.evaluate({"X": [5, 6, 7], "T": [0, 3, 5]})
    with pytest.raises(StatementError, match=r"^\[0 ≤ T\[j\]\] does not hold at j = 2: there it is 0 ≤ -1$"):
        INSIDE.evaluate({"X": [5, 6, 7], "T": [0, 1, -1]})
    with pytest.raises(StatementError, match=r"^\[T\[j\] < n\] does not hold at j = 0"):
        INSIDE.function()(X=np.array([5.0, 6.0]), T=np.array([2]))


@pytest.mark.parametrize(
    ("relation", "met", "failed"), [("<", 1, 0), ("≤", 0, -1), ("=", 0, 1), ("≠", Fraction(1, 2), 0)]
)
def test_a_condition_on_real_parameters_alone_comes_first(relation: Any, met: Any, failed: Any) -> None:
    stated = required(one(total(x * κ / x, [i]), at=None), Compare(Number(Fraction(0)), relation, κ))
    assert only(stated, {"X": [3]}, κ=met) == met
    with pytest.raises(StatementError, match=rf"^\[0 {relation} κ\] does not hold: there it is 0 {relation} {failed}$"):
        stated.evaluate({"X": [0]}, κ=failed)  # and not the division by 0


def test_a_comparison_may_be_unequal_in_a_guard_too() -> None:
    assert only(one(total(x, [i], [Compare(x, "≠", Number(Fraction(2)))]), at=None), {"X": [1, 2, 3]}) == 4


def test_a_condition_in_several_indices_is_asked_for_all_of_them() -> None:
    apart = required(one(total(x, [i]), at=None), Compare(x - read("X", j, outside=9), "<", Number(Fraction(8))))
    assert only(apart, {"X": [1, 2]}, m=1) == 3
    with pytest.raises(StatementError, match=r"does not hold at i = 1, j = 0: there it is 9 < 8$"):
        apart.evaluate({"X": [1, 10]}, m=3)


def test_a_condition_that_speaks_of_what_is_not_there_is_not_asked() -> None:
    """Of an equation that is not stated, of a real parameter without a value; in floats, of what is no number."""
    unstated = replace(POSITIVE, equations=(ONE_NUMBER,), outputs=("V",))
    assert only(unstated, {"X": [1]}) == -3
    gone = replace(POSITIVE, equations=(equation("W", [], total(x, [i])),), outputs=("W",))
    assert only(gone, {"X": [1]}, κ=-9) == 1
    unread = replace(INSIDE, equations=(equation("W", [], total(x, [i])),), outputs=("W",))
    assert only(unread, {"X": [1]}, m=2) == 1
    with pytest.raises(StatementError, match=r"T\[j\] < n"):
        unread.evaluate({"X": [1], "T": [7]})
    assert math.isnan(POSITIVE.function()(X=np.array([float("nan")]), κ=1))


def test_a_condition_on_what_is_irrational_is_decided() -> None:
    stated = required(
        Statement((X,), (equation("S", [], total(exp(x), [i])), equation("Y", [], total(1 / read("S")))), ("Y",)),
        Compare(read("S"), "<", Number(Fraction(1001, 1000))),
    )
    assert 0 < only(stated, {"X": [Fraction(1, 2000)]}) < 1
    with pytest.raises(StatementError, match=r"^\[S < 1001/1000\] does not hold: there it is 1\.0010005.* < "):
        stated.evaluate({"X": [Fraction(1, 1000)]})


# --- faults -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "law", [(test_what_the_language_can_say_has_its_value, "bracket"), (test_any_statement_has_its_value,)]
)
def test_the_laws_see_a_guard_that_is_forgotten(law: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "holds", lambda guard, values: np.bool_(True))
    caught(*law)


def test_the_law_sees_a_value_outside_that_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    right = program.CompiledTerm._gather
    monkeypatch.setattr(program.CompiledTerm, "_gather", lambda *arguments: replace(right(*arguments), outside=None))
    caught(test_any_statement_has_its_value)


def test_the_law_sees_a_tuple_that_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups of tuples that begin one place late."""
    right = program._component

    def late(*arguments: Any) -> Any:
        found = right(*arguments)
        return found if found.starts is None or len(found.starts) < 2 else replace(found, starts=found.starts // 2)

    monkeypatch.setattr(program, "_component", late)
    caught(test_any_statement_has_its_value)


def test_the_bound_of_the_native_run_sees_a_lost_element(monkeypatch: pytest.MonkeyPatch) -> None:
    right = program._Run._read

    def lossy(self: Any, read: Any) -> np.ndarray:
        values = right(self, read)
        return values * (1 + 1e-12) if self.arithmetic.dtype == float else values

    monkeypatch.setattr(program._Run, "_read", lossy)
    with pytest.raises(AssertionError):
        test_the_native_run_is_within_its_bound(OPERATORS[0])


def test_a_condition_that_is_not_looked_at_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program.Condition, "check", lambda *arguments: None)
    for law in (
        test_a_condition_on_an_inner_value_comes_before_the_division_by_zero,
        test_a_condition_on_an_input_names_the_first_place_where_it_fails,
    ):
        with pytest.raises((AssertionError, StatementError, pytest.fail.Exception)):
            law()


def test_widths_that_are_not_looked_at_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "_lacking", lambda values, bits: 0)
    with pytest.raises(AssertionError):
        test_what_is_irrational_is_enclosed_as_narrowly_as_is_asked(64)
