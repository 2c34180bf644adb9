"""Steps of a derivation, as data. The docstring of a step is its rule; `render.words` has its sentences.

`before` and `after` are what the rule leads from and to: statements, or the relations of a size derivation.
`dropped` are brackets that the step found to be 1 always, with the certificates that say why.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from convmath.integers.facts import Certificate
from convmath.ir.nodes import Guard, Node, Placement, Size, Zero
from convmath.ir.poly import Index, Param, Poly, poly

__all__ = [
    "Absorb",
    "Assemble",
    "ChooseExtra",
    "CountPositions",
    "CountTerms",
    "Dropped",
    "Exchange",
    "ExpandOutside",
    "ExtremeTap",
    "Fold",
    "Isolate",
    "Likewise",
    "Merge",
    "Outcome",
    "Rearrange",
    "Relations",
    "Select",
    "Shape",
    "Sizes",
    "SolveDigits",
    "SolveQuotient",
    "SolveUnit",
    "Start",
    "Step",
    "Substitute",
    "TakeIn",
    "Tangent",
    "WindowInside",
    "WindowStarts",
    "WindowsCounted",
]


@dataclass(frozen=True, slots=True)
class Dropped:
    """A bracket that is always 1, and why."""

    guard: Guard
    certificates: tuple[Certificate, ...]


@dataclass(frozen=True, slots=True)
class Relations(Node):
    """Which integers `unknown` ≥ 0 there are: those for which every guard holds, for all values of `every`."""

    unknown: Poly
    guards: tuple[Guard, ...]
    every: tuple[Index, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape(Node):
    """The sizes of an array, one an axis."""

    sizes: tuple[Poly, ...]


@dataclass(frozen=True, slots=True)
class Sizes(Node):
    """Several sizes, each with what it is."""

    sizes: tuple[Size, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the exact numeric check of a step gave: at how many random sizes it was held, and where it failed."""

    cases: int
    failure: str | None = None

    @property
    def ok(self) -> bool:
        return self.failure is None and self.cases > 0


@dataclass(frozen=True, slots=True)
class Step:
    """before → after"""

    before: Any
    after: Any
    dropped: tuple[Dropped, ...] = ()
    outcome: Outcome | None = field(default=None, compare=False, kw_only=True)

    @property
    def rule(self) -> str:
        """The rule, in symbols."""
        return type(self).__doc__ or ""

    @property
    def conditions(self) -> tuple[Guard, ...]:
        """What was proved for all sizes on the way."""
        return tuple(dropped.guard for dropped in self.dropped)


# --- steps between statements -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Start(Step):
    """the statement"""


@dataclass(frozen=True, slots=True)
class ExpandOutside(Step):
    """T[e], T = 0 outside  →  [0 ≤ e < n] T[e];  other borders  →  one bracketed read a branch"""

    tensors: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Select(Step):
    """max_t f(t)  →  A = the first t with f(t) = max;  Σ_t [t = A] f(t)"""

    chosen: str = ""
    selection: str = "first"


@dataclass(frozen=True, slots=True)
class Exchange(Step):
    """Y[j] = Σ_t F(X[e(j, t)])  →  gX[i] = Σ_{j, t} [e(j, t) = i] gY[j] · F′(X[e(j, t)])"""

    wrt: str = ""


@dataclass(frozen=True, slots=True)
class Tangent(Step):
    """Y[j] = Σ_t F(X[e(j, t)])  →  dY[j] = Σ_t F′(X[e(j, t)]) · dX[e(j, t)]"""

    wrt: str = ""


@dataclass(frozen=True, slots=True)
class SolveUnit(Step):
    """Σ_v f(v) [v = e]  →  f(e) [0 ≤ e < size of v]"""

    equation: Zero | None = None
    index: Index | None = None
    value: Poly | None = None


