"""Stride: every s-th value of the same sum without one.

>>> from convmath import operator
>>> from convmath.calculus.forms import forms
>>> print(forms(operator("conv", ndim=1, groups=1).statement)["strided"])
F[ν,o,j′] = Σ_{c<C, t<k} W[o,c,t] · X[ν,c,d·t+j′-a]        X is 0 outside
Y[ν,o,j] = F[ν,o,s·j]
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convmath.ir.build import equation, read, total
from convmath.ir.nodes import Statement
from convmath.ir.poly import Index, Poly, poly
from convmath.window import span

from .form import Form
from .numbers import Numbers, correlated, relaid
from .structure import Axis, Refusal, Structure

__all__ = ["Strided"]


class Strided(Form):
    NAME = "strided"

    @staticmethod
    def _stated(of: Structure) -> Statement:
        if not of.gathers:
            raise Refusal(f"{of.output.name} scatters what it reads: its stride spreads the input, and skips no output")
        axes = tuple(map(_dense, of.axes, of.shape(of.output.name)[2:]))
        at = of.batch, of.channels[1]
        every = equation("F", [*at, *(axis.here for axis in axes)], of.product(of.w, axes))
        chosen = read("F", *at, *(axis.stride * axis.here for axis in of.axes))
        return of.stated(every, of.value(total(chosen)))

    def _value(self, numbers: Numbers) -> np.ndarray:
        steps = [axis.stride for axis in numbers.axes]
        full = relaid(numbers, stride=[1 for _ in steps], m=[span(axis.m, axis.stride) for axis in numbers.axes])
        return numbers.value(correlated(full)[(..., *(slice(None, None, step) for step in steps))])


def _dense(axis: Axis, m: Poly) -> Axis:
    """The axis with an output at each position between the first and the last."""
    return replace(axis, here=poly(Index("j", span(m, axis.stride), axis.place, primes=1)), stride=poly(1))
