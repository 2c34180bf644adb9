"""Which kernels compute a call: those that are asked for, or those that should take the least time.

`direct` is the plain definition, tap by tap; `patches` multiplies matrices of windows, and pools one axis after the
other; `simd` are generated kernels that sum as the definition does, there with llvmlite; `winograd` and `winograd4` are
F(2, 3) and F(4, 3), generated too where they can be, else with NumPy. All have the same functions with the same
arguments. By itself `winograd4` is never taken: its error bound is above that of the plain sum. Complex numbers are
computed as real and imaginary parts (`parts`), but by the definition as they are. Within `exact_order` there are two
methods, which have the same bits: `direct` is `ordered`, and `simd` are generated kernels of the same order.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from convmath.errors import HyperparameterError, unknown

from . import costs, direct, ordered, patches, winograd
from .order import REFUSED, in_exact_order
from .parts import ByParts
from .problem import Convolution

__all__ = [
    "EVERYWHERE",
    "METHODS",
    "WORTH_ORDERING",
    "Choice",
    "asked",
    "choose",
    "in_order",
    "methods",
    "missed",
    "ordered_methods",
    "using",
    "without",
    "worth_generating",
]

METHODS = ("direct", "patches", "simd", "winograd", "winograd4")
EVERYWHERE = ("direct", "patches", "simd")  # those that compute every call
ITSELF = ("patches", "simd", "winograd")  # what may be chosen where nothing is said, in the order of what is simpler
VARIABLE = "CONVMATH_METHOD"
WORTH_ORDERING = 2**9  # elements from which on a generated kernel of `ordered` is worth being made

_said: ContextVar[str | None] = ContextVar("method", default=None)

# What os.environ keeps: every call asks for the variable, and os.environ itself takes ten times as long.
_kept = getattr(os.environ, "_data", None)
_environment, _name = (_kept, os.environ.encodekey(VARIABLE)) if _kept is not None else (os.environ, VARIABLE)


@dataclass(frozen=True)
class Choice:
    """The kernels that compute a call, why, and what each method should take.

    `flops` counts multiplications and additions as the definition has them, `bytes` what is read and written at least.
    """

    method: str
    kernels: Any
    why: str
    flops: int
    bytes: int
    seconds: Mapping[str, float]
    said: bool = False  # whether it is worth saying that there were no other kernels

    def __str__(self) -> str:
        others = ", ".join(f"{name} {1e6 * s:.0f} µs" for name, s in self.seconds.items())
        return (
            f"{self.method}: {self.why} ({self.flops:,} flops, {self.bytes:,} bytes; expected: {others or 'unknown'})"
        )


@lru_cache
def generated() -> tuple[Mapping[str, Any], str]:
    """The generated kernels by method; none, and why, where they can't be made here."""
    try:
        from .simd import convolution
    except ModuleNotFoundError as error:
        if error.name != "llvmlite":
            raise
        return {}, "llvmlite is not installed (the extra convmath[fast] brings it)"
    except Exception as error:  # what a broken installation raises is its own affair
        return {}, f"llvmlite does not work here ({type(error).__name__}: {error})"
    return {"simd": convolution.DIRECT, "winograd": convolution.WINOGRAD, "winograd4": convolution.WINOGRAD4}, ""


@lru_cache
def ordered_methods() -> Mapping[str, Any]:
    """Those that sum in the order of `ordered`."""
    if without():
        return MappingProxyType({"direct": ordered})
    from .simd.convolution import EXACT

    return MappingProxyType({"direct": ordered, "simd": EXACT})


@lru_cache
def methods() -> Mapping[str, Any]:
    """The kernels by method, as far as they are there."""
    by_numpy = {"direct": direct, "patches": patches, "winograd": winograd.Tiles(2), "winograd4": winograd.Tiles(4)}
    return MappingProxyType({**by_numpy, **generated()[0]})


def without() -> str:
    """Why there are no generated kernels; empty where there are."""
    return generated()[1]


@contextmanager
def using(method: str) -> Iterator[None]:
    """Within this, calls that say no method of their own use this one: a name of METHODS, or "auto"."""
    token = _said.set(_named(method, "using"))
    try:
        yield
    finally:
        _said.reset(token)


def asked(method: str, where: str) -> str:
    """What a call asks for: its own method, that of `using`, or that of the environment variable CONVMATH_METHOD."""
    named = _named(method, where)
    if named == "auto":
        named = _said.get() or (_of_environment() if _name in _environment else "auto")
    return in_order(named, where)


def _of_environment() -> str:
    return _named(os.environ.get(VARIABLE, "").strip() or "auto", VARIABLE)


def in_order(named: str, where: str) -> str:
    """A method that has an order, if one is needed."""
    if named in REFUSED and in_exact_order():
        raise HyperparameterError(
            f"method {named!r} is asked for, but within exact_order 'direct', 'simd' or 'auto' is needed: the others "
            f"sum in an order that differs from one machine to the next [{where}]"
        )
    return named


def _named(method: Any, where: str) -> str:
    if not isinstance(method, str) or method not in ("auto", *METHODS):
        raise unknown("method", method, ("auto", *METHODS), where)
    return method


def worth_generating(work: int, least: int = WORTH_ORDERING) -> bool:
    """Whether so much work within `exact_order` is done by generated kernels, where the call itself says no method."""
    named = asked("auto", "exact_order")
    return named != "direct" and (named == "simd" or work >= least) and not without()


def choose(method: str, problem: Convolution, where: str) -> Choice:
    """The kernels that compute a convolution."""
    choice = _chosen(asked(method, where), problem, in_exact_order())
    if isinstance(choice, str):
        raise HyperparameterError(f"{choice} [{where}]")
    if choice.said:
        missed()
    return choice


@lru_cache(4096)
def _chosen(named: str, problem: Convolution, exact: bool) -> Choice | str:
    """The choice, or why there is none."""
    there = ordered_methods() if exact else methods()
    if problem.dtype.kind == "c" and (exact or named != "direct"):
        found = _chosen(named, problem.of_parts, exact)
        return found if isinstance(found, str) else replace(found, kernels=ByParts(there[found.method]))
    expected = {name: took for name, took in costs.seconds(problem, there).items() if name in there}
    own, plain = (("direct", "simd"), "direct") if exact else (ITSELF, "patches")
    if named == "auto":
        # making a kernel takes longer than what is small
        own = own if expected[plain] > costs.WORTH_MAKING else (plain,)
        named = min((name for name in own if name in expected), key=lambda name: expected[name])
        why = f"should take the least time, {1e6 * expected[named]:.0f} µs"
    elif named not in there:
        return f"method {named!r} is asked for, but {without()}"
    elif named == "simd" and named not in expected:
        named, why = (
            plain,
            "simd is asked for, but its kernels are for float32 and float64, and not for empty arrays",
        )
    elif named not in expected:
        return f"method {named!r} is asked for, but {costs.WINOGRAD}"
    else:
        why = "asked for"
    said = why != "asked for" and expected[named] > costs.WORTH_SAYING
    kernels = there[named]
    # what is generated for this problem need not be looked up again
    kernels = kernels.of(problem) if hasattr(kernels, "of") else kernels
    return Choice(named, kernels, why, problem.flops, problem.bytes, MappingProxyType(expected), said)


def missed(seconds: float = math.inf) -> None:
    """Say once in a process that there are no generated kernels, by a call that takes so long without them."""
    if seconds > costs.WORTH_SAYING and without():
        _say_once()


@lru_cache
def _say_once() -> None:
    warnings.warn(f"convmath computes without its generated kernels: {without()}", RuntimeWarning, stacklevel=2)
