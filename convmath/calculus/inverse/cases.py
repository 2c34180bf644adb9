"""A problem as disjoint systems of inequalities, each between polynomials in which no unknown is squared.

A window spans d·κ + 1 with κ = k - 1, so that d·κ + 1 ≤ n + a + b is an inequality between products of unknowns that
are at least 0; n is counted less one too where it is unknown. Each rule of `window` is a chain of inequalities:

    ⌊x/s⌋ + 1 = m            ⇔  (m - 1)·s ≤ x < m·s
    min(⌊y/s⌋ + 2, q) = m    ⇔  (m - 2)·s ≤ y < (m - 1)·s and q ≥ m,  or  y ≥ (m - 1)·s and q = m      (disjoint)
    0 ≤ e < max(s, d)        ⇔  0 ≤ e < s,  or  s ≤ e < d                                               (disjoint)
    f + g·h ≥ 0 at every h ≥ h₀, for a symbol h of the sizes   ⇔  g ≥ 0 and f + g·h₀ ≥ 0
    ⌊(n + x)/s⌋ = ⌊n/s⌋ at every n ≥ 0                          ⇔  x = 0     (x > 0 fails at n = s - 1, x < 0 at n = 0)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from convmath.ir.poly import Atom, Poly, poly

from .problem import INNER, PARAMS, SHIFTED, Problem, Range, least_values

__all__ = ["Case", "cases", "outer"]


def outer(form: Poly) -> Poly:
    """The form in the letters that people use: κ is k - 1."""
    return form.substitute({inner: poly(PARAMS[letter]) - 1 for letter, inner in SHIFTED.items()})


@dataclass(frozen=True)
class Case:
    """Every form of `polys` is at least 0; the range of each unknown, n and k less one. One value is a range, too."""

    polys: tuple[Poly, ...]
    ranges: Mapping[Atom, Range]

    @property
    def fixed(self) -> Case:
        """The same with the unknowns that have one value put in."""
        values = {atom: int(low) for atom, (low, high) in self.ranges.items() if low == high}
        return replace(self, polys=tuple(form.substitute(values) for form in self.polys))


def cases(problem: Problem) -> Iterator[Case]:
    """The problem as disjoint cases."""
    for choice in problem.choices():
        ranges: dict[Atom, Range] = {INNER[letter]: _less_one(letter, run) for letter, run in choice.items()}
        values = {letter: poly(param) for letter, param in INNER.items() if param in ranges}
        values |= {letter: values[letter] + 1 for letter in SHIFTED if letter in values}
        for polys in _alternatives(problem, values):
            yield Case(tuple(_at_every_symbol(polys, problem)), ranges).fixed


def _less_one(letter: str, run: Range) -> Range:
    return (run[0] - 1, run[1] - 1) if letter in SHIFTED else run


def _between(low: Poly, form: Poly, high: Poly) -> list[Poly]:
    """low ≤ form ≤ high"""
    return [form - low, high - form]


def _alternatives(problem: Problem, values: Mapping[str, Poly]) -> Iterator[list[Poly]]:
    """The conditions of the problem, as lists of forms that are at least 0; they exclude one another."""
    each = [_of_size(problem, values["n"] if n is None else n, m, values) for n, m in problem.sizes]
    if len(each) == 1:
        yield from each[0]
    elif problem.transposed and not problem.worded:
        # e is below s for all sizes, or for none
        for alike in zip(*each, strict=True):
            yield [form for forms in alike for form in forms]
    else:
        yield [form for [forms] in each for form in forms]


def _of_size(problem: Problem, n: Poly, m: Poly | None, values: Mapping[str, Poly]) -> list[list[Poly]]:
    s, reach = values["s"], values["d"] * (values["k"] - 1)
    if problem.worded:
        assert m is not None
        inner, counted = (m, n) if problem.transposed else (n, m)
        return [_between((counted - 1) * s, inner - 1, counted * s - 1)]
    a, b = problem.pads(values)
    if m is None:
        return [_between(reach, a + b, reach)]
    if problem.transposed:
        d, e = values["d"], values["e"]
        least = (n - 1) * s + reach + 1 - a - b
        equal = _between(least + e, m, least + e)
        return [[*equal, s - 1 - e], [*equal, e - s, d - 1 - e]]
    room = n + a + b - reach - 1
    if not problem.ceil:
        return [_between((m - 1) * s, room, m * s - 1)]
    starts = n + a - 1
    return [
        [room, *_between((m - 2) * s, room - 1, (m - 1) * s - 1), starts - (m - 1) * s],
        [room, *_between((m - 1) * s, starts, m * s - 1), room - 1 - (m - 1) * s],
    ]


def _at_every_symbol(polys: Iterable[Poly], problem: Problem) -> Iterator[Poly]:
    for form in polys:
        symbols = [symbol for symbol in problem.symbols if form.has(symbol)]
        yield from (form.coefficient(symbol) for symbol in symbols)
        yield form.substitute({symbol: low for symbol, low in least_values(form).items() if symbol in symbols})
