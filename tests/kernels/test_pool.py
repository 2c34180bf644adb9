"""The kernels of pooling against the definition: maxima with NaN, infinities and ties, and means."""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.kernels import direct, patches
from convmath.kernels.taps import occupancy, output_sizes
from convmath.window import Window

from . import definition
from .cases import Laid, caught, integers, layouts, turned

KERNELS = pytest.mark.parametrize("kernels", [direct, patches], ids=["direct", "patches"])
TIES = pytest.mark.parametrize("ties", ["first", "last", "split", "all"])
SEED = st.integers(0, 2**16)
# few values, so that there are ties; and those that comparisons treat in their own way
ORDINARY, STRANGE = [0.0, 1.0, 2.0], [-np.inf, np.inf, np.nan, 0.0, 1.0]
VALUES = st.sampled_from([ORDINARY, STRANGE])


def drawn(laid: Laid, values: list[float], seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.choice(values, (*rng.integers(1, 3, 2), *laid[1]))


@KERNELS
@given(laid=layouts(pools=True), values=VALUES, seed=SEED)
def test_max_pool_is_the_definition(kernels: ModuleType, laid: Laid, values: list[float], seed: int) -> None:
    x = drawn(laid, values, seed)
    y, first, last = (
        kernels.max_pool(x, laid[0]),
        kernels.max_pool_selection(x, laid[0], "first"),
        kernels.max_pool_selection(x, laid[0], "last"),
    )
    assert y.shape[2:] == definition.sizes(*laid)
    flat = x.reshape(*x.shape[:2], -1)
    for at, positions in definition.maximisers(x, laid[0]):
        if positions:
            np.testing.assert_equal(y[at], x[positions[0]])
            numbers = [int(np.ravel_multi_index(i[2:], laid[1])) for i in positions]
            assert (first[at], last[at]) == (numbers[0], numbers[-1])
            np.testing.assert_equal(flat[at[0], at[1], first[at]], y[at])
        else:
            assert (y[at], first[at], last[at]) == (-np.inf, -1, -1)


@KERNELS
@TIES
@given(laid=layouts(pools=True), values=VALUES, seed=SEED)
def test_max_pool_input_is_the_definition(
    kernels: ModuleType, ties: str, laid: Laid, values: list[float], seed: int
) -> None:
    x = drawn(laid, values, seed)
    # a multiple of every number of maximisers that 3·3·3 taps can have, so that shares are whole
    whole = float(math.lcm(*range(1, 28)))
    gy = whole * integers(np.random.default_rng(seed), *x.shape[:2], *definition.sizes(*laid))
    expected = np.zeros(x.shape)
    for at, positions in definition.maximisers(x, laid[0]):
        taken = {"first": positions[:1], "last": positions[-1:]}.get(ties, positions)
        for i in taken:
            expected[i] += gy[at] / len(taken) if ties == "split" else gy[at]
    np.testing.assert_array_equal(kernels.max_pool_input(gy, x, laid[0], ties), expected)


@KERNELS
@TIES
def test_an_infinite_cotangent_stays_where_it_is_sent(kernels: ModuleType, ties: str) -> None:
    gx = kernels.max_pool_input(np.array([[[np.inf, 1.0]]]), np.array([[[1.0, 2.0, 3.0, 0.0]]]), (Window(2, 2),), ties)
    np.testing.assert_array_equal(gx, [[[0.0, np.inf, 1.0, 0.0]]])


@KERNELS
@given(laid=layouts(pools=True), seed=SEED)
def test_integers_have_the_same_maxima(kernels: ModuleType, laid: Laid, seed: int) -> None:
    """The least integer is a value like any other, also beside the padding."""
    x = np.random.default_rng(seed).choice([np.iinfo(np.int64).min, 0, 3], (2, 1, *laid[1]))
    order = np.where(x == np.iinfo(np.int64).min, -np.inf, x)
    y, selection = kernels.max_pool(x, laid[0]), kernels.max_pool_selection(x, laid[0], "first")
    least = kernels.max_pool(order, laid[0])
    np.testing.assert_array_equal(selection, kernels.max_pool_selection(order, laid[0], "first"))
    np.testing.assert_array_equal(np.where(y == np.iinfo(np.int64).min, -np.inf, y), least)


@KERNELS
@given(laid=layouts(pools=True), seed=SEED, padding=st.booleans())
def test_avg_pool_is_the_definition(kernels: ModuleType, laid: Laid, seed: int, padding: bool) -> None:
    """Sums of small integers are exact, and one division rounds once."""
    x = integers(np.random.default_rng(seed), 2, 1, *laid[1]).astype(float)
    divisor = np.maximum(definition.occupancy(*laid, padding=padding), 1)
    np.testing.assert_array_equal(kernels.avg_pool(x, laid[0], divisor), definition.avg_pool(x, laid[0], divisor))


@KERNELS
@given(laid=layouts(pools=True), seed=SEED)
def test_avg_pool_input_pairs_with_avg_pool(kernels: ModuleType, laid: Laid, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = integers(rng, 2, 1, *laid[1])
    divisor = 2 ** rng.integers(0, 4, definition.sizes(*laid))  # a division by a power of two is exact
    y = kernels.avg_pool(x, laid[0], divisor)
    gy = integers(rng, *y.shape)
    gx = kernels.avg_pool_input(gy, laid[0], laid[1], divisor)
    assert gx.shape == x.shape
    assert (gy * y).sum() == (gx * x).sum()


@given(laid=layouts(pools=True), padding=st.booleans())
def test_occupancy_is_counted(laid: Laid, padding: bool) -> None:
    np.testing.assert_array_equal(occupancy(*laid, padding=padding), definition.occupancy(*laid, padding=padding))


@given(laid=layouts(4, pools=True), seed=SEED, ties=st.sampled_from(["first", "last"]))
def test_the_kernels_agree_in_four_dimensions(laid: Laid, seed: int, ties: str) -> None:
    x = drawn(laid, ORDINARY, seed)
    gy = integers(np.random.default_rng(seed), *x.shape[:2], *output_sizes(*laid))
    for name, arguments in {
        "max_pool": (x, laid[0]),
        "max_pool_selection": (x, laid[0], ties),
        "max_pool_input": (gy, x, laid[0], ties),
        "avg_pool": (x, laid[0], 4),
        "avg_pool_input": (gy, laid[0], laid[1], 4),
    }.items():
        np.testing.assert_array_equal(
            getattr(direct, name)(*arguments), getattr(patches, name)(*arguments), name, strict=True
        )


# --- teeth ----------------------------------------------------------------------------------------------------


def test_the_law_of_maxima_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """An order of the taps in which the last comes first."""
    read = direct.taps
    monkeypatch.setattr(direct, "taps", lambda *arguments, backwards=False: read(*arguments, backwards=not backwards))
    with caught():
        test_max_pool_is_the_definition(direct)


def test_the_law_of_maxima_sees_that_nan_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "_attains", lambda x, y: x == y)
    with caught():
        test_max_pool_is_the_definition(direct)


@pytest.mark.parametrize(("kernels", "select"), [(direct, "max_pool_selection"), (patches, "_selected")])
def test_the_law_of_selected_gradients_has_teeth(
    kernels: ModuleType, select: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = getattr(kernels, select)
    monkeypatch.setattr(kernels, select, lambda *arguments: true(*arguments[:-1], "last"))
    with caught():
        test_max_pool_input_is_the_definition(kernels, "first")


def test_the_law_of_means_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows along one axis that forget where their axis starts."""
    each = patches._down_and_along
    monkeypatch.setattr(patches, "_down_and_along", lambda windows: [tuple(map(turned, one)) for one in each(windows)])
    with caught():
        test_avg_pool_is_the_definition(patches)


def test_the_pairing_law_of_means_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "divided", lambda total, divisor: total / np.maximum(divisor, 2))
    monkeypatch.setattr(direct, "avg_pool", lambda x, windows, divisor: direct.sum_pool(x, windows) / divisor)
    with caught():
        test_avg_pool_input_pairs_with_avg_pool(direct)
