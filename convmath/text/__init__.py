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
from .function import FunctionParser
from .statement import StatementParser
from .tree import (
    Bracket,
    Call,
    Cases,
    Combined,
    Condition,
    Element,
    Entry,
    Equation,
    Expression,
    Listing,
    Name,
    Negative,
    Number,
    Operation,
    Range,
    Reduction,
    Relation,
    Stated,
    Tree,
    arrays,
    names,
    parts,
    reductions,
)

__all__ = [
    "Bracket",
    "Call",
    "Cases",
    "Combined",
    "Condition",
    "Element",
    "Entry",
    "Equation",
    "Expression",
    "Listing",
    "Name",
    "Negative",
    "Number",
    "Operation",
    "Range",
    "Reduction",
    "Relation",
    "Stated",
    "Tree",
    "arrays",
    "assignment",
    "equations",
    "function",
    "listing",
    "located",
    "named",
    "names",
    "parse",
    "parts",
    "reductions",
    "relations",
    "statements",
    "variables",
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


def function(text: str) -> Expression | Listing:
    """The tree of a function or sequence, or of a list of values.

    >>> function("cases(t < 0: 0, t)").cases
    ((Relation(parts=(Name(name='t'), Number(value=Fraction(0, 1))), signs=('<',)), Number(value=Fraction(0, 1))),)
    """
    return FunctionParser(text).function()


def statements(text: str) -> tuple[Stated | Condition, ...]:
    """What is said of names, with commas between: relations, and words such as `n integer`."""
    return FunctionParser(text).statements()


def variables(text: str) -> tuple[Stated, ...]:
    """Names with commas between, each with the words behind it."""
    return FunctionParser(text).variables()


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
