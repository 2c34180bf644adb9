"""What the laws of forms run over: operators that have forms, and statements of the same kind that no operator is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st

from convmath.calculus.forms import FORMS, Form, forms
from convmath.calculus.forms.recognise import recognised
from convmath.calculus.forms.structure import Refusal
from convmath.ir.build import Tensor, equation, index, poly, read, size, total
from convmath.ir.check import checked
from convmath.ir.exact import exact_array
from convmath.ir.nodes import AtMost, Less, Size, Statement, Zero
from convmath.ir.poly import Param
from convmath.ops.registry import operator, operators
from convmath.testing import cases
from convmath.testing.cases import SEEDS
from convmath.window import span, steps, transposed_size

__all__ = [
    "PAIRS",
    "STATEMENTS",
    "VALUES",
    "Drawn",
    "a_case",
    "turned_gathering",
    "turned_scattering",
    "without_positions",
]


@dataclass(frozen=True)
class Drawn:
    """A statement with arrays and hyper-parameters."""

    statement: Statement
    arrays: dict[str, np.ndarray]
    given: dict[str, Any]

    def value(self) -> np.ndarray:
        return self.statement.evaluate(self.arrays, **self.given)

    def form(self, name: str) -> Form | None:
        """The form of that name; None where this very statement (a border, say) has no such form."""
        try:
            return FORMS[name].of(recognised(self.statement))
        except Refusal:
            return None

    def magnitudes(self) -> dict[str, np.ndarray]:
        return {name: np.abs(array) for name, array in self.arrays.items()}


# --- statements of the kind that no operator is -----------------------------------------------------------------------

N, O, C, n, k, s, d, a = (size(letter, least=1) for letter in "NOCnksda")
ν, o, c, i, t = (index(letter, extent) for letter, extent in zip("νocit", (N, O, C, n, k), strict=True))
M = Param("m", least=0)
j = index("j", poly(M))
X = Tensor("X", (N, C, n), (("ν", 0), ("c", 0), ("i", 0)))
W = Tensor("W", (O, C, k), (("o", 0), ("c", 0), ("t", 0)))


def turned_gathering() -> Statement:
    """Y[ν,o,j] = Σ W[o,c,k-1-t] · X[ν,c,s·j+d·t-a]: the kernel is turned, as mathematics has it."""
    seen = read(X, ν, c, s * poly(j) + d * poly(t) - a, outside=0)
    value = equation("Y", [ν, o, j], total(seen * read(W, o, c, k - 1 - poly(t)), [t, c]))
    fits = AtMost(span(k, d), n + 2 * a)
    return checked(Statement((W, X), (value,), ("Y",), (Size(M, steps(n, k, s, d, a, a)),), requires=(fits,)))


def turned_scattering() -> Statement:
    """Y[ν,o,j] = Σ [j = s·i-d·t+d·(k-1)-a] W[c,o,t] · X[ν,c,i]: the last tap lands first."""
    turned = Tensor("W", (C, O, k), (("c", 0), ("o", 0), ("t", 0)))
    lands = Zero(poly(j), s * poly(i) - d * poly(t) + d * (k - 1) - a)
    value = equation("Y", [ν, o, j], total(read(turned, c, o, t) * read(X, ν, c, i), [c, i, t], [lands]))
    made = transposed_size(n, k, s, d, a, a, poly(0))
    return checked(Statement((X, turned), (value,), ("Y",), (Size(M, made),), requires=(Less(poly(0), made),)))


def without_positions() -> Statement:
    """Y[ν,o] = Σ_c W[o,c] · X[ν,c] + B[o]"""
    x, w = Tensor("X", (N, C), X.letters[:2]), Tensor("W", (O, C), W.letters[:2])
    b = Tensor("B", (O,), (("o", 0),))
    value = equation("Y", [ν, o], total(read(w, o, c) * read(x, ν, c), [c]), total(read(b, o)))
    return checked(Statement((x, w, b), (value,), ("Y",)))


# --- drawing them -----------------------------------------------------------------------------------------------------

Draw = Callable[[st.SearchStrategy], Any]


def _filled(draw: Draw, shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(draw(SEEDS))
    return {name: exact_array(rng.integers(-9, 10, shape)) for name, shape in shapes.items()}


@st.composite
def _turned(draw: Draw, gathers: bool) -> Drawn:
    batch, outputs, inputs, kernel, stride, dilation, before = (draw(st.integers(1, 3)) for _ in range(7))
    across = span(kernel, dilation)
    if gathers:
        least, made = max(1, across - 2 * before), turned_gathering()
        positions = draw(st.integers(least, least + 4))
    else:
        # enough of them that something is left of the output
        least, made = max(1, -(-(2 * before + 1 - across) // stride) + 1), turned_scattering()
        positions = draw(st.integers(least, least + 3))
    weight = (outputs, inputs) if gathers else (inputs, outputs)
    shapes = {"X": (batch, inputs, positions), "W": (*weight, kernel)}
    return Drawn(made, _filled(draw, shapes), {"s": stride, "d": dilation, "a": before})


@st.composite
def _dense(draw: Draw) -> Drawn:
    batch, outputs, inputs = (draw(st.integers(1, 4)) for _ in range(3))
    shapes = {"X": (batch, inputs), "W": (outputs, inputs), "B": (outputs,)}
    return Drawn(without_positions(), _filled(draw, shapes), {})


OTHERS = {"turned": _turned(True), "turned_scattering": _turned(False), "dense": _dense()}
OTHER_STATEMENTS = {
    "turned": turned_gathering(),
    "turned_scattering": turned_scattering(),
    "dense": without_positions(),
}


def a_case(data: st.DataObject, name: str) -> Drawn:
    """A case of an operator or of one of the other statements, some with Fractions in the arrays."""
    if name in OTHERS:
        found = data.draw(OTHERS[name], label="case")
    else:
        case = data.draw(st.sampled_from((1, 2, 1, 2, 3)).flatmap(lambda ndim: cases(name, ndim)), label="case")
        op, named, given = case.operator.at(case.arrays, case.given)
        found = Drawn(op.statement, {key: exact_array(array) for key, array in named.items()}, given)
    below = data.draw(st.sampled_from((1, 1, 3)), label="denominator")
    arrays = {key: exact_array(array * Fraction(1, below)) for key, array in found.arrays.items()}
    return Drawn(found.statement, arrays, found.given)


STATEMENTS = {name: operator(name, 1).statement for name in operators()} | OTHER_STATEMENTS

# every statement with each of its forms; and those of them that state the same value
PAIRS = [(name, form) for name, statement in STATEMENTS.items() for form in forms(statement)]
VALUES = [(name, form) for name, form in PAIRS if FORMS[form].NAME != "kfac"]
