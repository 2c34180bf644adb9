"""Between which integers a form lies when its indices run through their ranges, and what follows for its guards.

Sizes are numbers in this room: a statement is lowered at given parameters, so that every form is integers times
indices, and floors and minima of such forms.
"""

from __future__ import annotations

from collections.abc import Mapping

from convmath.integers.facts import obligations
from convmath.ir.nodes import Divides, Guard
from convmath.ir.poly import Floor, Index, Least, Poly, poly

__all__ = ["Affine", "affine", "bounds", "count", "folded", "ranges", "verdict"]

Affine = tuple[Mapping[Index, int], int]  # the coefficient of each index, and what is added to them


def count(index: Index) -> int:
    """How many values an index takes."""
    size = index.size.constant
    assert size is not None
    return size


def affine(form: Poly) -> Affine | None:
    """The coefficients and the constant of a form; None where there is a floor or a minimum in it."""
    coefficients: dict[Index, int] = {}
    constant = 0
    for monomial, c in form.terms.items():
        match monomial:
            case ():
                constant = c
            case ((Index() as index, 1),):
                coefficients[index] = c
            case _:
                return None
    return coefficients, constant


def bounds(form: Poly) -> tuple[int, int]:
    """Numbers that the form is never below and never above."""
    low = high = 0
    for monomial, c in form.terms.items():
        ends = (1, 1)
        for atom, power in monomial:
            for _ in range(power):
                ends = _times(ends, _atom(atom))
        low, high = (low + c * ends[0], high + c * ends[1]) if c > 0 else (low + c * ends[1], high + c * ends[0])
    return low, high


def _times(first: tuple[int, int], second: tuple[int, int]) -> tuple[int, int]:
    products = [a * b for a in first for b in second]
    return min(products), max(products)


def _atom(atom: object) -> tuple[int, int]:
    match atom:
        case Index():
            return 0, count(atom) - 1
        case Floor(number=number, divisor=divisor):
            (low, high), (least, most) = bounds(number), bounds(divisor)
            quotients = [low // least, low // most, high // least, high // most]
            return min(quotients), max(quotients)
        case Least(among=among):
            lows, highs = zip(*map(bounds, among), strict=True)
            return min(lows), min(highs)
    raise NotImplementedError(f"no bounds for a {type(atom).__name__}")


def folded(form: Poly) -> Poly:
    """The form with each floor and minimum that takes a single value, or is one of its entries, replaced by it."""
    return form if affine(form) else form.map(_folded)


def _folded(atom: object) -> Poly | None:
    if not isinstance(atom, Floor | Least):
        return None
    low, high = _atom(atom)
    if low == high:
        return poly(low)
    if isinstance(atom, Least):
        for entry in atom.among:
            if all(bounds(other - entry)[0] >= 0 for other in atom.among):
                return folded(entry)
    return None


def verdict(guard: Guard) -> bool | None:
    """Whether a guard between integer forms always holds, or never does; None where it depends."""
    if isinstance(guard, Divides) and guard.form.constant is not None and (d := guard.divisor.constant):
        return guard.form.constant % d == 0
    goals = obligations(guard)
    if goals is None:
        return None
    ends = [bounds(goal) for goal in goals]
    if any(high < 0 for _, high in ends):
        return False
    return True if all(low >= 0 for low, _ in ends) else None


def ranges(guard: Guard) -> Mapping[Index, tuple[int, int]]:
    """For each index between which values it lies where the guard holds for some values of the others."""
    found: dict[Index, tuple[int, int]] = {}
    for goal in obligations(guard) or ():
        parts = affine(goal)
        if parts is None:
            continue
        most = bounds(goal)[1]
        for index, c in parts[0].items():
            low, high = found.get(index, (0, count(index) - 1))
            last = count(index) - 1
            if c > 0:  # c·index + (the most of the others) ≥ 0
                low = max(low, -((most - c * last) // c))
            else:
                high = min(high, most // -c)
            found[index] = low, high
    return {index: ends for index, ends in found.items() if ends != (0, count(index) - 1)}
