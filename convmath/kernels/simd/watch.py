"""Whether anything that is not finite came out of a kernel.

Fast kernels multiply zeros where the definition has no term at all, and sum in another order: with infinities and NaN
the outcome can differ. They say whether anything that came out is not finite, and then the definition decides.
"""

from __future__ import annotations

from llvmlite import ir

from .builder import Builder, Value

__all__ = ["note", "unseen", "watched"]


def unseen(k: Builder, lanes: int | None = None) -> Value:
    """A mask without any lane."""
    lanes = lanes or k.lanes
    bit = ir.IntType(1)
    return Value(k, bit(0) if lanes == 1 else ir.Constant(ir.VectorType(bit, lanes), [0] * lanes))


def watched(k: Builder, seen: Value, value: Value) -> Value:
    """The mask with the lanes added whose value is not finite."""
    return seen | (value - value).differs(0.0)


def note(k: Builder, seen: Value, place: Value) -> None:
    """Write 1 to a word if the mask has any lane."""
    if seen.lanes > 1:
        whole = ir.IntType(seen.lanes)
        bits = k.code.bitcast(seen.value, whole)
        seen = Value(k, k.code.icmp_unsigned("!=", bits, whole(0)))
    k.when(seen, lambda: k.store_word(1, place))
