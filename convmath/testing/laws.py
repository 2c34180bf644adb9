"""What an implementation of an operator must obey, law by law.

A law is a function of a subject, a case and a source of random integers; it says what is wrong, or returns None. The data
are small integers, so a law is an equality unless the subject states an error bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .cases import Case
from .subject import Subject

__all__ = ["LAWS", "Finding", "laws_of"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a law found wrong: a sentence, and the two values that differ."""

    sentence: str
    expected: Any = None
    got: Any = None


Law = Callable[[Subject, Case, np.random.Generator], "Finding | None"]


def _integers(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.integers(-4, 5, shape).astype(float)


def _compared(subject: Subject, case: Case, expected: Any, got: np.ndarray, what: str) -> Finding | None:
    """Equal, or within the subject's bound; the first position that differs is named."""
    expected = np.asarray(expected)
    if expected.shape != got.shape:
        return Finding(f"{what} has shape {got.shape}, but {expected.shape} is right", expected, got)
    exact = expected.astype(float)
    allowed = 0.0 if subject.bound is None else subject.bound(case)
    # infinities are equal or not; a NaN is within no bound
    off = ~((got == exact) | (np.abs(got - exact) <= allowed)) if exact.size else np.zeros(exact.shape, bool)
    # a division rounds once: the nearest float of the exact rational, or the one beside it
    if subject.bound is None and off.any() and any(getattr(v, "denominator", 1) != 1 for v in expected.reshape(-1)):
        off &= ~(np.abs(got - exact) <= 4 * np.spacing(np.abs(exact)))
    if not off.any():
        return None
    where = tuple(int(i) for i in np.argwhere(off)[0])
    return Finding(f"{what}{list(where)} is {got[where]}, but {expected[where]} is right", expected, got)


def definition(subject: Subject, case: Case, rng: np.random.Generator) -> Finding | None:
    """the value is what the definition says"""
    return _compared(subject, case, case.expected, subject.run(case), "the output")


def output_size(subject: Subject, case: Case, rng: np.random.Generator) -> Finding | None:
    """the output has the derived size"""
    shape = case.operator.sizes(*case.arrays, **case.given)
    got = subject.run(case).shape
    return None if got == shape else Finding(f"the output has shape {got}, but {shape} is derived", shape, got)


def gradient(subject: Subject, case: Case, rng: np.random.Generator) -> Finding | None:
    """each gradient is the derived one"""
    assert subject.vjp is not None
    cotangent = _integers(rng, case.expected.shape)
    got = subject.vjp(cotangent, *case.args, **case.kwargs)
    for name, expected, found in zip("XWB", case.expected_vjp(cotangent), got, strict=False):
        finding = _compared(subject, case, expected, np.asarray(found), f"g{name}")
        if finding:
            return finding
    return None


def pairing(subject: Subject, case: Case, rng: np.random.Generator) -> Finding | None:
    """⟨gY, A x⟩ = ⟨Aᵀ gY, x⟩ (without bias)"""
    assert subject.vjp is not None
    plain = _without_bias(case)
    value = subject.run(plain)
    cotangent = _integers(rng, value.shape)
    [gx, *_] = subject.vjp(cotangent, *plain.args, **plain.kwargs)
    left, right = float((cotangent * value).sum()), float((gx * plain.arrays[0]).sum())
    size = float(np.abs(cotangent * value).sum()) + 1.0
    return (
        None
        if abs(left - right) <= 1e-13 * size
        else Finding(f"⟨gY, A x⟩ is {left}, but ⟨Aᵀ gY, x⟩ is {right}", left, right)
    )


def linearity(subject: Subject, case: Case, rng: np.random.Generator) -> Finding | None:
    """A(2x + 3x′) = 2·A x + 3·A x′ (without bias)"""
    plain = _without_bias(case)
    x, *rest = plain.arrays
    other = _integers(rng, x.shape)
    together = subject.run(plain.with_arrays(2 * x + 3 * other, *rest))
    apart = 2 * subject.run(plain) + 3 * subject.run(plain.with_arrays(other, *rest))
    error = 1e-13 * (np.abs(apart) + 1.0)
    if together.shape == apart.shape and (np.abs(together - apart) <= error).all():
        return None
    return Finding("A(2x + 3x′) is not 2·A x + 3·A x′", apart, together)


def translation(subject: Subject, case: Case, rng: np.random.Generator) -> Finding | None:
    """a stride of zeros put before the input moves the output by one position, where windows start inside the input"""
    x, *rest = case.arrays
    given = case.given
    ndim = case.ndim
    stride = given.get("stride", (1,) * ndim)
    before = [pair[0] for pair in given.get("padding", ((0, 0),) * ndim)]
    value = subject.run(case)
    for axis in range(ndim):
        transposed = case.op == "conv_transpose"
        zeros = 1 if transposed else stride[axis]
        shift = stride[axis] if transposed else 1
        moved = np.insert(x, [0] * zeros, 0.0, axis=axis + 2)
        got = np.take(
            subject.run(case.with_arrays(moved, *rest)), range(shift, shift + value.shape[axis + 2]), axis=axis + 2
        )
        start = 0 if transposed else -(-before[axis] // stride[axis])
        inner = [slice(None)] * value.ndim
        inner[axis + 2] = slice(start, None)
        if not np.array_equal(got[tuple(inner)], value[tuple(inner)]):
            return Finding(f"the output does not move with the input along spatial axis {axis}", value, got)
    return None


def _without_bias(case: Case) -> Case:
    """The linear part: the same call without its bias."""
    if case.op in ("conv", "conv_transpose") and len(case.args) == 3:
        return Case(case.op, case.args[:2], case.kwargs)
    return case


LAWS: Mapping[str, Law] = {
    "definition": definition,
    "output size": output_size,
    "gradient": gradient,
    "pairing": pairing,
    "linearity": linearity,
    "translation": translation,
}

_LINEAR = ("pairing", "linearity")
_GRADIENT = ("gradient", "pairing")


def laws_of(op: str, with_gradient: bool) -> list[str]:
    """The laws that an operator obeys, as far as the subject can be asked."""
    linear = op != "max_pool"
    return [name for name in LAWS if (linear or name not in _LINEAR) and (with_gradient or name not in _GRADIENT)]


def applies(law: str, case: Case) -> bool:
    """Whether a law speaks about a case: translation needs zeros outside."""
    return law != "translation" or case.kwargs.get("padding_mode", "zeros") == "zeros"
