"""The steps by Laplace's transform, or by that in z: multiply, part into fractions, go back.

Functions that begin at a point are sums of poles (`poles`), and so is their product; each pole, or pair of conjugate
ones, is a fraction whose function is known.
"""

from __future__ import annotations

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
from ..steps import Back, Collect, Define, Fractions, Multiply, Pair, Pairs, Problem, Transform, Turn
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
    way = (_Sequences if problem.discrete else _Functions)(problem)
    f, g = (way.poles(part) for part in way.parts)
    together = Pairs((Pair(way.transform(f), problem.f), Pair(way.transform(g), problem.g)), way.s)
    joined = product_of(f, g, problem.facts).result
    fractions = tuple(Pair(way.transform(part), way.function(part)) for part in way.fractions(joined))
    steps += [Transform(problem, together), Multiply(problem, together)]
    if len(fractions) > 1:
        steps.append(Fractions(problem, Pairs(fractions, way.s)))
    whole = sympy.Add(*(pair.function for pair in fractions))
    return (*steps, Back(problem, Pairs(fractions, way.s)), Collect(problem, problem.result, whole=whole))


class _Functions:
    """Functions of a real variable, which go to 1/(s - λ)ʲ and powers of s."""

    letter = "s"

    def __init__(self, problem: Problem):
        self.problem, self.t, self.facts = problem, problem.t, problem.facts
        self.s = _letter(self.letter, problem)
        read = reader(problem).read
        self.parts = [terms(read(e), self.t) for e in (problem.f, problem.g)]
        if not all(monomial.exponential for part in self.parts for _, monomial in part.terms):
            raise NotFoundError("steps by transforms are written for powers times exponentials alone")
        if any(piece.low.is_infinite for part in self.parts for piece, _ in part.terms):
            raise NotFoundError("steps by transforms are written for functions that begin at a point")
        self.field = self._field()

    def _field(self) -> Field:
        return Field([letter for part in self.parts for letter in continuous.letters(part.terms, part.impulses)])

    def poles(self, part: Terms) -> Poles:
        return continuous.as_poles(self.field, part.terms, part.impulses)

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
        return sequences.as_poles(self.field, self.base, part)

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


def _letter(name: str, problem: Problem) -> Symbol:
    symbols: Any = problem.f.free_symbols | problem.g.free_symbols
    taken = {x.name for x in symbols}
    return sympy.Dummy(next(n for n in (name, "p", f"{name}′") if n not in taken))
