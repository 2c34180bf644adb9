"""The table of a network: a row a layer, and below it what its letters stand for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from convmath.calculus.receptive import Field, ReceptiveField
from convmath.calculus.receptive.words import cell
from convmath.derivation import Printable
from convmath.ir.nodes import Guard, Size
from convmath.ir.poly import Param, Poly, poly
from convmath.ir.walk import params
from convmath.render import Document
from convmath.render.document import Block, Display, Paragraph, Table
from convmath.render.mathematics import layout, relation
from convmath.render.statement import filled
from convmath.render.table import Cell
from convmath.render.tree import EQUALS, PLUS, TERM_BREAK, Fence, Layout, Words, commas, joined, row
from convmath.render.words import known_language

from .costs import buffers, macs, parameters
from .layer import Layer
from .sizes import Shape
from .words import WORDS

__all__ = ["NetworkTable", "Row"]


@dataclass(frozen=True, slots=True)
class Row:
    """A layer as the table shows it; sizes are named as in the table."""

    layer: str
    operator: str
    shape: Shape
    parameters: Poly
    macs: Poly
    buffers: Poly

    @staticmethod
    def of(layer: Layer) -> Row:
        return Row(layer.node.name, _said(layer), layer.shape, parameters(layer), macs(layer), buffers(layer))


def _said(layer: Layer) -> str:
    """The operator with those of its windows' numbers that are not as if unsaid: conv k=7, s=2, p=3."""
    by_letter: dict[str, list[Poly]] = {}
    for param, value in sorted(layer.values.items(), key=lambda item: item[0].axis):
        by_letter.setdefault(param.letter, []).append(value)
    before, after = by_letter.get("a"), by_letter.get("b")
    if before is not None and before == after:
        by_letter["p"] = before
    for param, _ in layer.statement.definitions():
        by_letter.pop(param.letter, None)
    unsaid = {"m": None, "k": None, "s": 1, "d": 1, "p": 0, "a": 0, "b": 0, "e": 0, "G": 1}
    shown = [letter for letter in unsaid if letter in by_letter and (letter not in "ab" or "p" not in by_letter)]
    parts = []
    for letter in shown:
        values = by_letter[letter]
        if any(value != unsaid[letter] for value in values):
            parts.append(f"{letter}={','.join(map(str, values if len(set(values)) > 1 else values[:1]))}")
    return " ".join([layer.op.name, *parts])


@dataclass(frozen=True)
class NetworkTable(Printable):
    """A row a layer, the sums, what the names of sizes stand for, and the conditions under which all of it holds.

    `receptive` are the fields in the first input, or why they are not known; None where it has no spatial axes.
    """

    called = "table"

    name: str
    variant: str
    inputs: Mapping[str, Shape]
    rows: tuple[Row, ...]
    sizes: tuple[Size, ...]
    conditions: tuple[Guard, ...]
    square: tuple[Guard, ...] = ()
    receptive: ReceptiveField | str | None = None

    def document(self, lang: str = "en") -> Document:
        """The table with its conditions, in one language."""
        words = WORDS[known_language(lang)]
        title = words["variant" if self.variant else "title" if self.name else "own"].format(
            name=self.name, variant=self.variant
        )
        return Document(title, tuple(self._blocks(words)), lang)

    def _blocks(self, words: Mapping[str, str]) -> Iterator[Block]:
        shapes = (row(*(_named_shape(name, shape, len(self.inputs)))) for name, shape in self.inputs.items())
        yield Paragraph(tuple(filled(words["input"], {"inputs": commas(shapes, loose=True)})))
        if self.conditions:
            said = (("for all", self.conditions), ("square", self.square))
            asked = {word: commas(map(relation, guards), loose=True) for word, guards in said if guards}
            yield Paragraph(tuple(part for word in asked for part in filled(words[word], {"conditions": asked[word]})))
        elif any(size.constant is None for shape in self.inputs.values() for size in shape):
            yield Paragraph((words["for every size"],))
        total = sum((one.macs for one in self.rows), poly(0))
        yield self._table(words, total)
        if total.constant is None:
            yield Paragraph((words["sum of macs"],))
            yield Display(((None, None, _terms(total)),))
        told, likewise = _told(self.sizes)
        if told:
            yield Paragraph((words["sizes"],))
            yield Display(tuple((layout(size.param), EQUALS, layout(size.value)) for size in told))
        for letter, other in likewise:
            yield Paragraph(tuple(filled(words["likewise"], {"letter": layout(letter), "other": layout(other)})))
        yield Paragraph((words["note"],), note=True)
        if isinstance(self.receptive, str):
            yield Paragraph((words["no field"].format(why=self.receptive),), note=True)
        elif self.receptive is not None and self.receptive.misaligned:
            layers = ", ".join(dict.fromkeys(apart.name for apart in self.receptive.misaligned))
            yield Paragraph((words["misaligned"].format(layers=layers),), note=True)
        if (kept := sum((one.buffers for one in self.rows), poly(0))) != 0:
            yield Paragraph(tuple(filled(words["buffers"], {"number": _number(kept)})), note=True)

    def _table(self, words: Mapping[str, str], total: Poly) -> Table:
        columns = ["layer", "operator", "shape", "parameters", "macs"]
        every = sum((one.parameters for one in self.rows), poly(0))
        sums = [(words["total"],), (), (), _number(every), _number(total) if total.constant is not None else ()]
        rows = [
            [(one.layer,), (one.operator,), (_shape(one.shape),), _number(one.parameters), _number(one.macs)]
            for one in self.rows
        ]
        head = [(words[column],) for column in columns]
        if isinstance(self.receptive, ReceptiveField):
            head.append((words["field" if len(self.inputs) == 1 else "field in"].format(name=self.receptive.of),))
            sums.append(())
            swapped = _swapped(self.sizes)
            for cells, field in zip(rows, self.receptive.fields, strict=True):
                cells.append(cell(_once(field, swapped), "size"))
        return Table(tuple(head), tuple(map(tuple, rows)), (tuple(sums),), right=(3, 4, 5))


