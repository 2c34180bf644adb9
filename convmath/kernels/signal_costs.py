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
    simd        launch + cycles · cycle + (elements that are laid out or made) · laid for each part of the kernel
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
    launch: float = 0.0  # for complex numbers there are no generated kernels
    cycle: float = 0.0
    laid: float = 0.0


COSTS = {
    "f4": Costs(
        call=6.98e-06,
        element=7.01e-11,
        mac=2.76e-11,
        packed=8.02e-11,
        added=0.00e00,
        copied=3.14e-10,
        transform=5.90e-05,
        layer=5.99e-11,
        axis=1.05e-09,
        moved=8.89e-10,
        launch=2.00e-05,
        cycle=2.00e-10,
        laid=3.20e-11,
    ),
    "f8": Costs(
        call=8.70e-06,
        element=1.89e-10,
        mac=4.88e-11,
        packed=1.94e-10,
        added=0.00e00,
        copied=3.55e-10,
        transform=5.57e-05,
        layer=1.25e-10,
        axis=2.15e-09,
        moved=7.51e-10,
        launch=1.75e-05,
        cycle=2.09e-10,
        laid=7.68e-11,
    ),
    "c8": Costs(
        call=1.00e-05,
        element=2.04e-10,
        mac=7.77e-11,
        packed=1.86e-10,
        added=0.00e00,
        copied=5.95e-10,
        transform=5.50e-05,
        layer=1.08e-10,
        axis=1.94e-09,
        moved=1.83e-09,
    ),
    "c16": Costs(
        call=1.12e-05,
        element=6.15e-10,
        mac=1.42e-10,
        packed=3.70e-10,
        added=1.93e-10,
        copied=5.55e-10,
        transform=5.29e-05,
        layer=2.47e-10,
        axis=3.20e-09,
        moved=2.90e-09,
    ),
}


def costs(dtype: np.dtype) -> Costs:
    """Integers, which only the definition computes as they are, cost about what complex numbers do."""
    return COSTS.get(f"{dtype.kind}{dtype.itemsize}", COSTS["c8"])
