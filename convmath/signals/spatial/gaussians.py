r"""Polynomials times exponentials of quadratic forms.

With S = A + B positive definite and v = a - b + 2Bx,

    ∫ exp(-τᵀAτ + aᵀτ)·exp(-(x - τ)ᵀB(x - τ) + bᵀ(x - τ)) dτ = π^{n/2}/√|S| · exp(¼·vᵀS⁻¹v - xᵀBx + bᵀx),

and a power of τ or of x - τ is a derivative by a or by b. For A = Σ⁻¹/2 this says that covariances add.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Matrix, Symbol

from ..errors import DivergentError, NotFoundError, OpenQuestion
from ..facts import Facts
from ..types import Expr, sympy

__all__ = ["Term", "collected", "convolved", "determinant", "terms"]


@dataclass(frozen=True)
class Term:
    """c·x^powers·exp(-xᵀAx + aᵀx + constant)"""

    coefficient: Expr
    powers: tuple[int, ...]
    form: Matrix
    linear: Matrix
    constant: Expr


def convolved(f: Expr, g: Expr, variables: Sequence[Symbol], facts: Facts) -> Expr:
    left, right = terms(f, variables), terms(g, variables)
    return sympy.Add(*(_pair(one, two, variables, facts) for one, two in itertools.product(left, right)))


def terms(e: Expr, variables: Sequence[Symbol]) -> list[Term]:
    found = []
    for term in sympy.Add.make_args(sympy.expand(e)):
        exponent, rest = sympy.S.Zero, []
        for part in sympy.Mul.make_args(term):
            if isinstance(part, sympy.exp):
                exponent += part.args[0]
            else:
                rest.append(part)
        polynomial, quadratic = sympy.Mul(*rest), sympy.expand(exponent)
        if not (polynomial.is_polynomial(*variables) and quadratic.is_polynomial(*variables)):
            raise NotFoundError(f"{term} is no polynomial times the exponential of a quadratic form")
        if sympy.Poly(quadratic, *variables).total_degree() > 2:
            raise NotFoundError(f"{term} has an exponent of a degree above 2")
        form = -sympy.hessian(quadratic, variables) / 2
        zero = dict.fromkeys(variables, 0)
        linear = Matrix([sympy.diff(quadratic, x).subs(zero) for x in variables])
        for powers, c in sympy.Poly(polynomial, *variables).terms():
            found.append(Term(c, powers, form, linear, quadratic.subs(zero)))
    return found


def _minors(form: Matrix, order: Sequence[int]) -> list[Expr]:
    """The leading principal minors with the variables in that order: all are positive where the form is definite."""
    return [determinant(form.extract(order[:size], order[:size])) for size in range(1, len(order) + 1)]


def _definite(form: Matrix, facts: Facts) -> bool:
    """Whether a form is known to be positive definite, from its minors in one order of the variables or another."""
    orders = itertools.islice(itertools.permutations(range(form.rows)), 24)
    return any(all(facts.positive(minor) for minor in _minors(form, order)) for order in orders)


def _asked(total: Matrix, facts: Facts) -> None:
    """Ask whether a form is positive definite."""
    for minor in _minors(total, range(total.rows)):
        if (positive := facts.positive(minor)) is None:
            raise OpenQuestion(sympy.Gt(minor, 0))
        if not positive:
            raise DivergentError(
                f"the integral diverges: the quadratic form {total.tolist()} of its exponent is not positive definite"
            )


def _root(determinant: Expr, facts: Facts) -> Expr:
    """√ of a positive quotient, of each factor alone as far as their signs are known."""
    (number, top), (below, bottom) = (sympy.factor_list(part) for part in sympy.fraction(determinant))
    number, value, rest = sympy.sympify(number) / below, sympy.S.One, sympy.S.One
    for base, times in [*top, *((base, -times) for base, times in bottom)]:
        sign = 1 if facts.positive(base) else -1 if facts.positive(-base) else 0
        if sign:
            value *= sympy.sqrt(sympy.expand(sign * base)) ** times
            number *= sign ** abs(times)
        else:
            rest *= base**times
    return value * (sympy.sqrt(number) * sympy.sqrt(rest) if number > 0 else sympy.sqrt(number * rest))


def _pair(f: Term, g: Term, variables: Sequence[Symbol], facts: Facts) -> Expr:
    total = f.form + g.form
    if not (_definite(f.form, facts) and _definite(g.form, facts)):  # then their sum is
        _asked(total, facts)
    inverse = _inverse(total)
    # the derivatives by a and b, before what they are is put in
    a = Matrix([sympy.Dummy(f"a{k}") if p else f.linear[k] for k, p in enumerate(f.powers)])
    b = Matrix([sympy.Dummy(f"b{k}") if p else g.linear[k] for k, p in enumerate(g.powers)])
    x = Matrix(variables)
    v = a - b + 2 * g.form * x
    exponent = (v.T * inverse * v)[0] / 4 - (x.T * g.form * x)[0] + (b.T * x)[0]
    value = sympy.exp(exponent)
    for symbol, times in (*zip(a.flat(), f.powers, strict=True), *zip(b.flat(), g.powers, strict=True)):
        value = sympy.diff(value, symbol, times) if times else value
    factor = sympy.cancel(value / sympy.exp(exponent))
    known = {s: to for s, to in zip((*a, *b), (*f.linear, *g.linear), strict=True) if isinstance(s, sympy.Dummy)}
    front = sympy.pi ** sympy.Rational(len(variables), 2) / _root(determinant(total), facts)
    written = collected(exponent.subs(known) + f.constant + g.constant, variables)
    return f.coefficient * g.coefficient * front * sympy.factor(factor.subs(known)) * sympy.exp(written)


def determinant(form: Matrix) -> Expr:
    field = _in_a_field(form)
    return sympy.factor(field.domain.to_sympy(field.det()))


def _inverse(form: Matrix) -> Matrix:
    """The inverse, its elements cancelled."""
    return _in_a_field(form).inv().to_Matrix()


def _in_a_field(form: Matrix) -> Any:
    """Determinants of expressions take seconds where those of fractions of polynomials take milliseconds."""
    return sympy.polys.matrices.DomainMatrix.from_Matrix(form).to_field()


def collected(exponent: Expr, variables: Sequence[Symbol]) -> Expr:
    """A quadratic form over one denominator."""
    top, bottom = sympy.fraction(sympy.cancel(sympy.together(exponent)))
    if not bottom.free_symbols:
        return sympy.factor(top / bottom)
    return sympy.factor(top) / sympy.factor(bottom)
