"""Reading one expression.

sum      =  product (("+" | "-") product)*
product  =  signed (("*" | "·" | "/" | "//") signed)*
signed   =  ("+" | "-") signed | power
power    =  atom (("^" | "**") signed)?
atom     =  number | name | name "(" sum ("," sum)* ")" | "(" sum ")"
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

from convmath.errors import TextError

from .tree import Call, Expression, Name, Negative, Number, Operation

__all__ = ["Parser", "Token", "located", "short_enough"]

# far above what a person types, and below what would exhaust the stack or the memory
LONGEST, DEEPEST, DIGITS, TOKENS = 2000, 60, 100, 300
MOST_IN_A_LIST = 9
SHOWN = 80  # characters of a text, at either side of what is wrong

Token = tuple[str, str, int]  # kind, text and place (from 1)

# what a statement has besides stands at {more}
PARTS = r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[^\W\d]\w*)|(?P<sign>{more}\*\*|//|[-+*/^(),·−]))"
SAME = {"**": "^", "·": "*", "−": "-", "<=": "≤", ">=": "≥", "==": "=", "!=": "≠", "∣": "|"}


def located(text: str, place: int) -> str:
    """Where a place (from 1) is, as an error says it: in the text, or in one of its lines."""
    if "\n" not in text.strip():
        return f'place {place} of "{_around(text, place)}"'
    before = text[: place - 1].split("\n")
    line, at = text.split("\n")[len(before) - 1], len(before[-1]) + 1
    return f'place {at} of line {len(before)}, "{_around(line, at)}",'


def _around(line: str, place: int) -> str:
    """The line, or of a long one what stands around the place."""
    if len(line.strip()) <= 2 * SHOWN:
        return line.strip()
    start, end = max(0, place - 1 - SHOWN), place - 1 + SHOWN
    return ("…" if start else "") + line[start:end].strip() + ("…" if end < len(line) else "")


def short_enough(text: str, most: int = LONGEST) -> None:
    if len(text) > most:
        raise TextError(f"a text of {len(text)} characters came, but {most} are the most that is read")


class Parser:
    pattern = re.compile(PARTS.replace("{more}", ""))
    deepest = DEEPEST

    def __init__(self, text: str):
        longest, self.most = self.limits()
        short_enough(text, longest)
        self.text = text
        self.tokens = self._tokens()
        self.place = 0
        self.depth = 0

    def limits(self) -> tuple[int, int]:
        """The most characters and tokens that are read."""
        return LONGEST, TOKENS

    def _tokens(self) -> list[Token]:
        """Kind, text and place (from 1) of each token; last an end."""
        found, at = [], 0
        while self.text[at:].strip():
            token = self.pattern.match(self.text, at)
            if token is None or (token["name"] and not token["name"].isidentifier()):  # ² is no name
                at += len(self.text[at:]) - len(self.text[at:].lstrip())
                raise self._refusal(f"{self.text[at]!r}", at + 1, "has no meaning here")
            kind = token.lastgroup or ""
            if kind == "number" and len(token[kind]) > DIGITS:
                raise self._refusal("a number", token.start(kind) + 1, f"has more than {DIGITS} digits")
            found.append((kind, SAME.get(token[kind], token[kind]), token.start(kind) + 1))
            at = token.end()
        if len(found) > self.most:
            raise TextError(f'"{self.text[:40]}…" has {len(found)} parts, but {self.most} are the most that is read')
        return [*found, ("end", "the end", len(self.text) + 1)]

    def _refusal(self, what: str, place: int, why: str) -> TextError:
        return TextError(f"{what} at {located(self.text, place)} {why}")

    # -- going on

    @property
    def next(self) -> str:
        return self.ahead(0)

    def ahead(self, steps: int) -> str:
        """The sign that stands so many tokens ahead, or the kind of what does."""
        kind, text, _ = self.tokens[min(self.place + steps, len(self.tokens) - 1)]
        return text if kind == "sign" else kind

    def take(self) -> str:
        self.place += 1
        return self.tokens[self.place - 1][1]

    def expect(self, sign: str, needed: str) -> None:
        if self.next != sign:
            raise self._unexpected(needed)
        self.take()

    def _unexpected(self, needed: str) -> TextError:
        kind, text, place = self.tokens[self.place]
        return self._refusal(text if kind == "end" else repr(text), place, f"came where {needed} is needed")

    def since(self, first: int) -> tuple[int, int]:
        """The span from one token to the last that was taken."""
        _, _, end = self.tokens[self.place]
        start = self.tokens[first][2] - 1
        return start, start + len(self.text[start : end - 1].rstrip())

    # -- reading

    def whole(self) -> Expression:
        [found] = self._ended(self._list(self.sum, 1))
        return found

    def listing(self) -> tuple[Expression, ...]:
        return self._ended(self._list(self.sum))

    def _ended(self, found: tuple[Any, ...]) -> tuple[Any, ...]:
        if self.next != "end":
            raise self._unexpected("an operator or the end")
        return found

    def sum(self) -> Expression:
        return self._chain(self.product, ("+", "-"))

    def product(self) -> Expression:
        return self._chain(self.signed, ("*", "/", "//"))

    def _chain(self, part: Callable[[], Expression], signs: tuple[str, ...]) -> Expression:
        first, left = self.place, part()
        while sign := self._sign(signs, left):
            right = part()
            left = Operation(sign, left, right, span=self.since(first))
        return left

    def _sign(self, signs: tuple[str, ...], left: Expression) -> str:
        """The sign behind the left side of an operation, if there is one."""
        return self.take() if self.next in signs else ""

    @contextmanager
    def deeper(self) -> Iterator[None]:
        self.depth += 1
        if self.depth > self.deepest:
            raise TextError(f'"{self.text[:40]}…" is nested deeper than {self.deepest} levels')
        try:
            yield
        finally:
            self.depth -= 1

    def signed(self) -> Expression:
        first = self.place
        with self.deeper():
            if self.next in ("+", "-"):
                minus, inner = self.take() == "-", self.signed()
                return Negative(inner, span=self.since(first)) if minus else inner
            return self.power()

    def power(self) -> Expression:
        first, base = self.place, self.atom()
        if self.next == "^":
            sign, exponent = self.take(), self.signed()
            return Operation(sign, base, exponent, span=self.since(first))
        return base

    def atom(self) -> Expression:
        first = self.place
        match self.next:
            case "number":
                return Number(Fraction(self.take()), span=self.since(first))
            case "name":
                name = self.take()
                if self.next != "(":
                    return Name(name, span=self.since(first))
                arguments = self._inside()
                return Call(name, arguments, span=self.since(first))
            case "(":
                [inner] = self._inside(most=1)
                return inner
            case _:
                raise self._unexpected("a number, a name or a parenthesis")

    def _inside(self, most: int = MOST_IN_A_LIST) -> tuple[Expression, ...]:
        self.take()
        found = self._list(self.sum, most)
        self.expect(")", "a closing parenthesis")
        return found

    def _list(self, part: Callable[[], Any], most: int = MOST_IN_A_LIST) -> tuple[Any, ...]:
        found = [part()]
        while self.next == "," and len(found) < most:
            self.take()
            found.append(part())
        return tuple(found)
