r"""Convolution, as networks use the word: no kernel is turned (cross-correlation). Channels may come in groups.

>>> from convmath import operator
>>> op = operator("conv", ndim=1, kernel=3, stride=1, dilation=1, padding=1, groups=1)
>>> print(op.statement)
Y[ν,o,j] = Σ_{c<C, t<3} W[o,c,t] · X[ν,c,j+t-1]        X is 0 outside

Its gradients are not written here; they follow. With stride 1 the equation solves without a divisibility
bracket, and the gradient by the input is the correlation with the kernel turned round:

>>> print(op.vjp("X").result)
gX[ν,c,i] = Σ_{o<O, t<3} [0 ≤ i-t+1 < m] gY[ν,o,i-t+1] · W[o,c,t]

With every hyper-parameter a symbol the stride must divide:

>>> print(operator("conv", ndim=1, groups=1).vjp("X").result)
gX[ν,c,i] = Σ_{o<O, t<k} [s | i-d·t+a] [0 ≤ q < m] gY[ν,o,q] · W[o,c,t]        q = ⌊(i-d·t+a)/s⌋
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convmath.ir.build import Tensor, equation, index, read, size, total
from convmath.ir.nodes import Statement
from convmath.ir.poly import poly
from convmath.window import BORDERS

from .family import Family
from .spatial import Axis, beyond, letters, over_windows, windowed

__all__ = ["CHOICES", "FAMILY", "weighed"]


def statement(ndim: int, *, bias: bool = False, padding_mode: str = "zeros") -> Statement:
    """Y[ν, O·g+o, j] = Σ_{c, t} W[O·g+o, c, t] · X[ν, C·g+c, s·j+d·t-a]; C and O are channels per group."""
    return weighed(windowed(ndim), bias, padding_mode)


def weighed(axes: Sequence[Axis], bias: bool, padding_mode: str) -> Statement:
    """The sum, over the channels of a group and the taps, of W times what the axes read."""
    ndim = len(axes)
    N, G, C, O = size("N"), size("G", least=1, default=1), size("C", least=1), size("O", least=1)
    ν, g, o, c = index("ν", N), index("g", G), index("o", O), index("c", C)
    n, k, at = [axis.n for axis in axes], [axis.k for axis in axes], [axis.at for axis in axes]
    j, t = [axis.j for axis in axes], [axis.t for axis in axes]
    X = Tensor("X", (N, G * C, *n), letters("νc", "i", ndim))
    W = Tensor("W", (G * O, C, *k), letters("oc", "t", ndim))
    B = Tensor("B", (G * O,), letters("o", "", 0))
    channel = O * poly(g) + poly(o)
    x = read(X, ν, C * poly(g) + poly(c), *at, outside=beyond(padding_mode))
    terms = [total(read(W, channel, c, *t) * x, (c, *t)), *([total(read(B, channel))] if bias else [])]
    return over_windows(axes, (X, W, B) if bias else (X, W), [equation("Y", [ν, channel, *j], *terms)], padding_mode)


# what may be chosen of a convolution, of whatever kind
CHOICES: dict[str, Any] = {
    "options": {"bias": (False, True), "padding_mode": ("zeros", *BORDERS)},
    "optional": {"B": "bias"},
}

FAMILY = Family("conv", {"en": "Convolution", "es": "Convolución"}, statement, **CHOICES)
