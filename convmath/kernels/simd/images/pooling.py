"""Pools, and their gradients as sums over the windows that read a position.

For each position a table has the taps that exist, so that what lies outside is not counted, and sums have one order.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ..builder import Builder, Value
from ..compile import kernel
from ..watch import note, unseen
from .greatest import code_kind, load_code, own_number, store_code
from .tables import PLACE, TAP
from .tails import finish, slope

__all__ = ["avg_pool", "avg_pool_input", "max_pool", "max_pool_input"]

POINTERS = "x y z fixed taps places"
SIZES = "channels x_channel y_channel row"


class _Place:
    """A position of a channel, and so many vectors of images there."""

    def __init__(self, k: Builder, place: Value, channel: Value, images: Value):
        self.k = k
        entry = k.at(k.places, place * PLACE)
        base, self.first, self.behind, target = (k.load_word(entry, 8 * word) for word in range(4))
        self.source = channel * k.x_channel + base + images
        self.target = channel * k.y_channel + target + images

    def tap(self, e: Value) -> tuple[Value, Value]:
        """Where a tap reads, and its own word."""
        entry = self.k.at(self.k.taps, e * TAP)
        return self.source + self.k.load_word(entry), self.k.load_word(entry, 8)


def _each(k: Builder, together: int, body: Callable[[_Place], None]) -> None:
    """An item is a position, with all channels and images."""

    def item(place: Value) -> None:
        def channel(c: Value) -> None:
            k.loop(0, k.row, together * k.vector, [], lambda images: body(_Place(k, place, c, images)))

        k.loop(0, k.channels, 1, [], channel)

    k.loop(k.first, k.behind, 1, [], item)


def _done(
    k: Builder, values: list[Value] | tuple[Value, ...], where: Value, tail: str, name: str, numbers: int
) -> None:
    for place, value in enumerate(values):
        finish(k, tail, name, numbers, value, where + place * k.vector)


# --- the greatest -------------------------------------------------------------------------------------------------


@kernel(f"{POINTERS} chosen flag", SIZES, passes=False)
def max_pool(
    k: Builder, dtype: str, together: int, tail: str, name: str, numbers: int, members: int, last: bool
) -> None:
    """The greatest of each window, -∞ of none, and the tap of the first (or last) that it is; a NaN is noted."""

    def body(at: _Place) -> None:
        def tap(e: Value, *so_far: Value) -> list[Value]:
            where, own = at.tap(e)
            number, found = own_number(k, own), []
            for place in range(together):
                y, code, seen = so_far[3 * place : 3 * place + 3]
                new = k.load(k.x, where + place * k.vector)
                larger = new >= y if last else new > y
                found += [k.select(larger, new, y), k.select(larger, number, code), seen | new.differs(new)]
            return found

        # equal ones, and -∞ too, have the number of the first; a window without a tap has any
        begin = [k.splat(-math.inf), own_number(k, at.tap(at.first)[1]), unseen(k)] * together
        found = k.loop(at.first, at.behind, 1, begin, tap)
        for place in range(together):
            store_code(k, found[3 * place + 1], at.target + place * k.vector, members)
            note(k, found[3 * place + 2], k.flag)
        _done(k, found[::3], at.target, tail, name, numbers)

    _each(k, together, body)


@kernel(f"{POINTERS} chosen selected inner", SIZES, passes=False)
def max_pool_input(
    k: Builder,
    dtype: str,
    together: int,
    tail: str,
    name: str,
    numbers: int,
    members: int,
    inner: str,
    inner_numbers: int,
) -> None:
    """Σ of the cotangents of the windows that selected the position.

    Where the pool was made of an activation, each goes through its slope before; `selected` tells it.
    """
    kind = code_kind(members)

    def body(at: _Place) -> None:
        def tap(e: Value, *sums: Value) -> list[Value]:
            where, own = at.tap(e)
            number, found = k.splat(k.resized(own, kind)), []
            for place, so_far in enumerate(sums):
                there = where + place * k.vector
                code = load_code(k, there, members)
                g = k.load(k.x, there)
                if inner:
                    g = slope(k, inner, inner_numbers, g, k.load(k.selected, there), k.inner)
                found.append(so_far + k.select(code.equals(number), g, k.splat(0.0)))
            return found

        sums = k.loop(at.first, at.behind, 1, [k.splat(0.0)] * together, tap)
        _done(k, sums, at.target, tail, name, numbers)

    _each(k, together, body)


# --- the mean -----------------------------------------------------------------------------------------------------


@kernel(f"{POINTERS} divisors", SIZES, passes=False)
def avg_pool(k: Builder, dtype: str, together: int, tail: str, name: str, numbers: int) -> None:
    """Σ over each window, divided by its own number; `divisors` has one for each place of a channel."""

    def body(at: _Place) -> None:
        def tap(e: Value, *sums: Value) -> list[Value]:
            where, _ = at.tap(e)
            return [s + k.load(k.x, where + place * k.vector) for place, s in enumerate(sums)]

        sums = k.loop(at.first, at.behind, 1, [k.splat(0.0)] * together, tap)
        divisor = k.splat(k.load_number(k.divisors, at.target % k.y_channel // k.row * k.bytes))
        _done(k, [s / divisor for s in sums], at.target, tail, name, numbers)

    _each(k, together, body)


@kernel(f"{POINTERS} divisors", SIZES, passes=False)
def avg_pool_input(k: Builder, dtype: str, together: int, tail: str, name: str, numbers: int) -> None:
    """Σ of the cotangents of the windows that read the position, each divided by its number."""

    def body(at: _Place) -> None:
        def tap(e: Value, *sums: Value) -> list[Value]:
            where, _ = at.tap(e)
            divisor = k.splat(k.load_number(k.divisors, where % k.x_channel // k.row * k.bytes))
            return [s + k.load(k.x, where + place * k.vector) / divisor for place, s in enumerate(sums)]

        sums = k.loop(at.first, at.behind, 1, [k.splat(0.0)] * together, tap)
        _done(k, sums, at.target, tail, name, numbers)

    _each(k, together, body)
