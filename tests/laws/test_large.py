"""Positions beyond 2³¹: arrays of so many elements, whose memory is one block of pages again and again."""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from convmath import functional as F
from convmath.kernels.choice import methods
from convmath.window import Window

ELEMENTS, BLOCK = 2**31 + 2**20, 2**24
STRIDE = 2**20  # so that there are few outputs, the last of which lies beyond 2³¹
WINDOWS = ELEMENTS // STRIDE
METHODS = pytest.mark.parametrize("method", ["auto", "direct", "patches"])

pytestmark = [
    pytest.mark.skipif(
        os.environ.get("CONVMATH_PROFILE") != "night", reason="CONVMATH_PROFILE=night is missing: each pass reads 8 GB"
    ),
    pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="memfd_create is missing: pages cannot come again"),
]

RESERVED, FIXED = 0x4000, 0x10  # Linux: no swap is set aside for the addresses; exactly there


@pytest.fixture(scope="module")
def x() -> Iterator[np.ndarray]:
    """(1, 1, n) in float32, where element i is i mod 2²⁴ mod 251."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    size, block = 4 * ELEMENTS, 4 * BLOCK
    pages = os.memfd_create("pages")
    os.ftruncate(pages, block)
    start = libc.mmap(None, size, 0, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | RESERVED, -1, 0)
    for at in range(start, start + size, block):
        length, may = min(block, start + size - at), mmap.PROT_READ | mmap.PROT_WRITE
        assert libc.mmap(at, length, may, mmap.MAP_SHARED | FIXED, pages, 0) == at
    array = np.frombuffer((ctypes.c_char * size).from_address(start), np.float32)
    array[:BLOCK] = np.arange(BLOCK) % 251
    yield array.reshape(1, 1, -1)
    libc.munmap(start, size)
    os.close(pages)


def there(i: Any) -> np.ndarray:
    """The elements at these positions."""
    return (np.asarray(i) % BLOCK % 251).astype(np.float32)


FIRST = STRIDE * np.arange(WINDOWS)


def test_maxima_and_their_positions(x: np.ndarray) -> None:
    y, at = F.max_pool(x, 3, stride=STRIDE, return_indices=True)
    windows = there(FIRST[:, None] + np.arange(3))
    np.testing.assert_array_equal(y[0, 0], windows.max(1))
    np.testing.assert_array_equal(at[0, 0], FIRST + windows.argmax(1))
    assert at.max() >= 2**31
    y, at = F.adaptive_max_pool(x, 2, return_indices=True, ties="last")
    assert y.tolist() == [[[250, 250]]]
    assert 2**31 - 251 <= at[0, 0, 1] < ELEMENTS
    assert F.global_max_pool(x).tolist() == [[[250]]]


def test_means(x: np.ndarray) -> None:
    y = F.avg_pool(x, 4, stride=STRIDE)
    np.testing.assert_array_equal(y[0, 0], there(FIRST[:, None] + np.arange(4)).mean(1))
    whole = np.arange(BLOCK) % 251
    exact = (whole.sum() * (ELEMENTS // BLOCK) + whole[: ELEMENTS % BLOCK].sum()) / ELEMENTS
    assert abs(F.global_avg_pool(x).item() - exact) <= 1e-4 * exact  # pairwise, of blocks of 128


@METHODS
def test_sums_of_windows(x: np.ndarray, method: str) -> None:
    y = F.conv(x, np.array([[[1, 2, 4]]], np.float32), stride=STRIDE, method=method)
    np.testing.assert_array_equal(y[0, 0], there(FIRST[:, None] + np.arange(3)) @ np.array([1, 2, 4], np.float32))


@pytest.mark.parametrize("method", ["direct", "patches"])
def test_the_gradient_by_the_weight(x: np.ndarray, method: str) -> None:
    gy = np.zeros((1, 1, WINDOWS), np.float32)
    gy[..., -1] = 1
    gw = methods()[method].conv_weight(gy, x, (Window(3, STRIDE),), 1)
    np.testing.assert_array_equal(gw[0, 0], there(FIRST[-1] + np.arange(3)))


def test_patches_and_padding(x: np.ndarray) -> None:
    y = F.unfold(x, 2, stride=STRIDE)
    np.testing.assert_array_equal(y[0], there(FIRST + np.arange(2)[:, None]))
    cut = F.pad(x, ((-(2**31), 0),))
    np.testing.assert_array_equal(cut[0, 0], there(2**31 + np.arange(STRIDE)))


def test_features(x: np.ndarray) -> None:
    y = F.linear(x.reshape(-1, 2**12), np.ones((1, 2**12), np.float32))
    assert y[-1, 0] == there(ELEMENTS - 2**12 + np.arange(2**12)).sum()
