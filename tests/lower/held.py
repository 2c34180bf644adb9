"""What a lowered statement is held to: its exact value, within the bound of rounding."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import array_api_strict
import numpy as np
import pytest

from convmath import lower
from convmath.ir import exact
from convmath.ir.nodes import Statement
from convmath.lower import kernel, lowered, program

NAMESPACES = {"numpy": None, "array_api_strict": array_api_strict}
UNITS = {np.float32: 2.0**-24, np.float64: 2.0**-53}


def evaluated(statement: Statement, arrays: Mapping[str, np.ndarray], of: str, **given: Any) -> dict[str, np.ndarray]:
    """The outputs as NumPy arrays, whatever namespace they were computed in."""
    namespace = NAMESPACES[of]
    if namespace is None:
        return lower.evaluate(statement, arrays, **given)
    own = {name: namespace.asarray(np.array(array)) for name, array in arrays.items()}
    return {name: np.asarray(v) for name, v in lower.evaluate(statement, own, namespace, **given).items()}


def within(
    statement: Statement,
    arrays: Mapping[str, np.ndarray],
    right: Mapping[str, np.ndarray],
    of: str,
    dtype: Any = np.float64,
    **given: Any,
) -> None:
    """Each output is as near to its exact value as rounding allows; where nothing is rounded, it is equal to it."""
    found = evaluated(statement, arrays, of, **given)
    bounds = exact.evaluate_rounded(statement, arrays, UNITS[dtype], underflow=1e-40, **given)
    assert found.keys() == right.keys()
    for name, values in right.items():
        assert found[name].shape == values.shape
        assert found[name].dtype == dtype
        for f, r, e in zip(found[name].flat, values.flat, bounds[name][1].flat, strict=True):
            near = math.isfinite(f) and abs(Fraction(float(f)) - r) <= e
            assert float(f) == float(r) or near, (name, f, r, e)


def forget() -> None:
    """What was lowered before is lowered again."""
    lowered._kept.cache_clear()
    program._program.cache_clear()


@contextmanager
def parts_of(elements: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Inside, nothing larger than so many elements is held at once, where that can be avoided."""
    with monkeypatch.context() as patch:
        patch.setattr(kernel, "MATRIX", elements)
        patch.setattr(kernel, "ELEMENTS", elements)
        forget()
        yield
    forget()
