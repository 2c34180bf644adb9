"""The steps by Laplace's transform, or by that in z: multiply, part into fractions, go back.

Sums of exponentials on half-lines are sums of poles (`poles`), and so is their product; each pole, or pair of conjugate
ones, is a fraction whose function is known: it goes on to the right where the pole lies to the left of the strip in
which all transforms exist (in z: inside of the annulus), else to the left.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import Any

from sympy import Symbol

from convmath.steps import Step

from .. import continuous, sequences
from ..angles import in_waves
from ..errors import NotFoundError
from ..poles import Place, Poles, Side
from ..poles import product as product_of
from ..scalars import Coefficient, Field
from ..steps import Back, Collect, Define, Fractions, Multiply, Pair, Pairs, Problem, Region, Transform, Turn
from ..terms import Terms, terms
from ..types import Expr, sympy
from .support import reader, turned

__all__ = ["by_transform"]


def by_transform(problem: Problem) -> tuple[Step, ...]:
    """Definition, transforms, their product in fractions, and the function of each."""
    if len(problem.variables) > 1:
        raise NotFoundError("steps by transforms are written for one variable alone")
    if problem.period is not None:
        raise NotFoundError("steps by transforms are not written for a convolution over a period")
    steps: list[Step] = [Define(problem, problem)]
    if problem.correlation:
        after = turned(problem)
        steps.append(Turn(problem, after))
        problem = after
    parts = [terms(reader(problem).read(e), problem.t) for e in (problem.f, problem.g)]
    of = _of_gaussians if all(map(_gaussian, parts)) else _of_poles
    return (*steps, *of(problem, parts))


def _of_poles(problem: Problem, parts: list[Terms]) -> tuple[Step, ...]:
    way = (_Sequences if problem.discrete else _Functions)(problem, parts)
    f, g = way.fitted(*(way.poles(part) for part in way.parts))
    region = way.region(f, g)
    together = Pairs((Pair(way.transform(f), problem.f), Pair(way.transform(g), problem.g)), way.s, region)
    joined = way.joined(f, g)
    fractions = tuple(Pair(way.transform(part), way.function(part)) for part in way.fractions(joined))
    steps: list[Step] = [Transform(problem, together), Multiply(problem, together)]
    if len(fractions) > 1:
        steps.append(Fractions(problem, Pairs(fractions, way.s, region)))
    whole = sympy.Add(*(pair.function for pair in fractions))
    return (*steps, Back(problem, Pairs(fractions, way.s, region)), Collect(problem, problem.result, whole=whole))


def _gaussian(part: Terms) -> bool:
    """Whether a function is a sum of polynomials times Gaussians on the whole line."""
    whole = all(piece.low.is_infinite and piece.high.is_infinite and m.gaussian for piece, m in part.terms)
    return whole and bool(part.terms) and not part.impulses


def _of_gaussians(problem: Problem, parts: list[Terms]) -> tuple[Step, ...]:
    """Their transforms exist everywhere, and are Gaussians again."""
    s = _letter("s", problem)
    first, second = (_gaussian_transform(part, s) for part in parts)
    whole = Region(-sympy.oo, sympy.oo)
    together = Pairs(tuple(map(Pair, map(_sum, (first, second)), (problem.f, problem.g))), s, whole)
    product: dict[Expr, Expr] = {}
    for (one, p), (two, q) in itertools.product(first.items(), second.items()):
        exponent = _by_degree(one + two, s)
        product[exponent] = sympy.expand(product.get(exponent, 0) + p * q)
    back = Pairs((Pair(_sum(product), problem.result),), s, whole)
    return (Transform(problem, together), Multiply(problem, together), Back(problem, back))


def _gaussian_transform(part: Terms, s: Symbol) -> dict[Expr, Expr]:
    """By exponent what stands before it: ∫ tᵏ·e^{-κt² + λt}·e^{-st} dt = (-∂/∂s)ᵏ √(π/κ)·e^{(s - λ)²/4κ}"""
    found: dict[Expr, Expr] = {}
    for _, m in part.terms:
        exponent = _by_degree(m.constant - (s - m.rate) ** 2 / (4 * m.square), s)
        factor = m.coefficient * sympy.sqrt(sympy.pi / -m.square)
        for _ in range(m.power):
            factor = -sympy.expand(sympy.diff(factor, s) + factor * sympy.diff(exponent, s))
        found[exponent] = found.get(exponent, sympy.S.Zero) + factor
    return found


def _by_degree(exponent: Expr, s: Symbol) -> Expr:
    coefficients = sympy.Poly(exponent, s).all_coeffs()
    return sympy.Add(*(sympy.factor(c) * s**k for k, c in enumerate(reversed(coefficients))))


def _sum(factors: dict[Expr, Expr]) -> Expr:
    return sympy.Add(*(sympy.factor(factor) * sympy.exp(exponent) for exponent, factor in factors.items()))


NEAR = 8  # indices by which a pole of a sequence is moved


class _Functions:
    """Functions of a real variable, which go to 1/(s - λ)ʲ and powers of s."""

    letter = "s"

    def __init__(self, problem: Problem, parts: list[Terms]):
        self.problem, self.t, self.facts = problem, problem.t, problem.facts
        self.s = _letter(self.letter, problem)
        self.parts = parts
        if not all(monomial.exponential for part in self.parts for _, monomial in part.terms):
            raise NotFoundError(
                "steps by transforms are written for powers times exponentials, and for Gaussians with Gaussians"
            )
        self.field = self._field()

    def _field(self) -> Field:
        return Field([letter for part in self.parts for letter in continuous.letters(part.terms, part.impulses)])

    def poles(self, part: Terms) -> Poles:
        return continuous.as_poles(self.field, part.terms, part.impulses)

    def joined(self, f: Poles, g: Poles) -> Poles:
        return product_of(f, g, self.facts).result

    def fitted(self, *both: Poles) -> list[Poles]:
        """What ends on both sides may be counted from either; from the left where a pole lies beyond the strip."""
        sizes = self._sizes(both)[Side.LEFT]
        found = []
        for poles in both:
            turned: set[Place] = set()
            for (side, pole), places in poles.groups().items():
                time = poles.time
                fits = pole is None or all(self.facts.before(*time.sizes(time.size(pole), size)) for size in sizes)
                if side is Side.RIGHT and not fits and poles.vanishes_beyond(places):
                    turned.update(places)
            moved = {place: Place(place.shift, Side.LEFT, place.pole) for place in turned}
            parts = ((moved.get(place, place), order, c) for place, order, c in poles.parts())
            found.append(Poles.collected(poles.time, poles.field, parts))
        return found

    def _sizes(self, both: Iterable[Poles]) -> dict[Side, list[Expr]]:
        """How fast what goes on to each side grows."""
        groups = [(*group, poles.time) for poles in both for group in poles.groups()]
        return {
            wanted: list(
                dict.fromkeys(time.size(pole) for side, pole, time in groups if pole is not None and side is wanted)
            )
            for wanted in (Side.RIGHT, Side.LEFT)
        }

    def region(self, *both: Poles) -> Region:
        """Where the transforms exist: beyond the poles of what goes on to the right, before those to the left."""
        sizes = self._sizes(both)
        for right, left in itertools.product(*sizes.values()):
            if not self.facts.before(*both[0].time.sizes(right, left)):
                raise NotFoundError(
                    f"steps by transforms need a common strip, but {right} < {left} is not known to hold"
                )
        low, high = sizes.values()
        return Region(self._extreme(low, sympy.Max, -1), self._extreme(high, sympy.Min, 0))

    def _extreme(self, sizes: list[Expr], otherwise: Any, place: int) -> Expr | None:
        ordered = self.facts.sorted(sizes)
        return None if not sizes else ordered[place] if ordered else otherwise(*sizes)

    def function(self, poles: Poles) -> Expr:
        return continuous.by_steps(poles, self.t) + self._points(poles)

    def _points(self, poles: Poles) -> Expr:
        return sympy.Add(
            *(c.expression * sympy.DiracDelta(self.t - p.shift, k) for p, k, c in poles.parts() if p.side is Side.POINT)
        )

    def rate(self, place: Place) -> Expr:
        assert place.pole is not None
        return place.pole.expression

    def _moved(self, shift: Expr) -> Expr:
        return sympy.exp(-shift * self.s)

    def _fraction(self, place: Place, order: int) -> Expr:
        return self.s**order if place.pole is None else (self.s - self.rate(place)) ** -order

    def _real(self, e: Expr) -> Expr:
        """A sum over conjugate poles without i."""
        if not e.has(sympy.I):
            return e
        over, under = (sympy.expand(part) for part in sympy.fraction(sympy.together(e)))
        return sympy.factor_terms(over) / sympy.factor(under)

    def transform(self, poles: Poles) -> Expr:
        """The transform, in a term for each break point and pole."""
        found = sympy.S.Zero
        for part in self.fractions(poles):
            [shift] = part.shifts()
            value = sympy.Add(*(sympy.factor(c.expression) * self._fraction(p, k) for p, k, c in part.parts()))
            found += self._moved(shift) * self._real(value)
        return found

    def fractions(self, poles: Poles) -> Iterable[Poles]:
        """The parts with one break point, and one pole or two conjugate ones."""
        groups: dict[tuple[Expr, frozenset[Expr]], list[tuple[Place, int, Coefficient]]] = {}
        for place, order, coefficient in poles.parts():
            key: frozenset[Expr] = frozenset()
            if place.pole is not None:
                rate = sympy.expand(self.rate(place))
                key = frozenset((rate, sympy.expand(rate.subs(sympy.I, -sympy.I))))
            groups.setdefault((place.shift, key), []).append((place, order, coefficient))
        order = sorted(groups, key=lambda key: (len(sympy.Add.make_args(key[0])), sympy.default_sort_key(key[0])))
        order.sort(key=lambda key: key[0] != 0)
        return [Poles.collected(poles.time, poles.field, groups[key]) for key in order]


class _Sequences(_Functions):
    """Sequences, which go to 1/(1 - r/z)ʲ."""

    letter = "z"

    def _field(self) -> Field:
        self.base = sequences.Base()
        return self.base.field(*self.parts)

    def poles(self, part: Terms) -> Poles:
        return from_zero(sequences.as_poles(self.field, self.base, part))

    def joined(self, f: Poles, g: Poles) -> Poles:
        return from_zero(super().joined(f, g))

    def function(self, poles: Poles) -> Expr:
        return sequences.written(poles, self.base, self.t, self.facts)

    def rate(self, place: Place) -> Expr:
        assert place.pole is not None
        return self.base.rate(place.pole)

    def _moved(self, shift: Expr) -> Expr:
        return self.s**-shift

    def _fraction(self, place: Place, order: int) -> Expr:
        return sympy.S.One if place.pole is None else (1 - place.pole.expression / self.s) ** -order

    def _real(self, e: Expr) -> Expr:
        return in_waves(e, self.base.letters)


def from_zero(poles: Poles) -> Poles:
    """What goes on to both sides, with its poles counted from 0 on, and impulses for the difference.

    rⁿu[n - 1] = rⁿu[n] - δ[n], so that in 2^{-|n|} nothing is left but two poles.
    """
    if all(place.side is not Side.LEFT for place in poles.terms):
        return poles
    found: list[tuple[Place, int, Coefficient]] = []
    for place, order, coefficient in poles.parts():
        if place.pole is None or not (place.shift.is_Integer and abs(place.shift) <= NEAR):
            found.append((place, order, coefficient))
            continue
        a, pole = int(place.shift), place.pole
        # Newton's formula: a polynomial is the sum of its backward differences at -1 times C(n + i, i)
        values = [_binomial(-1 - k, a, order) for k in range(order)]
        for i in range(order):
            found.append((Place(sympy.S.Zero, place.side, pole), i + 1, coefficient * pole**-a * values[0]))
            values = [one - two for one, two in itertools.pairwise(values)]
        for n in range(min(0, a), max(0, a)):
            sign = place.side.value * (1 if (n >= a) is (place.side is Side.RIGHT) else -1)
            value = coefficient * pole ** (n - a) * (sign * _binomial(n, a, order))
            found.append((Place(sympy.Integer(n), Side.POINT), 0, value))
    return Poles.collected(poles.time, poles.field, found)


def _binomial(n: int, a: int, order: int) -> int:
    """C(n - a + order - 1, order - 1) as a polynomial in n"""
    return math.prod(n - a + j for j in range(1, order)) // math.factorial(order - 1)


def _letter(name: str, problem: Problem) -> Symbol:
    symbols: Any = problem.f.free_symbols | problem.g.free_symbols
    taken = {x.name for x in symbols}
    return sympy.Dummy(next(n for n in (name, "p", f"{name}′") if n not in taken))
