"""How far a sum may be off, and numbers of every size to sum."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np

# the exact value that a bound is held against is itself a sum in this type
EXACT = np.longdouble


def gamma(n: float, dtype: np.dtype | type | str) -> float:
    """|fl(Σx) - Σx| ≤ γ_n·Σ|x| for n roundings"""
    u = float(np.finfo(dtype).eps) / 2
    return n * u / (1 - n * u)


def bound(n: float, dtype: np.dtype | type | str) -> float:
    """The same, with what the exact value may be off."""
    return gamma(n, dtype) + gamma(n, EXACT)


def wide(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Huge, tiny, and many that cancel."""
    x = rng.standard_normal(shape) * 10.0 ** rng.integers(-9, 9, shape)
    flat = x.reshape(-1)
    flat[1::2] = -flat[: flat.size // 2 * 2 : 2] * (1 + rng.integers(-1, 2, flat.size // 2) * 1e-6)
    return x.astype(dtype)


def at_width(width: int, threads: int, program: str) -> str:
    """What the program prints where vectors have so many bytes."""
    environment = os.environ | {"CONVMATH_VECTOR_BYTES": str(width), "CONVMATH_THREADS": str(threads)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout
