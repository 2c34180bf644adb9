"""SymPy expressions as layout, as a lecturer writes them: one rule per kind of expression.

SymPy's own printers reorder sums and put limits where they like, so that the layout tree of `render` is used here too.

>>> import sympy
>>> from convmath.render.text import text
>>> t, a, b = sympy.symbols("t a b")
>>> text(layout(sympy.exp(-a * t) * sympy.Heaviside(t - b) / (a - b)))
'e^(-a·t)/(a-b)·u(t-b)'
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from sympy.core.function import AppliedUndef

from convmath.render.latex import GREEK
from convmath.render.mathematics import LONGEST_BAR, layout, signed_sum
from convmath.render.text import text
from convmath.render.tree import (
    BESIDE,
    BREAK,
    DOT,
    PLUS,
    TERM_BREAK,
    Fence,
    Frac,
    Layout,
    Num,
    Op,
    Root,
    Row,
    Script,
    Sym,
    row,
    width,
)

from ..types import Expr, sympy

__all__ = ["base_of", "factor", "layout", "product", "shortest", "symbol"]

_SWITCHED = (sympy.Heaviside, sympy.DiracDelta, sympy.KroneckerDelta, sympy.Piecewise)
_LETTER = {name.removeprefix("var"): letter for letter, name in GREEK.items()}


def shortest(e: Expr) -> Expr:
    """The shortest of a few ways to write an expression."""
    e = e.replace(lambda x: isinstance(x, sympy.exp), _as_power)
    if isinstance(e, sympy.Piecewise):
        return sympy.Piecewise(*((shortest(value), condition) for value, condition in e.args))
    if e.is_Mul:
        e = sympy.Mul(*map(shortest, e.args))
    ways = dict.fromkeys((e, _one_exponential(e), sympy.factor_terms(e)))
    if not e.has(*_SWITCHED):
        ways[sympy.together(e)] = None
    best = min(ways, key=lambda way: len(text(layout(way))))
    return best.replace(_has_indexed_power, lambda x: sympy.powsimp(x, combine="exp"))


def _has_indexed_power(e: Expr) -> bool:
    """Whether a product has rⁿ in it, which takes other powers of r in."""
    return bool(e.is_Mul and any(x.is_Pow and x.base is not sympy.E and x.exp.has(sympy.Dummy) for x in e.args))


def _one_exponential(e: Expr) -> Expr:
    """e^x·e^y as e^{x + y}"""
    exponents = [part.args[0] for part in sympy.Mul.make_args(e) if isinstance(part, sympy.exp)]
    if len(exponents) < 2:
        return e
    others = (part for part in sympy.Mul.make_args(e) if not isinstance(part, sympy.exp))
    return sympy.Mul(*others, sympy.exp(sympy.Add(*exponents)))


def _as_power(e: Expr) -> Expr:
    """e^{n·log r} as rⁿ"""
    logarithms = [part for part in sympy.Mul.make_args(e.args[0]) if isinstance(part, sympy.log)]
    return logarithms[0].args[0] ** (e.args[0] / logarithms[0]) if len(logarithms) == 1 else e


# --- names and numbers -----------------------------------------------------------------------------------------------


def symbol(name: str) -> Layout:
    """sigma_1 is σ₁; what stands behind a line is a subscript."""
    name = name.replace("'", "′")
    plain = name.rstrip("′")
    stem, _, index = plain.partition("_")
    letters = stem.rstrip("0123456789") or stem
    letters, index = letters, index or stem[len(letters) :]
    letters = _LETTER.get(letters, letters)
    if not index and not name.endswith("′"):
        return Sym(letters)
    below = (Num(index) if index.isdigit() else Sym(_LETTER.get(index, index))) if index else None
    return Script(Sym(letters), below, None, len(name) - len(plain))


@layout.register(sympy.Symbol)
def _(e: Expr) -> Layout:
    return symbol(re.sub(r"\s+", "", e.name) or "x")


@layout.register(sympy.Rational)
def _(e: Expr) -> Layout:
    number = Num(str(abs(e.p)))
    whole = number if e.q == 1 else Frac(number, Num(str(e.q)))
    return row(Op("-"), whole) if e.p < 0 else whole


@layout.register(sympy.Float)
def _(e: Expr) -> Layout:
    digits = sympy.sstr(abs(e))
    return row(Op("-"), Num(digits)) if e < 0 else Num(digits)


for _constant, _letter in {
    sympy.pi: Sym("π"),
    sympy.E: Sym("e"),
    sympy.I: Sym("i"),
    sympy.oo: Sym("∞"),
    -sympy.oo: row(Op("-"), Sym("∞")),
    sympy.EulerGamma: Sym("γ"),
}.items():
    layout.register(type(_constant))(lambda e, letter=_letter: letter)


# --- sums ------------------------------------------------------------------------------------------------------------


@layout.register(sympy.Add)
def _(e: Expr) -> Layout:
    terms = [_signed(term) for term in e.as_ordered_terms()]
    parts = [(negative, factor(term) if negative and term.is_Add else layout(term)) for negative, term in terms]
    if len(parts) < 4 and not e.has(sympy.Function, sympy.exp, sympy.Piecewise):
        return signed_sum(parts, Op("+"), Op("-"))
    return signed_sum(parts, row(TERM_BREAK, PLUS), row(TERM_BREAK, Op("-", "wide")))


def _signed(e: Expr) -> tuple[bool, Expr]:
    """Whether a term is taken away, and the term without its minus."""
    negative = bool(e.as_coeff_Mul()[0].is_extended_negative)
    return negative, -e if negative else e


def factor(e: Expr) -> Layout:
    """An expression as a factor: in parentheses if it is a sum or begins with a minus."""
    return Fence("(", layout(e), ")") if e.is_Add or _signed(e)[0] else layout(e)


# --- products --------------------------------------------------------------------------------------------------------


@layout.register(sympy.Mul)
def _(e: Expr) -> Layout:
    negative, positive = _signed(e)
    turned = _turned(positive) if negative else e
    if turned is None:
        return row(Op("-"), factor(positive))
    e = turned
    number, rest = e.as_coeff_Mul()
    over, under, beside = [], [], []
    for part in sympy.Mul.make_args(rest):
        if isinstance(part, _SWITCHED):
            beside.append(part)
        elif _is_below(part):
            under.append(1 / part)
        else:
            over.append(part)
    if not number.is_Rational:
        over, number = [number, *over], sympy.S.One
    if number.p != 1:
        over.insert(0, sympy.Integer(number.p))
    if number.q != 1:
        under.insert(0, sympy.Integer(number.q))
    front = _fraction(_ordered(_rooted(over)), _ordered(_rooted(under)))
    return product([*front, *map(factor, _ordered(beside))])


def _turned(e: Expr) -> Expr | None:
    """-x/(a - b) as x/(b - a)"""
    for part in sympy.Mul.make_args(e):
        if not (_is_below(part) and part.base.is_Add and part.exp.is_odd) or any(x.is_Number for x in part.base.args):
            continue
        if {_signed(term)[0] for term in part.base.args} == {True, False}:
            return e / part * (-part.base) ** part.exp
    return None


def _is_below(e: Expr) -> bool:
    return bool(isinstance(e, sympy.Pow) and e.exp.is_Rational and e.exp < 0 and e.base is not sympy.E)


def _fraction(over: Sequence[Expr], under: Sequence[Expr]) -> list[Layout]:
    if not under:
        return [factor(part) for part in over]
    below = layout(under[0]) if len(under) == 1 else product(map(factor, under))
    above = layout(over[0]) if len(over) == 1 else product(map(factor, over)) if over else Num("1")
    if width(above) > LONGEST_BAR and over:
        return [Frac(Num("1"), below), *map(factor, over)]
    return [Frac(above, below)]


def _rooted(factors: Sequence[Expr]) -> list[Expr]:
    """√2·√π as √(2π)"""
    roots = [x for x in factors if isinstance(x, sympy.Pow) and x.exp == sympy.S.Half and x.base.is_positive]
    if len(roots) < 2:
        return list(factors)
    joint = sympy.Pow(sympy.Mul(*(x.base for x in roots)), sympy.S.Half, evaluate=False)
    return [joint, *(x for x in factors if x not in roots)]


def _ordered(factors: Iterable[Expr]) -> list[Expr]:
    """Numbers, letters, sums, functions, exponentials, steps."""

    def rank(e: Expr) -> tuple[Any, ...]:
        if e.is_Number:
            place = 0
        elif e.is_number:
            place = 1
        elif isinstance(e, sympy.exp):
            place = 5
        elif isinstance(e, _SWITCHED):
            place = 6
        elif not (base := e.as_base_exp()[0]).is_Symbol and not base.is_Add:
            place = 4
        else:  # parameters before variables
            place = 3 if base.has(sympy.Dummy) else 2
        return place, e.is_Add, sympy.default_sort_key(e)

    return sorted(factors, key=rank)


def product(factors: Iterable[Layout]) -> Layout:
    """Factors side by side, with a dot where a number follows; ones are left out."""
    kept = [part for part in factors if part != Num("1")]
    items: list[Layout] = []
    for place, part in enumerate(kept):
        if place:
            items += [BREAK, DOT if isinstance(_first(part), Num) else BESIDE]
        items.append(part)
    return row(*items) if items else Num("1")


def _first(node: Layout) -> Layout:
    match node:
        case Row(items=(first, *_)) | Script(base=first):
            return _first(first)
        case Frac(over=Num()):
            return node.over
    return node


@layout.register(sympy.Pow)
def _(e: Expr) -> Layout:
    if _is_below(e):
        return Frac(Num("1"), layout(1 / e))
    if e.exp == sympy.S.Half:
        return Root(layout(e.base))
    base = base_of(e.base)
    if isinstance(base, Script) and base.sup is None:  # x′², σ₁²
        return Script(base.base, base.sub, _exponent(e.exp), base.primes)
    return Script(base, None, _exponent(e.exp))


def base_of(e: Expr) -> Layout:
    simple = e.is_Symbol or (e.is_Integer and e >= 0) or e in (sympy.pi, sympy.E) or isinstance(e, AppliedUndef)
    return layout(e) if simple else Fence("(", layout(e), ")")


def _exponent(e: Expr) -> Layout:
    """Fractions of numbers stay low in an exponent, and one bar is better than several."""
    if e.is_Rational and e.q != 1 and e > 0:
        return row(Num(str(e.p)), Op("/"), Num(str(e.q)))
    ways = dict.fromkeys((e, sympy.factor_terms(e))) if e.is_Add else (e,)
    return min(map(layout, ways), key=lambda way: len(text(way)))


@layout.register(sympy.exp)
def _(e: Expr) -> Layout:
    power = _as_power(e)
    if not isinstance(power, sympy.exp):
        return layout(power)
    return Script(Sym("e"), None, _exponent(e.args[0]))
