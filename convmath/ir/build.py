"""Short words for writing a statement down in Python, as it would be written on paper.

>>> n, m = size("n", least=1), size("m")
>>> i, j = index("i", n), index("j", m)
>>> X = Tensor("X", (n,), (("i", 0),))
>>> equation("Y", [j], total(read(X, poly(j), outside=0) + read(X, poly(j) - 1, outside=0))).name
'Y'
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from .nodes import Equation, Guard, Outside, Read, Tensor, Term, scalar
from .poly import Index, Param, Poly, poly

__all__ = ["Tensor", "axes", "count", "equation", "index", "largest", "poly", "read", "size", "total"]


def size(letter: str, axis: int = 0, least: int | None = 0, default: int | None = None) -> Poly:
    """An integer parameter as a form."""
    return poly(Param(letter, axis, least, default))


def axes(letter: str, ndim: int, least: int | None = 0, default: int | None = None) -> tuple[Poly, ...]:
    """One parameter for each spatial axis; with one axis there is no subscript."""
    return tuple(size(letter, axis, least, default) for axis in subscripts(ndim))


def subscripts(ndim: int) -> Iterable[int]:
    return (0,) if ndim == 1 else range(1, ndim + 1)


def index(letter: str, extent: Poly, axis: int = 0) -> Index:
    return Index(letter, extent, axis)


def read(tensor: Tensor | str, *at: Any, outside: Outside | int = "strict") -> Read:
    name = tensor.name if isinstance(tensor, Tensor) else tensor
    return Read(name, tuple(map(poly, at)), Fraction(outside) if isinstance(outside, int) else outside)


def total(body: Any, over: Iterable[Index] = (), where: Iterable[Guard] = ()) -> Term:
    """Σ_over [where] body"""
    return Term(tuple(over), tuple(where), scalar(body))


def count(over: Iterable[Index], where: Iterable[Guard] = ()) -> Term:
    """Σ_over [where] 1"""
    return total(1, over, where)


def largest(body: Any, over: Iterable[Index], where: Iterable[Guard] = ()) -> Term:
    """max_over [where] body"""
    return Term(tuple(over), tuple(where), scalar(body), reduce="max")


def equation(name: str, at: Sequence[Any], *terms: Term) -> Equation:
    """name[at] = Σ terms; the free indices are those of the left side, in their order."""
    forms = tuple(map(poly, at))
    free = tuple(dict.fromkeys(leaf for form in forms for leaf in form.leaves() if isinstance(leaf, Index)))
    return Equation(name, free, forms, terms)
