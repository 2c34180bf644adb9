"""Functions of one real variable as sums of poles, and back."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from typing import Any

from sympy import Symbol, oo

from .facts import Facts
from .monomials import Monomial
from .pieces import Impulse, Piece
from .poles import CONTINUOUS, Place, Poles, Side, Sum, inside, pieces
from .scalars import Coefficient, Field, Number
from .sums import expression
from .terms import Term, Terms
from .types import Expr, sympy

__all__ = ["as_poles", "as_terms", "by_steps", "intervals", "letters", "written"]


def letters(terms: Iterable[Term], impulses: Iterable[Impulse]) -> Iterable[Expr]:
    """What a field must have for terms and impulses to be poles over it."""
    for piece, monomial in terms:
        yield from (end for end in (piece.low, piece.high) if not end.is_infinite)
        yield from (monomial.coefficient, monomial.rate)
    for impulse in impulses:
        yield from (_parted(impulse.coefficient)[0], impulse.at)


def as_poles(field: Field, terms: Iterable[Term], impulses: Iterable[Impulse]) -> Poles:
    """Monomials on intervals, which have exponentials alone, and impulses as a sum of poles."""
    parts = [part for piece, monomial in terms for part in _of_piece(field, piece, monomial)]
    for impulse in impulses:
        factor, exponent = _parted(impulse.coefficient)
        value = Coefficient.of(field.number(factor), exponent)
        parts.append((Place(impulse.at, Side.POINT), impulse.order, value))
    return Poles.collected(CONTINUOUS, field, parts)


def _parted(coefficient: Expr) -> tuple[Expr, Expr]:
    """A product without the exponentials in it, and their exponent."""
    exponents, factors = [], []
    for part in sympy.Mul.make_args(coefficient):
        (exponents if isinstance(part, sympy.exp) else factors).append(part)
    return sympy.Mul(*factors), sympy.Add(*(part.args[0] for part in exponents))


def _of_piece(field: Field, piece: Piece, monomial: Monomial) -> Iterable[tuple[Place, int, Coefficient]]:
    """c·t^k·e^{λt} from one point to another: what begins at the one, less what begins at the other."""
    low, high = piece.low, piece.high
    if low.is_infinite and high.is_infinite:  # all of the line
        yield from _from(field, sympy.S.Zero, Side.RIGHT, monomial, 1)
        yield from _from(field, sympy.S.Zero, Side.LEFT, monomial, -1)
    elif low.is_infinite:
        yield from _from(field, high, Side.LEFT, monomial, -1)
    else:
        yield from _from(field, low, Side.RIGHT, monomial, 1)
        if not high.is_infinite:
            yield from _from(field, high, Side.RIGHT, monomial, -1)


def _from(field: Field, a: Expr, side: Side, monomial: Monomial, sign: int) -> Iterable[tuple[Place, int, Coefficient]]:
    """t^k e^{λt} = Σ_j C(k, j) a^{k-j} e^{λa} · s^j e^{λs} with s = t - a, and s^j = j!·s^j/j!"""
    k = monomial.power
    value = Coefficient.of(field.number(monomial.coefficient), monomial.constant + monomial.rate * a)
    place, start = Place(sympy.expand(a), side, field.number(monomial.rate)), field.number(a)
    for j in range(k + 1):
        yield place, j + 1, value * (start ** (k - j)) * (sign * math.comb(k, j) * math.factorial(j))


def as_terms(poles: Poles, t: Symbol) -> Terms:
    """Poles as monomials on half-lines, and impulses."""
    found, impulses = [], []
    for place, order, coefficient in poles.parts():
        if place.pole is None:
            impulses.append(Impulse(coefficient.expression, place.shift, order))
            continue
        ends = (place.shift, oo) if place.side is Side.RIGHT else (-oo, place.shift)
        for (pole, power), value in _spread(poles.field, place, order, coefficient):
            for m in _monomials({(pole, power): value}):
                assert isinstance(m.coefficient, Number)
                found.append((Piece(sympy.S.One, *ends), replace(m, coefficient=m.coefficient.expression)))
    return Terms(tuple(found), tuple(impulses))


# --- and back --------------------------------------------------------------------------------------------------


def written(poles: Poles, t: Symbol, facts: Facts, within: tuple[Expr, Expr] | None = None) -> Expr:
    """Poles as an expression in t: by intervals where the break points have an order and nothing jumps, else by
    steps.

    Where only what lies `within` two points counts, it is by intervals, and break points outside are left out.
    """
    poles = poles.begun()
    shifts = poles.sorted_shifts(facts, within)
    smooth = [place for place in poles.terms if place.side is not Side.POINT]
    points = sympy.Add(
        *(
            c.expression * (sympy.DiracDelta(t - place.shift, k) if k else sympy.DiracDelta(t - place.shift))
            for place, orders in poles.terms.items()
            if place.side is Side.POINT
            for k, c in orders.items()
        )
    )
    if not smooth:
        return points
    if shifts is None:
        return points + by_steps(poles, t)
    if within is None and len(shifts) > 1 and any(_jump(poles, at) for at in shifts):
        return points + by_steps(poles, t)
    parts = intervals(poles, shifts)
    if within is not None:
        shifts, parts = inside(shifts, parts, within, facts)
    if len(parts) == 1 or all(part == parts[0] for part in parts):
        return points + _expression(parts[0], t)
    if within is None and len(shifts) == 1 and not parts[0]:
        return points + by_steps(poles, t)
    if within is None and any(_jump(poles, at) for at in shifts):
        return points + by_steps(poles, t)
    if shifts == [0] and parts[0] == _mirrored(parts[1]):
        return points + _expression(parts[1], t).subs(t, sympy.Abs(t))
    values = [_expression(part, t) for part in parts]
    return points + sympy.Piecewise(
        *((value, t < at) for value, at in zip(values[:-1], shifts, strict=True)), (values[-1], True)
    )


def intervals(poles: Poles, shifts: list[Expr]) -> list[Sum]:
    """What the function is before the first break point, between each two, and after the last."""
    return pieces(poles, shifts, lambda *part: _spread(poles.field, *part))


def _spread(field: Field, place: Place, order: int, coefficient: Coefficient) -> Iterable[tuple[Any, Coefficient]]:
    """±(t - a)^{j-1}/(j-1)!·e^{λ(t-a)} in powers of t."""
    assert place.pole is not None
    value = coefficient * CONTINUOUS.taken_back(place.shift, place.pole) * place.side.value
    start, power = -field.number(place.shift), order - 1
    for k in range(order):
        yield (place.pole, k), value * (start ** (power - k)) * Fraction(math.comb(power, k), math.factorial(power))


def _mirrored(total: Sum) -> Sum:
    """What it is at -t."""
    return {(-pole, power): coefficient * (-1) ** power for (pole, power), coefficient in total.items()}


def _jump(poles: Poles, at: Expr) -> bool:
    """Whether the function jumps at a break point: by the poles of order 1 there, on either side."""
    orders = [orders for place, orders in poles.terms.items() if place.side is not Side.POINT and place.shift == at]
    return bool(sum((found[1] for found in orders if 1 in found), Coefficient(poles.field, {})))


def by_steps(poles: Poles, t: Symbol) -> Expr:
    """A term for each break point, in the time since then."""
    s, found = sympy.Dummy("s", real=True), []
    for shift in poles.shifts():
        for side in (Side.RIGHT, Side.LEFT):
            total: dict[tuple[Number, int], Coefficient] = {}
            for place, order, coefficient in poles.parts():
                if place.shift == shift and place.side is side:
                    assert place.pole is not None
                    total[place.pole, order - 1] = coefficient * Fraction(side.value, math.factorial(order - 1))
            if total:
                value = _expression(total, s).xreplace({s: t - shift})
                found.append(value * sympy.Heaviside(side.value * (t - shift)))
    return sympy.Add(*found)


def _expression(total: Sum, t: Symbol) -> Expr:
    return expression(_monomials(total), t)


def _monomials(total: Sum) -> Iterable[Monomial]:
    for (pole, power), coefficient in total.items():
        for exponent, number in coefficient.terms.items():
            yield Monomial(number, power, rate=pole.expression, constant=exponent)
