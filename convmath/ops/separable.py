r"""Convolutions in parts: depthwise, each channel by itself, and separable, depthwise and then pointwise.

Depthwise convolution is the convolution with as many groups as channels, and its weight is laid out as that one's:

>>> from convmath import operator
>>> print(operator("depthwise_conv", ndim=1).statement)
Y[ν,O·c+o,j] = Σ_{t<k} W[O·c+o,0,t] · X[ν,c,s·j+d·t-a]        X is 0 outside
>>> print(operator("depthwise_conv", ndim=1, stride=1).vjp("X").result)
gX[ν,c,i] = Σ_{o<O, t<k} [0 ≤ i-d·t+a < m] gY[ν,O·c+o,i-d·t+a] · W[O·c+o,0,t]

Separable convolution makes F maps of each channel, and mixes all of them at each position:

>>> op = operator("separable_conv", ndim=1)
>>> print(op.statement)
Z[ν,F·c+f,j] = Σ_{t<k} W[F·c+f,0,t] · X[ν,c,s·j+d·t-a]        X is 0 outside
Y[ν,o,j] = Σ_{c<C, f<F} U[o,F·c+f,0] · Z[ν,F·c+f,j]
"""

from __future__ import annotations

from collections.abc import Sequence

from convmath.ir.build import Tensor, equation, index, read, size, total
from convmath.ir.nodes import Equation, Statement
from convmath.ir.poly import Index, Poly, poly

from .conv import CHOICES
from .family import Family
from .spatial import Axis, beyond, letters, over_windows, windowed

__all__ = ["FAMILIES"]


def _inputs(axes: Sequence[Axis], ν: Index, c: Index, made: Index) -> tuple[Tensor, Tensor]:
    """X, and W with a kernel for each map that is made of a channel."""
    n, k, ndim = [axis.n for axis in axes], [axis.k for axis in axes], len(axes)
    W = Tensor("W", (c.size * made.size, poly(1), *k), letters("oc", "t", ndim))
    return Tensor("X", (ν.size, c.size, *n), letters("νc", "i", ndim)), W


def _each(name: str, axes: Sequence[Axis], ν: Index, c: Index, channel: Poly, padding_mode: str) -> Equation:
    """name[ν, channel, j] = Σ_t W[channel, 0, t] · X[ν, c, s·j+d·t-a]"""
    t, at = [axis.t for axis in axes], [axis.at for axis in axes]
    taps = total(read("W", channel, 0, *t) * read("X", ν, c, *at, outside=beyond(padding_mode)), t)
    return equation(name, [ν, channel, *(axis.j for axis in axes)], taps)


def depthwise_conv(ndim: int, *, bias: bool = False, padding_mode: str = "zeros") -> Statement:
    """Y[ν, O·c+o, j] = Σ_t W[O·c+o, 0, t] · X[ν, c, s·j+d·t-a]; O is how many maps are made of each channel."""
    axes = windowed(ndim)
    ν, c, o = index("ν", size("N")), index("c", size("C", least=1)), index("o", size("O", least=1))
    channel = o.size * poly(c) + poly(o)
    taps = _each("Y", axes, ν, c, channel, padding_mode)
    if not bias:
        return over_windows(axes, _inputs(axes, ν, c, o), [taps], padding_mode)
    B = Tensor("B", (c.size * o.size,), letters("o", "", 0))
    y = equation("Y", taps.at, *taps.terms, total(read(B, channel)))
    return over_windows(axes, [*_inputs(axes, ν, c, o), B], [y], padding_mode)


def separable_conv(ndim: int, *, bias: bool = False) -> Statement:
    """Z[ν, F·c+f, j] = Σ_t W[F·c+f, 0, t] · X[ν, c, s·j+d·t-a], Y[ν,o,j] = Σ_{c, f} U[o, F·c+f, 0] · Z[ν, F·c+f, j]"""
    axes = windowed(ndim)
    ν, c, o = index("ν", size("N")), index("c", size("C", least=1)), index("o", size("O", least=1))
    f = index("f", size("F", least=1))
    channel, j = f.size * poly(c) + poly(f), [axis.j for axis in axes]
    U = Tensor("U", (o.size, c.size * f.size, *[poly(1)] * ndim), letters("oc", "t", ndim))
    B = Tensor("B", (o.size,), letters("o", "", 0))
    mixed = total(read(U, o, channel, *[0] * ndim) * read("Z", ν, channel, *j), (c, f))
    y = equation("Y", [ν, o, *j], mixed, *([total(read(B, o))] if bias else []))
    inputs = (*_inputs(axes, ν, c, f), U, *([B] if bias else []))
    return over_windows(axes, inputs, [_each("Z", axes, ν, c, channel, "zeros"), y])


FAMILIES = (
    Family(
        "depthwise_conv",
        {"en": "Depthwise convolution", "es": "Convolución por canales"},
        depthwise_conv,
        **CHOICES,
    ),
    Family(
        "separable_conv",
        {"en": "Separable convolution", "es": "Convolución separable"},
        separable_conv,
        {"bias": (False, True)},
        optional={"B": "bias"},
    ),
)
