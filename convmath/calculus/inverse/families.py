"""A case solved for one unknown after the other: what is left is a family, in closed form.

A bound c·x ≥ l with c ≥ 1 is x ≥ ⌈l/c⌉, and c·x ≤ u is x ≤ ⌊u/c⌋. A whole x between several such bounds exists when
each lower one is at most each upper one. Where c is 1 in one of the two, that is again an inequality between forms,
l ≤ u with factors; where both are of c·x it always holds if u - l ≥ c - 1, is c | l if l = u, and else stays as it
is. So nothing is lost or added at any step, and read backwards the bounds give each unknown from those before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import gcd, isinf

from convmath.ir.nodes import AtMost, Divides, Guard
from convmath.ir.poly import Atom, Poly, floor, poly

from .boxes import INFINITE, System, least_and_greatest, multilinear, solvable
from .cases import Case, cases, outer
from .family import Family, Row
from .problem import INNER, PARAMS, SHIFTED, Problem, Range

__all__ = ["Part", "eliminated", "families"]

# solved for first: what is determined by the others, then what is nearly so
ORDER = "enbapkds"
# the order in which those are told whose bounds are numbers
TOLD = "ksdpabne"
# as many strides as have a family of their own
ALONE = 8


@dataclass(frozen=True, slots=True)
class Bound:
    """factor·x ≥ form, or factor·x ≤ form; factor ≥ 1."""

    factor: Poly
    form: Poly

    @property
    def least(self) -> Poly:
        return floor(self.form + self.factor - 1, self.factor)

    @property
    def most(self) -> Poly:
        return floor(self.form, self.factor)


@dataclass
class Elimination:
    """Unknowns in the order in which they were solved for, each with its bounds below and above.

    `implied` are the forms that are at least 0, the given ones and those that follow.
    """

    bounds: dict[Atom, tuple[list[Bound], list[Bound]]] = field(default_factory=dict)
    implied: list[Poly] = field(default_factory=list)


@dataclass(frozen=True)
class Part:
    """A case, the system in a narrow box that has the same solutions, and the family that they are."""

    case: Case
    system: System
    family: Family

    def branches(self) -> Iterator[Part]:
        """The solutions apart, by which factors of products are 0; where a side is unbounded there is no end of them.

        Each is solved anew: with a factor gone the forms may have another divisor in common, and so no solution.
        """
        for branch in self.system.branches():
            if (part := solved(Case(self.case.polys, branch.ranges).fixed)) is not None:
                yield part


def families(problem: Problem) -> Iterator[Part]:
    """The solutions as disjoint families, none of them empty."""
    for case in cases(problem):
        for part in map(solved, _by_stride(case, problem.usual_stride)):
            if part is not None:
                yield part


def solved(case: Case) -> Part | None:
    """The case with its family; None where it has no solution."""
    found = eliminated(case, case.ranges)
    if found is None:
        return None
    system = System.of(found.implied, case.ranges)
    if system is None:
        return None
    hull = system.ranges
    single = {atom: run for atom, run in hull.items() if run[0] == run[1] and run != case.ranges[atom]}
    if single:
        return solved(Case(case.polys, {**case.ranges, **single}).fixed)
    family = _family(case, found, hull)
    return Part(case, system, family) if family is not None and solvable(system) else None


def _by_stride(case: Case, usual: int) -> Iterator[Case]:
    """The case, where strides are few one for each; of many those that are usual have a case of their own."""
    found = eliminated(case, case.ranges)
    system = None if found is None else System.of(found.implied, case.ranges)
    if system is not None:
        for run in _stride_runs(system.ranges[PARAMS["s"]], usual):
            yield Case(case.polys, {**case.ranges, PARAMS["s"]: run}).fixed


def _stride_runs(run: Range, usual: int) -> Iterator[Range]:
    """Few strides one by one; of many 1 alone, or all up to the usual one if these are few, and the others together."""
    first, last = run
    alone = last if last - first < ALONE else usual if first <= usual <= ALONE else first
    yield from ((stride, stride) for stride in range(first, int(alone) + 1))
    if alone < last:
        yield int(alone) + 1, last


# --- elimination --------------------------------------------------------------------------------------------------


def eliminated(case: Case, ranges: Mapping[Atom, Range], cost: Sequence[Poly] = ()) -> Elimination | None:
    """Every unknown that is not fixed, solved for; None where two bounds exclude each other.

    The forms of a `cost` are at least 0 too. Of what follows from them is kept what has no squares and, where it is
    solved, a factor of one sign: all of it is implied, and nothing else is asked of it.
    """
    found = Elimination()
    polys = _whole([*case.polys, *cost], ranges)
    found.implied += polys or ()
    for letter in ORDER:
        atom = INNER[letter]
        low, high = ranges.get(atom, (0, 0))
        if low == high or polys is None:
            continue
        lower, upper = [Bound(poly(1), poly(low))], [] if isinf(high) else [Bound(poly(1), poly(int(high)))]
        for form in polys:
            factor = form.coefficient(atom)
            rest = form - factor * poly(atom)
            signs = {c > 0 for c in factor.terms.values()}
            if signs == {True}:
                lower.append(Bound(factor, -rest))
            elif signs == {False}:
                upper.append(Bound(-factor, rest))
            elif signs and not cost:
                raise NotImplementedError(f"whether {form} grows with {poly(atom)} depends on the sign of {factor}")
        found.bounds[atom] = lower, upper
        left = [form for form in polys if not form.has(atom)]
        left += [_nonempty(least, most) for least in lower for most in upper]
        polys = _whole((form for form in left if not cost or multilinear(form)), ranges)
        found.implied += [form for form in polys or () if form not in found.implied]
    return None if polys is None else found


def _nonempty(lower: Bound, upper: Bound) -> Poly:
    """What is at least 0 where some number, whole or not, lies between the bounds."""
    if lower.factor == upper.factor:
        return upper.form - lower.form
    return lower.factor * upper.form - upper.factor * lower.form


def _whole(polys: Iterable[Poly], ranges: Mapping[Atom, Range]) -> list[Poly] | None:
    """Forms that are at least 0, each rounded to what it is for whole numbers; None where one never is.

    One that always is, and one that is another form and a number more, says nothing.
    """
    kept: dict[Poly, int] = {}
    for form in polys:
        constant = form.terms.get((), 0)
        common = gcd(*(c for monomial, c in form.terms.items() if monomial))
        if common == 0:
            if constant < 0:
                return None
            continue
        variable = Poly({monomial: c // common for monomial, c in form.terms.items() if monomial})
        constant //= common
        if least_and_greatest(variable, ranges)[0] + constant < 0:
            kept[variable] = min(constant, kept.get(variable, constant))
    return [variable + constant for variable, constant in kept.items()]


# --- the family ---------------------------------------------------------------------------------------------------


def _family(case: Case, found: Elimination, hull: Mapping[Atom, Range]) -> Family | None:
    """The bounds read backwards; what follows from bounds already told is left out."""
    known: dict[Atom, Range] = {}
    rows: dict[str, Row] = {}
    conditions: list[Guard | bool] = []
    for atom, bounds in reversed(found.bounds.items()):
        [letter] = (letter for letter, inner in INNER.items() if inner == atom)
        lower, upper = (_tight(side, known, least) for side, least in zip(bounds, (True, False), strict=True))
        conditions += [_condition(low, high, known) for low in lower for high in upper]
        # where l ≤ c·x ≤ l, x is l/c, and that the other bounds allow it is said of the unknowns before it
        same = [(bound.most,) for bound in lower if bound in upper]
        forms = (same[0], same[0]) if same else (_forms(b.least for b in lower), _forms(b.most for b in upper))
        known[atom] = case.ranges[atom]
        if (numbers := _numbers(forms)) is not None:
            # numbers may be bounded more tightly by what follows from all forms together
            known[atom] = low, high = max(numbers[0], hull[atom][0]), min(numbers[1], hull[atom][1])
            forms = (poly(low),), () if isinf(high) else (poly(int(high)),)
        shift = 1 if letter in SHIFTED else 0
        rows[letter] = Row(PARAMS[letter], *(tuple(outer(form) + shift for form in side) for side in forms))
    if False in conditions:
        return None
    fixed = {letter: case.ranges[atom] for letter, atom in INNER.items() if atom in case.ranges and letter not in rows}
    return Family(
        tuple((PARAMS[letter], int(fixed[letter][0]) + (letter in SHIFTED)) for letter in TOLD if letter in fixed),
        tuple(_in_telling_order(rows)),
        tuple(dict.fromkeys(guard for guard in conditions if not isinstance(guard, bool))),
    )


def _numbers(forms: Sequence[Sequence[Poly]]) -> Range | None:
    """What is between the bounds, where all of them are numbers."""
    lower, upper = ([form.constant for form in side if form.constant is not None] for side in forms)
    if len(lower) + len(upper) < sum(map(len, forms)):
        return None
    return max(lower), min(upper, default=INFINITE)


def _forms(forms: Iterable[Poly]) -> tuple[Poly, ...]:
    return tuple(dict.fromkeys(forms))


def _in_telling_order(rows: Mapping[str, Row]) -> Iterator[Row]:
    """First those that numbers bound, in the order of `TOLD`; then the others, each after those that bound it."""
    yield from (rows[letter] for letter in TOLD if letter in rows and rows[letter].plain)
    yield from (row for row in rows.values() if not row.plain)


def _tight(bounds: Iterable[Bound], known: Mapping[Atom, Range], least: bool) -> list[Bound]:
    """The bounds without those that another one implies."""
    kept: list[Bound] = []
    for bound in bounds:
        if any(_implies(other, bound, known, least) for other in kept):
            continue
        kept = [other for other in kept if not _implies(bound, other, known, least)] + [bound]
    return kept


def _implies(one: Bound, other: Bound, known: Mapping[Atom, Range], least: bool) -> bool:
    """Whether the first bound always says as much as the second."""
    if one.factor == other.factor:
        gap = one.form - other.form if least else other.form - one.form
        return least_and_greatest(gap, known)[0] >= 0
    if 1 not in (one.factor, other.factor):
        return False
    # ⌈l/c⌉ ≥ v ⇔ l ≥ c·(v - 1) + 1, and ⌊u/c⌋ ≤ v ⇔ u ≤ c·(v + 1) - 1; v ≥ ⌈l/c⌉ ⇔ c·v ≥ l, and likewise below
    if other.factor == 1:
        edge = one.form - one.factor * (other.form - 1) - 1 if least else one.factor * (other.form + 1) - 1 - one.form
    else:
        edge = other.factor * one.form - other.form if least else other.form - other.factor * one.form
    return least_and_greatest(edge, known)[0] >= 0


def _condition(lower: Bound, upper: Bound, known: Mapping[Atom, Range]) -> Guard | bool:
    """Whether a whole number lies between two bounds: the guard, or what it always is.

    Where a factor is 1 that is an inequality between forms, and bounds other unknowns.
    """
    if 1 in (lower.factor, upper.factor):
        return True
    gap = upper.form - lower.form
    if lower.factor == upper.factor and gap == 0:
        divisor, form = lower.factor, lower.form
        if divisor.constant is not None:
            form = Poly({monomial: _residue(c, divisor.constant) for monomial, c in form.terms.items()})
            if form.constant is not None:
                return form.constant == 0
        return Divides(outer(divisor), outer(form))
    if lower.factor == upper.factor and least_and_greatest(gap - lower.factor + 1, known)[0] >= 0:
        return True
    least, most = lower.least, upper.most
    if least.constant is not None and most.constant is not None:
        return least.constant <= most.constant
    return AtMost(outer(least), outer(most))


def _residue(c: int, divisor: int) -> int:
    """What is left of c by the divisor, as near to 0 as it can be."""
    left = c % divisor
    return left - divisor if 2 * left > divisor else left
