"""Statements once more, tuple by tuple and in nothing but Python: what the compiled evaluator is held to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from convmath.ir.functions import FUNCTIONS
from convmath.ir.nodes import (
    Apply,
    AtMost,
    Bracket,
    Compare,
    Divides,
    IndexValue,
    Less,
    Matches,
    Number,
    Power,
    Product,
    Read,
    Real,
    Statement,
    Sum,
    Term,
    Within,
    Zero,
)
from convmath.ir.poly import Index

ENDS = {"max": -float("inf"), "min": float("inf")}


class Outside(Exception):
    """A read that is not counted."""


def evaluate(statement: Statement, arrays: Mapping[str, Any], env: Mapping[Any, int], **reals: Any) -> dict[str, Any]:
    known = {name: np.asarray(array, object) for name, array in arrays.items()}
    for equation in statement.equations:
        sizes = []
        for form in equation.at:
            size = 1
            for index in form.indices():
                size *= index.size.evaluate(env)
            sizes.append(size)
        result = np.zeros(sizes, object)
        for at in _tuples(equation.free, env):
            place = tuple(form.evaluate(at) for form in equation.at)
            for term in equation.terms:
                result[place] = result[place] + _term(term, at, known, reals)
        known[equation.name] = result
    return {name: known[name] for name in statement.outputs}


def _tuples(indices: Sequence[Index], env: Mapping[Any, int]) -> Iterator[dict[Any, int]]:
    for found in product(*(range(index.size.evaluate(env)) for index in indices)):
        yield {**env, **dict(zip(indices, found, strict=True))}


def _term(term: Term, at: Mapping[Any, int], known: Mapping[str, Any], reals: Mapping[str, Any]) -> Any:
    found = []
    for inner in _tuples(term.bound, at):
        try:
            if all(_guard(guard, inner, known, reals) for guard in term.guards):
                found.append(_scalar(term.body, inner, known, reals))
        except Outside:
            continue
    if term.reduce == "sum":
        return sum(found)
    return {"max": max, "min": min}[term.reduce](found, default=ENDS[term.reduce])


def _guard(guard: Any, at: Mapping[Any, int], known: Mapping[str, Any], reals: Mapping[str, Any]) -> bool:
    match guard:
        case Within(form=form, size=size):
            return 0 <= form.evaluate(at) < size.evaluate(at)
        case Less(left=left, right=right):
            return left.evaluate(at) < right.evaluate(at)
        case AtMost(left=left, right=right):
            return left.evaluate(at) <= right.evaluate(at)
        case Zero(left=left, right=right):
            return left.evaluate(at) == right.evaluate(at)
        case Divides(divisor=divisor, form=form):
            return form.evaluate(at) % divisor.evaluate(at) == 0
        case Matches(form=form, read=read):
            return form.evaluate(at) == _scalar(read, at, known, reals)
        case Compare(left=left, relation=relation, right=right):
            u, v = (_scalar(side, at, known, reals) for side in (left, right))
            return {"=": u == v, "<": u < v, "≤": u <= v}[relation]
    raise NotImplementedError(type(guard).__name__)


def _scalar(node: Any, at: Mapping[Any, int], known: Mapping[str, Any], reals: Mapping[str, Any]) -> Any:
    match node:
        case Number(value=value):
            return value
        case IndexValue(form=form):
            return Fraction(form.evaluate(at))
        case Real(letter=letter):
            return reals[letter]
        case Read(tensor=tensor, at=forms, outside=outside):
            return _read(known[tensor], [form.evaluate(at) for form in forms], outside)
        case Sum(terms=terms):
            return sum(_scalar(term, at, known, reals) for term in terms)
        case Product(factors=factors):
            total = Fraction(1)
            for factor in factors:
                total = total * _scalar(factor, at, known, reals)
            return total
        case Power(base=base, exponent=exponent):
            return Fraction(_scalar(base, at, known, reals)) ** int(_scalar(exponent, at, known, reals))
        case Apply(function=function, argument=argument):
            exact = FUNCTIONS[function].exact
            assert exact is not None
            return exact(_scalar(argument, at, known, reals))
        case Bracket(guard=guard):
            return Fraction(_guard(guard, at, known, reals))
    raise NotImplementedError(type(node).__name__)


def _read(array: Any, place: list[int], outside: Any) -> Any:
    """Borders by walking back into the array, one reflection at a time."""
    for axis, (e, n) in enumerate(zip(place, array.shape, strict=True)):
        while not 0 <= e < n:
            if outside == "nothing":
                raise Outside
            if isinstance(outside, Fraction):
                return outside
            if outside == "circular":
                e %= n
            elif outside == "replicate":
                e = min(max(e, 0), n - 1)
            else:
                turn = 0 if outside == "reflect" else 1
                e = -e - turn if e < 0 else 2 * (n - 1) - e + turn
        place[axis] = e
    return Fraction(array[tuple(place)])
