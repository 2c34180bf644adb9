"""A derivation is a value that prints and saves itself; a file is written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from convmath.derivation import SUFFIXES, Derivation, writable, write
from convmath.derivation import printable as room
from convmath.errors import OutputError, UnknownNameError
from convmath.ops.registry import operator
from convmath.render import LANGUAGES

DERIVED = operator("conv", 1, stride=1).vjp("X")

BEGINS = {
    ".tex": "\\documentclass[a4paper,11pt]{article}\n",
    ".md": "# Convolution: the gradient with respect to X\n",
    ".html": "<!DOCTYPE html>\n",
    ".txt": "Convolution: the gradient with respect to X\n===",
}
ENDS = {".tex": "\\end{document}\n", ".md": ": all hold.\n", ".html": "</html>\n", ".txt": ": all hold.\n"}


def test_every_suffix_has_its_example() -> None:
    assert set(BEGINS) == set(ENDS) == set(SUFFIXES)


@pytest.mark.parametrize("suffix", list(SUFFIXES))
def test_it_is_saved_as_the_suffix_says(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"gradient{suffix}"
    path.write_text("what was there before", encoding="utf-8")
    assert DERIVED.save(path) == path
    text = path.read_text(encoding="utf-8")
    assert text.startswith(BEGINS[suffix])
    assert text.endswith(ENDS[suffix])
    assert DERIVED.save(str(path), "es") == path
    assert "Convolución: el gradiente respecto de X" in path.read_text(encoding="utf-8")
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("name", ["gradient.docx", "gradient", "gradient.TEX", ".tex"])
def test_an_unknown_suffix_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"^there is no file type to save a derivation as '.*\.tex, \.md, "):
        DERIVED.save(tmp_path / name)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("place", "why"), [("missing/gradient.md", "No such file or directory"), ("taken.md", "Is a directory")]
)
def test_a_path_that_can_not_be_written_is_refused_and_nothing_is_left(place: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "taken.md").mkdir()
    path = tmp_path / place
    for attempt in (lambda: DERIVED.save(path), lambda: writable(path)):
        with pytest.raises(OutputError, match=rf"{place} can't be written: {why}$"):
            attempt()
    assert os.listdir(tmp_path) == ["taken.md"]
    assert not os.listdir(tmp_path / "taken.md")


def test_a_disk_that_fills_leaves_the_old_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "gradient.md"
    path.write_text("what was there before", encoding="utf-8")
    whole = Path.write_text

    def full(self: Path, text: str, **options: Any) -> int:
        whole(self, text[: len(text) // 2], **options)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OutputError, match=r"gradient\.md can't be written: No space left on device$"):
        DERIVED.save(path)
    assert path.read_text(encoding="utf-8") == "what was there before"
    assert os.listdir(tmp_path) == [path.name]


def test_asking_whether_a_file_is_writable_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "gradient.md"
    writable(path)
    assert not os.listdir(tmp_path)
    write(path, "kept")
    writable(path)
    assert path.read_text(encoding="utf-8") == "kept"


def test_jupyter_is_given_every_form() -> None:
    bundle = DERIVED._repr_mimebundle_()
    assert bundle == {
        "text/plain": DERIVED.to_text(),
        "text/markdown": DERIVED.to_markdown(),
        "text/latex": DERIVED.to_latex(),
        "text/html": DERIVED.to_html(fragment=True),
    }
    assert bundle["text/html"].startswith("<div>")
    assert "<html" not in bundle["text/html"]
    assert bundle["text/plain"] == str(DERIVED)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: DERIVED.to_text("fr"), r"^there is no language 'fr'; there are \(en, es\)$"),
        (lambda: DERIVED.to_latex("EN"), r"^there is no language 'EN'; "),
        (lambda: DERIVED.save("x.tex", "english"), r"^there is no language 'english'; "),
        (lambda: DERIVED.emit("pdf"), r"^there is no format 'pdf'; there are \(text, latex, markdown, html\)$"),
        (lambda: DERIVED.emit("texte"), r"^there is no format 'texte'; the nearest are text, latex "),
        (
            lambda: DERIVED.to_markdown(flavor="gitlab"),
            r"^there is no flavor of Markdown 'gitlab'; the nearest is github \(all: commonmark, myst, github\)$",
        ),
    ],
)
def test_what_is_unknown_is_refused_with_a_sentence(call: Any, sentence: str) -> None:
    with pytest.raises(UnknownNameError, match=sentence):
        call()
    assert not Path("x.tex").exists()


def test_markdown_for_myst_has_its_own_fences() -> None:
    assert "```{math}\n\\begin{aligned}" in DERIVED.to_markdown(flavor="myst")
    assert "$$" not in DERIVED.to_markdown(flavor="myst")
    assert DERIVED.to_markdown(flavor="github") == DERIVED.to_markdown()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_form_prints_every_step(lang: str) -> None:
    for text in (DERIVED.to_text(lang), DERIVED.to_markdown(lang), DERIVED.to_latex(lang), DERIVED.to_html(lang)):
        for number in range(1, len(DERIVED.steps) + 1):
            assert f"{number}. " in text
        assert f"{len(DERIVED.steps) + 1}. " not in text


def test_a_derivation_that_does_not_hold_says_so() -> None:
    steps = DERIVED.plain_steps
    wrong = Derivation("vjp", DERIVED.title, DERIVED.subject, steps, DERIVED.result)
    wrong.__dict__["steps"] = steps  # none of them checked
    assert wrong.to_text().endswith("(0 checks): NOT all hold.\n")
    assert "NO todas se cumplen" in wrong.to_markdown("es")


# --- teeth ------------------------------------------------------------------------------------------------------


def test_a_file_that_is_written_in_place_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a file would be left when the disk fills."""
    monkeypatch.setattr(room, "write", lambda path, text: path.write_text(text, encoding="utf-8"))
    with pytest.raises((AssertionError, OSError)), monkeypatch.context() as inner:
        test_a_disk_that_fills_leaves_the_old_file_as_it_was(tmp_path, inner)
