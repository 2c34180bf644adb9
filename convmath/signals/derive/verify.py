"""The check of each step in numbers, by quadratures and sums that know nothing of how the step was found.

One rule per kind of step; `derivation.verify` calls it some times, at random parameters and points.
"""

from __future__ import annotations

import random
from functools import singledispatch

import numpy as np
from sympy import oo

from convmath.derivation.verify import check
from convmath.errors import ConvmathError

from ..check import checked_in_space
from ..pieces import Piece, pieces
from ..steps import (
    Added,
    Case,
    Collect,
    CompleteSquare,
    Define,
    Flip,
    Fold,
    Inner,
    Integrate,
    OnePeriod,
    Overlap,
    Problem,
    Sift,
    Sifted,
    SignalStep,
    Turn,
)
from ..types import Expr, sympy
from .numbers import (
    POINTS,
    Values,
    active,
    as_sequence,
    differs,
    drawn,
    end_of,
    function_of,
    integrated,
    near,
    number,
    pairing,
    point,
    points,
    said_of,
    same,
    smooth_of,
)

__all__ = ["held"]


@check.register
def _(step: SignalStep, subject: Problem, rng: random.Random) -> str | None:
    try:
        return held(step, rng)
    except ConvmathError as error:
        return str(error)


@singledispatch
def held(step: SignalStep, rng: random.Random) -> str | None:
    """What is wrong with a step at random values; None if nothing is."""
    raise NotImplementedError(f"no check of a {type(step).__name__}")


# --- definition, flip, overlap ---------------------------------------------------------------------------------------


@held.register
def _(step: Define, rng: random.Random) -> str | None:
    """The functions have values under what is known."""
    problem: Problem = step.after
    values = drawn(problem, rng)
    for _ in range(20):
        at = {**values, **{x: point(problem, -oo, oo, values, rng) for x in problem.variables}}
        if all(np.isfinite(number(e, at)) for e in (problem.f, problem.g)):
            return None
    return f"the functions have no values at {said_of(values)}"


@held.register
def _(step: Turn, rng: random.Random) -> str | None:
    before, after = step.before, step.after
    values = drawn(before, rng)
    for _ in range(POINTS):
        at = {x: point(before, -oo, oo, values, rng) for x in before.variables}
        if before.period is not None:
            length = before.period.xreplace(dict(values))
            at = {x: sympy.Mod(value, length) for x, value in at.items() if value is not None}
            back = {x: sympy.Mod(-value, length) for x, value in at.items()}
        else:
            back = {x: -value for x, value in at.items() if value is not None}
        left, right = (
            number(function_of(after.f, after), {**values, **at}),
            number(function_of(before.f, before), {**values, **back}),
        )
        if not near(left, right.conjugate()):
            return differs("the function that was turned", left, right.conjugate(), {**values, **at})
    return None


@held.register
def _(step: OnePeriod, rng: random.Random) -> str | None:
    """Each function is itself on the period, and 0 outside."""
    problem, linear = step.before, step.after
    values = drawn(problem, rng)
    period = end_of(problem.period, values)
    for _ in range(2 * POINTS):
        at = {**values, problem.t: point(problem, -oo, oo, values, rng)}
        inside = 0 <= float(at[problem.t]) < period
        for whole, one in ((problem.f, linear.f), (problem.g, linear.g)):
            wanted = number(function_of(whole, problem), at) if inside else 0j
            if not near(number(function_of(one, problem), at), wanted):
                return differs("one period", number(function_of(one, problem), at), wanted, at)
    return None


@held.register
def _(step: Fold, rng: random.Random) -> str | None:
    linear, problem = step.before, step.after
    values = drawn(problem, rng)
    first = sympy.Integer(-1 if problem.discrete else 0)
    for _ in range(2 * POINTS):
        t = point(problem, first, problem.period + first, values, rng)
        assert t is not None
        at = {**values, problem.t: t}
        later = {**values, problem.t: t + problem.period.xreplace(values)}
        wanted = number(function_of(linear.result, problem), at) + number(function_of(linear.result, problem), later)
        got = number(function_of(problem.result, problem), at)
        if not near(got, wanted):
            return differs("what was folded", got, wanted, at)
    return None


@held.register
def _(step: Flip, rng: random.Random) -> str | None:
    """f(τ) and g(t - τ) are what the pieces say, at random τ."""
    problem: Problem = step.before
    t, tau = problem.t, problem.tau
    values = drawn(problem, rng)
    flipped = step.after
    for _ in range(2 * POINTS):
        at = {**values, t: point(problem, -oo, oo, values, rng), tau: point(problem, -oo, oo, values, rng)}
        for e, ps, argument in ((problem.f, flipped.left, tau), (problem.g, flipped.right, t - tau)):
            where = argument.xreplace(at)
            wanted = number(smooth_of(e, problem), {**values, t: where})
            got = sum(number(p.expression, {**values, t: where}) for p in ps if _inside(p, where, values))
            if not near(got, wanted):
                return differs("a function in pieces", got, wanted, at)
    return None


