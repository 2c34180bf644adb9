"""Activations by generated kernels; `kernels.elementwise`, which has the same functions, where there are none.

Pieces of straight lines are the same to the bit, and within `exact_order` everything is. σ is off by at most 3 ulp, the
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
from .builder import Builder, Value, words
from .compile import kernel
from .memory import empty

__all__ = [
    "elu",
    "elu_input",
    "gelu",
    "gelu_input",
    "gelu_tanh",
    "gelu_tanh_input",
    "hardswish",
    "hardswish_input",
    "plus",
    "prelu",
    "prelu_input",
    "prelu_weight",
    "relu",
    "relu6",
    "relu6_input",
    "relu_input",
    "scaled_tanh",
    "scaled_tanh_input",
    "sigmoid",
    "sigmoid_input",
    "silu",
    "silu_input",
    "softplus",
    "softplus_input",
]

DTYPES = {np.dtype(np.float32): "f4", np.dtype(np.float64): "f8"}
PART = 8192  # elements of an item
RATE = {"relu": 16e9, "relu6": 16e9, "prelu": 16e9, "hardswish": 12e9}  # bytes a second, about
SLOW = 5e9  # the same of exponentials

prelu_weight = elementwise.prelu_weight


@kernel("x y g fixed", "elements")
def pointwise(k: Builder, dtype: str, name: str, backward: bool, numbers: int) -> None:
    """A function of each element: the value, or what becomes of a cotangent."""
    emit = ACTIVATIONS[name][backward]
    fixed = [k.splat(k.load_number(k.fixed, place * k.bytes)) for place in range(numbers)]

    def item(i: Value) -> None:
        start = i * (PART * k.bytes)
        x, y, g = (k.at(pointer, start) for pointer in (k.x, k.y, k.g))

        def vector(offset: Value, mask: Value | None) -> None:
            of = [k.load(pointer, offset, mask=mask) for pointer in ((g, x) if backward else (x,))]
            k.store(emit(k, *of, *fixed), y, offset, mask=mask)

        k.over(k.least_of(k.elements - i * PART, k.word(PART)), vector)

    k.loop(k.first, k.behind, 1, [], item)


def _run(name: str, x: np.ndarray, g: np.ndarray | None, fixed: list[float]) -> np.ndarray:
    y, numbers = empty(x.shape, x.dtype), np.array([*fixed, 0.0], x.dtype)
    code = pointwise(DTYPES[x.dtype], name, g is not None, len(fixed), exact=in_exact_order())
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
                k.load(x, offset, mask=mask) + k.load(z, offset, mask=mask), y, offset, mask=mask
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


relu, relu_input = _pair("relu")
relu6, relu6_input = _pair("relu6")
prelu, prelu_input = _pair("prelu")
hardswish, hardswish_input = _pair("hardswish")
elu, elu_input = _pair("elu")
softplus, softplus_input = _pair("softplus")
sigmoid, sigmoid_input = _pair("sigmoid")
scaled_tanh, scaled_tanh_input = _pair("scaled_tanh")
silu, silu_input = _pair("silu")
gelu, gelu_input = _pair("gelu")
gelu_tanh, gelu_tanh_input = _pair("gelu_tanh")
