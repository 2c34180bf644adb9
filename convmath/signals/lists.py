"""Finite sequences as lists, of any number of dimensions, exactly.

>>> convolve_lists([1, 2, 3], [0, 1])
[0, 1, 2, 3]
>>> convolve_lists([1, 2, 3, 4], [5, 6, 7, 8], period=4)
[66, 68, 66, 60]
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from numbers import Integral
from typing import Any

from convmath.errors import HyperparameterError, ShapeError

from .deadline import inquire
from .types import sympy

__all__ = ["convolve_lists", "correlate_lists"]

Index = tuple[int, ...]


def convolve_lists(f: Any, g: Any, period: Any = None) -> Any:
    """Σ_k f[k] g[n - k] from n = 0 on; with a period, indices count modulo it."""
    (left, sizes), (right, others) = _entries(f), _entries(g)
    if len(sizes) != len(others):
        raise ShapeError(f"lists of {len(sizes)} and {len(others)} dimensions came; both need as many [convolve]")
    periods = _periods(period, len(sizes))
    shape = tuple(p or max(n + m - 1, 0) if n and m else 0 for n, m, p in zip(sizes, others, periods, strict=True))
    found: dict[Index, list[Any]] = defaultdict(list)
    for (k, x), (j, y) in itertools.product(left.items(), right.items()):
        inquire()
        at = tuple((a + b) % p if p else a + b for a, b, p in zip(k, j, periods, strict=True))
        found[at].append(x * y)
    return _nested({at: sympy.expand(sympy.Add(*values)) for at, values in found.items()}, shape)


def correlate_lists(f: Any, g: Any, period: Any = None) -> Any:
    """Σ_k conj f[k] g[n + k], from n = 1 - (the length of f) on; with a period from n = 0 on."""
    turned = _turned(f) if period is None else _turned_about_0(f, period)
    return convolve_lists(turned, g, period)


def _turned(f: Any) -> Any:
    return [_turned(x) for x in reversed(f)] if isinstance(f, list | tuple) else sympy.conjugate(sympy.sympify(f))


def _turned_about_0(f: Any, period: Any) -> Any:
    entries, sizes = _entries(f)
    periods = _periods(period, len(sizes))
    found: dict[Index, Any] = {}
    for k, x in entries.items():
        at = tuple(-a % p for a, p in zip(k, periods, strict=True))  # a period is there for each axis
        found[at] = found.get(at, sympy.S.Zero) + sympy.conjugate(x)
    return _nested(found, tuple(periods))


def _periods(period: Any, axes: int) -> tuple[Any, ...]:
    if period is None:
        return (None,) * axes
    given = tuple(period) if isinstance(period, list | tuple) else (period,) * axes
    if len(given) != axes or not all(isinstance(p, Integral) and int(p) > 0 for p in given):
        raise HyperparameterError(
            f"the period {period} came for lists of {axes} dimensions; positive integers are needed [convolve]"
        )
    return tuple(int(p) for p in given)


def _entries(values: Any) -> tuple[dict[Index, Any], Index]:
    """The entries by index, and the sizes."""
    if not isinstance(values, list | tuple):
        return {(): sympy.sympify(values)}, ()
    parts = [_entries(value) for value in values]
    sizes = {size for _, size in parts}
    if len(sizes) > 1:
        raise ShapeError("a nested list came whose parts have different sizes; they need the same [convolve]")
    found = {(place, *at): x for place, (entries, _) in enumerate(parts) for at, x in entries.items()}
    return found, (len(values), *(sizes.pop() if sizes else ()))


def _nested(entries: dict[Index, Any], shape: Sequence[int], before: Index = ()) -> Any:
    if not shape:
        return entries.get(before, sympy.S.Zero)
    return [_nested(entries, shape[1:], (*before, place)) for place in range(shape[0])]
