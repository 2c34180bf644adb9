"""Generated kernels that apply an elementary function to every number of an array."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from convmath.kernels import elementary
from convmath.kernels.simd.builder import Builder, Value, address, words
from convmath.kernels.simd.compile import kernel

__all__ = ["compiled", "generated"]


def generated(dtype: str, name: str, *fixed: float) -> Callable[[np.ndarray], np.ndarray]:
    """The function of contiguous arrays of that type."""

    @kernel("x y", "count")
    def elementwise(b: Builder, dtype: str, name: str, *fixed: float) -> None:
        def part(offset: Value, mask: Value | None) -> None:
            x = b.load(b.x, offset, mask=mask)
            b.store(elementary.emit(b, name, x, *fixed), b.y, offset, mask=mask)

        b.over(b.count, part)

    made = elementwise(dtype, name, *fixed, exact=True)

    def applied(x: np.ndarray) -> np.ndarray:
        y = np.empty_like(x)
        block = words(x, y, x.size)
        made.call(address(block), 0, 0, 1)
        return y

    return applied


compiled = cache(generated)
