"""Dask arrays, block by block: what functional gives for the whole array, whatever the chunks."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import convmath
from convmath import functional as F
from convmath.errors import DtypeError, HyperparameterError, ShapeError, UnknownNameError

from .faults import caught

try:
    import dask
    import dask.array as da

    dask.config.set(scheduler="synchronous")
except ImportError:
    dask = da = None  # type: ignore[assignment]

THERE = pytest.mark.skipif(dask is None, reason="dask is not installed (the extra convmath[scale] brings it)")
NAMES = pytest.mark.parametrize("name", ["convolve", "correlate"])
MODES = pytest.mark.parametrize("mode", ["full", "same", "valid"])
BORDERS = ("zeros", "reflect", "replicate", "circular", "symmetric")


@st.composite
def chunked(draw: Callable[..., Any], lead: tuple[int, ...] = (), kinds: tuple[str, ...] = ("i4", "f4", "f8")) -> Any:
    """An array of small integers, the chunks of the same as a Dask array, and the sizes of a kernel that lies in it."""
    ndim = draw(st.integers(1, 3 if not lead else 2))
    kernel = tuple(draw(st.integers(1, 4)) for _ in range(ndim))
    shape = (*lead, *(k + draw(st.integers(1, 8)) for k in kernel))
    chunks = tuple(
        tuple(b - a for a, b in zip([0, *cuts], [*cuts, n], strict=True))
        for n in shape
        for cuts in [sorted(draw(st.sets(st.integers(1, n - 1), max_size=4))) if n > 1 else []]
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    x = rng.integers(-9, 10, shape).astype(draw(st.sampled_from(kinds)))
    return x, chunks, kernel


@THERE
@NAMES
@MODES
@given(data=st.data())
def test_chunks_do_not_matter(name: str, mode: str, data: st.DataObject) -> None:
    a, chunks, kernel = data.draw(chunked(kinds=("i4", "f4", "f8", "c16")))
    v = np.random.default_rng(0).integers(-9, 10, kernel).astype(data.draw(st.sampled_from(["f4", "c8"])))
    boundary = data.draw(st.sampled_from(BORDERS))
    expected = getattr(F, name)(a, v, mode, "patches", boundary=boundary)
    lazy = getattr(convmath.dask, name)(da.from_array(a, chunks), v, mode, "patches", boundary=boundary)
    assert (lazy.shape, lazy.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_array_equal(lazy.compute(), expected, strict=True)


@THERE
@given(data=st.data())
def test_the_definition_is_the_same_bit_for_bit(data: st.DataObject) -> None:
    a, chunks, kernel = data.draw(chunked(kinds=("f8",)))
    rng = np.random.default_rng(1)
    a, v = a * rng.standard_normal(a.shape), rng.standard_normal(kernel)
    lazy = convmath.dask.correlate(da.from_array(a, chunks), v, "same", "direct")
    # a block of fewer outputs than taps sums in another order
    if math.prod(min(each) for each in lazy.chunks) >= v.size:
        np.testing.assert_array_equal(lazy.compute(), F.correlate(a, v, "same", "direct"))


@THERE
@pytest.mark.parametrize("name", ["max_pool", "avg_pool"])
@given(data=st.data())
def test_chunks_do_not_matter_to_pools(name: str, data: st.DataObject) -> None:
    x, chunks, kernel = data.draw(chunked((2, 3)))
    options: dict[str, Any] = {"stride": data.draw(st.integers(1, 5)), "ceil_mode": data.draw(st.booleans())}
    options["padding"] = data.draw(st.integers(0, 2))
    if name == "max_pool":
        options["dilation"] = data.draw(st.integers(1, 2))
    else:
        options["count_include_pad"] = data.draw(st.booleans())
        options["divisor_override"] = data.draw(st.sampled_from([None, None, 7]))
    own, lazily = getattr(F, name), getattr(convmath.dask, name)
    try:
        expected = own(x, kernel, **options)
    except ShapeError:  # the window is too long, or holds nothing
        with pytest.raises(ShapeError):
            lazily(da.from_array(x, chunks), kernel, **options)
        return
    lazy = lazily(da.from_array(x, chunks), kernel, **options)
    assert (lazy.shape, lazy.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_array_equal(lazy.compute(), expected, strict=True)


@THERE
def test_a_part_of_the_result_reads_a_part_of_the_array() -> None:
    read: list[Any] = []

    def chunk(block_info: Any = None) -> np.ndarray:
        read.append(block_info[None]["chunk-location"])
        return np.ones((100, 100), "f4")

    # 400 MB, of which a block and what is beside it are needed
    a = da.map_blocks(chunk, chunks=((100,) * 100, (100,) * 100), dtype="f4", meta=np.empty((0, 0), "f4"))
    y = convmath.dask.convolve(a, np.ones((3, 3), "f4"), "same")
    assert y.chunks == a.chunks
    assert y[150:199, 250:299].sum().compute() == 49 * 49 * 9
    assert 1 <= len(set(read)) <= 9
    assert set(read) <= {(i, j) for i in (0, 1, 2) for j in (1, 2, 3)}


@THERE
def test_other_schedulers_give_the_same() -> None:
    rng = np.random.default_rng(0)
    a, v = rng.integers(-9, 10, (60, 70)), rng.integers(-9, 10, (5, 4))
    y = convmath.dask.correlate(da.from_array(a, (20, 30)), v, boundary="replicate")
    np.testing.assert_array_equal(y.compute(scheduler="threads"), F.correlate(a, v, boundary="replicate"))
    again = convmath.dask.correlate(da.from_array(a, (20, 30)), v, boundary="replicate")
    assert again.name == y.name
    assert convmath.dask.correlate(da.from_array(a, (20, 30)), v, boundary="circular").name != y.name


@THERE
def test_infinity_meets_no_zero_outside() -> None:
    y = convmath.dask.convolve(da.from_array(np.ones(4), 2), [np.inf, 1.0])
    np.testing.assert_array_equal(y.compute(), [np.inf] * 4 + [1.0])


@THERE
def test_what_is_refused_is_said() -> None:
    cd, a = convmath.dask, da.from_array(np.ones((6, 8)), 3)
    with pytest.raises(
        DtypeError, match=r"^A is ndarray, but a Dask array is needed; convmath\.functional takes others"
    ):
        cd.convolve(np.ones(3), [1])
    with pytest.raises(DtypeError, match=r"^V is a Dask array, but an array in memory is needed; compute it first"):
        cd.convolve(a, a)
    with pytest.raises(ShapeError, match=r"^V has 1 axes, and A has 2, but both need the same number, at least 1 \["):
        cd.correlate(a, [1])
    with pytest.raises(ShapeError, match=r"^mode is 'valid', but V is longer than A along an axis; exchange the two"):
        cd.correlate(a, np.ones((7, 1)), "valid")
    with pytest.raises(ShapeError, match=r"^an array is empty, but at least one element"):
        cd.correlate(a, np.ones((0, 1)))
    with pytest.raises(ShapeError, match=r"^A has chunks of unknown size; x\.compute_chunk_sizes\(\) finds them"):
        cd.correlate(a[a[:, 0] > 0], np.ones((1, 1)))
    with pytest.raises(UnknownNameError, match=r"^there is no mode 'ful'; the nearest is full"):
        cd.correlate(a, np.ones((1, 1)), "ful")
    with pytest.raises(
        HyperparameterError, match=r"reads 6 positions beyond axis 0, but boundary='reflect' reaches at"
    ):
        cd.correlate(a, np.ones((7, 1)), boundary="reflect")
    with pytest.raises(ShapeError, match=r"^X has 2 axes, but a batch axis, a channel axis and at least one spatial"):
        cd.max_pool(a, 2)
    with pytest.raises(ShapeError, match=r"^window 0 of spatial axis 0 holds no element of X, and nothing has no mean"):
        cd.avg_pool(da.ones((1, 1, 3)), 2, padding=2, count_include_pad=False)


def test_without_dask_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask.array", None)
    with pytest.raises(ModuleNotFoundError, match=r"^dask is not installed, but convmath\.dask computes with it; the"):
        convmath.dask.convolve(np.ones(3), [1])


# --- teeth --------------------------------------------------------------------------------------------------------


@THERE
def test_the_law_of_chunks_sees_chunks_that_change_places(monkeypatch: pytest.MonkeyPatch) -> None:
    true = convmath.dask._keys
    monkeypatch.setattr(convmath.dask, "_keys", lambda *of: true(*of)[::-1] if len(of) == 2 else true(*of))
    caught(test_chunks_do_not_matter, "convolve", "full")


@THERE
def test_the_law_of_pools_sees_a_divisor_of_another_place(monkeypatch: pytest.MonkeyPatch) -> None:
    true = convmath.dask._held
    monkeypatch.setattr(convmath.dask, "_held", lambda *of, **how: [count[::-1] for count in true(*of, **how)])
    caught(test_chunks_do_not_matter_to_pools, "avg_pool")
