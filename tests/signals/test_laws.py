"""What convolution must obey, whatever is convolved; and each law fails for a fault that is planted in what it guards.

Functions are drawn by class (drawn.py), results are compared in numbers. While a fault is planted, the library's own
check of its results is off: the laws stand alone.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st
from sympy import DiracDelta, I, KroneckerDelta, Rational

import convmath as cm
from convmath import functional as F
from convmath.signals import convolution, gaussians, poles
from convmath.signals.lists import convolve_lists
from convmath.signals.poles import Place, Poles
from convmath.signals.spatial import balls
from convmath.signals.spatial import gaussians as forms
from convmath.signals.spatial import solve as separated
from convmath.signals.spatial.separable import products
from convmath.signals.types import Expr, sympy

from ..faults import caught
from .drawn import CONTINUOUS, DISCRETE, Draw, Signal, n, t
from .numbers import function, integral, same, spread, value

# results take some hundredths of a second each
FEW = settings(max_examples=max(4, settings().max_examples // 4))

BEGINNING = ("impulses", "bounded", "causal")  # any of these with any other
FALLING = ("bounded", "two-sided", "gaussian")
INDICES = ("points", "stretch", "since")


def drawing(data: st.DataObject, parameters: int = 1, waves: bool = True) -> Draw:
    return Draw(data.draw(st.randoms(use_true_random=False), label="source"), parameters, degree=1, waves=waves)


def some(draw: Draw, classes: Iterable[str]) -> Signal:
    """A function of one of some classes; its parameters and values are the drawing's."""
    found = (CONTINUOUS | DISCRETE)[draw.choice(classes)](draw)
    note(str(found.expression))
    return found


def marks(draw: Draw, *signals: Signal) -> list[float]:
    """Where the convolution of functions may break."""
    breaks = ([float(b.xreplace(draw.values)) for b in f.breaks] or [0.0] for f in signals)
    return sorted({sum(parts) for parts in itertools.product(*breaks)})


def points(draw: Draw, *signals: Signal) -> list[float]:
    return spread(marks(draw, *signals), draw.source)[:8]


def indices(draw: Draw) -> list[int]:
    return [draw.integer(-4, 8) for _ in range(6)]


def convolve(draw: Draw, f: Expr, g: Expr, x: Any = t) -> Expr:
    return cm.convolve(f, g, x, assume=draw.assume)


# --- an algebra ----------------------------------------------------------------------------------------------------


@FEW
@given(data=st.data())
def test_it_is_commutative(data: st.DataObject) -> None:
    draw = drawing(data, 2)
    f, g = some(draw, BEGINNING), some(draw, draw.choice((BEGINNING, FALLING[:1])))
    one, two = convolve(draw, f.expression, g.expression), convolve(draw, g.expression, f.expression)
    same(one, two, draw.values, points(draw, f, g))


@FEW
@given(data=st.data())
def test_sequences_commute(data: st.DataObject) -> None:
    draw = drawing(data, 2)
    f, g = some(draw, INDICES), some(draw, INDICES)
    one, two = convolve(draw, f.expression, g.expression, n), convolve(draw, g.expression, f.expression, n)
    same(one, two, draw.values, indices(draw), n)


@FEW
@given(data=st.data())
def test_it_is_associative(data: st.DataObject) -> None:
    draw = drawing(data, waves=False)
    f, g, h = (some(draw, BEGINNING) for _ in range(3))
    left = convolve(draw, convolve(draw, f.expression, g.expression), h.expression)
    right = convolve(draw, f.expression, convolve(draw, g.expression, h.expression))
    same(left, right, draw.values, points(draw, f, g, h))


@FEW
@given(data=st.data())
def test_it_is_associative_for_what_falls(data: st.DataObject) -> None:
    draw = drawing(data, waves=False)
    f, g, h = some(draw, ("gaussian",)), some(draw, ("gaussian",)), some(draw, ("bounded", "impulses"))
    left = convolve(draw, convolve(draw, f.expression, g.expression), h.expression)
    right = convolve(draw, f.expression, convolve(draw, h.expression, g.expression))
    same(left, right, draw.values, points(draw, f, g, h))


