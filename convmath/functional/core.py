"""What every numeric operator has in common: its arguments as arrays of numbers, and its gradient beside it."""

from __future__ import annotations

import functools
import inspect
import math
import sys
from collections.abc import Callable, Collection, Container, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, compress, repeat
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from convmath.errors import DataError, DtypeError, HyperparameterError, MemoryNeededError, ShapeError, unknown
from convmath.kernels.choice import EVERYWHERE, WORTH_ORDERING, Choice, asked, methods, ordered_methods
from convmath.kernels.order import in_exact_order
from convmath.kernels.portable.library import is_foreign
from convmath.kernels.storage import half, memory, narrow, rounded
from convmath.ops.handover import elsewhere

__all__ = [
    "Call",
    "Differentiable",
    "Padding",
    "PerAxis",
    "alike",
    "differentiable",
    "floating",
    "kernels_of",
    "known",
    "numbers",
    "one_each",
    "real",
    "remembered",
    "shaped",
    "spatial",
    "storable",
    "together",
    "whole_numbers",
    "with_channels",
    "zeros_and_ones",
]

# the elements of 8 bytes that there are addresses for, and bytes that any machine has
_MOST, _SMALL = sys.maxsize // 8, 2**26
_FLOAT32, _FLOAT64, _INT64 = np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.int64)

_INT = {int}
# types whose equal values are the same to every check
_PLAIN = frozenset({int, bool, str, type(None), *(type(np.dtype(code)) for code in "bhilqefdFD")})

PerAxis = int | Sequence[int] | np.ndarray
Padding = PerAxis | Sequence[Sequence[int]] | str


# --- an operator and its gradient -----------------------------------------------------------------------------

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


@dataclass(slots=True)  # one that is frozen takes four times as long to be made, and each call makes one
class Call(Generic[R]):
    """An operator at arguments that are checked: how to compute it, and its gradients from a cotangent.

    `shape` and `dtype` are those of the output that is differentiated, the first where there are several. Where all
    arrays are `stored` in one type of two bytes, `dtype` is what is computed in, and what comes out is rounded to that.
    `gradients` gives one for each array argument, None where it did not come or holds no real numbers; a tuple of them
    for an argument that takes several arrays. One that costs much may be a function instead, called where it is wanted.
    """

    where: str
    shape: tuple[int, ...]
    dtype: np.dtype
    value: Callable[[], R]
    gradients: Callable[[np.ndarray], tuple[Any, ...]]
    plan: Callable[[], Choice | None] = lambda: None  # how the value is computed, where there is a choice
    kept: Callable[[], R] | None = None  # the value too, which keeps by the way what `gradients` would compute again
    stored: np.dtype | None = None
    real: Container[int] = ()  # the places of real arrays beside complex ones, whose gradients are real too

    def computed(self) -> R:
        """The value as arrays in C order."""
        return _laid_out(self.value(), self.stored)

    def recorded(self) -> R:
        """The value of a call whose gradients will be asked for."""
        return _laid_out(self.value() if self.kept is None else self.kept(), self.stored)

    def pulled(self, cotangent: ArrayLike, wanted: Container[int] | None = None) -> tuple[Any, ...]:
        """The gradients from a cotangent of any type, those in the `wanted` places alone, as arrays in C order."""
        stored = self.stored if self.stored is not None and narrow((cotangent,)) == self.stored else None
        found = list(self.gradients(_cotangent(cotangent, self)))
        for place, g in enumerate(found):
            if wanted is None or place in wanted:
                found[place] = _laid_out(g() if callable(g) else g, stored)
                if place in self.real and g is not None:
                    found[place] = found[place].real.copy()
            else:
                found[place] = None
        return tuple(found)


class Differentiable(Protocol[P, R_co]):
    """A function with its gradient beside it; a call may be taken over by an argument's type (`ops.handover`)."""

    __name__: str
    prepare: Callable[..., Call[Any]]
    arrays: tuple[str, ...]
    methods: tuple[str, ...]  # the kernels that compute every call; ("",) where there is one kind alone
    vjp: Callable[Concatenate[ArrayLike, P], tuple[Any, ...]]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...


