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
Y[ν,c,j] = Σ_{i<n} [0 ≤ n·j-m·i < m] X[ν,c,i]
>>> print(op.vjp("X").result)
gX[ν,c,i] = Σ_{j<m} [0 ≤ n·j-m·i < m] gY[ν,c,j]

Linear interpolation (bilinear with two axes, trilinear with three) is a matrix H for each axis, and its adjoint is that
matrix transposed. Position j lies at (j + ½)/s - ½, element i has the weight 1 less its distance from there, and where
a position lies before the first element or behind the last, that one has the whole weight:

>>> op = operator("upsample", ndim=1, mode="linear")
>>> print(op.statement.equation("Y"))
Y[ν,c,j] = Σ_{i<n} H[j,i] · X[ν,c,i]
>>> print(op.vjp("X").result.output)
gX[ν,c,i] = Σ_{j<s·n} gY[ν,c,j] · H[j,i]
>>> for part in str(op.statement.equation("H")).split(" + "):
...     print(part)
H[j,i] = [0 ≤ 2·j-s+1 < 2·s·(n-1)+1] [0 ≤ 2·j-2·s·i+s < 4·s-1] (1 - |2·j-2·s·i-s+1|/(2·s))
[i = 0] [2·j < s-1]
[i = n-1] [2·s·n < 2·j+s+1]

With `align_corners` the first and the last position lie on the first and the last element, at j·(n - 1)/(m - 1), and
nothing lies outside.
"""

from __future__ import annotations

from dataclasses import dataclass

from convmath.errors import HyperparameterError
from convmath.ir.build import Tensor, axes, equation, index, read, size, subscripts, total
from convmath.ir.nodes import Apply, AtMost, Equation, Guard, Less, Product, Statement, Term, Within, Zero, scalar
from convmath.ir.poly import Index, Poly, poly

from .arrange import mixed
from .family import Family
from .spatial import letters

__all__ = ["FAMILY", "MODES"]

MODES = ("nearest", "nearest-exact", "linear")


def statement(ndim: int, *, mode: str = "nearest", size: bool = False, align_corners: bool = False) -> Statement:
    """Y[ν,c,j] = Σ_i H[j,i] · X[ν,c,i], or the nearest element; `size`: to any size m, else by a whole factor s."""
    if align_corners and mode != "linear":
        raise HyperparameterError(f"align_corners is True, but mode={mode!r} takes an element as it is [upsample]")
    if size or align_corners or mode == "linear":
        return _positioned(ndim, mode, size, align_corners)
    return _repeated(ndim)


def _repeated(ndim: int) -> Statement:
    """Y[ν,c,s·i+t] = X[ν,c,i]"""
    n, s = axes("n", ndim), axes("s", ndim, 1)
    ν, c = index("ν", size("N")), index("c", size("C", least=1))
    i, t = (
        [index(letter, extent, axis) for extent, axis in zip(extents, subscripts(ndim), strict=True)]
        for letter, extents in (("i", n), ("t", s))
    )
    X = Tensor("X", (ν.size, c.size, *n), letters("νc", "i", ndim))
    copies = equation("Y", [ν, c, *map(mixed, zip(i, t, strict=True))], total(read(X, ν, c, *i)))
    return Statement((X,), (copies,), ("Y",))


# --- positions between elements -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Axis:
    """Position j of the output lies at u/v of the input, whose elements i lie at 0, 1, …"""

    i: Index
    j: Index
    u: Poly
    v: Poly
    name: str

    @property
    def distance(self) -> Poly:
        """v·(u/v - i)"""
        return self.u - self.v * poly(self.i)

    @property
    def reached(self) -> Guard:
        """i ≤ u/v < i + 1: element i is the last that is not behind the position."""
        return Within(self.distance, self.v)

    def weights(self, clamped: bool) -> Equation:
        """H[j,i] = 1 - |u/v - i| where that is positive, and if `clamped` 1 for an end that u/v lies beyond."""
        i, last = poly(self.i), self.v * (self.i.size - 1)
        near: list[Guard] = [Within(self.distance + self.v - 1, 2 * self.v - 1)]
        ends: list[Term] = []
        if clamped:
            near = [Within(self.u, last + 1), *near]
            ends = [
                total(1, (), [Zero(i, poly(0)), Less(self.u, poly(0))]),
                total(1, (), [Zero(i, self.i.size - 1), Less(last, self.u)]),
            ]
        weight = 1 - Apply("abs", scalar(self.distance)) / scalar(self.v)
        return equation(self.name, [self.j, self.i], total(weight, (), near), *ends)


def _axes(ndim: int, mode: str, sized: bool, align_corners: bool) -> list[_Axis]:
    n, s, m = axes("n", ndim, 1), axes("s", ndim, 1), axes("m", ndim, 1)
    found = []
    for place, axis in enumerate(subscripts(ndim)):
        length = m[place] if sized else s[place] * n[place]
        i, j = index("i", n[place], axis), index("j", length, axis)
        at, (above, below) = poly(j), (n[place], length) if sized else (poly(1), s[place])
        if align_corners:
            u, v = at * (i.size - 1), length - 1
        elif mode == "nearest":
            u, v = above * at, below
        else:  # the middle of position j, and of the first element from the start of the input
            u, v = above * (2 * at + 1) - (below if mode == "linear" else 0), 2 * below
        found.append(_Axis(i, j, u, v, f"H{axis or ''}"))
    return found


def _positioned(ndim: int, mode: str, sized: bool, align_corners: bool) -> Statement:
    """Y[ν,c,j] = Σ_i H[j,i] · X[ν,c,i], or the element i that is nearest to position j."""
    laid = _axes(ndim, mode, sized, align_corners)
    ν, c, i, j = index("ν", size("N")), index("c", size("C", least=1)), [a.i for a in laid], [a.j for a in laid]
    X = Tensor("X", (ν.size, c.size, *(index.size for index in i)), letters("νc", "i", ndim))
    x, weights = read(X, ν, c, *i), [axis.weights(not align_corners) for axis in laid]
    if mode == "linear":
        of = Product.of(*(read(axis.name, axis.j, axis.i) for axis in laid), x)
        equations = (*weights, equation("Y", [ν, c, *j], total(of, i)))
    else:
        equations = (equation("Y", [ν, c, *j], total(x, i, [axis.reached for axis in laid])),)
    corners = [AtMost(poly(2), index.size) for index in j] if align_corners else []
    return Statement((X,), equations, ("Y",), requires=tuple(corners))


FAMILY = Family(
    "upsample",
    {"en": "Upsampling", "es": "Sobremuestreo"},
    statement,
    {"mode": MODES, "size": (False, True), "align_corners": (False, True)},
    words={"size": "m", "scale_factor": "s"},
    needs={"align_corners": {"mode": "linear"}},
)
