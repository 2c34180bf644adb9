"""Whether a result is the convolution over a period: at points of it, or at all of its indices."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
from sympy import Symbol

from ..facts import Facts
from ..pieces import Function
from ..types import Expr
from .common import CLOSE, TRIES, WIDE, compared, concrete, drawn_values, without_impulses
from .functions import NEAR, TOLERANCE, Numeric, allowed, numeric
from .quadrature import Integral, integrals, principal_value
from .sequences import Indexed

__all__ = ["checked_period"]


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
    evaluated, held = numeric(without_impulses(result).xreplace(values), left.t), 0
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
            compared(result, left.t, at, complex(evaluated(at)), wanted.value, allowed(wanted), values)
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
