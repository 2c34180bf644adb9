"""The spatial axes of a windowed operator: their letters, and the position that a window reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from convmath.ir.build import axes, index, subscripts
from convmath.ir.nodes import AtMost, Equation, Guard, Outside, Placement, Size, Statement, Tensor
from convmath.ir.poly import Index, Param, Poly, least, poly
from convmath.window import BORDERS, ceil_steps, span, steps

__all__ = ["Axis", "Turned", "beyond", "letters", "over_windows", "reached", "windowed"]


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


class Turned(Axis):
    """The same with the kernel turned: tap t reads s·j + d·(k - 1 - t) - a."""

    __slots__ = ()

    @property
    def at(self) -> Poly:
        return self.s * poly(self.j) + self.d * (self.k - 1 - poly(self.t)) - self.a


def _param(form: Poly) -> Param:
    assert isinstance(form.atom, Param)
    return form.atom


def windowed(ndim: int, *, dilated: bool = True, ceil: bool = False, kind: type[Axis] = Axis) -> tuple[Axis, ...]:
    """The axes of a windowed operator, every hyper-parameter a symbol."""
    ones = (poly(1),) * ndim
    n, k, s = axes("n", ndim), axes("k", ndim, 1), axes("s", ndim, 1, 1)
    d = axes("d", ndim, 1, 1) if dilated else ones
    a, b, m = axes("a", ndim, 0, 0), axes("b", ndim, 0, 0), axes("m", ndim)
    j = [index("j", extent, axis) for extent, axis in zip(m, subscripts(ndim), strict=True)]
    t = [index("t", extent, axis) for extent, axis in zip(k, subscripts(ndim), strict=True)]
    each = zip(n, k, s, d, a, b, m, j, t, strict=True)
    return tuple(kind(nx, kx, sx, dx, ax, bx, mx, jx, tx, ceil) for nx, kx, sx, dx, ax, bx, mx, jx, tx in each)


def beyond(mode: str) -> Outside:
    """What lies outside: 0, or what the border of that name reads."""
    return mode if mode in BORDERS else Fraction(0)  # type: ignore[return-value]


def reached(mode: str, n: Sequence[Poly], a: Sequence[Poly], b: Sequence[Poly]) -> list[Guard]:
    """The padding is no longer than the border's index map is right for, if the mode is a border."""
    if mode not in BORDERS:
        return []
    if (reach := BORDERS[mode].reach) is None:
        return [AtMost(poly(1), nx) for nx in n]
    return [AtMost(pad, reach(nx)) for nx, *pads in zip(n, a, b, strict=True) for pad in pads]


def over_windows(
    axes: Sequence[Axis], inputs: Sequence[Tensor], equations: Sequence[Equation], padding_mode: str = "zeros"
) -> Statement:
    """The statement whose output Y has the size that the axes count."""
    n, a, b = zip(*((axis.n, axis.a, axis.b) for axis in axes), strict=True)
    return Statement(
        inputs=tuple(inputs),
        equations=tuple(equations),
        outputs=("Y",),
        sizes=tuple(axis.size for axis in axes),
        placements=tuple(axis.placement for axis in axes),
        requires=(*(axis.fits for axis in axes), *reached(padding_mode, n, a, b)),
    )


def letters(own: str, letter: str, ndim: int) -> tuple[tuple[str, int], ...]:
    """The letters of an array's axes: one for each of `own`, then `letter` with the spatial axis as subscript."""
    return (*((one, 0) for one in own), *((letter, axis) for axis in subscripts(ndim)))
