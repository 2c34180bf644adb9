"""Strides in registers: every s-th element of a row as a vector, and each element s times; rows turned into columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .builder import Builder, Value

__all__ = ["every", "picked", "repeated", "turn"]

Load = Callable[[int], Value]


def every(k: Builder, load: Load, stride: int, first: int) -> Value:
    """The elements first + stride·i, for the lanes i; `load` gives the vector that begins with an element."""
    if stride == 1:
        return load(first)
    # elements that differ by less than a stride come from the same vectors, which are loaded once
    begin, phase = first // stride * stride, first % stride
    vectors = [load(begin + v * k.lanes) for v in range(stride)]
    return picked(k, vectors, [phase + stride * i for i in range(k.lanes)])


def picked(k: Builder, vectors: Sequence[Value], at: Sequence[int]) -> Value:
    """The elements at these places, one for each lane, of vectors that lie behind one another."""
    first, *later = sorted({e // k.lanes for e in at})
    found, places = vectors[first], [e - first * k.lanes for e in at]
    if not later and places == list(range(k.lanes)):
        return found
    for v in later or [first]:
        places = [e % k.lanes + k.lanes if e // k.lanes == v else place for e, place in zip(at, places, strict=True)]
        # what comes from a later vector is not there yet: any lane will do
        found = k.shuffle(found, vectors[v], [place if place < 2 * k.lanes else 0 for place in places])
        places = list(range(k.lanes))
    return found


def repeated(k: Builder, load: Load, stride: int, first: int) -> Value:
    """The elements ⌊(first + i)/stride⌋, for the lanes i; of no stride at all, element 0."""
    if stride == 0:
        return k.shuffle(vector := load(0), vector, [0] * k.lanes)
    if stride == 1:
        return load(first)
    begin = first // stride
    vector = load(begin)
    return k.shuffle(vector, vector, [(first + i) // stride - begin for i in range(k.lanes)])


def turn(k: Builder, lines: Sequence[Value], length: Value, into: Value, step: Value | int) -> None:
    """Element i of as many lines as there are lanes becomes a vector that is stored step·i bytes behind `into`.

    Behind the last element there are zeros, up to as many vectors as are a multiple of the lanes.
    """

    def block(offset: Value, mask: Value | None) -> None:
        there = k.at(into, offset // k.bytes * step)
        for e, column in enumerate(k.transposed([k.load(line, offset, mask=mask) for line in lines])):
            k.store(column, there, e * step)

    k.over(length, block)
