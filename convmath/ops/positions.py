"""The positions (ν, c, i) of an operator without windows: it treats each element by itself, or sums over some."""

from __future__ import annotations

from dataclasses import dataclass

from convmath.ir.build import Tensor, axes, index, read, size, subscripts
from convmath.ir.nodes import Read
from convmath.ir.poly import Index, Poly, product

from .spatial import letters

__all__ = ["Positions"]


@dataclass(frozen=True, slots=True)
class Positions:
    """The sizes (N, C, *n) and the indices ν, c, i of an input."""

    N: Poly
    C: Poly
    n: tuple[Poly, ...]
    ν: Index
    c: Index
    i: tuple[Index, ...]

    @classmethod
    def of(cls, ndim: int) -> Positions:
        N, C, n = size("N"), size("C", least=1), axes("n", ndim)
        i = tuple(index("i", extent, axis) for extent, axis in zip(n, subscripts(ndim), strict=True))
        return cls(N, C, n, index("ν", N), index("c", C), i)

    @property
    def at(self) -> tuple[Index, ...]:
        return (self.ν, self.c, *self.i)

    @property
    def in_batch(self) -> tuple[Index, ...]:
        """The positions with their channels left out."""
        return (self.ν, *self.i)

    @property
    def count(self) -> Poly:
        """How many there are with the channels left out, N·n."""
        return self.N * product(self.n)

    def tensor(self, name: str) -> Tensor:
        """An input with an element at each position."""
        return Tensor(name, (self.N, self.C, *self.n), letters("νc", "i", len(self.n)))

    def classes(self, name: str) -> Tensor:
        """An input with a whole number for each position, the channels left out."""
        return Tensor(name, (self.N, *self.n), letters("ν", "i", len(self.n)), integer=True)

    def channels(self, name: str) -> Tensor:
        """An input with an element for each channel."""
        return Tensor(name, (self.C,), letters("c", "", 0))

    @property
    def x(self) -> Read:
        return read("X", *self.at)
