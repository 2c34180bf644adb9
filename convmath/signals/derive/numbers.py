"""Numbers for the checks of steps: values of parameters, points, integrals and sums, and how close is close enough."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from sympy import Symbol, oo

from ..check import concrete, poles_of
from ..check.quadrature import chirp_integral, integrals, principal_integral, slow_integral
from ..steps import Case, Problem
from ..types import Expr, sympy
from .support import reader

__all__ = [
    "active",
    "FARTHEST",
    "POINTS",
    "TOLERANCE",
    "Values",
    "WIDE",
    "anywhere",
    "as_sequence",
    "differs",
    "drawn",
    "end_of",
    "entries",
    "function_of",
    "integrated",
    "near",
    "number",
    "pairing",
    "point",
    "points",
    "said_of",
    "same",
    "settled",
    "smooth_of",
    "vector",
]

Values = Mapping[Symbol, Expr]

TOLERANCE, WIDE = 1e-9, 1e-6  # asked of a quadrature, and allowed between it and what was found
FARTHEST = 80  # terms of a sum to either side
POINTS = 3
_FAST = (sympy.Heaviside, sympy.exp, sympy.log, sympy.sin, sympy.cos, sympy.Abs, sympy.Piecewise)


def drawn(problem: Problem, rng: random.Random) -> dict[Symbol, Expr]:
    """Values of the parameters for which everything holds."""
    symbols = problem.f.free_symbols | problem.g.free_symbols | problem.result.free_symbols
    relations = [c for c in problem.given if not isinstance(c, sympy.Eq)]
    for relation in (*problem.facts.relations, *relations):
        symbols |= relation.free_symbols
    functions = (problem.f, problem.g, problem.result)
    return problem.facts.sample(symbols - {*problem.variables, *problem.inner}, rng, relations, functions)


def number(e: Expr, values: Values) -> complex:
    """An expression at values of all its letters; impulses count as 0."""
    e = concrete(e).replace(sympy.DiracDelta, lambda *_: sympy.S.Zero)
    return complex(sympy.N(settled(e, values)))


def settled(e: Expr, values: Values) -> Expr:
    return e.xreplace(dict(values)).doit() if e.has(sympy.Derivative, sympy.Subs) else e.xreplace(dict(values))


def as_sequence(e: Expr) -> Expr:
    """u[0] = 1"""
    return e.replace(sympy.Heaviside, lambda x, *_: sympy.Heaviside(x, 1))


def near(got: complex, wanted: complex, size: float = 0.0, error: float = 0.0) -> bool:
    return bool(abs(got - wanted) <= WIDE * (size + abs(wanted)) + 10 * error + 1e-10)


def said_of(values: Values) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items())


def differs(what: str, got: complex, wanted: complex, values: Values) -> str:
    return f"{what} is {got:.6g}, where numbers give {wanted:.6g}, at {said_of(values)}"


def point(problem: Problem, start: Expr, end: Expr, values: Values, rng: random.Random) -> Expr | None:
    """A random number between two points, None if none lies there; an integer for sequences."""
    low, high = (end_of(e, values) for e in (start, end))
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


def end_of(e: Expr, values: Values) -> float:
    return float(e) if e.is_infinite else float(e.xreplace(dict(values)))


def points(problem: Problem, case: Case, values: Values, rng: random.Random) -> Iterable[dict[Symbol, Expr]]:
    for _ in range(POINTS):
        t = point(problem, case.start, case.end, values, rng)
        if t is not None:
            yield {**values, problem.t: t}


def active(cases: Iterable[Case], t: Symbol, values: Values) -> list[Case]:
    """The cases that hold at t."""
    at = float(values[t])
    return [c for c in cases if end_of(c.start, values) < at <= end_of(c.end, values)]


def integrated(problem: Problem, e: Expr, low: Expr, high: Expr, values: Values) -> tuple[complex, float, float]:
    """∫ e dτ from one end to another, or the sum, with how far off it may be and how large it is."""
    ends = end_of(low, values), end_of(high, values)
    whole = concrete(e)
    e = settled(whole, {x: v for x, v in values.items() if x is not problem.tau})
    if problem.discrete:
        first, last = (int(max(-FARTHEST, min(FARTHEST, end))) for end in ends)
        terms = entries(e, problem.tau, range(first, last + 1))
        far = [abs(x) for x, end in ((terms[0], ends[0]), (terms[-1], ends[1])) if np.isinf(end)] if terms else []
        return sum(terms), 10 * sum(far), sum(map(abs, terms))
    if not any(np.isinf(ends)) and _is_singular(e, problem.tau):
        return _by_halves(problem, whole, low, high, values)
    if problem.principal and all(map(np.isinf, ends)) and (poles := poles_of(e, problem.tau)):
        found = principal_integral(vector(e, problem.tau), poles)
        return found.value, found.error, found.size
    found = integrals(vector(e, problem.tau), ends, TOLERANCE)
    if np.isinf(ends[0]) and np.isinf(ends[1]) and not found.error <= WIDE * found.size:
        found = slow_integral(vector(e, problem.tau))
    if any(map(np.isinf, ends)) and not found.error <= WIDE * found.size:
        turning = chirp_integral(vector(e, problem.tau), ends, TOLERANCE)
        found = turning if turning.error <= WIDE * turning.size else found
    return found.value, found.error, found.size


def _is_singular(e: Expr, tau: Symbol) -> bool:
    """Whether there are roots and logarithms, which may be singular at an end."""
    powers = (x for x in e.atoms(sympy.Pow) if x.base.has(tau))
    return e.has(sympy.log) or any(not x.exp.is_Integer for x in powers)


def _by_halves(problem: Problem, e: Expr, low: Expr, high: Expr, values: Values) -> tuple[complex, float, float]:
    """From each end to the middle, by the distance from the end, which must not be a difference of numbers."""
    tau = problem.tau
    half = (end_of(high, values) - end_of(low, values)) / 2
    rest = {x: v for x, v in values.items() if x is not tau}
    total, error, size = 0j, 0.0, 0.0
    for moved in (low + tau, high - tau):
        inside = e.xreplace({tau: moved}).replace(lambda x: x.is_Add, sympy.expand)
        found = integrals(vector(settled(inside, rest), tau), (0.0, half), TOLERANCE)
        total, error, size = total + found.value, error + found.error, size + found.size
    return total, error, size


def entries(e: Expr, n: Symbol, indices: range) -> list[complex]:
    """A sequence at some integers."""
    e = as_sequence(e)
    if not indices or not all(isinstance(x, _FAST) for x in e.atoms(sympy.Function)):
        return [complex(sympy.N(e.subs(n, k))) for k in indices]
    value = sympy.lambdify(n, e, [{"Heaviside": np.heaviside}, "scipy", "numpy"])
    at = np.arange(indices.start, indices.stop, dtype=float)
    with np.errstate(all="ignore"):
        found = np.broadcast_to(np.asarray(value(at), complex), at.shape)
    return [
        complex(x) if np.isfinite(x) else complex(sympy.N(e.subs(n, int(k)))) for k, x in zip(at, found, strict=True)
    ]


def vector(e: Expr, x: Symbol) -> Callable[[np.ndarray], np.ndarray]:
    value = sympy.lambdify(x, e, ["scipy", "numpy"])

    def at(where: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.broadcast_to(value(where), np.shape(where))

    return at


def function_of(e: Expr, problem: Problem) -> Expr:
    return as_sequence(e) if problem.discrete else e


def smooth_of(e: Expr, problem: Problem) -> Expr:
    """Without impulses, for which there are steps of their own."""
    return as_sequence(e).replace(sympy.KroneckerDelta, lambda *_: sympy.S.Zero) if problem.discrete else e


def anywhere(problem: Problem, values: Values, rng: random.Random) -> dict[Symbol, Expr]:
    return {x: point(problem, -oo, oo, values, rng) for x in (*problem.variables, *problem.inner)}


def same(problem: Problem, left: Expr, right: Expr, values: Values, rng: random.Random) -> str | None:
    """Two expressions are equal at random points."""
    for _ in range(3 * POINTS):
        at = {**values, **anywhere(problem, values, rng)}
        got, wanted = (number(function_of(e, problem), at) for e in (left, right))
        if not near(got, wanted):
            return differs("the result", got, wanted, at)
    return None


def pairing(problem: Problem, e: Expr, test: Expr, values: Values) -> tuple[complex, float]:
    """∫ e·test dt, where impulses take derivatives of the test function."""
    t, read = problem.t, reader(problem)
    function = read.read(settled(concrete(e), values))
    total, error = 0j, 0.0
    for piece in read.disjoint(function):  # where two pieces cancel nothing is integrated
        if not piece.expression:
            continue
        low, high = (end_of(x, values) for x in (piece.low, piece.high))
        body = settled(concrete(piece.expression) * test, values)
        edges = [low, *(x for x in range(-12, 13, 3) if low < x < high), high]
        found = integrals(vector(body, t), edges, TOLERANCE)
        total, error = total + found.value, error + found.error
    for impulse in function.points:
        derived = (-1) ** impulse.order * sympy.diff(test, t, impulse.order)
        where = impulse.at.xreplace(dict(values))
        total += number(impulse.coefficient * derived, {**values, t: where})
    return total, error
