"""Whether a result is the convolution, in numbers: at points around every break point, by a quadrature that knows
nothing of how it was found.
"""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import mpmath
import numpy as np
from sympy import Symbol
from sympy.core.function import AppliedUndef

from .deadline import inquire
from .errors import CheckError
from .facts import Facts
from .pieces import Function
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
from .types import Expr, sympy

__all__ = [
    "TRIES",
    "WIDE",
    "Indexed",
    "Numeric",
    "at_an_index",
    "checked",
    "checked_period",
    "checked_sequence",
    "compared",
    "concrete",
    "drawn_values",
    "enough",
    "marks_of",
    "poles_of",
    "summed",
    "without_impulses",
]

TOLERANCE, WIDE = 1e-8, 1e-6  # asked of a quadrature, and allowed between it and a result
POINTS, TRIES = 12, 3
CLOSE = 1e-9  # what the last terms of a sum may still count


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
    evaluated, held = _numeric(without_impulses(result).xreplace(values), left.t), 0
    for at in _points(left, right, draw):
        wanted = left.convolved(right, at, principal)
        if not np.isfinite(wanted.value):
            continue
        if not wanted.error <= 1e-3 * (wanted.size + 1e-300):
            if everywhere:
                return 0
            continue
        held += 1
        got = complex(evaluated(at))
        if abs(got - wanted.value) > _allowed(wanted):  # a derivative may have lost its digits, and a rule its way
            wanted = left.convolved(right, at, principal, exact=True)
        compared(result, left.t, at, got, wanted.value, _allowed(wanted), values)
    return held


def _allowed(wanted: Integral) -> float:
    return WIDE * (wanted.size + abs(wanted.value)) + 10 * wanted.error + 1e-12


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
            self._derivatives[order] = found, _numeric(found, self.t)
        found, fast = self._derivatives[order]
        return _without_cancellation(found, {self.t: at}, {}) if exact else complex(fast(at))

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


def without_impulses(e: Expr) -> Expr:
    return e.replace(sympy.DiracDelta, lambda *_: sympy.S.Zero) if e.has(sympy.DiracDelta) else e


def _numeric(e: Expr, t: Symbol) -> Callable[[float], complex]:
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


# --- sequences
# -------------------------------------------------------------------------------------------------------


def checked_sequence(
    f: Expr,
    g: Expr,
    n: Symbol,
    result: Expr,
    facts: Facts,
    functions: tuple[Function, Function],
    conditions: Sequence[Any] = (),
) -> int:
    """At how many indices a result was held against the sum."""
    f, g, result = (concrete(e) for e in (f, g, result))
    draw, held, times = random.Random(0), 0, 0
    for _ in range(TRIES):
        values = drawn_values((f, g, result), {n}, facts, conditions, draw)
        left, right = (
            Indexed(e.xreplace(values), n, marks_of(h, values)) for e, h in zip((f, g), functions, strict=True)
        )
        answer = Indexed(result.xreplace(values), n)
        starts = {0, *(a + b for a, b in itertools.product(left.marks, right.marks))}
        indices = {start + step for start in starts for step in (-2, -1, 0, 1, 3)} | {draw.randint(4, 9)}
        here = 0
        for at in sorted(indices)[:40]:
            wanted, error = summed(left, right, at)
            if error <= CLOSE:
                here += 1
                compared(result, n, at, complex(answer(at)), wanted, WIDE * (1 + abs(wanted)), values)
        held, times = held + here, times + bool(here)
        if times == enough(values):
            break
    return held


def enough(values: Mapping[Symbol, Expr]) -> int:
    """At how many values of the parameters a sequence is held: at one integer a wave may be 0."""
    return 2 if any(x.is_integer for x in values) else 1


