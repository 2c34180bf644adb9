"""What an implementation of an operator must obey, law by law.

A law is a function of a subject, a case and a source of small integer arrays; it says what is wrong, or returns
None. On small integers the sums of floating point are exact, so a law is an equality, except where a statement
divides (then the error is at most γ_n·Σ|terms|) and where the subject states a bound of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from convmath.ir.degree import is_linear
from convmath.ir.exact import evaluate_rounded, exact_array
from convmath.ir.nodes import Apply, Number, Power, Real, Statement
from convmath.ir.walk import inside, reads
from convmath.ops.registry import Operator, needed_by, operator
from convmath.window import BORDERS

from .cases import Case
from .shifts import moves_along
from .subject import Subject

__all__ = ["LAWS", "Finding", "Fresh", "Law", "applies", "laws_of"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a law found wrong: a sentence, and the two values that differ (for a cotangent, if of a gradient)."""

    sentence: str
    expected: Any = None
    got: Any = None
    cotangent: np.ndarray | None = None
    verdict: str = "wrong"


Fresh = Callable[[tuple[int, ...]], np.ndarray]
Law = Callable[[Subject, Case, Fresh], "Finding | None"]


# --- how close is right -------------------------------------------------------------------------------------------


# what another order of the same operations may add to the error of evaluating a statement as it is written
SLACK = 4


@lru_cache(maxsize=512)
def _stays_whole(statement: Statement) -> bool:
    """Whether whole numbers give whole numbers, on which floating point is exact: then equal means equal."""
    return not any(
        isinstance(node, Power | Apply | Real) or (isinstance(node, Number) and node.value.denominator != 1)
        for node in inside(statement.equations)
    )


def _rounding(statement: Statement, case: Case, got: np.ndarray, output: str, **cotangent: np.ndarray) -> Any:
    """How far floating point in the type of `got` may be from the value of a statement; 0 where it stays whole."""
    if _stays_whole(statement):
        return 0.0
    _, named, numbers = case.resolved
    unit = float(np.finfo(np.result_type(got, np.float32)).eps) / 2
    found = evaluate_rounded(statement, named | cotangent, unit, **needed_by(statement, numbers))
    return SLACK * found[output][1]


def _allowed(subject: Subject, case: Case, got: np.ndarray, output: str = "") -> Any:
    """The error that a value is allowed: the subject's own bound, or that of evaluating the statement."""
    if subject.bound is not None:
        return subject.bound(case)
    statement = case.operator.statement
    return _rounding(statement, case, got, output or statement.outputs[0])


def _allowed_gradient(subject: Subject, case: Case, cotangent: np.ndarray, place: int, got: np.ndarray) -> Any:
    """The error that a gradient is allowed: the same of the derived statement."""
    if subject.bound is not None:
        return subject.bound(case)
    statement = case.operator.statement
    derived = case.operator.vjp(statement.reads[place]).result
    return _rounding(derived, case, got, derived.outputs[0], **{f"g{statement.outputs[0]}": cotangent})


def _compared(expected: np.ndarray, got: np.ndarray, allowed: Any, what: str) -> Finding | None:
    """Equal, or within what is allowed; the first position that differs is named."""
    if expected.shape != got.shape:
        return Finding(f"{what} has shape {got.shape}, but {expected.shape} is right", expected, got)
    exact = expected.astype(float)
    with np.errstate(invalid="ignore"):  # infinities are equal or not; a NaN is within no bound
        off = ~((got == exact) | (np.abs(got - exact) <= allowed))
    if not off.any():
        return None
    where = tuple(int(i) for i in np.argwhere(off)[0])
    return Finding(f"{what}{list(where)} is {got[where]}, but {expected[where]} is right", expected, got)


def _dot(a: np.ndarray, b: np.ndarray) -> int | Fraction:
    """⟨a, b⟩, exactly"""
    return np.sum(exact_array(a) * exact_array(b))


def _several(value: Any) -> tuple[np.ndarray, ...]:
    return value if isinstance(value, tuple) else (value,)


# --- laws ---------------------------------------------------------------------------------------------------------


def definition(subject: Subject, case: Case, fresh: Fresh) -> Finding | None:
    """the value is what the definition says"""
    outputs = case.operator.statement.outputs
    got = subject.outputs(case)
    if len(got) < len(outputs):
        return Finding(
            f"{len(got)} outputs came, but {len(outputs)} are right: {', '.join(outputs)}", outputs, len(got)
        )
    for name, expected, value in zip(outputs, _several(case.expected), got, strict=False):
        what = "the output" if len(outputs) == 1 else f"the output {name}"
        if found := _compared(expected, value, _allowed(subject, case, value, name), what):
            return found
    return None


