"""What is printed is well formed in every format: laws of documents."""

from __future__ import annotations

import re
import xml.etree.ElementTree as xml
from collections.abc import Iterator
from html.parser import HTMLParser

from convmath.render import Document, emit

__all__ = ["held_html", "held_latex", "held_words", "mathematics"]

# --- LaTeX ------------------------------------------------------------------------------------------------------

# KaTeX's list of supported functions has each of them
KATEX = {
    "\\ ",
    *re.findall(
        r"\S+",
        r"""\sum \max \min \frac \left \right \lfloor \rfloor \langle \rangle \lvert \rvert \cdot \le \ge \in \mid
        \bmod \iff \to \ne \infty \prime \mathit \operatorname \text \begin \end \quad \, \exp \log \tanh \# \_
        \{ \} \\ \int \sqrt \star \lor \sin \cos \alpha \beta \gamma \delta \varepsilon \theta \kappa \lambda \mu \nu
        \pi \rho \sigma \tau \omega \Gamma \Phi""",
    ),
}
LATIN = set("áéíóúüñÁÉÍÓÚÜÑ¿¡…–—“”’")  # what inputenc and T1 know of what we write
_TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|[{}]", re.DOTALL)
_MATHS = re.compile(r"\\\[(.*?)\\\]|\$\$(.*?)\$\$|(?<!\\)\$(?!\$)(.*?)(?<!\\)\$", re.DOTALL)


def mathematics(written: str) -> list[str]:
    r"""The mathematics in LaTeX or Markdown: $…$, $$…$$ and \[…\]. Its words, \text{…}, are left out."""
    found = (next(part for part in block if part) for block in _MATHS.findall(written))
    return [re.sub(r"\\text\{[^{}]*\}", "", maths) for maths in found]


def faults_of_latex(maths: str) -> Iterator[str]:
    """What is wrong with a piece of mathematics."""
    yield from (f"{letter} is not ASCII" for letter in maths if not letter.isascii())
    opened: list[str] = []
    closes = {"}": "{", r"\right": r"\left", r"\end": r"\begin"}
    for token in _TOKEN.findall(maths):
        if token in closes.values():
            opened.append(token)
        elif token in closes and (not opened or opened.pop() != closes[token]):
            yield f"{token} closes nothing"
        if token not in ("{", "}") and token not in KATEX:
            yield f"{token} is no command that KaTeX is known to have"
    yield from (f"{token} stays open" for token in opened)
    if re.findall(r"\\begin\{(\w+)\}", maths) != re.findall(r"\\end\{(\w+)\}", maths)[::-1]:
        yield "the environments do not match"
    if re.search(r"[_^](?!\{)", maths.replace(r"\_", "")):
        yield "a script has no braces"
    if re.search(r"\n\s*\n", maths):
        yield "an empty line ends a paragraph"


def held_latex(written: Document) -> None:
    for form in ("latex", "markdown"):
        whole = emit(written, form)
        found = mathematics(whole)
        assert found
        for maths in found:
            assert list(faults_of_latex(maths)) == [], maths
        rest = _MATHS.sub("", whole)
        assert rest.replace(r"\$", "").count("$") == 0
        foreign = {letter for letter in rest if not (letter.isascii() or letter in LATIN)}
        assert form == "markdown" or foreign == set()
        if form == "latex":  # in sentences a command may be a heading or stand for a sign
            assert "\\" not in re.sub(r"\\(sub)?section\*|\\[%&#_]", "", rest)


# --- HTML -------------------------------------------------------------------------------------------------------

ELEMENTS = {"math", "mrow", "mi", "mn", "mo", "mfrac", "msub", "msup", "msubsup", "munder", "mtext", "mspace"}
ELEMENTS |= {"munderover", "msqrt", "mtable", "mtr", "mtd"}
CHILDREN = {"mfrac": 2, "msub": 2, "msup": 2, "msubsup": 3, "munder": 2, "munderover": 3}


class Nesting(HTMLParser):
    """Whether every element that opens is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attributes: object) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}>")


def faults_of_mathml(element: xml.Element) -> Iterator[str]:
    for node in element.iter():
        words = (node.text or "").strip()
        if node.tag not in ELEMENTS:
            yield f"<{node.tag}> is not MathML that is known"
        if node.tag in CHILDREN and len(node) != CHILDREN[node.tag]:
            yield f"<{node.tag}> has {len(node)} children"
        if node.tag in ("mi", "mn", "mo") and not words:
            yield f"<{node.tag}> is empty"
        if node.tag == "mn" and not words.isdigit():
            yield f"{words} is no number"


def held_html(written: Document) -> None:
    whole = emit(written, "html")
    found = re.findall(r"<math.*?</math>", whole)
    assert found
    for element in found:
        assert list(faults_of_mathml(xml.fromstring(element))) == [], element
    nesting = Nesting()
    nesting.feed(whole)
    assert nesting.open == nesting.faults == []
    assert f'<html lang="{written.lang}">' in whole
    assert not re.search(r"src=|href=|url\(", whole)
    xml.fromstring(emit(written, "html", fragment=True))


# --- words ------------------------------------------------------------------------------------------------------------

_RAW = re.compile(r"Poly\(|Fraction\(|object at|\bNone\b|Index\(|Param\(|<function|letter=|\bnan\b|(?<![_^])\{\w+\}")


def held_words(written: Document) -> None:
    """No value as Python shows it, no {name} that was not filled, no space too many."""
    plain = emit(written, "text")
    markdown = _MATHS.sub("", emit(written, "markdown"))
    for words in (plain, markdown, emit(written, "html", fragment=True)):
        assert _RAW.findall(words) == []
    assert "  " not in re.sub(r"(?m)^ +.*$", "", plain)
    assert not re.search(r"(?m)[ \t]$", plain)
