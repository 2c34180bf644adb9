"""Sequences of one integer variable: their pieces, as sums of poles, and back.

An interval of integers is written as the interval between the half-integers around it, so that < and ≤ are told
apart.

>>> import sympy
>>> n, k = sympy.symbols("n k", integer=True)
>>> for piece in sequence_pieces(n * sympy.Heaviside(n - 3), n, Facts()).smooth: print(piece)
Piece(expression=n, low=5/2, high=oo)
"""

from __future__ import annotations

import functools
import itertools
import math
import random
from collections.abc import Iterable, Sequence
from typing import Any

from sympy import Symbol, oo

from .angles import Waves
from .errors import NotFoundError
from .facts import Facts
from .monomials import Monomial
from .pieces import SWITCHES, Function, Impulse, Piece, Reader
from .poles import Discrete, Place, Poles, Side, Sum, inside, pieces
from .scalars import VANISHING, Coefficient, Field, Number
from .sums import expression, half_turns, parts
from .terms import Terms
from .turns import turn_of
from .types import Expr, sympy

__all__ = ["Base", "IntegerReader", "as_poles", "sequence_pieces", "window", "written"]

HALF = sympy.S.Half


def sequence_pieces(e: Expr, n: Symbol, facts: Facts) -> Function:
    return IntegerReader(n, facts).read(_in_roots_of_unity(e, n))


LONGEST = 12  # of periods that are written as waves


def _in_roots_of_unity(e: Expr, n: Symbol) -> Expr:
    """Remainders of n as sums of waves, and conditions on them as factors."""
    if not e.has(sympy.Mod):
        return e

    def every(index: Expr, length: Expr, r: Expr) -> Expr:
        """1 where m divides n - r, else 0"""
        waves = (sympy.cos(2 * sympy.pi * j * (index - r) / length) for j in range(length))
        return sympy.Add(*waves) / length

    def plain(index: Expr, length: Expr) -> bool:
        return bool(length.is_Integer and 0 < length <= LONGEST and abs(sympy.diff(index, n)) == 1)

    def remainder(index: Expr, length: Expr) -> Expr:
        if not plain(index, length):
            return sympy.Mod(index, length)
        return sympy.Add(*(r * every(index, length, sympy.Integer(r)) for r in range(1, length)))

    def cases(*args: Any) -> Expr:
        (value, condition), *others = args
        if len(others) != 1 or others[0][0] != 0 or others[0][1] != True:  # noqa: E712
            return sympy.Piecewise(*args)
        kept, factor = [], sympy.S.One
        for part in sympy.And.make_args(condition):
            left: Any = part.lhs if isinstance(part, sympy.Eq) else None
            if isinstance(left, sympy.Mod) and plain(left.args[0], left.args[1]):
                factor *= every(left.args[0], left.args[1], part.rhs)
            else:
                kept.append(part)
        return value * factor * sympy.Piecewise((1, sympy.And(*kept)), (0, True))

    return e.replace(sympy.Piecewise, cases).replace(sympy.Mod, remainder)


