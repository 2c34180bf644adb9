"""The page of all operators: each with its statement, size, conditions and gradients, as they are derived today."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from convmath.calculus.shape import derived_size
from convmath.integers.facts import facts_of
from convmath.ir.nodes import Read
from convmath.ops.registry import FAMILIES, Operator, operator, operators
from convmath.render.derivation import display
from convmath.render.document import Block, Display, Document, Heading, Paragraph, emit
from convmath.render.mathematics import layout, relation
from convmath.render.statement import filled
from convmath.render.tree import EQUALS, Inline
from convmath.render.words import known_language

__all__ = ["page"]

WORDS = {
    "en": {
        "title": "The operators",
        "lead": (
            "Each operator is stated once; what follows is derived from that statement, in one spatial dimension, "
            "where indices are easiest to read. In more dimensions every spatial index, size and hyper-parameter has "
            "an axis."
        ),
        "letters": (
            "Letters: X input, W weight, B bias, Y output, gT the cotangent of T; ν batch, c channel in, o channel "
            "out, g group, i position in, j position out, t tap; n and m sizes of input and output, k kernel, s "
            "stride, d dilation, a and b padding before and after."
        ),
        "options": "Options: ",
        "with": "With ",
        "statement": "Statement.",
        "size": "Size of the output.",
        "conditions": "Conditions: ",
        "none": "Conditions: none.",
        "gradient": "Gradient by {wrt}.",
        "whole numbers": "{wrt} holds whole numbers, and has no gradient.",
    },
    "es": {
        "title": "Los operadores",
        "lead": (
            "Cada operador se enuncia una sola vez; lo demás se deduce de ese enunciado, aquí en una dimensión "
            "espacial, donde los índices se leen mejor. En más dimensiones cada índice, tamaño e hiperparámetro "
            "espacial lleva su eje."
        ),
        "letters": (
            "Letras: X entrada, W pesos, B sesgo, Y salida, gT el cotangente de T; ν lote, c canal de entrada, o "
            "canal de salida, g grupo, i posición de entrada, j posición de salida, t posición en el núcleo; n y m "
            "tamaños de entrada y salida, k núcleo, s paso, d dilatación, a y b relleno antes y después."
        ),
        "options": "Opciones: ",
        "with": "Con ",
        "statement": "Enunciado.",
        "size": "Tamaño de la salida.",
        "conditions": "Condiciones: ",
        "none": "Condiciones: ninguna.",
        "gradient": "Gradiente respecto de {wrt}.",
        "whole numbers": "{wrt} contiene números enteros y no tiene gradiente.",
    },
}


def page(lang: str = "en", format: str = "markdown", **options: Any) -> str:
    """The page in one language and format."""
    known_language(lang)
    words = WORDS[lang]
    blocks: list[Block] = [Paragraph((words["lead"],)), Paragraph((words["letters"],))]
    for name in operators():
        blocks += _operator(name, lang)
    return emit(Document(words["title"], tuple(blocks), lang), format, **options)


def _operator(name: str, lang: str) -> Iterator[Block]:
    family, words = FAMILIES[name], WORDS[lang]
    yield Heading((f"{family.title[lang]} — {name}",))
    if family.options:
        said = "; ".join(f"{option} = {', '.join(map(str, values))}" for option, values in family.options.items())
        yield Paragraph((words["options"] + said + ".",), note=True)
    optional = dict.fromkeys(family.optional.values(), True)
    for chosen in _shown(name, optional):
        op = operator(name, ndim=1, **chosen)
        others = {key: value for key, value in chosen.items() if key not in optional}
        if others:
            yield Paragraph((words["with"] + ", ".join(f"{key} = {value}" for key, value in others.items()) + ":",))
        yield from _derived(op, lang)


def _shown(name: str, optional: dict[str, bool]) -> list[dict[str, Any]]:
    """The operator with its optional inputs, and again with what makes it another operator altogether."""
    training = [{**optional, "training": True}] if "training" in FAMILIES[name].options else []
    others = [
        {**optional, option: value}
        for option in ("target", "mode")
        for value in FAMILIES[name].options.get(option, ())[1:]
    ]
    return [optional, *training, *others]


def _derived(op: Operator, lang: str) -> Iterator[Block]:
    words = WORDS[lang]
    yield Paragraph((words["statement"],))
    yield display(op.statement, lang)
    if op.statement.placements:
        yield Paragraph((words["size"],))
        facts = facts_of(op.open_statement)
        sizes = ((p.counted, derived_size(p, facts)[0]) for p in op.open_statement.placements)
        yield Display(tuple((layout(size), EQUALS, layout(value)) for size, value in sizes))
    if conditions := op.conditions():
        said: list[Inline] = [words["conditions"]]
        for place, condition in enumerate(conditions):
            said += [", "] if place else []
            said.append(relation(condition))
        yield Paragraph((*said, "."))
    else:
        yield Paragraph((words["none"],))
    for tensor in op.statement.inputs:
        if tensor.integer:
            yield Paragraph(tuple(filled(words["whole numbers"], {"wrt": layout(Read(tensor.name, ()))})))
        else:
            yield Paragraph(tuple(filled(words["gradient"], {"wrt": layout(Read(tensor.name, ()))})))
            yield display(op.vjp(tensor.name).result, lang)
