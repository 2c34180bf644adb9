"""What every derivation looks like in every format and language: well formed, and nothing raw in it."""

from __future__ import annotations

import xml.etree.ElementTree as xml
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from convmath.render import LANGUAGES, Document, latex, mathml, text
from convmath.render.derivation import document
from convmath.render.document import page
from convmath.render.tree import Frac, Num, Row, Script, Sym

from .documents import PRINTED
from .wellformed import held_html, held_latex, held_words, mathematics


def test_what_html_means_something_by_is_escaped() -> None:
    written = page("a < b & c", "", 'en"><script>')
    assert "<title>a &lt; b &amp; c</title>" in written
    assert "<script>" not in written


# --- all --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", list(PRINTED))
def test_every_derivation_is_well_formed_in_every_format(name: str, lang: str) -> None:
    for derivation in PRINTED[name]:
        written = document(derivation, lang)
        for law in (held_latex, held_html, held_words):
            law(written)


@pytest.mark.parametrize("name", ["operator('conv', ndim=1)", "operator('max_pool', ndim=2)", "batch_norm"])
def test_the_languages_say_the_same_mathematics(name: str) -> None:
    for derivation in PRINTED[name]:
        english, spanish = (
            [maths for maths in mathematics(derivation.to_latex(lang)) if "aligned" in maths] for lang in LANGUAGES
        )
        assert english == spanish


# --- what no emitter knows --------------------------------------------------------------------------------------


@pytest.mark.parametrize("emitter", [latex.latex, mathml.mathml, text.text])
def test_an_unknown_node_is_an_error(emitter: Callable[[Any], str]) -> None:
    with pytest.raises(NotImplementedError, match=r"^no (LaTeX|MathML|text) rule for object$"):
        emitter(object())


def test_a_letter_without_latex_is_an_error() -> None:
    with pytest.raises(NotImplementedError, match=r"^no LaTeX for a letter of 'ж'$"):
        latex.latex(Sym("ж"))


# --- teeth ------------------------------------------------------------------------------------------------------


def written(ndim: int) -> Document:
    found = PRINTED[f"operator('conv', ndim={ndim})"]
    return document(next(derivation for derivation in found if derivation.kind == "vjp"), "en")


@contextmanager
def planted(emitter: Any, node: type, fault: Callable[[Any], str]) -> Iterator[None]:
    """For a while, an emitter has another rule for a node."""
    true = emitter.dispatch(node)
    emitter.register(node)(fault)
    try:
        yield
    finally:
        emitter.register(node)(true)


@pytest.mark.parametrize(
    ("node", "fault"),
    [
        (Script, lambda node: f"{latex.latex(node.base)}_{{x"),
        (Script, lambda node: f"{latex.latex(node.base)}_x"),
        (Sym, lambda node: node.name),
        (Num, lambda node: rf"\number{node.digits}"),
        (Row, lambda node: "".join(map(latex.latex, node.items)) + "}"),
        (Row, lambda node: "".join(map(latex.latex, node.items)) + "$"),
        (Num, lambda node: rf"\left({node.digits}"),
    ],
    ids=[
        "a brace stays open",
        "a script has no braces",
        "a letter as it is",
        "an unknown command",
        "a brace closes nothing",
        "mathematics ends too soon",
        "a left without a right",
    ],
)
def test_latex_that_is_wrong_is_caught(node: type, fault: Callable[[Any], str]) -> None:
    with planted(latex.latex, node, fault), pytest.raises(AssertionError):
        held_latex(written(2))


@pytest.mark.parametrize(
    ("node", "fault"),
    [
        (Num, lambda node: f"<mn>{node.digits}"),
        (Num, lambda node: "<mn></mn>"),
        (Num, lambda node: f"<mn>{node}</mn>"),
        (Frac, lambda node: f"<mfrac>{mathml.mathml(node.over)}</mfrac>"),
        (Sym, lambda node: f"<b>{node.name}</b>"),
        (Sym, lambda node: "<mi>&lt</mi>"),
    ],
    ids=["not closed", "empty", "no number", "half a fraction", "an unknown element", "half an entity"],
)
def test_mathml_that_is_wrong_is_caught(node: type, fault: Callable[[Any], str]) -> None:
    with planted(mathml.mathml, node, fault), pytest.raises((AssertionError, xml.ParseError)):
        held_html(written(1))


@pytest.mark.parametrize(
    "fault",
    [lambda node: f"Poly({node})", lambda node: "{index}", lambda node: f"{node}  "],
    ids=["a value", "a name", "a space"],
)
def test_a_raw_value_is_caught(fault: Callable[[Any], str]) -> None:
    with planted(text.text, Sym, fault), pytest.raises(AssertionError):
        held_words(written(1))
