"""Functions of one variable in numbers, and whether a result is their convolution: at points around every break point,
by a quadrature that knows nothing of how it was found.
"""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Callable, Sequence
from typing import Any

import mpmath
import numpy as np
from sympy import Symbol

from ..facts import Facts
from ..pieces import Function
from ..types import Expr, sympy
from .common import CLOSE, TRIES, WIDE, compared, concrete, drawn_values, without_cancellation, without_impulses
from .quadrature import (
    Integral,
    chirp_integral,
    from_end,
    integrals,
    principal_integral,
    principal_value,
    slow_integral,
    with_slow_tails,
)

__all__ = ["NEAR", "TOLERANCE", "Numeric", "allowed", "checked", "numeric", "poles_of", "vanishing_far_out"]

TOLERANCE = 1e-8  # asked of a quadrature
POINTS = 12


def checked(
    f: Expr,
    g: Expr,
    t: Symbol,
    result: Expr,
    facts: Facts,
    functions: tuple[Function, Function],
    conditions: Sequence[Any] = (),
    principal: bool = False,
    everywhere: bool = False,
) -> int:
    """At how many points a result was held against the integral; a CheckError where they differ.

    What has to hold `everywhere` is held at no point if it could not be at one, where the integral may diverge.
    """
    f, g, result = (concrete(e) for e in (f, g, result))
    draw = random.Random(0)
    for _ in range(TRIES):
        values = drawn_values((f, g, result), {t}, facts, conditions, draw)
        left = Numeric(f.xreplace(values), t, functions[0], values)
        right = Numeric(g.xreplace(values), t, functions[1], values)
        try:
            held = _held(left, right, result, values, principal, draw, everywhere)
        except NameError:  # of a function that NumPy and SciPy do not know
            return 0
        if held:
            return held
    return 0


def _held(
    left: Numeric,
    right: Numeric,
    result: Expr,
    values: dict[Symbol, Expr],
    principal: bool,
    draw: random.Random,
    everywhere: bool,
) -> int:
    """At how many points, with these values of the parameters."""
    evaluated, held = numeric(without_impulses(result).xreplace(values), left.t), 0
    for at in _points(left, right, draw):
        wanted = left.convolved(right, at, principal)
        if not (np.isfinite(wanted.value) and wanted.error <= 1e-3 * (wanted.size + 1e-300)):
            if everywhere:
                return 0
            continue
        held += 1
        got = complex(evaluated(at))
        if abs(got - wanted.value) > allowed(wanted):  # a derivative may have lost its digits, and a rule its way
            wanted = left.convolved(right, at, principal, exact=True)
        compared(result, left.t, at, got, wanted.value, allowed(wanted), values)
    return held


def allowed(wanted: Integral) -> float:
    return WIDE * (wanted.size + abs(wanted.value)) + 10 * wanted.error + 1e-12


