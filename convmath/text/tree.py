"""What a text is read into: nodes that know where they stood. What their names mean is for those who ask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

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
    "names",
    "parts",
    "reductions",
]


@dataclass(frozen=True, slots=True)
class Tree:
    """A node, and from where to where it stood in the text."""

    span: tuple[int, int] = field(default=(0, 0), compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Number(Tree):
    value: Fraction


@dataclass(frozen=True, slots=True)
class Name(Tree):
    name: str


@dataclass(frozen=True, slots=True)
class Negative(Tree):
    of: Expression


@dataclass(frozen=True, slots=True)
class Operation(Tree):
    """left sign right, the sign being one of + - * / // ^"""

    sign: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Call(Tree):
    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Element(Tree):
    """array[at]"""

    array: str
    at: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Relation(Tree):
    """first sign second sign third …, the signs among < ≤ = ≠ > ≥ |"""

    parts: tuple[Expression, ...]
    signs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bracket(Tree):
    """[relation]"""

    relation: Relation


@dataclass(frozen=True, slots=True)
class Combined(Tree):
    """Conditions that hold together, or one of which holds; the word is "and" or "or"."""

    word: str
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Cases(Tree):
    """The value behind the first condition that holds, else `otherwise`, else 0."""

    cases: tuple[tuple[Condition, Expression], ...]
    otherwise: Expression | None


@dataclass(frozen=True, slots=True)
class Listing(Tree):
    """[first, second, …]"""

    entries: tuple[Expression | Listing, ...]


@dataclass(frozen=True, slots=True)
class Stated(Tree):
    """What words say of a name: n integer."""

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Range(Tree):
    """index < size"""

    index: Name
    size: Expression


@dataclass(frozen=True, slots=True)
class Reduction(Tree):
    """kind(ranges where relations) body, the kind being sum, max or min"""

    kind: str
    ranges: tuple[Range, ...]
    where: tuple[Relation, ...]
    body: Expression


@dataclass(frozen=True, slots=True)
class Entry(Tree):
    """One position of a left side, and the size of its index where it is said."""

    form: Expression
    size: Expression | None


@dataclass(frozen=True, slots=True)
class Equation(Tree):
    """array[at] = right"""

    array: str
    at: tuple[Entry, ...]
    right: Expression


Expression = Number | Name | Negative | Operation | Call | Element | Bracket | Reduction | Cases
Condition = Relation | Combined


def parts(tree: Tree) -> tuple[Tree, ...]:
    """What a node is made of, from left to right."""
    match tree:
        case Negative(of=inner):
            return (inner,)
        case Operation(left=left, right=right):
            return left, right
        case Call(arguments=parts) | Element(at=parts) | Relation(parts=parts) | Combined(parts=parts):
            return parts
        case Bracket(relation=relation):
            return (relation,)
        case Cases(cases=cases, otherwise=last):
            return tuple(part for case in cases for part in case) + ((last,) if last else ())
        case Listing(entries=parts):
            return parts
    return ()


def names(tree: Tree) -> Iterator[Name]:
    """The names in it that stand for numbers: not those in the positions of an array, nor under a reduction."""
    if isinstance(tree, Name):
        yield tree
    elif not isinstance(tree, Element):
        for part in parts(tree):
            yield from names(part)


def arrays(tree: Tree) -> bool:
    """Whether an element of an array, or a reduction, stands in it."""
    return isinstance(tree, Element | Reduction) or any(map(arrays, parts(tree)))


def reductions(tree: Tree) -> Iterator[Reduction]:
    """The outermost reductions in it."""
    if isinstance(tree, Reduction):
        yield tree
    for part in parts(tree):
        yield from reductions(part)
