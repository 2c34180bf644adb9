"""What the steps of a plan share: where values lie, their memory, and how cotangents come together."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from .buffers import GRADIENTS, Memory, Slot
from .layers import Activation, Correlation, Input, MaxPool, Net, Refused
from .layout import Layout, lanes_of
from .tails import BY_OUTPUT
from .units import Unit, units

__all__ = ["Draft", "Made", "Part", "Tail", "named"]


@dataclass
class Made:
    """A value: where its elements lie, and their memory.

    `before` is what came before its activation, and `code` the numbers of selected taps; both lie as it does. `inner`
    is how the input of a pool lies that is made with it, and `inner_g` the cotangent of that.
    """

    unit: Unit
    layout: Layout
    y: np.ndarray
    before: np.ndarray
    g: np.ndarray
    code: np.ndarray
    inner: Layout
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
            if _arrays(unit) & {*net.wanted} or self.needs & {*unit.layer.reads}:
                self.needs.add(unit.y)
        if net.loss.x not in self.needs:
            raise Refused("the loss does not depend on what derivatives are taken by")
        reads = (value for unit in self.units for value in unit.layer.reads if unit.y in self.needs)
        self.expected, self.given = Counter([*reads, net.loss.x]), Counter[int]()
        self.made = {unit.y: self._made(unit) for unit in self.units}

    def _made(self, unit: Unit) -> Made:
        layout = self._layout(unit.y)
        inner = self._layout(unit.layer.y) if unit.pool else layout
        needed, zeros = unit.y in self.needs, self.memory.zeros
        kept = unit.activation is not None and unit.activation.name not in BY_OUTPUT
        selects = unit.pool is not None or isinstance(unit.layer, MaxPool)
        y = zeros(layout.bytes)
        return Made(
            unit,
            layout,
            y,
            before=zeros(layout.bytes) if kept else y,
            g=zeros(layout.bytes if needed else 0),
            # a number takes a byte, or four, where a value takes four, or eight
            code=zeros(layout.bytes * 4 // self.bytes if selects else 0),
            inner=inner,
            inner_g=zeros(inner.bytes if needed and unit.pool else 0),
        )

    def _layout(self, value: int) -> Layout:
        """A value with as many zeros around it as the padding of those convolutions that read it."""
        channels, *sizes = self.net.values[value]
        margins = [(0, 0)] * len(sizes)
        for unit in self.units:
            layer = unit.layer
            if isinstance(layer, Correlation) and layer.x == value:
                both = zip(margins, layer.windows, strict=True)
                margins = [(max(a, w.before), max(b, w.after)) for (a, b), w in both]
        return Layout(channels, tuple(sizes), self.lanes.row, tuple(margins))

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

    def slope_tail(self, made: Made) -> Tail | None:
        """Through the slope of the activation that made the value, unless the maximum was taken behind it."""
        activation = made.unit.activation
        if activation is None or made.unit.pool:
            return None
        return Tail("through", activation, {"y": made.g, "z": made.before, "fixed": self.numbers(activation)})

    def cotangent_tail(self, made: Made) -> Tail:
        """How the next part of a value's cotangent is stored: through that slope, if it is all of it."""
        value = made.unit.y
        self.given[value] += 1
        if self.given[value] > 1:
            return Tail("add", None, {"y": made.g})
        alone = self.slope_tail(made) if self.expected[value] == 1 else None
        return alone or Tail("store", None, {"y": made.g})

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


def _arrays(unit: Unit) -> set[int]:
    """The arrays that a unit reads."""
    match unit.layer:
        case Input(array=array):
            return {array}
        case Correlation(w=w, b=b):
            return {w} if b is None else {w, b}
    return set()
