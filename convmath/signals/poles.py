r"""Signals that are sums of shifted poles, an algebra that is closed under convolution.

In continuous time every one-sided polynomial times an exponential is a pole of the (bilateral) Laplace transform,

    R_j(λ) = t^{j-1}/(j-1)! · e^{λt} · u(t),   L_j(λ) = -t^{j-1}/(j-1)! · e^{λt} · u(-t)   ↔   1/(p - λ)^j,

the first where Re p > Re λ, the second where Re p < Re λ; δ^{(k)} ↔ p^k, and a shift by a is a factor e^{-ap}. In
discrete time,

    R_j(r) = C(n+j-1, j-1) · rⁿ · u[n],   L_j(r) = -C(n+j-1, j-1) · rⁿ · u[-n-1]   ↔   1/(1 - r/z)^j.

So one function, on all of the line, is R - L. Convolution multiplies transforms and adds shifts. With A = 1/(p - λ),
B = 1/(p - μ) (or the discrete ones) A·B = ρ·A + σ·B, and therefore

    Aⁱ·Bʲ = Σ_{k ≤ i} C(i+j-k-1, j-1) ρʲ σ^{i-k} Aᵏ + Σ_{k ≤ j} C(i+j-k-1, i-1) σⁱ ρ^{j-k} Bᵏ.

Break points only add, so no order among them is needed. R∗L converges where Re λ < Re μ (|r| < |q|). Where
right-sided poles of one λ together vanish beyond their last break point (a box is such a sum), they may be called
left-sided, and the other way round: the transform is the same, and entire.
"""

from __future__ import annotations

import enum
import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sympy import Symbol

from .errors import DivergentError
from .facts import Facts
from .scalars import Coefficient, Field, Number
from .sums import parts
from .types import Expr, sympy

__all__ = ["CONTINUOUS", "Discrete", "Place", "Poles", "Side", "Sum", "Time", "inside", "pieces", "product"]


class Side(enum.Enum):
    RIGHT = 1
    LEFT = -1
    POINT = 0  # δ and its derivatives


@dataclass(frozen=True, slots=True)
class Place:
    """Where a term stands: its break point, on which side of it, and with which pole."""

    shift: Expr
    side: Side
    pole: Number | None = None


Terms = Mapping[Place, Mapping[int, Coefficient]]


class Time(Protocol):
    """What differs between continuous and discrete time."""

    name: str

    def mixing(self, left: Number, right: Number) -> tuple[Number, Number]:
        """ρ and σ of A·B = ρ·A + σ·B."""
        ...

    def rate(self, pole: Number) -> Expr:
        """What stands before t in the exponent."""
        ...

    def coincidences(self, left: Number, right: Number) -> Iterable[tuple[Expr, Expr]]:
        """Pairs of expressions: the poles are the same where the two of one pair are equal."""
        ...

    def size(self, pole: Number) -> Expr:
        """What decides about convergence: it grows with how fast the pole's signal grows."""
        ...

    def sizes(self, right: Expr, left: Expr) -> tuple[Expr, Expr]:
        """Two sizes of which the first has to be less than the second, without what may be infinite."""
        ...

    def apart(self, left: Expr, right: Expr, facts: Facts) -> Any:
        """What must hold so that rates that differ are those of different exponentials."""
        ...

    def taken_back(self, shift: Expr, pole: Number) -> Coefficient:
        """The factor between a signal's own exponential from its break point on, and the one from 0 on."""
        ...

    @staticmethod
    def polynomial(order: int, since: Expr) -> Expr:
        """What stands before the exponential of a pole of this order, at `since` after the break point."""
        ...


class Continuous:
    name = "continuous"

    def mixing(self, left: Number, right: Number) -> tuple[Number, Number]:
        ratio = (left - right).inverse()
        return ratio, -ratio

    def rate(self, pole: Number) -> Expr:
        return pole.expression

    def coincidences(self, left: Number, right: Number) -> Iterable[tuple[Expr, Expr]]:
        return [(self.rate(left), self.rate(right))]

    def size(self, pole: Number) -> Expr:
        return sympy.re(pole.expression)

    def sizes(self, right: Expr, left: Expr) -> tuple[Expr, Expr]:
        return right, left

    def apart(self, left: Expr, right: Expr, facts: Facts) -> Any:
        return sympy.true

    def taken_back(self, shift: Expr, pole: Number) -> Coefficient:
        return Coefficient.of(pole.field.one, -pole.expression * shift)

    @staticmethod
    def polynomial(order: int, since: Expr) -> Expr:
        return since ** (order - 1) / math.factorial(order - 1)


