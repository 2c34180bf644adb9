"""The checks of the steps in several variables."""

from __future__ import annotations

import random

import numpy as np

from ..check.quadrature import integrals
from ..steps import Along, CompleteForm, Lens, NewVariables, Problem, Separate
from ..types import sympy
from .numbers import POINTS, TOLERANCE, anywhere, differs, drawn, function_of, near, number, same
from .verify import held


@held.register
def _(step: Separate, rng: random.Random) -> str | None:
    """f(r′)·h(r - r′) is the sum of the products of the factors, at random points."""
    problem: Problem = step.before
    values = drawn(problem, rng)
    for _ in range(2 * POINTS):
        at = {**values, **anywhere(problem, values, rng)}
        here = {**at, **{x: at[y] for x, y in zip(problem.variables, problem.inner, strict=True)}}
        there = {**at, **{x: at[x] - at[y] for x, y in zip(problem.variables, problem.inner, strict=True)}}
        wanted = number(function_of(problem.f, problem), here) * number(function_of(problem.g, problem), there)
        got = 0j
        for coefficient, axes in step.after.terms:
            part = number(coefficient, at)
            for axis in axes:
                part *= number(function_of(axis.f, axis), here) * number(function_of(axis.g, axis), there)
            got += part
        if not near(got, wanted):
            return differs("the product", got, wanted, at)
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
        at = {**values, **anywhere(problem, values, rng)}
        here = {**at, **{x: at[y] for x, y in zip(problem.variables, problem.inner, strict=True)}}
        there = {**at, **{x: at[x] - at[y] for x, y in zip(problem.variables, problem.inner, strict=True)}}
        wanted = number(problem.f, here) * number(problem.g, there)
        for exponent in (completed, form.exponent):
            got = number(form.front * sympy.exp(exponent), at)
            if not near(got, wanted):
                return differs("the integrand", got, wanted, at)
        matrix = np.array(form.matrix.xreplace(values).evalf().tolist(), complex)
        size = np.pi ** (len(problem.inner) / 2) / np.sqrt(np.linalg.det(matrix))
        wanted = number(form.front * sympy.exp(form.rest), at) * size
        if not near(number(form.value, at), wanted):
            return differs("the integral", number(form.value, at), wanted, at)
    return None


@held.register
def _(step: Lens, rng: random.Random) -> str | None:
    """What two balls have in common, by slices across the line through their centres."""
    problem, lens = step.before, step.after
    values = drawn(problem, rng)
    for e, ball in zip((problem.f, problem.g), lens.balls, strict=True):
        for _ in range(2 * POINTS):
            at = {**values, **anywhere(problem, values, rng)}
            square = sum((x - c) ** 2 for x, c in zip(problem.variables, ball.centre, strict=True))
            inside = number(ball.radius**2 - square, at).real > 0
            if not near(number(e, at), number(ball.value, at) if inside else 0):
                return differs("a ball", number(ball.value, at) if inside else 0, number(e, at), at)
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
        edges: list[float] = [low, middle, high] if low < middle < high else [low, high]
        wanted = integrals(slice_of, edges, TOLERANCE).value if low < high else 0
        got = number(lens.value, {**values, lens.d: sympy.Float(d)})
        if not near(got, wanted):
            return differs("what two balls have in common", got, wanted, {**values, lens.d: sympy.Float(d)})
    return same(problem, problem.result, lens.scale * lens.value.subs(lens.d, lens.distance), values, rng)


@held.register
def _(step: NewVariables, rng: random.Random) -> str | None:
    """The functions are what they are in the new variables, at random points."""
    before, after = step.before, step.after
    values = drawn(before, rng)
    forms = step.matrix * sympy.Matrix(before.variables)
    for _ in range(6 * POINTS):
        at = {**values, **anywhere(before, values, rng)}
        moved = {**values, **{y: form.xreplace(at) for y, form in zip(after.variables, forms, strict=True)}}
        for old, new in ((before.f, after.f), (before.g, after.g)):
            if not near(number(new, moved), number(old, at)):
                return differs("a function in new variables", number(new, moved), number(old, at), at)
    return None
