"""Activations by generated kernels; `kernels.elementwise`, which has the same functions, where there are none.

Pieces of straight lines are the same to the bit, and within `exact_order` everything is. σ is off by at most 4 ulp, the
other functions by what `exponential` says, or by 1 ulp where they are of `kernels.elementary`; each operation around
them rounds once more.
"""

from __future__ import annotations

import functools
import math
from inspect import signature
from typing import Any

import numpy as np

from convmath.kernels import elementwise
from convmath.kernels.order import in_exact_order

from . import workers
from .activations import ACTIVATIONS
from .builder import DTYPES, Builder, Value, words
from .compile import kernel
from .memory import AHEAD, LINE, empty, goes_past

__all__ = ["plus"]  # and all that `kernels.elementwise` has: see the end

PART = 8192  # elements of an item
TOGETHER = 4  # registers that are worked on together
RATE = {"relu": 80e9, "relu6": 80e9, "prelu": 80e9, "hardswish": 80e9}  # bytes a second, about
SLOW = 20e9  # the same of exponentials


def _loaded(k: Builder, pointer: Value, offset: Value, mask: Value | None) -> Value:
    for line in range(0, k.vector, LINE):
        k.prefetch(pointer, offset + (AHEAD + line))
    return k.load(pointer, offset, mask=mask)


@kernel("x y g fixed", "elements")
def pointwise(k: Builder, dtype: str, name: str, backward: bool, numbers: int, past: bool) -> None:
    """A function of each element: the value, or what becomes of a cotangent."""
    k.in_registers(TOGETHER)
    emit = ACTIVATIONS[name][backward]
    fixed = [k.splat(k.load_number(k.fixed, place * k.bytes)) for place in range(numbers)]

    def item(i: Value) -> None:
        start = i * (PART * k.bytes)
        x, y, g = (k.at(pointer, start) for pointer in (k.x, k.y, k.g))

        def vector(offset: Value, mask: Value | None) -> None:
            of = [_loaded(k, pointer, offset, mask) for pointer in ((g, x) if backward else (x,))]
            k.store(emit(k, *of, *fixed), y, offset, mask=mask, past=past)

        k.over(k.least_of(k.elements - i * PART, k.word(PART)), vector)

    k.loop(k.first, k.behind, 1, [], item)


def _run(name: str, x: np.ndarray, g: np.ndarray | None, fixed: list[float]) -> np.ndarray:
    y, numbers = empty(x.shape, x.dtype), np.array([*fixed, 0.0], x.dtype)
    # a value is left in the cache for the next operator, which is quicker; for a gradient it is not
    past = g is not None and goes_past(y)
    code = pointwise(DTYPES[x.dtype], name, g is not None, len(fixed), past, exact=in_exact_order())
    block = words(x, y, 0 if g is None else g, numbers, x.size)
    workers.run(code, block, -(-x.size // PART), seconds=2 * x.nbytes / RATE.get(name, SLOW))
    return y


@kernel("x z y", "elements")
def sums(k: Builder, dtype: str) -> None:
    def item(i: Value) -> None:
        x, z, y = (k.at(pointer, i * (PART * k.bytes)) for pointer in (k.x, k.z, k.y))
        k.over(
            k.least_of(k.elements - i * PART, k.word(PART)),
            lambda offset, mask: k.store(
                _loaded(k, x, offset, mask) + _loaded(k, z, offset, mask), y, offset, mask=mask
            ),
        )

    k.loop(k.first, k.behind, 1, [], item)


def plus(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """X + Z of one shape"""
    if x.dtype not in DTYPES or x.dtype != z.dtype or not (x.flags.c_contiguous and z.flags.c_contiguous):
        return elementwise.plus(x, z)
    y = empty(x.shape, x.dtype)
    workers.run(sums(DTYPES[x.dtype]), words(x, z, y, x.size), -(-x.size // PART), seconds=3 * x.nbytes / RATE["relu"])
    return y


# --- the functions of kernels.elementwise -------------------------------------------------------------------------


def _pair(name: str) -> tuple[Any, Any]:
    """The value and the gradient of that name, with the arguments of `kernels.elementwise`."""
    of_value, of_gradient = getattr(elementwise, name), getattr(elementwise, f"{name}_input")
    parameters = list(signature(of_value).parameters.values())[1:]
    names, defaults = [p.name for p in parameters], {p.name: p.default for p in parameters}

    def numbers(fixed: tuple[Any, ...], named: dict[str, Any]) -> list[float] | None:
        """All that fix an activation; no threshold is one that nothing is above. None where one is an array."""
        given = defaults | dict(zip(names, fixed, strict=False)) | named
        if any(isinstance(number, np.ndarray) for number in given.values()):
            return None
        return [math.inf if number is None else float(number) for number in given.values()]

    @functools.wraps(of_value)
    def value(x: np.ndarray, *fixed: Any, **named: Any) -> np.ndarray:
        found = numbers(fixed, named)
        if found is None or x.dtype not in DTYPES or not x.flags.c_contiguous:
            return of_value(x, *fixed, **named)
        return _run(name, x, None, found)

    @functools.wraps(of_gradient)
    def gradient(gy: np.ndarray, x: np.ndarray, *fixed: Any, **named: Any) -> np.ndarray:
        found = numbers(fixed, named)
        right = x.dtype in DTYPES and x.dtype == gy.dtype and x.flags.c_contiguous and gy.flags.c_contiguous
        if found is None or not right:
            return of_gradient(gy, x, *fixed, **named)
        return _run(name, x, gy, found)

    return value, gradient


def __getattr__(name: str) -> Any:
    """A function of `kernels.elementwise`: generated where there is a formula, else itself."""
    if name not in elementwise.__all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    of = name.removesuffix("_input")
    found = _pair(of)[of != name] if of in ACTIVATIONS else getattr(elementwise, name)
    return globals().setdefault(name, found)
