"""im2col: the positions that each output reads, as a matrix; the rest is a product of matrices.

A row is a channel and a tap, a column an output position, both counted row by row (Chellapilla et al. 2006).

>>> from convmath import operator
>>> from convmath.calculus.forms import forms
>>> print(forms(operator("conv", ndim=1, groups=1).statement)["im2col"])
P[ν,k·c+t,j] = X[ν,c,s·j+d·t-a]        X is 0 outside
Y[ν,o,j] = Σ_{c<C, t<k} W[o,c,t] · P[ν,k·c+t,j]
>>> print(forms(operator("conv_transpose", ndim=1, groups=1).statement)["im2col"])
P[ν,k·c+t,j] = [s | j-d·t+a] [0 ≤ q < n] X[ν,c,q]        q = ⌊(j-d·t+a)/s⌋
Y[ν,o,j] = Σ_{c<C, t<k} W[c,o,t] · P[ν,k·c+t,j]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from convmath.calculus.eliminate import solved
from convmath.ir.build import equation, read, total
from convmath.ir.nodes import Equation, Read, Statement, Zero
from convmath.ir.poly import poly

from .form import Form
from .numbers import Numbers, correlated, patches
from .structure import Structure, joined

__all__ = ["Im2col", "unrolled"]


class Im2col(Form):
    NAME = "im2col"

    @staticmethod
    def _stated(of: Structure) -> Statement:
        matrix, element = unrolled(of)
        value = of.value(of.summed(of.w * element, of.channels[0], *of.taps))
        return solved(of.stated(matrix, value))[0]

    def matrix(self, arrays: Mapping[str, Any], **given: Any) -> np.ndarray:
        """P, of shape (batch, channels·taps, output positions)."""
        found = patches(Numbers.of(self.structure, arrays, given))
        return found.reshape(len(found), found.shape[1] * found.shape[2], found.shape[3])

    def _value(self, numbers: Numbers) -> np.ndarray:
        return numbers.value(correlated(numbers))


def unrolled(of: Structure) -> tuple[Equation, Read]:
    """The equation of the matrix P, and its element in the row of a channel and tap and the column of a position."""
    channel = of.channels[0]
    row = joined((channel, *of.taps), (poly(1), *of.kernel))
    column = joined(of.outputs, of.shape(of.output.name)[2:])
    element = read("P", of.batch, row, column)
    if of.gathers:
        return equation("P", element.at, total(of.x)), element
    meets = [Zero(axis.reached, axis.there) for axis in of.axes]
    return equation("P", element.at, of.summed(of.x, *of.inputs, where=meets)), element
