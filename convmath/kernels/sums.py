"""Sums over pieces that threads share, in an order that the shapes fix."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .blocks import PARTS, Piece, has_room
from .cores import each

__all__ = ["add_up", "parts"]


def add_up(
    total: np.ndarray, pieces: Sequence[Piece], add: Callable[[np.ndarray, Piece], None], seconds: float
) -> None:
    """Let `add` add what each piece gives to a sum, of which each thread's share has its own; all go into `total`."""
    number = parts(len(pieces), total.nbytes)
    sums = [total, *(np.zeros_like(total) for _ in range(number - 1))]

    def part(own: int) -> None:
        for piece in pieces[own::number]:
            add(sums[own], piece)

    each(part, range(number), seconds)
    for more in sums[1:]:
        total += more


def parts(number: int, size: int) -> int:
    """How many sums of so many bytes such a number of pieces has: a power of two, no more than there is room for."""
    found = 1
    while 2 * found <= min(PARTS, number) and has_room(found * size):
        found *= 2
    return found
