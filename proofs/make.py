"""Writes proofs/ledger.json anew: `python proofs/make.py`, or `make proofs`. A test holds the file against it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from convmath.derivation import Derivation
from convmath.ops.registry import operators, variants
from convmath.prove.ledger import ledger

LEDGER = Path(__file__).with_name("ledger.json")


def derivations() -> Iterator[tuple[str, Derivation]]:
    """Size and gradients of every operator with every option, in one dimension: further axes bring no new claim."""
    for op in (op for name in operators() for op in variants(name, ndim=1)):
        said = ", ".join([op.name, *(f"{option}={value}" for option, value in op.options)])
        yield f"{said}: size", op.shape()
        for wrt in op.statement.differentiable:
            yield f"{said}: gradient by {wrt}", op.vjp(wrt)
            yield f"{said}: tangent of {wrt}", op.jvp(wrt)


if __name__ == "__main__":
    LEDGER.write_text(ledger(dict(derivations())), encoding="utf-8")
