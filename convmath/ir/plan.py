"""What a term needs before any size is known: which indices belong together, what is read and when it is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from convmath.errors import StatementError

from .nodes import (
    Apply,
    Bracket,
    Compare,
    Equation,
    Guard,
    Matches,
    Power,
    Product,
    Read,
    Statement,
    Sum,
    Term,
    Within,
)
from .poly import Floor, Index, Least, Poly, poly
from .walk import indices, inside, reads, shape_of

__all__ = ["DATA", "Plan", "conditions_of", "guard_indices", "plan", "plans_of"]

DATA = (Matches, Compare)  # the guards that look at what the arrays hold


@dataclass(frozen=True)
class Plan:
    """A term, and all about it that is the same at all sizes.

    Two indices that meet in a guard, a floor or a border are in one of the `groups`, with the guards on them; `always`
    are the guards without an index. Each of the `reads` has the brackets with which its value is needed.
    """

    equation: Equation
    term: Term
    data_guards: tuple[Guard, ...]
    always: tuple[Guard, ...]
    groups: tuple[tuple[tuple[Index, ...], tuple[Guard, ...]], ...]
    reads: Mapping[Read, Sequence[tuple[Guard, ...]]]
    owner: Mapping[Index, int]  # the group of each index
    _parts: dict[Poly, list[tuple[Poly, int | None]]] = field(default_factory=dict)

    def parts(self, form: Poly) -> list[tuple[Poly, int | None]]:
        """The form as a sum with one part for each group it touches."""
        if form not in self._parts:
            parts: dict[int | None, dict] = {}
            for monomial, c in form.terms.items():
                places = {self.owner[index] for index in Poly({monomial: c}).indices()}
                if len(places) > 1:
                    raise StatementError(f"{form} multiplies indices; an index form must be affine in them")
                parts.setdefault(next(iter(places), None), {})[monomial] = c
            self._parts[form] = [(Poly(terms), place) for place, terms in parts.items()]
        return self._parts[form]


def plan(statement: Statement, equation: Equation, term: Term) -> Plan:
    data_guards = tuple(g for g in term.guards if isinstance(g, DATA))
    guards: list[Guard] = [g for g in term.guards if not isinstance(g, DATA)]
    found: dict[Read, list[tuple[Guard, ...]]] = {}
    for read, brackets in (pair for node in (term.body, *data_guards) for pair in _needed(node)):
        found.setdefault(read, []).append(brackets)
    # a read outside its array that is "nothing" is not counted: its range is a guard
    for read in found:
        if read.outside == "nothing":
            guards += map(Within, read.at, shape_of(statement, read.tensor))
    links = [
        *(guard_indices(guard) for guard in guards),
        *(form.indices() for read in found if read.outside != "strict" for form in read.at),
        *(link for form in _all_forms(equation, term) for link in _needs_one_component(form)),
    ]
    groups = _groups((*equation.free, *term.bound), links)
    on = [(guard, guard_indices(guard)) for guard in guards]
    return Plan(
        equation,
        term,
        data_guards,
        tuple(guard for guard, used in on if not used),
        tuple((tuple(group), tuple(guard for guard, used in on if used and used <= set(group))) for group in groups),
        found,
        {index: place for place, group in enumerate(groups) for index in group},
    )


@lru_cache(maxsize=512)
def plans_of(statement: Statement) -> Sequence[Sequence[Plan]]:
    """One for each term of each equation."""
    return [[plan(statement, equation, term) for term in equation.terms] for equation in statement.equations]


@lru_cache(maxsize=512)
def conditions_of(statement: Statement) -> Sequence[tuple[Compare, Plan, str]]:
    """The comparisons that the data must meet, each with the term of an equation over its indices, and the last
    equation that it reads ("" where it reads none). One that reads what is not stated is left out.
    """
    names = [equation.name for equation in statement.equations]
    found = []
    for guard in statement.requires:
        needed = {read.tensor for read in reads(guard)}
        if isinstance(guard, Compare) and needed <= {*statement.reads, *names}:
            free = tuple(sorted(indices(guard), key=lambda index: index.key))
            stated = Equation("", free, tuple(map(poly, free)), (Term((), (), Bracket(guard)),))
            after = [name for name in names if name in needed]
            found.append((guard, plan(statement, stated, stated.terms[0]), after[-1] if after else ""))
    return found


def guard_indices(guard: Guard) -> set[Index]:
    return {
        index
        for part in inside(guard)
        if isinstance(part, (Poly, Index))
        for index in (part.indices() if isinstance(part, Poly) else (part,))
    }


def _needed(node: Any, brackets: tuple[Guard, ...] = ()) -> Iterator[tuple[Read, tuple[Guard, ...]]]:
    """Every read of a scalar or guard, with the brackets that have to hold for its value to be needed."""
    parts: tuple = ()
    match node:
        case Read():
            yield node, brackets
        case Product(factors=parts):
            own = (f.guard for f in parts if isinstance(f, Bracket) and not isinstance(f.guard, DATA))
            brackets = (*brackets, *own)
        case Sum(terms=parts):
            pass
        case Power(base=left, exponent=right) | Compare(left=left, right=right):
            parts = left, right
        case Apply(argument=part) | Bracket(guard=part) | Matches(read=part):
            parts = (part,)
    for part in parts:
        yield from _needed(part, brackets)


def _all_forms(equation: Equation, term: Term) -> list[Poly]:
    return [*equation.at, *(part for part in inside((term.body, term.guards)) if isinstance(part, Poly))]


def _groups(indices: Sequence[Index], links: Sequence[set[Index]]) -> list[list[Index]]:
    """The finest partition of the indices in which each link stays together."""
    group = {index: {index} for index in indices}
    for link in links:
        merged = set().union(*(group[index] for index in link)) if link else set()
        for index in merged:
            group[index] = merged
    seen: dict[int, list[Index]] = {}
    for index in indices:
        seen.setdefault(id(group[index]), []).append(index)
    return list(seen.values())


def _needs_one_component(form: Poly) -> list[set[Index]]:
    """The sets of indices that a form can't be split between: those inside its floors and minima."""
    return [Poly.of(atom).indices() for atom in form.atoms() if isinstance(atom, (Floor, Least))]
