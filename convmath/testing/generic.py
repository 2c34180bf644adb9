"""Cases of any operator, drawn from what its statement says: for one that a user stated, say.

Every parameter but the lengths of inputs is drawn first; then each length is the least that the statement's conditions
allow, and a little more. So a case is valid as built, and shrinks to one tap, stride 1, no padding, and ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st

from convmath.errors import ShapeError, StatementError
from convmath.ir.bind import settle
from convmath.ir.degree import is_polynomial
from convmath.ir.nodes import Matches, Statement
from convmath.ir.poly import Index, Param
from convmath.ir.walk import inside, params, reals
from convmath.ops.registry import Operator

from .case import Case
from .draw.numbers import SEEDS, distinct, integers
from .draw.options import Draw

__all__ = ["generic"]

LENGTH = "n"  # the letter of the lengths of inputs, which come last
LONGEST = 40

# how far beyond its least a parameter goes, with one spatial axis, two, or more: few enough elements that exact
# evaluation takes milliseconds
_MOST = {"k": (3, 2, 1), "l": (3, 2, 1), "s": (2, 1, 1), "d": (2, 1, 1), "a": (2, 1, 1), "b": (2, 1, 1), "p": (2, 1, 1)}
_BEYOND = (3, 2, 1)  # the same for a length


@st.composite
def generic(draw: Draw, op: Operator) -> Case:
    """A call of an operator: its arrays, and what they do not tell by letter, as `Operator.exact` takes them."""
    statement = op.statement
    env = _sizes(draw, statement, min(op.ndim, 3) - 1)
    values = draw(st.sampled_from((integers, distinct)))
    arrays = []
    for tensor in statement.inputs:
        shape, seed = tuple(size.evaluate(env) for size in tensor.shape), draw(SEEDS)
        if tensor.integer:
            below = _below(statement, tensor.name, env)
            arrays.append(np.random.default_rng(seed).integers(0, below, shape) if seed else np.zeros(shape, int))
        else:
            arrays.append(values(seed, shape))
    given = _given(op, env) | _reals(draw, op)
    for positive in (False, True):  # roots and logarithms need numbers above 0
        found = [np.abs(array) + 1 if positive and array.dtype.kind == "f" else array for array in arrays]
        case = Case(op.name, tuple(found), given, op)
        if _has_a_value(case):
            return case
    return reject()


def _sizes(draw: Draw, statement: Statement, dimensions: int) -> dict[Param, int]:
    """Parameters that meet the conditions of the statement."""
    derived = dict(statement.definitions())
    free = [param for param in params(statement) if param not in derived]
    lengths = [param for param in free if param.letter == LENGTH]
    env: dict[Param, int] = {}
    for param in sorted((param for param in free if param not in lengths), key=lambda param: param.axis):
        low = max(1, param.least or 0) if param.letter in "Nm" else param.least or 0  # an empty array checks little
        env[param] = draw(st.integers(low, low + _MOST.get(param.letter, (1, 1, 1))[dimensions]))
    least = next((e for e in range(1, LONGEST) if _fits(statement, env | dict.fromkeys(lengths, e))), None)
    if least is None:
        return reject()
    env |= dict.fromkeys(lengths, least)
    for length in lengths:
        shorter = (e for e in range(1, least) if _fits(statement, env | {length: e}))
        env[length] = next(shorter, least)
    longer = {length: draw(st.integers(0, _BEYOND[dimensions])) for length in lengths}
    grown = env | {length: env[length] + more for length, more in longer.items()}
    return settle(statement, grown if _fits(statement, grown) else env)


def _fits(statement: Statement, env: Mapping[Param, int]) -> bool:
    try:
        settled = settle(statement, env)
    except ShapeError:
        return False
    return all(settled[size.param] >= 1 for size in statement.sizes)


def _below(statement: Statement, name: str, env: Mapping[Param, int]) -> int:
    """What the numbers of an input that holds whole numbers are compared with goes up to."""
    compared = [node.form.atom for node in inside(statement) if isinstance(node, Matches) and node.read.tensor == name]
    return max(1, *(form.size.evaluate(env) for form in compared if isinstance(form, Index)), 1)


def _given(op: Operator, env: Mapping[Param, int]) -> dict[str, Any]:
    """The parameters that the shapes of the arrays do not tell, one for each axis where there are several.

    One that has its default is left out, but for a stride, whose default may be the kernel.
    """
    statement = op.statement
    told = {size.atom for tensor in statement.inputs for size in tensor.shape}
    derived = dict(statement.definitions())
    by_letter: dict[str, list[Param]] = {}
    for param in sorted(params(statement), key=lambda param: param.axis):
        if param not in told and param not in derived:
            by_letter.setdefault(param.letter, []).append(param)
    fixed = {param.letter for param, _ in op.fixed}
    given: dict[str, Any] = {}
    for letter, several in by_letter.items():
        if letter != "s" and all(env[param] == param.default for param in several):
            continue
        if letter in fixed or len(several) == 1:
            given |= {param.name: env[param] for param in several}
        else:
            given[letter] = tuple(env[param] for param in several)
    return given


def _reals(draw: Draw, op: Operator) -> dict[str, Any]:
    """Real parameters by the name that is typed: the default, its half or its double; 1 where it has none."""
    typed = {letter: name for name, letter in op.family.words.items()}
    given = {}
    for real in reals(op.statement):
        times = draw(st.sampled_from((Fraction(1), Fraction(2), Fraction(1, 2))))
        if real.default is None or times != 1:
            given[typed.get(real.letter, real.letter)] = float(times * (1 if real.default is None else real.default))
    return given


def _has_a_value(case: Case) -> bool:
    """Whether the value and the gradients are numbers here: nothing is divided by 0, no root is that of -1."""
    try:
        values = case.expected if isinstance(case.expected, tuple) else (case.expected,)
        if not is_polynomial(case.operator.statement):
            case.expected_vjp(np.ones(values[0].shape))
    except StatementError:
        return False
    return not any(isinstance(number, float) for value in values for number in value.flat)  # ∓∞, of an empty maximum
