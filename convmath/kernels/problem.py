"""What a convolution computes, as a value: all that the choice of its kernels depends on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from convmath.window import Window

from .taps import output_sizes

__all__ = ["Convolution"]


@dataclass(frozen=True, slots=True)
class Convolution:
    """Y from X and W ("forward"), X's cotangent from Y's and W ("input"), or W's from Y's and X ("weight").

    `shape` is that of X, and `counts` are the positions of Y, which has `outputs` channels.
    """

    kind: Literal["forward", "input", "weight"]
    dtype: np.dtype
    shape: tuple[int, ...]
    outputs: int
    counts: tuple[int, ...]
    windows: tuple[Window, ...]
    groups: int

    @classmethod
    def forward(cls, x: np.ndarray, w: np.ndarray, windows: Sequence[Window], groups: int) -> Convolution:
        counts = output_sizes(windows, x.shape[2:])
        return cls("forward", np.result_type(x, w), x.shape, w.shape[0], counts, tuple(windows), groups)

    @classmethod
    def by_input(
        cls, gy: np.ndarray, w: np.ndarray, windows: Sequence[Window], groups: int, sizes: Sequence[int]
    ) -> Convolution:
        shape = (gy.shape[0], w.shape[1] * groups, *sizes)
        return cls("input", np.result_type(gy, w), shape, gy.shape[1], gy.shape[2:], tuple(windows), groups)

    @classmethod
    def by_weight(cls, gy: np.ndarray, x: np.ndarray, windows: Sequence[Window], groups: int) -> Convolution:
        return cls("weight", np.result_type(gy, x), x.shape, gy.shape[1], gy.shape[2:], tuple(windows), groups)

    @property
    def taps(self) -> int:
        return math.prod(window.kernel for window in self.windows)

    @property
    def reads(self) -> int:
        """The channels of X in a group."""
        return self.shape[1] // self.groups

    @property
    def makes(self) -> int:
        """Those of Y."""
        return self.outputs // self.groups

    @property
    def of_parts(self) -> Convolution:
        """The real convolution that computes one of complex numbers (`parts`)."""
        batch, channels, *sizes = self.shape
        real = np.real(np.zeros(0, self.dtype)).dtype
        return replace(self, dtype=real, shape=(batch, 2 * channels, *sizes), outputs=2 * self.outputs)

    @property
    def turned(self) -> Convolution | None:
        """Of a gradient by the input: the convolution of gY with the turned kernel that is gX; None with a stride."""
        axes = list(zip(self.windows, self.shape[2:], self.counts, strict=True))
        found = tuple(Window(w.kernel, 1, w.dilation, w.span - 1 - w.before, n - m + w.before) for w, n, m in axes)
        crops = any(min(window.before, window.after) < 0 for window in found)
        if crops or any(window.stride > 1 for window in self.windows) or not math.prod(self.counts):
            return None
        shape = self.shape[0], self.outputs, *self.counts
        return replace(self, kind="forward", shape=shape, outputs=self.shape[1], counts=self.shape[2:], windows=found)

    @property
    def empty(self) -> bool:
        return not (math.prod(self.shape) and math.prod(self.counts) and self.outputs)

    @property
    def flops(self) -> int:
        """Multiplications and additions as the definition has them, on the padding too."""
        return 2 * self.shape[0] * self.outputs * math.prod(self.counts) * self.reads * self.taps

    @property
    def bytes(self) -> int:
        """What the three arrays take."""
        y = self.shape[0] * self.outputs * math.prod(self.counts)
        w = self.outputs * self.shape[1] // self.groups * self.taps
        return (math.prod(self.shape) + y + w) * self.dtype.itemsize
