"""The table of scalar functions: exact values where they are rational, and derivatives that are derivatives."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from convmath.errors import DtypeError, HyperparameterError, ShapeError, StatementError
from convmath.ir import exact
from convmath.ir.build import Tensor, equation, index, poly, read, size, total
from convmath.ir.enclosure import Enclosure, precision
from convmath.ir.functions import FUNCTIONS, PI, applied, rational_power
from convmath.ir.nodes import Apply, IndexValue, Number, Real, Scalar, Statement

from ..faults import caught

n, m, k = size("n"), size("m"), size("k")
i, j = index("i", n), index("j", m)
X = Tensor("X", (n,), (("i", 0),))
x = read(X, i)


def each(body: Scalar) -> Statement:
    return Statement((X,), (equation("Y", [i], total(body)),), ("Y",))


# --- roots and powers ---------------------------------------------------------------------------------------------


@given(data=st.data())
def test_a_power_of_a_rational_is_undone_by_its_root(data: st.DataObject) -> None:
    base = data.draw(st.fractions(0, 50, max_denominator=50)) * data.draw(st.sampled_from([1, 10**17 + 3]))
    up, down = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 5))
    assert rational_power(base**down, Fraction(up, down)) == base**up
    if base:
        assert rational_power(base**down, Fraction(-up, down)) == 1 / base**up


@given(value=st.fractions(0, 50, max_denominator=50), degree=st.integers(2, 4))
def test_a_root_that_is_found_is_one_and_none_is_missed(value: Fraction, degree: int) -> None:
    root = rational_power(value, Fraction(1, degree))
    near = Fraction(round(float(value.numerator) ** (1 / degree)), round(float(value.denominator) ** (1 / degree)))
    assert root == (near if near**degree == value else None)


@pytest.mark.parametrize("power", [Fraction(1, 2), Fraction(-3, 2), Fraction(1, 3)])
def test_a_negative_number_has_no_root(power: Fraction) -> None:
    assert rational_power(-8, power) is None
    with pytest.raises(StatementError, match=r"^\(-8\)\^\(.*\) came up, but a negative number has whole powers only$"):
        each(x**power).evaluate({"X": [-8]})


def test_a_power_that_is_too_long_is_not_written_out() -> None:
    """A root of a high degree, and a high power, take no more time than others."""
    fine = Fraction(0.3)  # numerator and denominator have 52 bits
    assert rational_power(3, fine) is None
    assert rational_power(0, fine) == 0
    assert rational_power(1, fine) == 1
    assert rational_power(2, 10**12) is None
    assert rational_power(-1, 10**12) == 1
    assert rational_power(2, 1000) == 2**1000
    [value] = each(x**fine).evaluate({"X": [3]})
    assert abs(float(value) - 3**0.3) < 1e-15
    [value] = each((1 + x) ** 10**12 * x).evaluate({"X": [Fraction(1, 10**12)]}, bits=80)
    assert abs(float(value * 10**12) - math.e) < 1e-10


def test_the_law_of_roots_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest whole number is taken for the root."""
    monkeypatch.setitem(rational_power.__globals__, "_root", lambda value, degree: round(value ** (1 / degree)))
    caught(test_a_power_of_a_rational_is_undone_by_its_root)


# --- the table ----------------------------------------------------------------------------------------------------

RATIONAL = {
    "exp": {0: 1},
    "log": {1: 0},
    "sqrt": {0: 0, 4: 2, Fraction(9, 16): Fraction(3, 4), 10**34: 10**17},
    "abs": {-3: 3, Fraction(1, 2): Fraction(1, 2), -float("inf"): float("inf")},
    "sign": {-3: -1, 0: 0, Fraction(1, 2): 1, -float("inf"): -1},
    "tanh": {0: 0},
    "erf": {0: 0},
    "sigmoid": {0: Fraction(1, 2)},
    "softplus": {},
}