class Indexed:
    """A sequence at integers, each computed once, and the indices at which something happens."""

    def __init__(self, e: Expr, n: Symbol, marks: Sequence[int] = (0,)):
        self.marks = marks
        self.e, self.n = e.replace(sympy.Heaviside, lambda x, *_: sympy.Heaviside(x, 1)), n
        plain = Symbol("n", integer=True)
        try:
            self.fast = sympy.lambdify(plain, self.e.xreplace({n: plain}), [SWITCHED, "mpmath"])
        except KeyError:  # C(-1, n) is written by factorials that have no value
            self.fast = functools.partial(_unwritten, self.e)
        self.known: dict[int, Any] = {}

    def __call__(self, at: int) -> Any:
        """A complex number; one of mpmath's where it is too large or too small, so that products have a value."""
        if at not in self.known:
            inquire()
            self.known[at] = self._value(at)
        return self.known[at]

    def _value(self, at: int) -> Any:
        try:
            found = mpmath.mpmathify(self.fast(at))
            value = complex(found)
        except OverflowError:
            return found
        except (ArithmeticError, TypeError, ValueError, NameError):  # for what mpmath does not know, or at 0/0
            return at_an_index(self.e, {self.n: at})
        if value == 0 and found != 0:
            return found
        if np.isfinite(value):
            return value
        return found if mpmath.isfinite(found) else at_an_index(self.e, {self.n: at})


def _unwritten(e: Expr, at: int) -> Any:
    raise NameError(f"{e} is not written for mpmath")


SWITCHED = {"Heaviside": lambda x, _: int(x >= 0), "KroneckerDelta": lambda i, j: int(i == j)}


def at_an_index(e: Expr, at: Mapping[Symbol, Any]) -> complex:
    """A step that is 0 is so beside what has no value: u[n - 1]/n at 0."""
    switched = {part: part.subs(at) for part in e.atoms(sympy.Heaviside, sympy.KroneckerDelta)}
    value = e.xreplace(switched).subs(at)
    return complex(sympy.N(value.replace(sympy.hyper, _ended) if value.has(sympy.hyper) else value))


def _ended(above: Any, below: Any, z: Expr) -> Expr:
    """A hypergeometric series that ends, term by term: where it adds to 0, no precision is enough for mpmath."""
    last = min((-a for a in above if a.is_Integer and a <= 0), default=None)
    if last is None:
        return sympy.hyper(above, below, z)
    total = term = sympy.S.One
    for k in range(int(last)):
        term = term * sympy.Mul(*(a + k for a in above)) / sympy.Mul(*(b + k for b in below)) * z / (k + 1)
        total += term
    return total


def marks_of(function: Function, values: dict[Symbol, Expr]) -> list[int]:
    ends = [*function.breaks(), *(p.at for p in function.points)]
    return sorted({int(sympy.floor(end.xreplace(values))) for end in ends}) or [0]


FAR = (60, 300, 1200)  # terms to either side, and where that is not enough


def summed(left: Indexed, right: Indexed, at: int) -> tuple[complex, float]:
    """The sum, and how much its last terms still count: those around what happens in either sequence."""
    total, error = 0j, np.inf
    marks = sorted({*left.marks, *(at - mark for mark in right.marks)})
    for reach in FAR:
        total, last = 0j, 0.0
        for low, high in _stretches(marks, reach):
            terms = [complex(left(k) * right(at - k)) for k in range(low, high + 1)]
            total, last = total + sum(terms), last + sum(abs(x) for x in (*terms[:5], *terms[-5:]))
        error = last / (1 + abs(total))
        if error <= CLOSE:
            break
    return total, error


def _stretches(marks: Sequence[int], reach: int) -> list[tuple[int, int]]:
    """The indices that are no farther than that from a mark, where each stretch of them begins and ends."""
    found: list[tuple[int, int]] = []
    for mark in marks:
        low = found.pop()[0] if found and mark - reach <= found[-1][1] else mark - reach
        found.append((low, mark + reach))
    return found


# --- one period
# ------------------------------------------------------------------------------------------------------


