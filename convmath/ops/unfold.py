r"""Unfolding into patches (im2col), and folding them back: each is the adjoint of the other.

Both have torch's layout: a patch is a column, in which channel and tap are one number, and the windows are one axis.

>>> from convmath import operator
>>> op = operator("unfold", ndim=1)
>>> print(op.statement)
Y[ν,k·c+t,j] = X[ν,c,s·j+d·t-a]        X is 0 outside
>>> print(op.vjp("X").result)
gX[ν,c,i] = Σ_{t<k} [s | i-d·t+a] [0 ≤ q < m] gY[ν,k·c+t,q]        q = ⌊(i-d·t+a)/s⌋

Folding adds what overlaps. Its input says for each of the n windows of an output of m elements what they hold:

>>> op = operator("fold", ndim=1)
>>> print(op.statement)
Y[ν,c,j] = Σ_{i<n, t<k} [s·i+d·t-a = j] X[ν,k·c+t,i]
>>> print(op.vjp("X").result)
gX[ν,k·c+t,i] = [0 ≤ s·i+d·t-a < m] gY[ν,c,s·i+d·t-a]
"""

from __future__ import annotations

from convmath.ir.build import Tensor, axes, equation, index, read, size, subscripts, total
from convmath.ir.nodes import AtMost, Size, Statement, Zero
from convmath.ir.poly import Param, poly, product
from convmath.window import span, steps

from .arrange import mixed
from .family import Family
from .spatial import letters, over_windows, windowed

__all__ = ["FAMILIES"]


def unfold(ndim: int) -> Statement:
    """Y[ν, k·c+t, j] = X[ν, c, s·j+d·t-a]; with several axes t, and j, stand for a digit of each."""
    axes = windowed(ndim)
    ν, c = index("ν", size("N")), index("c", size("C", least=1))
    X = Tensor("X", (ν.size, c.size, *(axis.n for axis in axes)), letters("νc", "i", ndim))
    patch = total(read(X, ν, c, *(axis.at for axis in axes), outside=0))
    row, column = mixed([c, *(axis.t for axis in axes)]), mixed([axis.j for axis in axes])
    return over_windows(axes, [X], [equation("Y", [ν, row, column], patch)])


def fold(ndim: int) -> Statement:
    """Y[ν,c,j] = Σ_{i, t} [s·i+d·t-a = j] X[ν, k·c+t, i]; n is the number of windows of an output of m elements."""
    ν, c = index("ν", size("N")), index("c", size("C", least=1))
    n, m, k = axes("n", ndim, 1), axes("m", ndim), axes("k", ndim, 1)
    s, d, a, b = axes("s", ndim, 1, 1), axes("d", ndim, 1, 1), axes("a", ndim, 0, 0), axes("b", ndim, 0, 0)
    i, t, j = (
        [index(letter, extent, axis) for extent, axis in zip(extents, subscripts(ndim), strict=True)]
        for letter, extents in (("i", n), ("t", k), ("j", m))
    )
    at = [sx * poly(ix) + dx * poly(tx) - ax for sx, ix, dx, tx, ax in zip(s, i, d, t, a, strict=True)]
    lands = [Zero(form, poly(jx)) for form, jx in zip(at, j, strict=True)]
    X = Tensor("X", (ν.size, c.size * product(k), product(n)), (("ν", 0), ("c", 0), ("i", 0)))
    columns = total(read(X, ν, mixed([c, *t]), mixed(i)), (*i, *t), lands)
    return Statement(
        inputs=(X,),
        equations=(equation("Y", [ν, c, *j], columns),),
        outputs=("Y",),
        sizes=tuple(
            Size(nx.atom, steps(*rest))
            for nx, *rest in zip(n, m, k, s, d, a, b, strict=True)
            if isinstance(nx.atom, Param)
        ),
        requires=tuple(AtMost(span(kx, dx), mx + ax + bx) for kx, dx, mx, ax, bx in zip(k, d, m, a, b, strict=True)),
    )


FAMILIES = (
    Family("unfold", {"en": "Unfolding into patches", "es": "Despliegue en parches"}, unfold, unit_stride=True),
    Family(
        "fold",
        {"en": "Folding of patches", "es": "Plegado de parches"},
        fold,
        words={"output_size": "m"},
        unit_stride=True,
        one_each="output_size",
    ),
)