@FEW
@given(data=st.data())
def test_sequences_are_associative(data: st.DataObject) -> None:
    draw = drawing(data, waves=False)
    f, g, h = (some(draw, INDICES) for _ in range(3))
    left = convolve(draw, convolve(draw, f.expression, g.expression, n), h.expression, n)
    right = convolve(draw, f.expression, convolve(draw, g.expression, h.expression, n), n)
    same(left, right, draw.values, indices(draw), n)


@FEW
@given(data=st.data())
def test_it_is_linear_in_each(data: st.DataObject) -> None:
    draw = drawing(data, 2)
    f, g, h = (some(draw, BEGINNING) for _ in range(3))
    c = draw.number()
    whole = convolve(draw, f.expression, c * g.expression + h.expression)
    parts = c * convolve(draw, f.expression, g.expression) + convolve(draw, f.expression, h.expression)
    same(whole, parts, draw.values, points(draw, f, dataclasses.replace(g, breaks=g.breaks + h.breaks)))


@FEW
@given(data=st.data())
def test_an_impulse_is_the_unit(data: st.DataObject) -> None:
    draw = drawing(data, 2)
    f, at = some(draw, (*BEGINNING, *FALLING, "whole", "steps", "error", "rational")), draw.place()
    same(convolve(draw, f.expression, DiracDelta(t)), f.expression, draw.values, points(draw, f))
    moved = convolve(draw, DiracDelta(t - at), f.expression)
    same(moved, f.expression.subs(t, t - at), draw.values, points(draw, f, Signal(sympy.S.Zero, (at,))))


@FEW
@given(data=st.data())
def test_an_impulse_is_the_unit_of_sequences(data: st.DataObject) -> None:
    draw = drawing(data, 2)
    f = some(draw, ("points", "stretch", "since", "both sides", "binomial"))
    same(convolve(draw, f.expression, KroneckerDelta(n, 0), n), f.expression, draw.values, indices(draw), n)


# --- what moves, grows and turns -----------------------------------------------------------------------------------


@FEW
@given(data=st.data())
def test_what_is_later_gives_a_later_result(data: st.DataObject) -> None:
    draw = drawing(data, 2)
    f, g, by = some(draw, BEGINNING), some(draw, BEGINNING), draw.place()
    moved = convolve(draw, f.expression.subs(t, t - by), g.expression)
    result = convolve(draw, f.expression, g.expression).subs(t, t - by)
    same(moved, result, draw.values, points(draw, f, g, Signal(sympy.S.Zero, (by,))))


@FEW
@given(data=st.data())
def test_what_is_stretched_gives_a_stretched_result(data: st.DataObject) -> None:
    """f(ct) ∗ g(ct) = (f ∗ g)(ct)/|c|"""
    draw = drawing(data, 2)
    f, g = some(draw, ("bounded", "causal")), some(draw, ("bounded", "causal"))
    c = draw.choice((2, -1, Rational(-1, 2), draw.positive()))
    stretched = convolve(draw, f.expression.subs(t, c * t), g.expression.subs(t, c * t))
    result = convolve(draw, f.expression, g.expression).subs(t, c * t) / abs(c)
    number = float(sympy.sympify(c).xreplace(draw.values))
    same(stretched, result, draw.values, [at / number for at in points(draw, f, g)])


@FEW
@given(data=st.data())
def test_the_derivative_of_a_result_is_one_with_a_derivative(data: st.DataObject) -> None:
    """(f ∗ g)′ = (δ′ ∗ f) ∗ g, jumps of f as impulses included."""
    draw = drawing(data)
    f, g = some(draw, ("bounded", "causal")), some(draw, ("bounded", "causal"))
    differentiated = convolve(draw, convolve(draw, DiracDelta(t, 1), f.expression), g.expression)
    slope = sympy.diff(convolve(draw, f.expression, g.expression), t)
    regular = slope.replace(DiracDelta, lambda *_: sympy.S.Zero)  # f ∗ g is continuous
    same(differentiated, regular, draw.values, points(draw, f, g))


