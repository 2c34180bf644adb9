"""Which method convolves what in several variables."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sympy import Matrix, Symbol

from ..errors import LateError, NotFoundError, OpenQuestion
from ..facts import Facts
from ..types import Expr, sympy
from . import balls, gaussians, radial
from .separable import conditions_split, products

__all__ = ["convolved", "in_new_variables"]

OneDimensional = Callable[[Expr, Expr, Symbol, Facts], Expr]


def convolved(f: Expr, g: Expr, variables: Sequence[Symbol], facts: Facts, along: OneDimensional) -> Expr:
    """f ∗ g; `along` convolves in one variable."""
    if not any(x.is_integer for x in variables):
        ways = [_by_shape, _by_products, _by_forms, radial.by_planes, _by_axes, _by_new_variables]
    else:
        ways = [_by_products, _by_axes]
    for way in ways:
        try:
            return way(f, g, variables, facts, along)
        except LateError:  # no other way has more time
            raise
        except NotFoundError:
            continue
    raise NotFoundError("no method parts these functions into functions of one variable each, and they are no balls")


def _by_shape(f: Expr, g: Expr, variables: Sequence[Symbol], facts: Facts, along: OneDimensional) -> Expr:
    """Balls with balls, or with polynomials, and Poisson kernels."""
    left, right = (balls.ball(e, variables, facts) for e in (f, g))
    if left and right:
        return balls.convolved(left, right, variables, facts)
    for one, other in ((left, g), (right, f)):
        if one and other.is_polynomial(*variables):
            return balls.with_polynomial(one, other, variables)
    here, there = (radial.kernel(e, variables, facts) for e in (f, g))
    if here and there:
        return radial.convolved(here, there, variables)
    raise NotFoundError("these are no balls and no Poisson kernels")


def _by_products(f: Expr, g: Expr, variables: Sequence[Symbol], facts: Facts, along: OneDimensional) -> Expr:
    """Products of functions of one variable are convolved in each."""
    known: dict[tuple[Expr, Expr, Symbol], Expr] = {}
    found = []
    for one, two in itertools.product(products(f, variables), products(g, variables)):
        value = one.coefficient * two.coefficient
        for x, p, q in zip(variables, one.factors, two.factors, strict=True):
            if (p, q, x) not in known:
                known[p, q, x] = along(p, q, x, facts.without(variables))
            value *= known[p, q, x]
        found.append(value)
    return sympy.Add(*found)


def _by_axes(f: Expr, g: Expr, variables: Sequence[Symbol], facts: Facts, along: OneDimensional) -> Expr:
    """Where one function is a sum of products, the other is convolved with their factors, one axis after another."""
    for one, other in ((f, g), (g, f)):
        try:
            parts = products(one, variables)
        except NotFoundError:
            continue
        found = []
        for part in parts:
            value = other
            # impulses first: they leave a function as it is
            axes = sorted(zip(variables, part.factors, strict=True), key=lambda axis: not axis[1].has(sympy.DiracDelta))
            open_axes = {x for x, _ in axes}
            for x, factor in axes:
                known = facts.without(open_axes)  # a case of what is found holds at no place that is integrated over
                open_axes.discard(x)
                try:
                    value = along(factor, value, x, known)
                except OpenQuestion as question:
                    if open_axes & question.relation.free_symbols:  # no parameter, but what is integrated over later
                        raise NotFoundError(f"along {x} it depends on whether {question.relation}") from None
                    raise
            found.append(part.coefficient * value)
        return sympy.Add(*found)
    raise NotFoundError("neither function is a sum of products of functions of one variable")


def _by_forms(f: Expr, g: Expr, variables: Sequence[Symbol], facts: Facts, along: OneDimensional) -> Expr:
    return gaussians.convolved(f, g, variables, facts)


def _by_new_variables(f: Expr, g: Expr, variables: Sequence[Symbol], facts: Facts, along: OneDimensional) -> Expr:
    """(f∘A) ∗ (g∘A) = (f ∗ g)∘A / |det A|, with the linear forms that jump, or peak, as new variables."""
    (left, right), new, matrix = in_new_variables(f, g, variables)
    determinant = sympy.factor(matrix.det())
    size = determinant if facts.positive(determinant) else sympy.Abs(determinant)
    try:
        found = _by_products(left, right, new, facts, along) / size
    except NotFoundError:
        try:
            found = _by_axes(left, right, new, facts, along) / size
        except OpenQuestion as question:
            if question.relation.has(*new):
                raise NotFoundError(f"in other variables it depends on whether {question.relation}") from None
            raise
    return found.subs(dict(zip(new, matrix * Matrix(variables), strict=True)), simultaneous=True)


def in_new_variables(f: Expr, g: Expr, variables: Sequence[Symbol]) -> tuple[list[Expr], list[Symbol], Matrix]:
    """Both functions in the linear forms that jump, or peak; these variables, and the matrix of the forms."""
    f, g = conditions_split(f), conditions_split(g)
    matrix = _basis(itertools.chain(_forms(f, variables), _forms(g, variables)), variables)
    if matrix == sympy.eye(len(variables)):
        raise NotFoundError("no linear change of variables parts the functions")
    new = [sympy.Dummy(f"y{k}", real=True) for k in range(1, len(variables) + 1)]
    old = dict(zip(variables, matrix.inv() * Matrix(new), strict=True))
    # SymPy may not end on a Piecewise with variables on both sides of a relation, so that they are brought to one
    # before
    return [_simplified(_simplified(e).xreplace(old)) for e in (f, g)], new, matrix


def _simplified(e: Expr) -> Expr:
    """The arguments of jumps and peaks, each in one variable again."""
    jumps = e.atoms(sympy.Heaviside, sympy.DiracDelta, sympy.Abs)
    relations = e.atoms(sympy.core.relational.Relational)
    known: dict[Any, Any] = {x: x.func(sympy.expand(x.args[0]), *x.args[1:]) for x in jumps}
    known |= {x: x.func(sympy.expand(x.lhs - x.rhs), 0) for x in relations}
    return e.xreplace(known)


def _forms(e: Expr, variables: Sequence[Symbol]) -> Iterable[Matrix]:
    """The gradients of the linear expressions at which something jumps or peaks."""
    arguments = [x.args[0] for x in e.atoms(sympy.Heaviside, sympy.DiracDelta, sympy.Abs, sympy.sign)]
    arguments += [x.lhs - x.rhs for x in e.atoms(sympy.core.relational.Relational)]
    for argument in sorted(arguments, key=sympy.default_sort_key):
        gradient = Matrix([[sympy.diff(argument, x) for x in variables]])
        if not gradient.has(*variables) and any(gradient.flat()):
            yield gradient


def _basis(forms: Iterable[Matrix], variables: Sequence[Symbol]) -> Matrix:
    """As many independent forms as there are variables, coordinates last."""
    unit = sympy.eye(len(variables))
    rows: list[Matrix] = []
    for form in itertools.chain(forms, (unit[k, :] for k in range(len(variables)))):
        if Matrix.vstack(*rows, form).rank() > len(rows):
            rows.append(form)
    return Matrix.vstack(*rows[: len(variables)])
