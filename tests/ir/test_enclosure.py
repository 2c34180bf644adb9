"""An enclosure holds the number it stands for, whatever is done to it, and says no more than it knows."""

from __future__ import annotations

import copy
import math
import operator
import pickle
from collections.abc import Callable
from contextlib import nullcontext
from fractions import Fraction
from typing import Any

import mpmath
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from convmath.errors import StatementError
from convmath.ir import enclosure
from convmath.ir.enclosure import Enclosure, Undecided, precision

from ..faults import caught

BITS = st.sampled_from([4, 16, 64, 200])
RATIONALS = st.fractions(max_denominator=10**6) | st.sampled_from([0, 1, -1]).map(Fraction)
TINY = st.tuples(RATIONALS, st.integers(-90, 90)).map(lambda pair: pair[0] * Fraction(2) ** pair[1])


@st.composite
def enclosed(draw: Callable[..., Any], numbers: st.SearchStrategy[Fraction] = TINY) -> tuple[Fraction, Enclosure]:
    """A number, and an enclosure of it, some of which hold it alone."""
    x = draw(numbers)
    below, above = (abs(draw(TINY)) if draw(st.booleans()) else 0 for _ in range(2))
    return x, Enclosure(x - below, x + above)


def holds(value: Any, exact: Fraction | int) -> bool:
    return exact in value if isinstance(value, Enclosure) else value == exact


# --- arithmetic ---------------------------------------------------------------------------------------------------

OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "max": enclosure.larger,
    "min": enclosure.smaller,
    "neg": lambda a, b: -a,
    "abs": lambda a, b: abs(a),
}


@pytest.mark.parametrize("name", list(OPERATIONS))
@given(data=st.data())
def test_the_result_of_an_operation_is_enclosed(name: str, data: st.DataObject) -> None:
    of = OPERATIONS[name]
    with precision(data.draw(BITS)):
        (x, a), (y, b) = data.draw(enclosed()), data.draw(enclosed())
        if name == "/":
            assume(y)
        exact = of(x, y)
        for left, right in ((a, b), (a, y), (x, b)):
            try:
                value = of(left, right)
            except Undecided:  # one that may be 0 does not divide
                assert name == "/"
                assert 0 in right
                continue
            assert holds(value, exact)


@given(data=st.data())
def test_a_whole_power_is_enclosed_and_an_even_one_is_not_negative(data: st.DataObject) -> None:
    with precision(data.draw(BITS)):
        x, a = data.draw(enclosed())
        n = data.draw(st.integers(-7, 7))
        try:
            value = a**n
        except StatementError:
            assert n < 0
            assert 0 in a**-n
            return
        assert (x**n if x or n >= 0 else None) in value
        assert n % 2 or value.low >= 0


@given(data=st.data())
def test_an_operation_on_numbers_is_as_narrow_as_the_precision(data: st.DataObject) -> None:
    bits = data.draw(BITS)
    with precision(bits):
        x, y = (abs(data.draw(TINY)) for _ in range(2))
        for value in (Enclosure(x, x) + y, Enclosure(x, x) * y, enclosure.power(Enclosure(x, x), 2)):
            assert value.width <= value.high * Fraction(8, 1 << bits)
            assert max(abs(value._low), abs(value._high)) <= 1 << bits


# --- comparison ---------------------------------------------------------------------------------------------------

RELATIONS = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]


@pytest.mark.parametrize("relation", RELATIONS, ids=lambda relation: relation.__name__)
@given(data=st.data())
def test_what_is_decided_is_so_and_what_is_apart_is_decided(relation: Any, data: st.DataObject) -> None:
    with precision(data.draw(BITS)):
        numbers = st.integers(-3, 3).map(Fraction) | TINY
        (x, a), (y, b) = data.draw(enclosed(numbers)), data.draw(enclosed(numbers))
        for left, right in ((a, b), (a, y), (x, b)):
            try:
                assert relation(left, right) == relation(x, y)
            except Undecided:
                ends = [(v.low, v.high) if isinstance(v, Enclosure) else (v, v) for v in (left, right)]
                spread = 2 * max(abs(v) for pair in ends for v in pair) / 2 ** enclosure._BITS.get()
                assert ends[0][0] <= ends[1][1] + spread
                assert ends[1][0] <= ends[0][1] + spread