class IntegerReader(Reader):
    switches = (*SWITCHES, sympy.KroneckerDelta, sympy.Mod)

    def read(self, e: Expr) -> Function:
        if isinstance(e, sympy.KroneckerDelta) and e.has(self.t):
            return self._point(e)
        if isinstance(e, sympy.Heaviside) and e.has(self.t):  # u[0] = 1
            return Function(tuple(Piece(sympy.S.One, *ends) for ends in self.where_nonnegative(e.args[0])))
        if isinstance(e, sympy.DiracDelta):
            raise NotFoundError("an impulse in continuous time has no meaning in a sequence; KroneckerDelta(n, 0) has")
        return super().read(e)

    def period(self, period: Expr) -> tuple[Expr, Expr]:
        return -HALF, period - HALF

    def _point(self, e: Expr) -> Function:
        difference = sympy.expand(e.args[0] - e.args[1])
        slope = sympy.diff(difference, self.t)
        if abs(slope) != 1:
            raise NotFoundError(f"{e} is not resolved: the index needs the factor 1 or -1")
        return Function((), (Impulse(sympy.S.One, sympy.expand(-difference.subs(self.t, 0) / slope)),))

    def _sifted(self, impulse: Impulse, factor: Function) -> list[Impulse]:
        here = [
            p.expression for p in factor.smooth if self.before(p.low, impulse.at) and self.before(impulse.at, p.high)
        ]
        value = sympy.Add(*here).subs(self.t, impulse.at)
        return [Impulse(impulse.coefficient * value, impulse.at)] if value != 0 else []

    def _times(self, left: Function, right: Function) -> Function:
        if left.points and right.points:
            plain = Function(left.smooth), Function(right.smooth)
            points = []
            for one, other in itertools.product(left.points, right.points):
                if (equal := self.facts.equal(one.at, other.at)) is None:
                    raise NotFoundError(f"whether the points {one.at} and {other.at} are one depends on parameters")
                if equal:
                    points.append(Impulse(one.coefficient * other.coefficient, one.at))
            mixed = [
                super(IntegerReader, self)._times(Function((), a), b)
                for a, b in ((left.points, plain[1]), (right.points, plain[0]))
            ]
            return functools.reduce(lambda x, y: x + y, mixed, super()._times(*plain) + Function((), tuple(points)))
        return super()._times(left, right)

    def where_positive(self, e: Expr) -> list[tuple[Expr, Expr]]:
        found: list[tuple[Expr, Expr]] = []
        for piece in self.partition(sympy.sympify(e)):
            for low, high in self._positive_parts(piece):
                low = low if low == piece.low else sympy.floor(low) + HALF
                high = high if high == piece.high else sympy.ceiling(high) - HALF
                if not self.before(low, high):
                    continue
                if found and found[-1][1] == low:
                    low = found.pop()[0]
                found.append((low, high))
        return found

    def where_nonnegative(self, e: Expr) -> list[tuple[Expr, Expr]]:
        return self._outside(self.where_positive(-e))

    def _of_relation(self, condition: Any) -> list[tuple[Expr, Expr]]:
        difference = condition.gts - condition.lts
        strict = isinstance(condition, sympy.StrictLessThan | sympy.StrictGreaterThan)
        return self.where_positive(difference) if strict else self.where_nonnegative(difference)

    def _of_equation(self, condition: Any) -> list[tuple[Expr, Expr]]:
        difference = condition.lhs - condition.rhs
        parts = (self.where_nonnegative(difference), self.where_nonnegative(-difference))
        return [c for a, b in itertools.product(*parts) if (c := self.common(a, b)) is not None]

    def _composed(self, e: Expr) -> Function:
        if isinstance(e, sympy.Mod) and e.args[1].is_Integer and e.args[1] > 0:
            return self._remainder(*e.args)
        return super()._composed(e)

    def _remainder(self, index: Expr, length: Expr) -> Function:
        raise NotFoundError(f"{sympy.Mod(index, length)} is not resolved")


# --- as poles ------------------------------------------------------------------------------------------------------


