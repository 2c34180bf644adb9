"""What str() of a node is: one line of text, or one a equation."""

from __future__ import annotations

from typing import Any

from convmath.ir.nodes import Equation, Statement
from convmath.ir.walk import reads

from .mathematics import layout
from .text import text
from .words import outside_words

__all__ = ["line", "outside_of"]


def outside_of(node: Any) -> dict[str, Any]:
    """What lies outside each array that is read beyond its ends."""
    return {read.tensor: read.outside for read in reads(node) if read.outside != "strict"}


def line(node: Any, lang: str = "en") -> str:
    """The node as text."""
    if isinstance(node, Statement):
        return "\n".join(_equation(equation, lang) for equation in node.equations)
    if isinstance(node, Equation):
        return _equation(node, lang)
    return text(layout(node))


def _equation(equation: Equation, lang: str) -> str:
    said = "; ".join(outside_words(name, outside, lang) for name, outside in outside_of(equation).items())
    return text(layout(equation)) + (f"        {said}" if said else "")
