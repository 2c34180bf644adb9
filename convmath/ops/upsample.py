r"""Upsampling: more positions along each axis, and in them the nearest elements, or a mixture of them.

By a whole factor each element is repeated, and the gradient adds its copies:

>>> from convmath import operator
>>> op = operator("upsample", ndim=1)
>>> print(op.statement)
Y[ν,c,s·i+t] = X[ν,c,i]
>>> print(op.vjp("X").result)
gX[ν,c,i] = Σ_{t<s} gY[ν,c,s·i+t]

To any size m, position j takes the element ⌊j·n/m⌋, or with "nearest-exact" the one that its middle lies in,
⌊(j + ½)·n/m⌋. Both are said without a floor:

>>> op = operator("upsample", ndim=1, size=True)
>>> print(op.statement)
Y[ν,c,j] = Σ_{i<n} [m·i ≤ n·j] [n·j < m·i+m] X[ν,c,i]
>>> print(op.vjp("X").result)
gX[ν,c,i] = Σ_{j<m} [m·i ≤ n·j] [n·j < m·i+m] gY[ν,c,j]

Linear interpolation (bilinear with two axes, trilinear with three) is a matrix H for each axis, and its adjoint is that
matrix transposed. Position j lies at (j + ½)/s - ½, element i has the weight 1 less its distance from there, and where
a position lies before the first element or behind the last, that one has the whole weight:

>>> op = operator("upsample", ndim=1, mode="linear")
>>> print(op.statement.equation("Y"))
Y[ν,c,j] = Σ_{i<n} H[j,i] · X[ν,c,i]
>>> print(op.vjp("X").result.output)
gX[ν,c,i] = Σ_{j<s·n} H[j,i] · gY[ν,c,j]
>>> for term in op.statement.equation("H").terms:
...     print(term)
[2·s·i ≤ 2·j-s+1] [2·j-s+1 < 2·s·i+2·s] (2·s·i-2·j+3·s-1)/(2·s)
[2·s·i-2·s < 2·j-s+1] [2·j-s+1 < 2·s·i] (2·j-2·s·i+s+1)/(2·s)
[i = 0] [2·j+1 < s] (s-2·j-1)/(2·s)
[i = n-1] [2·s·n < 2·j+s+1] (2·j-2·s·n+s+1)/(2·s)

With `align_corners` the first and the last position lie on the first and the last element, at j·(n - 1)/(m - 1), and
nothing lies outside.
"""

from __future__ import annotations

from collections.abc import Sequence

from convmath.errors import HyperparameterError
from convmath.ir.build import Tensor, axes, equation, index, read, size, subscripts, total
from convmath.ir.nodes import AtMost, Equation, Guard, IndexValue, Less, Product, Statement, Term, Zero
from convmath.ir.poly import Index, Poly, poly

from .arrange import mixed
from .family import Family
from .spatial import letters

__all__ = ["FAMILY", "MODES"]

MODES = ("nearest", "nearest-exact", "linear")


def statement(ndim: int, *, mode: str = "nearest", size: bool = False, align_corners: bool = False) -> Statement:
    """Y[ν,c,j] = Σ_i H[j,i] · X[ν,c,i], or the nearest element alone; `size`: to any size m, else by a whole factor s."""
    if align_corners and mode != "linear":
        raise HyperparameterError(f"align_corners is True, but mode={mode!r} takes an element as it is [upsample]")
    if size or align_corners or mode == "linear":
        return _positioned(ndim, mode, size, align_corners)
    return _repeated(ndim)
