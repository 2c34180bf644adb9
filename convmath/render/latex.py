"""LaTeX with amsmath and amssymb, inside what KaTeX takes too."""

from __future__ import annotations

from functools import singledispatch

from .tree import Big, Break, Cases, Fence, Fn, Frac, Layout, Matrix, Num, Op, Root, Row, Script, Sym, Words, spaced

__all__ = ["GREEK", "escaped", "latex"]

GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau",
    "φ": "varphi", "χ": "chi", "ψ": "psi", "ω": "omega", "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda",
    "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega",
}  # fmt: skip
_LETTERS = {letter: f"\\{name} " for letter, name in GREEK.items()}
_LETTERS |= {"ℤ": r"\mathbb{Z}", "∞": r"\infty ", "−∞": r"-\infty "}
_FUNCTIONS = {"exp", "log", "tanh", "sin", "cos"}
_SIGNS = {
    "·": r"\cdot ", "≤": r"\le ", "≥": r"\ge ", "∣": r"\mid ", "∈": r"\in ", "⇔": r"\iff ", "→": r"\to ", "≠": r"\ne ",
    "mod": r"\bmod ", "#": r"\#", "…": r"\dots ", "∗": "*", "⋆": r"\star ", "∨": r"\lor ",
}  # fmt: skip
_BIG = {"Σ": r"\sum", "∫": r"\int", "max": r"\max", "min": r"\min", "#": r"\#"}
_LEFT = {"(": "(", "[": "[", "⌊": r"\lfloor ", "⟨": r"\langle ", "{": r"\{", "|": r"\lvert "}
_RIGHT = {")": ")", "]": "]", "⌋": r"\rfloor ", "⟩": r"\rangle ", "}": r"\}", "|": r"\rvert "}
_SPACE = Op("·", "wide")
_ESCAPES = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    **{letter: rf"$\{name}$" for letter, name in GREEK.items()},
}  # fmt: skip


def escaped(words: str) -> str:
    """Text that LaTeX prints as it stands."""
    return "".join(_ESCAPES.get(letter, letter) for letter in words)


@singledispatch
def latex(node: Layout) -> str:
    """The node in mathematics mode."""
    raise NotImplementedError(f"no LaTeX rule for {type(node).__name__}")


@latex.register
def _(node: Sym) -> str:
    if node.name in _LETTERS:
        return _LETTERS[node.name]
    if len(node.name) == 1 and node.name.isascii():
        return node.name
    # gμ: a name of several letters, some of which LaTeX knows by a command
    letters = "".join(_LETTERS.get(letter, escaped(letter)) for letter in node.name)
    if not letters.isascii():
        raise NotImplementedError(f"no LaTeX for a letter of {node.name!r}")
    return rf"\mathit{{{letters.rstrip()}}}"


@latex.register
def _(node: Fn) -> str:
    return rf"\{node.name}" if node.name in _FUNCTIONS else rf"\operatorname{{{escaped(node.name)}}}"


@latex.register
def _(node: Num) -> str:
    return node.digits


@latex.register
def _(node: Op) -> str:
    if node.sign == "·" and node.space in ("none", "wide"):
        return r"\," if node.space == "wide" else ""  # factors stand side by side
    sign = _SIGNS.get(node.sign, node.sign)
    return rf"\,{sign}" if node.space == "before" else sign + (r"\ " if node.space == "after" else "")


@latex.register
def _(node: Row) -> str:
    return "".join(map(latex, spaced(node.items, _SPACE)))


@latex.register
def _(node: Script) -> str:
    sub = f"_{{{latex(node.sub)}}}" if node.sub else ""
    raised = "\\prime " * node.primes + (latex(node.sup) if node.sup else "")
    base = f"{{{latex(node.base)}}}" if isinstance(node.base, Script) else latex(node.base)
    return f"{base}{sub}" + (f"^{{{raised}}}" if raised else "")


@latex.register
def _(node: Frac) -> str:
    return rf"\frac{{{latex(node.over)}}}{{{latex(node.under)}}}"


@latex.register
def _(node: Root) -> str:
    return rf"\sqrt{{{latex(node.body)}}}"


@latex.register
def _(node: Cases) -> str:
    rows = r" \\ ".join(rf"{latex(value)}, & {latex(relation)}" for value, relation in node.cases)
    return rf"\begin{{cases}}{rows}\end{{cases}}"


@latex.register
def _(node: Matrix) -> str:
    rows = r" \\ ".join(" & ".join(map(latex, row)) for row in node.rows)
    return rf"\begin{{pmatrix}}{rows}\end{{pmatrix}}"


@latex.register
def _(node: Fence) -> str:
    tall = any(isinstance(item, Frac) for item in (node.body.items if isinstance(node.body, Row) else (node.body,)))
    left, right = _LEFT[node.left], _RIGHT[node.right]
    return rf"\left{left}{latex(node.body)}\right{right}" if tall else f"{left}{latex(node.body)}{right}"


@latex.register
def _(node: Big) -> str:
    limits = (f"{mark}{{{latex(limit)}}}" for mark, limit in (("_", node.under), ("^", node.over)) if limit is not None)
    return _BIG[node.sign] + "".join(limits) + " "


@latex.register
def _(node: Words) -> str:
    return rf"\text{{ {escaped(node.words)} }}"


@latex.register
def _(node: Break) -> str:
    return ""
