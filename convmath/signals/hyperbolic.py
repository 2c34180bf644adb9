r"""Functions that are rational in e^{at}, as 1/cosh at and tanh′ are: integrals over x = e^{aτ} from 0 to ∞.

With F and G rational, (f ∗ g)(t) = 1/a·∫_0^∞ F(x)·G(T/x) dx/x for T = e^{at}, and ∫_0^∞ R(x) dx is minus the sum of
the residues of R(z)·log(-z) at all poles: those of F stay where they are, those of G turn into multiples of T, whose
logarithm is at.
"""

from __future__ import annotations

from sympy import Symbol

from .errors import DivergentError, NotFoundError
from .monomials import Monomial
from .pieces import Piece
from .residues import met
from .scalars import Field, Number
from .series import divided, taylor
from .terms import Term, Terms
from .types import Expr, sympy

__all__ = ["is_hyperbolic", "joined"]

HYPERBOLIC = (sympy.sinh, sympy.cosh, sympy.tanh, sympy.coth, sympy.sech, sympy.csch)


def _rate(e: Expr, t: Symbol) -> Expr | None:
    """a, where all exponentials are of whole multiples of at."""
    rates = {sympy.diff(x.args[0], t) for x in e.atoms(sympy.exp, *HYPERBOLIC) if x.has(t)}
    if not rates or any(rate.has(t) for rate in rates):
        return None
    first = min(rates, key=lambda r: (sympy.count_ops(r), str(r)))
    ratios = [sympy.cancel(rate / first) for rate in rates]
    if not all(ratio.is_Rational for ratio in ratios):
        return None
    return sympy.Abs(first) / sympy.ilcm(1, *(ratio.q for ratio in ratios), 1) if first.is_extended_real else None


def is_hyperbolic(term: Term, t: Symbol) -> bool:
    piece, m = term
    whole = piece.low.is_infinite and piece.high.is_infinite
    return bool(whole and m.square == 0 and m.power == 0 and _rational(term, t) is not None)


def _rational(term: Term, t: Symbol) -> tuple[Expr, Symbol, Expr] | None:
    """The function of x = e^{at}, x and a."""
    e = term[1].expression(t)
    rate = _rate(e, t)
    if rate is None:
        return None
    x = Symbol("x", positive=True)
    written = sympy.powsimp(e.rewrite(sympy.exp), force=True).subs(t, sympy.log(x) / rate)
    written = sympy.cancel(sympy.together(sympy.expand(sympy.powdenest(written, force=True), power_exp=True)))
    return (written, x, rate) if written.is_rational_function(x) and not written.has(sympy.log) else None


def joined(first: Term, second: Term, t: Symbol, principal: bool = False) -> Terms:
    f, g = _rational(first, t), _rational(second, t)
    assert f is not None
    assert g is not None
    (left, x, a), (right, y, b) = f, g
    ratio = sympy.cancel(b / a)
    if not ratio.is_Rational:
        raise NotFoundError(f"hyperbolic functions of {a}*t and {b}*t are not convolved")
    rate = a / ratio.q  # of which both are whole multiples
    left, right = left.subs(x, x**ratio.q), right.subs(y, x**ratio.p)
    big = Symbol("T", positive=True)
    integrand = sympy.cancel(sympy.together(left * right.subs(x, big / x) / (rate * x)))
    poles = [_on_the_line(e, x, rate, principal) for e in (left, right.subs(y, x))]
    value = _from_0_to_infinity(integrand, x, big, rate * t)
    smooth = (Piece(sympy.S.One), Monomial(sympy.S.One, special=_written(value, big, rate * t)))
    return Terms((smooth,), met(*poles))


def _on_the_line(e: Expr, x: Symbol, rate: Expr, principal: bool) -> dict[Expr, Expr]:
    """The residues in τ at the poles on the line, which are at x > 0."""
    numerator, denominator = sympy.fraction(e)
    found = {}
    for root, order in sympy.roots(sympy.Poly(denominator, x)).items():
        if root.is_positive:
            at = sympy.log(root) / rate
            if order > 1 or not principal:
                asked = "; its principal value is found with pv=True" if order == 1 else ""
                raise DivergentError(f"the integral diverges: there is a pole of order {order} at {at}{asked}")
            slope = sympy.diff(denominator, x)
            found[at] = sympy.cancel((numerator / slope).subs(x, root) / (rate * root))
    return found


