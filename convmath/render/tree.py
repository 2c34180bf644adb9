"""One layout tree for mathematics. Every emitter has one rule per node; nothing here knows what is being said.

>>> from convmath.render.text import text
>>> text(row(Sym("m"), EQUALS, fence("⌊", frac(Sym("n"), Sym("s")), "⌋"), PLUS, Num("1")))
'm = ⌊n/s⌋ + 1'
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Union

__all__ = [
    "BREAK",
    "EQUALS",
    "MINUS",
    "PLUS",
    "TIMES",
    "Big",
    "Break",
    "Fence",
    "Frac",
    "Layout",
    "Num",
    "Op",
    "Row",
    "Script",
    "Sym",
    "Words",
]
__all__ += ["broken", "commas", "fence", "frac", "joined", "row", "width"]


@dataclass(frozen=True, slots=True)
class Sym:
    """A letter, or a name of several letters (gX)."""

    name: str


@dataclass(frozen=True, slots=True)
class Num:
    digits: str


@dataclass(frozen=True, slots=True)
class Op:
    """An operator or relation. `space`: none inside forms (s·j+d·t), wide at the outer level and around relations."""

    sign: str
    space: Literal["none", "wide", "after"] = "none"


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
class Fence:
    """A body between brackets: ( ) [ ] ⌊ ⌋ ⟨ ⟩ { }"""

    left: str
    body: Layout
    right: str


@dataclass(frozen=True, slots=True)
class Big:
    """Σ, max, min or # with what stands under it."""

    sign: str
    under: Layout | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """Upright words inside mathematics."""

    words: str


@dataclass(frozen=True, slots=True)
class Break:
    """A place where a long line may go on in the next one."""


Layout = Union[Sym, Num, Op, Row, Script, Frac, Fence, Big, Words, Break]

BREAK = Break()
PLUS, MINUS, TIMES, EQUALS = Op("+", "wide"), Op("-", "wide"), Op("·", "wide"), Op("=", "wide")


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


def fence(left: str, body: Layout, right: str) -> Layout:
    return Fence(left, body, right)


def frac(over: Layout, under: Layout) -> Layout:
    return Frac(over, under)


def width(node: Layout) -> float:
    """An estimate of the printed width, in letters."""
    match node:
        case Sym(name=name):
            return len(name)
        case Num(digits=digits):
            return len(digits)
        case Op(sign=sign, space=space):
            return len(sign) + {"none": 0.4, "wide": 1.6, "after": 0.6}[space]
        case Row(items=items):
            return sum(map(width, items))
        case Script(base=base, sub=sub, sup=sup, primes=primes):
            return width(base) + 0.7 * max(width(sub) if sub else 0, width(sup) if sup else 0) + 0.4 * primes
        case Frac(over=over, under=under):
            return 0.8 * max(width(over), width(under)) + 0.5
        case Fence(body=body):
            return width(body) + 1.2
        case Big(sign=sign, under=under):
            return max(len(sign) + 1.0, 0.75 * width(under) if under else 0)
        case Words(words=words):
            return len(words)
        case Break():
            return 0
    raise NotImplementedError(f"no width of a {type(node).__name__}")


def broken(node: Layout, limit: float) -> list[Layout]:
    """The node in lines no wider than `limit`, where its breaks allow."""
    if not isinstance(node, Row) or width(node) <= limit:
        return [node]
    pieces: list[list[Layout]] = [[]]
    for item in node.items:
        if isinstance(item, Break):
            pieces.append([])
        else:
            pieces[-1].append(item)
    lines: list[list[Layout]] = []
    for piece in (p for p in pieces if p):
        fits = lines and sum(map(width, lines[-1])) + sum(map(width, piece)) <= limit
        if fits:
            lines[-1] += [BREAK, *piece]
        else:
            lines.append(piece)
    return [row(*line) for line in lines] or [node]