def output_size(subject: Subject, case: Case, fresh: Fresh) -> Finding | None:
    """the output has the derived size"""
    shape = case.sizes
    got = subject.run(case).shape
    return None if got == shape else Finding(f"the output has shape {got}, but {shape} is derived", shape, got)


def purity(subject: Subject, case: Case, fresh: Fresh) -> Finding | None:
    """a call leaves its arguments as they were"""
    handed, cotangent = case.copy(), fresh(case.sizes)
    subject.call(handed)
    before, after = list(case.arrays), list(handed.arrays)
    if subject.vjp is not None:
        before, after = [*before, cotangent.copy()], [*after, cotangent]
        subject.pull(cotangent, handed)
    for name, mine, left in zip([*case.operator.statement.reads, "the cotangent"], before, after, strict=False):
        if not np.array_equal(mine, left):
            return Finding(f"the call changes {name}", mine, left, verdict="impure")
    return None


def gradient(subject: Subject, case: Case, fresh: Fresh) -> Finding | None:
    """each gradient is the derived one"""
    cotangent = fresh(case.sizes)
    derived = case.expected_vjp(cotangent)
    for place, (expected, got) in enumerate(zip(derived, subject.gradients(cotangent, case), strict=True)):
        name = f"g{case.operator.statement.reads[place]}"
        if expected is None or (got is None and not expected.any()):
            continue  # whole numbers have no gradient, and no gradient is that of what is not depended on
        if got is None:
            return Finding(f"there is no {name}, but the output depends on it", expected, got, cotangent)
        allowed = _allowed_gradient(subject, case, cotangent, place, got) if got.shape == expected.shape else 0
        if found := _compared(expected, got, allowed, name):
            return Finding(found.sentence, found.expected, found.got, cotangent)
    return None


def tangent(subject: Subject, case: Case, fresh: Fresh) -> Finding | None:
    """⟨gX, dX⟩ = ⟨gY, dY⟩ for the derivative dY along dX that is derived"""
    cotangent, dx = fresh(case.sizes), fresh(case.arrays[0].shape)
    op, named, numbers = case.resolved
    letter, output = op.statement.reads[0], op.statement.outputs[0]
    gx = subject.gradients(cotangent, case)[0]
    if gx is None or gx.shape != dx.shape:
        came = "is missing" if gx is None else f"has shape {gx.shape}"
        return Finding(f"g{letter} {came}, but {dx.shape} is right", dx, gx, cotangent)
    derived = op.jvp(letter).result
    pushed = derived.evaluate({**named, f"d{letter}": dx}, **needed_by(derived, numbers))
    if isinstance(pushed, dict):
        pushed = pushed[f"d{output}"]
    left, right = _dot(gx, dx), np.sum(exact_array(cotangent) * pushed)
    allowed = (np.abs(dx) * _allowed_gradient(subject, case, cotangent, 0, gx)).sum()
    if abs(float(left - right)) <= float(allowed):
        return None
    said = f"⟨g{letter}, d{letter}⟩ is {float(left)}, but ⟨g{output}, d{output}⟩ is {float(right)}"
    return Finding(said, float(right), float(left), cotangent)


def pairing(subject: Subject, case: Case, fresh: Fresh) -> Finding | None:
    """⟨gY, A x⟩ = ⟨Aᵀ gY, x⟩ (without bias)"""
    plain = _linear_part(case)
    value, x = subject.run(plain), plain.arrays[0]
    cotangent = fresh(value.shape)
    gx = subject.gradients(cotangent, plain)[0]
    if gx is None or gx.shape != x.shape:
        came = "is missing" if gx is None else f"has shape {gx.shape}"
        return Finding(f"gX {came}, but {x.shape} is right", x, gx, cotangent)
    if not (np.isfinite(value).all() and np.isfinite(gx).all()):
        return Finding("⟨gY, A x⟩ and ⟨Aᵀ gY, x⟩ are no numbers", value, gx, cotangent)
    left, right = _dot(cotangent, value), _dot(gx, x)
    of_value = np.abs(cotangent) * _allowed(subject, plain, value)
    of_gradient = np.abs(x) * _allowed_gradient(subject, plain, cotangent, 0, gx)
    if abs(left - right) <= of_value.sum() + of_gradient.sum():
        return None
    return Finding(f"⟨gY, A x⟩ is {float(left)}, but ⟨Aᵀ gY, x⟩ is {float(right)}", left, right, cotangent)


