"""Rechecks certificates that integer forms are never negative. This file alone, with the standard library alone:

    python checker.py ledger.json

It trusts nothing but what it does itself: exact integer polynomials, and the rules below. A certificate is JSON:

    {"sizes": [[parameter, form], …],       a derived size is what it is defined as
     "conditions": [form, …],               each ≥ 0 by assumption
     "goal": form,                          the claim is goal ≥ 0
     "moves": [{"kind": …, "goal": form, …}, …]}

A form is a list of [coefficient, [[atom, power], …]]. An atom is a list: ["param", letter, axis, least] is an
integer that is at least `least` (null: any), ["index", letter, axis, primes, size] has 0 ≤ index < size, ["floor",
number, divisor] is ⌊number / divisor⌋, and ["least", form, …] is the least of its entries. Each move leads to a
goal that implies the one before:

    weaken    goal - factor·fact, with factor ≥ 0 plainly and fact ≥ 0 by assumption or by what an atom is; of an
              index it may speak only if the claim does, since an index with the range 0 ≤ j < m is there for m ≥ 1 only
    cut       q + r ≥ 0 from u + v·r ≥ 0, and r - q ≥ 0 from v·r + v - 1 - u ≥ 0, for q = ⌊u/v⌋ and v ≥ 1 plainly
    define    a derived size replaced by what it is defined as; an index stays the index that it is, with its size

A form is plainly ≥ 0 when no coefficient is negative once each parameter is written as its least value plus the rest.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

Form = dict[tuple, int]  # a monomial, which is a sorted tuple of (atom as JSON text, power), to its coefficient


class Rejected(Exception):
    """The certificate does not show what it claims."""


# --- forms ----------------------------------------------------------------------------------------------------------


def text(atom: Any) -> str:
    """An atom as text; equal atoms have equal texts, since forms inside are put in order."""
    return json.dumps([_inside(part) for part in atom], ensure_ascii=False)


def _inside(part: Any) -> Any:
    return json_form(form(part)) if isinstance(part, list) else part


def form(data: Any) -> Form:
    total: Form = {}
    for coefficient, powers in data:
        if type(coefficient) is not int or any(type(power) is not int or power < 1 for _, power in powers):
            raise Rejected(f"{data} is no integer polynomial")
        monomial: dict[str, int] = {}
        for atom, power in ((text(atom), power) for atom, power in powers):
            monomial[atom] = monomial.get(atom, 0) + power
        total = plus(total, {tuple(sorted(monomial.items())): coefficient})
    return total


def json_form(terms: Form) -> list:
    return [[c, [[json.loads(atom), power] for atom, power in monomial]] for monomial, c in sorted(terms.items())]


def plus(left: Form, right: Form, factor: int = 1) -> Form:
    total = dict(left)
    for monomial, c in right.items():
        total[monomial] = total.get(monomial, 0) + factor * c
    return {monomial: c for monomial, c in total.items() if c}


def times(left: Form, right: Form) -> Form:
    total: Form = {}
    for one, c in left.items():
        for other, e in right.items():
            powers = dict(one)
            for atom, power in other:
                powers[atom] = powers.get(atom, 0) + power
            total = plus(total, {tuple(sorted(powers.items())): c * e})
    return total


def number(value: int) -> Form:
    return {(): value} if value else {}


def one(atom: str) -> Form:
    return {((atom, 1),): 1}


def inside(terms: Form) -> Iterator[str]:
    """The atoms of a form, also those inside other atoms."""
    for atom in (atom for monomial in terms for atom, _ in monomial):
        yield atom
        for part in json.loads(atom):
            if isinstance(part, list):
                yield from inside(form(part))


def indices(terms: Form) -> set[str]:
    return {atom for atom in inside(terms) if json.loads(atom)[0] == "index"}


def replaced(terms: Form, values: dict[str, Form]) -> Form:
    """The form with whole atoms replaced, where they stand openly and inside floors and minima.

    Not in the size of an index: two indices that differ only in how their sizes are written would become one.
    """
    total: Form = {}
    for monomial, c in terms.items():
        product = number(c)
        for atom, power in monomial:
            value = values[atom] if atom in values else one(_replaced_inside(atom, values))
            for _ in range(power):
                product = times(product, value)
        total = plus(total, product)
    return total


def _replaced_inside(atom: str, values: dict[str, Form]) -> str:
    parts = json.loads(atom)
    if parts[0] == "index":
        return atom
    return text([json_form(replaced(form(part), values)) if isinstance(part, list) else part for part in parts])


# --- what is known ----------------------------------------------------------------------------------------------


def plain(terms: Form) -> bool:
    """No negative coefficient after each parameter is written as its least value plus the rest."""
    values: dict[str, Form] = {}
    for monomial in terms:
        for atom, _ in monomial:
            kind, *rest = json.loads(atom)
            if kind != "param" or type(rest[2]) is not int:
                return False
            values[atom] = plus(one(atom), number(rest[2]))
    return all(c >= 0 for c in replaced(terms, values).values())


def known(terms: Form) -> Iterator[Form]:
    """What the atoms of a form say about themselves, each a form that is ≥ 0."""
    for atom in {atom for monomial in terms for atom, _ in monomial}:
        kind, *parts = json.loads(atom)
        this = one(atom)
        if kind == "index":
            yield this
            yield plus(plus(form(parts[3]), number(-1)), this, -1)
        elif kind == "floor":
            u, v = form(parts[0]), form(parts[1])
            if plain(plus(v, number(-1))):
                yield plus(u, times(v, this), -1)
                yield plus(plus(plus(times(v, this), u, -1), v), number(-1))
        elif kind == "least":
            yield from (plus(form(entry), this, -1) for entry in parts)


# --- moves ------------------------------------------------------------------------------------------------------


def check(certificate: dict) -> None:
    """Nothing when the certificate shows its claim; else Rejected."""
    try:
        _check(certificate)
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise Rejected(f"it is not written as a certificate is: {error}") from error


def _check(certificate: dict) -> None:
    goal = form(certificate["goal"])
    claimed = indices(goal)
    conditions = [form(condition) for condition in certificate["conditions"]]
    sizes = defined(certificate["sizes"])
    for place, move in enumerate(certificate["moves"], 1):
        after = form(move["goal"])
        if after not in allowed(move, goal, conditions, sizes):
            raise Rejected(f"move {place} ({move['kind']}) does not lead to its goal")
        if not indices(after) <= claimed:
            raise Rejected(f"move {place} ({move['kind']}) brings in an index that the claim does not have")
        goal = after
    if not plain(goal):
        raise Rejected("what is left is not plainly ≥ 0")


def defined(data: list) -> dict[str, Form]:
    """The derived sizes. None follows from itself or from one behind it: then some sizes meet all definitions."""
    sizes: dict[str, Form] = {}
    for param, value in reversed(data):
        name = text(param)
        if param[0] != "param" or name in sizes or not {name, *sizes}.isdisjoint(inside(form(value))):
            raise Rejected(f"{name} is no size that follows from those before it")
        sizes[name] = form(value)
    return sizes


def allowed(move: dict, goal: Form, conditions: list[Form], sizes: dict[str, Form]) -> list[Form]:
    """The goals that a move may lead to."""
    if move["kind"] == "weaken":
        factor, fact = form(move["factor"]), form(move["fact"])
        if plain(factor) and any(fact == other for other in (*conditions, *known(fact))):
            return [plus(goal, times(factor, fact), -1)]
    elif move["kind"] == "cut":
        [(quotient, c)] = form(move["fact"]).items()
        [(atom, power)] = quotient
        kind, *parts = json.loads(atom)
        if kind == "floor" and (power, c) == (1, 1):
            u, v, this = form(parts[0]), form(parts[1]), one(atom)
            if plain(plus(v, number(-1))):
                above = plus(u, times(v, plus(goal, this, -1)))
                below = plus(plus(plus(times(v, plus(goal, this)), v), number(-1)), u, -1)
                return [above] * (goal.get(quotient) == 1) + [below] * (goal.get(quotient) == -1)
    elif move["kind"] == "define":
        return [replaced(goal, {atom: value}) for atom, value in sizes.items() if one(atom) == form(move["fact"])]
    return []


def main(path: str) -> int:
    try:
        with open(path, encoding="utf-8") as file:
            entries = list(json.load(file)["entries"])
    except (OSError, LookupError, RecursionError, TypeError, ValueError) as error:
        print(f"{path} holds no ledger: {error}")
        return 1
    failed = 0
    for entry in entries:
        try:
            if not entry["certificates"]:
                raise Rejected("it has no certificate")
            for certificate in entry["certificates"]:
                check(certificate)
        except (Rejected, LookupError, TypeError) as error:
            failed += 1
            print(f"rejected: {entry.get('claim') if isinstance(entry, dict) else entry}: {error}")
    print(f"{len(entries) - failed} of {len(entries)} entries hold")
    return 1 if failed or not entries else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]) if len(sys.argv) == 2 else "a ledger is needed: python checker.py ledger.json")
