r"""True convolution: the kernel is turned. It is the correlation that networks call convolution, with W read backwards.

>>> from convmath import operator
>>> op = operator("convolution", ndim=1, groups=1)
>>> print(op.statement)
Y[ν,o,j] = Σ_{c<C, t<k} W[o,c,t] · X[ν,c,s·j-d·t+d·(k-1)-a]        X is 0 outside

With a padding of all but one tap at both ends and stride 1 it is the sum of the textbooks, Σ_t W[t]·X[j-t]:

>>> full = operator("convolution", ndim=1, groups=1, padding="full", stride=1, dilation=1)
>>> print(full.statement)
Y[ν,o,j] = Σ_{c<C, t<k} W[o,c,t] · X[ν,c,j-t]        X is 0 outside

Its adjoint is the correlation:

>>> print(full.vjp("X").result)
gX[ν,c,i] = Σ_{o<O, t<k} gY[ν,o,i+t] · W[o,c,t]
"""

from __future__ import annotations

from convmath.ir.nodes import Statement

from .conv import CHOICES, weighed
from .family import Family
from .spatial import Turned, windowed

__all__ = ["FAMILY"]


def statement(ndim: int, *, bias: bool = False, padding_mode: str = "zeros") -> Statement:
    """Y[ν, O·g+o, j] = Σ_{c, t} W[O·g+o, c, t] · X[ν, C·g+c, s·j+d·(k-1-t)-a]; C and O are channels per group."""
    return weighed(windowed(ndim, kind=Turned), bias, padding_mode)


FAMILY = Family("convolution", {"en": "True convolution", "es": "Convolución verdadera"}, statement, **CHOICES)
