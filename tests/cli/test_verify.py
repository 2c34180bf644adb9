"""The main job: what it finds, and the page it writes."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter

import numpy as np
import pytest
from click.testing import CliRunner, Result

from convmath.cli import main, results
from convmath.cli.words import LAWS, VERIFY
from convmath.errors import StatementError
from convmath.kernels import direct
from convmath.ops.registry import Operator
from convmath.testing import laws
from convmath.testing.scipy_subjects import SignalSubject


def run(path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["verify", "--profile", "quick", "-o", str(path), *arguments])


def printed(code: str) -> list[str]:
    """The lines that the code of an example prints."""
    out = io.StringIO()
    with redirect_stdout(out):
        exec(code, {})
    return out.getvalue().splitlines()


class Page(HTMLParser):
    """Tags that close what is open, and every address that the page names."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br", "mspace", "wbr"):
            self.open.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "action", "data")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_everything_holds_and_the_page_shows_it(tmp_path: Path) -> None:
    found = run(tmp_path / "report.html", "--lang", "es")
    assert found.exit_code == 0, found.output
    for said in ("178 + 180 + 117 = 475", "764", "la convolución verdadera da otro resultado"):
        assert said in found.output
    assert "FALLA" not in found.output
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    for said in ("conv_transpose", "avg_pool", "scipy.ndimage.correlate", "178 + 180 + 117 = 475", 'lang="es"'):
        assert said in text
    assert text.count("<details>") > 10
    assert not re.search(r"Poly\(|Fraction\(| object at 0x", text)
    # it needs nothing else
    page = Page(text)
    assert not page.open
    assert page.addresses
    assert all(address.startswith("#") for address in page.addresses)
    assert not re.search(r"<script|@import|url\(|<link|<img", text)


def test_one_operator_can_be_selected_and_asked_for_as_json(tmp_path: Path) -> None:
    found = run(tmp_path / "r.html", "--op", "max_pool", "--json")
    said = json.loads(found.stdout)
    assert found.exit_code == 0
    assert said["ok"] is True
    assert said["lecture"] == []
    assert {one["operator"] for one in said["implementations"]} == {"max_pool"}
    assert all(one["cases"] for one in said["implementations"])


def test_a_fault_of_ours_ends_with_1_and_is_shown_with_its_smallest_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = direct.avg_pool
    monkeypatch.setattr(direct, "avg_pool", lambda x, windows, divisor: right(x, windows, np.maximum(divisor, 2)))
    found = run(tmp_path / "r.html", "--op", "avg_pool")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert found.exit_code == 1
    assert "functional.avg_pool  " in found.output
    assert "2 deviate" in found.output  # direct, in both types; patches is untouched
    assert "print(operator(" in found.output
    assert "1 tap" not in found.output
    assert "The smallest example found" in page
    assert "fails" in page
    code, *_ = re.findall(r"<pre>(.*?)</pre>", page, re.DOTALL)
    assert printed(unescape(code)) == ["[[[1]]]", "[[[0.5]]]"]  # what is right, and what came


def test_a_deviation_of_scipys_is_reported_and_fails_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def shifted(of: SignalSubject) -> SignalSubject:
        return replace(of, subject=replace(of.subject, forward=lambda x, w, **_: of.subject.forward(x, w) + 1))

    every = [of for of in results.subjects() if of.subject.name.startswith("scipy.ndimage.correlate")]
    monkeypatch.setattr(results, "subjects", lambda: map(shifted, every))
    found = run(tmp_path / "r.html", "--op", "conv")
    assert found.exit_code == 0
    assert "8 deviate" in found.output
    assert "print(scipy.ndimage.correlate(x[0, 0], w[0, 0], mode='constant'))  # what came" in found.output
    assert "8 of SciPy's implementations deviate" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_what_can_not_be_derived_is_a_result_like_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(op: Operator, wrt: str) -> None:
        raise StatementError("no <b>rule</b> applies")

    monkeypatch.setattr(Operator, "vjp", refused)
    monkeypatch.setattr(results, "_own_kernels", lambda *_: ())
    found = run(tmp_path / "r.html", "--op", "max_pool")
    assert found.exit_code == 1
    assert "vjp X: StatementError: no <b>rule</b> applies" in found.output
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "no &lt;b&gt;rule&lt;/b&gt; applies" in page
    assert "<b>" not in page


def test_the_seed_decides_the_cases(tmp_path: Path) -> None:
    def cases(seed: str) -> list[object]:
        said = json.loads(run(tmp_path / "r.html", "--op", "conv_transpose", "--json", "--seed", seed).stdout)
        return [said[key] for key in ("derivations", "implementations")]

    assert cases("3") == cases("3")


# --- words --------------------------------------------------------------------------------------------------------


def names(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def texts() -> Iterator[tuple[str, str]]:
    return ((VERIFY["en"][key], VERIFY["es"][key]) for key in VERIFY["en"])


def test_both_languages_say_the_same_things() -> None:
    assert VERIFY["en"].keys() == VERIFY["es"].keys()
    assert all(names(english) == names(spanish) for english, spanish in texts())


def test_every_law_has_a_name_in_spanish() -> None:
    assert LAWS["es"].keys() == laws.LAWS.keys()
