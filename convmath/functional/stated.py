"""Which operator of the registry a call of `functional` is, at which arrays and hyper-parameters.

`functional` takes more than the statements speak of: elements without a batch, any axis for the channels, several axes
for one batch. Such a call is one that the statement speaks of with its arrays laid out in another way.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from convmath.errors import StatementError
from convmath.ops.family import Family
from convmath.ops.registry import FAMILIES, Operator, operator
from convmath.window import plain, windows

__all__ = ["Layout", "Plain", "apart", "layouts", "signature_of", "stated"]

Call = Mapping[str, Any]

# what chooses how a number is computed, and not which
_HOW = frozenset({"method", "out"})


@dataclass(frozen=True, slots=True)
class Layout:
    """An array with its axes in another order, and then in another shape."""

    order: tuple[int, ...]
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Plain:
    """A call that a statement speaks of: how its arrays lie, and which arguments change.

    `output` is the order of its output's axes before it is put in another shape too; None where it stays.
    """

    arrays: tuple[Layout | None, ...]
    output: tuple[int, ...] | None
    changed: Mapping[str, Any]


@lru_cache(maxsize=256)
def signature_of(function: Any) -> inspect.Signature:
    return inspect.signature(function)


def apart(function: Any, args: Sequence[Any], kwargs: Call) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments that are arrays in their order, None where one did not come, and those that say what is computed.

    >>> from convmath import functional
    >>> apart(functional.layer_norm, ([1, 2], 2), {"bias": [3, 4], "eps": 0.5})
    (([1, 2], None, [3, 4]), {'normalized_shape': 2, 'eps': 0.5})
    """
    passed = signature_of(function).bind(*args, **kwargs).arguments
    found: list[Any] = []
    for name in function.arrays:
        array = passed.get(name)
        found += array if isinstance(array, tuple) else (array,)
    return tuple(found), {n: value for n, value in passed.items() if n not in function.arrays and n not in _HOW}


def stated(function: Any, arrays: Sequence[Any], given: Call) -> tuple[Operator, dict[str, Any], dict[str, Any]]:
    """The operator with the options of a call, its arrays by name, and its hyper-parameters by letter."""
    name = function.__name__
    if name not in FAMILIES:
        raise StatementError(f"{name} has no statement that second derivatives could follow from")
    while arrays and arrays[-1] is None:
        arrays = arrays[:-1]
    family, told = FAMILIES[name], FAMILIES[name].one_each
    ndim = len(given[told]) if told else np.ndim(arrays[0]) - 2
    if name in _SIZES and "output_size" in given:
        given = _SIZES[name](dict(given), np.shape(arrays[0])[2:])
    return operator(name, max(ndim, family.least_ndim)).at(arrays, given)


def _none_is_as_long(given: dict[str, Any], sizes: Sequence[int]) -> Call:
    """None for an axis is its length."""
    said = plain(given["output_size"])
    each = said if isinstance(said, list | tuple) else [said] * len(sizes)
    return {**given, "output_size": tuple(n if m is None else m for n, m in zip(sizes, each, strict=True))}


def _extra(given: dict[str, Any], sizes: Sequence[int]) -> Call:
    """A size is so many more than the least that comes down to the input."""
    if (said := plain(given.pop("output_size"))) is None:
        return given
    kernel = given["kernel_size"]
    stride = kernel if given.get("stride") is None else given["stride"]
    laid = windows(sizes, kernel, stride, given.get("padding", 0), where="output_size", fits=False)
    least = (window.transposed_size(n) for window, n in zip(laid, sizes, strict=True))
    return {**given, "output_padding": tuple(m - n for m, n in zip(said[-len(sizes) :], least, strict=True))}


_SIZES = {
    "adaptive_avg_pool": _none_is_as_long,
    "adaptive_max_pool": _none_is_as_long,
    "max_unpool": _extra,
}


# --- calls that are wider than their statement --------------------------------------------------------------------

Shapes = Sequence[tuple[int, ...] | None]


def layouts(function: Any, shapes: Shapes, given: Call) -> Plain | None:
    """How the arrays of a call have to lie for its statement to speak of it; None where they do."""
    family = FAMILIES.get(function.__name__)
    if family is None:
        return None
    if family.options.get("axis") == (1,):
        return _along_channels(function, shapes, given)
    if family.name in _BEHIND:
        return _behind_a_batch(*_BEHIND[family.name](given), shapes)
    return None if family.one_each else _with_a_batch(family, shapes)


def _first(shapes: Shapes) -> tuple[int, ...]:
    """That of the array that always comes."""
    first = shapes[0]
    assert first is not None
    return first


def _as_it_is(shape: tuple[int, ...], before: Sequence[int] = ()) -> Layout:
    return Layout(tuple(range(len(shape))), (*before, *shape))


def _along_channels(function: Any, shapes: Shapes, given: Call) -> Plain | None:
    """Any axis is that of the channels, and the first of the others that of the batch."""
    axis, ndim = given.get("axis", signature_of(function).parameters["axis"].default), len(_first(shapes))
    if axis == 1:
        return None
    axis %= ndim
    others = [place for place in range(ndim) if place != axis]
    order = (*others[:1], axis, *others[1:])

    def moved(shape: tuple[int, ...]) -> Layout:
        return Layout(order, (*[1] * (2 - ndim), *(shape[place] for place in order)))

    return Plain(tuple(None if shape is None else moved(shape) for shape in shapes), order, {"axis": 1})


# how many of the last axes a call is about, and how many the statement has before them
_BEHIND: Mapping[str, Callable[[Call], tuple[int, int]]] = {
    "layer_norm": lambda given: (_several(given["normalized_shape"]), 1),
    "pad": lambda given: (_several(given["pads"]), 2),
}


def _several(value: Any) -> int:
    said = plain(value)
    return len(said) if isinstance(said, list | tuple) else 1


def _behind_a_batch(own: int, before: int, shapes: Shapes) -> Plain | None:
    """All axes before those that a call is about are one batch."""
    first, others = _first(shapes), shapes[1:]
    lead = len(first) - own
    if lead == before:
        return None
    batch = (math.prod(first[:lead]), *[1] * (before - 1))
    whole = Layout(tuple(range(len(first))), (*batch, *first[lead:]))
    arrays = (whole, *(None if shape is None else _as_it_is(shape) for shape in others))
    return Plain(arrays, None, {})


def _with_a_batch(family: Family, shapes: Shapes) -> Plain | None:
    """Arrays of fewer axes than there are in the statement with no spatial axis have some of length 1 before them."""
    least = operator(family.name, family.least_ndim).statement.inputs[0]
    if len(_first(shapes)) >= len(least.shape):
        return None
    every = dict.fromkeys(family.optional.values(), True)
    ranks = [len(tensor.shape) for tensor in operator(family.name, family.least_ndim, **every).statement.inputs]
    arrays = (
        None if shape is None else _as_it_is(shape, [1] * (rank - len(shape)))
        for shape, rank in zip(shapes, ranks, strict=False)
    )
    return Plain(tuple(arrays), None, {})
