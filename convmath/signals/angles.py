r"""Rational functions of X = e^{iθ} in real waves.

A denominator is taken apart into factors p(X), known from the differences of poles, and each is made real: p·p̄ =
|p|² is a polynomial in cos θ, since X̄ = 1/X. So what is left to write is a numerator Σ c_m X^m = Σ c_m (cos mθ + i sin
mθ), and no greatest common divisor of large polynomials is ever looked for.

>>> import sympy
>>> w, X = sympy.symbols("w X")
>>> in_waves((X + 1) / (X - 1) * sympy.I, {X: w})
sin(w)/(1 - cos(w))
"""

from __future__ import annotations

import functools
import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sympy import I, Symbol
from sympy.polys.rings import PolyRing

from .deadline import inquire
from .factors import factors_of, written_product
from .scalars import Field, Number
from .types import Expr, Polynomial, sympy

__all__ = ["Wave", "Waves", "in_waves"]

MOST = 2  # the degree in cos θ and sin θ up to which powers are written

Powers = tuple[int, ...]  # exponents of all letters, those of e^{iθ} of any sign
Laurent = dict[Powers, Any]


def in_waves(e: Expr, letters: Mapping[Symbol, Expr]) -> Expr:
    """The expression with each letter e^{iθ} as cos θ + i·sin θ."""
    if not e.has(*letters):
        return e
    field = Field([e], plain=letters)
    return Waves(field, letters).wave(field.number(e)).expression


@dataclass(frozen=True)
class Wave:
    """(x + iy)/Π q^k, with x, y and q real polynomials in cosines, sines and other letters, and a variable beside
    them.
    """

    waves: Waves
    x: Polynomial
    y: Polynomial
    over: Mapping[Polynomial, int]

    def __neg__(self) -> Wave:
        return Wave(self.waves, -self.x, -self.y, self.over)

    def __add__(self, other: Wave | Number) -> Wave:
        other = self.waves.wave(other) if isinstance(other, Number) else other
        common = {q: max(self.over.get(q, 0), other.over.get(q, 0)) for q in {**self.over, **other.over}}
        (x, y), (u, v) = self._over(common), other._over(common)
        return Wave(self.waves, x + u, y + v, common)

    def _over(self, common: Mapping[Polynomial, int]) -> tuple[Polynomial, Polynomial]:
        x, y = self.x, self.y
        for q, times in common.items():
            for _ in range(times - self.over.get(q, 0)):
                x, y = self.waves.reduced(x * q), self.waves.reduced(y * q)
        return x, y

    def turned(self) -> Wave:
        """i times it."""
        return Wave(self.waves, -self.y, self.x, self.over)

    def times_variable(self, power: int) -> Wave:
        factor = self.waves.variable**power
        return Wave(self.waves, self.x * factor, self.y * factor, self.over)

    @property
    def expression(self) -> Expr:
        return self.written()

    def written(self, variable: Expr = sympy.S.One) -> Expr:
        real, turn = (self.waves.fraction(part, self.over, variable) for part in (self.x, self.y))
        return real + I * turn


