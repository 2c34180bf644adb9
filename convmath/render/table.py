"""A table of a document, in each format: cells are words and mathematics, some columns are set to the right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .tree import Inline

__all__ = ["Cell", "Table", "html_table", "latex_table", "markdown_table", "text_table"]

Cell = tuple[Inline, ...]
Words = Callable[[Cell], str]  # what a format makes of words and mathematics


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below a head, and rows of totals below a line; `right` are the places of columns set to the right."""

    head: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    totals: tuple[tuple[Cell, ...], ...] = ()
    right: tuple[int, ...] = ()


def text_table(table: Table, words: Words) -> Iterator[str]:
    """Columns as wide as they need, two spaces apart."""
    every = [[words(cell) for cell in row] for row in (table.head, *table.rows, *table.totals)]
    wide = [max(len(row[place]) for row in every) for place in range(len(table.head))]
    line = "-" * (sum(wide) + 2 * len(wide) - 2)
    for place, row in enumerate(every):
        if place == 1 or (table.totals and place == 1 + len(table.rows)):
            yield line
        cells = (
            cell.rjust(width) if column in table.right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, wide, strict=True))
        )
        yield "  ".join(cells).rstrip()


def markdown_table(table: Table, words: Words) -> str:
    """A table between pipes; the totals are its last rows."""
    rule = ["--:" if place in table.right else ":--" for place in range(len(table.head))]
    rows = [[words(cell) for cell in row] for row in (table.head, *table.rows, *table.totals)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (rows[0], rule, *rows[1:]))


def latex_table(table: Table, words: Words) -> str:
    """A longtable, which goes on over pages and repeats its head (package longtable)."""
    columns = "".join("r" if place in table.right else "l" for place in range(len(table.head)))
    head, *rows = (" & ".join(map(words, row)) + r" \\" for row in (table.head, *table.rows))
    totals = [" & ".join(map(words, row)) + r" \\" for row in table.totals]
    body = [head, r"\hline", r"\endhead", *rows, *([r"\hline", *totals] if totals else [])]
    inner = "\n".join([rf"\begin{{longtable}}{{{columns}}}", *body, r"\end{longtable}"])
    # a wide table may stick out into both margins, as far as it is still whole on the page
    sides = "".join(rf"\setlength{{\LT{side}}}{{0pt plus 1fill minus 25pt}}" for side in ("left", "right"))
    return f"{{\\footnotesize\\setlength{{\\tabcolsep}}{{3pt}}{sides}\n{inner}\n}}"


def html_table(table: Table, words: Words) -> str:
    """A table element that scrolls where it is too wide."""

    def cells(row: tuple[Cell, ...], tag: str) -> str:
        number = (' class="number"' if place in table.right else "" for place in range(len(row)))
        each = zip(row, number, strict=True)
        return f"<tr>{''.join(f'<{tag}{right}>{words(cell)}</{tag}>' for cell, right in each)}</tr>"

    body = "\n".join(cells(row, "td") for row in table.rows)
    foot = "".join(cells(row, "td") for row in table.totals)
    feet = f"\n<tfoot>{foot}</tfoot>" if foot else ""
    head = f"<thead>{cells(table.head, 'th')}</thead>"
    return f'<div class="scroll"><table class="data">{head}\n<tbody>\n{body}\n</tbody>{feet}</table></div>'
