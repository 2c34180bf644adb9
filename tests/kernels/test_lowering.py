"""Windows laid out by rows: the same convolution as the definition's, and where that way is taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.kernels import blocks, direct, lowering, patches
from convmath.kernels.blocks import Piece
from convmath.kernels.lowering import Columns, Rows
from convmath.kernels.problem import Convolution
from convmath.window import Window, windows

from .cases import FUNCTIONS, Channels, Laid, arguments, caught, layouts
from .sums import bound

SEED = st.integers(0, 2**16)
DTYPES = st.sampled_from(["f4", "f8", "i8", "c16"])
CHANNELS = st.tuples(st.integers(0, 5), st.integers(1, 2), st.integers(1, 3), st.integers(1, 3))
ROOM = st.sampled_from([2**6, 2**10, 2**22])  # bytes that pieces may take


@st.composite
def plain(draw: Callable[..., Any]) -> Laid:
    """Windows whose first axis is not dilated."""
    (first, *others), sizes = draw(layouts())
    return (replace(first, dilation=1), *others), sizes


def by_rows(problem: Convolution) -> Rows:
    """Rows also where matrices are narrow and nothing is saved."""
    return Rows(max(1, problem.shape[1] * problem.taps * 8), 1)


@pytest.mark.parametrize("name", FUNCTIONS)
@given(laid=plain(), channels=CHANNELS, dtype=DTYPES, room=ROOM, seed=SEED)
def test_rows_are_the_definition(name: str, laid: Laid, channels: Channels, dtype: str, room: int, seed: int) -> None:
    one = arguments(laid, channels, dtype, seed)[name]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "ROOM", room)
        patch.setattr(patches, "lowering", by_rows)
        found = getattr(patches, name)(*one)
    np.testing.assert_array_equal(found, getattr(direct, name)(*one), strict=True)


@pytest.mark.parametrize("name", ["conv", "conv_weight"])
@given(laid=plain(), channels=CHANNELS, dtype=st.sampled_from(["f4", "f8"]), seed=SEED)
def test_sums_stay_within_their_bound(name: str, laid: Laid, channels: Channels, dtype: str, seed: int) -> None:
    """γ_n·Σ|w||x|, n the number of terms"""
    one, other, *rest = arguments(laid, channels, dtype, seed, wide=True)[name][:4]
    a, b = one.astype(np.longdouble), other.astype(np.longdouble)
    exact, size = (getattr(direct, name)(f(a), f(b), *rest) for f in (np.asarray, abs))
    terms = max(one.size, other.size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patches, "lowering", by_rows)
        found = getattr(patches, name)(one, other, *rest)
    assert (abs(found - exact) <= bound(terms, dtype) * size + terms * np.finfo(dtype).tiny).all()


@pytest.mark.parametrize("name", ["conv", "conv_weight"])
@given(laid=plain(), channels=CHANNELS, seed=SEED)
def test_what_is_not_finite_goes_where_the_definition_says(
    name: str, laid: Laid, channels: Channels, seed: int
) -> None:
    one, other, *rest = arguments(laid, channels, "f8", seed)[name]
    rng = np.random.default_rng(seed)
    for array in (one, other):
        if array.size:
            array.flat[rng.integers(array.size)] = rng.choice([np.inf, -np.inf, np.nan, 1.0])
    with np.errstate(all="ignore"), pytest.MonkeyPatch.context() as patch:
        expected = getattr(direct, name)(one, other, *rest)
        patch.setattr(patches, "lowering", by_rows)
        found = getattr(patches, name)(one, other, *rest)
    np.testing.assert_array_equal(found, expected)


def way(shape: tuple[int, ...], weight: tuple[int, ...], groups: int = 1, **laid: int) -> type:
    x, w = np.empty(shape, "f4"), np.empty(weight, "f4")
    return type(lowering.lowering(Convolution.forward(x, w, windows(shape[2:], weight[2:], **laid), groups)))


def test_rows_are_taken_where_they_lay_out_less_in_wide_matrices() -> None:
    assert way((64, 6, 14, 14), (16, 6, 5, 5)) is Rows
    assert way((2, 8, 16, 32, 32), (16, 8, 3, 3, 3), padding=1) is Rows
    assert way((16, 64, 28, 28), (64, 16, 3, 3), 4, padding=1) is Rows
    assert way((1, 6, 14, 14), (16, 6, 5, 5)) is Columns  # ten columns
    assert way((8, 32, 4096), (64, 32, 9), padding=4) is Columns  # a row of outputs is one output
    assert way((64, 1, 28, 28), (64, 1, 3, 3), padding=1) is Columns  # what comes out is more than what is laid out
    assert way((64, 6, 28, 28), (16, 6, 5, 5), dilation=2) is Columns
    assert way((2, 64, 2048, 2048), (64, 64, 3, 3), padding=1) is Columns  # no row has room


def test_the_law_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Matrices of rows that are one row apart, whatever the stride."""
    rows = Rows.windows

    def wrong(self: Rows, x: np.ndarray, piece: Piece) -> np.ndarray:
        found = rows(self, x, piece)
        step = found.strides[0] // piece.block.windows[0].stride
        return np.lib.stride_tricks.as_strided(found, found.shape, (step, *found.strides[1:]))

    monkeypatch.setattr(Rows, "windows", wrong)
    with caught():
        test_rows_are_the_definition("conv")


def test_the_law_sees_kernels_whose_axes_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rows, "kernel", lambda self, gw, shape: gw.reshape(shape))
    with caught():
        test_rows_are_the_definition("conv_weight")


def test_what_goes_back_is_laid_out_as_what_goes_forward() -> None:
    x, w = np.empty((64, 16, 32, 32), "f4"), np.empty((16, 16, 3, 3), "f4")
    laid = (Window(3, before=1, after=1),) * 2
    back = Convolution.by_input(x, w, laid, 1, (32, 32))
    assert lowering.lowering(back) == lowering.lowering(Convolution.forward(x, w, laid, 1))
    strided = (Window(3, 2, before=1, after=1),) * 2
    back = Convolution.by_input(np.empty((64, 16, 16, 16), "f4"), w, strided, 1, (32, 32))
    assert type(lowering.lowering(back)) is Columns
