"""Functions and sequences drawn at random, class by class, with what a quadrature must know of them.

A source of random numbers decides: Hypothesis's (`st.randoms`), so that laws shrink, or Python's own.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sympy import Abs, Heaviside, Max, Piecewise, Rational, Symbol, cos, exp, oo, sign, sin

from convmath.signals.types import Expr, sympy

__all__ = ["CONTINUOUS", "DISCRETE", "Draw", "Signal", "n", "t"]

t = Symbol("t", real=True)
n = Symbol("n", integer=True)


@dataclass(frozen=True)
class Signal:
    """A function, where it breaks and begins and ends, and how it grows.

    It goes as e^{left·t} towards -∞ and as e^{right·t} towards ∞, with t^{-falls} beside. Of sequences, left and right
    are the logarithms of their bases.
    """

    expression: Expr
    breaks: tuple[Expr, ...] = ()
    low: Expr = -oo
    high: Expr = oo
    left: Expr = oo  # where it is bounded, or falls faster than any exponential
    right: Expr = -oo
    falls: int = 0
    impulses: tuple[tuple[Expr, Expr, int], ...] = ()  # factor, place and order

    def __add__(self, other: Signal) -> Signal:
        left, right = sympy.Min(self.left, other.left), sympy.Max(self.right, other.right)
        # the power counts of what grows most, on a side on which there is something
        most = [one for one in (self, other) if one.left == left != oo or one.right == right != -oo]
        return Signal(
            self.expression + other.expression,
            (*self.breaks, *other.breaks),
            sympy.Min(self.low, other.low),
            sympy.Max(self.high, other.high),
            left,
            right,
            min(one.falls for one in most or (self, other)),
            (*self.impulses, *other.impulses),
        )


@dataclass
class Draw:
    """Choices, and the parameters drawn so far with their values."""

    source: random.Random
    parameters: int = 2  # at most
    degree: int = 3  # of polynomials, at most
    waves: bool = True
    values: dict[Symbol, Expr] = field(default_factory=dict)

    def choice(self, options: Any) -> Any:
        return self.source.choice(list(options))

    def integer(self, low: int, high: int) -> int:
        return self.source.randint(low, high)

    def chance(self, one_in: int) -> bool:
        return self.source.randint(1, one_in) == one_in

    def number(self) -> Expr:
        """A rational number other than 0."""
        return Rational(self.choice((1, 2, -1, 3, -2, -3)), self.choice((1, 1, 2, 3)))

    def positive(self) -> Expr:
        """A positive number, or a positive parameter."""
        if self.parameters and self.chance(4):
            return self._parameter("abc", positive=True)
        return Rational(self.choice((1, 2, 3, 5)), self.choice((1, 2, 3)))

    def place(self) -> Expr:
        """A point on the line."""
        if self.parameters and self.chance(12):
            return self._parameter("pqr", real=True)
        return Rational(self.choice((0, 0, 0, 1, -1, 2, -2, 3)), self.choice((1, 1, 2)))

    def index(self) -> Expr:
        """An integer parameter."""
        return self._parameter("jkm", integer=True)

    def fraction(self) -> Expr:
        """A parameter between 0 and 1."""
        return self._parameter("xyz", positive=True)

    def _parameter(self, names: str, **assumed: bool) -> Symbol:
        """One of the parameters drawn before, or a new one as long as there may be more."""
        known = [s for s in self.values if s.name in names]
        if len(self.values) >= self.parameters:
            if known:
                return self.choice(known)
            return sympy.Integer(1) if assumed.get("integer") else Rational(self.integer(1, 3), 4)
        symbol = Symbol(names[len(known)], **assumed)
        size = SIZES[names](self)
        self.values[symbol] = size if symbol.is_positive else size * self.choice((1, -1))
        return symbol

    @property
    def assume(self) -> list[Any]:
        """What must be said of the parameters besides their signs."""
        return [symbol < 1 for symbol in self.values if symbol.name in "xyz"]

    def several(self, kind: Callable[[Draw], Signal]) -> Signal:
        """One function of a kind, or now and then a sum of two."""
        return kind(self) + kind(self) if self.chance(4) else kind(self)


SIZES: dict[str, Callable[[Draw], Expr]] = {
    "abc": lambda d: Rational(d.integer(4, 25), 10),
    "pqr": lambda d: Rational(d.integer(4, 25), 10),
    "xyz": lambda d: Rational(d.integer(2, 8), 10),
    "jkm": lambda d: sympy.Integer(d.integer(0, 3)),
}


# --- continuous ---------------------------------------------------------------------------------------------------


def _polynomial(d: Draw, s: Expr, most: int = 3) -> Expr:
    powers = d.choice([p for p in ((0,), (1,), (0, 1), (2,), (0, 2), (3,)) if max(p) <= min(most, d.degree)])
    return sympy.Add(*(d.number() * s**k for k in powers))


def _wave(d: Draw, s: Expr) -> Expr:
    kind = d.choice((None, None, None, sin, cos)) if d.waves else None
    return sympy.S.One if kind is None else kind(d.positive() * s + d.choice((0, 0, 0, 1)))


def impulses(d: Draw) -> Signal:
    factor, at, order = d.number(), d.place(), d.choice((0, 0, 0, 1, 1, 2))
    delta = sympy.DiracDelta(t - at, order) if order else sympy.DiracDelta(t - at)
    return Signal(factor * delta, (at,), at, at, impulses=((factor, at, order),))


def box(d: Draw) -> Signal:
    """A polynomial, exponential or wave between two points, in one of the ways in which people write it."""
    low, high = d.place(), d.positive()
    high = low + high
    value = d.choice(
        (
            lambda: d.number(),
            lambda: d.number(),
            lambda: _polynomial(d, t),
            lambda: _polynomial(d, t - low) * exp(-d.positive() * t),
            lambda: _polynomial(d, t, 1) * _wave(d, t),
        )
    )()
    u = Heaviside
    window = d.choice(
        (
            u(t - low) - u(t - high),
            u(t - low) * u(high - t),
            Piecewise((1, (t > low) & (t < high)), (0, True)),
            Piecewise((0, t < low), (1, t < high), (0, True)),
            Piecewise((1, Abs(t - (low + high) / 2) < (high - low) / 2), (0, True)),
            (sign(t - low) - sign(t - high)) / 2,
            u((high - low) / 2 - Abs(t - (low + high) / 2)),
            u((t - low) * (high - t)),
        )
    )
    return Signal(value * window, (low, high), low, high)


def triangle(d: Draw) -> Signal:
    middle, width = d.place(), d.positive()
    ends = (middle - width, middle, middle + width)
    value = d.choice(
        (
            Max(0, 1 - Abs(t - middle) / width),
            Max(0, width - Abs(t - middle)),
            Piecewise((width - Abs(t - middle), Abs(t - middle) < width), (0, True)),
            Piecewise((0, t < ends[0]), (t - ends[0], t < middle), (ends[2] - t, t < ends[2]), (0, True)),
            Heaviside(t - ends[0]) * Heaviside(ends[2] - t) * (1 - (t - middle) ** 2 / width**2),
            Max(0, width**2 - (t - middle) ** 2),
        )
    )
    return Signal(d.number() * value, ends, ends[0], ends[2])


def bounded(d: Draw) -> Signal:
    return d.choice((box, triangle))(d)


def causal(d: Draw) -> Signal:
    """A polynomial times an exponential and a wave, from a point on."""
    at = d.place()
    s = d.choice((t, t - at))
    rate = d.choice((lambda: 0, lambda: -d.positive(), lambda: -d.positive(), lambda: Rational(1, 3)))()
    step = d.choice((Heaviside(t - at), Piecewise((1, t > at), (0, True)), (1 + sign(t - at)) / 2))
    value = _polynomial(d, s)
    falls = -int(sympy.degree(value, t))
    return Signal(value * exp(rate * s) * _wave(d, s) * step, (at,), low=at, right=sympy.sympify(rate), falls=falls)


def anticausal(d: Draw) -> Signal:
    at, rate = d.place(), d.positive()
    step = d.choice((Heaviside(at - t), Piecewise((1, t < at), (0, True))))
    return Signal(_polynomial(d, t) * exp(rate * t) * _wave(d, t) * step, (at,), high=at, left=rate)


def two_sided(d: Draw) -> Signal:
    """What falls exponentially on both sides."""
    at, rate = d.place(), d.positive()
    s = Abs(t - at)
    value = d.choice((sympy.S.One, sympy.S.One, s, 1 + s, t, sign(t - at), cos(d.positive() * t)))
    return Signal(d.number() * value * exp(-rate * s), (at,), left=rate, right=-rate)


def whole(d: Draw) -> Signal:
    """A polynomial, a wave or an exponential on all of the line."""
    rate = d.choice((sympy.S.Zero, sympy.S.Zero, sympy.S.Zero, Rational(1, 4), Rational(-1, 4)))
    value = _polynomial(d, t)
    falls = -int(sympy.degree(value, t))
    return Signal(value * exp(rate * t) * _wave(d, t), left=rate, right=rate, falls=falls)


def steps(d: Draw) -> Signal:
    """What jumps or bends, and grows as a power to both sides."""
    at = d.place()
    value, degree = d.choice(
        (
            (sign(t - at), 0),
            (Abs(t - at), 1),
            (t * sign(t - at), 1),
            (Piecewise((d.number() * t, t < at), (1 - d.number() * t, True)), 1),
            (Piecewise((d.number(), t < at), (t**2, True)), 2),
            (1 + Max(0, t - at), 1),
            (sympy.Min(t, at) - 5, 1),  # other than 0 on both sides
        )
    )
    return Signal(d.number() * value, (at,), left=sympy.S.Zero, right=sympy.S.Zero, falls=-degree)


def gaussian(d: Draw) -> Signal:
    at, size = d.place(), d.positive()
    beside = (1, 1, 1, exp(d.number() * t), *((cos(d.positive() * t),) if d.waves else ()))
    value = _polynomial(d, t) * d.choice(beside)
    return Signal(value * exp(-size * (t - at) ** 2))


def truncated(d: Draw) -> Signal:
    """A Gaussian on part of the line."""
    whole_line, at = gaussian(d), d.place()
    high = at + d.positive()
    window, low, up = d.choice(
        (
            (Heaviside(t - at), at, oo),
            (Heaviside(at - t), -oo, at),
            (Heaviside(t - at) - Heaviside(t - high), at, high),
        )
    )
    breaks = tuple(x for x in (low, up) if not x.is_infinite)
    return Signal(whole_line.expression * window, breaks, low, up)


def error(d: Draw) -> Signal:
    """An error function, with a power or an exponential beside it."""
    slope, at, rate = d.positive(), d.place(), d.choice((0, 0, 0, Rational(1, 4), Rational(-1, 4)))
    inner = d.choice((1, -1)) * slope * (t - at)
    power = d.choice((0, 0, 1))
    up, down = sympy.erf(inner), d.choice((1 + sympy.erf(inner), sympy.erfc(inner)))
    rate, value = sympy.sympify(rate), d.choice((up, down))
    grows = value.subs(t, oo), value.subs(t, -oo)
    right, left = rate if grows[0] != 0 else -oo, rate if grows[1] != 0 else oo
    return Signal(t**power * exp(rate * t) * value, left=left, right=right, falls=-power)


def power(d: Draw) -> Signal:
    """A real power and an exponential, from a point on."""
    return _power(d, -d.positive() if d.chance(3) else sympy.S.Zero, lambda s: sympy.S.One)


def logarithm(d: Draw) -> Signal:
    """A logarithm with a real power beside it, from a point on."""
    return _power(d, sympy.S.Zero, sympy.log)


def _power(d: Draw, rate: Expr, beside: Callable[[Expr], Expr]) -> Signal:
    at, exponent = d.choice((0, 0, 0, 1, Rational(-1, 2))), Rational(d.choice((-1, 1, 3, -2, 5)), d.choice((2, 3)))
    if exponent <= -1:
        exponent = exponent + 1
    at = sympy.sympify(at)
    s = t - at
    exponent = d.choice((exponent, exponent, sympy.S.Half, sympy.S.Zero, sympy.S.One))
    if exponent.is_Integer and beside(s) == 1:
        exponent += sympy.S.Half
    value = s**exponent * beside(s)
    written = d.choice((value * exp(rate * s) * Heaviside(s), Piecewise((value * exp(rate * s), t > at), (0, True))))
    return Signal(d.number() * written, (at,), low=at, right=rate, falls=-int(sympy.ceiling(exponent)))


def rational(d: Draw) -> Signal:
    """A rational function without poles on the line."""
    at, width = d.place(), d.positive()
    s = t - at
    value = d.choice(
        (
            1 / (s**2 + width**2),
            1 / (s**2 + width**2),
            1 / (s**2 + width**2) ** 2,
            s / (s**2 + width**2) ** 2,
            s / (s**2 + width**2),
            1 / ((s**2 + width**2) * (t**2 + 1)),
            1 / (t**2 + t + 1),
            (t - 1) / (t**2 + 1) - t / (t**2 + 4),
        )
    )
    above, below = (sympy.degree(e, t) for e in sympy.fraction(sympy.cancel(value)))
    return Signal(d.number() * value, left=sympy.S.Zero, right=sympy.S.Zero, falls=int(below - above))


def sinc(d: Draw) -> Signal:
    """A wave that falls as a power of t."""
    w, at = d.positive(), d.place()
    s = t - at
    value, falls = d.choice(
        (
            (sin(w * s) / s, 1),
            (sin(w * s) / (sympy.pi * s), 1),
            (sin(w * s) ** 2 / s**2, 2),
            ((1 - cos(w * s)) / s**2, 2),
            (sympy.sinc(w * s), 1),
            (cos(w * t) / (s**2 + 1), 2),
        )
    )
    return Signal(d.number() * value, left=sympy.S.Zero, right=sympy.S.Zero, falls=falls)


CONTINUOUS: dict[str, Callable[[Draw], Signal]] = {
    "impulses": lambda d: d.several(impulses),
    "bounded": lambda d: d.several(bounded),
    "causal": lambda d: d.several(causal),
    "anticausal": lambda d: d.several(anticausal),
    "two-sided": lambda d: d.several(two_sided),
    "whole": whole,
    "steps": steps,
    "gaussian": lambda d: d.several(gaussian),
    "truncated": truncated,
    "error": error,
    "power": power,
    "logarithm": logarithm,
    "rational": rational,
    "sinc": sinc,
}

# --- discrete -----------------------------------------------------------------------------------------------------


def _index(d: Draw) -> Expr:
    """A point of the integers, now and then a parameter."""
    if d.parameters and d.chance(12):
        return d.index()
    return sympy.Integer(d.choice((0, 0, 0, 1, -1, 2, -2, 3)))


def _base(d: Draw) -> Expr:
    """The base of what falls: between 0 and 1, or a parameter there, or negative."""
    if d.parameters and d.chance(5):
        return d.fraction()
    return Rational(d.choice((1, 1, 2, -1, 3)), d.choice((4, 5)))


def _turn(d: Draw) -> Expr:
    kind = d.choice((None, None, None, sin, cos)) if d.waves else None
    w = d.choice((sympy.pi / 3, sympy.pi / 2, sympy.S.One))
    return sympy.S.One if kind is None else kind(w * n)


def points(d: Draw) -> Signal:
    """A few impulses, written one by one."""
    total = Signal(sympy.S.Zero, low=oo, high=-oo)
    for _ in range(d.integer(1, 3)):
        at = _index(d)
        total = total + Signal(d.number() * sympy.KroneckerDelta(n, at), (at,), at, at)
    return total


def stretch(d: Draw) -> Signal:
    """A polynomial or an exponential between two integers."""
    low = _index(d)
    high = low + d.integer(1, 4)  # not included
    u = Heaviside
    value = d.choice((lambda: d.number(), lambda: _polynomial(d, n, 2), lambda: _base(d) ** n, lambda: _turn(d)))()
    window = d.choice(
        (
            u(n - low, 1) - u(n - high, 1),
            Piecewise((1, (n >= low) & (n < high)), (0, True)),
            Piecewise((1, (n >= low) & (n <= high - 1)), (0, True)),
            u(n - low, 1) * u(high - 1 - n, 1),
        )
    )
    return Signal(value * window, (low, high), low, high - 1)


def since(d: Draw) -> Signal:
    """A polynomial times a power and a wave, from an index on."""
    at = _index(d)
    base = d.choice((lambda: sympy.S.One, lambda: _base(d), lambda: _base(d), lambda: sympy.Integer(2)))()
    step = d.choice((Heaviside(n - at, 1), Piecewise((1, n >= at), (0, True)), Piecewise((0, n < at), (1, True))))
    value = _polynomial(d, n, 2) * base**n * _turn(d)
    return Signal(value * step, (at,), low=at, right=sympy.log(Abs(base)))


def until(d: Draw) -> Signal:
    at, base = _index(d), Rational(d.choice((2, 3, 5, -3)), d.choice((1, 2)))
    step = d.choice((Heaviside(at - n, 1), Piecewise((1, n <= at), (0, True))))
    base = base if abs(base) > 1 else 1 / base
    return Signal(_polynomial(d, n, 1) * base**n * step, (at,), high=at, left=sympy.log(Abs(base)))


def both_sides(d: Draw) -> Signal:
    base, at = _base(d), _index(d)
    value = d.choice((sympy.S.One, 1 + Abs(n - at), n))
    left, right = -sympy.log(Abs(base)), sympy.log(Abs(base))
    return Signal(d.number() * value * base ** Abs(n - at), (at,), left=left, right=right)


def everywhere(d: Draw) -> Signal:
    """A polynomial, a power or a wave at all integers."""
    base = d.choice((sympy.S.One, sympy.S.One, Rational(9, 10), Rational(11, 10), -sympy.S.One))
    rate = sympy.log(Abs(base))
    return Signal(_polynomial(d, n, 2) * base**n * _turn(d), left=rate, right=rate)


def binomial(d: Draw) -> Signal:
    """Rows and columns of Pascal's triangle, with a power beside them, from 0 on."""
    base = _base(d)
    r, size = d.integer(2, 4), d.integer(2, 5)
    value, growth = d.choice(
        (
            (sympy.binomial(n + r - 1, n) * base**n, Abs(base)),
            (sympy.binomial(n + r, r) * base**n, Abs(base)),
            (sympy.binomial(2 * n, n) * base**n, 4 * Abs(base)),
            (sympy.binomial(size, n) * base**n, sympy.S.Zero),
            (base**n / sympy.factorial(n), sympy.S.Zero),
        )
    )
    right = sympy.log(growth) if growth != 0 else -oo
    return Signal(d.number() * value * Heaviside(n, 1), (sympy.S.Zero,), low=sympy.S.Zero, right=right)


DISCRETE: dict[str, Callable[[Draw], Signal]] = {
    "points": points,
    "stretch": lambda d: d.several(stretch),
    "since": lambda d: d.several(since),
    "until": lambda d: d.several(until),
    "both sides": lambda d: d.several(both_sides),
    "everywhere": everywhere,
    "binomial": binomial,
}
