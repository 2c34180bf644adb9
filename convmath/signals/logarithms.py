r"""Rational functions with powers and exponentials on half-lines and intervals: logarithms, arctangents, exponential
integrals.

A pole gives c/(t - τ - z)ⁿ = c(-1)ⁿ/(τ - w)ⁿ with w = t - z, and τ^k = ((τ - w) + w)^k, so that every integral is one
of

    ∫ (τ - w)^m e^{λτ} dτ,  where  ∫ e^{λτ}/(τ - w) dτ = -e^{λw}·E₁(-λ(τ - w)),  or log(τ - w) for λ = 0.

For real λ neither crosses a cut. Poles come in conjugate pairs, of which one is taken, and twice the real part.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from sympy import I, Symbol, oo

from .errors import DivergentError, NotFoundError, OpenQuestion
from .facts import Facts
from .limits import limits
from .monomials import Monomial
from .pieces import Piece
from .residues import Residues
from .sums import parts
from .terms import Term
from .types import Expr, sympy

__all__ = ["joined"]

Pole = tuple[Expr, int, Expr]  # with its order and coefficient


def joined(rational: Sequence[Term], term: Term, t: Symbol, facts: Facts) -> list[Term]:
    """The convolution of a rational function, all of its terms together, with a power times an exponential on an
    interval.
    """
    piece, m = term
    if not m.rate.is_extended_real:
        raise NotFoundError(f"no method convolves a rational function with {m.expression(t)} on an interval")
    poles, degree = Residues(rational, [], t, facts).partial_fractions()
    upper = [(z, n, c) for z, n, c in poles if facts.positive(parts(sympy.expand(z))[1])]
    if 2 * len(upper) != len(poles):
        raise NotFoundError("the poles of a rational function do not come in conjugate pairs")
    found = []
    for sign, low, high, start, end in limits((piece.low, piece.high), (-oo, oo), t):
        value = sympy.S.Zero
        for x, direction in ((high, 1), (low, -1)):
            value += direction * (
                _at_infinity(x, upper, degree, m, t, facts) if x in (oo, -oo) else _at(x, upper, m, t)
            )
        scale = sign * m.coefficient * sympy.exp(m.constant)
        found.append((Piece(sympy.S.One, start, end), Monomial(scale, special=value)))
    return found


def _at(x: Expr, poles: Sequence[Pole], m: Monomial, t: Symbol) -> Expr:
    """Twice the real part of the antiderivative at a limit."""
    total = sympy.S.Zero
    for front, power, z in _fractions(poles, m, t):
        u, v = parts(sympy.expand(z))
        if m.rate == 0:
            total += _real(front, power, x - t + u, v)
        else:
            total += 2 * sympy.re(front * _exponential(power, x, t - z, m.rate))
    return total


def _fractions(poles: Sequence[Pole], m: Monomial, t: Symbol) -> Iterable[tuple[Expr, int, Expr]]:
    """τ^k·c(-1)ⁿ/(τ - w)ⁿ in powers of τ - w."""
    for z, n, c in poles:
        for j in range(m.power + 1):
            yield c * (-1) ** n * math.comb(m.power, j) * (t - z) ** (m.power - j), j - n, z


def _at_infinity(x: Expr, poles: Sequence[Pole], degree: int, m: Monomial, t: Symbol, facts: Facts) -> Expr:
    """The limit of the antiderivative; where the integral exists its powers and logarithms cancel, but for
    constants.
    """
    if m.rate != 0:
        falls = facts.positive(-m.rate if x is oo else m.rate)
        if falls is None:
            raise OpenQuestion(sympy.Gt(m.rate, 0), apart=True)
        if not falls:
            raise DivergentError(f"the integral diverges: exp({m.rate}·t) does not fall towards {x}")
        return sympy.S.Zero
    if m.power + degree > -2:
        raise DivergentError(f"the integral diverges: its integrand ends as τ^{m.power + degree}")
    total = sympy.S.Zero
    for front, power, z in _fractions(poles, m, t):
        if power >= 0:
            total += front * (z - t) ** (power + 1) / (power + 1)
        elif (
            power == -1 and x is not oo
        ):  # log(τ - w) has the imaginary part π at -∞, since w = t - z lies below the line
            total += front * I * sympy.pi
    return 2 * parts(sympy.expand(total))[0]


def _real(front: Expr, power: int, x: Expr, v: Expr) -> Expr:
    """2·re of front·∫ s^power ds at s = x + iv, v > 0."""
    s = x + I * v
    if power == -1:
        real, turn = parts(sympy.expand(front))
        angle = sympy.pi / 2 - sympy.atan(x / v)
        return real * sympy.log(x**2 + v**2) - 2 * turn * angle
    if power >= 0:
        return 2 * parts(sympy.expand(front * s ** (power + 1) / (power + 1)))[0]
    times = -(power + 1)  # 1/s = s̄/|s|²
    return 2 * parts(sympy.expand(front * (x - I * v) ** times))[0] / ((power + 1) * (x**2 + v**2) ** times)


def _exponential(power: int, x: Expr, w: Expr, rate: Expr) -> Expr:
    """∫ (τ - w)^power e^{λτ} dτ at τ = x"""
    s, wave = x - w, sympy.exp(rate * x)
    if power == -1:
        return -sympy.exp(rate * w) * sympy.expint(1, -rate * s)
    if power < -1:
        rest = _exponential(power + 1, x, w, rate)
        return s ** (power + 1) * wave / (power + 1) - rate / (power + 1) * rest
    found = s**power * wave / rate
    return found if power == 0 else found - power / rate * _exponential(power - 1, x, w, rate)
