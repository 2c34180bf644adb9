"""Polynomials and power series with numbers of a field as coefficients."""

from __future__ import annotations

from collections.abc import Sequence

from .scalars import Number

__all__ = ["divided", "product", "summed", "taylor"]


def taylor(polynomial: Sequence[Number], at: Number, terms: int) -> list[Number]:
    """The first coefficients in powers of t - at."""
    rest, found = list(polynomial), []
    for _ in range(terms):
        value = at.field.zero
        quotient = []
        for c in reversed(rest):
            quotient.append(value)
            value = value * at + c
        found.append(value)
        rest = quotient[:0:-1] if len(quotient) > 1 else []
    return found


def divided(series: Sequence[Number], distance: Number) -> list[Number]:
    """A series in s, divided by s + distance."""
    inverse, found = distance.inverse(), []
    for value in series:
        before = found[-1] if found else distance.field.zero
        found.append((value - before) * inverse)
    return found


def summed(one: Sequence[Number], two: Sequence[Number]) -> list[Number]:
    longer, shorter = (one, two) if len(one) >= len(two) else (two, one)
    return [c + shorter[k] if k < len(shorter) else c for k, c in enumerate(longer)]


def product(one: Sequence[Number], two: Sequence[Number]) -> list[Number]:
    found: list[Number] = []
    for k, c in enumerate(one):
        for j, d in enumerate(two):
            if k + j < len(found):
                found[k + j] = found[k + j] + c * d
            else:
                found.append(c * d)
    return found
