"""Textbook and table cases with numbers that are known: `../shared/data/signals/cases.json`, beside the checkout.

Every number there is a quadrature or a sum of what defines the case, not an evaluation of its expected answer.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mpmath
from sympy import Symbol

import convmath as cm
from convmath.signals.types import Expr, sympy

__all__ = ["FILE", "Case", "cases", "wrong_points"]

FILE = Path(__file__).parents[3] / "shared" / "data" / "signals" / "cases.json"
KINDS: dict[str, dict[str, bool]] = {
    "positive": {"positive": True},
    "unit": {"positive": True},  # 0 < a < 1
    "real": {"real": True},
    "nonnegative integer": {"integer": True, "nonnegative": True},
    "positive integer": {"integer": True, "positive": True},
}
CLOSE = 1e-7


@dataclass(frozen=True)
class Case:
    """What is asked, and what is known of the answer in numbers."""

    name: str
    correlation: bool
    f: Any
    g: Any
    variables: tuple[Symbol, ...]  # none for lists
    symbols: Mapping[str, Symbol]
    assume: tuple[Any, ...]
    options: Mapping[str, Any]
    expected: Any
    checks: tuple[Mapping[str, Any], ...]
    pairings: tuple[Mapping[str, Any], ...]

    def __str__(self) -> str:
        return self.name

    @property
    def discrete(self) -> bool:
        return all(x.is_integer for x in self.variables)

    def solve(self) -> Any:
        """The answer: an expression, or a list."""
        ask = cm.correlate if self.correlation else cm.convolve
        return ask(self.f, self.g, self._variable, assume=self.assume, **self.options)

    @property
    def _variable(self) -> Any:
        if len(self.variables) > 1:
            return self.variables
        return self.variables[0] if self.variables else None

    def values(self, check: Mapping[str, Any]) -> dict[Symbol, Expr]:
        """Numbers for the parameters, and for the variables where they are said."""
        found = {self.symbols[name]: sympy.sympify(value) for name, value in check["params"].items()}
        for name, value in check.get("at", {}).items():
            found[self.symbols[name]] = sympy.Rational(str(value))
        return found


def cases() -> list[Case]:
    return [_read(entry) for entry in json.loads(FILE.read_text())["cases"]] if FILE.exists() else []


def _read(entry: Mapping[str, Any]) -> Case:
    discrete, listed = entry["domain"] == "discrete", entry["f"].startswith("[")
    named = () if listed else entry.get("vars", "n" if discrete else "t").split(",")
    kind = {"integer": True} if discrete else {"real": True}
    variables = tuple(Symbol(name, **kind) for name in named)
    symbols = {name: Symbol(name, **KINDS[kind]) for name, kind in entry["params"].items()}
    symbols |= {x.name: x for x in variables}
    known = {"f": sympy.Function("f"), **symbols}

    def read(text: str) -> Any:  # a file of the project's own, which sympify may evaluate
        return sympy.sympify(text, locals=known)

    below_1 = [symbols[name] < 1 for name, kind in entry["params"].items() if kind == "unit"]
    options: dict[str, Any] = {"pv": True} if entry.get("pv") else {}
    if "period" in entry:
        options["period"] = read(entry["period"])
    if "cycle" in entry:
        options["period"] = entry["cycle"]
    return Case(
        entry["id"],
        entry["kind"] == "correlation",
        read(entry["f"]),
        read(entry["g"]),
        variables,
        symbols,
        (*map(read, entry["relations"]), *below_1),
        options,
        read(entry["expected"]),
        tuple(entry["checks"]),
        tuple(entry.get("pairings", ())),
    )


def wrong_points(case: Case, answer: Any) -> list[str]:
    """Where an answer is not what it must be."""
    if isinstance(answer, list):
        same = len(answer) == len(case.expected) and not any(
            sympy.expand(a - b) for a, b in zip(answer, case.expected, strict=True)
        )
        return [] if same else [f"{answer} instead of {case.expected}"]
    found = []
    answer = _with_a_function(answer)
    for check in case.checks:
        got = _number(_without_impulses(answer).subs(case.values(check)))
        if not _close(got, complex(*check["value"])):
            found.append(f"{got} instead of {complex(*check['value'])} at {check['params'] | check['at']}")
    for pairing in case.pairings:
        got = _paired(answer.subs(case.values(pairing)), case.variables[0], pairing["center"], pairing["width"])
        if not _close(got, complex(*pairing["value"])):
            found.append(f"{got} instead of {complex(*pairing['value'])} against a Gaussian at {pairing['center']}")
    return found


def _close(got: complex, wanted: complex) -> bool:
    return abs(got - wanted) <= CLOSE * (1 + abs(wanted))  # false for what is no number


def _number(e: Expr) -> complex:
    try:
        return complex(e.evalf(20))
    except TypeError:  # not a number
        return complex("nan")


def _with_a_function(e: Expr) -> Expr:
    """f stands for any function; the file's numbers are those of sin x + x³/10."""
    return e.replace(sympy.Function("f"), lambda x: sympy.sin(x) + x**3 / 10).doit()


def _without_impulses(e: Expr) -> Expr:
    return e.replace(sympy.DiracDelta, lambda *_: sympy.S.Zero)


def _paired(e: Expr, t: Symbol, centre: float, width: float) -> complex:
    """∫ e·exp(-(t - centre)²/2width²) dt, with each impulse's share exactly."""
    window = sympy.exp(-((t - centre) ** 2) / (2 * width**2))
    total = mpmath.mpf(0)
    for c, at, order in _impulses(sympy.expand(e), t):
        value = (-1) ** order * sympy.diff(window, t, order).subs(t, at) * c
        total += mpmath.mpmathify(value.evalf(20))
    smooth = sympy.lambdify(t, _without_impulses(e) * window, ["mpmath", {"Heaviside": _step}])
    ends = [centre - 12 * width, *(k / 2 for k in range(-24, 25)), centre + 12 * width]
    return complex(total + mpmath.quad(smooth, sorted(ends)))


def _step(x: Any, at_0: Any = 0.5) -> Any:
    return at_0 if x == 0 else mpmath.mpf(x > 0)


def _impulses(e: Expr, t: Symbol) -> Iterator[tuple[Expr, Expr, int]]:
    for term in sympy.Add.make_args(e):
        for delta in term.atoms(sympy.DiracDelta):
            slope = sympy.diff(delta.args[0], t)
            order = int(delta.args[1]) if len(delta.args) > 1 else 0
            at = sympy.solve(delta.args[0], t)[0]
            yield sympy.cancel(term / delta) / (abs(slope) * slope**order), at, order


@functools.cache
def by_name() -> dict[str, Case]:
    return {case.name: case for case in cases()}
