"""Random questions beyond one convolution on the line: correlations, periods, the plane and space, principal values,
parameters of any sign, and lists; what is answered beside what numbers say.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import scipy.integrate
from sympy import Abs, Heaviside, I, Rational, Symbol, cos, exp

import convmath as cm
from convmath.errors import AssumptionError
from convmath.signals import Convolution, Correlation
from convmath.signals.errors import DivergentError
from convmath.signals.types import Expr, sympy

from .drawn import CONTINUOUS, DISCRETE, Draw, Signal, n, t
from .pairs import CLOSE, Outcome, drawn, tried
from .quadrature import Numeric, Unknown, at_points, converges, convolved, quad, summed
from .table import cells

__all__ = ["WIDER"]

Numbers = Callable[[Any], complex]


def _asked(
    ask: Callable[[], Any], exists: bool | None, values: Mapping[Symbol, Expr], points: list[Any], wanted: Numbers
) -> Outcome:
    """What comes of a question: `points` are substitutions of the variables, at which numbers are wanted."""
    start = time.perf_counter()
    try:
        result = ask()
    except DivergentError as error:
        return Outcome("wrong" if exists else "diverges", f"it says: {error}", time.perf_counter() - start)
    except AssumptionError as error:  # too much depends on parameters of which nothing is known
        return Outcome("refused", str(error), time.perf_counter() - start)
    except Exception as error:  # every one is a finding
        return Outcome("wrong", f"{type(error).__name__}: {error}", time.perf_counter() - start)
    seconds, held = time.perf_counter() - start, 0
    answer = result.expr.xreplace(dict(values))
    if answer.has(Convolution, Correlation):
        if not exists:
            return Outcome("diverges", "its conditions do not hold", seconds)
        kind = "refused" if result.reason else "wrong"
        return Outcome(kind, result.reason or f"{result.expr} has no answer here", seconds)
    if exists is False:
        return Outcome("wrong", f"{result.expr} was found for what diverges", seconds)
    answer = answer.replace(sympy.DiracDelta, lambda *_: sympy.S.Zero)
    for at in points:
        try:
            expected = wanted(at)
        except Unknown:
            continue
        held += 1
        try:
            got = complex(answer.subs({x: sympy.Rational(v) for x, v in at.items()}).evalf(20))
        except TypeError:
            got = complex("nan")
        if not abs(got - expected) <= CLOSE * (1 + abs(expected)):
            said = f"{result.expr} is {got} at {at}, where {expected} was computed"
            return Outcome("wrong", said, seconds, held)
    return Outcome("equal", "", seconds, held)


def _signals(d: Draw, classes: Mapping[str, Any]) -> tuple[Signal, Signal]:
    """Two of classes that are closed together."""
    pairs = [pair for pair in cells() if all(name in classes for name in pair)]
    first, second = d.choice(pairs)
    return classes[first](d), classes[second](d)


# --- correlations -------------------------------------------------------------------------------------------------


def mirrored(f: Signal, x: Symbol) -> Signal:
    """f(-t)"""
    return Signal(
        f.expression.subs(x, -x),
        tuple(-b for b in f.breaks),
        -f.high,
        -f.low,
        -f.right,
        -f.left,
        f.falls,
        tuple((c * (-1) ** order, -at, order) for c, at, order in f.impulses),
    )


def correlation(source: random.Random) -> tuple[str, Outcome]:
    d = Draw(source)
    x = d.choice((t, t, n))
    f, g = _signals(d, CONTINUOUS if x is t else DISCRETE)
    scale = d.choice((1, 1 + 2 * I))
    turned = mirrored(f, x)
    left, right = (Numeric(h, d.values, x) for h in (turned, g))
    if x is n:
        left = Numeric(replace(turned, breaks=tuple(b + 1 for b in turned.breaks)), d.values, x)
    value = summed if x is n else convolved
    outcome = _asked(
        lambda: Correlation(scale * f.expression, g.expression, x).solve(assume=d.assume),
        converges(left, right),
        d.values,
        [{x: at} for at in at_points(left, right, source)],
        lambda at: complex(sympy.conjugate(scale)) * value(left, right, at[x]),
    )
    return f"correlate({scale * f.expression}, {g.expression}, {x}), {d.values}", outcome


# --- periods ------------------------------------------------------------------------------------------------------

PERIODIC = ("bounded", "causal", "anticausal", "two-sided", "whole", "steps")
TURNING = ("points", "stretch", "since", "until", "both sides", "everywhere")


def _part(d: Draw, names: tuple[str, ...], classes: Mapping[str, Any]) -> Signal:
    return classes[d.choice(names)](d)


def circular(source: random.Random) -> tuple[str, Outcome]:
    d = Draw(source, degree=2)
    f, g = (_part(d, PERIODIC, CONTINUOUS) for _ in range(2))
    period = d.choice((sympy.S.One, sympy.Integer(2), Rational(5, 2), 2 * sympy.pi, d.positive()))
    left, right = (Numeric(h, d.values) for h in (f, g))
    length = float(period.xreplace(d.values))
    impulses = [source.uniform(0, length) for _ in range(5)]

    def wanted(at: Any) -> complex:
        here = at[t]
        ends = sorted({0.0, length, here, *(b for b in left.breaks), *((here - b) % length for b in right.breaks)})
        inside = [x for x in ends if 0 <= x <= length]
        return complex(
            sum(quad(lambda x: left(x) * right((here - x) % length), *pair) for pair in itertools.pairwise(inside))
        )

    outcome = _asked(
        lambda: Convolution(f.expression, g.expression, t).solve(period=period, assume=d.assume),
        True,
        d.values,
        [{t: x} for x in impulses],
        wanted,
    )
    return f"convolve({f.expression}, {g.expression}, t, period={period}), {d.values}", outcome


def turning(source: random.Random) -> tuple[str, Outcome]:
    """Sequences over a period, of a number of indices or a symbol."""
    d = Draw(source, degree=2)
    f, g = (_part(d, TURNING, DISCRETE) for _ in range(2))
    number = d.integer(2, 7)
    period: Any = sympy.Integer(number)
    if d.chance(3):
        period = Symbol("N", integer=True, positive=True)
        d.values[period] = sympy.Integer(number)
    f_values, g_values = ([complex(Numeric(h, d.values, n)(np.float64(k))) for k in range(number)] for h in (f, g))

    def wanted(at: Any) -> complex:
        return sum(f_values[k] * g_values[(at[n] - k) % number] for k in range(number))

    outcome = _asked(
        lambda: Convolution(f.expression, g.expression, n).solve(period=period, assume=d.assume),
        True,
        d.values,
        [{n: k} for k in range(number)],
        wanted,
    )
    return f"convolve({f.expression}, {g.expression}, n, period={period}), {d.values}", outcome


# --- parameters -----------------------------------------------------------------------------------------------------


def coincidences(source: random.Random) -> tuple[str, Outcome]:
    """A pair of a closed cell where a parameter is what stands elsewhere in it: rates that are one, places that meet.

    No answer there is a refusal, since more coincidences than a few are a condition.
    """
    pair = drawn(*source.choice(cells()), source)
    while not pair.draw.values:
        pair = drawn(*source.choice(cells()), source)
    values = pair.draw.values
    found = set().union(*(h.expression.atoms(sympy.Rational) for h in (pair.f, pair.g)))
    numbers = sorted(abs(x) for x in found if 0 < abs(x) <= 6)
    for symbol in [x for x in values if source.random() < 0.7] or [source.choice(list(values))]:
        fits = FITTING[next(names for names in FITTING if symbol.name in names)]
        others = [value for x, value in values.items() if x != symbol]
        values[symbol] = source.choice([x for x in (*numbers, *others) if fits(x)] or [values[symbol]])
    outcome = tried(pair)
    if outcome.kind == "wrong" and outcome.said.endswith("has no answer here"):
        outcome = replace(outcome, kind="refused")
    return str(pair), outcome


FITTING: dict[str, Callable[[Expr], bool]] = {  # by the names that drawn.py gives
    "abc": lambda x: x > 0,
    "pqr": lambda x: True,
    "xyz": lambda x: 0 < x < 1,
    "jkm": lambda x: x.is_Integer,
}


# --- several variables --------------------------------------------------------------------------------------------

AXES = tuple(Symbol(name, real=True) for name in "uvw")
ALONG = ("bounded", "causal", "two-sided", "gaussian", "impulses")


def products(source: random.Random) -> tuple[str, Outcome]:
    """Products of functions of one variable each, now and then under a linear change of the variables."""
    d = Draw(source, parameters=1, degree=1)
    axes = AXES[: d.choice((2, 2, 2, 3))]
    pairs = [tuple(_part(d, ALONG, CONTINUOUS) for _ in range(2)) for _ in axes]
    forms = list(axes)
    if len(axes) == 2 and d.chance(3):
        forms = d.choice(([axes[0] + axes[1], axes[1]], [axes[0] - axes[1], axes[0] + axes[1]]))
    size = abs(sympy.Matrix(forms).jacobian(list(axes)).det())
    numeric = [tuple(Numeric(h, d.values) for h in pair) for pair in pairs]
    f, g = (sympy.Mul(*(pair[k].expression.subs(t, x) for pair, x in zip(pairs, forms, strict=True))) for k in (0, 1))

    def wanted(at: Any) -> complex:
        total = 1.0
        for pair, form in zip(numeric, forms, strict=True):
            total *= convolved(*pair, float(sympy.sympify(form).subs(at)))
        return complex(total / size)

    spots = [{x: source.randint(-300, 300) / 100 for x in axes} for _ in range(4)]
    outcome = _asked(
        lambda: Convolution(f, g, axes).solve(assume=d.assume),
        True if all(converges(*pair) for pair in numeric) else None,
        d.values,
        spots,
        wanted,
    )
    return f"convolve({f}, {g}, {axes}), {d.values}", outcome


def gaussian_forms(source: random.Random) -> tuple[str, Outcome]:
    """exp(-quadratic form), with a linear form beside it, in the plane."""
    d = Draw(source, parameters=1)
    x, y = AXES[:2]

    def drawn() -> Expr:
        a, c = d.positive(), d.positive()
        b = Rational(d.choice((-1, 0, 1)), 2) * sympy.sqrt(a * c)
        beside = d.choice((1, 1, exp(d.number() * x / 2)))
        return exp(-(a * x**2 + b * x * y + c * y**2)) * beside

    f, g = drawn(), drawn()
    grid = np.linspace(-12, 12, 961)
    plane = np.meshgrid(grid, grid)
    left, right = (sympy.lambdify((x, y), e.xreplace(d.values)) for e in (f, g))

    def wanted(at: Any) -> complex:
        values = left(*plane) * right(at[x] - plane[0], at[y] - plane[1])
        return complex(values.sum() * (grid[1] - grid[0]) ** 2)

    spots = [{x: source.uniform(-1, 1), y: source.uniform(-1, 1)} for _ in range(3)]
    outcome = _asked(lambda: Convolution(f, g, (x, y)).solve(), True, d.values, spots, wanted)
    return f"convolve({f}, {g}, {(x, y)}), {d.values}", outcome


def discs(source: random.Random) -> tuple[str, Outcome]:
    """The indicators of two discs or balls."""
    d = Draw(source, parameters=1)
    axes = AXES[: d.choice((2, 3))]
    sizes = d.positive(), d.positive()
    f, g = (sympy.Piecewise((1, sum(x**2 for x in axes) < r**2), (0, True)) for r in sizes)
    small, large = (float(r.xreplace(d.values)) for r in sizes)

    def wanted(at: Any) -> complex:
        """The overlap, by slices across the line from one centre to the other."""
        distance = float(np.sqrt(sum(v**2 for v in at.values())))

        def slice_at(x: float) -> float:
            square = max(0.0, min(small**2 - x**2, large**2 - (x - distance) ** 2))
            return 2 * np.sqrt(square) if len(axes) == 2 else np.pi * square

        ends = max(-small, distance - large), min(small, distance + large)
        kink = [(small**2 - large**2 + distance**2) / (2 * distance)]
        inside = [x for x in kink if ends[0] < x < ends[1]]
        if not ends[0] < ends[1]:
            return 0j
        cuts = [ends[0], *inside, ends[1]]
        return complex(sum(scipy.integrate.quad(slice_at, *pair)[0] for pair in itertools.pairwise(cuts)))

    spots = [{x: source.randint(-150, 150) / 100 for x in axes} for _ in range(4)]
    outcome = _asked(lambda: Convolution(f, g, axes).solve(), True, d.values, spots, wanted)
    return f"convolve({f}, {g}, {axes}), {d.values}", outcome


# --- principal values, parameters of any sign, lists --------------------------------------------------------------


def principal_value(source: random.Random) -> tuple[str, Outcome]:
    """A simple pole on the line, with rational functions that have none there."""
    d = Draw(source)
    pole, f = d.place(), sympy.S.Zero
    f = d.number() / (t - pole)
    g = CONTINUOUS["rational"](d)
    at_pole = float(sympy.sympify(pole).xreplace(d.values))
    left, right = sympy.lambdify(t, f.xreplace(d.values)), Numeric(g, d.values)

    def wanted(at: Any) -> complex:
        def both(u: float) -> float:
            return sum(left(at_pole + s * u) * right(at[t] - at_pole - s * u) for s in (1, -1))

        ends = [1e-9, 1.0, 3.0, 10.0, 100.0, np.inf]
        parts = [scipy.integrate.quad(both, *pair, limit=200, epsabs=1e-12)[0] for pair in itertools.pairwise(ends)]
        return complex(sum(parts))

    spots = [{t: source.uniform(-3, 3)} for _ in range(4)]
    outcome = _asked(lambda: Convolution(f, g.expression, t).solve(pv=True), True, d.values, spots, wanted)
    return f"convolve({f}, {g.expression}, t, pv=True), {d.values}", outcome


SIGNED: dict[str, Callable[[Any], Signal]] = {
    "causal": lambda c: Signal(exp(-c * t) * Heaviside(t), (sympy.S.Zero,), low=sympy.S.Zero, right=-c),
    "ramp": lambda c: Signal(t * exp(c * t) * Heaviside(t), (sympy.S.Zero,), low=sympy.S.Zero, right=c, falls=-1),
    "anticausal": lambda c: Signal(exp(c * t) * Heaviside(-t), (sympy.S.Zero,), high=sympy.S.Zero, left=c),
    "two-sided": lambda c: Signal(exp(-c * Abs(t)), (sympy.S.Zero,), left=c, right=-c),
    "whole": lambda c: Signal(exp(c * t), left=c, right=c),
    "wave": lambda c: Signal(
        cos(c * t) * exp(-t) * Heaviside(t), (sympy.S.Zero,), low=sympy.S.Zero, right=-sympy.S.One
    ),
    "box": lambda c: Signal(
        exp(c * t) * (Heaviside(t) - Heaviside(t - 1)), (sympy.S.Zero, sympy.S.One), sympy.S.Zero, sympy.S.One
    ),
    "Gaussian": lambda c: Signal(exp(-(t**2) + c * t)),
}


def signs(source: random.Random) -> tuple[str, Outcome]:
    """Parameters of which nothing is known but that they are real: each value has the answer of its own branch."""
    d = Draw(source)
    c, e = sympy.symbols("c e", real=True)
    first, second = (SIGNED[d.choice(SIGNED)] for _ in range(2))
    values = {c: Rational(d.integer(-3, 3), 2), e: Rational(d.integer(-3, 3), 2)}
    rates = d.choice(((c, e), (c, -e), (c, sympy.S.One), (c, c)))
    f, g = first(rates[0]), second(rates[1])
    left, right = (
        Numeric(make(sympy.sympify(rate).xreplace(values)), {})
        for make, rate in zip((first, second), rates, strict=True)
    )
    outcome = _asked(
        lambda: Convolution(f.expression, g.expression, t).solve(),
        converges(left, right),
        values,
        [{t: at} for at in at_points(left, right, source)],
        lambda at: complex(convolved(left, right, at[t])),
    )
    return f"convolve({f.expression}, {g.expression}, t), {values}", outcome


def lists(source: random.Random) -> tuple[str, Outcome]:
    """Lists are the coefficients of polynomials; with a period, modulo z^P - 1."""
    d = Draw(source)
    shape = [d.integer(1, 4) for _ in range(d.choice((1, 1, 2)))]
    f, g = (np.array([Fraction(d.integer(-5, 5), d.integer(1, 3)) for _ in range(int(np.prod(shape)))]) for _ in "fg")
    f, g = f.reshape(shape), g.reshape(shape)
    period = d.choice((None, d.integer(1, 5)))
    sizes = [period or 2 * size - 1 for size in shape]
    wanted = np.full(sizes, Fraction(0), dtype=object)
    for k, j in itertools.product(np.ndindex(*shape), np.ndindex(*shape)):
        at = tuple((a + b) % size for a, b, size in zip(k, j, sizes, strict=True))
        wanted[at] += f[k] * g[j]
    start = time.perf_counter()
    found = cm.convolve(f.tolist(), g.tolist(), period=period)
    same = np.array(found, dtype=object).tolist() == [[*row] if np.ndim(row) else row for row in wanted.tolist()]
    outcome = Outcome(
        "equal" if same else "wrong", "" if same else str(found), time.perf_counter() - start, wanted.size
    )
    return f"convolve({f.tolist()}, {g.tolist()}, period={period})", outcome


WIDER: dict[str, Callable[[random.Random], tuple[str, Outcome]]] = {
    "correlation": correlation,
    "circular": circular,
    "turning": turning,
    "products": products,
    "Gaussian forms": gaussian_forms,
    "discs": discs,
    "principal values": principal_value,
    "signs": signs,
    "coincidences": coincidences,
    "lists": lists,
}