class Base:
    """The bases of the exponentials of sequences as numbers of a field, each with the rate it came from.

    e^{iθ} is a letter of the field, and e^{-iθ} its inverse, so that no complex number comes in; angles whose ratio is
    rational are multiples of one.
    """

    def __init__(self) -> None:
        self.rates: dict[Number, Expr] = {}
        self.letters: dict[Symbol, Expr] = {}  # each with its angle
        self._units: list[Expr] = []
        self._known: dict[Expr, Symbol] = {}  # the letter of each

    def field(self, *parts: Terms, also: Iterable[Expr] = ()) -> Field:
        """A field in which these sequences are poles; i is not taken together with a letter for e^{iθ}."""
        for _, monomial in (term for found in parts for term in found.terms):
            self._unit(_parted(monomial.rate)[2])
        return Field([*also, *(e for found in parts for e in self._numbers(found))], plain=self.letters)

    def _numbers(self, found: Terms) -> Iterable[Expr]:
        for piece, monomial in found.terms:
            yield from (end for end in (piece.low, piece.high) if not end.is_infinite)
            yield from (monomial.coefficient, self.written(monomial.rate))
        for impulse in found.impulses:
            yield from (impulse.coefficient, impulse.at)

    def written(self, rate: Expr) -> Expr:
        """e^{rate} in the letters."""
        real, known, angle = _parted(rate)
        front = sympy.exp(real) * sympy.expand_complex(sympy.exp(sympy.I * sympy.pi * known))
        if angle == 0:
            return front
        unit = self._unit(angle)
        if unit not in self._known:
            self._known[unit] = Symbol(f"e{len(self._known)}")
            self.letters[self._known[unit]] = unit
        return front * self._known[unit] ** sympy.cancel(angle / unit)

    def _unit(self, angle: Expr) -> Expr:
        """The angle of which this one is a multiple, and those before it whose ratio to it is rational."""
        for unit in self._units if angle else ():
            ratio = sympy.cancel(angle / unit)
            if ratio.is_Rational:
                if unit not in self._known and ratio.q > 1:
                    self._units.remove(unit)
                    return self._unit(unit / ratio.q)
                if ratio.is_Integer:
                    return unit
        angle = -angle if angle.could_extract_minus_sign() else angle
        self._units.append(angle)
        return angle

    def number(self, field: Field, rate: Expr) -> Number:
        number = field.number(self.written(rate))
        if number not in self.rates:
            real, known, angle = _parted(rate)
            if known == 1 and angle.could_extract_minus_sign():
                known = -known  # conjugate bases have conjugate rates
            self.rates[number] = sympy.expand(real + sympy.I * (known * sympy.pi + angle))
        return number

    @functools.cached_property
    def waves(self) -> Waves:
        """The numbers of the field in waves, once it has all poles."""
        return Waves(next(iter(self.rates)).field, self.letters, self.rates)

    def rate(self, number: Number) -> Expr:
        return self.rates[number] if number in self.rates else sympy.log(number.expression)

    def turn(self, x: Symbol) -> Expr | None:
        """That of waves whose products these may be: 2π for all whole speeds."""
        speeds = [sympy.diff(parts(rate)[1], x) for rate in self.rates.values()]
        if not all(speed.is_number for speed in speeds):
            return 2 * sympy.pi
        turn = turn_of(speeds)
        slowest = next((unit for unit in (2 * sympy.pi, sympy.S(2)) if turn and (unit / turn).is_Integer), None)
        return slowest or (turn and 2 * turn)


def _parted(rate: Expr) -> tuple[Expr, Expr, Expr]:
    """x, q and θ of x + i(qπ + θ), with -1 < q ≤ 1: e^{iπ/3}, the number, is no letter, and not in one."""
    real, angle = parts(sympy.expand(rate))
    known = half_turns(angle)
    return real, 1 - (1 - known) % 2, angle - known * sympy.pi


def as_poles(field: Field, base: Base, found: Terms) -> Poles:
    found_parts = [part for piece, monomial in found.terms for part in _of_piece(field, base, piece, monomial)]
    for impulse in found.impulses:
        found_parts.append((Place(impulse.at, Side.POINT), 0, Coefficient.of(field.number(impulse.coefficient))))
    return Poles.collected(Discrete(base), field, found_parts)


def _of_piece(field: Field, base: Base, piece: Piece, m: Monomial) -> Iterable[tuple[Place, int, Coefficient]]:
    low, high = piece.low, piece.high
    if low.is_infinite and high.is_infinite:
        yield from _from(field, base, sympy.S.Zero, Side.RIGHT, m, 1)
        yield from _from(field, base, sympy.S.Zero, Side.LEFT, m, -1)
    elif low.is_infinite:
        yield from _from(field, base, high + HALF, Side.LEFT, m, -1)
    else:
        yield from _from(field, base, low + HALF, Side.RIGHT, m, 1)
        if not high.is_infinite:
            yield from _from(field, base, high + HALF, Side.RIGHT, m, -1)


def _from(
    field: Field, base: Base, a: Expr, side: Side, m: Monomial, sign: int
) -> Iterable[tuple[Place, int, Coefficient]]:
    """n^k rⁿ from a on, with s = n - a: Σ_j C(k, j) a^{k-j} r^a · s^j r^s, and s^j by the C(s + i, i)."""
    a = sympy.expand(a)
    pole = base.number(field, m.rate)
    value = Coefficient.of(field.number(m.coefficient), m.constant) * _raised(field, base, pole, a)
    place, start = Place(a, side, pole), field.number(a)
    for j in range(m.power + 1):
        weight = (start ** (m.power - j)) * (sign * math.comb(m.power, j))
        for i, number in enumerate(_in_binomials(j)):
            if number:
                yield place, i + 1, value * weight * number


