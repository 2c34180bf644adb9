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

from convmath.ir.build import Tensor, equation, index, read, size, total
from convmath.ir.nodes import AtMost, Guard, Outside, Statement
from convmath.ir.poly import poly
from convmath.window import BORDERS

from .family import Family
from .spatial import letters, windowed


def statement(ndim: int, *, bias: bool = False, padding_mode: str = "zeros") -> Statement:
    """Y[ν, O·g+o, j] = Σ_{c, t} W[O·g+o, c, t] · X[ν, C·g+c, s·j+d·t-a]; C and O are channels per group."""
    axes = windowed(ndim)
    N, G, C, O = size("N"), size("G", least=1, default=1), size("C", least=1), size("O", least=1)
    ν, g, o, c = index("ν", N), index("g", G), index("o", O), index("c", C)
    n, k, at = [axis.n for axis in axes], [axis.k for axis in axes], [axis.at for axis in axes]
    j, t = [axis.j for axis in axes], [axis.t for axis in axes]
    X = Tensor("X", (N, G * C, *n), letters("νc", "i", ndim))
    W = Tensor("W", (G * O, C, *k), letters("oc", "t", ndim))
    B = Tensor("B", (G * O,), letters("o", "", 0))
    channel = O * poly(g) + poly(o)
    outside: Outside = 0 if padding_mode == "zeros" else padding_mode  # type: ignore[assignment]
    taps = total(read(W, channel, c, *t) * read(X, ν, C * poly(g) + poly(c), *at, outside=outside), (c, *t))
    return Statement(
        inputs=(X, W, B) if bias else (X, W),
        equations=(equation("Y", [ν, channel, *j], taps, *([total(read(B, channel))] if bias else [])),),
        outputs=("Y",),
        sizes=tuple(axis.size for axis in axes),
        placements=tuple(axis.placement for axis in axes),
        requires=(*(axis.fits for axis in axes), *_reached(axes, padding_mode)),
    )


def _reached(axes: tuple, padding_mode: str) -> list[Guard]:
    """The padding is no longer than the border's index map is right for."""
    if padding_mode == "zeros" or (reach := BORDERS[padding_mode].reach) is None:
        return [AtMost(poly(1), axis.n) for axis in axes] if padding_mode == "replicate" else []
    return [AtMost(pad, reach(axis.n)) for axis in axes for pad in (axis.a, axis.b)]


FAMILY = Family(
    "conv",
    {"en": "Convolution", "es": "Convolución"},
    statement,
    {"bias": (False, True), "padding_mode": ("zeros", *BORDERS)},
    optional={"B": "bias"},
)
