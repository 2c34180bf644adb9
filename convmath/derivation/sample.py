"""Random sizes and data at which a statement has a meaning, for exact numeric checks."""

from __future__ import annotations

import random
from collections.abc import Mapping

import numpy as np

from convmath.errors import ShapeError, StatementError
from convmath.ir.bind import settle
from convmath.ir.nodes import AtMost, Less, Statement
from convmath.ir.poly import Param
from convmath.ir.walk import params

__all__ = ["integers", "parameters"]

_TRIES = 2000
_MOST = 7  # what every parameter but a size stays near


def parameters(statement: Statement, rng: random.Random) -> dict[Param, int]:
    """Small random values that meet the statement's conditions, with every derived size at least 1."""
    derived = dict(statement.definitions())
    free = [param for param in params(statement) if param not in derived]
    needed = _needed(statement)
    for attempt in range(_TRIES):
        room = 2 + attempt // 100
        drawn = {param: _drawn(param, rng, room, needed) for param in free}
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
    return (param.least or 0) + rng.randint(0, room)


def integers(statement: Statement, env: Mapping[Param, int], rng: random.Random) -> dict[str, np.ndarray]:
    """Integer arrays for the inputs, all values of an array different: then no maximum is taken twice."""
    arrays = {}
    for tensor in statement.inputs:
        shape = tuple(size.evaluate(env) for size in tensor.shape)
        count = int(np.prod(shape, dtype=int))
        values = list(range(-(count // 2), count - count // 2))
        rng.shuffle(values)
        array = np.empty(count, object)
        array[:] = values
        arrays[tensor.name] = array.reshape(shape)
    return arrays
