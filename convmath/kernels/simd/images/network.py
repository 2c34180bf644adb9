"""A plan of a training step: the loss of a network and its gradients, by kernels on memory that is the plan's."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from ..memory import empty
from .back import backward
from .draft import Draft
from .layers import Input, Net
from .program import Program
from .there import forward, loss_steps

__all__ = ["Plan"]

SPEED = 5e10  # multiplications a second, about: only to see what is worth sharing


class Plan:
    """Made of a network once; `run` computes the loss and the gradients of arrays with these shapes."""

    def __init__(self, net: Net):
        draft = Draft(net)
        steps = [step for unit in draft.units for step in forward(draft, unit)]
        of_loss, self.target = loss_steps(draft)
        steps += of_loss
        for unit in reversed(draft.units):
            steps += backward(draft, unit)
        self.net, self.units, self.parts, self.room = net, tuple(draft.units), tuple(draft.parts), draft.room
        self.memory, self.lock = draft.memory, threading.Lock()
        self.words = np.array(draft.memory.words, np.int64)
        slots = draft.memory.slots
        self._places = np.array([place for place, _ in slots], np.int64)
        self._numbers = np.array([slot.number for _, slot in slots], np.int64)
        self._moved = np.array([slot.moved for _, slot in slots], np.int64)
        self.program = Program(steps, self.words, draft.products / SPEED)

    @property
    def kernels(self) -> tuple[str, ...]:
        """What is computed together, in its order."""
        return (*(unit.name for unit in self.units if not isinstance(unit.layer, Input)), self.net.loss.name)

    def run(self, arrays: Sequence[np.ndarray]) -> tuple[np.ndarray, dict[int, np.ndarray]] | None:
        """The loss, and the gradients by the wanted arrays; None where the definition has to decide.

        That is where a number is not finite, or a class is none.
        """
        arrays = [np.ascontiguousarray(array) for array in arrays]
        value, gradients = np.empty((), self.net.dtype), empty((self.room,), np.uint8)
        # the last two are the slots VALUE and GRADIENTS
        addresses = np.array([array.ctypes.data for array in (*arrays, value, gradients)], np.int64)
        with self.lock:
            self.words[self._places] = addresses[self._numbers] + self._moved
            if self.target.size:
                classes = arrays[self.net.loss.target]
                self.target[:, : self.net.images] = classes.reshape(self.net.images, -1).T
            self.memory.flag[0] = 0
            self.program.run()
            if self.memory.flag[0]:
                return None
        found: dict[int, np.ndarray] = {}
        for part in self.parts:
            own = np.ndarray(part.shape, self.net.dtype, gradients, part.place)
            found[part.array] = found[part.array] + own if part.array in found else own
        return value, found
