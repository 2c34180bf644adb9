"""Derivatives that are planned once and replayed: what a function does is recorded, and becomes a program of kernels.

Recorded are the operators that a function calls with what they are given. `functional.planned` reads a network in it,
or says why there is none; then the function is differentiated as ever.
"""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convmath.kernels.choice import asked, without
from convmath.kernels.order import in_exact_order

from . import trees
from .operators import taken_over
from .tape import Traced
from .tensor import Tensor

__all__ = ["Planned", "Replayed"]

KEPT = 4  # plans of a function that are kept, those that were used last
PLAIN = (int, float, complex, str, bytes, bool, np.generic)  # what may be an argument beside arrays

Operation = tuple[Any, tuple[Any, ...], Mapping[str, Any], Any]


@dataclass(frozen=True)
class Planned:
    """How a call is differentiated: the kernels in their order, each with what is computed together in it.

    Without a plan there are none, and `reason` says why.
    """

    kernels: tuple[str, ...] = ()
    reason: str = ""

    def __bool__(self) -> bool:
        return bool(self.kernels)

    def __str__(self) -> str:
        return "\n".join(self.kernels) if self.kernels else f"no plan: {self.reason}"


class Replayed:
    """The value and the gradients of a function, by a plan where there is one.

    `unplanned` computes them without, and `run` runs the function with recorded arguments of a kind of Tensor: it has
    those as `tensors`, and what came out as `found`.
    """

    def __init__(
        self,
        unplanned: Callable[..., Any],
        run: Callable[[Sequence[Any], Mapping[str, Any], type[Tensor]], Any],
        places: Callable[[int], Sequence[int]],
        several: bool,
    ):
        functools.update_wrapper(self, unplanned, updated=())
        self._unplanned, self._run, self._places, self._several = unplanned, run, places, several
        self._plans: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        found = self._found(args, kwargs)
        if not isinstance(found, Planned):
            plan, arrays = found
            if (result := plan.run(arrays)) is not None:
                value, gradients = result
                return value, self._built(args, arrays, gradients)
        return self._unplanned(*args, **kwargs)

    def plan(self, *args: Any, **kwargs: Any) -> Planned:
        """How a call with these arguments is differentiated."""
        found = self._found(args, kwargs)
        return found if isinstance(found, Planned) else Planned(found[0].kernels)

    def _found(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """A plan and the arrays of the call; a Planned where there is no plan."""
        if why := _not_here():
            return Planned(reason=why)
        places, leaves = self._places(len(args)), _Leaves()
        key = leaves.key((args, kwargs)), tuple(places)
        if leaves.strange:
            return Planned(reason=leaves.strange)
        with self._lock:
            known = self._plans.get(key)
            if known is not None:
                self._plans.move_to_end(key)
        if known is None:
            known = self._made(args, kwargs, places, leaves.arrays)
            with self._lock:
                self._plans[key] = known
                while len(self._plans) > KEPT:
                    self._plans.popitem(last=False)
        return known if isinstance(known, Planned) else (known, leaves.arrays)

    def _made(self, args: Sequence[Any], kwargs: Mapping[str, Any], places: Sequence[int], arrays: list) -> Any:
        """The plan of calls like this, or why there is none."""
        # the generated kernels, and with them llvmlite, are loaded here alone
        from convmath.functional.planned import Refused, network
        from convmath.kernels.simd.images.network import Plan

        kind, operations = _recording()
        run = self._run(args, kwargs, kind)
        wanted = _numbers([leaf for place in places for leaf in trees.leaves(args[place])], arrays)
        try:
            if None in wanted:
                raise Refused("a derivative is taken by what is no array")
            return Plan(network(_calls(operations, run, arrays, wanted), arrays, wanted))
        except Refused as refusal:
            return Planned(reason=str(refusal))

    def _built(self, args: Sequence[Any], arrays: Sequence[np.ndarray], gradients: Mapping[int, np.ndarray]) -> Any:
        """The gradients, built as the arguments are; those that nothing reaches are 0."""
        numbers = {id(array): number for number, array in enumerate(arrays)}

        def one(leaf: np.ndarray) -> np.ndarray:
            found = gradients.get(numbers[id(leaf)])
            return np.zeros(leaf.shape, leaf.dtype) if found is None else found

        by = [args[place] for place in self._places(len(args))]
        found = tuple(trees.built(tree, map(one, trees.leaves(tree))) for tree in by)
        return found if self._several else found[0]


def _not_here() -> str:
    """Why nothing is planned where this is called; empty where it may be."""
    if why := without():
        return why
    if in_exact_order():
        return "within exact_order the operators have an order of their own"
    method = asked("auto", "planned")
    return "" if method == "auto" else f"the method {method!r} is asked for"


# --- arguments ----------------------------------------------------------------------------------------------------


class _Leaves:
    """The arrays in the arguments of a call, and a key that calls have in common which one plan is for."""

    def __init__(self) -> None:
        self.arrays: list[np.ndarray] = []
        self.strange = ""  # why no plan is for such arguments
        self._seen: dict[int, int] = {}  # where an array came first

    def key(self, tree: Any) -> Hashable:
        kind = type(tree)
        if kind is np.ndarray:
            first = self._seen.setdefault(id(tree), len(self.arrays))
            self.arrays.append(tree)
            return tree.shape, tree.dtype.str, first
        if isinstance(tree, dict):
            return kind, tuple((name, self.key(value)) for name, value in tree.items())
        if isinstance(tree, tuple | list):
            return kind, tuple(map(self.key, tree))
        if tree is None or isinstance(tree, PLAIN):
            return kind, tree
        said = "a Tensor of another derivative" if isinstance(tree, Traced) else f"a {kind.__name__}"
        self.strange = f"{said} is an argument, but a plan is for NumPy's arrays and for numbers"
        return None


def _numbers(leaves: Sequence[Any], arrays: Sequence[np.ndarray]) -> list[Any]:
    """Which of the arrays each leaf is; None for one that is none."""
    known = {id(array): number for number, array in enumerate(arrays)}
    return [known.get(id(leaf)) for leaf in leaves]


# --- recording ----------------------------------------------------------------------------------------------------


def _recording() -> tuple[type[Tensor], list[Operation]]:
    """A kind of Tensor, and the operations on Tensors of that kind, in the order in which they are done."""
    operations: list[Operation] = []

    def noted(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], found: Any) -> Any:
        operations.append((function, args, kwargs, found))
        return found

    class Noted(Tensor):
        __slots__ = ()

        @staticmethod
        def __convmath_function__(function: Any, args: Any, kwargs: Any, *cotangent: Any) -> Any:
            found = taken_over(function, args, kwargs, *cotangent)
            return found if cotangent else noted(function, args, kwargs, found)

        def __add__(self, other: Any) -> Any:
            return noted(np.add, (self, other), {}, super().__add__(other))

        def reshape(self, *shape: Any) -> Any:  # type: ignore[override]
            found = Tensor.reshape(self, *shape)
            return noted(np.reshape, (self, found.shape), {}, found)

        def ravel(self) -> Any:
            return self.reshape(-1)

        flatten, __radd__ = ravel, __add__

    return Noted, operations


def _calls(operations: Sequence[Operation], run: Any, arrays: Sequence[np.ndarray], wanted: Sequence[int]) -> Any:
    """What was recorded up to what came out, with operands by their numbers."""
    from convmath.functional.planned import Array, Other, Recorded, Refused, Result

    if len({*map(id, arrays)}) < len(arrays):
        raise Refused("one array is several arguments")
    # an array that a derivative is taken by comes as a Tensor; where it comes as it is, it is a constant
    known: dict[int, Any] = {id(array): Array(n) for n, array in enumerate(arrays) if n not in wanted}
    known |= {id(tensor): Array(number) for tensor, number in zip(run.tensors, wanted, strict=True)}

    def operand(value: Any) -> Any:
        return known.get(id(value), Other() if isinstance(value, Traced) else value)

    calls = []
    for number, (function, args, kwargs, found) in enumerate(operations):
        named = {name: operand(value) for name, value in kwargs.items()}
        calls.append(Recorded(function, tuple(map(operand, args)), named))
        if found is run.found:
            return calls
        # of several results the first is the output
        known.setdefault(id(found[0] if isinstance(found, tuple) else found), Result(number))
    raise Refused("what comes out is not made by an operator that there are planned kernels for")
