"""A LaTeX that is installed compiles what is printed, in both languages, without an error or a box that sticks out."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from convmath.calculus.derive import hvp_derivation, vjp_derivation
from convmath.derivation import Derivation
from convmath.graphs import network
from convmath.ops.registry import operator
from convmath.render import LANGUAGES

from ..paper import STATEMENTS
from .documents import TITLE, unchecked

TEX = shutil.which("pdflatex")
needs_tex = pytest.mark.skipif(TEX is None, reason="pdflatex is not installed")

# in both languages the letters, borders, fractions, remainders, maxima and the values that are put in
SAMPLE = {
    "size": operator("conv", 2).shape(n=224, k=7, s=2, p=3, d=1),
    "size, ceil_mode": operator("max_pool", 2, ceil_mode=True).shape(),
    "gradient": operator("conv", 2).vjp("X"),
    "reflected": operator("conv", 1, padding_mode="reflect").vjp("W"),
    "maximum": operator("max_pool", 2, ties="split").vjp("X"),
    "mean": operator("avg_pool", 2).vjp("X"),
    "nothing but defaults": operator("conv", 2, padding="same", stride=1, kernel=3).shape(defaults=True),
    "thirteen sums in one": operator("conv_transpose", 3).vjp("W"),
    "long parentheses": hvp_derivation(STATEMENTS["batch_norm"], "X", "X", TITLE),
    "a Greek input": vjp_derivation(STATEMENTS["batch_norm"], "Γ", TITLE),
}


def complaints(source: str, folder: Path) -> list[str]:
    """The errors, and the boxes that are more than a point too wide."""
    (folder / "page.tex").write_text(source, encoding="utf-8")
    command = [str(TEX), "-interaction=nonstopmode", "-draftmode", "page.tex"]
    run = subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=False)
    log = (folder / "page.log").read_text(encoding="latin-1")
    if "babel Error" in log and "Unknown option" in log:
        pytest.skip("babel's Spanish is not installed")
    wide = [float(points) for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt too wide\)", log)]
    found = re.findall(r"^! .*", log, re.MULTILINE) + [f"{points} pt too wide" for points in wide if points > 1]
    return found or ([] if run.returncode == 0 else ["it failed"])


@needs_tex
@pytest.mark.parametrize("lang", LANGUAGES)
def test_it_compiles(lang: str, tmp_path: Path) -> None:
    """All of them in one run: the bodies under one preamble."""
    bodies = []
    preamble = ""
    for derivation in map(unchecked, SAMPLE.values()):
        preamble, _, rest = derivation.to_latex(lang, standalone=True).partition("\\begin{document}\n")
        bodies.append(rest.removesuffix("\\end{document}\n"))
    page = f"{preamble}\\begin{{document}}\n{''.join(bodies)}\\end{{document}}\n"
    assert complaints(page, tmp_path) == []


@needs_tex
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_table_goes_on_over_pages(lang: str, tmp_path: Path) -> None:
    assert complaints(network("resnet50").to_latex(lang, standalone=True), tmp_path) == []


# --- teeth ------------------------------------------------------------------------------------------------------


@needs_tex
@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("\\frac", "\\farc", "! Undefined control sequence."),
        ("\\right", "", "! "),
        ("\\end{aligned}", "+ " + "x y z " * 40 + "\\end{aligned}", "pt too wide"),
    ],
    ids=["an unknown command", "a left without a right", "a line that is too long"],
)
def test_what_does_not_compile_is_caught(old: str, new: str, complaint: str, tmp_path: Path) -> None:
    size: Derivation = unchecked(operator("conv", 1).shape())
    source = size.to_latex(standalone=True)
    assert old in source
    assert any(complaint in found for found in complaints(source.replace(old, new), tmp_path))