def _raised(field: Field, base: Base, pole: Number, a: Expr) -> Coefficient:
    if a.is_Integer:
        return Coefficient.of(pole ** int(a))
    return Coefficient.of(field.one, sympy.expand(base.rate(pole) * a)) if pole != field.one else Coefficient.of(pole)


@functools.cache
def _in_binomials(power: int) -> tuple[int, ...]:
    """s^power = Σ_i c_i·C(s + i, i)"""
    s = sympy.Symbol("s")
    rest, found = sympy.Poly(s**power, s), [0] * (power + 1)
    for i in range(power, -1, -1):
        basis = sympy.Poly(sympy.Mul(*(s + k for k in range(1, i + 1))) / math.factorial(i), s)
        factor = rest.nth(i) / basis.nth(i)
        found[i] = int(factor)
        rest = rest - factor * basis
    return tuple(found)


# --- and back ------------------------------------------------------------------------------------------------------

DIGITS = 20
SHORT = 4  # indices of a stretch that is compared with its neighbours one by one


def written(poles: Poles, base: Base, n: Symbol, facts: Facts, within: tuple[Expr, Expr] | None = None) -> Expr:
    """A sequence in n: by intervals where its break points have an order, else by steps.

    Where only what lies `within` two points counts, break points outside are left out.
    """
    points = sympy.Add(
        *(
            c.expression * sympy.KroneckerDelta(n, place.shift)
            for place, orders in poles.terms.items()
            if place.side is Side.POINT
            for c in orders.values()
        )
    )
    places = [place for place in poles.terms if place.side is not Side.POINT]
    shifts = poles.sorted_shifts(facts, within)
    if not places:
        return points
    if shifts is None:
        return points + _by_steps(poles, base, n)
    parts = pieces(poles, shifts, lambda *part: _spread(poles.field, base, *part))
    if within is not None:
        shifts, parts = inside(shifts, parts, within, facts)
    kept_pieces, kept_shifts = [parts[0]], []
    for piece, shift in zip(parts[1:], shifts, strict=True):
        if piece != kept_pieces[-1]:
            kept_pieces.append(piece)
            kept_shifts.append(shift)
    if not kept_shifts:
        return points + _expression(kept_pieces[0], base, n)
    if len(kept_shifts) == 1 and not kept_pieces[0]:
        return points + _expression(kept_pieces[1], base, n) * sympy.Heaviside(n - kept_shifts[0], 1)
    values, kept_shifts = _absorbed([_expression(piece, base, n) for piece in kept_pieces], kept_shifts, n, facts)
    if not kept_shifts:
        return points + values[0]
    if kept_shifts == [0] and _mirrored(values[0], values[1], n, facts):
        return points + values[1].subs(n, sympy.Abs(n))
    cases = [(value, n < at) for value, at in zip(values[:-1], kept_shifts, strict=True)]
    return points + sympy.Piecewise(*cases, (values[-1], True))


def _absorbed(values: list[Expr], shifts: list[Expr], n: Symbol, facts: Facts) -> tuple[list[Expr], list[Expr]]:
    """Without the stretches of a few indices at which what is behind them, or before, has the same values."""
    for place in reversed(range(1, len(shifts))):
        length = sympy.expand(shifts[place] - shifts[place - 1])
        if not (length.is_Integer and length <= SHORT):
            continue
        indices = [shifts[place - 1] + k for k in range(int(length))]
        for other in (place + 1, place - 1):
            if _agree(values[place], values[other], indices, n, facts):
                del values[place], shifts[place - 1 if other < place else place]
                break
    return values, shifts


