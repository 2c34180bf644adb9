"""Solutions as a document: what is sought, the families, and the first solutions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import isinf
from typing import Any

from convmath.ir.nodes import Guard
from convmath.ir.poly import Param, poly
from convmath.render.document import Block, Display, Document, Heading, Paragraph, Table
from convmath.render.mathematics import layout, relation
from convmath.render.statement import filled
from convmath.render.tree import EQUALS, Fence, Layout, Num, Op, Sym, commas, row
from convmath.render.words import known_language
from convmath.window import span

from .family import AT_MOST, extreme
from .problem import PARAMS, Problem, Range, only
from .words import WORDS

__all__ = ["document"]

ELEMENT, DOTS = Op("∈", "wide"), Op("…")


def document(solutions: Any, lang: str) -> Document:
    """All that is known of them (of the module above, so it is not named here), and the first of them one by one."""
    known_language(lang)
    problem: Problem = solutions.problem
    blocks: list[Block] = [*_sought(problem, solutions.conditions, lang)]
    blocks.append(Paragraph((WORDS["families"][lang],)))
    for number, family in enumerate(solutions.families, 1):
        blocks.append(Heading((WORDS["family"][lang].format(number=number),)))
        blocks.append(Display(tuple((None, None, one) for one in family.lines)))
    if solutions.shown:
        blocks += _listed(solutions, lang)
    return Document(_title(problem, lang), tuple(blocks), lang)


# --- what is sought -----------------------------------------------------------------------------------------------


def _title(problem: Problem, lang: str) -> str:
    pairs = [
        WORDS["pair"][lang].format(n=WORDS["any"][lang] if n is None else n, m="⌈n/s⌉" if m is None else m)
        for n, m in problem.sizes
    ]
    title = "transposed title" if problem.transposed else "title"
    return WORDS[title][lang].format(sizes=WORDS["and"][lang].join(pairs))


def _sought(problem: Problem, conditions: Iterable[Guard], lang: str) -> Iterator[Block]:
    names = [Sym(letter) for letter in problem.free or problem.letters]
    unknowns = names[0] if len(names) == 1 else Fence("(", commas(names, loose=True), ")")
    symbols = commas((layout(symbol) for symbol in problem.symbols), loose=True)
    sentence = WORDS["sought at every" if problem.symbols else "sought"][lang]
    yield Paragraph(tuple(filled(sentence, {"unknowns": unknowns, "symbols": symbols})))
    given = [one for letter, runs in problem.known if (one := _given(letter, runs)) is not None]
    said = [relation(guard) for guard in conditions]
    rows = (*said, commas(given, loose=True)) if given else said
    yield Display(tuple((None, None, one) for one in rows))
    if problem.worded:
        end = WORDS["after" if problem.padding == "same" else "before"][lang]
        yield Paragraph(tuple(filled(WORDS["same"][lang], {"total": _same_total(problem), "end": end})))
    elif problem.padding == "full":
        reach = layout(span(poly(PARAMS["k"]), poly(PARAMS["d"])) - 1)
        yield Paragraph(tuple(filled(WORDS["full"][lang], {"reach": reach})))


def _given(letter: str, runs: tuple[Range, ...]) -> Layout | None:
    """What is said of an unknown, where something is."""
    x, (low, high) = layout(PARAMS[letter]), runs[0]
    if (value := only(runs)) is not None:
        return row(x, EQUALS, _number(value))
    if len(runs) > 1:
        return row(x, ELEMENT, Fence("{", commas((end for run in runs for end in _run(*run)), loose=True), "}"))
    return None if isinf(high) else row(_number(low), AT_MOST, x, AT_MOST, _number(high))


def _run(low: float, high: float) -> Iterator[Layout]:
    """A run of numbers, long ones with dots between the ends."""
    if high - low > 2:
        yield from (_number(low), DOTS, _number(high))
    else:
        yield from map(_number, range(int(low), int(high) + 1))


def _number(value: float) -> Layout:
    return Num(str(int(value)))


def _same_total(problem: Problem) -> Layout:
    """max((m - 1)·s + d·(k - 1) + 1 - n, 0), which `window.same_total` computes; in letters where sizes are several."""
    n, m = problem.sizes[0] if len(problem.sizes) == 1 else (None, None)
    n, m = (poly(Param(letter)) if size is None else size for letter, size in (("n", n), ("m", m)))
    read, counted = (m, n) if problem.transposed else (n, m)
    k, s, d = (poly(PARAMS[letter]) for letter in "ksd")
    return extreme("max", (layout((counted - 1) * s + span(k, d) - read), Num("0")))


# --- one after the other ------------------------------------------------------------------------------------------


def _listed(solutions: Any, lang: str) -> Iterator[Block]:
    found = solutions.first(solutions.shown + 1)
    shown = [solutions.values(one) for one in found[: solutions.shown]]
    if len(found) == len(shown):
        said = WORDS["one" if len(shown) == 1 else "all"][lang]
    else:
        said = WORDS["finite" if solutions.finite else "infinite"][lang]
    yield Heading((WORDS["list"][lang],))
    yield Paragraph((said.format(number=len(shown)),))
    rows = tuple(tuple((_number(value),) for value in values.values()) for values in shown)
    yield Table(tuple((Sym(letter),) for letter in shown[0]), rows, right=tuple(range(len(shown[0]))))
