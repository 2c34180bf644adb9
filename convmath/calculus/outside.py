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

from convmath.errors import StatementError
from convmath.ir.nodes import (
    ONE,
    ZERO,
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
from convmath.ir.walk import map_reads, radix, reads, shape_of
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
    if _swapped(term.body, read, replace(read, outside="strict")) == term.body:
        raise StatementError(
            f"{read} stands in a bracket, where what lies outside has no branch; name it in an equation first"
        )
    sizes = shape_of(statement, read.tensor)
    strict = replace(read, outside="strict")
    if read.outside == "nothing":
        return _term(statement, _inside(term, read, strict, sizes))
    if isinstance(read.outside, Fraction):
        return [*_term(statement, _inside(term, read, strict, sizes)), *_elsewhere(statement, term, read, sizes)]
    branches = _branches(read, sizes)
    if len(branches) > 1:
        _only_sums(term, read)
    return [
        done
        for guards, at in branches
        for done in _term(
            statement,
            replace(term, guards=(*guards, *term.guards), body=_swapped(term.body, read, replace(strict, at=at))),
        )
    ]


def _only_sums(term: Term, read: Read) -> None:
    """A maximum of branches is no sum of their maxima."""
    if term.reduce != "sum":
        raise StatementError(
            f"a {term.reduce} over {read.tensor} with {read.outside} outside can't be written with brackets; "
            "state the padded array as an equation of its own"
        )


def _swapped(body: Scalar, read: Read, by: Scalar) -> Scalar:
    return map_reads(body, lambda r: by if r == read else r)


def _inside(term: Term, read: Read, strict: Read, sizes: tuple[Poly, ...]) -> Term:
    """The term where the read lies inside its array."""
    guards = (*_ranges(read.at, sizes), *term.guards)
    return replace(term, guards=guards, body=_swapped(term.body, read, strict))


def _elsewhere(statement: Statement, term: Term, read: Read, sizes: tuple[Poly, ...]) -> list[Term]:
    """The term where the read lies outside: nothing where the body is 0 with the read's value there."""
    body = _swapped(term.body, read, Number(read.outside))  # type: ignore[arg-type]
    inside = Product.of(*(Bracket(guard) for guard in _ranges(read.at, sizes)))
    if inside == ONE:
        return []
    _only_sums(term, read)
    if body == ZERO:
        return []
    return _term(statement, replace(term, body=Product.of(Sum.of(ONE, -inside), body)))


def _ranges(at: tuple[Poly, ...], sizes: tuple[Poly, ...]) -> list[Guard]:
    """The brackets 0 ≤ e < n that an index of that very range does not already say."""
    return [Within(form, n) for form, n in zip(at, sizes, strict=True) if not _says_its_range(form, n)]


def _says_its_range(form: Poly, n: Poly) -> bool:
    """Whether the form is a mixed radix of indices whose sizes multiply to n: then it runs over 0 … n - 1."""
    return radix(form) == n


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
