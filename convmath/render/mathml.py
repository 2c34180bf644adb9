"""MathML Core."""

from __future__ import annotations

from functools import singledispatch
from html import escape

from .tree import Big, Break, Cases, Fence, Fn, Frac, Layout, Matrix, Num, Op, Root, Row, Script, Sym, Words, spaced

__all__ = ["mathml"]

_SPACES = {
    "none": ' lspace="0" rspace="0"',
    "wide": ' lspace="0.22em" rspace="0.22em"',
    "dot": ' lspace="0" rspace="0"',
    "after": ' lspace="0" rspace="0.3em"',
    "before": ' lspace="0.17em" rspace="0"',
    "start": ' lspace="0" rspace="0.22em"',
}


_SMALL = ' lspace="0.12em" rspace="0.12em"'  # around + and − inside a form
_SPACE_MARK = '<mspace width="0.2em"/>'
_SPACE = Op("·", "wide")
_LARGE = ("Σ", "∫")
_PARENTHESES = (("prefix", "("), ("postfix", ")"))


@singledispatch
def mathml(node: Layout) -> str:
    """The node as elements to stand inside <math>."""
    raise NotImplementedError(f"no MathML rule for {type(node).__name__}")


@mathml.register
def _(node: Sym) -> str:
    style = "" if len(node.name) == 1 else ' class="name"'
    return f"<mi{style}>{escape(node.name)}</mi>"


@mathml.register
def _(node: Fn) -> str:
    return f"<mi>{escape(node.name)}</mi>"


@mathml.register
def _(node: Num) -> str:
    return f"<mn>{escape(node.digits)}</mn>"


@mathml.register
def _(node: Op) -> str:
    if node.sign == "·" and node.space in ("none", "wide"):
        return _SPACE_MARK if node.space == "wide" else "<mo>&#8290;</mo>"  # invisible times
    sign = "−" if node.sign == "-" else node.sign
    spaces = _SMALL if node.space == "none" and sign in "+−" else _SPACES[node.space]
    return f"<mo{spaces}>{escape(sign)}</mo>"


@mathml.register
def _(node: Row) -> str:
    return f"<mrow>{''.join(map(mathml, spaced(node.items, _SPACE)))}</mrow>"


@mathml.register
def _(node: Script) -> str:
    base = mathml(node.base)
    raised = "".join(("<mo>′</mo>" * node.primes, mathml(node.sup) if node.sup else ""))
    if node.sub is not None and raised:
        return f"<msubsup>{base}{mathml(node.sub)}<mrow>{raised}</mrow></msubsup>"
    if node.sub is not None:
        return f"<msub>{base}{mathml(node.sub)}</msub>"
    return f"<msup>{base}<mrow>{raised}</mrow></msup>" if raised else base


@mathml.register
def _(node: Frac) -> str:
    return f"<mfrac>{mathml(node.over)}{mathml(node.under)}</mfrac>"


@mathml.register
def _(node: Root) -> str:
    return f"<msqrt>{mathml(node.body)}</msqrt>"


@mathml.register
def _(node: Cases) -> str:
    left = 'columnalign="left" style="text-align: left; padding: 0.15em 0.6em 0.15em 0"'
    rows = (
        f"<mtr><mtd {left}>{mathml(value)}</mtd><mtd {left}>{mathml(relation)}</mtd></mtr>"
        for value, relation in node.cases
    )
    return f'<mrow><mo fence="true" form="prefix" stretchy="true">{{</mo><mtable>{"".join(rows)}</mtable></mrow>'


@mathml.register
def _(node: Matrix) -> str:
    rows = ("".join(f"<mtd>{mathml(entry)}</mtd>" for entry in row) for row in node.rows)
    table = f"<mtable>{''.join(f'<mtr>{row}</mtr>' for row in rows)}</mtable>"
    left, right = (f'<mo fence="true" form="{form}" stretchy="true">{sign}</mo>' for form, sign in _PARENTHESES)
    return f"<mrow>{left}{table}{right}</mrow>"


@mathml.register
def _(node: Fence) -> str:
    fence = '<mo fence="true" form="{}" lspace="0" rspace="0">{}</mo>'
    left, right = fence.format("prefix", escape(node.left)), fence.format("postfix", escape(node.right))
    return f"<mrow>{left}{mathml(node.body)}{right}</mrow>"


@mathml.register
def _(node: Big) -> str:
    sign = (
        f'<mo largeop="true" movablelimits="false">{escape(node.sign)}</mo>'
        if node.sign in _LARGE
        else f"<mi>{escape(node.sign)}</mi>"
    )
    sign = sign.replace("Σ", "∑")
    if node.under is None:
        return sign
    if node.over is not None:
        element = "msubsup" if node.sign == "∫" else "munderover"
        return f"<{element}>{sign}{mathml(node.under)}{mathml(node.over)}</{element}>"
    return f"<munder>{sign}{mathml(node.under)}</munder>"


@mathml.register
def _(node: Words) -> str:
    return f"<mtext>&#160;{escape(node.words)}&#160;</mtext>"


@mathml.register
def _(node: Break) -> str:
    return ""