class Rates(Protocol):
    """Where the rate of a base is known."""

    def rate(self, number: Number) -> Expr: ...

    def turn(self, x: Symbol) -> Expr | None:
        """After what all angles are the same, as far as x is in them, if they ever are."""
        ...


@dataclass(frozen=True)
class Discrete:
    rates: Rates
    name = "discrete"

    def mixing(self, left: Number, right: Number) -> tuple[Number, Number]:
        ratio = (left - right).inverse()
        return left * ratio, -(right * ratio)

    def rate(self, pole: Number) -> Expr:
        return self.rates.rate(pole)

    def coincidences(self, left: Number, right: Number) -> Iterable[tuple[Expr, Expr]]:
        """Also where the angles differ by whole turns, if that fixes a parameter: e^{iω} = e^{-iω} for ω = π too.

        A parameter is looked for on one turn, around 0 unless its sign is known; an integer, among the positive ones.
        """
        one, two = self.rate(left), self.rate(right)
        real, angle = parts(sympy.expand(one - two))
        of_bases = real.has(sympy.log)
        if of_bases and angle != 0 and (angle.is_number or _complex(real)):
            yield sympy.exp(one), sympy.exp(two)  # a logarithm has an angle of its own: r = -1 is log r = iπ
            return
        yield one, two
        if angle == 0:
            return
        if angle.is_nonzero and (real != 0 or len(angle.free_symbols) != 1):  # then it is one turn at least
            yield one, two + 2 * sympy.pi * sympy.I * (1 if angle.is_positive else -1)
        if of_bases and None not in map(self.rates.turn, angle.free_symbols):
            yield from _turned_round(one, two)
        if real != 0 or len(angle.free_symbols) != 1:
            return
        [x] = angle.free_symbols
        if x.is_integer and not abs(angle.subs(x, 1)) <= 2 * sympy.pi * MOST_TURNS:
            return  # `apart` says it, without the values one by one
        turn = self.rates.turn(x)
        if turn is None:
            return  # nor are there values that are angles with all of these
        top, bottom = sympy.fraction(sympy.together(angle))
        for turns in (sign * k for k in range(1, MOST_TURNS + 1) for sign in (1, -1)):
            equation = sympy.expand(top - 2 * sympy.pi * turns * bottom)
            if not equation.is_polynomial(x) or sympy.degree(equation, x) != 1:
                continue
            value = sympy.cancel(-equation.coeff(x, 0) / equation.coeff(x, 1))
            if x.is_integer:
                fits = value.is_integer and value.is_positive
            else:
                fits = value.is_number and value.is_real and _on_one_turn(value, x, turn)
            if fits:
                yield x, value

    def size(self, pole: Number) -> Expr:
        real, _ = parts(sympy.expand(self.rate(pole)))
        return sympy.Abs(sympy.exp(real))

    def sizes(self, right: Expr, left: Expr) -> tuple[Expr, Expr]:
        """|r| < 1/|q| is |rq| < 1, and |r| < 1/|r| is |r| < 1."""
        top, bottom = sympy.fraction(left)
        if not bottom.has(sympy.Abs):
            return right, left
        product = right * bottom
        is_square = top == 1 and isinstance(product, sympy.Pow) and product.exp == 2
        return (sympy.sqrt(product) if is_square else product), top

    def apart(self, left: Expr, right: Expr, facts: Facts) -> Any:
        """e^{2πi/N} is its conjugate where N is 1 or 2."""
        real, turn = parts(sympy.expand(left - right))
        if real != 0 or not any(symbol.is_integer for symbol in turn.free_symbols):
            return sympy.true
        turns = sympy.Abs(turn / (2 * sympy.pi))
        if facts.before(sympy.S.Zero, turns) and facts.before(turns, sympy.S.One):
            return sympy.true
        return sympy.Ne(sympy.sin(turn / 2), 0)

    def taken_back(self, shift: Expr, pole: Number) -> Coefficient:
        if shift.is_Integer:
            return Coefficient.of(pole ** -int(shift))
        if pole == pole.field.one:
            return Coefficient.of(pole)
        return Coefficient.of(pole.field.one, -shift * self.rate(pole))

    @staticmethod
    def polynomial(order: int, since: Expr) -> Expr:
        return sympy.Mul(*(since + k for k in range(1, order))) / math.factorial(order - 1)


