"""Which kernels compute what is bound by memory: pools, norms, activations, softmax and losses.

There is no cost to weigh: generated kernels are taken where they are there and the array is so large that making one
is worth it, or where they are asked for. As for a convolution, `method`, `using` or CONVMATH_METHOD may say which.
Within `exact_order` both have the same bits.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import Any

import numpy as np

from convmath.errors import HyperparameterError

from . import adaptive, direct, elementwise, losses, norms, patches
from .choice import WORTH_ORDERING, asked, methods, without
from .order import in_exact_order

__all__ = ["plus", "stream"]

NUMPY = {"pooling": patches, "adaptive": adaptive, "norms": norms, "elementwise": elementwise, "losses": losses}

# elements from which on a generated kernel is worth being made, and is faster than NumPy
WORTH_MAKING = {"pooling": 2**13, "adaptive": 2**13, "norms": 2**13, "elementwise": 2**12, "losses": 2**8}


def stream(family: str, elements: int, method: str = "auto", where: str = "") -> Any:
    """The module of this family ("pooling", "adaptive", "norms", "elementwise", "losses") that computes a call."""
    named = asked(method, where or family)
    if named in ("auto", "patches", "direct"):
        least = WORTH_ORDERING if in_exact_order() else WORTH_MAKING[family]
        if named == "auto" and elements >= least and not without():
            return _kernels(family)
        # the sums of `direct` have an order too, but it is another one
        return direct if named == "direct" and family == "pooling" and not in_exact_order() else NUMPY[family]
    if named not in methods():
        raise HyperparameterError(f"method {named!r} is asked for, but {without()} [{where or family}]")
    return _kernels(family)


def _kernels(family: str) -> Any:
    return _generated("ordered_norms" if family == "norms" and in_exact_order() else family)


def plus(x: Any, z: Any) -> Any:
    """X + Z of whatever can be added; in a result, memory is used again, whose fresh pages would cost as much."""
    if isinstance(x, np.ndarray) and isinstance(z, np.ndarray) and x.shape == z.shape and x.ndim:
        return stream("elementwise", x.size).plus(x, z)
    return x + z


@lru_cache
def _generated(family: str) -> Any:
    return import_module(f".simd.{family}", __package__)
