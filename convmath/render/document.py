"""A small document above the layout tree, and its four formats.

A document is a title and blocks; a paragraph is made of words and mathematics, a display of relations aligned
under one another, a table of cells. Lines of a display are broken here, once for every format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from html import escape

from convmath.errors import unknown

from .latex import escaped, latex
from .mathml import mathml
from .table import Table, html_table, latex_table, markdown_table, text_table
from .text import text, text_words
from .tree import Cases, Inline, Layout, Op, broken, row, width

__all__ = ["FORMATS", "STYLE", "Display", "Document", "Heading", "Paragraph", "Table", "emit", "html_blocks", "page"]

Relation = tuple[Layout | None, Layout | None, Layout]  # left side, relation, right side


@dataclass(frozen=True, slots=True)
class Heading:
    inlines: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    inlines: tuple[Inline, ...]
    note: bool = False


@dataclass(frozen=True, slots=True)
class Display:
    rows: tuple[Relation, ...]


Block = Heading | Paragraph | Display | Table


@dataclass(frozen=True, slots=True)
class Document:
    title: str
    blocks: tuple[Block, ...]
    lang: str = "en"


# letters that fit on a line, by format; text is measured as it is, the others are estimated
_LIMITS = {"latex": 78.0, "markdown": 82.0, "html": 90.0, "text": 100.0}
_LEAST = 24.0  # and what a right side has in any case


def _lines(display: Display, format: str) -> Iterator[Relation]:
    """The rows of a display, the long ones broken."""
    measure = _text_width if format == "text" else width
    left_sides = max((measure(left) for left, _, _ in display.rows if left is not None), default=0.0)
    for left, sign, right in display.rows:
        limit = max(_LIMITS[format] - left_sides - 3, _LEAST)
        first, *rest = (
            _case_lines(right) if isinstance(right, Cases) and format == "text" else broken(right, limit, measure)
        )
        yield left, sign, first
        for line in rest:
            yield None, None, line


def _case_lines(cases: Cases) -> list[Layout]:
    """A line for each case, for formats that have no tall brace."""
    return [row(value, Op(",", "after"), relation) for value, relation in cases.cases]


def _text_width(node: Layout) -> float:
    return len(text(node))


# --- formats --------------------------------------------------------------------------------------------------------


def _as_text(document: Document) -> str:
    parts = [document.title, "=" * len(document.title)]
    for block in document.blocks:
        match block:
            case Heading(inlines=inlines):
                words = text_words(inlines)
                parts += ["", words, "-" * len(words)]
            case Paragraph(inlines=inlines):
                parts += ["", _wrapped(text_words(inlines))]
            case Display():
                rows = list(_lines(block, "text"))
                indent = max((len(text(left)) for left, _, _ in rows if left is not None), default=0)
                lines = []
                for left, sign, right in rows:
                    head = (text(left) if left is not None else "").rjust(indent)
                    lines.append(f"    {head}{text(sign) if sign is not None else '   '}{text(right)}".rstrip())
                parts += ["", *lines]
            case Table():
                parts += ["", *text_table(block, text_words)]
    return "\n".join(parts) + "\n"


def _wrapped(words: str, limit: int = 100) -> str:
    lines, line = [], ""
    for word in words.split(" "):
        if line and len(line) + 1 + len(word) > limit:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return "\n".join([*lines, line])


def _aligned(display: Display, format: str) -> str:
    rows = []
    for left, sign, right in _lines(display, format):
        head = latex(left) if left is not None else ""
        between = latex(sign) if sign is not None else r"\quad "
        rows.append(f"{head} &{between} {latex(right)}")
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


def _latex_words(inlines: tuple[Inline, ...]) -> str:
    return "".join(escaped(i) if isinstance(i, str) else f"${latex(i)}$" for i in inlines)


def _as_latex(document: Document, standalone: bool = False) -> str:
    parts = [rf"\section*{{{escaped(document.title)}}}"]
    for block in document.blocks:
        match block:
            case Heading(inlines=inlines):
                parts.append(rf"\subsection*{{{_latex_words(inlines)}}}")
            case Paragraph(inlines=inlines):
                parts.append(_latex_words(inlines))
            case Display():
                parts.append(f"\\[\n{_aligned(block, 'latex')}\n\\]")
            case Table():
                parts.append(latex_table(block, _latex_words))
    body = "\n\n".join(parts) + "\n"
    return _PREAMBLE[document.lang] + body + "\\end{document}\n" if standalone else body


_HEAD = "\\documentclass[a4paper,11pt]{article}\n\\usepackage[utf8]{inputenc}\n\\usepackage[T1]{fontenc}\n"
_MATHS = "\\usepackage{amsmath,amssymb,longtable}\n\\usepackage[margin=2.2cm]{geometry}\n\\begin{document}\n"
_PREAMBLE = {
    "en": _HEAD + "\\usepackage[english]{babel}\n" + _MATHS,
    "es": _HEAD + "\\usepackage[spanish,es-noshorthands,es-nodecimaldot,es-noquoting]{babel}\n" + _MATHS,
}

_MARKDOWN_SPECIAL = "\\`*_{}[]<>#$|"


def _markdown_escaped(words: str) -> str:
    return "".join("\\" + letter if letter in _MARKDOWN_SPECIAL else letter for letter in words)


def _markdown_words(inlines: tuple[Inline, ...]) -> str:
    return "".join(_markdown_escaped(i) if isinstance(i, str) else f"${latex(i).strip()}$" for i in inlines)


def _as_markdown(document: Document, flavor: str = "commonmark") -> str:
    if flavor not in ("commonmark", "myst", "github"):
        raise unknown("flavor of Markdown", flavor, ["commonmark", "myst", "github"])
    parts = [f"# {_markdown_escaped(document.title)}"]
    for block in document.blocks:
        match block:
            case Heading(inlines=inlines):
                parts.append(f"## {_markdown_words(inlines)}")
            case Paragraph(inlines=inlines):
                parts.append(_markdown_words(inlines))
            case Display():
                maths = _aligned(block, "markdown")
                parts.append(f"```{{math}}\n{maths}\n```" if flavor == "myst" else f"$$\n{maths}\n$$")
            case Table():
                parts.append(markdown_table(block, _markdown_words))
    return "\n\n".join(parts) + "\n"


STYLE = """
:root { color-scheme: light dark; }
body { font: 1.05rem/1.55 Georgia, "Times New Roman", serif; max-width: 56rem; margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.55rem; line-height: 1.25; } h2 { font-size: 1.15rem; margin: 1.8rem 0 .3rem; }
p { margin: .5rem 0; overflow-x: auto; overflow-y: hidden; } p.note { font-size: .92rem; opacity: .78; }
math { font-family: "STIX Two Math", "Latin Modern Math", "Cambria Math", "DejaVu Math TeX Gyre", math; }
math .name { font-style: italic; }
.display { overflow-x: auto; padding: .35rem 0 .35rem 1.2rem; }
.display td { padding: .18rem 0; vertical-align: baseline; } .display td.left { text-align: right; }
.display table { border-collapse: collapse; }
.scroll { overflow-x: auto; margin: .6rem 0; }
table.data { border-collapse: collapse; font-size: .92rem; line-height: 1.35; }
table.data th, table.data td { padding: .28rem .8rem .28rem 0; text-align: left; vertical-align: top; }
table.data th { border-bottom: 1px solid; font-weight: 600; } table.data td { border-bottom: 1px solid #8883; }
table.data .number { text-align: right; font-variant-numeric: tabular-nums; }
table.data tfoot td { border-top: 1px solid; font-weight: 600; }
@media print { body { max-width: none; } .display { overflow: visible; } }
"""


def _maths(*nodes: Layout | None, block: bool = False) -> str:
    inner = "".join(mathml(node) for node in nodes if node is not None)
    display = ' display="block"' if block else ""
    style = ' style="math-style: normal; display: inline math"' if block else ""
    return f"<math{display}{style}><mrow>{inner}</mrow></math>"


def _html_words(inlines: tuple[Inline, ...]) -> str:
    return "".join(escape(i) if isinstance(i, str) else _maths(i) for i in inlines)


def html_blocks(blocks: Iterable[Block], level: int = 2) -> str:
    """The blocks as HTML elements; `level` is that of the headings."""
    parts = []
    for block in blocks:
        match block:
            case Heading(inlines=inlines):
                parts.append(f"<h{level}>{_html_words(inlines)}</h{level}>")
            case Paragraph(inlines=inlines, note=note):
                body = _html_words(inlines)
                parts.append(f'<p class="note">{body}</p>' if note else f"<p>{body}</p>")
            case Display():
                parts.append(_html_display(block))
            case Table():
                parts.append(html_table(block, _html_words))
    return "\n".join(parts)


def _html_display(display: Display) -> str:
    rows = []
    for left, sign, right in _lines(display, "html"):
        head = _maths(left, block=True) if left is not None else ""
        rows.append(f'<tr><td class="left">{head}</td><td>{_maths(sign, right, block=True)}</td></tr>')
    return f'<div class="display"><table role="presentation">{"".join(rows)}</table></div>'


def page(title: str, body: str, lang: str, style: str = STYLE) -> str:
    """A whole page that needs nothing else."""
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(lang)}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _as_html(document: Document, fragment: bool = False) -> str:
    body = f"<h1>{escape(document.title)}</h1>\n{html_blocks(document.blocks)}"
    return f"<div>{body}</div>\n" if fragment else page(document.title, body, document.lang)


FORMATS: dict[str, Callable[..., str]] = {
    "text": _as_text,
    "latex": _as_latex,
    "markdown": _as_markdown,
    "html": _as_html,
}


def emit(document: Document, format: str, **options: object) -> str:
    """The document in one of `FORMATS`."""
    if format not in FORMATS:
        raise unknown("format", format, FORMATS)
    return FORMATS[format](document, **options)
