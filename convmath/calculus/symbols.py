"""The border to sympy: integer forms as sympy expressions."""

from __future__ import annotations

from typing import Any

import sympy

from convmath.ir.poly import Atom, Floor, Index, Least, Param, Poly
from convmath.ir.summands import Summand, summands

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
    return sympy.Add(*map(_summand, summands(form)))


def _summand(summand: Summand) -> Any:
    factors = [_atom(atom) ** power for atom, power in summand.powers]
    if summand.less_one is not None:
        factors.append(symbol(summand.less_one) - 1)
    if (q := summand.remainder) is not None:
        factors.append(sympy.Mod(to_sympy(q.number), to_sympy(q.divisor)))
    return sympy.Mul(sympy.Integer(summand.coefficient), *factors)


def _atom(atom: Atom) -> Any:
    match atom:
        case Param() | Index():
            return symbol(atom)
        case Floor(number=number, divisor=divisor):
            return sympy.floor(to_sympy(number) / to_sympy(divisor))
        case Least(among=among):
            return sympy.Min(*map(to_sympy, among))
    raise NotImplementedError(f"no sympy expression for a {type(atom).__name__}")
