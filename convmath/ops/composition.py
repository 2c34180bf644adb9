r"""Operators one after the other: as one statement, as one convolution where they are one, and folded.

>>> from convmath import operator
>>> first, second = operator("conv", ndim=1, groups=1), operator("conv", ndim=1, groups=1, padding=0)
>>> two = compose(first, second)
>>> print(two.statement)
Y₁[ν,o,j] = Σ_{c<C, t<k} W₁[o,c,t] · X[ν,c,s·j+d·t-a]        X is 0 outside
Y[ν,o,j] = Σ_{c<O, t<k′} W₂[o,c,t] · Y₁[ν,c,s′·j+d′·t]        Y₁ is 0 outside

Without padding between them two convolutions are one. Its window is read off the positions that the two reach together:

>>> print(two.convolution)
Y[ν,o,j] = Σ_{c<C, u<d·(k-1)+s·d′·(k′-1)+1} U[o,c,u] · X[ν,c,s·s′·j+u-a]        X is 0 outside
>>> print(two.kernel)
U[o,c,u] = Σ_{c′<O, t′<k′} [d | u-s·d′·t′] [0 ≤ q < k] W₂[o,c′,t′] · W₁[c′,c,q]        q = ⌊(u-s·d′·t′)/d⌋
>>> two.where
()

With padding between them they are one only where every position between them exists that the second one reads:

>>> padded = compose(first, operator("conv", ndim=1, groups=1))
>>> print(padded.convolution)
Y[ν,o,j] = Σ_{c<C, u<d·(k-1)+s·d′·(k′-1)+1} U[o,c,u] · X[ν,c,s·s′·j+u-s·a′-a]        X is 0 outside
>>> print(*padded.where, *padded.conditions, sep="\n")
[0 ≤ s′·j-a′]
[s′·j+d′·(k′-1)-a′ < m]
[a′ = 0]
[s′·(m′-1)+d′·(k′-1)-a′ < m]

Batch normalisation in evaluation is affine in each channel, and goes into the weights of what is before it:

>>> norm = operator("batch_norm", ndim=1, weight=True, bias=True)
>>> one = fold(operator("conv", ndim=1, groups=1, bias=True), norm)
>>> print(one.weights)
σ[c] = (V₀[c] + ε)^(1/2)
W′[o,c,t] = W₁[o,c,t] · W₂[o] / σ[o]
B′[o] = W₂[o] · (B₁[o] - μ₀[o]) / σ[o] + B₂[o]
"""

from __future__ import annotations

from collections.abc import Mapping

from convmath.calculus.compose import Composition, Folding, composed
from convmath.errors import StatementError

from .registry import Operator

__all__ = ["compose", "fold"]


def compose(
    first: Operator | Composition, second: Operator | Composition, *more: Operator | Composition
) -> Composition:
    """The operators one after the other: the first output of each is the first input of the next.

    Parameters whose letter an operator before has too get a prime (s′), and arrays whose name several have the number
    of their operator (W1, W2). `.statement` holds always; `.merged` where all are linear sums, and `.convolution` with
    its `.kernel` where that is one convolution, less what is `.lost` at positions that are not as `.where` says.
    `.derivation` leads there.
    """
    parts = [part if isinstance(part, Composition) else _operator(part, "compose") for part in (first, second, *more)]
    layers = [part.layers if isinstance(part, Composition) else (part.open_statement,) for part in parts]
    return composed(tuple(layer for each in layers for layer in each), _title(*(part.title for part in parts)))


def fold(conv: Operator, batch_norm: Operator) -> Folding:
    """A convolution (grouped, transposed, …) and what is affine in each channel behind it, as one layer.

    `.weights` states its weight W′ and bias B′, `.compute(arrays)` gives them in numbers, `.layer` is that layer.
    """
    parts = [_operator(part, "fold") for part in (conv, batch_norm)]
    words = {word: letter for part in parts for word, letter in part.family.words.items() if letter is not None}
    first, second = (part.open_statement for part in parts)
    return Folding(_title(conv.title, batch_norm.title), (first, second), words)


def _operator(part: object, where: str) -> Operator:
    if not isinstance(part, Operator):
        raise StatementError(f"{part!r} came, but an operator is needed [{where}]")
    return part


THEN = {"en": ", then ", "es": ", luego "}


def _title(*titles: Mapping[str, str]) -> dict[str, str]:
    return {
        lang: then.join((titles[0][lang], *(_inside(title[lang]) for title in titles[1:])))
        for lang, then in THEN.items()
    }


def _inside(title: str) -> str:
    """A title inside a sentence: Max pooling is max pooling, but ReLU and Lp pooling stay."""
    word = title.split()[0]
    return title[0].lower() + title[1:] if len(word) > 2 and word[1:].islower() else title
