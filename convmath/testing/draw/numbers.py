"""Small numbers to fill arrays with, told by one seed, so that they shrink at once."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

__all__ = ["SEEDS", "distinct", "integers"]

SEEDS = st.integers(0, 2**20)


def integers(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    """Small integers as float64, told by one number, so that they shrink at once: 0 is ones, 1 is 1, 2, …, 9, 1, …

    >>> integers(0, (3,)), integers(1, (2, 2))
    (array([1., 1., 1.]), array([[1., 2.],
           [3., 4.]]))
    """
    count = math.prod(shape)
    simple = [np.ones(count), np.arange(count) % 9 + 1]
    values = simple[seed] if seed < len(simple) else np.random.default_rng(seed).integers(-4, 5, count)
    return values.reshape(shape).astype(float)


def distinct(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    """Integers no two of which are equal: 0 means 0, 1, 2, …."""
    count = math.prod(shape)
    values = np.random.default_rng(seed).permutation(count) - count // 2 if seed else np.arange(count)
    return values.reshape(shape).astype(float)