def test_a_number_is_equal_to_itself() -> None:
    root = enclosure.square_root(2)
    assert root == root
    assert root <= root
    assert not root < root
    assert (root != root) is False
    assert enclosure.larger(root, 1) is root
    assert enclosure.exp(Fraction(1, 3)) == enclosure.exp(Fraction(1, 3))
    with pytest.raises(Undecided, match=r"^whether 1\.4142135623730950488 ± \de-21 = 1\.41.* can't be told apart$"):
        bool(root == enclosure.power(8, Fraction(1, 2)) / 2)


def test_two_that_are_one_number_each_are_compared_as_numbers() -> None:
    one, other = Enclosure(1, 1), Enclosure(1, 1)
    assert one == other
    assert one <= other
    assert not one < other
    assert one.single
    assert not Enclosure(0, 0)
    assert Enclosure(1, 2)
    with pytest.raises(Undecided):
        bool(Enclosure(0, 1))
    assert one != None  # noqa: E711
    assert one.__add__("1") is NotImplemented


@pytest.mark.parametrize("value", [Enclosure(1, 2), Enclosure(-2, -1)])
def test_an_empty_maximum_is_below_and_an_empty_minimum_above(value: Enclosure) -> None:
    infinity = float("inf")
    assert value < infinity
    assert value > -infinity
    assert value != infinity
    assert enclosure.larger(-infinity, value) is value
    assert enclosure.smaller(value, infinity) is value
    assert value + infinity == infinity
    assert value * infinity == infinity * (1 if value > 0 else -1)
    assert infinity - value == infinity
    assert not value < float("nan")


# --- functions ----------------------------------------------------------------------------------------------------

MODERATE = st.fractions(-40, 40, max_denominator=1000) | st.fractions(-1, 1).map(lambda x: x / 10**9)
ABOVE = TINY.map(abs).filter(bool) | MODERATE.map(lambda x: 1 + abs(x))
FUNCTIONS: dict[str, tuple[Any, Any, Any]] = {
    "exp": (enclosure.exp, mpmath.exp, MODERATE),
    "log": (enclosure.log, mpmath.log, ABOVE),
    "square_root": (enclosure.square_root, mpmath.sqrt, ABOVE | st.just(Fraction(0))),
    "tanh": (enclosure.tanh, mpmath.tanh, MODERATE),
    "erf": (enclosure.erf, mpmath.erf, MODERATE),
    "sigmoid": (enclosure.sigmoid, lambda x: 1 / (1 + mpmath.exp(-x)), MODERATE),
    "softplus": (enclosure.softplus, lambda x: mpmath.log1p(mpmath.exp(x)), MODERATE),
}


def reference(of: Any, x: Fraction) -> tuple[Fraction, Fraction]:
    """The value by mpmath, with many more digits than are looked at, and what it may be off."""
    with mpmath.workprec(1500):
        sign, mantissa, exponent, _ = of(mpmath.mpf(x.numerator) / x.denominator)._mpf_
    value = (-1) ** sign * mantissa * Fraction(2) ** exponent
    return value, abs(value) / 2**1200


@pytest.mark.parametrize("name", list(FUNCTIONS))
@given(data=st.data())
def test_a_function_of_a_number_is_enclosed_narrowly(name: str, data: st.DataObject) -> None:
    of, by, numbers = FUNCTIONS[name]
    x, bits = data.draw(numbers), data.draw(st.sampled_from([24, 64, 200]))
    exact, off = reference(by, x)
    with precision(bits):
        value = of(x)
    assert value.low <= exact + off
    assert value.high >= exact - off
    assert value.width <= max(abs(exact), Fraction(1, 2**bits)) * Fraction(64, 2**bits)


