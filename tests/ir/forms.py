"""Random integer forms, and random values at which they are looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from convmath.ir.poly import Index, Param, Poly, floor, least, poly

N, S, K, FREE = Param("n", least=0), Param("s", least=1), Param("k", least=1), Param("u", least=None)
PARAMS = (N, S, K, FREE)
J, T = Index("j", poly(N)), Index("t", poly(K))
ATOMS = (*PARAMS, J, T)


@st.composite
def forms(draw: Callable[..., Any], depth: int = 2) -> Poly:
    """Sums of products of the atoms, with floors (by a parameter of at least 1, or a number) and minima inside."""
    kinds = ["number", "atom"] if depth == 0 else ["number", "atom", "sum", "product", "floor", "least"]
    kind = draw(st.sampled_from(kinds))
    if kind == "number":
        return poly(draw(st.integers(-4, 4)))
    if kind == "atom":
        return poly(draw(st.sampled_from(ATOMS)))
    left, right = draw(forms(depth - 1)), draw(forms(depth - 1))
    if kind == "sum":
        return left + right
    if kind == "product":
        return left * right
    if kind == "floor":
        return floor(left, draw(st.sampled_from([poly(S), poly(K), poly(2), poly(3), poly(S) * poly(K)])))
    return least(left, right)


@st.composite
def values(draw: Callable[..., Any]) -> Mapping[Any, int]:
    """Values that respect the least of each parameter and the range of each index."""
    n, s, k = draw(st.integers(1, 7)), draw(st.integers(1, 5)), draw(st.integers(1, 5))
    at = {N: n, S: s, K: k, FREE: draw(st.integers(-9, 9))}
    return at | {J: draw(st.integers(0, n - 1)), T: draw(st.integers(0, k - 1))}
