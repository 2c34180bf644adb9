"""Derivatives of scalar expressions by one of their reads. One rule per node."""

from __future__ import annotations

from convmath.errors import StatementError
from convmath.ir.functions import FUNCTIONS
from convmath.ir.nodes import (
    ONE,
    ZERO,
    Apply,
    Bracket,
    IndexValue,
    Number,
    Power,
    Product,
    Read,
    Real,
    Scalar,
    Sum,
)
from convmath.ir.walk import reads

__all__ = ["derivative"]


def derivative(node: Scalar, by: Read) -> Scalar:
    """∂node/∂by, every other read held fixed. Brackets are constant almost everywhere: their derivative is 0."""
    match node:
        case Read():
            return ONE if node == by else ZERO
        case Number() | IndexValue() | Real() | Bracket():
            return ZERO
        case Sum(terms=terms):
            return Sum.of(*(derivative(term, by) for term in terms))
        case Product(factors=factors):
            return Sum.of(
                *(
                    Product.of(*factors[:place], derivative(factor, by), *factors[place + 1 :])
                    for place, factor in enumerate(factors)
                )
            )
        case Power(base=base, exponent=exponent):
            if any(read == by for read in reads(exponent)):
                raise StatementError(f"{node}: the exponent depends on {by}; write it with exp and log")
            return Product.of(exponent, Power.of(base, exponent - ONE), derivative(base, by))
        case Apply(function=function, argument=argument):
            inner = derivative(argument, by)
            return ZERO if inner == ZERO else Product.of(FUNCTIONS[function].derivative(argument), inner)
    raise NotImplementedError(f"no derivative of a {type(node).__name__}")
