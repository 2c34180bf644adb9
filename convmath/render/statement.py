"""Statements and their equations for people: long quotients get a name, and what lies outside is said in words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from convmath.ir.nodes import Equation, Number, Statement, Term
from convmath.ir.poly import Atom, Floor, Param, Poly, poly
from convmath.ir.walk import inside, map_forms, reads

from .mathematics import layout, left_side, lettered, right_side
from .text import text, text_words
from .tree import EQUALS, Inline, Layout, Sym, row
from .words import OUTSIDE

__all__ = ["Line", "filled", "line", "lines", "outside_of", "outside_words"]

Line = tuple[Layout, Layout]  # the two sides of an equation

LET = "q"  # the letter that stands for a quotient


def outside_of(node: Any) -> tuple[tuple[str, Any], ...]:
    """Each array that is read beyond its ends, with what lies there; what is not counted is the ∓∞ of a maximum."""
    nothing = {"max": "−∞", "min": "∞", "sum": "nothing"}
    found = (
        (read.tensor, nothing[term.reduce] if read.outside == "nothing" else read.outside)
        for term in inside(node)
        if isinstance(term, Term)
        for read in reads(term)
        if read.outside != "strict"
    )
    return tuple(dict.fromkeys(found))


def outside_words(arrays: Iterable[tuple[str, Any]], lang: str) -> tuple[Inline, ...]:
    """What lies outside each array, in words and mathematics."""
    said: list[Inline] = []
    for tensor, outside in arrays:
        value = layout(Number(outside)) if isinstance(outside, Fraction) else Sym(outside)
        said += ["; "] if said else []
        kind = str(outside) if outside in OUTSIDE else "number"
        said += filled(OUTSIDE[kind][lang], {"T": lettered(tensor), "value": value})
    return tuple(said)


def filled(sentence: str, values: Mapping[str, Inline | tuple[Inline, ...]]) -> Iterator[Inline]:
    """A sentence with each {name} replaced by what it stands for."""
    for place, part in enumerate(re.split(r"\{(\w+)\}", sentence)):
        if place % 2:
            found = values[part]
            yield from found if isinstance(found, tuple) else (found,)
        elif part:
            yield part


def lines(equation: Equation) -> tuple[Line, ...]:
    """The equation, and below it what the letters for its long quotients stand for."""
    names = _named(equation)
    short = map_forms(equation, lambda form: form.map(lambda atom: names.get(atom)))
    first = (left_side(short), right_side(short))
    return (first, *((layout(name), layout(poly(quotient))) for quotient, name in names.items()))


def _named(equation: Equation) -> dict[Atom, Poly]:
    """A letter for each quotient of a sum that stands in the equation more than once, with its axis if that will do."""
    forms = [part for part in inside((equation.at, equation.terms)) if isinstance(part, Poly)]
    often = Counter(atom for form in forms for atom in _floors(form))
    found = [q for q, times in often.items() if times > 1 and len(q.number.terms) > 1]
    axes = [max((index.axis for index in q.number.indices()), default=0) for q in found]
    if len(set(axes)) < len(axes):
        axes = list(range(1, len(found) + 1))
    return {q: poly(Param(LET, axis)) for q, axis in sorted(zip(found, axes, strict=True), key=lambda item: item[1])}


def _floors(form: Poly) -> Iterator[Floor]:
    """Once for each place it stands in, outermost only."""
    return (atom for monomial in form.terms for atom, _ in monomial if isinstance(atom, Floor))


def line(node: Any, lang: str = "en") -> str:
    """The node as text: one line, or one for each equation."""
    if isinstance(node, Statement):
        return "\n".join(_equation(equation, lang) for equation in node.equations)
    if isinstance(node, Equation):
        return _equation(node, lang)
    return text(layout(node))


def _equation(equation: Equation, lang: str) -> str:
    (left, right), *lets = lines(equation)
    outside = text_words(outside_words(outside_of(equation), lang))
    named = "; ".join(_joined(*let) for let in lets)
    return "        ".join(part for part in (_joined(left, right), outside, named) if part)


def _joined(left: Layout, right: Layout) -> str:
    return text(row(left, EQUALS, right))
