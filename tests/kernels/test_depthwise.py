"""Depthwise convolution by NumPy: runs are rows, and what stands between them counts nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.kernels import blocks, depthwise, direct, patches
from convmath.window import Window

from .cases import FUNCTIONS, Laid, arguments, caught, layouts
from .sums import bound

SEED = st.integers(0, 2**16)
DTYPES = st.sampled_from(["f4", "f8"])
ROOM = st.sampled_from([2**8, 2**22])  # bytes that pieces may take


@st.composite
def plain(draw: Callable[..., Any]) -> Laid:
    """Windows of stride 1 on several axes."""
    windows, sizes = draw(layouts(draw(st.integers(2, 3))))
    one = tuple(Window(w.kernel, 1, w.dilation, w.before, w.after) for w in windows)
    return one, sizes


@pytest.mark.parametrize("name", FUNCTIONS)
@given(laid=plain(), batch=st.integers(1, 3), channels=st.integers(1, 4), dtype=DTYPES, room=ROOM, seed=SEED)
def test_runs_are_the_definition(
    name: str, laid: Laid, batch: int, channels: int, dtype: str, room: int, seed: int
) -> None:
    one = arguments(laid, (batch, channels, 1, 1), dtype, seed)[name]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "ROOM", room)
        patch.setattr(patches, "lowering", None)  # which must not be needed
        found = getattr(patches, name)(*one)
    np.testing.assert_array_equal(found, getattr(direct, name)(*one), strict=True)


@given(laid=plain(), dtype=DTYPES, seed=SEED)
def test_sums_stay_within_their_bound(laid: Laid, dtype: str, seed: int) -> None:
    """γ_n·Σ|w||x|, n the number of terms"""
    for name, (one, other, *rest) in arguments(laid, (2, 3, 1, 1), dtype, seed, wide=True).items():
        rest = [None if isinstance(r, np.ndarray) else r for r in rest]
        a, b = one.astype(np.longdouble), other.astype(np.longdouble)
        exact, size = (getattr(direct, name)(f(a), f(b), *rest) for f in (np.asarray, abs))
        terms = max(one.size, other.size)
        found = getattr(patches, name)(one, other, *rest)
        assert (abs(found - exact) <= bound(terms, dtype) * size + terms * np.finfo(dtype).tiny).all(), name


@pytest.mark.parametrize("name", FUNCTIONS)
@given(laid=plain(), seed=SEED)
def test_what_is_not_finite_goes_where_the_definition_says(name: str, laid: Laid, seed: int) -> None:
    one, other, *rest = arguments(laid, (2, 2, 1, 1), "f8", seed)[name]
    rng = np.random.default_rng(seed)
    for array in (one, other):
        if array.size:
            array.flat[rng.integers(array.size)] = rng.choice([np.inf, -np.inf, np.nan, 1.0])
    with np.errstate(all="ignore"):
        found, expected = (getattr(of, name)(one, other, *rest) for of in (patches, direct))
    np.testing.assert_array_equal(found, expected)


def test_runs_go_by_their_own_dilation_is_caught_if_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = depthwise._runs

    def wrong(x: np.ndarray, piece: Any) -> Any:
        dense = tuple(Window(w.kernel, 1, 1, w.before, w.after + w.span - w.kernel) for w in piece.block.windows)
        return runs(x, piece._replace(block=piece.block._replace(windows=dense)))

    monkeypatch.setattr(depthwise, "_runs", wrong)
    with caught():
        test_runs_are_the_definition("conv")


def test_that_nobody_looks_for_what_is_not_finite_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    class Blind:
        def __getattr__(self, name: str) -> Any:
            return (lambda x: np.ones_like(x, bool)) if name == "isfinite" else getattr(np, name)

    monkeypatch.setattr(depthwise, "np", Blind())
    with caught():
        test_what_is_not_finite_goes_where_the_definition_says("conv_weight")
