"""From relational to solved form: every equation between indices goes by the first rule that fits, or stays.

    digits     c·v + w = e, 0 ≤ w < c, e free of bound indices   →  v := ⌊e/c⌋, w := e mod c
               (a form v of indices is not replaced: v = ⌊e/c⌋ is an equation, for the next digit)
    unit       v = e                                             →  v := e
    quotient   s·v = e, s ≥ 1                                    →  s ∣ e stays, v := ⌊e/s⌋, and s·⌊e/s⌋ is e again

An index that goes leaves its range behind, unless that is proved to hold always. Each application is a step;
the list of steps is the derivation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from convmath.integers.facts import Certificate, Facts, facts_of, plainly_nonnegative
from convmath.ir.nodes import (
    ONE,
    Bracket,
    Divides,
    Equation,
    Guard,
    Matches,
    Number,
    Placement,
    Statement,
    Term,
    Within,
    Zero,
    scalar,
)
from convmath.ir.poly import Floor, Index, Least, Poly, floor, poly, product
from convmath.ir.walk import map_forms, map_leaves, map_reads, reads, substitute
from convmath.steps import CountTerms, Dropped, SolveDigits, SolveQuotient, SolveUnit, Step
from convmath.window import BORDERS

from .gradient import pruned

__all__ = ["TAP", "count_of", "simplified", "solved", "without_single"]

WITHIN = ("strict", *BORDERS)  # the reads that always find an element of their array
TAP = "t"  # the letter of a kernel's positions: kept as the index of summation where there is a choice


@dataclass(frozen=True, slots=True)
class _Solution:
    """One way to solve one equation: the replacement of indices, what it leaves behind, and the step that says so."""

    rank: tuple
    values: dict[Index, Poly]
    left_behind: tuple[Guard, ...]
    step: type[Step]
    details: dict


def solved(statement: Statement, over: str = TAP) -> tuple[Statement, tuple[Step, ...]]:
    """The statement with its equations between indices solved, and the steps. `over` is the letter kept in the sums."""
    steps: list[Step] = []
    facts = facts_of(statement)
    progress = True
    while progress:
        progress = False
        for equation in statement.equations:
            for place, term in enumerate(equation.terms):
                found = _best(term, facts, over)
                if found is None:
                    continue
                zero, solution = found
                new, dropped = _applied(term, zero, solution, facts)
                terms = (*equation.terms[:place], new, *equation.terms[place + 1 :])
                after = _with(statement, equation, replace(equation, terms=terms))
                steps.append(solution.step(statement, after, dropped, **solution.details))
                statement, progress = after, True
                break
            if progress:
                break
    statement, more = simplified(statement)
    return statement, (*steps, *more)


def _with(statement: Statement, old: Equation, new: Equation) -> Statement:
    return replace(statement, equations=tuple(new if e is old else e for e in statement.equations))


# --- finding the rule -------------------------------------------------------------------------------------------


def _best(term: Term, facts: Facts, over: str) -> tuple[Zero, _Solution] | None:
    options = [
        (solution.rank, place, zero, solution)
        for place, zero in enumerate(term.guards)
        if isinstance(zero, Zero)
        for solution in _solutions(term, zero, facts, over)
    ]
    if not options:
        return None
    _, _, zero, solution = min(options, key=lambda option: option[:2])
    return zero, solution


def _solutions(term: Term, zero: Zero, facts: Facts, over: str) -> Iterator[_Solution]:
    e = zero.form
    opaque = {index for atom in e.atoms() if isinstance(atom, Floor | Least) for index in poly(atom).indices()}
    candidates = {v: e.coefficient(v) for v in term.bound if v not in opaque and v in set(e.atoms())}
    if opaque.isdisjoint(term.bound):
        for w, c in candidates.items():
            yield from _digits(zero, w, c.constant, set(term.bound), over)
    for v, c in candidates.items():
        rest = e - c * poly(v)
        kept = (v.letter == over, v.primes)
        if c.constant in (1, -1):
            value = -c.constant * rest  # type: ignore[operator]
            free = facts.always(Within(value, v.size)) is not None
            yield _Solution(
                (1, (not free, kept)),
                {v: value},
                (Within(value, v.size),),
                SolveUnit,
                {"equation": zero, "index": v, "value": value},
            )
        elif not c.indices() and (plainly_nonnegative(c - 1) or plainly_nonnegative(-c - 1)):
            s, number = (c, -rest) if plainly_nonnegative(c - 1) else (-c, rest)
            q = floor(number, s)
            yield _Solution(
                (2, kept),
                {v: q},
                (Divides(s, number), Within(q, v.size)),
                SolveQuotient,
                {"equation": zero, "index": v, "number": number, "divisor": s},
            )


def _digits(zero: Zero, w: Index, sign: int | None, bound: set[Index], over: str) -> Iterator[_Solution]:
    """c·v + w = e with 0 ≤ w < c and nothing else bound; v is an index, or a form of them that is left to be solved."""
    if sign not in (1, -1):
        return
    form = sign * zero.form
    tied = Poly({monomial: c for monomial, c in form.terms.items() if Poly({monomial: c}).indices() & bound})
    high = (tied - poly(w)).divided(w.size)
    if high is None or all(high.coefficient(v) != 1 for v in high.indices()):
        return
    number = tied - form
    q = floor(number, w.size)
    remainder = number - w.size * q
    v = high.atom
    alone = isinstance(v, Index)
    yield _Solution(
        (0, ((v.letter == over, v.primes) if alone else (False, 0))),
        ({v: q} if alone else {}) | {w: remainder},
        (Within(q, v.size) if alone else Zero(high, q),),
        SolveDigits,
        {"equation": zero, "high": high, "low": w, "quotient": q, "remainder": remainder},
    )


# --- applying it ------------------------------------------------------------------------------------------------


def _applied(term: Term, zero: Zero, solution: _Solution, facts: Facts) -> tuple[Term, tuple[Dropped, ...]]:
    bound = tuple(index for index in term.bound if index not in solution.values)
    # what the equation leaves behind stands where it stood
    guards = tuple(g for guard in term.guards for g in (solution.left_behind if guard is zero else (guard,)))
    new = substitute(replace(term, bound=bound, guards=guards), solution.values)
    if solution.step is SolveQuotient:
        [q] = solution.values.values()
        number, divisor = solution.details["number"], solution.details["divisor"]
        new = map_forms(new, lambda form: _exact_multiple(form, q, number, divisor))
    return _dropping(new, facts)


def _exact_multiple(form: Poly, q: Poly, number: Poly, divisor: Poly) -> Poly:
    """s·⌊u/s⌋ → u, which holds where s ∣ u; q = ⌊number/s⌋ is ⌊u/s⌋ and what was a multiple of s already."""
    for atom in q.atoms():
        if isinstance(atom, Floor) and number == divisor * (q - poly(atom)) + atom.number:
            multiple = form.coefficient(atom).divided(divisor)
            return form if multiple is None else form + multiple * (atom.number - divisor * poly(atom))
    return form


def _dropping(term: Term, facts: Facts) -> tuple[Term, tuple[Dropped, ...]]:
    """The term without the brackets that are 1 for all sizes or stand twice."""
    dropped: list[Dropped] = []

    def always(guard: Guard) -> bool:
        why = _always(guard, facts)
        if why and not _is_own_range(guard):
            dropped.append(Dropped(guard, why))
        return why is not None

    kept = [guard for guard in dict.fromkeys(term.guards) if not always(guard)]
    body = map_leaves(term.body, lambda leaf: ONE if isinstance(leaf, Bracket) and always(leaf.guard) else leaf)
    return replace(term, guards=tuple(kept), body=body), tuple(dropped)


def _always(guard: Guard, facts: Facts) -> tuple[Certificate, ...] | None:
    if isinstance(guard, Divides):
        return () if guard.form.divided(guard.divisor) is not None else None
    return facts.always(guard)


def _is_own_range(guard: Guard) -> bool:
    """0 ≤ v < size of v: no more than what the index already carries."""
    return isinstance(guard, Within) and isinstance(guard.form.atom, Index) and guard.form.atom.size == guard.size


# --- what else simplifies ---------------------------------------------------------------------------------------


def simplified(statement: Statement) -> tuple[Statement, tuple[Step, ...]]:
    """Single-valued indices put in, brackets that hold for all sizes dropped, counts Σ_{t<k} 1 written as numbers."""
    facts = facts_of(statement)
    dropped: list[Dropped] = []
    equations = []
    for equation in statement.equations:
        terms = []
        for term in equation.terms:
            new, gone = _dropping(_without_single(term), facts)
            dropped += gone
            terms.append(new)
        equations.append(replace(equation, terms=tuple(terms)))
    plain = replace(statement, equations=tuple(equations))
    counts = {
        e.name: value for e in plain.equations if (value := count_of(e)) is not None and e.name not in plain.outputs
    }
    after = pruned(_with_values(plain, counts)) if counts else plain
    if after == statement:
        return statement, ()
    if not dropped and not counts:
        return after, ()
    return after, (CountTerms(statement, after, tuple(dict.fromkeys(dropped)), counted=tuple(counts)),)


def without_single(statement: Statement) -> Statement:
    """Indices that take one value only, 0, put in: the groups of an ungrouped operator, say."""
    equations = tuple(map(_without_free_single, statement.equations))
    return replace(statement, equations=equations, placements=tuple(map(_without_single_tap, statement.placements)))


def _without_single_tap(placement: Placement) -> Placement:
    single = {tap: poly(0) for tap in placement.form.indices() - {placement.index} if tap.size == 1}
    return replace(placement, form=placement.form.substitute(single))


def _without_free_single(equation: Equation) -> Equation:
    single = {index: poly(0) for index in equation.free if index.size == 1}
    if any(form.atom in single for form in equation.at):
        single = {index: zero for index, zero in single.items() if poly(index) not in equation.at}
    free = tuple(index for index in equation.free if index not in single)
    at, terms = substitute((equation.at, equation.terms), single)
    return Equation(equation.name, free, at, tuple(map(_without_single, terms)))


def _without_single(term: Term) -> Term:
    single = {index: poly(0) for index in term.bound if index.size == 1}
    bound = tuple(index for index in term.bound if index not in single)
    return substitute(replace(term, bound=bound), single) if single else term


def count_of(equation: Equation) -> Poly | None:
    """The value of an equation that counts a full range, Σ_{t<k} 1, the same for every free index."""
    if len(equation.terms) != 1:
        return None
    [term] = equation.terms
    if term.guards or term.reduce != "sum" or not isinstance(term.body, Number) or term.body.value.denominator != 1:
        return None
    return product(index.size for index in term.bound) * int(term.body.value)


def _with_values(statement: Statement, values: dict[str, Poly]) -> Statement:
    def equation(e: Equation) -> Equation:
        if any(r.tensor in values for t in e.terms for g in t.guards if isinstance(g, Matches) for r in reads(g)):
            return e
        # a read that may lie outside, where there is another value, is no count there
        swap = lambda r: scalar(values[r.tensor]) if r.tensor in values and r.outside in WITHIN else r  # noqa: E731
        return replace(e, terms=tuple(replace(t, body=map_reads(t.body, swap)) for t in e.terms))

    return replace(statement, equations=tuple(map(equation, statement.equations)))
