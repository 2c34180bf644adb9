"""Smooth functions as sums of monomials: a power times the exponential of a quadratic, times what is neither.

>>> import sympy
>>> t, w = sympy.symbols("t w")
>>> for monomial in monomials(t * sympy.cos(w * t) * sympy.exp(-t**2), t): print(monomial.expression(t))
t*exp(-t**2 + I*t*w)/2
t*exp(-t**2 - I*t*w)/2
"""

from __future__ import annotations

import functools
import itertools
from collections import defaultdict
from dataclasses import dataclass

from sympy import I, Symbol

from .deadline import inquire
from .errors import NotFoundError
from .types import Expr, sympy

__all__ = ["Monomial", "exponential", "linear", "monomials", "quadratic"]

MOST = 2000  # monomials of one function
ONE, ZERO = sympy.S.One, sympy.S.Zero


@dataclass(frozen=True, slots=True)
class Monomial:
    """c·t^power·exp(square·t² + rate·t + constant)·special

    The constant keeps the exponentials of parameters, and what is special is a product of other functions of t, or 1.
    On the way back, where sums are written, the coefficient may be a number of a field.
    """

    coefficient: Expr
    power: int = 0
    rate: Expr = ZERO
    square: Expr = ZERO
    constant: Expr = ZERO
    special: Expr = ONE

    @property
    def exponential(self) -> bool:
        """Whether it is a power times an exponential."""
        return self.square == 0 and self.special == 1

    @property
    def gaussian(self) -> bool:
        return self.special == 1 and self.square != 0

    def exponent(self, t: Expr) -> Expr:
        return self.square * t**2 + self.rate * t + self.constant

    def expression(self, t: Symbol) -> Expr:
        return self.coefficient * t**self.power * exponential(sympy.expand(self.exponent(t))) * self.special


def exponential(exponent: Expr) -> Expr:
    """e^{x + n·log b} as e^x·bⁿ"""
    rest, powers = ZERO, defaultdict[Expr, Expr](lambda: ZERO)
    for term in sympy.Add.make_args(exponent):
        logarithms = [part for part in sympy.Mul.make_args(term) if isinstance(part, sympy.log)]
        if len(logarithms) == 1:
            powers[logarithms[0].args[0]] += term / logarithms[0]
        else:
            rest += term
    return sympy.exp(rest) * sympy.Mul(*(base**power for base, power in powers.items()))


Key = tuple[int, Expr, Expr, Expr, Expr]  # power, rate, square, constant, special
Sum = dict[Key, Expr]


def monomials(expression: Expr, t: Symbol) -> list[Monomial]:
    """The monomials of a function of t that has no steps."""
    found = _read(sympy.sympify(expression), t)
    return [Monomial(value, *key) for key, value in found.items() if value != 0]


def linear(expression: Expr, t: Symbol) -> tuple[Expr, Expr] | None:
    """Slope and value at 0 of an expression that is linear in t, else None."""
    found = quadratic(expression, t)
    return found[1:] if found and found[0] == 0 else None


def quadratic(expression: Expr, t: Symbol) -> tuple[Expr, Expr, Expr] | None:
    """The coefficients of t², t and 1 of an expression, None where it is no such polynomial."""
    curve = sympy.diff(expression, t, 2)
    if curve.has(t):
        curve = sympy.cancel(curve)
        if curve.has(t):
            return None
    slope = sympy.diff(expression, t).subs(t, 0)
    return sympy.expand(curve / 2), sympy.expand(slope), sympy.expand(expression.subs(t, 0))


def _one(
    coefficient: Expr = ONE,
    power: int = 0,
    rate: Expr = ZERO,
    square: Expr = ZERO,
    constant: Expr = ZERO,
    special: Expr = ONE,
) -> Sum:
    return {(power, rate, square, constant, special): coefficient}


