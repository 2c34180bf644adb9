r"""Functions of a whole period that are rational in e^{2πit/P}: waves and their quotients, as Poisson's kernel.

With z = e^{2πiτ/P}, and Z = e^{2πit/P} beside, ∫₀^P f(τ) g(t - τ) dτ is P times the sum of the residues of
F(z)·G(Z/z)/z within the unit circle: at 0, at the poles of F within it, and at Z/η for the poles η of G beyond it.
Under a principal value a simple pole on the circle counts half.
"""

from __future__ import annotations

import itertools
import math

from sympy import I, Symbol

from .errors import DivergentError, NotFoundError
from .facts import Facts
from .types import Expr, sympy

__all__ = ["convolved"]

ONE, HALF = sympy.S.One, sympy.S.Half


def convolved(f: Expr, g: Expr, t: Symbol, period: Expr, facts: Facts, principal: bool = False) -> Expr | None:
    """The circular convolution; None where one of the functions is not of this class."""
    z, big = sympy.Dummy("z"), sympy.Dummy("Z")
    left, right = (_rational(e, t, period, z) for e in (f, g))
    if left is None or right is None:
        return None
    integrand = sympy.cancel(sympy.together(left * right.subs(z, big / z) / z))
    share: dict[Expr, Expr] = {sympy.S.Zero: ONE}
    for pole in (first := _poles(left, z)):
        share[pole] = _share(pole, facts)
    for pole in (second := _poles(right, z)):
        share[big / pole] = ONE - _share(pole, facts)
    on_it = [_on_the_circle(part, period, facts, principal) for part in (first, second)]
    total = sympy.Add(*(part * _residue(integrand, z, pole) for pole, part in share.items() if part != 0))
    smooth = _in_waves(sympy.cancel(sympy.together(period * total)), big, 2 * sympy.pi * t / period)
    at_poles = [{p: _residue(e, z, p) for p in part} for e, part in zip((left, right), on_it, strict=True)]
    return smooth + sympy.Add(
        *(_impulse(p, q, t, period) for p, q in itertools.product(*(x.items() for x in at_poles)))
    )


def _on_the_circle(poles: dict[Expr, int], period: Expr, facts: Facts, principal: bool) -> list[Expr]:
    """The poles on the circle, which are refused but for simple ones under a principal value."""
    found = [pole for pole in poles if _share(pole, facts) == HALF]
    for pole in found:
        if (order := poles[pole]) > 1 or not principal:
            asked = "; its principal value is found with pv=True" if order == 1 else ""
            at = period * sympy.arg(pole) / (2 * sympy.pi)
            raise DivergentError(f"the integral diverges: there is a pole of order {order} at {at}{asked}")
    return found


def _impulse(first: tuple[Expr, Expr], second: tuple[Expr, Expr], t: Symbol, period: Expr) -> Expr:
    """-π²·δ(t - p - q) times the residues in t, which are those in z times dt/dz."""
    (z, r), (w, s) = first, second
    turn = sympy.arg(sympy.expand_complex(z * w)) / (2 * sympy.pi)
    if not turn.is_number:
        raise NotFoundError(f"where poles at {z} and {w} meet on a period is not known")
    scale = sympy.cancel(sympy.expand_complex(r * s / (z * w)))
    return scale * period**2 / 4 * sympy.DiracDelta(t - period * (turn - sympy.floor(turn)))


def _rational(e: Expr, t: Symbol, period: Expr, z: Symbol) -> Expr | None:
    """A function of t as one of z."""
    written = sympy.powsimp(e.rewrite(sympy.exp), force=True)
    written = sympy.expand(written.subs(t, sympy.log(z) * period / (2 * sympy.pi * I)), power_exp=True)
    found = sympy.together(sympy.powdenest(written, force=True))
    return sympy.cancel(found) if found.is_rational_function(z) and not found.has(sympy.log) else None


def _poles(e: Expr, z: Symbol) -> dict[Expr, int]:
    """Other than 0, and their orders."""
    denominator = sympy.Poly(sympy.fraction(e)[1], z)
    roots = sympy.roots(denominator)
    if sum(roots.values()) != denominator.degree():
        raise NotFoundError(f"the zeros of {denominator.as_expr()} are not found in closed form")
    return {root: times for root, times in roots.items() if root != 0}


def _share(pole: Expr, facts: Facts) -> Expr:
    """1 within the circle, ½ on it, 0 beyond it."""
    size = sympy.Abs(pole)
    if facts.equal(size, ONE):
        return HALF
    for smaller, found in ((facts.before(size, ONE), ONE), (facts.before(ONE, size), sympy.S.Zero)):
        if smaller:
            return found
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
