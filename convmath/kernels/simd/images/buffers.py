"""The memory of a plan, and the words of its kernels, where addresses that change from call to call are filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compile import Kernel
from ..memory import LINE
from .layers import Refused
from .layout import Layout

__all__ = ["GRADIENTS", "VALUE", "Memory", "Slot", "Step"]

MOST = 2**30  # bytes that a plan may take
# arrays lie in sheets of so many bytes, which the system makes of pages as large as this: a position of each channel is
# on another page, and few of the small ones are known at once where they lie
SHEET, HUGE = 2**25, 2**21
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
        self.free: dict[Layout, list[np.ndarray]] = {}
        self.words: list[int] = []
        self.slots: list[tuple[int, Slot]] = []
        self._sheet = np.zeros(0, np.uint8)
        self.flag = self.zeros(8).view(np.int64)

    def zeros(self, bytes: int) -> np.ndarray:
        """Zeros of so many bytes, from a line of the cache on."""
        self.bytes += bytes
        if self.bytes > MOST:
            raise Refused(f"the arrays of a plan would take more than {MOST:,} bytes")
        taken = -(-bytes // LINE) * LINE
        if taken > len(self._sheet):
            sheet = np.empty(max(taken, SHEET) + HUGE, np.uint8)
            self._sheet = sheet[-sheet.ctypes.data % HUGE :]
        array, self._sheet = self._sheet[:bytes], self._sheet[taken:]
        array.fill(0)
        self.kept.append(array)
        return array

    def borrowed(self, layout: Layout) -> np.ndarray:
        """Memory of an array that lies so: anything in its positions, and zeros around."""
        given_back = self.free.get(layout)
        return given_back.pop() if given_back else self.zeros(layout.bytes)

    def give_back(self, layout: Layout, array: np.ndarray) -> None:
        """Later steps may write what they like in its positions."""
        self.free.setdefault(layout, []).append(array)

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