def differentiable(*arrays: str) -> Callable[[Callable[P, Call[R]]], Differentiable[P, R]]:
    """The operator whose calls the decorated function prepares; `arrays` names the arguments that are arrays."""

    def made(state: Callable[P, Call[R]]) -> Differentiable[P, R]:
        prepare = _storing(state, arrays)

        @functools.wraps(state)
        def forward(*args: P.args, **kwargs: P.kwargs) -> R:
            if (taken_over := elsewhere((*args, *kwargs.values()))) is not None:
                return taken_over(operator, args, kwargs)
            return prepare(*args, **kwargs).computed()

        def vjp(cotangent: ArrayLike, *args: P.args, **kwargs: P.kwargs) -> tuple[np.ndarray | None, ...]:
            if (taken_over := elsewhere((cotangent, *args, *kwargs.values()))) is not None:
                return taken_over(operator, args, kwargs, cotangent)
            passed = inspect.signature(state).bind(*args, **kwargs).arguments
            gradients = zip(arrays, prepare(*args, **kwargs).pulled(cotangent), strict=True)
            of_passed = (gradient for name, gradient in gradients if name in passed)
            # several arrays may come under one name
            return tuple(one for found in of_passed for one in (found if isinstance(found, tuple) else (found,)))

        def of_library(args: tuple[Any, ...], kwargs: dict[str, Any], *cotangent: Any) -> Any:
            from .foreign import called

            return called(operator, args, kwargs, *cotangent)

        def plan(*args: P.args, **kwargs: P.kwargs) -> Choice | None:
            """How a call of the operator is computed."""
            if any(is_foreign(type(value)) for value in (*args, *kwargs.values())):
                raise HyperparameterError(f"a plan is there for NumPy arrays alone [{name}.plan]")
            return prepare(*args, **kwargs).plan()

        name, taken = (
            state.__name__,
            inspect.signature(state).replace(return_annotation=inspect.Signature.empty),
        )
        first = inspect.Parameter("cotangent", inspect.Parameter.POSITIONAL_ONLY)
        vjp.__module__, vjp.__name__, vjp.__qualname__ = state.__module__, "vjp", f"{name}.vjp"
        vjp.__doc__ = f"The gradient of ⟨cotangent, {name}(…)⟩ by each array argument that is passed."
        operator: Any = forward
        operator.vjp, operator.arrays, operator.__signature__ = vjp, arrays, taken
        operator.prepare, operator.of_library = prepare, of_library
        operator.methods = EVERYWHERE if "method" in taken.parameters else ("",)
        if "method" in taken.parameters:
            operator.plan = plan
        operator.vjp.__signature__ = taken.replace(parameters=[first, *taken.parameters.values()])
        return operator

    return made


def _storing(state: Callable[P, Call[R]], arrays: Collection[str]) -> Callable[P, Call[R]]:
    """The same with what the arrays' types say; an output that there is no memory for is refused."""
    parameters = inspect.signature(state).parameters
    places = [name in arrays for name in parameters]
    # of an argument that takes several arrays, all that come
    several = any(each.kind is each.VAR_POSITIONAL for each in parameters.values())

    @functools.wraps(state)
    def prepare(*args: P.args, **kwargs: P.kwargs) -> Call[R]:
        call = state(*args, **kwargs)
        storable(call.shape, "the output", call.where, call.dtype.itemsize)
        if call.dtype.kind == "c":
            named: dict[str, Any] = {**dict(zip(parameters, args, strict=False)), **kwargs}
            real = (place for place, name in enumerate(arrays) if not np.iscomplexobj(named.get(name, 0)))
            return replace(call, real=frozenset(real))
        if call.dtype != _FLOAT32 or (args and getattr(args[0], "dtype", None) is _FLOAT32):
            return call  # one array of another type is enough, and most calls begin with it
        by_place: Iterator[Any] = compress(args, chain(places, repeat(several)))
        stored = narrow(chain(by_place, (kwargs[name] for name in arrays if name in kwargs)))
        return call if stored is None else replace(call, stored=stored)

    return prepare


def _laid_out(value: Any, stored: np.dtype | None) -> Any:
    """What comes out, as arrays in C order: also a number, which is what NumPy makes of an array without axes."""
    if isinstance(value, tuple):
        return tuple(_laid_out(one, stored) for one in value)
    if value is None:
        return None
    array = np.asarray(value, order="C")
    return array if stored is None or array.dtype.kind != "f" else rounded(array, stored)