@pytest.mark.parametrize("name", list(FUNCTIONS))
@given(data=st.data())
def test_a_function_of_an_enclosure_holds_that_of_the_number(name: str, data: st.DataObject) -> None:
    of, by, numbers = FUNCTIONS[name]
    x = data.draw(numbers)
    below, above = (data.draw(st.fractions(0, 3)) for _ in range(2))
    argument = Enclosure(max(x - below, x / 2) if name in ("log", "square_root") else x - below, x + above)
    exact, off = reference(by, x)
    with precision(data.draw(st.sampled_from([24, 64]))):
        value = of(argument)
    assert value.low <= exact + off
    assert value.high >= exact - off


@given(data=st.data())
def test_a_power_of_a_positive_number_is_enclosed(data: st.DataObject) -> None:
    base, exponent = data.draw(ABOVE), data.draw(st.fractions(-3, 3, max_denominator=12))
    exact, off = reference(lambda x: x ** (mpmath.mpf(exponent.numerator) / exponent.denominator), base)
    with precision(64):
        # the second exponent is known no better than the base is
        for value in (enclosure.power(base, exponent), Enclosure(base, base) ** (Enclosure(1, 1) * exponent)):
            assert value.low <= exact + off
            assert value.high >= exact - off


def test_powers_of_zero() -> None:
    assert enclosure.power(0, Fraction(1, 2)) == 0
    assert enclosure.power(Enclosure(0, 4), Fraction(1, 2)).low == 0
    assert enclosure.power(Enclosure(0, 4), Fraction(1, 2)).high == 2
    assert enclosure.power(0, 0) == 1
    with pytest.raises(StatementError, match=r"^0\^-1/2 came up: the statement divides by 0"):
        enclosure.power(0, Fraction(-1, 2))
    with pytest.raises(StatementError, match=r"^0\^-1 came up: the statement divides by 0"):
        1 / Enclosure(0, 0)


def test_pi_has_its_digits() -> None:
    with precision(170):
        value = enclosure.pi()
    digits = Fraction("3.14159265358979323846264338327950288419716939937510")  # 50 of them
    assert digits <= value.low
    assert value.high <= digits + Fraction(1, 10**50)
    assert value.width < Fraction(1, 10**50)


def test_the_far_ends_of_functions() -> None:
    assert enclosure.exp(-(10**12)).low == 0 < enclosure.exp(-(10**12)).high < Fraction(1, 10**1000)
    assert 1 in enclosure.tanh(Fraction(10) ** 12) + 0 * enclosure.pi()
    assert enclosure.erf(10**6).high == 1
    assert enclosure.sigmoid(-(10**9)).high < Fraction(1, 10**1000)
    big = enclosure.softplus(10**9)
    assert big.low <= 10**9 <= big.high
    assert float(enclosure.exp(1000)) == math.inf
    assert float(-enclosure.exp(1000)) == -math.inf
    assert float(enclosure.exp(-1000)) == 0


