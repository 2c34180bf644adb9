"""What lies outside an array, written as brackets: after this every read is strict, and may be differentiated.

Σ … X[e], X = 0 outside          →   Σ [0 ≤ e < n] … X[e]
max … X[e], X not counted        →   max [0 ≤ e < n] … X[e]
X[e], X circular                 →   the sum of three branches, [e < 0] X[e + n], [0 ≤ e < n] X[e], [n ≤ e] X[e - n],
                                     and likewise for the other borders of `window`
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product as choices

from convmath.ir.nodes import (
    ONE,
    AtMost,
    Bracket,
    Equation,
    Guard,
    Less,
    Number,
    Product,
    Read,
    Scalar,
    Statement,
    Sum,
    Term,
    Within,
)
from convmath.ir.poly import Poly, poly
from convmath.ir.walk import map_reads, reads, shape_of
from convmath.window import BORDERS

__all__ = ["expand_outside"]


def expand_outside(statement: Statement) -> Statement:
    """The statement with every border written out."""
    return replace(statement, equations=tuple(_equation(statement, e) for e in statement.equations))


def _equation(statement: Statement, equation: Equation) -> Equation:
    return replace(equation, terms=tuple(new for term in equation.terms for new in _term(statement, term)))


def _term(statement: Statement, term: Term) -> list[Term]:
    for read in reads(term.body):
        if read.outside != "strict":
            break
    else:
        return [term]
    sizes = shape_of(statement, read.tensor)
    strict = replace(read, outside="strict")
    if read.outside == "nothing" or (read.outside == 0 and _is_factor(term.body, read) and term.reduce == "sum"):
        moved = replace(
            term, guards=(*_ranges(read.at, sizes), *term.guards), body=_swapped(term.body, read, strict)
        )
        return _term(statement, moved)
    if isinstance(read.outside, Fraction):
        inside = Product.of(*(Bracket(guard) for guard in _ranges(read.at, sizes)))
        elsewhere = Product.of(Number(read.outside), Sum.of(ONE, -inside))
        return _term(statement, replace(term, body=_swapped(term.body, read, inside * strict + elsewhere)))
    return [
        done
        for guards, at in _branches(read, sizes)
        for done in _term(
            statement,
            replace(term, guards=(*guards, *term.guards), body=_swapped(term.body, read, replace(strict, at=at))),
        )
    ]


def _swapped(body: Scalar, read: Read, by: Scalar) -> Scalar:
    return map_reads(body, lambda r: by if r == read else r)


def _is_factor(body: Scalar, read: Read) -> bool:
    """Whether the body is 0 wherever the read is 0."""
    return body == read or (isinstance(body, Product) and read in body.factors)


def _ranges(at: tuple[Poly, ...], sizes: tuple[Poly, ...]) -> list[Guard]:
    """The brackets 0 ≤ e < n that an index of that very range does not already say."""
    return [Within(form, n) for form, n in zip(at, sizes, strict=True) if not _says_its_range(form, n)]


def _says_its_range(form: Poly, n: Poly) -> bool:
    """Whether the form is a mixed radix of indices whose sizes multiply to n: then it runs over 0 … n - 1."""
    found = form.indices()
    least = poly(1)
    left = dict.fromkeys(found)
    while left:
        digit = next((index for index in left if form.coefficient(index) == least), None)
        if digit is None:
            return False
        least = least * digit.size
        del left[digit]
    return form == sum((form.coefficient(i) * poly(i) for i in found), poly(0)) and least == n


def _branches(read: Read, sizes: tuple[Poly, ...]) -> list[tuple[tuple[Guard, ...], tuple[Poly, ...]]]:
    """For each axis below, inside or above; together each choice once."""
    border = BORDERS[read.outside]  # type: ignore[index]
    per_axis: list[list[tuple[tuple[Guard, ...], Poly]]] = []
    for e, n in zip(read.at, sizes, strict=True):
        if _says_its_range(e, n):
            per_axis.append([((), e)])
        else:
            below = ((Less(e, poly(0)),), border.below(e, n))
            above = ((AtMost(n, e),), border.above(e, n))
            per_axis.append([((Within(e, n),), e), below, above])
    return [
        (tuple(guard for guards, _ in choice for guard in guards), tuple(form for _, form in choice))
        for choice in choices(*per_axis)
    ]
