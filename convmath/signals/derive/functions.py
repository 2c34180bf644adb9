"""Functions, relations and cases as layout, and integrals: the rules beside those of `printing`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational

from convmath.render.mathematics import layout, lettered
from convmath.render.tree import Big, Cases, Fence, Fn, Layout, Num, Op, Script, Sym, commas, joined, row

from ..types import Expr, sympy
from .printing import base_of, factor

__all__ = ["AT_MOST", "LESS", "applied", "at", "integral", "interval"]

_NAMED = {sympy.gamma: "Γ", sympy.uppergamma: "Γ", sympy.lowergamma: "γ", sympy.beta: "B", sympy.binomial: "C"}
_NAMED |= {sympy.sign: "sgn", sympy.re: "Re", sympy.im: "Im"}
_ORDERED = {sympy.besselj: "J", sympy.bessely: "Y", sympy.besseli: "I", sympy.besselk: "K"}
_SIGNS = {
    sympy.StrictLessThan: "<", sympy.LessThan: "≤", sympy.StrictGreaterThan: ">", sympy.GreaterThan: "≥",
    sympy.Equality: "=", sympy.Unequality: "≠",
}  # fmt: skip
AT_MOST, LESS = Op("≤", "wide"), Op("<", "wide")


def applied(name: Layout, *arguments: Layout) -> Layout:
    """f(x, y)"""
    return row(name, Fence("(", commas(arguments, loose=True), ")"))


@layout.register(sympy.Function)
def _(e: Expr) -> Layout:
    name = type(e).__name__
    return applied(
        Sym(_NAMED[e.func]) if len(_NAMED.get(e.func, "")) == 1 else Fn(_NAMED.get(e.func, name)), *map(layout, e.args)
    )


@layout.register(AppliedUndef)
def _(e: Expr) -> Layout:
    bracket = all(a.is_integer for a in e.args)
    body = commas(map(layout, e.args), loose=True)
    return row(lettered(type(e).__name__), Fence("[", body, "]") if bracket else Fence("(", body, ")"))


def at(name: Layout, argument: Layout, discrete: bool | None = False) -> Layout:
    """f(t), and f[n] where n is an integer."""
    return row(name, Fence("[", argument, "]") if discrete else Fence("(", argument, ")"))


@layout.register(sympy.Heaviside)
def _(e: Expr) -> Layout:
    return at(Sym("u"), layout(e.args[0]), e.args[0].is_integer)


@layout.register(sympy.DiracDelta)
def _(e: Expr) -> Layout:
    order = int(e.args[1]) if len(e.args) > 1 else 0
    raised = Fence("(", Num(str(order)), ")") if order > 3 else None
    name = Script(Sym("δ"), None, raised, 0 if raised else order) if order else Sym("δ")
    return row(name, Fence("(", layout(e.args[0]), ")"))


@layout.register(sympy.KroneckerDelta)
def _(e: Expr) -> Layout:
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


@layout.register(sympy.Mod)
def _(e: Expr) -> Layout:
    return Fence("(", row(factor(e.args[0]), Op("mod", "wide"), factor(e.args[1])), ")")


@layout.register(sympy.Abs)
def _(e: Expr) -> Layout:
    return Fence("|", layout(e.args[0]), "|")


@layout.register(sympy.conjugate)
def _(e: Expr) -> Layout:
    return Script(base_of(e.args[0]), None, Op("∗"))


@layout.register(sympy.floor)
def _(e: Expr) -> Layout:
    return Fence("⌊", layout(e.args[0]), "⌋")


@layout.register(sympy.factorial)
def _(e: Expr) -> Layout:
    return row(base_of(e.args[0]), Op("!"))


@layout.register(sympy.harmonic)
def _(e: Expr) -> Layout:
    return Script(Sym("H"), layout(e.args[0]))


@layout.register(sympy.hyper)
def _(e: Expr) -> Layout:
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


@layout.register(sympy.Derivative)
def _(e: Expr) -> Layout:
    function, (_, times) = e.args[0], e.args[1]
    if isinstance(function, AppliedUndef) and len(e.args) == 2 and times <= 3:
        return row(
            Script(lettered(type(function).__name__), None, None, int(times)), Fence("(", layout(function.args[0]), ")")
        )
    raise NotImplementedError(f"no layout rule for {e}")


@layout.register(sympy.Subs)
def _(e: Expr) -> Layout:
    inner, [point] = e.args[0], e.args[2]
    if isinstance(inner, sympy.Derivative) and isinstance(inner.args[0], AppliedUndef):
        name = Script(lettered(type(inner.args[0]).__name__), None, None, int(inner.args[1][1]))
        return row(name, Fence("(", layout(point), ")"))
    raise NotImplementedError(f"no layout rule for {e}")


# --- relations and cases ---------------------------------------------------------------------------------------------


@layout.register(Relational)
def _(e: Expr) -> Layout:
    if e.rhs.has(sympy.Dummy) and not e.lhs.has(sympy.Dummy):  # variables stand on the left
        e = e.reversed
    return row(layout(e.lhs), Op(_SIGNS[type(e)], "wide"), layout(e.rhs))


@layout.register(sympy.And)
def _(e: Expr) -> Layout:
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
        strict = sympy.StrictLessThan | sympy.StrictGreaterThan
        before, after = (LESS if isinstance(c, strict) else AT_MOST for c in (low, high))
        shown.append(row(layout(low.lts), before, layout(low.gts), after, layout(high.gts)))
    return commas(shown, loose=True)


def _meet(low: Any, high: Any) -> bool:
    """Whether one relation ends with what the other begins with."""
    ordered = sympy.StrictLessThan | sympy.LessThan | sympy.StrictGreaterThan | sympy.GreaterThan
    return isinstance(low, ordered) and isinstance(high, ordered) and low.gts == high.lts and not low.gts.is_number


@layout.register(sympy.Or)
def _(e: Expr) -> Layout:
    return joined(Op("∨", "wide"), map(layout, sorted(e.args, key=sympy.default_sort_key)))


@layout.register(sympy.Not)
def _(e: Expr) -> Layout:
    return row(Op("¬"), Fence("(", layout(e.args[0]), ")"))


@layout.register(sympy.Piecewise)
def _(e: Expr) -> Layout:
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


@layout.register(sympy.logic.boolalg.BooleanTrue)
def _(e: Expr) -> Layout:
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
