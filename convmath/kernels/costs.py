"""What a call should take, by method. `python -m tests.bench.costs` fits the constants, and prints them anew.

They are of one machine. What matters is their ratio, which differs less from one processor to the next.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convmath.window import Window

__all__ = ["WINOGRAD", "WORTH_MAKING", "WORTH_SAYING", "Cost", "convolution"]

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


@dataclass(frozen=True)
class Cost:
    """What a call has to do: operations and bytes, taps, bytes of its matrix of windows, and its way in kernels."""

    dtype: np.dtype
    flops: int
    bytes: int
    taps: int
    windows: int
    way: Callable[[Any], Any]

    def seconds(self, there: Mapping[str, Any]) -> dict[str, float]:
        """For each method that can compute the call."""
        wide = self.dtype.itemsize / 4
        matrix = self.flops * wide / PRODUCT if self.dtype.kind in "fc" else self.flops / DIRECT
        found = {
            "direct": CALL["direct"] + self.taps * TAP + self.flops * wide / DIRECT,
            "patches": CALL["patches"] + matrix + self.windows / COPY,
        }
        for name in (name for name in there if name not in found):
            if (way := self.way(there[name])) is not None:
                found[name] = CALL["generated"] + way.cycles / CLOCK
        return found


def convolution(
    arrays: Sequence[np.ndarray], outputs: int, positions: int, windows: Sequence[Window], reads: int,
    way: Callable[[Any], Any],
) -> Cost:  # fmt: skip
    """The cost of a convolution, or of one of its gradients, with so many outputs of a forward pass."""
    taps = math.prod(window.kernel for window in windows)
    dtype = arrays[0].dtype
    return Cost(
        dtype,
        2 * outputs * reads * taps,
        sum(array.nbytes for array in arrays) + outputs * dtype.itemsize,
        taps,
        positions * taps * dtype.itemsize,
        way,
    )
