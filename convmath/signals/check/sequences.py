"""Sequences in numbers, and whether a result is their convolution: at indices around everything that happens."""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Mapping, Sequence
from typing import Any

import mpmath
import numpy as np
from sympy import Symbol

from ..deadline import inquire
from ..facts import Facts
from ..pieces import Function
from ..types import Expr, sympy
from .common import CLOSE, TRIES, WIDE, compared, concrete, drawn_values

__all__ = ["Indexed", "at_an_index", "checked_sequence", "enough", "marks_of", "summed"]


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
        except (ArithmeticError, TypeError, ValueError, NameError):  # for what mpmath does not know, or at 0/0
            return at_an_index(self.e, {self.n: at})
        if not mpmath.isfinite(found):
            return at_an_index(self.e, {self.n: at})
        try:
            value = complex(found)
        except OverflowError:
            return found
        return value if np.isfinite(value) and (value != 0 or found == 0) else found


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
