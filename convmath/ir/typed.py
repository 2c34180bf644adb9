"""Integer forms from the text that a person typed."""

from __future__ import annotations

from collections.abc import Callable

from convmath import text
from convmath.errors import TextError
from convmath.text import Expression

from .poly import Poly, least, poly

__all__ = ["BITS", "LARGEST_POWER", "form", "operation"]

# far above what a person types, and below what takes long
LARGEST_POWER, TERMS, DEGREE, BITS = 12, 200, 200, 4000


def form(tree: Expression, named: Callable[[str], Poly]) -> Poly:
    """The integer form that a parsed text means; `named` gives the form of a name.

    >>> from convmath.ir.build import size
    >>> form(text.parse("2*(n + 3)//2 - min(n, 4)"), size) == size("n") + 3 - least(size("n"), poly(4))
    True
    """
    match tree:
        case text.Number(value=value) if value.denominator == 1:
            return poly(value.numerator)
        case text.Name(name=name):
            return named(name)
        case text.Negative(of=inner):
            return -form(inner, named)
        case text.Operation(sign="^", left=base, right=text.Number(value=power)):
            if power.denominator != 1 or power > LARGEST_POWER:
                raise TextError(f"the power {power} came, but a whole number up to {LARGEST_POWER} is needed")
            factor, total = form(base, named), poly(1)
            for _ in range(power.numerator):
                total = operation("*", total, factor)
            return total
        case text.Operation(sign=sign, left=left, right=right) if sign != "^":
            return operation(sign, form(left, named), form(right, named))
        case text.Call(function="min", arguments=arguments):
            return least(*(form(argument, named) for argument in arguments))
        case text.Call(function="floor", arguments=(text.Operation(sign="/", left=left, right=right),)):
            return operation("//", form(left, named), form(right, named))
    raise TextError(
        f"{_said(tree)} came, but whole numbers, names, + - * // ^, min(…) and floor(…/…) make an integer form"
    )


def operation(sign: str, left: Poly, right: Poly) -> Poly:
    """left sign right for the sign of an operation other than ^, where it is an integer form of some moderation."""
    found = _result(sign, left, right)
    degree = max((sum(power for _, power in monomial) for monomial in found.terms), default=0)
    bits = max((c.bit_length() for c in found.terms.values()), default=0)
    if len(found.terms) > TERMS or degree > DEGREE or bits > BITS:
        raise TextError(
            f"a form of {len(found.terms)} terms, degree {degree} and numbers of {bits} bits came up, "
            f"but {TERMS} terms, degree {DEGREE} and {BITS} bits are the most that is read"
        )
    return found


def _result(sign: str, left: Poly, right: Poly) -> Poly:
    match sign:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "//":
            if right.constant is not None and right.constant < 1:
                raise TextError(f"a division by {right.constant} came, but a divisor must be at least 1")
            return left // right
    quotient = None if right == 0 else left.divided(right)
    if quotient is None:
        raise TextError(f"{left!r}/{right!r} is not whole for all values; // divides and rounds down")
    return quotient


def _said(tree: Expression) -> str:
    match tree:
        case text.Number(value=value):
            return str(value)
        case text.Call(function=function):
            return f"{function}(…)"
    return "an exponent that is no number"