def checked_period(
    f: Expr,
    g: Expr,
    t: Symbol,
    result: Expr,
    facts: Facts,
    functions: tuple[Function, Function],
    period: Expr,
    conditions: Sequence[Any] = (),
    principal: bool = False,
) -> int:
    """At how many points of a period a result was held against the integral or sum over it."""
    f, g, result = (concrete(e) for e in (f, g, result))
    draw, held = random.Random(0), 0
    for _ in range(TRIES if t.is_integer and period.free_symbols else 1):
        values = drawn_values((f, g, result, period), {t}, facts, conditions, draw)
        if t.is_integer:
            held += _held_at_indices(f, g, t, result, round(float(period.xreplace(values))), values)
            continue
        left, right = (Numeric(e.xreplace(values), t, h, values) for e, h in zip((f, g), functions, strict=True))
        held += _held_on_a_period(left, right, result, float(period.xreplace(values)), values, draw, principal)
    return held


def _held_at_indices(f: Expr, g: Expr, n: Symbol, result: Expr, length: int, values: dict[Symbol, Expr]) -> int:
    left, right, found = (Indexed(e.xreplace(values), n) for e in (f, g, result))
    for at in range(length):
        wanted = complex(sum(left(k) * right((at - k) % length) for k in range(length)))
        compared(result, n, at, complex(found(at)), wanted, WIDE * (1 + abs(wanted)), values)
    return length


def _held_on_a_period(
    left: Numeric,
    right: Numeric,
    result: Expr,
    length: float,
    values: dict[Symbol, Expr],
    draw: random.Random,
    principal: bool,
) -> int:
    evaluated, held = _numeric(without_impulses(result).xreplace(values), left.t), 0
    for at in [length * draw.random() for _ in range(5)]:
        breaks = {b % length for b in left.breaks} | {(at - b) % length for b in right.breaks} | {at}
        ends = [0.0, *sorted(b for b in breaks if 0 < b < length), length]
        wanted = _over_a_period(left, right, at, length, ends, principal)
        for one, two in ((left, right), (right, left)):
            for coefficient, place, order in one.impulses:
                value = coefficient * two.derivative(order, (at - place) % length)
                wanted = wanted + Integral(value, 1e-12 * abs(value), abs(value))
        if np.isfinite(wanted.value):
            held += 1
            compared(result, left.t, at, complex(evaluated(at)), wanted.value, _allowed(wanted), values)
    return held


def _over_a_period(
    left: Numeric, right: Numeric, at: float, length: float, ends: list[float], principal: bool
) -> Integral:
    """∫ over one period; where there are poles, over one that begins away from them."""
    between = (-length / 2, 3 * length / 2)
    poles = left.poles_between(*between) if principal else []
    poles += [at - p for p in right.poles_between(*between)] if principal else []
    if not poles:
        return integrals(lambda x: left(x) * right((at - x) % length), ends, TOLERANCE)
    once = sorted({round((p + NEAR) % length, 6): (p + NEAR) % length - NEAR for p in poles}.values())
    gaps = [(high - low, low) for low, high in itertools.pairwise([*once, once[0] + length])]
    width, low = max(gaps)
    start = low + width / 2
    inside = [start + (p - start) % length for p in once]
    marks = sorted({start + (e - start) % length for e in ends} - {start})
    apart = [e for e in marks if min(abs(e - p) for p in inside) > CLOSE]
    return principal_value(
        lambda x: left(x % length) * right((at - x) % length), [start, *apart, start + length], inside, TOLERANCE
    )


def compared(
    result: Expr, t: Any, at: Any, got: complex, wanted: complex, allowed: float, values: dict[Symbol, Expr]
) -> None:
    inquire()
    if abs(got - wanted) <= allowed:
        return
    got = _without_cancellation(
        result, dict(zip(t, at, strict=True)) if isinstance(t, sympy.Tuple) else {t: at}, values
    )
    if not abs(got - wanted) <= allowed:
        raise CheckError(result, {**values, t: at}, got, wanted)


DIGITS = 2000  # and no more, where values cancel


def _without_cancellation(e: Expr, at: dict[Any, Any], values: dict[Symbol, Expr]) -> complex:
    """An expression with as many digits as it needs, which is slow."""
    exact = {x: sympy.Rational(float(value)) for x, value in at.items()}
    try:
        return complex(without_impulses(e).xreplace({**values, **exact}).evalf(20, maxn=DIGITS))
    except (TypeError, OverflowError):  # it is no number, or none for doubles
        return complex("nan")
