"""In several variables every result is held against numbers as a whole, and a fault in what parts them is caught."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sympy import (
    Abs,
    DiracDelta,
    Heaviside,
    I,
    KroneckerDelta,
    Max,
    Piecewise,
    Rational,
    S,
    binomial,
    cos,
    exp,
    pi,
    sqrt,
)

import convmath as cm
from convmath.signals import Convolution, Correlation, convolution
from convmath.signals.check import checked_in_space, checked_sequence_in_space
from convmath.signals.errors import CheckError
from convmath.signals.facts import Facts
from convmath.signals.spatial import solve as separated
from convmath.signals.types import Expr, sympy

x, y, z = sympy.symbols("x y z", real=True)
k, m, n = sympy.symbols("k m n", integer=True)
a, b = sympy.symbols("a b", positive=True)
HALF, THIRD = Rational(1, 2), Rational(1, 3)


def u(e: Any) -> Expr:
    return Heaviside(e, 1)


def box(e: Any, low: Any, high: Any) -> Expr:
    return Heaviside(e - low) - Heaviside(e - high)


# --- sequences -----------------------------------------------------------------------------------------------------

FROM, TO = -60, 60  # where sequences are summed: what falls is nothing beside 1 farther out
SEQUENCES: dict[str, tuple[type, Expr, Expr]] = {
    "boxes": (Convolution, (u(m) - u(m - 4)) * (u(n) - u(n - 3)), (u(m + 1) - u(m - 3)) * (u(n - 1) - u(n - 5))),
    "powers": (Convolution, u(m) * u(n) * HALF**m * THIRD**n, u(m) * u(n)),
    "points": (Convolution, KroneckerDelta(m, 1) * KroneckerDelta(n, -2), n * m * u(m)),
    "a diagonal": (Convolution, KroneckerDelta(m, n), u(m) * u(n) * HALF ** (m + n)),
    "binomials": (Convolution, binomial(n, m) * u(m) * u(n - m), KroneckerDelta(m, 1) * KroneckerDelta(n, 1)),
    "both sides": (Convolution, HALF ** Abs(m) * THIRD ** Abs(n), HALF ** Abs(m) * u(n)),
    "a sum": (
        Convolution,
        u(m) * HALF**m * KroneckerDelta(n, 0) + KroneckerDelta(m, 0) * u(n) * THIRD**n,
        (u(m) - u(m - 2)) * (u(n) - u(n - 2)),
    ),
    "a half-plane": (Convolution, u(m + n) * (u(m) - u(m - 3)), KroneckerDelta(m, 1) * KroneckerDelta(n, -1)),
    "waves": (
        Convolution,
        exp(I * pi * m / 3) * u(n) * HALF**n,
        (u(m) - u(m - 3)) * KroneckerDelta(n, 2),
    ),
    "a correlation": (Correlation, I**m * (u(m) - u(m - 4)) * KroneckerDelta(n, 1), (u(m) - u(m - 3)) * u(n) * HALF**n),
    "far apart": (
        Convolution,
        KroneckerDelta(m, 40) * KroneckerDelta(n, -35),
        (u(m - 10) - u(m - 14)) * (u(n + 7) - u(n + 3)) * m,
    ),
    "points of one index beside both": (  # the coefficient of what is summed over m is 0 at most n
        Convolution,
        HALF ** (m + n) * (KroneckerDelta(0, n) - KroneckerDelta(1, n)) * u(m + n + 1),
        (-HALF) ** m * m * u(m - 4) * u(n + 2) * HALF**n,
    ),
    "cases of an index": (  # which has other cases where it is summed over
        Convolution,
        (u(n - 2) - u(n - 6)) * (u(m + n - 2) - u(m + n - 5)) * (m + n + 1),
        2**n * u(-n) * KroneckerDelta(2, m),
    ),
}


def numbers(e: Expr) -> np.ndarray:
    steps = {"Heaviside": lambda at, _: 1.0 * (at >= 0), "same": lambda i, j: 1.0 * (i == j)}
    value = sympy.lambdify((m, n), e.replace(KroneckerDelta, sympy.Function("same")), [steps, "scipy", "numpy"])
    at = np.meshgrid(*[np.arange(FROM, TO + 1.0)] * 2, indexing="ij", sparse=True)
    with np.errstate(all="ignore"):
        found = np.broadcast_to(value(*at), (TO + 1 - FROM,) * 2).astype(complex)
    return np.where(np.isfinite(found), found, 0)


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_sequence_is_what_sums_say_and_was_held_against_them(name: str) -> None:
    kind, f, g = SEQUENCES[name]
    solved = kind(f, g, (m, n)).solve()
    assert all(answer.held for answer in solved.answers if answer.expression is not None)
    first, second = numbers(f), numbers(g)
    for at in ((0, 0), (2, 1), (3, 5), (-2, 4), (5, -3), (7, 6), (50, -30), (51, -28)):
        found = solved.expr.subs(dict(zip((m, n), at, strict=True)))
        if found.has(Convolution):  # a case that is not found
            continue
        indices = np.arange(FROM, TO + 1)
        there = [(p - indices if kind is Convolution else p + indices) - FROM for p in at]
        inside = [np.flatnonzero((t >= 0) & (t <= TO - FROM)) for t in there]
        left = first[np.ix_(*inside)]
        right = second[np.ix_(*(t[i] for t, i in zip(there, inside, strict=True)))]
        wanted = np.sum((left if kind is Convolution else left.conj()) * right)
        assert abs(complex(found.evalf()) - wanted) <= 1e-9 * (1 + abs(wanted)), at


# --- impulses ------------------------------------------------------------------------------------------------------

GAUSSIAN = exp(-(x**2) - y**2)
IMPULSES: dict[str, tuple[Expr, Expr, tuple[Any, ...], Expr]] = {
    "a point moves": (DiracDelta(x - a) * DiracDelta(y + b), GAUSSIAN, (x, y), exp(-((x - a) ** 2) - (y + b) ** 2)),
    "a line is integrated over": (DiracDelta(x), GAUSSIAN, (x, y), sqrt(pi) * exp(-(x**2))),
    "an oblique one": (DiracDelta(x + y), GAUSSIAN, (x, y), sqrt(pi / 2) * exp(-((x + y) ** 2) / 2)),
    "a stretched one": (DiracDelta(2 * x), GAUSSIAN, (x, y), sqrt(pi) * exp(-(x**2)) / 2),
    "two lines meet": (DiracDelta(x + y), DiracDelta(x - y), (x, y), HALF),
    "a plane in space": (DiracDelta(z - 1), GAUSSIAN * exp(-(z**2)), (x, y, z), pi * exp(-((z - 1) ** 2))),
    "a derivative": (DiracDelta(x, 1) * DiracDelta(y), GAUSSIAN, (x, y), -2 * x * GAUSSIAN),
    "a derivative of a line": (
        DiracDelta(x + y, 1),
        GAUSSIAN,
        (x, y),
        -sqrt(pi / 2) * (x + y) * exp(-((x + y) ** 2) / 2),
    ),
    "zeros of a square": (
        DiracDelta(x**2 - 1) * DiracDelta(y),
        GAUSSIAN,
        (x, y),
        (exp(-((x + 1) ** 2)) + exp(-((x - 1) ** 2))) * exp(-(y**2)) / 2,
    ),
    "a half-line begins": (
        DiracDelta(x, 1) * DiracDelta(y),
        exp(-x - y) * Heaviside(x) * Heaviside(y),
        (x, y),
        (DiracDelta(x) - exp(-x) * Heaviside(x)) * exp(-y) * Heaviside(y),
    ),
    "points with points": (
        DiracDelta(x - 1) * DiracDelta(y) + 2 * DiracDelta(x) * DiracDelta(y - 1),
        DiracDelta(x) * DiracDelta(y + 2),
        (x, y),
        DiracDelta(x - 1) * DiracDelta(y + 2) + 2 * DiracDelta(x) * DiracDelta(y + 1),
    ),
}


@pytest.mark.parametrize("name", IMPULSES)
def test_impulses_are_sifted_with(name: str) -> None:
    f, g, variables, wanted = IMPULSES[name]
    solved = Convolution(f, g, variables).solve()
    assert all(answer.held for answer in solved.answers)
    assert checked_in_space(f, g, variables, wanted, Facts())
    weights = {delta: sympy.Dummy() for delta in (solved.expr + wanted).atoms(DiracDelta)}
    difference = (solved.expr - wanted).xreplace(weights)
    at = {x: Rational(3, 10), y: Rational(7, 10), z: -HALF, a: Rational(2, 5), b: Rational(9, 10)}
    at |= dict(zip(weights.values(), map(Rational, range(3, 99, 2)), strict=False))
    assert abs(difference.subs(at).evalf()) < 1e-12


CHANGES: dict[str, Callable[[Expr], Expr]] = {
    "larger": lambda e: e * Rational(21, 20),
    "elsewhere": lambda e: e.subs({x: x + y + 1, y: x - 1}, simultaneous=True),
    "more": lambda e: e + GAUSSIAN,
}


@pytest.mark.parametrize("name", IMPULSES)
@pytest.mark.parametrize("change", CHANGES)
def test_another_result_is_no_result(name: str, change: str) -> None:
    f, g, variables, wanted = IMPULSES[name]
    if (other := CHANGES[change](wanted)) == wanted:
        other = wanted / 2
    with pytest.raises(CheckError):
        checked_in_space(f, g, variables, other, Facts())


# --- functions -----------------------------------------------------------------------------------------------------


def ball(radius: Any, *axes: Any) -> Expr:
    return Piecewise((1, sympy.Add(*(e**2 for e in axes)) < radius**2), (0, True))


FUNCTIONS: dict[str, tuple[Expr, Expr, tuple[Any, ...]]] = {
    "boxes far from 0": (box(x, 100, 101) * box(y, -50, -48), box(x, -100, -98) * box(y, 50, 51), (x, y)),
    "small balls": (ball(THIRD, x, y, z), ball(HALF, x, y, z), (x, y, z)),
    "a small and a large one": (ball(1, x, y, z), ball(20, x, y, z), (x, y, z)),
    "narrow and wide Gaussians": (exp(-(10**4) * (x**2 + x * y + y**2)), exp(-(x**2 + y**2) / 10**4), (x, y)),
    "a fast fall between lines": (
        Heaviside(x + y) * Heaviside(x - y) * exp(-1000 * x),
        Heaviside(x + y) * Heaviside(x - y) * exp(-2000 * x),
        (x, y),
    ),
    "four variables": (
        box(x, 0, 1) * box(y, 0, 1) * box(z, 0, 1) * box(a, 0, 1),
        box(x, 0, 1) * box(y, 0, 1) * Heaviside(z) * exp(-z) * box(a, 0, 2),
        (x, y, z, a),
    ),
    "a form in five": (
        exp(-(x**2) - x * y - y**2 - z**2 - a**2 - b**2),
        exp(-(x**2) - y**2 - 2 * z**2 - a**2 - b**2),
        (x, y, z, a, b),
    ),
    "tents": (Max(0, 1 - Abs(x)) * Max(0, 1 - Abs(y)), box(x, 0, 1) * cos(y), (x, y)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_grid_lies_where_something_happens(name: str) -> None:
    """What is found is held, and what is half as large again is not."""
    f, g, variables = FUNCTIONS[name]
    real = {e: sympy.Symbol(e.name, real=True) for e in variables}
    f, g, axes = f.xreplace(real), g.xreplace(real), tuple(real.values())
    solved = Convolution(f, g, axes).solve()
    assert not solved.reason
    assert all(answer.held for answer in solved.answers)
    with pytest.raises(CheckError):
        checked_in_space(f, g, axes, solved.expr * Rational(3, 2), Facts())


# --- faults --------------------------------------------------------------------------------------------------------


def _moved(right: Any, change: Callable[[Expr, Any], Expr]) -> Any:
    return lambda f, g, variables, facts, along: change(right(f, g, variables, facts, along), variables)


def _turned(right: Any) -> Any:
    """What stands at +a along the first axis as if it stood at -a."""
    return lambda f, g, variables, *others: right(f.subs(variables[0], -variables[0]), g, variables, *others)


def _without_factors(right: Any) -> Any:
    return lambda *given: [dataclasses.replace(part, coefficient=S.One) for part in right(*given)]


def _without_a_term(right: Any) -> Any:
    return lambda *given: right(*given)[:1]


def _exchanged(right: Any) -> Any:
    return _moved(right, lambda e, v: e.subs({v[0]: v[1], v[1]: v[0]}, simultaneous=True))


WAYS = (separated, "_by_products")
FAULTS: dict[str, tuple[Any, str, Callable[[Any], Any]]] = {
    "a shift has the wrong sign": (*WAYS, _turned),
    "factors are lost": (separated, "products", _without_factors),
    "terms are lost": (separated, "products", _without_a_term),
    "all stands one farther": (*WAYS, lambda right: _moved(right, lambda e, v: e.subs(v[0], v[0] - 1))),
    "axes are exchanged": (*WAYS, _exchanged),
}
TWO_TERMS = 3 * u(m - 1) * u(n) * HALF ** (m + n) + KroneckerDelta(m, 2) * KroneckerDelta(n, -1) * 2
QUESTIONS: dict[str, tuple[Expr, Expr, tuple[Any, ...]]] = {
    "sequences": (TWO_TERMS, (u(m) - u(m - 3)) * u(n) * THIRD**n, (m, n)),
    "points": (
        3 * DiracDelta(x - 1) * DiracDelta(y - 2) + 2 * DiracDelta(x + 2) * DiracDelta(y),
        exp(-x - 2 * y) * Heaviside(x) * Heaviside(y),
        (x, y),
    ),
    "lines": (3 * DiracDelta(x - 1) + 2 * DiracDelta(y + 1), x * exp(-((x - 1) ** 2) - y**2), (x, y)),
    "impulses as a result": (
        3 * DiracDelta(x - 1) * DiracDelta(y - 2) + 2 * DiracDelta(x + 2) * DiracDelta(y),
        DiracDelta(x - 1) * DiracDelta(y),
        (x, y),
    ),
    "functions": (
        box(x, 1, 2) * exp(-(y**2)) * 3 + box(x, 0, 1) * box(y, 0, 1) * 2,
        Heaviside(x) * exp(-x) * box(y, 1, 3),
        (x, y),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("question", QUESTIONS)
def test_faults_are_caught(fault: str, question: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Convolution(*QUESTIONS[question])
    assert not asked.solve().reason
    where, name, plant = FAULTS[fault]
    monkeypatch.setattr(where, name, plant(getattr(where, name)))
    with pytest.raises(CheckError):
        asked.solve()


def test_along_each_axis_faults_are_caught_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a box would be too large, sums along each axis are asked; what falls as 0.95^|n| in three indices."""
    slow = Rational(19, 20) ** (Abs(k) + Abs(m) + Abs(n))
    asked = Convolution(slow, u(k) * u(m) * u(n) * Rational(9, 10) ** (k + m + n), (k, m, n))
    assert asked.solve().answers[0].held
    later = _moved(separated._by_products, lambda e, v: e.subs(v[0], v[0] - 1))
    monkeypatch.setattr(separated, "_by_products", later)
    with pytest.raises(CheckError):
        asked.solve()


