"""Convolutions whose steps are written: every kind of step, and the lecture's definitions on three examples each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import sympy
from sympy import Abs, DiracDelta, Function, KroneckerDelta, Piecewise, Rational, cos, exp, pi, sin, sqrt
from sympy import Heaviside as u

from convmath.derivation import Derivation
from convmath.signals import Convolution, Correlation

__all__ = ["LECTURES", "Lecture"]

t = sympy.Symbol("t", real=True)
x, y, z = sympy.symbols("x y z", real=True)
n, m = sympy.symbols("n m", integer=True)
a, b, w = sympy.symbols("a b w", positive=True)
BOX, STEP = u(t) - u(t - 1), u(n, 1)
DISC = Piecewise((1, x**2 + y**2 < 1), (0, True))


@dataclass(frozen=True)
class Lecture:
    """What is asked, and by which method it is answered."""

    f: Any
    g: Any
    variable: Any = t
    method: str = "support"
    branch: int = -1
    kind: type = Convolution
    options: dict[str, Any] = field(default_factory=dict)

    def derivation(self) -> Derivation:
        asked = self.kind(self.f, self.g, self.variable)
        return asked.solve(**self.options).derivation(self.method, branch=self.branch)


LECTURES = {
    "box∗box": Lecture(BOX, BOX),
    "exp∗exp": Lecture(exp(-a * t) * u(t), exp(-b * t) * u(t)),
    "box∗ramp": Lecture(BOX, t * u(t)),
    "Gaussians in the plane": Lecture(exp(-a * (x**2 + y**2)), exp(-b * (x**2 + y**2)), (x, y)),
    "δ in the plane": Lecture(DiracDelta(x - a) * DiracDelta(y - b), exp(-(x**2) - y**2), (x, y)),
    "boxes in the plane": Lecture(u(x) * u(1 - x) * u(y) * u(1 - y), u(x) * u(1 - x) * u(y) * u(1 - y), (x, y)),
    "exp∗exp, a = b": Lecture(exp(-a * t) * u(t), exp(-b * t) * u(t), branch=0),
    "boxes without an order": Lecture(u(t) - u(t - a), u(t) - u(t - b)),
    "boxes with an order": Lecture(u(t) - u(t - a), u(t) - u(t - b), options={"assume": [b > a]}),
    "triangle∗box": Lecture(Piecewise((1 - Abs(t), Abs(t) < 1), (0, True)), BOX),
    "two-sided": Lecture(exp(-a * Abs(t)), exp(-b * Abs(t))),
    "a wave": Lecture(exp(-a * t) * u(t), sin(w * t) * u(t)),
    "Gaussian∗Gaussian": Lecture(exp(-a * t**2), exp(-b * t**2)),
    "Gaussian∗box": Lecture(exp(-(t**2)), BOX),
    "Gaussian∗power": Lecture(t * exp(-(t**2)), exp(-((t - 1) ** 2))),
    "Cauchy": Lecture(1 / (1 + t**2), 1 / (4 + t**2)),
    "root∗step": Lecture(sqrt(t) * u(t), u(t)),
    "δ and its derivative": Lecture(DiracDelta(t - a) + DiracDelta(t, 1), exp(-t) * u(t)),
    "δ beside a box": Lecture(BOX, 2 * DiracDelta(t - 3) + exp(-t) * u(t)),
    "any function": Lecture(Function("f")(t), DiracDelta(t - a)),
    "correlation": Lecture(exp(-t) * u(t), BOX, kind=Correlation),
    "correlation, complex": Lecture(exp(sympy.I * t) * BOX, BOX, kind=Correlation),
    "over a period": Lecture(sin(t), cos(t), options={"period": 2 * pi}),
    "sequences over a period": Lecture(STEP, 2**n * STEP, n, options={"period": 3}),
    "powers": Lecture(a**n * STEP, b**n * STEP, n),
    "a short sequence": Lecture(Rational(1, 2) ** n * STEP, STEP - u(n - 3, 1), n),
    "δ[n]": Lecture(KroneckerDelta(n, 2) + KroneckerDelta(n, 0), a**n * STEP, n),
    "δ[n] beside steps": Lecture(KroneckerDelta(n, 2) + STEP, STEP, n),
    "a quadratic form": Lecture(exp(-(x**2 + x * y + y**2)), exp(-(x**2 + y**2)), (x, y)),
    "discs": Lecture(DISC, Piecewise((1, x**2 + y**2 < 4), (0, True)), (x, y)),
    "balls": Lecture(*[2 * Piecewise((1, x**2 + y**2 + z**2 < a**2), (0, True))] * 2, (x, y, z)),
    "cones": Lecture(*[Piecewise((1, y > Abs(x)), (0, True))] * 2, (x, y)),
    "sums of products": Lecture(x * exp(-(x**2) - y**2) + DiracDelta(x), exp(-(x**2) - y**2), (x, y)),
    "steps of two indices": Lecture(u(m, 1) * STEP, u(m, 1) * a**n * STEP, (m, n)),
    "correlation in the plane": Lecture(exp(-x - y) * u(x) * u(y), u(x) * u(y) * u(1 - x), (x, y), kind=Correlation),
    "disc∗polynomial": Lecture(DISC, x**2, (x, y)),
    "exp∗exp by transforms": Lecture(exp(-a * t) * u(t), exp(-b * t) * u(t), method="transform"),
    "box∗wave by transforms": Lecture(BOX, sin(w * t) * u(t), method="transform"),
    "δ′ by transforms": Lecture(DiracDelta(t, 1) + u(t), t * exp(-t) * u(t), method="transform"),
    "powers by transforms": Lecture(a**n * STEP, (n + 1) * STEP - 3 * u(n - 2, 1), n, method="transform"),
    "a wave by transforms": Lecture(cos(w * n) * STEP, STEP, n, method="transform"),
    "both sides by transforms": Lecture(exp(-Abs(t)), exp(-2 * t) * u(t), method="transform"),
    "box∗both sides by transforms": Lecture(BOX * exp(3 * t), exp(-a * Abs(t)), method="transform"),
    "|n| by transforms": Lecture(Rational(1, 2) ** Abs(n), (n + 1) * Rational(1, 3) ** n * STEP, n, method="transform"),
    "to the left by transforms": Lecture(2**n * u(-n, 1), 3**n * u(-n - 1, 1), n, method="transform"),
    "Gaussians by transforms": Lecture(
        exp(-((t - 1) ** 2) / (2 * a)), (t**2 + 1) * exp(-b * t**2) + exp(-(t**2)), method="transform"
    ),
    "correlation by transforms": Lecture(u(-t) * exp(t), BOX, method="transform", kind=Correlation),
}
