r"""Lp pooling: the p-norm of a window, as a sum of powers and its root. What lies outside is 0.

>>> from convmath import operator
>>> op = operator("lp_pool", ndim=1)
>>> print(op.statement)
P[ν,c,j] = Σ_{t<k} X[ν,c,s·j+t-a]^r        X is 0 outside
Y[ν,c,j] = P[ν,c,j]^(1/r)
>>> print(op.vjp("X").result.output)
gX[ν,c,i] = Σ_{j<m} [0 ≤ i-s·j+a < k] gY[ν,c,j] · P[ν,c,j]^(1/r - 1) · X[ν,c,i]^(r - 1)

With absolute=True it is Σ |X|^r, as ONNX has it; torch takes the power of the number itself, which is the same for an
even r and for what is not negative.
"""

from __future__ import annotations

from convmath.ir.build import Tensor, equation, index, read, size, total
from convmath.ir.nodes import ZERO, Apply, Compare, Power, Real, Scalar, Statement

from .family import Family
from .global_pool import everywhere
from .spatial import letters, windowed

EXPONENT = Real("r", positive=True)


def _power(x: Scalar, absolute: bool) -> Scalar:
    return Power.of(Apply("abs", x) if absolute else x, EXPONENT)


def lp_pool(ndim: int, *, ceil_mode: bool = False, absolute: bool = False) -> Statement:
    """P[ν,c,j] = Σ_t X[ν,c,s·j+t-a]^r, Y = P^(1/r)"""
    axes = windowed(ndim, dilated=False, ceil=ceil_mode)
    N, C = size("N"), size("C", least=1)
    ν, c = index("ν", N), index("c", C)
    at, j, t = [axis.at for axis in axes], [axis.j for axis in axes], [axis.t for axis in axes]
    X = Tensor("X", (N, C, *(axis.n for axis in axes)), letters("νc", "i", ndim))
    sums = equation("P", [ν, c, *j], total(_power(read(X, ν, c, *at, outside=0), absolute), t))
    return Statement(
        inputs=(X,),
        equations=(sums, equation("Y", [ν, c, *j], total(read("P", ν, c, *j) ** (1 / EXPONENT)))),
        outputs=("Y",),
        sizes=tuple(axis.size for axis in axes),
        placements=tuple(axis.placement for axis in axes),
        requires=(
            *(axis.fits for axis in axes),
            Compare(ZERO, "<", EXPONENT),
            Compare(ZERO, "≤", read("P", ν, c, *j)),
        ),
    )


def global_lp_pool(ndim: int, *, absolute: bool = False) -> Statement:
    """P[ν,c] = Σ_i X[ν,c,i]^r, Y = P^(1/r)"""
    X, ν, c, i, j = everywhere(ndim)
    sums = equation("P", [ν, c, *j], total(_power(read(X, ν, c, *i), absolute), i))
    return Statement(
        inputs=(X,),
        equations=(sums, equation("Y", [ν, c, *j], total(read("P", ν, c, *j) ** (1 / EXPONENT)))),
        outputs=("Y",),
        requires=(Compare(ZERO, "<", EXPONENT), Compare(ZERO, "≤", read("P", ν, c, *j))),
    )


FAMILIES = (
    Family(
        "lp_pool",
        {"en": "Lp pooling", "es": "Agrupación Lp"},
        lp_pool,
        {"ceil_mode": (False, True), "absolute": (False, True)},
        words={"norm_type": "r"},
    ),
    Family(
        "global_lp_pool",
        {"en": "Global Lp pooling", "es": "Agrupación Lp global"},
        global_lp_pool,
        {"absolute": (False, True)},
        words={"norm_type": "r"},
    ),
)
