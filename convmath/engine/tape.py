"""What is recorded while a function runs, and the way back through it.

A traced value is a `Traced`: the value one level below, and the node that made it. Each derivative that is taken has a
level of its own, higher than those that began before it; what is done to traced values is recorded at the highest level
among them, on values of the levels below, which are recorded there in their turn. So derivatives of derivatives need no
rule of their own, and no two levels are confused. The nodes hang on the values alone: there is no tape that all share,
and what nothing needs any more is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from typing import Any

from convmath.errors import DtypeError
from convmath.kernels.storage import floats
from convmath.kernels.streams import plus

__all__ = [
    "Node",
    "Parts",
    "Rule",
    "Traced",
    "any_traced",
    "below",
    "bottom",
    "new_level",
    "record",
    "release",
    "sweep",
]

# Levels, and nodes in the order in which they are made: later numbers are higher. `next` is atomic, so that threads
# need no lock; a number says which came first and nothing else.
_NUMBERS = count(1)
new_level = _NUMBERS.__next__

Pullback = Callable[[Any], Sequence[Any]]
# from the operands one level below and the places of those that are traced: the value there, and the pullback, which
# gives a cotangent (or None) for each of those places; no pullback where there is no derivative
Rule = Callable[[list[Any], list[int]], tuple[Any, Pullback | None]]


class Node:
    """What made a value: the nodes of its operands, and how its cotangent becomes theirs."""

    __slots__ = ("number", "parents", "pullback")

    def __init__(self, parents: Sequence[Node] = (), pullback: Pullback | None = None):
        self.number, self.parents, self.pullback = next(_NUMBERS), parents, pullback


class Traced:
    """A value whose making is recorded at a level; at level 0 it is a constant, and nothing is recorded."""

    __slots__ = ("__weakref__", "_level", "_node", "_under")
    _level: int
    _node: Node | None
    _under: Any  # an array, or a value that is traced at a lower level

    @property
    def shape(self) -> tuple[int, ...]:
        return bottom(self).shape

    @property
    def ndim(self) -> int:
        return bottom(self).ndim

    @property
    def size(self) -> int:
        return bottom(self).size

    @property
    def dtype(self) -> Any:
        return bottom(self).dtype

    @classmethod
    def _at(cls, level: int, under: Any, node: Node | None) -> Traced:
        found = cls.__new__(cls)
        found._level, found._under, found._node = level, under, node
        return found


@dataclass(frozen=True, slots=True)
class Parts:
    """The cotangents of some of the values that one node made, by their place."""

    of: dict[int, Any]

    def __add__(self, other: Parts) -> Parts:
        both = dict(self.of)
        for place, cotangent in other.of.items():
            both[place] = both[place] + cotangent if place in both else cotangent
        return Parts(both)


def below(value: Any, level: int) -> Any:
    """The value as it is below a level."""
    return value._under if isinstance(value, Traced) and value._level == level else value


def bottom(value: Any) -> Any:
    """The array under all levels."""
    while isinstance(value, Traced):
        value = value._under
    return value


def any_traced(values: Iterable[Any]) -> bool:
    for value in values:  # noqa: SIM110 (quicker than a generator, and this runs for each operation)
        if isinstance(value, Traced):
            return True
    return False


def record(rule: Rule, operands: Sequence[Any]) -> Any:
    """What a rule makes of operands, one of them traced at least; a tuple of values where it makes several."""
    level, top = -1, None
    for operand in operands:
        if isinstance(operand, Traced) and operand._level > level:
            level, top = operand._level, operand
    lower, places, parents = [], [], []
    for place, operand in enumerate(operands):
        if isinstance(operand, Traced):
            if operand._level == level:
                if operand._node is not None:
                    places.append(place)
                    parents.append(operand._node)
                operand = operand._under
            elif operand._level == 0:
                operand = operand._under
        lower.append(operand)
    assert top is not None
    value, pullback = rule(lower, places)
    if pullback is None:
        return value
    node = Node(parents, pullback) if level else None
    if not isinstance(value, tuple):
        if not isinstance(value, Traced) and value.dtype.kind == "c":
            raise DtypeError(
                f"a Tensor meets complex numbers here, and {value.dtype} comes out, but derivatives are taken of real "
                "arrays: give both parts by themselves"
            )
        return top._at(level, value, node)
    return tuple(
        top._at(level, part, node and Node((node,), _into(place))) if _is_real(part) else part
        for place, part in enumerate(value)
    )


def _is_real(value: Any) -> bool:
    """Whether a value is an array of real numbers, that there are derivatives of."""
    dtype = getattr(bottom(value), "dtype", None)
    return dtype is not None and floats(dtype)


def _into(place: int) -> Pullback:
    return lambda cotangent: (Parts({place: cotangent}),)


def sweep(ends: Iterable[tuple[Node, Any]], leaves: Sequence[Node], *, release: bool) -> list[Any]:
    """The cotangents of the leaves (None for 0) from those of some nodes; the last node made comes first.

    With `release` each node lets go of what it kept as soon as its pullback has run.
    """
    held: dict[Node, Any] = {}
    queue: list[tuple[int, Node]] = []

    def give(node: Node, cotangent: Any) -> None:
        if node in held:
            held[node] = plus(held[node], cotangent)
        else:
            held[node] = cotangent
            heappush(queue, (-node.number, node))

    for node, cotangent in ends:
        give(node, cotangent)
    found: dict[Node, Any] = {}
    while queue:
        node = heappop(queue)[1]
        cotangent = held.pop(node)
        if node.pullback is None:
            found[node] = cotangent
            continue
        for parent, given in zip(node.parents, node.pullback(cotangent), strict=True):
            if given is not None:
                give(parent, given)
        if release:
            node.pullback, node.parents = _released, ()
    return [found.get(leaf) for leaf in leaves]


def release(node: Node) -> None:
    """Let a node and all before it go of what they kept, as after a sweep."""
    left = [node]
    while left:
        node = left.pop()
        if node.pullback is not None:
            left += node.parents
            node.pullback, node.parents = _released, ()


def _released(cotangent: Any) -> Any:
    raise AssertionError("a node of a gradient that is done was asked again")
