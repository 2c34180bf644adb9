"""Rational functions of e^{iθ} as real waves have the same values, whatever factors their denominators have."""

from __future__ import annotations

import cmath
import random
from typing import Any

import pytest
import sympy
from sympy import I, Rational, sqrt

from convmath.signals import angles
from convmath.signals.angles import in_waves

X, Y, r = sympy.symbols("X Y r")
v, w = sympy.symbols("v w", real=True)
FACTORS = (
    X - 1,
    X + 1,
    X - r,
    1 - r * X,
    X - 2,
    2 * X - 1,
    X**2 + 3 * X + 1,
    X - Y,
    X * Y - 1,
    X - (1 + sqrt(3) * I) / 2,
    X - (1 - sqrt(3) * I) / 2,
    X,
    r + I,
)
TURNS = {v: 0.7, w: 2.1}


def drawn(draw: random.Random) -> Any:
    """A sum of two fractions with a few of these factors."""
    total = sympy.S.Zero
    for _ in range(2):
        top = draw.choice((sympy.S.One, I, X**2 - r, X * Y + 3, r * X**5 - 2 * I * X))
        total += Rational(draw.randint(1, 5), 3) * top / sympy.Mul(*(draw.choice(FACTORS) for _ in range(3)))
    return total


def same(e: Any) -> None:
    found = in_waves(e, {X: v, Y: w})
    assert not found.has(X, Y)
    assert not sympy.fraction(sympy.together(found))[1].has(I)
    wanted = e.subs({X: cmath.exp(1j * TURNS[v]), Y: cmath.exp(1j * TURNS[w]), r: 0.3})
    got = found.subs({**TURNS, r: 0.3})
    assert abs(complex(wanted) - complex(got)) < 1e-8 * (1 + abs(complex(wanted))), (e, found)


@pytest.mark.parametrize("place", range(40))
def test_waves_have_the_values_of_what_they_came_from(place: int) -> None:
    same(drawn(random.Random(place)))


def test_conjugates_make_a_real_number() -> None:
    found = in_waves(1 / (X - r) + X / (1 - r * X), {X: v})
    assert sympy.simplify(found - 2 * (sympy.cos(v) - r) / (1 + r**2 - 2 * r * sympy.cos(v))) == 0
    assert not found.has(I)


def test_the_law_of_waves_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """A power of X that is left behind where a factor is its own conjugate."""
    monkeypatch.setattr(angles._Top, "divided", lambda *_: None)
    with pytest.raises(AssertionError):
        same(X / (X - 1) ** 2)
