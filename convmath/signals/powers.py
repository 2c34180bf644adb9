r"""Real powers, with exponentials and logarithms, from a point on.

s^{p-1} e^{λs} ∗ s^{q-1} e^{μs} = B(p, q)·s^{p+q-1}·e^{λs}·₁F₁(q; p+q; (μ - λ)s) for p, q > 0, with s the time since
both have begun; the last factor is 1 where λ = μ. A logarithm is a derivative by an exponent: s^{p-1} log s = ∂/∂p
s^{p-1}.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sympy import Symbol, oo

from .errors import DivergentError, NotFoundError
from .facts import Facts
from .monomials import Monomial, linear
from .pieces import Piece
from .terms import Term
from .types import Expr, sympy

__all__ = ["is_power", "joined"]


@dataclass(frozen=True, slots=True)
class Power:
    """c·s^{exponent - 1}·(log s)^{logarithms}·e^{rate·s + constant} for s = t - since > 0"""

    coefficient: Expr
    exponent: Expr
    logarithms: int
    rate: Expr
    since: Expr


def is_power(term: Term, t: Symbol) -> bool:
    """Whether a monomial on a half-line is a sum of powers of the distance from its end."""
    piece, monomial = term
    one_sided = piece.low.is_infinite is not True and piece.high is oo
    return one_sided and monomial.square == 0 and _read(monomial.special, piece.low, t) is not None


def _read(special: Expr, since: Expr, t: Symbol) -> tuple[Expr, Expr, int] | None:
    """Factor, exponent and number of logarithms, where something is a power of t - since, times logarithms of it."""
    factor, exponent, logarithms = sympy.S.One, sympy.S.Zero, 0
    for part in sympy.Mul.make_args(special):
        if part == 1:
            continue
        base, power = part.as_base_exp()
        if isinstance(base, sympy.log):
            if not (power.is_Integer and power > 0) or (scale := _scale(base.args[0], since, t)) != 1:
                return None
            logarithms += int(power)
        elif not power.has(t) and (scale := _scale(base, since, t)) is not None and scale.is_positive:
            factor, exponent = factor * scale**power, exponent + power
        else:
            return None
    return factor, exponent, logarithms


def _scale(base: Expr, since: Expr, t: Symbol) -> Expr | None:
    """c, where the base is c·(t - since)."""
    found = linear(base, t)
    if found is None or sympy.expand(found[0] * since + found[1]) != 0:
        return None
    return found[0]


def _powers(term: Term, t: Symbol) -> Iterable[Power]:
    piece, monomial = term
    found = _read(monomial.special, piece.low, t)
    assert found is not None
    factor, exponent, logarithms = found
    scale = monomial.coefficient * factor * sympy.exp(monomial.constant + monomial.rate * piece.low)
    for k in range(monomial.power + 1):
        weight = sympy.binomial(monomial.power, k) * piece.low ** (monomial.power - k)
        if weight != 0:
            yield Power(scale * weight, exponent + k + 1, logarithms, monomial.rate, piece.low)


def joined(first: Term, second: Term, t: Symbol, facts: Facts) -> tuple[list[Term], list[Any]]:
    """Terms, and what is needed for convergence."""
    found, needed = [], {}
    for f in _powers(first, t):
        for g in _powers(second, t):
            for exponent in (f.exponent, g.exponent):
                if (fits := facts.positive(sympy.re(exponent))) is None:
                    needed[sympy.Gt(sympy.re(exponent), 0)] = None
                elif not fits:
                    raise DivergentError(f"the integral diverges: s**({exponent - 1}) is not integrable at 0")
            since = sympy.expand(f.since + g.since)
            value = _joined(f, g, facts)
            s = t - since
            piece = Piece(sympy.S.One, since, oo)
            found.append((piece, Monomial(sympy.S.One, special=(f.coefficient * g.coefficient * value).subs(S, s))))
    return found, list(needed)


S = sympy.Dummy("s", positive=True)


def _joined(f: Power, g: Power, facts: Facts) -> Expr:
    p, q = sympy.Dummy("p", positive=True), sympy.Dummy("q", positive=True)
    beta = sympy.gamma(p) * sympy.gamma(q) / sympy.gamma(p + q)
    equal = facts.equal(f.rate, g.rate)
    if not (f.logarithms or g.logarithms):
        value = sympy.gammasimp(beta.subs({p: f.exponent, q: g.exponent})) * S ** (f.exponent + g.exponent - 1)
        value *= sympy.exp(f.rate * S)
        if equal:
            return value
        kummer = sympy.hyper([g.exponent], [f.exponent + g.exponent], sympy.expand((g.rate - f.rate) * S))
        return value * kummer
    if not equal:
        raise NotFoundError("logarithms beside different exponentials are not convolved")
    known = {}
    if not f.logarithms:
        known[p] = f.exponent
    if not g.logarithms:
        known[q] = g.exponent
    value = sympy.gammasimp(beta.subs(known)) * S ** (p + q - 1).subs(known)
    value = sympy.diff(
        value, *([(p, f.logarithms)] if f.logarithms else []), *([(q, g.logarithms)] if g.logarithms else [])
    )
    value = sympy.expand_func(value.subs({p: f.exponent, q: g.exponent}))
    return sympy.factor(value) * sympy.exp(f.rate * S)
