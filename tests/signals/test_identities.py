"""Convolutions that tables and textbooks have, each in closed form: what the classes are closed under, as identities.

The expected answers are not the library's: semigroups, transform pairs and sums that have a name.
"""

from __future__ import annotations

from typing import Any

import pytest
from sympy import (
    Abs,
    Ci,
    Ei,
    EulerGamma,
    Heaviside,
    KroneckerDelta,
    Mod,
    Piecewise,
    Rational,
    S,
    Si,
    Symbol,
    atan,
    besseli,
    besselj,
    binomial,
    catalan,
    cos,
    erf,
    erfc,
    erfi,
    exp,
    expint,
    factorial,
    fresnelc,
    fresnels,
    gamma,
    harmonic,
    hyper,
    im,
    log,
    pi,
    re,
    sin,
    sinc,
    sqrt,
    uppergamma,
)

import convmath as cm
from convmath.signals import Convolution, bessel, binomials, convolution, logarithms, powers
from convmath.signals.types import Expr, sympy

t = Symbol("t", real=True)
n = Symbol("n", integer=True)
x, y, z = sympy.symbols("x y z", real=True)
a, b, w = sympy.symbols("a b w", positive=True)
many, few = sympy.symbols("N M", integer=True, positive=True)
VALUES = {a: Rational(7, 5), b: Rational(3, 5), w: Rational(5, 3), many: S(6), few: S(4)}
POINTS = [Rational(k, 10) for k in (-31, -12, -4, 3, 13, 29)]
i, half = sympy.I, Rational(1, 2)
far = sqrt(x**2 + y**2 + z**2)


def u(e: Expr) -> Expr:
    return Heaviside(e, 1) if e.has(n) else Heaviside(e)


def passage(root: Expr) -> Expr:
    """The density of a first passage, with exp(-a√p) as its transform."""
    return Piecewise((root / (2 * sqrt(pi)) * t ** Rational(-3, 2) * exp(-(root**2) / (4 * t)), t > 0), (0, True))


def kernel(radius: Expr) -> Expr:
    return (1 - radius**2) / (1 - 2 * radius * cos(t) + radius**2)


def poisson(rate: Expr) -> Expr:
    return exp(-rate) * rate**n / factorial(n) * u(n)


