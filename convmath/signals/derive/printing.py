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

import sympy
from sympy import Expr
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational

from convmath.render.mathematics import LONGEST_BAR, layout, lettered, signed_sum
from convmath.render.text import text
from convmath.render.tree import (
    BESIDE,
    BREAK,
    DOT,
    PLUS,
    TERM_BREAK,
    Big,
    Cases,
    Fence,
    Fn,
    Frac,
    Layout,
    Num,
    Op,
    Root,
    Row,
    Script,
    Sym,
    commas,
    joined,
    row,
    width,
)

__all__ = [
    "AT_MOST",
    "LESS",
    "applied",
    "at",
    "factor",
    "integral",
    "interval",
    "layout",
    "product",
    "shortest",
    "symbol",
]

_SWITCHED = (sympy.Heaviside, sympy.DiracDelta, sympy.KroneckerDelta, sympy.Piecewise)
_GREEK = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega"]
_LETTER = dict(zip(_GREEK, "αβγδεζηθκλμνξπρστφχψωΓΔΘΛΞΠΣΦΨΩ", strict=True))
_NAMED = {
    sympy.gamma: "Γ", sympy.uppergamma: "Γ", sympy.lowergamma: "γ", sympy.beta: "B", sympy.binomial: "C", sympy.sign: "sgn",
}  # fmt: skip
_ORDERED = {sympy.besselj: "J", sympy.bessely: "Y", sympy.besseli: "I", sympy.besselk: "K"}
_SIGNS = {
    sympy.StrictLessThan: "<", sympy.LessThan: "≤", sympy.StrictGreaterThan: ">", sympy.GreaterThan: "≥",
    sympy.Equality: "=", sympy.Unequality: "≠",
}  # fmt: skip
AT_MOST, LESS = Op("≤", "wide"), Op("<", "wide")


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


@layout.register
def _(e: sympy.Symbol) -> Layout:
    return symbol(re.sub(r"\s+", "", e.name) or "x")


@layout.register
def _(e: sympy.Rational) -> Layout:
    number = Num(str(abs(e.p)))
    whole = number if e.q == 1 else Frac(number, Num(str(e.q)))
    return row(Op("-"), whole) if e.p < 0 else whole


@layout.register
def _(e: sympy.Float) -> Layout:
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


@layout.register
def _(e: sympy.Add) -> Layout:
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


@layout.register
def _(e: sympy.Mul) -> Layout:
    negative, positive = _signed(e)
    if negative and (turned := _turned(positive)) is None:
        return row(Op("-"), factor(positive))
    e = turned if negative else e
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


@layout.register
def _(e: sympy.Pow) -> Layout:
    if _is_below(e):
        return Frac(Num("1"), layout(1 / e))
    if e.exp == sympy.S.Half:
        return Root(layout(e.base))
    base = _base(e.base)
    if isinstance(base, Script) and base.sup is None:  # x′², σ₁²
        return Script(base.base, base.sub, _exponent(e.exp), base.primes)
    return Script(base, None, _exponent(e.exp))


def _base(e: Expr) -> Layout:
    simple = e.is_Symbol or (e.is_Integer and e >= 0) or e in (sympy.pi, sympy.E) or isinstance(e, AppliedUndef)
    return layout(e) if simple else Fence("(", layout(e), ")")


def _exponent(e: Expr) -> Layout:
    """Fractions of numbers stay low in an exponent, and one bar is better than several."""
    if e.is_Rational and e.q != 1 and e > 0:
        return row(Num(str(e.p)), Op("/"), Num(str(e.q)))
    ways = dict.fromkeys((e, sympy.factor_terms(e))) if e.is_Add else (e,)
    return min(map(layout, ways), key=lambda way: len(text(way)))


@layout.register
def _(e: sympy.exp) -> Layout:
    power = _as_power(e)
    if not isinstance(power, sympy.exp):
        return layout(power)
    return Script(Sym("e"), None, _exponent(e.args[0]))


# --- functions -------------------------------------------------------------------------------------------------------


def applied(name: Layout, *arguments: Layout) -> Layout:
    """f(x, y)"""
    return row(name, Fence("(", commas(arguments, loose=True), ")"))


