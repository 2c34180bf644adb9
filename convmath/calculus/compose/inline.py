"""A sum put in the place of its name: two layers become one equation.

          P[i] = Σ_r [guards] f(i, r)          Y[…] = Σ_t … W[t] · P[e(t)]
    gives Y[…] = Σ_{t, r} [guards] … W[t] · f(e(t), r)

This is right where Y is linear in P. Where the left side is a number of several digits, and e is not one with the same
digits, they are summed over too, with the equation between the two: it is solved by the rules of `eliminate`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from convmath.calculus.gradient import fresh, pruned
from convmath.errors import StatementError
from convmath.ir.nodes import Equation, Guard, Product, Read, Scalar, Statement, Sum, Term, Zero, printed
from convmath.ir.poly import Index, Poly, poly
from convmath.ir.walk import radix, reads, rename, substitute

__all__ = ["between", "inlined"]


def between(statement: Statement) -> list[Equation]:
    """The equations from which an output follows that themselves follow from the first input, in their order."""
    depends, found = {statement.reads[0]}, []
    for equation in statement.equations:
        if any(read.tensor in depends for read in reads(equation.terms)):
            depends.add(equation.name)
            if equation.name not in statement.outputs:
                found.append(equation)
    return found


def inlined(statement: Statement, inner: Equation) -> Statement:
    """The statement with what an inner equation states in the place of its name. Every read of it must be strict."""
    if any(term.reduce != "sum" for term in inner.terms):
        raise StatementError(f"{inner.name} is a {inner.terms[0].reduce}, and no sum that another sum could take in")
    equations = tuple(
        replace(equation, terms=tuple(new for term in equation.terms for new in _taken_in(equation, term, inner)))
        if any(read.tensor == inner.name for read in reads(equation.terms))
        else equation
        for equation in statement.equations
    )
    return pruned(replace(statement, equations=equations))


def _taken_in(equation: Equation, term: Term, inner: Equation) -> Iterator[Term]:
    """The term with the inner sum taken in: one term for each of its own and of the inner terms."""
    if not any(read.tensor == inner.name for read in reads(term)):
        yield term
        return
    if term.reduce != "sum":
        raise StatementError(
            f"{equation.name} is a {term.reduce} of {inner.name}, and no sum that could take in another"
        )
    for guard in term.guards:
        if any(read.tensor == inner.name for read in reads(guard)):
            raise _nonlinear(equation.name, inner.name, guard)
    for body in _expanded(equation.name, term.body, inner.name):
        split = replace(term, body=body)
        if any(read.tensor == inner.name for read in reads(body)):
            yield from (_one(equation, split, inner, sum_) for sum_ in inner.terms)
        else:
            yield split


def _expanded(name: str, body: Scalar, inner: str) -> Iterator[Scalar]:
    """The summands of a body, each with the inner array as one of its factors, or without it."""
    if not any(read.tensor == inner for read in reads(body)):
        yield body
        return
    match body:
        case Read():
            yield body
            return
        case Sum(terms=terms):
            for part in terms:
                yield from _expanded(name, part, inner)
            return
        case Product(factors=factors):
            [place, *more] = [p for p, factor in enumerate(factors) if any(r.tensor == inner for r in reads(factor))]
            if not more:
                for part in _expanded(name, factors[place], inner):
                    yield Product.of(*factors[:place], part, *factors[place + 1 :])
                return
    raise _nonlinear(name, inner, body)


def _nonlinear(name: str, inner: str, node: Guard | Scalar) -> StatementError:
    return StatementError(f"{name} is not linear in {inner}: {inner} stands in {printed(node)}")


def _one(equation: Equation, term: Term, inner: Equation, taken: Term) -> Term:
    """One inner term taken in. The outer indices give way where both have the same letter, but for the free ones."""
    free = {(v.letter, v.axis, v.primes) for v in equation.free}
    inside = fresh(taken.bound, free)
    known = free | {(v.letter, v.axis, v.primes) for v in inside.values()}
    outer = fresh(term.bound, known)
    known |= {(v.letter, v.axis, v.primes) for v in outer.values()}
    inside |= fresh(inner.free, known)
    term = rename(term, _changed(outer))
    at, taken = rename((inner.at, taken), _changed(inside))
    factors = term.body.factors if isinstance(term.body, Product) else (term.body,)
    [place] = [p for p, factor in enumerate(factors) if isinstance(factor, Read) and factor.tensor == inner.name]
    read = factors[place]
    assert isinstance(read, Read)
    values, meets = _met(at, read.at)
    taken = substitute(taken, values)
    left = (inside[v] for v in inner.free if inside[v] not in values)
    return Term(
        (*left, *term.bound, *taken.bound),
        (*term.guards, *meets, *taken.guards),
        Product.of(*factors[:place], taken.body, *factors[place + 1 :]),
    )


def _changed(names: dict[Index, Index]) -> dict[Index, Index]:
    return {old: new for old, new in names.items() if old != new}


def _met(at: tuple[Poly, ...], read: tuple[Poly, ...]) -> tuple[dict[Index, Poly], list[Guard]]:
    """What the indices of a left side are where it is read, and the equations for those of which that is not told."""
    values: dict[Index, Poly] = {}
    meets: list[Guard] = []
    for form, e in zip(at, read, strict=True):
        own, others = _digits(form), _digits(e)
        if isinstance(form.atom, Index):
            values[form.atom] = e
        elif [v.size for v in own] == [v.size for v in others] and None not in (radix(form), radix(e)):
            values |= {v: poly(w) for v, w in zip(own, others, strict=True)}
        else:
            meets.append(Zero(form, e))
    return values, meets


def _digits(form: Poly) -> list[Index]:
    """The indices of a mixed radix, the last digit first."""
    found, weight, left = list[Index](), poly(1), set(form.indices())
    while left:
        digit = next((v for v in sorted(left, key=lambda v: v.key) if form.coefficient(v) == weight), None)
        if digit is None:
            return []
        left.remove(digit)
        found.append(digit)
        weight = weight * digit.size
    return found
