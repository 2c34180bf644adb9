"""The operators that a function calls, noted while it runs; what they make may be put off.

A function meets its arguments as `Noted` Tensors. Each call of an operator with one of them is a `Call`, which says by
number what it is called with: which value that an earlier call made, which array. Two runs with equal calls compute
the same of their arrays, and equal calls that were put off are one object.

A value that is put off has a shape and a type, but no elements. Whoever asks for these has everything computed that
was put off, in its order and each call in the context in which it was made, and from there on nothing is put off any
more: a function cannot tell the difference.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import Context, copy_context
from threading import RLock
from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from convmath.errors import ConvmathError
from convmath.kernels.choice import asked, without
from convmath.kernels.order import in_exact_order

from .operators import taken_over
from .tape import Node, Traced
from .tensor import Tensor

__all__ = ["Call", "Noted", "Notes", "Of", "not_here"]

MOST = 4096  # calls that are remembered
UNNOTED = -1  # the number of a value that no noted call made
LONGEST = 16  # a list of more entries is rather an array
MOST_HELD = 2**26  # bytes of arrays that only calls that were put off have a reference to
PLAIN = frozenset({int, float, complex, str, bytes, bool, type(None)})
NUMBERS = (np.number, np.bool_)


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

    Where it makes several results, that is the first of them, and the others are None. How it may be put off is
    `expected` (`functional.planned.Expected`). `reads` are the values among the operands, and `brings` the arrays, by
    their numbers. Calls are equal by their operands.
    """

    __slots__ = ("_hash", "args", "brings", "dtype", "expected", "function", "key", "kwargs", "reads", "shape")

    def __init__(self, key: _Key, shape: tuple[int, ...], dtype: np.dtype, expected: Any = None):
        self.key, (self.function, self.args, self.kwargs) = key, key
        self.shape, self.dtype, self.expected = shape, dtype, expected
        found: list[Of] = []
        self.arguments(found.append)
        self.reads = tuple(of.number for of in found if not of.array)
        self.brings = tuple(of.number for of in found if of.array)
        self._hash = 0 if expected is None else hash(key)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Call) and self.key == other.key)

    def arguments(self, known: Callable[[Of], Any]) -> tuple[list[Any], dict[str, Any]]:
        """What it is called with, by what the operands are."""
        args = [known(one) if type(one) is Of else _operand(one, known) for one in self.args]
        return args, {name: _operand(one, known) for name, one in self.kwargs} if self.kwargs else {}


def _operand(operand: Any, known: Callable[[Of], Any]) -> Any:
    if type(operand) is Of:
        return known(operand)
    kind, value = operand[0], operand[1]
    return kind([_operand(one, known) for one in value]) if kind is tuple or kind is list else value


class Noted(Tensor):
    """A Tensor whose calls are noted. While it is put off, what it has under it and its node are not there."""

    __slots__ = ("_notes", "_of")
    _notes: Notes
    _of: Of

    def _at(self, level: int, under: Any, node: Node | None) -> Traced:  # type: ignore[override]
        """What else comes of it: a Tensor like any or, where nothing is put off, one whose calls are noted too."""
        if not self._notes.waits:
            return Tensor._at(level, under, node)
        found = self._notes.noted(Of(UNNOTED, under.shape, under.dtype), level)
        found._under, found._node = under, node
        return found

    def __getattr__(self, name: str) -> Any:
        if name not in ("_under", "_node"):
            raise AttributeError(f"'Tensor' object has no attribute {name!r}")
        self._notes.compute()
        return object.__getattribute__(self, name)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return Tensor._at(self._level, self._under, self._node).__reduce_ex__(protocol)

    @property
    def shape(self) -> tuple[int, ...]:
        return self._of.shape

    @property
    def ndim(self) -> int:
        return len(self._of.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self._of.shape))

    @property
    def dtype(self) -> Any:
        return self._of.dtype

    def __len__(self) -> int:
        return self._of.shape[0] if self._of.shape else super().__len__()

    @staticmethod
    def __convmath_function__(function: Any, args: Any, kwargs: Any, *cotangent: Any) -> Any:
        if cotangent:
            return taken_over(function, args, kwargs, *cotangent)
        notes = next(o._notes for o in (*args, *kwargs.values()) if isinstance(o, Noted))
        return notes.called(function, args, kwargs)

    def __add__(self, other: Any) -> Any:
        return self._notes.called(np.add, (self, other), {})

    def reshape(self, *shape: Any, **named: Any) -> Any:  # type: ignore[override]
        return self._notes.called(np.reshape, (self, *shape), named)

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
    if method != "auto":
        return f"the method {method!r} is asked for"
    raised = [kind for kind, what in np.geterr().items() if what in ("raise", "call")]
    return f"NumPy is to raise errors ({', '.join(raised)}), which a plan does not see" if raised else ""


