"""The operators that a function calls, noted while it runs; what they make may be put off.

A function meets its arguments as `Noted` Tensors. Each call of an operator with one of them is a `Call`, which says by
number what it is called with: which value that an earlier call made, which array. Two runs with equal calls compute
the same of their arrays, and equal calls that were put off are one object.

A value that is put off has a shape and a type, but no elements. Whoever asks for these has everything computed that
was put off, in its order, and from there on nothing is put off any more: a function cannot tell the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import RLock
from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from convmath.kernels.choice import asked, without
from convmath.kernels.order import in_exact_order

from .operators import taken_over
from .tape import Node, Traced
from .tensor import Tensor

__all__ = ["Call", "Noted", "Notes", "Of", "not_here"]

MOST = 4096  # calls that are remembered
UNNOTED = -1  # the number of a value that no noted call made
LONGEST = 16  # a list of more entries is rather an array
PLAIN = frozenset({int, float, complex, str, bytes, bool, type(None)})


class Of(NamedTuple):
    """An operand by its number: a value, the arguments first, or (`array`) an array that the function brings."""

    number: int
    shape: tuple[int, ...]
    dtype: np.dtype
    array: bool = False


class _Key(NamedTuple):
    """What two calls have in common that make the same."""

    function: Any
    args: tuple[Any, ...]
    kwargs: tuple[tuple[str, Any], ...]


class Call:
    """A call by its operands: each is an Of, or its kind and itself. What it makes has a shape and a type.

    Where it makes several `results`, that is the first of them, and the others are None; 0 says that it is no tuple.
    `reads` are the numbers of the values among the operands.
    """

    __slots__ = ("args", "dtype", "function", "kwargs", "reads", "results", "shape")

    def __init__(self, key: _Key, shape: tuple[int, ...], dtype: np.dtype, results: int):
        self.function, self.args, self.kwargs = key
        self.shape, self.dtype, self.results = shape, dtype, results
        found: list[Of] = []
        self.arguments(found.append)
        self.reads = tuple(of.number for of in found if not of.array)

    def arguments(self, known: Callable[[Of], Any]) -> tuple[list[Any], dict[str, Any]]:
        """What it is called with, by what the operands are."""
        args = [known(one) if type(one) is Of else _operand(one, known) for one in self.args]
        return args, {name: _operand(one, known) for name, one in self.kwargs} if self.kwargs else {}


def _operand(operand: Any, known: Callable[[Of], Any]) -> Any:
    if type(operand) is Of:
        return known(operand)
    kind, value = operand
    return kind([_operand(one, known) for one in value]) if kind is tuple or kind is list else value


class Noted(Tensor):
    """A Tensor whose calls are noted. While it is put off, what it has under it and its node are not there."""

    __slots__ = ("notes", "of")
    notes: Notes
    of: Of

    def _at(self, level: int, under: Any, node: Node | None) -> Traced:  # type: ignore[override]
        """What else comes of it: a Tensor like any or, where nothing is put off, one whose calls are noted too."""
        if not self.notes.waits:
            return Tensor._at(level, under, node)
        found = self.notes.noted(Of(UNNOTED, under.shape, under.dtype), level)
        found._under, found._node = under, node
        return found

    def __getattr__(self, name: str) -> Any:
        if name not in ("_under", "_node"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self.notes.compute()
        return getattr(self, name)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.of.shape

    @property
    def ndim(self) -> int:
        return len(self.of.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.of.shape))

    @property
    def dtype(self) -> Any:
        return self.of.dtype

    def __len__(self) -> int:
        return self.of.shape[0] if self.of.shape else super().__len__()

    @staticmethod
    def __convmath_function__(function: Any, args: Any, kwargs: Any, *cotangent: Any) -> Any:
        if cotangent:
            return taken_over(function, args, kwargs, *cotangent)
        notes = next(o.notes for o in (*args, *kwargs.values()) if isinstance(o, Noted))
        return notes.called(function, args, kwargs)

    def __add__(self, other: Any) -> Any:
        return self.notes.called(np.add, (self, other), {})

    def reshape(self, *shape: Any) -> Any:  # type: ignore[override]
        return self.notes.called(np.reshape, (self, *shape), {})

    def ravel(self) -> Any:
        return self.reshape(-1)

    flatten, __radd__ = ravel, __add__


_METHODS: Mapping[Any, Callable[..., Any]] = {np.add: Tensor.__add__, np.reshape: Tensor.reshape}
_known: dict[_Key, Call] = {}


def _done(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    method = _METHODS.get(function)
    return taken_over(function, args, kwargs) if method is None else method(*args, **kwargs)


def not_here() -> str:
    """Why nothing is planned where this is called; empty where it may be."""
    if why := without():
        return why
    if in_exact_order():
        return "within exact_order the operators have an order of their own"
    method = asked("auto", "planned")
    return "" if method == "auto" else f"the method {method!r} is asked for"


class Notes:
    """The calls of one run. `expected` says how many results a call has that may be put off, and None for another."""

    def __init__(self, expected: Callable[..., int | None] | None = None):
        self.calls: list[Call] = []
        self.arrays: list[np.ndarray] = []
        self._expected = expected
        self._noting, self._strange = True, False
        self._lock = RLock()  # a function may call operators from several threads
        self._numbers: dict[int, int] = {}
        self._values: list[Callable[[], Noted | None]] = []

    def argument(self, level: int, array: Any, node: Node) -> Noted:
        found = self._next(array, level)
        found._under, found._node = array, node
        return found

    def noted(self, of: Of, level: int) -> Noted:
        found = Noted.__new__(Noted)
        found._level, found.notes, found.of = level, self, of
        return found

    def _next(self, like: Any, level: int) -> Noted:
        """The next value, with the shape and the type of an array or of what a call makes."""
        found = self.noted(Of(len(self._values), like.shape, like.dtype), level)
        self._values.append(ref(found))
        return found

    # --- calls ---

    def called(self, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """What a call makes, or the promise of it."""
        if not self._noting:
            return _done(function, args, kwargs)
        with self._lock:
            return self._called(function, args, kwargs)

    def _called(self, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        self._strange = False
        named = tuple((name, self._operand(value)) for name, value in kwargs.items()) if kwargs else ()
        key = _Key(function, tuple(map(self._operand, args)), named)
        if self._expected is None:
            return self._noted_call(key, _done(function, args, kwargs))
        call = None if self._strange or not_here() else _known.get(key) or self._to_come(key, args, kwargs)
        if call is None:
            self.compute()
            return _done(function, args, kwargs)
        self.calls.append(call)
        level = next(o._level for o in (*args, *kwargs.values()) if type(o) is Noted)
        value = self._next(call, level)
        return (value, *[None] * (call.results - 1)) if call.results else value

    def _operand(self, value: Any) -> Any:
        kind = type(value)
        if kind is Noted and value.notes is self and value.of.number != UNNOTED:
            return value.of
        if kind in PLAIN or isinstance(value, np.generic):
            return kind, value
        if kind is np.ndarray:
            number = self._numbers.setdefault(id(value), len(self.arrays))
            if number == len(self.arrays):
                self.arrays.append(value)
            return Of(number, value.shape, value.dtype, True)
        if (kind is tuple or kind is list) and len(value) <= LONGEST:
            return kind, tuple(map(self._operand, value))
        self._strange = True
        return kind, value

    def _to_come(self, key: _Key, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Call | None:
        """A call that may be put off: it is checked as it always is, with arrays of any elements for those to come."""
        assert self._expected is not None
        function, stood = key.function, [_stand_in(value) for value in args]
        named = {name: _stand_in(value) for name, value in kwargs.items()}
        results = self._expected(function, stood, named)
        if results is None:
            return None
        if function is np.reshape:
            shape, dtype = Tensor.reshape(*stood).shape, stood[0].dtype
        elif function is np.add:
            shape, dtype = stood[0].shape, stood[0].dtype
        else:
            call = function.prepare(*stood, **named)
            shape, dtype = call.shape, call.stored or call.dtype
        found = Call(key, shape, dtype, results)
        if len(_known) >= MOST:
            _known.clear()
        return _known.setdefault(key, found)

    def _noted_call(self, key: _Key, found: Any) -> Any:
        """What a call made, noted."""
        first, *others = found if isinstance(found, tuple) else (found,)
        self.calls.append(Call(key, first.shape, first.dtype, len(others) + 1 if isinstance(found, tuple) else 0))
        if not isinstance(first, Traced):
            self._values.append(_nothing)
            return found
        value = self._next(first, first._level)
        value._under, value._node = first._under, first._node
        return (value, *others) if isinstance(found, tuple) else value

    # --- what was put off ---

    @property
    def puts_off(self) -> bool:
        return self._expected is not None

    @property
    def waits(self) -> bool:
        """Whether every call is noted, and none put off."""
        return self._noting and self._expected is None

    def whole(self, found: Any) -> bool:
        """Whether all calls were put off, what came out is what the last of them makes, and nobody holds another."""
        if self._expected is None or type(found) is not Noted or found.of.number != len(self._values) - 1:
            return False
        return bool(self.calls) and all(value() is None for value in self._values[-len(self.calls) : -1])

    def close(self) -> None:
        """From here on nothing is noted, and nothing put off."""
        self._expected, self._noting = None, False

    def compute(self) -> None:
        """Compute what was put off."""
        with self._lock:
            self.close()
            calls, self.calls = self.calls, []
            self._compute(calls)

    def _compute(self, calls: list[Call]) -> None:
        count = len(self._values) - len(calls)
        made: list[Any] = [value() for value in self._values[:count]]
        last = {number: place for place, call in enumerate(calls) for number in call.reads}

        def known(of: Of) -> Any:
            return self.arrays[of.number] if of.array else made[of.number]

        for place, (call, promised) in enumerate(zip(calls, self._values[count:], strict=True)):
            args, kwargs = call.arguments(known)
            found = _done(call.function, tuple(args), kwargs)
            first, value = found[0] if isinstance(found, tuple) else found, promised()
            if value is not None:
                value._under, value._node = first._under, first._node
            made.append(first)
            # what nothing else reads is let go of, so that the next has its memory
            for number in call.reads:
                if last[number] == place:
                    made[number] = None
            del args, kwargs, found, first, value


def _stand_in(value: Any) -> Any:
    return np.empty(value.of.shape, value.of.dtype) if type(value) is Noted else value


def _nothing() -> None:
    return None
