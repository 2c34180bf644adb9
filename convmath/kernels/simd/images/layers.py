"""A network as data: what is read, and what is made of it.

Values and arrays are numbers: a value has a shape of its own in `Net.values`, an array is an argument of the call.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convmath.window import Window

__all__ = [
    "Activation",
    "AvgPool",
    "Classes",
    "Correlation",
    "Input",
    "Layer",
    "MaxPool",
    "Loss",
    "Net",
    "Norm",
    "Refused",
    "Squares",
    "Sum",
]


@dataclass(frozen=True)
class Input:
    """An array (N, C, *n) as a value."""

    array: int
    y: int
    reads = ()


@dataclass(frozen=True)
class Correlation:
    """A convolution, or a linear layer, whose windows are whole axes."""

    x: int
    y: int
    w: int
    b: int | None
    windows: tuple[Window, ...]
    groups: int = 1
    name: str = "conv"

    @property
    def reads(self) -> tuple[int, ...]:
        return (self.x,)


@dataclass(frozen=True)
class Activation:
    """A function of each element by its name in `activations`, and the numbers that fix it."""

    x: int
    y: int
    name: str
    numbers: tuple[float, ...]

    @property
    def reads(self) -> tuple[int, ...]:
        return (self.x,)


@dataclass(frozen=True)
class MaxPool:
    """The greatest of each window, of equal ones the first, or the last."""

    x: int
    y: int
    windows: tuple[Window, ...]
    last: bool = False

    @property
    def reads(self) -> tuple[int, ...]:
        return (self.x,)


@dataclass(frozen=True, eq=False)
class AvgPool:
    """The sum of each window over its own number."""

    x: int
    y: int
    windows: tuple[Window, ...]
    divisors: np.ndarray

    @property
    def reads(self) -> tuple[int, ...]:
        return (self.x,)


@dataclass(frozen=True)
class Norm:
    """Each channel by its own mean and variance, with weights and a bias, or without."""

    x: int
    y: int
    w: int | None
    b: int | None
    eps: float
    name = "batch_norm"

    @property
    def reads(self) -> tuple[int, ...]:
        return (self.x,)


@dataclass(frozen=True)
class Sum:
    x: int
    u: int
    y: int

    @property
    def reads(self) -> tuple[int, ...]:
        return (self.x, self.u)


@dataclass(frozen=True)
class Classes:
    """The cross-entropy of classes, an array of whole numbers; `flat` where the elements of an image are classes."""

    x: int
    target: int
    ignored: int
    smoothing: float
    mean: bool
    flat: bool
    name = "cross_entropy"

    @property
    def reads(self) -> tuple[int, ...]:
        return (self.x,)


@dataclass(frozen=True)
class Squares:
    """The squared distance from a value that is an input."""

    x: int
    target: int
    mean: bool
    name = "mse"

    @property
    def reads(self) -> tuple[int, ...]:
        return (self.x, self.target)


class Refused(Exception):
    """Why there is no plan, as a sentence."""


Layer = Input | Correlation | Activation | MaxPool | AvgPool | Norm | Sum
Loss = Classes | Squares


@dataclass(frozen=True)
class Net:
    """Layers in their order, and the loss. `shapes` are those of arrays, `values` those (C, *n) of values.

    Of the arrays those that are `wanted` get gradients.
    """

    images: int
    dtype: str
    shapes: tuple[tuple[int, ...], ...]
    values: tuple[tuple[int, ...], ...]
    layers: tuple[Layer, ...]
    loss: Loss
    wanted: tuple[int, ...]
