r"""Max unpooling: each element goes back to the position that a pooling had taken it from; everything else is 0.

Positions are flat, row by row, as max pooling returns them. Those of one channel must differ: elements that came to the
same position would be added here, while torch keeps an unspecified one of them.

>>> from convmath import operator
>>> op = operator("max_unpool", ndim=1)
>>> print(op.statement)
Y[ν,c,j] = Σ_{i<n} [j = I[ν,c,i]] X[ν,c,i]
>>> print(op.vjp("X").result)
gX[ν,c,i] = Σ_{j<m} [j = I[ν,c,i]] gY[ν,c,j]
"""

from __future__ import annotations

from convmath.ir.build import Tensor, axes, equation, index, read, size, subscripts, total
from convmath.ir.nodes import ZERO, AtMost, Compare, IndexValue, Less, Matches, Placement, Size, Statement
from convmath.ir.poly import Param, poly, product
from convmath.window import transposed_size

from .family import Family
from .max_pool import flat
from .spatial import letters

__all__ = ["FAMILY"]


def statement(ndim: int) -> Statement:
    """Y[ν,c,j] = Σ_i [j = I[ν,c,i]] X[ν,c,i], the output as long as what a pooling had to n windows"""
    N, C, n, m = size("N"), size("C", least=1), axes("n", ndim), axes("m", ndim)
    k, s, e = axes("k", ndim, 1), axes("s", ndim, 1, 1), axes("e", ndim, 0, 0)
    a, b = axes("a", ndim, 0, 0), axes("b", ndim, 0, 0)
    ν, c = index("ν", N), index("c", C)
    i, j, t = (
        [index(letter, extent, axis) for extent, axis in zip(extents, subscripts(ndim), strict=True)]
        for letter, extents in (("i", n), ("j", m), ("t", k))
    )
    X = Tensor("X", (N, C, *n), letters("νc", "i", ndim))
    I = Tensor("I", (N, C, *n), letters("νc", "i", ndim), integer=True)
    at = read(I, ν, c, *i)
    put = total(read(X, ν, c, *i), i, [Matches(flat(list(map(poly, j)), m), at)])
    made = [transposed_size(*axis) for axis in zip(n, k, s, (poly(1),) * ndim, a, b, e, strict=True)]
    return Statement(
        inputs=(X, I),
        equations=(equation("Y", [ν, c, *j], put),),
        outputs=("Y",),
        sizes=tuple(Size(mx.atom, value) for mx, value in zip(m, made, strict=True) if isinstance(mx.atom, Param)),
        placements=tuple(
            Placement("preimage", ix, sx * poly(ix) + poly(tx) - ax, mx, ax, bx, ex)
            for ix, sx, tx, ax, bx, ex, mx in zip(i, s, t, a, b, e, m, strict=True)
        ),
        requires=(
            *(AtMost(poly(0), value) for value in made),
            *(Less(ex, sx) for ex, sx in zip(e, s, strict=True)),
            Compare(ZERO, "≤", at),
            Compare(at, "<", IndexValue(product(m))),
        ),
    )


FAMILY = Family("max_unpool", {"en": "Max unpooling", "es": "Desagrupación por máximo"}, statement)