def _cotangent(value: ArrayLike, call: Call[Any]) -> np.ndarray:
    cotangent = numbers(value, "the cotangent", call.where, complex_too=call.dtype.kind == "c")
    if cotangent.shape != call.shape:
        raise ShapeError(
            f"the cotangent has shape {cotangent.shape}, but the output's shape {call.shape} is needed [{call.where}]"
        )
    if cotangent.dtype is call.dtype:
        return cotangent
    return cotangent.astype(np.result_type(cotangent, call.dtype), copy=False)


# --- what every operator asks of its arguments ----------------------------------------------------------------


def numbers(value: ArrayLike, name: str, where: str, *, complex_too: bool = False) -> np.ndarray:
    """The array in the type that it is computed in.

    It lies in memory row by row, so that sums over it have one order however it came.
    """
    if type(value) is np.ndarray and value.flags.c_contiguous:
        dtype = value.dtype
        if dtype is _FLOAT32 or dtype is _FLOAT64 or dtype is _INT64:  # what comes most often
            return value
    elif hasattr(value, "mask") and isinstance(value, np.ndarray):
        raise DtypeError(f"{name} is a masked array, but what is masked has no value; fill it first [{where}]")
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DtypeError(f"{name} cannot be read as an array of numbers: {error} [{where}]") from error
    kind, width = array.dtype.kind, array.dtype.itemsize
    if (kind == "f" and width in (4, 8)) or (complex_too and kind == "c" and width in (8, 16)):
        return _in_rows(array, array.dtype if array.dtype.isnative else array.dtype.newbyteorder("="), name, where)
    if half(array.dtype):
        return _in_rows(array, _FLOAT32, name, where)
    if kind not in "iu":
        taken = "float16, bfloat16, float32, float64" + (", complex64, complex128" if complex_too else "")
        raise DtypeError(f"{name} holds {array.dtype}, but {taken} or integers are needed [{where}]")
    if kind == "u" and width == 8 and array.size and array.max() > np.iinfo(np.int64).max:
        raise DtypeError(f"{name} holds {array.max()}, but integers are computed in int64 [{where}]")
    return _in_rows(array, _INT64, name, where)


def _in_rows(array: np.ndarray, dtype: np.dtype, name: str, where: str) -> np.ndarray:
    """The array in C order; a copy, if one is needed, must have room (an array may be larger than its memory)."""
    if array.dtype != dtype or not array.flags.c_contiguous:
        storable(array.shape, name, where, dtype.itemsize)
    return array.astype(dtype, order="C", copy=False)


def known(kind: str, name: Any, names: Collection[str], where: str) -> str:
    if not isinstance(name, str) or name not in names:
        raise unknown(kind, name, names, where)
    return name


def kernels_of(method: str, where: str, elements: int) -> Any:
    """The kernels that a call of so many elements asks for; by itself those of `patches`."""
    named = asked(method, where)
    if in_exact_order():
        there = ordered_methods()
        generated = named == "simd" or (named == "auto" and elements >= WORTH_ORDERING)
        return there["simd" if generated and "simd" in there else "direct"]
    return methods()["patches" if named in ("auto", "simd", "winograd", "winograd4") else named]


def spatial(shape: tuple[int, ...], where: str) -> tuple[int, ...]:
    if len(shape) < 3:
        raise ShapeError(
            f"X has {len(shape)} axes, but a batch axis, a channel axis and at least one spatial axis are needed "
            f"[{where}]"
        )
    if shape[1] == 0:
        raise ShapeError(f"X has no channels, but at least one is needed [{where}]")
    return shape[2:]


def with_channels(x: np.ndarray, where: str) -> int:
    """The number of channels of an array (N, C, *n) with any number of spatial axes, also none."""
    if x.ndim < 2:
        raise ShapeError(f"X has {x.ndim} axes, but a batch axis and a channel axis are needed [{where}]")
    if x.shape[1] == 0:
        raise ShapeError(f"X has no channels, but at least one is needed [{where}]")
    return x.shape[1]


def one_each(b: np.ndarray | None, channels: int, where: str) -> None:
    if b is not None and b.shape != (channels,):
        raise ShapeError(f"B has shape {b.shape}, but ({channels},) is needed, one number an output channel [{where}]")


