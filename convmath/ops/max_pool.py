r"""Max pooling: the greatest value in a window. What lies outside is not in the window (−∞).

>>> from convmath import operator
>>> op = operator("max_pool", ndim=1)
>>> print(op.statement)
Y[ν,c,j] = max_{t<k} X[ν,c,s·j+d·t-a]        X is −∞ outside

The gradient goes to the selected element, here the first of those that are greatest:

>>> print(op.vjp("X").result)
M[ν,c,j] = max_{t<k} [0 ≤ s·j+d·t-a < n] X[ν,c,s·j+d·t-a]
A[ν,c,j] = min_{t<k} [0 ≤ s·j+d·t-a < n] [X[ν,c,s·j+d·t-a] = M[ν,c,j]] t
gX[ν,c,i] = Σ_{t<k} [s | i-d·t+a] [0 ≤ q < m] [t = A[ν,c,q]] gY[ν,c,q]        q = ⌊(i-d·t+a)/s⌋
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from convmath.ir.build import Tensor, equation, index, largest, read, size
from convmath.ir.nodes import Compare, Equation, Guard, IndexValue, Read, Statement, Term, Within
from convmath.ir.poly import Index, Poly, poly

from .family import Family
from .spatial import letters, windowed

__all__ = ["FAMILY", "TIES", "flat", "positions"]

TIES = ("first", "last", "split", "all")


def flat(at: Sequence[Poly], sizes: Sequence[Poly]) -> Poly:
    """The number of a position, row by row."""
    place = poly(0)
    for form, n in zip(at, sizes, strict=True):
        place = place * n + form
    return place


def positions(
    out: Sequence[Any],
    x: Read,
    over: Sequence[Index],
    where: Sequence[Guard],
    at: Sequence[Poly],
    sizes: Sequence[Poly],
    ties: str,
) -> Equation:
    """I = the flat position of the first (for ties="last" the last) x that is the maximum Y."""
    Y = read("Y", *out)
    guards = (*where, Compare(x, "=", Y))
    found = Term(tuple(over), guards, IndexValue(flat(at, sizes)), "max" if ties == "last" else "min")
    return equation("I", out, found)


def statement(ndim: int, *, ceil_mode: bool = False, ties: Any = "first", return_indices: bool = False) -> Statement:
    """Y[ν,c,j] = max_t X[ν,c,s·j+d·t-a]; `ties` names the maximiser that a gradient goes to."""
    axes = windowed(ndim, ceil=ceil_mode)
    N, C = size("N"), size("C", least=1)
    ν, c = index("ν", N), index("c", C)
    at, j, t = [axis.at for axis in axes], [axis.j for axis in axes], [axis.t for axis in axes]
    X = Tensor("X", (N, C, *(axis.n for axis in axes)), letters("νc", "i", ndim))
    window = replace(largest(read(X, ν, c, *at, outside="nothing"), t), selection=ties)
    equations = [equation("Y", [ν, c, *j], window)]
    if return_indices:
        n = [axis.n for axis in axes]
        inside = [Within(form, extent) for form, extent in zip(at, n, strict=True)]
        equations.append(positions([ν, c, *j], read(X, ν, c, *at), t, inside, at, n, ties))
    return Statement(
        inputs=(X,),
        equations=tuple(equations),
        outputs=tuple(e.name for e in equations),
        sizes=tuple(axis.size for axis in axes),
        placements=tuple(axis.placement for axis in axes),
        requires=tuple(axis.fits for axis in axes),
    )


FAMILY = Family(
    "max_pool",
    {"en": "Max pooling", "es": "Agrupación por máximo"},
    statement,
    {"ceil_mode": (False, True), "ties": TIES, "return_indices": (False, True)},
)
