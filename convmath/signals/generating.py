r"""Sequences whose generating functions are powers, logarithms or exponentials, and sums of others.

C(n + p - 1, n)·qⁿ ↔ (1 - qx)^{-p} for any p, which multiply where q is the same: C(2n, n) = C(n - ½, n)·4ⁿ is one,
and a row of Pascal's triangle, C(N, n), with p = -N and q = -1. A logarithm L = -log(1 - qx) is a derivative by p: qⁿ/n
is L and a harmonic number L/(1 - x). λⁿ/n! ↔ e^{λx}, so that rates add; turned round it is e^{λ/x}, and e^{λx + μ/x}
generates Bessel functions. A factor n is x·d/dx.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

from sympy import Symbol, oo

from . import fallback
from .binomials import Power, powers
from .errors import DivergentError, NotFoundError, OpenQuestion
from .facts import Facts
from .monomials import Monomial, exponential
from .pieces import Piece
from .sequences import HALF, window
from .terms import Term, mirrored
from .types import Expr, sympy

__all__ = ["joined", "plain"]

ONE, ZERO = sympy.S.One, sympy.S.Zero
LONG = 40  # values of a row that is taken value by value


def joined(first: Term, second: Term, n: Symbol, facts: Facts) -> Expr:
    """The convolution of two terms."""
    f, g = powers(first, n, facts), powers(second, n, facts)
    if f and g:
        products = [_product(one, two, n, facts) for one in f for two in g]
        if None not in products:
            return _assembled([value for product in products for value in product or ()], n)
    for one, other in ((first, second), (second, first)):
        found = _with_turned(powers(one, n, facts), powers(mirrored(other, n), n, facts), n)
        if found is None:
            found = _with_row(_row(one, n, facts), other, n)
        if found is None and other[1].exponential:
            found = _with_exponential(one, other, n, facts)
        if found is not None:
            return found
    return _summed(first, second, n)


def plain(term: Term, n: Symbol, facts: Facts) -> list[Term]:
    """C(n + p - 1, n)·qⁿ with a whole p > 0 as a polynomial times qⁿ; what is no such is left as it is."""
    found = None if term[1].special == 1 else powers(term, n, facts)
    if not found or any(f.logarithms or not (f.exponent and f.exponent.is_Integer and f.exponent > 0) for f in found):
        return [term]
    terms = []
    for f in found:
        assert f.exponent is not None
        s = n - f.since
        value = sympy.Mul(*(s + k for k in range(1, f.exponent))) / sympy.factorial(f.exponent - 1)
        rate = sympy.expand_log(sympy.log(f.base), force=True)
        for (power,), c in sympy.Poly(sympy.expand(value), n).terms():
            m = Monomial(f.coefficient * c, power, rate=rate, constant=-sympy.expand(rate * f.since))
            terms.append((Piece(ONE, f.since - HALF, oo), m))
    return terms


def _with_exponential(first: Term, second: Term, n: Symbol, facts: Facts) -> Expr | None:
    """h ∗ n^j rⁿ = Σ_i C(j, i)·n^{j-i}·(-1)^i·(n^i h ∗ rⁿ), for rⁿ from an index on, up to one, or at all indices."""
    piece, m = second
    found = ZERO
    for i in range(m.power + 1):
        raised = (first[0], replace(first[1], power=first[1].power + i))
        if (f := powers(raised, n, facts)) is None:
            return None
        if piece.low is -oo:
            part = _with_left(f, piece.high, m.rate, m.constant, n, facts)
        elif m.power and piece.high is oo:
            part = joined(raised, (piece, replace(m, power=0, coefficient=ONE)), n, facts)
        else:
            return None
        if part is None:
            return None
        found += part * sympy.binomial(m.power, i) * (-1) ** i * n ** (m.power - i)
    return found * m.coefficient


def _with_left(f: list[Power], end: Expr, rate: Expr, constant: Expr, n: Symbol, facts: Facts) -> Expr | None:
    """Σ_k f[k] r^{n-k} over n - k up to a point: the generating function at 1/r, and its tail from n - end on."""
    base = exponential(rate)
    found = ZERO
    for one in f:
        z = sympy.cancel(one.base / base)
        scale = one.coefficient * exponential(sympy.expand(constant + rate * (n - one.since)))
        if one.exponent is None:
            whole = sympy.exp(z)
        elif one.exponent.is_Integer and one.exponent <= 0 and not one.logarithms:
            whole = (1 - z) ** -one.exponent
        else:
            if (inside := facts.before(sympy.Abs(z), ONE)) is None:
                raise OpenQuestion(sympy.Lt(sympy.Abs(z), 1))
            if not inside:
                raise DivergentError(f"the sum diverges: its terms do not fall as ({z})^k should")
            whole = (1 - z) ** -one.exponent * (-sympy.log(1 - z)) ** one.logarithms
        if end is oo:
            found += scale * whole
            continue
        start = sympy.expand(one.since + end - HALF)  # from there on, part of the sum is missing
        if (tail := _tail(one, z, n - start)) is None:
            return None
        found += scale * sympy.Piecewise((whole, n <= start), (tail, True))
    return found


def _tail(f: Power, z: Expr, m: Expr) -> Expr | None:
    """Σ z^k·(the coefficient of x^k where q = 1) over k ≥ m, for m > 0"""
    if f.exponent is None:
        return sympy.exp(z) * (1 - sympy.uppergamma(m, z) / sympy.gamma(m))
    if f.logarithms or (f.exponent.is_Integer and f.exponent <= 0):
        return None
    return _column(f.exponent, m) * z**m * sympy.hyper([1, m + f.exponent], [m + 1], z)


def _with_row(values: dict[Expr, Expr] | None, other: Term, n: Symbol) -> Expr | None:
    """Σ c·g[n - k]"""
    if values is None:
        return None
    (piece, m), found = other, ZERO
    for k, value in values.items():
        found += value * m.expression(n).subs(n, n - k) * window(piece.low + k, piece.high + k, n)
    return found


def _row(term: Term, n: Symbol, facts: Facts) -> dict[Expr, Expr] | None:
    """The values of a short row of Pascal's triangle, with a power beside it, by index."""
    found = None if term[1].special == 1 else powers(term, n, facts)
    if not found or any(f.logarithms or f.exponent is None or not f.exponent.is_Integer for f in found):
        return None
    if not all(-LONG <= f.exponent <= 0 for f in found if f.exponent is not None):
        return None
    values: dict[Expr, Expr] = defaultdict(lambda: ZERO)
    for f in found:
        assert f.exponent is not None
        for k in range(1 - f.exponent):
            values[f.since + k] += f.coefficient * sympy.binomial(-f.exponent, k) * (-f.base) ** k
    return dict(values)


