"""Derivatives that are planned once and replayed: what a function does is recorded, and becomes a program of kernels.

Recorded are the operators that a function calls with what they are given. `functional.planned` reads a network in it,
or says why there is none; then the function is differentiated as ever.
"""

from __future__ import annotations

import functools
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import trees
from .calls import Call, Noted, Notes, Of, not_here
from .tape import Node, Traced, release

__all__ = ["Planned", "Replayed", "by_itself", "nothing_noted", "noting", "told"]

KEPT = 4  # plans of a function that are kept, those that were used last
PLAIN = (int, float, complex, str, bytes, bool, np.generic)  # what may be an argument beside arrays

Noting = Callable[[Sequence[Any]], Notes | None]


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


class _Recent:
    """Plans, or why there is none, by keys: those that were used last, until they are too many, or take too much.

    `too_much` says so, of their number and of the sum of their sizes.
    """

    def __init__(self, too_much: Callable[[int, int], bool], size: Callable[[Any], int] = lambda _: 0):
        self.found: OrderedDict[Hashable, Any] = OrderedDict()
        self._too_much, self._size, self._taken, self._lock = too_much, size, 0, threading.Lock()

    def get(self, key: Hashable) -> Any:
        with self._lock:
            found = self.found.get(key)
            if found is not None:
                self.found.move_to_end(key)
            return found

    def put(self, key: Hashable, found: Any) -> None:
        with self._lock:
            if key in self.found:
                return
            self.found[key] = found
            self._taken += self._size(found)
            while self.found and self._too_much(len(self.found), self._taken):
                self._taken -= self._size(self.found.popitem(last=False)[1])


class Replayed:
    """The value and the gradients of a function, by a plan where there is one.

    `unplanned` computes them without, and `run` runs the function with noted arguments; what came out is `found`.
    """

    def __init__(
        self,
        unplanned: Callable[..., Any],
        run: Callable[[Sequence[Any], Mapping[str, Any], Noting], Any],
        places: Callable[[int], Sequence[int]],
        several: bool,
    ):
        functools.update_wrapper(self, unplanned, updated=())
        self._unplanned, self._run, self._places, self._several = unplanned, run, places, several
        self._plans = _Recent(lambda plans, _: plans > KEPT)

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
        if why := not_here():
            return Planned(reason=why)
        places, leaves = self._places(len(args)), _Leaves()
        key = leaves.key((args, kwargs)), tuple(places)
        if leaves.strange:
            return Planned(reason=leaves.strange)
        if (known := self._plans.get(key)) is None:
            known = self._made(args, kwargs, places, leaves.arrays)
            self._plans.put(key, known)
        return known if isinstance(known, Planned) else (known, leaves.arrays)

    def _made(self, args: Sequence[Any], kwargs: Mapping[str, Any], places: Sequence[int], arrays: list) -> Any:
        """The plan of calls like this, or why there is none."""
        # the generated kernels, and with them llvmlite, are loaded here alone
        from convmath.functional.planned import Refused, network
        from convmath.kernels.simd.images.network import Plan

        notes = Notes()
        run = self._run(args, kwargs, lambda _: notes)
        wanted = _numbers([leaf for place in places for leaf in trees.leaves(args[place])], arrays)
        try:
            if None in wanted:
                raise Refused("a derivative is taken by what is no array")
            return Plan(network(_noted(notes, run, arrays, wanted), arrays, wanted))
        except Refused as refusal:
            return Planned(reason=str(refusal))

    def _built(self, args: Sequence[Any], arrays: Sequence[np.ndarray], gradients: Mapping[int, np.ndarray]) -> Any:
        """The gradients, built as the arguments are; those that nothing reaches are 0."""
        numbers = {id(array): number for number, array in enumerate(arrays)}
        by = [args[place] for place in self._places(len(args))]
        own = [numbers[id(leaf)] for tree in by for leaf in trees.leaves(tree)]
        found = _built(by, arrays, own, gradients)
        return tuple(found) if self._several else found[0]


def _built(by: Sequence[Any], arrays: Sequence[np.ndarray], own: Iterable[int], gradients: Mapping[int, Any]) -> list:
    """The gradients by arrays with these numbers, as the trees are built; those that nothing reaches are 0."""
    each = (gradients[n] if n in gradients else np.zeros(arrays[n].shape, arrays[n].dtype) for n in own)
    return [trees.built(tree, each) for tree in by]


# --- without being asked -------------------------------------------------------------------------------------------


LEAST = 2**8  # elements that derivatives are taken by, below which no network is worth a plan
MOST_KEPT = 2**28  # bytes of the plans that are kept
MOST_KNOWN = 2**8  # networks of which it is known that there is a plan, or why there is none
MOST_MADE = 2**4  # plans of one network, if its numbers are others each time
FAILED = "making the plan failed"


def nothing_noted(arrays: Sequence[Any]) -> Notes | None:
    return None


def noting(arrays: Sequence[Any]) -> Notes | None:
    """Notes of a run by these arrays whose calls are put off; None where no plan can come of it."""
    if _without(arrays):
        return None
    from convmath.functional.planned import expected

    return Notes(expected)


def _without(arrays: Sequence[Any]) -> str:
    """Why no plan can come of a run by these arrays; empty where one can."""
    elements = 0
    for array in arrays:
        if type(array) is not np.ndarray or array.dtype.char not in "fd":
            return "derivatives are taken by what is no array of float32 or float64"
        elements += array.size
    return not_here() if elements >= LEAST else f"{elements} elements are not worth the kernels of a plan"


