"""Signs of waves, floors and remainders on a period: the cases are the function, and so are convolutions with them."""

from __future__ import annotations

import random

import pytest
from sympy import Abs, Heaviside, Max, Min, Mod, Piecewise, Rational, S, ceiling, cos, exp, floor, frac, pi, sign, sin

import convmath as cm
from convmath.signals import Convolution, folds
from convmath.signals.types import Expr, sympy

from .drawn import t

PERIOD = sympy.Symbol("P", positive=True)
FUNCTIONS: dict[str, tuple[Expr, Expr]] = {
    "full wave": (Abs(sin(t)), 2 * pi),
    "half wave": (Max(0, sin(2 * t)), 2 * pi),
    "clipped": (Min(sin(t), Rational(1, 2)) * t, 2 * pi),
    "square, of any period": (sign(sin(2 * pi * t / PERIOD)), PERIOD),
    "a step of a product": (Heaviside(sin(t) * cos(t)), 2 * pi),
    "a level": (Heaviside(cos(3 * t + 1) - Rational(1, 3)) * exp(-t), 2 * pi),
    "a level that is not reached": (sign(2 + sin(t)), 2 * pi),
    "cases": (Piecewise((t, sin(t) > Rational(1, 2)), (1, cos(t) <= 0), (0, True)), 2 * pi),
    "remainder": (Mod(t, Rational(2, 3)) ** 2, S(2)),
    "remainder, of any period": (Mod(3 * t, PERIOD), PERIOD),
    "floor": (floor(1 - 3 * t / 2), S(4)),
    "ceiling": (t * ceiling(2 * t), S(1)),
    "fraction": (frac(t + Rational(1, 3)), S(2)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_cases_are_the_function(name: str) -> None:
    e, period = FUNCTIONS[name]
    found = folds.resolved(e, t, period)
    assert not found.atoms(sympy.floor, sympy.ceiling, sympy.frac, sympy.Mod, sympy.Max, sympy.Min)
    assert all(not atom.has(sin, cos) for atom in found.atoms(Abs, sign, Heaviside))
    draw = random.Random(name)
    at = {PERIOD: Rational(17, 10)}
    for _ in range(40):
        place = Rational(draw.randint(1, 9999), 10000) * period.subs(at)
        values = (expression.subs(at).subs(t, place).evalf(20) for expression in (e, found))
        assert abs(sympy.Add(next(values), -next(values))) < 1e-15


def test_convolutions_over_a_period() -> None:
    square = sign(sin(2 * pi * t / PERIOD))
    triangle = cm.convolve(square, square, t, period=PERIOD)
    assert sympy.simplify(triangle - Piecewise((4 * t - PERIOD, t < PERIOD / 2), (3 * PERIOD - 4 * t, True))) == 0
    assert cm.convolve(Abs(sin(t)), cos(2 * t), t, period=pi) == -2 * cos(2 * t) / 3
    assert cm.convolve(Mod(t, 1), cos(2 * pi * t), t, period=1) == -sin(2 * pi * t) / (2 * pi)


def test_what_has_too_many_breaks_or_none_that_are_known_is_left() -> None:
    for e in (sign(sin(400 * t)), sign(sin(t**2)), Abs(sin(t) + t), floor(t**2), sign(PERIOD - sin(t))):
        assert folds.resolved(e, t, 2 * pi) == e


def test_a_wrong_case_is_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folds, "_zeros", lambda e, x: [Rational(1, 3)])
    with pytest.raises(cm.errors.ConvmathError):
        assert not Convolution(sign(sin(t)), cos(t), t).solve(period=2 * pi).expr.has(Convolution)
