"""What the steps of a plan share: where values lie, their memory, and how cotangents come together."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import winograd_weights
from .buffers import GRADIENTS, Memory, Slot
from .layers import Activation, Correlation, Input, MaxPool, Net, Norm, Refused
from .layout import Layout, lanes_of
from .norm import KEPT
from .tails import BY_OUTPUT
from .units import Unit, units
from .winograd import STEP, TAPS, fits

__all__ = ["Draft", "Made", "Part", "Tail", "named"]


Pads = tuple[int, int]
NOTHING = np.zeros(0, np.uint8)


@dataclass
class Made:
    """A value: where its elements lie, and their memory; that of its cotangent `g` is borrowed when a part of it comes.

    `before` is what came before its activation, and `code` the numbers of selected taps; both lie as it does. `inner`
    is how the input of a pool lies that is made with it, and `inner_g` the cotangent of that. `kept` is what a norm
    keeps of each channel.
    """

    unit: Unit
    layout: Layout
    y: np.ndarray
    before: np.ndarray
    code: np.ndarray
    inner: Layout
    kept: np.ndarray
    g: np.ndarray
    inner_g: np.ndarray

    @property
    def produced(self) -> tuple[Layout, np.ndarray]:
        """What the unit's first layer makes, before a pool: how it lies, and its cotangent."""
        return self.inner, self.inner_g if self.unit.pool else self.g


@dataclass(frozen=True)
class Tail:
    """How a kernel ends: its arguments, and its words."""

    tail: str
    activation: Activation | None
    words: dict[str, Any]

    @property
    def arguments(self) -> tuple[str, str, int]:
        return self.tail, *named(self.activation)


def named(activation: Activation | None) -> tuple[str, int]:
    """The name of an activation, and how many numbers fix it."""
    return (activation.name, len(activation.numbers)) if activation else ("", 0)


@dataclass(frozen=True)
class Part:
    """The gradient by an array, or a part of it, and where it lies among all of them, in bytes."""

    array: int
    place: int
    shape: tuple[int, ...]


