"""The steps in several variables: axis by axis, by completing a square, or as what two balls have in common."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace

from sympy import Matrix, oo

from convmath.steps import Step

from ..errors import NotFoundError
from ..spatial import balls, gaussians
from ..spatial.separable import products
from ..spatial.solve import in_new_variables
from ..steps import (
    Along,
    Balls,
    Case,
    Collect,
    CompleteForm,
    Define,
    Form,
    Inner,
    Integrate,
    Lens,
    NewVariables,
    Problem,
    Products,
    Separate,
    Turn,
)
from ..types import Expr, sympy
from .support import by_support, found, reader, turned

__all__ = ["by_axes"]


def by_axes(problem: Problem) -> tuple[Step, ...]:
    """Definition, what parts the integral, its parts, and the result."""
    steps: list[Step] = [Define(problem, problem)]
    if problem.correlation:
        after = turned(problem)
        steps.append(Turn(problem, after))
        problem = after
    ways = (_separate,) if problem.discrete else (_lens, _separate, _form, _new_variables)
    for way in ways if problem.discrete else (*ways, _whole):
        try:
            return (*steps, *way(problem))
        except NotFoundError:
            continue
    raise NotFoundError("no steps lead to this result")


def _collected(problem: Problem, whole: Expr) -> Collect:
    return Collect(problem, problem.result, whole=whole)


def _whole(problem: Problem) -> Iterable[Step]:
    """The integral in closed form, where no other way is known."""
    inside = dict(zip(problem.variables, problem.inner, strict=True))
    apart = {x: x - y for x, y in inside.items()}
    left, right = problem.f.subs(inside), problem.g.subs(apart, simultaneous=True)
    case = Case(-oo, oo, (Inner(left, right, -oo, oo),), problem.result)
    return Integrate(problem, case), _collected(problem, problem.result)


# --- products --------------------------------------------------------------------------------------------------------


def _separate(problem: Problem) -> Iterable[Step]:
    known: dict[tuple[Expr, Expr, int], Problem] = {}
    terms = []
    for one, two in itertools.product(products(problem.f, problem.variables), products(problem.g, problem.variables)):
        axes = []
        for place, (p, q) in enumerate(zip(one.factors, two.factors, strict=True)):
            if (p, q, place) not in known:
                known[p, q, place] = _axis(problem, p, q, place, len(known) + 1)
            axes.append(known[p, q, place])
        terms.append((one.coefficient * two.coefficient, tuple(axes)))
    whole = sympy.Add(*(c * sympy.prod([axis.result for axis in axes]) for c, axes in terms))
    along = [Along(axis, by_support(axis)) for axis in known.values()]
    return Separate(problem, Products(tuple(terms))), *along, _collected(problem, whole)


def _axis(problem: Problem, p: Expr, q: Expr, place: int, number: int) -> Problem:
    axis = replace(
        problem,
        f=p,
        g=q,
        variables=(problem.variables[place],),
        inner=(problem.inner[place],),
        names=tuple(f"{name}_{number}" for name in problem.names),
        turned=None,
    )
    read = reader(axis).read
    return replace(axis, result=found(read(p), read(q), axis))


def _new_variables(problem: Problem) -> Iterable[Step]:
    """(F∘A) ∗ (H∘A) = (F ∗ H)∘A / |det A|"""
    (f, h), new, matrix = in_new_variables(problem.f, problem.g, problem.variables)
    determinant = sympy.factor(matrix.det())
    size = determinant if problem.facts.positive(determinant) else sympy.Abs(determinant)
    back = dict(zip(new, matrix * Matrix(problem.variables), strict=True))
    inner = tuple(sympy.Dummy(f"{y.name}′", real=True) for y in new)
    moved = replace(problem, f=f, g=h, variables=tuple(new), inner=inner, names=("F", "H"), point="s", called="G")
    separate, *along, together = _separate(moved)
    assert isinstance(together, Collect)
    whole = (together.whole / size).subs(back, simultaneous=True)
    return NewVariables(problem, moved, matrix=matrix), separate, *along, _collected(problem, whole)


# --- quadratic forms -------------------------------------------------------------------------------------------------


def _form(problem: Problem) -> Iterable[Step]:
    """exp(-τᵀAτ + aᵀτ)·exp(-(x - τ)ᵀB(x - τ) + bᵀ(x - τ)) with S = A + B and m = S⁻¹(a - b + 2Bx)/2"""
    [*left], [*right] = (gaussians.terms(e, problem.variables) for e in (problem.f, problem.g))
    if len(left) != 1 or len(right) != 1 or any((*left[0].powers, *right[0].powers)):
        raise NotFoundError("only one quadratic form with one other is written in steps")
    f, g = left[0], right[0]
    x, inside = Matrix(problem.variables), Matrix(problem.inner)
    total = f.form + g.form
    centre = (total.inv() * (f.linear - g.linear + 2 * g.form * x) / 2).applyfunc(sympy.factor)
    constant = f.constant + g.constant
    rest = (centre.T * total * centre)[0] - (x.T * g.form * x)[0] + (g.linear.T * x)[0] + constant
    shown = _quadratic(f, inside) + _quadratic(g, x - inside)
    front = f.coefficient * g.coefficient
    rest = gaussians.collected(sympy.expand(rest), problem.variables)
    size = sympy.pi ** sympy.Rational(len(x), 2) / sympy.sqrt(gaussians.determinant(total))
    form = Form(shown, total, centre, rest, front, front * size * sympy.exp(rest))
    return CompleteForm(problem, form), _collected(problem, form.value)


def _quadratic(term: gaussians.Term, at: Matrix) -> Expr:
    return sympy.expand(-(at.T * term.form * at)[0]) + (term.linear.T * at)[0] + term.constant


# --- balls -----------------------------------------------------------------------------------------------------------


def _lens(problem: Problem) -> Iterable[Step]:
    f, g = (balls.ball(e, problem.variables, problem.facts) for e in (problem.f, problem.g))
    if not (f and g):
        raise NotFoundError("these are not two balls")
    squares = [(x - p - q) ** 2 for x, p, q in zip(problem.variables, f.centre, g.centre, strict=True)]
    d = sympy.Dummy("d", nonnegative=True)
    dimension = len(problem.variables)
    value = balls.common(f.radius, g.radius, d, dimension, problem.facts)
    distance = sympy.sqrt(sympy.Add(*squares))
    lens = Balls((f, g), d, distance, dimension, value, f.value * g.value)
    return (Lens(problem, lens),)