def test_every_function_is_tried() -> None:
    assert set(RATIONAL) == set(FUNCTIONS)


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_a_rational_value_is_exact_and_no_other_is_given(name: str) -> None:
    for argument, value in RATIONAL[name].items():
        assert FUNCTIONS[name].exact(argument) == value
        if math.isfinite(argument):
            assert each(Apply(name, x)).evaluate({"X": [argument]}).tolist() == [value]
            assert applied(name, Number(Fraction(argument))) == Number(Fraction(value))
            assert FUNCTIONS[name].value(float(argument)) == pytest.approx(value, rel=1e-15)
    if not FUNCTIONS[name].rational:
        assert applied(name, Number(Fraction(2))) == Apply(name, Number(Fraction(2)))
        [value] = each(Apply(name, x)).evaluate({"X": [2]})
        assert isinstance(value, Enclosure)
        assert value.width <= Fraction(1, 2**64)


@pytest.mark.parametrize("name", list(FUNCTIONS))
@given(value=st.floats(2.0**-20, 40))
def test_a_value_in_floats_is_within_four_units_of_the_enclosure(name: str, value: float) -> None:
    function = FUNCTIONS[name]
    for at in (value, -value) if name not in ("log", "sqrt") else (value,):
        exact = function.enclosure(Fraction(at))
        close, right = float(function.value(at)), float(exact)
        # log(1 + x) shifts its argument by a rounding; sigmoid takes a logarithm first, as large as x is
        slack = 1 + (abs(at) if name == "sigmoid" else 0)
        assert abs(close - right) <= 4 * np.finfo(float).eps * abs(right) * slack


@pytest.mark.parametrize("name", ["exp", "sigmoid", "softplus", "tanh", "erf"])
def test_no_value_in_floats_overflows_but_that_which_is_infinite(name: str) -> None:
    with np.errstate(over="ignore"):
        assert each(Apply(name, x)).function()(X=np.array([1000.0])) == {"exp": np.inf, "softplus": 1000}.get(name, 1)
        assert each(Apply(name, x)).function()(X=np.array([-1000.0])) == {"tanh": -1, "erf": -1}.get(name, 0)
        assert each(Apply(name, x)).function()(X=np.array([1], np.float32)).dtype == np.float32


SYMPY = {
    "abs": sympy.Abs,
    "sign": sympy.sign,
    "sigmoid": lambda t: 1 / (1 + sympy.exp(-t)),
    "softplus": lambda t: sympy.log(1 + sympy.exp(t)),
}


@pytest.mark.parametrize("name", list(FUNCTIONS))
@given(value=st.floats(0.125, 8))
def test_a_derivative_is_sympys(name: str, value: float) -> None:
    t = sympy.Symbol("t", real=True)
    f = SYMPY.get(name) or getattr(sympy, name)
    slope = FUNCTIONS[name].derivative(x)
    for at in (value, -value) if name not in ("log", "sqrt") else (value,):
        right = float(f(t).diff(t).subs(t, at).evalf(30))
        close = each(slope).function()(X=np.array([at]))
        assert abs(close - right) <= 64 * np.finfo(float).eps * max(1, abs(right))


STEP = Fraction(1, 2**60)


@pytest.mark.parametrize("name", list(FUNCTIONS))
@given(value=st.fractions(Fraction(1, 8), 4, max_denominator=1000))
def test_a_derivative_is_the_difference_quotient_of_the_enclosures(name: str, value: Fraction) -> None:
    f, slope = each(Apply(name, x)), each(FUNCTIONS[name].derivative(x))
    for at in (value, -value) if name not in ("log", "sqrt") else (value,):
        after, before = (f.evaluate({"X": [at + h]}, bits=250).item() for h in (STEP, -STEP))
        with precision(300):
            gap = (after - before) / (2 * STEP) - slope.evaluate({"X": [at]}, bits=150).item()
            # the third derivatives of the table are below 200 here
            assert abs(gap) <= 200 * STEP**2


