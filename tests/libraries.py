"""Libraries whose arrays `functional` takes: how NumPy's arrays go there, and come back.

CONVMATH_TEST_DEVICE says where torch's are (cpu, cuda); JAX's are where it has them by itself, and CuPy's on a GPU.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import array_api_strict
import numpy as np
import pytest

__all__ = ["Library", "cupy", "jax", "strict", "torch"]

TORCH_DEVICE = os.environ.get("CONVMATH_TEST_DEVICE", "cpu")


@dataclass(frozen=True)
class Library:
    """How arrays go to a library, and come back."""

    given: Callable[[np.ndarray], Any]
    back: Callable[[Any], np.ndarray]
    array: type


def strict() -> Library:
    return Library(array_api_strict.asarray, np.asarray, type(array_api_strict.asarray(0)))


def torch() -> Library:
    module = pytest.importorskip("torch", reason="torch is missing")
    pytest.importorskip("array_api_compat", reason="array-api-compat (extra interop) is missing")
    return Library(
        lambda a: module.tensor(a.copy(), device=TORCH_DEVICE), lambda a: a.detach().cpu().numpy(), module.Tensor
    )


def jax() -> Library:
    module = pytest.importorskip("jax", reason="jax is missing")
    module.config.update("jax_enable_x64", True)
    return Library(module.numpy.asarray, np.asarray, module.Array)


def cupy() -> Library:
    module = pytest.importorskip("cupy", reason="cupy is missing")
    if not module.is_available():
        pytest.skip("cupy finds no GPU")
    return Library(module.asarray, module.asnumpy, module.ndarray)