@layout.register
def _(e: sympy.Function) -> Layout:
    name = type(e).__name__
    return applied(
        Sym(_NAMED[e.func]) if len(_NAMED.get(e.func, "")) == 1 else Fn(_NAMED.get(e.func, name)), *map(layout, e.args)
    )


@layout.register
def _(e: AppliedUndef) -> Layout:
    bracket = all(a.is_integer for a in e.args)
    body = commas(map(layout, e.args), loose=True)
    return row(lettered(type(e).__name__), Fence("[", body, "]") if bracket else Fence("(", body, ")"))


def at(name: Layout, argument: Layout, discrete: bool | None = False) -> Layout:
    """f(t), and f[n] where n is an integer."""
    return row(name, Fence("[", argument, "]") if discrete else Fence("(", argument, ")"))


@layout.register
def _(e: sympy.Heaviside) -> Layout:
    return at(Sym("u"), layout(e.args[0]), e.args[0].is_integer)


@layout.register
def _(e: sympy.DiracDelta) -> Layout:
    order = int(e.args[1]) if len(e.args) > 1 else 0
    raised = Fence("(", Num(str(order)), ")") if order > 3 else None
    name = Script(Sym("δ"), None, raised, 0 if raised else order) if order else Sym("δ")
    return row(name, Fence("(", layout(e.args[0]), ")"))


@layout.register
def _(e: sympy.KroneckerDelta) -> Layout:
    left, right = e.args
    index = right if left == 0 else sympy.expand(left - right)
    if left != 0 and index.could_extract_minus_sign():
        index = -index
    return row(Sym("δ"), Fence("[", layout(index), "]"))


@layout.register(sympy.Max)
@layout.register(sympy.Min)
def _(e: Any) -> Layout:
    inside = sorted(e.args, key=lambda part: (not part.is_number, sympy.default_sort_key(part)))
    return row(Big(type(e).__name__.lower()), Fence("(", commas(map(layout, inside), loose=True), ")"))


@layout.register
def _(e: sympy.Mod) -> Layout:
    return Fence("(", row(factor(e.args[0]), Op("mod", "wide"), factor(e.args[1])), ")")


@layout.register
def _(e: sympy.Abs) -> Layout:
    return Fence("|", layout(e.args[0]), "|")


@layout.register
def _(e: sympy.conjugate) -> Layout:
    return Script(_base(e.args[0]), None, Op("∗"))


@layout.register
def _(e: sympy.floor) -> Layout:
    return Fence("⌊", layout(e.args[0]), "⌋")


@layout.register
def _(e: sympy.factorial) -> Layout:
    return row(_base(e.args[0]), Op("!"))


@layout.register
def _(e: sympy.harmonic) -> Layout:
    return Script(Sym("H"), layout(e.args[0]))


@layout.register
def _(e: sympy.hyper) -> Layout:
    """Kummer's M(a, b, z), Gauss's F(a, b; c; z)"""
    above, below, z = e.args
    if (len(above), len(below)) == (1, 1):
        return applied(Sym("M"), *map(layout, (*above, *below, z)))
    groups = (commas(map(layout, group), loose=True) for group in (above, below, (z,)))
    return row(Sym("F"), Fence("(", joined(Op(";", "after"), groups), ")"))


for _kind, _name in _ORDERED.items():
    layout.register(_kind)(
        lambda e, name=_name: row(Script(Sym(name), layout(e.args[0])), Fence("(", layout(e.args[1]), ")"))
    )


@layout.register
def _(e: sympy.Derivative) -> Layout:
    function, (_, times) = e.args[0], e.args[1]
    if isinstance(function, AppliedUndef) and len(e.args) == 2 and times <= 3:
        return row(
            Script(lettered(type(function).__name__), None, None, int(times)), Fence("(", layout(function.args[0]), ")")
        )
    raise NotImplementedError(f"no layout rule for {e}")


@layout.register
def _(e: sympy.Subs) -> Layout:
    inner, [point] = e.args[0], e.args[2]
    if isinstance(inner, sympy.Derivative) and isinstance(inner.args[0], AppliedUndef):
        name = Script(lettered(type(inner.args[0]).__name__), None, None, int(inner.args[1][1]))
        return row(name, Fence("(", layout(point), ")"))
    raise NotImplementedError(f"no layout rule for {e}")


