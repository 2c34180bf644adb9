r"""Average pooling: the mean over a window. What a window is divided by is part of the statement.

>>> from convmath import operator
>>> op = operator("avg_pool", ndim=1)
>>> print(op.statement)
D[j] = Σ_{t<k} [0 ≤ s·j+t < n+a+b]
Y[ν,c,j] = Σ_{t<k} X[ν,c,s·j+t-a] / D[j]        X is 0 outside

Every window that is counted lies inside the padded input, so the divisor is k, and the gradient spreads evenly:

>>> print(op.vjp("X").result)
gX[ν,c,i] = Σ_{j<m} [0 ≤ i-s·j+a < k] gY[ν,c,j] / k

Under ceil_mode a last window may overhang the end padding; the overhang is not counted, and D stays.
"""

from __future__ import annotations

from convmath.ir.build import Tensor, count, equation, index, read, size, total
from convmath.ir.nodes import AtMost, Guard, IndexValue, Less, Statement, Within

from .family import Family
from .spatial import Axis, letters, windowed


def statement(
    ndim: int, *, ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: bool = False
) -> Statement:
    """Y[ν,c,j] = Σ_t X[ν,c,s·j+t-a] / D[j], D[j] the positions of the window in the padded input (or the input)."""
    axes = windowed(ndim, dilated=False, ceil=ceil_mode)
    N, C = size("N"), size("C", least=1)
    ν, c = index("ν", N), index("c", C)
    at, j, t = [axis.at for axis in axes], [axis.j for axis in axes], [axis.t for axis in axes]
    X = Tensor("X", (N, C, *(axis.n for axis in axes)), letters("νc", "i", ndim))
    counted = [
        Within(axis.at + axis.a, axis.n + axis.a + axis.b) if count_include_pad else Within(axis.at, axis.n)
        for axis in axes
    ]
    divisor = IndexValue(size("D", least=1)) if divisor_override else read("D", *j)
    window = total(read(X, ν, c, *at, outside=0) / divisor, t)
    counts = [] if divisor_override else [equation("D", j, count(t, counted))]
    return Statement(
        inputs=(X,),
        equations=(*counts, equation("Y", [ν, c, *j], window)),
        outputs=("Y",),
        sizes=tuple(axis.size for axis in axes),
        placements=tuple(axis.placement for axis in axes),
        requires=(*(axis.fits for axis in axes), *([] if count_include_pad or divisor_override else _met(axes))),
    )


def _met(axes: tuple[Axis, ...]) -> tuple[Guard, ...]:
    """Each window holds an element of the input: the first does not end before it, nor the last start behind it."""
    first = (AtMost(axis.a, axis.k - 1) for axis in axes)
    return (*first, *(Less(axis.s * (axis.m - 1) - axis.a, axis.n) for axis in axes if not axis.ceil))


FAMILY = Family(
    "avg_pool",
    {"en": "Average pooling", "es": "Agrupación por promedio"},
    statement,
    {"ceil_mode": (False, True), "count_include_pad": (True, False), "divisor_override": (False, True)},
)
