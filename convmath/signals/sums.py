"""Sums of monomials as an expression that people like to read: real, with sines and cosines, in factors."""

from __future__ import annotations

import functools
import operator
from collections import defaultdict
from collections.abc import Iterable, Sequence

from sympy import I, Symbol

from .angles import Wave
from .deadline import inquire
from .factors import in_factors
from .monomials import Monomial, exponential
from .scalars import Number
from .types import Expr, sympy

__all__ = ["expression", "half_turns", "parts"]

Coefficient = Expr | Number | Wave
Key = tuple[Expr, Expr, Expr]  # the real and the imaginary part of the exponent, and what is special


def expression(total: Iterable[Monomial], t: Symbol) -> Expr:
    """The sum in t. Letters count as real: e^{x + iy} and e^{x - iy} become cos y and sin y."""
    by_key: dict[Key, dict[int, list[Coefficient]]] = defaultdict(lambda: defaultdict(list))
    for monomial in total:
        real, turn = parts(sympy.expand(monomial.exponent(t)))
        turn, coefficient = _quarters(turn, monomial.coefficient)
        by_key[real, turn, monomial.special][monomial.power].append(coefficient)
    found = []
    while by_key:
        inquire()
        (real, turn, special), powers = by_key.popitem()
        factor = exponential(_square_completed(real, t)) * special
        if turn == 0:
            found.append(_factored(powers, t) * factor)
            continue
        other = by_key.pop((real, -turn, special), {})
        if not other and sympy.sin(turn) != 0:  # a complex exponential, as it came, and not (-1)ⁿ
            found.append(_factored(powers, t) * factor * sympy.exp(I * turn))
            continue
        if turn.could_extract_minus_sign():
            turn, powers, other = -turn, other, powers
        both = {k: [*powers.get(k, ()), *other.get(k, ())] for k in powers.keys() | other.keys()}
        half = {k: [*map(_turned, powers.get(k, ())), *(-_turned(c) for c in other.get(k, ()))] for k in both}
        found.append(_factored(both, t) * factor * sympy.cos(turn))
        found.append(_factored(half, t) * factor * sympy.sin(turn))
    return sympy.Add(*found)


def _square_completed(exponent: Expr, t: Symbol) -> Expr:
    """-(t - m)²/c instead of its three terms, if nothing else is left over; -(bt - m)²/c where b may be 0."""
    curve = exponent.coeff(t, 2)
    if curve == 0 or not exponent.coeff(t, 1):
        return exponent
    centre = sympy.factor(-exponent.coeff(t, 1) / (2 * curve))
    if sympy.cancel(exponent - curve * (t - centre) ** 2) != 0:
        return exponent
    return sympy.factor(curve) * (t - centre) ** 2 if sympy.denom(centre).is_nonzero else sympy.factor(exponent)


def parts(exponent: Expr) -> tuple[Expr, Expr]:
    """x and y of x + iy; a function of i, such as erf(1 + i), counts as a letter."""
    real, turn = [], []
    for term in sympy.Add.make_args(exponent):
        (turn if I in sympy.Mul.make_args(term) else real).append(term)
    return sympy.Add(*real), sympy.expand(sympy.Add(*turn) / I)


def _quarters(turn: Expr, coefficient: Coefficient) -> tuple[Expr, Coefficient]:
    """Quarters of a turn go into the coefficient: e^{i(x + π/2)} = i·e^{ix}, so that what is alike stands together."""
    quarters = int(2 * half_turns(turn))
    for _ in range(quarters % 4):
        coefficient = _turned(coefficient)
    return turn - quarters * sympy.pi / 2, coefficient


def half_turns(angle: Expr) -> Expr:
    """The rational multiple of π that is a term of an angle."""
    shares = (part / sympy.pi for part in sympy.Add.make_args(angle))
    return sympy.Add(*(share for share in shares if share.is_Rational))


def _turned(coefficient: Coefficient) -> Coefficient:
    """i·c"""
    if isinstance(coefficient, Wave):
        return coefficient.turned()
    return coefficient.field.i * coefficient if isinstance(coefficient, Number) else I * coefficient


def _added(values: Sequence[Expr | Number]) -> Expr | Number:
    """The sum; numbers of a field are added there, where they cancel."""
    if values and all(isinstance(value, Number) for value in values):
        return functools.reduce(operator.add, values)
    return sympy.Add(*(value.expression if isinstance(value, Number) else value for value in values))


def _factored(powers: dict[int, list[Coefficient]], t: Symbol) -> Expr:
    coefficients = [(power, c) for power, found in powers.items() for c in found]
    if wave := next((c for _, c in coefficients if isinstance(c, Wave)), None):
        waves = ((c if isinstance(c, Wave) else wave.waves.wave(c)).times_variable(k) for k, c in coefficients)
        return functools.reduce(operator.add, waves).written(t)
    values = {power: _added(found) for power, found in powers.items()}
    if not any(powers):
        constant = values[0].expression if isinstance(values[0], Number) else values[0]
        if constant.is_number:
            real, turn = parts(sympy.expand(constant))
            return real + I * turn if turn else constant
    return in_factors(values, t)
