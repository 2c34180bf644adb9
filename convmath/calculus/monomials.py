"""Scalars as sums of monomials, in which sums over indices are factors too: the form in which terms cancel.

A monomial is a product of powers of *factors*: reads, functions, brackets, parameters, sums that stay closed, and
totals Σ_bound [guards] monomial. Names of bound indices are made the same for equal totals, so that equal is equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import count
from typing import Any

from convmath.ir.nodes import (
    Apply,
    Bracket,
    Guard,
    IndexValue,
    Node,
    Number,
    Power,
    Product,
    Read,
    Real,
    Scalar,
    Sum,
    scalar,
)
from convmath.ir.poly import Index, Param, Poly, poly
from convmath.ir.walk import indices, substitute

__all__ = [
    "Expression",
    "Monomial",
    "Total",
    "added",
    "expanded",
    "fresh",
    "monomial_indices",
    "monomial_scalar",
    "multiplied",
    "ordered",
    "place",
    "powered",
    "renamed",
    "total_of",
    "totals",
]

Monomial = frozenset[tuple[Any, Fraction]]  # factor to its exponent
Expression = Mapping[Monomial, Fraction]  # monomial to its coefficient

_UNIT: Monomial = frozenset()
_INNERMOST = 1000  # primes of bound indices: these for the innermost total, one more for each level around it
_counter = count(10**6)
_LETTERS = "νgoc"


@dataclass(frozen=True, slots=True)
class Total(Node):
    """Σ_bound [guards] monomial"""

    bound: tuple[Index, ...]
    guards: tuple[Guard, ...]
    factors: Monomial

    def __str__(self) -> str:
        guards = "".join(map(str, self.guards))
        return f"Σ{guards}{' '.join(f'{factor}^{exponent}' for factor, exponent in ordered(self.factors))}"

    def free(self) -> set[Index]:
        """The indices that it is a function of."""
        return (monomial_indices(self.factors) | indices(self.guards)) - set(self.bound)


def monomial_indices(monomial: Monomial) -> set[Index]:
    return {i for factor, _ in monomial for i in (factor.free() if isinstance(factor, Total) else indices(factor))}


def ordered(monomial: Monomial) -> list[tuple[Any, Fraction]]:
    """The powers in an order that is the same in every process."""
    return sorted(monomial, key=lambda power: (_text(power[0]), power[1])) if len(monomial) > 1 else list(monomial)


@lru_cache(maxsize=8192)
def _text(factor: Any) -> str:
    return str(factor)


def fresh(bound: Iterable[Index]) -> dict[Index, Index]:
    """New names for indices that no other carries."""
    return {index: Index(index.letter, index.size, index.axis, next(_counter)) for index in bound}


def renamed(node: Any, values: Mapping[Index, Any]) -> Any:
    """Indices replaced by forms, also in the monomials of totals."""
    if not values:
        return node
    if isinstance(node, Total):
        return Total(
            tuple(substitute(node.bound, values)), substitute(node.guards, values), renamed(node.factors, values)
        )
    if isinstance(node, frozenset):
        return frozenset((renamed(factor, values), exponent) for factor, exponent in node)
    return substitute(node, values)


# --- arithmetic ---------------------------------------------------------------------------------------------------


def added(*expressions: Expression) -> Expression:
    found: dict[Monomial, Fraction] = {}
    for expression in expressions:
        for monomial, c in expression.items():
            found[monomial] = found.get(monomial, Fraction(0)) + c
    return {monomial: c for monomial, c in found.items() if c}


def multiplied(*expressions: Expression) -> Expression:
    """Their product, term by term."""
    product: Expression = {_UNIT: Fraction(1)}
    for expression in expressions:
        product = added(
            *({_times(a, b): c * d} for a, c in product.items() for b, d in expression.items())  # no two may meet
        )
    return product


def _times(left: Monomial, right: Monomial) -> Monomial:
    powers = dict(left)
    for factor, exponent in right:
        powers[factor] = powers.get(factor, Fraction(0)) + exponent
    return frozenset((f, e if not isinstance(f, Bracket) else Fraction(1)) for f, e in powers.items() if e)


def powered(factor: Any, exponent: Fraction) -> Expression:
    return {frozenset({(factor, exponent)}): Fraction(1)}


def _form(form: Poly) -> Expression:
    """An integer form: its parameters one by one where it is a single product of them."""
    if len(form.terms) == 1 and not form.indices():
        [(monomial, c)] = form.terms.items()
        if all(isinstance(atom, Param) for atom, _ in monomial):
            factors = frozenset((IndexValue(poly(atom)), Fraction(power)) for atom, power in monomial)
            return {factors: Fraction(c)}
    return powered(IndexValue(form), Fraction(1))


def expanded(node: Scalar, closed: Callable[[Scalar], Expression | None]) -> Expression:
    """The scalar multiplied out. `closed` gives what a node is to be instead, None where it has nothing to say."""
    if (known := closed(node)) is not None:
        return known
    match node:
        case Number(value=value):
            return {_UNIT: value} if value else {}
        case IndexValue(form=form):
            return _form(form)
        case Read() | Real() | Apply() | Bracket():
            return powered(node, Fraction(1))
        case Sum(terms=terms):
            return added(*(expanded(term, closed) for term in terms))
        case Product(factors=factors):
            return multiplied(*(expanded(factor, closed) for factor in factors))
        case Power(base=base, exponent=Number(value=exponent)):
            inner = expanded(base, closed)
            if exponent.denominator == 1 and len(inner) == 1:
                [(monomial, c)] = inner.items()
                return {frozenset((f, e * exponent) for f, e in monomial): c ** int(exponent)}
            if exponent.denominator == 1 and 0 < exponent <= 4:
                return multiplied(*[inner] * int(exponent))
            return powered(base, exponent)
    return powered(node, Fraction(1))


# --- totals -------------------------------------------------------------------------------------------------------


def total_of(bound: tuple[Index, ...], guards: tuple[Guard, ...], expression: Expression) -> Expression:
    """Σ_bound [guards] expression, with what does not depend on the bound indices in front of the sum."""
    return added(*(_one_total(bound, guards, monomial, c) for monomial, c in expression.items()))


def _one_total(bound: tuple[Index, ...], guards: tuple[Guard, ...], monomial: Monomial, c: Fraction) -> Expression:
    own = set(bound)
    said = {factor.guard for factor, _ in monomial if isinstance(factor, Bracket) and indices(factor) & own}
    guards = (*guards, *sorted(said - set(guards), key=str))
    monomial = frozenset((f, e) for f, e in monomial if not (isinstance(f, Bracket) and f.guard in said))
    tied = indices(guards)
    outside = frozenset((f, e) for f, e in monomial if not monomial_indices(frozenset({(f, e)})) & own)
    within = monomial - outside
    used = tied | monomial_indices(within)
    idle = [index for index in bound if index not in used]
    bound = tuple(index for index in bound if index in used)
    front = multiplied({outside: c}, *(_form(index.size) for index in idle))
    if not bound:
        held = frozenset((Bracket(guard), Fraction(1)) for guard in guards)
        return multiplied(front, {_times(within, held): Fraction(1)})
    return multiplied(front, powered(_named(bound, guards, within), Fraction(1)))


def _named(bound: tuple[Index, ...], guards: tuple[Guard, ...], monomial: Monomial) -> Total:
    """The total with its bound indices called by their place, so that equal totals are the same object."""
    level = _INNERMOST + _depth(monomial)
    names, seen = {}, dict[tuple, int]()
    for index in sorted(bound, key=place):
        number = seen.setdefault((index.letter, index.axis), 0)
        seen[index.letter, index.axis] += 1
        names[index] = Index(index.letter, index.size, index.axis, level + 10_000 * number)
    return Total(tuple(names.values()), substitute(guards, names), renamed(monomial, names))


def place(index: Index) -> tuple:
    """The order in which indices are written: the batch, channels, then positions."""
    return _LETTERS.find(index.letter) if index.letter in _LETTERS else len(_LETTERS), index.key


def _depth(monomial: Monomial) -> int:
    """How deep its totals are nested."""
    return max((1 + _depth(factor.factors) for factor, _ in monomial if isinstance(factor, Total)), default=0)


def totals(monomial: Monomial) -> Iterator[Total]:
    """The totals among the factors of a monomial."""
    return (factor for factor, _ in ordered(frozenset(power for power in monomial if isinstance(power[0], Total))))


# --- back to scalars ----------------------------------------------------------------------------------------------


def monomial_scalar(monomial: Monomial, c: Fraction, order: Callable[[Any], Any]) -> Scalar:
    """The product of the powers, in the order that `order` gives its factors."""
    powers = sorted(monomial, key=lambda item: (item[1] < 0, order(item[0])))
    return _product(powers, c)


def _product(powers: list[tuple[Any, Fraction]], c: Fraction) -> Scalar:
    counts = [_count(f, e) for f, e in powers if isinstance(f, IndexValue)]
    others = [Power.of(f, Number(e)) for f, e in powers if not isinstance(f, IndexValue)]
    above = [f for f, e in counts if e > 0]
    below = [f for f, e in counts if e < 0]
    front = [scalar(_multiplied(above))] if above else []
    behind = [Power.of(scalar(_multiplied(below)), Number(Fraction(-1)))] if below else []
    return Product.of(Number(c), *front, *others, *behind)


def _count(factor: IndexValue, exponent: Fraction) -> tuple[Poly, Fraction]:
    form = poly(1)
    for _ in range(abs(int(exponent))):
        form = form * factor.form
    return form, exponent


def _multiplied(forms: Iterable[Poly]) -> Poly:
    product = poly(1)
    for form in forms:
        product = product * form
    return product
