"""Mathematics for people: one layout tree, and emitters for text, LaTeX, Markdown and HTML with MathML.

Importing this room lets every node of `ir` print itself.
"""

from convmath.ir.poly import printed_by

from .document import FORMATS, Document, emit
from .statement import line
from .words import LANGUAGES

__all__ = ["FORMATS", "LANGUAGES", "Document", "emit", "line"]

printed_by(line)
