"""Random integer forms, and random values at which they are looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from convmath.ir.poly import Index, Param, Poly, floor, least, poly

N, S, K, FREE = Param("n", least=0), Param("s", least=1), Param("k", least=1), Param("u", least=None)
PARAMS = (N, S, K, FREE)
J, T = Index("j", poly(N)), Index("t", poly(K))
ATOMS = (*PARAMS, J, T)

DIVISORS: tuple[Any, ...] = (S, K, 2, 3, ("*", S, K), ("+", S, K))


def expressions(depth: int = 2) -> st.SearchStrategy[Any]:
    """What a form is made from: a number, an atom, or a sign with what it joins."""
    plain = st.integers(-4, 4) | st.sampled_from(ATOMS)
    if depth == 0:
        return plain
    inner = expressions(depth - 1)
    joined = st.tuples(st.sampled_from("+*∧"), inner, inner)
    return plain | joined | st.tuples(st.just("⌊"), inner, st.sampled_from(DIVISORS))


def built(expression: Any) -> Poly:
    match expression:
        case ("+", left, right):
            return built(left) + built(right)
        case ("*", left, right):
            return built(left) * built(right)
        case ("∧", left, right):
            return least(built(left), built(right))
        case ("⌊", left, right):
            return floor(built(left), built(right))
    return poly(expression)


def worth(expression: Any, at: Mapping[Any, int]) -> int:
    """The value of an expression by Python's own integers: no form is built."""
    match expression:
        case (sign, left, right):
            x, y = worth(left, at), worth(right, at)
            return {"+": x + y, "*": x * y, "∧": min(x, y), "⌊": x // y if sign == "⌊" else 0}[sign]
    return expression if isinstance(expression, int) else at[expression]


def forms(depth: int = 2) -> st.SearchStrategy[Poly]:
    """Sums and products of the atoms, with floors (by what is at least 1) and minima inside."""
    return expressions(depth).map(built)


@st.composite
def values(draw: st.DrawFn) -> Mapping[Any, int]:
    """Values that respect the least of each parameter and the range of each index."""
    n, s, k = draw(st.integers(1, 7)), draw(st.integers(1, 5)), draw(st.integers(1, 5))
    at = {N: n, S: s, K: k, FREE: draw(st.integers(-9, 9))}
    return at | {J: draw(st.integers(0, n - 1)), T: draw(st.integers(0, k - 1))}
