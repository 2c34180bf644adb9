"""Whether a statement is well formed: every name known, every index bound once, every form affine."""

from __future__ import annotations

from convmath.errors import StatementError

from .nodes import Equation, Statement, Term
from .poly import Index, Poly, product
from .walk import indices, inside, reads

__all__ = ["checked"]


def checked(statement: Statement) -> Statement:
    """The statement itself, if it is well formed; else a StatementError that says which part is not, and why."""
    ranks = {tensor.name: len(tensor.shape) for tensor in statement.inputs}
    if len(ranks) != len(statement.inputs):
        raise StatementError(f"two inputs have the same name: {', '.join(t.name for t in statement.inputs)}")
    for equation in statement.equations:
        if equation.name in ranks:
            raise StatementError(f"{equation.name} is stated twice (or is an input too); names must differ")
        _left(equation)
        if len(equation.terms) > 1 and any(term.reduce != "sum" for term in equation.terms):
            raise StatementError(
                f"{equation.name} adds a maximum or minimum to other terms; name it in an equation first"
            )
        for term in equation.terms:
            _term(equation, term, ranks)
        ranks[equation.name] = len(equation.at)
    for name in statement.outputs:
        if name not in ranks:
            raise StatementError(f"the output {name} is not stated; there are {', '.join(ranks)}")
    return statement


def _left(equation: Equation) -> None:
    """The left side must number each position once: every form a mixed radix, every free index in one of them."""
    used: list[Index] = []
    for form in equation.at:
        digits = [(index, form.coefficient(index)) for index in form.indices()]
        used += [index for index, _ in digits]
        if form != sum((c * Poly.of(index) for index, c in digits), Poly.of(0)):
            raise StatementError(f"{equation.name}[…{form}…] on a left side must be a sum of indices times sizes")
        least = Poly.of(1)
        for _ in range(len(digits)):
            digit = next(((index, c) for index, c in digits if c == least), None)
            if digit is None:
                sizes = product(index.size for index, _ in digits)
                raise StatementError(f"{form} on the left side of {equation.name} skips positions below {sizes}")
            digits.remove(digit)
            least = least * digit[0].size
    if sorted(used, key=lambda i: i.key) != sorted(equation.free, key=lambda i: i.key):
        raise StatementError(f"each free index of {equation.name} must stand on its left side exactly once")


def _term(equation: Equation, term: Term, ranks: dict[str, int]) -> None:
    scope = (*equation.free, *term.bound)
    if len(set(scope)) != len(scope):
        raise StatementError(f"an index is bound twice in {equation.name}: {', '.join(map(repr, scope))}")
    for index in indices((term.guards, term.body)):
        if index not in scope:
            raise StatementError(f"{equation.name} uses the index {Poly.of(index)} without binding it")
    for read in reads((term.guards, term.body)):
        if read.tensor not in ranks:
            raise StatementError(f"{equation.name} reads {read.tensor}, which is no input and not stated before it")
        if len(read.at) != ranks[read.tensor]:
            raise StatementError(
                f"{equation.name} reads {read.tensor} at {len(read.at)} positions, but it has {ranks[read.tensor]} axes"
            )
    for part in inside((term.guards, term.body)):
        if isinstance(part, Poly):
            for monomial in part.terms:
                degree = sum(power for atom, power in monomial if Poly.of(atom).indices())
                if degree > 1:
                    raise StatementError(
                        f"{part} in {equation.name} is not affine in the indices; name a floor, or split it"
                    )
