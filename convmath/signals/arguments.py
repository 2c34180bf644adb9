"""What comes in at the door: functions, variables and periods, or a sentence that says what is wrong with them."""

from __future__ import annotations

from typing import Any

import numpy as np
from sympy import Expr as SympyExpr
from sympy import Symbol
from sympy.core.function import UndefinedFunction

from convmath.errors import AssumptionError

from .errors import ArgumentError
from .types import Expr, sympy

__all__ = ["function", "listed", "period_of", "variables_of"]

NO_VALUE = (sympy.nan, sympy.zoo, sympy.oo, -sympy.oo)


def function(given: Any, where: str) -> Expr:
    """An expression, which may be a number."""
    if isinstance(given, np.generic):
        given = given.item()
    if isinstance(given, str):
        why = "a text came where a function is needed; convmath.signals.typed.read makes expressions of texts"
        raise ArgumentError(f"{why} [{where}]")
    if isinstance(given, list | tuple | sympy.Tuple | sympy.MatrixBase | sympy.NDimArray) or hasattr(given, "shape"):
        raise ArgumentError(
            f"a list or matrix came where a function is needed; lists are convolved without a variable [{where}]"
        )
    if isinstance(given, UndefinedFunction | sympy.Lambda) or (callable(given) and not isinstance(given, sympy.Basic)):
        name = getattr(given, "__name__", given)
        raise ArgumentError(f"{name} came without its argument, but an expression such as f(t) is needed [{where}]")
    try:
        e = sympy.sympify(given, strict=True)
    except sympy.SympifyError:
        raise ArgumentError(f"{given!r} came where a function is needed, as an expression of SymPy [{where}]") from None
    if isinstance(e, sympy.logic.boolalg.Boolean) and not isinstance(e, SympyExpr):
        why = f"which is true or false, but a function is needed, such as Piecewise((1, {e}), (0, True))"
        raise ArgumentError(f"{e} came, {why} [{where}]")
    if not isinstance(e, SympyExpr) or e.is_Matrix or e.is_commutative is False:
        raise ArgumentError(f"{e} came, but a function with numbers as values is needed [{where}]")
    endless = {part: part.function for part in e.atoms(sympy.Sum, sympy.Integral)}  # ∞ is no value, but a limit
    if e.xreplace(endless).has(*NO_VALUE):
        raise ArgumentError(f"{e} came, which has no value [{where}]")
    return e


def listed(given: Any, where: str) -> Any:
    """A nested list of expressions."""
    values = given.tolist() if hasattr(given, "tolist") else given
    if not isinstance(values, list | tuple):
        came = "a text" if isinstance(given, str) else given
        why = "functions are convolved with their variable, as in convolve(f, g, t), and lists without"
        raise ArgumentError(f"{came} came without a variable; {why} [{where}]")
    return [listed(x, where) if isinstance(x, list | tuple) else function(x, f"an entry of {where}") for x in values]


def variables_of(given: Any, where: str) -> tuple[Symbol, ...]:
    """One variable or several: all real, or all integers."""
    found: tuple[Any, ...] = tuple(given) if isinstance(given, list | tuple | sympy.Tuple) else (given,)
    if not found:
        raise ArgumentError(f"no variable came, but one is needed at least [{where}]")
    for x in found:
        _variable(x, where)
    for place, x in enumerate(found):
        if x in found[:place]:
            raise ArgumentError(f"the variable {x} came twice [{where}]")
    whole = [x for x in found if x.is_integer]
    if whole and len(whole) < len(found):
        other = next(x for x in found if not x.is_integer)
        raise ArgumentError(
            f"{whole[0]} is an integer and {other} is not, but all variables are the one or the other [{where}]"
        )
    return found


def _variable(x: Any, where: str) -> None:
    if not isinstance(x, Symbol):
        raise ArgumentError(
            f"{x!r} came as a variable, but a symbol is needed, such as Symbol('t', real=True) [{where}]"
        )
    if x.is_commutative is False or x.is_extended_real is False or (x.is_complex and x.is_extended_real is None):
        raise AssumptionError(
            f"{x} came as a variable, but it need not be real; Symbol({x.name!r}, real=True) is [{where}]"
        )
    for kind in ("extended_positive", "extended_negative", "zero", "even"):
        if getattr(x, f"is_{kind}") is not None:
            declared = ", ".join(
                sorted(name if holds else f"not {name}" for name, holds in x._assumptions_orig.items())
            )
            why = (
                f"{x} came as a variable, but it was declared {declared}, and functions are needed at all values of it"
            )
            raise AssumptionError(f"{why}; Symbol({x.name!r}, real=True) has them [{where}]")


def period_of(given: Any, variables: tuple[Symbol, ...], where: str) -> Expr | tuple[Expr, ...]:
    """A period, or one for each variable."""
    if isinstance(given, list | tuple | sympy.Tuple):
        if len(given) != len(variables):
            raise ArgumentError(f"{len(given)} periods came for {len(variables)} variables [{where}]")
        return tuple(period_of(one, variables, where) for one in given)
    e = function(given, where)
    if e.has(*variables) or e.is_extended_nonpositive or e.is_extended_real is False:
        raise ArgumentError(f"the period {e} came, but it has to be positive, and the same everywhere [{where}]")
    if variables[0].is_integer and not (e.is_integer or (e.is_Float and float(e).is_integer())):
        raise ArgumentError(f"the period {e} of a sequence came, but a whole number is needed [{where}]")
    return e
