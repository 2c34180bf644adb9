"""Certificates as the JSON that `checker` reads.

>>> from convmath.ir.poly import Index, Param, Poly
>>> n = Param("n", least=1)
>>> as_json(poly(n) - 1)
[[-1, []], [1, [[['param', 'n', 0, 1], 1]]]]
"""

from __future__ import annotations

from typing import Any

from convmath.ir.poly import Atom, Floor, Index, Least, Param, Poly, poly

from .facts import Certificate, Facts

__all__ = ["as_json", "certificate_json"]


def as_json(form: Poly) -> list:
    """A form as coefficients and powers of atoms."""
    return [
        [c, [[_atom(atom), power] for atom, power in monomial]]
        for monomial, c in sorted(form.terms.items(), key=lambda term: [(atom.key, power) for atom, power in term[0]])
    ]


def _atom(atom: Atom) -> list:
    match atom:
        case Param(letter=letter, axis=axis, least=least):
            return ["param", letter, axis, least]
        case Index(letter=letter, axis=axis, primes=primes, size=size):
            return ["index", letter, axis, primes, as_json(size)]
        case Floor(number=number, divisor=divisor):
            return ["floor", as_json(number), as_json(divisor)]
        case Least(among=among):
            return ["least", *map(as_json, among)]
    raise NotImplementedError(f"no JSON for a {type(atom).__name__}")


def certificate_json(certificate: Certificate, facts: Facts) -> dict[str, Any]:
    """The certificate with those of the facts that it uses."""
    used = {move.fact for move in certificate.moves}
    moves = []
    for move in certificate.moves:
        parts = {"factor": move.factor, "fact": move.fact}
        said = {name: as_json(form) for name, form in parts.items() if form is not None}
        moves.append({"kind": move.kind, "goal": as_json(move.goal), **said})
    return {
        "sizes": [[_atom(param), as_json(value)] for param, value in facts.sizes if poly(param) in used],
        "conditions": [as_json(condition) for condition in facts.conditions if condition in used],
        "goal": as_json(certificate.goal),
        "moves": moves,
    }
