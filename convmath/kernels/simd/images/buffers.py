"""The memory of a plan, and the words of its kernels, where addresses that change from call to call are filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compile import Kernel
from ..memory import LINE, aligned
from .layers import Refused

__all__ = ["GRADIENTS", "VALUE", "Memory", "Slot", "Step"]

MOST = 2**30  # bytes that a plan may take
VALUE, GRADIENTS = -2, -1  # the slots of what comes out; those of arrays are their numbers


@dataclass(frozen=True)
class Slot:
    """An address that is known at a call only, moved by some bytes."""

    number: int
    moved: int = 0


@dataclass(frozen=True)
class Step:
    """A kernel, where its words begin among those of the plan, and its items. `own` is the scratch memory it needs.

    Items of a step that is `whole` are claimed in as few pieces as there are threads.
    """

    code: Kernel
    begin: int
    items: int
    own: int
    whole: bool


class Memory:
    """Arrays that a plan keeps, and the words of its steps."""

    def __init__(self, dtype: str):
        self.dtype, self.bytes = np.dtype(dtype), 0
        self.kept: list[np.ndarray] = []
        self.words: list[int] = []
        self.slots: list[tuple[int, Slot]] = []
        self.flag = self.zeros(8).view(np.int64)

    def zeros(self, bytes: int) -> np.ndarray:
        """Zeros of so many bytes, from a line of the cache on."""
        self.bytes += bytes
        if self.bytes > MOST:
            raise Refused(f"the arrays of a plan would take more than {MOST:,} bytes")
        array = aligned(bytes + LINE, np.uint8)
        array.fill(0)
        self.kept.append(array)
        return array[:bytes]

    def table(self, array: np.ndarray) -> np.ndarray:
        """An array that is kept."""
        array = np.ascontiguousarray(array)
        self.kept.append(array)
        return array

    def floats(self, numbers: Sequence[float] | np.ndarray) -> np.ndarray:
        return self.table(np.array([*numbers, 0.0], self.dtype))

    def step(self, code: Kernel, items: int, given: Mapping[str, Any], own: int = 0, whole: bool = False) -> Step:
        """A kernel with its words by name: arrays, slots, numbers; what is not given is 0."""
        names, begin = (*code.pointers, *code.integers), len(self.words)
        assert given.keys() <= {*names}, given.keys() - {*names}
        for place, name in enumerate(names, begin):
            value = given.get(name, 0)
            if isinstance(value, Slot):
                self.slots.append((place, value))
            self.words.append(
                0 if isinstance(value, Slot) else value.ctypes.data if isinstance(value, np.ndarray) else int(value)
            )
        return Step(code, begin, items, own, whole)
