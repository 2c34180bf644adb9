"""One axis: the size formulas against counting, the borders against NumPy, and what the public door refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath import window
from convmath.errors import ConvmathError, HyperparameterError, ShapeError, UnknownNameError
from convmath.window import BORDERS, Window, border, flag, whole, windows

from .kernels import definition
from .kernels.cases import axes, caught

NUMPY = {"circular": "wrap", "replicate": "edge", "reflect": "reflect", "symmetric": "symmetric"}


@given(ceil=st.booleans(), data=st.data())
def test_the_output_size_is_the_number_of_windows(ceil: bool, data: st.DataObject) -> None:
    laid, n = data.draw(axes(1, ceil=ceil))
    assert laid.output_size(n) == definition.size(laid, n)


@given(laid=axes(1), extra=st.integers(0, 2))
def test_the_transposed_size_has_as_many_windows(laid: tuple[Window, int], extra: int) -> None:
    one, m = laid
    n = one.transposed_size(m, min(extra, one.stride - 1))
    assert n < 0 or one.output_size(n) == m


@given(n=st.integers(1, 30), k=st.integers(1, 5), s=st.integers(1, 4), d=st.integers(1, 3))
def test_same_gives_a_window_for_each_stride_begun(n: int, k: int, s: int, d: int) -> None:
    [upper], [lower] = (windows([n], k, s, word, d) for word in ("same", "same_lower"))
    assert upper.output_size(n) == lower.output_size(n) == -(-n // s)
    assert (upper.before, upper.after) == (lower.after, lower.before)
    assert 0 <= upper.after - upper.before <= 1


@pytest.mark.parametrize("name", list(NUMPY))
@given(n=st.integers(1, 5), data=st.data())
def test_a_border_is_numpys(name: str, n: int, data: st.DataObject) -> None:
    found = border(name, "here")
    assert found is not None
    most = st.integers(0, n + 2 if found.reach is None else found.reach(n))
    before, after = data.draw(most), data.draw(most)
    low, high = [found.below(e, n) for e in range(-before, 0)], [found.above(e, n) for e in range(n, n + after)]
    np.testing.assert_array_equal([*low, *range(n), *high], np.pad(np.arange(n), (before, after), NUMPY[name]))  # type: ignore[arg-type]


def test_zeros_is_no_index_map() -> None:
    assert border("zeros", "here") is None
    assert set(NUMPY) == set(BORDERS)


def test_numbers_pairs_and_words_become_windows() -> None:
    assert windows([5, 6], 3) == (Window(3), Window(3))
    assert windows([5, 6], (3, 2), (1, 2), ((1, 0), (0, 2)), 1) == (Window(3, 1, 1, 1, 0), Window(2, 2, 1, 0, 2))
    assert windows([5], 3, padding="full", dilation=2) == (Window(3, 1, 2, 4, 4),)
    assert windows([5], np.int64(3), ceil_mode=True) == (Window(3, ceil=True),)


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: windows([5], 0), HyperparameterError, r"^kernel is 0, but it must be at least 1 \[window\]$"),
        (lambda: windows([5], 3, -1), HyperparameterError, r"^stride is -1, but it must be at least 1 "),
        (lambda: windows([5], 3, 1.5), HyperparameterError, r"^stride is 1\.5, but a whole number is needed "),
        (
            lambda: windows([5], 3, b"\x01"),
            HyperparameterError,
            r"^stride is b'\\x01', but a whole number is needed ",
        ),
        (lambda: windows([5, 5], 3, (1, True)), HyperparameterError, r"^stride\[1\] is True, but a whole number "),
        (
            lambda: windows([5, 5], (3, 3, 3)),
            HyperparameterError,
            r"^kernel has 3 entries, but there are 2 spatial",
        ),
        (
            lambda: windows([5], 3, padding=(1, 2)),
            HyperparameterError,
            r"written nested, \(\(1, 2\),\) \[window\]$",
        ),
        (lambda: windows([5, 5], 3, padding=((1, 2),)), HyperparameterError, r"pair for each of 2 spatial axes"),
        (
            lambda: windows([5], 3, padding="sane"),
            UnknownNameError,
            r"no padding 'sane'; the nearest .* same.*\) \[window\]$",
        ),
        (
            lambda: windows([5], 3, ceil_mode=1),
            HyperparameterError,
            r"^ceil_mode is 1, but True or False is needed ",
        ),
        (lambda: windows([5], 3, dilation=3), ShapeError, r"^the kernel spans 7 .* but spatial axis 0 has only 5 "),
        (lambda: border("mirror", "conv"), UnknownNameError, r"no padding_mode 'mirror'; .* \[conv\]$"),
        (lambda: border(["zeros"], "conv"), UnknownNameError, r"no padding_mode \['zeros'\]; "),  # type: ignore[arg-type]
        (
            lambda: whole("3", "groups", "conv", 1),
            HyperparameterError,
            r"^groups is '3', but a whole number is needed",
        ),
        (lambda: flag(None, "ceil_mode", "pool"), HyperparameterError, r"^ceil_mode is None, but True or False "),
    ],
)
def test_what_is_refused_is_refused_with_a_sentence(call: Any, error: type[ConvmathError], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        call()


def test_the_law_of_sizes_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ceiling that keeps a last window in the end padding."""
    monkeypatch.setattr(window, "ceil_steps", lambda n, k, s, d, a, b: -(-(n + a + b - d * (k - 1) - 1) // s) + 1)
    with caught():
        test_the_output_size_is_the_number_of_windows()
