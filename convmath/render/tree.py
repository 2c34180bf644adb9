"""One layout tree for mathematics. Every emitter has one rule per node; nothing here knows what is being said.

>>> from convmath.render.text import text
>>> text(row(Sym("m"), EQUALS, Fence("⌊", Frac(Sym("n"), Sym("s")), "⌋"), PLUS, Num("1")))
'm = ⌊n/s⌋ + 1'
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "BESIDE",
    "BREAK",
    "DOT",
    "EQUALS",
    "PLUS",
    "SUM_BREAK",
    "TIMES",
    "TERM_BREAK",
    "Big",
    "Break",
    "Cases",
    "Fence",
    "Fn",
    "Frac",
    "Inline",
    "Layout",
    "Matrix",
    "Num",
    "Op",
    "Root",
    "Row",
    "Script",
    "Sym",
    "Words",
]
__all__ += ["apart", "broken", "commas", "joined", "put_in", "row", "spaced", "width"]


@dataclass(frozen=True, slots=True)
class Sym:
    """A letter, or a name of several letters (gX)."""

    name: str


@dataclass(frozen=True, slots=True)
class Fn:
    """The name of a function, upright: exp, log."""

    name: str


@dataclass(frozen=True, slots=True)
class Num:
    digits: str


@dataclass(frozen=True, slots=True)
class Op:
    """An operator or relation.

    `space`: none inside forms (s·j+d·t, where typeset mathematics leaves the dot out), dot for a product that must show
    its dot (2·3), wide at the outer level and around relations, after for loose commas, before for the d of dτ, start
    at the head of a line.
    """

    sign: str
    space: Literal["none", "dot", "wide", "after", "before", "start"] = "none"


@dataclass(frozen=True, slots=True)
class Row:
    items: tuple[Layout, ...]


@dataclass(frozen=True, slots=True)
class Script:
    """A base with a subscript, a superscript or primes."""

    base: Layout
    sub: Layout | None = None
    sup: Layout | None = None
    primes: int = 0


@dataclass(frozen=True, slots=True)
class Frac:
    over: Layout
    under: Layout


@dataclass(frozen=True, slots=True)
class Root:
    """A square root."""

    body: Layout


@dataclass(frozen=True, slots=True)
class Fence:
    """A body between brackets: ( ) [ ] ⌊ ⌋ ⟨ ⟩ { } | |"""

    left: str
    body: Layout
    right: str


@dataclass(frozen=True, slots=True)
class Big:
    """Σ, ∫, max, min or # with what stands under it, and over it."""

    sign: str
    under: Layout | None = None
    over: Layout | None = None


