"""What the ways to correlate signals take: the one table. `python -m tests.bench.scipy --fit` prints it anew."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["COSTS", "Costs", "costs"]


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds on one core, for one type of numbers.

    direct      taps · (call + outputs · element) for each box of outputs; fewer outputs take the taps' place
    patches     call + outputs · span · (mac + packed / rows) + outputs · added for each product, and outputs · copied;
                or sweep + run · joined for each tap of the last axis, and run · taps · swept, of each box of outputs
    fft         transform + n · (layer · log₂ n + axis · axes) + outputs · moved for each group of blocks of n positions
    simd        launch + cycles · cycle + (elements that are laid out or made) · laid for each part of the kernel
    """

    call: float
    element: float
    mac: float
    packed: float
    added: float
    copied: float
    sweep: float
    joined: float
    swept: float
    transform: float
    layer: float
    axis: float
    moved: float
    launch: float = 0.0  # for complex numbers there are no generated kernels
    cycle: float = 0.0
    laid: float = 0.0


COSTS = {
    "f4": Costs(
        call=7.41e-06,
        element=4.15e-11,
        mac=1.53e-11,
        packed=1.36e-10,
        added=0.00e00,
        copied=3.39e-10,
        sweep=1.39e-05,
        joined=1.04e-10,
        swept=8.65e-11,
        transform=6.63e-05,
        layer=5.51e-11,
        axis=1.21e-09,
        moved=7.02e-10,
        launch=1.95e-05,
        cycle=2.07e-10,
        laid=3.46e-11,
    ),
    "f8": Costs(
        call=8.99e-06,
        element=2.13e-10,
        mac=3.33e-11,
        packed=2.95e-10,
        added=0.00e00,
        copied=5.49e-10,
        sweep=1.39e-05,
        joined=2.85e-10,
        swept=1.81e-10,
        transform=6.19e-05,
        layer=1.06e-10,
        axis=2.21e-09,
        moved=1.02e-09,
        launch=1.96e-05,
        cycle=2.21e-10,
        laid=6.94e-11,
    ),
    "c8": Costs(
        call=1.06e-05,
        element=1.91e-10,
        mac=6.30e-11,
        packed=2.39e-10,
        added=1.20e-10,
        copied=9.89e-10,
        sweep=1.41e-05,
        joined=3.99e-10,
        swept=1.49e-09,
        transform=6.32e-05,
        layer=1.03e-10,
        axis=2.03e-09,
        moved=1.92e-09,
    ),
    "c16": Costs(
        call=1.19e-05,
        element=6.31e-10,
        mac=1.26e-10,
        packed=4.36e-10,
        added=3.39e-10,
        copied=1.07e-09,
        sweep=1.45e-05,
        joined=6.59e-10,
        swept=1.46e-09,
        transform=6.31e-05,
        layer=2.55e-10,
        axis=2.81e-09,
        moved=3.79e-09,
    ),
}


def costs(dtype: np.dtype) -> Costs:
    """Integers, which only the definition computes as they are, cost about what complex numbers do."""
    return COSTS.get(f"{dtype.kind}{dtype.itemsize}", COSTS["c8"])