# --- relations and cases ---------------------------------------------------------------------------------------------


@layout.register
def _(e: Relational) -> Layout:
    if e.rhs.has(sympy.Dummy) and not e.lhs.has(sympy.Dummy):  # variables stand on the left
        e = e.reversed
    return row(layout(e.lhs), Op(_SIGNS[type(e)], "wide"), layout(e.rhs))


@layout.register
def _(e: sympy.And) -> Layout:
    """a < t < b, where both ends are said, and relation after relation."""
    parts = sorted(e.args, key=sympy.default_sort_key)
    shown: list[Layout] = []
    while parts:
        first = parts.pop(0)
        pairs = ((low, high) for part in parts for low, high in ((first, part), (part, first)) if _meet(low, high))
        low, high = next(pairs, (None, None))
        if low is None or high is None:
            shown.append(Fence("(", layout(first), ")") if isinstance(first, sympy.Or) else layout(first))
            continue
        parts.remove(high if low is first else low)
        signs = [Op("<" if isinstance(c, sympy.StrictLessThan | sympy.StrictGreaterThan) else "≤", "wide") for c in (low, high)]
        shown.append(row(layout(low.lts), signs[0], layout(low.gts), signs[1], layout(high.gts)))
    return commas(shown, loose=True)


def _meet(low: Any, high: Any) -> bool:
    """Whether one relation ends with what the other begins with."""
    ordered = sympy.StrictLessThan | sympy.LessThan | sympy.StrictGreaterThan | sympy.GreaterThan
    return isinstance(low, ordered) and isinstance(high, ordered) and low.gts == high.lts and not low.gts.is_number


@layout.register
def _(e: sympy.Or) -> Layout:
    return joined(Op("∨", "wide"), map(layout, sorted(e.args, key=sympy.default_sort_key)))


@layout.register
def _(e: sympy.Not) -> Layout:
    return row(Op("¬"), Fence("(", layout(e.args[0]), ")"))


@layout.register
def _(e: sympy.Piecewise) -> Layout:
    values, conditions = zip(*e.args, strict=True)
    return Cases(tuple(zip(map(layout, values), _told_apart(conditions), strict=True)))


def _told_apart(conditions: Sequence[Any]) -> list[Layout]:
    """When each case holds, said without "otherwise": below a point, between two, from the last one on."""
    *first, last = conditions
    below = all(isinstance(c, sympy.StrictLessThan | sympy.LessThan) and c.lhs == first[0].lhs for c in first)
    if first and below and last == True:  # noqa: E712
        x, ends = first[0].lhs, [c.rhs for c in first]
        lows = [-sympy.oo, *ends]
        return [interval(x, low, high, LESS, AT_MOST) for low, high in zip(lows, [*ends, sympy.oo], strict=True)]
    if last == True:  # noqa: E712
        conditions = (*first, sympy.And(*(sympy.Not(c) for c in first)).to_nnf())
    return [layout(c) for c in conditions]


@layout.register
def _(e: sympy.logic.boolalg.BooleanTrue) -> Layout:
    return Op("…")


def interval(x: Expr, low: Expr, high: Expr, before: Op = LESS, after: Op = LESS) -> Layout:
    """low < x < high, without an end that is infinite."""
    if low is -sympy.oo and high is sympy.oo:
        return row(layout(low), LESS, layout(x), LESS, layout(high))
    if low is -sympy.oo:
        return row(layout(x), before, layout(high))
    if high is sympy.oo:
        return row(layout(x), Op({"<": ">", "≤": "≥"}[after.sign], "wide"), layout(low))
    return row(layout(low), after, layout(x), before, layout(high))


def integral(variables: Sequence[Layout], low: Expr | None, high: Expr | None, body: Layout | None) -> Layout:
    """∫ body dτ from one end to another, or over all there is."""
    limits = () if low is None or high is None else (layout(low), layout(high))
    differentials = (item for x in variables for item in (Op("d", "before"), x))
    return row(*(Big("∫", *limits) for _ in variables), *(() if body is None else (body,)), *differentials)
