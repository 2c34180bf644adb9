"""Where parameters coincide an answer has a case: values put in afterwards give what a sum or an integral of numbers
gives, whatever the parameters may be.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import fixed_quad
from sympy import Abs, Heaviside, I, Rational, Symbol, cos, exp, pi, sin, symbols

import convmath as cm
from convmath.signals import branches, convolution, factors, sequences
from convmath.signals.poles import Discrete
from convmath.signals.types import Expr, sympy

from .numbers import value

t = Symbol("t", real=True)
n = Symbol("n", integer=True)
a, b = symbols("a b", positive=True)
r, q, w, v = symbols("r q w v", real=True)
p, c = symbols("p c")  # complex
u = Heaviside

SEQUENCES: list[tuple[Expr, Expr, list[dict[Any, Any]]]] = [
    ((-1) ** n, r**n, [{r: -1}, {r: 1}]),
    ((-Rational(1, 2)) ** n, r**n, [{r: -Rational(1, 2)}]),
    ((-a) ** n, r**n, [{r: -2, a: 2}, {r: 2, a: 2}]),
    (1 + 0 * n, (-1) ** n * r**n, [{r: -1}]),
    (n * r**n, (-1) ** n, [{r: -1}]),
    (cos(pi * n), c**n, [{c: -1}]),
    (cos(pi * n / 2), c**n, [{c: I}, {c: -I}]),
    (I**n, c**n, [{c: I}, {c: -I}]),
    (exp(I * pi * n / 3), c**n, [{c: exp(I * pi / 3)}, {c: exp(-I * pi / 3)}]),
    (exp(I * w * n), c**n, [{w: 1, c: exp(I)}, {w: 1, c: exp(-I)}, {w: 2 * pi, c: 1}]),
    (n * exp(I * w * n), c**n, [{w: 1, c: exp(I)}, {w: 1, c: exp(-I)}]),
    (cos(w * n), c**n, [{w: 1, c: exp(I)}, {w: 1, c: exp(-I)}, {w: 3 * pi, c: -1}, {w: 1, c: 2}]),
    ((I * c) ** n, cos(w * n), [{w: pi / 2, c: 1}, {w: 0, c: -I}, {w: pi / 2, c: I}]),
    (c**n * cos(w * n), r**n, [{w: 0, c: 2, r: 2}, {w: pi / 2, c: 2 * I, r: 2}, {w: pi, c: 2, r: -2}]),
    (cos(w * n) ** 2, 1 + 0 * n, [{w: pi}, {w: 0}, {w: pi / 2}, {w: 3 * pi}]),
    (cos(pi * w * n) ** 2, 1 + 0 * n, [{w: 1}, {w: 0}, {w: Rational(1, 2)}]),
    ((-1) ** n, n * r**n * exp(I * a * n), [{a: 2 * pi, r: -1}, {a: pi, r: 1}]),
    (cos(3 * w * n), n * sin(pi * w * n), [{w: 1}]),
    (r**n * cos(pi * w * n), cos(3 * w * n), [{w: 1, r: 2}, {w: 0, r: 1}]),
    ((I * c) ** n, r**n, [{c: -2 * I, r: 2}, {c: 2 * I, r: 2}]),
    (r**n * cos(w * n), q**n, [{w: 2 * pi, q: 3, r: 3}, {w: pi, q: -3, r: 3}, {w: -pi, q: 3, r: 3}]),
    (cos(w * n), 1 + 0 * n, [{w: 2 * pi}, {w: -4 * pi}, {w: pi}]),
    (cos(2 * pi * w * n), cos(2 * pi * w * n), [{w: 1}, {w: -Rational(1, 2)}, {w: Rational(1, 3)}]),
    (cos(3 * w * n), cos(2 * v * n), [{w: 0, v: pi}, {w: 2, v: 3}, {w: 2, v: 3 + pi}, {w: pi, v: pi / 2}]),
    (cos(a * n), 1 + 0 * n, [{a: 2 * pi}, {a: pi}]),
    (cos(w * n), cos(v * n), [{w: 1, v: 1 + 2 * pi}, {w: 0, v: 2 * pi}, {w: pi / 2, v: 3 * pi / 2}, {w: -pi, v: -pi}]),
    (cos(a * n), cos(b * n), [{a: 1, b: 1 + 2 * pi}, {a: pi / 2, b: 3 * pi / 2}, {a: 2 * pi, b: 4 * pi}, {a: 1, b: 1}]),
    (cos(3 * w * n), sin(3 * w * n), [{w: 0}, {w: pi}, {w: -pi / 3}, {w: 5 * pi / 3}]),
    ((-1) ** n, exp(I * w * n), [{w: -pi}, {w: 3 * pi}, {w: 0}]),
]

FUNCTIONS: list[tuple[Expr, Expr, list[dict[Any, Any]]]] = [
    (exp(p * t), cos(t), [{p: I}, {p: -I}, {p: 0}]),
    (exp(p * t), sin(w * t), [{p: I, w: 1}, {p: -I, w: 1}, {p: 2 * I, w: -2}, {p: 0, w: 0}]),
    (exp(p * t), exp(I * t), [{p: I}, {p: -I}]),
    (exp(p * t), t * exp(I * w * t), [{p: 2 * I, w: 2}, {p: -2 * I, w: 2}]),
    (exp(p * t), exp(-t) * sin(2 * t), [{p: -1 + 2 * I}, {p: -1 - 2 * I}]),
    (exp(-(a**2) * t), exp(-(b**2) * t), [{a: 2, b: 2}]),
    (exp(-(w**2) * t), exp(-(v**2) * t), [{w: 2, v: 2}, {w: 2, v: -2}, {w: 0, v: 0}]),
    (exp(-(w**2) * t), exp(-v * w * t), [{w: 0, v: 1}, {w: 1, v: 1}, {w: -1, v: 1}]),
    (exp(-r * w * t), exp(-v * t), [{w: 0, r: 1, v: 0}, {w: 2, r: 3, v: 6}]),
]


@pytest.mark.parametrize(("f", "g", "values"), SEQUENCES, ids=str)
def test_sequences(f: Expr, g: Expr, values: list[dict[Any, Any]]) -> None:
    found = cm.convolve(f * u(n), g * u(n), n)
    for at in values:
        there = found.subs(at)
        for m in range(4):
            expected = sum(value(f.subs({**at, n: k}) * g.subs({**at, n: m - k}), {}) for k in range(m + 1))
            assert abs(value(there.subs(n, m), {}) - expected) < 1e-9 * (1 + abs(expected)), f"{there} at {at}"


@pytest.mark.parametrize(("f", "g", "values"), FUNCTIONS, ids=str)
def test_functions(f: Expr, g: Expr, values: list[dict[Any, Any]]) -> None:
    found = cm.convolve(f * u(t), g * u(t), t)
    for at in values:
        there = found.subs(at)
        for end in (0.7, 2.5):
            product = f.subs(at) * g.subs(at).subs(t, end - t)
            inside = sympy.lambdify(t, product, "numpy")
            expected = fixed_quad(lambda x, f=inside: f(x) * np.ones_like(x), 0, end, n=30)[0]
            assert abs(value(there, {t: end}) - expected) < 1e-9, f"{there} at {at}"


def test_on_both_sides() -> None:
    found = cm.convolve((-1) ** n * 2 ** (-Abs(n)), r**n * u(n), n).subs(r, -Rational(1, 2))
    for m in range(-2, 3):
        expected = sum((-1) ** k * 0.5 ** abs(k) * (-0.5) ** (m - k) for k in range(-60, m + 1))
        assert abs(value(found.subs(n, m), {}) - expected) < 1e-9


def test_a_frequency_that_is_not_an_angle_alone() -> None:
    """w·cos wn is another sequence a turn later: its case stays that of one value."""
    found = cm.convolve(w * cos(w * n) * u(n), u(n), n)
    assert found.subs(w, 0) == 0
    assert value(found.subs({w: 1, n: 0}), {}) == pytest.approx(1)
    assert not found.has(sympy.Mod)


def test_circular() -> None:
    """Σ e^{2πikj/N} e^{2πim(n - j)/N} is N·e^{2πikn/N} where k and m are one modulo N, and 0 elsewhere."""
    k, m = symbols("k m", integer=True)
    period = Symbol("N", integer=True, positive=True)
    f, g = (exp(2 * pi * I * x * n / period) for x in (k, m))
    found = cm.convolve(f, g, n, period=period)
    for at, expected in (({k: 5, m: 1}, 4 * I**3), ({k: 2, m: 2}, 4), ({k: 5, m: 2}, 0)):
        number = value(found.subs({**at, period: 4}).subs(n, 3 if expected != 4 else 2), {})
        assert abs(number - complex(expected)) < 1e-9


def _by_rates(time: Discrete, left: Any, right: Any) -> list[tuple[Expr, Expr]]:
    return [(time.rate(left), time.rate(right))]


@pytest.mark.parametrize(
    ("where", "name", "fault", "case"),
    [
        (branches, "_may_be_complex", lambda *_: False, FUNCTIONS[0]),
        (factors, "_may_be_complex", lambda *_: False, FUNCTIONS[2]),
        (sequences, "_in_waves", lambda *_: True, SEQUENCES[9]),
        (convolution, "at_all_turns", lambda relations, *_: relations, SEQUENCES[21]),
        (Discrete, "coincidences", _by_rates, SEQUENCES[0]),
        (Discrete, "coincidences", _by_rates, SEQUENCES[26]),
    ],
    ids=["complex", "poles", "waves", "turns", "negative bases", "sums of angles"],
)
def test_faults(where: Any, name: str, fault: Any, case: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where values are infinite there is no number at all."""
    monkeypatch.setattr(where, name, fault)
    with pytest.raises((AssertionError, TypeError)):
        (test_functions if case in FUNCTIONS else test_sequences)(*case)
