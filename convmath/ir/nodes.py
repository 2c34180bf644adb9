"""The language of statements: a closed set of immutable nodes.

A *statement* is an ordered list of named equations with one or more outputs. The right side of an equation is a sum
of terms (a maximum or minimum stands alone)

    ⊕_bound [guards] body          ⊕ is Σ, max or min

over the tuples of bound indices for which every guard holds (nothing left: 0, −∞ or +∞). The body is a scalar
expression of reads `T[affine indices]`. What can be *done* to these nodes is one module each, one rule per node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal

from .poly import Index, Param, Poly, poly, printed

__all__ = [
    "ONE",
    "ZERO",
    "Apply",
    "AtMost",
    "Bracket",
    "Compare",
    "Divides",
    "Equation",
    "Guard",
    "IndexValue",
    "Less",
    "Matches",
    "Number",
    "Outside",
    "Placement",
    "Power",
    "Product",
    "Read",
    "Real",
    "Scalar",
    "Size",
    "Statement",
    "Sum",
    "Tensor",
    "Term",
    "Within",
    "Zero",
    "scalar",
]


class Node:
    __slots__ = ()

    def __str__(self) -> str:
        return printed(self)


# --- guards: brackets that are 1 where they hold and 0 elsewhere --------------------------------------------


@dataclass(frozen=True, slots=True)
class Within(Node):
    """0 ≤ form < size"""

    form: Poly
    size: Poly


@dataclass(frozen=True, slots=True)
class Less(Node):
    """left < right"""

    left: Poly
    right: Poly


@dataclass(frozen=True, slots=True)
class AtMost(Node):
    """left ≤ right"""

    left: Poly
    right: Poly


@dataclass(frozen=True, slots=True)
class Zero(Node):
    """left = right, the equation that elimination solves"""

    left: Poly
    right: Poly

    @property
    def form(self) -> Poly:
        return self.left - self.right


@dataclass(frozen=True, slots=True)
class Divides(Node):
    """divisor ∣ form"""

    divisor: Poly
    form: Poly


@dataclass(frozen=True, slots=True)
class Matches(Node):
    """form = read, the read being of an integer array"""

    form: Poly
    read: Read


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """left = right, ≠, < or ≤ between scalars; constant almost everywhere, with derivative 0"""

    left: Scalar
    relation: Literal["=", "≠", "<", "≤"]
    right: Scalar


Guard = Within | Less | AtMost | Zero | Divides | Matches | Compare


# --- scalars ------------------------------------------------------------------------------------------------


class Arithmetic(Node):
    """Lets +, −, ·, / and powers build scalars."""

    __slots__ = ()

    def __add__(self: Any, other: Any) -> Scalar:
        return Sum.of(self, scalar(other))

    def __radd__(self: Any, other: Any) -> Scalar:
        return Sum.of(scalar(other), self)

    def __mul__(self: Any, other: Any) -> Scalar:
        return Product.of(self, scalar(other))

    def __rmul__(self: Any, other: Any) -> Scalar:
        return Product.of(scalar(other), self)

    def __neg__(self: Any) -> Scalar:
        return Product.of(Number(Fraction(-1)), self)

    def __sub__(self: Any, other: Any) -> Scalar:
        return Sum.of(self, -scalar(other))

    def __rsub__(self: Any, other: Any) -> Scalar:
        return Sum.of(scalar(other), -self)

    def __truediv__(self: Any, other: Any) -> Scalar:
        return Product.of(self, Power.of(scalar(other), scalar(-1)))

    def __rtruediv__(self: Any, other: Any) -> Scalar:
        return Product.of(scalar(other), Power.of(self, scalar(-1)))

    def __pow__(self: Any, exponent: Any) -> Scalar:
        return Power.of(self, scalar(exponent))


@dataclass(frozen=True, slots=True)
class Number(Arithmetic):
    value: Fraction


ZERO, ONE = Number(Fraction(0)), Number(Fraction(1))


@dataclass(frozen=True, slots=True)
class IndexValue(Arithmetic):
    """The number that an integer form is (a count, a weight that depends on the position)."""

    form: Poly


@dataclass(frozen=True, slots=True)
class Real(Arithmetic):
    """A real parameter (eps, momentum, an exponent)."""

    letter: str
    default: Fraction | None = None
    positive: bool = False


# What lies outside an array: a number (zero padding: 0), a border of `window` by its name, or "nothing": the read is
# then not counted by the reduction at all (−∞ for a max, no term in a count). A strict read is known to be inside.
Outside = Fraction | Literal["strict", "nothing", "circular", "replicate", "reflect", "symmetric"]


@dataclass(frozen=True, slots=True)
class Read(Arithmetic):
    """tensor[at]"""

    tensor: str
    at: tuple[Poly, ...]
    outside: Outside = "strict"


def _flat(cls: type, nodes: Iterable[Scalar]) -> Iterator[Scalar]:
    """The nodes, with the parts of every Sum (or Product) among them in its place."""
    for node in nodes:
        match node:
            case Sum(terms=parts) | Product(factors=parts) if isinstance(node, cls):
                yield from parts
            case _:
                yield node


@dataclass(frozen=True, slots=True)
class Sum(Arithmetic):
    terms: tuple[Scalar, ...]

    @staticmethod
    def of(*terms: Scalar) -> Scalar:
        constant, kept = Fraction(0), []
        for term in _flat(Sum, terms):
            if isinstance(term, Number):
                constant += term.value
            else:
                kept.append(term)
        if constant:
            kept.append(Number(constant))
        return (kept[0] if len(kept) == 1 else Sum(tuple(kept))) if kept else ZERO


@dataclass(frozen=True, slots=True)
class Product(Arithmetic):
    factors: tuple[Scalar, ...]

    @staticmethod
    def of(*factors: Scalar) -> Scalar:
        constant, kept = Fraction(1), []
        for factor in _flat(Product, factors):
            if isinstance(factor, Number):
                constant *= factor.value
            else:
                kept.append(factor)
        if not constant:
            return ZERO
        if constant != 1 or not kept:
            kept.insert(0, Number(constant))
        return kept[0] if len(kept) == 1 else Product(tuple(kept))


def _is_positive(node: Scalar) -> bool:
    match node:
        case Number(value=value):
            return value > 0
        case Real(positive=positive):
            return positive
    return False


@dataclass(frozen=True, slots=True)
class Power(Arithmetic):
    base: Scalar
    exponent: Scalar

    @staticmethod
    def of(base: Scalar, exponent: Scalar) -> Scalar:
        if exponent == ONE:
            return base
        if exponent == ZERO or base == ONE:
            return ONE
        if base == ZERO and _is_positive(exponent):
            return ZERO
        if isinstance(base, Number) and base.value and isinstance(exponent, Number) and exponent.value.denominator == 1:
            return Number(base.value**exponent.value.numerator)
        if isinstance(base, Power) and isinstance(base.exponent, Number) and base.exponent.value == -1:
            return Power.of(base.base, Product.of(Number(Fraction(-1)), exponent))
        return Power(base, exponent)


@dataclass(frozen=True, slots=True)
class Apply(Arithmetic):
    """function(argument), the function being one of `ir.functions`"""

    function: str
    argument: Scalar


@dataclass(frozen=True, slots=True)
class Bracket(Arithmetic):
    """1 where the guard holds, else 0: a strong 0, so that the other factors of its product need no value there"""

    guard: Guard


Scalar = Number | IndexValue | Real | Read | Sum | Product | Power | Apply | Bracket


def scalar(value: Any) -> Scalar:
    """A scalar node from a node, a polynomial or a rational number."""
    if isinstance(value, Arithmetic):
        return value  # type: ignore[return-value]
    if isinstance(value, Poly):
        return Number(Fraction(value.constant)) if value.constant is not None else IndexValue(value)
    if isinstance(value, (Param, Index)):
        return IndexValue(poly(value))
    return Number(Fraction(value))


# --- terms, equations, statements ----------------------------------------------------------------------------

Selection = Literal["first", "last", "split", "all"]


@dataclass(frozen=True, slots=True)
class Term(Node):
    """⊕_bound [guards] body. `selection` says which maximiser (or minimiser) a gradient goes to."""

    bound: tuple[Index, ...]
    guards: tuple[Guard, ...]
    body: Scalar
    reduce: Literal["sum", "max", "min"] = "sum"
    selection: Selection = "first"


@dataclass(frozen=True, slots=True)
class Equation(Node):
    """name[at] = Σ terms, for every value of the free indices; `at` are mixed-radix forms in them."""

    name: str
    free: tuple[Index, ...]
    at: tuple[Poly, ...]
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Tensor(Node):
    """An input: its sizes, and the letters its axes are called by when an equation runs over them."""

    name: str
    shape: tuple[Poly, ...]
    letters: tuple[tuple[str, int], ...]
    integer: bool = False


@dataclass(frozen=True, slots=True)
class Size(Node):
    """A size that follows from others: param = value"""

    param: Param
    value: Poly


@dataclass(frozen=True, slots=True)
class Placement(Node):
    """Which positions of a window there are. `form` (say s·j + d·t - a) is what position j reads at tap t.

    inside: every tap of the window at j lies in the padded range, -before ≤ form < size + after; this counts j.
    starts: its first tap lies before the end padding, form < size, and the window before it did not reach the end.
    preimage: the other way round, `size` is unknown: the `extra`-th of those in whose padded range
    exactly the windows j < index.size lie inside.
    """

    rule: Literal["inside", "starts", "preimage"]
    index: Index
    form: Poly
    size: Poly
    before: Poly
    after: Poly
    extra: Poly = poly(0)

    @property
    def counted(self) -> Poly:
        """The size that this placement decides."""
        return self.size if self.rule == "preimage" else self.index.size


@dataclass(frozen=True)
class Statement(Node):
    """Equations over inputs; those in `outputs` are what it states, the first of them above all.

    `sizes` are the derived sizes, in an order in which each follows from parameters before it; `placements` say
    what they count; `requires` is what must hold for it to mean anything: guards on the parameters, and comparisons of
    scalars (of real parameters, or of what is read, then for every value of the indices in them).
    """

    inputs: tuple[Tensor, ...]
    equations: tuple[Equation, ...]
    outputs: tuple[str, ...]
    sizes: tuple[Size, ...] = ()
    placements: tuple[Placement, ...] = ()
    requires: tuple[Guard, ...] = ()

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(self._fields)

    @property
    def _fields(self) -> tuple:
        return tuple(getattr(self, f.name) for f in fields(self))

    def __reduce__(self) -> tuple:
        """Made anew where it is unpickled: a hash of letters is right in its own process only."""
        return Statement, self._fields

    # -- values

    def evaluate(self, arrays: Mapping[str, Any], **given: Any) -> Any:
        """The value by definition, exactly: an array of ints and Fractions (a dict of them for several outputs).

        `given` are hyper-parameters by word or letter; sizes are read off the arrays.
        """
        from .exact import evaluate

        return self._only(evaluate(self, arrays, **given))

    def function(self) -> Callable[..., Any]:
        """The statement as a function of arrays by name and hyper-parameters, in the arrays' own floating point."""
        from .exact import evaluate_native

        def compute(**named: Any) -> Any:
            arrays = {name: named.pop(name) for name in self.reads if name in named}
            return self._only(evaluate_native(self, arrays, **named))

        return compute

    def _only(self, values: dict[str, Any]) -> Any:
        return values[self.outputs[0]] if len(self.outputs) == 1 else values

    # -- looking up

    def conditions(self) -> tuple[Guard, ...]:
        """What must hold for the statement to mean anything."""
        return self.requires

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The names of the inputs."""
        return tuple(tensor.name for tensor in self.inputs)

    @property
    def differentiable(self) -> tuple[str, ...]:
        """The names of the inputs that hold real numbers, by which there are derivatives."""
        return tuple(tensor.name for tensor in self.inputs if not tensor.integer)

    def tensor(self, name: str) -> Tensor:
        return next(tensor for tensor in self.inputs if tensor.name == name)

    def equation(self, name: str) -> Equation:
        return next(equation for equation in self.equations if equation.name == name)

    @property
    def output(self) -> Equation:
        """The equation of the only (or first) output, the one that is differentiated."""
        return self.equation(self.outputs[0])

    def definitions(self) -> Iterator[tuple[Param, Poly]]:
        return ((size.param, size.value) for size in self.sizes)
