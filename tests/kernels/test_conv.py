"""The kernels of convolution: each is the definition, and its adjoints are the adjoints, exactly."""

from __future__ import annotations

from itertools import islice
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.kernels import direct, patches, taps
from convmath.kernels.lowering import Columns
from convmath.window import Window

from . import definition
from .cases import Laid, caught, integers, layouts, turned

KERNELS = pytest.mark.parametrize("kernels", [direct, patches], ids=["direct", "patches"])
CHANNELS = st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(1, 2), st.integers(1, 2))
SEED = st.integers(0, 2**16)

Channels = tuple[int, int, int, int]


def operands(laid: Laid, channels: Channels, seed: int) -> tuple[np.ndarray, np.ndarray, int]:
    (windows, sizes), (batch, groups, reads, makes) = laid, channels
    rng = np.random.default_rng(seed)
    x = integers(rng, batch, groups * reads, *sizes)
    return x, integers(rng, groups * makes, reads, *(window.kernel for window in windows)), groups


@KERNELS
@given(laid=layouts(), channels=CHANNELS, seed=SEED)
def test_conv_is_the_definition(kernels: ModuleType, laid: Laid, channels: Channels, seed: int) -> None:
    x, w, groups = operands(laid, channels, seed)
    np.testing.assert_array_equal(kernels.conv(x, w, laid[0], groups), definition.conv(x, w, laid[0], groups))


@KERNELS
@given(laid=layouts(), channels=CHANNELS, seed=SEED)
def test_conv_input_and_conv_weight_pair_with_conv(
    kernels: ModuleType, laid: Laid, channels: Channels, seed: int
) -> None:
    (windows, sizes), (x, w, groups) = laid, operands(laid, channels, seed)
    y = kernels.conv(x, w, windows, groups)
    gy = integers(np.random.default_rng(seed + 1), *y.shape)
    gx, gw = kernels.conv_input(gy, w, windows, groups, sizes), kernels.conv_weight(gy, x, windows, groups)
    assert (gx.shape, gw.shape) == (x.shape, w.shape)
    assert (gy * y).sum() == (gx * x).sum() == (gw * w).sum()


@KERNELS
@given(laid=layouts(), channels=CHANNELS, extra=st.integers(0, 2), seed=SEED)
def test_conv_transpose_is_the_definition(
    kernels: ModuleType, laid: Laid, channels: Channels, extra: int, seed: int
) -> None:
    (windows, sizes), (x, w, groups) = laid, operands(laid, channels, seed)
    w = integers(np.random.default_rng(seed), x.shape[1], channels[3], *w.shape[2:])
    made = [max(0, v.transposed_size(n, extra)) for v, n in zip(windows, sizes, strict=True)]
    expected = definition.conv_transpose(x, w, windows, groups, made)
    np.testing.assert_array_equal(kernels.conv_transpose(x, w, windows, groups, made), expected)


@given(laid=layouts(), channels=CHANNELS, seed=SEED, dtype=st.sampled_from(["i8", "f4", "f8"]))
def test_the_kernels_agree_on_every_part(laid: Laid, channels: Channels, seed: int, dtype: str) -> None:
    (windows, sizes), (x, w, groups) = laid, operands(laid, channels, seed)
    x, w = x.astype(dtype), w.astype(dtype)
    y = direct.conv(x, w, windows, groups)
    gy = integers(np.random.default_rng(seed + 1), *y.shape).astype(dtype)
    for name, arguments in {
        "conv": (x, w, windows, groups),
        "conv_input": (gy, w, windows, groups, sizes),
        "conv_weight": (gy, x, windows, groups),
    }.items():
        plain, fast = getattr(direct, name)(*arguments), getattr(patches, name)(*arguments)
        np.testing.assert_array_equal(plain, fast, name, strict=True)
        assert plain.flags.c_contiguous
        assert fast.flags.c_contiguous


@pytest.mark.parametrize("shape", [(0, 2, 2), (2, 0, 2), (2, 2, 0), (0, 0, 0)])
def test_nothing_of_anything_is_nothing_or_zeros(shape: tuple[int, int, int]) -> None:
    outputs, reads, batch = shape
    windows, sizes = [Window(3, before=1, after=1)] * 2, (5, 4)
    x, gy, w = np.ones((batch, reads, *sizes)), np.ones((batch, outputs, *sizes)), np.ones((outputs, reads, 3, 3))
    for name, given_ in {
        "conv": (x, w, windows, 1),
        "conv_input": (gy, w, windows, 1, sizes),
        "conv_weight": (gy, x, windows, 1),
    }.items():
        found, needed = getattr(patches, name)(*given_), getattr(direct, name)(*given_)
        np.testing.assert_array_equal(found, needed, name, strict=True)


@KERNELS
@pytest.mark.parametrize("ndim", [4, 5])
def test_any_number_of_axes(kernels: ModuleType, ndim: int) -> None:
    @given(laid=layouts(ndim), seed=SEED)
    def law(laid: Laid, seed: int) -> None:
        x, w, groups = operands(laid, (1, 1, 1, 1), seed)
        np.testing.assert_array_equal(kernels.conv(x, w, laid[0], groups), definition.conv(x, w, laid[0], groups))

    law()


@KERNELS
def test_an_infinite_weight_on_the_padding_is_nan(kernels: ModuleType) -> None:
    """Outside lies 0, and IEEE has inf · 0 = NaN; the kernels must not differ in it."""
    x, w = np.ones((1, 1, 2)), np.array([[[np.inf, 1.0]]])
    with np.errstate(invalid="ignore"):
        y = kernels.conv(x, w, (Window(2, before=1),), 1)
    np.testing.assert_array_equal(y, [[[np.nan, np.inf]]])


# --- teeth ----------------------------------------------------------------------------------------------------


def test_the_definition_law_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tap that is read one position further than it stands."""
    read = taps._read
    monkeypatch.setattr(taps, "_read", lambda w, t, n, m: read(w, t + (t > 0 and w.dilation > 1), n, m))
    with caught():
        test_conv_is_the_definition(direct)


def test_the_definition_law_sees_groups_that_mix(monkeypatch: pytest.MonkeyPatch) -> None:
    windows = Columns.windows
    monkeypatch.setattr(Columns, "windows", lambda *arguments: windows(*arguments)[::-1])
    with caught():
        test_conv_is_the_definition(patches)


def test_the_pairing_law_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """An adjoint that forgets the first tap."""
    read = taps.taps
    monkeypatch.setattr(patches, "taps", lambda *arguments: islice(read(*arguments), 1, None))
    with caught():
        test_conv_input_and_conv_weight_pair_with_conv(patches)


def test_the_transposed_law_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Padding that is cut off at the wrong end."""
    true = direct.conv_transpose
    monkeypatch.setattr(direct, "conv_transpose", lambda x, w, laid, *rest: true(x, w, tuple(map(turned, laid)), *rest))
    with caught():
        test_conv_transpose_is_the_definition(direct)


def test_the_law_of_agreement_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """A product in which two images of a batch change places."""
    rows = patches._rows
    monkeypatch.setattr(patches, "_rows", lambda y, groups: rows(y[::-1], groups))
    with caught():
        test_the_kernels_agree_on_every_part()
