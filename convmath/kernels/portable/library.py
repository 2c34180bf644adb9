"""Arrays of other libraries: which they are, whose functions compute with them, and what can be read of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from convmath.errors import DtypeError, HyperparameterError

from ..order import in_exact_order
from ..storage import HALVES

__all__ = [
    "copied",
    "device",
    "dtype_of",
    "floating",
    "is_foreign",
    "is_half",
    "namespace",
    "numpy_type",
    "of_numpy",
    "only",
    "readable",
    "root",
    "stand_in",
]

# arrays that do not say themselves that they belong to a namespace of the standard, by module and name
_SILENT = frozenset({("torch", "Tensor"), ("cupy", "ndarray")})

# not uint64, the greatest of which are beyond int64
_INTEGERS = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32")
_TYPES = frozenset({*_INTEGERS, "float32", "float64", "complex64", "complex128"})


@lru_cache(maxsize=512)
def is_foreign(kind: type) -> bool:
    """Whether a type is that of another library's arrays.

    >>> is_foreign(np.ndarray), is_foreign(list)
    (False, False)
    """
    if issubclass(kind, np.ndarray | np.generic):
        return False
    bases = ((base.__module__.partition(".")[0], base.__name__) for base in kind.__mro__)
    return hasattr(kind, "__array_namespace__") or not _SILENT.isdisjoint(bases)


def only(arrays: Mapping[str, Any], where: str) -> tuple[ModuleType, Any]:
    """The namespace of all of these arrays, of which one at least is foreign, and one that lies where they all do.

    Lists and numbers go with any library; a NumPy array does not, for it would have to be copied to a device.
    """
    if in_exact_order():
        raise HyperparameterError(f"within exact_order sums have one order, but only NumPy arrays keep it [{where}]")
    own = {name: array for name, array in arrays.items() if is_foreign(type(array))}
    first, one = next(iter(own.items()))
    xp = namespace(one, where)
    for name, array in arrays.items():
        if isinstance(array, np.ndarray) or (name in own and namespace(array, where) is not xp):
            raise DtypeError(
                f"{name} is a {_called(array)}, but {first} a {_called(one)}, and all arrays of a call are of one "
                f"library [{where}]"
            )
    if root(xp) != "jax":  # which places them itself
        for name, array in own.items():
            if device(array) != device(one):
                raise DtypeError(
                    f"{name} lies on {device(array)}, but {first} on {device(one)}, and all arrays of a call lie on "
                    f"one device [{where}]"
                )
    return xp, one


def _called(array: Any) -> str:
    return f"{type(array).__module__.partition('.')[0]}.{type(array).__name__}"


def namespace(array: Any, where: str) -> ModuleType:
    """The functions of the array API standard for an array, by array-api-compat where that is installed."""
    try:
        return import_module("array_api_compat").array_namespace(array)
    except ImportError:
        if (own := getattr(array, "__array_namespace__", None)) is not None:
            return own()
    raise ModuleNotFoundError(
        f"a {_called(array)} came, but array-api-compat is not installed, by which its library is spoken to; the extra "
        f"convmath[interop] brings it [{where}]",
        name="array_api_compat",
    )


def root(xp: ModuleType) -> str:
    """The library by the name that it is imported by.

    >>> root(np)
    'numpy'
    """
    first, *others = xp.__name__.split(".")
    return others[0] if first == "array_api_compat" else first


def device(array: Any) -> Any:
    """Where an array lies; None where nobody knows yet, as within jax.jit."""
    return getattr(array, "device", None)


def of_numpy(xp: ModuleType, array: np.ndarray, like: Any) -> Any:
    """The NumPy array in a namespace, where another one lies."""
    # torch shares NumPy's memory, and warns where that must not be written to
    return xp.asarray(array if array.flags.writeable else array.copy(), device=device(like))


def dtype_of(xp: ModuleType, dtype: np.dtype) -> Any:
    """The type of that name; where a library has not switched on 64 bits, the one of 32 (complex: 64)."""
    # JAX switches 64 bits on and off, others have the same types always
    kinds = _kinds.__wrapped__(xp) if root(xp) == "jax" else _kinds(xp)
    narrower = {"float64": "float32", "int64": "int32", "complex128": "complex64"}
    return kinds.get(dtype.name) or kinds[narrower[dtype.name]]


@lru_cache(maxsize=16)
def _kinds(xp: ModuleType) -> Mapping[str, Any]:
    return xp.__array_namespace_info__().dtypes()


def floating(xp: ModuleType, array: Any) -> Any:
    """The array in floating point: integers in float64."""
    integral = xp.isdtype(array.dtype, "integral")
    return xp.astype(array, dtype_of(xp, np.dtype(np.float64))) if integral else array


def readable(array: Any) -> float | None:
    """The number in an array without axes; None while it is only traced, so that nobody can know it."""
    try:
        return float(array.detach() if hasattr(array, "detach") else array)
    except TypeError:
        return None


def is_half(array: Any) -> bool:
    """Whether its numbers are stored in two bytes and computed in float32."""
    return _name(array) in HALVES


def _name(array: Any) -> str:
    """What NumPy calls the type of an array."""
    return str(array.dtype).rpartition(".")[2]


def numpy_type(array: Any, name: str, where: str) -> np.dtype:
    """The type that the numbers of an array come in, as NumPy has it."""
    if (found := _name(array)) in HALVES:
        return np.dtype(np.float32)
    if found not in _TYPES:
        raise DtypeError(
            f"{name} holds {array.dtype}, but float16, bfloat16, float32, float64 or integers up to int64 are needed "
            f"[{where}]"
        )
    return np.dtype(found)


def stand_in(array: Any, name: str, where: str) -> np.ndarray:
    """An array of NumPy's with the shape and the type of another one, and nothing in it."""
    return np.broadcast_to(np.zeros((), numpy_type(array, name, where)), tuple(map(int, array.shape)))


def copied(array: Any) -> np.ndarray | None:
    """The array in NumPy's memory; None where it cannot be there, since it is only traced."""
    for away in ("detach", "cpu", "get"):  # torch has the first two, CuPy the last
        array = getattr(array, away)() if hasattr(array, away) else array
    try:
        return np.array(array.numpy() if hasattr(array, "numpy") else array)
    except (TypeError, RuntimeError, ValueError):
        return None