def _inside(piece: Piece, where: Expr, values: Values) -> bool:
    return bool(end_of(piece.low, values) < float(where) < end_of(piece.high, values))


@held.register
def _(step: Overlap, rng: random.Random) -> str | None:
    """f(τ) g(t - τ) is what stands in the integrals of the cases that hold at t, for random τ."""
    problem: Problem = step.before
    t, tau = problem.t, problem.tau
    values, cases = drawn(problem, rng), step.after.cases
    held_at = 0
    for case in cases:
        for at in points(problem, case, values, rng):
            for _ in range(POINTS):
                here = {**at, tau: _somewhere(problem, case, at, rng)}
                wanted = _product(problem, here)
                got = sum(_within(i, problem, here) for c in active(cases, t, here) for i in c.inner)
                held_at += 1
                if not near(got, wanted):
                    return differs("what overlaps", got, wanted, here)
    return None if held_at else f"no case holds at {said_of(values)}"


def _product(problem: Problem, at: Values) -> complex:
    f, g = smooth_of(problem.f, problem), smooth_of(problem.g, problem)
    where = at[problem.t] - at[problem.tau]
    return number(f, {**at, problem.t: at[problem.tau]}) * number(g, {**at, problem.t: where})


def _somewhere(problem: Problem, case: Case, at: Values, rng: random.Random) -> Expr:
    """A number in one of the intervals, or beside it, or anywhere."""
    if not case.inner or rng.random() < 0.2:
        return point(problem, -oo, oo, at, rng)
    inner = rng.choice(case.inner)
    low, high = inner.low, inner.high
    length = 1 if low.is_infinite or high.is_infinite else high - low
    found = point(problem, low - length - 2 * int(problem.discrete), high + length, at, rng)
    return point(problem, -oo, oo, at, rng) if found is None else found


def _within(inner: Inner, problem: Problem, at: Values) -> complex:
    tau = float(at[problem.tau])
    low, high = end_of(inner.low, at), end_of(inner.high, at)
    outside = tau < low or tau > high if problem.discrete else not low < tau < high
    return 0 if outside else number(inner.left * inner.right, at)


# --- integrals -------------------------------------------------------------------------------------------------------


@held.register
def _(step: Integrate, rng: random.Random) -> str | None:
    """The value is what a quadrature gives, and the antiderivative has the integrand as its derivative."""
    problem, case = step.before, step.after
    if len(problem.variables) > 1:
        return in_space(problem)
    values = drawn(problem, rng)
    held_at = 0
    for at in points(problem, case, values, rng):
        parts = [integrated(problem, i.left * i.right, i.low, i.high, at) for i in case.inner]
        wanted = sum((part[0] for part in parts), 0j)
        error, size = sum(part[1] for part in parts), sum(part[2] for part in parts)
        if not error <= 1e-3 * (size + 1e-300):
            continue
        held_at += 1
        got = number(case.value, at)
        if not near(got, wanted, size, error):
            return differs("the integral", got, wanted, at)
        for inner in case.inner:
            if inner.primitive is not None and (failure := _derivative(problem, inner, at, rng)):
                return failure
    return None if held_at else f"no integral could be computed at {said_of(values)}"


def _derivative(problem: Problem, inner: Inner, at: Values, rng: random.Random) -> str | None:
    tau = point(problem, inner.low, inner.high, at, rng)
    if tau is None:
        return f"the limits are in the wrong order at {said_of(at)}"
    here = {**at, problem.tau: tau}
    got, wanted = number(sympy.diff(inner.primitive, problem.tau), here), number(inner.left * inner.right, here)
    return None if near(got, wanted) else differs("the derivative of the antiderivative", got, wanted, here)


@held.register
def _(step: CompleteSquare, rng: random.Random) -> str | None:
    problem, square = step.before, step.after
    tau = problem.tau
    values = drawn(problem, rng)
    for _ in range(POINTS):
        at = {**values, problem.t: point(problem, -oo, oo, values, rng), tau: point(problem, -oo, oo, values, rng)}
        completed = -square.kappa * (tau - square.centre) ** 2 + square.rest
        if not near(number(completed, at), number(square.exponent, at)):
            return differs("the completed square", number(completed, at), number(square.exponent, at), at)
        integrand = square.front * sympy.exp(square.exponent)
        if not near(number(integrand, at), _product(problem, at)):
            return differs("the integrand", number(integrand, at), _product(problem, at), at)
        wanted, error, size = integrated(problem, integrand, -oo, oo, at)
        if not near(number(square.value, at), wanted, size, error):
            return differs("the integral", number(square.value, at), wanted, at)
    return None