@FEW
@given(data=st.data())
def test_correlation_is_convolution_with_the_turned_conjugate(data: st.DataObject) -> None:
    """(f ⋆ g)(t) = ∫ conj f(τ) g(t + τ) dτ, and conj (g ⋆ f)(-t) is the same; at 0, f ⋆ f is the energy."""
    draw = drawing(data)
    f = some(draw, ("bounded", "two-sided")).expression * draw.choice((1, 1 + 2 * I, sympy.exp(I * t)))
    second = some(draw, ("bounded", "two-sided"))
    g, values = second.expression, draw.values
    result = cm.correlate(f, g, t)
    at = [draw.source.uniform(-3, 3) for _ in range(3)]
    same(result, convolve(draw, sympy.conjugate(f).subs(t, -t), g), values, at)
    same(result, sympy.conjugate(cm.correlate(g, f, t)).subs(t, -t), values, at)
    own, numeric = cm.correlate(g, g, t), function(g, values)
    energy = integral(lambda x: numeric(x) ** 2, [float(b.xreplace(values)) for b in second.breaks])
    assert abs(value(own, {**values, t: 0}) - energy) <= 1e-7 * (1 + abs(energy))


# --- areas, supports, norms, transforms ----------------------------------------------------------------------------


def falling(draw: Draw) -> tuple[Signal, Signal, Any, Any, Any, list[float]]:
    """Two functions that fall on both sides, as NumPy functions with their convolution, and where it may break.

    Gaussians meet Gaussians: e^t·(1 - erf t), which comes of others, has no digits left in doubles where t is large.
    """
    kinds = draw.choice((FALLING[:2], FALLING[2:]))
    f, g = some(draw, kinds), some(draw, kinds)
    result = convolve(draw, f.expression, g.expression)
    numeric = (function(e, draw.values) for e in (f.expression, g.expression, result))
    return (f, g, *numeric, marks(draw, f, g))


@FEW
@given(data=st.data())
def test_areas_multiply(data: st.DataObject) -> None:
    draw = drawing(data)
    f, g, first, second, result, breaks = falling(draw)
    areas = integral(first, marks(draw, f)) * integral(second, marks(draw, g))
    assert abs(integral(result, breaks) - areas) <= 1e-7 * (1 + abs(areas))


@FEW
@given(data=st.data())
def test_transforms_multiply(data: st.DataObject) -> None:
    """∫ (f ∗ g) e^{-iωt} dt is the product of the two."""
    draw = drawing(data)
    f, g, first, second, result, breaks = falling(draw)
    w = draw.source.uniform(0.2, 2.0)

    def transform(of: Any, where: list[float]) -> complex:
        return integral(lambda x: of(x) * np.cos(w * x), where) - 1j * integral(lambda x: of(x) * np.sin(w * x), where)

    product = transform(first, marks(draw, f)) * transform(second, marks(draw, g))
    assert abs(transform(result, breaks) - product) <= 1e-7 * (1 + abs(product))


@FEW
@given(data=st.data())
def test_laplace_transforms_multiply(data: st.DataObject) -> None:
    """Where all begin, at a point to the right of all poles."""
    draw = drawing(data)
    f, g = some(draw, ("bounded", "causal")), some(draw, ("bounded", "causal"))
    result = convolve(draw, f.expression, g.expression)
    s = draw.source.uniform(1.2, 2.0)

    def transform(e: Expr, where: list[float]) -> complex:
        numeric = function(e, draw.values)
        return integral(lambda x: np.where(x < where[0], 0, numeric(x) * np.exp(-s * x)), where)

    product = transform(f.expression, marks(draw, f)) * transform(g.expression, marks(draw, g))
    assert abs(transform(result, marks(draw, f, g)) - product) <= 1e-7 * (1 + abs(product))


@FEW
@given(data=st.data())
def test_z_transforms_multiply(data: st.DataObject) -> None:
    draw = drawing(data, waves=False)
    f, g = some(draw, INDICES), some(draw, INDICES)
    result = convolve(draw, f.expression, g.expression, n)
    z = draw.source.uniform(4.0, 6.0)

    def transform(e: Expr) -> float:
        numeric = function(e, draw.values, n)
        return sum(float(numeric(np.float64(k))) * z ** (-k) for k in range(-12, 90))

    product = transform(f.expression) * transform(g.expression)
    assert abs(transform(result) - product) <= 1e-7 * (1 + abs(product))