Noted.__name__ = Noted.__qualname__ = Tensor.__name__  # what messages call it


class Notes:
    """The calls of one run. `expected` says of a call that it may be put off, and how, and None of another."""

    def __init__(self, expected: Callable[..., Any] | None = None):
        self.calls: list[Call] = []
        self.arrays: list[Any] = []
        self._expected = expected
        self._contexts: list[Context] = []
        self._held, self._failed = 0, False
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
        found._level, found._notes, found._of = level, self, of
        return found

    def _next(self, like: Any, level: int) -> Noted:
        """The next value, with the shape and the type of an array or of what a call makes."""
        found = self.noted(Of(len(self._values), like.shape, like.dtype), level)
        self._values.append(ref(found))
        return found

    # --- calls ---

    def called(self, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """What a call makes, or the promise of it."""
        with self._lock:
            key = self._key(function, args, kwargs) if self._noting else None
            if key is not None and self.puts_off:
                call = None if self._strange or not_here() else self._to_come(key, args, kwargs)
                if call is not None:
                    return self._promised(call, args, kwargs)
                self.compute()
                key = None
        found = _done(function, args, kwargs)  # not under the lock: it may wait for another run
        if key is None:
            return found
        with self._lock:
            return self._noted_call(key, found)

    def _key(self, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> _Key:
        self._strange = False
        named = tuple((name, self._operand(value)) for name, value in kwargs.items()) if kwargs else ()
        return _Key(function, tuple(map(self._operand, args)), named)

    def _promised(self, call: Call, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        self.calls.append(call)
        self._contexts.append(copy_context())
        value = self._next(call, next(o._level for o in (*args, *kwargs.values()) if type(o) is Noted))
        results = call.expected.results
        return (value, *[None] * (results - 1)) if results else value

    def _operand(self, value: Any) -> Any:
        kind = type(value)
        if kind is Noted and value._notes is self and value._of.number != UNNOTED:
            return value._of
        if kind is float or kind is complex or isinstance(value, np.inexact):
            # 0.0 and -0.0 are equal
            return (kind, value) if value else (kind, value, str(value))
        if kind in PLAIN or isinstance(value, NUMBERS):
            return kind, value
        if kind is np.ndarray:
            number = self._numbers.setdefault(id(value), len(self.arrays))
            if number == len(self.arrays):
                self._bring(value)
            return Of(number, value.shape, value.dtype, True)
        if (kind is tuple or kind is list) and len(value) <= LONGEST:
            return kind, tuple(map(self._operand, value))
        self._strange = True
        return kind, value

    def _bring(self, array: np.ndarray) -> None:
        self.arrays.append(array)
        self._held += array.nbytes
        if self._held > MOST_HELD:
            # of those that nobody else has a reference to: the list has one, and the question is another
            alone = (n for n in range(len(self.arrays) - 1) if sys.getrefcount(self.arrays[n]) == 2)
            self._held = sum(self.arrays[n].nbytes for n in alone)
            self._strange = self._strange or self._held > MOST_HELD

    def _to_come(self, key: _Key, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Call | None:
        """A call that may be put off."""
        assert self._expected is not None
        call = _known.get(key)
        expected = call.expected if call else self._expected(key.function, args, kwargs)
        if expected is None or not (expected.ready is None or expected.ready(*args, **kwargs)):
            return None
        if call is None:
            if len(_known) >= MOST:
                _known.clear()
            call = _known.setdefault(key, Call(key, *_shape_and_type(key.function, args, kwargs), expected))
        return call

    def _noted_call(self, key: _Key, found: Any) -> Any:
        """What a call made, noted."""
        first, *others = found if isinstance(found, tuple) else (found,)
        self.calls.append(Call(key, first.shape, first.dtype))
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

    def taken(self, found: Any) -> tuple[tuple[Call, ...], list[Any]] | str:
        """All calls and the arrays that they bring, if the last of them makes what came out; else why not.

        From here on nothing is noted, and nothing put off.
        """
        with self._lock:
            off, calls = self.puts_off, tuple(self.calls)
            own = type(found) is Noted and found._notes is self and found._of.number == len(self._values) - 1
            self.close()
            if not off:
                return "a value is read, or computed by what there are no planned kernels for"
            return (calls, list(self.arrays)) if own and calls else "what comes out is not what the last operator makes"

    def kept(self) -> bool:
        """Whether somebody holds a value that was put off, but for what the last call makes."""
        first = len(self._values) - len(self.calls)
        return any(value() is not None for value in self._values[first:-1])

    def close(self) -> None:
        """From here on nothing is noted, and nothing put off."""
        with self._lock:
            self._expected, self._noting = None, False

    def leave(self) -> None:
        """The run is over without a result: whoever holds a value has it computed, as far as that is possible."""
        self.close()
        if self._values and (self.kept() or self._values[-1]() is not None):
            with suppress(Exception):
                self.compute()

    def compute(self) -> None:
        """Compute what was put off."""
        with self._lock:
            self.close()
            if self._failed:
                raise ConvmathError("a value was put off, and computing it failed before: there is none")
            calls, self.calls = self.calls, []
            if calls:  # else another thread has computed them meanwhile
                self._failed = True
                self._compute(calls)
                self._failed = False
            self.forget()

    def settle(self) -> None:
        """The same, where nothing failed before."""
        with self._lock:
            if not self._failed:
                self.compute()

    def forget(self) -> None:
        """Let go of all that the calls are about."""
        with self._lock:
            for held in (self.calls, self.arrays, self._contexts, self._numbers, self._values):
                held.clear()

    def _compute(self, calls: list[Call]) -> None:
        count = len(self._values) - len(calls)
        made: list[Any] = [value() for value in self._values[:count]]
        last = {number: place for place, call in enumerate(calls) for number in call.reads}
        last_brought = {number: place for place, call in enumerate(calls) for number in call.brings}

        def known(of: Of) -> Any:
            return self.arrays[of.number] if of.array else made[of.number]

        each = zip(calls, self._contexts, self._values[count:], strict=True)
        for place, (call, context, promised) in enumerate(each):
            args, kwargs = call.arguments(known)
            found = context.run(_done, call.function, tuple(args), kwargs)
            first, value = found[0] if isinstance(found, tuple) else found, promised()
            if value is not None:
                value._under, value._node = first._under, first._node
            made.append(first)
            # what nothing else reads is let go of, so that the next has its memory
            for number in call.reads:
                if last[number] == place:
                    made[number] = None
            for number in call.brings:
                if last_brought[number] == place:
                    self.arrays[number] = None
            del args, kwargs, found, first, value


def _shape_and_type(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, Any]:
    """What a call will make: it is checked as it always is, with zeros for what is to come."""
    if function is np.add:
        return args[0].shape, args[0].dtype
    if function is np.reshape:
        return _stand_in(args[0]).reshape(*args[1:]).shape, args[0].dtype
    named = {name: _stand_in(value) for name, value in kwargs.items()}
    call = function.prepare(*map(_stand_in, args), **named)
    return call.shape, call.stored or call.dtype


def _stand_in(value: Any) -> Any:
    return np.zeros(value._of.shape, value._of.dtype) if type(value) is Noted else value


def _nothing() -> None:
    return None
