"""The gradient by the weight where each channel has one kernel of its own, in the order of `kernels.ordered`.

A tap is a sum over images, and in each over lines of windows, in 16 lanes. Some taps are summed together, so that one
need not wait for the other. Where windows step along a line, each remainder modulo the stride is a line of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from convmath.kernels.ordered import LANES
from convmath.kernels.padding import pad, padded_sizes
from convmath.window import Window

from . import sixteen, workers
from .builder import BYTES, Builder, Value, words
from .compile import kernel
from .host import host
from .plane import positions, strides

__all__ = ["Plan", "run_weight", "weight"]

BLOCK = 8  # channels of an item
SPEED = 16e9  # bytes a second, about: only to see what is worth sharing


@kernel("gy x sums lines offsets", "images channels count length groups out plane", "kept")
def dots(k: Builder, dtype: str, together: int) -> None:
    """sums[c,t] = Σ_{ν,j} gY[ν,c,j] · X[ν,c,j+offset t]

    An item are some channels, which lie beside one another in each image. Their sums, of so many taps `together`, are
    kept from one image to the next.
    """
    each = together * (LANES // k.lanes)

    def item(i: Value) -> None:
        first = i * BLOCK
        here = k.least_of(k.channels - first, BLOCK)

        def kept(j: Value) -> Value:
            """The sums of a channel and a group of taps."""
            return k.at(k.kept, j * (each * k.vector))

        def image(v: Value) -> None:
            k.loop(0, here, 1, [], lambda c: k.loop(0, k.groups, 1, [], lambda g: group(v, c, g)) and None)

        def group(v: Value, c: Value, g: Value) -> None:
            plane = v * k.channels + first + c
            gy, x, there = k.at(k.gy, plane * k.out), k.at(k.x, plane * k.plane), kept(c * k.groups + g)
            at = [k.load_word(k.offsets, (g * together + t) * 8) for t in range(together)]

            def line(r: Value, *sums: Value) -> list[Value]:
                own, read = k.at(gy, r * (k.length * k.bytes)), k.at(x, k.load_word(k.lines, r * 8))

                def terms(offset: Value, mask: Value | None) -> list[Value]:
                    g = k.load(own, offset, mask=mask)
                    return [g * k.load(k.at(read, tap), offset, mask=mask) for tap in at]

                return sixteen.over(k, k.length, terms, sums)

            _keep(k, k.loop(0, k.count, 1, [k.load(there, e * k.vector) for e in range(each)], line), there)

        def total(j: Value) -> None:
            sums = [k.load(kept(j), e * k.vector) for e in range(each)]
            for t in range(together):
                found = sixteen.total(k, sums[t * each // together : (t + 1) * each // together])
                k.store(found, k.sums, ((first * k.groups + j) * together + t) * k.bytes)

        k.loop(0, here * k.groups, 1, [], lambda j: _keep(k, sixteen.nothing(k, together), kept(j)))
        k.loop(0, k.images, 1, [], image)
        k.loop(0, here * k.groups, 1, [], total)

    k.loop(k.first, k.behind, 1, [], item)


def _keep(k: Builder, sums: Sequence[Value], there: Value) -> None:
    for e, one in enumerate(sums):
        k.store(one, there, e * k.vector)


@dataclass(frozen=True)
class Plan:
    """At given sizes; those of the input with its padding."""

    dtype: str
    batch: int
    channels: int
    sizes: tuple[int, ...]
    windows: tuple[Window, ...]
    counts: tuple[int, ...]

    @property
    def cycles(self) -> float:
        return self.batch * self.channels * math.prod(self.counts) * self.taps * BYTES[self.dtype] / host().vector

    @property
    def taps(self) -> int:
        return math.prod(window.kernel for window in self.windows)

    @property
    def groups(self) -> int:
        """The fewest whose sums take no more than half of the registers."""
        each = LANES * BYTES[self.dtype] // host().vector
        return -(-self.taps // max(1, host().registers // 2 // each))

    @property
    def together(self) -> int:
        return -(-self.taps // self.groups)

    @property
    def phases(self) -> int:
        """How many lines a line is laid out as."""
        return self.windows[-1].stride

    @property
    def length(self) -> int:
        """Elements of each of them."""
        return -(-self.sizes[-1] // self.phases)

    @cached_property
    def tables(self) -> tuple[np.ndarray, np.ndarray]:
        """Where lines of windows begin, and how far from there a tap reads, in bytes."""
        *outer, last = self.windows
        *steps, _ = strides((*self.sizes[:-1], self.phases * self.length))
        lines = positions(self.counts[:-1], [w.stride * step for w, step in zip(outer, steps, strict=True)])
        down = positions([w.kernel for w in outer], [w.dilation * step for w, step in zip(outer, steps, strict=True)])
        at = last.dilation * np.arange(last.kernel)
        taps = np.add.outer(down, at % self.phases * self.length + at // self.phases).reshape(-1)
        offsets = np.zeros(self.groups * self.together, np.int64)
        offsets[: self.taps] = taps
        return lines * BYTES[self.dtype], offsets * BYTES[self.dtype]

    def laid(self, x: np.ndarray) -> np.ndarray:
        """Each line as one for each remainder."""
        if self.phases == 1:
            return x
        more = self.phases * self.length - self.sizes[-1]
        wide = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, more)])
        return np.ascontiguousarray(wide.reshape(*x.shape[:-1], self.length, self.phases).swapaxes(-1, -2))


@lru_cache(512)
def weight(
    dtype: str, batch: int, channels: int, sizes: tuple[int, ...], outputs: int, windows: tuple[Window, ...],
    counts: tuple[int, ...], groups: int,
) -> Plan | None:  # fmt: skip
    """gW[c,t] = Σ_{ν,j} gY[ν,c,j] · X[ν,c,s·j+d·t-a]; None where a channel has other kernels than its own."""
    if not channels == outputs == groups:
        return None
    return Plan(dtype, batch, channels, padded_sizes(windows, sizes), windows, counts)


def run_weight(p: Plan, gy: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, bool]:
    """The gradient, which is that of the definition also where it is not finite."""
    laid = p.laid(np.ascontiguousarray(pad(x, p.windows)))
    lines, offsets = p.tables
    sums = np.empty((p.channels, p.groups * p.together), x.dtype)
    numbers: Sequence[int] = (
        *(p.batch, p.channels, len(lines), p.counts[-1], p.groups),
        *(math.prod(p.counts) * x.itemsize, math.prod(laid.shape[2:]) * x.itemsize),
    )
    seconds = p.taps * gy.nbytes / SPEED
    block = words(gy, laid, sums, lines, offsets, *numbers)
    kept = BLOCK * p.groups * p.together * LANES * x.itemsize
    workers.run(dots(p.dtype, p.together), block, -(-p.channels // BLOCK), (kept,), seconds)
    return sums[:, : p.taps].reshape(p.channels, 1, *(window.kernel for window in p.windows)), True
