"""Derivatives of functions of arrays: gradients, both products with the Jacobian, and that with the Hessian."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from convmath.errors import DtypeError, HyperparameterError, ShapeError
from convmath.kernels.simd.memory import is_alone
from convmath.kernels.storage import floats
from convmath.window import plain, whole

from . import trees
from .arrays import astype
from .planned import Noting, Planned, Replayed, by_itself, nothing_noted, noting, told
from .tape import Node, Traced, below, bottom, new_level, sweep
from .tensor import Tensor

__all__ = ["Run", "grad", "hvp", "jvp", "value_and_grad", "vjp"]

Function = Callable[..., Any]
Pull = Callable[[Any], tuple[Any, ...]]


# --- a function that is recorded while it runs --------------------------------------------------------------------


class Run:
    """A function at its arguments, recorded by those in the places `by`: what came out, and the way back."""

    def __init__(
        self,
        f: Function,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        by: Sequence[int],
        where: str,
        noting: Noting = nothing_noted,
    ):
        self.level, self.where, self.trees = new_level(), where, [args[place] for place in by]
        self.arrays = [
            _real(leaf, f"argument {place}", tree, number, where)
            for place, tree in zip(by, self.trees, strict=True)
            for number, leaf in enumerate(trees.leaves(tree))
        ]
        self.nodes = [Node() for _ in self.arrays]
        self.notes = noting(self.arrays)
        made = Tensor._at if self.notes is None else self.notes.argument
        self.tensors = [made(self.level, *both) for both in zip(self.arrays, self.nodes, strict=True)]
        traced, tensors = list(args), iter(self.tensors)
        for place, tree in zip(by, self.trees, strict=True):
            traced[place] = trees.built(tree, tensors)
        try:
            self.found = f(*traced, **kwargs)
            for leaf in trees.leaves(self.found):
                if isinstance(leaf, Traced) and leaf._level > self.level:
                    raise DtypeError(f"the function returns a Tensor of another derivative, which is over [{where}]")
        except BaseException:
            self.leave()
            raise

    def leave(self) -> None:
        """There will be no result: whoever keeps a value that was put off has it computed."""
        if self.notes is not None:
            self.notes.leave()

    def outside(self, leaf: Any) -> Any:
        """A leaf of what came out, as it is without this recording."""
        return below(below(leaf, self.level), 0)

    def back(self, cotangents: Sequence[Any], *, release: bool = False) -> list[Any]:
        """The gradient by each of the arguments, from a cotangent (None for 0) for each leaf of what came out.

        With `release` what was kept for it is let go of on the way, and there is no second time.
        """
        ends = [
            (leaf._node, cotangent)
            for leaf, cotangent in zip(trees.leaves(self.found), cotangents, strict=True)
            if isinstance(leaf, Traced) and leaf._level == self.level and leaf._node and cotangent is not None
        ]
        found = sweep(ends, self.nodes, release=release)
        taken = {id(cotangent) for cotangent in cotangents}
        own = iter([_own(g, array, taken) for g, array in zip(found, self.arrays, strict=True)])
        return [trees.built(tree, own) for tree in self.trees]


def _real(leaf: Any, name: str, tree: Any, number: int, where: str) -> Any:
    """An argument that there are derivatives by: an array of floating point, or one that is recorded elsewhere too."""
    array = below(leaf, 0) if isinstance(leaf, Traced) else np.asarray(leaf)
    if isinstance(leaf, np.ma.MaskedArray):
        raise DtypeError(f"{name}{trees.path(tree, number)} is a masked array; fill it first [{where}]")
    if not floats(array.dtype):
        raise DtypeError(
            f"{name}{trees.path(tree, number)} holds {array.dtype}, but a derivative needs real floating point, "
            f"as float32 or float64 [{where}]"
        )
    return array


def _own(gradient: Any, array: Any, taken: set[int]) -> Any:
    """The gradient in the type of the array it is by, in memory of its own."""
    if gradient is None:
        return np.zeros(array.shape, array.dtype)
    if isinstance(gradient, Traced):
        return gradient if gradient.dtype == array.dtype else astype(gradient, array.dtype)
    found = np.asarray(gradient, array.dtype)
    if not (is_alone(found) and found.flags.writeable) or id(found) in taken:
        found = np.array(found)
    taken.add(id(found))
    return found


def _called(kind: str, f: Function) -> str:
    return f"{kind}({getattr(f, '__name__', 'f')})"


# --- gradients ----------------------------------------------------------------------------------------------------


def value_and_grad(
    f: Function, wrt: int | Sequence[int] = 0, *, auxiliary: bool = False, planned: bool | None = None
) -> Function:
    """The function whose value is (f, ∂f/∂argument) for an f whose value is one number.

    `wrt` is the place of the argument, or several of them for a tuple of gradients. An argument may be an array of
    floating point or a nested tuple, list or dict of them, and its gradient is built in the same way. With `auxiliary`,
    f returns the number and something else, and so does the value: (f, something else).

    Where f is a network that there are planned kernels for, and they should take less time, nothing is computed while f
    runs: in the end one program of kernels computes all of it. What f asks for is computed at once, so that it makes no
    difference to f, but for arrays that f itself changes after an operator has read them. With `planned=False` every
    operator is computed when it is called. With `planned=True` f is run at the first call with arrays of given shapes
    and types alone; every later one runs the program. For that f must depend on its arrays through operators: what it
    reads off their elements, and what it takes from elsewhere, is that of the first call. `step.plan(…)` tells which
    kernels compute a call of `step`, or why there is no plan. Plans keep their memory.

    Raises DtypeError, ShapeError, HyperparameterError.

    >>> value_and_grad(lambda x, y: (x * x * y).sum(), (0, 1))(np.array([1.0, 2.0]), np.array([3.0, 5.0]))
    (array(23.), (array([ 6., 20.]), array([1., 4.])))
    >>> from convmath import functional as F
    >>> step = value_and_grad(lambda w, x, t: F.mse(F.relu(F.linear(x, w)), t), planned=True)
    >>> w, x, t = np.array([[1.0, -1.0]]), np.array([[2.0, 1.0], [0.0, 1.0]]), np.array([[3.0], [0.0]])
    >>> step(w, x, t)
    (array(2.), array([[-4., -2.]]))
    """
    where, said = _called("grad", f), plain(wrt)
    several = isinstance(said, list | tuple)
    by = tuple(whole(place, "wrt", where, -(2**31)) for place in (said if several else (said,)))

    noted = noting if planned is None else nothing_noted

    @functools.wraps(f, updated=())
    def both(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        run = Run(f, args, kwargs, _within(by, len(args), where), where, noted)
        try:
            more = _split(run) if auxiliary else None
            if (found := by_itself(run)) is None:
                number = _number(run.found, where)
                found = _array(run.outside(run.found)), run.back([np.ones((), number.dtype)], release=True)
        except BaseException:
            run.leave()
            raise
        value, gradients = found
        return ((value, more) if auxiliary else value), tuple(gradients) if several else gradients[0]

    def plan(*args: Any, **kwargs: Any) -> Planned:
        """How a call with these arguments is differentiated."""
        if planned is not None:
            return Planned(reason="planned is False")
        run = Run(f, args, kwargs, _within(by, len(args), where), where, noted)
        try:
            if auxiliary:
                _split(run)
            return told(run)
        finally:
            run.leave()

    both.plan = plan  # type: ignore[attr-defined]
    if not planned:
        return both
    if auxiliary:
        raise HyperparameterError(f"auxiliary and planned came both, but a plan computes one number alone [{where}]")

    def recorded(args: Sequence[Any], kwargs: Mapping[str, Any], noting: Noting) -> Run:
        run = Run(f, args, kwargs, _within(by, len(args), where), where, noting)
        _number(run.found, where)
        return run

    return Replayed(both, recorded, lambda count: _within(by, count, where), several)


def grad(f: Function, wrt: int | Sequence[int] = 0, *, planned: bool | None = None) -> Function:
    """The function ∂f/∂argument for an f whose value is one number; otherwise as `value_and_grad`.

    >>> grad(lambda x: (x**3).sum())(np.array([1.0, 2.0]))
    array([ 3., 12.])
    >>> grad(grad(lambda x: x**3))(2.0)
    array(12.)
    """
    both = value_and_grad(f, wrt, planned=planned)

    @functools.wraps(f, updated=())
    def gradient(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    gradient.plan = both.plan  # type: ignore[attr-defined]
    return gradient


def _within(by: Sequence[int], count: int, where: str) -> list[int]:
    """The places from the front, each of an argument that came."""
    for place in by:
        if not -count <= place < count:
            raise HyperparameterError(f"wrt is {place}, but {count} arguments came by their place [{where}]")
    found = [place % count for place in by]
    if len({*found}) < len(found):
        raise HyperparameterError(f"wrt is {tuple(by)}, but it must name different arguments [{where}]")
    return found


def _split(run: Run) -> Any:
    """What came out beside the number, which is left."""
    if not isinstance(run.found, tuple) or len(run.found) != 2:
        raise ShapeError(f"{_said(run.found)} came out, but a number and something else are needed [{run.where}]")
    run.found, more = run.found
    return trees.built(more, map(run.outside, trees.leaves(more)))


def _number(found: Any, where: str) -> np.ndarray:
    """What came out, which must be one number."""
    number = np.asarray(None if isinstance(found, tuple | list | dict) else bottom(found))
    if number.shape != () or not (floats(number.dtype) or number.dtype.kind in "iu"):
        raise ShapeError(f"{_said(found)} came out, but a gradient is that of one number; vjp has others [{where}]")
    return number


def _said(found: Any) -> str:
    if found is None or isinstance(found, tuple | list | dict):
        return "nothing" if found is None else f"a {type(found).__name__}"
    array = np.asarray(bottom(found))
    return f"an array of shape {array.shape}" if array.shape else f"{array.dtype}"


def _array(value: Any) -> Any:
    return value if isinstance(value, Traced) else np.asarray(value)


# --- products with the Jacobian and the Hessian -------------------------------------------------------------------


def vjp(f: Function, *args: Any) -> tuple[Any, Pull]:
    """f(*args), and the function that takes a cotangent g of it to ∂⟨g, f⟩/∂argument, for each argument.

    Value and arguments may be nested tuples, lists and dicts of arrays; cotangents and gradients are built likewise.
    What is kept for the way back is kept as long as that function is, which may be called several times; the arrays
    must not be changed meanwhile. Raises DtypeError, ShapeError.

    >>> value, pullback = vjp(lambda x, w: x @ w, np.array([1.0, 2.0]), np.array([[1.0, 0.0], [3.0, 1.0]]))
    >>> value, pullback(np.array([1.0, 10.0]))
    (array([7., 2.]), (array([ 1., 13.]), array([[ 1., 10.],
           [ 2., 20.]])))
    """
    where = _called("vjp", f)
    run = Run(f, args, {}, range(len(args)), where)
    value = trees.built(run.found, (_copied(run.outside(leaf)) for leaf in trees.leaves(run.found)))

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        return tuple(run.back(_beside(cotangent, "cotangent", run.found, "value", where)))

    return value, pullback


def jvp(f: Function, args: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """f(*args), and its derivative Σ ∂f/∂argument · tangent along a tangent for each argument.

    The pullback u ↦ ∂⟨u, f⟩/∂arguments is linear in u, and its own pullback takes tangents to this derivative.
    Raises DtypeError, ShapeError.

    >>> jvp(lambda x: x * x, (np.array([1.0, 2.0]),), (np.array([1.0, 10.0]),))
    (array([1., 4.]), array([ 2., 40.]))
    """
    where = _called("jvp", f)
    along = _beside(
        _tuple(tangents, "tangents", where), "tangents", _tuple(args, "arguments", where), "arguments", where
    )
    value, pullback = vjp(f, *args)
    ones = trees.built(value, (np.ones(np.shape(bottom(leaf)), _type(leaf)) for leaf in trees.leaves(value)))
    back = vjp(pullback, ones)[1]
    return value, back(trees.built(tuple(args), iter(along)))[0]


def hvp(f: Function, args: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, ...]:
    """Σ ∂²f/∂argument∂other · tangent, for each argument: the Hessian of a function whose value is one number.

    Raises DtypeError, ShapeError.

    >>> hvp(lambda x, y: (x * x * y).sum(), (np.array([2.0]), np.array([3.0])), (np.array([1.0]), np.array([0.0])))
    (array([6.]), array([4.]))
    """
    where = _called("hvp", f)
    along = _beside(
        _tuple(tangents, "tangents", where), "tangents", _tuple(args, "arguments", where), "arguments", where
    )
    back = vjp(grad(f, tuple(range(len(args)))), *args)[1]
    return back(trees.built(tuple(args), iter(along)))


def _tuple(values: Any, name: str, where: str) -> tuple[Any, ...]:
    if not isinstance(values, list | tuple):
        raise HyperparameterError(
            f"{name} came as {type(values).__name__}, but a tuple with one for each argument is needed [{where}]"
        )
    return tuple(values)


def _beside(tree: Any, name: str, other: Any, said: str, where: str) -> list[Any]:
    """The leaves of a tree of arrays, each in a floating-point type, that is built as another, shape by shape."""
    return [
        _fitting(leaf, array, f"{name}{trees.path(tree, place)}", f"{said}{trees.path(other, place)}", where)
        for place, (leaf, array) in enumerate(
            zip(trees.alike(tree, name, other, said, where), trees.leaves(other), strict=True)
        )
    ]


def _fitting(leaf: Any, array: Any, name: str, said: str, where: str) -> Any:
    found, needed = leaf if isinstance(leaf, Traced) else np.asarray(leaf), np.shape(bottom(array))
    if not (floats(found.dtype) or found.dtype.kind in "iu"):
        raise DtypeError(f"{name} holds {found.dtype}, but real numbers are needed [{where}]")
    if found.shape != needed:
        raise ShapeError(f"{name} has shape {found.shape}, but {said} has {needed} [{where}]")
    return found if isinstance(found, Traced) else found.astype(np.result_type(found, _type(array)), copy=False)


def _type(array: Any) -> np.dtype:
    """A floating-point type that holds what an array does."""
    return np.result_type(np.asarray(bottom(array)), np.float32)


def _copied(value: Any) -> Any:
    return value if isinstance(value, Traced) else np.array(value)
