"""The matrix that the weight stands for: Y = T X. It is Toeplitz for each pair of channels where the stride is 1.

In two dimensions each of its blocks is made of Toeplitz blocks (doubly block Toeplitz); with a border that goes on
periodically, and as many outputs as inputs, it is circulant.

>>> from convmath import operator
>>> from convmath.calculus.forms import forms
>>> form = forms(operator("conv", ndim=1, groups=1).statement)["toeplitz"]
>>> print(form)
T[o,c,j,i] = [d | i-s·j+a] [0 ≤ q < k] W[o,c,q]        q = ⌊(i-s·j+a)/d⌋
Y[ν,o,j] = Σ_{c<C, i<n} T[o,c,j,i] · X[ν,c,i]
>>> form.matrix({"X": [[[0, 0, 0, 0]]], "W": [[[1, 2, 3]]]}, padding=1).toarray()
array([[2, 3, 0, 0],
       [1, 2, 3, 0],
       [0, 1, 2, 3],
       [0, 0, 1, 2]])
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from convmath.calculus.eliminate import solved
from convmath.errors import DtypeError
from convmath.ir.build import equation, read, total
from convmath.ir.nodes import Statement

from .form import Form
from .numbers import Numbers
from .structure import Structure, indices_of

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["Toeplitz"]


@dataclass(frozen=True)
class _Entries:
    """What the matrix has at rows and columns; what stands at the same place is added."""

    rows: np.ndarray
    columns: np.ndarray
    values: np.ndarray
    shape: tuple[int, int]

    @staticmethod
    def of(numbers: Numbers) -> _Entries:
        rows, columns, taps = _met(numbers)
        G, O, C = numbers.w.shape[:3]
        inputs, outputs = (prod(getattr(axis, size) for axis in numbers.axes) for size in "nm")
        g, o, c = (part[..., None] for part in np.meshgrid(*map(np.arange, (G, O, C)), indexing="ij"))
        values = numbers.w.reshape(G, O, C, prod(numbers.w.shape[3:]))[..., taps]
        rows, columns = outputs * (O * g + o) + rows, inputs * (C * g + c) + columns
        rows, columns = (np.broadcast_to(places, values.shape).reshape(-1) for places in (rows, columns))
        return _Entries(rows, columns, values.reshape(-1), (outputs * G * O, inputs * G * C))

    def matrix(self, values: np.ndarray) -> sparse.csr_array:
        from scipy import sparse  # only here: it takes longer to import than everything else

        return sparse.coo_array((values, (self.rows, self.columns)), self.shape).tocsr()


def _met(numbers: Numbers) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The numbers of output position, input position and tap, row by row, of each meeting in all axes together."""
    zero = np.zeros(1, int)
    found = zero, zero, zero
    for axis in numbers.axes:
        reads = axis.reads()
        j, t = np.nonzero(reads >= 0)
        own = (axis.m, j), (axis.n, reads[j, t]), (axis.k, t)
        found = tuple(
            np.add.outer(size * before, here).reshape(-1) for before, (size, here) in zip(found, own, strict=True)
        )
    return found  # type: ignore[return-value]


class Toeplitz(Form):
    NAME = "toeplitz"

    @staticmethod
    def _stated(of: Structure) -> Statement:
        element = read("T", *of.w.at[:2], *of.outputs, *of.inputs)
        taps = indices_of(*of.taps)
        matrix = equation("T", element.at, *(total(of.w, taps, guards) for guards in of.meetings()))
        value = of.value(of.summed(element * of.element, of.channels[0], *of.inputs))
        return solved(of.stated(matrix, value))[0]

    def matrix(self, arrays: Mapping[str, Any], **given: Any) -> sparse.csr_array:
        """T, with a row for each channel and position of the output, and a column for each of the input.

        Of the input only its shape matters. scipy.sparse holds 64-bit integers and floats, but no Fractions.
        """
        entries = _Entries.of(Numbers.of(self.structure, arrays, given))
        values = entries.values
        if values.dtype == object:
            if any(not isinstance(value, int) or value.bit_length() > 63 for value in values):
                name = self.structure.w.tensor
                raise DtypeError(
                    f"{name} holds Fractions or long integers, but scipy.sparse needs 64-bit ones or floats"
                )
            values = values.astype(np.int64)
        return entries.matrix(values)

    def _value(self, numbers: Numbers) -> np.ndarray:
        entries = _Entries.of(numbers)
        columns = numbers.x.reshape(len(numbers.x), entries.shape[1]).T
        if numbers.exact:
            y = np.zeros((entries.shape[0], columns.shape[1]), object)
            np.add.at(y, entries.rows, entries.values[:, None] * columns[entries.columns])
        else:
            y = entries.matrix(entries.values) @ columns
        G, O = numbers.w.shape[:2]
        return numbers.value(y.T.reshape(len(numbers.x), G, O, *(axis.m for axis in numbers.axes)))