CONTINUOUS: dict[str, tuple[Any, ...]] = {
    "the narrower of two low passes": (sin(a * t) / (pi * t), sin(b * t) / (pi * t), sin(b * t) / (pi * t)),
    "a low pass lets a slow wave through": (sinc(t), cos(t / 2), pi * cos(t / 2)),
    "a low pass stops a fast wave": (sinc(t), cos(2 * t), S.Zero),
    "a low pass and a box": (sinc(t), u(t + 1) - u(t - 1), Si(t + 1) - Si(t - 1)),
    "a low pass and a step": (sinc(t), u(t), Si(t) + pi / 2),
    "a low pass and a Gaussian": (sinc(t), exp(-(t**2)), pi * exp(-(t**2)) * re(erf(half + i * t))),
    "the Hilbert transform of a box": (1 / (pi * t), u(t + 1) - u(t - 1), log(Abs((t + 1) / (t - 1))) / pi),
    "the Hilbert transform of a wave": (1 / (pi * t), cos(w * t), sin(w * t)),
    "the Hilbert transform of a Gaussian": (1 / (pi * t), exp(-(t**2)), exp(-(t**2)) * erfi(t)),
    "the Hilbert transform of a decay": (1 / (pi * t), exp(-t) * u(t), exp(-t) * Ei(t) / pi),
    "Cauchy's density and a box": (a / (pi * (t**2 + a**2)), u(t + b) - u(t - b),
                                   (atan((t + b) / a) - atan((t - b) / a)) / pi),
    "Voigt's profile": (exp(-(t**2)), 1 / (t**2 + 1), pi * re(exp((1 - i * t) ** 2) * erfc(1 - i * t))),
    "a moment of Voigt's profile": (t * exp(-(t**2)), 1 / (t**2 + 1),
                                    pi * re((t - i) * exp((1 + i * t) ** 2) * erfc(1 + i * t))),
    "Cauchy's density and a decay": (1 / (t**2 + 1), exp(-t) * u(t), im(exp(-t - i) * expint(1, -t - i))),
    "1/t from 1 on": (u(t - 1) / t, u(t), log(t) * u(t - 1)),
    "1/(1 + t) and a decay": (u(t) / (1 + t), exp(-t) * u(t), exp(-t - 1) * (Ei(t + 1) - Ei(1)) * u(t)),
    "1/t² and a wave": (u(t - 1) / t, cos(t), -Ci(1) * cos(t) + (pi / 2 - Si(1)) * sin(t)),
    "1/t and 1/t from 1 on": (u(t - 1) / t, u(t - 1) / t,
                              Piecewise((2 * log(t - 1) / t, t > 2), (0, True))),
    "Pareto's densities": (u(t - 1) / t**2, u(t - 1) / t**2,
                           Piecewise((4 * log(t - 1) / t**3 + 2 * (t - 2) / (t**2 * (t - 1)), t > 2), (0, True))),
    "an Abel integral of a wave": (u(t) / sqrt(pi * t), sin(t) * u(t), Piecewise((sqrt(2) * (
        sin(t) * fresnelc(sqrt(2 * t / pi)) - cos(t) * fresnels(sqrt(2 * t / pi))), t > 0), (0, True))),
    "Dawson's integral": (u(t) / sqrt(t), exp(-t) * u(t), sqrt(pi) * exp(-t) * erfi(sqrt(t)) * u(t)),
    "a fractional integral": (t ** (a - 1) / gamma(a) * u(t), t**2 * u(t), 2 * t ** (a + 2) / gamma(a + 3) * u(t)),
    "Fresnel's integral": (u(t) / sqrt(t), cos(t), sqrt(pi) * cos(t - pi / 4)),
    "a root and a decay on both sides": (sqrt(t) * u(t), exp(t) * u(-t),
                                         exp(t) * uppergamma(Rational(3, 2), Piecewise((t, t > 0), (0, True)))),
    "a logarithm and a decay": (log(t) * u(t), exp(-t) * u(t), (log(t) - exp(-t) * (Ei(t) - EulerGamma)) * u(t)),
    "a logarithm of another unit": (log(a * t) * u(t), u(t), (t * log(a * t) - t) * u(t)),
    "logarithms": (log(t) * u(t), log(t) * u(t), t * (log(t) ** 2 - 2 * log(t) + 2 - pi**2 / 6) * u(t)),
    "|t|^½ and a box": (sqrt(Abs(t)), u(t) - u(t - 1),
                        2 * (sympy.sign(t) * Abs(t) ** 1.5 - sympy.sign(t - 1) * Abs(t - 1) ** 1.5) / 3),
    "a root and a Gaussian": (u(t) / sqrt(t), exp(-(t**2)), exp(-(t**2)) * (gamma(half / 2) * hyper(
        [half / 2], [half], t**2) / 2 + t * gamma(3 * half / 2) * hyper([3 * half / 2], [3 * half], t**2))),
    "J₀ and J₀": (besselj(0, a * t) * u(t), besselj(0, a * t) * u(t), sin(a * t) / a * u(t)),
    "J₀ and J₁": (besselj(0, t) * u(t), besselj(1, t) * u(t), (besselj(0, t) - cos(t)) * u(t)),
    "J₂ and J₃/t": (besselj(2, t) * u(t), besselj(3, t) / t * u(t), besselj(5, t) / 3 * u(t)),
    "J₀ and a wave of its frequency": (besselj(0, t) * u(t), sin(t) * u(t), t * besselj(1, t) * u(t)),
    "I₀ and I₀": (exp(-b * t) * besseli(0, t) * u(t), exp(-b * t) * besseli(0, t) * u(t),
                  exp(-b * t) * sympy.sinh(t) * u(t)),
    "first passages add": (passage(a), passage(b), passage(a + b)),
    "a half-space that is heated": (passage(a), u(t), Piecewise((erfc(a / (2 * sqrt(t))), t > 0), (0, True))),
}  # fmt: skip
DISCRETE: dict[str, tuple[Any, ...]] = {
    "rows of Pascal's triangle": (binomial(many, n), binomial(few, n), binomial(many + few, n) * u(n)),
    "numbers of successes": (binomial(many, n) * a**n * u(n), binomial(few, n) * a**n * u(n),
                             binomial(many + few, n) * a**n * u(n)),
    "numbers of successes, by factorials": (
        Piecewise((factorial(many) / factorial(n) / factorial(many - n), (n >= 0) & (n <= many)), (0, True)),
        binomial(few, n) * u(n), binomial(many + few, n) * u(n)),
    "columns of Pascal's triangle": (binomial(n, few) * u(n), binomial(n, many) * u(n),
                                     binomial(n + 1, many + few + 1) * u(n)),
    "numbers of failures": (gamma(n + a) / gamma(a) / factorial(n) * u(n),
                            gamma(n + b) / gamma(b) / factorial(n) * u(n),
                            Piecewise((gamma(n + a + b) / gamma(a + b) / factorial(n), n >= 0), (0, True))),
    "Poisson's numbers": (poisson(a), poisson(b), poisson(a + b)),
    "their means": (n * poisson(a), poisson(b), a * poisson(a + b).subs(n, n - 1)),
    "differences of Poisson's numbers": (poisson(a), poisson(b).subs(n, -n),
                                         exp(-a - b) * sqrt(a / b) ** n * besseli(n, 2 * sqrt(a * b))),
    "a row with signs": ((-1) ** n * binomial(many, n) * u(n), u(n), (-1) ** n * binomial(many - 1, n) * u(n)),
    "central binomials": (binomial(2 * n, n) * u(n), binomial(2 * n, n) * u(n), 4**n * u(n)),
    "a generating function": (binomial(2 * n, n) * u(n), 8**n, 8**n * sqrt(2)),
    "harmonic numbers": (u(n - 1) / n, u(n), Piecewise((harmonic(n), n > 0), (0, True))),
    "1/n and 1/n": (u(n - 1) / n, u(n - 1) / n, Piecewise((2 * harmonic(n - 1) / n, n > 1), (0, True))),
    "a sum of harmonic numbers": (Piecewise((harmonic(n), n > 0), (0, True)), u(n),
                                  Piecewise(((n + 1) * harmonic(n) - n, n > 0), (0, True))),
    "a telescope": (Piecewise((1 / (n * (n + 1)), n > 0), (0, True)), u(n), Piecewise((n / (n + 1), n > 0), (0, True))),
    "Catalan's numbers": (catalan(n) * u(n), catalan(n) * u(n), Piecewise((catalan(n + 1), n >= 0), (0, True))),
    "every second index": (Mod(n, 2) * u(n), KroneckerDelta(n, 1), (1 + (-1) ** n) / 2 * u(n - 2)),
}  # fmt: skip
SPACE: dict[str, tuple[Any, ...]] = {
    "two atoms": (exp(-far), exp(-far), pi * exp(-far) * (1 + far + far**2 / 3)),
    "a potential around another point": (1 / sqrt((x - 1) ** 2 + y**2 + z**2), exp(-(far**2)), (
        pi**1.5 * erf(far) / far).subs(x, x - 1)),
    "screened potentials": (exp(-far) / far, exp(-2 * far) / far, 4 * pi * (exp(-far) - exp(-2 * far)) / (3 * far)),
    "the potential of a Gaussian": (1 / far, exp(-(far**2)), pi**1.5 * erf(far) / far),
    "the potential of a ball": (1 / far, Piecewise((1, far < 1), (0, True)), Piecewise(
        (2 * pi * (1 - far**2 / 3), far < 1), (4 * pi / (3 * far), True))),
}  # fmt: skip
PERIODIC: dict[str, tuple[Any, ...]] = {
    "Poisson's kernels": (kernel(a / 2), kernel(b), 2 * pi * kernel(a * b / 2), 2 * pi),
    "Poisson's kernel and a wave": (kernel(b), cos(3 * t), 2 * pi * b**3 * cos(3 * t), 2 * pi),
    "Dirichlet's kernel": (sin(7 * t / 2) / sin(t / 2), sin(2 * t) + cos(5 * t), 2 * pi * sin(2 * t), 2 * pi),
    "waves of any period": (sin(2 * pi * t / a), cos(2 * pi * t / a), a / 2 * sin(2 * pi * t / a), a),
}  # fmt: skip


