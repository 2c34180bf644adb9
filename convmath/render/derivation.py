"""A derivation as a document: each step with its name, a sentence, and what it leads to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import singledispatch
from typing import Any, Protocol

from convmath.ir.nodes import Divides, Equation, Placement, Size, Statement
from convmath.ir.poly import Poly, poly
from convmath.steps import (
    ChooseExtra,
    Exchange,
    ExpandOutside,
    Isolate,
    Relations,
    Select,
    Shape,
    SolveDigits,
    SolveQuotient,
    SolveUnit,
    Step,
    Substitute,
    Tangent,
    WindowInside,
    WindowsCounted,
    WindowStarts,
)

from .document import Block, Display, Document, Heading, Inline, Paragraph, Relation
from .mathematics import layout, left_side, relation, right_side
from .statement import outside_of
from .text import text
from .tree import EQUALS, Layout, Num, Op, Sym, Words, commas, row
from .words import SELECTIONS, STEPS, TITLES, WORDS, known_language, outside_words

__all__ = ["document"]


class Derived(Protocol):
    """What is needed of a derivation to print it."""

    kind: str
    title: Mapping[str, str]
    wrt: str
    result: Any
    steps: tuple[Step, ...]


def document(derivation: Any, lang: str = "en") -> Document:
    """The whole derivation in one language."""
    known_language(lang)
    title = TITLES[derivation.kind][lang].format(operator=derivation.title[lang], wrt=derivation.wrt)
    blocks: list[Block] = []
    shown: Any = None
    for number, step in enumerate(derivation.steps, 1):
        name, sentence = STEPS[type(step).__name__][lang]
        values = {**_mentions(step, lang)}
        blocks.append(Heading(f"{number}. {_plain(name, values)}"))
        blocks.append(Paragraph(tuple(_filled(sentence, values))))
        blocks.append(Display(tuple(_rows(step.after, shown, lang))))
        if step.dropped:
            guards = commas((relation(d.guard) for d in step.dropped), loose=True)
            blocks.append(Paragraph(tuple(_filled(WORDS["always"][lang], {"guards": guards})), note=True))
        blocks += _afterwards(step, lang)
        shown = step.after
    if isinstance(derivation.result, Statement):
        blocks += [Heading(WORDS["result"][lang]), Display(tuple(_rows(derivation.result, None, lang)))]
    verdict = derivation.verify()
    said = WORDS["checked"][lang].format(
        steps=len(derivation.steps),
        cases=verdict.cases,
        verdict=WORDS["all hold" if verdict.ok else "failed"][lang],
    )
    blocks.append(Paragraph((said,), note=True))
    return Document(title, tuple(blocks), lang)


# --- filling a sentence ----------------------------------------------------------------------------------------------


def _filled(sentence: str, values: Mapping[str, Inline]) -> Iterator[Inline]:
    for place, part in enumerate(re.split(r"\{(\w+)\}", sentence)):
        if place % 2:
            yield values[part]
        elif part:
            yield part


def _plain(sentence: str, values: Mapping[str, Inline]) -> str:
    return "".join(v if isinstance(v, str) else text(v) for v in _filled(sentence, values))


@singledispatch
def _mentions(step: Step, lang: str) -> Mapping[str, Inline]:
    """The mathematics that the sentence of a step names."""
    return {}


@_mentions.register
def _(step: ExpandOutside, lang: str) -> Mapping[str, Inline]:
    return {
        "outside": ", ".join(
            outside_words(tensor, outside, lang).removesuffix(" outside").removesuffix(" fuera")
            for tensor, outside in step.tensors
        )
    }


@_mentions.register
def _(step: Select, lang: str) -> Mapping[str, Inline]:
    return {"M": Sym("M"), "selection": SELECTIONS[step.selection][lang]}


@_mentions.register
def _(step: Exchange, lang: str) -> Mapping[str, Inline]:
    return {"X": Sym(step.wrt), "gY": Sym(f"g{step.before.outputs[-1]}")}


@_mentions.register
def _(step: Tangent, lang: str) -> Mapping[str, Inline]:
    return {"X": Sym(step.wrt), "dX": Sym(f"d{step.wrt}")}


@_mentions.register
def _(step: SolveUnit, lang: str) -> Mapping[str, Inline]:
    return {"equation": relation(step.equation), "index": _l(step.index), "value": _l(step.value)}


@_mentions.register
def _(step: SolveDigits, lang: str) -> Mapping[str, Inline]:
    assert step.low is not None
    span = row(Num("0"), Op("≤", "wide"), _l(step.low), Op("<", "wide"), layout(step.low.size))
    return {
        "equation": relation(step.equation),
        "range": span,
        "high": _l(step.high),
        "low": _l(step.low),
        "quotient": _l(step.quotient),
        "remainder": _l(step.remainder),
    }


@_mentions.register
def _(step: SolveQuotient, lang: str) -> Mapping[str, Inline]:
    assert step.divisor is not None and step.number is not None
    divides = relation(Divides(step.divisor, step.number))
    return {"equation": relation(step.equation), "index": _l(step.index), "divides": divides}


@_mentions.register(WindowInside)
@_mentions.register(WindowStarts)
@_mentions.register(WindowsCounted)
def _(step: Step, lang: str) -> Mapping[str, Inline]:
    placement: Placement = step.before
    return {
        "j": _l(placement.index),
        "low": layout(-placement.before),
        "high": layout(placement.size + placement.after),
        "m": layout(placement.size),
        "n": layout(placement.index.size),
    }


@_mentions.register
def _(step: Isolate, lang: str) -> Mapping[str, Inline]:
    return {"unknown": layout(step.before.unknown)}


@_mentions.register
def _(step: ChooseExtra, lang: str) -> Mapping[str, Inline]:
    return {"e": layout(step.extra)}


@_mentions.register
def _(step: Substitute, lang: str) -> Mapping[str, Inline]:
    return {"values": commas((row(layout(p), EQUALS, layout(poly(v))) for p, v in step.values), loose=True)}


def _l(node: Any) -> Layout:
    return layout(node)


# --- what a step leads to --------------------------------------------------------------------------------------------


def _rows(node: Any, shown: Any, lang: str) -> Iterator[Relation]:
    """The relations to display; of a statement only the equations that are new since the last one shown."""
    match node:
        case Statement(equations=equations):
            before = shown.equations if isinstance(shown, Statement) else ()
            new = [equation for equation in equations if equation not in before] or list(equations[-1:])
            for equation in new:
                yield from _equation_rows(equation, lang)
        case Shape(sizes=sizes):
            yield None, None, layout(Shape(sizes))
        case Size(param=param, value=value):
            yield layout(param), EQUALS, layout(value)
        case Relations(guards=guards, every=every):
            for guard in guards:
                yield _sided(guard, every, lang)
        case _:
            yield None, None, layout(node)


def _equation_rows(equation: Equation, lang: str) -> Iterator[Relation]:
    said = [outside_words(name, outside, lang) for name, outside in outside_of(equation).items()]
    right = right_side(equation)
    if said:
        right = row(right, Op(",", "after"), Words("; ".join(said)))
    yield left_side(equation), EQUALS, right


def _sided(guard: Any, every: tuple, lang: str) -> Relation:
    sign = {"Less": "<", "AtMost": "≤", "Zero": "="}[type(guard).__name__]
    right = layout(guard.right)
    taps = [index for index in every if guard.left.has(index) or guard.right.has(index)]
    if taps:
        spans = commas(
            (row(Num("0"), Op("≤", "wide"), layout(t), Op("<", "wide"), layout(t.size)) for t in taps), loose=True
        )
        right = row(right, Words(WORDS["for every"][lang]), spans)
    return layout(guard.left), Op(sign, "wide"), right


def _afterwards(step: Step, lang: str) -> Iterator[Block]:
    """What is left over after sizes have been put in."""
    if not isinstance(step, Substitute) or not step.left_over:
        return
    if all(isinstance(rest, Poly) and rest.constant == 0 for rest in step.left_over):
        yield Paragraph((WORDS["nothing left over"][lang],))
        return
    for axis, rest in enumerate(step.left_over, 1):
        if rest is None or rest.constant == 0:
            continue
        head = WORDS["axis"][lang].format(axis=axis) if len(step.left_over) > 1 else ""
        yield Paragraph((head, *_filled(WORDS["left over"][lang], {"rest": layout(rest)})))
