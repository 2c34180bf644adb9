"""Whether the gradients of a network should take less time by a plan than operator by operator.

`python -m tests.bench.plans` fits the constants, and prints them anew. They are of one thread, however many there are,
so that what is computed does not depend on that.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from convmath.window import Window

from ...choice import ITSELF, methods
from ...costs import seconds
from ...problem import Convolution
from . import winograd_weights
from .layers import Correlation, Input, Net
from .layout import Lanes, lanes_of
from .units import units
from .winograd import POINTS, STEP, TAPS, fits

__all__ = ["LEAST", "MOST", "SECONDS", "amounts", "expected", "worth"]

# Seconds on one core. Operator by operator: of an operator; of a second that its convolutions should take; of a byte
# of what other operators make. By a plan: of a call; of a multiplication of numbers of 4 bytes; of a byte of its
# memory, and of the weights.
SECONDS = {
    "operators": {"operator": 3.4e-05, "convolution": 1.1, "byte": 2.5e-10},
    "plan": {"call": 3.1e-05, "product": 1.2e-11, "byte": 6.2e-11, "weight": 1.1e-10},
}
LEAST = 2**22  # multiplications below which kernels are not worth being made
MOST = 2**27  # bytes above which the memory that a plan keeps is not


def worth(net: Net) -> str:
    """Why a network is not worth a plan that nobody asked for; empty where it is."""
    each = amounts(net)
    plan = each["plan"]
    if plan["product"] < LEAST:
        return f"{plan['product']:,.0f} multiplications are not worth the kernels of a plan"
    if plan["byte"] > MOST:
        return f"a plan would keep about {plan['byte'] / 1e6:,.0f} MB"
    operators, planned = expected(each).values()
    if planned > operators:
        return (
            f"a plan should take {1e3 * planned:.2f} ms, and operator by operator it should be {1e3 * operators:.2f} ms"
        )
    return ""


def expected(of: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """What the value and the gradients with these amounts should take in either way, in seconds."""
    return {way: sum(SECONDS[way][name] * amount for name, amount in own.items()) for way, own in of.items()}


def amounts(net: Net) -> dict[str, Mapping[str, float]]:
    """How often each of the constants counts."""
    size = int(net.dtype[1])
    elements = [math.prod(shape) for shape in net.values]
    others = sum(elements[layer.y] for layer in net.layers if not isinstance(layer, Correlation | Input))
    convolution = 0.0
    for problem in _problems(net):
        by = seconds(problem, methods())
        convolution += min(by[method] for method in ITSELF if method in by)
    lanes = lanes_of(net.images, net.dtype)
    images = lanes.row // size
    products = sum(_products(net, layer, lanes) for layer in _correlations(net))
    return {
        "operators": {"operator": len(net.layers), "convolution": convolution, "byte": others * net.images * size},
        "plan": {
            "call": 1,
            "product": products * images * size / 4,
            "byte": 2 * sum(elements[unit.y] for unit in units(net)) * images * size,
            "weight": sum(math.prod(net.shapes[layer.w]) for layer in _correlations(net)) * size,
        },
    }


def _correlations(net: Net) -> Iterator[Correlation]:
    return (layer for layer in net.layers if isinstance(layer, Correlation))


def _needed(net: Net, layer: Correlation) -> bool:
    """Whether there is a gradient by what a layer reads."""
    inputs = {one.y for one in net.layers if isinstance(one, Input) and one.array not in net.wanted}
    return layer.x not in inputs


def _problems(net: Net) -> Iterator[Convolution]:
    for layer in _correlations(net):
        # what has no axes is an image of one position
        (outputs, *counts), (channels, *sizes) = net.values[layer.y], net.values[layer.x]
        shape, laid = (net.images, channels, *(sizes or (1,))), layer.windows or (Window(1),)
        kinds: list[Literal["forward", "weight", "input"]] = ["forward", "weight", "input"]
        for kind in kinds[: 2 + _needed(net, layer)]:
            yield Convolution(kind, np.dtype(net.dtype), shape, outputs, tuple(counts or (1,)), laid, layer.groups)


def _products(net: Net, layer: Correlation, lanes: Lanes) -> float:
    """The multiplications of an image: of the value, by the input and by the weight, by tiles or as they are."""
    (reads, *_), (outputs, *counts) = net.values[layer.x], net.values[layer.y]
    reads, outputs = reads // layer.groups, outputs // layer.groups
    plain = float(math.prod(counts) * layer.groups * outputs * reads * math.prod(w.kernel for w in layer.windows))
    tiles, given = plain * POINTS / (STEP * TAPS) ** 2, (layer.windows, reads, outputs)
    there = tiles if fits(*given, lanes.together * lanes.vector) else plain
    back = tiles if winograd_weights.fits(*given, lanes.row, lanes.lanes) else plain
    return there * (1 + _needed(net, layer)) + back
