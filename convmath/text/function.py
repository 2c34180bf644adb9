"""Reading functions and sequences of variables, lists of their values, and what is said of their parameters.

list      =  "[" (list | sum) ("," (list | sum))* "]"
atom      =  … | name "[" sum ("," sum)* "]"
          |  "cases" "(" case ("," case)* ("," sum)? ")" | "Piecewise" "(" pair ("," pair)* ")"
case      =  condition ":" sum                    pair      =  "(" sum "," (condition | "True") ")"
condition =  both (("or" | "|") both)*            both      =  single (("and" | "&") single)*
single    =  "(" condition ")" | relation         relation  =  sum (("<" | "≤" | "=" | "≠" | ">" | "≥") sum)+
statement =  name word+ | both
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .expression import PARTS, TOKENS, Parser
from .tree import Cases, Combined, Condition, Element, Expression, Listing, Relation, Stated

__all__ = ["FunctionParser"]

# of a text with lists in it; each entry is as long as an expression at most
LONGEST, PARTS_IN_ALL, ENTRIES = 6000, 2000, 1000
CASES, STATEMENTS = 20, 20

RELATIONS = ("<", "≤", "=", "≠", ">", "≥")
WORDS = {"&": "and", "∧": "and", "|": "or", "∨": "or"}


class FunctionParser(Parser):
    pattern = re.compile(PARTS.replace("{more}", r"<=|>=|==|!=|[\[\]<>=≤≥≠&|∧∨:]|"))
    deepest = 40  # a level has more steps here

    def limits(self) -> tuple[int, int]:
        return LONGEST, PARTS_IN_ALL

    # -- what a text may be

    def function(self) -> Expression | Listing:
        return self._only(self.listed)

    def statements(self) -> tuple[Stated | Condition, ...]:
        return self._ended(self._list(self.statement, STATEMENTS))

    def variables(self) -> tuple[Stated, ...]:
        return self._ended(self._list(self.stated, STATEMENTS))

    def _only(self, part: Callable[[], Any]) -> Any:
        [found] = self._ended((part(),))
        return found

    # -- lists

    def listed(self) -> Expression | Listing:
        first = self.place
        if self.next != "[":
            found = self.sum()
            if self.place - first > TOKENS:
                why = f"has {self.place - first} parts, but {TOKENS} are the most that is read"
                raise self._refusal("the expression", self.tokens[first][2], why)
            return found
        with self.deeper():
            self.take()
            entries = self._list(self.listed, ENTRIES)
            self.expect("]", "a comma or a closing bracket")
            return Listing(entries, span=self.since(first))

    # -- functions

    def atom(self) -> Expression:
        first, name = self.place, self.tokens[self.place][1]
        if self.next == "name" and self.ahead(1) == "[":
            self.place += 2
            at = self._list(self.sum)
            self.expect("]", "a closing bracket")
            return Element(name, at, span=self.since(first))
        if self.next == "name" and self.ahead(1) == "(" and name in ("cases", "Piecewise"):
            self.place += 2
            return self._cases(first) if name == "cases" else self._pairs(first)
        return super().atom()

    def _cases(self, first: int) -> Cases:
        found, otherwise = [], None
        while otherwise is None and len(found) < CASES:
            if found and self.next != ",":
                break
            if found:
                self.take()
            if self._ahead_of(":"):
                condition = self.condition()
                self.expect(":", "the : between a condition and its value")
                found.append((condition, self.sum()))
            elif found:
                otherwise = self.sum()
            else:
                self.condition()
                raise self._unexpected("the : between a condition and its value, as in cases(t<0: 0, 1),")
        self.expect(")", "a closing parenthesis")
        return Cases(tuple(found), otherwise, span=self.since(first))

    def _pairs(self, first: int) -> Cases:
        found, otherwise = [], None
        while otherwise is None and len(found) < CASES:
            if found and self.next != ",":
                break
            if found:
                self.take()
            self.expect("(", "a pair, as in Piecewise((t, t < 1), (0, True)),")
            value = self.sum()
            self.expect(",", "a comma and a condition")
            if self.next == "name" and self.tokens[self.place][1] == "True":
                self.take()
                otherwise = value
            else:
                found.append((self.condition(), value))
            self.expect(")", "a closing parenthesis")
        if otherwise is None:
            raise self._unexpected("a last pair with the condition True")
        self.expect(")", "a closing parenthesis")
        return Cases(tuple(found), otherwise, span=self.since(first))

    # -- conditions

    def condition(self) -> Condition:
        return self._combined("or", self.both)

    def both(self) -> Condition:
        return self._combined("and", self.single)

    def _combined(self, word: str, part: Callable[[], Condition]) -> Condition:
        first, parts = self.place, [part()]
        while self._word() == word:
            self.take()
            parts.append(part())
        return parts[0] if len(parts) == 1 else Combined(word, tuple(parts), span=self.since(first))

    def _word(self) -> str:
        """The word that combines conditions, if one stands there."""
        kind, text, _ = self.tokens[self.place]
        return WORDS.get(text, text if kind == "name" else "")

    def single(self) -> Condition:
        if self.next == "(" and self._encloses_a_condition():
            with self.deeper():
                self.take()
                found = self.condition()
                self.expect(")", "a closing parenthesis")
                return found
        first, parts, signs = self.place, [self.sum()], []
        while self.next in RELATIONS:
            signs.append(self.take())
            parts.append(self.sum())
        if not signs:
            raise self._unexpected("a relation (< ≤ = ≠ > ≥)")
        return Relation(tuple(parts), tuple(signs), span=self.since(first))

    def _encloses_a_condition(self) -> bool:
        """Whether nothing that makes a sum goes on behind the parenthesis that closes the next."""
        kind, text, _ = self.tokens[self._closing(self.place)]
        return kind == "end" or text in (")", "]", ",", ":", "and", "or", *WORDS)

    def _closing(self, place: int) -> int:
        """The place behind the parenthesis that closes the one there."""
        depth = 0
        while True:
            kind, text, _ = self.tokens[place]
            depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(text, 0)
            if kind == "end":
                return place
            place += 1
            if depth == 0:
                return place

    def _ahead_of(self, sign: str) -> bool:
        """Whether the sign comes before the next comma or closing parenthesis of this level."""
        place = self.place
        while True:
            kind, text, _ = self.tokens[place]
            if text == sign:
                return True
            if kind == "end" or text in (",", ")", "]"):
                return False
            place = self._closing(place) if text in ("(", "[") else place + 1

    # -- what is said of names

    def statement(self) -> Stated | Condition:
        if self.next == "name" and self.ahead(1) in ("name", "end", ",") and self._follows_a_word():
            return self.stated()
        return self.both()

    def _follows_a_word(self) -> bool:
        return self.ahead(1) != "name" or self.tokens[self.place + 1][1] not in ("and", "or")

    def stated(self) -> Stated:
        first = self.place
        if self.next != "name":
            raise self._unexpected("a name")
        name, words = self.take(), []
        while self.next == "name":
            words.append(self.take())
        return Stated(name, tuple(words), span=self.since(first))
