r"""Sequences whose generating functions are powers or exponentials, and sums of others.

C(n + p - 1, n)·qⁿ ↔ (1 - qx)^{-p} for any p, which multiply where q is the same: C(2n, n) = C(n - ½, n)·4ⁿ is one,
and a row of Pascal's triangle, C(N, n), with p = -N and q = -1. λⁿ/n! ↔ e^{λx}, so that rates add.
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Symbol, oo

from . import fallback
from .errors import NotFoundError
from .facts import Facts
from .sequences import HALF
from .terms import Term
from .types import Expr, sympy

__all__ = ["joined"]


@dataclass(frozen=True, slots=True)
class Power:
    """c·C(s + p - 1, s)·q^s from a point on, with s since then; p is None for q^s/s!"""

    coefficient: Expr
    base: Expr
    exponent: Expr | None
    since: Expr


def joined(first: Term, second: Term, n: Symbol, facts: Facts) -> Expr:
    """The convolution of two terms that begin at a point each."""
    f, g = _read(first, n), _read(second, n)
    if f and g:
        found = _product(f, g, n, facts)
        if found is not None:
            return found
    return _summed(first, second, n)


def _read(term: Term, n: Symbol) -> Power | None:
    piece, m = term
    if piece.low.is_infinite or piece.high is not oo or m.square != 0:
        return None
    since = sympy.expand(piece.low + HALF)
    base = sympy.exp(m.rate)
    scale = m.coefficient * sympy.exp(m.constant) * base**since
    special: Expr = m.special
    if m.special == 1 and m.power == 0:
        return Power(scale, base, sympy.S.One, since)
    if m.power:
        return None
    if isinstance(special, sympy.Pow) and special.exp == -1 and isinstance(special.base, sympy.factorial):
        return Power(scale, base, None, since) if sympy.expand(special.base.args[0] - n + since) == 0 else None
    if isinstance(special, sympy.binomial):
        return _binomial(special, scale, base, since, n)
    return None


def _binomial(special: Expr, scale: Expr, base: Expr, since: Expr, n: Symbol) -> Power | None:
    """C(2s, s), C(s + p - 1, s), C(s + p - 1, p - 1), C(N, s)"""
    top, bottom = (sympy.expand(a.subs(n, n + since)) for a in special.args)
    if bottom == n and top == 2 * n:
        return Power(scale, 4 * base, HALF, since)
    if bottom == n and not top.has(n):
        return Power(scale, -base, -top, since)
    for low in (bottom, sympy.expand(top - bottom)):
        if low == n:
            exponent = sympy.expand(top - n + 1)
            return None if exponent.has(n) else Power(scale, base, exponent, since)
    return None


def _product(f: Power, g: Power, n: Symbol, facts: Facts) -> Expr | None:
    since = sympy.expand(f.since + g.since)
    s, scale = n - since, f.coefficient * g.coefficient
    step = sympy.Heaviside(s, 1)
    if f.exponent is None and g.exponent is None:
        rate = sympy.factor(f.base + g.base)
        return scale * (sympy.KroneckerDelta(n, since) if rate == 0 else rate**s / sympy.factorial(s) * step)
    if f.exponent is None or g.exponent is None:
        one, other = (f, g) if f.exponent is None else (g, f)
        if other.exponent != 1:
            return None
        ratio = sympy.cancel(one.base / other.base)
        return scale * other.base**s * sympy.exp(ratio) * sympy.uppergamma(s + 1, ratio) / sympy.factorial(s) * step
    if sympy.expand(f.base - g.base) != 0 and not facts.equal(f.base, g.base):
        return None
    exponent = sympy.expand(f.exponent + g.exponent)
    if exponent.is_Integer and exponent <= 0:
        row = [
            sympy.binomial(-exponent, k) * (-f.base) ** k * sympy.KroneckerDelta(n, since + k)
            for k in range(1 - exponent)
        ]
        return scale * sympy.Add(*row)
    if exponent.is_Integer:
        value = sympy.Mul(*(s + k for k in range(1, exponent))) / sympy.factorial(exponent - 1)
    elif (-exponent).is_positive and (-exponent).is_integer:
        return scale * sympy.binomial(-exponent, s) * (-f.base) ** s * step
    else:
        value = sympy.binomial(sympy.expand(s + exponent - 1), s)
    return scale * value * f.base**s * step


def _summed(first: Term, second: Term, n: Symbol) -> Expr:
    """Σ_k f[k] g[n - k] from one beginning to the other, by SymPy's summation where it knows it."""
    (here, f), (there, g) = first, second
    if here.low.is_infinite or there.low.is_infinite or here.high is not oo or there.high is not oo:
        raise NotFoundError(f"no method convolves {f.expression(n)} with {g.expression(n)}")
    k = sympy.Dummy("k", integer=True)
    low, high = here.low + HALF, n - there.low - HALF
    left, right = f.expression(n).subs(n, k), g.expression(n).subs(n, n - k)
    found = _harmonic(left * right, k, low, high)
    if found is None:
        found = fallback.summed(sympy.expand(left * right), k, low, high)
    return sympy.Piecewise((found, n >= here.low + there.low + 1), (0, True))


def _harmonic(summand: Expr, k: Symbol, low: Expr, high: Expr) -> Expr | None:
    """Σ c/(k + b) = c·(H(high + b) - H(low + b - 1)) for whole b"""
    scale, denominator = sympy.fraction(sympy.cancel(summand))
    b = sympy.expand(denominator - k)
    if scale.has(k) or b.has(k) or not b.is_integer or (low + b).is_positive is not True:
        return None
    return scale * (sympy.harmonic(sympy.expand(high + b)) - sympy.harmonic(sympy.expand(low + b - 1)))
