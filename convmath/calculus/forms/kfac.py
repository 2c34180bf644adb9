"""The Kronecker factors of the Fisher matrix of a weight (Grosse & Martens 2016, arXiv 1602.01407, there Ω and Γ).

Ω is the second moment of what a position reads, summed over positions, and Γ that of the cotangent, averaged over them;
both are means over the batch. gY is the derivative of each example's own log-likelihood: if the loss is a mean over the
batch, it is N times the gradient. Then Ω ⊗ Γ stands for E[gW gWᵀ] of one group; it is that where there is one position,
and N is 1. A bias is one more row of what is read, which is 1 everywhere.

>>> from convmath import operator
>>> from convmath.calculus.forms import forms
>>> print(forms(operator("conv", ndim=1, groups=1, bias=True).statement)["kfac"])
P[ν,k·c+t,j] = X[ν,c,s·j+d·t-a]        X is 0 outside
Ω[k·c+t,k·c′+t′] = Σ_{ν<N, j<m} P[ν,k·c+t,j] · P[ν,k·c′+t′,j] / N
V[k·c+t] = Σ_{ν<N, j<m} P[ν,k·c+t,j] / N
Γ[o,o′] = Σ_{ν<N, j<m} gY[ν,o,j] · gY[ν,o′,j] / (N·m)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np

from convmath.calculus.eliminate import solved
from convmath.errors import ShapeError, StatementError
from convmath.ir.build import equation, read, total
from convmath.ir.exact import exact_array
from convmath.ir.nodes import Statement, Tensor, scalar
from convmath.ir.poly import Index, Poly, poly, product
from convmath.ir.walk import rename

from .form import Form
from .im2col import unrolled
from .numbers import Numbers, arithmetic, patches
from .structure import Structure, extent, indices_of, joined

__all__ = ["Kfac"]


class Kfac(Form):
    NAME = "kfac"

    @staticmethod
    def _stated(of: Structure) -> Statement:
        matrix, element = unrolled(of)
        over = indices_of(of.batch, *of.outputs)
        N, m = extent(of.batch), product(map(extent, of.outputs))
        group = [] if of.group is None else [of.group]
        sizes = (poly(1), *of.kernel)
        row, channel = joined((of.in_group(of.channels[0]), *of.taps), sizes), of.in_group(of.channels[1])
        cotangent = Tensor(_cotangent(of), of.shape(of.output.name), (("ν", 0), ("o", 0), *_letters(of.outputs)))
        g = read(cotangent, *of.output.at)
        rows, channels = _primed(row), _primed(channel)
        Ω = total(element * rename(element, rows) / scalar(N), over)
        Γ = total(g * rename(g, channels) / scalar(N * m), over)
        equations = [
            matrix,
            equation("Ω", [*group, row, rename(row, rows)], Ω),
            equation("Γ", [*group, channel, rename(channel, channels)], Γ),
        ]
        if of.bias:
            equations.insert(2, equation("V", [*group, row], total(element / scalar(N), over)))
        outputs = tuple(e.name for e in equations[1:])
        return solved(of.stated(*equations, inputs=(cotangent,), outputs=outputs))[0]

    def compute(self, arrays: Mapping[str, Any], **given: Any) -> tuple[np.ndarray, np.ndarray]:
        """Ω and Γ, each with a matrix for each group where there are groups, from the inputs and the cotangent gY.

        Where there is a bias, the last row and column of Ω are those of the 1 that it is multiplied by.
        """
        found, name = arithmetic(arrays), _cotangent(self.structure)
        if name not in found:
            raise StatementError(f"no array is given for {name}, the cotangent of {self.structure.output.name}")
        gy = found.pop(name)
        numbers = Numbers.of(self.structure, found, given)
        N, G, O, M = len(numbers.x), *numbers.w.shape[:2], prod(axis.m for axis in numbers.axes)
        shape = N, G * O, *(axis.m for axis in numbers.axes)
        if gy.shape != shape:
            raise ShapeError(
                f"{name} has shape {gy.shape}, but {shape} is needed, the shape of {self.structure.output.name}"
            )
        if not N * M:
            raise ShapeError(f"the factors are means over a batch and its positions, but there are {N} and {M} of them")
        seen = patches(numbers)
        if numbers.bias is not None:
            seen = np.concatenate([seen, np.ones((N, G, 1, M), seen.dtype)], 2)
        Ω, Γ = _moment(seen, N), _moment(gy.reshape(N, G, O, M), N * M)
        return (Ω, Γ) if self.structure.groups else (Ω[0], Γ[0])


def _moment(rows: np.ndarray, count: int) -> np.ndarray:
    """Σ_{ν,j} of the products of any two rows of a group, over the count"""
    total = np.einsum("ngrj,ngsj->grs", rows, rows)
    return exact_array(total * Fraction(1, count)) if total.dtype == object else total / count


def _cotangent(of: Structure) -> str:
    return f"g{of.output.name}"


def _letters(forms: Sequence[Poly]) -> Iterator[tuple[str, int]]:
    return ((index.letter, index.axis) for index in indices_of(*forms))


def _primed(form: Poly) -> dict[Index, Index]:
    """A second name for each of its indices."""
    return {i: Index(i.letter, i.size, i.axis, i.primes + 1) for i in form.indices()}
