"""col2im: the product of matrices first, at every input position and tap; then what meets an output position is added.

>>> from convmath import operator
>>> from convmath.calculus.forms import forms
>>> print(forms(operator("conv_transpose", ndim=1, groups=1).statement)["col2im"])
Q[ν,k·o+t,i] = Σ_{c<C} W[c,o,t] · X[ν,c,i]
Y[ν,o,j] = Σ_{t<k, i<n} [s·i+d·t-a = j] Q[ν,k·o+t,i]
"""

from __future__ import annotations

from math import prod

import numpy as np

from convmath.ir.build import equation, read
from convmath.ir.nodes import Statement
from convmath.ir.poly import poly

from .form import Form
from .numbers import Laid, Numbers, picked
from .structure import Structure, joined

__all__ = ["Col2im"]


class Col2im(Form):
    NAME = "col2im"

    @staticmethod
    def _stated(of: Structure) -> Statement:
        row = joined((of.channels[1], *of.taps), (poly(1), *of.kernel))
        column = joined(of.inputs, of.shape(of.x.tensor)[2:])
        element = read("Q", of.batch, row, column)
        products = equation("Q", element.at, of.summed(of.w * of.element, of.channels[0]))
        terms = (of.summed(element, *of.taps, *of.inputs, where=guards) for guards in of.meetings())
        return of.stated(products, of.value(*terms))

    def _value(self, numbers: Numbers) -> np.ndarray:
        D = len(numbers.axes)
        # each tap beside the position of its axis, so that one number stands for both
        beside = [axis for place in range(D) for axis in (3 + place, 3 + D + place)]
        products = _products(numbers).transpose(0, 1, 2, *beside)
        flat = products.reshape(*products.shape[:3], *(axis.k * axis.n for axis in numbers.axes))
        met = picked(flat, [_places(axis) for axis in numbers.axes])
        return numbers.value(met.sum(tuple(range(4, 4 + 2 * D, 2))))


def _products(numbers: Numbers) -> np.ndarray:
    """(batch, group, output channel, *taps, *input positions)"""
    D = len(numbers.axes)
    w = numbers.w.transpose(0, 1, *range(3, 3 + D), 2)
    rows = w.reshape(len(w), prod(w.shape[1:-1]), w.shape[-1])
    columns = numbers.x.reshape(*numbers.x.shape[:3], prod(numbers.x.shape[3:]))
    return (rows @ columns).reshape(len(numbers.x), *w.shape[:-1], *numbers.x.shape[3:])


def _places(axis: Laid) -> np.ndarray:
    """Where tap and input position stand, counted row by row, for each output position and tap."""
    reads = axis.reads()
    return np.where(reads < 0, -1, axis.n * np.arange(axis.k) + reads)