def compared(found: Expr, wanted: Expr, points: list[dict[Symbol, Expr]]) -> None:
    assert not found.has(Convolution)
    for at in points:
        got, value = (complex(e.xreplace(VALUES).subs(at).evalf(20)) for e in (found, sympy.sympify(wanted)))
        assert abs(got - value) <= 1e-9 * (1 + abs(value)), f"{found} is {got} at {at}, and {wanted} is {value}"


@pytest.mark.parametrize("name", CONTINUOUS)
def test_a_table_of_functions(name: str) -> None:
    f, g, wanted = CONTINUOUS[name]
    found = cm.convolve(f, g, t, pv="Hilbert" in name, assume=[b < a])
    compared(found, wanted, [{t: at} for at in POINTS if wanted.subs(t, at) is not sympy.nan])


@pytest.mark.parametrize("name", DISCRETE)
def test_a_table_of_sequences(name: str) -> None:
    f, g, wanted = DISCRETE[name]
    compared(cm.convolve(f, g, n), wanted, [{n: sympy.Integer(at)} for at in (-2, 0, 1, 2, 3, 7)])


def test_how_counts_differ() -> None:
    """(f ⋆ g)[n] is how often the second of two independent numbers is larger by n."""
    bessel_i = exp(-a - b) * sqrt(b / a) ** n * besseli(n, 2 * sqrt(a * b))
    places = [{n: sympy.Integer(at)} for at in (-3, 0, 2)]
    compared(cm.correlate(poisson(a), poisson(b), n), bessel_i, places)
    row = binomial(many, n) * u(n)
    compared(cm.correlate(row, row, n), binomial(2 * many, many + n), places)
    root = sqrt(t) * u(t)
    compared(cm.correlate(root, exp(-t) * u(t), t), sqrt(pi) / 2 * exp(-t), [{t: half}, {t: S(2)}])