@FEW
@given(data=st.data())
def test_a_support_is_the_sum_of_supports(data: st.DataObject) -> None:
    """From the sum of where they begin to the sum of where they end, and no less (E. Titchmarsh, 1926)."""
    draw = drawing(data)
    kinds = [draw.choice(("bounded", "causal")) for _ in range(2)]
    f, g = (some(draw, (kind,)) for kind in kinds)
    result, values = convolve(draw, f.expression, g.expression), draw.values
    low, high = (float((a + b).xreplace(values)) for a, b in ((f.low, g.low), (f.high, g.high)))
    for outside in (low - 1e-3, low - 2.0, high + 1e-3, high + 2.0):
        if np.isfinite(outside):
            assert abs(value(result, {**values, t: outside})) <= 1e-12, f"{result} at {outside}"
    inside = [*marks(draw, f, g), *([] if np.isfinite(high) else [low + 20])]
    for one, two in (inside[:2], inside[-2:]):
        if two - one > 1e-6:
            middle = one + (two - one) * draw.source.uniform(0.2, 0.8)
            assert abs(value(result, {**values, t: middle})) > 1e-60, f"{result} at {middle}"  # e^{-3t} gets small


EXPONENTS = ((1, 1, 1), (1, 2, 2), (2, 1, 2), (Rational(4, 3), Rational(4, 3), 2))  # 1/p + 1/q = 1 + 1/r


@FEW
@given(data=st.data())
def test_norms_obey_young(data: st.DataObject) -> None:
    """‖f ∗ g‖_r ≤ ‖f‖_p ‖g‖_q, and |f ∗ g| ≤ ‖f‖₂ ‖g‖₂."""
    draw = drawing(data)
    f, g, first, second, result, breaks = falling(draw)

    def norm(of: Any, exponent: Any, where: list[float]) -> float:
        return abs(integral(lambda x: np.abs(of(x)) ** float(exponent), where)) ** (1 / float(exponent))

    p, q, r = draw.choice(EXPONENTS)
    bound = norm(first, p, marks(draw, f)) * norm(second, q, marks(draw, g))
    assert (
        norm(result, r, breaks) <= bound * (1 + 1e-3) + 1e-9
    )  # a zero is a kink of a norm, which a quadrature sees coarsely
    highest = np.abs(result(np.linspace(breaks[0] - 5, breaks[-1] + 5, 401))).max()
    assert highest <= norm(first, 2, marks(draw, f)) * norm(second, 2, marks(draw, g)) * (1 + 1e-3) + 1e-9


# --- continuous and discrete ---------------------------------------------------------------------------------------


def triangles(draw: Draw) -> Expr:
    """A continuous function with its kinks at whole numbers, as the trapezoidal rule wants it."""
    heights = {k: draw.number() for k in sorted({draw.integer(-2, 2), draw.integer(-2, 2)})}
    return sympy.Add(*(c * sympy.Max(0, 1 - sympy.Abs(t - k)) for k, c in heights.items()))


@FEW
@given(data=st.data())
def test_sampled_sums_converge_as_the_square_of_the_step(data: st.DataObject) -> None:
    """h·Σ_k f(kh) g((n-k)h), which `functional.convolve` computes, is (f ∗ g)(nh) + O(h²)."""
    draw = drawing(data, 0)
    f, g = triangles(draw), triangles(draw)
    result = function(cm.convolve(f, g, t), {})
    errors = []
    for steps in (8, 16):
        x = np.arange(-4 * steps, 4 * steps + 1) / steps
        sums = F.convolve(*(np.ascontiguousarray(function(e, {})(x)) for e in (f, g))) / steps
        errors.append(np.abs(sums - result(np.arange(-8 * steps, 8 * steps + 1) / steps)).max())
    assert errors[0] <= 1.0
    assert errors[1] <= errors[0] / 3.8 + 1e-12


@FEW
@given(data=st.data())
def test_finite_sequences_are_what_arrays_give(data: st.DataObject) -> None:
    draw = drawing(data, 0)
    f, g = some(draw, ("points", "stretch")), some(draw, ("points", "stretch"))
    result = convolve(draw, f.expression, g.expression, n)
    k = np.arange(-12.0, 13.0)
    samples = (
        np.ascontiguousarray(np.vectorize(function(e, {}, n), otypes=[float])(k)) for e in (f.expression, g.expression)
    )
    wanted = F.convolve(*samples)
    for at in range(-8, 9):
        assert abs(value(result, {n: sympy.Integer(at)}) - wanted[at + 24]) <= 1e-9 * (1 + np.abs(wanted).max())


