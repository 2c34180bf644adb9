r"""Toom–Cook: y = Aᵀ[(G g) ⊙ (B d)], m values of a correlation with r taps by m + r - 1 multiplications, exactly.

The m + r - 1 points are where two polynomials are evaluated, multiplied point by point, and interpolated; transposed,
the product of polynomials becomes the correlation y_i = Σ_k g_k · d_{i+k} (Winograd 1980; Lavin & Gray, arXiv
1509.09308). How well the points are chosen decides the rounding error in floating point (Vincent et al. 2017; Barabasz
et al., arXiv 1803.10986). Each point has a row in A, G and B; B is what is applied to d, the Bᵀ of Lavin & Gray.

>>> f = toom_cook(2, 3)
>>> print(f)
F(2, 3) at 0, 1, -1, ∞: 4 multiplications instead of 6
>>> for row in f.B:
...     print(*row)
-1 0 1 0
0 1 1 0
0 -1 1 0
0 -1 0 1
>>> for row in f.G:
...     print(*row)
-1 0 0
1/2 1/2 1/2
1/2 -1/2 1/2
0 0 1
>>> f.defect()        # where Σ_q A[q,i]·G[q,k]·B[q,l] is not [l = i + k]: nowhere, so this holds for all d and g
{}
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import count, islice
from typing import Any

from convmath.errors import HyperparameterError
from convmath.window import whole

__all__ = ["INFINITY", "Matrix", "ToomCook", "points", "toom_cook"]

INFINITY = math.inf  # the point at which a polynomial has its leading coefficient as value

Point = Fraction | float  # a float is INFINITY
Matrix = tuple[tuple[Fraction, ...], ...]


@dataclass(frozen=True, slots=True)
class ToomCook:
    """F(m, r): the matrices A (q×m), G (q×r) and B (q×q), with q = m + r - 1 rows, one for each point."""

    outputs: int
    taps: int
    points: tuple[Point, ...]
    A: Matrix
    G: Matrix
    B: Matrix

    @property
    def multiplications(self) -> int:
        """m + r - 1, the least there is over the rationals (Winograd 1980)"""
        return len(self.points)

    @property
    def direct(self) -> int:
        """m·r, what the definition takes"""
        return self.outputs * self.taps

    def defect(self) -> dict[tuple[int, int, int], Fraction]:
        """Σ_q A[q,i]·G[q,k]·B[q,l] - [l = i + k] at each (i, k, l) where it is not 0.

        Both sides of y = Aᵀ[(G g) ⊙ (B d)] are bilinear in g and d, so that it is an identity of polynomials when
        nothing is left here: this is its proof, and not a sample.
        """
        rows = list(zip(self.A, self.G, self.B, strict=True))
        found = {
            (i, k, l): sum((a[i] * g[k] * b[l] for a, g, b in rows), Fraction(0)) - (l == i + k)
            for i in range(self.outputs)
            for k in range(self.taps)
            for l in range(self.multiplications)
        }
        return {place: value for place, value in found.items() if value}

    def __str__(self) -> str:
        at = ", ".join("∞" if point == INFINITY else str(point) for point in self.points)
        return (
            f"F({self.outputs}, {self.taps}) at {at}: "
            f"{self.multiplications} multiplication{'s' * (self.multiplications > 1)} instead of {self.direct}"
        )


def points(number: int) -> tuple[Point, ...]:
    """The points that are taken if none are given: 0, 1, -1, 2, -2, 1/2, -1/2, 3, …, and ∞ as the last.

    >>> print(*points(8))
    0 1 -1 2 -2 1/2 -1/2 inf
    """
    return (*islice(_rationals(), number - 1), INFINITY)


def _rationals() -> Iterator[Fraction]:
    """Every rational once, those with small numerators and denominators first."""
    yield Fraction(0)
    for height in count(1):
        below = [small for small in range(1, height + 1) if math.gcd(small, height) == 1]
        sizes = dict.fromkeys(size for small in below for size in (Fraction(height, small), Fraction(small, height)))
        for size in sizes:
            yield from (size, -size)


def toom_cook(m: int, r: int, at: Sequence[Any] | None = None) -> ToomCook:
    """F(m, r) at m + r - 1 different points, rationals or INFINITY; `points(m + r - 1)` if none are given."""
    where = f"F({m}, {r})"
    m, r = whole(m, "m", where, 1), whole(r, "r", where, 1)
    chosen = points(m + r - 1) if at is None else tuple(_point(point, where) for point in at)
    if len(chosen) != m + r - 1 or len(set(chosen)) != len(chosen):
        raise HyperparameterError(
            f"the points are {', '.join(map(str, chosen)) or 'none'}, but {m + r - 1} that differ are needed [{where}]"
        )
    return _toom_cook(m, r, chosen)


def _point(value: Any, where: str) -> Point:
    if value == INFINITY:
        return INFINITY
    try:
        return Fraction(value)
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        raise HyperparameterError(
            f"a point is {value!r}, but a rational number or infinity is needed [{where}]"
        ) from None


@lru_cache(maxsize=256)
def _toom_cook(m: int, r: int, chosen: tuple[Point, ...]) -> ToomCook:
    """B holds the Lagrange polynomials without their denominators, which go to G: B is whole where the points are."""
    finite = [point for point in chosen if isinstance(point, Fraction)]
    A, G, B = [], [], []
    for point in chosen:
        others = [other for other in finite if other != point]
        B.append(_monic(others, m + r - 1))
        if isinstance(point, float):
            A.append(tuple(Fraction(i == m - 1) for i in range(m)))
            G.append(tuple(Fraction(k == r - 1) for k in range(r)))
        else:
            scale = math.prod((point - other for other in others), start=Fraction(1))
            A.append(tuple(point**i for i in range(m)))
            G.append(tuple(point**k / scale for k in range(r)))
    return ToomCook(m, r, chosen, tuple(A), tuple(G), tuple(B))


def _monic(roots: Sequence[Fraction], length: int) -> tuple[Fraction, ...]:
    """The coefficients of Π (x - root), the constant first, followed by zeros."""
    found = [Fraction(1)]
    for root in roots:
        shifted, scaled = [Fraction(0), *found], [root * c for c in found] + [Fraction(0)]
        found = [high - low for high, low in zip(shifted, scaled, strict=True)]
    return (*found, *[Fraction(0)] * (length - len(found)))
