"""The one parser for text that people type. A whitelisted grammar; nothing is evaluated, and nothing is looked up.

>>> parse("2*p")
Operation(sign='*', left=Number(value=Fraction(2, 1)), right=Name(name='p'))
>>> assignment("n = 224")
('n', Number(value=Fraction(224, 1)))
>>> parse("__import__('os')")
Traceback (most recent call last):
convmath.errors.TextError: "'" at place 12 of "__import__('os')" has no meaning here
>>> [equation] = equations("Y[j] = sum(t<k) X[j+t]")
>>> equation.right.ranges
(Range(index=Name(name='t'), size=Name(name='k')),)
"""

from __future__ import annotations

from convmath.errors import TextError

from .expression import Parser, located, short_enough
from .statement import StatementParser
from .tree import (
    Bracket,
    Call,
    Element,
    Entry,
    Equation,
    Expression,
    Name,
    Negative,
    Number,
    Operation,
    Range,
    Reduction,
    Relation,
    Tree,
    arrays,
    names,
    reductions,
)

__all__ = [
    "Bracket",
    "Call",
    "Element",
    "Entry",
    "Equation",
    "Expression",
    "Name",
    "Negative",
    "Number",
    "Operation",
    "Range",
    "Reduction",
    "Relation",
    "Tree",
    "arrays",
    "assignment",
    "equations",
    "listing",
    "located",
    "named",
    "names",
    "parse",
    "reductions",
    "relations",
]


def parse(text: str) -> Expression:
    """The tree of an expression; a TextError says what is wrong with it, and where."""
    return Parser(text).whole()


def listing(text: str) -> tuple[Expression, ...]:
    """The trees of expressions with commas between them."""
    return Parser(text).listing()


def relations(text: str) -> tuple[Relation, ...]:
    """The trees of relations with commas between them."""
    return StatementParser(text).relations()


def equations(text: str) -> tuple[Equation, ...]:
    """The equations of a statement, in their order; a TextError says what is wrong with the text, and where."""
    return StatementParser(text).statement()


def named(text: str) -> tuple[str, str]:
    """`name = value` as the name and the text of the value."""
    short_enough(text)
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not value or not name.isidentifier():
        raise TextError(f"{text!r} came, but name=value is needed, such as n=224 or k=2*p+1")
    return name, value


def assignment(text: str) -> tuple[str, Expression]:
    """`name = expression` as the name and the tree."""
    name, value = named(text)
    return name, parse(value)
