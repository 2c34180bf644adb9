r"""Two arrays of the same shape, element by element: the sum of a residual block, and dropout by a given mask.

>>> from convmath import operator
>>> print(operator("add", ndim=1).statement)
Y[ν,c,i] = X[ν,c,i] + Z[ν,c,i]
>>> op = operator("dropout", ndim=1)
>>> print(op.statement)
Y[ν,c,i] = X[ν,c,i] · K[ν,c,i] / (1 - ρ)
>>> print(op.vjp("X").result)
gX[ν,c,i] = gY[ν,c,i] · K[ν,c,i] / (1 - ρ)
>>> print(*op.conditions())
[0 ≤ ρ] [ρ < 1] [0 ≤ K[ν,c,i]] [K[ν,c,i] ≤ 1]
"""

from __future__ import annotations

from fractions import Fraction

from convmath.ir.build import Tensor, equation, read, total
from convmath.ir.nodes import ONE, ZERO, Compare, Real, Statement

from .family import Family
from .positions import Positions

__all__ = ["FAMILIES"]


def add(ndim: int) -> Statement:
    """Y[ν,c,i] = X[ν,c,i] + Z[ν,c,i]"""
    at = Positions.of(ndim)
    y = equation("Y", at.at, total(at.x + read("Z", *at.at)))
    return Statement((at.tensor("X"), at.tensor("Z")), (y,), ("Y",))


def dropout(ndim: int) -> Statement:
    """Y[ν,c,i] = X[ν,c,i]·K[ν,c,i]/(1 - ρ); K is 1 for what is kept and 0 for what is dropped, which a share ρ is."""
    at, ρ = Positions.of(ndim), Real("ρ", Fraction(1, 2))
    X, kept = at.tensor("X"), read("K", *at.at)
    K = Tensor("K", X.shape, X.letters, integer=True)
    return Statement(
        inputs=(X, K),
        equations=(equation("Y", at.at, total(at.x * kept / (1 - ρ))),),
        outputs=("Y",),
        requires=(Compare(ZERO, "≤", ρ), Compare(ρ, "<", ONE), Compare(ZERO, "≤", kept), Compare(kept, "≤", ONE)),
    )


FAMILIES = (
    Family("add", {"en": "Addition", "es": "Suma"}, add, least_ndim=0),
    Family("dropout", {"en": "Dropout", "es": "Dropout"}, dropout, words={"p": "ρ"}, least_ndim=0),
)
