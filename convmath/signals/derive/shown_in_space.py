"""How the steps in several variables are shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sympy import oo

from convmath.render.derivation import Mentions, mentions, step_rows
from convmath.render.document import Relation
from convmath.render.tree import BREAK, EQUALS, Fence, Frac, Matrix, Num, Op, Root, Script, Sym, commas, joined, row

from ..steps import Along, CompleteForm, CompleteSquare, Integrate, Lens, NewVariables, Problem, Separate, Sift
from ..types import Expr, sympy
from . import words
from .functions import integral
from .printing import factor, layout, product, shortest, symbol
from .shown import added, inner_of, named, phrase, point_of, when, whole


@mentions.register
def _(step: Separate, lang: str) -> Mentions:
    problem: Problem = step.before
    word = words.PHRASES["a sum" if problem.discrete else "integral"][lang]
    return {"integral": word, "sum": phrase("terms", lang) if len(step.after.terms) > 1 else ()}


@step_rows.register
def _(step: Separate, shown: Any, lang: str) -> Iterator[Relation]:
    parts = []
    for coefficient, axes in step.after.terms:
        negative = bool(coefficient.as_coeff_Mul()[0].is_negative)
        factors = [*([] if abs(coefficient) == 1 else [factor(abs(coefficient))]), *map(whole, axes)]
        term = joined(row(BREAK, Op("·")), factors)
        parts.append(row(Op("-"), term) if negative else term)
    yield whole(step.before), EQUALS, added(parts)


@mentions.register
def _(step: Along, lang: str) -> Mentions:
    f, h = step.before.names
    return {"x": layout(step.before.t), "f": symbol(f), "h": symbol(h)}


@step_rows.register
def _(step: Along, shown: Any, lang: str) -> Iterator[Relation]:
    """The functions, and what the steps along the axis lead to, a row each."""
    axis: Problem = step.before
    for name, e in zip(axis.names, (axis.f, axis.g), strict=True):
        yield named(name, axis), EQUALS, layout(e)
    for inner in step.after:
        match inner:
            case Sift(after=(_,)) if not any(isinstance(other, Integrate | CompleteSquare) for other in step.after):
                [(left, sign, right)] = step_rows(inner, None, lang)
                yield whole(axis), EQUALS, row(*(part for part in (left, BREAK, sign, right) if part is not None))
            case Sift() | CompleteSquare():
                yield from step_rows(inner, None, lang)
            case Integrate(after=case):
                (left, sign, first), *rest = step_rows(inner, None, lang)
                chain = joined(row(BREAK, EQUALS), (first, *(right for _, _, right in rest)))
                everywhere = case.start is -oo and case.end is oo
                yield left, sign, chain if everywhere else row(chain, Op(",", "after"), when(axis, case))
    if sum(isinstance(inner, Integrate | Sift | CompleteSquare) for inner in step.after) > 1 or axis.result.has(
        sympy.Piecewise, sympy.Heaviside
    ):
        yield whole(axis), EQUALS, layout(shortest(axis.result))


@mentions.register
def _(step: CompleteForm, lang: str) -> Mentions:
    inside = inner_of(step.before)
    around = Script(Fence("(", row(inside, Op("-"), Sym("m")), ")"), None, Sym("T"))
    exponent = row(Op("-"), around, Sym("S"), Fence("(", row(inside, Op("-"), Sym("m")), ")"))
    size = len(step.before.variables)
    power = layout(sympy.pi ** sympy.Rational(size, 2))
    known = row(
        integral((inside,), None, None, Script(Sym("e"), None, exponent)),
        EQUALS,
        Frac(power, Root(Fence("|", Sym("S"), "|"))),
    )
    return {"r": inside, "known": known, "S": Sym("S"), "m": Sym("m")}


@step_rows.register
def _(step: CompleteForm, shown: Any, lang: str) -> Iterator[Relation]:
    problem, form = step.before, step.after
    inside = Fence("(", row(inner_of(problem), Op("-"), Sym("m")), ")")
    around = row(Op("-"), Script(inside, None, Sym("T")), Sym("S"), inside)
    yield None, None, layout(form.exponent)
    yield None, EQUALS, added([around, layout(form.rest)]) if form.rest != 0 else around
    yield Sym("S"), EQUALS, Matrix(tuple(tuple(map(layout, entries)) for entries in form.matrix.tolist()))
    yield Sym("m"), EQUALS, Matrix(tuple(tuple(map(layout, entries)) for entries in form.centre.tolist()))
    yield whole(problem), EQUALS, layout(form.value)


@mentions.register
def _(step: Lens, lang: str) -> Mentions:
    lens = step.after
    kind, size = ("disc", "area") if lens.dimension == 2 else ("ball", "volume")
    return {
        "ball": words.PHRASES[kind][lang],
        "other": words.PHRASES[f"other {kind}"][lang],
        "size": words.PHRASES[size][lang],
        "r": point_of(step.before),
        "d": layout(lens.d),
    }


@step_rows.register
def _(step: Lens, shown: Any, lang: str) -> Iterator[Relation]:
    lens = step.after
    yield layout(lens.d), EQUALS, layout(lens.distance)
    value = shortest(lens.value)
    scale = () if lens.scale == 1 else (factor(lens.scale), Op("·", "dot"))
    yield whole(step.before.turned or step.before), EQUALS, row(*scale, layout(value))


@mentions.register
def _(step: NewVariables, lang: str) -> Mentions:
    after = step.after
    return {"new": commas(map(layout, after.variables), loose=True), "size": Frac(Num("1"), factor(_size(step)))}


def _size(step: NewVariables) -> Expr:
    determinant = step.matrix.det()
    return determinant if step.after.facts.positive(determinant) else sympy.Abs(determinant)


@step_rows.register
def _(step: NewVariables, shown: Any, lang: str) -> Iterator[Relation]:
    before, after = step.before, step.after
    yield point_of(after), EQUALS, Fence("(", commas(map(layout, after.variables), loose=True), ")")
    for y, form in zip(after.variables, step.matrix * sympy.Matrix(before.variables), strict=True):
        yield layout(y), EQUALS, layout(form)
    for name, e in zip(after.names, (after.f, after.g), strict=True):
        yield named(name, after), EQUALS, layout(e)
    size = _size(step)
    yield whole(before), EQUALS, whole(after) if size == 1 else product([Frac(Num("1"), layout(size)), whole(after)])
