"""Receptive fields as a page, in English and Spanish."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from convmath.ir.poly import Poly
from convmath.render import Document
from convmath.render.document import Block, Paragraph, Table
from convmath.render.mathematics import layout
from convmath.render.table import Cell
from convmath.render.tree import Fence, Frac, Layout, Op, commas, row
from convmath.render.words import known_language

__all__ = ["cell", "page"]

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "Receptive fields",
        "named": "Receptive fields of {name}",
        "layer": "layer",
        "jump": "jump",
        "size": "size",
        "start": "start",
        "centre": "centre",
        "note": "The field of position 0, counted from the first element of the input; start and centre move by the "
        "jump from a position to the next. Positions in the padding are counted.",
        "aligned": "All paths that meet are aligned.",
        "misaligned": "At {layer}, axis {axis}, paths are misaligned by their {how}:",
        "jumps": "jumps",
        "centres": "centres",
        "path": "by way of {name}: jump ",
    },
    "es": {
        "title": "Campos receptivos",
        "named": "Campos receptivos de {name}",
        "layer": "capa",
        "jump": "salto",
        "size": "tamaño",
        "start": "inicio",
        "centre": "centro",
        "note": "El campo de la posición 0, contado desde el primer elemento de la entrada; inicio y centro avanzan un "
        "salto de una posición a la siguiente. Se cuentan las posiciones que caen en el relleno.",
        "aligned": "Todos los caminos que se encuentran están alineados.",
        "misaligned": "En {layer}, eje {axis}, los caminos están desalineados por sus {how}:",
        "jumps": "saltos",
        "centres": "centros",
        "path": "por {name}: salto ",
    },
}


def page(found: Any, lang: str) -> Document:
    """A row a layer, and what is misaligned."""
    words = WORDS[known_language(lang)]
    title = words["named" if found.name else "title"].format(name=found.name)
    return Document(title, tuple(_blocks(found, words)), lang)


def _blocks(found: Any, words: Mapping[str, str]) -> Iterator[Block]:
    columns = ("jump", "size", "start", "centre")
    rows = tuple(((field.name,), *(cell(field, column) for column in columns)) for field in found.fields)
    head = tuple((words[column],) for column in ("layer", *columns))
    yield Table(head, rows, right=(1, 2, 3, 4))
    yield Paragraph((words["note"],), note=True)
    for apart in found.misaligned:
        how = words["jumps" if apart.by_jump else "centres"]
        yield Paragraph((words["misaligned"].format(layer=apart.name, axis=apart.axis, how=how),))
        for name, reach in apart.paths:
            said = words["path"].format(name=name)
            yield Paragraph((said, _number(reach, "jump"), f", {words['centre']} ", _number(reach, "centre")))
    if found.meet and found.aligned:
        yield Paragraph((words["aligned"],), note=True)


def cell(field: Any, column: str) -> Cell:
    """The numbers of the axes, one where all are equal; a bar between those of paths with different jumps."""
    axes = [tuple(_number(reach, column) for reach in several) for several in field.axes]
    if not all(axes):
        return ()
    each = [row(*_barred(several)) for several in (axes[:1] if len(set(axes)) == 1 else axes)]
    return (each[0] if len(each) == 1 else Fence("(", commas(each, loose=True), ")"),)


def _barred(several: tuple[Layout, ...]) -> Iterator[Layout]:
    for place, number in enumerate(several):
        if place:
            yield Op("|", "wide")
        yield number


def _number(reach: Any, column: str) -> Layout:
    match column:
        case "jump":
            return _ratio(reach.jump, reach.scale)
        case "size":
            return layout((reach.last - reach.first) // reach.scale + 1)
        case "start":
            return _ratio(reach.first, reach.scale)
    return _ratio(reach.first + reach.last, 2 * reach.scale)


def _ratio(number: Poly, divisor: Poly) -> Layout:
    """A fraction as simple as it is known to be."""
    if (whole := number.divided(divisor)) is not None:
        return layout(whole)
    negative = all(c < 0 for c in number.terms.values())
    over = Frac(layout(-number if negative else number), layout(divisor))
    return row(Op("-"), over) if negative else over
