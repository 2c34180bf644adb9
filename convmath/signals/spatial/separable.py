"""Functions of several variables as sums of products of functions of one each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Symbol

from ..errors import NotFoundError
from ..types import Expr, sympy

__all__ = ["Product", "conditions_split", "products"]


@dataclass(frozen=True, slots=True)
class Product:
    """c·f₁(x₁)·f₂(x₂)·…"""

    coefficient: Expr
    factors: tuple[Expr, ...]


def products(e: Expr, variables: Sequence[Symbol]) -> list[Product]:
    """The terms of a sum of products; a NotFoundError where a factor has two variables in it."""
    kept: dict[Expr, Expr] = {}
    expanded = sympy.expand(_parted(conditions_split(e), variables, kept), power_exp=True, trig=True)
    return [_product(term, variables, kept) for term in sympy.Add.make_args(expanded) if term != 0]


def _parted(e: Expr, variables: Sequence[Symbol], kept: dict[Expr, Expr]) -> Expr:
    """Factors of one variable as letters, so that they stay whole: their terms may grow where they do not."""
    if isinstance(e, sympy.Add):
        return sympy.Add(*(_parted(term, variables, kept) for term in e.args))
    factors = []
    for part in sympy.Mul.make_args(e):
        if sum(part.has(x) for x in variables) == 1:
            letter = sympy.Dummy()
            kept[letter] = part
            factors.append(letter)
        else:
            factors.append(part)
    return sympy.Mul(*factors)


def _product(term: Expr, variables: Sequence[Symbol], kept: dict[Expr, Expr]) -> Product:
    coefficient, factors = sympy.S.One, dict.fromkeys(variables, sympy.S.One)
    for part in sympy.Mul.make_args(term):
        part = part.xreplace(kept)
        found = [x for x in variables if part.has(x)]
        if len(found) > 1:
            raise NotFoundError(f"{part} does not part into factors of one variable each")
        if found:
            factors[found[0]] *= part
        else:
            coefficient *= part
    return Product(coefficient, tuple(factors[x] for x in variables))


def conditions_split(e: Expr) -> Expr:
    """Piecewise((v, A ∧ B), (0, True)) as v·[A]·[B], and [y > |x|] as [y > x]·[y > -x]."""

    def split(*args: Any) -> Expr:
        if len(args) != 2 or args[1][0] != 0 or args[1][1] != True:  # noqa: E712
            return sympy.Piecewise(*args)
        value, condition = args[0]
        found = value
        for part in sympy.And.make_args(_without_absolute(condition)):
            found *= sympy.Piecewise((1, part), (0, True))
        return found

    return e.replace(sympy.Piecewise, split)


def _without_absolute(condition: Any) -> Any:
    parts = []
    for part in sympy.And.make_args(condition):
        if isinstance(part, sympy.core.relational.Relational) and not isinstance(part, sympy.Eq | sympy.Ne):
            low, high = part.lts, part.gts
            rest, absolute = low.as_independent(sympy.Abs, as_Add=True)
            if isinstance(absolute, sympy.Abs):
                inner = absolute.args[0]
                parts += [sympy.StrictLessThan(rest + inner, high), sympy.StrictLessThan(rest - inner, high)]
                continue
        parts.append(part)
    return sympy.And(*parts)