def _agree(one: Expr, two: Expr, indices: Sequence[Expr], n: Symbol, facts: Facts) -> bool:
    """Whether two sequences have the same values, at random values of the parameters: two expressions that are one and
    the same number may be written in too different ways to ask it of them.
    """
    draw = random.Random(0)
    switches: set[Any] = {*one.atoms(*VANISHING), *two.atoms(*VANISHING)}
    apart = {part: sympy.Dummy(real=True) for part in switches if not part.has(n)}
    one, two = one.xreplace(apart), two.xreplace(apart)
    symbols = set().union(*(e.free_symbols for e in (one, two, *indices))) - {n}
    for _ in range(2):
        values = facts.sample(symbols, draw)
        # between integers, since what is the same at some of them need not be so at others
        values |= {x: value + sympy.Rational(draw.randint(1, 99), 100) for x, value in values.items() if x.is_integer}
        for at in indices:
            here = {n: at.xreplace(values), **values}
            first, second = (complex(e.xreplace(here).evalf(DIGITS)) for e in (one, two))
            if not abs(first - second) <= 1e-14 * (abs(first) + abs(second)):
                return False
    return True


def _mirrored(left: Expr, right: Expr, n: Symbol, facts: Facts) -> bool:
    """Whether the one is the other at -n; as numbers first, since long expressions take long."""
    left = left.subs(n, -n)
    return _agree(left, right, [sympy.Integer(at) for at in (1, 2, 5)], n, facts) and sympy.expand(left - right) == 0


def _spread(
    field: Field, base: Base, place: Place, order: int, coefficient: Coefficient
) -> Iterable[tuple[Any, Coefficient]]:
    assert place.pole is not None
    n = sympy.Dummy("n")
    value = coefficient * _raised(field, base, place.pole, -place.shift) * place.side.value
    polynomial = sympy.Poly(sympy.expand(Discrete.polynomial(order, n - place.shift)), n)
    for (power,), c in polynomial.terms():
        yield (place.pole, power), value * field.number(c)


def _by_steps(poles: Poles, base: Base, n: Symbol) -> Expr:
    found, s = [], sympy.Dummy("s", integer=True)
    for shift in poles.shifts():
        for side in (Side.RIGHT, Side.LEFT):
            total: Sum = {}
            for place, order, coefficient in poles.parts():
                if place.shift == shift and place.side is side:
                    for key, value in _spread(
                        poles.field, base, Place(sympy.S.Zero, side, place.pole), order, coefficient
                    ):
                        total[key] = total[key] + value if key in total else value
            if total:
                value = _expression(total, base, s).xreplace({s: n - shift})
                step = sympy.Heaviside(n - shift, 1) if side is Side.RIGHT else sympy.Heaviside(shift - 1 - n, 1)
                found.append(value * step)
    return sympy.Add(*found)


def _expression(total: Sum, base: Base, n: Symbol) -> Expr:
    terms = ((key, e, number) for key, c in total.items() for e, number in c.terms.items())
    if not base.letters or not _in_waves(total, base):
        found = (Monomial(number, power, rate=base.rate(pole), constant=e) for (pole, power), e, number in terms)
        return expression(found, n).xreplace({x: sympy.exp(sympy.I * angle) for x, angle in base.letters.items()})
    waves = base.waves
    return expression(
        (
            Monomial(
                waves.wave(number) if waves.turns(number) else number, power, rate=base.rate(pole), constant=exponent
            )
            for (pole, power), exponent, number in terms
        ),
        n,
    )


def _in_waves(total: Sum, base: Base) -> bool:
    """Whether denominators may be made real: not that of 1/(e^{iθ} - c) alone with a complex c, since |e^{iθ} - c|², as
    if c were real, is 0 for c = e^{-iθ} too.
    """
    letters = (x for letter in next(iter(base.rates)).field.letters for x in letter.free_symbols)
    if all(x.is_extended_real for x in letters if x not in base.letters):
        return True
    rates = {sympy.expand(base.rate(pole)) for pole, _ in total}
    opposite = ((real, sympy.expand(real - sympy.I * turn)) for real, turn in map(parts, rates))
    return all(rate in rates and not real.has(sympy.I) for real, rate in opposite)


def window(low: Expr, high: Expr, n: Symbol) -> Expr:
    """1 on an interval of integers between half-integers, else 0."""
    up = sympy.S.One if low is -oo else sympy.Heaviside(n - low - HALF, 1)
    if high is oo:
        return up
    return up - sympy.Heaviside(n - high - HALF, 1) if up != 1 else sympy.Heaviside(high - HALF - n, 1)
