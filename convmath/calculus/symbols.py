"""The border to sympy: integer forms as sympy expressions."""

from __future__ import annotations

from functools import reduce
from operator import mul
from typing import Any

import sympy

from convmath.ir.poly import Atom, Floor, Index, Least, Param, Poly

__all__ = ["symbol", "to_sympy"]


def symbol(atom: Param | Index) -> sympy.Symbol:
    """The sympy symbol of a parameter or index: its letter with the axis behind it, an integer with the sign that is known."""
    name = (
        atom.letter + (str(atom.axis) if atom.axis else "") + ("_" * atom.primes if isinstance(atom, Index) else "")
    )
    least = 0 if isinstance(atom, Index) else atom.least
    if least is None:
        return sympy.Symbol(name, integer=True)
    return sympy.Symbol(name, integer=True, **({"positive": True} if least > 0 else {"nonnegative": True}))


def to_sympy(form: Poly) -> Any:
    """The sympy expression of an integer form."""
    return sympy.Add(
        *(
            reduce(mul, (_atom(atom) ** power for atom, power in monomial), sympy.Integer(c))
            for monomial, c in form.terms.items()
        )
    )


def _atom(atom: Atom) -> Any:
    match atom:
        case Param() | Index():
            return symbol(atom)
        case Floor(number=number, divisor=divisor):
            return sympy.floor(to_sympy(number) / to_sympy(divisor))
        case Least(among=among):
            return sympy.Min(*map(to_sympy, among))
    raise NotImplementedError(f"no sympy expression for a {type(atom).__name__}")
