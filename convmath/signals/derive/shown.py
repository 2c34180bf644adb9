"""How the steps of a convolution are shown: the mathematics that their sentences name, and what stands below them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sympy import oo

from convmath.render.derivation import Mentions, mentions, spoken, step_rows
from convmath.render.document import Relation
from convmath.render.statement import filled
from convmath.render.tree import (
    BREAK,
    EQUALS,
    PLUS,
    TERM_BREAK,
    Big,
    Cases,
    Fence,
    Frac,
    Inline,
    Layout,
    Num,
    Op,
    Root,
    Row,
    Script,
    Sym,
    Words,
    commas,
    joined,
    row,
)

from ..pieces import Impulse, Piece
from ..steps import (
    Case,
    Collect,
    CompleteSquare,
    Define,
    Flip,
    Fold,
    Inner,
    Integrate,
    OnePeriod,
    Overlap,
    Problem,
    Sift,
    SignalStep,
    Turn,
)
from ..types import Expr, sympy
from . import words
from .functions import AT_MOST, LESS, at, integral, interval
from .printing import factor, layout, product, shortest, symbol

__all__ = ["added", "definition", "inner_of", "named", "phrase", "point_of", "when", "whole"]


@spoken.register
def _(step: SignalStep, lang: str) -> tuple[str, str]:
    return words.STEPS[type(step).__name__][lang]


def phrase(name: str, lang: str, **values: Inline | tuple[Inline, ...]) -> tuple[Inline, ...]:
    return tuple(filled(words.PHRASES[name][lang], values))


# --- names -----------------------------------------------------------------------------------------------------------


def named(name: str, problem: Problem, argument: Layout | None = None) -> Layout:
    """f(t), f[n]; for several variables f(r)"""
    return at(symbol(name), argument or point_of(problem), problem.discrete)


def whole(problem: Problem) -> Layout:
    """(f ∗ g)(t); for several variables g(r), as f and h are called there"""
    if len(problem.variables) > 1:
        return named(problem.called, problem)
    return at(_operation(problem), layout(problem.t), problem.discrete)


def _operation(problem: Problem) -> Layout:
    """(f ∗ g)"""
    star = Op("⋆" if problem.correlation else "∗", "wide")
    f, g = map(symbol, problem.names)
    return Fence("(", row(f, star, g), ")")


def point_of(problem: Problem) -> Layout:
    return layout(problem.t) if len(problem.variables) == 1 else Sym(problem.point)


def inner_of(problem: Problem) -> Layout:
    return layout(problem.tau) if len(problem.variables) == 1 else Script(point_of(problem), None, None, 1)


def _apart(problem: Problem) -> Layout:
    """t - τ; for a correlation t + τ"""
    sign = "+" if problem.correlation else "-"
    space = "wide" if len(problem.variables) > 1 else "none"
    return row(point_of(problem), Op(sign, space), inner_of(problem))


def definition(problem: Problem) -> Layout:
    """∫ f(τ) g(t - τ) dτ"""
    f, g = problem.names
    left = named(f, problem, inner_of(problem))
    if problem.correlation:
        left = row(Script(symbol(f), None, Op("∗")), *left.items[1:]) if isinstance(left, Row) else left
    body = row(left, Op("·"), named(g, problem, _apart(problem)))
    if problem.period is not None:
        if problem.discrete:
            return row(_sum(problem.tau, sympy.S.Zero, problem.period - 1), body)
        return integral((inner_of(problem),), sympy.S.Zero, problem.period, body)
    if problem.discrete:
        return row(_sum_over(problem), body)
    if len(problem.variables) > 1:
        return integral((inner_of(problem),), None, None, body)
    return integral((inner_of(problem),), -oo, oo, body)


# --- the definition --------------------------------------------------------------------------------------------------


@mentions.register
def _(step: Define, lang: str) -> Mentions:
    problem = step.after
    f, g = problem.names
    start = phrase(
        "correlation" if problem.correlation else "continuous",
        lang,
        f=symbol(f),
        g=symbol(g),
        t=point_of(problem),
    )
    given = problem.given
    if problem.period is not None:
        start = (*phrase("periodic", lang, P=layout(problem.period)), *start)
    return {
        "start": start,
        "given": phrase("given", lang, conditions=commas(map(layout, given), loose=True)) if given else (),
    }


@step_rows.register
def _(step: Define, shown: Any, lang: str) -> Iterator[Relation]:
    problem: Problem = step.after
    yield whole(problem), EQUALS, definition(problem)
    if len(problem.variables) > 1:
        yield point_of(problem), EQUALS, Fence("(", commas(map(layout, problem.variables), loose=True), ")")
    for name, e in zip(problem.names, (problem.f, problem.g), strict=True):
        if named(name, problem) != layout(e):
            yield named(name, problem), EQUALS, layout(e)


@mentions.register
def _(step: OnePeriod, lang: str) -> Mentions:
    f, g = map(symbol, step.after.names)
    return {"f": f, "g": g, "h": row(f, Op("∗", "wide"), g)}


@step_rows.register
def _(step: OnePeriod, shown: Any, lang: str) -> Iterator[Relation]:
    for name, e in zip(step.after.names, (step.after.f, step.after.g), strict=True):
        yield named(name, step.after), EQUALS, layout(e)


@mentions.register
def _(step: Fold, lang: str) -> Mentions:
    period = layout(step.after.period)
    return {"P": period, "interval": interval(step.after.t, sympy.S.Zero, step.after.period, LESS, AT_MOST)}


@step_rows.register
def _(step: Fold, shown: Any, lang: str) -> Iterator[Relation]:
    linear, problem = step.before, step.after
    later = row(layout(problem.t), Op("+"), layout(problem.period))
    parts = [whole(linear), at(_operation(linear), later, linear.discrete)]
    yield whole(problem.turned or problem), EQUALS, added(parts)
    yield None, EQUALS, layout(shortest(problem.result))


@mentions.register
def _(step: Turn, lang: str) -> Mentions:
    before, after = step.before, step.after
    return {
        "minus": row(Op("-"), inner_of(before)),
        "tau": inner_of(before),
        "f": symbol(before.names[0]),
        "g": symbol(before.names[1]),
        "h": symbol(after.names[0]),
    }


@step_rows.register
def _(step: Turn, shown: Any, lang: str) -> Iterator[Relation]:
    before, after = step.before, step.after
    several = len(before.variables) > 1  # the result has a name of its own there
    yield whole(before), EQUALS, row(definition(after), *(() if several else (BREAK, EQUALS, whole(after))))
    turned = named(before.names[0], before, row(Op("-"), point_of(before)))
    assert isinstance(turned, Row)
    conjugated = row(Script(turned.items[0], None, Op("∗")), *turned.items[1:])
    yield named(after.names[0], after), EQUALS, row(conjugated, EQUALS, layout(after.f))


# --- flip and overlap ------------------------------------------------------------------------------------------------


@mentions.register
def _(step: Flip, lang: str) -> Mentions:
    problem: Problem = step.before
    f, g = problem.names
    left, right = step.after.left, step.after.right
    sides = []
    both = (
        (f, inner_of(problem), left, step.after.disjoint_left),
        (g, _apart(problem), _moved(right, problem), step.after.disjoint_right),
    )
    for name, argument, pieces, disjoint in both:
        if disjoint and (spans := _support(pieces, problem, lang)):
            sides.append((named(name, problem, argument), spans))
    if len(sides) == 2:
        (one, first), (other, second) = sides
        support = phrase("support", lang, f=one, left=first, g=other, right=second)
    elif sides:
        [(one, first)] = sides
        support = phrase("one support", lang, f=one, left=first)
    else:
        support = phrase("everywhere", lang) if all(pieces and disjoint for *_, pieces, disjoint in both) else ()
    return {"tau": inner_of(problem), "t": layout(problem.t), "g": symbol(g), "support": support}


def _moved(pieces: Iterable[Piece], problem: Problem) -> list[Piece]:
    """A piece on (c, d), in τ on (t - d, t - c)."""
    t = problem.t
    moved = [Piece(p.expression, t - p.high, t - p.low) for p in pieces]
    return moved[::-1]


def _support(pieces: Sequence[Piece], problem: Problem, lang: str) -> tuple[Inline, ...]:
    """0 < τ < 1 or 2 < τ < 3; nothing where it is the whole line"""
    spans: list[tuple[Expr, Expr]] = []
    for piece in pieces:
        if spans and sympy.expand(spans[-1][1] - piece.low) == 0:
            spans[-1] = (spans[-1][0], piece.high)
        else:
            spans.append((piece.low, piece.high))
    if not spans or any(low is -oo and high is oo for low, high in spans):
        return ()
    said: list[Inline] = []
    for low, high in spans:
        said += [words.PHRASES["or"][lang]] if said else []
        said.append(_span(problem, problem.tau, low, high))
    return tuple(said)


def _span(problem: Problem, x: Expr, low: Expr, high: Expr) -> Layout:
    """An interval between two break points; of integers, with both ends."""
    if problem.discrete:
        half = sympy.S.Half
        return interval(x, low + half, high - half, AT_MOST, AT_MOST)
    return interval(x, low, high)


@step_rows.register
def _(step: Flip, shown: Any, lang: str) -> Iterator[Relation]:
    problem: Problem = step.before
    moved = problem.t - problem.tau
    if problem.g.has(sympy.Piecewise) and step.after.disjoint_right and step.after.right:
        pieces = [(p.expression.subs(problem.t, moved), p) for p in step.after.right]
        cases = [
            (layout(value), _span(problem, problem.tau, problem.t - p.high, problem.t - p.low))
            for value, p in pieces[::-1]
        ]
        right = (
            cases[0][0] if len(cases) == 1 and not _support(step.after.right, problem, lang) else Cases(tuple(cases))
        )
    else:
        right = layout(problem.g.subs(problem.t, moved))
    yield named(problem.names[1], problem, _apart(problem)), EQUALS, right


@mentions.register
def _(step: Overlap, lang: str) -> Mentions:
    problem: Problem = step.before
    f, g = problem.names
    multiplied = row(named(f, problem, inner_of(problem)), Op("·"), named(g, problem, _apart(problem)))
    if not step.after.one:
        which = phrase("added", lang)
    elif len(step.after.cases) == 1:
        which = phrase("one", lang, product=multiplied)
    else:
        which = phrase("in order", lang, product=multiplied, t=layout(problem.t))
    return {"which": which}


@step_rows.register
def _(step: Overlap, shown: Any, lang: str) -> Iterator[Relation]:
    problem: Problem = step.before
    for case in step.after.cases:
        spans: list[Layout] = []
        for inner in case.inner:
            order = AT_MOST if problem.discrete else LESS
            spans.append(interval(problem.tau, inner.low, inner.high, order, order))
        said = commas(dict.fromkeys(spans), loose=True) if spans else Words(words.PHRASES["nothing"][lang])
        yield when(problem, case), Op(":", "wide"), said


def when(problem: Problem, case: Case) -> Layout:
    if problem.discrete:
        if case.start is -oo and case.end is not oo:
            return interval(problem.t, case.start, case.end + 1)
        if case.end - case.start == 1:
            return row(layout(problem.t), EQUALS, layout(case.end))
        return interval(problem.t, case.start + 1, case.end, AT_MOST, AT_MOST)
    return interval(problem.t, case.start, case.end)


# --- integrals -------------------------------------------------------------------------------------------------------


@mentions.register
def _(step: Integrate, lang: str) -> Mentions:
    problem, case = step.before, step.after
    everywhere = case.start is -oo and case.end is oo
    if everywhere:
        where = phrase("everything" if step.one else "whole part", lang, t=point_of(problem))
    else:
        where = phrase("for" if step.one else "part", lang, interval=when(problem, case))
    known = all(inner.primitive is not None for inner in case.inner)
    return {"where": where, "how": phrase("primitive" if known else "sum" if problem.discrete else "value", lang)}


@step_rows.register
def _(step: Integrate, shown: Any, lang: str) -> Iterator[Relation]:
    problem, case = step.before, step.after
    several = len(problem.variables) > 1
    integrals = definition(problem) if several else added(_of(problem, inner) for inner in case.inner)
    rows: list[Layout] = []
    if all(inner.primitive is not None for inner in case.inner):
        rows.append(added(map(_limits, case.inner)))
    rows.append(layout(case.value))
    if step.one:
        rows.insert(0, integrals)
    for place, right in enumerate(rows):
        yield None if place else whole(problem) if step.one else integrals, EQUALS, right


def _of(problem: Problem, inner: Inner) -> Layout:
    """∫ f(τ) g(t - τ) dτ between its limits"""
    parts = []
    negative = False
    for e in (inner.left, inner.right):
        minus = bool(e.as_coeff_Mul()[0].is_negative)
        negative ^= minus
        parts.append(factor(-e if minus else e))
    body = product(parts)
    if problem.discrete:
        found = row(_sum(problem.tau, inner.low, inner.high), body)
    else:
        found = integral((layout(problem.tau),), inner.low, inner.high, None if body == Num("1") else body)
    return row(Op("-"), found) if negative else found


def _limits(inner: Inner) -> Layout:
    """[F(τ)] between its limits"""
    return Script(Fence("[", layout(inner.primitive), "]"), layout(inner.low), layout(inner.high))


def added(parts: Iterable[Layout]) -> Layout:
    """A sum; what begins with a minus is taken away."""
    items: list[Layout] = []
    for part in parts:
        negative = isinstance(part, Row) and part.items[0] == Op("-")
        if items:
            items.append(row(TERM_BREAK, Op("-", "wide") if negative else PLUS))
            part = row(*part.items[1:]) if negative and isinstance(part, Row) else part
        items.append(part)
    return row(*items)


@mentions.register
def _(step: CompleteSquare, lang: str) -> Mentions:
    kappa, s = sympy.symbols("kappa s")
    known = row(
        integral((layout(s),), -oo, oo, layout(sympy.exp(-kappa * s**2))), EQUALS, Root(Frac(Sym("π"), Sym("κ")))
    )
    return {"tau": layout(step.before.tau), "known": known, "positive": layout(sympy.Gt(kappa, 0))}


@step_rows.register
def _(step: CompleteSquare, shown: Any, lang: str) -> Iterator[Relation]:
    problem, square = step.before, step.after
    tau = problem.tau
    around = _square(square.kappa, tau - square.centre)
    yield layout(square.exponent), EQUALS, added([around, layout(square.rest)]) if square.rest != 0 else around
    front = product(map(factor, (square.front, sympy.exp(square.rest))))
    inner = integral((layout(tau),), -oo, oo, Script(Sym("e"), None, around))
    yield whole(problem), EQUALS, inner if front == Num("1") else row(front, Op("·"), inner)
    yield None, EQUALS, layout(square.value)


def _square(kappa: Expr, base: Expr) -> Layout:
    """-κ(τ - m)²"""
    squared = Script(factor(base), None, Num("2"))
    return row(Op("-"), product([factor(kappa), squared]))


# --- impulses --------------------------------------------------------------------------------------------------------


@mentions.register
def _(step: Sift, lang: str) -> Mentions:
    derived = any(sifted.impulse.order for sifted in step.after)
    return {"delta": Sym("δ"), "derived": phrase("derived", lang) if derived else ()}


@step_rows.register
def _(step: Sift, shown: Any, lang: str) -> Iterator[Relation]:
    problem: Problem = step.before
    f, g = problem.names
    t, tau = problem.t, problem.tau
    for sifted in step.after:
        point = _impulse(sifted.impulse, tau if sifted.of_left else t - tau, problem)
        name, argument = (g, _apart(problem)) if sifted.of_left else (f, inner_of(problem))
        other = named(name, problem, argument)
        body = row(point, Op("·"), other) if sifted.of_left else row(other, Op("·"), point)
        left = row(_sum_over(problem), body) if problem.discrete else integral((layout(tau),), -oo, oo, body)
        moved = t - sifted.impulse.at
        plain = at(_derived(symbol(name), sifted.impulse.order), layout(moved), problem.discrete)
        front = sifted.impulse.coefficient
        value = [plain] if front == 1 else [product([factor(front), plain])]
        if plain != layout(sifted.value):
            value.append(layout(sifted.value))
        yield left, EQUALS, joined(row(BREAK, EQUALS), value)


def _impulse(impulse: Impulse, argument: Expr, problem: Problem) -> Layout:
    moved = argument - impulse.at
    inside = layout(moved)
    delta = at(_derived(Sym("δ"), impulse.order), inside, problem.discrete)
    return delta if impulse.coefficient == 1 else product([factor(impulse.coefficient), delta])


def _derived(name: Layout, order: int) -> Layout:
    if not order:
        return name
    return Script(name, None, None, order) if order < 4 else Script(name, None, Fence("(", Num(str(order)), ")"))


def _sum_over(problem: Problem) -> Layout:
    return Big("Σ", inner_of(problem))


def _sum(k: Expr, low: Expr, high: Expr) -> Layout:
    if low is -oo and high is oo:
        return Big("Σ", layout(k))
    return Big("Σ", row(layout(k), Op("="), layout(low)), layout(high))


# --- the result ------------------------------------------------------------------------------------------------------


@mentions.register
def _(step: Collect, lang: str) -> Mentions:
    if step.cases is not None and len(step.cases.cases) > 1:
        which = "cases" if step.cases.one and not step.sifted else "parts"
    elif (step.cases is not None and step.sifted) or len(step.sifted) > 1:
        which = "parts"
    elif step.whole is not None:
        which = "together"
    else:
        which = "this is"
    return {"together": phrase(which, lang)}


@step_rows.register
def _(step: Collect, shown: Any, lang: str) -> Iterator[Relation]:
    yield whole(step.before.turned or step.before), EQUALS, layout(shortest(step.after))
