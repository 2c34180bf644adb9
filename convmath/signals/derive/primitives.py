r"""Antiderivatives of f(τ)·g(t - τ) by τ, for powers times exponentials, also of quadratics.

∫ τ^k e^{ρτ} dτ = e^{ρτ} Σ_j (-1)^j k!/(k-j)!·τ^{k-j}/ρ^{j+1}, and τ^{k+1}/(k+1) where ρ = 0.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable

from sympy import Symbol

from ..errors import NotFoundError
from ..facts import Facts
from ..gaussians import Integrand
from ..monomials import Monomial, monomials
from ..sums import expression
from ..types import Expr, sympy
from .printing import shortest

__all__ = ["Primitive", "written"]


class Primitive:
    """F with F′(τ) = f(τ)·g(t - τ); a NotFoundError where there is none in the class."""

    def __init__(self, f: Expr, g: Expr, t: Symbol, facts: Facts):
        self.t, self.facts = t, facts
        self.waves: list[Monomial] = []  # of F, in τ: t stands in their coefficients as any other letter
        self.bells: list[Integrand] = []
        for first, second in itertools.product(monomials(f, t), monomials(g, t)):
            if first.exponential and second.exponential:
                self.waves += self._wave(first, second)
            elif all(m.exponential or m.gaussian for m in (first, second)):
                self.bells.append(Integrand(first, second, t, facts))
            else:
                raise NotFoundError("an antiderivative is known of powers times exponentials alone")

    def at(self, tau: Symbol) -> Expr:
        """F(τ)"""
        bells = (m for bell in self.bells for part in bell.at(tau, 1) for m in monomials(part.expression(self.t), tau))
        return _collected(expression([*self.waves, *bells], tau), tau)

    def between(self, low: Expr, high: Expr) -> Expr:
        """F(high) - F(low), as an expression in t that people like to read."""
        bells = (m.expression(self.t) for bell in self.bells for m in bell.between(low, high, 1))
        return written([*self._waves(high, 1), *(-part for part in self._waves(low, -1)), *bells], self.t)

    def _waves(self, x: Expr, side: int) -> Iterable[Expr]:
        """The terms of F at a limit; at ±∞ those that fall are 0."""
        for m in self.waves:
            if not x.is_infinite:
                yield m.expression(x)
            elif self.facts.positive(-side * sympy.re(m.rate)) is False:
                raise NotFoundError(f"a part of the integral diverges towards {x}")
            # where it depends on parameters whether it falls, that is a condition of the result

    def _wave(self, f: Monomial, g: Monomial) -> Iterable[Monomial]:
        rate, t = sympy.expand(f.rate - g.rate), self.t
        inverse = _inverse(rate)
        flat = rate == 0 or self.facts.equal(f.rate, g.rate)
        constant = f.constant + g.constant + g.rate * t
        for m in range(g.power + 1):
            scale = f.coefficient * g.coefficient * math.comb(g.power, m) * (-1) ** m * t ** (g.power - m)
            power = f.power + m
            if flat:
                yield Monomial(scale / (power + 1), power + 1, constant=constant)
                continue
            for j in range(power + 1):
                weight = (-1) ** j * math.perm(power, j) * inverse ** (j + 1)
                yield Monomial(scale * weight, power - j, rate, constant=constant)


def _inverse(rate: Expr) -> Expr:
    """1/(x + iy) = (x - iy)/(x² + y²), with letters that count as real"""
    if not rate.has(sympy.I):
        return 1 / rate if rate != 0 else sympy.zoo
    turned = rate.subs(sympy.I, -sympy.I)
    return turned / sympy.expand(rate * turned)


def written(parts: Iterable[Expr], t: Symbol) -> Expr:
    """The sum of expressions in t, with what belongs together collected."""
    return shortest(expression([m for part in parts for m in monomials(part, t)], t))


def _collected(e: Expr, tau: Symbol) -> Expr:
    """τ once in each exponent."""
    return shortest(e.replace(sympy.exp, lambda x: sympy.exp(sympy.collect(sympy.expand(x), tau))))
