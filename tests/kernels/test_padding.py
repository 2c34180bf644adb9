"""Padding against NumPy's own, and its adjoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.kernels import padding
from convmath.kernels.padding import bare, pad, pad_input, padded_sizes
from convmath.window import BORDERS, Window

from .cases import caught, integers

NUMPY = {
    "zeros": "constant",
    "circular": "wrap",
    "replicate": "edge",
    "reflect": "reflect",
    "symmetric": "symmetric",
}
MODES = pytest.mark.parametrize("mode", list(NUMPY))
SEED = st.integers(0, 2**16)


@st.composite
def padded(draw: Callable[..., Any], mode: str) -> tuple[tuple[Window, ...], tuple[int, ...]]:
    """Paddings of up to all that the border reaches."""
    windows, sizes = [], []
    for _ in range(draw(st.integers(1, 3))):
        n = draw(st.integers(1, 4))
        reach = BORDERS[mode].reach if mode in BORDERS else None
        most = st.integers(0, n + 2 if reach is None else reach(n))
        windows.append(Window(1, before=draw(most), after=draw(most)))
        sizes.append(n)
    return tuple(windows), tuple(sizes)


@MODES
@given(data=st.data(), seed=SEED)
def test_padding_is_numpys(mode: str, data: st.DataObject, seed: int) -> None:
    windows, sizes = data.draw(padded(mode))
    x = integers(np.random.default_rng(seed), 2, 3, *sizes)
    pads: Any = [(0, 0), (0, 0), *((w.before, w.after) for w in windows)]
    got = pad(x, windows, BORDERS.get(mode))
    np.testing.assert_array_equal(got, np.pad(x, pads, NUMPY[mode]), strict=True)
    assert got.shape[2:] == padded_sizes(windows, sizes)


@MODES
@given(data=st.data(), seed=SEED)
def test_its_adjoint_pairs_with_padding(mode: str, data: st.DataObject, seed: int) -> None:
    windows, sizes = data.draw(padded(mode))
    rng = np.random.default_rng(seed)
    x = integers(rng, 2, 3, *sizes)
    y = pad(x, windows, BORDERS.get(mode))
    gy = integers(rng, *y.shape)
    gx = pad_input(gy, windows, BORDERS.get(mode))
    assert gx.shape == x.shape
    assert gx.flags.c_contiguous
    assert (gy * y).sum() == (gx * x).sum()


def test_no_padding_copies_nothing() -> None:
    x = np.zeros((1, 1, 3))
    assert pad(x, (Window(2),)) is x
    assert bare([Window(2, 3, 4, 5, 6, True)]) == (Window(2, 3, 4, ceil=True),)


def test_the_law_of_padding_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BORDERS, "reflect", BORDERS["symmetric"])
    with caught():
        test_padding_is_numpys("reflect")


def test_the_pairing_law_of_padding_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies that overwrite one another instead of being added."""

    class Overwriting:
        def __getattr__(self, name: str) -> Any:
            return getattr(np, name)

        class add:
            @staticmethod
            def at(total: np.ndarray, where: np.ndarray, values: np.ndarray) -> None:
                total[where] = values

    monkeypatch.setattr(padding, "np", Overwriting())
    with caught():
        test_its_adjoint_pairs_with_padding("replicate")
