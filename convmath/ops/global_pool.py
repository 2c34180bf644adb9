r"""Global pooling: mean and maximum over all positions of a channel. The spatial axes stay, with length 1.

>>> from convmath import operator
>>> print(operator("global_avg_pool", ndim=1).vjp("X").result)
gX[ν,c,i] = gY[ν,c,0] / n
>>> print(operator("global_max_pool", ndim=1).statement)
Y[ν,c,j] = max_{i<n} X[ν,c,i]
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from convmath.ir.build import Tensor, axes, equation, index, largest, read, size, subscripts, total
from convmath.ir.nodes import IndexValue, Statement
from convmath.ir.poly import Index, poly, product

from .family import Family
from .max_pool import TIES
from .spatial import letters

__all__ = ["FAMILIES", "everywhere"]


def everywhere(ndim: int) -> tuple[Tensor, Index, Index, list[Index], list[Index]]:
    """The input, batch and channel, all positions i, and the one position j of the output."""
    N, C, n = size("N"), size("C", least=1), axes("n", ndim, 1)
    X = Tensor("X", (N, C, *n), letters("νc", "i", ndim))
    i, j = (
        [index(letter, extent, axis) for extent, axis in zip(extents, subscripts(ndim), strict=True)]
        for letter, extents in (("i", n), ("j", (poly(1),) * ndim))
    )
    return X, index("ν", N), index("c", C), i, j


def global_avg_pool(ndim: int) -> Statement:
    """Y[ν,c] = Σ_i X[ν,c,i]/n"""
    X, ν, c, i, j = everywhere(ndim)
    mean = total(read(X, ν, c, *i) / IndexValue(product(index.size for index in i)), i)
    return Statement((X,), (equation("Y", [ν, c, *j], mean),), ("Y",))


def global_max_pool(ndim: int, *, ties: Any = "first") -> Statement:
    """Y[ν,c] = max_i X[ν,c,i]; `ties` names the maximiser that a gradient goes to."""
    X, ν, c, i, j = everywhere(ndim)
    whole = replace(largest(read(X, ν, c, *i), i), selection=ties)
    return Statement((X,), (equation("Y", [ν, c, *j], whole),), ("Y",))


FAMILIES = (
    Family(
        "global_avg_pool", {"en": "Global average pooling", "es": "Agrupación global por promedio"}, global_avg_pool
    ),
    Family(
        "global_max_pool",
        {"en": "Global max pooling", "es": "Agrupación global por máximo"},
        global_max_pool,
        {"ties": TIES},
    ),
)
