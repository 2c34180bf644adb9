"""The series behind the functions, in whole numbers: the bounds hold, and are as near as they promise."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import isqrt
from typing import Any

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.ir import series

from ..faults import caught

ABOVE = st.fractions(0, 50, max_denominator=10**6).filter(bool)
NEAR_ONE = st.tuples(st.fractions(-1, 1), st.integers(1, 40)).map(lambda pair: 1 + pair[0] / 2 ** (pair[1] + 1))


def erf_sum(y: Any) -> Any:
    """What erf_series is to be, by the error function itself."""
    x = mpmath.sqrt(y / 2)
    return mpmath.erf(x) * mpmath.sqrt(mpmath.pi) / 2 * mpmath.exp(x * x) / x


SERIES: dict[str, tuple[Callable[[Any], Any], st.SearchStrategy[Fraction]]] = {
    "exponential": (mpmath.exp, ABOVE | ABOVE.map(lambda x: -x) | ABOVE.map(lambda x: 1000 * x)),
    "logarithm": (mpmath.log, ABOVE | ABOVE.map(lambda x: x**20) | NEAR_ONE),
    "square_root": (mpmath.sqrt, ABOVE | ABOVE.map(lambda x: x**40)),
    "erf_series": (erf_sum, ABOVE),
}


def value(of: Callable[[Any], Any], x: Fraction) -> tuple[Fraction, Fraction]:
    """By mpmath with many more digits than are looked at, and what it may be off."""
    with mpmath.workprec(800):
        sign, mantissa, exponent, _ = of(mpmath.mpf(x.numerator) / x.denominator)._mpf_
    exact = (-1) ** sign * mantissa * Fraction(2) ** exponent
    return exact, abs(exact) / 2**600


@pytest.mark.parametrize("name", list(SERIES))
@given(data=st.data())
def test_the_value_lies_between_its_bounds(name: str, data: st.DataObject) -> None:
    of, numbers = SERIES[name]
    x, bits = data.draw(numbers), data.draw(st.sampled_from([1, 8, 30, 100, 300]))
    low, high, exponent = getattr(series, name)(x.numerator, x.denominator, bits)
    unit = Fraction(2) ** exponent
    exact, off = value(of, x)
    assert low * unit <= exact + off
    assert high * unit >= exact - off
    assert (high - low) * unit * 2**bits <= abs(exact)


@pytest.mark.parametrize("bits", [1, 2, 10, 64, 500])
def test_pi_lies_between_its_bounds(bits: int) -> None:
    low, high, exponent = series.pi(bits)
    exact, off = value(lambda _: mpmath.pi, Fraction(1))
    assert low * Fraction(2) ** exponent <= exact + off
    assert high * Fraction(2) ** exponent >= exact - off
    assert (high - low) * Fraction(2) ** exponent <= Fraction(3, 2**bits)


@pytest.mark.parametrize("places", [1, 2, 7, 64, 500])
def test_the_logarithm_of_two_falls_short_by_less_than_two_places(places: int) -> None:
    exact, off = value(mpmath.log, Fraction(2))
    short = exact * 2**places - series._log_two(places)
    assert -off * 2**places <= short < 2


@given(x=st.fractions(0, Fraction(1, 3)), places=st.integers(1, 200))
def test_artanh_lies_between_its_bounds(x: Fraction, places: int) -> None:
    low, high = series._artanh(x.numerator, x.denominator, places)
    exact, off = value(mpmath.atanh, x)
    assert low <= (exact + off) * 2**places
    assert high >= (exact - off) * 2**places


def test_whole_roots_are_exact_and_one_has_the_logarithm_zero() -> None:
    low, high, exponent = series.square_root(9, 16, 20)
    assert low == high == Fraction(3, 4) / Fraction(2) ** exponent
    assert series.logarithm(7, 7, 20) == (0, 0, 0)
    assert series.square_root(0, 1, 20)[:2] == (0, 0)


# --- teeth: each truncation error that is forgotten ----------------------------------------------------------------


def test_a_power_that_is_forgotten_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = series._artanh
    monkeypatch.setattr(series, "_artanh", lambda *given: (true(*given)[0],) * 2)
    caught(test_the_value_lies_between_its_bounds, "logarithm")


@pytest.mark.parametrize("name", ["exponential", "logarithm"])
def test_a_logarithm_of_two_that_is_off_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    true = series._log_two
    monkeypatch.setattr(series, "_log_two", lambda places: true(places) - (1 << 12))
    caught(test_the_value_lies_between_its_bounds, name)


def test_a_root_that_is_one_too_large_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "isqrt", lambda x: isqrt(x) + 1)
    caught(test_the_value_lies_between_its_bounds, "square_root")


@pytest.mark.parametrize("name", list(SERIES))
def test_an_upper_bound_that_is_the_lower_one_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    true = getattr(series, name)

    def narrow(*given: int) -> series.Bounds:
        low, _, exponent = true(*given)
        return low, low, exponent

    monkeypatch.setattr(series, name, narrow)
    caught(test_the_value_lies_between_its_bounds, name)
