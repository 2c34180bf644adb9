"""Dilation: a correlation without it, with the kernel that has d - 1 zeros between its taps (à trous).

>>> from convmath import operator
>>> from convmath.calculus.forms import forms
>>> print(forms(operator("conv", ndim=1, groups=1).statement)["dilated"])
U[o,c,t′] = [d | t′] W[o,c,⌊t′/d⌋]
Y[ν,o,j] = Σ_{c<C, t′<d·(k-1)+1} U[o,c,t′] · X[ν,c,s·j+t′-a]        X is 0 outside
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convmath.calculus.eliminate import solved
from convmath.ir.build import equation, read, total
from convmath.ir.nodes import Statement, Zero
from convmath.ir.poly import Index, Poly, poly
from convmath.window import span

from .form import Form
from .numbers import Numbers, correlated, relaid
from .structure import Axis, Structure, indices_of

__all__ = ["Dilated"]


class Dilated(Form):
    NAME = "dilated"

    @staticmethod
    def _stated(of: Structure) -> Statement:
        axes = tuple(map(_undilated, of.axes, of.kernel))
        taps = [axis.tap for axis in axes]
        element = read("U", *of.w.at[:2], *taps)
        spread = [Zero(axis.step * axis.tap, tap) for axis, tap in zip(of.axes, taps, strict=True)]
        kernel = equation("U", element.at, total(of.w, indices_of(*of.taps), spread))
        return solved(of.stated(kernel, of.value(of.product(element, axes))))[0]

    def _value(self, numbers: Numbers) -> np.ndarray:
        steps = [abs(axis.dilation) for axis in numbers.axes]
        spans = [span(axis.k, step) for axis, step in zip(numbers.axes, steps, strict=True)]
        w = np.zeros((*numbers.w.shape[:3], *spans), numbers.w.dtype)
        w[(..., *(slice(None, None, step) for step in steps))] = numbers.w
        signs = [1 if axis.dilation > 0 else -1 for axis in numbers.axes]
        return numbers.value(correlated(replace(relaid(numbers, dilation=signs, k=spans), w=w)))


def _undilated(axis: Axis, k: Poly) -> Axis:
    """The axis with a tap for each position that the kernel spans."""
    tap = poly(Index("t", span(k, axis.step), axis.place, primes=1))
    return replace(axis, tap=tap, dilation=poly(1 if axis.forward else -1))
