"""Which layers of a network are made together, by one kernel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .layers import Activation, AvgPool, Correlation, Input, Layer, MaxPool, Net, Norm, Sum
from .tails import BY_OUTPUT

__all__ = ["Unit", "units"]

MOST_FUSED = 16  # positions of a pool's window that are made together


@dataclass(frozen=True)
class Unit:
    """Layers that one kernel computes: one, what is added, the activation, and the maxima of that over windows."""

    layer: Layer
    added: Sum | None = None
    activation: Activation | None = None
    pool: MaxPool | None = None

    @property
    def y(self) -> int:
        """The value that comes out."""
        return (self.pool or self.activation or self.added or self.layer).y

    @property
    def other(self) -> int | None:
        """The value that is added to what the layer makes."""
        return None if self.added is None else next(value for value in self.added.reads if value != self.layer.y)

    @property
    def finds_slope(self) -> bool:
        """Whether the way back starts before the activation: from a maximum of it, or where X tells it quickly."""
        told = isinstance(self.layer, Norm) and self.added is None
        return self.pool is not None or (told and self.activation is not None and self.activation.name in BY_OUTPUT)

    @property
    def reads(self) -> tuple[int, ...]:
        return self.layer.reads if self.other is None else (*self.layer.reads, self.other)

    @property
    def name(self) -> str:
        layer, own = self.layer, {Input: "input", MaxPool: "max_pool", AvgPool: "avg_pool", Sum: "add"}
        first = layer.name if isinstance(layer, Correlation | Activation | Norm) else own[type(layer)]
        return " + ".join(
            [
                first,
                *(["bias"] if isinstance(layer, Correlation) and layer.b is not None else []),
                *(["add"] if self.added else []),
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
        # of what a sum reads, what was made last: the other is there by then
        own = max(layer.reads, key=made.__getitem__, default=None)
        place = made.get(own) if own is not None and readers[own] == 1 else None
        joined = None if place is None else _joined(found[place], layer, net)
        if place is None or joined is None:
            found.append(Unit(layer, activation=layer if isinstance(layer, Activation) else None))
            place = len(found) - 1
        else:
            found[place] = joined
        made[layer.y] = place
    return found


def _joined(unit: Unit, layer: Layer, net: Net) -> Unit | None:
    """The unit with the layer in it, where one kernel can do both."""
    if isinstance(layer, Sum) and isinstance(unit.layer, Norm) and unit.y == unit.layer.y:
        return replace(unit, added=layer)
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
