"""The checks of the steps by transforms."""

from __future__ import annotations

import random

from ..steps import Back, Fractions, Multiply, Pair, Pairs, Problem, Region, Transform
from ..types import sympy
from .numbers import FARTHEST, Values, differs, drawn, entries, near, number, pairing, settled
from .verify import held


@held.register(Transform)
@held.register(Back)
def _(step: Transform | Back, rng: random.Random) -> str | None:
    """Each transform is the integral, or the sum, of its function, far enough to the right."""
    problem: Problem = step.before
    values = drawn(problem, rng)
    for pair in step.after.pairs:
        if failure := _transformed(problem, pair, step.after, values, rng):
            return failure
    return None


def _transformed(problem: Problem, pair: Pair, pairs: Pairs, values: Values, rng: random.Random) -> str | None:
    t, s = problem.t, pairs.s
    at = sympy.Float(_within(pairs.region, problem.discrete, values, rng))
    if problem.discrete:
        first = -FARTHEST // 4 if pairs.region.high is None else -FARTHEST
        indices = range(first, FARTHEST // 2 if pairs.region.high is None else FARTHEST)
        values_at = entries(settled(pair.function, values), t, indices)
        terms = [x * float(at) ** -n for n, x in zip(indices, values_at, strict=True)]
        wanted, error = sum(terms), 10 * (abs(terms[-1]) + abs(terms[0]))
    else:
        wanted, error = pairing(problem, pair.function, sympy.exp(-at * t), values)
    got = number(pair.transform, {**values, s: at})
    return None if near(got, wanted, error=error) else differs("a transform", got, wanted, {**values, s: at})


def _within(region: Region, discrete: bool, values: Values, rng: random.Random) -> float:
    """A real point of the region, far from its ends."""
    if region.high is sympy.oo:
        return 2 * rng.random() - 1
    low, high = (None if end is None else number(end, values).real for end in (region.low, region.high))
    if high is None:
        return (8 if discrete else 5) + rng.random()
    share = 0.4 + 0.2 * rng.random()
    if discrete:
        return high / (8 + rng.random()) if low is None else low ** (1 - share) * high**share
    return high - 5 - rng.random() if low is None else low + share * (high - low)


@held.register(Multiply)
@held.register(Fractions)
def _(step: Multiply | Fractions, rng: random.Random) -> str | None:
    """The fractions are the transform of f ∗ g, as the integral of the result says."""
    problem, pairs = step.before, step.after
    values = drawn(problem, rng)
    transforms = [pair.transform for pair in pairs.pairs]
    together = sympy.Mul(*transforms) if isinstance(step, Multiply) else sympy.Add(*transforms)
    return _transformed(problem, Pair(together, problem.result), pairs, values, rng)
