"""Weights laid out for kernels, and gradients taken back: every number has its place, and parts are summed in order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from .cases import caught, made_anew

pytest.importorskip("llvmlite", reason="llvmlite is not installed (the extra convmath[fast] brings it)")

from convmath.kernels.simd import laying
from convmath.kernels.simd.host import host

DTYPES = st.sampled_from(["f4", "f8"])
COUNTS = st.integers(1, 3)
TAPS = st.sampled_from([(1,), (3,), (3, 3), (5, 4), (1, 1), (7, 7), (2, 3, 3)])


def lanes(dtype: str) -> int:
    return host().vector // np.dtype(dtype).itemsize


def weights(*shape: int, dtype: str) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=dtype).reshape(shape)


@given(groups=COUNTS, tiles=COUNTS, vectors=COUNTS, reads=st.integers(1, 40), taps=TAPS, dtype=DTYPES)
def test_weights_are_laid_out_with_channels_innermost(
    groups: int, tiles: int, vectors: int, reads: int, taps: tuple[int, ...], dtype: str
) -> None:
    wide = vectors * lanes(dtype)
    w = weights(groups, tiles, wide, reads, *taps, dtype=dtype)
    expected = w.reshape(groups, tiles, wide, -1).swapaxes(2, 3)
    found = laying.laid(w.reshape(groups * tiles * wide, reads, *taps), groups, vectors)
    np.testing.assert_array_equal(found.reshape(expected.shape), expected)
    w = weights(groups, reads, tiles, wide, *taps, dtype=dtype)
    expected = w.reshape(groups, reads, tiles, wide, -1).transpose(0, 2, 1, 4, 3)
    found = laying.laid(w.reshape(groups * reads, tiles * wide, *taps), groups, vectors, turned=True)
    np.testing.assert_array_equal(found.reshape(expected.shape), expected)


@given(
    parts=COUNTS, groups=COUNTS, columns=st.integers(1, 150), makes=st.integers(1, 40), dtype=DTYPES,
    seed=st.integers(0, 99),
)  # fmt: skip
def test_sums_are_taken_back_part_after_part(
    parts: int, groups: int, columns: int, makes: int, dtype: str, seed: int
) -> None:
    wide = -(-makes // lanes(dtype)) * lanes(dtype)
    sums = np.random.default_rng(seed).standard_normal((parts, groups, columns, wide)).astype(dtype)
    total = sums[0]
    for part in sums[1:]:
        total = total + part
    found, finite = laying.taken_back(sums, (groups * makes, columns))
    np.testing.assert_array_equal(found, total[..., :makes].swapaxes(1, 2).reshape(-1, columns))
    assert finite
    sums[-1, -1, -1, makes - 1] = np.inf
    assert not laying.taken_back(sums, (groups * makes, columns))[1]


@given(count=st.integers(1, 10_000), seed=st.integers(0, 99), dtype=DTYPES)
def test_weights_are_gathered_by_a_table(count: int, seed: int, dtype: str) -> None:
    w = weights(count, dtype=dtype)
    for kind in (np.int32, np.int64):
        table = np.random.default_rng(seed).integers(0, count, 5000 + seed).astype(kind)
        np.testing.assert_array_equal(laying.gathered(w, table), w[table])


def test_tables_are_as_narrow_as_they_can_be() -> None:
    assert laying.numbers(7).dtype == np.int32
    np.testing.assert_array_equal(laying.numbers(7), np.arange(7))


# --- teeth ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "law", [test_weights_are_laid_out_with_channels_innermost, test_sums_are_taken_back_part_after_part]
)
def test_the_laws_see_squares_that_are_not_turned(law: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convmath.kernels.simd.builder.Builder.transposed", lambda _, rows: list(rows))
    with made_anew(laying.lay, laying.take_back), caught():
        law()


def test_the_law_sees_what_is_not_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(laying, "watched", lambda k, seen, value: seen)
    law: Any = test_sums_are_taken_back_part_after_part
    with made_anew(laying.lay, laying.take_back), caught():
        law()
