"""Calls with arrays of another library: torch, JAX, CuPy, whatever follows the array API standard.

They are checked by the checks of NumPy's calls: what shapes, types and hyper-parameters must be, at stand-ins of the
same shapes, once for each; what arrays must hold, where they lie. What seems wrong is told by NumPy's call at copies,
so that the same is refused with the same sentence. Everything that is right is computed where the arrays lie.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np

from convmath.errors import ConvmathError, HyperparameterError
from convmath.kernels.portable.library import (
    copied,
    dtype_of,
    is_foreign,
    is_half,
    numpy_type,
    of_numpy,
    only,
    readable,
)
from convmath.kernels.portable.recorded import recorded
from convmath.window import plain

from .core import Call
from .portable import CALLS, Computed
from .stated import signature_of

__all__ = ["called"]

# arguments of whole numbers, also beside arrays of floating point; for these operators the target may be one, too
_WHOLE = frozenset({"indices", "mask", "table"})
_BY_CLASS = frozenset({"cross_entropy", "nll"})


def called(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], *cotangent: Any) -> Any:
    """The value of a call, or its vjp where a cotangent comes."""
    try:
        bound = signature_of(function).bind(*args, **kwargs)
    except TypeError:
        function.prepare(*args, **kwargs)  # which says which argument is missing, or strange
        raise
    arguments = _Arguments.of(function, bound)
    if not any(is_foreign(type(value)) for value in (*cotangent, *arguments.values)):
        prepared = function.prepare(*args, **kwargs)  # a hyper-parameter is foreign
        return prepared.pulled(*cotangent) if cotangent else prepared.computed()
    call = _foreign(arguments, *cotangent)
    with np.errstate(all="ignore"):  # what has no value is NaN or infinite, also where arrays are NumPy's inside
        if cotangent:
            return call.vjp(*(_array(call.xp, g, call.operands[0]) for g in cotangent))
        return recorded(call.xp, call.value, call.pulled, call.operands)


# --- arguments ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Slot:
    """An array argument: its name, and which of several of that name it is."""

    name: str
    part: int | None = None

    @property
    def called(self) -> str:
        return self.name if self.part is None else f"{self.name}[{self.part}]"


@dataclass(frozen=True, slots=True)
class _Arguments:
    """The array arguments of a call that came, with their values, and all that came by name."""

    function: Any
    slots: tuple[_Slot, ...]
    values: tuple[Any, ...]
    passed: Mapping[str, Any]

    @classmethod
    def of(cls, function: Any, bound: inspect.BoundArguments) -> _Arguments:
        found = dict(_slots(function, bound.arguments))
        return cls(function, tuple(found), tuple(found.values()), bound.arguments)

    def at(self, arrays: Sequence[Any]) -> dict[str, Any]:
        """What came by name, with other arrays."""
        found = dict(self.passed)
        for slot, array in zip(self.slots, arrays, strict=True):
            if slot.part is None:
                found[slot.name] = array
            else:
                found[slot.name] = (*found[slot.name][: slot.part], array, *found[slot.name][slot.part + 1 :])
        return found

    def look_at(self, arrays: Sequence[Any]) -> Call[Any] | None:
        """The call on NumPy arrays, which refuses what it refuses, and warns; None where they cannot be copied."""
        copies = [copied(value) if is_foreign(type(value)) else value for value in arrays]
        return None if any(copy is None for copy in copies) else _prepared(self.function, self.at(copies))


def _prepared(function: Any, named: Mapping[str, Any]) -> Call[Any]:
    """The call with these arguments, which are NumPy arrays."""
    signature = signature_of(function)
    ordered = {name: named[name] for name in signature.parameters if name in named}
    bound = inspect.BoundArguments(signature, ordered)  # type: ignore[arg-type]
    return function.prepare(*bound.args, **bound.kwargs)


def _slots(function: Any, passed: Mapping[str, Any]) -> Iterator[tuple[_Slot, Any]]:
    parameters = signature_of(function).parameters
    for name in function.arrays:
        value = passed.get(name)
        if value is not None and parameters[name].kind is inspect.Parameter.VAR_POSITIONAL:
            yield from ((_Slot(name, part), each) for part, each in enumerate(value))
        elif value is not None:
            yield _Slot(name), value


def _foreign(arguments: _Arguments, *cotangent: Any) -> _Foreign:
    """The call with its arguments checked, and its arrays of one library."""
    function, where = arguments.function, arguments.function.__name__
    named = {slot.called: value for slot, value in zip(arguments.slots, arguments.values, strict=True)}
    xp, like = only(named | dict(zip(["the cotangent"], cotangent, strict=False)), where)
    given = {name: value for name, value in arguments.passed.items() if name not in function.arrays}
    for how in ("method", "out"):
        if given.pop(how, None) not in (None, "auto"):
            raise HyperparameterError(f"{how} came, but it is for NumPy arrays alone [{where}]")
    said = _Given.of(given)
    try:
        operands = tuple(_array(xp, value, like) for value in arguments.values)
        types = tuple(numpy_type(a, name, where) for a, name in zip(operands, named, strict=True))
    except (ConvmathError, TypeError, ValueError):
        arguments.look_at(arguments.values)
        raise
    shapes = tuple(tuple(map(int, array.shape)) for array in operands)
    try:
        checked = _checked(function, arguments.slots, shapes, types, said)
    except (ConvmathError, TypeError, ValueError):
        # what is in the arrays may be allowed where the stand-ins' numbers are not
        looked_at = arguments.look_at(operands)
        if looked_at is None:
            raise
        checked = _without_arrays(looked_at)
    return _Foreign(arguments, operands, xp, said.values, checked)


def _array(xp: ModuleType, value: Any, like: Any) -> Any:
    """An array of the library, also of a list or a number."""
    return value if is_foreign(type(value)) else of_numpy(xp, np.asarray(value), like)


# --- checks at stand-ins ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Given:
    """Hyper-parameters by name, equal where they are written alike: 1, True and 1.0 differ."""

    said: str
    values: Mapping[str, Any] = field(compare=False)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> _Given:
        values = {name: plain(value) for name, value in given.items()}
        return cls(repr(values), values)


@lru_cache(maxsize=1024)
def _checked(
    function: Any,
    slots: tuple[_Slot, ...],
    shapes: tuple[tuple[int, ...], ...],
    types: tuple[np.dtype, ...],
    given: _Given,
) -> Call[Any]:
    """The call at stand-ins, which holds no array: what its output is."""
    named: dict[str, Any] = dict(given.values)
    for slot, shape, dtype in zip(slots, shapes, types, strict=True):
        array = _stand_in(slot.name, shape, dtype, given.values)
        named[slot.name] = array if slot.part is None else (*named.get(slot.name, ()), array)
    return _without_arrays(_prepared(function, named))


def _without_arrays(call: Call[Any]) -> Call[Any]:
    return Call(call.where, call.shape, call.dtype, lambda: None, lambda gy: ())


def _stand_in(name: str, shape: tuple[int, ...], dtype: np.dtype, given: Mapping[str, Any]) -> np.ndarray:
    """An array that no check of what arrays hold has anything against."""
    if name == "indices":
        return np.arange(math.prod(shape)).reshape(shape) % max(1, math.prod(shape[2:]))
    if name == "target" and dtype.kind in "iu":  # a position that does not count
        return np.full(shape, given.get("ignore_index", -100), np.int64)
    if name == "target" and dtype.kind == "f":
        return np.full(shape, 1 / max(1, *shape[1:2], 1), dtype)
    # NaN is not below 0, nor equal to it
    return np.full(shape, np.nan, dtype) if dtype.kind in "fc" else np.zeros(shape, dtype)


# --- the call -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Foreign:
    """A call that is checked but for what its arrays hold."""

    arguments: _Arguments
    operands: tuple[Any, ...]
    xp: ModuleType
    given: Mapping[str, Any]
    checked: Call[Any]

    @property
    def stored(self) -> Any:
        """The type of two bytes that all arrays have but those of whole numbers; None where there is none."""
        if self.checked.dtype != np.float32:
            return None
        floats = [a for a in self.operands if not self.xp.isdtype(a.dtype, ("integral", "bool"))]
        alike = bool(floats) and all(a.dtype == floats[0].dtype for a in floats)
        return floats[0].dtype if alike and is_half(floats[0]) else None

    def value(self, *operands: Any) -> Any:
        computed = self._computed(operands, dtype_of(self.xp, self.checked.dtype))
        self._look_at(computed, operands)
        found = computed.value()
        return tuple(map(self._stored, found)) if isinstance(found, tuple) else self._stored(found)

    def _stored(self, y: Any) -> Any:
        xp, stored = self.xp, self.stored
        kept = stored is None or y is None or not xp.isdtype(y.dtype, "real floating")
        return y if kept else xp.astype(y, stored)

    def pulled(self, cotangent: Any, operands: Sequence[Any], wanted: Container[int]) -> list[Any]:
        """The gradients by the operands in the wanted places."""
        return self._pulled(cotangent, operands, wanted, looked_at=True)

    def _pulled(self, cotangent: Any, operands: Sequence[Any], wanted: Container[int], *, looked_at: bool) -> list[Any]:
        xp, where = self.xp, self.checked.where
        came = numpy_type(cotangent, "the cotangent", where)
        dtype = dtype_of(xp, np.result_type(np.int64 if came.kind in "iu" else came, self.checked.dtype))
        computed = self._computed(operands, dtype)
        if not looked_at:
            self._look_at(computed, operands)
        if tuple(cotangent.shape) != self.checked.shape or came.kind not in "fiuc":
            self.checked.pulled(np.zeros(tuple(cotangent.shape), came))  # which says what is wrong
        gradients = computed.gradients(xp.astype(cotangent, dtype, copy=False))
        by_name: dict[str, Any] = dict(zip(self.arguments.function.arrays, gradients, strict=True))
        stored = self.stored if cotangent.dtype == self.stored else None
        found = list[Any]()
        for place, slot in enumerate(self.arguments.slots):
            own = by_name[slot.name] if slot.part is None else by_name[slot.name][slot.part]
            g: Any = None if place not in wanted else own() if callable(own) else own
            if g is not None and xp.isdtype(g.dtype, "complex floating") and not _is_complex(xp, operands[place]):
                g = xp.real(g)
            found.append(g if g is None or stored is None else xp.astype(g, stored))
        return found

    def vjp(self, cotangent: Any) -> tuple[Any, ...]:
        """The gradient by each array argument that is passed, None for None."""
        places = range(len(self.operands))
        gradients = self._pulled(cotangent, self.operands, places, looked_at=False)
        passed, found = self.arguments.passed, list[Any]()
        for name in self.arguments.function.arrays:
            if name in passed:
                own = [g for slot, g in zip(self.arguments.slots, gradients, strict=True) if slot.name == name]
                found += [None] if passed[name] is None else own
        return tuple(found)

    def _look_at(self, computed: Computed, operands: Sequence[Any]) -> None:
        """What NumPy's call says of the data, if there may be something to be said and they can be read."""
        if computed.suspect is not None and readable(computed.suspect()):
            self.arguments.look_at(operands)

    def _computed(self, operands: Sequence[Any], dtype: Any) -> Computed:
        """The call in this type."""
        function, xp = self.arguments.function, self.xp
        arrays = self.arguments.at(
            [self._in_type(*each, dtype) for each in zip(self.arguments.slots, operands, strict=True)]
        )
        named = {name: arrays[name] for name in function.arrays if arrays.get(name) is not None}
        return CALLS[function.__name__](xp, self.checked.shape, **named, **self.given)

    def _in_type(self, slot: _Slot, array: Any, dtype: Any) -> Any:
        xp = self.xp
        if xp.isdtype(array.dtype, "bool"):
            return xp.astype(array, xp.int8)
        classes = slot.name == "target" and self.arguments.function.__name__ in _BY_CLASS
        if slot.name in _WHOLE or (classes and xp.isdtype(array.dtype, "integral")):
            return array
        return xp.astype(array, dtype, copy=False)


def _is_complex(xp: ModuleType, array: Any) -> bool:
    return xp.isdtype(array.dtype, "complex floating")
