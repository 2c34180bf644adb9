"""What was asked and what was found, as a document; with the steps to it where they are wanted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sympy
from sympy.core.function import AppliedUndef

from convmath.derivation import Derivation, Printable
from convmath.render.document import Block, Display, Document, Heading, Paragraph, Relation
from convmath.render.statement import filled
from convmath.render.tree import BREAK, DOT, EQUALS, PLUS, Big, Fence, Layout, Op, Row, Sym, Words, commas, joined, row

from ..facts import Facts
from ..operation import Operation
from ..steps import Problem
from ..types import Expr
from .functions import AT_MOST, LESS, interval
from .printing import factor, layout, product, shortest
from .reasons import told
from .shown import definition, named, whole
from .words import TITLES

__all__ = ["Answered", "AnsweredLists"]

WORDS: Mapping[str, Mapping[str, str]] = {
    "where": {"en": "Here {conditions}.", "es": "Aquí {conditions}."},
    "periodic": {
        "en": "Both functions are given for {interval}, and go on with this period.",
        "es": "Ambas funciones se dan para {interval} y continúan con este periodo.",
    },
    "needed": {"en": "It converges for {conditions}.", "es": "Converge para {conditions}."},
    "principal": {"en": "The integral is a principal value.", "es": "La integral es un valor principal."},
    "step": {
        "en": "The unit step {u} is 0 before 0 and 1 after it; {convention}.",
        "es": "El escalón unitario {u} es 0 antes de 0 y 1 después; {convention}.",
    },
    "checked": {
        "en": "The result was compared with numerical values of the definition at {held} points.",
        "es": "El resultado se comparó con valores numéricos de la definición en {held} puntos.",
    },
    "not found": {"en": "No closed form was found: {reason}.", "es": "No se encontró una forma cerrada: {reason}."},
    "in part": {
        "en": "No closed form was found in every case: {reason}.",
        "es": "No se encontró una forma cerrada en todos los casos: {reason}.",
    },
    "divergent": {"en": "It has no value: {reason}.", "es": "No tiene valor: {reason}."},
    "the result": {"en": "The result", "es": "El resultado"},
    "case": {"en": "The case {conditions}", "es": "El caso {conditions}"},
    "lists": {"en": "{title} of lists", "es": "{title} de listas"},
    "first": {
        "en": "Lists begin at the index 0, and the result at {first}.",
        "es": "Las listas empiezan en el índice 0 y el resultado en {first}.",
    },
    "modulo": {
        "en": "Lists begin at the index 0, and indices count modulo {period}.",
        "es": "Las listas empiezan en el índice 0 y los índices se cuentan módulo {period}.",
    },
}
SIGNS = {
    "positive": sympy.Gt, "negative": sympy.Lt, "nonnegative": sympy.Ge, "nonpositive": sympy.Le, "nonzero": sympy.Ne,
}  # fmt: skip


@dataclass(frozen=True)
class Answered(Printable):
    """A question and its answer; `reason` says why there is none, or none in some cases.

    `given` are the relations that were assumed.
    """

    called = "convolution"

    asked: Operation
    expr: Expr | None
    needed: tuple[Any, ...] = ()
    held: int = 0
    reason: str = ""
    divergent: bool = False
    given: tuple[Any, ...] = ()
    principal: bool = False
    derivations: tuple[Derivation, ...] = ()

    def document(self, lang: str = "en") -> Document:
        title = TITLES[_kind(self.asked)][lang]
        blocks = [*self._question(lang)]
        if not self.derivations:
            blocks += self._answer(lang)
        for derivation in self.derivations:
            steps = derivation.document(lang)
            title = steps.title
            blocks += [*self._case(derivation, lang), *steps.blocks]
        if len(self.derivations) > 1:
            blocks += [Heading((WORDS["the result"][lang],)), Display((self._result(),))]
        return Document(title, tuple(blocks), lang)

    def _question(self, lang: str) -> Iterator[Block]:
        if len(self.derivations) != 1:  # whose first step asks
            yield Display(tuple(_rows(_problem(self.asked), self.asked.period)))
        if known := [*_known(self.asked, self.given)]:
            yield _said("where", lang, conditions=commas(known, loose=True))
        if (period := self.asked.period) is not None:
            ends = sympy.S.Zero, period
            intervals = commas((interval(x, *ends, LESS, AT_MOST) for x in self.asked.variables), loose=True)
            yield _said("periodic", lang, interval=intervals)
        if self.principal:
            yield _said("principal", lang)

    def _answer(self, lang: str) -> Iterator[Block]:
        reason = told(self.reason.rstrip("."), lang)
        if self.expr is None:
            yield _said("divergent" if self.divergent else "not found", lang, reason=reason)
            return
        yield Display((self._result(),))
        if reason:
            yield _said("in part", lang, reason=reason)
        if self.needed:
            yield _said("needed", lang, conditions=commas(map(layout, self.needed), loose=True))
        if any(e.has(sympy.Heaviside) for e in (*self.asked.functions, self.expr)):
            value, at = ("1", "u[0] = ") if self.asked.discrete else ("1/2", "u(0) = ")
            yield _said("step", lang, note=True, u=Sym("u"), convention=at + value)
        if self.held:
            yield _said("checked", lang, note=True, held=str(self.held))

    def _result(self) -> Relation:
        assert self.expr is not None
        return whole(_problem(self.asked)), EQUALS, _shown(self.expr, short=True)

    def _case(self, derivation: Derivation, lang: str) -> Iterator[Block]:
        if len(self.derivations) > 1 and derivation.subject.given:
            yield Heading(_filled("case", lang, conditions=commas(map(layout, derivation.subject.given), loose=True)))


def _kind(asked: Operation) -> str:
    return "correlation" if asked.sign > 0 else "convolution"


def _problem(asked: Operation) -> Problem:
    inner = tuple(asked.inner().values())
    names = ("f", "g") if len(inner) == 1 else ("f", "h")
    f, g = asked.functions
    return Problem(f, g, asked.variables, inner, Facts(), sympy.S.Zero, (), names, asked.sign > 0)


def _rows(problem: Problem, period: Any) -> Iterator[Relation]:
    """What is asked, and the two functions."""
    yield whole(problem), EQUALS, definition(problem) if period is None else _over_a_period(problem, period)
    if len(problem.variables) > 1:
        yield Sym("r"), EQUALS, Fence("(", commas(map(layout, problem.variables), loose=True), ")")
    for name, e in zip(problem.names, (problem.f, problem.g), strict=True):
        if not isinstance(e, AppliedUndef):
            yield named(name, problem), EQUALS, _shown(e)


def _shown(e: Expr, short: bool = False) -> Layout:
    """The layout of an expression; in words where it has a function of SymPy's that there is no rule for."""
    try:
        return layout(shortest(e) if short else e)
    except NotImplementedError:
        return Words(str(e))


