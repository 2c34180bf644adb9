"""How a box becomes others that are simpler: without equations between indices, with forms that are affine.

Each rule replaces indices by forms in new ones, so that whatever a term is, it stays one:

    range       a guard leaves an index only a < v < b          v := a + v′
    equation    [c·v + w = 0] with v bound                      v := -w/c, and [c | w], [0 ≤ v < size] stay
    window      [0 ≤ c·v + w < k] with few v for each w         v := (t - w)/c with a new bound t < k
    digits      ⌊(c·v + w)/d⌋ where v = p·v₁ + v₀ makes it      v := p·v₁ + v₀, p = d/gcd(c, d)
                affine
    residues    ⌊(c·v + w)/d⌋, [d | c·v + w]                    v := p·v′ + r, one box for each r < p
    single      a guard where elements are chosen one by one    v := r, one box for each r
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

from convmath.ir.nodes import Divides, Guard, Within, Zero
from convmath.ir.poly import Floor, Index, Poly, floor, poly
from convmath.ir.walk import indices, inside, reads

from .bounds import Affine, affine, count, folded, ranges, verdict
from .box import Box, Line, new_index

__all__ = ["MOST", "RULES", "settled"]

MOST = 256  # boxes of one term; what would take more keeps its floors and divisors, and is gathered
FEWER = 2  # a window takes the place of an index that has so many times as many values


def settled(box: Box) -> Box | None:
    """The box with what is decided put in; None where no tuple is left."""
    while True:
        if any(count(index) == 0 for index in box.indices):
            return None
        box = box.with_forms({v: poly(0) for v in box.indices if count(v) == 1})
        box = replace(box, bound=tuple(v for v in box.bound if count(v) > 1))
        guards, narrower = [], {}
        for guard in dict.fromkeys(box.guards):
            holds = verdict(guard)
            if holds is False:
                return None
            if holds is None:
                guards.append(guard)
                narrower |= ranges(guard)
        box = replace(box, guards=tuple(guards))
        if not narrower:
            return box
        for index, (low, high) in narrower.items():
            if high < low:
                return None
            box = box.moved(index, low, 1, high - low + 1)


def _equation(box: Box) -> list[Box] | None:
    for guard in box.guards:
        parts = affine(guard.form) if isinstance(guard, Zero) else None
        if parts and (bound := [(count(v), -abs(c), v) for v, c in parts[0].items() if v in box.bound]):
            # the longest goes, so that the shortest sums are left
            _, _, v = max(bound, key=lambda entry: entry[:2])
            return [_without(box, guard, v, parts)]
    return None


def _without(box: Box, guard: Guard, v: Index, equation: Affine) -> Box:
    """The box without a guard, where c·v + w = 0 is solved for a bound v."""
    coefficients, constant = equation
    c = coefficients[v]
    rest = sum((e * poly(u) for u, e in coefficients.items() if u != v), poly(constant))
    rest, c = (-rest, c) if c > 0 else (rest, -c)
    value = floor(rest, poly(c))
    left = (other for other in box.guards if other is not guard)
    guards = (*left, Divides(poly(c), rest - c * rest.multiples(poly(c))), Within(value, v.size))
    return replace(box, bound=tuple(u for u in box.bound if u != v), guards=guards).with_forms({v: value})


def _window(box: Box) -> list[Box] | None:
    taken = _taken(box)
    for guard in box.guards:
        if not isinstance(guard, Within) or guard.form in taken:
            continue
        parts, width = affine(guard.form), guard.size.constant
        if parts is None or width is None:
            continue
        longer = [
            (count(v), v)
            for v, c in parts[0].items()
            if v in box.bound and FEWER * width < abs(c) * count(v) and box.share * abs(c) <= MOST
        ]
        if longer:
            _, v = max(longer, key=lambda entry: entry[0])
            t = new_index(width)
            equation = {**parts[0], t: -1}, parts[1]
            return [_without(replace(box, bound=(*box.bound, t)), guard, v, equation)]
    return None


def _residues(box: Box) -> list[Box] | None:
    """Of the bound indices first, since most residues of the others then meet no guard; of the fewest first."""
    found: list[tuple[bool, int, int, Index]] = []
    for form, divisor, is_floor in _divisions(box):
        parts, d = affine(form), divisor.constant
        if parts is None or d is None:
            continue
        for v, c in parts[0].items():
            p = d // math.gcd(c, d)
            if p > 1 and is_floor and (digits := _digits(box, v, p, Floor(form, divisor))):
                return [digits]
            if p > 1:
                found.append((v not in box.bound, min(p, count(v)), p, v))
    if not found:
        return None
    _, pieces, p, v = min(found, key=lambda entry: entry[:2])
    if box.share * pieces > MOST:
        return None
    return [box.moved(v, r, p, -((r - count(v)) // p)) for r in range(pieces) if _may_be(box, v, r)]


def _may_be(box: Box, v: Index, r: int) -> bool:
    """Whether no divisor forbids the residue r of v, whatever the others are."""
    for guard in box.guards:
        parts, d = (affine(guard.form), guard.divisor.constant) if isinstance(guard, Divides) else (None, None)
        if parts is None or d is None or any(c % d for u, c in parts[0].items() if u != v):
            continue
        if (parts[0].get(v, 0) * r + parts[1]) % d:
            return False
    return True


def _single(box: Box) -> list[Box] | None:
    """Where elements are chosen one by one, guards between indices go by taking a short index value by value."""
    if box.reduce == "sum" and not box.data:
        return None
    taken = _taken(box)
    for guard in box.guards:
        if not (isinstance(guard, Within) and guard.form in taken):
            own = [v for v in box.indices if v in indices(guard)]
            v = min(own, key=count)
            if box.share * count(v) <= MOST:
                return [box.moved(v, value, 1, 1) for value in range(count(v))]
    return None


def _taken(box: Box) -> set[Poly]:
    """Where arrays are read: what lies outside an array is padded, so that a guard that forbids it costs little."""
    return {box.forms[form] for read in reads((box.body, box.data)) for form in read.at}


def _divisions(box: Box) -> Iterator[tuple[Poly, Poly, bool]]:
    """What is divided by what, in floors and in guards."""
    for guard in box.guards:
        if isinstance(guard, Divides):
            yield guard.form, guard.divisor, False
    for form in (*(part for part in inside(box.guards) if isinstance(part, Poly)), *box.forms.values()):
        for atom in form.atoms():
            if isinstance(atom, Floor):
                yield atom.number, atom.divisor, True


def _digits(box: Box, v: Index, p: int, quotient: Floor) -> Box | None:
    """v as p·v₁ + v₀, if that makes the floor affine."""
    n = count(v)
    line = next((line for line in box.lines if line.index == v), None)
    if n % p or (line and (line.start, line.step, line.size) != (0, 1, n)):
        return None
    high, low = new_index(n // p), new_index(p)
    value = {v: poly(high) * p + poly(low)}
    if affine(folded(poly(quotient).substitute(value))) is None:
        return None
    lines = tuple(new for old in box.lines for new in ((Line(high, n // p), Line(low, p)) if old is line else (old,)))
    bound = tuple(new for old in box.bound for new in ((high, low) if old == v else (old,)))
    return replace(box, lines=lines, bound=bound).with_forms(value)


RULES: tuple[Callable[[Box], list[Box] | None], ...] = (_equation, _window, _residues, _single)
