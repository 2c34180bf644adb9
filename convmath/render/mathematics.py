"""Statements, guards, scalars and integer forms as layout: one rule per node of `ir`."""

from __future__ import annotations

from fractions import Fraction
from functools import singledispatch
from typing import Any

from convmath.ir.nodes import (
    ONE,
    Apply,
    AtMost,
    Bracket,
    Compare,
    Divides,
    Equation,
    IndexValue,
    Less,
    Matches,
    Number,
    Power,
    Product,
    Read,
    Real,
    Scalar,
    Size,
    Sum,
    Tensor,
    Term,
    Within,
    Zero,
)
from convmath.ir.poly import Atom, Floor, Index, Least, Param, Poly, poly
from convmath.ir.summands import Summand, summands
from convmath.steps import Relations, Shape

from .tree import (
    BESIDE,
    BREAK,
    EQUALS,
    PLUS,
    TERM_BREAK,
    TIMES,
    Big,
    Fence,
    Frac,
    Layout,
    Num,
    Op,
    Script,
    Sym,
    Words,
    commas,
    joined,
    row,
)

__all__ = ["layout", "relation"]

# the order in which letters stand in a sum, and in a product
_IN_SUMS = "νgoicjtnmNGCOksdapbeD"
_IN_PRODUCTS = "GCOsdNnmkapbeDνgoicjt"
_REL = {"=": EQUALS, "<": Op("<", "wide"), "≤": Op("≤", "wide")}


@singledispatch
def layout(node: Any) -> Layout:
    """The layout of a node."""
    raise NotImplementedError(f"no layout rule for {type(node).__name__}")


# --- integer forms --------------------------------------------------------------------------------------------------


def _named(letter: str, axis: int, primes: int = 0) -> Layout:
    if not axis and not primes:
        return Sym(letter)
    return Script(Sym(letter), Num(str(axis)) if axis else None, None, primes)


@layout.register
def _(atom: Param) -> Layout:
    return _named(atom.letter, atom.axis)


@layout.register
def _(atom: Index) -> Layout:
    return _named(atom.letter, atom.axis, atom.primes)


@layout.register
def _(atom: Floor) -> Layout:
    over, under = layout(atom.number), layout(atom.divisor)
    # ⌊c/C⌋ stays as low as its line
    plain = atom.number.atom is not None and atom.divisor.atom is not None
    return Fence("⌊", row(over, Op("/"), under) if plain else Frac(over, under), "⌋")


@layout.register
def _(atom: Least) -> Layout:
    return row(Big("min"), Fence("(", commas(map(layout, atom.among), loose=True), ")"))


def _rank(atom: Atom, order: str) -> tuple:
    """Its place among others: letters as in `order`, floors and minima first in a sum and last in a product."""
    if not isinstance(atom, (Param, Index)):
        return (-1 if order is _IN_SUMS else len(order) + 1, "", 0, 0)
    place = order.find(atom.letter) if atom.letter in order else len(order)
    return (place, atom.letter, atom.axis, atom.primes if isinstance(atom, Index) else 0)


def _order(summand: Summand) -> tuple:
    """What an index stands in comes first, then parameters, then numbers; what is taken away comes after what is added."""
    atoms = [atom for atom, _ in summand.powers]
    atoms += [atom for atom in (summand.less_one, summand.remainder) if atom is not None]
    with_index = any(poly(atom).indices() for atom in atoms)
    kind = 0 if with_index else 1 if atoms else 2
    ranks = sorted(_rank(atom, _IN_SUMS) for atom in atoms)
    return kind, summand.coefficient < 0, -min(len(atoms), 2) if with_index else 0, ranks


def _summand(summand: Summand, alone: bool) -> Layout:
    """The summand without its sign."""
    factors: list[Layout] = []
    for atom, power in sorted(summand.powers, key=lambda item: _rank(item[0], _IN_PRODUCTS)):
        base = layout(atom)
        factors.append(Script(base, None, Num(str(power))) if power > 1 else base)
    if summand.less_one is not None:
        factors.append(Fence("(", row(layout(summand.less_one), Op("-"), Num("1")), ")"))
    if (q := summand.remainder) is not None:
        number = Fence("(", layout(q.number), ")") if len(q.number.terms) > 1 else layout(q.number)
        remainder = row(number, Op("mod", "wide"), layout(q.divisor))
        factors.append(remainder if alone and not factors else Fence("(", remainder, ")"))
    if abs(summand.coefficient) != 1 or not factors:
        factors.insert(0, Num(str(abs(summand.coefficient))))
    return joined(BESIDE, factors)


@layout.register
def _(form: Poly) -> Layout:
    if not form.terms:
        return Num("0")
    parts = sorted(summands(form), key=_order)
    # a sum does not begin with a minus where it can begin without one
    first = next((part for part in parts if part.coefficient > 0), parts[0])
    items: list[Layout] = []
    for place, part in enumerate([first, *(part for part in parts if part is not first)]):
        if part.coefficient < 0 or place:
            items.append(Op("-" if part.coefficient < 0 else "+"))
        items.append(_summand(part, alone=len(parts) == 1))
    return row(*items)


# --- guards ---------------------------------------------------------------------------------------------------------


@singledispatch
def relation(guard: Any) -> Layout:
    """A guard as the relation it is, without brackets."""
    raise NotImplementedError(f"no relation for {type(guard).__name__}")


@relation.register
def _(guard: Within) -> Layout:
    return row(Num("0"), _REL["≤"], layout(guard.form), _REL["<"], layout(guard.size))


@relation.register
def _(guard: Less) -> Layout:
    return row(layout(guard.left), _REL["<"], layout(guard.right))


