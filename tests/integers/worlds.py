"""Random facts, goals that have a chance to follow from them, and many points at which the facts hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from convmath.integers.facts import Facts
from convmath.ir.poly import Index, Param, Poly, floor, least, poly

N, S, K, U = Param("n", least=0), Param("s", least=1), Param("k", least=2), Param("u")
M = Param("m", least=0)  # a derived size
n, s, k, u, m = map(poly, (N, S, K, U, M))
I, J, T = Index("i", n), Index("j", m), Index("t", k)
i, j, t = map(poly, (I, J, T))

SIZES: tuple[Poly, ...] = (n, floor(n, s), floor(n - k, s) + 1, floor(n + s - 1, s), least(n, k), 2 * n - k, n - s)
CONDITIONS: tuple[Poly, ...] = (n - k, n - s * k, k - s, u, u - n, m - 1, floor(n, k) - 1)
# each is ≥ 0 by what its atoms are
KNOWN: tuple[Poly, ...] = (
    *(poly(1), n, s - 1, k - 2, m, i, n - 1 - i, j, m - 1 - j, t, k - 1 - t),
    *(floor(n, s), floor(i, s), floor(m, k), n - floor(n, s), m - floor(m, k), t - floor(t, s), n - 1 - floor(i, k)),
    *(
        n - s * floor(n, s),
        s - 1 - n + s * floor(n, s),
        *(k - 1 - e + k * floor(e, k) for e in (n, m, i)),
        t - s * floor(t, s),
        k - 1 - s * floor(t, s),
    ),
    *(least(n, k), n - least(n, k), k - least(k, n), s * (k - least(k, m))),
)


@st.composite
def facts(draw: Callable[..., Any]) -> Facts:
    conditions = draw(st.lists(st.sampled_from(CONDITIONS), max_size=2, unique=True))
    return Facts(((M, draw(st.sampled_from(SIZES))),), tuple(conditions))


@st.composite
def goals(draw: Callable[..., Any], facts: Facts) -> Poly:
    """Something that is ≥ 0, perhaps with a product of two such, and perhaps something less."""
    [(_, size)] = facts.sizes
    total = draw(st.sampled_from(KNOWN))
    if draw(st.integers(0, 2)) == 2:
        total = total + draw(st.sampled_from(KNOWN)) * draw(st.sampled_from((n, s - 1, *facts.conditions, size)))
    return total - draw(st.sampled_from([0, 1, 1, 1, u, s - k, i, size - m]))


def points(facts: Facts, goal: Poly, count: int = 2000) -> Mapping[Any, np.ndarray]:
    """Values at which every fact holds, as arrays side by side; an index of the goal has a range that is not empty."""
    rng = np.random.default_rng(0)
    at: dict[Any, Any] = {N: rng.integers(0, 8, count), S: rng.integers(1, 5, count)}
    at |= {K: rng.integers(2, 6, count), U: rng.integers(-9, 10, count)}
    for param, value in facts.sizes:
        at[param] = value.evaluate(at)
    for index in (I, J, T):
        at[index] = np.floor(rng.random(count) * index.size.evaluate(at)).astype(int)
    held = np.logical_and.reduce(
        [
            at[M] >= 0,
            *(at[e] < e.size.evaluate(at) for e in goal.indices()),
            *(c.evaluate(at) >= 0 for c in facts.conditions),
        ]
    )
    return {atom: np.broadcast_to(values, count)[held] for atom, values in at.items()}