def linearity(subject: Subject, case: Case, fresh: Fresh) -> Finding | None:
    """A(2x + 3x′) = 2·A x + 3·A x′ (without bias)"""
    one = _linear_part(case)
    x, *rest = one.arrays
    other = one.with_arrays(fresh(x.shape), *rest)
    both = one.with_arrays(2 * x + 3 * other.arrays[0], *rest)
    together, first, second = map(subject.run, (both, one, other))
    if first.shape == second.shape == together.shape:
        apart = 2 * first + 3 * second
        # a product and a sum more are rounded outside the subject
        allowed = 2 * _allowed(subject, one, first) + 3 * _allowed(subject, other, second)
        with np.errstate(invalid="ignore"):
            if (np.abs(together - apart) <= _allowed(subject, both, together) + 2 * allowed).all():
                return None
        return Finding("A(2x + 3x′) is not 2·A x + 3·A x′", apart, together)
    return Finding("A x, A x′ and A(2x + 3x′) have different shapes", first.shape, together.shape)


def translation(subject: Subject, case: Case, fresh: Fresh) -> Finding | None:
    """a stride of zeros put before the input moves the output by one position, where windows start inside the input

    A transposed operator moves by a stride for each zero, everywhere.
    """
    value, transposed = subject.run(case), case.operator.statement.placements[0].rule == "preimage"
    for axis, (stride, before) in enumerate(_laid(case), 2):
        zeros, shift = (1, stride) if transposed else (stride, 1)
        start = 0 if transposed else max(0, -(-before // stride))
        x, *rest = case.arrays
        moved = case.with_arrays(np.insert(x, [0] * zeros, 0.0, axis), *rest)
        got = subject.run(moved)
        if got.shape != moved.sizes:
            return Finding(f"the output has shape {got.shape} when spatial axis {axis - 2} is longer by {zeros}")
        inner = [slice(None)] * value.ndim
        inner[axis] = slice(start, None)
        expected, there = value[tuple(inner)], np.moveaxis(np.moveaxis(got, axis, 0)[shift + start :], 0, axis)
        both = 2 * np.max(_allowed(subject, case, value), initial=0)
        if found := _compared(expected, there, both, f"the output moved along spatial axis {axis - 2}"):
            return found
    return None


def _laid(case: Case) -> Iterator[tuple[int, int]]:
    """From window to window along each axis, and how far before the input the first begins."""
    env: Any = case.operator.environment(*case.array_arguments, **case.given)
    for placement in case.operator.statement.placements:
        yield placement.form.coefficient(placement.index).evaluate(env), placement.before.evaluate(env)


def _linear_part(case: Case) -> Case:
    """The same call without its bias."""
    named = zip(case.operator.statement.reads, case.arrays, strict=True)
    return case.with_arrays(*(array for name, array in named if name != "B"))


LAWS: Mapping[str, Law] = {
    "definition": definition,
    "output size": output_size,
    "purity": purity,
    "gradient": gradient,
    "tangent": tangent,
    "pairing": pairing,
    "linearity": linearity,
    "translation": translation,
}

_LINEAR = ("pairing", "linearity")
_GRADIENT = ("gradient", "tangent", "pairing")


def laws_of(op: str | Operator, with_gradient: bool) -> list[str]:
    """The laws that an operator obeys, as far as the subject can be asked."""
    asked = operator(op, ndim=1) if isinstance(op, str) else op
    left_out = {
        *(() if is_linear(asked.statement, asked.statement.reads[0]) else _LINEAR),
        *(() if with_gradient else _GRADIENT),
        *(() if _has_windows(asked.statement) else ("translation",)),
    }
    return [name for name in LAWS if name not in left_out]


def applies(law: str, case: Case) -> bool:
    """Whether a law speaks about a case: translation needs windows one after the other, and zeros outside."""
    if law in _LINEAR:
        return is_linear(case.operator.statement, case.operator.statement.reads[0], but="B")
    if law != "translation":
        return True
    statement = case.operator.statement
    if case.of and not all(moves_along(statement, placement) for placement in statement.placements):
        return False
    first = statement.reads[0]
    borders = {read.outside for read in reads(statement.equations) if read.tensor == first} & BORDERS.keys()
    return _has_windows(statement) and not borders


def _has_windows(statement: Statement) -> bool:
    """Whether the output has a position for each window of the input, one behind the other, and all are alike."""
    counted = {placement.counted for placement in statement.placements}
    if not counted or any(tensor.integer or counted & {*tensor.shape} for tensor in statement.inputs):
        return False
    along = [placement.index for placement in statement.placements if placement.rule != "preimage"]
    return not along or [form.atom for form in statement.output.at[2:]] == along