@pytest.mark.parametrize("name", ["exp", "softplus"])
def test_the_laws_of_derivatives_have_teeth(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(FUNCTIONS[name], derivative=lambda argument: argument * Apply(name, argument))
    monkeypatch.setitem(FUNCTIONS, name, wrong)
    with pytest.raises(AssertionError):
        test_a_derivative_is_sympys.hypothesis.inner_test(name, 2.0)
    with pytest.raises(AssertionError):
        test_a_derivative_is_the_difference_quotient_of_the_enclosures.hypothesis.inner_test(name, Fraction(2))


def test_the_law_of_values_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(FUNCTIONS["softplus"], value=lambda x: np.log(1 + np.exp(x)))
    monkeypatch.setitem(FUNCTIONS, "softplus", wrong)
    with pytest.raises(AssertionError):
        test_a_value_in_floats_is_within_four_units_of_the_enclosure.hypothesis.inner_test("softplus", 30.0)


# --- numbers of the two runs --------------------------------------------------------------------------------------


def test_every_float_is_the_rational_it_is() -> None:
    for kind in (np.float16, np.float32, np.float64, np.longdouble):
        one = kind(1) + np.finfo(kind).eps
        assert exact.exact_array(np.array([one]))[0] == 1 + Fraction(*np.finfo(kind).eps.as_integer_ratio())


def test_pi_is_a_float_or_an_enclosure() -> None:
    [value] = each(PI * x).evaluate({"X": [1]}, bits=100)
    assert value.width <= Fraction(1, 2**100)
    assert Fraction("3.14159265358979323846264338327") < value < Fraction("3.14159265358979323846264338328")
    assert each(PI * x).function()(X=np.array([1.0])) == math.pi
    assert each(PI * x).evaluate({"X": [1]}, π=Fraction(22, 7)).tolist() == [Fraction(22, 7)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(2, 6), (0.5, Fraction(3, 2)), (Fraction(1, 3), 1), (np.float32(0.1), 3 * Fraction(float(np.float32(0.1))))],
)
def test_a_real_parameter_is_read_exactly(value: Any, expected: Any) -> None:
    assert each(Real("r") * x).evaluate({"X": [3]}, r=value).tolist() == [expected]
    assert each(Real("r") * x).function()(X=np.array([3.0]), r=value).tolist() == [float(expected)]


@pytest.mark.parametrize(
    ("given_", "error", "sentence"),
    [
        ({}, StatementError, "the real parameter r has no value; give it by name"),
        ({"r": float("nan")}, HyperparameterError, "^the real parameter r is nan, but a finite number is needed$"),
        ({"r": np.float32("inf")}, HyperparameterError, "^the real parameter r is inf, but a finite number is needed$"),
        ({"r": "1"}, DtypeError, "'1' is a str; exact evaluation needs integers, Fractions or finite floats"),
        ({"r": True}, DtypeError, "True is a bool; exact evaluation needs"),
    ],
)
def test_a_real_parameter_is_a_number(given_: dict[str, Any], error: type[Exception], sentence: str) -> None:
    for run in (
        each(Real("r") * x).evaluate,
        lambda arrays, **given: each(Real("r") * x).function()(**arrays, **given),
    ):
        with pytest.raises(error, match=sentence):
            run({"X": [3]}, **given_)


@pytest.mark.parametrize("value", [0, -1, -0.5])
def test_a_real_parameter_that_must_be_positive_is(value: Any) -> None:
    with pytest.raises(HyperparameterError, match=rf"^the real parameter r is {value}, but it must be above 0$"):
        each(Apply("abs", x) ** Real("r", positive=True)).evaluate({"X": [3]}, r=value)


def test_a_size_below_zero_is_an_error() -> None:
    short = index("j", n - 3)
    statement = Statement((X,), (equation("Y", [short], total(read(X, short))),), ("Y",))
    assert statement.evaluate({"X": [1, 2, 3]}).shape == (0,)
    with pytest.raises(ShapeError, match=r"^Y would have shape \(-1,\): n ?- ?3$"):
        statement.evaluate({"X": [1, 2]})


@pytest.mark.parametrize("big", [10**9, 10**18, 10**30])
def test_positions_do_not_wrap_around(big: int) -> None:
    """A position far outside must not come back into the array modulo 2**64."""
    at = k * poly(j) - k * k
    statement = Statement((X,), (equation("Y", [j], total(read(X, at, outside=-1) + IndexValue(at))),), ("Y",))
    found = statement.evaluate({"X": [7, 8]}, m=3, k=big)
    assert found.tolist() == [big * e - big * big - 1 for e in range(3)]
    assert type(found[0]) is int