class Draft:
    """A plan in the making."""

    def __init__(self, net: Net):
        self.net, self.units, self.memory = net, units(net), Memory(net.dtype)
        self.lanes, self.bytes = lanes_of(net.images, net.dtype), int(net.dtype[1])
        self.products = 0  # multiplications
        self.parts: list[Part] = []
        self.room = 0  # bytes of all gradients
        self.needs: set[int] = set()  # the values that have a gradient
        for unit in self.units:
            if _arrays(unit) & {*net.wanted} or self.needs & {*unit.reads}:
                self.needs.add(unit.y)
        if net.loss.x not in self.needs:
            raise Refused("the loss does not depend on what derivatives are taken by")
        reads = (value for unit in self.units for value in unit.reads if unit.y in self.needs)
        self.expected, self.given = Counter([*reads, net.loss.x]), Counter[int]()
        self.made = {unit.y: self._made(unit) for unit in self.units}

    def _made(self, unit: Unit) -> Made:
        layout = self._layout(unit.y)
        inner = self._layout(unit.layer.y) if unit.pool else layout
        zeros = self.memory.zeros
        kept = unit.activation is not None and unit.activation.name not in BY_OUTPUT
        selects = unit.pool is not None or isinstance(unit.layer, MaxPool)
        y = zeros(layout.bytes)
        return Made(
            unit,
            layout,
            y,
            before=zeros(layout.bytes) if kept else y,
            # a number takes a byte, or four, where a value takes four, or eight
            code=zeros(layout.bytes * 4 // self.bytes if selects else 0),
            inner=inner,
            kept=zeros(KEPT * layout.channels if isinstance(unit.layer, Norm) else 0),
            g=NOTHING,
            inner_g=NOTHING,
        )

    def _layout(self, value: int) -> Layout:
        """A value with as many zeros around it, and its cotangent, as those convolutions need that read it."""
        channels, *sizes = self.net.values[value]
        margins = [(0, 0)] * len(sizes)
        for unit in self.units:
            layer = unit.layer
            if not isinstance(layer, Correlation):
                continue
            if layer.x == value:
                margins = _widest(margins, self._margins(layer, layer.y, turned=False))
            if value != (layer.y if unit.pool else unit.y):
                continue
            if self.by_tiles(layer) and layer.x in self.needs:
                margins = _widest(margins, self._margins(layer, layer.x, turned=True))
            if self.weights_by_tiles(layer):
                margins = _widest(margins, [(0, -n % STEP) for n in sizes])
        return Layout(channels, tuple(sizes), self.lanes.row, tuple(margins))

    def by_tiles(self, layer: Correlation) -> bool:
        """Whether a convolution is computed by tiles, there and by its input."""
        reads, outputs = (self.net.values[value][0] // layer.groups for value in (layer.x, layer.y))
        return fits(layer.windows, reads, outputs, self.lanes.together * self.lanes.vector)

    def weights_by_tiles(self, layer: Correlation) -> bool:
        """Whether its gradient by the weight is."""
        reads, outputs = (self.net.values[value][0] // layer.groups for value in (layer.x, layer.y))
        return layer.w in self.net.wanted and winograd_weights.fits(
            layer.windows, reads, outputs, self.lanes.row, self.lanes.lanes
        )

    def _margins(self, layer: Correlation, made: int, *, turned: bool) -> list[Pads]:
        """What lies around an array that a convolution reads, with all of the tiles of what is made that are begun."""
        tiles = self.by_tiles(layer) or self.weights_by_tiles(layer)
        begun = [-n % STEP if tiles else 0 for n in self.net.values[made][1:]]
        pads = [(TAPS - 1 - w.before, TAPS - 1 - w.after) if turned else (w.before, w.after) for w in layer.windows]
        return [(before, after + rest) for (before, after), rest in zip(pads, begun, strict=True)]

    # --- tails ---

    def numbers(self, activation: Activation | None) -> np.ndarray:
        return self.memory.floats(activation.numbers if activation else ())

    def value_tail(self, made: Made) -> Tail:
        """How a value is stored on the way there."""
        activation = made.unit.activation
        if activation is None:
            return Tail("store", None, {"y": made.y})
        words = {"y": made.y, "z": made.before, "fixed": self.numbers(activation)}
        return Tail("activate" if activation.name in BY_OUTPUT else "keep", activation, words)

    def cotangent_tail(self, made: Made) -> Tail:
        """How the next part of a value's cotangent is stored, the last through the slope of its activation."""
        value = made.unit.y
        if not self.given[value]:
            made.g = self.memory.borrowed(made.layout)
        self.given[value] += 1
        words, first = {"y": made.g}, self.given[value] == 1
        activation = made.unit.activation
        if activation is None or made.unit.finds_slope or self.given[value] < self.expected[value]:
            return Tail("store" if first else "add", None, words)
        words |= {"z": made.before, "fixed": self.numbers(activation)}
        return Tail("through" if first else "add through", activation, words)

    # --- gradients ---

    def gradient(self, array: int) -> Slot | np.ndarray:
        """Where the gradient by an array goes; an array that several layers read has a part from each."""
        shape = self.net.shapes[array]
        size = math.prod(shape) * self.bytes
        if array not in self.net.wanted:
            return self.memory.zeros(size)
        self.parts.append(Part(array, self.room, shape))
        self.room += -(-size // 64) * 64
        return Slot(GRADIENTS, self.parts[-1].place)


def _widest(margins: list[Pads], others: list[Pads]) -> list[Pads]:
    return [(max(a, c), max(b, d)) for (a, b), (c, d) in zip(margins, others, strict=True)]


def _arrays(unit: Unit) -> set[int]:
    """The arrays that a unit reads."""
    match unit.layer:
        case Input(array=array):
            return {array}
        case Correlation(w=w, b=b) | Norm(w=w, b=b):
            return {array for array in (w, b) if array is not None}
    return set()
