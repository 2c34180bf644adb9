r"""Transposed convolution: the adjoint of a convolution, stated as one. Every x[i] adds its weighted kernel at s·i - a.

>>> from convmath import operator
>>> op = operator("conv_transpose", ndim=1, groups=1)
>>> print(op.statement)
Y[ν,o,j] = Σ_{c<C, i<n, t<k} [s·i+d·t-a = j] W[c,o,t] · X[ν,c,i]

Solved for i it gathers, and a stride above 1 leaves a divisibility bracket; its gradient is a convolution:

>>> print(op.solved().result)
Y[ν,o,j] = Σ_{c<C, t<k} [s | j-d·t+a] [0 ≤ q < n] W[c,o,t] · X[ν,c,q]        q = ⌊(j-d·t+a)/s⌋
>>> print(op.vjp("X").result)
gX[ν,c,i] = Σ_{o<O, t<k} [0 ≤ s·i+d·t-a < m] gY[ν,o,s·i+d·t-a] · W[c,o,t]
"""

from __future__ import annotations

from convmath.ir.build import Tensor, axes, equation, index, read, size, subscripts, total
from convmath.ir.nodes import AtMost, Less, Placement, Size, Statement, Zero
from convmath.ir.poly import Param, least, poly
from convmath.window import transposed_size

from .family import Family
from .spatial import letters


def statement(ndim: int, *, bias: bool = False) -> Statement:
    """Y[ν, O·g+o, j] = Σ_{c, i, t} [s·i+d·t-a = j] W[C·g+c, o, t] · X[ν, C·g+c, i]; C and O are channels per group."""
    N, G, C, O = size("N"), size("G", least=1, default=1), size("C", least=1), size("O", least=1)
    n, k, m = axes("n", ndim), axes("k", ndim, 1), axes("m", ndim)
    s, d = axes("s", ndim, 1, 1), axes("d", ndim, 1, 1)
    a, b, e = axes("a", ndim, 0, 0), axes("b", ndim, 0, 0), axes("e", ndim, 0, 0)
    ν, g, o, c = index("ν", N), index("g", G), index("o", O), index("c", C)
    i, t, j = (
        [index(letter, extent, axis) for extent, axis in zip(extents, subscripts(ndim), strict=True)]
        for letter, extents in (("i", n), ("t", k), ("j", m))
    )
    X = Tensor("X", (N, G * C, *n), letters("νc", "i", ndim))
    W = Tensor("W", (G * C, O, *k), letters("co", "t", ndim))
    B = Tensor("B", (G * O,), letters("o", "", 0))
    channel_in, channel = C * poly(g) + poly(c), O * poly(g) + poly(o)
    at = [sx * poly(ix) + dx * poly(tx) - ax for sx, ix, dx, tx, ax in zip(s, i, d, t, a, strict=True)]
    lands = [Zero(form, poly(jx)) for form, jx in zip(at, j, strict=True)]
    body = read(W, channel_in, o, *t) * read(X, ν, channel_in, *i)
    made = transposed_size
    return Statement(
        inputs=(X, W, B) if bias else (X, W),
        equations=(
            equation(
                "Y", [ν, channel, *j], total(body, (c, *i, *t), lands), *([total(read(B, channel))] if bias else [])
            ),
        ),
        outputs=("Y",),
        sizes=tuple(
            Size(mx.atom, made(*rest))
            for mx, *rest in zip(m, n, k, s, d, a, b, e, strict=True)
            if isinstance(mx.atom, Param)
        ),
        placements=tuple(
            Placement("preimage", ix, form, mx, ax, bx, ex)
            for ix, form, mx, ax, bx, ex in zip(i, at, m, a, b, e, strict=True)
        ),
        requires=(
            *(AtMost(poly(0), made(*axis)) for axis in zip(n, k, s, d, a, b, e, strict=True)),
            # more than either would only add zeros that no window of the convolution can tell apart
            *(Less(ex, sx + dx - least(sx, dx)) for ex, sx, dx in zip(e, s, d, strict=True)),
        ),
    )


FAMILY = Family(
    "conv_transpose",
    {"en": "Transposed convolution", "es": "Convolución transpuesta"},
    statement,
    {"bias": (False, True)},
    optional={"B": "bias"},
)
