"""Calls of numeric operators with Tensors among their arrays: `functional`, and those made from a statement.

The first derivative is the operator's own `vjp`. What that has for a derivative follows from the statement: with
s = ⟨h, vjp(gY, T)⟩ for cotangents h of the gradients,

    ∂s/∂gY = Σ_T ∂Y/∂T · h_T          ∂s/∂U = Σ_T (∂/∂U) ⟨gY, ∂Y/∂T · h_T⟩

Where Y is linear in some arrays S together, ∂Y/∂S · h is the operator itself at h, and the derivative of ⟨gY, that⟩ by
the other arrays is its vjp there. Elsewhere the derived statement of gT is differentiated, and run.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from convmath.functional.stated import Plain, apart, layouts, stated
from convmath.ops.registry import Operator

from . import statements
from .arrays import reshape, transpose
from .tape import Parts, Pullback, Traced, any_traced, bottom, record

__all__ = ["taken_over"]

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def taken_over(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], *cotangent: Any) -> Any:
    """A call of an operator, or of its vjp where a cotangent comes, with Tensors among its arrays."""
    call = _Called(function, args, kwargs)
    return _gradients(call, *cotangent) if cotangent else _value(call)


# --- where the arrays are -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Slot:
    """An array argument: where it is passed, and which of the operator's arrays (and of several of one name) it is."""

    at: int | str
    name: int
    part: int | None = None


@lru_cache(maxsize=1024)
def _slots(function: Any, count: int, names: tuple[str, ...]) -> tuple[_Slot, ...]:
    """The array arguments of a call with so many arguments by place and these by name, in the operator's order."""
    if not hasattr(function, "prepare"):
        return tuple(_Slot(place, place) for place in range(count))
    kinds = inspect.signature(function).parameters
    ordered = [name for name, parameter in kinds.items() if parameter.kind is not parameter.KEYWORD_ONLY]
    found = []
    for place in range(count):
        name = ordered[min(place, len(ordered) - 1)]
        several = kinds[name].kind is inspect.Parameter.VAR_POSITIONAL
        found.append((name, _Slot(place, 0, place - ordered.index(name) if several else None)))
    found += [(name, _Slot(name, 0)) for name in names]
    known = {name: place for place, name in enumerate(function.arrays)}
    own = [_Slot(slot.at, known[name], slot.part) for name, slot in found if name in known]
    return tuple(sorted(own, key=lambda slot: (slot.name, slot.part or 0)))


class _Called:
    """An operator with the arguments of a call, in which the arrays can be others."""

    __slots__ = ("args", "function", "kwargs", "operands", "slots")

    def __init__(self, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]):
        self.function, self.args, self.kwargs = function, args, kwargs
        self.slots = _slots(function, len(args), tuple(kwargs))
        self.operands = [args[s.at] if isinstance(s.at, int) else kwargs[s.at] for s in self.slots]

    def at(self, operands: Iterable[Any]) -> Arguments:
        """The arguments with other arrays."""
        args, kwargs = list(self.args), dict(self.kwargs)
        for slot, operand in zip(self.slots, operands, strict=True):
            if isinstance(slot.at, int):
                args[slot.at] = operand
            else:
                kwargs[slot.at] = operand
        return tuple(args), kwargs

    def value(self, operands: Iterable[Any]) -> Any:
        """The output that is differentiated."""
        args, kwargs = self.at(operands)
        found = self.function(*args, **kwargs)
        return found[0] if isinstance(found, tuple) else found

    def vjp(self, cotangent: Any, operands: Iterable[Any]) -> tuple[Any, ...]:
        args, kwargs = self.at(operands)
        return self.function.vjp(cotangent, *args, **kwargs)


# --- first derivatives --------------------------------------------------------------------------------------------


def _value(call: _Called) -> Any:
    function, slots = call.function, call.slots
    others: list[Any] = []

    def rule(lower: list[Any], places: list[int]) -> tuple[Any, Pullback]:
        args, kwargs = call.at(lower)
        plain = not any_traced(lower) and hasattr(function, "prepare")
        prepared = function.prepare(*args, **kwargs) if plain else None
        value = prepared.recorded() if prepared else function(*args, **kwargs)
        if isinstance(value, tuple):
            value, *others[:] = value
        wanted = {slots[place].name for place in places}

        def pullback(cotangent: Any) -> list[Any]:
            if prepared is None or isinstance(cotangent, Traced):
                gradients = function.vjp(cotangent, *args, **kwargs)
                return [gradients[place] for place in places]
            gradients = prepared.pulled(cotangent, wanted)
            return [_part(gradients[slots[place].name], slots[place].part) for place in places]

        return value, pullback

    value = record(rule, call.operands)
    return (value, *others) if others else value


def _part(gradient: Any, part: int | None) -> Any:
    return gradient if part is None else gradient[part]


# --- second derivatives -------------------------------------------------------------------------------------------


def _gradients(call: _Called, cotangent: Any) -> tuple[Any, ...]:
    """The operator's vjp; further derivatives are those that its statement has."""
    if (plain := _plain(call)) is not None:
        return _laid_out(call, plain, cotangent)

    def rule(lower: list[Any], places: list[int]) -> tuple[Any, Pullback]:
        gy, *operands = lower

        def pullback(parts: Parts) -> list[Any]:
            found = _Second(call, gy, operands, {place - 1 for place in places}).along(parts.of)
            return [found.get(place - 1) for place in places]

        return call.vjp(gy, operands), pullback

    return record(rule, (cotangent, *call.operands))