# --- refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "kind", "sentence"),
    [
        (lambda: enclosure.log(0), StatementError, r"^log\(0\) came up, but only numbers above 0 have a logarithm$"),
        (lambda: enclosure.log(Enclosure(-2, -1)), StatementError, r"^log\(-2 ± 1e\+0\) came up, but only"),
        (lambda: enclosure.log(Enclosure(0, 1)), Undecided, r"^whether 0\.5 ± 5e-1 ≤ 0 can't be told apart$"),
        (lambda: enclosure.square_root(-1), StatementError, r"^sqrt\(-1\) came up, but only numbers from 0 on"),
        (
            lambda: enclosure.power(-8, Fraction(1, 3)),
            StatementError,
            r"^\(-8\)\^\(1/3\) came up, but a negative number has whole powers only$",
        ),
        (
            lambda: enclosure.power(Enclosure(-1, 1), Fraction(1, 3)),
            Undecided,
            r"^whether 0 ± 1e\+0 is negative can't be told$",
        ),
        (lambda: 1 / Enclosure(-1, 2), Undecided, r"^whether 0\.5 ± 2e\+0 is 0 can't be told$"),
        (lambda: enclosure.exp(10**7), StatementError, r"^exp\(10000000\) came up: it is too large to be enclosed$"),
        (lambda: enclosure.exp(10**6) ** 2, StatementError, r"^a number beyond 2\^\d+ came up: it is too large"),
        (lambda: Enclosure(2, 1), StatementError, r"^no number lies between 2 and 1: the first must not be larger$"),
        (lambda: enclosure.power("2", Fraction(1, 2)), StatementError, r"^'2' is no rational number and no enclosure"),
        (lambda: enclosure.sign(Enclosure(-1, 2)), Undecided, r"can't be told apart$"),
    ],
)
def test_what_has_no_value_is_refused_with_a_sentence(call: Any, kind: type[Exception], sentence: str) -> None:
    with pytest.raises(kind, match=sentence) as raised:
        call()
    assert type(raised.value) is kind


# --- what it looks like -------------------------------------------------------------------------------------------


@given(data=st.data())
def test_what_is_written_holds_the_ends(data: st.DataObject) -> None:
    _, a = data.draw(enclosed())
    middle, _, off = str(a).partition(" ± ")
    if off:
        assert Fraction(middle) - Fraction(off) <= a.low <= a.high <= Fraction(middle) + Fraction(off)
        assert Fraction(off) <= 40 * a.width + abs(Fraction(middle)) / 10**19
    else:
        assert a.low == a.high == Fraction(middle)
    assert repr(a) == f"Enclosure({a})"
    assert float(a) == pytest.approx(float((a.low + a.high) / 2), rel=1e-15)


def test_an_enclosure_is_a_value_that_travels_but_no_key() -> None:
    root = enclosure.square_root(2)
    for again in (pickle.loads(pickle.dumps(root)), copy.deepcopy(root)):
        assert (again.low, again.high) == (root.low, root.high)
    with pytest.raises(TypeError, match="unhashable"):
        hash(root)


def test_precision_holds_inside_alone() -> None:
    outside = enclosure.square_root(3).width
    with precision(20):
        assert enclosure.square_root(3).width > Fraction(1, 2**25)
        with precision(300):
            assert enclosure.square_root(3).width < Fraction(1, 2**290)
    assert enclosure.square_root(3).width == outside


# --- teeth --------------------------------------------------------------------------------------------------------


def test_ends_that_are_rounded_inward_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enclosure, "_outward", lambda low, high, places: (-(-low >> places), high >> places))
    caught(test_the_result_of_an_operation_is_enclosed, "*")
    caught(test_a_whole_power_is_enclosed_and_an_even_one_is_not_negative)


def test_a_comparison_that_guesses_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enclosure, "_order", lambda a, exponent, b, other: -1 if a < b else 1)
    caught(test_what_is_decided_is_so_and_what_is_apart_is_decided, operator.lt)


def test_an_upper_end_that_is_the_lower_one_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = enclosure._hull
    monkeypatch.setattr(enclosure, "_hull", lambda first, second: true(first, first))
    caught(test_a_function_of_an_enclosure_holds_that_of_the_number, "exp")


@pytest.mark.parametrize("name", ["tanh", "softplus"])
def test_places_that_are_not_added_for_a_small_number_are_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enclosure, "_more", lambda x: nullcontext())
    for function in ("tanh", "softplus", "exp", "_log"):  # which remember what they were
        again = enclosure._growing(getattr(enclosure, function).__wrapped__)
        monkeypatch.setattr(enclosure, function, again)
        monkeypatch.setitem(FUNCTIONS, function, (again, *FUNCTIONS["tanh"][1:]))
    monkeypatch.setitem(FUNCTIONS, "softplus", (enclosure.softplus, *FUNCTIONS["softplus"][1:]))
    caught(test_a_function_of_a_number_is_enclosed_narrowly, name)
