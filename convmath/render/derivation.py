"""A derivation as a document: each step with its name, a sentence, and what it leads to.

`spoken`, `mentions` and `step_rows` have a rule for each kind of step; a room with steps of its own adds its rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import singledispatch
from typing import Any

from convmath.ir.nodes import Divides, Equation, Placement, Size, Statement
from convmath.ir.poly import Param, Poly
from convmath.ir.walk import reads
from convmath.steps import (
    Absorb,
    Assemble,
    ChooseExtra,
    Exchange,
    ExpandOutside,
    Isolate,
    Merge,
    Rearrange,
    Relations,
    Select,
    Shape,
    Sizes,
    SolveDigits,
    SolveQuotient,
    SolveUnit,
    Step,
    Substitute,
    TakeIn,
    Tangent,
    WindowInside,
    WindowsCounted,
    WindowStarts,
)

from .document import Block, Display, Document, Heading, Paragraph, Relation
from .mathematics import layout, lettered, relation
from .statement import filled, lines, outside_of, outside_words
from .tree import BREAK, EQUALS, Fence, Inline, Layout, Num, Op, Row, Words, commas, joined, put_in, row
from .words import SELECTIONS, STEPS, TITLES, WORDS, known_language

__all__ = ["Mentions", "display", "document", "mentions", "spoken", "step_rows"]

Mentions = Mapping[str, Inline | tuple[Inline, ...]]


def document(derivation: Any, lang: str = "en") -> Document:
    """The whole derivation (of the room above, so it is not named here) in one language."""
    known_language(lang)
    title = TITLES[derivation.kind][lang].format(operator=derivation.title[lang], wrt=derivation.wrt)
    blocks: list[Block] = []
    shown: Any = None
    for number, step in enumerate(derivation.steps, 1):
        name, sentence = spoken(step, lang)
        values = mentions(step, lang)
        blocks.append(Heading((f"{number}. ", *filled(name, values))))
        blocks.append(Paragraph(tuple(filled(sentence, values))))
        if rows := tuple(step_rows(step, shown, lang)):
            blocks.append(Display(rows))
        if step.dropped:
            guards = commas((relation(d.guard) for d in step.dropped), loose=True)
            blocks.append(Paragraph(tuple(filled(WORDS["always"][lang], {"guards": guards})), note=True))
        blocks += _afterwards(step, lang)
        shown = step.after
    if isinstance(derivation.result, Statement):
        blocks += [Heading((WORDS["result"][lang],)), display(derivation.result, lang)]
    verdict = derivation.verify()
    said = WORDS[derivation.checked][lang].format(
        steps=len(derivation.steps),
        cases=verdict.cases,
        verdict=WORDS["all hold" if verdict.ok else "failed"][lang],
    )
    blocks.append(Paragraph((said,), note=True))
    return Document(title, tuple(blocks), lang)


def display(node: Any, lang: str = "en") -> Display:
    """A statement (or what a step leads to) as aligned relations."""
    return Display(tuple(_rows(node, None, lang)))


# --- filling a sentence ----------------------------------------------------------------------------------------------


@singledispatch
def spoken(step: Step, lang: str) -> tuple[str, str]:
    """The name of a step, and what is done and why; {braces} stand for what it mentions."""
    return STEPS[type(step).__name__][lang]


@singledispatch
def mentions(step: Step, lang: str) -> Mentions:
    """The mathematics that the sentence of a step names."""
    return {}


@mentions.register
def _(step: ExpandOutside, lang: str) -> Mentions:
    return {"outside": outside_words(outside_of(step.before), lang)}


@mentions.register
def _(step: Select, lang: str) -> Mapping[str, Inline]:
    return {"selection": SELECTIONS[step.selection][lang]}


@mentions.register
def _(step: Exchange, lang: str) -> Mapping[str, Inline]:
    return {"X": lettered(step.wrt), "gY": lettered(f"g{step.before.outputs[0]}")}


@mentions.register
def _(step: Tangent, lang: str) -> Mapping[str, Inline]:
    return {"X": lettered(step.wrt), "dX": lettered(f"d{step.wrt}")}


@mentions.register
def _(step: SolveUnit, lang: str) -> Mapping[str, Inline]:
    return {"equation": relation(step.equation), "index": _l(step.index), "value": _l(step.value)}


@mentions.register
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


@mentions.register
def _(step: SolveQuotient, lang: str) -> Mapping[str, Inline]:
    assert step.divisor is not None
    assert step.number is not None
    divides = relation(Divides(step.divisor, step.number))
    return {"equation": relation(step.equation), "index": _l(step.index), "divides": divides}


@mentions.register
def _(step: TakeIn, lang: str) -> Mentions:
    reading = (e.name for e in step.before.equations if any(r.tensor == step.inner for r in reads(e.terms)))
    return {"P": lettered(step.inner), "Y": commas(map(lettered, reading), loose=True)}


@mentions.register
def _(step: Merge, lang: str) -> Mentions:
    between = commas(map(relation, step.between), loose=True)
    lost = tuple(filled(WORDS["lost"][lang], {"between": between})) if step.between else ()
    return {"X": lettered(step.data), "U": lettered(step.kernel), "lost": lost}


@mentions.register
def _(step: Absorb, lang: str) -> Mapping[str, Inline]:
    named = {"Y": step.before.outputs[0], "P": step.inner, "W": step.weight, "B": step.bias}
    return {letter: lettered(name) for letter, name in named.items()}


@mentions.register(WindowInside)
@mentions.register(WindowStarts)
@mentions.register(WindowsCounted)
def _(step: Step, lang: str) -> Mapping[str, Inline]:
    placement: Placement = step.before
    return {
        "j": _l(placement.index),
        "low": layout(-placement.before),
        "high": layout(placement.size + placement.after),
        "m": layout(placement.size),
        "n": layout(placement.index.size),
    }


@mentions.register(Isolate)
@mentions.register(Rearrange)
def _(step: Step, lang: str) -> Mapping[str, Inline]:
    return {"unknown": layout(step.before.unknown)}


@mentions.register
def _(step: ChooseExtra, lang: str) -> Mapping[str, Inline]:
    return {"e": layout(step.extra)}


@mentions.register
def _(step: Assemble, lang: str) -> Mapping[str, Inline]:
    return {"shape": layout(step.before)}


@mentions.register
def _(step: Substitute, lang: str) -> Mentions:
    said = [(param, value) for param, value in step.values if param not in step.unsaid]
    unsaid = [(param, value) for param, value in step.values if param in step.unsaid]
    parts = [("with", said), ("by default", unsaid)]
    words = [filled(WORDS[word][lang], {"values": _equal(values)}) for word, values in parts if values]
    first, *others = (inline for place, part in enumerate(words) for inline in (("; ", *part) if place else part))
    return {"values": (first[:1].upper() + first[1:] if isinstance(first, str) else first, *others)}


def _equal(values: Iterable[tuple[Param, Poly]]) -> Layout:
    """n₁ = n₂ = 224, k₁ = k₂ = 7: what is equal is said once."""
    alike: dict[tuple, list[Layout]] = {}
    for param, value in values:
        alike.setdefault((param.letter, value), []).append(layout(param))
    for before, value in [key for key in alike if key[0] == "a" and ("b", key[1]) in alike]:
        alike[before, value] += alike.pop(("b", value))
    return commas((joined(EQUALS, [*params, layout(value)]) for (_, value), params in alike.items()), loose=True)


def _l(node: Any) -> Layout:
    return layout(node)


# --- what a step leads to --------------------------------------------------------------------------------------------


@singledispatch
def step_rows(step: Step, shown: Any, lang: str) -> Iterator[Relation]:
    """What is displayed below the sentence; `shown` is what the step before led to."""
    match step:
        case Assemble(before=Shape(sizes=names), after=Shape(sizes=sizes)):
            yield from (
                (layout(name), EQUALS, layout(size)) for name, size in zip(names, sizes, strict=True) if name != size
            )
        case Substitute(before=Shape(sizes=formulas), after=Shape(sizes=results)):
            values = {layout(param): _grouped(layout(value)) for param, value in step.values}
            for name, formula, result in zip(step.names, formulas, results, strict=True):
                if formula != result and name.atom is not None:
                    yield layout(name), EQUALS, row(put_in(layout(formula), values), BREAK, EQUALS, layout(result))
        case _:
            yield from _rows(step.after, shown, lang)


def _grouped(value: Layout) -> Layout:
    """A value that takes the place of a letter: a sum in parentheses."""
    return Fence("(", value, ")") if isinstance(value, Row) else value


def _rows(node: Any, shown: Any, lang: str) -> Iterator[Relation]:
    """The relations to display; of a statement only the equations that are new since the last one shown."""
    match node:
        case Statement(equations=equations):
            before = shown.equations if isinstance(shown, Statement) else ()
            new = [equation for equation in equations if equation not in before] or list(equations[-1:])
            for equation in new:
                yield from _equation_rows(equation, lang)
        case Size(param=param, value=value):
            yield layout(param), EQUALS, layout(value)
        case Sizes(sizes=sizes):
            for size in sizes:
                yield layout(size.param), EQUALS, layout(size.value)
        case Relations(guards=guards, every=every):
            for guard in guards:
                yield _sided(guard, every, lang)
        case _:
            yield None, None, layout(node)


def _equation_rows(equation: Equation, lang: str) -> Iterator[Relation]:
    (left, right), *lets = lines(equation)
    outside = outside_words(outside_of(equation), lang)
    said = (Words(part.strip()) if isinstance(part, str) else part for part in outside)
    yield left, EQUALS, row(right, Op(",", "after"), BREAK, *said) if outside else right
    for name, quotient in lets:
        yield name, EQUALS, quotient


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
    """The shape after sizes have been put in, and what they leave over."""
    if not isinstance(step, Substitute):
        return
    yield Paragraph(tuple(filled(WORDS["shape"][lang], {"shape": layout(step.after)})))
    if not step.left_over:
        return
    if all(rest == 0 for rest in step.left_over):
        yield Paragraph((WORDS["nothing left over"][lang],))
        return
    for axis, rest in enumerate(step.left_over, 1):
        head = WORDS["axis"][lang].format(axis=axis) if len(step.left_over) > 1 else ""
        words = WORDS["one left over" if rest == 1 else "left over"][lang]
        yield Paragraph((head, *filled(words, {"rest": layout(rest)})))
