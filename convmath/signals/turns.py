"""Frequencies of sequences, of which only the angle counts: where a case holds for ω, it holds for ω + 2π.

>>> import sympy
>>> n = sympy.Symbol("n", integer=True)
>>> w, v = sympy.symbols("w v", real=True)
>>> for relation in at_all_turns([sympy.Eq(v, -w), sympy.Eq(w, sympy.pi)], [sympy.cos(w * n) * sympy.cos(v * n)]):
...     print(relation)
Eq(Mod(v + w, 2*pi), 0)
Eq(Mod(w, 2*pi), pi)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sympy import I, Symbol

from .sums import half_turns
from .types import Expr, sympy

__all__ = ["at_all_turns"]

TURN = 2 * sympy.pi


def at_all_turns(relations: Iterable[Any], functions: Sequence[Expr]) -> list[Any]:
    """Values of frequencies as angles, for sequences; each relation is one of those with the values before put in."""
    found = []
    for relation in relations:
        values = {e: _as_angle(e, functions) for e in relation.atoms(sympy.Eq, sympy.Ne)}
        found.append(relation.xreplace(values))
        at = {e.lhs: e.rhs for e in relation.atoms(sympy.Eq)}
        functions = [f.subs(at) for f in functions]
    return found


def _as_angle(relation: Any, functions: Sequence[Expr]) -> Any:
    symbol, value = relation.lhs, relation.rhs
    if not (isinstance(symbol, Symbol) and value.is_extended_real):
        return relation
    if not symbol.is_extended_real or not all(_only_turns(f, symbol) for f in functions):
        return relation
    if value.is_number:
        return relation.func(sympy.Mod(symbol, TURN), sympy.Mod(value, TURN))
    difference = sympy.expand(symbol - value)
    difference -= half_turns(difference) // 2 * TURN
    difference = -difference if difference.could_extract_minus_sign() else difference
    return relation.func(sympy.Mod(difference, TURN), 0)


def _only_turns(f: Expr, symbol: Symbol) -> bool:
    """Whether a sequence is the same for ω + 2π, since ω stands in waves alone, before integers."""
    waves = {}
    for wave in f.atoms(sympy.exp, sympy.sin, sympy.cos):
        slope = sympy.expand(sympy.diff(wave.args[0], symbol) / (I if isinstance(wave, sympy.exp) else 1))
        if slope.is_integer:
            waves[wave] = sympy.Dummy()
    return not f.xreplace(waves).has(symbol)