@dataclass(frozen=True, slots=True)
class SolveDigits(Step):
    """Σ_{v, w} f(v, w) [c·v + w = e], 0 ≤ w < c  →  f(⌊e/c⌋, e mod c) [0 ≤ ⌊e/c⌋ < size of v]

    Where v is a form of several indices, w = e mod c is put in, and [v = ⌊e/c⌋] stays.
    """

    equation: Zero | None = None
    high: Poly | None = None
    low: Index | None = None
    quotient: Poly | None = None
    remainder: Poly | None = None


@dataclass(frozen=True, slots=True)
class SolveQuotient(Step):
    """Σ_v f(v) [s·v = e]  →  f(e/s) [s ∣ e] [0 ≤ e/s < size of v]"""

    equation: Zero | None = None
    index: Index | None = None
    number: Poly | None = None
    divisor: Poly | None = None


@dataclass(frozen=True, slots=True)
class CountTerms(Step):
    """Σ_{t < k} 1  →  k"""

    counted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fold(Step):
    """Z = D/σ, μ = Σ X/m  →  D is Z·σ, Σ X is m·μ, and what every term shares stands in front"""


@dataclass(frozen=True, slots=True)
class TakeIn(Step):
    """P[i] = Σ_r f(i, r), Y = Σ_t W[t]·P[e(t)]  →  Y = Σ_{t, r} W[t]·f(e(t), r)"""

    inner: str = ""


@dataclass(frozen=True, slots=True)
class Merge(Step):
    """Σ_{t, r} [P] V[r]·W[t]·X[e(t, r)]  →  Σ_u U[u]·X[u] - Σ_{t, r} (1 - [P]) …,  U[u] = Σ_{t, r} [e = u] V[r]·W[t]"""

    data: str = ""
    kernel: str = ""
    between: tuple[Guard, ...] = ()


@dataclass(frozen=True, slots=True)
class Absorb(Step):
    """Y = α·P + β, P = Σ W·X + B  →  Y = Σ (α·W)·X + (α·B + β)"""

    inner: str = ""
    weight: str = ""
    bias: str = ""


# --- steps of a size ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WindowInside(Step):
    """position j exists  ⇔  -a ≤ e(j, t) < n + b for every tap t"""


@dataclass(frozen=True, slots=True)
class WindowStarts(Step):
    """position j ≥ 1 exists  ⇔  e(j, first tap) < n, and e(j - 1, last tap) < n + b - 1"""


@dataclass(frozen=True, slots=True)
class WindowsCounted(Step):
    """m is a size of which exactly the windows j < n lie inside  ⇔  window n - 1 does and window n does not"""


@dataclass(frozen=True, slots=True)
class ExtremeTap(Step):
    """e(j, t) is monotone in t: it stays in range for every tap when it does for the first and the last"""


@dataclass(frozen=True, slots=True)
class Isolate(Step):
    """s·j + u < v  ⇔  j ≤ ⌊(v - u - 1)/s⌋, for whole numbers and s ≥ 1"""


@dataclass(frozen=True, slots=True)
class Rearrange(Step):
    """u < v + w  ⇔  u - w < v"""


@dataclass(frozen=True, slots=True)
class CountPositions(Step):
    """#{j : 0 ≤ j ≤ q} = q + 1"""


@dataclass(frozen=True, slots=True)
class ChooseExtra(Step):
    """m₀ ≤ m < m₀ + s: the e-th of these s sizes is m₀ + e, and from s on m₀ + e goes beyond them"""

    extra: Poly = poly(0)


@dataclass(frozen=True, slots=True)
class Likewise(Step):
    """the same rules in the same order, on each other axis"""

    placements: tuple[Placement, ...] = ()


@dataclass(frozen=True, slots=True)
class Assemble(Step):
    """one size an axis  →  the shape"""


@dataclass(frozen=True, slots=True)
class Substitute(Step):
    """the sizes at given values; what is left over is the part of the input after the last window"""

    names: tuple[Poly, ...] = ()
    values: tuple[tuple[Param, Poly], ...] = ()
    unsaid: tuple[Param, ...] = ()
    left_over: tuple[Poly, ...] = ()
