r"""Bessel functions of whole order from a point on, with powers and an exponential beside them.

    J_n(at) ↔ (R - p)ⁿ/aⁿR,   J_n(at)/t ↔ (R - p)ⁿ/n·aⁿ,   R² = p² + a²,

and I_n(at) with -a² and (p - R)ⁿ. Everything is A(p) + B(p)/R with rational functions A and B that have no poles but
those at R = 0, and stays so: t is -d/dp, and e^{±iat} are rational. On the way back

    1/R^{2k+1} ↔ t^k J_k(at)/(2k-1)!!·a^k,   p/R^{2k+1} ↔ t^k J_{k-1}(at)/(2k-1)!!·a^{k-1},

and a polynomial over R is a sum of (R - p)ⁿ/R, less their rational parts (A. Erdélyi, Tables of integral transforms I,
1954, chapter 4).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sympy import I, Symbol, oo

from .facts import Facts
from .monomials import Monomial, linear
from .pieces import Piece
from .terms import Term
from .types import Expr, sympy

__all__ = ["joined"]

P = sympy.Dummy("p")
ONE, ZERO = sympy.S.One, sympy.S.Zero


@dataclass(frozen=True, slots=True)
class Image:
    """A + B/R in p - rate, for the time since a point"""

    plain: Expr
    over: Expr
    since: Expr


@dataclass(frozen=True, slots=True)
class Kind:
    """J_n(at)·e^{λt}, or I_n(at)·e^{λt}"""

    function: Any
    slope: Expr
    rate: Expr

    @property
    def square(self) -> Expr:
        """R²"""
        return P**2 + self.slope**2 * (1 if self.function is sympy.besselj else -1)

    @property
    def turn(self) -> Expr:
        """The pole of 1/R² above"""
        return I * self.slope if self.function is sympy.besselj else self.slope


def joined(first: Term, second: Term, t: Symbol, facts: Facts) -> list[Term] | None:
    """Two terms of which one has a Bessel function in it; None where they are not of this class."""
    kinds = [kind for term in (first, second) if (kind := _kind(term, t, facts)) is not None]
    if not kinds or any(kind != kinds[0] for kind in kinds):
        return None
    f, g = (_image(term, kinds[0], t) for term in (first, second))
    if f is None or g is None:
        return None
    plain = f.plain * g.plain + f.over * g.over / kinds[0].square
    over = f.plain * g.over + f.over * g.plain
    return _back(Image(plain, over, sympy.expand(f.since + g.since)), kinds[0], t)


def _kind(term: Term, t: Symbol, facts: Facts) -> Kind | None:
    _, m = term
    found = [e for e in sympy.Mul.make_args(m.special) if isinstance(e, sympy.besselj | sympy.besseli)]
    if len(found) != 1 or (argument := linear(found[0].args[1], t)) is None or not facts.positive(argument[0]):
        return None
    return Kind(type(found[0]), argument[0], m.rate)


def _image(term: Term, kind: Kind, t: Symbol) -> Image | None:
    piece, m = term
    since = piece.low
    if since is -oo or piece.high is not oo or m.square != 0:
        return None
    plain, over = _of_exponential(m, kind) if m.special == 1 else _of_bessel(m.special, since, kind, t)
    if plain is None:
        return None
    scale = m.coefficient * sympy.exp(sympy.expand(m.constant + m.rate * since))
    total = Image(ZERO, ZERO, since)
    for k in range(m.power + 1):  # t = s + since
        weight = scale * math.comb(m.power, k) * since ** (m.power - k)
        total = Image(total.plain + weight * plain, total.over + weight * over, since)
        plain, over = -sympy.diff(plain, P), _cancelled(-sympy.diff(over, P) + over * P / kind.square)
    return total


def _of_exponential(m: Monomial, kind: Kind) -> tuple[Any, Any]:
    """e^{±iat}, beside the exponential of the kind"""
    for sign in (1, -1):
        if sympy.expand(m.rate - kind.rate - sign * kind.turn) == 0:
            return (P + sign * kind.turn) / kind.square, ZERO
    return None, None


def _of_bessel(special: Expr, since: Expr, kind: Kind, t: Symbol) -> tuple[Any, Any]:
    """J_n(as), and J_n(as)/s"""
    factors = [e for e in sympy.Mul.make_args(special) if not isinstance(e, sympy.besselj | sympy.besseli)]
    [bessel] = [e for e in sympy.Mul.make_args(special) if e not in factors]
    order, argument = bessel.args
    if not (order.is_Integer and order >= 0) or sympy.expand(argument - kind.slope * (t - since)) != 0:
        return None, None
    even, odd = _power_of_difference(int(order), kind)  # (R - p)ⁿ = even + odd·R
    scale = kind.slope**-order * (1 if kind.function is sympy.besselj else (-1) ** order)
    if not factors:
        return scale * odd, scale * even
    if order > 0 and sympy.expand(sympy.Mul(*factors) * (t - since)) == 1:
        return scale * even / order, scale * odd * kind.square / order
    return None, None


def _power_of_difference(n: int, kind: Kind) -> tuple[Expr, Expr]:
    even, odd = ONE, ZERO
    for _ in range(n):
        even, odd = sympy.expand(odd * kind.square - P * even), sympy.expand(even - P * odd)
    return even, odd


def _cancelled(e: Expr) -> Expr:
    return sympy.cancel(sympy.together(e))


def _back(image: Image, kind: Kind, t: Symbol) -> list[Term] | None:
    polynomial, fractions = _parted(image.over, kind.square)
    s, found, plain = t - image.since, [], image.plain
    function, a = kind.function, kind.slope
    for k, (numerator, slope) in fractions.items():
        double = sympy.factorial2(2 * k - 1)
        if numerator != 0:
            found.append(numerator * s**k * function(k, a * s) / (double * a**k))
        if slope != 0:
            found.append(slope * s**k * function(k - 1, a * s) / (double * a ** (k - 1)))
    while polynomial != 0:
        n = int(sympy.degree(polynomial, P))
        even, odd = _power_of_difference(n, kind)
        c = sympy.cancel(sympy.LC(polynomial, P) / sympy.LC(even, P))
        sign = 1 if function is sympy.besselj else (-1) ** n
        found.append(c * sign * a**n * function(n, a * s))
        polynomial, plain = sympy.expand(polynomial - c * even), plain - c * odd
    rest, waves = _parted(plain, kind.square)
    if rest != 0:  # impulses
        return None
    factor = sympy.exp(sympy.expand(kind.rate * s))
    piece = Piece(ONE, image.since, oo)
    terms = [(piece, Monomial(ONE, special=e * factor)) for e in found]
    for m in _waves(waves, kind, image.since):
        terms.append((piece, m))
    return terms


def _parted(e: Expr, square: Expr) -> tuple[Expr, dict[int, tuple[Expr, Expr]]]:
    """A rational function as a polynomial and Σ (c + d·p)/R^{2k}."""
    numerator, denominator = sympy.fraction(_cancelled(e))
    power = sympy.degree(denominator, P)
    rest = sympy.Poly(sympy.cancel(numerator * square**power / denominator), P, extension=True)
    found = {}
    for k in range(power, 0, -1):
        rest, remainder = sympy.div(rest, sympy.Poly(square, P))
        if not remainder.is_zero:
            found[k] = (remainder.nth(0), remainder.nth(1))
    return rest.as_expr(), found


def _waves(fractions: dict[int, tuple[Expr, Expr]], kind: Kind, since: Expr) -> Iterable[Monomial]:
    """Σ (c + d·p)/R^{2k} by its poles."""
    s = sympy.Dummy("s")
    for k, (numerator, slope) in fractions.items():
        for turn in (kind.turn, -kind.turn):
            near = (numerator + slope * (s + turn)) / (s + 2 * turn) ** k
            for j in range(1, k + 1):
                c = sympy.diff(near, s, k - j).subs(s, 0) / math.factorial(k - j) / math.factorial(j - 1)
                rate = sympy.expand(kind.rate + turn)
                for i in range(j):  # s^{j-1} with s = t - since
                    weight = math.comb(j - 1, i) * (-since) ** (j - 1 - i)
                    yield Monomial(sympy.expand(c * weight), i, rate, constant=sympy.expand(-rate * since))
