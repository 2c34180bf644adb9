r"""Error functions as convolutions that are not carried out: erf(mt + n) is the sign function, smeared by a Gaussian.

With s = t + n/m > 0 as a step, erf(mt + n) = 2·u(s) ∗ G - 1 = 1 - 2·u(-s) ∗ G, G = m/√π·e^{-m²t²}. Powers and
exponentials beside it go inside, by e^{λt}(A ∗ G) = (e^{λt}A) ∗ (e^{λt}G) and t(A ∗ G) = (tA) ∗ G + A ∗ (tG). Then (A
∗ G) ∗ (B ∗ H) = (A ∗ B) ∗ (G ∗ H): exponentials meet exponentials, Gaussians Gaussians, and what is left is one pair.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sympy import Symbol, oo

from .errors import NotFoundError, OpenQuestion
from .facts import Facts
from .monomials import Monomial, linear
from .pieces import Piece
from .terms import Term
from .types import Expr, sympy

__all__ = ["Smeared", "is_smeared", "resolved"]


@dataclass(frozen=True, slots=True)
class Smeared:
    """The exponentials on half a line, and the Gaussian that smears them."""

    sharp: tuple[Term, ...]
    gaussian: tuple[Term, ...]


def is_smeared(term: Term, t: Symbol) -> bool:
    piece, monomial = term
    special = monomial.special
    on_the_line = piece.low is -oo and piece.high is oo
    wave = isinstance(special, sympy.erf | sympy.erfc) and linear(special.args[0], t) is not None
    return on_the_line and wave and monomial.square == 0


def resolved(term: Term, side: int, t: Symbol, facts: Facts) -> tuple[Term, list[Smeared]]:
    """A term with an error function in it as an exponential and smeared ones, which begin (1) or end (-1) at its
    centre.
    """
    piece, monomial = term
    found = linear(monomial.special.args[0], t)
    assert found is not None
    slope, offset = found
    if not slope.is_extended_real:
        raise NotFoundError(f"{monomial.special} with a slope that may be complex is not resolved")
    if (positive := facts.positive(slope)) is None:
        raise OpenQuestion(sympy.Gt(slope, 0), apart=True)
    sign = sympy.S.One if positive else -sympy.S.One
    slope, offset = slope * sign, offset * sign
    centre = sympy.cancel(-offset / slope)
    complement = isinstance(monomial.special, sympy.erfc)  # 1 - erf
    scale = monomial.coefficient * (-sign if complement else sign)
    plain = -side * scale + (monomial.coefficient if complement else 0)
    half = Piece(sympy.S.One, centre, oo) if side > 0 else Piece(sympy.S.One, -oo, centre)
    smeared = [
        Smeared(
            (
                (
                    half,
                    _monomial(
                        2 * side * scale * math.comb(monomial.power, k), monomial.power - k, monomial, monomial.constant
                    ),
                ),
            ),
            ((Piece(sympy.S.One), _gaussian(slope, k, monomial.rate)),),
        )
        for k in range(monomial.power + 1)
    ]
    return (piece, _monomial(plain, monomial.power, monomial, monomial.constant)), smeared


def _monomial(coefficient: Expr, power: int, like: Monomial, constant: Expr) -> Monomial:
    return Monomial(coefficient, power, like.rate, constant=constant)


def _gaussian(slope: Expr, power: int, rate: Expr) -> Monomial:
    return Monomial(slope / sympy.sqrt(sympy.pi), power, rate, square=-(slope**2))
