"""A sum that scatters, gathered: the input with s - 1 zeros in between, correlated with the kernel turned round.

The size need not divide: what lies beyond the last of the input is 0 (Dumoulin & Visin 2016, arXiv 1603.07285, §4).

>>> from convmath import operator
>>> from convmath.calculus.forms import forms
>>> print(forms(operator("conv_transpose", ndim=1, groups=1).statement)["transposed"])
U[ν,c,i′] = [s | i′] X[ν,c,⌊i′/s⌋]
R[o,c,t] = W[c,o,k-t-1]
Y[ν,o,j] = Σ_{c<C, t<k} R[o,c,t] · U[ν,c,d·t+j+a-d·(k-1)]        U is 0 outside
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convmath.calculus.eliminate import solved
from convmath.ir.build import equation, read, total
from convmath.ir.nodes import Equation, Read, Statement, Zero
from convmath.ir.poly import Index, Poly, poly

from .form import Form
from .numbers import Laid, Numbers, correlated
from .structure import Axis, Refusal, Structure, indices_of

__all__ = ["Transposed"]


class Transposed(Form):
    NAME = "transposed"

    @staticmethod
    def _stated(of: Structure) -> Statement:
        if of.gathers:
            raise Refusal(f"{of.output.name} gathers already: each of its values is a sum over taps of what it reads")
        sizes = of.shape(of.x.tensor)[2:]
        spread = [
            poly(Index("i", axis.stride * n, axis.place, primes=1)) for axis, n in zip(of.axes, sizes, strict=True)
        ]
        at = of.batch, of.channels[0]
        meet = [Zero(axis.stride * axis.here, there) for axis, there in zip(of.axes, spread, strict=True)]
        upsampled = equation("U", [*at, *spread], total(of.x, indices_of(*of.inputs), meet))
        kernel, turned = _turned(of)
        seen = read("U", *at, *map(_reached, of.axes, of.kernel), outside=0)
        value = of.value(of.summed(kernel * seen, of.channels[0], *of.taps))
        return solved(of.stated(upsampled, turned, value))[0]

    def _value(self, numbers: Numbers) -> np.ndarray:
        sizes = [axis.stride * axis.n for axis in numbers.axes]
        x = np.zeros((*numbers.x.shape[:3], *sizes), numbers.x.dtype)
        x[(..., *(slice(None, None, axis.stride) for axis in numbers.axes))] = numbers.x
        # dilation·tap is taken from what is reached: turned where it was added, as it stands where it was not
        w = np.flip(numbers.w, tuple(3 + place for place, axis in enumerate(numbers.axes) if axis.dilation > 0))
        return numbers.value(correlated(replace(numbers, x=x, w=w, axes=tuple(map(_gathering, numbers.axes)))))


def _gathering(axis: Laid) -> Laid:
    reach = max(axis.dilation, 0) * (axis.k - 1)
    return Laid(axis.stride * axis.n, axis.m, axis.k, 1, abs(axis.dilation), reach - axis.before, True, None)


def _turned(of: Structure) -> tuple[Read, Equation]:
    """The kernel with the last tap first, and its channels in the order of one that gathers."""
    kernel = read("R", of.channels[1], of.in_group(of.channels[0]), *of.taps)
    back = [k - 1 - axis.tap if axis.forward else axis.tap for axis, k in zip(of.axes, of.kernel, strict=True)]
    return kernel, equation("R", kernel.at, total(replace(of.w, at=(*of.w.at[:2], *back))))


def _reached(axis: Axis, k: Poly) -> Poly:
    """j + d·t - (d·(k - 1) - a)"""
    return axis.there + axis.step * axis.tap + axis.before - (axis.step * (k - 1) if axis.forward else 0)
