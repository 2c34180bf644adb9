r"""Rational functions, with waves beside them, smeared by a Gaussian: the Faddeeva function w(ζ) = exp(-ζ²)·erfc(-iζ).

    ∫ e^{κτ}/(τ - z)·e^{-α(t-τ)² + λ(t-τ)} dτ = iπ·e^{-α(t-z)² + λ(t-z) + κz}·erfc(-iζ),  ζ = √α·(z - t) - (κ - λ)/2√α,

where z lies above the line; below it, -iπ and erfc(iζ), and of a pole on the line, the mean of both. A higher order is
a derivative by z, a power beside the Gaussian one by λ (B. H. Armstrong, Spectrum line profiles: the Voigt function,
1967).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

from sympy import I, Symbol

from .errors import NotFoundError, OpenQuestion
from .facts import Facts
from .logarithms import conjugated, is_real, powers_of
from .monomials import Monomial, monomials
from .pieces import Piece
from .residues import Residues
from .sums import parts
from .terms import Term
from .types import Expr, sympy

__all__ = ["smeared"]


def smeared(
    rational: Sequence[Term], gaussians: Sequence[Term], t: Symbol, facts: Facts, principal: bool = False
) -> list[Term]:
    """The convolution of rational functions on the line, all of them together, with Gaussians."""
    fractions, _ = Residues(rational, [], t, facts, principal).partial_fractions()
    found: list[Term] = []
    for square, group in _by_square(gaussians, t).items():
        if not facts.positive(-square):
            raise NotFoundError(f"no method convolves a rational function with exp({square}·t²)")
        powers = powers_of(group)
        real = is_real(fractions) and is_real(powers)
        done: set[tuple[Expr, ...]] = set()
        above = sorted(fractions.items(), key=lambda part: not facts.positive(parts(sympy.expand(part[0][1]))[1]))
        for (kappa, z, n), c in above:
            for (rate, k), factor in powers.items():
                key = (kappa, z, n, rate, k)
                other = tuple(sympy.expand(conjugated(e)) for e in key)
                if real and other in done:
                    continue
                done.add(key)
                value = c * factor * _transform(z, n, kappa, rate, k, -square, t, facts)
                paired = real and other != key
                found += [(Piece(sympy.S.One), m) for m in _monomials(value, paired, t)]
    return found


def _by_square(gaussians: Sequence[Term], t: Symbol) -> dict[Expr, list[Term]]:
    found: dict[Expr, list[Term]] = defaultdict(list)
    for piece, m in gaussians:
        if not (piece.low.is_infinite and piece.high.is_infinite):
            raise NotFoundError(f"no method convolves a rational function with part of {m.expression(t)}")
        found[m.square].append((piece, m))
    return found


def _transform(z: Expr, n: int, kappa: Expr, rate: Expr, k: int, alpha: Expr, t: Symbol, facts: Facts) -> Expr:
    """∫ e^{κτ}/(τ - z)ⁿ·(t - τ)^k e^{-α(t-τ)² + λ(t-τ)} dτ"""
    x, y = sympy.Dummy("z"), sympy.Dummy("λ")
    root = sympy.sqrt(alpha)
    zeta = root * (x - t) - (kappa - y) / (2 * root)
    front = sympy.pi * sympy.exp(-alpha * (t - x) ** 2 + y * (t - x) + kappa * x)
    height = parts(sympy.expand(z))[1]
    if height == 0:
        turned = sympy.expand(kappa - rate).has(I)
        value = I * front * sympy.erf(I * zeta) if turned else -front * sympy.erfi(zeta)
    else:
        above = facts.positive(height)
        if above is None:
            raise OpenQuestion(sympy.Gt(height, 0), apart=True)
        sign = 1 if above else -1
        value = sign * I * front * sympy.erfc(-sign * I * zeta)
    value = sympy.diff(value, (x, n - 1), (y, k))
    return value.subs({x: z, y: rate}) / math.factorial(n - 1)


def _monomials(value: Expr, paired: bool, t: Symbol) -> Iterable[Monomial]:
    """Gaussians, and products of them with an error function, each with its conjugate if it is one of a pair."""
    plain, beside = sympy.S.Zero, defaultdict[Expr, Expr](lambda: sympy.S.Zero)
    for term in sympy.Add.make_args(sympy.expand(value, power_base=False, power_exp=False)):
        rest, error = term.as_independent(sympy.erf, sympy.erfc, sympy.erfi, as_Add=False)
        if error == 1:
            plain += term
        else:
            beside[error.func(sympy.expand(error.args[0]))] += rest
    for error, factor in beside.items():
        for m in monomials(sympy.expand(factor, power_base=False, power_exp=False), t):
            yield from _with_conjugate(m, error, paired, t)
    for m in monomials(plain, t):
        yield from _with_conjugate(m, sympy.S.One, paired, t)


def _with_conjugate(m: Monomial, error: Expr, paired: bool, t: Symbol) -> Iterable[Monomial]:
    if error == 1:
        yield m
        if paired:
            yield Monomial(conjugated(m.coefficient), m.power, conjugated(m.rate), m.square, conjugated(m.constant))
        return
    whole = m.expression(t) * error  # left whole: a product of which each factor alone is complex
    yield Monomial(sympy.S.One, special=whole + conjugated(whole) if paired else whole)
