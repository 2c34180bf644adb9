"""Random pairs of a cell of the table: what the library answers, beside what numbers say."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

from sympy import Symbol

import convmath as cm
from convmath.signals import Convolution
from convmath.signals.errors import DivergentError
from convmath.signals.types import Expr, sympy

from .drawn import CONTINUOUS, DISCRETE, Draw, Signal, n, t
from .quadrature import Numeric, Unknown, at_points, converges, convolved, summed

__all__ = ["Outcome", "Pair", "drawn", "tried"]

CLOSE = 1e-6


@dataclass(frozen=True)
class Pair:
    """Two functions of one time, with values for their parameters."""

    f: Signal
    g: Signal
    variable: Symbol
    draw: Draw

    def __str__(self) -> str:
        values = f", {self.draw.values}" if self.draw.values else ""
        return f"convolve({self.f.expression}, {self.g.expression}, {self.variable}){values}"


@dataclass(frozen=True)
class Outcome:
    """`equal`, `diverges` (in numbers too) or `refused`, with a reason; or `wrong`, with what is wrong."""

    kind: str
    said: str = ""
    seconds: float = 0.0
    points: int = 0


def drawn(first: str, second: str, source: random.Random, waves: bool = True) -> Pair:
    """A pair of two classes, in either order."""
    classes, variable = (CONTINUOUS, t) if first in CONTINUOUS else (DISCRETE, n)
    draw = Draw(source, waves=waves)
    f, g = classes[first](draw), classes[second](draw)
    if draw.chance(2):
        f, g = g, f
    return Pair(f, g, variable, draw)


def tried(pair: Pair) -> Outcome:
    f, g = (Numeric(signal, pair.draw.values, pair.variable) for signal in (pair.f, pair.g))
    exists = converges(f, g)
    start = time.perf_counter()
    try:
        result = cm.Convolution(pair.f.expression, pair.g.expression, pair.variable).solve(assume=pair.draw.assume)
    except DivergentError as error:
        kind = "wrong" if exists else "diverges"
        return Outcome(kind, f"it diverges, it says: {error}", time.perf_counter() - start)
    except Exception as error:  # every one is a finding
        return Outcome("wrong", f"{type(error).__name__}: {error}", time.perf_counter() - start)
    seconds = time.perf_counter() - start
    if result.expr.has(sympy.Float):
        return Outcome("wrong", f"{result.expr} has rounded numbers", seconds)
    answer = result.expr.xreplace(pair.draw.values)
    if answer.has(Convolution):
        if not exists:
            return Outcome("diverges", "its conditions do not hold, or it may diverge", seconds)
        if not result.reason:
            return Outcome("wrong", f"{result.expr} has no answer here", seconds)
        return Outcome("refused", result.reason, seconds)
    if exists is False:
        return Outcome("wrong", f"{result.expr} was found for what diverges", seconds)
    wrong, points = _compared(answer, f, g, pair)
    return Outcome("wrong", f"{result.expr} {wrong}", seconds) if wrong else Outcome("equal", "", seconds, points)


def _compared(answer: Expr, f: Numeric, g: Numeric, pair: Pair) -> tuple[str, int]:
    """What is wrong, if anything, and at how many points that was asked."""
    answer = answer.replace(sympy.DiracDelta, lambda *_: sympy.S.Zero)
    held = 0
    for at in at_points(f, g, pair.draw.source):
        try:
            wanted = summed(f, g, at) if isinstance(at, int) else convolved(f, g, at)
        except Unknown:
            continue
        held += 1
        got = _number(answer, pair.variable, at)
        if not abs(got - wanted) <= CLOSE * (1 + abs(wanted)):
            return f"is {got} at {at}, where {wanted} was computed", held
    return "", held


def _number(e: Expr, x: Symbol, at: float) -> complex:
    value = e.subs(x, sympy.sympify(at) if isinstance(at, int) else sympy.Rational(at))
    if isinstance(at, int):  # a series that ends, and adds to 0, is none to mpmath
        value = value.replace(sympy.hyper, lambda *of: sympy.hyperexpand(sympy.hyper(*of)))
    try:
        return complex(value.evalf(20))
    except TypeError:
        return complex("nan")
