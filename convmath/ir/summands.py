"""An integer form as the summands that a person would write: d·(k - 1) for d·k - d, and u mod v for u - v·⌊u/v⌋."""

from __future__ import annotations

from dataclasses import dataclass

from .poly import Atom, Floor, Monomial, Param, Poly

__all__ = ["Summand", "summands"]

# the counts that are written less one: a size, a kernel, an output size
COUNTS = "nkm"


@dataclass(frozen=True, slots=True)
class Summand:
    """coefficient · Π powers, times (less_one - 1) or (remainder.number mod remainder.divisor) where there is one."""

    coefficient: int
    powers: tuple[tuple[Atom, int], ...]
    less_one: Param | None = None
    remainder: Floor | None = None


def summands(form: Poly) -> tuple[Summand, ...]:
    """Their sum is the form."""
    left = dict(form.terms)
    found = [*_remainders(form, left), *_less_one(left)]
    return (*found, *(Summand(c, monomial) for monomial, c in left.items()))


def _remainders(form: Poly, left: dict[Monomial, int]) -> list[Summand]:
    found = []
    quotients = [atom for atom in form.atoms() if isinstance(atom, Floor)]
    for q in quotients:
        for division in [q, *_nested(q, quotients)]:
            factor = (-form.coefficient(q)).divided(division.divisor)
            if factor is None or len(factor.terms) != 1:
                continue
            whole = factor * (division.number - division.divisor * Poly.of(q))
            if all(left.get(monomial) == c for monomial, c in whole.terms.items()):
                for monomial in whole.terms:
                    del left[monomial]
                [(powers, c)] = factor.terms.items()
                found.append(Summand(c, powers, remainder=division))
                break
    return found


def _nested(q: Floor, quotients: list[Floor]) -> list[Floor]:
    """⌊u/(v·w)⌋ as ⌊⌊u/v⌋/w⌋, where ⌊u/v⌋ is one of the quotients."""
    inner = [(p, q.divisor.divided(p.divisor)) for p in quotients if p != q and p.number == q.number]
    return [Floor(Poly.of(p), width) for p, width in inner if width is not None]


def _less_one(left: dict[Monomial, int]) -> list[Summand]:
    found = []
    for monomial, c in list(left.items()):
        counts = [atom for atom, power in monomial if power == 1 and isinstance(atom, Param) and atom.stem in COUNTS]
        for count in sorted(counts, key=lambda atom: COUNTS.index(atom.stem), reverse=True):
            rest = tuple(power for power in monomial if power[0] != count)
            parametric = rest and all(isinstance(atom, Param) for atom, _ in rest)
            if parametric and monomial in left and left.get(rest) == -c:
                del left[monomial], left[rest]
                found.append(Summand(c, rest, less_one=count))
    return found