def _read(e: Expr, t: Symbol) -> Sum:
    if not e.has(t):
        return _constant(e)
    if e == t:
        return _one(power=1)
    if isinstance(e, sympy.Add):
        return functools.reduce(_plus, (_read(part, t) for part in e.args))
    if isinstance(e, sympy.Mul):
        return functools.reduce(_times, (_read(part, t) for part in e.args))
    if isinstance(e, sympy.exp):
        return _exponential(e.args[0], t) or _one(special=e)
    if isinstance(e, sympy.Pow):
        return _power(e, t)
    if isinstance(e, sympy.fibonacci | sympy.lucas) and len(e.args) == 1:
        return _read(e.rewrite(sympy.sqrt), t)
    if isinstance(e, sympy.sin | sympy.cos | sympy.sinh | sympy.cosh) and (found := linear(e.args[0], t)):
        return _wave(type(e), *found)
    if isinstance(e, sympy.log) and (found := linear(e.args[0], t)) and found[0] != 1 and found[0].is_positive:
        return _plus(_constant(sympy.log(found[0])), _one(special=sympy.log(sympy.expand(e.args[0] / found[0]))))
    if isinstance(e, sympy.sinc) and not t.is_integer:  # at integers sin(πn) would be 0 too soon
        return _read(sympy.sin(e.args[0]) / e.args[0], t)
    return _one(special=e)


def _constant(e: Expr) -> Sum:
    """Exponentials of parameters are kept apart from other factors."""
    exponent, factor = ZERO, []
    for part in sympy.Mul.make_args(e):
        if isinstance(part, sympy.exp):
            exponent += part.args[0]
        else:
            factor.append(part)
    return _one(sympy.Mul(*factor), constant=sympy.expand(exponent))


def _power(e: Expr, t: Symbol) -> Sum:
    base, exponent = e.args
    if exponent.is_Integer and exponent > 0:
        return functools.reduce(_times, itertools.repeat(_read(base, t), int(exponent)))
    if isinstance(base, sympy.exp) and not exponent.has(t):
        return _read(sympy.exp(base.args[0] * exponent), t)
    waves = [part for part in base.args if isinstance(part, sympy.exp)] if base.is_Mul else []
    if waves and exponent.is_integer:  # (c·e^{iθ})ⁿ; for other exponents the angle counts
        rest = base / sympy.Mul(*waves)
        return functools.reduce(_times, (_read(part**exponent, t) for part in (rest, *waves)))
    if not base.has(t):
        return _exponential(sympy.expand(exponent * sympy.log(base)), t) or _one(special=e)
    return _one(special=e)


def _exponential(exponent: Expr, t: Symbol) -> Sum | None:
    found = quadratic(exponent, t)
    return found and _one(square=found[0], rate=found[1], constant=found[2])


def _wave(kind: type, slope: Expr, offset: Expr) -> Sum:
    """cos x = (e^{ix} + e^{-ix})/2, and its kin."""
    turn = I if kind in (sympy.sin, sympy.cos) else ONE
    scale = (-I if kind is sympy.sin else ONE) / 2
    sign = 1 if kind in (sympy.cos, sympy.cosh) else -1
    up = _one(scale, rate=sympy.expand(turn * slope), constant=sympy.expand(turn * offset))
    return _plus(up, _one(sign * scale, rate=sympy.expand(-turn * slope), constant=sympy.expand(-turn * offset)))


def _plus(left: Sum, right: Sum) -> Sum:
    result = dict(left)
    for key, value in right.items():
        result[key] = result[key] + value if key in result else value
    return result


def _times(left: Sum, right: Sum) -> Sum:
    if len(left) * len(right) > MOST:
        raise NotFoundError(f"a product has more than {MOST} terms")
    result: Sum = {}
    for (power, *one, special), value in left.items():
        inquire()
        for (raised, *other, further), factor in right.items():
            key = (power + raised, *map(_sum, one, other), special * further)
            result[key] = result[key] + value * factor if key in result else value * factor
    return result


def _sum(left: Expr, right: Expr) -> Expr:
    if left.is_zero or right.is_zero:
        return left + right
    return sympy.expand(left + right)
