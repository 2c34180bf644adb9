"""convmath solve: what it prints in each format and language, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from convmath import solve_shape
from convmath.render.document import FORMATS

from .test_command import run


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(
    ("lang", "title"), [("en", "Windows that take 224 to 112"), ("es", "Ventanas que llevan de 224 a 112")]
)
def test_solutions_in_each_format_and_language(format_: str, lang: str, title: str, tmp_path: Path) -> None:
    path = tmp_path / "solutions"
    asked = ("solve", "n=224", "out=112", "k=3", "--lang", lang, "--format", format_)
    shown, written = run(*asked), run(*asked, "-o", str(path))
    assert shown.exit_code == written.exit_code == 0
    assert written.output == ""
    text = path.read_text(encoding="utf-8")
    assert title in shown.output
    assert title in text
    assert (format_ == "latex") == ("\\documentclass" in text)


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("n=224 out=112", {"n": 224, "out": 112}),
        ("n=224 m=112 kernel=3,5,7 stride=2", {"n": 224, "out": 112, "k": (3, 5, 7), "s": 2}),
        ("n=224 out=112 k=1..11 d=1", {"n": 224, "out": 112, "k": range(1, 12), "d": 1}),
        ("n=224,200 out=112,100", {"n": (224, 200), "out": (112, 100)}),
        ("n=200..230 out=112 k=3 s=2 d=1 p=1", {"n": range(200, 231), "out": 112, "k": 3, "s": 2, "d": 1, "p": 1}),
        ("out=112 k=3 s=2 d=1 p=1", {"out": 112, "k": 3, "s": 2, "d": 1, "p": 1}),
        ("n=2*h,2*h+1 out=h,h+1", {"n": ("2*h", "2*h+1"), "out": ("h", "h+1")}),
        ("out=same k=3", {"out": "same", "k": 3}),
        ("n=224 out=112 padding=((1,2),)", {"n": 224, "out": 112, "padding": ((1, 2),)}),
        ("n=224 out=112 --padding same", {"n": 224, "out": 112, "padding": "same"}),
        ("n=112 out=224 e=1 --transposed", {"n": 112, "out": 224, "e": 1, "transposed": True}),
        ("n=224 out=112 k=3 --ceil", {"n": 224, "out": 112, "k": 3, "ceil_mode": True}),
    ],
)
def test_what_is_typed_is_what_is_asked(typed: str, asked: dict[str, object]) -> None:
    found = run("solve", *typed.split(), "--limit", "5")
    assert found.exit_code == 0, found.output
    assert found.output == solve_shape(**asked).showing(5).to_text()


def test_solutions_as_json_are_one_object() -> None:
    found = run("solve", "n=112", "out=224", "k=4", "s=2", "d=1", "--transposed", "--json")
    said = json.loads(found.stdout)
    assert said["solutions"] == [{"k": 4, "s": 2, "d": 1, "p": 1, "e": 0}]
    assert said["families"] == ["k = 4, s = 2, d = 1, p = 1, e = 0"]
    assert said["finite"] is True
    assert said["sizes"] == [{"n": 112, "out": 224}]
    assert said["document"].startswith("Transposed windows")
    said = json.loads(run("solve", "n=2*h", "out=h", "--limit", "0", "--json").stdout)
    assert said["sizes"] == [{"n": "2·h", "out": "h"}]
    assert said["conditions"] == ["⌊(2·p+2·h-d·(k-1)-1)/s⌋+1 = h"]
    assert (said["finite"], said["solutions"]) == (False, [])
    assert json.loads(run("solve", "out=same", "--json").stdout)["sizes"] == [{"n": "n", "out": None}]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["n=224", "out=300", "p=0"], "no (k, s, d) with p = 0 takes 224 to 300: the output is at most 224"),
        ([], "out, the size of the output, is needed"),
        (["n=224", "out=112", "padding=full", "--padding", "same"], "padding came twice: full and same"),
        (["n=224", "out=112", "k=9..2"], "9..2 came, but there is nothing from 9 to 2"),
        (["n=224", "out=112", "k=3", "k=4"], "k came twice: 3 and 4"),
        (["n=224", "out=112", "x=3"], "there is no unknown of the inverse problem 'x'"),
        (["n=224", "out=112", "k=half"], "k is 'half', but a whole number is needed"),
        (["n=224", "out=1..5"], "out is range(1, 6), but a whole number is needed"),
        (["n=224,,1", "out=112"], 'the end at place 1 of "" came where a number'),
        (["n=9**9**9", "out=112"], "an exponent that is no number came"),
        (["n=224", "out=112", "-o", "x.pdf"], "there is no file type to save a set of solutions as '.pdf'"),
        (["n=224", "out=112", "--format", "pdf"], "there is no format 'pdf'"),
    ],
)
def test_what_can_not_be_done_is_said_in_a_sentence(arguments: list[str], sentence: str) -> None:
    found = run("solve", *arguments)
    assert found.exit_code == 2, found.output
    assert found.output.startswith("convmath: ")
    assert sentence in found.output
    assert found.stdout == ""
