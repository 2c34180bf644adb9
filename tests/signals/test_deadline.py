"""An answer that takes too long is none, whatever it is that takes the time."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sympy import Heaviside, Symbol, cos, erf, exp

from convmath.signals import Convolution, deadline, facts, monomials, scalars
from convmath.signals.check import functions as check
from convmath.signals.deadline import inquire, left, limited
from convmath.signals.errors import LateError

t = Symbol("t", real=True)
SECONDS = 0.3
WAVE = exp(-t) * cos(t) * Heaviside(t), t**2 * exp(-2 * t) * Heaviside(t)
SLOW = {  # one primitive of each stage
    "a product of numbers": (scalars.Number, "__mul__", *WAVE),
    "a product of terms": (monomials, "_sum", *WAVE),
    "a question about parameters": (facts.Facts, "positive", exp(-abs(t)) * t, erf(t)),
    "a value of the check": (check, "_lambdified", *WAVE),
}


def slowed(function: Any) -> Any:
    def slow(*args: Any) -> Any:
        time.sleep(0.1)
        return function(*args)

    return slow


@pytest.mark.parametrize("name", SLOW)
def test_a_slow_primitive_ends_in_a_refusal(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, primitive, f, g = SLOW[name]
    monkeypatch.setattr(deadline, "SECONDS", SECONDS)
    monkeypatch.setattr(owner, primitive, slowed(getattr(owner, primitive)))
    start = time.monotonic()
    result = Convolution(f, g, t).solve()
    assert result.expr == Convolution(f, g, t)
    assert result.reason == "no answer was found within 0.3 s"
    assert time.monotonic() - start < 5


def test_a_nested_call_has_no_more_time_than_the_call_around_it() -> None:
    with limited(0.0), limited(100.0), pytest.raises(LateError):
        inquire()
    with limited(100.0):
        with limited(0.0):
            assert left() == 0
        inquire()
        assert 99 < left() <= 100
    inquire()


def test_another_thread_has_its_own_time() -> None:
    with ThreadPoolExecutor(1) as pool, limited(0.0):
        pool.submit(inquire).result()
        with pytest.raises(LateError):
            inquire()
