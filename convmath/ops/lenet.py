r"""What LeNet-5 is made of besides convolutions (LeCun, Bottou, Bengio, Haffner 1998, section II.B).

In subsampling the elements of a window are added, the sum is multiplied by a trainable coefficient, and a trainable
bias is added. There is one of either for each map:

>>> from convmath import operator
>>> print(operator("subsample", ndim=1, bias=True).statement)
S[ν,c,j] = Σ_{t<k} X[ν,c,s·j+t-a]        X is 0 outside
Y[ν,c,j] = W[c] · S[ν,c,j] + B[c]

A convolution by a table: map o of the output reads those maps of the input for which R[o,c] is 1. `TABLE` is R of the
paper's table I, for its layer C3, and `CONNECTIONS` says the same as the maps that each map reads:

>>> print(operator("table_conv", ndim=1).statement)
Y[ν,o,j] = Σ_{c<C, t<k} [1 = R[o,c]] W[o,c,t] · X[ν,c,s·j+d·t-a]        X is 0 outside
>>> 25 * sum(map(len, CONNECTIONS)) + len(CONNECTIONS)  # C3 has 1,516 trainable parameters, says the paper
1516

Radial basis functions are the output: the squared distance of the features to each row of W,

>>> op = operator("rbf", ndim=0)
>>> print(op.statement)
Y[ν,o] = Σ_{c<C} (X[ν,c] - W[o,c])²
>>> print(op.vjp("X").result)
gX[ν,c] = Σ_{o<O} 2 · gY[ν,o] · (X[ν,c] - W[o,c])
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from convmath.ir.build import Tensor, equation, index, read, size, total
from convmath.ir.nodes import ONE, ZERO, Compare, Matches, Statement
from convmath.ir.poly import poly

from .family import Family
from .linear import features
from .spatial import letters, over_windows, windowed

__all__ = ["CONNECTIONS", "FAMILIES", "TABLE"]

# LeCun, Bottou, Bengio, Haffner 1998, table I: the maps of S2 that each of the 16 maps of C3 reads
CONNECTIONS = (
    *((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)),
    *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5)),
    (0, 1, 2, 3, 4, 5),
)
# the same as R, a row for each map of C3
TABLE = tuple(tuple(int(c in maps) for c in range(6)) for maps in CONNECTIONS)


def subsample(ndim: int, *, bias: bool = False) -> Statement:
    """Y[ν,c,j] = W[c]·Σ_t X[ν,c,s·j+t-a] + B[c]"""
    axes = windowed(ndim, dilated=False)
    ν, c = index("ν", size("N")), index("c", size("C", least=1))
    at, j, t = [axis.at for axis in axes], [axis.j for axis in axes], [axis.t for axis in axes]
    X = Tensor("X", (ν.size, c.size, *(axis.n for axis in axes)), letters("νc", "i", ndim))
    W, B = (Tensor(name, (c.size,), letters("c", "", 0)) for name in "WB")
    sums = equation("S", [ν, c, *j], total(read(X, ν, c, *at, outside=0), t))
    scaled = total(read(W, c) * read("S", ν, c, *j))
    y = equation("Y", [ν, c, *j], scaled, *([total(read(B, c))] if bias else []))
    return over_windows(axes, (X, W, B) if bias else (X, W), [sums, y])


def table_conv(ndim: int, *, bias: bool = False) -> Statement:
    """Y[ν,o,j] = Σ_{c, t} [R[o,c] = 1] W[o,c,t] · X[ν,c,s·j+d·t-a] + B[o]"""
    axes = windowed(ndim)
    ν, c, o = index("ν", size("N")), index("c", size("C", least=1)), index("o", size("O", least=1))
    j, t, at = [axis.j for axis in axes], [axis.t for axis in axes], [axis.at for axis in axes]
    X = Tensor("X", (ν.size, c.size, *(axis.n for axis in axes)), letters("νc", "i", ndim))
    W = Tensor("W", (o.size, c.size, *(axis.k for axis in axes)), letters("oc", "t", ndim))
    R = Tensor("R", (o.size, c.size), letters("oc", "", 0), integer=True)
    B = Tensor("B", (o.size,), letters("o", "", 0))
    there = read(R, o, c)
    taps = total(read(W, o, c, *t) * read(X, ν, c, *at, outside=0), (c, *t), [Matches(poly(1), there)])
    y = equation("Y", [ν, o, *j], taps, *([total(read(B, o))] if bias else []))
    found = over_windows(axes, (X, W, R, B) if bias else (X, W, R), [y])
    zero_or_one = (Compare(ZERO, "≤", there), Compare(there, "≤", ONE))
    return replace(found, requires=(*found.requires, *zero_or_one))


def rbf(ndim: int) -> Statement:
    """Y[ν,i,o] = Σ_c (X[ν,i,c] - W[o,c])²"""
    at, X, W = features(ndim)
    o = index("o", W.shape[0])
    distance = total((read(X, *at.in_batch, at.c) - read(W, o, at.c)) ** 2, [at.c])
    return Statement((X, W), (equation("Y", [*at.in_batch, o], distance),), ("Y",))


_BIAS: dict[str, Any] = {"options": {"bias": (False, True)}, "optional": {"B": "bias"}}

FAMILIES = (
    Family(
        "subsample",
        {"en": "Subsampling with a coefficient", "es": "Submuestreo con coeficiente"},
        subsample,
        **_BIAS,
    ),
    Family(
        "table_conv",
        {"en": "Convolution by a connection table", "es": "Convolución por tabla de conexiones"},
        table_conv,
        **_BIAS,
    ),
    Family("rbf", {"en": "Radial basis functions", "es": "Funciones de base radial"}, rbf, least_ndim=0),
)
