"""What a call should take, by method. `python -m tests.bench.costs` fits the constants, and prints them anew.

They are of one machine. What matters is their ratio, which differs less from one processor to the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .problem import Convolution

__all__ = ["WINOGRAD", "WORTH_MAKING", "WORTH_SAYING", "seconds"]

# seconds of a call, however small; of a tap in `direct`
CALL = {"direct": 10e-6, "patches": 45e-6, "generated": 18e-6}
TAP = 9e-6
# multiplications and additions a second on one core, for numbers of 4 bytes; half as many of 8 bytes
DIRECT, PRODUCT = 2.5e9, 90e9
# bytes a second at which windows are copied to a matrix
COPY = 3e9
# cycles a second, as the generated kernels count them
CLOCK = 3.4e9
# seconds by `patches` from which on it is worth making a kernel
WORTH_MAKING = 100e-6
# seconds from which on it is worth saying that generated kernels are missing
WORTH_SAYING = 5e-3
# for what there are kernels of F(m, 3)
WINOGRAD = (
    "F(2, 3) and F(4, 3) are for float32 and float64, kernels of 3×3 without stride and dilation, and channels that "
    "fill vectors"
)


def seconds(problem: Convolution, there: Mapping[str, Any]) -> dict[str, float]:
    """What a convolution should take by each method that can compute it."""
    wide = problem.dtype.itemsize / 4
    matrix = problem.flops * wide / PRODUCT if problem.dtype.kind in "fc" else problem.flops / DIRECT
    found = {
        "direct": CALL["direct"] + problem.taps * TAP + problem.flops * wide / DIRECT,
        "patches": CALL["patches"] + matrix + problem.columns / COPY,
    }
    for name in (name for name in there if name not in found):
        if (way := there[name].way(problem)) is not None:
            found[name] = CALL["generated"] + way.cycles / CLOCK
    return found