@pytest.mark.parametrize("name", SPACE)
def test_a_table_of_functions_of_the_distance(name: str) -> None:
    f, g, wanted = SPACE[name]
    found = cm.convolve(f, g, (x, y, z))
    places = [(Rational(1, 3), Rational(-1, 2), Rational(1, 5)), (S(1), S(2), Rational(-1, 2))]
    compared(found, wanted, [dict(zip((x, y, z), place, strict=True)) for place in places])


@pytest.mark.parametrize("name", PERIODIC)
def test_a_table_over_a_period(name: str) -> None:
    f, g, wanted, period = PERIODIC[name]
    found = cm.convolve(f, g, t, period=period, assume=[a < 2, b < 1])
    compared(found, wanted, [{t: Rational(k, 4)} for k in (0, 1, 3)])


FAULTS: dict[str, tuple[Any, str, Any]] = {
    # primitives with another sign, n·xⁿ without its power of x, one of two waves, and Γ(p) for Γ(p/2)
    "the Hilbert transform of a decay": (
        logarithms,
        "_primitive",
        lambda right: lambda p, mu: [(-c, q) for c, q in right(p, mu)],
    ),
    "their means": (binomials, "_derived", lambda right: lambda f: list(right(f))[:1]),
    "J₀ and J₀": (bessel, "_waves", lambda right: lambda *of: list(right(*of))[1:]),
    "a root and a Gaussian": (powers, "_moment", lambda right: lambda p, alpha, beta: right(2 * p, alpha, beta)),
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_tables_have_teeth(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the library's own check off, a fault in a class is found by its table."""
    module, rule, fault = FAULTS[name]
    monkeypatch.setattr(module, rule, fault(getattr(module, rule)))
    for check in ("checked", "checked_sequence"):
        monkeypatch.setattr(convolution, check, lambda *_: 1)
    with pytest.raises((AssertionError, TypeError)):
        (test_a_table_of_functions if name in CONTINUOUS else test_a_table_of_sequences)(name)