@FEW
@given(data=st.data())
def test_lists_are_what_arrays_give(data: st.DataObject) -> None:
    draw = drawing(data, 0)
    f, g = ([draw.integer(-9, 9) for _ in range(draw.integer(1, 5))] for _ in range(2))
    assert cm.convolve(f, g) == F.convolve(np.array(f), np.array(g)).tolist()
    period = draw.integer(1, 6)
    linear = [*cm.convolve(f, g), *[0] * 12]
    assert cm.convolve(f, g, period=period) == [sum(linear[k::period]) for k in range(period)]


# --- several variables ---------------------------------------------------------------------------------------------

x, y = sympy.symbols("x y", real=True)


@FEW
@given(data=st.data())
def test_products_are_convolved_factor_by_factor(data: st.DataObject) -> None:
    draw = drawing(data)
    f, g, p, q = (some(draw, kinds) for kinds in (BEGINNING, BEGINNING, FALLING[:1], BEGINNING))
    along_x, along_y = (p.expression, q.expression), (f.expression, g.expression)
    whole = cm.convolve(
        along_x[0].subs(t, x) * along_y[0].subs(t, y), along_x[1].subs(t, x) * along_y[1].subs(t, y), (x, y)
    )
    first, second = cm.convolve(*along_x, t), cm.convolve(*along_y, t)
    place = draw.choice(points(draw, p, q))
    for at in points(draw, f, g)[:3]:
        wanted = value(first, {**draw.values, t: place}) * value(second, {**draw.values, t: at})
        got = value(whole, {**draw.values, x: place, y: at})
        assert abs(got - wanted) <= 1e-9 * (1 + abs(wanted)), f"{whole} at {place}, {at}"


def covariance(draw: Draw) -> Any:
    """L·Lᵀ for a triangular L."""
    first, second, between = draw.positive(), draw.positive(), draw.number()
    return sympy.Matrix([[first**2, first * between], [first * between, second**2 + between**2]])


def normal(of: Any) -> Expr:
    place = sympy.Matrix([x, y])
    return sympy.exp(-sympy.expand((place.T * of.inv() * place)[0]) / 2) / (2 * sympy.pi * sympy.sqrt(of.det()))


@FEW
@given(data=st.data())
def test_covariances_add(data: st.DataObject) -> None:
    draw = drawing(data, 2)
    one, two = covariance(draw), covariance(draw)
    result = cm.convolve(normal(one), normal(two), (x, y))
    at = {**draw.values, x: draw.source.uniform(-2, 2), y: draw.source.uniform(-2, 2)}
    got, wanted = (value(e, at) for e in (result, normal(one + two)))
    assert abs(got - wanted) <= 1e-9


@FEW
@given(data=st.data())
def test_two_discs_have_a_lens_in_common(data: st.DataObject) -> None:
    """Its area is the integral of the lengths that chords have in common."""
    draw = drawing(data, 0)
    r, s = draw.positive(), draw.positive()
    discs = (sympy.Piecewise((1, x**2 + y**2 < radius**2), (0, True)) for radius in (r, s))
    result = cm.convolve(*discs, (x, y))
    d = draw.source.uniform(0, float(r + s) * 1.1)

    def common(u: Any) -> Any:
        first, second = (np.sqrt(np.clip(float(radius) ** 2 - v**2, 0, None)) for radius, v in ((r, u), (s, d - u)))
        return 2 * np.minimum(first, second)

    area = np.mean(common(np.linspace(-float(r), float(r), 200_001))) * 2 * float(r)
    assert abs(value(result, {x: d * 0.6, y: d * 0.8}) - area) <= 1e-5 * (1 + area)


# --- faults that the laws catch ------------------------------------------------------------------------------------


def moved_by(change: Any) -> Any:
    """`product._joined` whose results stand elsewhere: at `change` of the two break points."""
    right = poles.product._joined

    def wrong(self: Any, first: Place, here: Any, second: Place, there: Any) -> Any:
        at = change(first.shift, second.shift)
        return [(dataclasses.replace(p, shift=at), k, c) for p, k, c in right(self, first, here, second, there)]

    return wrong


def last_term_alone(time: Any, field: Any, parts: Any) -> Poles:
    """`collected` that keeps the last of the terms at one place, instead of their sum."""
    found: dict[Place, dict[int, Any]] = {}
    for place, order, coefficient in parts:
        found.setdefault(place, {})[order] = coefficient
    return Poles(time, field, found)


def doubled(method: Any) -> Any:
    return lambda *arguments: [(p, k, c * 2) for p, k, c in method(*arguments)]