@dataclass(frozen=True, slots=True)
class Cases:
    """Values behind one brace, each with the relation under which it is the value."""

    cases: tuple[tuple[Layout, Layout], ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows of entries between tall parentheses."""

    rows: tuple[tuple[Layout, ...], ...]


@dataclass(frozen=True, slots=True)
class Words:
    """Upright words inside mathematics."""

    words: str


@dataclass(frozen=True, slots=True)
class Break:
    """A place where a long line may go on in the next one: between terms first, then between factors.

    Behind a sum sign only where there is no other way, not even one between parentheses.
    """

    between: Literal["terms", "factors", "sum"] = "factors"


Layout = Sym | Fn | Num | Op | Row | Script | Frac | Root | Fence | Big | Cases | Matrix | Words | Break

Inline = str | Layout  # a piece of a sentence: words or mathematics

BREAK, TERM_BREAK, SUM_BREAK = Break(), Break("terms"), Break("sum")
PLUS, TIMES, EQUALS = Op("+", "wide"), Op("·", "wide"), Op("=", "wide")
BESIDE, DOT = Op("·"), Op("·", "dot")  # a product inside a form; the same between numbers


def row(*items: Layout) -> Layout:
    """Items side by side; rows in rows are one row."""
    flat: list[Layout] = []
    for item in items:
        flat += item.items if isinstance(item, Row) else (item,)
    return flat[0] if len(flat) == 1 else Row(tuple(flat))


def joined(separator: Layout, items: Iterable[Layout]) -> Layout:
    parts: list[Layout] = []
    for place, item in enumerate(items):
        parts += [separator, item] if place else [item]
    return row(*parts)


def commas(items: Iterable[Layout], loose: bool = False) -> Layout:
    return joined(Op(",", "after" if loose else "none"), items)


def apart(item: Layout, following: Layout) -> bool:
    """Whether a space stands between them: after a sum sign, a bracket [P] and words, but not in min(…)."""
    match item, following:
        case (_, Op(sign=sign)) if sign != "(":
            return False
        case (Big(under=None), Fence()):
            return False
        case (Big() | Words() | Fence(left="[", right="]"), _) | (_, Words()):
            return True
    return False


def spaced(items: Iterable[Layout], space: Layout) -> Iterator[Layout]:
    """The items without their breaks, with `space` where two stand apart."""
    kept = [item for item in items if not isinstance(item, Break)]
    for place, item in enumerate(kept):
        if place and apart(kept[place - 1], item):
            yield space
        yield item


def put_in(node: Layout, values: Mapping[Layout, Layout]) -> Layout:
    """The tree with some of its parts replaced, and nothing worked out: 2·p at p = 3 is 2·3."""
    if node in values:
        return values[node]
    match node:
        case Op():
            return DOT if node == BESIDE else node
        case Row(items=items):
            return row(*(put_in(item, values) for item in items))
        case Script(base=base, sub=sub, sup=sup, primes=primes):
            named = sub is not None or primes  # n₁ is another name than n
            return Script(base if named else put_in(base, values), sub, sup and put_in(sup, values), primes)
        case Frac(over=over, under=under):
            return Frac(put_in(over, values), put_in(under, values))
        case Fence(left=left, body=body, right=right):
            return Fence(left, put_in(body, values), right)
        case Root(body=body):
            return Root(put_in(body, values))
    return node


# what the signs of typeset mathematics need, in letters
_OP_WIDTHS = {"none": 2.2, "dot": 1.3, "wide": 2.6, "after": 1.4, "before": 1.4, "start": 1.9}


def width(node: Layout) -> float:
    """An estimate of the typeset width, in letters."""
    match node:
        case Sym(name=name) | Fn(name=name):
            return len(name)
        case Num(digits=digits):
            return 0.9 * len(digits)
        case Op(sign=","):
            return 1.4 if node.space == "after" else 0.9
        case Op(sign="·", space="none" | "wide"):
            return 0.3
        case Op(sign=sign, space=space):
            return len(sign) - 1 + _OP_WIDTHS[space]
        case Row(items=items):
            return sum(map(width, items))
        case Script(base=base, sub=sub, sup=sup, primes=primes):
            return width(base) + 0.75 * max(width(sub) if sub else 0, width(sup) if sup else 0) + 0.4 * primes
        case Frac(over=over, under=under):
            return max(width(over), width(under)) + 0.5
        case Fence(left=left, body=body):
            return width(body) + (2.6 if left == "⌊" else 1.5)
        case Big(sign=sign, under=under, over=over):
            return max(len(sign) + 1.2, *(0.7 * width(limit) for limit in (under, over) if limit is not None), 0)
        case Root(body=body):
            return width(body) + 1.2
        case Cases(cases=cases):
            return 3 + max(width(value) for value, _ in cases) + max(width(relation) for _, relation in cases)
        case Matrix(rows=rows):
            return 1.5 + sum(1 + max(map(width, column)) for column in zip(*rows, strict=True))
        case Words(words=words):
            return 0.95 * len(words) + 1.4
        case Break():
            return 0
    raise NotImplementedError(f"no width of a {type(node).__name__}")


def broken(node: Layout, limit: float, measure: Callable[[Layout], float] = width) -> list[Layout]:
    """The node in lines no wider than `limit`, where its breaks allow; a product goes on with its sign."""
    lines = [node]
    for at in (TERM_BREAK, BREAK, None, SUM_BREAK):
        lines = [part for line in lines for part in _parts(line, at, limit, measure)]
    return lines


def _parts(line: Layout, at: Break | None, limit: float, measure: Callable[[Layout], float]) -> list[Layout]:
    """A line that is too long, broken at the breaks of one kind; without a kind, between its first parentheses."""
    items = line.items if isinstance(line, Row) else (line,)
    if measure(line) <= limit:
        return [line]
    if at is not None:
        return [row(*part) for part in _filled_lines(_split(items, at), at, limit, measure)]
    for place, item in enumerate(items):
        match item:
            case Fence("(", Row(items=body), ")") if any(isinstance(inner, Break) for inner in body):
                opened = (*items[:place], Op("("), *body, Op(")"), *items[place + 1 :])
                return broken(Row(opened), limit, measure)
    return [line]


def _split(items: Iterable[Layout], at: Break) -> list[list[Layout]]:
    pieces: list[list[Layout]] = [[]]
    for item in items:
        if item == at:
            pieces.append([])
        else:
            pieces[-1].append(item)
    return [piece for piece in pieces if piece]


def _filled_lines(
    pieces: list[list[Layout]], at: Break, limit: float, measure: Callable[[Layout], float]
) -> list[list[Layout]]:
    """As many pieces on a line as fit."""
    lines: list[list[Layout]] = []
    for piece in pieces:
        if lines and measure(row(*lines[-1], *piece)) <= limit:
            lines[-1] += [at, *piece]
        elif lines and piece[0] == TIMES:
            lines.append([Op("·", "start"), *piece[1:]])
        else:
            lines.append(piece)
    return lines
