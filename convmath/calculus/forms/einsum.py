"""One sum of products over 0/1 patterns: Π[i,j,t] is 1 where input i, output j and tap t of an axis meet.

What a statement gathers and what it scatters differ by the pattern alone (Dangel 2023, arXiv 2307.02275).

>>> from convmath import operator
>>> from convmath.calculus.forms import forms
>>> form = forms(operator("conv", ndim=1, groups=1).statement)["einsum"]
>>> print(form)
Π[i,j,t] = [s·j+d·t-a = i]
Y[ν,o,j] = Σ_{c<C, i<n, t<k} W[o,c,t] · X[ν,c,i] · Π[i,j,t]
>>> form.string
'gocr,ngci,ixr->ngox'
"""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_letters
from typing import Any

import numpy as np

from convmath.ir.build import equation, read
from convmath.ir.nodes import ONE, Product, Statement, Term

from .form import Form
from .numbers import Laid, Numbers
from .structure import Structure

__all__ = ["Einsum"]

# letters of an axis: input, output, tap
AXES = "ixrjyskzt" + "".join(letter for letter in ascii_letters if letter not in "ngocixrjyskzt")


class Einsum(Form):
    NAME = "einsum"

    @staticmethod
    def _stated(of: Structure) -> Statement:
        names = [f"Π{axis.place or ''}" for axis in of.axes]
        at = list(zip(of.inputs, of.outputs, of.taps, strict=True))
        patterns = [
            equation(name, forms, *(Term((), guards, ONE) for guards in of.brackets(axis)))
            for name, forms, axis in zip(names, at, of.axes, strict=True)
        ]
        body = Product.of(of.w, of.element, *(read(name, *forms) for name, forms in zip(names, at, strict=True)))
        return of.stated(*patterns, of.value(of.summed(body, of.channels[0], *of.inputs, *of.taps)))

    @property
    def string(self) -> str:
        """What np.einsum takes for W, X and the patterns, with g for groups: in a group o and c are its channels."""
        axes = [AXES[3 * axis : 3 * axis + 3] for axis in range(len(self.structure.axes))]
        inputs, outputs, taps = ("".join(letters) for letters in zip(*axes, strict=True)) if axes else ("", "", "")
        return f"{','.join([f'goc{taps}', f'ngc{inputs}', *axes])}->ngo{outputs}"

    def patterns(self, arrays: Mapping[str, Any], **given: Any) -> tuple[np.ndarray, ...]:
        """Π of each axis as an array of 0 and 1."""
        return tuple(map(_pattern, Numbers.of(self.structure, arrays, given).axes))

    def _value(self, numbers: Numbers) -> np.ndarray:
        patterns = [_pattern(axis).astype(numbers.x.dtype) for axis in numbers.axes]
        return numbers.value(np.einsum(self.string, numbers.w, numbers.x, *patterns, optimize=True))


def _pattern(axis: Laid) -> np.ndarray:
    return (axis.reads() == np.arange(axis.n)[:, None, None]).astype(int)
