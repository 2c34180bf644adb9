r"""Locally connected: the sum over a window as in a convolution, but every output element has weights of its own.

>>> from convmath import operator
>>> op = operator("locally_connected", ndim=1)
>>> print(op.statement)
Y[ν,o,j] = Σ_{c<C, t<k} W[o,j,c,t] · X[ν,c,s·j+d·t-a]        X is 0 outside
>>> print(op.vjp("W").result)
gW[o,j,c,t] = Σ_{ν<N} [0 ≤ s·j+d·t-a < n] gY[ν,o,j] · X[ν,c,s·j+d·t-a]

W[o,j] is the kernel of the output element (o,j), laid out as a kernel of a convolution; B has a number for each.
"""

from __future__ import annotations

from convmath.ir.build import Tensor, equation, index, read, size, total
from convmath.ir.nodes import Statement

from .family import Family
from .spatial import letters, over_windows, windowed

__all__ = ["FAMILY"]


def statement(ndim: int, *, bias: bool = False) -> Statement:
    """Y[ν,o,j] = Σ_{c, t} W[o,j,c,t] · X[ν,c,s·j+d·t-a] + B[o,j]"""
    axes = windowed(ndim)
    ν, c, o = index("ν", size("N")), index("c", size("C", least=1)), index("o", size("O", least=1))
    n, m, k = [axis.n for axis in axes], [axis.m for axis in axes], [axis.k for axis in axes]
    j, t, at = [axis.j for axis in axes], [axis.t for axis in axes], [axis.at for axis in axes]
    X = Tensor("X", (ν.size, c.size, *n), letters("νc", "i", ndim))
    own = (*letters("o", "j", ndim), *letters("c", "t", ndim))
    W = Tensor("W", (o.size, *m, c.size, *k), own)
    B = Tensor("B", (o.size, *m), letters("o", "j", ndim))
    taps = total(read(W, o, *j, c, *t) * read(X, ν, c, *at, outside=0), (c, *t))
    y = equation("Y", [ν, o, *j], taps, *([total(read(B, o, *j))] if bias else []))
    return over_windows(axes, (X, W, B) if bias else (X, W), [y])


FAMILY = Family(
    "locally_connected",
    {"en": "Locally connected layer", "es": "Capa localmente conectada"},
    statement,
    {"bias": (False, True)},
    optional={"B": "bias"},
)
