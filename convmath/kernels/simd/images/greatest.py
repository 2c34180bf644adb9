"""The greatest of some vectors, lane by lane, with the number of the first that it is.

A NaN that is among them is not looked for here: that there is one is noted, and then the definition decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llvmlite import ir

from ..builder import Builder, Value
from ..watch import unseen
from .tails import activated, finish

__all__ = ["Greatest", "code_kind", "greatest", "load_code", "own_number", "store_code"]


def code_kind(members: int) -> ir.IntType:
    """The integers that the number of a member is kept in."""
    return ir.IntType(8) if members <= 256 else ir.IntType(32)


def own_number(k: Builder, word: Value) -> Value:
    """A word in every lane, as integers as wide as the numbers of the kernel."""
    return k.splat(word if k.integer == word.type else k.resized(word, k.integer))


def store_code(k: Builder, code: Value, where: Value, members: int) -> None:
    """Store the numbers of members beside the values that lie there."""
    kind = code_kind(members)
    k.store(code if kind == k.integer else k.resized(code, kind), k.chosen, _beside(k, where, kind))


def load_code(k: Builder, where: Value, members: int) -> Value:
    kind = code_kind(members)
    return k.load_integers(kind, k.chosen, _beside(k, where, kind))


def _beside(k: Builder, where: Value, kind: ir.IntType) -> Value:
    return where // k.bytes * (kind.width // 8)


@dataclass
class Greatest:
    """The greatest so far; `z` is what it was before its activation, where that is kept."""

    k: Builder
    tail: str
    name: str
    numbers: int
    y: Value
    z: Value
    code: Value
    strange: Value
    members: int

    def store(self, where: Value) -> None:
        """Store it, and its number in a byte, or four, for each lane."""
        k = self.k
        if self.tail == "keep":
            k.store(self.z, k.z, where)
            k.store(self.y, k.y, where)
        else:
            finish(k, self.tail, self.name, self.numbers, self.y, where)
        store_code(k, self.code, where, self.members)


def greatest(k: Builder, members: Sequence[Value], tail: str, name: str, numbers: int) -> Greatest:
    """With the tail "keep" of their activations."""
    values = [activated(k, z, name, numbers) for z in members] if tail == "keep" else list(members)
    y, z, code, strange = values[0], members[0], own_number(k, k.word(0)), unseen(k)
    for number, (new, before) in enumerate(zip(values[1:], members[1:], strict=True), 1):
        larger = new > y
        y, code = k.select(larger, new, y), k.select(larger, own_number(k, k.word(number)), code)
        if tail == "keep":
            z = k.select(larger, before, z)
    for first, second in zip(values[::2], [*values[1::2], values[-1]][: (len(values) + 1) // 2], strict=True):
        strange = strange | Value(k, k.code.fcmp_unordered("uno", first.value, second.value))
    return Greatest(k, tail, name, numbers, y, z, code, strange, len(values))
