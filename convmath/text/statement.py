"""Reading a statement: equations on lines of their own, or with ; between them.

    equation  =  name ("[" entry ("," entry)* "]")? "=" sum          entry  =  sum ("<" sum)?
    atom      =  … | name "[" sum ("," sum)* "]" | "[" relation "]" | reduction
    reduction =  ("sum" | "max" | "min" | "Σ") "(" range ("," range)* ("where" relation ("," relation)*)? ")" product
    range     =  name "<" sum          relation  =  sum (("<" | "≤" | "=" | "≠" | ">" | "≥" | "|") sum)+

A reduction reaches over the product behind it, as Σ does on paper. A bracket needs no sign of multiplication behind it.
"""

from __future__ import annotations

import re

from .expression import PARTS, Parser, Token
from .tree import (
    Bracket,
    Element,
    Entry,
    Equation,
    Expression,
    Name,
    Negative,
    Operation,
    Range,
    Reduction,
    Relation,
)

__all__ = ["StatementParser"]

# of a statement, and the parts of an equation, whose tree may be half as deep
LONGEST, TOKENS, PARTS_EACH = 6000, 1500, 400

RELATIONS = ("<", "≤", "=", "≠", ">", "≥", "|")
REDUCTIONS = {"sum": "sum", "Σ": "sum", "max": "max", "min": "min"}


class StatementParser(Parser):
    pattern = re.compile(PARTS.replace("{more}", r"<=|>=|==|!=|[\[\]<>=≤≥≠|∣;]|"))

    def limits(self) -> tuple[int, int]:
        return LONGEST, TOKENS

    def _tokens(self) -> list[Token]:
        """A line that begins an equation has a ; before it."""
        tokens = super()._tokens()
        found, depth = tokens[:1], 0
        for at in range(1, len(tokens)):
            _, before, place = tokens[at - 1]
            depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(before, 0)
            between = self.text[place : tokens[at][2] - 1]
            if "\n" in between and depth == 0 and before != ";" and _begins_an_equation(tokens, at):
                found.append(("sign", ";", tokens[at][2]))
            found.append(tokens[at])
        return found

    def statement(self) -> tuple[Equation, ...]:
        found = []
        while self.next != "end":
            if self.next == ";":
                self.take()
                continue
            found.append(self.equation())
            if self.next not in (";", "end"):
                raise self._unexpected("an operator, a new equation or the end")
        if not found:
            raise self._unexpected("an equation, such as Y[v,c,j] = sum(t<k) X[v,c,j+t],")
        return tuple(found)

    def relations(self) -> tuple[Relation, ...]:
        return self._ended(self._list(self.relation))

    def equation(self) -> Equation:
        first = self.place
        if self.next != "name":
            raise self._unexpected("the name of an array that an equation states")
        array, at = self.take(), ()
        if self.next == "[":
            self.take()
            at = self._list(self.entry)
            self.expect("]", "a closing bracket")
        self.expect("=", "the = of an equation")
        right = self.sum()
        if self.place - first > PARTS_EACH:
            what = f"the equation of {array}"
            why = f"has {self.place - first} parts, but {PARTS_EACH} are the most that is read; name some of them"
            raise self._refusal(what, self.tokens[first][2], why)
        return Equation(array, at, right, span=self.since(first))

    def entry(self) -> Entry:
        first, form = self.place, self.sum()
        size = None
        if self.next == "<":
            self.take()
            size = self.sum()
        return Entry(form, size, span=self.since(first))

    def _sign(self, signs: tuple[str, ...], left: Expression) -> str:
        """A bracket needs no sign behind it: [P] f is [P]·f."""
        closed = self.tokens[self.place - 1][1] == "]" and _ends_in_a_bracket(left)
        if "*" in signs and closed and self.next in ("name", "number", "[", "("):
            return "*"
        return super()._sign(signs, left)

    def atom(self) -> Expression:
        first = self.place
        if self.next == "[":
            self.take()
            relation = self.relation()
            self.expect("]", "a closing bracket")
            return Bracket(relation, span=self.since(first))
        if self.next == "name" and self.ahead(1) == "[":
            array = self.take()
            self.take()
            at = self._list(self.sum)
            self.expect("]", "a closing bracket")
            return Element(array, at, span=self.since(first))
        if self.next == "name" and self.ahead(1) == "(" and self.tokens[self.place][1] in REDUCTIONS:
            if (self.ahead(2), self.ahead(3)) == ("name", "<"):
                return self.reduction()
            if self.tokens[self.place][1] in ("sum", "Σ"):
                self.place += 2
                raise self._unexpected("an index with its range, as in sum(t<k) X[v,c,t],")
        return super().atom()

    def reduction(self) -> Reduction:
        first, kind = self.place, REDUCTIONS[self.take()]
        self.take()
        ranges = self._list(self.range)
        where: tuple[Relation, ...] = ()
        if self.next == "name" and self.tokens[self.place][1] == "where":
            self.take()
            where = self._list(self.relation)
        self.expect(")", "a closing parenthesis")
        body = self.product()
        return Reduction(kind, ranges, where, body, span=self.since(first))

    def range(self) -> Range:
        first = self.place
        if self.next != "name":
            raise self._unexpected("an index with its range, such as t<k,")
        index = Name(self.take(), span=self.since(first))
        self.expect("<", "the < of a range (t<k is t = 0, …, k-1)")
        size = self.sum()
        return Range(index, size, span=self.since(first))

    def relation(self) -> Relation:
        first, parts, signs = self.place, [self.sum()], []
        while self.next in RELATIONS:
            signs.append(self.take())
            parts.append(self.sum())
        if not signs:
            raise self._unexpected("a relation (< ≤ = ≠ > ≥ or |)")
        return Relation(tuple(parts), tuple(signs), span=self.since(first))


def _ends_in_a_bracket(tree: Expression) -> bool:
    match tree:
        case Negative(of=last) | Operation(sign="*", right=last):
            return _ends_in_a_bracket(last)
    return isinstance(tree, Bracket)


def _begins_an_equation(tokens: list[Token], at: int) -> bool:
    """Whether name = or name[…] = stands there."""
    if tokens[at][0] != "name":
        return False
    at, depth = at + 1, 0
    if tokens[at][1] == "[":
        while tokens[at][0] != "end":
            depth += {"[": 1, "]": -1}.get(tokens[at][1], 0)
            at += 1
            if not depth:
                break
    return tokens[at][1] == "="
