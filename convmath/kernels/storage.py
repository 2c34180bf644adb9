"""How arrays are kept: types of two bytes, which are computed in float32, and the memory that the machine has."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["floats", "half", "memory", "narrow", "rounded", "spacing"]

# by name, because NumPy has the first alone; ml_dtypes, which JAX brings, adds the other
HALVES = ("float16", "bfloat16")


def half(dtype: np.dtype) -> bool:
    """Whether numbers are stored in this type and computed in float32."""
    return dtype.itemsize == 2 and dtype.kind in "fV" and dtype.name in HALVES


def floats(dtype: np.dtype) -> bool:
    """Whether the type is one of real floating point."""
    return dtype.kind == "f" or half(dtype)


def narrow(arrays: Iterable[ArrayLike | None]) -> np.dtype | None:
    """The type of two bytes that all of the arrays have but those of whole numbers, which say no more than places.

    >>> narrow([np.float16([1]), None, np.array([1])]), narrow([np.float16([1]), np.float32([1])])
    (dtype('float16'), None)
    """
    found = None
    for array in arrays:
        if array is None:
            continue
        dtype = (array if isinstance(array, np.ndarray) else np.asarray(array)).dtype.newbyteorder("=")
        if dtype.kind in "biu":
            continue
        if not half(dtype) or (found is not None and dtype != found):
            return None
        found = dtype
    return found


def rounded(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Each number rounded to the nearest of the type, by IEEE: what is too large is infinite, without a warning."""
    with np.errstate(all="ignore"):
        return array.astype(dtype, copy=False)


def spacing(dtype: np.dtype) -> float:
    """The distance of 1 to the next number of the type."""
    return 2.0**-7 if dtype.name == "bfloat16" else float(np.finfo(dtype).eps)


@lru_cache
def memory() -> int | None:
    """Bytes of physical memory and swap together, which no array that is filled can exceed; None where nobody says."""
    try:
        said = Path("/proc/meminfo").read_text(encoding="ascii")
    except (OSError, UnicodeError):
        return None
    parts = dict(re.findall(r"^(MemTotal|SwapTotal): *(\d+) kB$", said, re.MULTILINE))
    return 1024 * sum(map(int, parts.values())) if "MemTotal" in parts else None
