"""The functions of `kernels.elementary` of every element of an array, with the same bits, by generated kernels."""

from __future__ import annotations

import numpy as np

from convmath.kernels.elementary import emit, fixing

from . import workers
from .builder import DTYPES, Builder, Value, words
from .compile import kernel
from .memory import empty

__all__ = ["applied"]

PART = 4096  # elements of an item
SPEED = 5e9  # bytes a second, about: only to see what is worth sharing


@kernel("x y fixed", "elements")
def each(k: Builder, dtype: str, name: str, count: int) -> None:
    """y = name(x); so many numbers of float64 fix the function further."""
    numbers = [k.splat(k.from_bits(k.load_word(k.fixed, 8 * place))) for place in range(count)]

    def item(i: Value) -> None:
        x, y = (k.at(pointer, i * (PART * k.bytes)) for pointer in (k.x, k.y))

        def vector(offset: Value, mask: Value | None) -> None:
            k.store(emit(k, name, k.load(x, offset, mask=mask), *numbers), y, offset, mask=mask)

        k.over(k.least_of(k.elements - i * PART, k.word(PART)), vector)

    k.loop(k.first, k.behind, 1, [], item)


def applied(name: str, x: np.ndarray, *fixed: float) -> np.ndarray:
    """The function of that name of x, which holds float32 or float64."""
    y, x = empty(x.shape, x.dtype), np.ascontiguousarray(x)
    numbers = np.array(fixing(*fixed) if fixed else ())
    code, block = each(DTYPES[x.dtype], name, numbers.size), words(x, y, numbers, x.size)
    workers.run(code, block, -(-x.size // PART), seconds=2 * x.nbytes / SPEED)
    return y