class _Kept:
    """Plans by the calls that they are of; for other calls why there is none."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self._lock, self.making = threading.Lock(), threading.RLock()
        self.plans = _Recent(lambda known, size: known > MOST_KNOWN or size > MOST_KEPT, _bytes)
        self._networks: dict[Hashable, set[Hashable]] = {}

    def too_many(self, network: Hashable, key: Hashable) -> bool:
        """Whether enough plans of a network were made for other numbers than these."""
        with self._lock:
            if network not in self._networks and len(self._networks) >= MOST_KNOWN:
                self._networks.clear()
            known = self._networks.setdefault(network, set())
            if key not in known and len(known) >= MOST_MADE:
                return True
            known.add(key)
            return False


def _bytes(found: Any) -> int:
    return 0 if isinstance(found, str) else found.memory.bytes


_kept = _Kept()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_kept.forget)  # a lock that another thread holds would never be released


def by_itself(run: Any) -> tuple[Any, list[Any]] | None:
    """The value and the gradients of a run whose calls were put off, by the plan of these calls.

    Where there is none, all is computed, and None says so. Which it is depends on the calls alone, so that a call has
    the same bits at any time.
    """
    notes, found = run.notes, None
    if notes is None:
        return None
    plan, arrays = _plan_of(run)
    if not isinstance(plan, str):
        found = plan.run(arrays)
    if found is None:
        notes.settle()
        return None
    if notes.kept():
        notes.compute()  # besides, operator by operator
        release(run.found._node)
    notes.forget()
    value, gradients = found
    # whoever keeps the number finds it there
    run.found._under, run.found._node = value, Node()
    return value, _built(run.trees, run.arrays, range(len(run.arrays)), gradients)


def told(run: Any) -> Planned:
    """The plan that `by_itself` takes."""
    if run.notes is None:
        return Planned(reason=_without(run.arrays))
    plan, _ = _plan_of(run)
    return Planned(reason=plan) if isinstance(plan, str) else Planned(plan.kernels)


def _plan_of(run: Any) -> tuple[Any, list[np.ndarray]]:
    """The plan of the calls of a run, or why there is none; and its arrays."""
    taken = run.notes.taken(run.found)
    if isinstance(taken, str):
        return taken, []
    calls, brought = taken
    arrays, key = [*run.arrays, *brought], (len(run.arrays), calls)
    if (known := _kept.plans.get(key)) is None:
        with _kept.making:
            if (known := _kept.plans.get(key)) is None:
                known = _made(key, arrays)
                _kept.plans.put(key, known)
    return known, arrays


def _made(key: tuple[int, tuple[Call, ...]], arrays: Sequence[np.ndarray]) -> Any:
    """The plan of calls, or why there is none."""
    from convmath.functional.planned import Refused, network
    from convmath.kernels.simd.images.network import Plan
    from convmath.kernels.simd.images.worth import worth

    count, calls = key
    if _kept.too_many((count, tuple((call.function, call.shape, call.dtype) for call in calls)), key):
        return "enough plans of this network were made, each for other numbers"
    try:
        recorded = _recorded(calls, lambda of: of.number + (count if of.array else 0), count)
        net = network(recorded, arrays, range(count))
        return worth(net) or Plan(net)
    except Refused as refusal:
        return str(refusal)
    except Exception as error:  # nobody asked for a plan, so nobody is to hear of what is wrong with one
        return f"{FAILED}: {type(error).__name__}: {error}"


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


# --- calls as the reader of networks has them ---


def _recorded(calls: Sequence[Call], number: Callable[[Of], Any], arguments: int) -> list[Any]:
    """Calls with the number of each argument, and of each array that is one; other operands are themselves."""
    from convmath.functional.planned import Array, Recorded, Result

    def known(of: Of) -> Any:
        if not of.array and of.number >= arguments:
            return Result(of.number - arguments)
        found = number(of)
        return Array(found) if isinstance(found, int) else found

    found = []
    for call in calls:
        args, kwargs = call.arguments(known)
        if call.function is np.reshape:
            args = (args[0], call.shape)
        found.append(Recorded(call.function, tuple(map(_read, args)), {name: _read(o) for name, o in kwargs.items()}))
    return found


def _read(operand: Any) -> Any:
    from convmath.functional.planned import Other

    return Other() if isinstance(operand, Traced) else operand


def _noted(notes: Notes, run: Any, arrays: Sequence[np.ndarray], wanted: Sequence[int]) -> list[Any]:
    """What was noted up to what came out."""
    from convmath.functional.planned import Refused

    if len({*map(id, arrays)}) < len(arrays):
        raise Refused("one array is several arguments")
    noted = isinstance(run.found, Noted) and run.found._notes is notes
    end = run.found._of.number - len(wanted) if noted else -1
    if end < 0:
        raise Refused("what comes out is not made by an operator that there are planned kernels for")
    # an array that a derivative is taken by comes as a Tensor; where it comes as it is, it is a constant
    known = {id(array): number for number, array in enumerate(arrays) if number not in wanted}

    def number(of: Of) -> Any:
        if not of.array:
            return wanted[of.number]
        array = notes.arrays[of.number]
        return known.get(id(array), array)

    return _recorded(notes.calls[: end + 1], number, len(wanted))
