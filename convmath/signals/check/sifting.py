"""Integrals of expressions with impulses, as integrals over what the impulses leave.

∫ δ(Lτ - c) h(τ) dτ is an integral over the plane Lτ = c, and a derivative of δ moves on to h.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Matrix, Symbol

from ..errors import Unheld
from ..types import Expr, sympy
from .places import linear

__all__ = ["Part", "at_simple_zeros", "common_plane", "impulse_terms", "sifted", "solved_for"]


@dataclass(frozen=True)
class Part:
    """∫ of an expression without impulses over some variables; it depends on others too."""

    e: Expr
    inner: tuple[Symbol, ...]


def sifted(e: Expr, inner: Sequence[Symbol]) -> list[Part]:
    """The integral of an expression over all the inner variables, impulses in it sifted with; what has an impulse in
    the others alone is left out.
    """
    found = []
    for impulses, rest in impulse_terms(_without_absolute(e)):
        if not impulses:
            found.append(Part(rest, tuple(inner)))
            continue
        plane = common_plane(impulses, inner)
        if plane is None:
            continue
        orders = [int(impulse.args[1]) if len(impulse.args) > 1 else 0 for impulse in impulses]
        if any(orders):
            found += _differentiated(impulses, orders, plane[0], rest, inner)
        else:
            found.append(_on_plane(*plane, rest, inner))
    return found


def _without_absolute(e: Expr) -> Expr:
    """δ(c - |l|), which is what differentiates a triangle, as δ(l - c) + δ(l + c) for c > 0."""

    def parted(argument: Expr, *order: Expr) -> Expr:
        rest, absolute = argument.as_independent(sympy.Abs, as_Add=True)
        factor, size = absolute.as_independent(sympy.Abs, as_Add=False)
        ratio = -rest / factor
        if order or not isinstance(size, sympy.Abs) or not ratio.is_positive:
            return sympy.DiracDelta(argument, *order)
        ends = (sympy.DiracDelta(size.args[0] - ratio), sympy.DiracDelta(size.args[0] + ratio))
        return sympy.Add(*ends) / sympy.Abs(factor)

    return e.replace(sympy.DiracDelta, parted) if e.has(sympy.DiracDelta) else e


def common_plane(impulses: Sequence[Expr], inner: Sequence[Symbol]) -> tuple[Matrix, Matrix] | None:
    """The slopes and values at 0 of the arguments, or None where they vanish together at no point in general."""
    arguments = [impulse.args[0] for impulse in impulses]
    forms = [form for argument in arguments if (form := linear(argument, inner))]
    slopes, offsets = Matrix([form[0] for form in forms]), Matrix([form[1] for form in forms])
    if slopes.rank() < len(forms):  # planes are parallel
        apart = slopes.T.nullspace()[0].T * offsets
        arguments.append(apart[0])
    elif len(forms) == len(impulses):
        return slopes, offsets
    else:
        known = solved_for(slopes, offsets, inner)[0] if forms else {}
        arguments = [argument.xreplace(known) for argument in arguments]
    if any(not a.has(*inner) and sympy.simplify(a) != 0 for a in arguments):
        return None
    raise Unheld


def impulse_terms(e: Expr) -> list[tuple[tuple[Expr, ...], Expr]]:
    """The terms of a sum, each as impulses and what stands beside them."""
    if not e.has(sympy.DiracDelta):
        return [((), e)] if e != 0 else []
    if isinstance(e, sympy.Add):
        return [term for part in e.args for term in impulse_terms(part)]
    if isinstance(e, sympy.Mul):
        together = itertools.product(*map(impulse_terms, e.args))
        return [
            (tuple(d for impulses, _ in parts for d in impulses), sympy.Mul(*(rest for _, rest in parts)))
            for parts in together
        ]
    if isinstance(e, sympy.DiracDelta):
        return [((e,), sympy.S.One)]
    raise Unheld


def _differentiated(
    impulses: Sequence[Expr], orders: Sequence[int], slopes: Matrix, rest: Expr, inner: Sequence[Symbol]
) -> list[Part]:
    """∫ δ′(l)·h = -∫ δ(l)·∂h along a direction in which l has the slope 1, and other impulses do not move."""
    place = next(k for k, order in enumerate(orders) if order)
    direction = (slopes.T * (slopes * slopes.T).inv())[:, place]
    steps = _in_steps(rest)
    slope = -sympy.Add(*(v * sympy.diff(steps, x) for v, x in zip(direction, inner, strict=True) if v != 0))
    lower = [
        sympy.DiracDelta(impulse.args[0], order - (k == place))
        if order - (k == place)
        else sympy.DiracDelta(impulse.args[0])
        for k, (impulse, order) in enumerate(zip(impulses, orders, strict=True))
    ]
    return sifted(sympy.Mul(*lower) * slope, inner)


def _in_steps(e: Expr) -> Expr:
    """Cases as steps, whose derivatives SymPy knows."""

    def step(condition: Any) -> Expr:
        if condition in (sympy.true, sympy.false):
            return sympy.S.One if condition == True else sympy.S.Zero  # noqa: E712
        if isinstance(condition, sympy.And):
            return sympy.Mul(*map(step, condition.args))
        if isinstance(condition, sympy.Or):
            return 1 - sympy.Mul(*(1 - step(part) for part in condition.args))
        if not isinstance(condition, sympy.core.relational.Relational) or isinstance(condition, sympy.Eq | sympy.Ne):
            raise Unheld
        return sympy.Heaviside(condition.gts - condition.lts)

    def cases(*args: Any) -> Expr:
        found, left = sympy.S.Zero, sympy.S.One
        for value, condition in args:
            found, left = found + left * step(condition) * value, left * (1 - step(condition))
        return found

    return e.replace(sympy.Piecewise, cases) if e.has(sympy.Piecewise) else e


def _on_plane(slopes: Matrix, offsets: Matrix, rest: Expr, inner: Sequence[Symbol]) -> Part:
    known, determinant = solved_for(slopes, offsets, inner)
    found = rest.xreplace(known) / sympy.Abs(determinant)
    if found.has(sympy.nan, sympy.zoo):
        raise Unheld
    return Part(found, tuple(x for x in inner if x not in known))


def solved_for(slopes: Matrix, offsets: Matrix, inner: Sequence[Symbol]) -> tuple[dict[Symbol, Expr], Expr]:
    """Some of the variables by the others, those for which the equations of a plane are solved best, with the
    determinant of what was solved.
    """
    size = slopes.rows
    pivots = max(
        itertools.combinations(range(slopes.cols), size),
        key=lambda columns: abs(complex(slopes.extract(range(size), columns).det())),
    )
    square = slopes.extract(range(size), pivots)
    others = [
        sympy.Add(*(slopes[row, k] * inner[k] for k in range(slopes.cols) if k not in pivots)) for row in range(size)
    ]
    solved = -square.inv() * (offsets + Matrix(others))
    return {inner[k]: value for k, value in zip(pivots, solved, strict=True)}, square.det()


def at_simple_zeros(e: Expr, variables: Sequence[Symbol]) -> Expr:
    """δ(x² - 1) as ½δ(x - 1) + ½δ(x + 1)."""
    for impulse in e.atoms(sympy.DiracDelta):
        inside = [x for x in variables if impulse.has(x)]
        if len(inside) == 1 and linear(impulse.args[0], inside) is None:
            e = e.xreplace({impulse: impulse.expand(diracdelta=True, wrt=inside[0])})
    return e
