"""A composition as a page, in English and Spanish."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from convmath.errors import StatementError
from convmath.ir.nodes import Guard, Statement
from convmath.ir.walk import params
from convmath.render import Document
from convmath.render.derivation import display
from convmath.render.document import Block, Display, Heading, Paragraph
from convmath.render.mathematics import layout, relation
from convmath.render.statement import filled
from convmath.render.tree import Inline, Layout, commas
from convmath.render.words import known_language
from convmath.steps import Sizes

__all__ = ["folded", "pages"]

WORDS: Mapping[str, Mapping[str, str]] = {
    "folded": {"en": "{layers}: folded into one layer", "es": "{layers}: plegadas en una sola capa"},
    "weights": {"en": "Its weight and bias", "es": "Su peso y su sesgo"},
    "one layer": {"en": "One layer", "es": "Una sola capa"},
    "title": {"en": "{layers}: one after the other", "es": "{layers}: una tras otra"},
    "sum": {"en": "One sum", "es": "Una sola suma"},
    "no sum": {"en": "The layers are not one sum.", "es": "Las capas no son una sola suma."},
    "convolution": {"en": "One convolution", "es": "Una sola convolución"},
    "no convolution": {"en": "This is not one convolution.", "es": "Esto no es una sola convolución."},
    "window": {
        "en": "Its kernel has the size {kernel}, with the stride {stride} and the dilation {dilation}; the padding is "
        "{before} before and {after} behind.",
        "es": "Su núcleo tiene el tamaño {kernel}, con paso {stride} y dilatación {dilation}; el relleno es {before} "
        "antes y {after} después.",
    },
    "made": {"en": "The kernel is made of those of the layers:", "es": "El núcleo se hace con los de las capas:"},
    "everywhere": {
        "en": "The two are equal at every position, for all weights and inputs.",
        "es": "Ambas son iguales en toda posición, para todos los pesos y entradas.",
    },
    "where": {
        "en": "The two are equal at the positions with {where}: there every position between the layers that a tap "
        "reads exists.",
        "es": "Ambas son iguales en las posiciones con {where}: allí existe toda posición entre las capas que lee un "
        "núcleo.",
    },
    "all where": {"en": "These are all positions where {conditions}.", "es": "Son todas donde {conditions}."},
    "not all": {"en": "These are not all positions.", "es": "No son todas las posiciones."},
    "lost": {
        "en": "Elsewhere the convolution has too much:",
        "es": "En las demás posiciones la convolución tiene de más:",
    },
}


def pages(composition: Any, lang: str) -> Document:
    """The layers, their sum, the convolution that it is, and where the two are equal."""
    known_language(lang)
    words = {key: said[lang] for key, said in WORDS.items()}
    blocks: list[Block] = [*_stated(composition.statement, lang)]
    try:
        one = display(composition.merged, lang)
    except StatementError:
        blocks.append(Paragraph((words["no sum"],)))
    else:
        blocks += [Heading((words["sum"],)), one]
        try:
            convolution = composition.convolution
        except StatementError:
            blocks.append(Paragraph((words["no convolution"],)))
        else:
            blocks += [Heading((words["convolution"],)), *_stated(convolution, lang)]
            blocks += _convolution(composition, words, lang)
    return Document(words["title"].format(layers=composition.title[lang]), tuple(blocks), lang)


def folded(folding: Any, lang: str) -> Document:
    """The two layers, the one, and its weights."""
    known_language(lang)
    blocks = [
        *_stated(folding.statement, lang),
        Heading((WORDS["one layer"][lang],)),
        display(folding.layer, lang),
        Heading((WORDS["weights"][lang],)),
        display(folding.weights, lang),
    ]
    return Document(WORDS["folded"][lang].format(layers=folding.title[lang]), tuple(blocks), lang)


def _stated(statement: Statement, lang: str) -> Iterator[Block]:
    """The equations, and below them the sizes that are derived."""
    yield display(statement, lang)
    if statement.sizes:
        yield display(Sizes(statement.sizes), lang)


def _convolution(composition: Any, words: Mapping[str, str], lang: str) -> Iterator[Block]:
    yield Paragraph(tuple(filled(words["window"], _window(composition))))
    yield Paragraph((words["made"],))
    yield display(composition.kernel, lang)
    if not composition.where:
        yield Paragraph((words["everywhere"],))
        return
    yield Paragraph(tuple(filled(words["where"], {"where": _all(composition.where)})))
    if all(params(guard) for guard in composition.conditions):
        yield Paragraph(tuple(filled(words["all where"], {"conditions": _all(composition.conditions)})))
    else:
        yield Paragraph((words["not all"],))
    yield Paragraph((words["lost"],))
    yield Display(tuple((None, None, layout(term)) for term in composition.lost.output.terms))


def _all(guards: Iterable[Guard]) -> Layout:
    return commas(map(relation, guards), loose=True)


def _window(composition: Any) -> dict[str, Inline]:
    """The sizes of the window, one for each axis."""
    names = ("kernel", "stride", "dilation", "before", "after")
    return {name: commas((layout(getattr(axis, name)) for axis in composition.axes), loose=True) for name in names}
