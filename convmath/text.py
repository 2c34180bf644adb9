"""The one parser for text that people type. A whitelisted grammar; nothing is evaluated, and nothing is looked up.

    sum      =  product (("+" | "-") product)*
    product  =  signed (("*" | "·" | "/" | "//") signed)*
    signed   =  ("+" | "-") signed | power
    power    =  atom (("^" | "**") signed)?
    atom     =  number | name | name "(" sum ("," sum)* ")" | "(" sum ")"

What the names mean is for those who ask for the tree.

>>> parse("2*p")
Operation(sign='*', left=Number(value=Fraction(2, 1)), right=Name(name='p'))
>>> assignment("n = 224")
('n', Number(value=Fraction(224, 1)))
>>> parse("__import__('os')")
Traceback (most recent call last):
convmath.errors.TextError: "'" at place 12 of "__import__('os')" has no meaning here
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from convmath.errors import TextError

__all__ = ["Call", "Expression", "Name", "Negative", "Number", "Operation", "assignment", "named", "parse"]

# far above what a person types, and below what would exhaust the stack or the memory
LONGEST, DEEPEST, DIGITS, TOKENS = 2000, 60, 100, 300


@dataclass(frozen=True, slots=True)
class Number:
    value: Fraction


@dataclass(frozen=True, slots=True)
class Name:
    name: str


@dataclass(frozen=True, slots=True)
class Negative:
    of: Expression


@dataclass(frozen=True, slots=True)
class Operation:
    """left sign right, the sign being one of + - * / // ^"""

    sign: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: tuple[Expression, ...]


Expression = Number | Name | Negative | Operation | Call

_TOKEN = re.compile(r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[^\W\d]\w*)|(?P<sign>\*\*|//|[-+*/^(),·−]))", re.UNICODE)
_SAME = {"**": "^", "·": "*", "−": "-"}


def named(text: str) -> tuple[str, str]:
    """`name = value` as the name and the text of the value."""
    _short_enough(text)
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not value or not name.isidentifier():
        raise TextError(f"{text!r} came, but name=value is needed, such as n=224 or k=2*p+1")
    return name, value


def assignment(text: str) -> tuple[str, Expression]:
    """`name = expression` as the name and the tree."""
    name, value = named(text)
    return name, parse(value)


def parse(text: str) -> Expression:
    """The tree of an expression; a TextError says what is wrong with it, and where."""
    return _Parser(text).whole()


def _short_enough(text: str) -> None:
    if len(text) > LONGEST:
        raise TextError(f"a text of {len(text)} characters came, but {LONGEST} are the most that is read")


class _Parser:
    def __init__(self, text: str):
        _short_enough(text)
        self.text = text
        self.tokens = self._tokens()
        self.place = 0
        self.depth = 0

    def _tokens(self) -> list[tuple[str, str, int]]:
        """Kind, text and place (from 1) of each token; last an end."""
        found, at = [], 0
        while self.text[at:].strip():
            token = _TOKEN.match(self.text, at)
            if token is None or (token["name"] and not token["name"].isidentifier()):  # ² is no name
                at += len(self.text[at:]) - len(self.text[at:].lstrip())
                raise self._refusal(f"{self.text[at]!r}", at + 1, "has no meaning here")
            kind = token.lastgroup or ""
            if kind == "number" and len(token[kind]) > DIGITS:
                raise self._refusal("a number", token.start(kind) + 1, f"has more than {DIGITS} digits")
            found.append((kind, _SAME.get(token[kind], token[kind]), token.start(kind) + 1))
            at = token.end()
        if len(found) > TOKENS:
            raise TextError(f'"{self.text[:40]}…" has {len(found)} parts, but {TOKENS} are the most that is read')
        return [*found, ("end", "the end", len(self.text) + 1)]

    def _refusal(self, what: str, place: int, why: str) -> TextError:
        return TextError(f'{what} at place {place} of "{self.text.strip()}" {why}')

    # -- reading

    @property
    def next(self) -> str:
        kind, text, _ = self.tokens[self.place]
        return text if kind == "sign" else kind

    def take(self) -> str:
        self.place += 1
        return self.tokens[self.place - 1][1]

    def _unexpected(self, needed: str) -> TextError:
        kind, text, place = self.tokens[self.place]
        return self._refusal(text if kind == "end" else repr(text), place, f"came where {needed} is needed")

    def whole(self) -> Expression:
        found = self.sum()
        if self.next != "end":
            raise self._unexpected("an operator or the end")
        return found

    def sum(self) -> Expression:
        return self._chain(self.product, ("+", "-"))

    def product(self) -> Expression:
        return self._chain(self.signed, ("*", "/", "//"))

    def _chain(self, part: Callable[[], Expression], signs: tuple[str, ...]) -> Expression:
        left = part()
        while self.next in signs:
            left = Operation(self.take(), left, part())
        return left

    def signed(self) -> Expression:
        self.depth += 1
        if self.depth > DEEPEST:
            raise TextError(f'"{self.text[:40]}…" is nested deeper than {DEEPEST} levels')
        try:
            if self.next in ("+", "-"):
                return Negative(self.signed()) if self.take() == "-" else self.signed()
            return self.power()
        finally:
            self.depth -= 1

    def power(self) -> Expression:
        base = self.atom()
        if self.next == "^":
            return Operation(self.take(), base, self.signed())
        return base

    def atom(self) -> Expression:
        match self.next:
            case "number":
                return Number(Fraction(self.take()))
            case "name":
                name = self.take()
                if self.next != "(":
                    return Name(name)
                return Call(name, self._inside())
            case "(":
                [inner] = self._inside(most=1)
                return inner
            case _:
                raise self._unexpected("a number, a name or a parenthesis")

    def _inside(self, most: int = 9) -> tuple[Expression, ...]:
        self.take()
        found = [self.sum()]
        while self.next == "," and len(found) < most:
            self.take()
            found.append(self.sum())
        if self.next != ")":
            raise self._unexpected("a closing parenthesis")
        self.take()
        return tuple(found)
