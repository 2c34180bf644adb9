"""Statements, guards, scalars and integer forms as layout: one rule per node of `ir`."""

from __future__ import annotations

from fractions import Fraction
from functools import singledispatch
from typing import Any

from convmath.ir.nodes import (
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
from convmath.steps import Relations, Shape

from .tree import BREAK, EQUALS, Big, Fence, Layout, Num, Op, Script, Sym, Words, commas, frac, joined, row

__all__ = ["layout", "relation"]

# the order in which letters stand in a sum, and in a product
_IN_SUMS = "νgoicjtnmNGCOksdapbeD"
_IN_PRODUCTS = "GCOsdNnmkapbeDνgoicjt"
_REL = {"=": EQUALS, "<": Op("<", "wide"), "≤": Op("≤", "wide")}
_MIN_LETTERS = Op("·", "none")


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
    return Fence("⌊", frac(layout(atom.number), layout(atom.divisor)), "⌋")


@layout.register
def _(atom: Least) -> Layout:
    return row(Big("min"), Fence("(", commas(map(layout, atom.among), loose=True), ")"))


def _rank(atom: Atom, order: str) -> tuple:
    letter = getattr(atom, "letter", None)
    if letter is None:
        return (-1 if order is _IN_SUMS else len(order) + 1, "")
    return (order.find(letter) if letter in order else len(order), letter, atom.axis, getattr(atom, "primes", 0))  # type: ignore[attr-defined]


class _Part:
    """A summand: its sign, and its factors as layout; M·(p - 1) where a form has both M·p and -M."""

    def __init__(self, c: int, atoms: list[tuple[Atom, int]], less_one: Param | None = None):
        self.c, self.atoms, self.less_one = c, atoms, less_one
        has_index = any(poly(atom).indices() for atom, _ in atoms)
        every = [atom for atom, _ in atoms] + ([less_one] if less_one else [])
        group = 0 if has_index else 1 if every else 2
        ranks = sorted((_rank(atom, _IN_SUMS) for atom in every), key=lambda r: (r[0], str(r[1:])))
        # what an index stands in comes first, then parameters, then numbers; what is taken away comes after what is added
        self.order = (
            group == 2,
            group if group != 2 else 0,
            c < 0,
            -min(len(every), 2) if group == 0 else 0,
            str(ranks[:1] and ranks[0][0]).zfill(3),
            [str(r) for r in ranks],
        )

    def layout(self) -> Layout:
        factors: list[Layout] = (
            [Num(str(abs(self.c)))] if abs(self.c) != 1 or not (self.atoms or self.less_one) else []
        )
        for atom, power in sorted(
            self.atoms, key=lambda item: (_rank(item[0], _IN_PRODUCTS)[0], str(_rank(item[0], _IN_PRODUCTS)))
        ):
            base = layout(atom)
            factors.append(Script(base, None, Num(str(power))) if power > 1 else base)
        if self.less_one is not None:
            factors.append(Fence("(", row(layout(self.less_one), Op("-"), Num("1")), ")"))
        return joined(_MIN_LETTERS, factors)


def _parts(form: Poly) -> list[_Part]:
    left = dict(form.terms)
    parts: list[_Part] = []
    for monomial, c in form.terms.items():
        if monomial not in left or any(not isinstance(atom, Param) for atom, _ in monomial):
            continue
        # d·k - d is d·(k - 1)
        for atom, power in sorted(
            monomial, key=lambda item: "nkm".find(getattr(item[0], "letter", "?")), reverse=True
        ):
            rest = tuple(item for item in monomial if item[0] != atom)
            if power == 1 and rest and left.get(rest) == -c and isinstance(atom, Param) and atom.letter in "nkm":
                parts.append(_Part(c, list(rest), atom))
                del left[monomial], left[rest]
                break
    parts += [_Part(c, list(monomial)) for monomial, c in form.terms.items() if monomial in left]
    return sorted(parts, key=lambda part: part.order)


@layout.register
def _(form: Poly) -> Layout:
    if not form.terms:
        return Num("0")
    items: list[Layout] = []
    for place, part in enumerate(_parts(form)):
        if part.c < 0:
            items.append(Op("-"))
        elif place:
            items.append(Op("+"))
        items.append(part.layout())
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
    whole = number if value.denominator == 1 else frac(number, Num(str(value.denominator)))
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
            items += [BREAK, Op("-" if negative else "+", "wide")] if place else [Op("-")]
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
        sign, over = [Op("-")], ([Number(-over[0].value)] if over[0].value != -1 else []) + over[1:]
    times = Op("·", "wide")
    top = joined(row(BREAK, times), (_factor(f) for f in over)) if over else Num("1")
    if not under:
        return row(*sign, top)
    return row(*sign, frac(top, joined(times, (_factor(f) for f in under))))


def _is_reciprocal(node: Scalar) -> bool:
    return isinstance(node, Power) and isinstance(node.exponent, Number) and node.exponent.value == -1


def _factor(node: Scalar, in_sum: bool = False) -> Layout:
    """A scalar as a factor: a sum, and a form with several parts, in parentheses."""
    several = isinstance(node, Sum) or (isinstance(node, IndexValue) and len(node.form.terms) > 1 and not in_sum)
    return Fence("(", layout(node), ")") if several else layout(node)


@layout.register
def _(node: Power) -> Layout:
    if _is_reciprocal(node):
        return frac(Num("1"), layout(node.base))
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
    items: list[Layout] = []
    if term.bound:
        under = commas((row(layout(v), Op("<"), layout(v.size)) for v in term.bound), loose=True)
        items += [Big(_BIG[term.reduce], under)]
    for guard in term.guards:
        items += [BREAK, layout(guard)] if items else [layout(guard)]
    if not (isinstance(term.body, Number) and term.body.value == 1 and term.guards):
        body = _factor(term.body) if items and isinstance(term.body, (Sum, IndexValue)) else layout(term.body)
        items += [BREAK, body] if items else [body]
    return row(*items)


def right_side(equation: Equation) -> Layout:
    terms = [layout(term) for term in equation.terms]
    return joined(row(BREAK, Op("+", "wide")), terms) if terms else Num("0")


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
