"""Random sizes and data at which a statement has a meaning, for exact numeric checks."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from convmath.errors import ShapeError, StatementError
from convmath.ir.bind import settle
from convmath.ir.degree import is_polynomial
from convmath.ir.exact import evaluate_at
from convmath.ir.nodes import AtMost, Less, Read, Statement, Term
from convmath.ir.poly import Param
from convmath.ir.walk import inside, params, reads, reals

__all__ = ["Sample", "drawn", "fractions", "integers", "parameters", "real_values"]

_TRIES = 2000
_BARE = 0.3  # of the samples have no padding: beside a kernel of one it leaves windows empty
_FEW = 100  # numbers that the inputs of a statement with enclosures hold, if it can be
_DRAWS = 60  # samples of data before a statement is taken to have no value at all
_FAR = 1 << 20  # below which numbers are drawn whose products must differ
_MOST = 7  # what every parameter but a size stays near


def parameters(statement: Statement, rng: random.Random) -> dict[Param, int]:
    """Small random values that meet the statement's conditions, with every derived size at least 1."""
    derived = dict(statement.definitions())
    free = [param for param in params(statement) if param not in derived]
    needed = _needed(statement)
    for attempt in range(_TRIES):
        room = 2 + attempt // 100
        drawn = {param: _drawn(param, rng, room, needed) for param in free}
        if rng.random() < _BARE:
            drawn |= {param: param.least or 0 for param in free if param.letter in ("a", "b", "p")}
        try:
            env = settle(statement, drawn)
        except ShapeError:
            continue
        if all(env[param] >= 1 for param in derived):
            return env
    raise StatementError(f"no small sizes were found at which the statement of {statement.outputs[-1]} has a meaning")


def _needed(statement: Statement) -> int:
    """How long an array has to be for what is fixed in the conditions: a kernel of 25, say."""
    small = [condition.left for condition in statement.requires if isinstance(condition, AtMost | Less)]
    return max((abs(c) for form in small for c in form.terms.values()), default=1)


def _drawn(param: Param, rng: random.Random, room: int, needed: int) -> int:
    if param.letter in ("n", "m"):  # an array so short that no window has a neighbour checks little
        return rng.randint(1, 2 * room + needed)
    room = min(room, _MOST)
    if param.letter == "N":  # an empty array checks nothing
        return rng.randint(1, room)
    least = -(room // 2) if param.least is None else param.least  # what may be negative is so now and then
    return least + rng.randint(0, room)


def integers(statement: Statement, env: Mapping[Param, int], rng: random.Random) -> dict[str, np.ndarray]:
    """Integer arrays for the inputs, all values of an array different: then no maximum of them is taken twice.

    An input that holds integers by its nature (classes, positions) gets small ones from 0 on.
    """

    def around_zero(count: int) -> list[int]:
        if _may_tie(statement):
            return _far_apart(count, rng)
        values = list(range(-(count // 2), count - count // 2))
        rng.shuffle(values)
        return values

    return _arrays(statement, env, rng, around_zero)


def fractions(statement: Statement, env: Mapping[Param, int], rng: random.Random) -> dict[str, np.ndarray]:
    """Odd multiples of a power of 1/2 for the inputs, all values of an array different and between -8 and 8.

    None of them is a whole number, nor a half: where pieces meet (0, or 6, say) there is no derivative to check. Some
    of the arrays are positive, as logarithms and roots need them.
    """

    def between(count: int) -> list[Fraction]:
        if _may_tie(statement):
            return [Fraction(2 * k + 1, _FAR >> 2) for k in _far_apart(count, rng)]
        parts = 1 << max(4, count.bit_length())
        low = rng.choice((-8, 0)) * parts // 2
        return [Fraction(2 * k + 1, parts) for k in rng.sample(range(low, 4 * parts), count)]

    return _arrays(statement, env, rng, between)


def _may_tie(statement: Statement) -> bool:
    """Whether a maximum is over more than elements of an input: their products, or squares, may be equal."""
    inputs = set(statement.reads)
    return any(
        node.reduce != "sum"
        and not (isinstance(node.body, Read) and node.body.tensor in inputs)
        and any(reads(node.body))
        for node in inside(statement.equations)
        if isinstance(node, Term)
    )


def _far_apart(count: int, rng: random.Random) -> list[int]:
    """Numbers whose products and powers are hardly ever equal, of either sign."""
    return [rng.choice((-1, 1)) * value for value in rng.sample(range(1, _FAR), count)]


def _arrays(
    statement: Statement, env: Mapping[Param, int], rng: random.Random, values: Callable[[int], list]
) -> dict[str, np.ndarray]:
    arrays = {}
    for tensor in statement.inputs:
        shape = tuple(size.evaluate(env) for size in tensor.shape)
        array = np.empty(math.prod(shape), object)
        if tensor.integer:
            most = rng.randint(1, max(1, *env.values()))
            array[:] = [rng.randrange(most) for _ in array]
        else:
            array[:] = values(array.size)
        arrays[tensor.name] = array.reshape(shape)
    return arrays


_USUAL = tuple(map(Fraction, ("1", "2", "1/2", "3/2", "1/4", "3")))


def real_values(statement: Statement, rng: random.Random) -> dict[str, Any]:
    """Values for the real parameters: usual ones more often than others, and few below 0."""
    found = {}
    for real in reals(statement):
        usual = [*_USUAL, *([] if real.default is None else [real.default])]
        other = Fraction(rng.randint(1 if real.positive else -24, 24), 8)
        found[real.letter] = rng.choice([*usual, other])
    return found


class Sample(NamedTuple):
    """Sizes, data, real parameters, and the outputs there."""

    env: dict[Param, int]
    arrays: dict[str, np.ndarray]
    reals: dict[str, Any]
    value: dict[str, np.ndarray]


def drawn(statement: Statement, rng: random.Random) -> Sample:
    """A sample at which the statement has a finite value; a StatementError says why none was found."""
    polynomial = is_polynomial(statement)
    env, why = dict[Param, int](), ""
    for attempt in range(_DRAWS):
        if attempt % 4 == 0:
            env = parameters(statement, rng) if polynomial else _small(statement, rng)
        arrays = integers(statement, env, rng) if polynomial else fractions(statement, env, rng)
        numbers = real_values(statement, rng)
        try:
            value = evaluate_at(statement, arrays, env, **numbers)
        except StatementError as error:
            why = str(error)
            continue
        if not any(isinstance(v, float) for array in value.values() for v in array.flat):
            return Sample(env, arrays, numbers, value)
        why = "a maximum is over an empty window"
    raise StatementError(f"{why}; so it was, or the like, at each of {_DRAWS} random samples")


def _small(statement: Statement, rng: random.Random) -> dict[Param, int]:
    """Parameters at which the inputs are small: enclosures take time."""

    def held(env: dict[Param, int]) -> int:
        return sum(math.prod(size.evaluate(env) for size in tensor.shape) for tensor in statement.inputs)

    several = [parameters(statement, rng) for _ in range(8)]
    return next((env for env in several if held(env) <= _FEW), min(several, key=held))
