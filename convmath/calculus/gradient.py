"""Gradients in relational form: a reverse (or forward) sweep over the equations, and nothing solved.

The rules look at reads and indices, never at an operator. A maximum is first replaced by the term it selects
(`select`), so that what is left to differentiate are sums of scalar expressions.

          Y[at(j)] = Σ_t [guards] F(…, U[e(j, t)], …)  gives
    vjp:  gU[i] += Σ_{j, t} [guards] [e(j, t) = i] gY[at(j)] · ∂F/∂U[e]
    jvp:  dY[at(j)] = Σ_t [guards] Σ_reads ∂F/∂U[e] · dU[e]

Never differentiate a solved form: both take the statement with its borders written out, and their result is again one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from convmath.errors import StatementError, unknown
from convmath.ir.nodes import (
    ONE,
    ZERO,
    Compare,
    Equation,
    IndexValue,
    Matches,
    Product,
    Read,
    Scalar,
    Selection,
    Statement,
    Sum,
    Tensor,
    Term,
    Zero,
)
from convmath.ir.poly import Index, Poly, poly
from convmath.ir.walk import reads, rename, shape_of

from .scalars import derivative

__all__ = ["fresh", "jvp", "pruned", "select", "vjp"]


# --- maxima -----------------------------------------------------------------------------------------------------


def select(statement: Statement, selection: Selection | None = None) -> Statement:
    """Each maximum (or minimum) over tuples written as the sum over the selected ones.

    first, last: A = the least (greatest) position in the window at which the maximum is taken, Y = Σ_t [t = A] f(t).
    split: Y = Σ_t [f(t) = Y] f(t) / #{t : f(t) = Y}. all: the same without the division, which is a
    gradient's convention and not an identity.
    """
    equations: list[Equation] = []
    for equation in statement.equations:
        if not any(term.reduce != "sum" for term in equation.terms):
            equations.append(equation)
            continue
        if len(equation.terms) != 1:
            raise StatementError(f"{equation.name} adds a {equation.terms[0].reduce} to other terms; name it first")
        equations += _selected(equation, selection or equation.terms[0].selection, _taken(statement, equations))
    return replace(statement, equations=tuple(equations))


def _taken(statement: Statement, equations: Iterable[Equation] = ()) -> set[str]:
    return {*statement.reads, *(e.name for e in statement.equations), *(e.name for e in equations)}


def _new(name: str, taken: set[str]) -> str:
    """The name, with a number behind it where it is taken."""
    return next(new for new in (name, *(f"{name}{number}" for number in range(2, len(taken) + 3))) if new not in taken)


def _selected(equation: Equation, selection: Selection, taken: set[str]) -> Iterator[Equation]:
    [term] = equation.terms
    best, most = (_new(letter if letter not in taken else letter + equation.name, taken) for letter in "AM")
    value = Read(most, equation.at)
    maximal = Compare(term.body, "=", value)
    yield replace(equation, name=value.tensor)
    if selection in ("first", "last"):
        place = _position(term.bound)
        reduce = "min" if selection == "first" else "max"
        found = Term(term.bound, (*term.guards, maximal), IndexValue(place), reduce)
        yield Equation(best, equation.free, equation.at, (found,))
        chosen = replace(term, reduce="sum", guards=(*term.guards, Matches(place, Read(best, equation.at))))
    else:
        chosen = replace(term, reduce="sum", guards=(*term.guards, maximal))
        if selection == "split":
            how_many = Term(term.bound, chosen.guards, ONE)
            yield Equation(best, equation.free, equation.at, (how_many,))
            chosen = replace(chosen, body=chosen.body / Read(best, equation.at))
    yield replace(equation, terms=(chosen,))


def _position(bound: tuple[Index, ...]) -> Poly:
    """The place of a tuple in row-major order."""
    place = poly(0)
    for index in bound:
        place = place * index.size + poly(index)
    return place


# --- sweeps -----------------------------------------------------------------------------------------------------


def _depends(statement: Statement, wrt: str) -> set[str]:
    """The names of what depends differentiably on `wrt`."""
    found = {wrt}
    for equation in statement.equations:
        if any(read.tensor in found for term in equation.terms for read in reads(term.body)):
            found.add(equation.name)
    return found


def _input(statement: Statement, wrt: str) -> Tensor:
    for tensor in statement.inputs:
        if tensor.name == wrt and not tensor.integer:
            return tensor
    raise unknown("input to differentiate by", wrt, [t.name for t in statement.inputs if not t.integer])


def _letters(statement: Statement, name: str) -> tuple[tuple[str, int], ...]:
    for tensor in statement.inputs:
        if tensor.name == name:
            return tensor.letters
    named = []
    for axis, form in enumerate(statement.equation(name).at):
        own = [index for index in statement.equation(name).free if form.has(index)]
        named.append((own[-1].letter, own[-1].axis) if own else ("u", axis))
    return tuple(named)


def fresh(indices: tuple[Index, ...], taken: set[tuple[str, int, int]]) -> dict[Index, Index]:
    """New names, with primes, for indices whose name is taken; the others keep theirs."""
    names: dict[Index, Index] = {}
    taken = set(taken)
    for index in indices:
        primes = index.primes
        while (index.letter, index.axis, primes) in taken:
            primes += 1
        taken.add((index.letter, index.axis, primes))
        names[index] = Index(index.letter, index.size, index.axis, primes)
    return names


def _with_letter(letter: str, names: Iterable[str], statement: Statement) -> dict[str, str]:
    """gX for X; another where that is taken, as it is when a gradient by X is differentiated by X."""
    taken, found = _taken(statement), dict[str, str]()
    for name in names:
        found[name] = _new(letter + name, taken)
        taken.add(found[name])
    return found


def _distinct(found: Iterator[Read]) -> list[Read]:
    return list(dict.fromkeys(found))


def vjp(statement: Statement, wrt: str, output: str | None = None) -> Statement:
    """The statement of g`wrt` = ∂⟨gY, Y⟩/∂`wrt`, for the cotangent gY of an output (the first if unsaid)."""
    _input(statement, wrt)
    output = output or statement.outputs[0]
    depends = _depends(statement, wrt)
    adjoint = _with_letter("g", dict.fromkeys((output, *sorted(depends))), statement)
    terms: dict[str, list[Term]] = {}
    adjoints: list[Equation] = []
    for equation in reversed(statement.equations):
        if equation.name not in depends:
            continue
        if equation.name != output:
            if equation.name not in terms:
                continue  # nothing that leads to the output reads it
            gathered = _gathered(statement, equation.name, terms.pop(equation.name))
            adjoints.append(replace(gathered, name=adjoint[equation.name]))
        for term in equation.terms:
            for read in _distinct(reads(term.body)):
                if read.tensor in depends:
                    slope = derivative(term.body, read)
                    if slope != ZERO:
                        cotangent = Read(adjoint[equation.name], equation.at)
                        new = _exchanged(statement, equation, term, read, Product.of(cotangent, slope))
                        terms.setdefault(read.tensor, []).append(new)
    adjoints.append(replace(_gathered(statement, wrt, terms.get(wrt, [])), name=adjoint[wrt]))
    given = Tensor(adjoint[output], shape_of(statement, output), _letters(statement, output))
    whole = replace(
        statement,
        inputs=(*statement.inputs, given),
        equations=(*statement.equations, *adjoints),
        outputs=(adjoint[wrt],),
        placements=(),
    )
    return pruned(whole)


def _free(statement: Statement, name: str) -> tuple[Index, ...]:
    shape = shape_of(statement, name)
    return tuple(Index(letter, n, axis) for (letter, axis), n in zip(_letters(statement, name), shape, strict=True))


def _gathered(statement: Statement, name: str, terms: list[Term]) -> Equation:
    """The sum of the terms at each position of an array."""
    free = _free(statement, name)
    return Equation(name, free, tuple(map(poly, free)), tuple(terms) or (Term((), (), ZERO),))


def _exchanged(statement: Statement, equation: Equation, term: Term, read: Read, body: Scalar) -> Term:
    free = _free(statement, read.tensor)
    own = (*equation.free, *term.bound)
    names = fresh(own, {(index.letter, index.axis, index.primes) for index in free})
    names = {old: new for old, new in names.items() if old != new}
    moved = rename(Term((), term.guards, body), names)
    equations = tuple(Zero(form, poly(index)) for form, index in zip(rename(read.at, names), free, strict=True))
    bound = tuple(names.get(index, index) for index in own)
    # [0 ≤ e < n] [e = i] says no more than [e = i]: i has that range already
    said = {(e.left, index.size) for e, index in zip(equations, free, strict=True)}
    guards = tuple(g for g in moved.guards if (getattr(g, "form", None), getattr(g, "size", None)) not in said)
    return Term(bound, (*equations, *guards), moved.body)


def jvp(statement: Statement, wrt: str) -> Statement:
    """The statement of dY = ∂Y/∂`wrt` · d`wrt`, for a tangent of the shape of `wrt`."""
    tensor = _input(statement, wrt)
    depends = _depends(statement, wrt)
    last = statement.output
    moves = _with_letter("d", dict.fromkeys((wrt, last.name, *sorted(depends))), statement)
    equations: list[Equation] = []
    for equation in statement.equations:
        equations.append(equation)
        if equation.name in depends:
            equations.append(_tangent(equation, {name: moves[name] for name in depends}))
    outputs = tuple(moves[name] for name in statement.outputs if name in depends)
    if not outputs:  # nothing depends on it: the tangent is 0 everywhere
        equations.append(Equation(moves[last.name], last.free, last.at, (Term((), (), ZERO),)))
        outputs = (moves[last.name],)
    given = Tensor(moves[wrt], tensor.shape, tensor.letters)
    inputs = (*statement.inputs, given)
    return pruned(replace(statement, inputs=inputs, equations=tuple(equations), outputs=outputs, placements=()))


def _tangent(equation: Equation, moves: Mapping[str, str]) -> Equation:
    """The derivative of an equation along the tangents, by their names, of what it reads."""
    terms = []
    for term in equation.terms:
        parts = [
            Product.of(derivative(term.body, read), replace(read, tensor=moves[read.tensor]))
            for read in _distinct(reads(term.body))
            if read.tensor in moves
        ]
        body = Sum.of(*parts)
        if body != ZERO:
            terms.append(replace(term, body=body))
    return replace(equation, name=moves[equation.name], terms=tuple(terms) or (Term((), (), ZERO),))


def pruned(statement: Statement) -> Statement:
    """Without the equations that no output needs, and without what is required of those.

    The inputs stay: a size may be told by their shapes alone.
    """
    needed = set(statement.outputs)
    kept: list[Equation] = []
    for equation in reversed(statement.equations):
        if equation.name in needed:
            kept.append(equation)
            needed |= {read.tensor for read in reads(equation.terms)}
    known = {*statement.reads, *(equation.name for equation in kept)}
    requires = tuple(c for c in statement.requires if all(read.tensor in known for read in reads(c)))
    return replace(statement, equations=tuple(reversed(kept)), requires=requires)