class Waves:
    """How numbers of a field that has letters e^{iθ} become waves; `poles` are numbers in whose differences
    denominators have their factors.
    """

    def __init__(self, field: Field, letters: Mapping[Symbol, Expr], poles: Iterable[Number] = ()):
        self.field, self.letters = field, letters
        self.from_ring = PolyRing(field.rational.symbols, sympy.QQ, sympy.lex)
        self.poles = tuple(poles)
        self.angles = [at for at, letter in enumerate(field.letters) if letter in letters]
        self.imaginary = [at for at, letter in enumerate(field.letters) if letter.is_Mul]  # i·w
        self.plain = [at for at in range(len(field.letters)) if at not in self.angles]
        size = len(self.angles)
        names = [sympy.Dummy(kind) for kind in ("c", "s") for _ in range(size)]
        others = [sympy.Dummy(f"x{at}") for at in self.plain]
        self.ring = PolyRing([*names, *others, sympy.Dummy("t")], sympy.QQ, sympy.lex)
        gens = self.ring.gens
        self.cosines, self.sines, self.variable = gens[:size], gens[size : 2 * size], gens[-1]
        self.others = dict(zip(self.plain, gens[2 * size : -1], strict=True))
        values = [field.letters[at] / I if at in self.imaginary else field.letters[at] for at in self.plain]
        turns = [letters[field.letters[at]] for at in self.angles]
        self._names = dict(zip(self.ring.symbols[2 * size : -1], values, strict=True))
        self._turns = turns
        roots = {at: x.base for at, x in enumerate(field.letters) if x.is_Pow and x.exp == sympy.S.Half}
        squares = {at: sympy.QQ(x.p, x.q) for at, x in roots.items() if x.is_Rational}
        self._roots = {at: self.from_ring(value) for at, value in squares.items()}
        self._squares = {size + place: 1 - c**2 for place, c in enumerate(self.cosines)}
        self._squares |= {2 * size + self.plain.index(at): self.ring(value) for at, value in squares.items()}
        self._multiples = [[(self.ring.one, self.ring.zero)] for _ in range(size)]

    # -- from the field

    def turns(self, number: Number) -> bool:
        """Whether a letter e^{iθ} is in a number."""
        parts = (part for x in (number.x, number.y) for part in (x.numer, x.denom))
        return any(powers[at] for part in parts for powers in part for at in self.angles)

    def wave(self, number: Number) -> Wave:
        real, turn = self._fraction(number.x), self._fraction(number.y)
        return real + turn.turned() if number.y else real

    def _fraction(self, fraction: Any) -> Wave:
        numer, denom = (part.set_ring(self.from_ring) for part in (fraction.numer, fraction.denom))
        constant, factors = self._factors(denom)
        top = _Top(dict(numer.mul_ground(1 / constant)))
        over: dict[Polynomial, int] = defaultdict(int)
        own: list[Laurent] = []  # each its own conjugate, but for a power of X that has no root
        while factors:
            inquire()
            factor, times = factors.popitem()
            p = dict(factor)
            conjugate = self._conjugate(p)
            if _unit(p, conjugate) is not None:
                both, odd = divmod(times, 2)
                if (real := self._real(p, top, times)) is not None:
                    over[real] += times
                    continue
                if both:
                    over[self._size(p, top, both)] += both
                if odd:
                    over.update(self._with_another(p, own, top))
                continue
            other = next((q for q in factors if _unit(dict(q), conjugate) is not None), None)
            both = 0 if other is None else min(times, factors[other])
            if other is not None and both:
                unit = _unit(dict(other), conjugate)
                assert unit is not None
                top.divided(unit, both)
                factors[other] -= both
                if not factors[other]:
                    del factors[other]
            for _ in range(times - both):
                top.terms = _product(top.terms, conjugate)
            over[self._laurent(_product(p, conjugate))[0]] += times
        for p in own:
            conjugate = self._conjugate(p)
            top.terms = _product(top.terms, conjugate)
            over[self._laurent(_product(p, conjugate))[0]] += 1
        x, y = self._laurent(top.terms)
        for _ in range(top.turns % 4):
            x, y = y, -x
        return self._normal(x, y, over)

    def _real(self, p: Laurent, top: _Top, times: int) -> Polynomial | None:
        """The real polynomial h in p = X^m·h or i·X^m·h, where there is one; by the rest the top is divided."""
        unit = _unit(p, self._conjugate(p))
        assert unit is not None
        powers, scale = unit
        if any(power % 2 for power in powers):
            return None
        half = tuple(power // 2 for power in powers), scale**2
        real, turn = self._laurent(_shifted(p, half, 1))
        top.divided(half, times)
        top.turns += times if scale < 0 else 0
        return real if scale > 0 else turn

    def _size(self, p: Laurent, top: _Top, times: int) -> Polynomial:
        """|p|² for p² = |p|²·(a power of X), by which the top is divided."""
        conjugate = self._conjugate(p)
        unit = _unit(p, conjugate)
        assert unit is not None
        top.divided(unit, times)
        return self._laurent(_product(p, conjugate))[0]

    def _with_another(self, p: Laurent, own: list[Laurent], top: _Top) -> dict[Polynomial, int]:
        """(X - 1)(X + 1) is 2i·sin θ·X, though neither factor is real: the real part of p with one that waits."""
        for other in own:
            if (real := self._real(_product(p, other), top, 1)) is not None:
                own.remove(other)
                return {real: 1}
        own.append(p)
        return {}

    def _normal(self, x: Polynomial, y: Polynomial, over: Mapping[Polynomial, int]) -> Wave:
        """With denominators that have whole coefficients without a common factor, and are positive where |p|² is."""
        found: dict[Polynomial, int] = defaultdict(int)
        for q, times in over.items():
            content, whole = q.primitive()
            constant = next((c for powers, c in whole.terms() if not any(powers[: len(self.angles)])), whole.LC)
            content, whole = (content, whole) if constant > 0 else (-content, -whole)
            x, y = (part.mul_ground(1 / content**times) for part in (x, y))
            if whole != 1:
                found[whole] += times
        return Wave(self, x, y, dict(found))

    def _conjugate(self, p: Laurent) -> Laurent:
        """1/X for X, and -iw for iw."""
        found = {}
        for powers, value in p.items():
            sign = (-1) ** sum(powers[at] for at in self.imaginary)
            found[tuple(-k if at in self.angles else k for at, k in enumerate(powers))] = sign * value
        return found

    @functools.cached_property
    def _known(self) -> list[Polynomial]:
        """The factors of poles and of their differences."""
        found: dict[Polynomial, None] = {}
        for number in (*self.poles, *(a - b for a, b in itertools.combinations(self.poles, 2))):
            square: Any = number.x**2 + number.y**2 if number.y else number.x
            for part in (square.numer, square.denom):
                factors = part.set_ring(self.from_ring).factor_list()[1]
                found.update((factor.monic(), None) for factor, _ in factors)
        return list(found)

    def _factors(self, p: Polynomial) -> tuple[Any, dict[Polynomial, int]]:
        """A constant, and the factors without a leading coefficient."""
        found: dict[Polynomial, int] = defaultdict(int)
        constant, p = p.LC, p.monic()
        for factor in self._known:
            while not p.is_ground:
                inquire()
                quotient, rest = p.div(factor)
                if rest:
                    break
                found[factor] += 1
                p = quotient
        for factor, times in [] if p.is_ground else p.factor_list()[1]:
            found[factor.monic()] += times
        plain: dict[Polynomial, int] = defaultdict(int)
        for factor, times in found.items():
            factor = self._rooted(factor)
            constant *= factor.LC**times
            plain[factor.monic()] += times
        return constant, plain

    def _rooted(self, p: Polynomial) -> Polynomial:
        """With the squares of roots."""
        return _with_squares(p, self._roots)

    # -- in waves

    def _laurent(self, p: Laurent) -> tuple[Polynomial, Polynomial]:
        """The real and the imaginary part of Σ c·X^m·…"""
        x, y = self.ring.zero, self.ring.zero
        for powers, value in p.items():
            inquire()
            u, v = self.ring(value), self.ring.zero
            for place, at in enumerate(self.angles):
                c, s = self._turned(place, abs(powers[at]))
                s = s if powers[at] >= 0 else -s
                u, v = u * c - v * s, u * s + v * c
            for at, letter in self.others.items():
                u, v = u * letter ** powers[at], v * letter ** powers[at]
                for _ in range(powers[at] % 4 if at in self.imaginary else 0):
                    u, v = -v, u
            x, y = x + u, y + v
        return self.reduced(x), self.reduced(y)

    def _turned(self, place: int, times: int) -> tuple[Polynomial, Polynomial]:
        """cos mθ and sin mθ by cos θ and sin θ."""
        known, c, s = self._multiples[place], self.cosines[place], self.sines[place]
        while len(known) <= times:
            x, y = known[-1]
            known.append((self.reduced(x * c - y * s), self.reduced(x * s + y * c)))
        return known[times]

    def reduced(self, p: Polynomial) -> Polynomial:
        """With sin² = 1 - cos², and the squares of roots."""
        return _with_squares(p, self._squares)

    # -- and out

    def fraction(self, top: Polynomial, over: Mapping[Polynomial, int], variable: Expr) -> Expr:
        """A fraction in lowest terms, as far as a denominator cancels whole."""
        if not top:
            return sympy.S.Zero
        names = self._named(variable)
        bottom = []
        for q, times in over.items():
            left = times
            while left and (quotient := self._quotient(top, q)) is not None:
                top, left = quotient, left - 1
            bottom.append(q.as_expr().xreplace(names) ** left)
        return written_product(self._polynomial(top, names), bottom)

    def _quotient(self, top: Polynomial, q: Polynomial) -> Polynomial | None:
        """top/q, if it is a polynomial."""
        inquire()
        quotient, rest = top.div(q)
        return None if rest else quotient

    def _named(self, variable: Expr) -> dict[Any, Expr]:
        size, symbols = len(self.angles), self.ring.symbols
        waves = [*map(sympy.cos, self._turns), *map(sympy.sin, self._turns)]
        return {**dict(zip(symbols[: 2 * size], waves, strict=True)), **self._names, symbols[-1]: variable}

    def _polynomial(self, p: Polynomial, names: Mapping[Any, Expr]) -> list[Expr]:
        """The factors of a polynomial of low degree; any other is one, by multiples of the angles."""
        size = len(self.angles)
        if all(sum(powers[: 2 * size]) <= MOST for powers in p):
            return factors_of(p, names)
        by_turn: dict[tuple[bool, Powers], Polynomial] = defaultdict(lambda: self.ring.zero)
        for powers, value in p.items():
            inquire()
            rest = self.ring({(*(0,) * 2 * size, *powers[2 * size :]): value})
            for turn, share in _multiples(powers[:size], powers[size : 2 * size]).items():
                key = (not sum(powers[size : 2 * size]) % 2, turn)
                by_turn[key] = by_turn[key] + rest * share
        found = []
        for (even, turn), factor in by_turn.items():
            angle = sympy.Add(*(m * w for m, w in zip(turn, self._turns, strict=True)))
            found.append(sympy.Mul(*factors_of(factor, names), sympy.cos(angle) if even else sympy.sin(angle)))
        return [sympy.Add(*found)]


@dataclass
class _Top:
    """A numerator, to be divided by so many i."""

    terms: Laurent
    turns: int = 0

    def divided(self, unit: tuple[Powers, Any], times: int) -> None:
        self.terms = _shifted(self.terms, unit, times)


def _unit(p: Laurent, q: Laurent) -> tuple[Powers, Any] | None:
    """c·X^m with p = c·X^m·q, if there is one."""
    first, second = max(p), max(q)
    unit = tuple(a - b for a, b in zip(first, second, strict=True)), p[first] / q[second]
    return unit if len(p) == len(q) and _shifted(q, unit, -1) == p else None


def _product(p: Laurent, q: Laurent) -> Laurent:
    found: Laurent = {}
    for powers, value in p.items():
        inquire()
        for others, factor in q.items():
            key = tuple(map(int.__add__, powers, others))
            found[key] = found.get(key, 0) + value * factor
    return {powers: value for powers, value in found.items() if value}


def _shifted(p: Laurent, unit: tuple[Powers, Any], times: int) -> Laurent:
    """p/(c·X^m)^times"""
    by, scale = unit
    return {tuple(k - m * times for k, m in zip(powers, by, strict=True)): v / scale**times for powers, v in p.items()}


def _with_squares(p: Polynomial, squares: Mapping[int, Polynomial]) -> Polynomial:
    """A polynomial with what the squares of some letters are."""
    if all(powers[at] < 2 for powers in p for at in squares):
        return p
    found = p.ring.zero
    for powers, value in p.items():
        left, factor = list(powers), p.ring(value)
        for at, square in squares.items():
            factor, left[at] = factor * square ** (powers[at] // 2), powers[at] % 2
        found = found + factor.mul_monom(tuple(left))
    return found


def _multiples(cosines: Powers, sines: Powers) -> dict[Powers, Any]:
    """Π cos^a·sin^b by multiples of the angles: of cosines where the sum of all b is even, else of sines."""
    found: dict[Powers, Any] = {(): sympy.QQ(1)}
    for a, b in zip(cosines, sines, strict=True):
        row: dict[int, int] = {0: 1}
        for sign in (*(1,) * a, *(-1,) * b):  # X ± 1/X
            longer: dict[int, int] = defaultdict(int)
            for m, value in row.items():
                longer[m + 1] += value
                longer[m - 1] += sign * value
            row = longer
        found = {(*turn, m): v * value / 2 ** (a + b) for turn, v in found.items() for m, value in row.items() if value}
    total = sum(sines)
    half: dict[Powers, Any] = defaultdict(lambda: sympy.QQ(0))
    for turn, value in found.items():  # i^{-Σb}, and i more from each sine of a multiple
        first = next((m for m in turn if m), 0)
        turned = tuple(-m for m in turn) if first < 0 else turn
        half[turned] += value * (-1) ** (total // 2 + (first < 0 and total % 2))
    return half
