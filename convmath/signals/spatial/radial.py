r"""Functions of the distance from a point.

Poisson kernels, Γ((n+1)/2)/π^{(n+1)/2}·a/(|x|² + a²)^{(n+1)/2} in n dimensions, have widths a that add; for n = 1 it is
Cauchy's density a/π(x² + a²).

In three dimensions the integral of f over planes at the distance s, P(s) = 2π∫_{|s|}^∞ f(r) r dr, is convolved along
the line, P_{f∗g} = P_f ∗ P_g, and f(r) = -P′(r)/2πr, so that a constant in P does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sympy import Symbol

from ..errors import DivergentError, NotFoundError
from ..facts import Facts
from ..types import Expr, sympy

__all__ = ["Kernel", "by_planes", "convolved", "kernel"]


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


# --- three dimensions, by planes ---------------------------------------------------------------------------------

DISTANCE = sympy.Dummy("r", positive=True)
Along = Callable[[Expr, Expr, Symbol, Facts], Expr]


def by_planes(f: Expr, g: Expr, variables: Sequence[Symbol], facts: Facts, along: Along) -> Expr:
    if len(variables) != 3:
        raise NotFoundError("functions of the distance are convolved by planes in three variables")
    s = sympy.Dummy("s", real=True)
    centres = [_centre(e, variables) for e in (f, g)]
    centred = [
        e.subs({x: x + c for x, c in zip(variables, m, strict=True)}) for e, m in zip((f, g), centres, strict=True)
    ]
    left, right = (_over_planes(_of_distance(e, variables), s, facts, along) for e in centred)
    try:
        value = along(left, right, s, facts).subs(s, DISTANCE)
    except DivergentError:  # it may be by a constant, which does not matter
        raise NotFoundError("integrals over planes are not convolved where they grow") from None
    found = -sympy.diff(value, DISTANCE) / (2 * sympy.pi * DISTANCE)
    found = found.replace(sympy.DiracDelta, lambda *_: sympy.S.Zero) if found.has(sympy.DiracDelta) else found
    if isinstance(found := sympy.piecewise_fold(found), sympy.Piecewise):
        found = sympy.Piecewise(*((_collected(e), condition) for e, condition in found.args))
    else:
        found = _collected(found)
    moved = [x - a - b for x, a, b in zip(variables, *centres, strict=True)]
    return found.subs(DISTANCE, sympy.sqrt(_square(moved)))


def _collected(e: Expr) -> Expr:
    return sympy.collect(sympy.expand(e), list(e.atoms(sympy.exp, sympy.erf)), sympy.factor)


def _centre(e: Expr, variables: Sequence[Symbol]) -> list[Expr]:
    """The point that a quadratic form in the variables is taken around."""
    zero = dict.fromkeys(variables, 0)
    for part in sorted(e.atoms(sympy.Add), key=sympy.default_sort_key):
        if not part.is_polynomial(*variables):
            continue
        size = sympy.diff(part, variables[0], 2) / 2
        if size != 0 and sympy.hessian(part, variables) == 2 * size * sympy.eye(len(variables)):
            return [-sympy.diff(part, x).subs(zero) / (2 * size) for x in variables]
    return [sympy.S.Zero] * len(variables)


def _square(variables: Sequence[Expr]) -> Expr:
    return sympy.Add(*(x**2 for x in variables))


def _of_distance(e: Expr, variables: Sequence[Symbol]) -> Expr:
    """A function of r = |x| as one of r."""
    *others, last = variables
    found = e.subs(last**2, DISTANCE**2 - _square(others))
    found = found.replace(lambda part: part.is_Add, sympy.expand)
    if found.has(*variables):
        raise NotFoundError(f"{e} is no function of the distance from the origin")
    return found


def _over_planes(f: Expr, s: Symbol, facts: Facts, along: Along) -> Expr:
    """P(s), from 2π·r·f(r) for r > 0 and a step that is turned."""
    part = sympy.expand(2 * sympy.pi * DISTANCE * f)
    try:
        value = along(part.subs(DISTANCE, s) * sympy.Heaviside(s), sympy.Heaviside(-s), s, facts)
        found = value.subs(s, DISTANCE)
    except DivergentError:
        found = -sympy.integrate(part, DISTANCE)
    if found.has(sympy.Integral):
        raise NotFoundError(f"the integral of {f} over planes is not found")
    return found.subs(DISTANCE, sympy.Abs(s))
