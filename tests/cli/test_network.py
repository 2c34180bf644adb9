"""convmath network: the table in each format and language, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from convmath.graphs import ARCHITECTURES, network
from convmath.render.document import FORMATS

from .test_command import run


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(("lang", "title"), [("en", "The network alexnet"), ("es", "La red alexnet")])
def test_a_table_in_each_format_and_language(format_: str, lang: str, title: str, tmp_path: Path) -> None:
    path = tmp_path / "table"
    shown = run("network", "alexnet", "--lang", lang, "--format", format_)
    written = run("network", "alexnet", "--lang", lang, "--format", format_, "-o", str(path))
    assert shown.exit_code == written.exit_code == 0
    assert written.output == ""
    text = path.read_text(encoding="utf-8")
    for document in (shown.output, text):
        assert title in document
        assert "61,100,840" in document
    assert (format_ == "latex") == ("\\documentclass" in text)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_network_has_a_table(name: str) -> None:
    found = run("network", name)
    assert found.exit_code == 0
    assert found.output == network(name).to_text()


def test_at_numbers_letters_and_formulas() -> None:
    found = run("network", "vgg16", "--input", "1,3,224,224", "--variant", "paper")
    assert "15,470,264,320" in found.output
    assert "(1, 512, 7, 7)" in found.output
    assert "16 ≤ u, 32 ≤ v" in run("network", "vgg16", "--input", "N, 3, 2*u, v").output


def test_as_json_it_is_one_object() -> None:
    said = json.loads(run("network", "resnet18", "--json").stdout)
    assert said["conditions"] == ["1 ≤ H", "1 ≤ W"]
    assert said["input"] == ["N", 3, "H", "W"]
    assert said["sizes"]["H₁"] == "⌊(H-1)/2⌋+1"
    assert said["parameters"] == sum(layer["parameters"] for layer in said["layers"]) == 11_689_512
    numbers = json.loads(run("network", "resnet18", "--input", "2,3,224,224", "--json").stdout)
    assert numbers["macs"] == sum(layer["macs"] for layer in numbers["layers"]) == 2 * 1_814_073_344
    assert numbers["layers"][-1]["shape"] == [2, 1000]
    assert numbers["layers"][0]["receptive_field"] == [7, 7]


def test_as_many_classes_as_are_asked_for() -> None:
    assert "(N, 10)" in run("network", "resnet18", "--classes", "10").output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["resnet"], "there is no network 'resnet'; the nearest are resnet"),
        (["resnet18", "--variant", "paper"], "there is no variant of resnet18 'paper'"),
        (["resnet18", "--input", "1,3,,224"], "'1,3,,224' came, but sizes with commas between are needed"),
        (["resnet18", "--input", "1,3"], "[layer 'conv1': conv of (1, 3)]"),
        (["resnet18", "--input", "1,3,-5,224"], "axis 2 of input is -5, but it must be at least 0"),
        (["resnet18", "--input", "1,4,0,224"], "is needed, but does not hold at"),
        (["resnet18", "--input", "1,3,2**,4"], "came where"),
        (["alexnet", "--input", "1,3,62,224"], "[layer 'pool5': max_pool of (1, 256, 2, 13)]"),
        (["resnet18", "--classes", "0"], "classes is 0, but it must be at least 1"),
        (["resnet18", "--lang", "fr"], "there is no language 'fr'"),
        (["resnet18", "--format", "pdf"], "there is no format 'pdf'"),
        (["resnet18", "-o", "table.pdf"], "there is no file type to save a table as '.pdf'"),
    ],
)
def test_what_can_not_be_done_is_said_in_a_sentence(arguments: list[str], sentence: str) -> None:
    found = run("network", *arguments)
    assert found.exit_code == 2, found.output
    assert found.output.startswith("convmath: ")
    assert sentence in found.output
    assert found.stdout == ""
