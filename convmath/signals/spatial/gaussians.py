r"""Polynomials times exponentials of quadratic forms.

With S = A + B positive definite and v = a - b + 2Bx,

    ∫ exp(-τᵀAτ + aᵀτ)·exp(-(x - τ)ᵀB(x - τ) + bᵀ(x - τ)) dτ = π^{n/2}/√|S| · exp(¼·vᵀS⁻¹v - xᵀBx + bᵀx),

and a power of τ or of x - τ is a derivative by a or by b. For A = Σ⁻¹/2 this says that covariances add.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from sympy import Matrix, Symbol

from ..errors import DivergentError, NotFoundError, OpenQuestion
from ..facts import Facts
from ..types import Expr, sympy

__all__ = ["Term", "collected", "convolved", "terms"]


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


def _pair(f: Term, g: Term, variables: Sequence[Symbol], facts: Facts) -> Expr:
    total = f.form + g.form
    for size in range(1, len(variables) + 1):
        minor = sympy.factor(total[:size, :size].det())
        if (positive := facts.positive(minor)) is None:
            raise OpenQuestion(sympy.Gt(minor, 0), apart=True)
        if not positive:
            raise DivergentError(
                f"the integral diverges: the quadratic form {total.tolist()} of its exponent is not positive definite"
            )
    x = Matrix(variables)
    a = Matrix([sympy.Dummy(f"a{k}") for k in range(len(variables))])
    b = Matrix([sympy.Dummy(f"b{k}") for k in range(len(variables))])
    v = a - b + 2 * g.form * x
    exponent = (v.T * total.inv() * v)[0] / 4 - (x.T * g.form * x)[0] + (b.T * x)[0]
    value = sympy.exp(exponent)
    for symbol, times in (*zip(a.flat(), f.powers, strict=True), *zip(b.flat(), g.powers, strict=True)):
        value = sympy.diff(value, symbol, times) if times else value
    factor = sympy.cancel(value / sympy.exp(exponent))
    known = dict(zip((*a, *b), (*f.linear, *g.linear), strict=True))
    front = sympy.pi ** sympy.Rational(len(variables), 2) / sympy.sqrt(sympy.factor(total.det()))
    written = collected(sympy.expand(exponent.subs(known) + f.constant + g.constant), variables)
    return f.coefficient * g.coefficient * front * sympy.factor(factor.subs(known)) * sympy.exp(written)


def collected(exponent: Expr, variables: Sequence[Symbol]) -> Expr:
    """A quadratic form with its coefficients in factors."""
    return sympy.factor(
        sympy.Add(
            *(
                sympy.factor(c) * sympy.prod(x**k for x, k in zip(variables, powers, strict=True))
                for powers, c in sympy.Poly(exponent, *variables).terms()
            )
        )
    )
