"""Plain Unicode text."""

from __future__ import annotations

from collections.abc import Iterable
from functools import singledispatch

from convmath.ir.poly import primed

from .tree import (
    Big,
    Break,
    Cases,
    Fence,
    Fn,
    Frac,
    Inline,
    Layout,
    Matrix,
    Num,
    Op,
    Root,
    Row,
    Script,
    Sym,
    Words,
    spaced,
)

__all__ = ["text", "text_words"]

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_SIGNS = {"∣": "|"}  # what a keyboard has, so that it can be searched for
_SPACES = {
    "none": ("", ""),
    "dot": ("", ""),
    "wide": (" ", " "),
    "after": ("", " "),
    "before": (" ", ""),
    "start": ("", " "),
}
_SPACE = Words(" ")


def text_words(inlines: Iterable[Inline]) -> str:
    """Words and mathematics as one line."""
    return "".join(i if isinstance(i, str) else text(i) for i in inlines)


@singledispatch
def text(node: Layout) -> str:
    """The node as one line."""
    raise NotImplementedError(f"no text rule for {type(node).__name__}")


@text.register
def _(node: Sym) -> str:
    return node.name


@text.register
def _(node: Fn) -> str:
    return node.name


@text.register
def _(node: Num) -> str:
    return node.digits


@text.register
def _(node: Op) -> str:
    before, after = _SPACES[node.space]
    return f"{before}{_SIGNS.get(node.sign, node.sign)}{after}"


@text.register
def _(node: Row) -> str:
    return "".join(map(text, spaced(node.items, _SPACE)))


@text.register
def _(node: Script) -> str:
    sub = _lowered(text(node.sub)) if node.sub else ""
    return text(node.base) + sub + primed(node.primes) + (_raised(text(node.sup)) if node.sup else "")


def _lowered(index: str) -> str:
    """x₂; what has no lowered signs as x_s or x_(s+1)."""
    if all(ord(sign) in _SUBSCRIPTS for sign in index):
        return index.translate(_SUBSCRIPTS)
    return f"_{index}" if len(index) == 1 else f"_({index})"


def _raised(exponent: str) -> str:
    """x², x⁻¹; what has no raised signs as x^r or x^(1/r)."""
    if all(ord(sign) in _SUPERSCRIPTS for sign in exponent):
        return exponent.translate(_SUPERSCRIPTS)
    return f"^{exponent}" if len(exponent) == 1 else f"^({exponent})"


@text.register
def _(node: Frac) -> str:
    over, under = text(node.over), text(node.under)
    loose = "[" in over or "[" in under
    if isinstance(node.under, Frac) or _has_op(node.under, ("+", "-", "·", "mod")):
        under = f"({under})"
    if _has_op(node.over, ("+", "-", "mod") if loose else ("+", "-", "·", "mod")):
        over = f"({over})"
    return f"{over} / {under}" if loose else f"{over}/{under}"


@text.register
def _(node: Root) -> str:
    body = text(node.body)
    return f"√{body}" if isinstance(node.body, Sym | Num) else f"√({body})"


@text.register
def _(node: Cases) -> str:
    return "{" + "; ".join(f"{text(value)}, {text(relation)}" for value, relation in node.cases) + "}"


@text.register
def _(node: Matrix) -> str:
    return "(" + "; ".join(", ".join(map(text, row)) for row in node.rows) + ")"


def _has_op(node: Layout, signs: tuple[str, ...]) -> bool:
    """Whether one of these operators stands openly in it."""
    return isinstance(node, Row) and any(isinstance(item, Op) and item.sign in signs for item in node.items)


@text.register
def _(node: Fence) -> str:
    return f"{node.left}{text(node.body)}{node.right}"


@text.register
def _(node: Big) -> str:
    if node.over is not None and node.under is not None:
        return f"{node.sign}{_limit('_', node.under)}{_limit('^', node.over)}"
    return node.sign if node.under is None else f"{node.sign}_{{{text(node.under)}}}"


def _limit(mark: str, limit: Layout) -> str:
    """∫_0^t, Σ_{k = 0}^n"""
    written = text(limit)
    return f"{mark}{written}" if len(written) == 1 else f"{mark}{{{written}}}"


@text.register
def _(node: Words) -> str:
    return node.words


@text.register
def _(node: Break) -> str:
    return ""
