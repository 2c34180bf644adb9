"""What the ways to correlate signals take: the one table. `python -m tests.bench.scipy --fit` prints it anew."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["COSTS", "Costs", "costs"]


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds on one core, for one type of numbers.

    direct      taps · (call + outputs · element) for each box of outputs; fewer outputs take the taps' place
    patches     call + outputs · span · (mac + packed / rows) + outputs · added for each product, and outputs · copied
    fft         transform + n · (layer · log₂ n + axis · axes) + outputs · moved for each group of blocks of n positions
    """

    call: float
    element: float
    mac: float
    packed: float
    added: float
    copied: float
    transform: float
    layer: float
    axis: float
    moved: float


COSTS = {
    "f4": Costs(3.71e-06, 8.59e-11, 2.90e-11, 8.42e-11, 0.00e00, 2.66e-10, 3.82e-05, 2.82e-11, 1.05e-09, 1.37e-09),
    "f8": Costs(2.76e-06, 2.53e-10, 5.18e-11, 2.10e-10, 0.00e00, 3.96e-10, 3.55e-05, 1.16e-10, 2.25e-09, 8.91e-10),
    "c8": Costs(3.35e-06, 2.51e-10, 8.09e-11, 2.10e-10, 5.12e-13, 5.85e-10, 3.75e-05, 6.32e-11, 2.08e-09, 2.52e-09),
    "c16": Costs(2.70e-06, 7.01e-10, 1.54e-10, 4.26e-10, 1.65e-10, 3.36e-10, 3.48e-05, 1.97e-10, 3.43e-09, 3.57e-09),
}


def costs(dtype: np.dtype) -> Costs:
    """Integers, which only the definition computes as they are, cost about what complex numbers do."""
    return COSTS.get(f"{dtype.kind}{dtype.itemsize}", COSTS["c8"])
