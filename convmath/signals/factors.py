"""Polynomials whose coefficients are numbers with parameters, in factors.

What is added has the least common denominator, and both parts of the fraction are taken apart; a numerator that fills
lines is left as it is, power by power.

>>> import sympy
>>> a, t = sympy.symbols("a t")
>>> in_factors({0: 1 / (a**2 - 1), 1: 1 / (a - 1)}, t)
(a*t + t + 1)/((a - 1)*(a + 1))
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from sympy import I, Symbol
from sympy.polys.rings import PolyRing

from .deadline import inquire
from .scalars import Field, Number
from .types import Expr, Polynomial, sympy

__all__ = ["factored", "factors_of", "in_factors", "written_product"]

Key = TypeVar("Key", int, tuple[int, int])

LONG = 40  # terms of what no factors are looked for


def in_factors(coefficients: Mapping[int, Expr | Number], t: Expr) -> Expr:
    """Σ c_k t^k as a real part and i times another, for which letters count as real; in one fraction where one may be
    complex, since p² + 1 under both parts of 1/(p - i) is 0 for p = -i too.
    """
    numbers = _numbers(coefficients)
    field = next(iter(numbers.values())).field
    if any(c.y for c in numbers.values()) and _may_be_complex(field):
        return _complex_fraction(numbers, field, t)
    real, turn = ({k: part(c) for k, c in numbers.items() if part(c)} for part in (_real, _imaginary))
    return _fraction(real, field, t) + I * _fraction(turn, field, t)


@functools.lru_cache(maxsize=1000)
def factored(e: Expr) -> Expr:
    """An expression in factors, as `in_factors` has them."""
    return in_factors({0: e}, sympy.S.One)


def _real(number: Number) -> Any:
    return number.x


def _imaginary(number: Number) -> Any:
    return number.y


def _numbers(coefficients: Mapping[int, Expr | Number]) -> dict[int, Number]:
    """As numbers of one field in which no letter is imaginary."""
    numbers = {k: c for k, c in coefficients.items() if isinstance(c, Number)}
    field = next(iter(numbers.values())).field if numbers else None
    if field and len(numbers) == len(coefficients) and all(c.field is field for c in numbers.values()):
        return {k: field.in_plain_letters(c) for k, c in numbers.items()}
    written = {k: c.expression if isinstance(c, Number) else c for k, c in coefficients.items()}
    symbols = {x for c in written.values() for x in c.free_symbols}
    field = Field(written.values(), plain=symbols)
    return {k: field.number(c) for k, c in written.items()}


def _fraction(coefficients: Mapping[int, Any], field: Field, t: Expr) -> Expr:
    if not coefficients:
        return sympy.S.Zero
    ring, tops, bottoms = _over(coefficients, field)
    names = {**field.names, ring.symbols[-1]: t}
    common = functools.reduce(lambda p, q: p if p == q else p.lcm(q), bottoms.values())
    total = ring.zero
    for k, top in tops.items():
        inquire()
        total = total + top * common.exquo(bottoms[k]) * ring.gens[-1] ** k
    if len(total) <= LONG:
        return written_product(factors_of(total, names), factors_of(common, names))
    parts = ((k, top.as_expr().xreplace(names), factors_of(bottoms[k], names)) for k, top in tops.items())
    return sympy.Add(*(written_product([top], bottom) * t**k for k, top, bottom in parts))


def _may_be_complex(field: Field) -> bool:
    return any(not symbol.is_extended_real for letter in field.letters for symbol in letter.free_symbols)


def _complex_fraction(numbers: Mapping[int, Number], field: Field, t: Expr) -> Expr:
    """A fraction in lowest terms over ℚ(i)."""
    parts = {(k, turns): part for k, c in numbers.items() for turns, part in enumerate((c.x, c.y)) if part}
    real, tops, bottoms = _over(parts, field)
    names = {**field.names, real.symbols[-1]: t}
    ring = PolyRing(real.symbols, sympy.QQ_I, sympy.lex)
    common = functools.reduce(lambda p, q: p if p == q else p.lcm(q), bottoms.values())
    total, units = ring.zero, (ring.one, ring(sympy.QQ_I(0, 1)))
    for (k, turns), top in tops.items():
        inquire()
        total = total + units[turns] * (top * common.exquo(bottoms[k, turns])).set_ring(ring) * ring.gens[-1] ** k
    top, bottom = total.cancel(common.set_ring(ring))
    return written_product(factors_of(top, names), factors_of(bottom, names))


def _over(
    coefficients: Mapping[Key, Any], field: Field
) -> tuple[PolyRing, dict[Key, Polynomial], dict[Key, Polynomial]]:
    """Numerators and denominators, in a ring that has the variable too."""
    t = sympy.Dummy("t")
    if not field.letters:
        ring = PolyRing([t], sympy.QQ, sympy.lex)
        return ring, {k: ring(c) for k, c in coefficients.items()}, dict.fromkeys(coefficients, ring.one)
    ring = PolyRing([*field.rational.symbols, t], sympy.QQ, sympy.lex)
    tops = {k: c.numer.set_ring(ring) for k, c in coefficients.items()}
    return ring, tops, {k: c.denom.set_ring(ring) for k, c in coefficients.items()}


def factors_of(p: Polynomial, names: Mapping[Symbol, Expr]) -> list[Expr]:
    """A constant, and the factors of a polynomial in letters that stand for what is named."""
    if len(p) > LONG or not p:
        return [p.as_expr().xreplace(names)]
    inquire()
    content, factors = p.factor_list()
    scale = p.ring.domain.to_sympy(content)
    if p.ring.domain is sympy.QQ_I:  # there factors are monic
        whole = [factor.clear_denoms() for factor, _ in factors]
        scale /= sympy.Mul(*(p.ring.domain.to_sympy(by) ** k for (by, _), (_, k) in zip(whole, factors, strict=True)))
        factors = [(factor, k) for (_, factor), (_, k) in zip(whole, factors, strict=True)]
    return [sympy.expand(scale), *(factor.as_expr().xreplace(names) ** k for factor, k in factors)]


def written_product(top: Iterable[Expr], bottom: Iterable[Expr]) -> Expr:
    """A quotient of products, where 2(x + 1) stays in factors."""
    factors = [part for part in (*top, *(1 / part for part in bottom)) if part != 1]
    numbers = [part for part in factors if part.is_Rational]
    others = [part for part in factors if not part.is_Rational]
    scale = sympy.Mul(*numbers)
    whole = abs(scale) != 1 and len(others) == 1 and others[0].is_Add
    return sympy.Mul(scale, *others, evaluate=not whole)
