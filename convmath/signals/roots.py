r"""Functions with exp(-a√p)·p^{-m/2} as Laplace transform, from a point on: the densities of first passages, and what
heat flowing into a half-space makes of powers.

    a/2√π·s^{-3/2} e^{-a²/4s} ↔ e^{-a√p},   e^{-a²/4s}/√(πs) ↔ e^{-a√p}/√p,   erfc(a/2√s) ↔ e^{-a√p}/p,

and F_{n+2} = (2s·F_n - a·F_{n+1})/n, so that a and m add (H. S. Carslaw, J. C. Jaeger, Conduction of heat in solids,
1959, appendix II). With a = 0 they are powers of √s.
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Symbol, oo

from .facts import Facts
from .monomials import Monomial
from .pieces import Piece
from .terms import Term
from .types import Expr, sympy

__all__ = ["joined"]

S = sympy.Dummy("s", positive=True)
ONE, ZERO, HALF = sympy.S.One, sympy.S.Zero, sympy.S.Half


@dataclass(frozen=True, slots=True)
class Image:
    """c·e^{-a√p}·p^{-m/2}"""

    coefficient: Expr
    root: Expr
    order: int


def joined(first: Term, second: Term, t: Symbol, facts: Facts) -> list[Term] | None:
    """Two terms, of which one is no power; None where they are not of this class."""
    left, right = (_images(term, t, facts) for term in (first, second))
    if left is None or right is None:
        return None
    if sympy.expand(first[1].rate - second[1].rate) != 0:
        return None
    since = sympy.expand(first[0].low + second[0].low)
    factor = sympy.exp(sympy.expand(first[1].rate * (t - since)))
    found = ZERO
    for f in left:
        for g in right:
            root, order = sympy.factor(f.root + g.root), f.order + g.order
            found += f.coefficient * g.coefficient * _function(root, order)
    return [(Piece(ONE, since, oo), Monomial(ONE, special=found.subs(S, t - since) * factor))]


def _images(term: Term, t: Symbol, facts: Facts) -> list[Image] | None:
    piece, m = term
    if piece.low is -oo or piece.high is not oo or m.square != 0:
        return None
    value = sympy.expand((m.coefficient * t**m.power * m.special).subs(t, S + piece.low), power_base=False)
    scale = sympy.exp(sympy.expand(m.constant + m.rate * piece.low))
    found: list[Image] = []
    for part in sympy.Add.make_args(sympy.powsimp(value)):
        factor, rest = part.as_independent(S, as_Add=False)
        images = _of(rest, facts)
        if images is None:
            return None
        found += [Image(scale * factor * i.coefficient, i.root, i.order) for i in images]
    return found


def _of(e: Expr, facts: Facts) -> list[Image] | None:
    """s^q, s^q·e^{-c/s} and erfc(c/√s)"""
    power, exponent, error = ZERO, ZERO, None
    for part in sympy.Mul.make_args(e):
        base, raised = part.as_base_exp()
        if isinstance(part, sympy.exp):
            exponent += part.args[0]
        elif base == S and not raised.has(S):
            power += raised
        elif isinstance(part, sympy.erf | sympy.erfc) and error is None:
            error = part
        elif part != 1:
            return None
    order = 2 * power + 2
    if not order.is_Integer:
        return None
    if error is not None:
        size = sympy.cancel(error.args[0] * sympy.sqrt(S))
        if exponent != 0 or power != 0 or size.has(S) or not facts.positive(size):
            return None
        smeared = Image(ONE, 2 * size, 2)
        if isinstance(error, sympy.erfc):
            return [smeared]
        return [Image(ONE, ZERO, 2), Image(-ONE, 2 * size, 2)]
    if exponent == 0:
        return [Image(sympy.gamma(power + 1), ZERO, int(order))] if order > 0 else None
    size = sympy.cancel(-exponent * S)
    if size.has(S) or not facts.positive(size):
        return None
    a = 2 * sympy.sqrt(size)
    root = sympy.sqrt(sympy.pi)
    if order == -1:
        return [Image(2 * root / a, a, 0)]
    if order == 1:
        return [Image(root, a, 1)]
    if order == 3:
        return [Image(root / 2, a, 3), Image(root * a / 2, a, 2)]
    return None


def _function(a: Expr, order: int) -> Expr:
    """What e^{-a√p}·p^{-m/2} is the transform of."""
    if a == 0:
        return S ** (order * HALF - 1) / sympy.gamma(order * HALF)
    bell = sympy.exp(-(a**2) / (4 * S)) / sympy.sqrt(sympy.pi * S)
    functions = [a / (2 * S) * bell, bell, sympy.erfc(a / (2 * sympy.sqrt(S)))]
    for n in range(1, order - 1):
        functions.append(sympy.expand((2 * S * functions[n] - a * functions[n + 1]) / n))
    return functions[order]
