"""Rational functions of e^{iθ} written in cos θ and sin θ.

>>> import sympy
>>> w, X = sympy.symbols("w X")
>>> in_waves((X + 1) / (X - 1) * sympy.I, {X: w})
-sin(w)/(cos(w) - 1)
"""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Symbol

from .types import Expr, sympy

__all__ = ["in_waves"]


def in_waves(e: Expr, letters: Mapping[Symbol, Expr]) -> Expr:
    """The expression with each letter e^{iθ} as cos θ + i·sin θ; i and the sines stand in numerators alone."""
    present = {letter: angle for letter, angle in letters.items() if e.has(letter)}
    if not present:
        return e
    i = sympy.Dummy("i")
    cosines = {letter: sympy.Dummy("c") for letter in present}
    sines = {letter: sympy.Dummy("s") for letter in present}
    e = e.xreplace({letter: cosines[letter] + i * sines[letter] for letter in present} | {sympy.I: i})
    parts = _without(e, i, sympy.Integer(-1))
    found = []
    for part in parts:
        for letter in present:
            plain, wave = _without(part, sines[letter], 1 - cosines[letter] ** 2)
            part = plain + wave * sines[letter]
        found.append(part)
    back = {cosines[letter]: sympy.cos(angle) for letter, angle in present.items()}
    back |= {sines[letter]: sympy.sin(angle) for letter, angle in present.items()}
    real, turned = (part.xreplace(back) for part in found)
    return real + sympy.I * turned


def _without(e: Expr, x: Symbol, square: Expr) -> tuple[Expr, Expr]:
    """A rational function of x, with x² known, as a + b·x with neither x in a nor in b."""
    numerator, denominator = sympy.fraction(sympy.together(e))
    (a, b), (p, q) = (_reduced(part, x, square) for part in (numerator, denominator))
    if q == 0:
        return sympy.factor(sympy.cancel(a / p)), sympy.factor(sympy.cancel(b / p))
    size = sympy.expand(p**2 - q**2 * square)  # (p + qx)(p - qx)
    return (
        sympy.factor(sympy.cancel((a * p - b * q * square) / size)),
        sympy.factor(sympy.cancel((b * p - a * q) / size)),
    )


def _reduced(polynomial: Expr, x: Symbol, square: Expr) -> tuple[Expr, Expr]:
    """a and b of a + b·x, for a polynomial in x."""
    a, b = sympy.S.Zero, sympy.S.Zero
    for (power,), value in sympy.Poly(sympy.expand(polynomial), x).terms():
        even = value * square ** (power // 2)
        a, b = (a, b + even) if power % 2 else (a + even, b)
    return sympy.expand(a), sympy.expand(b)
