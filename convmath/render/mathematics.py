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
    SUM_BREAK,
    TERM_BREAK,
    TIMES,
    Big,
    Fence,
    Fn,
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
    width,
)

__all__ = ["layout", "lettered", "relation", "signed_sum"]

# the order in which letters stand in a sum, and in a product
_IN_SUMS = "νgoicfjtnmNGCOFksdapbeD"
_IN_PRODUCTS = "GCOFsdNnmkapbeDνgoicfjt"
_REL = {"=": EQUALS, "≠": Op("≠", "wide"), "<": Op("<", "wide"), "≤": Op("≤", "wide")}
LONGEST_BAR = 60.0  # letters above a bar


@singledispatch
def layout(node: Any) -> Layout:
    """The layout of a node."""
    raise NotImplementedError(f"no layout rule for {type(node).__name__}")


# --- integer forms --------------------------------------------------------------------------------------------------


def _named(letter: str, axis: int, primes: int = 0) -> Layout:
    letter, primes = letter.rstrip("′"), primes + letter.count("′")
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
    letter = atom.stem if isinstance(atom, Param) else atom.letter
    place = order.find(letter) if letter in order else len(order)
    return (place, atom.letter, atom.axis, atom.primes if isinstance(atom, Index) else 0)


def _order(summand: Summand) -> tuple:
    """What an index stands in comes first, then parameters, then numbers; what is taken away comes last in each."""
    atoms = [atom for atom, _ in summand.powers]
    atoms += [atom for atom in (summand.less_one, summand.remainder) if atom is not None]
    with_index = any(poly(atom).indices() for atom in atoms)
    kind = 0 if with_index else 1 if atoms else 2
    ranks = sorted(_rank(atom, _IN_SUMS) for atom in atoms)
    factors = len(atoms) + (abs(summand.coefficient) != 1)
    return kind, summand.coefficient < 0, -min(factors, 2) if with_index else 0, ranks


def _summand(summand: Summand, alone: bool) -> Layout:
    """The summand without its sign."""
    factors: list[Layout] = []
    for atom, power in sorted(summand.powers, key=lambda item: _rank(item[0], _IN_PRODUCTS)):
        base = layout(atom)
        factors.append(Script(base, None, Num(str(power))) if power > 1 else base)
    if summand.less_one is not None:
        factors.append(Fence("(", row(layout(summand.less_one), Op("-"), Num("1")), ")"))
    if (q := summand.remainder) is not None:
        product = q.divisor.atom is None and q.divisor.constant is None
        divisor = Fence("(", layout(q.divisor), ")") if product else layout(q.divisor)
        remainder = row(_grouped(q.number), Op("mod", "wide"), divisor)
        plain = alone and not factors and summand.coefficient == 1
        factors.append(remainder if plain else Fence("(", remainder, ")"))
    if abs(summand.coefficient) != 1 or not factors:
        factors.insert(0, Num(str(abs(summand.coefficient))))
    return joined(BESIDE, factors)


def _grouped(form: Poly) -> Layout:
    """A form as a factor: in parentheses, unless it is a product without a minus."""
    single = len(form.terms) == 1 and min(form.terms.values()) > 0
    return layout(form) if single or not form.terms else Fence("(", layout(form), ")")


@layout.register
def _(form: Poly) -> Layout:
    parts = sorted(summands(form), key=_order)
    alone = len(parts) == 1
    return signed_sum([(part.coefficient < 0, _summand(part, alone)) for part in parts], Op("+"), Op("-"))


def signed_sum(parts: list[tuple[bool, Layout]], plus: Layout, minus: Layout) -> Layout:
    """A sum of parts, each with whether it is taken away; it does not begin with a minus where it can begin without."""
    if not parts:
        return Num("0")
    first = next((place for place, (negative, _) in enumerate(parts) if not negative), 0)
    (negative, head), *others = [parts[first], *parts[:first], *parts[first + 1 :]]
    items = [Op("-"), head] if negative else [head]
    for negative, part in others:
        items += [minus if negative else plus, part]
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
    return lettered(node.letter)


@layout.register
def _(node: Read) -> Layout:
    return _indexed(node.tensor, node.at)


def _indexed(name: str, at: tuple[Poly, ...]) -> Layout:
    """T[ν,c,i]; a name alone where there is no index."""
    return row(lettered(name), Fence("[", commas(map(layout, at)), "]")) if at else lettered(name)


def lettered(name: str) -> Layout:
    """A name with the number at its end as a subscript: one of several of a kind, one an axis; primes behind it."""
    plain = name.rstrip("′")
    letters = plain.rstrip("0123456789") or plain
    number = Num(plain[len(letters) :]) if letters != plain else None
    return Script(Sym(letters), number, None, len(name) - len(plain)) if letters != name else Sym(name)


