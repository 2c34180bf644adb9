"""How many tuples of indices meet guards: in symbols, and exactly.

Indices that no guard couples are counted by their sizes. Of those that are coupled one runs over an interval, whose
ends follow from the guards when the others stand still; the intervals' lengths are added up.

>>> from convmath.ir.build import count, index, size
>>> from convmath.ir.nodes import Within
>>> n = size("n", least=1)
>>> j, t = index("j", n), index("t", poly(3))
>>> inside = Tally((count([j, t], [Within(poly(j) + poly(t) - 1, n)]),))
>>> inside.form()                                  # a window of 3 over n elements, with one of padding at both ends
3·n - 2
>>> inside.at({n.atom: 5}).form()
13
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from convmath.errors import StatementError
from convmath.integers.facts import Facts, obligations, plainly_nonnegative
from convmath.ir.nodes import Guard, Matches, Term, printed
from convmath.ir.poly import Index, Poly, floor, least, poly, product
from convmath.ir.walk import indices, substitute

from .symbols import symbol, to_sympy

__all__ = ["Tally", "greatest"]

# tuples of the indices that stand still, above which they are not gone through one by one
MOST = 100_000

NO_FACTS = Facts()


def greatest(*among: Poly, facts: Facts = NO_FACTS) -> Poly:
    """The greatest of these; what the facts prove to be no greater than another is left out."""
    return -_least([-entry for entry in among], facts)


def _least(among: list[Poly], facts: Facts) -> Poly:
    kept: list[Poly] = []
    for place, entry in enumerate(among):
        others = [*kept, *among[place + 1 :]]
        if not any(facts.nonnegative(entry - other) for other in others):
            kept.append(entry)
    return least(*kept)


@dataclass(frozen=True, slots=True)
class Tally:
    """Σ_terms Σ_indices [guards] 1"""

    terms: tuple[Term, ...] = ()

    def __str__(self) -> str:
        return " + ".join(map(printed, self.terms)) or "0"

    def at(self, values: Mapping[Any, Any]) -> Tally:
        """The same with parameters replaced by integers or forms."""
        return Tally(tuple(substitute(term, values) for term in self.terms))

    def given(self, arrays: Mapping[str, np.ndarray]) -> Tally:
        """The same with integer arrays known: a term for each tuple that meets the guards that read them."""
        return Tally(tuple(part for term in self.terms for part in _met(term, arrays)))

    def form(self, facts: Facts = NO_FACTS) -> Poly:
        """The number as a form; of the indices that guards couple, all but one must have sizes that are numbers."""
        total = poly(0)
        for term in self.terms:
            total += product(_gone_through(*part, facts) for part in _parts(term))
        return total

    def to_sympy(self, facts: Facts = NO_FACTS) -> Any:
        """The number as a sympy expression, with a Sum over an index whose size is a symbol."""
        return sympy.Add(*(sympy.Mul(*(_sympy_sum(*part, facts) for part in _parts(term))) for term in self.terms))


def _met(term: Term, arrays: Mapping[str, np.ndarray]) -> Iterator[Term]:
    reading = [guard for guard in term.guards if isinstance(guard, Matches) and guard.read.tensor in arrays]
    still = [index for index in term.bound if any(index in indices(guard) for guard in reading)]
    bound = tuple(index for index in term.bound if index not in still)
    others = tuple(guard for guard in term.guards if guard not in reading)
    for values in _tuples(still):
        at = [tuple(form.evaluate(values) for form in guard.read.at) for guard in reading]
        read = (arrays[guard.read.tensor][place] for guard, place in zip(reading, at, strict=True))
        if all(guard.form.evaluate(values) == found for guard, found in zip(reading, read, strict=True)):
            yield Term(bound, substitute(others, values), term.body)


def _tuples(still: Sequence[Index]) -> Iterator[dict[Index, int]]:
    """Every tuple of values of some indices."""
    sizes = [index.size.constant for index in still]
    if None in sizes or math.prod(size or 0 for size in sizes) > MOST:
        names = ", ".join(str(poly(index)) for index in still)
        raise StatementError(
            f"the number is a sum over {names}, and no form: their sizes must be numbers ({MOST} tuples at most)"
        )
    for values in itertools.product(*(range(size or 0) for size in sizes)):
        yield dict(zip(still, values, strict=True))


def _parts(term: Term) -> Iterator[tuple[list[Index], tuple[Guard, ...]]]:
    """The sets of indices that nothing couples, each with its guards."""
    left = list(term.bound)
    for group, guards in _coupled(term.guards):
        yield [index for index in left if index in group], guards
        left = [index for index in left if index not in group]
    yield from (([index], ()) for index in left)


def _coupled(guards: tuple[Guard, ...]) -> list[tuple[set[Index], tuple[Guard, ...]]]:
    """The guards in sets that have no index in common, each with its indices."""
    groups: list[tuple[set[Index], tuple[Guard, ...]]] = []
    for guard in guards:
        own, together, apart = indices(guard), (guard,), []
        for group, others in groups:
            if group & own:
                own, together = own | group, (*others, *together)
            else:
                apart.append((group, others))
        groups = [*apart, (own, together)]
    return groups


def _apart(coupled: list[Index]) -> tuple[Index, list[Index]]:
    """The index that runs, one whose size is a symbol, or else the longest; and those that stand still."""
    running = min(coupled, key=lambda index: (index.size.constant is not None, -(index.size.constant or 0)))
    return running, [index for index in coupled if index != running]


def _gone_through(coupled: list[Index], guards: tuple[Guard, ...], facts: Facts) -> Poly:
    """How many tuples of coupled indices meet the guards, each tuple of those that stand still taken by itself."""
    if not coupled:
        return product(_bracket(goal, facts) for guard in guards for goal in _goals(guard))
    running, still = _apart(coupled)
    return sum((_length(running, substitute(guards, values), facts) for values in _tuples(still)), poly(0))


def _sympy_sum(coupled: list[Index], guards: tuple[Guard, ...], facts: Facts) -> Any:
    """The form where there is one, else a sum of ones: sympy 1.14 is wrong about minima of floors under a Sum."""
    if not coupled or all(index.size.constant is not None for index in _apart(coupled)[1]):
        return to_sympy(_gone_through(coupled, guards, facts))
    met = sympy.And(*(to_sympy(goal) >= 0 for guard in guards for goal in _goals(guard)))
    ranges = ((symbol(index), 0, to_sympy(index.size) - 1) for index in coupled)
    return sympy.Sum(sympy.Piecewise((1, met), (0, True)), *ranges)


def _length(running: Index, guards: tuple[Guard, ...], facts: Facts) -> Poly:
    """How many values of one index meet the guards, the other indices standing still."""
    low, high, there = [poly(0)], [running.size], poly(1)
    for guard in guards:
        for goal in _goals(guard):
            c = goal.coefficient(running)
            rest = goal - c * poly(running)
            if not goal.has(running):
                there *= _bracket(goal, facts)
            elif plainly_nonnegative(c - 1):
                low.append(-floor(rest, c))
            elif plainly_nonnegative(-c - 1):
                high.append(floor(rest, -c) + 1)
            else:
                raise StatementError(f"how many {poly(running)} meet {guard} depends on the sign of {c}")
    length = _least(high, facts) - greatest(*low, facts=facts)
    return there * (length if facts.nonnegative(length) else greatest(poly(0), length, facts=facts))


def _bracket(goal: Poly, facts: Facts) -> Poly:
    """1 where the goal is at least 0, else 0."""
    if goal.constant is not None:
        return poly(int(goal.constant >= 0))
    if facts.nonnegative(goal) is None:
        raise StatementError(f"whether {goal} is at least 0 is not known")
    return poly(1)


def _goals(guard: Guard) -> tuple[Poly, ...]:
    goals = obligations(guard)
    if goals is None:
        raise StatementError(f"how many tuples meet {guard} does not follow from sizes")
    return goals
