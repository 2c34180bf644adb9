"""The checker accepts what the search finds and nothing that was tampered with."""

from __future__ import annotations

import ast
import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.integers import checker
from convmath.integers.checker import Rejected, check
from convmath.integers.facts import Facts
from convmath.integers.serial import as_json, certificate_json
from convmath.ir.poly import poly

from ..faults import caught
from ..ir.forms import values
from .claims import TRUE
from .test_facts import claimed

ROOT = Path(__file__).parents[2]
FILE = ROOT / "convmath" / "integers" / "checker.py"
LEDGER = ROOT / "proofs" / "ledger.json"


def certificate(claim: str) -> dict[str, Any]:
    facts, goal = TRUE[claim]
    found = facts.nonnegative(goal)
    assert found is not None
    return json.loads(json.dumps(certificate_json(found, facts)))


def test_it_needs_only_the_standard_library() -> None:
    names = set()
    for node in ast.walk(ast.parse(FILE.read_text(encoding="utf-8"))):
        names |= {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
        names |= {node.module or "."} if isinstance(node, ast.ImportFrom) else set()
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names
    done = subprocess.run([sys.executable, "-I", "-S", FILE, LEDGER], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("entries hold\n")


@pytest.mark.parametrize("claim", list(TRUE))
def test_what_the_search_finds_is_accepted(claim: str) -> None:
    check(certificate(claim))


@given(data=st.data())
def test_what_it_accepts_is_true(data: st.DataObject) -> None:
    """Certificates as they are found, and as they are not: with a number in them changed."""
    goal = claimed(data)
    found = Facts().nonnegative(goal)
    if found is None:
        return
    said = certificate_json(found, Facts())
    check(said)
    changed, claim = json.loads(json.dumps(said)), goal
    places = list(_numbers(changed))
    holder, key = data.draw(st.sampled_from(places))
    holder[key] += data.draw(st.sampled_from([-2, -1, 1, 2]))
    more = data.draw(st.sampled_from([0, -1, -2]))
    if more:
        claim = goal + more
        changed["goal"] = as_json(claim)
        changed["moves"] = data.draw(st.sampled_from([changed["moves"], said["moves"], said["moves"][1:]]))
    try:
        check(changed)
    except (Rejected, KeyError, TypeError, ValueError):
        return
    if changed["goal"] == as_json(claim):
        for _ in range(8):
            at = data.draw(values())
            assert claim.evaluate(at) >= 0, (claim, at)


def _numbers(node: Any) -> Any:
    """Every place of an integer in some JSON, as its holder and its key."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        if type(value) is int:
            yield node, key
        else:
            yield from _numbers(value)


CLAIM = "a window that is counted ends inside"


TAMPERED: list[Callable[[dict[str, Any]], Any]] = [
    lambda c: c.update(goal=[[-1, []], *c["goal"]]),
    lambda c: c["moves"].pop(),
    lambda c: c["moves"].pop(0),
    lambda c: c["moves"][0].update(kind="define"),
    lambda c: c["moves"][0].update(factor=[[-1, []]]),
    lambda c: c["moves"][0].update(fact=[[1, []]]),
    lambda c: c["moves"][-1].update(goal=[[5, []]]),
    lambda c: c.update(sizes=[]),
    lambda c: c.update(moves=[]),
    lambda c: c["goal"][0].__setitem__(0, 0.5),
    lambda c: c["goal"][0].__setitem__(0, True),
]


@pytest.mark.parametrize("tamper", TAMPERED, ids=range(len(TAMPERED)))
def test_what_was_tampered_with_is_rejected(tamper: Callable[[dict[str, Any]], Any]) -> None:
    said = copy.deepcopy(certificate(CLAIM))
    tamper(said)
    with pytest.raises(Rejected):
        check(said)


def test_a_ledger_with_a_wrong_entry_or_none_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "ledger.json"
    wrong = {"claim": "[1 ≤ 0]", "certificates": [{"sizes": [], "conditions": [], "goal": [[-1, []]], "moves": []}]}
    path.write_text(json.dumps({"entries": [wrong]}))
    assert checker.main(str(path)) == 1
    assert "rejected: [1 ≤ 0]: what is left is not plainly ≥ 0" in capsys.readouterr().out
    path.write_text('{"entries": []}')
    assert checker.main(str(path)) == 1


def test_equal_forms_are_equal_however_they_are_written() -> None:
    n, one = ["param", "n", 0, 0], [2, []]
    floor = ["floor", [[1, [[n, 1]]], one], [[3, []]]]
    turned = ["floor", [one, [1, [[n, 1]]]], [[3, []]]]
    assert checker.text(floor) == checker.text(turned)
    assert checker.form([[1, [[n, 1]]], [-1, [[n, 1]]]]) == checker.form(as_json(poly(0))) == {}


def test_the_law_of_the_checker_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checker that believes every fact it is told."""
    right = checker.allowed

    def believing(move: dict, goal: Any, conditions: list, sizes: dict) -> list:
        after = right(move, goal, conditions, sizes)
        return after or [checker.form(move["goal"])]

    monkeypatch.setattr(checker, "allowed", believing)
    caught(test_what_it_accepts_is_true)
