"""The border to sympy: integer forms as sympy expressions."""

from __future__ import annotations

import re
from typing import Any

import sympy

from convmath.errors import StatementError
from convmath.ir.nodes import Real
from convmath.ir.poly import Atom, Floor, Index, Least, Param, Poly, poly, product
from convmath.ir.summands import Summand, summands

__all__ = ["from_sympy", "real_symbol", "symbol", "to_sympy"]


def symbol(atom: Param | Index) -> sympy.Symbol:
    """The sympy symbol of a parameter or index: its letter and axis, an integer with the sign that is known."""
    name = atom.name + ("_" * atom.primes if isinstance(atom, Index) else "")
    least = 0 if isinstance(atom, Index) else atom.least
    if least is None:
        return sympy.Symbol(name, integer=True)
    return sympy.Symbol(name, integer=True, **({"positive": True} if least > 0 else {"nonnegative": True}))


def real_symbol(real: Real) -> sympy.Symbol:
    """The sympy symbol of a real parameter."""
    return sympy.Symbol(real.letter, real=True, **({"positive": True} if real.positive else {}))


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
            # as it stands: sympy 1.14 takes floor(1/(k*s)) >= 1 to be true, and would leave the wrong entry
            return sympy.Min(*map(to_sympy, among), evaluate=False)
    raise NotImplementedError(f"no sympy expression for a {type(atom).__name__}")


def from_sympy(expression: sympy.Expr) -> Poly:
    """The integer form of a polynomial with integer coefficients; n1 is the parameter n of axis 1.

    >>> n, k = sympy.symbols("n1 k1", positive=True, integer=True)
    >>> to_sympy(from_sympy(2 * n - k + 3)) == 2 * n - k + 3
    True
    """
    symbols: list[Any] = sorted(expression.free_symbols, key=str)
    terms = [((), expression)]  # a number: sympy has no polynomials without symbols
    if symbols:
        terms = sympy.Poly(expression, *symbols).terms() if expression.is_polynomial(*symbols) else []
    if not terms or not all(c.is_Integer for _, c in terms):
        raise StatementError(f"{expression} came, but a polynomial with integer coefficients is needed")
    atoms = [poly(_param(found)) for found in symbols]
    return sum(
        (
            product(atom for atom, power in zip(atoms, powers, strict=True) for _ in range(power)) * int(c)
            for powers, c in terms
        ),
        poly(0),
    )


def _param(found: sympy.Symbol) -> Param:
    letter, axis = re.fullmatch(r"(.*?)(\d*)", found.name).groups()  # type: ignore[union-attr]
    least = 1 if found.is_positive else 0 if found.is_nonnegative else None
    return Param(letter or found.name, int(axis or 0), least)
