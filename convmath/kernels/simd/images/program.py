"""Kernels one after the other on several threads, without Python in between.

Each participant goes through the steps in their order, claims chunks of a step's items, first those of its own share
(`workers.claimed`), and waits until all of them are done. Nobody waits for a participant, only for items that somebody
has claimed: it does not matter how many there are, or when they come.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from convmath.kernels.threads import threads

from .. import workers
from ..builder import Builder, Value, Words, words
from ..compile import kernel
from ..workers import LINE, Called, claimed, spin
from .buffers import Step

__all__ = ["Program"]

STEP = 40  # bytes of a step: code, block, items, those of a share, those of a chunk
PIECES = 4  # that a share is cut into


@kernel("steps progress", "count threads", passes=False)
def replay(k: Builder, dtype: str) -> None:
    """An item is a participant. `progress` has counters for each step: of what is done, then one for each share."""
    code, own = k.code, k.function.args[1]

    def step(number: Value, participant: Value) -> None:
        entry, done = k.at(k.steps, number * STEP), k.at(k.progress, number * ((k.threads + 1) * LINE))
        run, block, items, share, chunk = (k.load_word(entry, 8 * word) for word in range(5))

        def do(first: Value, behind: Value) -> None:
            code.call(Called(k.as_pointer(run)), [k.as_pointer(block).value, own, first.value, behind.value])
            code.atomic_rmw("add", done.value, (behind - first).value, "acq_rel")

        claimed(k, k.at(done, LINE), k.threads, participant, (share, chunk, items), do)
        spin(k, done, lambda read: code.icmp_signed(">=", read, items.value))

    k.loop(k.first, k.behind, 1, [], lambda i: k.loop(0, k.count, 1, [], lambda number: step(number, i)) and None)


class Program:
    """Steps that are run again and again; `words` are those of all of them."""

    def __init__(self, steps: Sequence[Step], words: np.ndarray, seconds: float):
        self.steps, self.words, self.seconds = tuple(steps), words, seconds
        self.own = (max(step.own for step in steps),)
        self._tables: dict[int, tuple[Words, np.ndarray]] = {}

    def _table(self, count: int) -> tuple[Words, np.ndarray]:
        """The block for so many threads, and its counters; how items are cut makes no difference to a result."""
        if count not in self._tables:
            rows = []
            for step in self.steps:
                share = -(-step.items // count)
                chunk = -(-share // (1 if step.whole else PIECES))
                address = self.words.ctypes.data + 8 * step.begin
                rows.append((step.code.address, address, step.items, share, chunk))
            progress = np.zeros((len(rows), count + 1, LINE // 8), np.int64)
            self._tables[count] = words(np.array(rows, np.int64), progress, len(rows), count), progress
        return self._tables[count]

    def run(self) -> None:
        count = threads()
        block, progress = self._table(count)
        progress.fill(0)
        workers.run(replay("f8"), block, count, self.own, self.seconds)
