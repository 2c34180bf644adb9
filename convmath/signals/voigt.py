r"""Rational functions smeared by a Gaussian: the Faddeeva function w(ζ) = exp(-ζ²)·erfc(-iζ).

∫ e^{-α(t-τ)²}/(τ - z) dτ = iπ·w(ζ) with ζ = √α·(z - t), where z lies above the line; below it, the conjugate's
conjugate. A higher order is a derivative by z (B. H. Armstrong, Spectrum line profiles: the Voigt function, 1967).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from sympy import I, Symbol

from .errors import NotFoundError
from .facts import Facts
from .monomials import Monomial
from .pieces import Piece
from .residues import Residues
from .terms import Term
from .types import Expr, sympy

__all__ = ["smeared"]


def smeared(rational: Sequence[Term], gaussian: Term, t: Symbol, facts: Facts) -> list[Term]:
    """The convolution of a rational function, all of its terms together, with a Gaussian on all of the line."""
    piece, g = gaussian
    if g.power or not (piece.low.is_infinite and piece.high.is_infinite) or not g.rate.is_extended_real:
        raise NotFoundError(f"no method convolves a rational function with {g.expression(t)}")
    residues = Residues(rational, [], t, facts)
    poles, _ = residues.partial_fractions()
    alpha, centre = -g.square, sympy.cancel(-g.rate / (2 * g.square))
    scale = g.coefficient * sympy.exp(sympy.expand(g.constant - g.rate**2 / (4 * g.square)))
    found = []
    for z, order, c in poles:
        above = facts.positive(sympy.im(z))
        if above is None:
            raise NotFoundError(f"whether {z} is above the real line is not known")
        if sympy.conjugate(z) in {w for w, n, _ in poles if n == order} and not above:
            continue  # its conjugate has it
        value = scale * c * _transform(z, order, alpha, t - centre, above)
        if any(sympy.expand(w - sympy.conjugate(z)) == 0 and n == order for w, n, _ in poles):
            value = 2 * sympy.re(value)
        found.append((Piece(sympy.S.One), Monomial(sympy.S.One, special=value)))
    return found


def _transform(z: Expr, order: int, alpha: Expr, t: Expr, above: bool) -> Expr:
    """∫ e^{-α(t-τ)²}/(τ - z)ⁿ dτ"""
    x = sympy.Dummy("z")
    zeta = sympy.sqrt(alpha) * (x - t)
    sign = 1 if above else -1
    value = sign * I * sympy.pi * sympy.exp(-(zeta**2)) * sympy.erfc(-sign * I * zeta)
    return sympy.diff(value, x, order - 1).subs(x, z) / math.factorial(order - 1)
