"""F(m, 3), generated and by NumPy: the definition, exactly where floats are, else within the bound of its tiles."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.kernels import blocks, cores, direct, patches, winograd
from convmath.kernels.choice import generated
from convmath.kernels.problem import Convolution
from convmath.kernels.threads import set_threads, usable
from convmath.kernels.winograd import Tiles, matrices
from convmath.window import Window

from .cases import FUNCTIONS, Channels, Laid, arguments, caught
from .sums import gamma

DTYPES = st.sampled_from(["f4", "f8"])
SEED = st.integers(0, 2**16)
MADE = generated()[0]  # nothing where llvmlite is missing
TWO = {"NumPy": Tiles(2), **({"generated": MADE["winograd"]} if MADE else {})}
FOUR = {"NumPy": Tiles(4), **({"generated": MADE["winograd4"]} if MADE else {})}
EACH = [pytest.param(ways, m, id=f"{name}, F({m}, 3)") for m, of in ((2, TWO), (4, FOUR)) for name, ways in of.items()]
SMALL, LARGE = 2**8, 2**22  # bytes that pieces may take


@st.composite
def squares(draw: Callable[..., Any], *, full: bool = True) -> tuple[Laid, Channels]:
    """Kernels of 3×3 without stride, and channels that fill vectors, or any of them."""
    before = [(draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in range(2)]
    windows = tuple(Window(3, 1, 1, a, b) for a, b in before)
    sizes = tuple(draw(st.integers(6 if full else 3, 13)) for _ in range(2))
    reads, makes = (16, draw(st.sampled_from([16, 32]))) if full else (draw(st.integers(1, 5)) for _ in range(2))
    return (windows, sizes), (draw(st.integers(1, 4)), draw(st.integers(1, 2)), reads, makes)


@pytest.mark.parametrize("name", FUNCTIONS)
@given(case=squares(), dtype=DTYPES, seed=SEED)
def test_two_by_two_tiles_are_exact_on_small_integers(
    name: str, case: tuple[Laid, Channels], dtype: str, seed: int
) -> None:
    one = arguments(*case, dtype, seed)[name]
    for ways in TWO.values():
        np.testing.assert_array_equal(getattr(ways, name)(*one), getattr(direct, name)(*one), strict=True)


@pytest.mark.parametrize("name", FUNCTIONS)
@given(case=squares(full=False), dtype=DTYPES, seed=SEED, room=st.sampled_from([SMALL, LARGE]))
def test_tiles_by_numpy_may_be_cut_anywhere(
    name: str, case: tuple[Laid, Channels], dtype: str, seed: int, room: int
) -> None:
    one = arguments(*case, dtype, seed)[name]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "ROOM", room)
        patch.setattr(patches, name, None)  # which must not be needed
        patch.setattr(winograd, "has_room", lambda size: True)
        winograd._way.cache_clear()
        found = getattr(Tiles(2), name)(*one)
        near = getattr(Tiles(4), name)(*one)
    expected = getattr(direct, name)(*one)
    np.testing.assert_array_equal(found, expected, strict=True)
    first, second, *rest = one
    size = getattr(direct, name)(abs(first), abs(second), *(abs(r) if isinstance(r, np.ndarray) else r for r in rest))
    assert (abs(near - expected) <= 100 * np.finfo(dtype).eps * size.max()).all()


def absolute(m: int, x: np.ndarray, w: np.ndarray, windows: tuple[Window, ...]) -> np.ndarray:
    """Aᵀ|…|A with every matrix and array replaced by its absolute value: what errors are relative to."""
    f = matrices(m)
    a, g, b = (np.abs(np.array(matrix, float)) for matrix in (f.A, f.G, f.B))
    size = len(f.points)
    padded = np.pad(np.abs(x), [(0, 0), (0, 0), *((v.before, v.after + size) for v in windows)])
    counts = [v.output_size(n) for v, n in zip(windows, x.shape[2:], strict=True)]
    total = np.zeros((x.shape[0], w.shape[0], *counts))
    u = np.einsum("qk,ocks,ps->ocqp", g, np.abs(w), g)
    for i in range(0, counts[0], m):
        for j in range(0, counts[1], m):
            v = np.einsum("qk,ncks,ps->ncqp", b, padded[..., i : i + size, j : j + size], b)
            y = np.einsum("qi,ocqp,ncqp,pj->noij", a, u, v, a)
            total[..., i : i + m, j : j + m] = y[..., : counts[0] - i, : counts[1] - j]
    return total


@pytest.mark.parametrize(("ways", "m"), EACH)
@given(case=squares(), dtype=DTYPES, seed=SEED)
def test_tiles_stay_within_their_bound(ways: Any, m: int, case: tuple[Laid, Channels], dtype: str, seed: int) -> None:
    """γ·Aᵀ((|G||w||Gᵀ|)(|B||x||Bᵀ|))A: sums over channels and transformations round as often as they have terms."""
    laid, (batch, _, reads, makes) = case
    x, w, windows, groups, _ = arguments(laid, (batch, 1, reads, makes), dtype, seed, wide=True)["conv"]
    exact = direct.conv(x.astype(float), w.astype(float), windows, groups)
    found = ways.conv(x, w, windows, groups)
    # the numbers of the matrices are rounded too, and with NumPy a sum has both axes of a tile, in the three of them
    terms = reads + 8 + (4 * (m + 2) if not isinstance(ways, Tiles) else 2 * (m + 2) ** 2 + 9)
    allowed = gamma(terms, dtype) * absolute(m, x, w, windows) + gamma(9 * reads, "f8") * abs(exact)
    assert (np.abs(found - exact) <= allowed + np.finfo(dtype).tiny).all()


# --- not finite -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FUNCTIONS)
@given(case=squares(full=False), seed=SEED)
def test_what_is_not_finite_goes_where_the_definition_says(name: str, case: tuple[Laid, Channels], seed: int) -> None:
    one, other, *rest = arguments(*case, "f4", seed)[name]
    rng = np.random.default_rng(seed)
    for array in (one, other):
        array.flat[rng.integers(array.size)] = rng.choice([np.inf, -np.inf, np.nan, 1.0])
    with np.errstate(all="ignore"):
        found, expected = (getattr(of, name)(one, other, *rest) for of in (Tiles(2), direct))
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_array_equal(np.isposinf(found), np.isposinf(expected))


def test_a_transformation_that_overflows_is_no_infinity() -> None:
    windows = tuple(Window(3) for _ in range(2))
    x, w = np.zeros((1, 1, 8, 8), "f4"), np.ones((1, 1, 3, 3), "f4")
    x[..., 2:6:2, ::2] = [[3e38, -3e38, 3e38, -3e38], [-3e38, 3e38, -3e38, 3e38]]
    expected = direct.conv(x, w, windows, 1)
    assert np.isfinite(expected).all()
    np.testing.assert_array_equal(Tiles(2).conv(x, w, windows, 1), expected)


def test_what_means_nothing_is_not_warned_of() -> None:
    """A tile beyond the last one overflows where no output does."""
    windows = tuple(Window(3) for _ in range(2))
    x, w = np.ones((1, 8, 9, 9), "f4"), np.ones((8, 8, 3, 3), "f4")
    x[..., 8], w[..., 2] = 3e38, 0
    expected = direct.conv(x, w, windows, 1)
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(Tiles(2).conv(x, w, windows, 1), expected)


# --- threads ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def as_before() -> Any:
    yield
    set_threads(None)


@pytest.mark.usefixtures("as_before")
@pytest.mark.parametrize("room", [2**16, LARGE])
def test_threads_change_no_bit(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "ROOM", room)
    monkeypatch.setattr(winograd, "has_room", lambda size: True)
    winograd._way.cache_clear()
    monkeypatch.setattr(cores, "WORTH", 0)
    laid = tuple(Window(3, 1, 1, 1, 1) for _ in range(2)), (24, 29)
    for name, one in arguments(laid, (7, 1, 16, 32), "f4", 1, wide=True).items():
        found = []
        for count in (1, 2, 3):
            set_threads(count)
            found.append(getattr(Tiles(2), name)(*one))
        np.testing.assert_array_equal(found[0], found[1])
        np.testing.assert_array_equal(found[0], found[2])


# --- where it is no way -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "w", "windows"),
    [
        ((1, 2, 8, 8), (2, 2, 3, 3), (Window(3, 2), Window(3))),
        ((1, 2, 8, 8), (2, 2, 3, 3), (Window(3), Window(3, 1, 2))),
        ((1, 2, 8, 8), (2, 2, 3, 2), (Window(3), Window(2))),
        ((1, 2, 8), (2, 2, 3), (Window(3),)),
        ((0, 2, 8, 8), (2, 2, 3, 3), (Window(3), Window(3))),
    ],
)
def test_other_convolutions_are_those_of_patches(x: Any, w: Any, windows: tuple[Window, ...]) -> None:
    one, other = np.ones(x, "f4"), np.ones(w, "f4")
    assert Tiles(2).way(Convolution.forward(one, other, windows, 1)) is None
    np.testing.assert_array_equal(Tiles(2).conv(one, other, windows, 1), patches.conv(one, other, windows, 1))


def test_of_whole_numbers_there_are_none() -> None:
    windows = tuple(Window(3) for _ in range(2))
    x, w = np.ones((1, 2, 8, 8), int), np.ones((2, 2, 3, 3), int)
    assert Tiles(2).way(Convolution.forward(x, w, windows, 1)) is None


@pytest.mark.usefixtures("as_before")
def test_threads_change_no_bit_where_there_is_room_for_one_sum() -> None:
    rng, windows = np.random.default_rng(0), tuple(Window(3, 1, 1, 1, 1) for _ in range(2))
    gy, x = (rng.standard_normal((8, 512, 7, 7), np.float32) for _ in range(2))
    found = []
    for count in (1, 2, 3):
        set_threads(count)
        found.append(Tiles(2).conv_weight(gy, x, windows, 1))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


@pytest.mark.skipif(usable() < 2, reason="there is one core")
@pytest.mark.usefixtures("as_before")
def test_the_law_of_threads_sees_products_that_blas_shares_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winograd, "alone", nullcontext)
    with caught():
        test_threads_change_no_bit_where_there_is_room_for_one_sum()


# --- planted faults ---------------------------------------------------------------------------------------------------


def place_phases_at_the_beginning(patch: pytest.MonkeyPatch) -> None:
    """Padding that does not move what lies behind it."""
    phases = winograd._phases
    patch.setattr(winograd, "_phases", lambda m, x, before, tiles: phases(m, x, (0, 0), tiles))


def lose_the_last_column(patch: pytest.MonkeyPatch) -> None:
    made = winograd._made

    def shorter(m: int, piece: Any, makes: int) -> tuple[slice, ...]:
        *others, last = made(m, piece, makes)
        return (*others, slice(last.start, last.stop - m))

    patch.setattr(winograd, "_made", shorter)


def exchange_axes(patch: pytest.MonkeyPatch) -> None:
    """Taps of rows for those of columns."""
    axes = winograd._both_axes

    def wrong(*of: Any) -> Any:
        found = axes(*of)
        return found._replace(G=found.G.reshape(-1, 3, 3).swapaxes(1, 2).reshape(-1, 9))

    patch.setattr(winograd, "_both_axes", wrong)


@pytest.mark.parametrize("fault", [place_phases_at_the_beginning, lose_the_last_column, exchange_axes])
def test_the_law_of_tiles_sees(fault: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    fault(monkeypatch)
    with caught():
        test_tiles_by_numpy_may_be_cut_anywhere("conv_weight" if fault is lose_the_last_column else "conv")


def test_that_nobody_looks_for_what_is_not_finite_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winograd, "is_finite", lambda x: True)
    with caught():
        test_what_is_not_finite_goes_where_the_definition_says("conv")
