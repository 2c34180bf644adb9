"""Integer arrays that a layer is given with its hyper-parameters, such as the connection table of a convolution."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from convmath.errors import HyperparameterError
from convmath.ir.nodes import Compare, Number, Read, Scalar, Statement
from convmath.ops.family import Family
from convmath.ops.registry import of_family

__all__ = ["check_tables", "named_arrays"]

RELATIONS = {"=": np.equal, "≠": np.not_equal, "<": np.less, "≤": np.less_equal}


def named_arrays(family: Family, ndim: int, hyper: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The hyper-parameters that are integer inputs of an operator, by their name, as arrays."""
    arrays = {word: np.asarray(value) for word, value in hyper.items() if word in _integers(family, ndim)}
    for word, array in arrays.items():
        if array.dtype.kind not in "iub":
            raise HyperparameterError(f"{word} holds {array.dtype}, but whole numbers are needed")
    return {word: array.astype(np.int64) for word, array in arrays.items()}


@lru_cache(maxsize=256)
def _integers(family: Family, ndim: int) -> tuple[str, ...]:
    """The names of the inputs that are integer arrays."""
    inputs = of_family(family, ndim).open_statement.inputs if ndim >= family.least_ndim else ()
    return tuple(tensor.name for tensor in inputs if tensor.integer)


def check_tables(statement: Statement, arrays: Mapping[str, np.ndarray]) -> None:
    """Refuse a table (an integer array without an entry for each example) that is missing or has wrong entries."""
    batch = statement.inputs[0].shape[0]
    for tensor in statement.inputs:
        if tensor.integer and batch not in tensor.shape and tensor.name not in arrays:
            raise HyperparameterError(f"{tensor.name} must be given")
    for guard in statement.requires:
        if isinstance(guard, Compare):
            left, right = (_value(side, arrays) for side in (guard.left, guard.right))
            if left is not None and right is not None and not np.all(RELATIONS[guard.relation](left, right)):
                raise HyperparameterError(f"{str(guard)[1:-1]} is needed, but does not hold everywhere")


def _value(side: Scalar, arrays: Mapping[str, np.ndarray]) -> Any:
    """The value of a number, or of an array that is given, wherever it is read; None for another scalar."""
    match side:
        case Number(value=value) if value.denominator == 1:
            return value.numerator
        case Read(tensor=name) if name in arrays:
            return arrays[name]
    return None
