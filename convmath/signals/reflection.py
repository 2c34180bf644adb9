"""conj f(-t), which a correlation convolves with its second function.

>>> import sympy
>>> t = sympy.Symbol("t", real=True)
>>> reflected(sympy.exp(sympy.I * t) * t, (t,))
-t*exp(I*t)
>>> reflected(t, (t,), sympy.Integer(3))
3 - t
"""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Symbol

from .types import Expr, sympy

__all__ = ["reflected"]

REAL = (sympy.factorial, sympy.binomial, sympy.gamma, sympy.harmonic, sympy.besselj, sympy.besseli)


def reflected(f: Expr, variables: Sequence[Symbol], period: Expr | None = None) -> Expr:
    """conj f(-x); with a period f goes on from one period to the next."""
    f = sympy.conjugate(f).replace(sympy.conjugate, _conjugated)
    if period is None:
        return f.subs({x: -x for x in variables}, simultaneous=True)
    [x] = variables
    return _on_a_period(f, x, period)


def _on_a_period(f: Expr, x: Symbol, period: Expr) -> Expr:
    """f(-x) on the period from 0 on, where f goes on from one period to the next: f(P - x), and f(0) at 0."""
    beyond = f.subs(x, period - x)
    if x.is_integer:
        return sympy.Piecewise((f.subs(x, 0), sympy.Eq(x, 0)), (beyond, True))
    # what is infinite at 0 is there still, and not at P
    nothing = f.replace(sympy.DiracDelta, lambda *_: sympy.S.Zero)
    there = f.replace(sympy.DiracDelta, lambda at, *k: sympy.DiracDelta(at, *k) if at.subs(x, 0) == 0 else sympy.S.Zero)
    return beyond + (there - nothing).subs(x, -x)


def _conjugated(e: Expr) -> Expr:
    """The conjugate of what is real for real arguments, or where its argument is positive."""
    base, power = e.as_base_exp()
    if isinstance(e, REAL) and all(x.is_extended_real for x in e.args):
        return e
    inner = e.args[0] if isinstance(e, sympy.log) else base if power.is_extended_real and base is not e else None
    if inner is not None and inner.is_extended_real:
        return sympy.Piecewise((e, inner > 0), (sympy.conjugate(e), True))
    return sympy.conjugate(base) ** power if power.is_Integer and power != 1 else sympy.conjugate(e)
