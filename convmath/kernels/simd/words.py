"""What a kernel reads besides its arrays: 64-bit words, addresses and integers, that live as long as it needs them."""

from __future__ import annotations

import ctypes
from array import array as words_of
from typing import Any

import numpy as np

__all__ = ["Words", "address", "addresses", "words"]

_address: Any = ctypes.addressof
_of_buffer: Any = ctypes.c_char.from_buffer


class Words(words_of):
    """64-bit words that a kernel reads, and the arrays whose addresses are among them, which live as long."""

    __slots__ = ("held",)
    held: Any

    @property
    def address(self) -> int:
        return self.buffer_info()[0]


ARRAYS = (np.ndarray, Words)


def address(array: np.ndarray | Words) -> int:
    """Where the first element lies."""
    try:
        return _address(_of_buffer(array))
    except (TypeError, ValueError):  # one that is empty, not in C order or not to be written has no such buffer
        return array.ctypes.data  # type: ignore[union-attr]  # which takes several times as long


def addresses(*arrays: np.ndarray) -> tuple[int, ...]:
    """Where tables lie that their owner keeps, who need not ask again."""
    return tuple(map(address, arrays))


def words(*values: Any, then: Words | tuple[()] = ()) -> Words:
    """A block: addresses of arrays, and integers, as 64-bit words; `then` come those that another block has."""
    try:  # each call has such a block: what comes most often is found without asking what it is
        block: Any = Words("q", [v if type(v) is int else _address(_of_buffer(v)) for v in values])
    except (TypeError, ValueError):
        block = Words("q", [address(v) if isinstance(v, ARRAYS) else v for v in values])
    block.extend(then)
    # an array that nobody else has (a copy in another order) must live until the kernel has run
    block.held = values, then
    return block