def _complex(expression: Expr) -> bool:
    """Whether a symbol is in it that may be complex."""
    return any(not symbol.is_extended_real for symbol in expression.free_symbols)


def _turned_round(one: Expr, two: Expr) -> Iterable[tuple[Expr, Expr]]:
    """r·e^{iω} is q for ω = π and r = -q too."""
    for rate, other in ((one, two), (two, one)):
        real, angle = parts(sympy.expand(rate))
        opposite = sympy.log(-sympy.exp(real))
        if real.has(sympy.log) and not opposite.has(sympy.I):  # of what may be negative
            for half in (sympy.pi, -sympy.pi):
                turned = opposite + sympy.I * (angle + half)
                yield turned, other
                if parts(sympy.expand(turned - other))[1].is_nonzero is not True:
                    return
            return


def _on_one_turn(value: Expr, x: Symbol, turn: Expr) -> bool:
    low = 0 if x.is_nonnegative else -turn if x.is_nonpositive else -turn / 2
    return bool(low < value <= low + turn)


CONTINUOUS = Continuous()
MOST_TURNS = 8  # whole turns by which angles are tried


@dataclass(frozen=True)
class Poles:
    """Σ c·(term at a place), of some orders each."""

    time: Time
    field: Field
    terms: Terms

    @staticmethod
    def collected(time: Time, field: Field, parts: Iterable[tuple[Place, int, Coefficient]]) -> Poles:
        sums: dict[Place, dict[int, Coefficient]] = defaultdict(dict)
        for place, order, coefficient in parts:
            orders = sums[place]
            orders[order] = orders[order] + coefficient if order in orders else coefficient
        kept = {place: {k: c for k, c in orders.items() if c} for place, orders in sums.items()}
        return Poles(time, field, {place: orders for place, orders in kept.items() if orders})

    def parts(self) -> Iterable[tuple[Place, int, Coefficient]]:
        for place, orders in self.terms.items():
            for order, coefficient in orders.items():
                yield place, order, coefficient

    def __add__(self, other: Poles) -> Poles:
        return Poles.collected(self.time, self.field, (*self.parts(), *other.parts()))

    def __bool__(self) -> bool:
        return bool(self.terms)

    def moved(self, by: Expr) -> Poles:
        """The signal so much later."""
        places = {place: Place(sympy.expand(place.shift + by), place.side, place.pole) for place in self.terms}
        return Poles(self.time, self.field, {places[place]: orders for place, orders in self.terms.items()})

    def groups(self) -> dict[tuple[Side, Number | None], list[Place]]:
        """The places by side and pole."""
        found: dict[tuple[Side, Number | None], list[Place]] = defaultdict(list)
        for place in self.terms:
            found[place.side, place.pole].append(place)
        return found

    def begun(self) -> Poles:
        """The same signal, where what is on the left and ends there again is counted from its break points on."""
        turned: set[Place] = set()
        for (side, _), places in self.groups().items():
            if side is Side.LEFT and self.vanishes_beyond(places):
                turned.update(places)
        if not turned:
            return self
        moved = {place: Place(place.shift, Side.RIGHT, place.pole) for place in turned}
        return Poles.collected(self.time, self.field, ((moved.get(p, p), k, c) for p, k, c in self.parts()))

    def shifts(self) -> tuple[Expr, ...]:
        return tuple(dict.fromkeys(place.shift for place in self.terms))

    def sorted_shifts(self, facts: Facts, within: tuple[Expr, Expr] | None = None) -> list[Expr] | None:
        """The break points in their order, or None where that depends on parameters.

        Of those `within` two points the order is asked for; the others stand before and after them as they come.
        """
        shifts = list(dict.fromkeys(place.shift for place in self.terms if place.side is not Side.POINT))
        if within is None:
            return facts.sorted(shifts)
        low, high = within
        before = [shift for shift in shifts if not facts.asked_before(low, shift)]
        after = [shift for shift in shifts if shift not in before and not facts.asked_before(shift, high)]
        found: list[Expr] = []
        for shift in shifts:
            if shift not in before and shift not in after:
                found.insert(sum(facts.asked_before(other, shift) for other in found), shift)
        return [*before, *found, *after]

    def vanishes_beyond(self, places: Iterable[Place]) -> bool:
        """Whether terms of one pole and side add to zero beyond all of their break points."""
        total: dict[int, Coefficient] = {}
        t = sympy.Dummy("t")
        for place in places:
            assert place.pole is not None
            back = self.time.taken_back(place.shift, place.pole)
            for order, coefficient in self.terms[place].items():
                written = sympy.Poly(sympy.expand(self.time.polynomial(order, t - place.shift)), t)
                for (power,), value in written.terms():
                    part = back * coefficient * self.field.number(value)
                    total[power] = total[power] + part if power in total else part
        return not any(total.values())


