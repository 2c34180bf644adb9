"""Every step has its words in every language, and brings the mathematics that they name."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, get_args

import pytest

from convmath import steps
from convmath.ir.build import Tensor, equation, index, poly, read, size
from convmath.ir.nodes import Selection, Statement, Term
from convmath.render.derivation import mentions
from convmath.render.words import LANGUAGES, OUTSIDE, SELECTIONS, STEPS, TITLES, WORDS
from convmath.signals.derive import METHODS
from convmath.steps import Step
from convmath.window import BORDERS

from .documents import PRINTED

CLASSES = {
    name: kind
    for name, kind in vars(steps).items()
    if isinstance(kind, type) and issubclass(kind, Step) and kind is not Step
}
EXAMPLES = {
    type(step): step
    for derivations in PRINTED.values()
    for derivation in derivations
    for step in derivation.plain_steps
}


def names(sentence: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", sentence))


def test_every_step_has_words_and_every_word_a_step() -> None:
    assert set(STEPS) == set(CLASSES)
    assert set(EXAMPLES) == set(CLASSES.values())


@pytest.mark.parametrize("name", list(STEPS))
def test_the_words_of_a_step_name_what_it_brings(name: str) -> None:
    assert set(STEPS[name]) == set(LANGUAGES)
    for lang in LANGUAGES:
        title, sentence = STEPS[name][lang]
        brought = set(mentions(EXAMPLES[CLASSES[name]], lang))
        assert names(title) | names(sentence) <= brought
        assert title[0].isupper() or title[0] in "{¿"
        assert sentence.endswith((".", "}"))
    said = [(names(title), names(sentence)) for title, sentence in STEPS[name].values()]
    assert all(other == said[0] for other in said)


@pytest.mark.parametrize(
    "table", [TITLES, WORDS, SELECTIONS, OUTSIDE], ids=["titles", "words", "selections", "outside"]
)
def test_the_languages_name_the_same(table: dict[str, dict[str, str]]) -> None:
    for key, sentences in table.items():
        assert set(sentences) == set(LANGUAGES), key
        assert len({frozenset(names(sentence)) for sentence in sentences.values()}) == 1, key
        assert len(set(sentences.values())) == len(LANGUAGES), f"{key} is not translated"


def test_there_are_words_for_every_border_and_selection() -> None:
    assert set(OUTSIDE) == {"number", "nothing", *BORDERS}
    assert set(SELECTIONS) == set(get_args(Selection))
    kinds = {derivation.kind for derivations in PRINTED.values() for derivation in derivations}
    assert set(TITLES) == kinds | set(METHODS)  # those of a convolution's steps


@pytest.mark.parametrize(
    ("reduce", "said"),
    [
        ("max", "        X is −∞ outside"),
        ("min", "        X is ∞ outside"),
        ("sum", "        X is not counted outside"),
    ],
)
def test_what_is_not_counted_is_said_as_the_reduction_has_it(reduce: Any, said: str) -> None:
    n, t = size("n", least=1), index("t", size("k", least=1))
    i = index("i", n)
    term = Term((t,), (), read("X", poly(i) - poly(t), outside="nothing"), reduce)
    statement = Statement((Tensor("X", (n,), (("i", 0),)),), (equation("Y", [i], term),), ("Y",))
    assert str(statement).endswith(said)
    if reduce == "sum":
        zero = replace(term, body=read("X", poly(i), outside=0) * term.body)
        both = replace(statement, equations=(equation("Y", [i], zero),))
        assert str(both).endswith("        X is 0 outside; X is not counted outside")


# --- teeth ------------------------------------------------------------------------------------------------------


def test_words_that_are_missing_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(STEPS, "Isolate")  # type: ignore[arg-type]
    with pytest.raises(AssertionError):
        test_every_step_has_words_and_every_word_a_step()


@pytest.mark.parametrize(
    "words",
    [
        {"en": ("Solve for {index}", "It is {nothing}."), "es": ("Despejar {index}", "Es {nothing}.")},
        {"en": ("Solve for {index}", "It is {value}."), "es": ("Despejar", "Es {value}.")},
        {"en": ("Solve for {index}", "It is {value}.")},
    ],
    ids=["a name that nothing brings", "a name in one language only", "one language only"],
)
def test_words_that_are_wrong_are_caught(words: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STEPS, "SolveUnit", words)  # type: ignore[arg-type]
    with pytest.raises(AssertionError):
        test_the_words_of_a_step_name_what_it_brings("SolveUnit")
