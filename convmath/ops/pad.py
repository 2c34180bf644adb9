r"""Padding, and cropping where it is negative: what an index that lies outside reads is a map of the index.

>>> from convmath import operator
>>> op = operator("pad", ndim=1)
>>> print(op.statement)
Y[ν,c,j] = X[ν,c,j-a]        X is 0 outside

Its adjoint cuts off what was put around; the bracket is there because a or b may be negative, and goes where they are
known not to be:

>>> print(op.vjp("X").result)
gX[ν,c,i] = [0 ≤ i+a < m] gY[ν,c,i+a]
>>> print(operator("pad", ndim=1, pads=1).vjp("X").result)
gX[ν,c,i] = gY[ν,c,i+1]

Any other constant is a real parameter κ, which the gradient does not contain:

>>> print(operator("pad", ndim=1, value=True).statement)
Y[ν,c,j] = [0 ≤ j-a < n] X[ν,c,j-a] + κ · (1 - [0 ≤ j-a < n])

The other borders read an element of X again, and their adjoint adds what was read twice:

>>> print(operator("pad", ndim=1, mode="reflect").vjp("X").result)
gX[ν,c,i] = gY[ν,c,i+a] + [0 ≤ a-i < m] [0 < i] gY[ν,c,a-i] + [0 ≤ 2·n-i+a-2 < m] [i ≤ n-2] gY[ν,c,2·n-i+a-2]
>>> print(operator("pad", ndim=1, mode="replicate").vjp("X").result)
gX[ν,c,i] = gY[ν,c,i+a] + Σ_{j<m} [0 = i] [j < a] gY[ν,c,j] + Σ_{j<m} [n-1 = i] [n+a ≤ j] gY[ν,c,j]
>>> print(operator("pad", ndim=1, mode="circular").vjp("X").result)
gX[ν,c,i] = gY[ν,c,i+a] + [0 ≤ i+a-n < m] gY[ν,c,i+a-n] + [0 ≤ i+n+a < m] gY[ν,c,i+n+a]
"""

from __future__ import annotations

from fractions import Fraction

from convmath.errors import HyperparameterError
from convmath.ir.build import Tensor, axes, equation, index, read, size, subscripts, total
from convmath.ir.nodes import AtMost, Bracket, Placement, Product, Real, Size, Statement, Term, Within
from convmath.ir.poly import Param, Poly, poly
from convmath.window import BORDERS

from .family import Family
from .spatial import beyond, letters, reached

__all__ = ["FAMILY", "MODES"]

MODES = ("constant", *BORDERS)
_FILLED = Real("κ", Fraction(0))


def statement(ndim: int, *, mode: str = "constant", value: bool = False) -> Statement:
    """Y[ν,c,j] = X[ν,c,j-a], and outside X what the mode says; m = n + a + b."""
    if value and mode != "constant":
        raise HyperparameterError(f"a value is given, but mode={mode!r} fills in elements of X [pad]")
    least = None if mode == "constant" else 0
    N, C, n, m = size("N"), size("C", least=1), axes("n", ndim), axes("m", ndim)
    a, b = axes("a", ndim, least, 0), axes("b", ndim, least, 0)
    ν, c = index("ν", N), index("c", C)
    j = [index("j", extent, axis) for extent, axis in zip(m, subscripts(ndim), strict=True)]
    at = [poly(jx) - ax for jx, ax in zip(j, a, strict=True)]
    long = [nx + ax + bx for nx, ax, bx in zip(n, a, b, strict=True)]
    cut = [AtMost(poly(0), length) for length in long] if mode == "constant" else []
    return Statement(
        inputs=(Tensor("X", (N, C, *n), letters("νc", "i", ndim)),),
        equations=(equation("Y", [ν, c, *j], *_read([poly(ν), poly(c), *at], at, n, mode, value)),),
        outputs=("Y",),
        sizes=tuple(Size(mx.atom, length) for mx, length in zip(m, long, strict=True) if isinstance(mx.atom, Param)),
        placements=tuple(
            Placement("inside", jx, form, nx, ax, bx) for jx, form, nx, ax, bx in zip(j, at, n, a, b, strict=True)
        ),
        requires=(*cut, *reached(mode, n, a, b)),
    )


def _read(position: list[Poly], at: list[Poly], n: tuple[Poly, ...], mode: str, value: bool) -> list[Term]:
    """X where an index lies inside, and outside κ or what the border reads."""
    if not value:
        return [total(read("X", *position, outside=beyond(mode)))]
    inside = [Within(form, nx) for form, nx in zip(at, n, strict=True)]
    return [total(read("X", *position), (), inside), total(_FILLED * (1 - Product.of(*map(Bracket, inside))))]


FAMILY = Family(
    "pad",
    {"en": "Padding", "es": "Relleno"},
    statement,
    {"mode": MODES, "value": (False, True)},
    words={"pads": "padding", "value": "κ"},
)