# --- products ------------------------------------------------------------------------------------------------------

Value = tuple[Expr, Expr | None]  # an expression and where it begins, or impulses with None


def _product(f: Power, g: Power, n: Symbol, facts: Facts) -> list[Value] | None:
    since = sympy.expand(f.since + g.since)
    scale = f.coefficient * g.coefficient
    for one, other in ((f, g), (g, f)):
        if one.exponent == 0 and not one.logarithms:  # a point
            return _generated(replace(other, coefficient=scale, since=since), n)
    if f.exponent is None and g.exponent is None:
        return _generated(Power(scale, sympy.factor(f.base + g.base), None, since), n)
    if f.exponent is None or g.exponent is None:
        one, other = (f, g) if f.exponent is None else (g, f)
        if other.logarithms or other.exponent is None:
            return None
        ratio, s = sympy.cancel(one.base / other.base), n - since
        if other.exponent == 1:
            value = sympy.exp(ratio) * sympy.uppergamma(s + 1, ratio) / sympy.factorial(s)
        elif other.exponent.is_integer is False:
            value = _column(other.exponent, s) * sympy.hyper([-s], [1 - s - other.exponent], ratio)
        else:
            return None
        return [(scale * other.base**s * value, since)]
    if sympy.expand(f.base - g.base) != 0 and not facts.equal(f.base, g.base):
        one, other = (f, g) if g.exponent.is_integer is False else (g, f)
        if f.logarithms or g.logarithms or other.exponent is None or other.exponent.is_integer is not False:
            return None
        s, ratio = n - since, sympy.cancel(one.base / other.base)  # a sum that ends by itself
        ended = sympy.hyper([-s, one.exponent], [1 - s - other.exponent], ratio)
        return [(scale * _column(other.exponent, s) * other.base**s * ended, since)]
    return _generated(
        Power(scale, f.base, sympy.expand(f.exponent + g.exponent), since, f.logarithms + g.logarithms), n
    )


FEW = 3  # up to which binomials of a row are written one by one


def _generated(f: Power, n: Symbol) -> list[Value] | None:
    """The sequence."""
    p, s, scale = f.exponent, n - f.since, f.coefficient
    if p is None:
        if f.base == 0:
            return [(scale * sympy.KroneckerDelta(n, f.since), None)]
        return [(scale * f.base**s / sympy.factorial(s), f.since)]
    if f.logarithms:
        return _with_logarithms(f, n)
    if p.is_Integer and -FEW <= p <= 0:
        row = (sympy.binomial(-p, k) * (-f.base) ** k * sympy.KroneckerDelta(n, f.since + k) for k in range(1 - p))
        return [(scale * sympy.Add(*row), None)]
    if (-p).is_nonnegative and (-p).is_integer:
        return [(scale * sympy.binomial(-p, s) * (-f.base) ** s, f.since)]
    return [(scale * _column(p, s) * f.base**s, f.since)]


