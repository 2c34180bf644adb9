"""What is computed block by block is what is computed at once, however small the blocks are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.kernels import blocks, patches
from convmath.kernels.blocks import Piece, pieces
from convmath.kernels.taps import output_sizes
from convmath.window import Window

from .cases import Laid, caught, integers, layouts

SEED = st.integers(0, 2**16)
ROOMS = st.sampled_from([1, 5, 30, 200])


def computed(laid: Laid, seed: int) -> Iterator[tuple[str, np.ndarray]]:
    """All that `patches` does in blocks."""
    (windows, sizes), rng = laid, np.random.default_rng(seed)
    batch, groups = (int(n) for n in rng.integers(1, 4, 2))
    x, w = integers(rng, batch, 2 * groups, *sizes), integers(rng, 3 * groups, 2, *(v.kernel for v in windows))
    gy = integers(rng, batch, len(w), *output_sizes(windows, sizes))
    yield "conv", patches.conv(x, w, windows, groups)
    yield "conv_input", patches.conv_input(gy, w, windows, groups, sizes)
    yield "conv_weight", patches.conv_weight(gy, x, windows, groups)
    yield "sum_pool", patches.sum_pool(x, windows)
    few = rng.choice([0.0, 1.0, np.nan], x.shape)  # so that there are ties
    yield "max_pool", patches.max_pool(few, windows)
    g = integers(rng, *x.shape[:2], *gy.shape[2:]).astype(float)
    for ties in ("first", "last", "split", "all"):
        if ties in ("first", "last"):
            yield f"selection of the {ties}", patches.max_pool_selection(few, windows, ties)
        yield f"gradient, {ties}", patches.max_pool_input(6 * g, few, windows, ties)


@given(laid=layouts(), room=ROOMS, seed=SEED)
def test_blocks_are_the_whole(laid: Laid, room: int, seed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "ROOM", room)
        parts = list(computed(laid, seed))
    for (name, whole), (_, part) in zip(computed(laid, seed), parts, strict=True):
        if name == "gradient, split":  # shares of a sixth are added in another order
            np.testing.assert_allclose(whole, part, rtol=0, atol=1e-12, err_msg=name)
        else:
            np.testing.assert_array_equal(whole, part, err_msg=name)


def test_pieces_of_what_is_large_are_not_remembered() -> None:
    windows, counts = [Window(3, before=1, after=1)] * 2, (56, 56)

    def found(batch: int) -> Iterable[Piece]:
        return pieces((batch, 64, *counts), windows, counts, 1, 64 * 9 * 4)

    assert found(8) is found(8)
    assert isinstance(found(10**4), Iterator)


@given(laid=layouts(), room=ROOMS, batch=st.integers(0, 3))
def test_each_window_is_in_one_block_in_its_order(laid: Laid, room: int, batch: int) -> None:
    windows, sizes = laid
    counts = output_sizes(windows, sizes)
    seen, number = [], np.arange(batch * math.prod(counts)).reshape(batch, 1, *counts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "ROOM", room)
        for block in blocks.blocks(batch, windows, sizes, counts, 2):
            own: Any = number[block.out]
            assert own.size <= max(1, room // 2)
            np.testing.assert_array_equal(
                own, number.reshape(batch, 1, -1)[block.images, :, block.positions].reshape(own.shape)
            )
            seen += own.reshape(-1).tolist()
    assert seen == list(range(number.size))


def test_the_law_of_blocks_sees_a_window_that_is_one_off(monkeypatch: pytest.MonkeyPatch) -> None:
    laid = blocks._laid

    def one_further(window: Any, n: int, out: slice) -> Any:
        read, found = laid(window, n, out)
        return read, replace(found, before=found.before + 1, after=found.after - 1) if read.start else found

    monkeypatch.setattr(blocks, "_laid", one_further)
    with caught():
        test_blocks_are_the_whole()


def test_the_law_of_order_sees_blocks_with_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = blocks._steps
    monkeypatch.setattr(blocks, "_steps", lambda lengths, room: steps(lengths[::-1], room)[::-1])
    with caught():
        test_each_window_is_in_one_block_in_its_order()
