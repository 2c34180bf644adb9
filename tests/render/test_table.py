"""A table says the same in each format: every cell, in its place, and set as its column is."""

from __future__ import annotations

import re
from html import unescape

import pytest

from convmath.render.document import FORMATS, Document, Table, emit
from convmath.render.tree import Num, Script, Sym

CELL = (Script(Sym("H"), Num("1")),)
TABLE = Table(
    head=(("layer",), ("size",)),
    rows=((("conv_1 & more",), CELL), (("pool | <last>",), ("1,024",))),
    totals=((("total",), ("9",)),),
    right=(1,),
)
DOCUMENT = Document("A table", (TABLE,))


def test_as_text_columns_are_as_wide_as_they_need() -> None:
    assert emit(DOCUMENT, "text").splitlines()[3:] == [
        "layer           size",
        "--------------------",
        "conv_1 & more     H₁",
        "pool | <last>  1,024",
        "--------------------",
        "total              9",
    ]


def test_without_totals_there_is_one_line() -> None:
    bare = Table(TABLE.head, TABLE.rows)
    assert sum(set(line) == {"-"} for line in emit(Document("A", (bare,)), "text").splitlines()) == 1
    assert "tfoot" not in emit(Document("A", (bare,)), "html", fragment=True)


def test_as_markdown_pipes_are_escaped() -> None:
    head, rule, *rows = emit(DOCUMENT, "markdown").splitlines()[2:]
    assert (head, rule) == ("| layer | size |", "| :-- | --: |")
    assert rows == [r"| conv\_1 & more | $H_{1}$ |", r"| pool \| \<last\> | 1,024 |", "| total | 9 |"]


def test_as_latex_it_goes_on_over_pages() -> None:
    found = emit(DOCUMENT, "latex", standalone=True)
    assert "longtable" in found.partition(r"\begin{document}")[0]
    assert r"\begin{longtable}{lr}" in found
    assert r"conv\_1 \& more & $H_{1}$ \\" in found
    assert found.index(r"\endhead") < found.index("conv") < found.index("total")


def test_as_html_it_has_a_head_a_body_and_a_foot() -> None:
    found = emit(DOCUMENT, "html", fragment=True)
    cells = [unescape(re.sub("<[^>]*>", "", cell)) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", found)]
    assert cells == ["layer", "size", "conv_1 & more", "H1", "pool | <last>", "1,024", "total", "9"]
    assert found.count('class="number"') == 4
    assert found.index("<thead>") < found.index("<tbody>") < found.index("<tfoot>")


@pytest.mark.parametrize("format_", FORMATS)
def test_a_cell_in_the_wrong_place_would_be_seen(format_: str) -> None:
    turned = Table(TABLE.head[::-1], tuple(row[::-1] for row in TABLE.rows), right=(1,))
    assert emit(Document("A table", (turned,)), format_) != emit(DOCUMENT, format_)
