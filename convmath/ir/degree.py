"""The degree of a scalar, and of a statement's outputs, as polynomials in what they read."""

from __future__ import annotations

from collections.abc import Mapping

from convmath.errors import StatementError

from .nodes import Apply, Bracket, IndexValue, Number, Power, Product, Read, Real, Scalar, Statement, Sum

__all__ = ["degree", "statement_degree"]


def degree(node: Scalar, of: Mapping[str, int | None]) -> int | None:
    """The degree of a scalar as a polynomial in what `of` names (with their own degrees); None where it is none."""
    match node:
        case Read(tensor=tensor):
            return of.get(tensor, 0)
        case Number() | IndexValue() | Real() | Bracket():
            return 0
        case Sum(terms=terms):
            degrees = [degree(term, of) for term in terms]
            return None if None in degrees else max(d for d in degrees if d is not None)
        case Product(factors=factors):
            degrees = [degree(factor, of) for factor in factors]
            return None if None in degrees else sum(d for d in degrees if d is not None)
        case Power(base=base, exponent=exponent):
            d = degree(base, of)
            if d == 0 and degree(exponent, of) == 0:
                return 0
            whole = isinstance(exponent, Number) and exponent.value.denominator == 1 and exponent.value >= 0
            return d * int(exponent.value) if whole and d is not None else None  # type: ignore[union-attr]
        case Apply(argument=argument):
            return 0 if degree(argument, of) == 0 else None
    raise NotImplementedError(f"no degree of a {type(node).__name__}")


def statement_degree(statement: Statement, wrt: str) -> int:
    """The degree of the outputs as piecewise polynomials in `wrt`; a maximum has that of what it is taken over."""
    degrees: dict[str, int | None] = {wrt: 1}
    for equation in statement.equations:
        found = [degree(term.body, degrees) for term in equation.terms]
        degrees[equation.name] = None if None in found else max((d for d in found if d is not None), default=0)
    of_outputs = [degrees[name] for name in statement.outputs]
    if None in of_outputs:
        raise StatementError(f"{', '.join(statement.outputs)} is no polynomial in {wrt}")
    return max((d for d in of_outputs if d is not None), default=0)
