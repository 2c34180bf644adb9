"""The exact numeric check of a step at random sizes. One rule per kind of step.

A rewriting step is checked by evaluating both sides by definition; of values that are not rational, the enclosures at
64 bits must overlap. An exchange of indices (a gradient) is checked against the *forward* statement alone: ⟨gX, dX⟩
must be the derivative of ⟨gY, Y⟩ along dX. Where Y is a polynomial in X, that is the exact derivative at 0 of the
polynomial h ↦ Y(X + h·dX) through as many exact points as its degree needs. Where it is none, it is the central
difference quotient (Y(X + h·dX) - Y(X - h·dX))/(2h) at h = 2^-60, of values that are enclosed to 256 bits: its
remainder is O(h²), and the two must agree to 2^-30 of their size. Steps of a size are checked by counting.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import singledispatch
from typing import Any

import numpy as np

from convmath.errors import StatementError
from convmath.ir.bind import complete
from convmath.ir.degree import statement_degree
from convmath.ir.enclosure import Enclosure, precision
from convmath.ir.exact import evaluate_at
from convmath.ir.nodes import AtMost, Guard, Less, Placement, Size, Statement
from convmath.ir.poly import Index, Param, Poly, poly
from convmath.ir.walk import params
from convmath.steps import (
    Assemble,
    ChooseExtra,
    CountPositions,
    Exchange,
    Likewise,
    Outcome,
    Relations,
    Start,
    Step,
    Substitute,
    Tangent,
)

from . import sample

__all__ = ["check", "checked_step", "directional_derivative"]

CASES = 4
_STEP = Fraction(1, 1 << 60)  # of a central difference quotient
_BITS = 256  # to which its values are known
_DRAWS = 20  # samples before a derivative is taken to have no value at all


def checked_step(step: Step, subject: Any, seed: int = 0) -> Outcome:
    """The step held at `CASES` random samples of what the derivation is about."""
    rng = random.Random(f"{type(step).__name__} {seed}")
    for case in range(CASES):
        try:
            with precision(2 * _BITS):
                failure = check(step, subject, rng)
        except StatementError as error:
            failure = str(error)
        if failure:
            return Outcome(case + 1, failure)
    return Outcome(CASES)


@singledispatch
def check(step: Step, subject: Any, rng: random.Random) -> str | None:
    """What is wrong with the step at some random sizes; None if nothing is."""
    if isinstance(step.before, Statement):
        return _same_value(step.before, step.after, rng)
    return _same_integers(step, subject, rng)


@check.register
def _(step: Start, subject: Statement, rng: random.Random) -> str | None:
    sample.drawn(step.after, rng)
    return None


# --- between statements -----------------------------------------------------------------------------------------


def _same_value(before: Statement, after: Statement, rng: random.Random) -> str | None:
    env, arrays, reals, left = sample.drawn(before, rng)
    right = evaluate_at(after, arrays, complete(after, env), **reals)
    for name, value in left.items():
        if not _all(_equal, value, right[name]):
            return f"{name} differs at {_said(env, reals)}"
    return None


def _equal(left: Any, right: Any) -> bool:
    """Whether two exact values are equal, as far as their enclosures say."""
    gap = left - right
    return 0 in gap if isinstance(gap, Enclosure) else gap == 0


def _near(left: Any, right: Any) -> bool:
    """Whether a derivative is what a central difference quotient says."""
    return abs(left - right) <= max(abs(left), abs(right), key=float) / 2**30 + Fraction(1, 1 << 50)


def _all(same: Callable[[Any, Any], bool], left: np.ndarray, right: np.ndarray) -> bool:
    return left.shape == right.shape and all(map(same, left.flat, right.flat))


def _as(forward: Statement, wrt: str) -> Callable[[Any, Any], bool]:
    """How a derivative is compared with `directional_derivative`."""
    return _near if statement_degree(forward, wrt) is None else _equal


@check.register
def _(step: Exchange, subject: Statement, rng: random.Random) -> str | None:
    forward: Statement = step.before
    output, wrt = forward.outputs[0], step.wrt
    (env, arrays, reals, _), cotangent, gradients = _derived(step, f"g{output}", output, rng)
    direction = _random_like(arrays[wrt], rng)
    pushed = directional_derivative(forward, arrays, env, wrt, direction, **reals)[output]
    left, right = np.sum(gradients[f"g{wrt}"] * direction), np.sum(cotangent * pushed)
    if _as(forward, wrt)(left, right):
        return None
    return f"⟨g{wrt}, d{wrt}⟩ = {left}, but ⟨g{output}, d{output}⟩ = {right} at {_said(env, reals)}"


@check.register
def _(step: Tangent, subject: Statement, rng: random.Random) -> str | None:
    forward: Statement = step.before
    (env, arrays, reals, value), direction, tangents = _derived(step, f"d{step.wrt}", step.wrt, rng)
    pushed = directional_derivative(forward, arrays, env, step.wrt, direction, **reals)
    for name in value:
        tangent = tangents.get(f"d{name}", np.zeros(value[name].shape, object))  # one that is not stated is 0
        if not _all(_as(forward, step.wrt), tangent, pushed[name]):
            return f"d{name} differs from the difference quotient at {_said(env, reals)}"
    return None


def _derived(
    step: Exchange | Tangent, name: str, like: str, rng: random.Random
) -> tuple[sample.Sample, np.ndarray, dict[str, np.ndarray]]:
    """A sample, a random array of the shape of `like` for the input that the derivative has besides, and its value.

    The derivative may have none where the statement has one (a root at 0): then another sample is drawn.
    """
    why = ""
    for _ in range(_DRAWS):
        found = sample.drawn(step.before, rng)
        extra = _random_like({**found.arrays, **found.value}[like], rng)
        env = complete(step.after, found.env)
        try:
            value = evaluate_at(step.after, {**found.arrays, name: extra}, env, bits=_BITS, **found.reals)
        except StatementError as error:
            why = str(error)
        else:
            return found, extra, value
    raise StatementError(f"{why}; so it was, or the like, at each of {_DRAWS} random samples")


def directional_derivative(
    statement: Statement,
    arrays: Mapping[str, np.ndarray],
    env: Mapping[Param, int],
    wrt: str,
    direction: np.ndarray,
    **reals: Any,
) -> dict[str, np.ndarray]:
    """d/dh of the outputs at X + h·direction, h = 0: exact for outputs that are polynomial in X.

    Maxima of polynomials are included where no two candidates are as close as the steps are small.

    It is the derivative at 0 of the polynomial through h = 0, δ, …, D·δ, by Lagrange's weights. For other outputs it is
    the central difference quotient, with a remainder of O(h²).
    """

    def at(h: Fraction) -> dict[str, np.ndarray]:
        return evaluate_at(statement, {**arrays, wrt: arrays[wrt] + h * direction}, env, bits=_BITS, **reals)

    degree = statement_degree(statement, wrt)
    if degree is None:
        weighted = [(1 / (2 * h), at(h)) for h in (_STEP, -_STEP)]
    else:
        delta, nodes = Fraction(1, 1 << 24), range(degree + 1)
        weighted = [(_weight(node, nodes) / delta, at(node * delta)) for node in nodes]
    return {
        name: np.asarray(sum(weight * value[name] for weight, value in weighted), object) for name in statement.outputs
    }


def _weight(node: int, nodes: range) -> Fraction:
    """The derivative at 0 of the Lagrange polynomial that is 1 at `node` and 0 at the others."""
    others = [other for other in nodes if other != node]
    below = math.prod(node - other for other in others)
    above = sum(math.prod(-o for o in others if o != left_out) for left_out in others)
    return Fraction(above, below)


def _random_like(array: np.ndarray, rng: random.Random) -> np.ndarray:
    values = np.empty(array.size, object)
    values[:] = [rng.randint(-9, 9) for _ in range(array.size)]
    return values.reshape(array.shape)


# --- steps of a size --------------------------------------------------------------------------------------------


@check.register
def _(step: Assemble, subject: Statement, rng: random.Random) -> str | None:
    env = sample.parameters(subject, rng)
    before, after = ([size.evaluate(env) for size in shape.sizes] for shape in (step.before, step.after))
    return None if before == after else f"{before} became {after} at {_said(env)}"


@check.register
def _(step: Substitute, subject: Statement, rng: random.Random) -> str | None:
    for _ in range(200):
        env: dict[Any, int] = dict(sample.parameters(subject, rng))
        for _, value in step.values:
            env = {**{param: (param.least or 0) + rng.randint(0, 9) for param in params(value)}, **env}
        put_in = env | {param: value.evaluate(env) for param, value in step.values}
        if all(param.least is None or put_in[param] >= param.least for param, _ in step.values):
            before = [size.evaluate(put_in) for size in step.before.sizes]
            after = [size.evaluate(env) for size in step.after.sizes]
            return None if before == after else f"{before} became {after} at {_said(env)}"
    raise StatementError("no sample made every value as large as it has to be")


def _same_integers(step: Step, subject: Statement, rng: random.Random) -> str | None:
    values, [before, after] = _found((step.before, step.after), _unknown(step), subject, rng)
    return None if before == after else f"{before} became {after} at {_said(values)}"


@check.register
def _(step: CountPositions, subject: Statement, rng: random.Random) -> str | None:
    values, [positions] = _found((step.before,), _unknown(step), subject, rng)
    return _as_stated(step.after, len(positions), values)


@check.register
def _(step: ChooseExtra, subject: Statement, rng: random.Random) -> str | None:
    return _chosen(step.before, step.extra, step.after, subject, rng)


@check.register
def _(step: Likewise, subject: Statement, rng: random.Random) -> str | None:
    for placement, size in zip(step.placements, step.after.sizes, strict=True):
        if placement.rule == "preimage":
            failure = _chosen(placement, placement.extra, size, subject, rng)
        else:
            values, [positions] = _found((placement,), placement.index, subject, rng)
            failure = _as_stated(size, len(positions), values)
        if failure:
            return failure
    return None


def _chosen(side: Any, extra: Poly, size: Size, subject: Statement, rng: random.Random) -> str | None:
    """The extra-th of the sizes that a side allows is the one that is stated; beyond the last of them it counts on."""
    for _ in range(50):
        values, [sizes] = _found((side,), size.param, subject, rng)
        choice = extra.evaluate(values)
        if not sizes:
            return f"no size is allowed at {_said(values)}"
        if choice <= size.value.evaluate(values):  # else the first size is no size of an array
            return _as_stated(size, sizes[choice] if choice < len(sizes) else sizes[0] + choice, values)
    raise StatementError("no sample had a first size that is at least 0")


def _as_stated(size: Size, got: int, values: Mapping) -> str | None:
    expected = size.value.evaluate(values)
    return None if got == expected else f"{size.value} is {expected}, but {got} was found at {_said(values)}"


def _found(
    sides: tuple, unknown: Any, subject: Statement, rng: random.Random
) -> tuple[dict[Param, int], list[list[int]]]:
    """Random sizes, and every value of the unknown that each side allows there."""
    env = sample.parameters(subject, rng)
    values = {param: value for param, value in env.items() if param != unknown}
    limit = 6 + 2 * max(env.values())
    return values, [_integers(side, unknown, values, limit) for side in sides]


def _unknown(step: Step) -> Any:
    for side in (step.before, step.after):
        if isinstance(side, Relations):
            return side.unknown.atom
    raise NotImplementedError(f"no unknown in a {type(step).__name__}")


def _integers(side: Any, unknown: Any, values: Mapping, limit: int) -> list[int]:
    """Every value of the unknown that a side allows."""
    if isinstance(side, Placement):
        return [v for v in range(limit) if _placed(side, {**values, unknown: v}, v)]
    return [v for v in range(limit) if all(_for_every(g, side.every, {**values, unknown: v}) for g in side.guards)]


def _for_every(guard: Guard, every: tuple[Index, ...], values: Mapping) -> bool:
    if not every:
        return bool(_holds(guard, values))
    first, *rest = every
    return all(_for_every(guard, tuple(rest), {**values, first: v}) for v in range(first.size.evaluate(values)))


def _holds(guard: Guard, values: Mapping) -> bool:
    match guard:
        case AtMost(left=left, right=right):
            return left.evaluate(values) <= right.evaluate(values)
        case Less(left=left, right=right):
            return left.evaluate(values) < right.evaluate(values)
    raise NotImplementedError(f"no rule for a relation of type {type(guard).__name__}")


def _positions(placement: Placement, values: Mapping, j: int) -> list[int]:
    """What the window at j reads, tap by tap."""
    taps = sorted(placement.form.indices() - {placement.index}, key=lambda index: index.key)
    grids = np.meshgrid(*(np.arange(t.size.evaluate(values)) for t in taps), indexing="ij")
    read = placement.form.evaluate({**values, placement.index: j, **dict(zip(taps, grids, strict=True))})
    return [int(e) for e in np.asarray(read).reshape(-1)]


def _placed(placement: Placement, values: Mapping, unknown: int) -> bool:
    """Whether the unknown is counted, by the words of the placement and by laying the windows out."""

    def inside(j: int, size: int) -> bool:
        low, high = -placement.before.evaluate(values), size + placement.after.evaluate(values)
        return all(low <= e < high for e in _positions(placement, values, j))

    if placement.rule == "preimage":
        n = placement.index.size.evaluate(values)
        return all(inside(j, unknown) for j in range(n)) and not inside(n, unknown)
    n = placement.size.evaluate(values)
    if placement.rule == "inside":
        return inside(unknown, n)
    end = n + placement.after.evaluate(values) - 1
    before_end = unknown == 0 or max(_positions(placement, values, unknown - 1)) < end
    return before_end and min(_positions(placement, values, unknown)) < n


def _said(env: Mapping[Any, int], reals: Mapping[str, Fraction] | None = None) -> str:
    sizes = {str(poly(param)): value for param, value in env.items() if isinstance(param, Param)}
    return ", ".join(f"{name} = {value}" for name, value in {**sizes, **(reals or {})}.items())
