"""The table of a network says what the network is, in every format and language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from convmath.errors import StatementError, UnknownNameError
from convmath.graphs import NetworkTable, model, network
from convmath.graphs.words import WORDS
from convmath.render import LANGUAGES
from convmath.render.document import FORMATS

BLOCK = {
    "conv": ("conv", {"out_channels": 8, "kernel": (3, 5), "stride": 2, "padding": ((1, 0), (2, 2)), "groups": 2}),
    "pool": ("max_pool", {"kernel": 2, "dilation": (1, 2)}),
}


def test_every_word_is_said_in_every_language() -> None:
    assert set(WORDS) == set(LANGUAGES)
    names = {
        lang: {key: set(re.findall(r"\{(\w+)\}", said)) for key, said in words.items()} for lang, words in WORDS.items()
    }
    assert names["en"] == names["es"]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("format_", FORMATS)
def test_every_layer_stands_in_the_table(format_: str, lang: str) -> None:
    net = network(BLOCK, input=(None, 4, "H", "W"))
    found = net.emit(format_, lang)
    assert found == net.table().emit(format_, lang)
    for said in ("conv", "pool", WORDS[lang]["layer"], WORDS[lang]["total"], "240"):
        assert said in found


def test_a_row_says_what_is_not_as_if_unsaid() -> None:
    rows = network(BLOCK, input=(None, 4, "H", "W")).table().rows
    assert [row.operator for row in rows] == ["conv k=3,5 s=2 a=1,2 b=0,2 G=2", "max_pool k=2 s=2 d=1,2"]


def test_the_sums_are_those_of_the_rows() -> None:
    for inputs in ((None, 4, "H", "W"), (2, 4, 20, 30)):
        net = network(BLOCK, input=inputs)
        rows = net.table().rows
        assert net.parameters == sum(net.value(row.parameters) for row in rows)
        assert net.macs == sum(net.value(row.macs) for row in rows)


def test_conditions_and_sizes_are_told_below_it() -> None:
    lines = network("resnet18").to_text().splitlines()
    assert "The table holds for every input with 1 ≤ H, 1 ≤ W." in lines
    assert "    H₅ = ⌊(H-1)/32⌋+1" in lines
    assert "The same holds with W in the place of H." in lines
    assert not any(line.startswith("    W") for line in lines)


def test_receptive_fields_stand_in_a_column() -> None:
    """Along one axis where it is the same along the others; the paper's ResNet-50 sees 483 positions."""
    printed = "\n".join(network(name, variant="paper").to_text() for name in ("lenet5", "resnet50"))
    cells = {words[0]: words[-1] for words in map(str.split, printed.splitlines()) if words}
    assert (cells["S4"], cells["C5"], cells["layer4.2.conv3"]) == ("16", "32", "483")
    assert "(3, 5)" in network(BLOCK, input=(None, 4, "H", "W")).to_text()
    assert "receptive field in left" in network({"sum": ("add", {}, ("left", "right"))}, input=TWO).to_text()
    assert "receptive" not in network(["relu"], input=(None, 4)).to_text()


TWO = {"left": (None, 3, "H"), "right": (None, 3, "H")}


def test_paths_that_do_not_lie_as_one_another_are_told() -> None:
    graph = {
        "a": ("conv", {"out_channels": 4, "kernel": 3, "padding": ((2, 0), (1, 1))}),
        "b": ("max_pool", {"kernel": 3, "stride": 1, "padding": 1}, "input"),
        "sum": ("add", {}, ("a", "b")),
    }
    said = network(graph, input=(None, 4, "H", "W")).to_text("es")
    assert "Hay caminos desalineados que se encuentran en sum;" in said
    assert "desalineados" not in network("resnet18").to_text("es")


def test_a_field_that_is_not_known_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*arguments: object) -> None:
        raise StatementError("whether e grows depends on the sign of c")

    monkeypatch.setattr(model, "fields", refused)
    said = network(BLOCK, input=(None, 4, "H", "W")).to_text()
    assert "The receptive fields are not known: whether e grows depends on the sign of c." in said
    assert "receptive field\n" not in said


def test_sizes_that_differ_between_the_axes_are_all_told() -> None:
    lines = network(BLOCK, input=(None, 4, "H", "W")).to_text().splitlines()
    assert "    H₁ = ⌊H/2⌋" in lines or "    H₁ = ⌊(H-2)/2⌋+1" in lines
    assert any(line.startswith("    W₁ = ") for line in lines)


def test_with_numbers_there_are_no_letters_to_tell() -> None:
    found = network(BLOCK, input=(2, 4, 20, 30)).to_text()
    assert "sizes" not in found
    assert "holds for" not in found


def test_without_conditions_it_holds_for_every_size() -> None:
    assert "The table holds for every size of the input." in network(["relu"], input=(None, 4, "H", "W")).to_text()


def test_equations_are_said_for_square_inputs_too() -> None:
    said = network("alexnet", variant="paper").to_text("es").replace("\n", " ")
    assert "67 ≤ H, 67 ≤ W, H₄·W₄ = 36. Con todos los lados iguales, esto es 227 ≤ H, H ≤ 258." in said


def test_what_is_not_learned_is_said() -> None:
    assert "9,600 numbers that are kept but not learned" in network("resnet18").to_text()
    assert "not learned" not in network("vgg11").to_text()


def test_a_table_is_saved_as_its_suffix_says(tmp_path: Path) -> None:
    table = network(BLOCK, input=(None, 4, "H", "W")).table()
    assert isinstance(table, NetworkTable)
    assert "\\documentclass" in table.save(tmp_path / "table.tex").read_text(encoding="utf-8")
    with pytest.raises(UnknownNameError, match=r"^there is no file type to save a table as '\.pdf'"):
        table.save(tmp_path / "table.pdf")
