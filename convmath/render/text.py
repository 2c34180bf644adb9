"""Plain Unicode text."""

from __future__ import annotations

from collections.abc import Iterable
from functools import singledispatch

from convmath.ir.poly import primed

from .tree import Big, Break, Fence, Fn, Frac, Inline, Layout, Num, Op, Row, Script, Sym, Words, spaced

__all__ = ["text", "text_words"]

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_SIGNS = {"∣": "|"}  # what a keyboard has, so that it can be searched for
_SPACES = {"none": ("", ""), "dot": ("", ""), "wide": (" ", " "), "after": ("", " "), "start": ("", " ")}
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
    sub = text(node.sub).translate(_SUBSCRIPTS) if node.sub else ""
    return text(node.base) + sub + primed(node.primes) + (_raised(text(node.sup)) if node.sup else "")


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


def _has_op(node: Layout, signs: tuple[str, ...]) -> bool:
    """Whether one of these operators stands openly in it."""
    return isinstance(node, Row) and any(isinstance(item, Op) and item.sign in signs for item in node.items)


@text.register
def _(node: Fence) -> str:
    return f"{node.left}{text(node.body)}{node.right}"


@text.register
def _(node: Big) -> str:
    return node.sign if node.under is None else f"{node.sign}_{{{text(node.under)}}}"


@text.register
def _(node: Words) -> str:
    return node.words


@text.register
def _(node: Break) -> str:
    return ""
