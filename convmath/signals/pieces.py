"""A function as a sum of smooth pieces and impulses.

Steps, signs, absolute values, maxima, Piecewise and impulses are resolved into intervals, so that what is left in a
piece is one smooth expression. Single points are not told apart: < and ≤ mean the same, and a step is what it is on
both sides.

>>> import sympy
>>> t = sympy.Symbol("t", real=True)
>>> for piece in pieces(sympy.exp(-sympy.Abs(t)), t, Facts()).smooth: print(piece)
Piece(expression=exp(t), low=-oo, high=0)
Piece(expression=exp(-t), low=0, high=oo)
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Symbol, oo

from .deadline import inquire
from .errors import NotFoundError, OpenQuestion
from .facts import Facts
from .types import Expr, sympy

__all__ = ["SWITCHES", "Function", "Impulse", "Piece", "Reader", "pieces"]

SWITCHES = (sympy.Heaviside, sympy.sign, sympy.Abs, sympy.Max, sympy.Min, sympy.Piecewise, sympy.DiracDelta)


@dataclass(frozen=True, slots=True)
class Piece:
    """A smooth expression between two points, which may be infinite."""

    expression: Expr
    low: Expr = -oo
    high: Expr = oo


@dataclass(frozen=True, slots=True)
class Impulse:
    """c·δ^{(k)}(t - a)"""

    coefficient: Expr
    at: Expr
    order: int = 0


@dataclass(frozen=True, slots=True)
class Function:
    """The sum of pieces and impulses."""

    smooth: tuple[Piece, ...] = ()
    points: tuple[Impulse, ...] = ()

    def __add__(self, other: Function) -> Function:
        return Function(self.smooth + other.smooth, self.points + other.points)

    def breaks(self) -> tuple[Expr, ...]:
        """The finite ends of the pieces."""
        ends = itertools.chain.from_iterable((piece.low, piece.high) for piece in self.smooth)
        return tuple(dict.fromkeys(end for end in ends if not end.is_infinite))


def pieces(expression: Expr, t: Symbol, facts: Facts) -> Function:
    """The pieces and impulses of an expression in t."""
    return Reader(t, facts).read(expression)


class Reader:
    """Reads an expression in t, under what is known of parameters."""

    switches: tuple[Any, ...] = SWITCHES

    def __init__(self, t: Symbol, facts: Facts):
        self.t, self.facts = t, facts

    def read(self, e: Expr) -> Function:
        inquire()
        if any(impulse.args[0] == 0 for impulse in e.atoms(sympy.DiracDelta)):
            raise NotFoundError("δ(0) for all t has no meaning")
        if not e.has(self.t) or not e.has(*self.switches):
            return Function((Piece(e),)) if e != 0 else Function()
        if isinstance(e, sympy.Add):
            return sum(map(self.read, e.args), Function())
        if isinstance(e, sympy.Mul):
            return self._product(e.args)
        if isinstance(e, sympy.Pow) and e.exp.is_Integer and e.exp > 0 and not e.base.has(sympy.DiracDelta):
            return self._composed(e)
        if isinstance(e, sympy.Heaviside):
            return Function(tuple(Piece(sympy.S.One, *ends) for ends in self.where_positive(e.args[0])))
        if isinstance(e, sympy.sign | sympy.Abs):
            return self._of_sign(e)
        if isinstance(e, sympy.Max | sympy.Min):
            return self._extreme(e)
        if isinstance(e, sympy.Piecewise):
            return self._cases(e)
        if isinstance(e, sympy.DiracDelta):
            return self._impulses(e)
        return self._composed(e)

    def period(self, period: Expr) -> tuple[Expr, Expr]:
        """The ends of one period from 0 on."""
        return sympy.S.Zero, period

    # -- products

    def _product(self, factors: Sequence[Expr]) -> Function:
        result = Function((Piece(sympy.S.One),))
        for factor in factors:
            result = self._times(result, self.read(factor))
        return result

    def _times(self, left: Function, right: Function) -> Function:
        if left.points and right.points:
            raise NotFoundError("a product of impulses in one variable has no meaning")
        smooth = []
        for one, other in itertools.product(left.smooth, right.smooth):
            ends = self.common((one.low, one.high), (other.low, other.high))
            if ends is not None:
                smooth.append(Piece(one.expression * other.expression, *ends))
        points = [p for impulse in left.points for p in self._sifted(impulse, right)]
        points += [p for impulse in right.points for p in self._sifted(impulse, left)]
        return Function(tuple(smooth), tuple(points))

    def _sifted(self, impulse: Impulse, factor: Function) -> list[Impulse]:
        """g·δ^{(k)}(t - a) = Σ_j (-1)^j C(k, j) g^{(j)}(a) δ^{(k-j)}(t - a)"""
        sides = []
        for right in (True, False):
            sides.append(sympy.Add(*(p.expression for p in factor.smooth if self._covers(p, impulse.at, right))))
        values = [
            [
                (-1) ** j * sympy.binomial(impulse.order, j) * sympy.diff(side, self.t, j).subs(self.t, impulse.at)
                for j in range(impulse.order + 1)
            ]
            for side in sides
        ]
        if any(sympy.simplify(x - y) != 0 for x, y in zip(*values, strict=True)):
            raise NotFoundError(
                f"an impulse at {impulse.at} stands beside a factor that jumps there, which has no meaning"
            )
        return [
            Impulse(impulse.coefficient * value, impulse.at, impulse.order - j)
            for j, value in enumerate(values[0])
            if value != 0
        ]

    def _covers(self, piece: Piece, at: Expr, right: bool) -> bool:
        """Whether a piece is there immediately at the right or the left of a point."""
        if right:
            return not self.before(at, piece.low) and self.before(at, piece.high)
        return self.before(piece.low, at) and not self.before(piece.high, at)

    # -- order

    def before(self, left: Expr, right: Expr) -> bool:
        if left == right:
            return False
        if left is -oo or right is oo:
            return True
        if left is oo or right is -oo:
            return False
        return self.facts.asked_before(left, right)

    def _positive(self, e: Expr) -> bool:
        if (found := self.facts.positive(e)) is None:
            raise OpenQuestion(sympy.Gt(e, 0), apart=True)
        return found

    def common(self, one: tuple[Expr, Expr], other: tuple[Expr, Expr]) -> tuple[Expr, Expr] | None:
        low = other[0] if self.before(one[0], other[0]) else one[0]
        high = one[1] if self.before(one[1], other[1]) else other[1]
        return (low, high) if self.before(low, high) else None

    def sorted(self, points: Iterable[Expr]) -> list[Expr]:
        """Different points in their order."""
        found: list[Expr] = []
        for point in points:
            place = 0
            while place < len(found) and self.before(found[place], point):
                place += 1
            if place < len(found) and not self.before(point, found[place]):
                continue
            found.insert(place, point)
        return found

    # -- where something is positive

    def partition(self, e: Expr) -> list[Piece]:
        """The function as disjoint pieces that cover the line."""
        function = self.read(e)
        if function.points:
            raise NotFoundError("an impulse stands inside a function, which has no meaning")
        return self.disjoint(function)

    def disjoint(self, function: Function) -> list[Piece]:
        """What a function is, but for impulses, between each two of its break points."""
        ends = [-oo, *self.sorted(function.breaks()), oo]
        found = []
        for low, high in itertools.pairwise(ends):
            here = [
                piece.expression
                for piece in function.smooth
                if not self.before(low, piece.low) and not self.before(piece.high, high)
            ]
            found.append(Piece(sympy.Add(*here), low, high))
        return found

    def where_positive(self, e: Expr) -> list[tuple[Expr, Expr]]:
        """The disjoint intervals on which an expression is > 0."""
        found: list[tuple[Expr, Expr]] = []
        for piece in self.partition(sympy.sympify(e)):
            for low, high in self._positive_parts(piece):
                if found and found[-1][1] == low:
                    low = found.pop()[0]
                found.append((low, high))
        return found

    def _positive_parts(self, piece: Piece) -> Iterable[tuple[Expr, Expr]]:
        """The intervals of a smooth piece on which it is > 0: it changes its sign at each zero of odd order."""
        leading, zeros = self._zeros(piece.expression)
        inside = {z: order for z, order in zeros.items() if self.before(piece.low, z)}
        ends = [piece.low, *self.sorted(inside), oo]
        positive = self._positive(leading)
        intervals = []
        for low, high in reversed(list(itertools.pairwise(ends))):
            if positive and self.before(low, piece.high):
                intervals.append((low, high if self.before(high, piece.high) else piece.high))
            positive ^= inside.get(low, 0) % 2 == 1
        return reversed(intervals)

    def _zeros(self, e: Expr) -> tuple[Expr, dict[Expr, int]]:
        """The sign for large t, and the real zeros with their orders, of an expression in t."""
        if not e.has(self.t):
            return e, {}
        if isinstance(e, sympy.exp):
            return sympy.S.One, {}
        if not e.is_polynomial(self.t):
            raise NotFoundError(f"where {e} changes its sign is not found")
        leading, factors = sympy.factor_list(sympy.expand(e), self.t)
        zeros: dict[Expr, int] = {}
        for factor, times in factors:
            polynomial = sympy.Poly(factor, self.t)
            leading *= polynomial.LC() ** times
            for zero in self._real_zeros(polynomial):
                zeros[zero] = zeros.get(zero, 0) + times
        return leading, zeros

    def _real_zeros(self, polynomial: Expr) -> list[Expr]:
        if polynomial.degree() == 0:
            return []
        if polynomial.degree() == 1:
            slope, offset = polynomial.all_coeffs()
            self._positive(slope)  # a slope that may be 0 is a question
            return [sympy.cancel(-offset / slope)]
        if polynomial.degree() == 2:
            square, slope, offset = polynomial.all_coeffs()
            inner = sympy.factor(slope**2 - 4 * square * offset)
            if not self._positive(inner):
                return []
            root = sympy.sqrt(inner)
            return [sympy.expand((-slope - root) / (2 * square)), sympy.expand((-slope + root) / (2 * square))]
        if polynomial.free_symbols == {self.t}:
            return sympy.real_roots(polynomial)
        raise NotFoundError(f"where {polynomial.as_expr()} changes its sign is not found")

    # -- switches

    def _of_sign(self, e: Expr) -> Function:
        argument = e.args[0]
        plain = isinstance(e, sympy.sign)
        if isinstance(argument, sympy.Mul):  # |xy| = |x||y|
            return self._product([type(e)(factor) for factor in argument.args])
        if not argument.is_extended_real and isinstance(e, sympy.Abs) and not argument.has(*self.switches):
            raise NotFoundError(f"the absolute value of {argument}, which need not be real, is not resolved")
        up, down = self.where_positive(argument), self.where_positive(-argument)
        value = sympy.S.One if plain else argument
        positive = self._restricted(value, up)
        return positive + self._restricted(-value, down)

    def _restricted(self, value: Expr, intervals: Iterable[tuple[Expr, Expr]]) -> Function:
        function = self.read(value)
        one = Function(tuple(Piece(sympy.S.One, *ends) for ends in intervals))
        return self._times(function, one) if one.smooth else Function()

    def _extreme(self, e: Expr) -> Function:
        first, *rest = e.args
        other = type(e)(*rest)
        up = self.where_positive(first - other if isinstance(e, sympy.Max) else other - first)
        down = self.where_positive(other - first if isinstance(e, sympy.Max) else first - other)
        return self._restricted(first, up) + self._restricted(other, down)

    def _cases(self, e: Expr) -> Function:
        left: list[tuple[Expr, Expr]] = [(-oo, oo)]
        result = Function()
        for value, condition in e.args:
            where = self.where(condition)
            here = [c for one in left for other in where if (c := self.common(one, other)) is not None]
            result = result + self._restricted(value, here)
            left = [c for one in left for other in self._outside(where) if (c := self.common(one, other)) is not None]
            if not left:
                return result
        raise NotFoundError(f"{e} says nothing of t in {left}")

    def where(self, condition: Any) -> list[tuple[Expr, Expr]]:
        """The intervals on which a condition holds, but for single points."""
        if condition == True:  # noqa: E712
            return [(-oo, oo)]
        if condition == False:  # noqa: E712
            return []
        if not condition.has(self.t):
            if (holds := self.facts.holds(condition)) is None:
                raise OpenQuestion(condition)
            return [(-oo, oo)] if holds else []
        if isinstance(condition, sympy.And):
            found = [(-oo, oo)]
            for part in condition.args:
                found = [c for one in found for other in self.where(part) if (c := self.common(one, other)) is not None]
            return found
        if isinstance(condition, sympy.Or):
            return self._outside(self.where(sympy.And(*(sympy.Not(part) for part in condition.args))))
        if isinstance(condition, sympy.Not):
            return self._outside(self.where(condition.args[0]))
        if isinstance(condition, sympy.Ne):
            return self._outside(self._of_equation(condition))
        if isinstance(condition, sympy.Eq):
            return self._of_equation(condition)
        if not isinstance(condition, sympy.core.relational.Relational):
            raise NotFoundError(f"the condition {condition} is not resolved")
        return self._of_relation(condition)

    def _of_relation(self, condition: Any) -> list[tuple[Expr, Expr]]:
        return self.where_positive(condition.gts - condition.lts)

    def _of_equation(self, condition: Any) -> list[tuple[Expr, Expr]]:
        return []  # single points

    def _outside(self, intervals: Sequence[tuple[Expr, Expr]]) -> list[tuple[Expr, Expr]]:
        found, low = [], -oo
        for first, last in intervals:
            if first != low:
                found.append((low, first))
            low = last
        if low is not oo:
            found.append((low, oo))
        return found

    def _impulses(self, e: Expr) -> Function:
        argument, order = e.args[0], int(e.args[1]) if len(e.args) > 1 else 0
        if argument.has(*self.switches):
            raise NotFoundError(f"{e} is not resolved")
        slope = sympy.diff(argument, self.t)
        if not slope.has(self.t):
            size = slope if self._positive(slope) else -slope
            at = sympy.expand(-argument.subs(self.t, 0) / slope)
            return Function((), (Impulse(1 / (size * slope**order), at, order),))
        if order:
            raise NotFoundError(f"{e} is not resolved: a derivative of δ needs a linear argument")
        points = []
        for root, times in self._zeros(argument)[1].items():
            if times > 1:
                raise NotFoundError(f"{e} has no meaning: the slope of its argument is 0 at {root} too")
            slant = slope.subs(self.t, root)
            points.append(Impulse(1 / (slant if self._positive(slant) else -slant), root))
        meeting = sympy.discriminant(argument, self.t)  # 0 where two zeros are one, which has no meaning
        if not meeting.is_number and self.facts.equal(meeting, sympy.S.Zero) is None:
            raise OpenQuestion(sympy.Ne(sympy.factor(meeting), 0))
        return Function((), tuple(points))

    def _composed(self, e: Expr) -> Function:
        """A function of something that is piecewise."""
        found = Function((Piece(e),))
        inner = [a for a in e.args if a.has(*self.switches) and a.has(self.t)]
        parts = [self.partition(argument) for argument in inner]
        found = Function()
        for combined in itertools.product(*parts):
            ends: tuple[Expr, Expr] | None = (-oo, oo)
            for piece in combined:
                ends = None if ends is None else self.common(ends, (piece.low, piece.high))
            if ends is None:
                continue
            values = dict(zip(inner, (piece.expression for piece in combined), strict=True))
            value = e.func(*(values.get(argument, argument) for argument in e.args))
            if value != 0:
                found = found + Function((Piece(value, *ends),))
        return found
