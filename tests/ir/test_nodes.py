"""Nodes fold what is a number, keep their value, and are the same in another process."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.ir.build import Tensor, equation, index, read, size, total
from convmath.ir.nodes import Number, Power, Scalar, Statement
from convmath.ops.registry import operator

from ..faults import caught

n = size("n")
i = index("i", n)
X = Tensor("X", (n,), (("i", 0),))
x = read(X, i)


def each(body: Scalar) -> Statement:
    return Statement((X,), (equation("Y", [i], total(body)),), ("Y",))


@st.composite
def written(draw: st.DrawFn, depth: int = 3) -> tuple[Scalar, Any]:
    """A scalar built by its own rules, and a function that computes with Fractions what was written."""
    kinds = ["number", "read"] if depth == 0 else ["number", "read", "+", "-", "·", "/", "^", "turned"]
    kind = draw(st.sampled_from(kinds))
    if kind == "number":
        value = draw(st.fractions(-2, 2, max_denominator=2))
        return Number(value), lambda v: value
    if kind == "read":
        return x, lambda v: v
    left, f = draw(written(depth - 1))
    if kind == "^":
        power = draw(st.integers(-2, 3))
        return left**power, lambda v: f(v) ** power
    if kind == "turned":
        number = draw(st.integers(-2, 2))
        return number - left, lambda v: number - f(v)
    right, g = draw(written(depth - 1))
    return {
        "+": (left + right, lambda v: f(v) + g(v)),
        "-": (left - right, lambda v: f(v) - g(v)),
        "·": (left * right, lambda v: f(v) * g(v)),
        "/": (left / right, lambda v: f(v) / g(v)),
    }[kind]


@given(data=st.data())
def test_what_folds_keeps_its_value(data: st.DataObject) -> None:
    (body, compute), value = data.draw(written()), data.draw(st.fractions(-3, 3, max_denominator=3))
    try:
        expected = compute(value)
    except ZeroDivisionError:
        return
    assert each(body).evaluate({"X": [value]}).tolist() == [expected]


def test_numbers_fold() -> None:
    assert 2 * x * 3 == 6 * x
    assert x + 1 - 1 == x
    assert 0 * x == Number(Fraction(0))
    assert x**1 == x
    assert x**0 == Number(Fraction(1))
    assert 1 / (1 / x) == x
    assert (1 / x) ** 2 == Power(x, Number(Fraction(-2)))


def test_the_law_of_folding_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """A power of a reciprocal forgets that it is one."""
    of = Power.of

    def forgetful(base: Scalar, exponent: Scalar) -> Scalar:
        return of(base.base if isinstance(base, Power) else base, exponent)

    monkeypatch.setattr(Power, "of", staticmethod(forgetful))
    caught(test_what_folds_keeps_its_value)


def test_another_process_makes_the_same_statement() -> None:
    statement = operator("max_pool", ndim=2).vjp("X").result
    assert hash(statement) == hash(pickle.loads(pickle.dumps(statement)))
    script = (
        "import pickle, sys; s = pickle.loads(bytes.fromhex(sys.argv[1])); hash(s); print(pickle.dumps({s: 1}).hex())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    arguments = [sys.executable, "-c", script, pickle.dumps(statement).hex()]
    done = subprocess.run(arguments, capture_output=True, text=True, env=environment, check=True)
    assert pickle.loads(bytes.fromhex(done.stdout)) == {statement: 1}
