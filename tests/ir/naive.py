"""Statements once more, tuple by tuple and in nothing but Python: what the compiled evaluator is held to.

Numbers are Fractions; within `decimals` they are mpmath's floats of many digits, which have functions and roots too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import product
from math import isnan
from typing import Any

import mpmath
import numpy as np

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
from convmath.ir.poly import Floor, Index, Least, Poly

ENDS = {"max": -float("inf"), "min": float("inf")}
FUNCTIONS = {
    "abs": abs,
    "sign": lambda x: (x > 0) - (x < 0),
    "exp": mpmath.exp,
    "log": mpmath.log,
    "sqrt": mpmath.sqrt,
    "tanh": mpmath.tanh,
    "erf": mpmath.erf,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
}
_number: Callable[[Any], Any] = Fraction


@contextmanager
def decimals(bits: int = 500) -> Iterator[None]:
    """Inside, numbers are floats of so many bits."""
    global _number
    with mpmath.workprec(bits):
        _number = lambda value: value if isinstance(value, mpmath.mpf) else _quotient(Fraction(value))  # noqa: E731
        try:
            yield
        finally:
            _number = Fraction


def _quotient(value: Fraction) -> Any:
    return mpmath.mpf(value.numerator) / value.denominator


class Undefined(Exception):
    """There is no value by definition: a read outside its array, a division by 0, 0·∞."""


def evaluate(statement: Statement, arrays: Mapping[str, Any], env: Mapping[Any, int], **reals: Any) -> dict[str, Any]:
    known = {name: np.asarray(array, object) for name, array in arrays.items()}
    for equation in statement.equations:
        sizes = [_product(_value(index.size, env) for index in form.indices()) for form in equation.at]
        result = np.full(sizes, None, object)
        for at in _tuples(equation.free, env):
            total = sum(_term(term, at, known, reals) for term in equation.terms)
            if isnan(total):
                raise Undefined
            result[tuple(_value(form, at) for form in equation.at)] = total
        known[equation.name] = result
    return {name: known[name] for name in statement.outputs}


def _product(factors: Any) -> Any:
    total: Any = 1
    for factor in factors:
        total = total * factor
    return total


def _value(form: Poly, at: Mapping[Any, int]) -> int:
    return sum(c * _product(_atom(atom, at) ** power for atom, power in monomial) for monomial, c in form.terms.items())


def _atom(atom: Any, at: Mapping[Any, int]) -> int:
    match atom:
        case Floor(number=number, divisor=divisor):
            return _value(number, at) // _value(divisor, at)
        case Least(among=among):
            return min(_value(entry, at) for entry in among)
    return at[atom]


def _tuples(indices: Sequence[Index], env: Mapping[Any, int]) -> Iterator[dict[Any, int]]:
    for found in product(*(range(_value(index.size, env)) for index in indices)):
        yield {**env, **dict(zip(indices, found, strict=True))}


def _term(term: Term, at: Mapping[Any, int], known: Mapping[str, Any], reals: Mapping[str, Any]) -> Any:
    found = [
        _scalar(term.body, inner, known, reals)
        for inner in _tuples(term.bound, at)
        if all(_counted(read, inner, known) for read in _reads(term.body))
        and all(_guard(guard, inner, known, reals) for guard in term.guards)
    ]
    if term.reduce == "sum":
        return sum(found)
    return {"max": max, "min": min}[term.reduce](found, default=ENDS[term.reduce])


def _reads(node: Any) -> Iterator[Read]:
    match node:
        case Read():
            yield node
        case Sum(terms=parts) | Product(factors=parts):
            for part in parts:
                yield from _reads(part)
        case Power(base=part) | Apply(argument=part):
            yield from _reads(part)


def _counted(read: Read, at: Mapping[Any, int], known: Mapping[str, Any]) -> bool:
    """Where nothing lies outside an array, a tuple that reads there is not counted."""
    sizes = known[read.tensor].shape
    return read.outside != "nothing" or all(0 <= _value(e, at) < n for e, n in zip(read.at, sizes, strict=True))


def _guard(guard: Any, at: Mapping[Any, int], known: Mapping[str, Any], reals: Mapping[str, Any]) -> bool:
    match guard:
        case Within(form=form, size=size):
            return 0 <= _value(form, at) < _value(size, at)
        case Less(left=left, right=right):
            return _value(left, at) < _value(right, at)
        case AtMost(left=left, right=right):
            return _value(left, at) <= _value(right, at)
        case Zero(left=left, right=right):
            return _value(left, at) == _value(right, at)
        case Divides(divisor=divisor, form=form):
            return _value(form, at) % _value(divisor, at) == 0
        case Matches(form=form, read=read):
            return _value(form, at) == _scalar(read, at, known, reals)
        case Compare(left=left, relation=relation, right=right):
            u, v = (_scalar(side, at, known, reals) for side in (left, right))
            return {"=": u == v, "≠": u != v, "<": u < v, "≤": u <= v}[relation]
    raise NotImplementedError(type(guard).__name__)


def _scalar(node: Any, at: Mapping[Any, int], known: Mapping[str, Any], reals: Mapping[str, Any]) -> Any:
    match node:
        case Number(value=value):
            return _number(value)
        case IndexValue(form=form):
            return _number(_value(form, at))
        case Real(letter="π"):
            return +mpmath.pi
        case Real(letter=letter, default=default):
            return _number(reals.get(letter, default))
        case Read(tensor=tensor, at=forms, outside=outside):
            return _read(known[tensor], [_value(form, at) for form in forms], outside)
        case Sum(terms=terms):
            return sum(_scalar(term, at, known, reals) for term in terms)
        case Product(factors=factors):
            brackets = [factor.guard for factor in factors if isinstance(factor, Bracket)]
            if not all(_guard(guard, at, known, reals) for guard in _data_last(brackets)):
                return _number(0)  # the other factors need no value
            return _product(_scalar(factor, at, known, reals) for factor in factors if not isinstance(factor, Bracket))
        case Power(base=base, exponent=exponent):
            u, e = _scalar(base, at, known, reals), _scalar(exponent, at, known, reals)
            if u == 0 and e < 0:
                raise Undefined
            return u ** int(e) if e == int(e) else u**e
        case Apply(function=function, argument=argument):
            return FUNCTIONS[function](_scalar(argument, at, known, reals))
        case Bracket(guard=guard):
            return _number(_guard(guard, at, known, reals))
    raise NotImplementedError(type(node).__name__)


def _data_last(guards: Sequence[Any]) -> list[Any]:
    return sorted(guards, key=lambda guard: isinstance(guard, (Matches, Compare)))


def _read(array: Any, place: list[int], outside: Any) -> Any:
    """What lies outside by walking back into the array: round once, to the end, or turned at the end once."""
    for axis, (e, n) in enumerate(zip(place, array.shape, strict=True)):
        if 0 <= e < n:
            continue
        if isinstance(outside, Fraction):
            return _number(outside)
        if n and outside == "circular":
            e += n if e < 0 else -n
        elif n and outside == "replicate":
            e = 0 if e < 0 else n - 1
        elif outside in ("reflect", "symmetric"):
            turn = 0 if outside == "reflect" else 1
            e = -e - turn if e < 0 else 2 * (n - 1) - e + turn
        if not 0 <= e < n:
            raise Undefined
        place[axis] = e
    value = array[tuple(place)]
    return value if isinstance(value, float) else _number(value)