@dataclass
class product:
    """f ∗ g, with the conditions under which it is so.

    `different` are pairs of expressions that were taken for different, so that two poles are, though it depends on the
    parameters; `converges` are relations that are needed.
    """

    f: Poles
    g: Poles
    facts: Facts
    different: dict[tuple[Expr, Expr], None] = field(default_factory=dict)
    converges: dict[Any, None] = field(default_factory=dict)
    result: Poles = field(init=False)
    _powers: dict[tuple[Number, Number], tuple[list[Number], list[Number]]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        found: list[tuple[Place, int, Coefficient]] = []
        for (side, pole), places in self.f.groups().items():
            for (other, second), others in self.g.groups().items():
                here, there = self._fitted(side, pole, places, other, second, others)
                for first, one in itertools.product(places, others):
                    found += self._joined(first, here, one, there)
        self.result = Poles.collected(self.f.time, self.f.field, found)

    def _fitted(
        self, side: Side, pole: Any, places: list[Place], other: Side, second: Any, others: list[Place]
    ) -> tuple[Side, Side]:
        """The sides on which two groups are counted so that their integral converges, for this pair alone."""
        if {side, other} != {Side.RIGHT, Side.LEFT}:
            return side, other
        right, left = (pole, second) if side is Side.RIGHT else (second, pole)
        sizes = self.f.time.sizes(*map(self.f.time.size, (right, left)))
        fits = self.facts.before(*sizes)
        if fits:
            return side, other
        if self.f.vanishes_beyond(places):
            return other, other
        if self.g.vanishes_beyond(others):
            return side, side
        # what is needed for one pair may be what another must not have
        needed = Facts((*self.facts.relations, *self.converges))
        if fits is False or needed.before(*sizes) is False:
            raise DivergentError.of_poles(self.f.time.rate(right), self.f.time.rate(left), self.f.time.name)
        self.converges[sympy.Lt(*sizes)] = None
        return side, other

    def _joined(self, first: Place, here: Side, second: Place, there: Side) -> Iterable[tuple[Place, int, Coefficient]]:
        """The terms of two places, each counted on a side."""
        shift = sympy.expand(first.shift + second.shift)
        left, right = Place(shift, here, first.pole), Place(shift, there, second.pole)
        for (i, c), (j, d) in itertools.product(self.f.terms[first].items(), self.g.terms[second].items()):
            factor = c * d
            yield from ((place, k, factor * number) for place, k, number in self._of(left, i, right, j))

    def _of(self, first: Place, i: int, second: Place, j: int) -> Iterable[tuple[Place, int, Number]]:
        """Aⁱ·Bʲ at one break point."""
        one = self.f.field.one
        if first.pole is None and second.pole is None:
            return [(first, i + j, one)]
        if first.pole is None:
            return self._differentiated(second, j, i)
        if second.pole is None:
            return self._differentiated(first, i, j)
        if first.side is second.side and self._equal(first.pole, second.pole):
            return [(first, i + j, one)]
        rho, sigma = self._mixed(first.pole, second.pole, max(i, j))
        return [
            *((first, k, rho[j] * sigma[i - k] * math.comb(i + j - k - 1, j - 1)) for k in range(1, i + 1)),
            *((second, k, sigma[i] * rho[j - k] * math.comb(i + j - k - 1, i - 1)) for k in range(1, j + 1)),
        ]

    def _mixed(self, left: Number, right: Number, most: int) -> tuple[list[Number], list[Number]]:
        """The powers of ρ and σ, up to one."""
        if (left, right) not in self._powers:
            one = self.f.field.one
            self._powers[left, right] = ([one], [one])
        ratios = self._powers[left, right]
        if len(ratios[0]) <= most:
            for ratio, powers in zip(self.f.time.mixing(left, right), ratios, strict=True):
                while len(powers) <= most:
                    powers.append(powers[-1] * ratio)
        return ratios

    def _equal(self, left: Number, right: Number) -> bool:
        if not left - right:
            return True
        pairs = {pair: self.facts.equal(*pair) for pair in self.f.time.coincidences(left, right)}
        if any(pairs.values()):
            return True
        self.different.update(dict.fromkeys(pair for pair, equal in pairs.items() if equal is None))
        if [*pairs.values()] == [False]:
            relation = self.f.time.apart(self.f.time.rate(left), self.f.time.rate(right), self.facts)
            if relation != True:  # noqa: E712
                self.converges[relation] = None
        return False

    def _differentiated(self, place: Place, order: int, times: int) -> list[tuple[Place, int, Number]]:
        """pᵏ/(p - λ)ʲ, by p/(p - λ)ʲ = 1/(p - λ)^{j-1} + λ/(p - λ)ʲ. In discrete time δ is the unit, and k = 0."""
        field = self.f.field
        assert place.pole is not None
        poles: dict[int, Number] = {order: field.one}
        points: dict[int, Number] = {}
        for _ in range(times):
            points = {k + 1: c for k, c in points.items()}
            raised: dict[int, Number] = {}
            for k, c in poles.items():
                raised[k] = raised.get(k, field.zero) + c * place.pole
                if k > 1:
                    raised[k - 1] = raised.get(k - 1, field.zero) + c
                else:
                    points[0] = points.get(0, field.zero) + c
            poles = raised
        point = Place(place.shift, Side.POINT)
        return [*((place, k, c) for k, c in poles.items()), *((point, k, c) for k, c in points.items())]


Sum = dict[tuple[Number, int], Coefficient]  # by pole and power
Spread = Callable[[Place, int, Coefficient], Iterable[tuple[tuple[Number, int], Coefficient]]]


def pieces(poles: Poles, shifts: Sequence[Expr], spread: Spread) -> list[Sum]:
    """What the signal is before the first break point, between each two, and after the last.

    What is on the left of a break point is there at first, and ends; what is on the right begins.
    """
    level: Sum = {}
    changes: dict[Expr, Sum] = {shift: {} for shift in shifts}
    for place, order, coefficient in poles.parts():
        if place.side is Side.POINT:
            continue
        for key, value in spread(place, order, coefficient):
            if place.side is Side.LEFT:
                level = _with(level, {key: value})
                value = -value
            changes[place.shift] = _with(changes[place.shift], {key: value})
    found = [level]
    for shift in shifts:
        found.append(_with(found[-1], changes[shift]))
    return [{key: value for key, value in piece.items() if value} for piece in found]


def _with(total: Sum, further: Sum) -> Sum:
    found = dict(total)
    for key, value in further.items():
        found[key] = found[key] + value if key in found else value
    return found


def inside(
    shifts: list[Expr], pieces: list[Any], within: tuple[Expr, Expr], facts: Facts
) -> tuple[list[Expr], list[Any]]:
    """The break points strictly between two points, and the pieces between those."""
    low, high = within
    before = [shift for shift in shifts if not facts.before(low, shift)]
    within_both = [shift for shift in shifts[len(before) :] if facts.before(shift, high)]
    return within_both, pieces[len(before) : len(before) + len(within_both) + 1]
