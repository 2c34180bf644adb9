"""Points at which an answer stands as 0/0 or 0·∞: it has the value there that it tends to."""

from __future__ import annotations

from typing import Any

import mpmath
import pytest
from sympy import DiracDelta, Heaviside, Piecewise, Rational, S, atan, cos, exp, log, pi, sech, sin, sinh, sqrt

import convmath as cm
from convmath.signals import isolated
from convmath.signals.facts import Facts
from convmath.signals.types import Expr, sympy

t = sympy.Symbol("t", real=True)
a, b = sympy.symbols("a b", positive=True)
p, q = sympy.symbols("p q", real=True)
VALUES = {a: S(2), b: S(3), p: Rational(1, 3)}
size = sympy.Abs(t)
box = Heaviside(t + 1) - Heaviside(t - 1)
triangle = (1 - size) * box
one_sided = exp(-t) * Heaviside(t)

PAIRS: dict[str, tuple[Expr, Expr, dict[Any, Any]]] = {  # what is there at which points
    "im Ei(0), which is 0 to SymPy": (sin(a * t) / t, exp(-b * t) * Heaviside(t), {0: atan(a / b)}),
    "im Ei(0) twice": (sin(a * t) / (pi * t), exp(-b * size), {0: 2 * atan(a / b) / pi}),
    "im Ei(0) at a step": (sin(t) / t * Heaviside(t), one_sided, {0: 0}),
    "a slope that may be negative": (sin(p * t) / t, exp(-b * t) * Heaviside(t), {0: atan(p / b)}),
    "t/sinh t": (sech(a * t), sech(a * t), {0: 2 / a}),
    "a double pole": (sech(t) ** 2, sech(t) ** 2, {0: Rational(4, 3)}),
    "tanh, where two poles cancel": (sympy.tanh(t), sech(t) ** 2, {0: 0}),
    "two sincs": (sin(t) / t, sin(2 * t) / t, {0: pi}),
    "a sinc and a squared one": (sin(t) ** 2 / t**2, sin(t) / t, {0: 3 * pi / 4}),
    "poles at both ends of a box": (sin(t) ** 2 / t**2, box, {1: sympy.Si(4) + cos(4) / 4 - Rational(1, 4)}),
    "t·log t in cases": (log(size), box, {-1: 2 * log(2) - 2, 1: 2 * log(2) - 2}),
    "a logarithm from 0 on": (log(t) * Heaviside(t), box, {-1: 0, 1: 2 * log(2) - 2}),
    "a logarithm at a parameter": (log(sympy.Abs(t - p)), box, {p - 1: 2 * log(2) - 2, p + 1: 2 * log(2) - 2}),
    "t²·log t": (log(size), triangle, {-1: 2 * log(2) - Rational(3, 2), 0: -Rational(3, 2)}),
    "E₁ and log": (log(size), exp(-size), {0: -2 * sympy.EulerGamma}),
    "Ci at the ends": (sin(t) / t, cos(2 * t) * box, {1: None, -1: None}),
    "Ei real and not": ((1 - cos(t)) / t, exp(-size), {0: 0}),
    "a principal value": (1 / t, triangle, {-1: -2 * log(2), 0: 0, 1: 2 * log(2)}),
    "t/t in a case": (sympy.erfc(t) * Heaviside(t), Heaviside(-t), {0: 1 / sqrt(pi)}),
    "∞·0 at a step that is elsewhere": (Heaviside(t) / (t + 1), one_sided, {-1: 0}),
}


def value(e: Expr, at: Any) -> complex:
    return complex(e.subs(VALUES).subs(t, sympy.sympify(at).subs(VALUES)).evalf())


@pytest.mark.parametrize("name", PAIRS)
def test_a_value_at_a_point_is_what_is_beside_it(name: str) -> None:
    f, g, points = PAIRS[name]
    found = cm.convolve(f, g, t, pv=True)
    step = Rational(1, 10**7)
    for at, wanted in points.items():
        beside = (value(found, at - step) + value(found, at + step)) / 2
        assert abs(value(found, at) - beside) < 1e-5
        if wanted is not None:
            assert abs(value(found, at) - value(sympy.sympify(wanted), 0)) < 1e-12


