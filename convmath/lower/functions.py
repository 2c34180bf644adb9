"""Scalar functions on arrays of any namespace, also those that the array API standard does not have."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

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
        "erf": getattr(xp, "erf", None) or (lambda x: _erf(xp, x)),
        "sigmoid": lambda x: xp.exp(-softplus(-x)),
        "softplus": softplus,
    }


_NEAR = 1.5  # up to here the series is summed, and from here the continued fraction


def _erf(xp: Any, x: Any) -> Any:
    """erf x, by 2x/√π·e^(-x²)·Σ (2x²)ⁿ/(1·3·…·(2n+1)) near 0 and by the continued fraction of erfc elsewhere.

    Both are of positive terms (M. Abramowitz, I. A. Stegun, Handbook of Mathematical Functions, 1964, 7.1.6, 7.1.14).
    """
    far = xp.abs(x)
    near = xp.where(far < _NEAR, far, xp.zeros_like(far))
    square, term = near * near, xp.ones_like(near)
    total = term
    for n in range(1, 32):  # by then (2·1.5²)ⁿ/(1·3·…·(2n+1)) is below 2^-60
        term = term * (2 * square / (2 * n + 1))
        total = total + term
    series = 2 / math.sqrt(math.pi) * near * xp.exp(-square) * total
    outer = xp.where(far < _NEAR, xp.full_like(far, float(_NEAR)), far)
    fraction = outer
    for n in range(100, 0, -1):
        fraction = outer + n / 2 / fraction
    rest = 1 - xp.exp(-outer * outer) / (math.sqrt(math.pi) * fraction)
    value = xp.where(far < _NEAR, series, rest)
    return xp.where(x < 0, -value, xp.where(xp.isnan(x), x, value))
