"""The pages of all operators are what is derived today, in both languages."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from convmath.notes import reference
from convmath.notes.reference import page
from convmath.ops.registry import FAMILIES, operators

DOCS = Path(__file__).parents[2] / "docs"
SPEC = importlib.util.spec_from_file_location("make_docs", DOCS / "make.py")
assert SPEC is not None
assert SPEC.loader is not None
MAKE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(MAKE)
PAGES = MAKE.pages()


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_is_derived(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name], f"docs/{name} is old: python docs/make.py"


@pytest.mark.parametrize("lang", ["en", "es"])
def test_every_operator_has_its_place(lang: str) -> None:
    text = page(lang)
    for name in operators():
        heading = f"## {FAMILIES[name].title[lang]} — {name}".replace("_", "\\_")
        assert text.count(f"{heading}\n") == 1


def test_both_languages_say_the_same_things() -> None:
    assert set(reference.WORDS["en"]) == set(reference.WORDS["es"])
    formulas = [[line for line in PAGES[name].splitlines() if "&=" in line and "text" not in line] for name in PAGES]
    assert formulas[0] == formulas[1]