def _plain(call: _Called) -> Plain | None:
    """How the arrays have to lie, where the call is wider than its statement."""
    if not hasattr(call.function, "prepare"):
        return None
    arrays, given = apart(call.function, *call.at(map(bottom, call.operands)))
    found = layouts(call.function, [None if array is None else np.shape(array) for array in arrays], given)
    if found is None:
        return None
    # of the arrays that are passed; where several come under one name, it is the last
    passed = tuple(found.arrays[slot.name + (slot.part or 0)] for slot in call.slots)
    return replace(found, arrays=passed)


def _laid_out(call: _Called, plain: Plain, cotangent: Any) -> tuple[Any, ...]:
    """The vjp by way of the call that the statement speaks of."""
    came = [None if operand is None else np.shape(bottom(operand)) for operand in call.operands]
    moved = [
        operand if layout is None else _moved(operand, layout.order, layout.shape)
        for operand, layout in zip(call.operands, plain.arrays, strict=True)
    ]
    args, kwargs = call.at(map(bottom, moved))
    shape = call.function.prepare(*args, **{**kwargs, **plain.changed}).shape
    args, kwargs = call.at(moved)
    gradients = call.function.vjp(_moved(cotangent, plain.output, shape), *args, **{**kwargs, **plain.changed})
    return tuple(
        gradient if gradient is None or layout is None or shape is None else _back(gradient, layout.order, shape)
        for gradient, layout, shape in zip(gradients, plain.arrays, came, strict=True)
    )


def _moved(array: Any, order: Sequence[int] | None, shape: Sequence[int]) -> Any:
    return reshape(array if order is None else transpose(array, order), tuple(shape))


def _back(gradient: Any, order: Sequence[int], came: Sequence[int]) -> Any:
    """The gradient by an array of the shape that came, from that by the moved one."""
    return transpose(reshape(gradient, tuple(came[place] for place in order)), np.argsort(order).tolist())


class _Second:
    """The derivatives of ⟨h, vjp(gY, T)⟩ by the cotangent gY and by the arrays, those in the wanted places alone.

    The place of an array is that among the operands, and gY has the place -1.
    """

    def __init__(self, call: _Called, gy: Any, operands: list[Any], wanted: set[int]):
        self.call, self.gy, self.operands, self.wanted = call, gy, operands, wanted
        op, named, self.numbers = _stated(call, operands)
        # the operands that came have the names in their order
        names = iter(named)
        self.names = {place: next(names) for place, operand in enumerate(operands) if operand is not None}
        self.places = {name: place for place, name in self.names.items()}
        self.operator = op
        self.found: dict[int, Any] = {}

    def along(self, h: Mapping[int, Any]) -> dict[int, Any]:
        """The derivatives by place; those that are not there are 0."""
        left = dict(h)
        sets = [{self.places[name] for name in names} for names in statements.linear_sets(self.operator.statement)]
        while left:
            best = max(sets, key=lambda places: len(places & left.keys()), default=set())
            if not best & left.keys():
                break
            self._linear(best, {place: left.pop(place) for place in best & left.keys()})
        for place, cotangent in left.items():
            self._derived(place, cotangent)
        return self.found

    def _add(self, place: int, gradient: Any) -> None:
        if gradient is not None and place in self.wanted:
            self.found[place] = self.found[place] + gradient if place in self.found else gradient

    def _linear(self, places: set[int], h: Mapping[int, Any]) -> None:
        """Of arrays that the output is linear in together: ∂Y/∂S · h is the operator at h, and 0 for the others."""
        at = [
            (h[place] if place in h else _nothing(operand)) if place in places else operand
            for place, operand in enumerate(self.operands)
        ]
        if -1 in self.wanted:
            self._add(-1, self.call.value(at))
        others = self.wanted - places - {-1}
        if others:
            gradients = self.call.vjp(self.gy, at)
            for place in others:
                self._add(place, gradients[place])

    def _derived(self, place: int, h: Any) -> None:
        """By the statement of the gradient; what it has of other operators' values goes through their vjp."""
        gradient, known = statements.with_known(statements.gradient_by(self.operator, self.names[place]))
        of_output = gradient.inputs[-1].name
        arrays = {name: self.operands[own] for own, name in self.names.items()} | {of_output: self.gy}
        arrays |= {value.name: value.value(arrays[value.of]) for value in known}
        for own in self.wanted:
            name = of_output if own == -1 else self.names[own]
            self._add(own, statements.pulled(gradient, name, arrays, h, self.numbers))
        for value in known:
            own = self.places[value.of]
            if own in self.wanted:
                cotangent = statements.pulled(gradient, value.name, arrays, h, self.numbers)
                self._add(own, None if cotangent is None else value.vjp(cotangent, arrays[value.of]))


def _nothing(operand: Any) -> np.ndarray:
    return np.zeros_like(bottom(operand))


def _stated(call: _Called, operands: Sequence[Any]) -> tuple[Operator, dict[str, Any], dict[str, Any]]:
    args, kwargs = call.at(map(bottom, operands))
    if not hasattr(call.function, "prepare"):
        return call.function.operator.at(args, kwargs)
    return stated(call.function, *apart(call.function, args, kwargs))
