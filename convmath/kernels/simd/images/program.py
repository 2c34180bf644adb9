"""Kernels one after the other on several threads, without Python in between.

Each participant goes through the steps in their order, claims chunks of a step's items, and waits until all of them are
done. Nobody waits for a participant, only for items that somebody has claimed: it does not matter how many there are,
or when they come.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from convmath.kernels.threads import threads

from .. import workers
from ..builder import Builder, Value, Words, words
from ..compile import kernel
from ..workers import Called, spin
from .buffers import Step

__all__ = ["Program"]

STEP = 32  # bytes of a step: code, block, items, chunk
PROGRESS = 128  # bytes of a step's counters, a cache line each: items that are claimed, items that are done
PIECES = 4  # that a step is cut into for each thread


@kernel("steps progress", "count", passes=False)
def replay(k: Builder, dtype: str) -> None:
    """An item is a participant."""
    code, own = k.code, k.function.args[1]

    def step(number: Value) -> None:
        entry, progress = k.at(k.steps, number * STEP), k.at(k.progress, number * PROGRESS)
        run, block, items, chunk = (k.load_word(entry, 8 * word) for word in range(4))
        done = k.at(progress, PROGRESS // 2)
        claim, do, behind_all = (k.function.append_basic_block(name) for name in ("claim", "do", "done"))
        code.branch(claim)
        code.position_at_end(claim)
        first = Value(k, code.atomic_rmw("add", progress.value, chunk.value, "acq_rel"))
        code.cbranch((first < items).value, do, behind_all)
        code.position_at_end(do)
        behind = k.least_of(first + chunk, items)
        arguments = [k.as_pointer(block).value, own, first.value, behind.value]
        code.call(Called(k.as_pointer(run)), arguments)
        code.atomic_rmw("add", done.value, (behind - first).value, "acq_rel")
        code.branch(claim)
        code.position_at_end(behind_all)
        spin(k, done, lambda read: code.icmp_signed(">=", read, items.value))

    k.loop(k.first, k.behind, 1, [], lambda _: k.loop(0, k.count, 1, [], step) and None)


class Program:
    """Steps that are run again and again; `words` are those of all of them."""

    def __init__(self, steps: Sequence[Step], words: np.ndarray, seconds: float):
        self.steps, self.words, self.seconds = tuple(steps), words, seconds
        self.progress = np.zeros((len(steps), PROGRESS // 8), np.int64)
        self.own = (max(step.own for step in steps),)
        self._tables: dict[int, tuple[Words, np.ndarray]] = {}

    def _table(self, count: int) -> Words:
        """The block for so many threads; how items are cut makes no difference to a result."""
        if count not in self._tables:
            rows = [
                (
                    *(step.code.address, self.words.ctypes.data + 8 * step.begin, step.items),
                    -(-step.items // (count * (1 if step.whole else PIECES))),
                )
                for step in self.steps
            ]
            table = np.array(rows, np.int64)
            self._tables[count] = words(table, self.progress, len(rows)), table
        return self._tables[count][0]

    def run(self) -> None:
        count = threads()
        self.progress.fill(0)
        workers.run(replay("f8"), self._table(count), count, self.own, self.seconds)
