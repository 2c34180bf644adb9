"""Strides in registers: every s-th element of a row as a vector, and each element s times."""

from __future__ import annotations

from collections.abc import Callable

from .builder import Builder, Value

__all__ = ["every", "repeated"]

Load = Callable[[int], Value]


def every(k: Builder, load: Load, stride: int, first: int) -> Value:
    """The elements first + stride·i, for the lanes i; `load` gives the vector that begins with an element."""
    if stride == 1:
        return load(first)
    # elements that differ by less than a stride come from the same vectors, which are loaded once
    begin, phase = first // stride * stride, first % stride
    vectors = [load(begin + v * k.lanes) for v in range(stride)]
    at = [phase + stride * i for i in range(k.lanes)]
    found = vectors[0]
    for v in range(1, stride):
        before = at if v == 1 else range(k.lanes)
        places = [k.lanes + e - v * k.lanes if e // k.lanes == v else old for e, old in zip(at, before, strict=True)]
        # what comes from a later vector is not there yet: any lane will do
        found = k.shuffle(found, vectors[v], [place if place < 2 * k.lanes else 0 for place in places])
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
