"""The checks of the steps by transforms."""

from __future__ import annotations

import random

from sympy import Symbol

from ..steps import Back, Fractions, Multiply, Pair, Problem, Transform
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
        if failure := _transformed(problem, pair, step.after.s, values, rng):
            return failure
    return None


def _transformed(problem: Problem, pair: Pair, s: Symbol, values: Values, rng: random.Random) -> str | None:
    t = problem.t
    if problem.discrete:
        at = sympy.Float(8 + rng.random())
        indices = range(-FARTHEST // 4, FARTHEST // 2)
        values_at = entries(settled(pair.function, values), t, indices)
        terms = [x * float(at) ** -n for n, x in zip(indices, values_at, strict=True)]
        wanted, error = sum(terms), 10 * abs(terms[-1])
    else:
        at = sympy.Float(5 + rng.random())
        wanted, error = pairing(problem, pair.function, sympy.exp(-at * t), values)
    got = number(pair.transform, {**values, s: at})
    return None if near(got, wanted, error=error) else differs("a transform", got, wanted, {**values, s: at})


@held.register(Multiply)
@held.register(Fractions)
def _(step: Multiply | Fractions, rng: random.Random) -> str | None:
    """The fractions are the transform of f ∗ g, as the integral of the result says."""
    problem, pairs = step.before, step.after
    values = drawn(problem, rng)
    transforms = [pair.transform for pair in pairs.pairs]
    together = sympy.Mul(*transforms) if isinstance(step, Multiply) else sympy.Add(*transforms)
    return _transformed(problem, Pair(together, problem.result), pairs.s, values, rng)