def _from_0_to_infinity(integrand: Expr, x: Symbol, big: Symbol, exponent: Expr) -> dict[Expr, Number]:
    """The integral, by powers of what is the logarithm of T."""
    numerator, denominator = sympy.fraction(integrand)
    top, bottom = sympy.Poly(numerator, x), sympy.Poly(denominator, x)
    if bottom.nth(0) == 0 or top.degree() > bottom.degree() - 2:
        raise DivergentError("the integral diverges: the product of the functions does not fall towards both ends")
    roots = sympy.roots(bottom)
    if sum(roots.values()) != bottom.degree():
        raise NotFoundError(f"the zeros of {denominator} are not found in closed form")
    zeros = {sympy.expand_complex(root): times for root, times in roots.items()}
    logarithms = {z: _logarithm(z, big) for z in zeros}
    field = Field([big, sympy.pi, *top.all_coeffs(), bottom.LC(), *zeros, *(c for _, c in logarithms.values())])
    number, total = field.number, {sympy.S.One: field.zero, exponent: field.zero}
    points = {z: number(z) for z in zeros}
    coefficients = [number(c) * number(bottom.LC()).inverse() for c in reversed(top.all_coeffs())]
    for z, times in zeros.items():
        series = taylor(coefficients, points[z], times)
        for other, power in zeros.items():
            if other != z:
                for _ in range(power):
                    series = divided(series, points[z] - points[other])
        share, constant = logarithms[z]
        total[exponent] = total[exponent] - series[times - 1] * share
        total[sympy.S.One] = total[sympy.S.One] - series[times - 1] * number(constant)
        for k in range(1, times):  # log(-z - s) = log(-z) + s/z - s²/2z² + …
            term = series[times - 1 - k] * (points[z] * -1) ** -k
            total[sympy.S.One] = total[sympy.S.One] + term * number(sympy.Rational(1, k))
    return total


def _logarithm(z: Expr, big: Symbol) -> tuple[int, Expr]:
    """log(-z) for z = c·T^k, as k and log(-c); for c > 0 the mean of both sides of the cut, of a principal value."""
    power = sympy.degree(z, big) if z.has(big) else 0
    constant = sympy.expand_complex(z / big**power)
    if constant.has(big):
        raise NotFoundError(f"the pole {z} is no multiple of a power of exp(at)")
    if constant.is_positive:
        return int(power), sympy.log(constant)
    return int(power), sympy.expand_complex(sympy.log(-constant))


def _written(value: dict[Expr, Number], big: Symbol, exponent: Expr) -> Expr:
    """Rational functions of T = e^{at} in hyperbolic functions."""
    return sympy.Add(*(factor * _hyperbolic(number.expression, big, exponent) for factor, number in value.items()))


def _hyperbolic(e: Expr, big: Symbol, exponent: Expr) -> Expr:
    """T ± 1 = 2·e^{at/2}·cosh(at/2) or sinh, and T² ± 1 likewise with the whole of at."""
    e = sympy.factor(sympy.cancel(e))
    numerator, denominator = sympy.fraction(e)
    found = sympy.S.One
    for part, sign in ((numerator, 1), (denominator, -1)):
        constant, factors = sympy.factor_list(part, big)
        found *= constant**sign
        orders = {sympy.Poly(f, big).monic().as_expr(): (k, sympy.Poly(f, big).LC()) for f, k in factors}
        both = min(orders.get(big - 1, (0, 1))[0], orders.get(big + 1, (0, 1))[0])
        for factor, (times, leading) in orders.items():
            found *= leading ** (times * sign)
            if factor in (big - 1, big + 1):
                times -= both
            found *= _half(factor, big, exponent) ** (times * sign)
        if both:
            found *= (2 * sympy.exp(exponent) * sympy.sinh(exponent)) ** (both * sign)
    return sympy.powsimp(found)


def _half(factor: Expr, big: Symbol, exponent: Expr) -> Expr:
    if factor == big:
        return sympy.exp(exponent)
    if factor == big**2 + 1:
        return 2 * sympy.exp(exponent) * sympy.cosh(exponent)
    if factor == big - 1:
        return 2 * sympy.exp(exponent / 2) * sympy.sinh(exponent / 2)
    if factor == big + 1:
        return 2 * sympy.exp(exponent / 2) * sympy.cosh(exponent / 2)
    return factor.subs(big, sympy.exp(exponent))