@pytest.mark.parametrize("name", ["im Ei(0) twice", "t/sinh t", "t²·log t", "Ci at the ends", "a double pole"])
def test_a_value_at_a_point_is_the_integral(name: str) -> None:
    f, g, points = PAIRS[name]
    found = cm.convolve(f, g, t)
    for at in points:
        moved = f.subs(VALUES).subs(t, at - t) * g.subs(VALUES)
        ends = [-1, 0, 1] if g.has(Heaviside) else [-40, -10, -1, 0, 1, 10, 40]
        integrand = sympy.lambdify(t, moved.subs(box, 1), "mpmath")
        wanted: Any = mpmath.quad(integrand, ends)
        assert abs(value(found, at) - complex(wanted)) < 1e-7


def test_the_law_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolated, "values", lambda *_: [])
    with pytest.raises(AssertionError):
        test_a_value_at_a_point_is_what_is_beside_it("im Ei(0) twice")
    with pytest.raises((AssertionError, TypeError)):
        test_a_value_at_a_point_is_what_is_beside_it("t/sinh t")


def test_what_is_infinite_or_jumps_stays_as_it_is() -> None:
    assert isolated.values(log(sympy.Abs(t - 1)), t, Facts()) == []
    assert isolated.values(size / t, t, Facts()) == []
    assert isolated.values(1 / t, t, Facts()) == []
    assert isolated.values(sin(1 / t), t, Facts()) == []
    assert isolated.values(t * DiracDelta(t) / t**2 + sin(t) / t, t, Facts()) == []
    assert not cm.convolve(1 / t, box, t, pv=True).has(Piecewise)


def test_points_that_may_meet_are_left_open() -> None:
    """At p there is (p - q)·log|p - q|, which has no such value where q = p."""
    both = (t - p) * log(sympy.Abs(t - p)) + log(sympy.Abs(t - q))
    assert isolated.values(both, t, Facts()) == []
    assert isolated.values(both, t, Facts([q > p])) == [(p, log(q - p))]


def test_answers_that_show_every_value_are_left_alone() -> None:
    for f, g in (
        (exp(-a * t) * Heaviside(t), exp(-2 * a * t) * Heaviside(t)),
        (1 / (t**2 + a**2), 1 / (t**2 + b**2)),
        (exp(-(t**2)), box),
        (DiracDelta(t), sin(t) / t),
    ):
        assert not cm.convolve(f, g, t).has(Piecewise, sympy.Eq)


@pytest.mark.parametrize(
    ("e", "at", "wanted"),
    [
        (sympy.expint(1, a * size) + log(size), 0, -sympy.EulerGamma - log(a)),
        (sympy.expint(3, size) / 2, 0, Rational(1, 4)),
        (sympy.uppergamma(Rational(2, 3), size), 0, sympy.gamma(Rational(2, 3))),
        (sympy.uppergamma(0, size) + log(size), 0, -sympy.EulerGamma),
        (sympy.lowergamma(Rational(1, 2), size) / sqrt(size), 0, 2),
        ((sympy.Chi(3 * size) - sympy.Ci(size)) * cos(t), 0, log(3)),
        (sympy.Shi(t) / t + sympy.Si(2 * t) / t, 0, 3),
        ((sqrt(1 + t) - 1) / t, 0, Rational(1, 2)),
        (sympy.coth(t) - 1 / t + sympy.cot(t - 1) * (t - 1), 1, sympy.coth(1)),
        ((exp(t) - 1 - t) / t**2, 0, Rational(1, 2)),
        ((t - sinh(t)) / t**3 + (sin(t) - t) / t**3, 0, -Rational(1, 3)),
        (2 ** (t) * sin(t) / t, 0, 1),
        (sympy.re(sympy.Ei((sympy.I - 1) * t)) - sympy.Ei(t), 0, log(2) / 2),
    ],
    ids=str,
)
def test_what_is_expanded(e: Expr, at: Any, wanted: Expr) -> None:
    found = dict(isolated.values(e, t, Facts()))
    assert sympy.simplify(found[sympy.sympify(at)] - wanted) == 0
