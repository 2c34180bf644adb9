"""What an implementation of an operator must obey, law by law.

A law is a function of a subject, a case and a source of small integer arrays; it says what is wrong, or returns
None. On small integers the sums of floating point are exact, so a law is an equality, except where a statement
divides (then the error is at most γ_n·Σ|terms|) and where the subject states a bound of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from convmath.ir.degree import statement_degree
from convmath.ir.exact import exact_array
from convmath.ir.nodes import Power, Statement
from convmath.ir.walk import inside
from convmath.ops.registry import operator

from .cases import Case
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


def _gamma(case: Case, statement: Statement, got: np.ndarray) -> float:
    """γ_n = n·u/(1 - n·u), |fl(Σ terms) - Σ terms| ≤ γ_n·Σ|terms| in any order; 0 where integers stay integers.

    n counts the taps that are added, the division, a reciprocal that was rounded before it, and the exact value's
    own rounding when it is compared.
    """
    if not _divides(statement):
        return 0.0
    unit = float(np.finfo(np.result_type(got, np.float32)).eps) / 2
    roundings = math.prod(window.kernel for window in case.windows) + 3
    return roundings * unit / (1 - roundings * unit)


@lru_cache(maxsize=256)
def _divides(statement: Statement) -> bool:
    return any(isinstance(node, Power) for node in inside(statement.equations))


def _allowed(subject: Subject, case: Case, got: np.ndarray) -> Any:
    """The error that a value is allowed: the subject's own bound, or γ_n·A|x|."""
    if subject.bound is not None:
        return subject.bound(case)
    gamma = _gamma(case, case.operator.statement, got)
    return gamma and gamma * case.with_arrays(*map(np.abs, case.arrays)).expected.astype(float)


def _allowed_gradient(subject: Subject, case: Case, cotangent: np.ndarray, place: int, got: np.ndarray) -> Any:
    """The same of a gradient: γ_n·Aᵀ|gY|, for what is divided here are shares of a mean, which are not negative."""
    if subject.bound is not None:
        return subject.bound(case)
    gamma = _gamma(case, case.operator.vjp(case.operator.statement.reads[place]).result, got)
    return gamma and gamma * case.expected_vjp(np.abs(cotangent))[place].astype(float)


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
    return (exact_array(a) * exact_array(b)).sum()


# --- laws ---------------------------------------------------------------------------------------------------------


def definition(subject: Subject, case: Case, fresh: Fresh) -> Finding | None:
    """the value is what the definition says"""
    got = subject.run(case)
    return _compared(case.expected, got, _allowed(subject, case, got), "the output")


def output_size(subject: Subject, case: Case, fresh: Fresh) -> Finding | None:
    """the output has the derived size"""
    shape = case.sizes
    got = subject.run(case).shape
    return None if got == shape else Finding(f"the output has shape {got}, but {shape} is derived", shape, got)


def purity(subject: Subject, case: Case, fresh: Fresh) -> Finding | None:
    """a call leaves its arguments as they were"""
    handed, cotangent = case.copy(), fresh(case.expected.shape)
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
    cotangent = fresh(case.expected.shape)
    derived = case.expected_vjp(cotangent)
    for place, (expected, got) in enumerate(zip(derived, subject.gradients(cotangent, case), strict=True)):
        allowed = _allowed_gradient(subject, case, cotangent, place, got) if got.shape == expected.shape else 0
        if found := _compared(expected, got, allowed, f"g{case.operator.statement.reads[place]}"):
            return Finding(found.sentence, found.expected, found.got, cotangent)
    return None


def pairing(subject: Subject, case: Case, fresh: Fresh) -> Finding | None:
    """⟨gY, A x⟩ = ⟨Aᵀ gY, x⟩ (without bias)"""
    plain = _linear_part(case)
    value, x = subject.run(plain), plain.arrays[0]
    cotangent = fresh(value.shape)
    gx = subject.gradients(cotangent, plain)[0]
    if gx.shape != x.shape:
        return Finding(f"gX has shape {gx.shape}, but {x.shape} is right", x.shape, gx.shape, cotangent)
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
    for axis, window in enumerate(case.windows, 2):
        zeros, shift = (1, window.stride) if transposed else (window.stride, 1)
        start = 0 if transposed else -(-window.before // window.stride)
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


def _linear_part(case: Case) -> Case:
    """The same call without its bias."""
    return case.with_arrays(*case.arrays[:2])


LAWS: Mapping[str, Law] = {
    "definition": definition,
    "output size": output_size,
    "purity": purity,
    "gradient": gradient,
    "pairing": pairing,
    "linearity": linearity,
    "translation": translation,
}

_LINEAR = ("pairing", "linearity")
_GRADIENT = ("gradient", "pairing")


def laws_of(op: str, with_gradient: bool) -> list[str]:
    """The laws that an operator obeys, as far as the subject can be asked."""
    statement = operator(op, ndim=1).statement
    sums = all(term.reduce == "sum" for equation in statement.equations for term in equation.terms)
    linear = sums and statement_degree(statement, statement.reads[0]) == 1
    return [name for name in LAWS if (linear or name not in _LINEAR) and (with_gradient or name not in _GRADIENT)]


def applies(law: str, case: Case) -> bool:
    """Whether a law speaks about a case: translation needs windows, and zeros outside."""
    moves = bool(case.operator.statement.placements) and case.given.get("padding_mode", "zeros") == "zeros"
    return law != "translation" or moves
