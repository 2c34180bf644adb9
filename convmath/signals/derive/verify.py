"""The check of each step in numbers, at random parameters and points, by quadratures and sums that know nothing of how the
step was found. One rule per kind of step; `derivation.verify` calls it some times.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from functools import singledispatch

import numpy as np
import sympy
from sympy import Symbol, oo

from convmath.derivation.verify import check
from convmath.errors import ConvmathError

from ..check import checked_in_space, concrete
from ..pieces import Piece, pieces
from ..quadrature import integrals, slow_integral
from ..steps import (
    Added,
    Along,
    Back,
    Case,
    Collect,
    CompleteForm,
    CompleteSquare,
    Define,
    Flip,
    Fold,
    Fractions,
    Inner,
    Integrate,
    Lens,
    Multiply,
    NewVariables,
    OnePeriod,
    Overlap,
    Pair,
    Problem,
    Separate,
    Sift,
    Sifted,
    SignalStep,
    Transform,
    Turn,
)
from ..types import Expr
from .support import reader

__all__ = ["Values", "drawn", "held"]

Values = Mapping[Symbol, Expr]

TOLERANCE, WIDE = 1e-9, 1e-6  # asked of a quadrature, and allowed between it and what was found
FARTHEST = 80  # terms of a sum to either side
POINTS = 3
_FAST = (sympy.Heaviside, sympy.exp, sympy.log, sympy.sin, sympy.cos, sympy.Abs, sympy.Piecewise)


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


# --- numbers ---------------------------------------------------------------------------------------------------------


def drawn(problem: Problem, rng: random.Random) -> dict[Symbol, Expr]:
    """Values of the parameters for which everything holds."""
    symbols = problem.f.free_symbols | problem.g.free_symbols | problem.result.free_symbols
    relations = [c for c in problem.given if not isinstance(c, sympy.Eq)]
    for relation in (*problem.facts.relations, *relations):
        symbols |= relation.free_symbols
    return problem.facts.sample(symbols - {*problem.variables, *problem.inner}, rng, relations)


def number(e: Expr, values: Values) -> complex:
    """An expression at values of all its letters; impulses count as 0."""
    e = concrete(e).replace(sympy.DiracDelta, lambda *_: sympy.S.Zero)
    return complex(sympy.N(_settled(e, values)))


def _settled(e: Expr, values: Values) -> Expr:
    return e.xreplace(dict(values)).doit() if e.has(sympy.Derivative, sympy.Subs) else e.xreplace(dict(values))


def _sequence(e: Expr) -> Expr:
    """u[0] = 1"""
    return e.replace(sympy.Heaviside, lambda x, *_: sympy.Heaviside(x, 1))


def near(got: complex, wanted: complex, size: float = 0.0, error: float = 0.0) -> bool:
    return bool(abs(got - wanted) <= WIDE * (size + abs(wanted)) + 10 * error + 1e-10)


def _said(values: Values) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items())


def _differs(what: str, got: complex, wanted: complex, values: Values) -> str:
    return f"{what} is {got:.6g}, where numbers give {wanted:.6g}, at {_said(values)}"


def point(problem: Problem, start: Expr, end: Expr, values: Values, rng: random.Random) -> Expr | None:
    """A random number between two points, None if none lies there; an integer for sequences."""
    low, high = (_end(e, values) for e in (start, end))
    if problem.discrete:
        first = -12 if np.isinf(low) else int(np.floor(low)) + 1
        last = first + 12 if np.isinf(high) else int(np.floor(high))
        first = last - 12 if np.isinf(low) and not np.isinf(high) else first
        return sympy.Integer(rng.randint(first, last)) if first <= last else None
    if not low < high:
        return None
    low, high = (high - 3 if np.isinf(low) else low), (low + 3 if np.isinf(high) else high)
    if np.isinf(low) or np.isinf(high):
        low, high = -3.0, 3.0
    return sympy.Float(low + (high - low) * rng.uniform(0.1, 0.9), 20)


def _end(e: Expr, values: Values) -> float:
    return float(e) if e.is_infinite else float(e.xreplace(dict(values)))


def points(problem: Problem, case: Case, values: Values, rng: random.Random) -> Iterable[dict[Symbol, Expr]]:
    for _ in range(POINTS):
        t = point(problem, case.start, case.end, values, rng)
        if t is not None:
            yield {**values, problem.t: t}


def _active(cases: Iterable[Case], t: Symbol, values: Values) -> list[Case]:
    """The cases that hold at t."""
    at = float(values[t])
    return [c for c in cases if _end(c.start, values) < at <= _end(c.end, values)]


def integrated(problem: Problem, e: Expr, low: Expr, high: Expr, values: Values) -> tuple[complex, float, float]:
    """∫ e dτ from one end to another, or the sum, with how far off it may be and how large it is."""
    ends = _end(low, values), _end(high, values)
    whole = concrete(e)
    e = _settled(whole, {x: v for x, v in values.items() if x is not problem.tau})
    if problem.discrete:
        first, last = (int(max(-FARTHEST, min(FARTHEST, end))) for end in ends)
        terms = _entries(e, problem.tau, range(first, last + 1))
        far = [abs(x) for x, end in ((terms[0], ends[0]), (terms[-1], ends[1])) if np.isinf(end)] if terms else []
        return sum(terms), 10 * sum(far), sum(map(abs, terms))
    if not any(np.isinf(ends)) and _is_singular(e, problem.tau):
        return _by_halves(problem, whole, low, high, values)
    found = integrals(_vector(e, problem.tau), ends, TOLERANCE)
    if np.isinf(ends[0]) and np.isinf(ends[1]) and not found.error <= WIDE * found.size:
        found = slow_integral(_vector(e, problem.tau))
    return found.value, found.error, found.size


def _is_singular(e: Expr, tau: Symbol) -> bool:
    """Whether there are roots and logarithms, which may be singular at an end."""
    powers = (x for x in e.atoms(sympy.Pow) if x.base.has(tau))
    return e.has(sympy.log) or any(not x.exp.is_Integer for x in powers)


def _by_halves(problem: Problem, e: Expr, low: Expr, high: Expr, values: Values) -> tuple[complex, float, float]:
    """From each end to the middle, by the distance from the end, which must not be a difference of numbers."""
    tau = problem.tau
    half = (_end(high, values) - _end(low, values)) / 2
    rest = {x: v for x, v in values.items() if x is not tau}
    total, error, size = 0j, 0.0, 0.0
    for moved in (low + tau, high - tau):
        inside = e.xreplace({tau: moved}).replace(lambda x: x.is_Add, sympy.expand)
        found = integrals(_vector(_settled(inside, rest), tau), (0.0, half), TOLERANCE)
        total, error, size = total + found.value, error + found.error, size + found.size
    return total, error, size


def _entries(e: Expr, n: Symbol, indices: range) -> list[complex]:
    """A sequence at some integers."""
    e = _sequence(e)
    if not indices or not all(isinstance(x, _FAST) for x in e.atoms(sympy.Function)):
        return [complex(sympy.N(e.subs(n, k))) for k in indices]
    value = sympy.lambdify(n, e, [{"Heaviside": np.heaviside}, "scipy", "numpy"])
    at = np.arange(indices.start, indices.stop, dtype=float)
    with np.errstate(all="ignore"):
        found = np.broadcast_to(np.asarray(value(at), complex), at.shape)
    return [complex(x) if np.isfinite(x) else complex(sympy.N(e.subs(n, int(k)))) for k, x in zip(at, found, strict=True)]


def _vector(e: Expr, x: Symbol) -> Callable[[np.ndarray], np.ndarray]:
    value = sympy.lambdify(x, e, ["scipy", "numpy"])

    def at(where: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.broadcast_to(value(where), np.shape(where))

    return at


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
    return f"the functions have no values at {_said(values)}"


@held.register
def _(step: Turn, rng: random.Random) -> str | None:
    before, after = step.before, step.after
    values = drawn(before, rng)
    for _ in range(POINTS):
        at = {x: point(before, -oo, oo, values, rng) for x in before.variables}
        back = {x: -value for x, value in at.items() if value is not None}
        left, right = number(_function(after.f, after), {**values, **at}), number(_function(before.f, before), {**values, **back})
        if not near(left, right.conjugate()):
            return _differs("the function that was turned", left, right.conjugate(), {**values, **at})
    return None


def _function(e: Expr, problem: Problem) -> Expr:
    return _sequence(e) if problem.discrete else e


def _smooth(e: Expr, problem: Problem) -> Expr:
    """Without impulses, for which there are steps of their own."""
    return _sequence(e).replace(sympy.KroneckerDelta, lambda *_: sympy.S.Zero) if problem.discrete else e


@held.register
def _(step: OnePeriod, rng: random.Random) -> str | None:
    """Each function is itself on the period, and 0 outside."""
    problem, linear = step.before, step.after
    values = drawn(problem, rng)
    period = _end(problem.period, values)
    for _ in range(2 * POINTS):
        at = {**values, problem.t: point(problem, -oo, oo, values, rng)}
        inside = 0 <= float(at[problem.t]) < period
        for whole, one in ((problem.f, linear.f), (problem.g, linear.g)):
            wanted = number(_function(whole, problem), at) if inside else 0j
            if not near(number(_function(one, problem), at), wanted):
                return _differs("one period", number(_function(one, problem), at), wanted, at)
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
        wanted = number(_function(linear.result, problem), at) + number(_function(linear.result, problem), later)
        got = number(_function(problem.result, problem), at)
        if not near(got, wanted):
            return _differs("what was folded", got, wanted, at)
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
            wanted = number(_smooth(e, problem), {**values, t: where})
            got = sum(number(p.expression, {**values, t: where}) for p in ps if _inside(p, where, values))
            if not near(got, wanted):
                return _differs("a function in pieces", got, wanted, at)
    return None


def _inside(piece: Piece, where: Expr, values: Values) -> bool:
    return bool(_end(piece.low, values) < float(where) < _end(piece.high, values))


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
                got = sum(_within(i, problem, here) for c in _active(cases, t, here) for i in c.inner)
                held_at += 1
                if not near(got, wanted):
                    return _differs("what overlaps", got, wanted, here)
    return None if held_at else f"no case holds at {_said(values)}"


def _product(problem: Problem, at: Values) -> complex:
    f, g = _smooth(problem.f, problem), _smooth(problem.g, problem)
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
    low, high = _end(inner.low, at), _end(inner.high, at)
    outside = tau < low or tau > high if problem.discrete else not low < tau < high
    return 0 if outside else number(inner.left * inner.right, at)


# --- integrals -------------------------------------------------------------------------------------------------------


@held.register
def _(step: Integrate, rng: random.Random) -> str | None:
    """The value is what a quadrature gives, and the antiderivative has the integrand as its derivative."""
    problem, case = step.before, step.after
    if len(problem.variables) > 1:
        return _in_space(problem)
    values = drawn(problem, rng)
    held_at = 0
    for at in points(problem, case, values, rng):
        parts = [integrated(problem, i.left * i.right, i.low, i.high, at) for i in case.inner]
        wanted, error, size = (sum(part[k] for part in parts) for k in range(3))
        if not error <= 1e-3 * (size + 1e-300):
            continue
        held_at += 1
        got = number(case.value, at)
        if not near(got, wanted, size, error):
            return _differs("the integral", got, wanted, at)
        for inner in case.inner:
            if inner.primitive is not None and (failure := _derivative(problem, inner, at, rng)):
                return failure
    return None if held_at else f"no integral could be computed at {_said(values)}"


def _derivative(problem: Problem, inner: Inner, at: Values, rng: random.Random) -> str | None:
    tau = point(problem, inner.low, inner.high, at, rng)
    if tau is None:
        return f"the limits are in the wrong order at {_said(at)}"
    here = {**at, problem.tau: tau}
    got, wanted = number(sympy.diff(inner.primitive, problem.tau), here), number(inner.left * inner.right, here)
    return None if near(got, wanted) else _differs("the derivative of the antiderivative", got, wanted, here)


@held.register
def _(step: CompleteSquare, rng: random.Random) -> str | None:
    problem, square = step.before, step.after
    tau = problem.tau
    values = drawn(problem, rng)
    for _ in range(POINTS):
        at = {**values, problem.t: point(problem, -oo, oo, values, rng), tau: point(problem, -oo, oo, values, rng)}
        completed = -square.kappa * (tau - square.centre) ** 2 + square.rest
        if not near(number(completed, at), number(square.exponent, at)):
            return _differs("the completed square", number(completed, at), number(square.exponent, at), at)
        integrand = square.front * sympy.exp(square.exponent)
        if not near(number(integrand, at), _product(problem, at)):
            return _differs("the integrand", number(integrand, at), _product(problem, at), at)
        wanted, error, size = integrated(problem, integrand, -oo, oo, at)
        if not near(number(square.value, at), wanted, size, error):
            return _differs("the integral", number(square.value, at), wanted, at)
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
        wanted = number(sifted.impulse.coefficient * _sequence(sifted.other), earlier)
        got = number(_sequence(sifted.value), {**values, problem.t: n})
        if not near(got, wanted):
            return _differs("what was sifted", got, wanted, {**values, problem.t: n})
    return None


def _paired(problem: Problem, sifted: Sifted, values: Values, rng: random.Random) -> str | None:
    t = problem.t
    centre = point(problem, -oo, oo, values, rng)
    bell = sympy.exp(-((t - centre) ** 2))
    c, a, k = (sympy.sympify(x) for x in (sifted.impulse.coefficient, sifted.impulse.at, sifted.impulse.order))
    moved = sympy.diff(bell, t, int(k)).subs(t, t + a)
    wanted, first = _pairing(problem, sifted.other, moved, values)
    wanted *= complex(c.xreplace(dict(values))) * (-1) ** int(k)
    got, second = _pairing(problem, sifted.value, bell, values)
    if near(got, wanted, error=first + second):
        return None
    return _differs("what was sifted, against a Gaussian,", got, wanted, {**values, t: centre})


def _pairing(problem: Problem, e: Expr, test: Expr, values: Values) -> tuple[complex, float]:
    """∫ e·test dt, where impulses take derivatives of the test function."""
    t = problem.t
    function = reader(problem).read(concrete(e))
    total, error = 0j, 0.0
    for piece in function.smooth:
        low, high = (_end(x, values) for x in (piece.low, piece.high))
        body = _settled(concrete(piece.expression) * test, values)
        edges = [low, *(x for x in range(-12, 13, 3) if low < x < high), high]
        found = integrals(_vector(body, t), edges, TOLERANCE)
        total, error = total + found.value, error + found.error
    for impulse in function.points:
        derived = (-1) ** impulse.order * sympy.diff(test, t, impulse.order)
        where = impulse.at.xreplace(dict(values))
        total += number(impulse.coefficient * derived, {**values, t: where})
    return total, error


# --- the result ------------------------------------------------------------------------------------------------------


@held.register
def _(step: Collect, rng: random.Random) -> str | None:
    """The result is the sum of what holds at a point, there and in its impulses."""
    problem: Problem = step.before
    values = drawn(problem, rng)
    if step.whole is not None:
        return _same(problem, step.after, step.whole, values, rng)
    parts = step.cases or Added(())
    held_at = 0
    everywhere = Case(-oo, oo, (), sympy.S.Zero)
    for case in (*parts.cases, everywhere):
        for at in points(problem, case, values, rng):
            wanted = sum(number(c.value, at) for c in _active(parts.cases, problem.t, at))
            wanted += sum(number(_function(s.value, problem), at) for s in step.sifted)
            got = number(_function(step.after, problem), at)
            held_at += 1
            if not near(got, wanted):
                return _differs("the result", got, wanted, at)
    if not held_at:
        return f"no case holds at {_said(values)}"
    return None if problem.discrete else _impulses(step, values)


def _impulses(step: Collect, values: Values) -> str | None:
    got = _points(step.after, step.before, values)
    for sifted in step.sifted:
        for key, weight in _points(sifted.value, step.before, values).items():
            got[key] = got.get(key, 0) - weight
    wrong = [key for key, weight in got.items() if not near(weight, 0)]
    return f"the impulses at {wrong} differ at {_said(values)}" if wrong else None


def _points(e: Expr, problem: Problem, values: Values) -> dict[tuple[float, int], complex]:
    found: dict[tuple[float, int], complex] = {}
    if not e.has(sympy.DiracDelta):
        return found
    for impulse in pieces(e, problem.t, problem.facts).points:
        key = (round(_end(impulse.at, values), 8), impulse.order)
        found[key] = found.get(key, 0) + number(impulse.coefficient, values)
    return found


# --- several variables -----------------------------------------------------------------------------------------------


def _in_space(problem: Problem) -> str | None:
    """The result is the integral, by a sum over a grid that knows nothing of how it was found."""
    relations = [c for c in problem.given if not isinstance(c, sympy.Eq)]
    found = checked_in_space(problem.f, problem.g, problem.variables, problem.result, problem.facts, relations)
    return None if found else "the integral could not be computed"


def _same(problem: Problem, left: Expr, right: Expr, values: Values, rng: random.Random) -> str | None:
    """Two expressions are equal at random points."""
    for _ in range(3 * POINTS):
        at = {**values, **_anywhere(problem, values, rng)}
        got, wanted = (number(_function(e, problem), at) for e in (left, right))
        if not near(got, wanted):
            return _differs("the result", got, wanted, at)
    return None


def _anywhere(problem: Problem, values: Values, rng: random.Random) -> dict[Symbol, Expr]:
    return {x: point(problem, -oo, oo, values, rng) for x in (*problem.variables, *problem.inner)}


@held.register
def _(step: Separate, rng: random.Random) -> str | None:
    """f(r′)·h(r - r′) is the sum of the products of the factors, at random points."""
    problem: Problem = step.before
    values = drawn(problem, rng)
    for _ in range(2 * POINTS):
        at = {**values, **_anywhere(problem, values, rng)}
        here = {**at, **{x: at[y] for x, y in zip(problem.variables, problem.inner, strict=True)}}
        there = {**at, **{x: at[x] - at[y] for x, y in zip(problem.variables, problem.inner, strict=True)}}
        wanted = number(_function(problem.f, problem), here) * number(_function(problem.g, problem), there)
        got = 0j
        for coefficient, axes in step.after.terms:
            part = number(coefficient, at)
            for axis in axes:
                part *= number(_function(axis.f, axis), here) * number(_function(axis.g, axis), there)
            got += part
        if not near(got, wanted):
            return _differs("the product", got, wanted, at)
    return None


@held.register
def _(step: Along, rng: random.Random) -> str | None:
    """Every step along the axis holds."""
    for inner in step.after:
        if failure := held(inner, rng):
            return f"{type(inner).__name__}: {failure}"
    return None


@held.register
def _(step: CompleteForm, rng: random.Random) -> str | None:
    problem, form = step.before, step.after
    values = drawn(problem, rng)
    apart = sympy.Matrix(problem.inner) - form.centre
    completed = -(apart.T * form.matrix * apart)[0] + form.rest
    for _ in range(POINTS):
        at = {**values, **_anywhere(problem, values, rng)}
        here = {**at, **{x: at[y] for x, y in zip(problem.variables, problem.inner, strict=True)}}
        there = {**at, **{x: at[x] - at[y] for x, y in zip(problem.variables, problem.inner, strict=True)}}
        wanted = number(problem.f, here) * number(problem.g, there)
        for exponent in (completed, form.exponent):
            got = number(form.front * sympy.exp(exponent), at)
            if not near(got, wanted):
                return _differs("the integrand", got, wanted, at)
        matrix = np.array(form.matrix.xreplace(values).evalf().tolist(), complex)
        size = np.pi ** (len(problem.inner) / 2) / np.sqrt(np.linalg.det(matrix))
        wanted = number(form.front * sympy.exp(form.rest), at) * size
        if not near(number(form.value, at), wanted):
            return _differs("the integral", number(form.value, at), wanted, at)
    return None


@held.register
def _(step: Lens, rng: random.Random) -> str | None:
    """What two balls have in common, by slices across the line through their centres."""
    problem, lens = step.before, step.after
    values = drawn(problem, rng)
    for e, ball in zip((problem.f, problem.g), lens.balls, strict=True):
        for _ in range(2 * POINTS):
            at = {**values, **_anywhere(problem, values, rng)}
            square = sum((x - c) ** 2 for x, c in zip(problem.variables, ball.centre, strict=True))
            inside = number(ball.radius**2 - square, at).real > 0
            if not near(number(e, at), number(ball.value, at) if inside else 0):
                return _differs("a ball", number(ball.value, at) if inside else 0, number(e, at), at)
    r, s = (number(ball.radius, values).real for ball in lens.balls)
    gap = abs(r - s)
    for d in (
        *([gap * rng.uniform(0.2, 0.8)] if gap else []),
        gap + 2 * min(r, s) * rng.uniform(0.1, 0.9),
        r + s + 0.1,
    ):
        low, high = max(-r, d - s), min(r, d + s)

        def slice_of(x: np.ndarray, d: float = d) -> np.ndarray:
            square = np.clip(np.minimum(r**2 - x**2, s**2 - (x - d) ** 2), 0, None)
            return 2 * np.sqrt(square) if lens.dimension == 2 else np.pi * square

        middle = (r**2 - s**2 + d**2) / (2 * d)
        edges = sorted({low, high, *([middle] if low < middle < high else [])})
        wanted = integrals(slice_of, edges, TOLERANCE).value if low < high else 0
        got = number(lens.value, {**values, lens.d: sympy.Float(d)})
        if not near(got, wanted):
            return _differs("what two balls have in common", got, wanted, {**values, lens.d: sympy.Float(d)})
    return _same(problem, problem.result, lens.scale * lens.value.subs(lens.d, lens.distance), values, rng)


@held.register
def _(step: NewVariables, rng: random.Random) -> str | None:
    """The functions are what they are in the new variables, at random points."""
    before, after = step.before, step.after
    values = drawn(before, rng)
    forms = step.matrix * sympy.Matrix(before.variables)
    for _ in range(6 * POINTS):
        at = {**values, **_anywhere(before, values, rng)}
        moved = {**values, **{y: form.xreplace(at) for y, form in zip(after.variables, forms, strict=True)}}
        for old, new in ((before.f, after.f), (before.g, after.g)):
            if not near(number(new, moved), number(old, at)):
                return _differs("a function in new variables", number(new, moved), number(old, at), at)
    return None


# --- transforms ------------------------------------------------------------------------------------------------------


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
        values_at = _entries(_settled(pair.function, values), t, indices)
        terms = [x * float(at) ** -n for n, x in zip(indices, values_at, strict=True)]
        wanted, error = sum(terms), 10 * abs(terms[-1])
    else:
        at = sympy.Float(5 + rng.random())
        wanted, error = _pairing(problem, pair.function, sympy.exp(-at * t), values)
    got = number(pair.transform, {**values, s: at})
    return None if near(got, wanted, error=error) else _differs("a transform", got, wanted, {**values, s: at})


@held.register(Multiply)
@held.register(Fractions)
def _(step: Multiply | Fractions, rng: random.Random) -> str | None:
    """The fractions are the transform of f ∗ g, as the integral of the result says."""
    problem, pairs = step.before, step.after
    values = drawn(problem, rng)
    transforms = [pair.transform for pair in pairs.pairs]
    together = sympy.Mul(*transforms) if isinstance(step, Multiply) else sympy.Add(*transforms)
    return _transformed(problem, Pair(together, problem.result), pairs.s, values, rng)
