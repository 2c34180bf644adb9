"""Frequencies of sequences, of which only the angle counts: where a case holds for ω, it holds for ω + 2π,
and with cos(2πfn) for f + 1.

>>> import sympy
>>> n = sympy.Symbol("n", integer=True)
>>> w, v = sympy.symbols("w v", real=True)
>>> for relation in at_all_turns([sympy.Eq(v, -w), sympy.Eq(w, sympy.pi)], [sympy.cos(w * n) * sympy.cos(v * n)]):
...     print(relation)
Eq(Mod(v + w, 2*pi), 0)
Eq(Mod(w, 2*pi), pi)
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any

from sympy import I, Symbol

from .types import Expr, sympy

__all__ = ["at_all_turns", "turn_of"]


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
    if not (isinstance(symbol, Symbol) and symbol.is_extended_real and value.is_extended_real):
        return relation
    if (turn := _turn_in(functions, symbol)) is None:
        return relation
    if value.is_number:
        return relation.func(sympy.Mod(symbol, turn), sympy.Mod(value, turn))
    difference = sympy.expand(symbol - value)
    whole = sympy.Add(*(part for part in difference.args if (part / turn).is_Integer))
    difference -= whole
    difference = -difference if difference.could_extract_minus_sign() else difference
    return relation.func(sympy.Mod(difference, turn), 0)


def _turn_in(functions: Sequence[Expr], symbol: Symbol) -> Expr | None:
    """After what a frequency gives the same sequences, if it stands in waves alone, before integers."""
    speeds = []
    for f in functions:
        waves = {}
        for wave in f.atoms(sympy.exp, sympy.sin, sympy.cos):
            slope = sympy.expand(sympy.diff(wave.args[0], symbol) / (I if isinstance(wave, sympy.exp) else 1))
            if slope.is_extended_real and not slope.has(symbol):
                waves[wave] = sympy.Dummy()
                speeds += map(_speed, sympy.Add.make_args(slope))
        if f.xreplace(waves).has(symbol):
            return None
    return turn_of(speeds)


def _speed(slope: Expr) -> Expr:
    """A product without its factors that are integers, but for numbers."""
    return sympy.Mul(*(part for part in sympy.Mul.make_args(slope) if part.is_number or not part.is_integer))


def turn_of(speeds: Iterable[Expr]) -> Expr | None:
    """The least x > 0 for which all of these times x are whole turns.

    >>> turn_of([sympy.S(3), sympy.S(-2)]), turn_of([2 * sympy.pi]), turn_of([sympy.S(1), sympy.pi])
    (2*pi, 1, None)
    """
    found = [speed for speed in speeds if speed != 0]
    ratios = [sympy.cancel(speed / found[0]) for speed in found]
    if not found or not all(ratio.is_Rational for ratio in ratios):
        return None
    turn = 2 * sympy.pi / (found[0] * functools.reduce(sympy.gcd, ratios))
    return -turn if turn.could_extract_minus_sign() else turn
