"""What a text says of parameters: words (n integer), and relations (a > 0), some of which are signs of symbols."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from fractions import Fraction
from typing import Any

from convmath import text
from convmath.errors import TextError, unknown
from convmath.text import located

__all__ = ["WORDS", "all_names", "conjuncts", "pairs", "refusal", "said_of_names"]

# what can be said of a name, in each language
WORDS: Mapping[str, str] = {
    "real": "real", "complex": "complex", "integer": "integer", "positive": "positive", "negative": "negative",
    "nonnegative": "nonnegative", "nonpositive": "nonpositive", "nonzero": "nonzero", "complejo": "complex",
    "entero": "integer", "positivo": "positive", "negativo": "negative",
}  # fmt: skip
TURNED = {"<": ">", "≤": "≥", ">": "<", "≥": "≤"}


def said_of_names(
    statements: Iterable[text.Tree], variables: Collection[str], constants: Collection[str], written: str
) -> dict[str, dict[str, bool]]:
    """For each name what its symbol is to assume; a constant is a parameter only where words say so."""
    said: dict[str, dict[str, bool]] = {}
    for statement in statements:
        for name in all_names(statement):
            if name.name in variables:
                why = "is a variable; what holds where it is so belongs into the function: cases(t > 0: exp(-t), 0)"
                raise refusal(name, written, why)
            if name.name not in constants or isinstance(statement, text.Stated):
                said.setdefault(name.name, {})
        if isinstance(statement, text.Stated):
            said[statement.name] |= dict.fromkeys(_kinds(statement, written), True)
        for left, sign, right in pairs(statement):
            for one, way, other in ((left, sign, right), (right, TURNED.get(sign, sign), left)):
                if isinstance(one, text.Name) and one.name in said and (number := _number(other)) is not None:
                    said[one.name] |= dict.fromkeys(_sign(way, number), True)
    return said


def _kinds(statement: text.Stated, written: str) -> list[str]:
    if not statement.words:
        raise refusal(statement, written, "came without what is assumed of it, such as a > 0 or n integer")
    for word in statement.words:
        if word not in WORDS:
            raise unknown("kind of parameter", word, WORDS, located(written, statement.span[0] + 1))
    return [WORDS[word] for word in statement.words]


def _sign(relation: str, number: Fraction) -> list[str]:
    """What follows for the sign of what stands in a relation to a number."""
    match relation:
        case ">" | "≥" if number >= 0:
            return ["nonnegative" if relation == "≥" and number == 0 else "positive"]
        case "<" | "≤" if number <= 0:
            return ["nonpositive" if relation == "≤" and number == 0 else "negative"]
        case "≠" if number == 0:
            return ["nonzero"]
    return []


def _number(tree: Any) -> Fraction | None:
    match tree:
        case text.Number(value=value):
            return value
        case text.Negative(of=inner):
            number = _number(inner)
            return None if number is None else -number
        case text.Operation(sign="/", left=text.Number(value=over), right=text.Number(value=under)) if under:
            return over / under
    return None


def conjuncts(statements: Iterable[text.Tree], written: str) -> Iterable[text.Tree]:
    """The statements, those that are combined one by one."""
    for statement in statements:
        if not isinstance(statement, text.Combined):
            yield statement
        elif statement.word == "and":
            yield from conjuncts(statement.parts, written)
        else:
            raise refusal(statement, written, "holds in one way or another, but each assumption has to hold")


def pairs(statement: text.Tree) -> Iterable[tuple[Any, str, Any]]:
    """A chain of relations as one between each two neighbours."""
    if isinstance(statement, text.Relation):
        yield from zip(statement.parts[:-1], statement.signs, statement.parts[1:], strict=True)


def all_names(tree: text.Tree) -> Iterable[text.Name]:
    """The names that stand for values; of a statement in words, the name it is about."""
    if isinstance(tree, text.Stated):
        yield text.Name(tree.name, span=tree.span)
    if isinstance(tree, text.Name):
        yield tree
    for part in text.parts(tree):
        yield from all_names(part)


def refusal(tree: text.Tree, written: str, why: str) -> TextError:
    """What stood there, where, and why it can't be read."""
    start, end = tree.span
    part = written[start:end]
    shown = part if len(part) <= 40 else f"{part[:40]}…"
    return TextError(f"{shown!r} at {located(written, start + 1)} {why}")
