"""What a call should take, by method. `python -m tests.bench.costs` fits the constants, and prints them anew.

They are of one machine. What matters is their ratio, which differs less from one processor to the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .lowering import lowering
from .problem import Convolution

__all__ = ["SECONDS", "WINOGRAD", "WORTH_MAKING", "WORTH_SAYING", "amounts", "multiplying", "of", "seconds"]

# Seconds on one core: of a call, however small; of a tap; of a multiplication or addition of numbers of 4 bytes (twice
# as long for 8 bytes) by NumPy's loops, by BLAS, or of integers; of a byte of a matrix of windows, or of tiles that are
# transformed; of a cycle as the generated kernels count them, which overlap more or less well.
SECONDS = {
    "direct": {"call": 7.9e-06, "tap": 4.7e-06, "operation": 9.7e-11},
    "patches": {"call": 2.6e-05, "product": 8.2e-12, "integer": 1.2e-10, "copied": 9.7e-11},
    "tiles": {"call": 6.2e-05, "product": 6.7e-12, "moved": 9.0e-11},
    "generated": {"call": 1.3e-05, "cycle": 2.9e-10},
}
# seconds by `patches` from which on it is worth making a kernel
WORTH_MAKING = 100e-6
# seconds from which on it is worth saying that generated kernels are missing
WORTH_SAYING = 5e-3
# for what there are kernels of F(m, 3)
WINOGRAD = (
    "F(2, 3) and F(4, 3) are for float32 and float64, kernels of 3×3 without stride and dilation, for gradients by the "
    "input with padding of at most 2; where kernels are generated for channels that fill vectors, by NumPy for weights "
    "of at most 9 MB (F(4, 3) 4 MB)"
)


def amounts(problem: Convolution, there: Mapping[str, Any]) -> dict[str, tuple[str, dict[str, float]]]:
    """By each method that can compute a convolution: whose constants count, and how often each of them."""
    operations, product = problem.flops * problem.dtype.itemsize / 4, _product(problem.dtype)
    found: dict[str, tuple[str, dict[str, float]]] = {
        "direct": ("direct", {"call": 1, "tap": problem.taps, "operation": operations}),
        "patches": ("patches", {"call": 1, product: operations, "copied": lowering(problem).copied}),
    }
    for name in (name for name in there if name not in found):
        if (way := there[name].way(problem)) is not None:
            found[name] = way.kind, way.amounts
    return found


def seconds(problem: Convolution, there: Mapping[str, Any]) -> dict[str, float]:
    """What a convolution should take by each method that can compute it."""
    return {name: of(*amounts_) for name, amounts_ in amounts(problem, there).items()}


def of(kind: str, amounts: Mapping[str, float]) -> float:
    """What so much of each constant takes."""
    return sum(SECONDS[kind][constant] * amount for constant, amount in amounts.items())


def multiplying(flops: float, dtype: np.dtype) -> float:
    """What a product of matrices with so many multiplications and additions should take one thread."""
    return flops * dtype.itemsize / 4 * SECONDS["patches"][_product(dtype)]


def _product(dtype: np.dtype) -> str:
    return "product" if dtype.kind in "fc" else "integer"
