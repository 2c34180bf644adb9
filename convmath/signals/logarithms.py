r"""Rational functions, with exponentials and waves beside them, and exponentials on intervals: logarithms, arctangents,
sine and exponential integrals.

A pole gives c·e^{κτ}/(τ - z)ⁿ in f, and (t - τ)^k e^{λ(t-τ)} in g is a polynomial in τ - z, so that with μ = κ - λ
every integral is one of

    ∫ (τ - z)^p e^{μτ} dτ,  and for p = -1 it is e^{μz} times a primitive of e^s/s at s = μ(τ - z), or log(τ - z).

That primitive is -E₁(-s), whose cut is where s > 0, or Ei(s), whose cut is where s < 0, by which of the two the line
of s meets; for imaginary s it is Ci|s| + i·Si(s/i). At a pole on the line, primitives are continued as principal values
are: by what has log|s| there. Where f and g are real, terms come in conjugate pairs, of which one is taken.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sympy import I, Symbol, oo

from .errors import DivergentError, OpenQuestion
from .facts import Facts
from .limits import limits
from .monomials import Monomial, monomials
from .pieces import Piece
from .residues import Part, Residues, met
from .sums import parts
from .terms import Term, Terms
from .types import Expr, sympy

__all__ = ["Powers", "conjugated", "is_real", "joined", "powers_of", "with_quotient"]

Powers = dict[tuple[Expr, int], Expr]  # coefficients of t^k e^{λt}, by λ and k
ONE, ZERO = sympy.S.One, sympy.S.Zero


@dataclass(frozen=True, slots=True)
class Value:
    """front·e^{exponent}·(real + i·turn), or ·(a complex function), with a polynomial in t as front"""

    front: Expr
    exponent: Expr = ZERO
    real: Expr = ONE
    turn: Expr = ZERO
    complex: Expr | None = None


def joined(
    quotients: Sequence[Term], exponentials: Sequence[Term], t: Symbol, facts: Facts, principal: bool = False
) -> tuple[list[Term], list[tuple[Expr, Expr]]]:
    """The convolution of rational functions, with exponentials beside them, on one interval, with powers times
    exponentials on another; and the pairs of rates that were taken for different.
    """
    here, there = quotients[0][0], exponentials[0][0]
    fractions, degrees = Residues(quotients, [], t, facts, principal).partial_fractions(here.low, here.high)
    powers = powers_of(exponentials)
    real = is_real(fractions) and is_real(powers)
    rates = itertools.product(
        dict.fromkeys(kappa for kappa, _, _ in fractions), dict.fromkeys(rate for rate, _ in powers)
    )
    different = [pair for pair in rates if facts.equal(*pair) is None]
    found: list[Term] = []
    for sign, low, high, start, end in limits((here.low, here.high), (there.low, there.high), t):
        inner = _Primitive(t, facts, start, end)
        for x in (low, high):
            if x in (oo, -oo):
                inner.converges(x, degrees, powers)
        piece = Piece(ONE, start, end)
        for (kappa, z, n), (rate, k) in _products(fractions, powers, real):
            for x, direction in ((high, sign), (low, -sign)):
                scale = direction * fractions[kappa, z, n] * powers[rate, k]
                for value in inner.at(x, (kappa, z, n), rate, k):
                    paired = real and not _alone((kappa, z), rate)
                    found += [(piece, m) for m in _monomials(value, scale, paired, t)]
    return found, different


def with_quotient(first: Term, second: Term, t: Symbol, facts: Facts, principal: bool = False) -> Terms | None:
    """Two rational functions on intervals, by partial fractions in τ; None where exponentials stand beside them."""
    (here, f), (there, g) = first, second
    if f.rate != 0 or g.rate != 0:
        return None
    sides, poles = [], []
    for piece, m in (first, second):
        residues = Residues([(piece, m)], [], t, facts, principal)
        fractions, degrees = residues.partial_fractions(piece.low, piece.high)
        sides.append((fractions, max(degrees.values())))
        poles.append(residues.residues(piece.low, piece.high))
    (left, falls), (right, falls_too) = sides
    found = []
    for sign, low, high, start, end in limits((here.low, here.high), (there.low, there.high), t):
        inner = _Primitive(t, facts, start, end)
        total = ZERO
        for x, direction in ((high, sign), (low, -sign)):
            if x in (oo, -oo) and falls + falls_too > -2:
                raise DivergentError(f"the integral diverges: its integrand ends as τ^{falls + falls_too}")
            for (_, z, n), c in left.items():
                for (_, w, m), d in right.items():
                    total += direction * c * d * (-1) ** m * inner.of_two(x, z, n, t - w, m)
        functions = list(total.atoms(sympy.log, sympy.atan))
        written = sympy.collect(sympy.expand(total), functions, lambda e: sympy.factor(sympy.cancel(e)))
        found.append((Piece(ONE, start, end), Monomial(ONE, special=written)))
    return Terms(tuple(found), met(*poles))


def powers_of(terms: Iterable[Term]) -> Powers:
    found: Powers = defaultdict(lambda: ZERO)
    for _, m in terms:
        found[m.rate, m.power] += m.coefficient * sympy.exp(m.constant)
    return dict(found)


def conjugated(e: Expr) -> Expr:
    """The conjugate, where letters count as real."""
    return sympy.sympify(e).xreplace({I: -I})


def is_real(coefficients: dict[tuple[Expr, ...], Expr]) -> bool:
    """Whether terms come in conjugate pairs, or are real."""
    for key, value in coefficients.items():
        other = coefficients.get(tuple(sympy.expand(conjugated(e)) for e in key))
        if other is None or sympy.expand(conjugated(value) - other) != 0:
            return False
    return True


def _products(fractions: dict[Part, Expr], powers: Powers, real: bool) -> Iterable[tuple[Part, tuple[Expr, int]]]:
    """Pairs of terms; of two that are conjugate to one another the first."""
    done: set[tuple[Expr, ...]] = set()
    for (kappa, z, n), (rate, k) in ((f, g) for f in fractions for g in powers):
        key = (kappa, z, n, rate, k)
        other = tuple(sympy.expand(conjugated(e)) for e in key)
        if real and other in done:
            continue
        done.add(key)
        yield (kappa, z, n), (rate, k)


def _alone(part: tuple[Expr, Expr], rate: Expr) -> bool:
    return not any(sympy.sympify(e).has(I) for e in (*part, rate))


def _monomials(value: Value, scale: Expr, paired: bool, t: Symbol) -> Iterable[Monomial]:
    """What a value, and its conjugate where it is one of a pair, adds to the sum."""
    front = _expanded(scale * value.front)
    if value.complex is not None:
        for m in _terms(front, value.exponent, t):
            inner = sympy.exp(sympy.expand(m.exponent(t))) * value.complex
            if not paired:
                yield Monomial(m.coefficient, m.power, special=inner)
                continue
            real, turn = parts(sympy.expand(m.coefficient))
            yield Monomial(2 * real, m.power, special=sympy.re(inner))
            yield Monomial(-2 * turn, m.power, special=sympy.im(inner))
        return
    for special, turned in ((value.real, front), (value.turn, _expanded(I * front))):
        if special == 0:
            continue
        factor, special = (special, ONE) if special.is_number else (ONE, special)
        for m in _terms(turned, value.exponent, t):
            yield replace(m, coefficient=m.coefficient * factor, special=special)
            if paired:
                coefficient, rate, constant = (conjugated(e) for e in (m.coefficient, m.rate, m.constant))
                yield Monomial(coefficient * factor, m.power, rate, constant=constant, special=special)


def _expanded(e: Expr) -> Expr:
    """With exponentials of parameters left whole: SymPy multiplies e^{-i} into the sum of a denominator, where it is no
    exponential any more.
    """
    names = {x: sympy.Dummy() for x in e.atoms(sympy.exp)}
    return sympy.expand(e.xreplace(names)).xreplace({name: x for x, name in names.items()})


def _terms(front: Expr, exponent: Expr, t: Symbol) -> Iterable[Monomial]:
    factor = sympy.exp(sympy.expand(exponent))
    for term in sympy.Add.make_args(front):
        yield from monomials(term * factor, t)


class _Primitive:
    """∫ e^{κτ}/(τ - z)ⁿ·(t - τ)^k e^{λ(t-τ)} dτ at its limits, for t between two points."""

    def __init__(self, t: Symbol, facts: Facts, start: Expr, end: Expr):
        self.t, self.facts, self.start, self.end = t, facts, start, end

    def at(self, x: Expr, part: Part, rate: Expr, k: int) -> Iterable[Value]:
        kappa, z, n = part
        mu = sympy.expand(kappa - rate)
        if mu != 0 and self.facts.equal(mu, ZERO):
            mu = ZERO
        for j in range(k + 1):
            front = math.comb(k, j) * (-1) ** j * (self.t - z) ** (k - j)
            for factor, power in _primitive(j - n, mu):
                found = self._of_power(x, z, mu, power) if power is not None else self._of_pole(x, z, mu)
                for v in found:
                    exponent = v.exponent + rate * self.t
                    value = Value(front * factor * v.front, exponent, v.real, v.turn, v.complex)
                    yield from _divided(value, self.t)

    def of_two(self, x: Expr, z: Expr, n: int, p: Expr, m: int) -> Expr:
        """∫ dτ/(τ - z)ⁿ(τ - p)ᵐ at a limit"""
        total, apart = ZERO, sympy.expand(p - z)
        for pole, order, beside, sign in ((z, n, m, -1), (p, m, n, 1)):
            for k in range(1, order + 1):
                power = beside + order - k
                weight = sign**power * (-1) ** (order - k) * math.comb(order - k + beside - 1, beside - 1)
                if k == 1:
                    [*value] = self._logarithm(x, pole)
                    primitive = sympy.Add(*(v.real + I * v.turn for v in value))
                elif x in (oo, -oo):
                    primitive = ZERO
                else:
                    distance = sympy.expand(x - pole)
                    turned = -1 if sympy.diff(distance, self.t) == -1 else 1
                    primitive = turned ** (k - 1) * sympy.expand(turned * distance) ** (1 - k) / (1 - k)
                total += weight * primitive / apart**power
        return total

    def converges(self, x: Expr, degrees: dict[Expr, int], powers: Powers) -> None:
        """Refuse what does not fall towards ±∞."""
        direction = 1 if x is oo else -1
        for kappa, degree in degrees.items():
            for rate, k in powers:
                grows, turns = parts(sympy.expand(direction * (kappa - rate)))
                sign = self._sign(grows)
                if sign > 0:
                    raise DivergentError(f"the integral diverges: exp({grows}·τ) does not fall towards {x}")
                waves = self._sign(turns) != 0 if sign == 0 else False
                if sign == 0 and degree + k > (-1 if waves else -2):
                    raise DivergentError(f"the integral diverges: its integrand ends as τ^{degree + k}")

    def _sign(self, e: Expr) -> int:
        """1, 0 or -1"""
        if e == 0:
            return 0
        if (positive := self.facts.positive(e)) is None:
            raise OpenQuestion(sympy.Gt(e, 0), apart=True)
        if positive:
            return 1
        return -1 if self.facts.positive(-e) else 0

    # -- powers

    def _of_power(self, x: Expr, z: Expr, mu: Expr, power: int) -> Iterable[Value]:
        """(τ - z)^power·e^{μτ} at a limit."""
        if x in (oo, -oo):  # where the integral exists powers cancel, but for their constants
            return [Value((-z) ** power)] if mu == 0 and power > 0 else []
        if sympy.expand(x - z) == 0:  # the finite part; the others cancel
            if power > 0:
                return []
            return [Value(mu**-power / math.factorial(-power), mu * x)]
        if power >= 0:
            return [Value((x - z) ** power, mu * x)]
        u, v = parts(sympy.expand(z))
        if v == 0:
            return [Value(ONE, mu * x, (x - u) ** power)]
        return [Value((x - u + I * v) ** -power, mu * x, ((x - u) ** 2 + v**2) ** power)]

    # -- the pole

    def _of_pole(self, x: Expr, z: Expr, mu: Expr) -> Iterable[Value]:
        """A primitive of e^{μτ}/(τ - z) at a limit."""
        _, v = parts(sympy.expand(z))
        if mu == 0:
            return self._logarithm(x, z)
        if v == 0:
            return self._on_the_line(x, z, mu)
        side, turns = self._sign(v), parts(mu)[1]
        crosses = self._sign(turns) == side
        if x in (oo, -oo):
            towards = sympy.pi * side * (1 if x is oo else -1)
            return [Value(ONE, mu * z, ZERO, towards)] if crosses else []
        s = sympy.expand(mu * (x - z))
        return [Value(ONE, mu * z, complex=sympy.Ei(s) if crosses else -sympy.expint(1, sympy.expand(-s)))]

    def _logarithm(self, x: Expr, z: Expr) -> Iterable[Value]:
        u, v = parts(sympy.expand(z))
        if x in (oo, -oo):  # logarithms cancel, arguments do not
            return [Value(ONE, real=ZERO, turn=sympy.pi / 2 * self._sign(v) * (1 if x is oo else -1))] if v != 0 else []
        distance = sympy.expand(x - u)
        if v == 0:
            return [Value(ONE, real=sympy.log(self._absolute(distance)))] if distance != 0 else []
        return [Value(ONE, real=sympy.log(distance**2 + v**2) / 2, turn=sympy.atan(sympy.factor_terms(distance / v)))]

    def _on_the_line(self, x: Expr, z: Expr, mu: Expr) -> Iterable[Value]:
        """For a real z what is continuous but for log|τ - z|."""
        grows, turns = parts(mu)
        direction = self._sign(grows)
        if direction == 0:
            return self._of_wave(x, z, mu, turns)
        if x in (oo, -oo):
            return []
        distance = sympy.expand(x - z)
        if distance == 0:
            turn = ZERO if turns == 0 else sympy.arg(direction * mu)
            return [Value(ONE, mu * z, sympy.EulerGamma + sympy.log(sympy.Abs(mu)), turn)]
        if turns == 0:
            return [Value(ONE, mu * z, sympy.Ei(sympy.expand(mu * distance)))]
        where = self._side(distance)
        s = sympy.expand(mu * distance)
        if where is not None and where * direction < 0:
            return [Value(ONE, mu * z, complex=-sympy.expint(1, sympy.expand(-s)))]
        found = [Value(ONE, mu * z, complex=sympy.Ei(s))]
        if where is None:
            step = sympy.pi * sympy.Heaviside(-direction * distance) * direction * self._sign(turns)
            found.append(Value(ONE, mu * z, ZERO, step))
        return found

    def _of_wave(self, x: Expr, z: Expr, mu: Expr, frequency: Expr) -> Iterable[Value]:
        sign = self._sign(frequency)
        size = sign * frequency
        if x in (oo, -oo):
            return [Value(ONE, mu * z, ZERO, sympy.pi / 2 * sign * (1 if x is oo else -1))]
        distance = sympy.expand(x - z)
        if distance == 0:
            return [Value(ONE, mu * z, sympy.EulerGamma + sympy.log(size))]
        cosine = sympy.Ci(sympy.expand(size * self._absolute(distance)))
        return [Value(ONE, mu * z, cosine, sign * sympy.Si(sympy.expand(size * distance)))]

    def _side(self, distance: Expr) -> int | None:
        """The sign of what is linear in t, if it is one between the two points."""
        if not distance.has(self.t):
            return self._sign(distance)
        rising = sympy.diff(distance, self.t)
        for end, sign in ((self.start, 1), (self.end, -1)):
            if not end.is_infinite and self.facts.positive(-sign * distance.subs(self.t, end) * rising) is False:
                return sign if rising == 1 else -sign
        return None

    def _absolute(self, distance: Expr) -> Expr:
        side = self._side(distance)
        return sympy.Abs(distance) if side is None else sympy.expand(side * distance)


def _divided(value: Value, t: Symbol) -> Iterable[Value]:
    """N/Dᵐ as a sum of quotients in which N is less than D."""
    base, power = value.real.as_base_exp()
    if not (value.turn == 0 and power.is_Integer and power < 0 and base.is_polynomial(t) and base.has(t)):
        yield value
        return
    rest, bottom = sympy.Poly(value.front, t), sympy.Poly(base, t)
    while power < 0:
        rest, remainder = sympy.div(rest, bottom)
        if not remainder.is_zero:
            yield replace(value, front=remainder.as_expr(), real=base**power)
        power += 1
    yield replace(value, front=rest.as_expr(), real=ONE)


def _primitive(power: int, mu: Expr) -> list[tuple[Expr, int | None]]:
    """∫ s^p e^{μs} ds as Σ factor·s^q e^{μs}, and a factor, with None, of the primitive for p = -1."""
    if power == -1:
        return [(ONE, None)]
    if mu == 0:
        return [(ONE / (power + 1), power + 1)]
    if power >= 0:
        grows, turns = parts(mu)
        inverse = (grows - I * turns) / (grows**2 + turns**2)  # so that denominators are real
        rest = _primitive(power - 1, mu) if power > 0 else []
        return [(inverse, power), *((-power * inverse * c, q) for c, q in rest)]
    return [(ONE / (power + 1), power + 1), *((-mu / (power + 1) * c, q) for c, q in _primitive(power + 1, mu))]
