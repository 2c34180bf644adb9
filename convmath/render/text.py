"""Plain Unicode text."""

from __future__ import annotations

from functools import singledispatch

from .tree import Big, Break, Fence, Frac, Layout, Num, Op, Row, Script, Sym, Words

__all__ = ["text"]

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_SPACES = {"none": ("", ""), "wide": (" ", " "), "after": ("", " ")}


@singledispatch
def text(node: Layout) -> str:
    """The node as one line."""
    raise NotImplementedError(f"no text rule for {type(node).__name__}")


@text.register
def _(node: Sym) -> str:
    return node.name


@text.register
def _(node: Num) -> str:
    return node.digits


@text.register
def _(node: Op) -> str:
    before, after = _SPACES[node.space]
    return f"{before}{node.sign}{after}"


@text.register
def _(node: Row) -> str:
    items = [item for item in node.items if not isinstance(item, Break)]
    parts = []
    for item, following in zip(items, [*items[1:], None], strict=True):
        parts.append(text(item))
        # a bracket, a sum sign and words stand apart from what follows
        if (
            following is not None
            and not isinstance(following, Op)
            and (_stands_apart(item) or isinstance(following, Words))
        ):
            parts.append(" ")
    return "".join(parts)


def _stands_apart(item: Layout) -> bool:
    return (
        isinstance(item, Big)
        or (isinstance(item, Fence) and item.left == "[" and item.right == "]")
        or isinstance(item, Words)
    )


@text.register
def _(node: Script) -> str:
    sub = text(node.sub).translate(_SUBSCRIPTS) if node.sub else ""
    sup = text(node.sup).translate(_SUPERSCRIPTS) if node.sup else ""
    return text(node.base) + sub + "′" * node.primes + sup


@text.register
def _(node: Frac) -> str:
    over, under = text(node.over), text(node.under)
    if isinstance(node.under, Row) and any(isinstance(item, Op) for item in node.under.items):
        under = f"({under})"
    if _is_loose(node.over):
        return f"{over} / {under}"
    if isinstance(node.over, Row):
        over = f"({over})"
    return f"{over}/{under}"


def _is_loose(node: Layout) -> bool:
    """Whether it is written with spaces: a read, or a product of arrays."""
    items = node.items if isinstance(node, Row) else ()
    return any((isinstance(i, Op) and i.space == "wide") or (isinstance(i, Fence) and i.left == "[") for i in items)


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
