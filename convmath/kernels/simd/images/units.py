"""Which layers of a network are made together, by one kernel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .layers import Activation, AvgPool, Correlation, Input, Layer, MaxPool, Net, Sum
from .tails import BY_OUTPUT

__all__ = ["Unit", "units"]

MOST_FUSED = 16  # positions of a pool's window that are made together


@dataclass(frozen=True)
class Unit:
    """Layers that one kernel computes: something, its activation, and the maxima of that over windows."""

    layer: Input | Correlation | MaxPool | AvgPool | Sum | Activation
    activation: Activation | None = None
    pool: MaxPool | None = None

    @property
    def y(self) -> int:
        """The value that comes out."""
        return (self.pool or self.activation or self.layer).y

    @property
    def name(self) -> str:
        layer, own = self.layer, {Input: "input", MaxPool: "max_pool", AvgPool: "avg_pool", Sum: "add"}
        first = layer.name if isinstance(layer, Correlation | Activation) else own[type(layer)]
        return " + ".join(
            [
                first,
                *(["bias"] if isinstance(layer, Correlation) and layer.b is not None else []),
                *([self.activation.name] if self.activation and self.activation is not layer else []),
                *(["max_pool"] if self.pool else []),
            ]
        )


def units(net: Net) -> list[Unit]:
    """Which layers are made together: what only one layer reads need not be written down."""
    readers = Counter(value for layer in (*net.layers, net.loss) for value in layer.reads)
    found: list[Unit] = []
    made: dict[int, int] = {}  # the unit that makes a value
    for layer in net.layers:
        own = next(iter(layer.reads), None)
        place = made.get(own) if own is not None and readers[own] == 1 else None
        joined = None if place is None else _joined(found[place], layer, net)
        if place is None or joined is None:
            found.append(Unit(layer, layer if isinstance(layer, Activation) else None))
            place = len(found) - 1
        else:
            found[place] = joined
        made[layer.y] = place
    return found


def _joined(unit: Unit, layer: Layer, net: Net) -> Unit | None:
    """The unit with the layer in it, where one kernel can do both."""
    if isinstance(layer, Activation) and unit.activation is None and not isinstance(unit.layer, Input):
        if unit.pool is None:
            return replace(unit, activation=layer)
        # after the maximum, or before it, where it is the same
        return replace(unit, activation=layer, pool=replace(unit.pool, y=layer.y)) if layer.name in BY_OUTPUT else None
    if isinstance(layer, MaxPool) and isinstance(unit.layer, Correlation) and unit.pool is None:
        return replace(unit, pool=layer) if _apart(layer, net.values[layer.x][1:]) else None
    return None


def _apart(pool: MaxPool, sizes: Sequence[int]) -> bool:
    """Whether its windows lie inside, do not overlap, so that nothing is made twice, and are small."""
    members = 1
    for w, n in zip(pool.windows, sizes, strict=True):
        members *= w.kernel
        count = w.output_size(n)
        if w.before or w.span > w.stride or count == 0 or (count - 1) * w.stride + w.span > n:
            return False
    return members <= MOST_FUSED and not pool.last