def _over_a_period(problem: Problem, period: Expr) -> Layout:
    """∫ f(τ) g(t - τ) dτ from 0 to P"""
    inside = definition(problem)
    if len(problem.variables) > 1 or not isinstance(inside, Row):
        return inside
    _, *rest = inside.items
    low, high = layout(sympy.S.Zero), layout(period - 1 if problem.discrete else period)
    under = row(layout(problem.tau), EQUALS, low) if problem.discrete else low
    return row(Big("Σ" if problem.discrete else "∫", under, high), *rest)


def _known(asked: Operation, given: Iterable[Any]) -> Iterator[Layout]:
    """What the symbols of parameters assume, and the relations that were given."""
    parameters: list[Any] = sorted(asked.free_symbols - set(asked.variables), key=str)
    bare = {x: sympy.Symbol(x.name) for x in parameters}  # of which no relation is true already
    relations = [relation.xreplace(bare) for relation in given]
    for x in parameters:
        if x.is_integer:
            yield row(layout(x), Op("∈", "wide"), Sym("ℤ"))
        relations += [of(bare[x], 0) for kind, of in SIGNS.items() if x._assumptions_orig.get(kind)]
    if relations:
        together: Any = sympy.And
        yield layout(together(*relations, evaluate=False) if len(relations) > 1 else relations[0])


@layout.register
def _(e: Operation) -> Layout:
    """The integral, or the sum, written out."""
    body = product(factor(part) for part in e.factors())
    limits = [(layout(y), layout(low), layout(high)) for y, low, high in e.limits()]
    if e.discrete:
        return row(*(Big("Σ", row(y, EQUALS, low), high) for y, low, high in limits), body)
    return row(
        *(Big("∫", *ends) for _, *ends in limits), body, *(d for y, *_ in limits for d in (Op("d", "before"), y))
    )


def _filled(name: str, lang: str, **values: Any) -> tuple[Any, ...]:
    return tuple(filled(WORDS[name][lang], values))


def _said(name: str, lang: str, note: bool = False, **values: Any) -> Paragraph:
    return Paragraph(_filled(name, lang, **values), note)


# --- lists ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AnsweredLists(Printable):
    """Two nested lists and their convolution, or correlation."""

    called = "convolution"

    f: Any
    g: Any
    found: Any
    correlation: bool = False
    period: Any = None
    steps: bool = False

    def document(self, lang: str = "en") -> Document:
        title = WORDS["lists"][lang].format(title=TITLES["correlation" if self.correlation else "convolution"][lang])
        name = row(Sym("f"), Op("⋆" if self.correlation else "∗", "wide"), Sym("g"))
        rows = ((Sym("f"), EQUALS, _list(self.f)), (Sym("g"), EQUALS, _list(self.g)), (name, EQUALS, _list(self.found)))
        if self.period is not None:
            where = _said("modulo", lang, note=True, period=layout(sympy.sympify(self.period)))
        else:
            first = [1 - size if self.correlation else 0 for size in _sizes(self.f)]
            where = _said("first", lang, note=True, first=commas(map(layout, map(sympy.Integer, first)), loose=True))
        return Document(title, (Display(rows), *([Display(tuple(self._worked()))] if self.steps else []), where), lang)

    def _worked(self) -> Iterator[Relation]:
        """Σ_k f[k] g[n - k] for each n, of lists of one dimension."""
        last = len(self.f) - 1
        for place in range(len(self.found)):
            n = place - last if self.correlation and self.period is None else place
            pairs = []
            for k, x in enumerate(self.f):
                at = n + k if self.correlation else n - k
                if self.period is not None:
                    pairs += [(x, y) for j, y in enumerate(self.g) if (j - at) % self.period == 0]
                elif 0 <= at < len(self.g):
                    pairs.append((x, self.g[at]))
            name = row(Fence("(", row(Sym("f"), Op("⋆" if self.correlation else "∗", "wide"), Sym("g")), ")"))
            products = [row(factor(x), DOT, factor(y)) for x, y in pairs]
            sides = [joined(row(BREAK, PLUS), products)] if products else []
            value = joined(EQUALS, [*sides, layout(self.found[place])])
            yield row(name, Fence("[", layout(sympy.Integer(n)), "]")), EQUALS, value


def _list(values: Any) -> Layout:
    if not isinstance(values, list):
        return layout(sympy.sympify(values))
    return Fence("[", joined(row(Op(",", "after"), BREAK), map(_list, values)) if values else Sym(""), "]")


def _sizes(values: Any) -> Iterable[int]:
    while isinstance(values, list):
        yield len(values)
        values = values[0] if values else None
