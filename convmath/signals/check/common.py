"""What every check needs: values of the parameters, and the comparison of a result with a number."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from sympy import Symbol
from sympy.core.function import AppliedUndef

from ..deadline import inquire
from ..errors import CheckError
from ..facts import Facts
from ..types import Expr, sympy

__all__ = [
    "CLOSE",
    "TRIES",
    "WIDE",
    "compared",
    "concrete",
    "drawn_values",
    "without_cancellation",
    "without_impulses",
]

WIDE = 1e-6  # allowed between a result and the number that it is held against
CLOSE = 1e-9  # what the last terms of a sum may still count
TRIES = 3  # values of the parameters, where at others there is nothing to hold against


def drawn_values(
    expressions: Sequence[Expr], inside: set[Symbol], facts: Facts, conditions: Sequence[Any], draw: random.Random
) -> dict[Symbol, Expr]:
    """Values of all symbols but the variables, those in conditions too, for which everything holds."""
    symbols = set().union(*(e.free_symbols for e in expressions)) - inside
    return facts.sample(symbols, draw, conditions, expressions)


def concrete(e: Expr) -> Expr:
    """A function that stands for any is checked as one that has no symmetry."""
    named = {function.func for function in e.atoms(AppliedUndef)}
    for kind in sorted(named, key=str):
        place = sum(map(ord, kind.__name__)) % 11  # the same in every expression
        e = e.replace(kind, lambda *x, place=place: sympy.sin(sympy.Add(*x)) + (sympy.Add(*x) + place) ** 3 / 10)
    return e.doit() if named else e


def without_impulses(e: Expr) -> Expr:
    return e.replace(sympy.DiracDelta, lambda *_: sympy.S.Zero) if e.has(sympy.DiracDelta) else e


def compared(
    result: Expr, t: Any, at: Any, got: complex, wanted: complex, allowed: float, values: dict[Symbol, Expr]
) -> None:
    inquire()
    if abs(got - wanted) <= allowed:
        return
    got = without_cancellation(result, dict(zip(t, at, strict=True)) if isinstance(t, sympy.Tuple) else {t: at}, values)
    if not abs(got - wanted) <= allowed:
        raise CheckError(result, {**values, t: at}, got, wanted)


DIGITS = 2000  # and no more, where values cancel


def without_cancellation(e: Expr, at: dict[Any, Any], values: dict[Symbol, Expr]) -> complex:
    """An expression with as many digits as it needs, which is slow."""
    exact = {x: sympy.Rational(float(value)) for x, value in at.items()}
    try:
        return complex(without_impulses(e).xreplace({**values, **exact}).evalf(20, maxn=DIGITS))
    except (TypeError, OverflowError):  # it is no number, or none for doubles
        return complex("nan")
