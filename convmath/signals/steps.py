"""Steps of a convolution, as data: the docstring of a step is its rule, `derive/words.py` has its sentences.

`before` is the problem, and `after` what the step leads to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sympy import Symbol

from convmath.steps import Step

from .facts import Facts
from .pieces import Impulse, Piece
from .spatial.balls import Ball
from .types import Expr

__all__ = [
    "Added",
    "Along",
    "Back",
    "Balls",
    "Case",
    "Collect",
    "CompleteForm",
    "CompleteSquare",
    "Define",
    "Flip",
    "Flipped",
    "Fold",
    "Form",
    "Fractions",
    "Inner",
    "Integrate",
    "Lens",
    "Multiply",
    "NewVariables",
    "OnePeriod",
    "Overlap",
    "Pair",
    "Pairs",
    "Problem",
    "Products",
    "Separate",
    "Sift",
    "Sifted",
    "SignalStep",
    "Square",
    "Transform",
    "Turn",
]


# --- what the steps are about
# ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Problem:
    """f ∗ g (or f ⋆ g) in some variables, under what is known, and what was found.

    `inner` are the variables that are integrated, or summed, over; `names` those of the two functions; `given` is the
    condition of the branch, if the answer has several.
    """

    f: Expr
    g: Expr
    variables: tuple[Symbol, ...]
    inner: tuple[Symbol, ...]
    facts: Facts = field(compare=False)
    result: Expr
    given: tuple[Any, ...] = ()
    names: tuple[str, ...] = ("f", "g")
    correlation: bool = False
    principal: bool = False
    period: Expr | None = None
    turned: Problem | None = None  # the correlation that this convolution is
    point: str = "r"  # all variables together, where there are several, and the function of it that is found
    called: str = "g"

    @property
    def t(self) -> Symbol:
        return self.variables[0]

    @property
    def tau(self) -> Symbol:
        return self.inner[0]

    @property
    def discrete(self) -> bool:
        return bool(self.t.is_integer)


@dataclass(frozen=True, slots=True)
class Flipped:
    """The pieces of both functions, and whether each one's are disjoint; if not, they are added."""

    left: tuple[Piece, ...]
    right: tuple[Piece, ...]
    disjoint_left: bool = True
    disjoint_right: bool = True


