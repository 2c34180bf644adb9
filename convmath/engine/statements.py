"""Statements as functions that are differentiable to any order: the gradient of a statement is again a statement.

Where a gradient is written with a value that an operator of `functional` has (a softmax in the gradient of a loss),
that operator computes it, as quickly and as far from overflow as elsewhere, and derivatives go through its vjp.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np

from convmath import functional
from convmath.calculus import gradient
from convmath.calculus.eliminate import solved, without_single
from convmath.ir.degree import is_linear, is_polynomial
from convmath.ir.nodes import ZERO, Apply, Divides, Equation, Statement, Tensor
from convmath.ir.poly import Floor, Least, Poly
from convmath.ir.walk import inside, shape_of
from convmath.kernels.storage import half, narrow, rounded
from convmath.lower import evaluate
from convmath.ops.registry import FAMILIES, Operator, needed_by, operator

from .tape import Pullback, any_traced, record

__all__ = ["Known", "gradient_by", "gradient_of", "linear_sets", "pulled", "run", "runnable", "with_known"]


def run(statement: Statement, arrays: Mapping[str, Any], numbers: Mapping[str, Any]) -> Any:
    """The first output of a relational statement, of arrays or traced values by name."""
    names = tuple(arrays)

    def rule(lower: list[Any], places: list[int]) -> tuple[Any, Pullback]:
        below = dict(zip(names, lower, strict=True))

        def pullback(cotangent: Any) -> list[Any]:
            return [pulled(statement, names[place], below, cotangent, numbers) for place in places]

        return run(statement, below, numbers), pullback

    if any_traced(arrays.values()):
        return record(rule, tuple(arrays.values()))
    return _value(statement, arrays, numbers)


def pulled(
    statement: Statement, name: str, arrays: Mapping[str, Any], cotangent: Any, numbers: Mapping[str, Any]
) -> Any:
    """The gradient by one of the arrays from a cotangent of the first output; None where it is 0 for all numbers."""
    further = gradient_of(statement, name)
    if all(term.body == ZERO for term in further.output.terms):
        return None
    return run(further, {**arrays, further.inputs[-1].name: cotangent}, numbers)


@lru_cache(maxsize=1024)
def gradient_of(statement: Statement, name: str) -> Statement:
    """The relational statement of a gradient, whose last input is the cotangent."""
    return without_single(gradient.vjp(statement, name))


@lru_cache(maxsize=1024)
def runnable(statement: Statement) -> Statement:
    """The solved form, which is what runs."""
    return solved(statement)[0]


def _value(statement: Statement, arrays: Mapping[str, Any], numbers: Mapping[str, Any]) -> np.ndarray:
    found, given = runnable(statement), {name: np.asarray(array) for name, array in arrays.items()}
    wide = {name: array.astype(np.float32) if half(array.dtype) else array for name, array in given.items()}
    value, stored = evaluate(found, wide, **needed_by(found, numbers))[found.outputs[0]], narrow(given.values())
    return value if stored is None else rounded(value, stored)


# --- the gradient of an operator, as it is differentiated further -------------------------------------------------


@dataclass(frozen=True, slots=True)
class Known:
    """An inner value that an operator has: its name in the statement, the operator, its options, and its input."""

    name: str
    operator: str
    options: tuple[tuple[str, Any], ...]
    of: str

    def value(self, x: Any) -> Any:
        return getattr(functional, self.operator)(x, **dict(self.options))

    def vjp(self, cotangent: Any, x: Any) -> Any:
        [gradient] = getattr(functional, self.operator).vjp(cotangent, x, **dict(self.options))
        return gradient


@lru_cache(maxsize=1024)
def gradient_by(op: Operator, name: str) -> Statement:
    """The gradient by an input: in closed form, but where solving it hides that something must divide."""
    found = op.vjp(name)
    assert found.relational is not None
    hides = any(isinstance(node, Divides | Floor | Least) or _has_parts(node) for node in inside(found.result))
    return found.relational if hides else found.result


def _has_parts(node: Any) -> bool:
    """Whether a form has a floor or a minimum in it."""
    return isinstance(node, Poly) and any(isinstance(atom, Floor | Least) for atom in node.atoms())


@lru_cache(maxsize=1024)
def with_known(statement: Statement) -> tuple[Statement, tuple[Known, ...]]:
    """The statement with the inner values that an operator has as inputs, behind the others.

    >>> from convmath import operator
    >>> found, [known] = with_known(gradient_by(operator("log_softmax", ndim=0), "X"))
    >>> known.operator, [str(equation) for equation in found.equations]
    ('softmax', ['E[ν] = Σ_{c<C} gY[ν,c]', 'gX[ν,c] = gY[ν,c] - E[ν] · P[ν,c]'])
    """
    if not any(isinstance(node, Apply) for node in inside(statement.equations)):
        return statement, ()
    known = [found for equation in statement.equations for found in _known(statement, equation)]
    names = [found.name for found in known]
    # its axes are those of the array that it is a value of
    given = [Tensor(f.name, shape_of(statement, f.name), statement.tensor(f.of).letters) for f in known]
    *own, cotangent = statement.inputs
    kept = tuple(equation for equation in statement.equations if equation.name not in names)
    return gradient.pruned(replace(statement, inputs=(*own, *given, cotangent), equations=kept)), tuple(known)


def _known(statement: Statement, equation: Equation) -> Iterator[Known]:
    """The operator of one array whose statement the equation is, with others that stand before it."""
    for x in statement.inputs:
        for family in FAMILIES.values():
            if x.integer or len(x.shape) - 2 < family.least_ndim:
                continue
            other = operator(family.name, len(x.shape) - 2).statement
            [*before, last] = other.equations
            same = last == replace(equation, name=last.name) and {*before} <= {*statement.equations}
            if before and same and other.inputs == (x,):
                options = tuple((option, values[0]) for option, values in family.options.items())
                yield Known(equation.name, family.name, options, x.name)
                return


# --- what an operator is linear in --------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def linear_sets(statement: Statement) -> tuple[frozenset[str], ...]:
    """The largest sets of inputs that the first output is linear in together, where it is a polynomial in all.

    >>> from convmath import operator
    >>> [sorted(names) for names in linear_sets(operator("conv", ndim=1, bias=True).statement)]
    [['B', 'X'], ['B', 'W']]
    """
    first = gradient.pruned(replace(statement, outputs=statement.outputs[:1]))
    if not is_polynomial(first):  # then not all numbers may be allowed, as with probabilities
        return ()
    found: list[frozenset[str]] = []
    for count in range(len(first.differentiable), 0, -1):
        for names in map(frozenset, combinations(first.differentiable, count)):
            if not any(names <= larger for larger in found) and is_linear(first, names):
                found.append(names)
    return tuple(found)