def _told(sizes: tuple[Size, ...]) -> tuple[list[Size], list[tuple[Param, Param]]]:
    """The sizes to show, and the letters whose sizes are those of another letter with the one for the other."""
    groups: dict[str, list[Size]] = {}
    for size in sizes:
        groups.setdefault(size.param.letter, []).append(size)
    first, *others = [*groups.values()] or [[]]
    told, likewise = list(first), list[tuple[Param, Param]]()
    for group in others:
        mine, theirs = (list(dict.fromkeys(params(tuple(size.value for size in one)))) for one in (group, first))
        if len(mine) == len(theirs) == 1 and _values(group) == _values(first, {theirs[0]: poly(mine[0])}):
            likewise.append((mine[0], theirs[0]))
        else:
            told += group
    return told, likewise


def _swapped(sizes: tuple[Size, ...]) -> Mapping[Param, Poly]:
    """For the letters whose sizes are those of another letter, the other letter and its sizes."""
    _, likewise = _told(sizes)
    others = {letter.letter: other for letter, other in likewise}
    named = {(size.param.letter, size.param.axis): poly(size.param) for size in sizes}
    changed = {letter: poly(other) for letter, other in likewise}
    params_ = (size.param for size in sizes if size.param.letter in others)
    return changed | {param: named[others[param.letter].letter, param.axis] for param in params_}


def _once(field: Field, swapped: Mapping[Param, Poly]) -> Field:
    """The field along the first axis, where it is the same along each other axis with other letters."""
    alike = {tuple(reach.substitute(swapped) for reach in several) for several in field.axes}
    return replace(field, axes=field.axes[:1]) if len(alike) == 1 else field


def _values(sizes: Sequence[Size], changed: Mapping[Param, Poly] | None = None) -> dict[int, Poly]:
    return {size.param.axis: size.value.substitute(changed or {}) for size in sizes}


def _number(form: Poly) -> Cell:
    """A number with its digits in threes, or a formula; nothing for 0."""
    return ((f"{form.constant:,}",) if form.constant else ()) if form.constant is not None else (layout(form),)


def _shape(shape: Shape) -> Layout:
    return Fence("(", commas(map(layout, shape), loose=True), ")")


def _named_shape(name: str, shape: Shape, how_many: int) -> Iterator[Layout]:
    if how_many > 1:
        yield Words(name)
    yield _shape(shape)


def _terms(form: Poly) -> Layout:
    """A sum that may be broken between its terms."""
    return joined(row(TERM_BREAK, PLUS), [layout(Poly({monomial: c})) for monomial, c in form.terms.items()])