# --- impulses --------------------------------------------------------------------------------------------------------


@held.register
def _(step: Sift, rng: random.Random) -> str | None:
    """c·δ^{(k)}(t - a) ∗ g is the functional φ ↦ c·(-1)^k ⟨g, φ^{(k)}(· + a)⟩, held at a Gaussian φ."""
    problem: Problem = step.before
    values = drawn(problem, rng)
    for sifted in step.after:
        failure = _moved(problem, sifted, values, rng) if problem.discrete else _paired(problem, sifted, values, rng)
        if failure:
            return failure
    return None


def _moved(problem: Problem, sifted: Sifted, values: Values, rng: random.Random) -> str | None:
    for _ in range(2 * POINTS):
        n = point(problem, -oo, oo, values, rng)
        earlier = {**values, problem.t: n - sifted.impulse.at.xreplace(dict(values))}
        wanted = number(sifted.impulse.coefficient * as_sequence(sifted.other), earlier)
        got = number(as_sequence(sifted.value), {**values, problem.t: n})
        if not near(got, wanted):
            return differs("what was sifted", got, wanted, {**values, problem.t: n})
    return None


def _paired(problem: Problem, sifted: Sifted, values: Values, rng: random.Random) -> str | None:
    t = problem.t
    centre = point(problem, -oo, oo, values, rng)
    bell = sympy.exp(-((t - centre) ** 2))
    c, a, k = (sympy.sympify(x) for x in (sifted.impulse.coefficient, sifted.impulse.at, sifted.impulse.order))
    moved = sympy.diff(bell, t, int(k)).subs(t, t + a)
    wanted, first = pairing(problem, sifted.other, moved, values)
    wanted *= complex(c.xreplace(dict(values))) * (-1) ** int(k)
    got, second = pairing(problem, sifted.value, bell, values)
    if near(got, wanted, error=first + second):
        return None
    return differs("what was sifted, against a Gaussian,", got, wanted, {**values, t: centre})


# --- the result ------------------------------------------------------------------------------------------------------


@held.register
def _(step: Collect, rng: random.Random) -> str | None:
    """The result is the sum of what holds at a point, there and in its impulses."""
    problem: Problem = step.before
    values = drawn(problem, rng)
    if step.whole is not None:
        return same(problem, step.after, step.whole, values, rng)
    parts = step.cases or Added(())
    held_at = 0
    everywhere = Case(-oo, oo, (), sympy.S.Zero)
    for case in (*parts.cases, everywhere):
        for at in points(problem, case, values, rng):
            wanted = sum(number(c.value, at) for c in active(parts.cases, problem.t, at))
            wanted += sum(number(function_of(s.value, problem), at) for s in step.sifted)
            got = number(function_of(step.after, problem), at)
            held_at += 1
            if not near(got, wanted):
                return differs("the result", got, wanted, at)
    if not held_at:
        return f"no case holds at {said_of(values)}"
    return None if problem.discrete else _impulses(step, values)


def _impulses(step: Collect, values: Values) -> str | None:
    got = _points(step.after, step.before, values)
    cases = step.cases.cases if step.cases else ()  # where poles meet there are impulses in an integral
    for part in (*step.sifted, *cases):
        for key, weight in _points(part.value, step.before, values).items():
            got[key] = got.get(key, 0) - weight
    wrong = [key for key, weight in got.items() if not near(weight, 0)]
    return f"the impulses at {wrong} differ at {said_of(values)}" if wrong else None


def _points(e: Expr, problem: Problem, values: Values) -> dict[tuple[float, int], complex]:
    found: dict[tuple[float, int], complex] = {}
    if not e.has(sympy.DiracDelta):
        return found
    for impulse in pieces(e, problem.t, problem.facts).points:
        key = (round(end_of(impulse.at, values), 8), impulse.order)
        found[key] = found.get(key, 0) + number(impulse.coefficient, values)
    return found


def in_space(problem: Problem) -> str | None:
    """The result is the integral, by a sum over a grid that knows nothing of how it was found."""
    relations = [c for c in problem.given if not isinstance(c, sympy.Eq)]
    found = checked_in_space(problem.f, problem.g, problem.variables, problem.result, problem.facts, relations)
    return None if found else "the integral could not be computed"
