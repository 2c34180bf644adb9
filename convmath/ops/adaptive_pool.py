r"""Adaptive pooling: m windows that cover the input, window j from ⌊j·n/m⌋ up to, but not including, ⌈(j+1)·n/m⌉.

Both ends are said without a floor: i lies in window j exactly when n·j < m·(i+1) and m·i < n·(j+1).

>>> from convmath import operator
>>> op = operator("adaptive_avg_pool", ndim=1)
>>> print(op.statement)
K[j] = Σ_{i<n} [n·j < m·i+m] [m·i < n·j+n]
Y[ν,c,j] = Σ_{i<n} [n·j < m·i+m] [m·i < n·j+n] X[ν,c,i] / K[j]
>>> print(op.vjp("X").result.output)
gX[ν,c,i] = Σ_{j<m} [n·j < m·i+m] [m·i < n·j+n] gY[ν,c,j] / K[j]
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from convmath.ir.build import Tensor, axes, count, equation, index, largest, read, size, subscripts, total
from convmath.ir.nodes import Guard, Less, Statement
from convmath.ir.poly import Index, poly

from .family import Family
from .max_pool import TIES, positions
from .spatial import letters

__all__ = ["FAMILIES"]


def _laid(ndim: int) -> tuple[Tensor, Index, Index, list[Index], list[Index], list[Guard]]:
    """The input, batch and channel, positions i and windows j, and the brackets that say which i lie in window j."""
    N, C, n, m = size("N"), size("C", least=1), axes("n", ndim, 1), axes("m", ndim, 1)
    X = Tensor("X", (N, C, *n), letters("νc", "i", ndim))
    i, j = (
        [index(letter, extent, axis) for extent, axis in zip(extents, subscripts(ndim), strict=True)]
        for letter, extents in (("i", n), ("j", m))
    )
    held: list[Guard] = [
        bracket
        for nx, mx, ix, jx in zip(n, m, map(poly, i), map(poly, j), strict=True)
        for bracket in (Less(nx * jx, mx * (ix + 1)), Less(mx * ix, nx * (jx + 1)))
    ]
    return X, index("ν", N), index("c", C), i, j, held


def adaptive_avg_pool(ndim: int) -> Statement:
    """Y[ν,c,j] = Σ_i [⌊j·n/m⌋ ≤ i < ⌈(j+1)·n/m⌉] X[ν,c,i]/K[j], K[j] the number of these i"""
    X, ν, c, i, j, held = _laid(ndim)
    mean = total(read(X, ν, c, *i) / read("K", *j), i, held)
    return Statement((X,), (equation("K", j, count(i, held)), equation("Y", [ν, c, *j], mean)), ("Y",))


def adaptive_max_pool(ndim: int, *, ties: Any = "first", return_indices: bool = False) -> Statement:
    """Y[ν,c,j] = max_i [⌊j·n/m⌋ ≤ i < ⌈(j+1)·n/m⌉] X[ν,c,i]; `ties` names the maximiser that a gradient goes to."""
    X, ν, c, i, j, held = _laid(ndim)
    x = read(X, ν, c, *i)
    window = replace(largest(x, i, held), selection=ties)
    equations = [equation("Y", [ν, c, *j], window)]
    if return_indices:
        equations.append(positions([ν, c, *j], x, i, held, list(map(poly, i)), X.shape[2:], ties))
    return Statement((X,), tuple(equations), tuple(e.name for e in equations))


_WORDS = {"output_size": "m"}

FAMILIES = (
    Family(
        "adaptive_avg_pool",
        {"en": "Adaptive average pooling", "es": "Agrupación adaptativa por promedio"},
        adaptive_avg_pool,
        words=_WORDS,
    ),
    Family(
        "adaptive_max_pool",
        {"en": "Adaptive max pooling", "es": "Agrupación adaptativa por máximo"},
        adaptive_max_pool,
        {"ties": TIES, "return_indices": (False, True)},
        words=_WORDS,
    ),
)
