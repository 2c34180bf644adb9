"""Arrays in nested tuples, lists and dicts: taken apart, and put together again. None has no arrays."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import islice
from typing import Any

from convmath.errors import ShapeError

__all__ = ["alike", "built", "leaves", "path"]


def leaves(tree: Any) -> Iterator[Any]:
    """What stands in a tree, in its order.

    >>> list(leaves({"a": (1, [2, None]), "b": 3}))
    [1, 2, 3]
    """
    match tree:
        case None:
            pass
        case dict():
            for value in tree.values():
                yield from leaves(value)
        case tuple() | list():
            for value in tree:
                yield from leaves(value)
        case _:
            yield tree


def built(tree: Any, others: Iterator[Any]) -> Any:
    """The same tree with others in the place of its leaves.

    >>> built({"a": (1, [2, None]), "b": 3}, iter("xyz"))
    {'a': ('x', ['y', None]), 'b': 'z'}
    """
    match tree:
        case None:
            return None
        case dict():
            found = copy.copy(tree)  # also where it is a kind of dict
            found.update((key, built(value, others)) for key, value in tree.items())
            return found
        case tuple() | list():
            entries = [built(value, others) for value in tree]
            return type(tree)(*entries) if hasattr(tree, "_fields") else type(tree)(entries)
    return next(others)


def path(tree: Any, place: int) -> str:
    """How the leaf in this place is reached.

    >>> path({"a": (1, [2, None]), "b": 3}, 1)
    "['a'][1][0]"
    """
    return next(islice(_paths(tree), place, None))


def _paths(tree: Any) -> Iterator[str]:
    match tree:
        case None:
            pass
        case dict() | tuple() | list():
            for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
                yield from (f"[{key!r}]{inner}" for inner in _paths(value))
        case _:
            yield ""


def alike(tree: Any, name: str, other: Any, said: str, where: str) -> list[Any]:
    """The leaves of a tree that is made as another is."""
    came, needed = _made(tree), _made(other)
    if came != needed:
        raise ShapeError(f"the structure of {name} is {came}, but that of {said} is {needed} [{where}]")
    return list(leaves(tree))


def _made(tree: Any) -> str:
    """What a tree is made of, in words."""
    match tree:
        case None:
            return "None"
        case dict():
            return f"{{{', '.join(f'{key!r}: {_made(value)}' for key, value in tree.items())}}}"
        case tuple() | list():
            opening, closing = "()" if isinstance(tree, tuple) else "[]"
            return opening + ", ".join(map(_made, tree)) + closing
    return "an array"
