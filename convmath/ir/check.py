"""Whether a statement is well formed: every name known, every index bound once, every form affine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from convmath.errors import StatementError
from convmath.window import BORDERS

from .functions import FUNCTIONS
from .nodes import (
    Apply,
    Bracket,
    Compare,
    Divides,
    Equation,
    IndexValue,
    Matches,
    Number,
    Power,
    Product,
    Read,
    Scalar,
    Statement,
    Sum,
    Tensor,
    Term,
)
from .poly import Floor, Least, Param, Poly, poly, product
from .walk import indices, inside, params, radix, reads

__all__ = ["checked"]


def checked(statement: Statement) -> Statement:
    """The statement itself, if it is well formed; else a StatementError that says which part is not, and why."""
    _params(statement)
    inputs = [tensor.name for tensor in statement.inputs]
    if len(set(inputs)) != len(inputs):
        raise StatementError(f"two inputs have the same name: {', '.join(inputs)}")
    known = {tensor.name: _Known(len(tensor.shape), tensor.integer) for tensor in statement.inputs}
    for tensor in statement.inputs:
        _input(tensor)
    for equation in statement.equations:
        if equation.name in known:
            raise StatementError(f"{equation.name} is stated twice (or is an input too); names must differ")
        _left(equation)
        if len(equation.terms) > 1 and any(term.reduce != "sum" for term in equation.terms):
            raise StatementError(
                f"{equation.name} adds a maximum or minimum to other terms; name it in an equation first"
            )
        for term in equation.terms:
            _term(equation, term, known)
        whole = all(_is_whole(term.body, known) for term in equation.terms)
        known[equation.name] = _Known(len(equation.at), whole)
    for condition in statement.requires:
        for read in reads(condition):
            _read(f"the condition {condition}", read, known)
    stated = [equation.name for equation in statement.equations]
    for name in statement.outputs:
        if name not in stated:
            raise StatementError(f"the output {name} is not stated; there are {', '.join(stated)}")
    if not statement.outputs or len(set(statement.outputs)) != len(statement.outputs):
        raise StatementError(
            f"the outputs are ({', '.join(statement.outputs)}), but one or more that differ are needed"
        )
    return statement


@dataclass(frozen=True, slots=True)
class _Known:
    """What may be read: how many axes it has, and whether its values are whole numbers."""

    rank: int
    whole: bool


# --- sizes ------------------------------------------------------------------------------------------------------


def _params(statement: Statement) -> None:
    """A letter is one parameter; derived sizes follow one another; what they count and require are parameters."""
    least: dict[tuple[str, int], int | None] = {}
    for param in params(statement):
        if least.setdefault((param.letter, param.axis), param.least) != param.least:
            raise StatementError(
                f"{poly(param)} is at least {param.least} in one place and at least "
                f"{least[param.letter, param.axis]} in another; one letter is one parameter"
            )
    derived = [size.param for size in statement.sizes]
    for place, size in enumerate(statement.sizes):
        if size.param in derived[:place]:
            raise StatementError(f"{poly(size.param)} is derived twice")
        if late := [param for param in params(size.value) if param in derived[place:]]:
            raise StatementError(
                f"{poly(size.param)} = {size.value} needs {poly(late[0])}, which is not derived before it"
            )
    _without_indices("a derived size", (size.value for size in statement.sizes))
    for condition in statement.requires:
        if isinstance(condition, Matches) or (indices(condition) and not isinstance(condition, Compare)):
            raise StatementError(f"the condition {condition} is not on the parameters alone")
    known = set(params((statement.inputs, statement.equations, statement.sizes, statement.requires)))
    for placement in statement.placements:
        if strange := set(params(placement)) - known:
            raise StatementError(
                f"the placement of {poly(placement.index)} names {poly(strange.pop())}, which stands nowhere else"
            )
        if isinstance(counted := placement.counted.atom, Param) and counted not in derived:
            raise StatementError(
                f"the placement of {poly(placement.index)} counts {poly(counted)}, which is not derived"
            )
        if placement.index not in placement.form.indices():
            raise StatementError(f"the placement of {poly(placement.index)} does not depend on it: {placement.form}")


def _without_indices(what: str, forms: Iterable[Poly]) -> None:
    for form in forms:
        if form.indices():
            raise StatementError(f"{what} is {form}, which depends on an index")


def _input(tensor: Tensor) -> None:
    _without_indices(f"a size of {tensor.name}", tensor.shape)
    if len(tensor.letters) != len(tensor.shape):
        raise StatementError(f"{tensor.name} has {len(tensor.shape)} axes, but letters for {len(tensor.letters)}")


# --- equations --------------------------------------------------------------------------------------------------


def _left(equation: Equation) -> None:
    """The left side must number each position once: every form a mixed radix, every free index in one of them."""
    for form in equation.at:
        if form != sum((form.coefficient(index) * poly(index) for index in form.indices()), poly(0)):
            raise StatementError(f"{equation.name}[…{form}…] on a left side must be a sum of indices times sizes")
        if radix(form) is None:
            sizes = product(index.size for index in form.indices())
            raise StatementError(f"{form} on the left side of {equation.name} skips positions below {sizes}")
    used = [index for form in equation.at for index in form.indices()]
    if sorted(used, key=lambda i: i.key) != sorted(equation.free, key=lambda i: i.key):
        raise StatementError(f"each free index of {equation.name} must stand on its left side exactly once")


def _term(equation: Equation, term: Term, known: dict[str, _Known]) -> None:
    name = equation.name
    if term.reduce not in ("sum", "max", "min"):
        raise StatementError(f"{name} reduces by {term.reduce!r}; there are sum, max and min")
    scope = (*equation.free, *term.bound)
    if len(set(scope)) != len(scope):
        raise StatementError(f"an index is bound twice in {name}: {', '.join(str(poly(index)) for index in scope)}")
    for index in scope:
        _without_indices(f"the range of {poly(index)} in {name}", [index.size])
    for index in indices((term.guards, term.body)):
        if index not in scope:
            raise StatementError(f"{name} uses the index {poly(index)} without binding it")
    for read in reads((term.guards, term.body)):
        _read(name, read, known)
    for part in inside((term.guards, term.body)):
        match part:
            case Poly():
                _affine(name, part)
            case Divides(divisor=divisor):
                _without_indices(f"a divisor in {name}", [divisor])
            case Apply(function=function) if function not in FUNCTIONS:
                raise StatementError(f"{name} applies {function}, but the functions are {', '.join(FUNCTIONS)}")
            case Matches(read=read) if not known[read.tensor].whole:
                raise StatementError(f"{name} matches {part.form} with {read}, whose values need not be whole numbers")


def _read(name: str, read: Read, known: dict[str, _Known]) -> None:
    if read.tensor not in known:
        raise StatementError(f"{name} reads {read.tensor}, which is no input and not stated before it")
    if len(read.at) != known[read.tensor].rank:
        raise StatementError(
            f"{name} reads {read.tensor} at {len(read.at)} positions, but it has {known[read.tensor].rank} axes"
        )
    if not isinstance(read.outside, Fraction) and read.outside not in ("strict", "nothing", *BORDERS):
        raise StatementError(
            f"outside {read.tensor} lies {read.outside!r} in {name}, but a Fraction or one of "
            f"strict, nothing, {', '.join(BORDERS)} is needed"
        )


def _affine(name: str, form: Poly) -> None:
    """No product of indices, inside floors and minima either, and no division by one."""
    for monomial in form.terms:
        if sum(power for atom, power in monomial if poly(atom).indices()) > 1:
            raise StatementError(f"{form} in {name} is not affine in the indices; name a floor, or split it")
    for atom in form.atoms():
        match atom:
            case Floor(number=number, divisor=divisor):
                _affine(name, number)
                _without_indices(f"a divisor in {name}", [divisor])
            case Least(among=among):
                for entry in among:
                    _affine(name, entry)


def _is_whole(node: Scalar, known: dict[str, _Known]) -> bool:
    """Whether the value of a scalar is always a whole number."""
    match node:
        case Number(value=value):
            return value.denominator == 1
        case IndexValue() | Bracket() | Apply(function="sign"):
            return True
        case Read(tensor=tensor, outside=outside):
            return known[tensor].whole and (not isinstance(outside, Fraction) or outside.denominator == 1)
        case Sum(terms=parts) | Product(factors=parts):
            return all(_is_whole(part, known) for part in parts)
        case Power(base=base, exponent=Number(value=exponent)):
            return exponent >= 0 and exponent.denominator == 1 and _is_whole(base, known)
        case Apply(function="abs", argument=argument):
            return _is_whole(argument, known)
    return False