def twice(formula: Any) -> Any:
    return lambda *arguments: formula(*arguments) * 2


def narrower(method: Any) -> Any:
    return lambda *arguments: [(p, dataclasses.replace(m, square=2 * m.square)) for p, m in method(*arguments)]


def without_the_pole(self: Any, place: Place, order: int, times: int) -> Any:
    """pᵏ/(p - λ)ʲ as 1/(p - λ)^{j-k}, which is so for λ = 0."""
    point = Place(place.shift, poles.Side.POINT)
    return [(place if order > times else point, abs(order - times), self.f.field.one)]


later = moved_by(lambda a, b: a + b + 1)
FAULTS: dict[str, tuple[Any, str, Any]] = {
    "the first break point counts twice": (poles.product, "_joined", moved_by(lambda a, b: 2 * a + b)),
    "break points are doubled": (poles.product, "_joined", moved_by(lambda a, b: 2 * (a + b))),
    "break points are squared": (poles.product, "_joined", moved_by(lambda a, b: a**2 + b)),
    "all is later": (poles.product, "_joined", later),
    "all is doubled": (poles.product, "_joined", doubled(poles.product._joined)),
    "terms are not added": (Poles, "collected", staticmethod(last_term_alone)),
    "poles are left out of derivatives": (poles.product, "_differentiated", without_the_pole),
    "Gaussians are narrower": (gaussians, "joined", narrower(gaussians.joined)),
    "impulses stand elsewhere": (convolution, "_moved", lambda f, g, x: g.subs(x, x - 1)),
    "nothing is turned": (convolution.Correlation, "_first", lambda self: sympy.conjugate(self.args[0])),
    "lists lose their first entry": (
        convolution,
        "convolve_lists",
        lambda f, g, period: convolve_lists(f, g, period)[1:],
    ),
    "factors are lost": (
        separated,
        "products",
        lambda *arguments: [dataclasses.replace(p, coefficient=sympy.S.One) for p in products(*arguments)],
    ),
    "exponents are doubled": (forms, "collected", twice(forms.collected)),
    "lenses are doubled": (balls, "_lens", twice(balls._lens)),
}
CAUGHT = {
    test_it_is_commutative: "the first break point counts twice",
    test_sequences_commute: "the first break point counts twice",
    test_it_is_associative: "break points are doubled",
    test_it_is_associative_for_what_falls: "Gaussians are narrower",
    test_sequences_are_associative: "break points are doubled",
    test_it_is_linear_in_each: "terms are not added",
    test_an_impulse_is_the_unit: "impulses stand elsewhere",
    test_an_impulse_is_the_unit_of_sequences: "impulses stand elsewhere",
    test_what_is_later_gives_a_later_result: "break points are squared",
    test_what_is_stretched_gives_a_stretched_result: "all is later",
    test_the_derivative_of_a_result_is_one_with_a_derivative: "poles are left out of derivatives",
    test_correlation_is_convolution_with_the_turned_conjugate: "nothing is turned",
    test_areas_multiply: "all is doubled",
    test_transforms_multiply: "all is later",
    test_laplace_transforms_multiply: "all is later",
    test_z_transforms_multiply: "all is later",
    test_a_support_is_the_sum_of_supports: "all is later",
    test_norms_obey_young: "all is doubled",
    test_sampled_sums_converge_as_the_square_of_the_step: "all is doubled",
    test_finite_sequences_are_what_arrays_give: "all is later",
    test_lists_are_what_arrays_give: "lists lose their first entry",
    test_products_are_convolved_factor_by_factor: "factors are lost",
    test_covariances_add: "exponents are doubled",
    test_two_discs_have_a_lens_in_common: "lenses are doubled",
}


@pytest.mark.parametrize("law", CAUGHT, ids=lambda law: law.__name__.removeprefix("test_"))
def test_the_laws_have_teeth(law: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("checked", "checked_in_space", "checked_period", "checked_sequence", "checked_sequence_in_space"):
        monkeypatch.setattr(convolution, name, lambda *_: 1)  # as if held against one number
    monkeypatch.setattr(*FAULTS[CAUGHT[law]])
    caught(law)


def test_each_law_has_a_fault() -> None:
    laws = {test for test in globals().values() if hasattr(test, "hypothesis")}
    assert laws == set(CAUGHT)
    assert set(CAUGHT.values()) == set(FAULTS)
