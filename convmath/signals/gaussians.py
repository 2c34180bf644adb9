r"""Powers times exponentials of quadratics, on intervals: Gaussians, parts of them, and the error functions that come
of them.

With f = τ^i·e^{q(τ)} and g = τ^j·e^{r(τ)} the integrand of f ∗ g is a polynomial in τ times exp(-κτ² + Bτ + C), with
B and C that depend on t, and it has an antiderivative in

    J₀ = ½√(π/κ)·e^{B²/4κ}·erf(√κ·τ - B/(2√κ)),   2κ·J_k = -τ^{k-1}·e^{-κτ²+Bτ} + B·J_{k-1} + (k-1)·J_{k-2}.

Where κ is imaginary, √κ·τ goes to ±∞ along arg ±π/4, where erf still tends to ±1: Fresnel's integrals.

One-sided parts meet at the sum of their break points, as poles do.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from sympy import I, Symbol, oo

from .errors import DivergentError, NotFoundError, OpenQuestion
from .factors import factored
from .facts import Facts
from .limits import limits
from .monomials import Monomial, quadratic
from .pieces import Piece
from .scalars import Field, Number
from .series import product, summed
from .terms import Term
from .types import Expr, sympy

__all__ = ["Integrand", "joined"]


def joined(first: Term, second: Term, t: Symbol, facts: Facts) -> list[Term]:
    """The convolution of two monomials on intervals, where their squares do not cancel."""
    (here, f), (there, g) = first, second
    inner = Integrand(f, g, t, facts)
    found: list[Term] = []
    for sign, low, high, start, end in limits((here.low, here.high), (there.low, there.high), t):
        piece = Piece(sympy.S.One, start, end)
        found += [(piece, m) for m in inner.between(low, high, sign)]
    return found


class Integrand:
    """τ^i·e^{q(τ)}·(t - τ)^j·e^{r(t - τ)} and its antiderivative."""

    def __init__(self, f: Monomial, g: Monomial, t: Symbol, facts: Facts):
        self.f, self.g, self.t, self.facts = f, g, t, facts
        self.kappa = factored(-(f.square + g.square))
        size: Any = sympy.re(self.kappa)
        turn: Expr = sympy.S.Zero
        if self.kappa.has(I) or self.kappa.is_extended_real is False:
            size, turn = map(sympy.expand, self.kappa.as_real_imag())
            if size != 0 and sympy.expand(size.replace(sympy.im, lambda _: sympy.S.Zero)) == 0:
                raise NotFoundError(
                    f"whether exp(({-self.kappa})·τ²) turns or grows is not known: its symbols may be complex"
                )
        # asked as shortly as it can be said
        asked: Any = sympy.re(self.kappa, evaluate=False) if sympy.Add(size).has(sympy.im) and turn == 0 else size
        self.decays = self._positive(size, asked)
        self.turns = not self.decays and turn != 0 and not self._positive(-size)
        if sympy.expand(self.kappa) == 0 or (self.turns and facts.equal(turn, sympy.S.Zero)):
            raise NotFoundError("no method convolves exponentials of quadratics whose squares cancel")
        self.root = sympy.sqrt(self.kappa if self.decays else -self.kappa)
        self.inverse = 1 / self.root
        if self.turns:
            sign = 1 if self._positive(turn) else -1
            size = sympy.sqrt(2 * sign * turn)
            self.root, self.inverse = size * (1 + sign * I) / 2, (1 - sign * I) / size
        self.slope = -2 * g.square  # of B, by t
        self.offset = sympy.expand(f.rate - g.rate)
        # e^{B²/4κ + C}, by powers of t
        square = factored(-f.square * g.square / self.kappa)
        rate = factored(self.slope * self.offset / (2 * self.kappa) + g.rate)
        constant = sympy.expand(factored(self.offset**2 / (4 * self.kappa)) + f.constant + g.constant)
        self.front = (square, rate, constant)

    def _positive(self, e: Expr, asked: Expr | None = None) -> bool:
        if (found := self.facts.positive(e)) is None:
            raise OpenQuestion(sympy.Gt(e if asked is None else asked, 0), apart=True)
        return found

    def between(self, low: Expr, high: Expr, sign: int) -> list[Monomial]:
        """The integral from one limit to another, as monomials in t."""
        return [*self.at(high, sign), *self.at(low, -sign)]

    def at(self, x: Expr, sign: int) -> Iterable[Monomial]:
        x = sympy.sympify(x)
        before, beside = self._polynomials(x)
        scale = sign * self.f.coefficient * self.g.coefficient
        front = scale * sympy.sqrt(sympy.pi) * self.inverse / 2
        square, rate, constant = self.front
        special = self._error(x)
        for power, value in before:
            if special.is_number:
                yield Monomial(front * value * special, power, rate, square, constant)
            else:
                yield Monomial(front * value, power, rate, square, constant, special)
        if not beside or x.is_infinite:
            return
        exponent = self.f.exponent(x) + self.g.exponent(self.t - x)
        found = quadratic(sympy.expand(exponent), self.t)
        assert found is not None
        for power, value in beside:
            yield Monomial(scale * value, power, found[1], found[0], found[2])

    def _error(self, x: Expr) -> Expr:
        """What the front is multiplied by at a limit; at ±∞ a number."""
        if x.is_infinite:
            if self.turns:
                self._converges(1 if x is oo else -1)
            elif not self.decays:
                raise DivergentError(f"the integral diverges: the exponent goes as ({-self.kappa})·τ²")
            return sympy.Integer(1 if x is oo else -1)
        root, inverse = self.root, self.inverse
        if self.decays or self.turns:
            slope_x = sympy.diff(x, self.t)
            at = factored(slope_x * root - self.slope * inverse / 2) * self.t
            return sympy.erf(at + factored(root * x.subs(self.t, 0) - self.offset * inverse / 2))
        at = factored(sympy.diff(x, self.t) * root + self.slope * inverse / 2) * self.t
        return sympy.erfi(at + factored(root * x.subs(self.t, 0) + self.offset * inverse / 2))

    def _converges(self, direction: int) -> None:
        """Refuse what does not fall beside a quadratic that is imaginary: τ^k·e^{iτ²} has an integral for k = 0 alone,
        which is Fresnel's, and any beside what falls.
        """
        growth = [sympy.expand(direction * sympy.re(e)) for e in (self.slope, self.offset)]
        falls = growth[0] == 0 and growth[1] != 0 and self._positive(-growth[1])
        still = growth[0] == 0 and not falls and (growth[1] == 0 or not self._positive(growth[1]))
        if not (falls or (still and self.f.power + self.g.power == 0)):
            raise NotFoundError(f"no method integrates exp(({-self.kappa})·τ²) with what does not fall beside it")

    def _polynomials(self, x: Expr) -> tuple[list[tuple[int, Expr]], list[tuple[int, Expr]]]:
        """By powers of t, what stands before J₀·e^C and before the exponential at a limit."""
        limit = None if x.is_infinite else [x.subs(self.t, 0), sympy.diff(x, self.t)]
        field = Field([self.kappa, self.slope, self.offset, *(limit or ())])
        number = field.number
        b, inverse = [number(self.offset), number(self.slope)], (number(self.kappa) * 2).inverse()
        factors = [([field.one], [field.zero])]  # J_k = α·J₀ + β·e^{…}
        highest, upper = [field.one], limit and [number(c) for c in limit]
        for k in range(1, self.f.power + self.g.power + 1):
            alpha, beta = (product(b, part) for part in factors[k - 1])
            if k > 1:
                alpha, beta = (
                    summed(part, [c * (k - 1) for c in low])
                    for part, low in zip((alpha, beta), factors[k - 2], strict=True)
                )
            if upper:
                beta = summed(beta, [-c for c in highest])
                highest = product(highest, upper)
            factors.append(([c * inverse for c in alpha], [c * inverse for c in beta]))
        before, beside = [field.zero], [field.zero]
        for part in range(self.g.power + 1):
            weight = math.comb(self.g.power, part) * (-1) ** part
            shift = [field.zero] * (self.g.power - part)
            alpha, beta = factors[self.f.power + part]
            before = summed(before, [*shift, *(c * weight for c in alpha)])
            beside = summed(beside, [*shift, *(c * weight for c in beta)])
        return _by_powers(before), _by_powers(beside)


def _by_powers(polynomial: Sequence[Number]) -> list[tuple[int, Expr]]:
    return [(power, c.expression) for power, c in enumerate(polynomial) if c]
