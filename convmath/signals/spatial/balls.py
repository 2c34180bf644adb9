r"""Discs and balls: what two of them have in common.

At a distance d of their centres, with radii r and s, the lens is empty for d ≥ r + s, the smaller one for d ≤ |r -
s|, and between

    r²·acos((d² + r² - s²)/2dr) + s²·acos((d² + s² - r²)/2ds) - ½√((r + s - d)(d + r - s)(d - r + s)(d + r + s))   in
    the plane, π(r + s - d)²(d² + 2d(r + s) - 3(r - s)²)/12d
    in space.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sympy import Symbol

from ..errors import NotFoundError, OpenQuestion
from ..facts import Facts
from ..types import Expr, sympy

__all__ = ["Ball", "ball", "common", "convolved", "with_polynomial"]


@dataclass(frozen=True, slots=True)
class Ball:
    """value · [|x - centre| < radius]"""

    value: Expr
    centre: tuple[Expr, ...]
    radius: Expr


def ball(e: Expr, variables: Sequence[Symbol], facts: Facts) -> Ball | None:
    """The ball that an expression is the indicator of, if it is one."""
    value, rest = e.as_independent(*variables, as_Add=False)
    inside = _inside(rest)
    if inside is None:
        return None
    scale, condition = inside
    difference = sympy.expand(condition)
    if not difference.is_polynomial(*variables):
        return None
    form = sympy.hessian(difference, variables)
    size = -form[0, 0] / 2
    if form != -2 * size * sympy.eye(len(variables)) or not facts.positive(size):
        return None
    zero = dict.fromkeys(variables, 0)
    centre = tuple(sympy.cancel(sympy.diff(difference, x).subs(zero) / (2 * size)) for x in variables)
    square = sympy.cancel(difference.subs(zero) / size + sympy.Add(*(c**2 for c in centre)))
    if facts.positive(square) is None:
        raise OpenQuestion(sympy.Gt(square, 0), apart=True)
    if not facts.positive(square):
        return None
    return Ball(value * scale, centre, sympy.sqrt(sympy.factor(square)))


def _inside(e: Expr) -> tuple[Expr, Expr] | None:
    """Value and what is positive inside."""
    if isinstance(e, sympy.Heaviside):
        return sympy.S.One, e.args[0]
    if isinstance(e, sympy.Piecewise) and len(e.args) == 2 and e.args[1] == (0, True):
        value, condition = e.args[0]
        if isinstance(condition, sympy.core.relational.Relational) and not isinstance(condition, sympy.Eq | sympy.Ne):
            low, high = condition.lts, condition.gts
            if isinstance(low, sympy.Pow) and low.exp == sympy.S.Half and high.is_nonnegative:  # √(x² + y²) < r
                low, high = low.base, high**2
            return value, high - low
    return None


def convolved(f: Ball, g: Ball, variables: Sequence[Symbol], facts: Facts) -> Expr:
    squares = [(x - p - q) ** 2 for x, p, q in zip(variables, f.centre, g.centre, strict=True)]
    return f.value * g.value * common(f.radius, g.radius, sympy.sqrt(sympy.Add(*squares)), len(variables), facts)


def common(r: Expr, s: Expr, d: Expr, dimension: int, facts: Facts) -> Expr:
    """The volume of what two balls have in common, by their radii and the distance of their centres."""
    smaller = facts.before(s, r) if sympy.expand(r - s) != 0 else None
    if sympy.expand(r - s) != 0 and smaller is None:
        raise OpenQuestion(sympy.Lt(s, r))
    cases = [(_lens(r, s, d, dimension), d < r + s), (0, True)]
    if smaller is not None:
        low, gap = (s, r - s) if smaller else (r, s - r)
        cases.insert(0, (_volume(low, dimension), d <= gap))
    return sympy.Piecewise(*cases)


def _volume(r: Expr, dimension: int) -> Expr:
    return sympy.pi * r**2 if dimension == 2 else sympy.Rational(4, 3) * sympy.pi * r**3


def _lens(r: Expr, s: Expr, d: Expr, dimension: int) -> Expr:
    if dimension == 2:
        if sympy.expand(r - s) == 0:
            return 2 * r**2 * sympy.acos(d / (2 * r)) - d / 2 * sympy.sqrt(4 * r**2 - d**2)
        first = r**2 * sympy.acos((d**2 + r**2 - s**2) / (2 * d * r))
        second = s**2 * sympy.acos((d**2 + s**2 - r**2) / (2 * d * s))
        return first + second - sympy.sqrt((r + s - d) * (d + r - s) * (d - r + s) * (d + r + s)) / 2
    if dimension == 3:
        if sympy.expand(r - s) == 0:
            return sympy.pi * (2 * r - d) ** 2 * (d + 4 * r) / 12
        return sympy.pi * (r + s - d) ** 2 * (d**2 + 2 * d * (r + s) - 3 * (r - s) ** 2) / (12 * d)
    raise NotFoundError(f"balls in {dimension} dimensions are not convolved")


def with_polynomial(f: Ball, polynomial: Expr, variables: Sequence[Symbol]) -> Expr:
    r"""A polynomial averaged over a ball, by ∫_{|τ|<r} Π τᵢ^{kᵢ} = r^{n+k}·Π Γ((kᵢ+1)/2) / Γ(1 + (n+k)/2) for even
    kᵢ, else 0.
    """
    taus = [sympy.Dummy(f"u{k}") for k in range(len(variables))]
    moved = polynomial.subs(
        {x: x - c - u for x, c, u in zip(variables, f.centre, taus, strict=True)}, simultaneous=True
    )
    found = sympy.S.Zero
    for powers, coefficient in sympy.Poly(sympy.expand(moved), *taus).terms():
        if not any(k % 2 for k in powers):
            size = len(powers) + sum(powers)
            moment = sympy.prod([sympy.gamma(sympy.Rational(k + 1, 2)) for k in powers])
            found += coefficient * f.radius**size * moment / sympy.gamma(1 + sympy.Rational(size, 2))
    return sympy.factor(f.value * found)
