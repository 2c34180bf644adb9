"""The ledger: every bracket that a derivation left out, with the certificates that say why it always holds.

The committed ledger is proofs/ledger.json (in an installed package, convmath/proofs). `integers.checker` rechecks
it alone:

    python convmath/integers/checker.py proofs/ledger.json
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from convmath.derivation import Derivation
from convmath.integers.facts import facts_of
from convmath.integers.serial import certificate_json

__all__ = ["entries", "ledger"]


def entries(derivations: Mapping[str, Derivation]) -> list[dict[str, Any]]:
    """One entry for each claim; what several derivations need is entered once, with the names of all of them."""
    found: dict[str, dict[str, Any]] = {}
    for name, derivation in derivations.items():
        facts = facts_of(derivation.subject)
        for dropped in (dropped for step in derivation.plain_steps for dropped in step.dropped if dropped.certificates):
            certificates = [certificate_json(certificate, facts) for certificate in dropped.certificates]
            claim = {"claim": str(dropped.guard), "needed_by": [], "certificates": certificates}
            entry = found.setdefault(json.dumps(certificates), claim)
            entry["needed_by"] = list(dict.fromkeys([*entry["needed_by"], name]))
    return list(found.values())


def ledger(derivations: Mapping[str, Derivation]) -> str:
    """The ledger's text: one line for each entry, so that a change to it can be read."""
    lines = ",\n".join(f"  {json.dumps(entry, ensure_ascii=False)}" for entry in entries(derivations))
    return f'{{"entries": [\n{lines}\n]}}\n'
