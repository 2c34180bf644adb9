r"""Rational functions and waves, on all of the line, by residues.

A term is c·e^{iωt}/(t - z)ⁿ; with n = 0 it is a wave, with n < 0 a power. In τ, the product of f(τ) and g(t - τ) has
its poles at z and at t - w, and the path is closed above where the wave e^{i(ω - η)τ} falls there, else below:

    ∫ = 2πi·Σ residues above,  or  -2πi·Σ residues below.

A pole on the real line is meant as one just above the path: where the whole function has none there (sin t/t), the
path may be moved below. A principal value is the mean of both sides, at such a pole and at infinity, where an
integrand ends as c/τ; where two poles on the line meet, there is an impulse beside it.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from sympy import I, Symbol, oo

from .errors import DivergentError, NotFoundError, OpenQuestion
from .facts import Facts
from .monomials import Monomial
from .pieces import Impulse, Piece
from .scalars import Field, Number
from .series import divided, taylor
from .sums import parts
from .terms import Term, Terms
from .types import Expr, sympy

__all__ = ["Part", "Residues", "is_quotient", "is_rational", "met"]

Part = tuple[Expr, Expr, int]  # κ, z and n of e^{κt}/(t - z)ⁿ


def is_rational(term: Term, t: Symbol) -> bool:
    """Whether a term is a rational function times a wave, on all of the line."""
    piece, monomial = term
    if not (piece.low.is_infinite and piece.high.is_infinite) or monomial.square != 0:
        return False
    return sympy.re(monomial.rate) == 0 and bool(monomial.special.is_rational_function(t))


def is_quotient(term: Term, t: Symbol) -> bool:
    """Whether a term is a rational function with a pole, times an exponential, on an interval or on all of the line."""
    _, monomial = term
    return monomial.square == 0 and monomial.special != 1 and bool(monomial.special.is_rational_function(t))


@dataclass(frozen=True)
class Wave:
    """e^{iωt + constant}·Σ c/(t - z)ⁿ, with a polynomial (n ≤ 0) beside it."""

    frequency: Expr
    constant: Expr
    poles: dict[tuple[Number, int], Number]
    polynomial: dict[int, Number]
    degree: int  # as which power of t it ends


@dataclass
class Residues:
    """f ∗ g for two sums of terms."""

    f: Sequence[Term]
    g: Sequence[Term]
    t: Symbol
    facts: Facts
    principal: bool = False
    converges: dict[Any, None] = field(default_factory=dict)

    def terms(self) -> Terms:
        """The convolution, as waves times rational functions, and impulses where poles on the line meet."""
        f, g = self._waves()
        left, right = (self._on_the_line(waves) for waves in (f, g))
        found: dict[tuple[Expr, Expr], Number] = defaultdict(lambda: self.field.zero)
        for one in f:
            for two in g:
                self._pair(one, two, found)
        whole = Piece(sympy.S.One)
        smooth = [
            (whole, Monomial(value.expression, rate=I * frequency, constant=constant))
            for (frequency, constant), value in found.items()
            if value
        ]
        return Terms(tuple(smooth), met(left, right))

    def residues(self, low: Expr = -oo, high: Expr = oo) -> dict[Expr, Expr]:
        """The residues of f at its poles on the line between two points."""
        waves, _ = self._waves()
        return self._on_the_line(waves, low, high)

    def partial_fractions(self, low: Expr = -oo, high: Expr = oo) -> tuple[dict[Part, Expr], dict[Expr, int]]:
        """Coefficients of e^{κt}/(t - z)ⁿ in f between two points, and as which power of t it ends, by κ.

        A pole there is one of a single wave, and cancels with those of others: sin t/t has none.
        """
        waves, _ = self._waves()
        if any(wave.polynomial for wave in waves):
            raise NotFoundError("a polynomial beside a rational function is not taken apart from it")
        self._on_the_line(waves, low, high)
        found: dict[Part, Expr] = defaultdict(lambda: sympy.S.Zero)
        for wave in waves:
            for (z, order), c in wave.poles.items():
                key = (sympy.expand(I * wave.frequency), z.expression, order)
                found[key] += c.expression * sympy.exp(wave.constant)
        return dict(found), {sympy.expand(I * wave.frequency): wave.degree for wave in waves}

    # -- reading

    def coincident(self) -> list[tuple[Expr, Expr]]:
        """Poles of one function that are taken for different, and are one at values of the parameters."""
        found: list[tuple[Expr, Expr]] = []
        for part in (self.f, self.g):
            for e in _by_wave(part, self.t).values():
                if e.free_symbols - {self.t}:
                    roots = [z for z, _ in self._factored(e)[1]]
                    pairs = itertools.combinations(roots, 2)
                    found += [(z, w) for z, w in pairs if self.facts.equal(z, w) is None]
        return found

    def _waves(self) -> tuple[list[Wave], list[Wave]]:
        parts = [_by_wave(terms, self.t) for terms in (self.f, self.g)]
        prepared = [[(key, *self._factored(e)) for key, e in part.items()] for part in parts]
        letters: list[Expr] = [self.t, sympy.pi]
        for part in prepared:
            for (frequency, _), numerator, roots, scale in part:
                letters += [frequency, I * frequency, scale, *numerator, *(z for z, _ in roots)]
        self.field = Field(letters)
        f, g = ([self._wave(*one) for one in part] for part in prepared)
        return f, g

    def _factored(self, e: Expr) -> tuple[list[Expr], list[tuple[Expr, int]], Expr]:
        """The coefficients of the numerator from the constant on, the roots of the denominator, and its leading
        factor.
        """
        numerator, denominator = sympy.fraction(sympy.cancel(sympy.together(e)))
        scale, roots = sympy.S.One, []
        leading, factors = sympy.factor_list(sympy.expand(denominator), self.t)
        scale *= leading
        for factor, times in factors:
            polynomial = sympy.Poly(factor, self.t)
            if polynomial.degree() == 0:
                scale *= factor**times
                continue
            scale *= polynomial.LC() ** times
            roots += [(z, times) for z in self._roots(polynomial)]
        return sympy.Poly(numerator, self.t).all_coeffs()[::-1], roots, scale

    def _roots(self, polynomial: Expr) -> list[Expr]:
        if polynomial.degree() == 1:
            return [sympy.cancel(-polynomial.nth(0) / polynomial.nth(1))]
        if polynomial.degree() == 2:
            square, slope, offset = polynomial.all_coeffs()
            negative = sympy.factor(4 * square * offset - slope**2)
            size = 4 * square**2
            if (below := self.facts.positive(negative)) is None:
                raise OpenQuestion(sympy.Gt(negative, 0), apart=True)
            centre = sympy.cancel(-slope / (2 * square))
            root = sympy.sqrt(sympy.cancel((negative if below else -negative) / size))
            root = _positive_root(root, self.facts) * (I if below else 1)
            return [centre + root, centre - root]
        roots = sympy.roots(polynomial)
        if sum(roots.values()) != polynomial.degree():
            raise NotFoundError(f"the zeros of {polynomial.as_expr()} are not found in closed form")
        return [sympy.expand_complex(root) for root, times in roots.items() for _ in range(times)]

    def _wave(self, key: tuple[Expr, Expr], numerator: list[Expr], roots: list[tuple[Expr, int]], scale: Expr) -> Wave:
        number = self.field.number
        factor = number(scale).inverse()
        top = [number(c) * factor for c in numerator]
        zeros = [(number(z), times) for z, times in roots]
        size = sum(times for _, times in zeros)
        poles: dict[tuple[Number, int], Number] = {}
        for z, times in zeros:
            series = taylor(top, z, times)
            for other, power in zeros:
                if other != z:
                    for _ in range(power):
                        series = divided(series, z - other)
            for k, value in enumerate(series):
                if value:
                    poles[z, times - k] = value
        whole = _quotient(top, [z for z, times in zeros for _ in range(times)], self.field)
        return Wave(*key, poles, {k: c for k, c in enumerate(whole) if c}, len(numerator) - 1 - size)

    def _on_the_line(self, waves: Sequence[Wave], low: Expr = -oo, high: Expr = oo) -> dict[Expr, Expr]:
        """The residues at real poles between two points that do not cancel; they are refused but for simple ones under
        a principal value.
        """
        total: dict[tuple[Number, int], dict[Expr, Number]] = defaultdict(dict)
        for wave in waves:
            for (z, order), c in wave.poles.items():
                if self._above(z) is None and not self._outside(z.expression, low, high):
                    for k in range(order):  # e^{iωt} = e^{iωz} Σ (iω)^k (t - z)^k/k!
                        turn = sympy.expand(wave.constant + I * wave.frequency * z.expression)
                        value = c * self.field.number(I * wave.frequency) ** k * Fraction(1, math.factorial(k))
                        held = total[z, order - k]
                        held[turn] = held[turn] + value if turn in held else value
        found: dict[Expr, Expr] = {}
        for (z, order), held in total.items():
            coefficient = sympy.Add(*(value.expression * sympy.exp(turn) for turn, value in held.items() if value))
            if sympy.expand(coefficient) == 0:
                continue
            at = z.expression
            if not self.principal or order > 1:
                asked = "; its principal value is found with pv=True" if order == 1 and at not in (low, high) else ""
                raise DivergentError(f"the integral diverges: there is a pole of order {order} at {at}{asked}")
            if at in (low, high):
                raise NotFoundError(f"a principal value at {at}, where an interval ends, is not found")
            found[at] = _plain(coefficient)
        return found

    def _outside(self, z: Expr, low: Expr, high: Expr) -> bool:
        for first, second in ((z, low), (high, z)):
            if first.is_infinite or second.is_infinite:
                continue
            if (before := self.facts.before(first, second)) is None:
                raise OpenQuestion(sympy.Lt(first, second), apart=True)
            if before:
                return True
        return False

    def _above(self, z: Number) -> bool | None:
        """Whether a point is above the real line; None where it is on it."""
        beside, height = parts(sympy.expand(z.expression))
        # what is asked of a height makes its symbols real
        if any(not x.is_extended_real for x in beside.free_symbols - height.free_symbols):
            raise NotFoundError(
                f"on which side of the line {z.expression} is, is not known: its symbols may be complex"
            )
        if height == 0:
            return None
        if (found := self.facts.positive(height)) is None:
            raise OpenQuestion(sympy.Gt(height, 0), apart=True)
        return found

    # -- integrating

    def _pair(self, f: Wave, g: Wave, found: dict[tuple[Expr, Expr], Number]) -> None:
        difference = sympy.expand(f.frequency - g.frequency)
        shares = self._shares(difference, f.degree + g.degree)
        for (z, n), c in _all_terms(f, self.field):
            for (w, m), d in _all_terms(g, self.field):
                for share, above in shares:
                    self._residues(f, g, (z, n, w, m), c * d * share, above, difference, found)

    def _shares(self, difference: Expr, degree: int) -> list[tuple[Fraction, bool]]:
        """How much is taken of which side."""
        up = self.facts.positive(difference) if difference != 0 else None
        equal = difference == 0 or self.facts.equal(difference, sympy.S.Zero)
        if equal:
            if degree > -1 or (degree == -1 and not self.principal):
                raise DivergentError(
                    f"the integral diverges: its integrand ends as τ^{degree}"
                    + ("; its principal value is found with pv=True" if degree == -1 else "")
                )
            return [(Fraction(1, 2), True), (Fraction(1, 2), False)]
        if degree > -1:
            raise DivergentError(f"the integral diverges: its integrand ends as a wave times τ^{degree}")
        if up is None:
            raise OpenQuestion(sympy.Gt(difference, 0), apart=True)
        if degree == -1 and equal is None:
            self.converges[sympy.Ne(difference, 0)] = None
        return [(Fraction(1), up)]

    def _residues(
        self,
        f: Wave,
        g: Wave,
        which: tuple[Number | None, int, Number | None, int],
        scale: Number,
        above: bool,
        difference: Expr,
        found: dict[tuple[Expr, Expr], Number],
    ) -> None:
        z, n, w, m = which
        zero = self.field.zero
        at = (z or zero) + (w or zero)
        t = self.field.number(self.t)
        turn = self.field.number(I * difference)
        around = self.field.number(2 * sympy.pi * I if above else -2 * sympy.pi * I)
        constant = f.constant + g.constant
        if n > 0 and z is not None:
            for part in self._parts(z, above, below_is_above=True):
                for j in range(n):
                    value = (
                        scale
                        * around
                        * part
                        * turn ** (n - 1 - j)
                        * (_rising(m, j) * Fraction(math.comb(n - 1, j), math.factorial(n - 1)))
                    )
                    if value:
                        key = (g.frequency, sympy.expand(constant + I * difference * z.expression))
                        found[key] = found[key] + value * (t - at) ** -(m + j)
        if m > 0 and w is not None:
            for part in self._parts(w, above, below_is_above=False):
                for j in range(m):
                    sign = (-1) ** (m + j)
                    value = (
                        scale
                        * around
                        * part
                        * turn ** (m - 1 - j)
                        * (sign * _rising(n, j) * Fraction(math.comb(m - 1, j), math.factorial(m - 1)))
                    )
                    if value:
                        key = (f.frequency, sympy.expand(constant - I * difference * w.expression))
                        found[key] = found[key] + value * (t - at) ** -(n + j)

    def _parts(self, pole: Number, above: bool, below_is_above: bool) -> list[Fraction]:
        """Whether a pole lies on a side: f's own as it does, g's turned round, a real one above."""
        side = self._above(pole)
        if side is None:
            return [Fraction(1, 2)] if self.principal else ([Fraction(1)] if above else [])
        return [Fraction(1)] if (side if below_is_above else not side) == above else []


def met(left: dict[Expr, Expr], right: dict[Expr, Expr]) -> tuple[Impulse, ...]:
    """What comes of simple poles on the line beside the principal value of the integral, by their residues:

    pv 1/(t - p) ∗ pv 1/(t - q) = -π²·δ(t - p - q)   (Poincaré, Bertrand).
    """
    return tuple(
        Impulse(_plain(-(sympy.pi**2) * r * s), sympy.expand(p + q))
        for (p, r), (q, s) in itertools.product(left.items(), right.items())
    )


def _plain(e: Expr) -> Expr:
    """A residue, in which waves are written as sines and cosines where they pair."""
    found = sympy.expand(e)
    return sympy.expand(sympy.expand_complex(found)) if found.has(I) else found


def _by_wave(terms: Iterable[Term], t: Symbol) -> dict[tuple[Expr, Expr], Expr]:
    found: dict[tuple[Expr, Expr], Expr] = defaultdict(lambda: sympy.S.Zero)
    for _, m in terms:
        found[sympy.expand(m.rate / I), m.constant] += m.coefficient * t**m.power * m.special
    return found


def _all_terms(wave: Wave, field: Field) -> Iterable[tuple[tuple[Number | None, int], Number]]:
    yield from wave.poles.items()
    for power, c in wave.polynomial.items():
        yield (None, -power), c


def _rising(n: int, j: int) -> int:
    return math.prod(range(n, n + j))


def _positive_root(root: Expr, facts: Facts) -> Expr:
    """√(a²) as a or -a."""
    if not (root.is_Pow or isinstance(root, sympy.Abs)):
        return root
    plain = sympy.sqrt(sympy.factor(root.args[0])) if root.is_Pow else root
    if isinstance(plain, sympy.Abs) and (sign := facts.positive(plain.args[0])) is not None:
        return plain.args[0] if sign else -plain.args[0]
    return plain


def _quotient(polynomial: Sequence[Number], roots: Sequence[Number], field: Field) -> list[Number]:
    """The polynomial part of a polynomial over Π (t - z)."""
    rest = list(polynomial)
    bottom = [field.one]
    for z in roots:
        bottom = [low - z * high for low, high in zip([field.zero, *bottom], [*bottom, field.zero], strict=True)]
    found: list[Number] = [field.zero] * max(0, len(rest) - len(roots))
    for place in range(len(found) - 1, -1, -1):
        factor = rest[place + len(roots)]
        found[place] = factor
        for k, c in enumerate(bottom):
            rest[place + k] = rest[place + k] - factor * c
    return found