@dataclass(frozen=True, slots=True)
class Inner:
    """∫ left·right dτ from `low` to `high`, where left is f(τ) and right g(t - τ); or a sum, with both ends."""

    left: Expr
    right: Expr
    low: Expr
    high: Expr
    primitive: Expr | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be integrated while start < t < end (for integers start < n ≤ end), and what it is."""

    start: Expr
    end: Expr
    inner: tuple[Inner, ...]
    value: Expr


@dataclass(frozen=True, slots=True)
class Added:
    """Cases, one of which holds, or, where the break points have no order, all of which are added where they hold."""

    cases: tuple[Case, ...]
    one: bool = True


@dataclass(frozen=True, slots=True)
class Sifted:
    """An impulse of one function, the other function, and what it becomes."""

    impulse: Impulse
    of_left: bool
    other: Expr
    value: Expr


@dataclass(frozen=True, slots=True)
class Square:
    """`exponent` = -κ(τ - centre)² + rest"""

    exponent: Expr
    kappa: Expr
    centre: Expr
    rest: Expr
    front: Expr
    value: Expr


@dataclass(frozen=True, slots=True)
class Products:
    """Σ c·(f₁ ∗ h₁)(x)·(f₂ ∗ h₂)(y)·…: the coefficients, and for each of them the problems along the axes."""

    terms: tuple[tuple[Expr, tuple[Problem, ...]], ...]


@dataclass(frozen=True, slots=True)
class Form:
    """`exponent` = -(r′ - m)ᵀS(r′ - m) + rest"""

    exponent: Expr
    matrix: Any
    centre: Any
    rest: Expr
    front: Expr
    value: Expr


@dataclass(frozen=True, slots=True)
class Balls:
    """Two balls (or discs), the distance of their centres, and what they have in common by it."""

    balls: tuple[Ball, Ball]
    d: Symbol
    distance: Expr
    dimension: int
    value: Expr
    scale: Expr


@dataclass(frozen=True, slots=True)
class Pair:
    """A function and its transform."""

    transform: Expr
    function: Expr


@dataclass(frozen=True, slots=True)
class Region:
    """Where transforms exist: the real part of s, or the modulus of z, lies between two numbers.

    The lower is missing where nothing goes on for ever to the right, the higher where nothing does to the left.
    """

    low: Expr | None
    high: Expr | None


@dataclass(frozen=True, slots=True)
class Pairs:
    """Functions with their transforms, in the variable of the transform, and where all of these exist."""

    pairs: tuple[Pair, ...]
    s: Symbol
    region: Region


# --- steps
# -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SignalStep(Step):
    """problem → what a step makes of it"""


@dataclass(frozen=True, slots=True)
class Define(SignalStep):
    """(f ∗ g)(t) = ∫ f(τ) g(t - τ) dτ;  g(r) = ∫ f(r′) h(r - r′) dr′;  (f ∗ g)[n] = Σ_k f[k] g[n - k]"""


@dataclass(frozen=True, slots=True)
class Turn(SignalStep):
    """(f ⋆ g)(t) = ∫ conj f(τ) g(t + τ) dτ = (h ∗ g)(t) with h(t) = conj f(-t)"""


@dataclass(frozen=True, slots=True)
class OnePeriod(SignalStep):
    """f and g of period P  →  f₀ and g₀, which are 0 outside of one period"""


@dataclass(frozen=True, slots=True)
class Fold(SignalStep):
    """the convolution over a period = h(t) + h(t + P) for 0 < t < P, with h = f₀ ∗ g₀"""


@dataclass(frozen=True, slots=True)
class Flip(SignalStep):
    """g is not 0 on (c, d)  →  g(t - τ) is not 0 for t - d < τ < t - c"""


@dataclass(frozen=True, slots=True)
class Sift(SignalStep):
    """∫ δ^{(k)}(τ - a) g(t - τ) dτ = g^{(k)}(t - a)"""


@dataclass(frozen=True, slots=True)
class Overlap(SignalStep):
    """(a, b) and (t - d, t - c) meet from max(a, t - d) to min(b, t - c)"""


@dataclass(frozen=True, slots=True)
class Integrate(SignalStep):
    """∫ F′(τ) dτ from a to b = F(b) - F(a)"""

    one: bool = True


@dataclass(frozen=True, slots=True)
class CompleteSquare(SignalStep):
    """∫ exp(-κ(τ - m)²) dτ = √(π/κ), for κ > 0"""


@dataclass(frozen=True, slots=True)
class Separate(SignalStep):
    """f(x, y) = f₁(x)·f₂(y), h(x, y) = h₁(x)·h₂(y)  →  g(x, y) = (f₁ ∗ h₁)(x)·(f₂ ∗ h₂)(y)"""


@dataclass(frozen=True, slots=True)
class Along(SignalStep):
    """the rules of one variable, along one axis; `after` are the steps"""


@dataclass(frozen=True, slots=True)
class NewVariables(SignalStep):
    """(f∘A) ∗ (h∘A) = (f ∗ h)∘A / |det A|"""

    matrix: Any = None


@dataclass(frozen=True, slots=True)
class CompleteForm(SignalStep):
    """∫ exp(-(r′ - m)ᵀS(r′ - m)) dr′ = π^{n/2}/√|S|, for a positive definite S"""


@dataclass(frozen=True, slots=True)
class Lens(SignalStep):
    """∫ [|r′| < a] [|r - r′| < b] dr′ = what two balls have in common whose centres are |r| apart"""


@dataclass(frozen=True, slots=True)
class Transform(SignalStep):
    """t^{j-1}/(j-1)!·e^{λt}·u(t) → 1/(s - λ)ʲ;  C(n+j-1, j-1)·rⁿ·u[n] → 1/(1 - r/z)ʲ;  later by a → e^{-as},
    z^{-a}
    """


@dataclass(frozen=True, slots=True)
class Multiply(SignalStep):
    """the transform of f ∗ g is F·G"""


@dataclass(frozen=True, slots=True)
class Fractions(SignalStep):
    """1/((s - λ)(s - μ)) = (1/(s - λ) - 1/(s - μ))/(λ - μ)"""


@dataclass(frozen=True, slots=True)
class Back(SignalStep):
    """1/(s - λ)ʲ → t^{j-1}/(j-1)!·e^{λt}·u(t), term by term"""


@dataclass(frozen=True, slots=True)
class Collect(SignalStep):
    """what holds in each case  →  (f ∗ g)(t)"""

    cases: Added | None = None
    sifted: tuple[Sifted, ...] = ()
    whole: Expr | None = None  # what other parts come together to
