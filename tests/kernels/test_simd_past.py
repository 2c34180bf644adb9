"""Results that are written past the caches have the same bits, whatever is left over of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.kernels.norms import Layout
from convmath.window import Window

pytest.importorskip("llvmlite", reason="llvmlite is not installed (the extra convmath[fast] brings it)")

from convmath.kernels.simd import memory, norms, pooling
from convmath.kernels.simd.host import host

from .test_simd_pool_tiles import same_bits

SEED = st.integers(0, 2**16)
DTYPES = st.sampled_from(["f4", "f8"])
WINDOWS = st.sampled_from([Window(2, 2), Window(3, 3), Window(3, 2, 1, 1, 1), Window(2, 1), Window(4, 4)])


class Past:
    """What is computed with everything that may go past the caches, and as small results are."""

    def __init__(self, patch: pytest.MonkeyPatch):
        self.patch = patch

    def __call__(self, compute: Callable[[], Any]) -> tuple[Any, Any]:
        usual = compute()
        with self.patch.context() as patch:
            # a result of a page begins on one
            patch.setattr(memory, "KEPT", memory.PAGE)
            patch.setattr(memory, "LARGE", memory.PAGE)
            patch.setattr(memory, "SHARED", memory.PAGE)
            return compute(), usual


@pytest.fixture(scope="module")
def past() -> Iterator[Past]:
    with pytest.MonkeyPatch.context() as patch:
        yield Past(patch)


def sizes(dtype: str, vectors: int) -> int:
    return vectors * host().vector // np.dtype(dtype).itemsize


@given(window=WINDOWS, dtype=DTYPES, rows=st.integers(4, 15), vectors=st.integers(1, 9), seed=SEED)
def test_pools_backward(past: Past, window: Window, dtype: str, rows: int, vectors: int, seed: int) -> None:
    rng, laid = np.random.default_rng(seed), (window,) * 2
    x = rng.standard_normal((2, 2, rows, sizes(dtype, vectors))).astype(dtype)
    gy = rng.standard_normal(pooling.max_pool(x, laid).shape).astype(dtype)
    for compute in (
        lambda: pooling.max_pool_input(gy, x, laid, "first"),
        lambda: pooling.sum_pool_input(gy, laid, x.shape[2:]),
        lambda: pooling.avg_pool_input(gy, laid, x.shape[2:], 3),
    ):
        same_bits(*past(compute))


@given(dtype=DTYPES, rows=st.integers(1, 9), vectors=st.integers(1, 9), seed=SEED)
def test_norms(past: Past, dtype: str, rows: int, vectors: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, gy = rng.standard_normal((2, rows, 3, 1, sizes(dtype, vectors))).astype(dtype)
    layout, (w, b) = Layout(x.shape, (0, 2, 3), (1,)), rng.standard_normal((2, 3)).astype(dtype)

    def compute() -> Any:
        y, mean, variance = norms.normalised(x, layout, 1e-5, w, b)
        return y, *norms.gradients(gy, x, layout, mean, variance, 1e-5, w, b)

    for found, expected in zip(*past(compute), strict=True):
        same_bits(found, expected)


@pytest.mark.parametrize(("count", "large"), [(1, memory.LARGE), (2, memory.SHARED)])
def test_what_is_small_or_lies_across_lines_goes_the_usual_way(
    count: int, large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "threads", lambda: count)
    y = np.empty(large, np.uint8)
    assert memory.goes_past(y, host().vector)
    assert not memory.goes_past(y, host().vector + 4)
    assert not memory.goes_past(y[:-1], host().vector)