_PLUS, _MINUS = row(TERM_BREAK, PLUS), row(TERM_BREAK, Op("-", "wide"))


def _signed(node: Scalar) -> tuple[bool, Scalar]:
    """Whether a scalar begins with a minus, and the scalar without it."""
    match node:
        case Number(value=value) if value < 0:
            return True, Number(-value)
        case Product(factors=(Number(value=value), *others)) if value < 0:
            return True, Product.of(Number(-value), *others)
        case IndexValue(form=form) if all(summand.coefficient < 0 for summand in summands(form)):
            return True, IndexValue(-form)
    return False, node


@layout.register
def _(node: Sum) -> Layout:
    signed = map(_signed, node.terms)
    parts = [(negative, _factor(term) if negative else layout(term)) for negative, term in signed]
    return signed_sum(parts, _PLUS, _MINUS)


@layout.register
def _(node: Product) -> Layout:
    negative, positive = _signed(node)
    if negative:
        return row(Op("-"), _factor(positive))
    over = [factor for factor in node.factors if not _is_reciprocal(factor)]
    under = [factor.base for factor in node.factors if isinstance(factor, Power) and _is_reciprocal(factor)]
    if not under:
        return joined(row(BREAK, TIMES), map(_factor, over))
    sums = [factor for factor in over if isinstance(factor, Sum)]
    if sums and width(joined(TIMES, map(_factor, over))) > LONGEST_BAR:  # a sum under no bar may be broken
        rest = [factor for factor in over if factor not in sums]
        return joined(row(BREAK, TIMES), [_over(rest, under), *map(_factor, sums)])
    return _over(over, under)


def _over(over: list[Scalar], under: list[Scalar]) -> Layout:
    """A fraction; a bar groups what is above and below it."""
    top = layout(over[0]) if len(over) == 1 else joined(row(BREAK, TIMES), map(_factor, over)) if over else Num("1")
    return Frac(top, layout(under[0]) if len(under) == 1 else joined(TIMES, map(_factor, under)))


def _is_reciprocal(node: Scalar) -> bool:
    return isinstance(node, Power) and isinstance(node.exponent, Number) and node.exponent.value == -1


def _factor(node: Scalar) -> Layout:
    """A scalar as a factor: a sum, also one of integers, and what begins with a minus in parentheses."""
    if isinstance(node, IndexValue):
        return _grouped(node.form)
    negative, _ = _signed(node)
    return Fence("(", layout(node), ")") if negative or isinstance(node, Sum) else layout(node)


@layout.register
def _(node: Power) -> Layout:
    if _is_reciprocal(node):
        return Frac(Num("1"), layout(node.base))
    number = isinstance(node.base, Number) and node.base.value >= 0 and node.base.value.denominator == 1
    simple = number or isinstance(node.base, Read | Real | Apply)
    base = layout(node.base) if simple else Fence("(", layout(node.base), ")")
    return Script(base, None, layout(node.exponent))


@layout.register
def _(node: Apply) -> Layout:
    if node.function == "abs":
        return Fence("|", layout(node.argument), "|")
    return row(Fn(node.function), Fence("(", layout(node.argument), ")"))


@layout.register
def _(node: Bracket) -> Layout:
    return layout(node.guard)


# --- terms and equations --------------------------------------------------------------------------------------------

_BIG = {"sum": "Σ", "max": "max", "min": "min"}


@layout.register
def _(term: Term) -> Layout:
    negative, unsigned = _signed_term(term)
    return row(Op("-"), unsigned) if negative else unsigned


def _signed_term(term: Term) -> tuple[bool, Layout]:
    """Whether a sum begins with a minus, and the term without it; a maximum keeps the minus inside."""
    negative, body = _signed(term.body) if term.reduce == "sum" else (False, term.body)
    factors = [layout(guard) for guard in term.guards]
    if not (body == ONE and factors):
        factors.append(_factor(body) if term.bound or factors or negative else layout(body))
    product = joined(BREAK, factors)
    if not term.bound:
        return negative, product
    under = commas((row(layout(v), Op("<"), layout(v.size)) for v in term.bound), loose=True)
    return negative, row(Big(_BIG[term.reduce], under), SUM_BREAK, product)


def right_side(equation: Equation) -> Layout:
    return signed_sum([_signed_term(term) for term in equation.terms], _PLUS, _MINUS)


def left_side(equation: Equation) -> Layout:
    return _indexed(equation.name, equation.at)


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