def storable(shape: tuple[int, ...], what: str, where: str, itemsize: int = 4) -> tuple[int, ...]:
    """The shape, if an array can have it, and if the machine's memory and swap together can hold it.

    Nothing is computed in numbers of less than 4 bytes.
    """
    size = itemsize * math.prod(shape)
    if 0 < size <= _SMALL:
        return shape
    if math.prod(n for n in shape if n) > _MOST:
        raise ShapeError(f"{what} would have the shape {shape}, which is more than any array can hold [{where}]")
    if (there := memory()) is not None and size > there:
        raise MemoryNeededError(
            f"{what} has the shape {shape} and would need {size / 1e9:.1f} GB, but this machine has "
            f"{there / 1e9:.1f} GB of memory, its swap counted in [{where}]"
        )
    return shape


def floating(x: np.ndarray) -> np.ndarray:
    """The array in floating point: integers in float64."""
    if x.dtype is _FLOAT32 or x.dtype is _FLOAT64:
        return x
    return x.astype(np.result_type(x, np.float32), copy=False)


def alike(arrays: Sequence[ArrayLike | None], names: Sequence[str], where: str) -> list[np.ndarray | None]:
    """The arrays in one floating-point type, the widest among them; None stays None."""
    found = [None if a is None else numbers(a, name, where) for a, name in zip(arrays, names, strict=True)]
    types = {a.dtype for a in found if a is not None}
    if types == {_FLOAT32} or types == {_FLOAT64}:
        return found
    dtype = np.result_type(np.float32, *types)
    return [a if a is None else a.astype(dtype, copy=False) for a in found]


def together(arrays: Sequence[ArrayLike], names: Sequence[str], where: str) -> list[np.ndarray]:
    """The same of arrays that all have to come."""
    return [array for array in alike(arrays, names, where) if array is not None]


def whole_numbers(value: ArrayLike, name: str, where: str) -> np.ndarray:
    """An array of whole numbers (class indices, positions) as int64."""
    array = numbers(value, name, where)
    if array.dtype.kind != "i":
        raise DtypeError(f"{name} holds {array.dtype}, but whole numbers are needed [{where}]")
    return array


def zeros_and_ones(value: ArrayLike, shape: tuple[int, ...], name: str, where: str) -> np.ndarray:
    """An array of this shape that says yes or no, as whole numbers 0 and 1; truth values are taken too."""
    array = np.asarray(value)
    if array.dtype == bool and not hasattr(value, "mask"):
        return shaped(array.view(np.int8), shape, name, where)
    array = shaped(whole_numbers(array, name, where), shape, name, where)
    for strange in array[(array != 0) & (array != 1)][:1]:
        raise DataError(f"{name} holds {strange}, but 0 or 1 is needed [{where}]")
    return array


def shaped(array: np.ndarray, shape: tuple[int, ...], name: str, where: str) -> np.ndarray:
    """The array, if it has this shape."""
    if array.shape != shape:
        raise ShapeError(f"{name} has shape {array.shape}, but {shape} is needed [{where}]")
    return array


def remembered(check: Callable[P, R]) -> Callable[P, R]:
    """A function of shapes, types and hyper-parameters, whose results are kept where all of these are plain values.

    What it raises is raised again.
    """
    kept: Any = functools.lru_cache(1024, typed=True)(check)

    @functools.wraps(check)
    def found(*args: P.args, **kwargs: P.kwargs) -> R:
        # 1 and 1.0 are the same in a tuple, but not to a check
        for value in args:
            kind = type(value)
            if kind not in _PLAIN and not (kind is tuple and set(map(type, value)) <= _INT):  # type: ignore[call-overload]
                return check(*args, **kwargs)
        return kept(*args, **kwargs)

    return found


def real(value: Any, name: str, where: str, *, least: float | None = None, above: float | None = None) -> float:
    """A real hyper-parameter as a float that is at least `least`, or greater than `above`."""
    try:
        if isinstance(value, bool | str):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise HyperparameterError(f"{name} is {value!r}, but a number is needed [{where}]") from None
    if not math.isfinite(number):
        raise HyperparameterError(f"{name} is {number}, but a finite number is needed [{where}]")
    if least is not None and number < least:
        raise HyperparameterError(f"{name} is {number}, but it must be at least {least} [{where}]")
    if above is not None and number <= above:
        raise HyperparameterError(f"{name} is {number}, but it must be greater than {above} [{where}]")
    return number