@relation.register
def _(guard: AtMost) -> Layout:
    return row(layout(guard.left), _REL["≤"], layout(guard.right))


@relation.register
def _(guard: Zero) -> Layout:
    return row(layout(guard.left), EQUALS, layout(guard.right))


@relation.register
def _(guard: Divides) -> Layout:
    return row(layout(guard.divisor), Op("∣", "wide"), layout(guard.form))


@relation.register
def _(guard: Matches) -> Layout:
    return row(layout(guard.form), EQUALS, layout(guard.read))


@relation.register
def _(guard: Compare) -> Layout:
    return row(layout(guard.left), _REL[guard.relation], layout(guard.right))


for _guard in (Within, Less, AtMost, Zero, Divides, Matches, Compare):
    layout.register(_guard)(lambda guard: Fence("[", relation(guard), "]"))


# --- scalars --------------------------------------------------------------------------------------------------------


@layout.register
def _(node: Number) -> Layout:
    return _fraction(node.value)


def _fraction(value: Fraction) -> Layout:
    number = Num(str(abs(value.numerator)))
    whole = number if value.denominator == 1 else Frac(number, Num(str(value.denominator)))
    return row(Op("-"), whole) if value < 0 else whole


@layout.register
def _(node: IndexValue) -> Layout:
    return layout(node.form)


@layout.register
def _(node: Real) -> Layout:
    return Sym(node.letter)


@layout.register
def _(node: Read) -> Layout:
    return row(Sym(node.tensor), Fence("[", commas(map(layout, node.at)), "]"))


@layout.register
def _(node: Sum) -> Layout:
    items: list[Layout] = []
    for place, term in enumerate(node.terms):
        negative, plain = _signed(term)
        if place or negative:
            items += [TERM_BREAK, Op("-", "wide") if negative else PLUS] if place else [Op("-")]
        items.append(_factor(plain, in_sum=True))
    return row(*items)


def _signed(term: Scalar) -> tuple[bool, Scalar]:
    if isinstance(term, Number) and term.value < 0:
        return True, Number(-term.value)
    if isinstance(term, Product) and isinstance(term.factors[0], Number) and term.factors[0].value < 0:
        return True, Product.of(Number(-term.factors[0].value), *term.factors[1:])
    return False, term


@layout.register
def _(node: Product) -> Layout:
    over = [f for f in node.factors if not _is_reciprocal(f)]
    under = [f.base for f in node.factors if isinstance(f, Power) and _is_reciprocal(f)]
    sign: list[Layout] = []
    if over and isinstance(over[0], Number) and over[0].value < 0:
        sign.append(Op("-"))
        over = ([Number(-over[0].value)] if over[0].value != -1 else []) + over[1:]
    top = joined(row(BREAK, TIMES), (_factor(f) for f in over)) if over else Num("1")
    if not under:
        return row(*sign, top)
    return row(*sign, Frac(top, joined(TIMES, (_factor(f) for f in under))))


def _is_reciprocal(node: Scalar) -> bool:
    return isinstance(node, Power) and isinstance(node.exponent, Number) and node.exponent.value == -1


def _factor(node: Scalar, in_sum: bool = False) -> Layout:
    """A scalar as a factor: a sum, and a form with several parts, in parentheses."""
    several = isinstance(node, Sum) or (isinstance(node, IndexValue) and len(node.form.terms) > 1 and not in_sum)
    return Fence("(", layout(node), ")") if several else layout(node)


@layout.register
def _(node: Power) -> Layout:
    if _is_reciprocal(node):
        return Frac(Num("1"), layout(node.base))
    base = layout(node.base) if isinstance(node.base, (Read, Real, Number)) else Fence("(", layout(node.base), ")")
    return Script(base, None, layout(node.exponent))


@layout.register
def _(node: Apply) -> Layout:
    return row(Sym(node.function), Fence("(", layout(node.argument), ")"))


@layout.register
def _(node: Bracket) -> Layout:
    return layout(node.guard)


# --- terms and equations --------------------------------------------------------------------------------------------

_BIG = {"sum": "Σ", "max": "max", "min": "min"}


@layout.register
def _(term: Term) -> Layout:
    factors = [layout(guard) for guard in term.guards]
    if not (term.body == ONE and term.guards):
        several = (term.bound or term.guards) and isinstance(term.body, (Sum, IndexValue))
        factors.append(_factor(term.body) if several else layout(term.body))
    body = joined(BREAK, factors)
    if not term.bound:
        return body
    under = commas((row(layout(v), Op("<"), layout(v.size)) for v in term.bound), loose=True)
    return row(Big(_BIG[term.reduce], under), body)


def right_side(equation: Equation) -> Layout:
    terms = [layout(term) for term in equation.terms]
    return joined(row(TERM_BREAK, PLUS), terms) if terms else Num("0")


def left_side(equation: Equation) -> Layout:
    return row(Sym(equation.name), Fence("[", commas(map(layout, equation.at)), "]"))


@layout.register
def _(equation: Equation) -> Layout:
    return row(left_side(equation), EQUALS, right_side(equation))


@layout.register
def _(tensor: Tensor) -> Layout:
    return row(Sym(tensor.name), Words(":"), layout(Shape(tensor.shape)))


@layout.register
def _(size: Size) -> Layout:
    return row(layout(size.param), EQUALS, layout(size.value))


@layout.register
def _(shape: Shape) -> Layout:
    return Fence("(", commas(map(layout, shape.sizes), loose=True), ")")


@layout.register
def _(relations: Relations) -> Layout:
    return commas(map(relation, relations.guards), loose=True)
