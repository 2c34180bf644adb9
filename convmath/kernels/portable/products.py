"""Products of matrices to the last bit that their type has, also where a library is faster with fewer, or has none."""

from __future__ import annotations

import math
import sys
from types import ModuleType
from typing import Any

from .library import device, root

__all__ = ["ROOM", "matmul"]

# elements of the products of integers that are there at once
ROOM = 2**24


def matmul(xp: ModuleType, a: Any, b: Any) -> Any:
    """Σ_t A[…,i,t]·B[…,t,j]"""
    match root(xp):
        case "jax" if sys.modules["jax"].config.jax_default_matmul_precision is None:
            # what JAX takes for float32 if nobody says anything has 10 bits on a GPU and 8 on a TPU
            return xp.matmul(a, b, precision="highest")
        case "torch" if xp.isdtype(a.dtype, "integral") and device(a).type != "cpu":
            return by_sums(xp, a, b)  # torch multiplies matrices of integers on a CPU alone
    return xp.matmul(a, b)


def by_sums(xp: ModuleType, a: Any, b: Any) -> Any:
    """The same element by element, for as many t at a time as there is room for."""
    inner = a.shape[-1]
    made = math.prod(a.shape[:-1]) * math.prod(b.shape[:-2]) * b.shape[-1]
    step = max(1, ROOM // max(1, made))
    total: Any = None
    for start in range(0, max(1, inner), step):
        some = slice(start, min(start + step, inner))
        each = xp.expand_dims(a[..., some], axis=-1) * xp.expand_dims(b[..., some, :], axis=-3)
        own = xp.sum(each, axis=-2, dtype=a.dtype)
        total = own if total is None else total + own
    return total
