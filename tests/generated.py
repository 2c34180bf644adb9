"""Tests of generated kernels, where there may be none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from convmath.kernels.choice import without

__all__ = ["GENERATED", "by", "there"]

GENERATED = pytest.mark.skipif(bool(without()), reason=without() or "llvmlite is there")


def by(method: str, *values: str) -> Any:
    """These parameters of a test, and the method, which may be that of generated kernels."""
    return pytest.param(*values, method, marks=[GENERATED] if method == "simd" else [])


def there(methods: Iterable[str]) -> list[str]:
    """Those of the methods that there are here."""
    return [method for method in methods if method != "simd" or not without()]
