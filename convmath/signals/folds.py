"""Signs of waves, floors and remainders on one period, where they have finitely many breaks, as cases.

>>> import sympy
>>> t, P = sympy.symbols("t P", positive=True)
>>> resolved(sympy.sign(sympy.sin(2 * sympy.pi * t / P)), t, P)
Piecewise((1, t < P/2), (-1, True))
>>> resolved(sympy.floor(2 * t), t, sympy.Integer(1))
Piecewise((0, t < 1/2), (1, True))
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from typing import Any

from sympy import Symbol

from .types import Expr, sympy

__all__ = ["resolved"]

MOST = 64  # breaks
SIGNS: dict[Any, Callable[[Expr, int], Expr]] = {
    sympy.Abs: lambda x, sign: sign * x,
    sympy.sign: lambda x, sign: sympy.Integer(sign),
    sympy.Heaviside: lambda x, sign: sympy.Integer(sign > 0),
}
WAVES = (sympy.sin, sympy.cos)
INEQUALITIES = (sympy.StrictLessThan, sympy.LessThan, sympy.StrictGreaterThan, sympy.GreaterThan)
KINDS = (*SIGNS, sympy.floor, sympy.ceiling, sympy.frac, sympy.Mod)


def resolved(e: Expr, t: Symbol, period: Expr) -> Expr:
    """The same function on (0, P). What is not of this kind, or has too many breaks, is left as it is."""
    e = e.replace(lambda x: isinstance(x, sympy.Max | sympy.Min) and x.has(*WAVES), lambda x: x.rewrite(sympy.Abs))
    e = e.replace(lambda x: isinstance(x, sympy.Piecewise) and x.has(*WAVES), _by_steps)
    if not any(x.has(t) for x in e.atoms(*KINDS)):
        return e
    share = sympy.Dummy("share", real=True)

    def cases(atom: Expr) -> Expr:
        found = _cases(atom, share)
        if found is None:
            return atom
        *before, (last, _) = found
        return sympy.Piecewise(*((value, t < sympy.expand(period * end)) for value, end in before), (last, True))

    written = e.subs(t, period * share).replace(lambda x: isinstance(x, KINDS) and x.has(share), cases)
    return written.subs(share, t / period)


def _by_steps(cases: Expr) -> Expr:
    """A Piecewise as a sum, with u(a - b) for a > b; single points are not told apart."""
    total, left = sympy.S.Zero, sympy.S.One
    for value, condition in cases.args:
        if condition == True:  # noqa: E712
            return total + left * value
        if not isinstance(condition, INEQUALITIES):
            return cases
        step = sympy.Heaviside(condition.gts - condition.lts)
        total, left = total + left * step * value, left * (1 - step)
    return cases


def _cases(atom: Expr, x: Symbol) -> list[tuple[Expr, Expr]] | None:
    """The values of an atom between its breaks in 0 < x < 1, each with where it ends."""
    if type(atom) in SIGNS:
        return _by_sign(atom.args[0], SIGNS[type(atom)], x)
    if isinstance(atom, sympy.Mod):
        whole, rest = atom.args[0] / atom.args[1], lambda k: atom.args[0] - k * atom.args[1]
    elif isinstance(atom, sympy.frac):
        whole, rest = atom.args[0], lambda k: atom.args[0] - k
    elif isinstance(atom, sympy.ceiling):
        whole, rest = -atom.args[0], lambda k: -k
    else:
        whole, rest = atom.args[0], lambda k: k
    whole = sympy.cancel(whole)
    slope = sympy.diff(whole, x)
    if not (slope.is_number and slope.is_real and slope.is_nonzero and not whole.free_symbols - {x}):
        return None
    ends = sorted((whole.subs(x, at) for at in (0, 1)), key=float)
    indices = range(math.ceil(ends[0]), math.floor(ends[1]) + 1)
    breaks = _inside((index - whole.subs(x, 0)) / slope for index in indices)
    if breaks is None:
        return None
    middles = [(low + high) / 2 for low, high in itertools.pairwise([0, *breaks, 1])]
    return [
        (sympy.sympify(rest(sympy.floor(whole.subs(x, middle)))), end)
        for middle, end in zip(middles, [*breaks, sympy.S.One], strict=True)
    ]


def _by_sign(e: Expr, value: Callable[[Expr, int], Expr], x: Symbol) -> list[tuple[Expr, Expr]] | None:
    """Where e is a product of constants and of c + A·sin(wx + φ), or cosines, at least one."""
    zeros: list[Expr] = []
    for factor in sympy.Mul.make_args(sympy.factor(e)):
        if not factor.has(x):
            continue
        found = _zeros(factor.base if factor.is_Pow and factor.exp.is_Integer else factor, x)
        if found is None:
            return None
        zeros += found
    breaks = _inside(zeros) if e.has(*WAVES) else None
    if breaks is None:
        return None
    found = []
    for low, high in itertools.pairwise([sympy.S.Zero, *breaks, sympy.S.One]):
        size = e.subs(x, (low + high) / 2)
        if not (size.is_number and size.is_extended_real and size.is_nonzero):
            return None
        found.append((value(e, 1 if size > 0 else -1), high))
    return found


def _zeros(e: Expr, x: Symbol) -> list[Expr] | None:
    """Those in 0 < x < 1 of c + A·sin(wx + φ), with numbers."""
    constant, wave = e.as_independent(x, as_Add=True)
    amplitude, wave = wave.as_independent(x, as_Add=False)
    if type(wave) not in WAVES or not (constant / amplitude).is_number:
        return None
    angle = wave.args[0] + (sympy.pi / 2 if isinstance(wave, sympy.cos) else 0)
    speed, phase = sympy.diff(angle, x), angle.subs(x, 0)
    level = -constant / amplitude
    if not (speed.is_number and speed.is_real and phase.is_number and level.is_real) or speed.is_zero:
        return None
    if abs(level) > 1:
        return []
    if abs(speed) > MOST * sympy.pi:
        return None
    turns = math.ceil(abs(float(speed)) / (2 * math.pi)) + math.ceil(abs(float(phase)) / (2 * math.pi)) + 1
    angles = [sympy.asin(level), sympy.pi - sympy.asin(level)]
    return [(at + 2 * sympy.pi * k - phase) / speed for at in angles for k in range(-turns, turns + 1)]


def _inside(places: Iterable[Expr]) -> list[Expr] | None:
    """Those in 0 < x < 1, in their order; None where there are too many."""
    found = {sympy.nsimplify(sympy.expand(place)) if place.is_Rational else sympy.simplify(place) for place in places}
    kept = sorted((place for place in found if 0 < place < 1), key=float)
    return kept if len(kept) <= MOST else None
