"""Whether LaTeX has the shape that compiles: what opens is closed, and nothing in it is foreign to the notation."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["faults"]

_TOKEN = re.compile(r"\\(?:begin|end)\{\w+\*?\}|\\(?:text|mathit)\{|\\[a-zA-Z]+\*?|\\.|.", re.DOTALL)
_OPEN = {"$", "{", r"\[", r"\(", r"\left", r"\text{", r"\mathit{"}
_CLOSES = {
    "$": ("$",),
    "}": ("{", r"\text{", r"\mathit{"),
    r"\]": (r"\[",),
    r"\)": (r"\(",),
    r"\right": (r"\left",),
}

_COMMANDS = {
    "\\ ",
    *re.findall(
        r"\S+",
        r"""\section* \subsection* \paragraph* \emph \textbf \mathrm \operatorname
        \frac \lfloor \rfloor \langle \rangle
        \sum \max \min \prime \infty \cdot \le \ge \ne \mid \nmid \in \bmod \to \iff \quad \qquad
        \nu \mu \sigma \pi \lambda \alpha \beta \varepsilon \rho \tau \theta \kappa
        \Phi \Lambda \gamma \Gamma \delta \Delta
        \sqrt \exp \log \tanh \lvert \rvert \, \; \! \\ \_ \% \# \& \$ \{ \}""",
    ),
}

# the letters of the notation (the Greek ones are commands) and signs; names of several letters; what prints as text
_MATHEMATICS = set("ABCDEFGHIKLMNOPQRSTUVWXYZ abcdefgijklmnopqrstu 0123456789 ()[]+-=<>,./|&^_~\n")
_NAMES = re.compile(r"[dg]{1,2}([A-Z]|\\(mu|sigma|Phi))")
_LATIN = "abcdefghijklmnopqrstuvwxyzáéíóúüñ"
_TEXT = set(_LATIN + _LATIN.upper() + "0123456789 .,:;()[]'’“”«»¿?¡!–—…*/-+=~&\n")

# what Python prints for a value that was not laid out
_RAW = re.compile(r"\w+\(\w+=|Poly|Fraction\(| object at|None|namespace|<(?:class|function|module)|\bnan\b")


def faults(latex: str) -> Iterator[str]:
    """What is wrong with it, in words."""
    yield from (f"{found!r} is no notation" for found in _RAW.findall(latex))
    yield from (f"{name} is no name" for name in re.findall(r"\\mathit\{(.*?)\}", latex) if not _NAMES.fullmatch(name))
    opened: list[str] = []
    for token in _TOKEN.findall(latex):
        if token in _CLOSES and opened and opened[-1] in _CLOSES[token]:
            opened.pop()
        elif token in _OPEN or token.startswith(r"\begin"):
            opened.append(token)
        elif token.startswith(r"\end") and opened and opened[-1] == token.replace("end", "begin"):
            opened.pop()
        elif token in _CLOSES or token.startswith(r"\end"):
            yield f"{token} closes {opened[-1] if opened else 'nothing'}"
        elif token.startswith("\\"):
            if token not in _COMMANDS:
                yield f"{token} is no command that is known"
        elif token not in (_MATHEMATICS if _in_mathematics(opened) else _TEXT):
            yield f"{token!r} is no letter of {'mathematics' if _in_mathematics(opened) else 'text'}"
        elif token == "&" and not any(mark.startswith(r"\begin") for mark in opened):
            yield "& stands outside an array"
    yield from (f"{mark} is not closed" for mark in opened)


def _in_mathematics(opened: list[str]) -> bool:
    return any(mark in ("$", r"\[", r"\(") for mark in opened) and not any(mark == r"\text{" for mark in opened)
