"""The degree of a scalar, and of a statement's outputs, as polynomials in what they read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from fractions import Fraction
from functools import lru_cache

from .nodes import Apply, Bracket, Compare, IndexValue, Number, Power, Product, Read, Real, Scalar, Statement, Sum
from .walk import inside, reads

__all__ = ["degree", "is_polynomial", "statement_degree"]


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


def statement_degree(statement: Statement, wrt: str) -> int | None:
    """The degree of the outputs as piecewise polynomials in `wrt`; None where one of them is no polynomial.

    A maximum has the degree of what it is taken over.
    """
    degrees = _degrees(statement, {wrt})
    of_outputs = [degrees[name] for name in statement.outputs]
    return None if None in of_outputs else max((d for d in of_outputs if d is not None), default=0)


@lru_cache(maxsize=512)
def is_polynomial(statement: Statement) -> bool:
    """Whether every equation is a polynomial in all inputs together, or a maximum of polynomials.

    Its pieces may meet only where elements of a maximum tie: a bracket that compares values makes it none.
    """
    inputs = {tensor.name for tensor in statement.inputs if not tensor.integer}
    jumps = any(isinstance(node, Compare) and node.relation != "=" for node in inside(statement.equations))
    return not jumps and None not in _degrees(statement, inputs).values()


def _degrees(statement: Statement, inputs: Iterable[str]) -> dict[str, int | None]:
    degrees: dict[str, int | None] = dict.fromkeys(inputs, 1)
    for equation in statement.equations:
        found = [degree(term.body, degrees) for term in equation.terms]
        degrees[equation.name] = None if None in found else max((d for d in found if d is not None), default=0)
    return degrees


def is_linear(statement: Statement, wrt: str | Collection[str], but: str = "") -> bool:
    """Whether the first output is a sum of multiples of what `wrt` holds, apart from terms that read `but` alone.

    Of several inputs each term has to be a multiple of one.
    """
    linear = {wrt} if isinstance(wrt, str) else {*wrt}
    for equation in statement.equations:
        terms = [term for term in equation.terms if [read.tensor for read in reads(term)] != [but]]
        chosen = [any(read.tensor in linear for read in reads(term.guards)) for term in terms]
        of = [
            _linear_in(term.body, linear) and term.reduce == "sum" and not by_value
            for term, by_value in zip(terms, chosen, strict=True)
        ]
        free = [not any(read.tensor in linear for read in reads(term)) for term in terms]
        if all(of) and terms:
            linear.add(equation.name)
        elif not all(free):
            return False
    return statement.outputs[0] in linear


def _linear_in(node: Scalar, names: set[str]) -> bool:
    """Whether a scalar is a multiple of what these arrays hold."""
    match node:
        case Read(tensor=tensor, outside=outside):
            return tensor in names and (not isinstance(outside, Fraction) or not outside)
        case Sum(terms=terms):
            return all(_linear_in(term, names) for term in terms)
        case Product(factors=factors):
            depend = [factor for factor in factors if any(read.tensor in names for read in reads(factor))]
            return len(depend) == 1 and _linear_in(depend[0], names)
    return False