def _column(p: Expr, s: Expr) -> Expr:
    """C(s + p - 1, s); for p = k + ½ it has C(2s, s) in it."""
    if p.is_Integer and p > 0:
        return sympy.Mul(*(s + k for k in range(1, p))) / sympy.factorial(p - 1)
    k = p - HALF
    if k.is_Integer and abs(k) <= 4:
        up = sympy.Mul(*((s + j - HALF) / (j - HALF) for j in range(1, k + 1)))
        down = sympy.Mul(*((HALF - j) / (s + HALF - j) for j in range(1, 1 - k)))
        return sympy.binomial(2 * s, s) / 4**s * up * down
    return sympy.binomial(sympy.expand(s + p - 1), sympy.expand(p - 1) if p.is_integer and p.is_positive else s)


def _with_logarithms(f: Power, n: Symbol) -> list[Value] | None:
    """A derivative of C(s + p - 1, s) by p, as often as there are logarithms."""
    p, s = f.exponent, n - f.since
    assert p is not None
    if f.logarithms > 2 or (p.is_Integer and p < 0):
        return None
    scale = f.coefficient * f.base**s
    if p == 0:
        value = 1 / s if f.logarithms == 1 else 2 * sympy.harmonic(s - 1) / s
        return [(scale * value, f.since + f.logarithms)]
    value = sympy.harmonic(s + p - 1) - sympy.harmonic(p - 1)
    if f.logarithms == 2:
        value = value**2 - sympy.harmonic(s + p - 1, 2) + sympy.harmonic(p - 1, 2)
    return [(scale * _column(p, s) * value, f.since + (1 if p == 1 else 0))]


def _assembled(values: list[Value], n: Symbol) -> Expr:
    """One expression from where all have begun on, and impulses before."""
    points = sympy.Add(*(value for value, start in values if start is None))
    begun = [(value, start) for value, start in values if start is not None]
    if not begun:
        return points
    places = [_place(delta, n) for delta in points.atoms(sympy.KroneckerDelta)]
    first = min((start for _, start in begun), key=lambda start: _distance(start, begun[0][1]))
    if any(not sympy.expand(start - first).is_Integer for start in (*(start for _, start in begun), *places)):
        return points + sympy.Add(*(_since(value, start, n) for value, start in begun))
    whole = _together(sympy.Add(*(value for value, _ in begun)), n)
    last = max([0, *(int(start - first) for _, start in begun), *(int(place - first) + 1 for place in places)])
    before = min([0, *(int(place - first) for place in places)])
    start, alone = first + last, ZERO
    for k in range(last - 1, before - 1, -1):
        at = first + k
        value = points.subs(n, at) + sympy.Add(*(value.subs(n, at) for value, since in begun if since - first <= k))
        value = sympy.simplify(value)
        if start == at + 1 and k >= 0 and sympy.simplify(whole.subs(n, at) - value) == 0:
            start = at
        elif value != 0:
            alone += value * sympy.KroneckerDelta(n, at)
    return alone + _since(whole, start, n)


def _place(delta: Expr, n: Symbol) -> Expr:
    """Where an impulse is."""
    difference = sympy.expand(delta.args[0] - delta.args[1])
    return sympy.expand(n - difference / sympy.diff(difference, n))


def _distance(start: Expr, other: Expr) -> Any:
    difference = sympy.expand(start - other)
    return difference if difference.is_Integer else ZERO


def _since(value: Expr, start: Expr, n: Symbol) -> Expr:
    value = sympy.powsimp(sympy.expand_power_base(value, force=True), combine="exp", force=True)
    if value.has(sympy.harmonic) or sympy.fraction(value)[1].subs(n, start - 1) == 0:
        return sympy.Piecewise((value, n >= start), (0, True))  # before, it has no value
    return value * sympy.Heaviside(n - start, 1)


def _together(value: Expr, n: Symbol) -> Expr:
    """Harmonic numbers of one index: H_{n+1} = H_n + 1/(n + 1)."""
    indices = {h.args[0] for h in value.atoms(sympy.harmonic) if len(h.args) == 1 and h.has(n)}
    if len(indices) < 2:
        return value
    least = min(indices, key=lambda e: sympy.expand(e - n))

    def moved(e: Expr, *order: Expr) -> Expr:
        distance = sympy.expand(e - least)
        if order or not (distance.is_Integer and distance > 0):
            return sympy.harmonic(e, *order)
        return sympy.harmonic(least) + sympy.Add(*(1 / (least + k) for k in range(1, distance + 1)))

    return sympy.factor(sympy.expand(value.replace(sympy.harmonic, moved)))


def _with_turned(f: list[Power] | None, g: list[Power] | None, n: Symbol) -> Expr | None:
    """e^{λx}·e^{μ/x} = Σ (λ/μ)^{n/2} I_n(2√λμ) xⁿ, where g is turned round."""
    if not f or not g or any(one.exponent is not None for one in (*f, *g)):
        return None
    found = ZERO
    for one in f:
        for other in g:
            s = n - sympy.expand(one.since - other.since)
            ratio = sympy.powdenest(sympy.sqrt(one.base / other.base), force=True)
            bessel = sympy.besseli(s, 2 * sympy.powdenest(sympy.sqrt(one.base * other.base), force=True))
            found += one.coefficient * other.coefficient * ratio**s * bessel
    return found


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
