"""How a vector that is done is stored: as it is, added, through an activation, or through the slope of one.

A kernel of any family ends in a tail, which is a word and the activation's name; the addresses are those of the kernel.
"""

from __future__ import annotations

from ..activations import ACTIVATIONS
from ..builder import Builder, Value
from ..memory import LINE

__all__ = ["BY_OUTPUT", "activated", "expect", "finish", "slope"]

# f(x) tells f'(x), which is 0 wherever f does not grow: such an f may also be taken after a maximum
BY_OUTPUT = ("relu", "relu6")


def activated(k: Builder, value: Value, name: str, numbers: int) -> Value:
    return ACTIVATIONS[name][0](k, value, *_fixed(k, numbers, k.fixed))


def slope(k: Builder, name: str, numbers: int, g: Value, z: Value, fixed: Value) -> Value:
    """g·f'(z)"""
    return ACTIVATIONS[name][1](k, g, z, *_fixed(k, numbers, fixed))


def _fixed(k: Builder, numbers: int, fixed: Value) -> list[Value]:
    return [k.splat(k.load_number(fixed, place * k.bytes)) for place in range(numbers)]


def expect(k: Builder, tail: str, offset: Value, bytes: int) -> None:
    """Have the lines brought in time that `finish` will read or write there: nothing else says where they lie."""
    for line in range(0, bytes, LINE):
        k.prefetch(k.y, offset + line)
        if tail.endswith("through"):
            k.prefetch(k.z, offset + line)


def finish(k: Builder, tail: str, name: str, numbers: int, value: Value, offset: Value | int) -> None:
    """Store a vector at k.y, moved by the offset.

    "store" stores the value, "add" adds it to what is there, "activate" stores f(value), "keep" also the value itself,
    at k.z, "through" value·f'(z), z from k.z, and "add through" that of the sum. `numbers` of k.fixed fix f.
    """
    if tail.startswith("add"):
        value = k.load(k.y, offset) + value
    match tail:
        case "keep":
            k.store(value, k.z, offset)
            value = activated(k, value, name, numbers)
        case "activate":
            value = activated(k, value, name, numbers)
        case "through" | "add through":
            value = slope(k, name, numbers, value, k.load(k.z, offset), k.fixed)
        case "store" | "add":
            pass
        case _:
            raise NotImplementedError(f"no tail {tail!r}")
    k.store(value, k.y, offset)
