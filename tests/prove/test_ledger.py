"""The ledger is what the derivations claim today, and the checker that shares no code with the search accepts it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from convmath.integers import checker
from convmath.integers.facts import facts_of
from convmath.integers.serial import certificate_json
from convmath.ops.registry import operator
from convmath.prove.ledger import entries, ledger

ROOT = Path(__file__).parents[2]


def made() -> ModuleType:
    """proofs/make.py, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("make", ROOT / "proofs" / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAKE = made()
DERIVATIONS = dict(MAKE.derivations())


def test_the_committed_ledger_is_what_make_would_write() -> None:
    assert MAKE.LEDGER.read_text(encoding="utf-8") == ledger(DERIVATIONS), "run `make proofs`"


def test_every_bracket_that_was_left_out_is_in_the_ledger() -> None:
    """By its certificates: 0 < i + 1 and 0 ≤ i are one claim."""
    found = {json.dumps(entry["certificates"]): entry["needed_by"] for entry in entries(DERIVATIONS)}
    for name, derivation in DERIVATIONS.items():
        facts = facts_of(derivation.subject)
        for dropped in (dropped for step in derivation.plain_steps for dropped in step.dropped):
            certificates = [certificate_json(certificate, facts) for certificate in dropped.certificates]
            assert not certificates or name in found[json.dumps(certificates)]


def test_a_claim_that_two_derivations_need_is_entered_once() -> None:
    op = operator("avg_pool", 1)
    [one] = entries({"first": op.solved()})
    [both] = entries({"first": op.solved(), "again": op.solved()})
    assert one["needed_by"] == ["first"]
    assert both == one | {"needed_by": ["first", "again"]}


def test_each_entry_is_a_line() -> None:
    text = ledger(DERIVATIONS)
    assert len(text.splitlines()) == len(json.loads(text)["entries"]) + 2
    assert ledger({}) == '{"entries": [\n\n]}\n'
    assert json.loads(ledger({})) == {"entries": []}


def test_the_checker_accepts_it_alone() -> None:
    """In isolation: neither convmath nor anything that is installed can be imported."""
    command = [sys.executable, "-I", "-S", checker.__file__, str(MAKE.LEDGER)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    assert str(len(json.loads(MAKE.LEDGER.read_text(encoding="utf-8"))["entries"])) in run.stdout


# --- teeth ------------------------------------------------------------------------------------------------------


def test_a_ledger_that_is_out_of_date_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(DERIVATIONS, next(iter(DERIVATIONS)))
    with pytest.raises(AssertionError):
        test_the_committed_ledger_is_what_make_would_write()


def test_a_certificate_that_is_changed_is_refused(tmp_path: Path) -> None:
    text = MAKE.LEDGER.read_text(encoding="utf-8")
    changed = tmp_path / "ledger.json"
    found = json.loads(text)
    found["entries"][0]["certificates"][0]["moves"] = []
    changed.write_text(json.dumps(found), encoding="utf-8")
    command = [sys.executable, "-I", "-S", checker.__file__, str(changed)]
    assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode != 0
