"""The LaTeX of every derivation has the shape that compiles, in every language; and the law has teeth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from convmath.derivation import Derivation
from convmath.ops import conv
from convmath.ops.registry import Operator, operator, variants
from convmath.render import latex
from convmath.render.words import LANGUAGES

from .printed import faults
from .registry import OPERATORS, WINDOWED

PRINTED = [
    *(op for name in OPERATORS for op in variants(name, 1)),
    *(operator(name, 2) for name in OPERATORS),
    *(operator(name, 2, stride=2, padding="symmetric") for name in WINDOWED),
]


def derivations(op: Operator) -> Iterator[Derivation]:
    yield op.shape()
    if op.name in WINDOWED:
        yield op.shape(n=(224, 112, 56)[: op.ndim], k=7)
    yield op.solved()
    real = [tensor.name for tensor in op.statement.inputs if not tensor.integer]
    for wrt, along in zip(real, reversed(real), strict=True):
        yield op.vjp(wrt)
        yield op.jvp(wrt)
        yield op.hvp(wrt, along=along)


@pytest.mark.parametrize("op", PRINTED, ids=str)
def test_its_latex_has_the_shape_that_compiles(op: Operator) -> None:
    for derivation in derivations(op):
        for lang in LANGUAGES:
            wrong = list(faults(derivation.to_latex(lang)))
            assert not wrong, f"{derivation.kind} by {derivation.wrt or 'nothing'} [{lang}]: {wrong}"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_whole_document_has_it_too(lang: str) -> None:
    preamble, begins, body = operator("conv", 1).vjp().to_latex(lang, standalone=True).partition(r"\begin{document}")
    assert preamble.startswith(r"\documentclass")
    assert list(faults(begins + body)) == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (r"\[ \frac{1}{2 \]", r"\] closes {"),
        (r"$\left( x \right) } $", "} closes $"),
        (r"\begin{aligned} \end{array}", r"\end{array} closes \begin{aligned}"),
        (r"$x$ and $y", "$ is not closed"),
        (r"$\nonsense$", r"\nonsense is no command that is known"),
        ("$ν$", "'ν' is no letter of mathematics"),
        ("∞", "'∞' is no letter of text"),
        ("$a & b$", "& stands outside an array"),
        (r"$\mathit{hX}$", "hX is no name"),
        ("<object object at 0x7f>", "' object at' is no notation"),
        ("Param(letter='n')", "'Param(letter=' is no notation"),
        ("at None", "'None' is no notation"),
    ],
)
def test_what_is_wrong_is_said(text: str, wrong: str) -> None:
    assert wrong in list(faults(text))


# --- teeth ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("home", "name", "fault"),
    [
        (latex, "_RIGHT", latex._RIGHT | {"⌋": "}"}),
        (latex, "_BIG", latex._BIG | {"Σ": r"\sum_{"}),
        (latex, "_LETTERS", latex._LETTERS | {"ν": "ν"}),
        (latex, "_SIGNS", latex._SIGNS | {"≤": r"\leqslant "}),
        (conv.FAMILY, "title", dict.fromkeys(LANGUAGES, object())),
    ],
    ids=["a fence is closed by a brace", "an open brace", "an unknown letter", "an unknown sign", "a raw value"],
)
def test_a_fault_in_what_prints_is_caught(
    home: Any, name: str, fault: Any, anew: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(vars(home), name, fault)
    with pytest.raises(AssertionError):
        test_its_latex_has_the_shape_that_compiles(operator("conv", 1))
