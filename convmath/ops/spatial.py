"""The spatial axes of a windowed operator: their letters, and the position that a window reads."""

from __future__ import annotations

from dataclasses import dataclass

from convmath.ir.build import axes, index, subscripts
from convmath.ir.nodes import AtMost, Guard, Placement, Size
from convmath.ir.poly import Index, Param, Poly, least, poly
from convmath.window import ceil_steps, span, steps

__all__ = ["Axis", "letters", "windowed"]


@dataclass(frozen=True, slots=True)
class Axis:
    """One spatial axis of an operator whose window at output position j reads s·j + d·t - a at tap t."""

    n: Poly
    k: Poly
    s: Poly
    d: Poly
    a: Poly
    b: Poly
    m: Poly
    j: Index
    t: Index
    ceil: bool

    @property
    def at(self) -> Poly:
        return self.s * poly(self.j) + self.d * poly(self.t) - self.a

    @property
    def size(self) -> Size:
        count = self.n, self.k, self.s, self.d, self.a, self.b
        return Size(_param(self.m), ceil_steps(*count, least=least) if self.ceil else steps(*count))

    @property
    def placement(self) -> Placement:
        rule = "starts" if self.ceil else "inside"
        return Placement(rule, self.j, self.at, self.n, self.a, self.b)

    @property
    def fits(self) -> Guard:
        """The kernel spans no more than the padded input."""
        return AtMost(span(self.k, self.d), self.n + self.a + self.b)


def _param(form: Poly) -> Param:
    assert isinstance(form.atom, Param)
    return form.atom


def windowed(ndim: int, *, dilated: bool = True, ceil: bool = False) -> tuple[Axis, ...]:
    """The axes of a windowed operator, every hyper-parameter a symbol."""
    ones = (poly(1),) * ndim
    n, k, s = axes("n", ndim), axes("k", ndim, 1), axes("s", ndim, 1, 1)
    d = axes("d", ndim, 1, 1) if dilated else ones
    a, b, m = axes("a", ndim, 0, 0), axes("b", ndim, 0, 0), axes("m", ndim)
    j = [index("j", extent, axis) for extent, axis in zip(m, subscripts(ndim), strict=True)]
    t = [index("t", extent, axis) for extent, axis in zip(k, subscripts(ndim), strict=True)]
    each = zip(n, k, s, d, a, b, m, j, t, strict=True)
    return tuple(Axis(nx, kx, sx, dx, ax, bx, mx, jx, tx, ceil) for nx, kx, sx, dx, ax, bx, mx, jx, tx in each)


def letters(own: str, letter: str, ndim: int) -> tuple[tuple[str, int], ...]:
    """The letters of an array's axes: one for each of `own`, then `letter` with the spatial axis as subscript."""
    return (*((one, 0) for one in own), *((letter, axis) for axis in subscripts(ndim)))
