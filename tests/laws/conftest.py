"""Derivations are kept, so a test that plants a fault in what derives must not meet old ones, nor leave its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from convmath.ops import registry


@pytest.fixture
def anew() -> Iterator[None]:
    """Nothing that was derived before stays, nor what is derived meanwhile."""
    kept = (registry._operator, registry._general, registry._derived, registry._shape)
    for cache in kept:
        cache.cache_clear()
    yield
    for cache in kept:
        cache.cache_clear()
