"""Losses with their gradients by the input, for the cotangent 1.

The images of a vector are summed in the end, in the order in which they lie. `totals` holds the number that a mean
divides by; images that fill up the last vector count nothing, and have the gradient 0.
"""

from __future__ import annotations

import math

from llvmlite import ir

from convmath.kernels.elementary import emit

from ..builder import WORD, Builder, Value
from ..compile import kernel
from ..exponential import exp
from ..watch import note, unseen, watched
from .tails import finish

__all__ = ["by_class", "count", "squares", "total"]


def _words(k: Builder, number: Value | int) -> Value:
    return k.splat(k.word(number) if isinstance(number, int) else number)


@kernel("target totals flag", "length classes ignored", passes=False)
def count(k: Builder, dtype: str) -> None:
    """How many classes count; one that there is not is noted. An item does all."""

    def item(_: Value) -> None:
        def vector(i: Value, so_far: Value, strange: Value) -> list[Value]:
            t = k.load_integers(WORD, k.target, i * 8)
            kept = t.differs(_words(k, k.ignored))
            outside = (t < _words(k, 0)) | (t >= _words(k, k.classes))
            return [so_far + k.select(kept, _words(k, 1), _words(k, 0)), strange | (kept & outside)]

        found, strange = k.loop(0, k.length, k.lanes, [_words(k, 0), unseen(k)], vector)
        note(k, strange, k.flag)
        k.store(k.to_float(k.sum_of_lanes(found), k.float), k.totals)

    k.loop(k.first, k.behind, 1, [], item)


@kernel("x y z fixed target losses totals members places smoothing", "classes ignored row", passes=False)
def by_class(k: Builder, dtype: str, mean: bool, tail: str, name: str, numbers: int) -> None:
    """-(1 - ε)·log P[T] - ε/C·Σ_c log P[c], P the softmax; and (P - (1 - ε)·[c = T] - ε/C)/D. An item is a position."""
    one, share, nothing = (
        k.splat(k.load_number(k.smoothing)),
        k.splat(k.load_number(k.smoothing, k.bytes)),
        k.splat(0.0),
    )
    divisor = k.splat(k.load_number(k.totals)) if mean else k.splat(1.0)
    scale = k.splat(1.0) / divisor

    def item(place: Value) -> None:
        start = k.load_word(k.places, place * 8)

        def images(v: Value) -> None:
            lane = (place * k.row + v) // k.bytes
            t = k.load_integers(WORD, k.target, lane * 8)
            kept = t.differs(_words(k, k.ignored))

            def member(c: Value) -> Value:
                return start + k.load_word(k.members, c * 8) + v

            def greater(c: Value, most: Value) -> Value:
                return k.greater(most, k.load(k.x, member(c)))

            [most] = k.loop(0, k.classes, 1, [k.splat(-math.inf)], greater)

            def add(c: Value, total: Value, chosen: Value, all_: Value) -> list[Value]:
                below = k.load(k.x, member(c)) - most
                e = exp(k, below)
                k.store(e, k.y, member(c))
                own = t.equals(_words(k, c))
                return [total + e, k.select(own, below, chosen), all_ + below]

            total, chosen, all_ = k.loop(0, k.classes, 1, [nothing] * 3, add)
            lost = emit(k, "log", total) - one * chosen - share * all_
            k.store(k.select(kept, lost, nothing), k.losses, lane * k.bytes)
            inverse = k.splat(1.0) / total

            def write(c: Value) -> None:
                own = k.select(t.equals(_words(k, c)), one, nothing) + share
                g = (k.load(k.y, member(c)) * inverse - own) * scale
                finish(k, tail, name, numbers, k.select(kept, g, nothing), member(c))

            k.loop(0, k.classes, 1, [], write)

        k.loop(0, k.row, k.vector, [], images)

    k.loop(k.first, k.behind, 1, [], item)


@kernel("x y z fixed other losses totals places", "channels x_channel other_channel row images", passes=False)
def squares(k: Builder, dtype: str, mean: bool, tail: str, name: str, numbers: int) -> None:
    """(X - T)², and 2·(X - T)/D. An item is a position, with all channels."""
    factor = k.splat(2.0) / (k.splat(k.load_number(k.totals)) if mean else k.splat(1.0))

    def item(place: Value) -> None:
        entry = k.at(k.places, place * 16)
        x, other = k.load_word(entry), k.load_word(entry, 8)

        def images(v: Value) -> None:
            there = k.below(k.images - v // k.bytes)

            def channel(c: Value, sums: Value) -> Value:
                at = c * k.x_channel + x + v
                apart = k.load(k.x, at) - k.load(k.other, c * k.other_channel + other + v)
                apart = k.select(there, apart, k.splat(0.0))
                finish(k, tail, name, numbers, apart * factor, at)
                return k.multiply_add(apart, apart, sums)

            [found] = k.loop(0, k.channels, 1, [k.splat(0.0)], channel)
            k.store(found, k.losses, place * k.row + v)

        k.loop(0, k.row, k.vector, [], images)

    k.loop(k.first, k.behind, 1, [], item)


@kernel("losses totals value flag", "length", passes=False)
def total(k: Builder, dtype: str, mean: bool) -> None:
    """The sum of all, divided where it is a mean; what is not finite is noted. An item does all."""

    def item(_: Value) -> None:
        [found] = k.loop(0, k.length, k.lanes, [k.splat(0.0)], lambda i, so_far: so_far + k.load(k.losses, i * k.bytes))
        value = k.sum_of_lanes(found)
        if mean:
            value = value / k.load_number(k.totals)
        k.store(value, k.value)
        note(k, watched(k, Value(k, ir.IntType(1)(0)), value), k.flag)

    k.loop(k.first, k.behind, 1, [], item)
