r"""Real powers, with exponentials and logarithms, from a point on.

s^{p-1} e^{λs} ∗ s^{q-1} e^{μs} = B(p, q)·s^{p+q-1}·e^{λs}·₁F₁(q; p+q; (μ - λ)s) for p, q > 0, with s the time since
both have begun; the last factor is 1 where λ = μ. A logarithm is a derivative by an exponent: s^{p-1} log s = ∂/∂p
s^{p-1}.

With exponentials on the other side, κ = μ - λ:  ∫_x^∞ s^{p-1} e^{-κs} ds = κ^{-p}·Γ(p, κx), and with a Gaussian

    ∫_0^∞ s^{p-1} e^{-αs² + βs} ds = ½α^{-p/2}·(Γ(p/2)·₁F₁(p/2; ½; β²/4α) + β/√α·Γ((p+1)/2)·₁F₁((p+1)/2; 3/2; β²/4α)).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sympy import I, Symbol, oo

from .errors import DivergentError, NotFoundError, OpenQuestion
from .facts import Facts
from .monomials import Monomial, linear, monomials
from .pieces import Piece
from .terms import Term
from .types import Expr, sympy

__all__ = ["is_power", "joined", "with_exponential", "with_gaussian"]


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
            needed.update(_integrable(f, facts) | _integrable(g, facts))
            since = sympy.expand(f.since + g.since)
            found.append(_from(since, oo, f.coefficient * g.coefficient * _joined(f, g, facts), t))
    return found, list(needed)


def with_exponential(first: Term, second: Term, t: Symbol, facts: Facts) -> tuple[list[Term], list[Any]]:
    """A power from a point on with an exponential, or a power times one, on an interval or on all of the line."""
    there, m = second
    found: list[Term] = []
    needed: dict[Any, None] = {}
    for f in _powers(first, t):
        needed.update(_integrable(f, facts))
        if there.low is -oo:
            found += _with_left(f, m, there.high, t, facts)
            continue
        found += _with_right(f, m, there.low, t, facts)
        if there.high is not oo:
            found += _with_right(f, replace(m, coefficient=-m.coefficient), there.high, t, facts)
    return found, list(needed)


def coincident(first: Term, second: Term, t: Symbol, facts: Facts) -> list[tuple[Expr, Expr]]:
    """Two rates that are taken for different, and are one at values of the parameters, where E₁ is infinite."""
    (_, f), (_, g) = first, second
    if f.rate == g.rate or not (f.exponential or g.exponential) or facts.equal(f.rate, g.rate) is not None:
        return []
    of = [p for term in (first, second) if not term[1].exponential for p in _powers(term, t)]
    return [(f.rate, g.rate)] if any(p.logarithms and p.exponent.is_Integer for p in of) else []


def _with_right(f: Power, m: Monomial, start: Expr, t: Symbol, facts: Facts) -> Iterable[Term]:
    """c·s^{p-1}·(log s)^l e^{λs} with t^k e^{μt} from a point on."""
    kappa, since = sympy.expand(m.rate - f.rate), sympy.expand(f.since + start)
    if f.logarithms == 0 or facts.equal(kappa, sympy.S.Zero):
        for g in _powers((Piece(sympy.S.One, start, oo), m), t):
            value = f.coefficient * g.coefficient * _joined(f, g, facts)
            if value.has(I) and not value.has(sympy.hyper):  # waves, which come in pairs
                yield from ((Piece(sympy.S.One, since, oo), part) for part in monomials(value.subs(S, t - since), t))
            else:
                yield _from(since, oo, value, t)
        return
    for j, front in _expanded(f, m, t):
        yield _from(since, oo, front * _lower(f.exponent + j, f.logarithms, kappa, t - since, facts), t, moved=False)


def _with_left(f: Power, m: Monomial, end: Expr, t: Symbol, facts: Facts) -> Iterable[Term]:
    """The same with t^k e^{μt} up to a point: s runs from 0, and from where the other ends, on."""
    kappa = sympy.expand(m.rate - f.rate)
    _falls(f, m, kappa, facts)
    at = sympy.expand(f.since + end) if end is not oo else oo
    for j, front in _expanded(f, m, t):
        p, s = f.exponent + j, t - at if at is not oo else oo
        whole = _whole(p, f.logarithms, kappa)
        yield from ((Piece(sympy.S.One, -oo, at), m) for m in monomials(front * whole, t))
        if at is oo:
            continue
        if f.logarithms:
            rest = whole - _lower(p, f.logarithms, kappa, s, facts)
        else:
            rest = kappa**-p * sympy.uppergamma(p, sympy.expand(kappa * s))
        yield _from(at, oo, front * rest, t, moved=False)


def _expanded(f: Power, m: Monomial, t: Symbol) -> Iterable[tuple[int, Expr]]:
    """What stands before ∫ s^{p+j-1}·(log s)^l e^{-κs} ds, for t^k as a power of (t - a) - s."""
    time = t - f.since
    wave = f.coefficient * m.coefficient * sympy.exp(sympy.expand(m.constant + m.rate * time))
    for j in range(m.power + 1):
        yield j, wave * math.comb(m.power, j) * (-1) ** j * time ** (m.power - j)


def _falls(f: Power, m: Monomial, kappa: Expr, facts: Facts) -> None:
    """Refuse what does not fall towards ∞; a wave may fall as a power."""
    size = sympy.re(kappa)
    if size == 0 and kappa != 0 and facts.positive(1 - f.exponent - m.power):
        return
    if (falls := facts.positive(size)) is None:
        raise OpenQuestion(sympy.Gt(size, 0), apart=True)
    if not falls:
        raise DivergentError(f"the integral diverges: exp({-kappa}·τ) does not fall towards ∞")


def _whole(p: Expr, logarithms: int, kappa: Expr) -> Expr:
    """∫_0^∞ s^{p-1}·(log s)^l e^{-κs} ds"""
    x = sympy.Dummy("p")
    value = sympy.expand_func(sympy.diff(sympy.gamma(x) * kappa**-x, (x, logarithms)).subs(x, p))
    turn = sympy.expand(kappa / I)
    if turn.has(I):
        return value
    sign = -1 if turn.could_extract_minus_sign() else 1  # (iω)^{-p} = ω^{-p}·e^{-iπp/2}
    return value.subs(kappa**-p, (sign * turn) ** -p * sympy.exp(-sign * I * sympy.pi * p / 2))


def _lower(p: Expr, logarithms: int, kappa: Expr, x: Expr, facts: Facts) -> Expr:
    """∫_0^x s^{p-1} log s·e^{-κs} ds"""
    if logarithms > 1:
        raise NotFoundError("powers of logarithms beside different exponentials are not convolved")
    fall = sympy.exp(sympy.expand(-kappa * x))
    if p == 1:  # γ + log z + E₁(z) is entire
        if facts.positive(-kappa):
            rest = sympy.log(-kappa) - sympy.Ei(sympy.expand(-kappa * x))
        else:
            rest = sympy.log(kappa) + sympy.expint(1, sympy.expand(kappa * x))
        return -(fall * sympy.log(x) + sympy.EulerGamma + rest) / kappa
    if p.is_Integer:
        rest = (p - 1) * _lower(p - 1, 1, kappa, x, facts) + sympy.gamma(p - 1) * kappa ** (1 - p) * (
            1 - fall * sympy.Add(*((kappa * x) ** k / sympy.factorial(k) for k in range(p - 1)))
        )
        return (rest - x ** (p - 1) * sympy.log(x) * fall) / kappa
    plain = sympy.hyper([p], [p + 1], sympy.expand(-kappa * x))
    twice = sympy.hyper([p, p], [p + 1, p + 1], sympy.expand(-kappa * x))
    return x**p / p * (sympy.log(x) * plain - twice / p)


def with_gaussian(first: Term, second: Term, t: Symbol, facts: Facts) -> tuple[list[Term], list[Any]]:
    """A power from a point on with a Gaussian on all of the line."""
    there, m = second
    found: list[Term] = []
    needed: dict[Any, None] = {}
    for f in _powers(first, t):
        needed.update(_integrable(f, facts))
        if f.logarithms or there.low is not -oo or there.high is not oo or not facts.positive(-m.square):
            raise NotFoundError(f"no method convolves {first[1].expression(t)} with {m.expression(t)}")
        alpha, x = -m.square, t - f.since
        beta = sympy.expand(2 * alpha * x - m.rate + f.rate)
        scale = f.coefficient * m.coefficient * sympy.exp(sympy.expand(-alpha * x**2 + m.rate * x + m.constant))
        for j in range(m.power + 1):
            factor = scale * math.comb(m.power, j) * (-1) ** j * x ** (m.power - j)
            value = factor * _moment(f.exponent + j, alpha, beta)
            found.append((Piece(sympy.S.One), Monomial(sympy.S.One, special=value)))
    return found, list(needed)


def _moment(p: Expr, alpha: Expr, beta: Expr) -> Expr:
    """∫_0^∞ s^{p-1} e^{-αs² + βs} ds"""
    square, half = beta**2 / (4 * alpha), sympy.S.Half
    even = sympy.gamma(p / 2) * sympy.hyper([p / 2], [half], square)
    odd = beta / sympy.sqrt(alpha) * sympy.gamma((p + 1) / 2) * sympy.hyper([(p + 1) / 2], [3 * half], square)
    return alpha ** (-p / 2) * (even + odd) / 2


def _integrable(f: Power, facts: Facts) -> dict[Any, None]:
    """What is needed for a power to have an integral at 0."""
    if (fits := facts.positive(sympy.re(f.exponent))) is None:
        return {sympy.Gt(sympy.re(f.exponent), 0): None}
    if not fits:
        raise DivergentError(f"the integral diverges: s**({f.exponent - 1}) is not integrable at 0")
    return {}


def _from(low: Expr, high: Expr, value: Expr, t: Symbol, moved: bool = True) -> Term:
    """A term between two points, in the time since the first where it is moved."""
    value = value.subs(S, t - low) if moved else value
    return Piece(sympy.S.One, low, high), Monomial(sympy.S.One, special=value)


S = sympy.Dummy("s", positive=True)


def _times_kummer(value: Expr, a: Expr, b: Expr, rate: Expr, facts: Facts) -> Expr:
    """A function of s, times ₁F₁(a; b; rate·s), which for half-integers has error or Bessel functions."""
    halves = all((2 * x).is_Integer and abs(x) <= 4 for x in (a, b)) and not (a.is_Integer and b.is_Integer)
    if halves and sympy.im(rate) == 0:
        for sign in (1, -1):
            if facts.positive(sign * rate):
                return sympy.expand(value * _elementary(a, b, sign).subs(X, sign * rate * S), power_exp=False)
    turn = sympy.expand(rate / I)
    if halves and not turn.has(I):
        for sign in (1, -1):
            if facts.positive(sign * turn):
                wave = _of_wave(_elementary(a, b, 1), sign, sign * turn * S)
                return sympy.expand(value * wave, power_exp=False, power_base=False)
    return value * sympy.hyper([a], [b], rate * S)


def _of_wave(e: Expr, sign: int, z: Expr) -> Expr:
    """A function of x at x = ±iz, by erf(√(iz)) = (1 + i)·(C - iS)(√(2z/π))."""
    root = sympy.sqrt(2 * z / sympy.pi)
    smeared = (1 + sign * I) * (sympy.fresnelc(root) - sign * I * sympy.fresnels(root))
    y = sympy.Dummy("y", positive=True)
    turned = e.replace(sympy.erf, lambda _: smeared).subs(X, y**2)  # y = √x
    return sympy.expand(turned.subs(y, (1 + sign * I) * sympy.sqrt(z / 2)), power_base=False)


X = sympy.Dummy("x", positive=True)


@functools.cache
def _elementary(a: Expr, b: Expr, sign: int) -> Expr:
    found = sympy.hyperexpand(sympy.hyper([a], [b], sign * X))
    return sympy.expand(found.replace(sympy.erf, lambda x: I * sympy.erfi(x / I) if x.has(I) else sympy.erf(x)))


def _joined(f: Power, g: Power, facts: Facts) -> Expr:
    p, q = sympy.Dummy("p", positive=True), sympy.Dummy("q", positive=True)
    beta = sympy.gamma(p) * sympy.gamma(q) / sympy.gamma(p + q)
    equal = facts.equal(f.rate, g.rate)
    if not (f.logarithms or g.logarithms):
        value = sympy.gammasimp(beta.subs({p: f.exponent, q: g.exponent})) * S ** (f.exponent + g.exponent - 1)
        value *= sympy.exp(f.rate * S)
        if equal:
            return value
        return _times_kummer(value, g.exponent, f.exponent + g.exponent, sympy.expand(g.rate - f.rate), facts)
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
