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

from dataclasses import replace
from typing import Any

from convmath.ir.build import Tensor, equation, index, largest, read, size
from convmath.ir.nodes import Statement

from .family import Family
from .spatial import letters, windowed


def statement(ndim: int, *, ceil_mode: bool = False, ties: Any = "first") -> Statement:
    """Y[ν,c,j] = max_t X[ν,c,s·j+d·t-a]; `ties` names the maximiser that a gradient goes to."""
    axes = windowed(ndim, ceil=ceil_mode)
    N, C = size("N"), size("C", least=1)
    ν, c = index("ν", N), index("c", C)
    at, j, t = [axis.at for axis in axes], [axis.j for axis in axes], [axis.t for axis in axes]
    X = Tensor("X", (N, C, *(axis.n for axis in axes)), letters("νc", "i", ndim))
    window = replace(largest(read(X, ν, c, *at, outside="nothing"), t), selection=ties)
    return Statement(
        inputs=(X,),
        equations=(equation("Y", [ν, c, *j], window),),
        outputs=("Y",),
        sizes=tuple(axis.size for axis in axes),
        placements=tuple(axis.placement for axis in axes),
        requires=tuple(axis.fits for axis in axes),
    )


FAMILY = Family(
    "max_pool",
    {"en": "Max pooling", "es": "Agrupación por máximo"},
    statement,
    {"ceil_mode": (False, True), "ties": ("first", "last", "split", "all")},
)
