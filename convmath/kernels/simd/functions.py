"""The functions of `kernels.elementary` of every element of an array, with the same bits, by generated kernels."""

from __future__ import annotations

import struct

import numpy as np

from convmath.kernels.elementary import emit

from . import workers
from .builder import Builder, Value, words
from .compile import kernel
from .memory import empty

__all__ = ["applied"]

DTYPES = {np.dtype(np.float32): "f4", np.dtype(np.float64): "f8"}
PART = 4096  # elements of an item
SPEED = 5e9  # bytes a second, about: only to see what is worth sharing


@kernel("x y", "elements")
def each(k: Builder, dtype: str, name: str, *fixed: int) -> None:
    """y = name(x); what fixes the function further comes as the bits of a float64."""
    numbers = [struct.unpack("d", struct.pack("q", bits))[0] for bits in fixed]

    def item(i: Value) -> None:
        x, y = (k.at(pointer, i * (PART * k.bytes)) for pointer in (k.x, k.y))

        def vector(offset: Value, mask: Value | None) -> None:
            k.store(emit(k, name, k.load(x, offset, mask=mask), *numbers), y, offset, mask=mask)

        k.over(k.least_of(k.elements - i * PART, k.word(PART)), vector)

    k.loop(k.first, k.behind, 1, [], item)


def applied(name: str, x: np.ndarray, *fixed: float) -> np.ndarray:
    """The function of that name of x, which holds float32 or float64."""
    y, x = empty(x.shape, x.dtype), np.ascontiguousarray(x)
    code = each(DTYPES[x.dtype], name, *(struct.unpack("q", struct.pack("d", number))[0] for number in fixed))
    workers.run(code, words(x, y, x.size), -(-x.size // PART), seconds=2 * x.nbytes / SPEED)
    return y