def test_what_is_not_held_is_not_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, f, g, variables in (
        ("checked_in_space", GAUSSIAN, GAUSSIAN, (x, y)),
        ("checked_sequence_in_space", u(m) * u(n), u(m) * u(n), (m, n)),
    ):
        monkeypatch.setattr(convolution, name, lambda *_: 0)
        solved = Convolution(f, g, variables).solve()
        assert solved.expr.func is Convolution
        assert "numbers could not be held against" in solved.reason


def test_a_sum_that_is_another_is_told() -> None:
    with pytest.raises(CheckError, match=r"\(m, n\) = "):
        checked_sequence_in_space(u(m) * u(n), u(m) * u(n), (m, n), (m + 1) * n * u(m) * u(n), Facts())


def test_several_places_of_one_that_is_not_carried_out() -> None:
    """Its variables are integers, and two of them may be the same number."""
    f, g = (sympy.Function(name)(m, n) for name in "fg")
    asked = Convolution(f, g, (m, n))
    assert asked.subs({m: 3, n: 3}) != asked.subs({m: 3, n: 2})
    assert asked.subs(m, 3).subs(n, 2) == asked.subs({m: 3, n: 2})
    assert cm.Convolution(f.subs({m: x, n: y}), g.subs({m: x, n: y}), (x, y)).subs({x: 1, y: 1}).has(Convolution)
