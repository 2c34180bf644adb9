r"""Poisson kernels: Γ((n+1)/2)/π^{(n+1)/2}·a/(|x|² + a²)^{(n+1)/2} in n dimensions, whose widths a add.

For n = 1 it is Cauchy's density a/π(x² + a²).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sympy import Symbol

from ..facts import Facts
from ..types import Expr, sympy

__all__ = ["Kernel", "convolved", "kernel"]


@dataclass(frozen=True, slots=True)
class Kernel:
    """value · (|x - centre|² + width²)^{-(n+1)/2}"""

    value: Expr
    centre: tuple[Expr, ...]
    width: Expr


def kernel(e: Expr, variables: Sequence[Symbol], facts: Facts) -> Kernel | None:
    """The Poisson kernel that an expression is a multiple of, if it is one."""
    value, rest = e.as_independent(*variables, as_Add=False)
    power = -sympy.Rational(len(variables) + 1, 2)
    if not (isinstance(rest, sympy.Pow) and rest.exp == power):
        return None
    base = sympy.expand(rest.base)
    if not base.is_polynomial(*variables):
        return None
    form = sympy.hessian(base, variables)
    size = form[0, 0] / 2
    if form != 2 * size * sympy.eye(len(variables)) or not facts.positive(size):
        return None
    zero = dict.fromkeys(variables, 0)
    centre = tuple(-sympy.diff(base, x).subs(zero) / (2 * size) for x in variables)
    square = sympy.factor(base.subs(zero) / size - sympy.Add(*(c**2 for c in centre)))
    if not facts.positive(square):
        return None
    return Kernel(value * size**power, centre, sympy.sqrt(square))


def convolved(f: Kernel, g: Kernel, variables: Sequence[Symbol]) -> Expr:
    half = sympy.Rational(len(variables) + 1, 2)
    scale = sympy.pi**half / sympy.gamma(half)  # the integral of a kernel, times its width
    width = f.width + g.width
    squares = [(x - p - q) ** 2 for x, p, q in zip(variables, f.centre, g.centre, strict=True)]
    front = f.value * g.value * scale * width / (f.width * g.width)
    return front / (sympy.Add(*squares) + width**2) ** half
