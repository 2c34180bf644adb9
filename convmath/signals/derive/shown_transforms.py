"""How the steps by transforms are shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sympy import oo

from convmath.render.derivation import Mentions, mentions, step_rows
from convmath.render.document import Relation
from convmath.render.tree import EQUALS, Big, Fence, Layout, Op, joined, row

from ..steps import Back, Fractions, Multiply, Problem, Transform
from ..types import Expr, sympy
from .functions import LESS, at, integral
from .printing import factor, layout, product, shortest, symbol
from .shown import added, named, phrase


def _transform(problem: Problem, place: int, s: Expr) -> Layout:
    """F(s)"""
    return at(symbol(problem.names[place].upper()), layout(s))


def _region(step: Transform | Back) -> Layout:
    """low < Re s < high, or low < |z| < high"""
    s, region = layout(step.after.s), step.after.region
    size = Fence("|", s, "|") if step.before.discrete else layout(sympy.re(step.after.s))
    low = () if region.low is None else (layout(region.low), LESS)
    high = () if region.high is None else (LESS, layout(region.high))
    return row(*low, size, *high)


@mentions.register
def _(step: Transform, lang: str) -> Mentions:
    name = "z" if step.before.discrete else "laplace"
    if step.after.region.high is None:
        return {"how": phrase(name, lang, s=layout(step.after.s))}
    if step.after.region.high is oo:
        return {"how": phrase("laplace everywhere", lang, s=layout(step.after.s))}
    return {"how": phrase(f"{name} on both sides", lang, region=_region(step))}


@mentions.register
def _(step: Back, lang: str) -> Mentions:
    if step.after.region.high is None:
        return {"how": phrase("back to the right", lang)}
    if step.after.region.high is oo:
        return {"how": phrase("back to the whole line", lang)}
    return {"how": phrase("back to both sides", lang, region=_region(step))}


@step_rows.register
def _(step: Transform, shown: Any, lang: str) -> Iterator[Relation]:
    problem, s, t = step.before, step.after.s, step.before.t
    kernel = layout(s**-t if problem.discrete else sympy.exp(-s * t))
    body = row(named(problem.names[0], problem), Op("·"), kernel)
    defined = row(Big("Σ", layout(t)), body) if problem.discrete else integral((layout(t),), -oo, oo, body)
    first, second = step.after.pairs
    yield _transform(problem, 0, s), EQUALS, defined
    yield None, EQUALS, layout(first.transform)
    yield _transform(problem, 1, s), EQUALS, layout(second.transform)


@step_rows.register
def _(step: Multiply, shown: Any, lang: str) -> Iterator[Relation]:
    yield _product_of(step), EQUALS, product(factor(pair.transform) for pair in step.after.pairs)


@step_rows.register
def _(step: Fractions, shown: Any, lang: str) -> Iterator[Relation]:
    yield _product_of(step), EQUALS, added(layout(pair.transform) for pair in step.after.pairs)


def _product_of(step: Multiply | Fractions) -> Layout:
    return joined(Op("·"), (_transform(step.before, place, step.after.s) for place in (0, 1)))


@step_rows.register
def _(step: Back, shown: Any, lang: str) -> Iterator[Relation]:
    for pair in step.after.pairs:
        yield layout(pair.transform), Op("→", "wide"), layout(shortest(pair.function))
