"""A form: what follows from a statement, in equations and in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from convmath.ir.nodes import Guard, Statement
from convmath.render import emit
from convmath.render.derivation import display
from convmath.render.document import Block, Document, Paragraph
from convmath.render.mathematics import relation
from convmath.render.statement import filled
from convmath.render.tree import commas
from convmath.render.words import known_language

from .numbers import Numbers
from .structure import Structure

__all__ = ["Form"]


TITLES: Mapping[str, Mapping[str, str]] = {
    "einsum": {"en": "One sum of products (einsum)", "es": "Una sola suma de productos (einsum)"},
    "im2col": {"en": "A matrix of patches (im2col)", "es": "Una matriz de parches (im2col)"},
    "col2im": {"en": "Products first, then sums (col2im)", "es": "Primero los productos, luego las sumas (col2im)"},
    "toeplitz": {"en": "The product with a Toeplitz matrix", "es": "El producto con una matriz de Toeplitz"},
    "fourier": {"en": "The convolution theorem", "es": "El teorema de convolución"},
    "winograd": {"en": "Winograd's algorithm (Toom–Cook)", "es": "El algoritmo de Winograd (Toom–Cook)"},
    "dilated": {
        "en": "Dilation as a kernel with zeros in between",
        "es": "La dilatación como un núcleo con ceros intercalados",
    },
    "strided": {
        "en": "Stride as a choice among the values of stride 1",
        "es": "El paso como selección entre los valores de paso 1",
    },
    "transposed": {
        "en": "Correlation of the input with zeros in between",
        "es": "Correlación de la entrada con ceros intercalados",
    },
    "kfac": {"en": "Kronecker factors of the Fisher matrix", "es": "Factores de Kronecker de la matriz de Fisher"},
}


NEEDED = {"en": "It holds where {conditions}.", "es": "Vale donde {conditions}."}


@dataclass(frozen=True)
class Form:
    """`statement` says in other equations what the statement says that it is a form of, and `compute` computes it."""

    NAME: ClassVar[str]

    structure: Structure = field(repr=False)
    statement: Statement

    @classmethod
    def of(cls, structure: Structure) -> Self:
        """The form of a statement that was taken apart; a Refusal where it has no such form."""
        return cls(structure, cls._stated(structure))

    @staticmethod
    def _stated(of: Structure) -> Statement:
        raise NotImplementedError("a form says how it is stated")

    @property
    def conditions(self) -> tuple[Guard, ...]:
        """What the form requires beyond what the statement does."""
        return tuple(guard for guard in self.statement.requires if guard not in self.structure.statement.requires)

    def compute(self, arrays: Mapping[str, Any], **given: Any) -> Any:
        """The value for arrays by name; `given` are hyper-parameters by word or letter.

        Integers and Fractions are computed with exactly, and come back as an array of Python's ints and Fractions.
        """
        return self._value(Numbers.of(self.structure, arrays, given))

    def _value(self, numbers: Numbers) -> np.ndarray:
        raise NotImplementedError("a form says how it is computed")

    # -- for people

    def document(self, lang: str = "en") -> Document:
        title = TITLES[self.NAME][known_language(lang)]
        blocks: list[Block] = [display(self.statement, lang)]
        if self.conditions:
            needed = commas(map(relation, self.conditions), loose=True)
            blocks.append(Paragraph(tuple(filled(NEEDED[lang], {"conditions": needed}))))
        return Document(title, tuple(blocks), lang)

    def to_latex(self, lang: str = "en", *, standalone: bool = False) -> str:
        return emit(self.document(lang), "latex", standalone=standalone)

    def to_markdown(self, lang: str = "en", *, flavor: str = "commonmark") -> str:
        return emit(self.document(lang), "markdown", flavor=flavor)

    def to_html(self, lang: str = "en", *, fragment: bool = False) -> str:
        return emit(self.document(lang), "html", fragment=fragment)

    def to_text(self, lang: str = "en") -> str:
        return emit(self.document(lang), "text")

    def __str__(self) -> str:
        return str(self.statement)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What Jupyter shows: the richest form that it can."""
        return {
            "text/plain": self.to_text(),
            "text/markdown": self.to_markdown(),
            "text/latex": self.to_latex(),
            "text/html": self.to_html(fragment=True),
        }
