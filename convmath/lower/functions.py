"""Scalar functions on arrays of any namespace, also those that the array API standard does not have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from convmath.kernels.portable.elementwise import erf

__all__ = ["portable"]


@lru_cache(maxsize=16)
def portable(xp: Any) -> Mapping[str, Callable[[Any], Any]]:
    def softplus(x: Any) -> Any:
        return xp.logaddexp(xp.zeros_like(x), x)

    return {
        "exp": xp.exp,
        "log": xp.log,
        "sqrt": xp.sqrt,
        "abs": xp.abs,
        "sign": xp.sign,
        "tanh": xp.tanh,
        "erf": lambda x: erf(xp, x),
        "sigmoid": lambda x: xp.exp(-softplus(-x)),
        "softplus": softplus,
    }
