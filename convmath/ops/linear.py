r"""Linear layer: every output is a weighted sum of all features. They lie on the last axis, as in torch.

>>> from convmath import operator
>>> op = operator("linear", ndim=0)
>>> print(op.statement)
Y[ν,o] = Σ_{c<C} W[o,c] · X[ν,c]
>>> print(op.vjp("X").result, op.vjp("W").result, sep="\n")
gX[ν,c] = Σ_{o<O} gY[ν,o] · W[o,c]
gW[o,c] = Σ_{ν<N} gY[ν,o] · X[ν,c]

More axes stand before the features:

>>> print(operator("linear", ndim=1, bias=True).statement)
Y[ν,i,o] = Σ_{c<C} W[o,c] · X[ν,i,c] + B[o]
"""

from __future__ import annotations

from convmath.ir.build import Tensor, equation, index, read, size, total
from convmath.ir.nodes import Statement

from .family import Family
from .positions import Positions
from .spatial import letters

__all__ = ["FAMILY", "features"]


def features(ndim: int) -> tuple[Positions, Tensor, Tensor]:
    """The positions, X with its features on the last axis, and W with a row for each output."""
    at = Positions.of(ndim)
    X = Tensor("X", (at.N, *at.n, at.C), (*letters("ν", "i", ndim), ("c", 0)))
    return at, X, Tensor("W", (size("O", least=1), at.C), letters("oc", "", 0))


def statement(ndim: int, *, bias: bool = False) -> Statement:
    """Y[ν,i,o] = Σ_c W[o,c] · X[ν,i,c] + B[o]"""
    at, X, W = features(ndim)
    o = index("o", W.shape[0])
    B = Tensor("B", (o.size,), letters("o", "", 0))
    weighed = total(read(W, o, at.c) * read(X, *at.in_batch, at.c), [at.c])
    y = equation("Y", [*at.in_batch, o], weighed, *([total(read(B, o))] if bias else []))
    return Statement((X, W, B) if bias else (X, W), (y,), ("Y",))


FAMILY = Family(
    "linear",
    {"en": "Linear layer", "es": "Capa lineal"},
    statement,
    {"bias": (False, True)},
    optional={"B": "bias"},
    least_ndim=0,
)