class Numeric:
    """A function in numbers: its regular part, its impulses, and where it breaks."""

    def __init__(self, e: Expr, t: Symbol, function: Function, values: dict[Symbol, Expr]):
        self.t = t
        self.regular = without_impulses(e)
        exactly = {b.xreplace(values) for b in function.breaks()}
        self.exactly = {float(b): b for b in exactly}
        self.breaks = sorted(self.exactly)
        self.impulses = [
            (complex(concrete(p.coefficient).xreplace(values)), float(p.at.xreplace(values)), p.order)
            for p in function.points
        ]
        self.low = min((_end(p.low, values) for p in function.smooth), default=np.inf)
        self.high = max((_end(p.high, values) for p in function.smooth), default=-np.inf)
        self.value = _lambdified(self.regular, t)
        self._shifted: dict[float, Callable[[np.ndarray], np.ndarray]] = {}
        self._derivatives: dict[int, tuple[Expr, Callable[[float], complex]]] = {}

    def __call__(self, x: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.broadcast_to(self.value(x), np.shape(x))

    def beside(self, x: float) -> Callable[[np.ndarray], np.ndarray]:
        """The function of the distance from a point; from a break no digit of it is lost, where f may be singular."""
        close = [b for b in self.breaks if abs(b - x) <= CLOSE * max(1.0, abs(b))]
        if not close:
            return lambda distance: self(x + distance)
        if close[0] not in self._shifted:
            moved = self.regular.xreplace({self.t: self.t + self.exactly[close[0]]})
            self._shifted[close[0]] = _lambdified(moved, self.t)
        shifted = self._shifted[close[0]]
        return lambda distance: np.broadcast_to(shifted(distance), np.shape(distance))

    def derivative(self, order: int, at: float, exact: bool = False) -> complex:
        if order not in self._derivatives:
            found = without_impulses(sympy.diff(self.regular, self.t, order)) if order else self.regular
            self._derivatives[order] = found, numeric(found, self.t)
        found, fast = self._derivatives[order]
        return without_cancellation(found, {self.t: at}, {}) if exact else complex(fast(at))

    def convolved(self, other: Numeric, at: float, principal: bool, exact: bool = False) -> Integral:
        """(f ∗ g)(t), as the integral over each interval between break points, and a term for each impulse."""
        total = self._integral(other, at, principal, exact)
        for one, two in ((self, other), (other, self)):
            for coefficient, place, order in one.impulses:
                value = coefficient * two.derivative(order, at - place, exact)
                total = total + Integral(value, 1e-12 * abs(value), abs(value))
        return total

    def _integral(self, other: Numeric, at: float, principal: bool, exact: bool = False) -> Integral:
        """The integral; `exact` asks another rule too, which may know better what turns without falling."""

        def integrand(x: np.ndarray) -> np.ndarray:
            return self(x) * other(at - x)

        low, high = max(self.low, at - other.high), min(self.high, at - other.low)
        if not low < high:
            return Integral(0, 0.0, 0.0)
        breaks = {*self.breaks, *(at - b for b in other.breaks)}
        smooth = low == -np.inf and high == np.inf and not breaks
        poles = [p for p in (*self.poles, *(at - p for p in other.poles)) if low < p < high] if principal else []
        if smooth and principal:
            return principal_integral(integrand, poles)
        inside = [x for x in sorted(breaks) if low < x < high]
        if poles:
            return principal_value(integrand, [low, *inside, high], poles, TOLERANCE)
        found = integrals(integrand, [low, *inside, high], TOLERANCE)
        if breaks and not found.error <= WIDE * found.size:
            closer = self._from_ends(other, at, [low, *inside, high])
            found = closer if closer.error < found.error or not np.isfinite(found.error) else found
        if found.error <= (0 if exact else WIDE * found.size):
            return found
        other_rule = slow_integral(integrand) if smooth else with_slow_tails(integrand, [low, *inside, high], TOLERANCE)
        if not other_rule.error <= WIDE * other_rule.size:
            turning = chirp_integral(integrand, [low, *inside, high], TOLERANCE)
            other_rule = turning if turning.error <= WIDE * turning.size else other_rule
        # what the first says of its error is too little where it has to do with waves, but three digits it has
        apart = abs(other_rule.value - found.value) > max(10 * (found.error + other_rule.error), 1e-3 * found.size)
        knows_better = not apart and np.isfinite(other_rule.error) and other_rule.error <= WIDE * other_rule.size
        return other_rule if knows_better or not exact else found

    def _from_ends(self, other: Numeric, at: float, ends: Sequence[float]) -> Integral:
        """The integral over intervals, each half by the distance from its end."""
        total = Integral(0, 0.0, 0.0)
        for low, high in itertools.pairwise(ends):
            half = high - low if np.isinf(high - low) else (high - low) / 2
            for end, towards in ((low, 1), (high, -1)):
                if np.isfinite(end):
                    f, g = self.beside(end), other.beside(at - end)
                    total = total + from_end(lambda d, f=f, g=g, s=towards: f(s * d) * g(-s * d), half, TOLERANCE)
        return total

    @functools.cached_property
    def poles(self) -> list[float]:
        """The zeros of the denominator on the line."""
        denominator = sympy.fraction(sympy.together(self.regular))[1]
        bases = {factor.as_base_exp()[0] for factor in sympy.Mul.make_args(denominator)}
        found: set[float] = set()
        for base in bases:
            if base.has(self.t) and base.is_polynomial(self.t):
                found.update(_real_roots(sympy.nsimplify(base), self.t))
        others = [base for base in bases if base.has(self.t) and not base.is_polynomial(self.t)]
        if others or self.regular.has(*POLED):
            seen = self.poles_between(-SEEN, SEEN)
            found.update([p for p in seen if all(abs(p - q) > NEAR for q in found)])
        return sorted(found)

    def poles_between(self, low: float, high: float) -> list[float]:
        """The points where 1/f falls to 0 from both sides, as numbers show them."""
        x = np.linspace(low, high, 8001)
        with np.errstate(all="ignore"):
            size = np.nan_to_num(np.abs(1 / self(x)), nan=0.0, posinf=np.inf)
        lowest = np.flatnonzero((size[1:-1] <= size[:-2]) & (size[1:-1] < size[2:]) & np.isfinite(size[2:])) + 1
        found = []
        for k in lowest:
            at = _lowest(lambda at: float(np.abs(1 / self(np.array([at])))[0]), x[k - 1], x[k + 1])
            if abs(1 / self(np.array([at + 1e-9])))[0] < 1e-6:
                found.append(at)
        return found


def poles_of(e: Expr, t: Symbol) -> list[float]:
    """The poles on the line of a function without parameters."""
    return Numeric(e, t, Function(), {}).poles


NEAR = 1e-4  # by how much poles differ that are not one
POLED = (sympy.tan, sympy.cot, sympy.sec, sympy.csc, sympy.coth, sympy.csch)
SEEN = 40.0  # how far from 0 poles of these are sought


def _lowest(f: Callable[[float], float], low: float, high: float) -> float:
    """Where |x - p| is least, by the golden section."""
    ratio = (np.sqrt(5) - 1) / 2
    for _ in range(70):
        one, two = high - ratio * (high - low), low + ratio * (high - low)
        with np.errstate(all="ignore"):
            low, high = (low, two) if f(one) < f(two) else (one, high)
    return (low + high) / 2


def _real_roots(polynomial: Expr, t: Symbol) -> list[float]:
    if not polynomial.has(sympy.I):
        return [float(root) for root in sympy.real_roots(polynomial, t)]
    return [float(sympy.re(root)) for root in sympy.Poly(polynomial, t).nroots() if abs(sympy.im(root)) < CLOSE]


def _end(end: Expr, values: dict[Symbol, Expr]) -> float:
    return float(end.xreplace(values)) if not end.is_infinite else float(end)


def numeric(e: Expr, t: Symbol) -> Callable[[float], complex]:
    """An expression at numbers, by NumPy and SciPy, or by mpmath where those lack a function."""
    if e.has(sympy.hyper, sympy.meijerg, sympy.polygamma, sympy.expint, sympy.Ei, sympy.uppergamma, sympy.lowergamma):
        return lambda at: complex(e.subs(t, mpmath.mpf(at)).evalf())
    fast = _lambdified(e, t)

    def value(at: float) -> complex:
        with np.errstate(all="ignore"):
            try:
                return complex(fast(np.float64(at)))
            except NameError:  # of a function that NumPy and SciPy do not know
                return complex(e.subs(t, mpmath.mpf(at)).evalf())

    return value


def _lambdified(e: Expr, t: Symbol) -> Callable[..., Any]:
    plain = Symbol("t")  # for a Dummy, lambdify would substitute one by one, which takes most of its time
    large = {i: sympy.Float(i) for i in e.atoms(sympy.Integer) if abs(i) >= 2**53}  # no integers of NumPy
    return sympy.lambdify(plain, e.xreplace({t: plain, **large}), ["scipy", "numpy"])


def _points(left: Numeric, right: Numeric, draw: random.Random) -> list[float]:
    """One point in each interval between break points of the result, and two beyond them."""
    first = [*left.breaks, *(at for _, at, _ in left.impulses)] or [0.0]
    second = [*right.breaks, *(at for _, at, _ in right.impulses)] or [0.0]
    breaks = sorted({round(x + y, 9) for x in first for y in second})
    if len(breaks) > POINTS:
        breaks = sorted(draw.sample(breaks, POINTS))
    reach = max(1.0, breaks[-1] - breaks[0])
    found = [low + (high - low) * draw.uniform(0.2, 0.8) for low, high in itertools.pairwise(breaks)]
    beyond = [draw.uniform(0.1, 0.5) * reach, draw.uniform(0.6, 1.2) * reach]
    return sorted([*found, *(breaks[0] - x for x in beyond), *(breaks[-1] + x for x in beyond)])


def vanishing_far_out(f: Expr, g: Expr, t: Symbol, facts: Facts) -> bool:
    """Whether f(τ)·g(t - τ) is nothing far from 0 at values of the parameters: terms may grow whose sum does not."""
    draw = random.Random(0)
    values = drawn_values((f, g), {t}, facts, (), draw)
    one, two = (numeric(concrete(e).xreplace(values), t) for e in (f, g))
    for far in (40.0, 80.0, 160.0):
        for at in (far, -far):
            product = one(at + draw.random()) * two(draw.random() - at)
            if not abs(product) < 1e-9:
                return False
    return True
