r"""Functions of a whole period that are rational in e^{2πit/P}: waves and their quotients, as Poisson's kernel.

With z = e^{2πiτ/P}, and Z = e^{2πit/P} beside, ∫₀^P f(τ) g(t - τ) dτ is P times the sum of the residues of
F(z)·G(Z/z)/z within the unit circle: at 0, at the poles of F within it, and at Z/η for the poles η of G beyond it.
"""

from __future__ import annotations

import math

from sympy import I, Symbol

from .errors import DivergentError, NotFoundError
from .facts import Facts
from .types import Expr, sympy

__all__ = ["convolved"]

ONE = sympy.S.One


def convolved(f: Expr, g: Expr, t: Symbol, period: Expr, facts: Facts) -> Expr | None:
    """The circular convolution; None where one of the functions is not of this class."""
    z, big = sympy.Dummy("z"), sympy.Dummy("Z")
    left, right = (_rational(e, t, period, z) for e in (f, g))
    if left is None or right is None:
        return None
    integrand = sympy.cancel(sympy.together(left * right.subs(z, big / z) / z))
    inside = [sympy.S.Zero]
    inside += [pole for pole in _poles(left, z) if _within(pole, facts)]
    inside += [big / pole for pole in _poles(right, z) if not _within(pole, facts)]
    total = sympy.Add(*(_residue(integrand, z, pole) for pole in dict.fromkeys(inside)))
    return _in_waves(sympy.cancel(sympy.together(period * total)), big, 2 * sympy.pi * t / period)


def _rational(e: Expr, t: Symbol, period: Expr, z: Symbol) -> Expr | None:
    """A function of t as one of z."""
    written = sympy.powsimp(e.rewrite(sympy.exp), force=True)
    written = sympy.expand(written.subs(t, sympy.log(z) * period / (2 * sympy.pi * I)), power_exp=True)
    found = sympy.together(sympy.powdenest(written, force=True))
    return sympy.cancel(found) if found.is_rational_function(z) and not found.has(sympy.log) else None


def _poles(e: Expr, z: Symbol) -> list[Expr]:
    """Other than 0."""
    denominator = sympy.Poly(sympy.fraction(e)[1], z)
    roots = sympy.roots(denominator)
    if sum(roots.values()) != denominator.degree():
        raise NotFoundError(f"the zeros of {denominator.as_expr()} are not found in closed form")
    return [root for root in roots if root != 0]


def _within(pole: Expr, facts: Facts) -> bool:
    size = sympy.Abs(pole)
    for smaller, found in ((facts.before(size, ONE), True), (facts.before(ONE, size), False)):
        if smaller:
            return found
    if facts.equal(size, ONE):
        raise DivergentError("the integral diverges: a function has a pole on the line")
    raise NotFoundError(f"whether the pole {pole} is within the unit circle is not known")


def _residue(e: Expr, z: Symbol, pole: Expr) -> Expr:
    numerator, denominator = sympy.fraction(e)
    polynomial, order = sympy.Poly(denominator, z), 0
    while True:
        quotient, rest = sympy.div(polynomial, sympy.Poly(z - pole, z))
        if sympy.simplify(rest.as_expr()) != 0:
            break
        polynomial, order = quotient, order + 1
    if order == 0:
        return sympy.S.Zero
    near = numerator / polynomial.as_expr()
    return sympy.diff(near, z, order - 1).subs(z, pole) / math.factorial(order - 1)


def _in_waves(e: Expr, big: Symbol, angle: Expr) -> Expr:
    """A rational function of e^{iθ} in cosines and sines of multiples of θ."""
    numerator, denominator = sympy.fraction(sympy.factor(e))
    middle = sympy.Rational(_middle(denominator, big), 2)
    above, below = (_wave(part, big, middle, angle) for part in (numerator, denominator))
    return sympy.factor_terms(sympy.cancel(above / below)) if not above.has(I) else above / below


def _middle(e: Expr, big: Symbol) -> int:
    """The sum of the lowest and the highest power."""
    powers = [monomial[0] for monomial in sympy.Poly(e, big).monoms()]
    return max(powers) + min(powers)


def _wave(e: Expr, big: Symbol, middle: Expr, angle: Expr) -> Expr:
    found = sympy.S.Zero
    for (power,), c in sympy.Poly(e, big).terms():
        turn = (power - middle) * angle
        found += c * (sympy.cos(turn) + I * sympy.sin(turn))
    return sympy.expand(found)
