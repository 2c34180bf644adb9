"""Sums in a fixed order: the bits are those of a loop over numbers in that order, whatever is worked on together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convmath.kernels import ordered, patches
from convmath.window import Window

from ..faults import caught
from ..generated import GENERATED
from . import definition
from .cases import Laid, layouts

CHANNELS = st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(1, 3), st.integers(1, 2))
SEED = st.integers(0, 2**16)
DTYPE = pytest.mark.parametrize("dtype", ["f4", "f8"])

Channels = tuple[int, int, int, int]


def numbers(seed: int, dtype: str, *shape: int) -> np.ndarray:
    """Of several sizes, so that no two orders give the same sum but by chance."""
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(shape) * 4.0 ** rng.integers(-3, 4, shape)).astype(dtype)


def operands(laid: Laid, channels: Channels, seed: int, dtype: str) -> tuple[np.ndarray, np.ndarray, int]:
    (windows, sizes), (batch, groups, reads, makes) = laid, channels
    x = numbers(seed, dtype, batch, groups * reads, *sizes)
    w = numbers(seed + 1, dtype, groups * makes, reads, *(window.kernel for window in windows))
    return x, w, groups


def read(x: np.ndarray, v: int, c: int, i: Sequence[int]) -> Any:
    return x[(v, c, *i)] if definition.inside(i, x.shape[2:]) else x.dtype.type(0)


def added(terms: Iterator[Any], dtype: str) -> Any:
    total = np.dtype(dtype).type(0)
    for term in terms:
        total = total + term
    return total


def by_number(shape: Sequence[int], dtype: str, terms: Callable[..., Iterator[Any]]) -> np.ndarray:
    """The array whose elements are the sums of their terms, one after the other."""
    found = np.empty(shape, dtype)
    for place in product(*map(range, shape)):
        found[place] = added(terms(*place), dtype)
    return found


def same(found: np.ndarray, expected: np.ndarray) -> None:
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    kind = f"u{found.itemsize}"
    np.testing.assert_array_equal(np.ascontiguousarray(found).view(kind), expected.view(kind))


def conv(x: np.ndarray, w: np.ndarray, windows: Sequence[Window], groups: int, dtype: str) -> np.ndarray:
    counts, (makes, reads) = definition.sizes(windows, x.shape[2:]), (len(w) // groups, w.shape[1])

    def terms(v: int, o: int, *j: int) -> Iterator[Any]:
        for c in range(reads):
            for t in product(*map(range, w.shape[2:])):
                i = [q.stride * a + q.dilation * b - q.before for q, a, b in zip(windows, j, t, strict=True)]
                yield w[(o, c, *t)] * read(x, v, o // makes * reads + c, i)

    return by_number((len(x), len(w), *counts), dtype, terms)


def conv_input(
    gy: np.ndarray, w: np.ndarray, windows: Sequence[Window], groups: int, sizes: Sequence[int], dtype: str
) -> np.ndarray:
    counts, (makes, reads) = gy.shape[2:], (len(w) // groups, w.shape[1])

    def terms(v: int, c: int, *i: int) -> Iterator[Any]:
        for o in range(makes):
            for t in product(*map(range, w.shape[2:])):
                offset = [at - q.dilation * b + q.before for q, at, b in zip(windows, i, t, strict=True)]
                j = [e // q.stride for q, e in zip(windows, offset, strict=True)]
                if all(e % q.stride == 0 for q, e in zip(windows, offset, strict=True)) and definition.inside(
                    j, counts
                ):
                    from_ = c // reads * makes + o
                    yield w[(from_, c % reads, *t)] * gy[(v, from_, *j)]

    return by_number((len(gy), groups * reads, *sizes), dtype, terms)


def conv_weight(gy: np.ndarray, x: np.ndarray, windows: Sequence[Window], groups: int, dtype: str) -> np.ndarray:
    makes, reads = gy.shape[1] // groups, x.shape[1] // groups
    if makes == reads == 1:
        return depthwise_weight(gy, x, windows, dtype)

    def terms(o: int, c: int, *t: int) -> Iterator[Any]:
        for v in range(len(x)):
            for j in product(*map(range, gy.shape[2:])):
                i = [q.stride * a + q.dilation * b - q.before for q, a, b in zip(windows, j, t, strict=True)]
                yield gy[(v, o, *j)] * read(x, v, o // makes * reads + c, i)

    return by_number((gy.shape[1], reads, *(window.kernel for window in windows)), dtype, terms)


def depthwise_weight(gy: np.ndarray, x: np.ndarray, windows: Sequence[Window], dtype: str) -> np.ndarray:
    """Totals over images and windows."""
    gw = np.empty((gy.shape[1], 1, *(window.kernel for window in windows)), dtype)
    for c, _, *t in product(*map(range, gw.shape)):
        terms = np.empty((len(x), *gy.shape[2:]), dtype)
        for v, *j in product(*map(range, terms.shape)):
            i = [q.stride * a + q.dilation * b - q.before for q, a, b in zip(windows, j, t, strict=True)]
            terms[(v, *j)] = gy[(v, c, *j)] * read(x, v, c, i)
        gw[(c, 0, *t)] = total(terms, tuple(range(terms.ndim)), dtype).item()
    return gw


@DTYPE
@given(data=st.data())
def test_convolutions_sum_in_their_order(dtype: str, data: st.DataObject) -> None:
    laid, seed = data.draw(layouts(), label="layout"), data.draw(SEED, label="seed")
    (windows, sizes), (x, w, groups) = laid, operands(laid, data.draw(CHANNELS, label="channels"), seed, dtype)
    y = ordered.conv(x, w, windows, groups)
    same(y, conv(x, w, windows, groups, dtype))
    gy = numbers(seed + 2, dtype, *y.shape)
    same(ordered.conv_input(gy, w, windows, groups, sizes), conv_input(gy, w, windows, groups, sizes, dtype))
    same(ordered.conv_weight(gy, x, windows, groups), conv_weight(gy, x, windows, groups, dtype))


@DTYPE
def test_the_bias_comes_last(dtype: str) -> None:
    x, w, b = numbers(0, dtype, 2, 3, 5), numbers(1, dtype, 4, 3, 3), numbers(2, dtype, 4)
    windows = (Window(3, before=1, after=1),)
    same(ordered.conv(x, w, windows, 1, b), ordered.conv(x, w, windows, 1) + b[:, None])
    turned = numbers(3, dtype, 3, 4, 3)
    expected = ordered.conv_transpose(x, turned, windows, 1, (5,)) + b[:, None]
    same(ordered.conv_transpose(x, turned, windows, 1, (5,), b), expected)


@DTYPE
@given(data=st.data())
def test_a_product_sums_over_the_common_axis(dtype: str, data: st.DataObject) -> None:
    rows, common, columns = (data.draw(st.integers(0, most)) for most in (4, 20, 5))
    seed = data.draw(SEED, label="seed")
    a, b = numbers(seed, dtype, rows, common), numbers(seed + 1, dtype, common, columns)
    expected = by_number((rows, columns), dtype, lambda o, q: (a[o, k] * b[k, q] for k in range(common)))
    same(ordered.product(a, b), expected)


@DTYPE
def test_linear_is_the_product_of_its_rows(dtype: str) -> None:
    x, w, gy = numbers(0, dtype, 2, 3, 5), numbers(1, dtype, 4, 5), numbers(2, dtype, 2, 3, 4)
    same(ordered.linear(x, w).reshape(6, 4), ordered.product(x.reshape(6, 5), w.T))
    same(ordered.linear_input(gy, w).reshape(6, 5), ordered.product(gy.reshape(6, 4), w))
    same(ordered.linear_weight(gy, x), ordered.product(gy.reshape(6, 4).T, x.reshape(6, 5)))


def total(x: np.ndarray, axes: Sequence[int], dtype: str) -> np.ndarray:
    """By the definition, for axes in order: 16 sums where nothing lies behind the last of them, else one."""
    lanes = 16 if math.prod(x.shape[axes[-1] + 1 :]) == 1 else 1
    shape = [1 if axis in axes else n for axis, n in enumerate(x.shape)]

    def element(place: Sequence[int], at: Sequence[int]) -> Any:
        where = list(place)
        for axis, i in zip(axes, at, strict=True):
            where[axis] = i
        return x[tuple(where)]

    found = np.empty(shape, dtype)
    for place in product(*map(range, shape)):
        sums = [np.dtype(dtype).type(0)] * lanes
        for at in product(*(range(x.shape[axis]) for axis in axes)):
            sums[at[-1] % lanes] = sums[at[-1] % lanes] + element(place, at)
        while len(sums) > 1:
            half = len(sums) // 2
            sums = [a + b for a, b in zip(sums[:half], sums[half:], strict=True)]
        found[place] = sums[0]
    return found


AXES = [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)]


@DTYPE
@pytest.mark.parametrize("axes", AXES)
@given(data=st.data())
def test_a_total_has_sixteen_sums(dtype: str, axes: tuple[int, ...], data: st.DataObject) -> None:
    shape = data.draw(st.tuples(st.integers(0, 3), st.integers(1, 20), st.integers(1, 20)), label="shape")
    x = numbers(data.draw(SEED, label="seed"), dtype, *shape)
    same(ordered.total(x, axes), total(x, axes, dtype))


@DTYPE
def test_a_mean_is_a_total_over_its_number(dtype: str) -> None:
    x = numbers(0, dtype, 2, 3, 21)
    same(ordered.mean(x, (0, 2)), total(x, (0, 2), dtype) / np.dtype(dtype).type(42))
    same(ordered.total(x, (-1, 0)), ordered.total(x, (0, 2)))


@DTYPE
@pytest.mark.parametrize(("name", "value"), [("ROOM", 3), ("ROOM", 2**30), ("FEW", 0), ("FEW", 2**30), ("COPIED", 40)])
def test_what_is_worked_on_together_changes_no_bit(
    dtype: str, name: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, w = numbers(0, dtype, 3, 4, 7, 6), numbers(1, dtype, 6, 2, 3, 2)
    windows = (Window(3, 2, 1, 1, 0), Window(2, 1, 2, 0, 1))
    gy = numbers(2, dtype, *ordered.conv(x, w, windows, 2).shape)

    def results() -> list[np.ndarray]:
        return [
            ordered.conv(x, w, windows, 2),
            ordered.conv_input(gy, w, windows, 2, (7, 6)),
            ordered.conv_weight(gy, x, windows, 2),
            ordered.product(x.reshape(12, 42), x.reshape(12, 42).T),
            *(ordered.total(x, axes) for axes in [(0, 2, 3), (1,), (0, 1, 2, 3), (2, 3)]),
        ]

    before = results()
    monkeypatch.setattr(ordered, name, value)
    for one, other in zip(before, results(), strict=True):
        same(one, other)


@given(laid=layouts(pools=True, within=True), seed=SEED)
def test_pools_sum_down_the_rows_and_then_along_them(laid: Laid, seed: int) -> None:
    windows, sizes = laid
    *outer, last = windows
    x = numbers(seed, "f4", 2, 2, *sizes)

    def inside(v: int, c: int, i: Sequence[int]) -> Iterator[Any]:
        if definition.inside(i, sizes):
            yield x[(v, c, *i)]

    def column(v: int, c: int, j: Sequence[int], i: int) -> Any:
        rows = product(*(range(window.kernel) for window in outer))
        places = ([q.stride * a + q.dilation * b - q.before for q, a, b in zip(outer, j, t, strict=True)] for t in rows)
        return added((one for place in places for one in inside(v, c, [*place, i])), "f4")

    def terms(v: int, c: int, *j: int) -> Iterator[Any]:
        for t in range(last.kernel):
            yield column(v, c, j[:-1], last.stride * j[-1] + last.dilation * t - last.before)

    y = ordered.sum_pool(x, windows)
    same(y, by_number(y.shape, "f4", terms))


def test_it_is_one_more_kind_of_kernel() -> None:
    """The same functions, and on integers, where every order gives the same, the same numbers."""
    assert set(patches.__all__) <= set(ordered.__all__)
    rng = np.random.default_rng(0)
    x, w = (rng.integers(-9, 10, shape).astype("f4") for shape in ((2, 4, 9, 8), (6, 2, 3, 2)))
    windows = (Window(3, 2, 1, 1, 0), Window(2, 1, 2, 0, 1))
    y = patches.conv(x, w, windows, 2)
    same(ordered.conv(x, w, windows, 2), y)
    same(ordered.conv_input(y, w, windows, 2, (9, 8)), patches.conv_input(y, w, windows, 2, (9, 8)))
    same(ordered.conv_weight(y, x, windows, 2), patches.conv_weight(y, x, windows, 2))
    empty = np.zeros((0, 4, 9, 8), "f4")
    assert ordered.conv(empty, w, windows, 2).shape == (0, *y.shape[1:])
    same(ordered.conv_weight(y[:0], empty, windows, 2), np.zeros(w.shape, "f4"))


def test_nan_and_infinity_follow_the_definition() -> None:
    """Outside lies 0, and IEEE has inf · 0 = NaN; where nothing stands in the sum, as by the input, there is none."""
    x, w = np.ones((1, 1, 2)), np.array([[[np.inf, 1.0]]])
    windows = (Window(2, before=1),)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(ordered.conv(x, w, windows, 1), [[[np.nan, np.inf]]])
    np.testing.assert_array_equal(ordered.conv_input(x, w, windows, 1, (2,)), [[[np.inf, 1.0]]])


def test_arguments_stay_and_may_lie_anyhow() -> None:
    x, w = numbers(0, "f4", 6, 5, 4).transpose(1, 2, 0)[:, :, ::-1], numbers(1, "f4", 3, 4, 2)[::-1]
    windows = (Window(2),)
    x.flags.writeable = w.flags.writeable = False
    kept = x.copy(), w.copy()
    y = ordered.conv(x, w, windows, 1)
    same(y, ordered.conv(*kept, windows, 1))
    same(ordered.conv_weight(y, x, windows, 1), ordered.conv_weight(y, kept[0], windows, 1))
    same(ordered.total(x, (0, 2)), ordered.total(kept[0], (0, 2)))
    np.testing.assert_array_equal(x, kept[0])
    assert math.prod(y.shape) == 5 * 3 * 5


# batch, groups, channels read and made in each, and for each axis its size, kernel, stride, dilation and padding
LAYERS = [
    (2, 1, 3, 5, [(9, 3, 1, 1, 1, 1), (8, 3, 1, 1, 1, 1)]),
    (2, 1, 4, 32, [(9, 3, 2, 1, 1, 0), (11, 2, 1, 2, 0, 1)]),
    (1, 2, 2, 16, [(21, 4, 1, 1, 2, 1)]),
    (3, 7, 1, 1, [(8, 3, 1, 1, 1, 1), (9, 3, 1, 1, 1, 1)]),
    (1, 1, 17, 3, [(12, 1, 1, 1, 0, 0), (10, 1, 1, 1, 0, 0)]),
    (1, 1, 2, 4, [(5, 2, 1, 1, 1, 0), (6, 3, 3, 1, 2, 2), (4, 2, 1, 2, 0, 1)]),
]


@GENERATED
@DTYPE
@pytest.mark.parametrize(("batch", "groups", "reads", "makes", "axes"), LAYERS)
def test_generated_kernels_sum_in_the_same_order(
    dtype: str, batch: int, groups: int, reads: int, makes: int, axes: list[tuple[int, ...]]
) -> None:
    from convmath.kernels.simd.convolution import EXACT

    windows, sizes = tuple(Window(*axis[1:]) for axis in axes), [axis[0] for axis in axes]
    laid = windows, tuple(sizes)
    x, w, groups = operands(laid, (batch, groups, reads, makes), 0, dtype)
    y = ordered.conv(x, w, windows, groups)
    gy = numbers(2, dtype, *y.shape)
    same(EXACT.conv(x, w, windows, groups), y)
    same(EXACT.conv_input(gy, w, windows, groups, sizes), ordered.conv_input(gy, w, windows, groups, sizes))
    same(EXACT.conv_weight(gy, x, windows, groups), ordered.conv_weight(gy, x, windows, groups))


@GENERATED
@DTYPE
@given(data=st.data())
def test_lines_of_a_signal_sum_in_the_same_order(dtype: str, data: st.DataObject) -> None:
    """Few taps and many, rows that make tiles and rows that are left, and what is not finite."""
    from convmath.kernels.simd import ordered_lines

    outer = data.draw(st.lists(st.tuples(st.integers(1, 10), st.integers(1, 10)), max_size=2))
    last = data.draw(st.tuples(st.integers(1, 600), st.integers(1, 8) | st.integers(30, 300)))
    counts, kernel = zip(*outer, last, strict=True)
    seed = data.draw(SEED)
    x, w = (numbers(seed, dtype, *shape) for shape in (np.add(counts, kernel) - 1, kernel))
    if data.draw(st.booleans()):
        x.flat[seed % x.size] = np.inf
    with np.errstate(invalid="ignore"):
        expected = ordered.conv(x[None, None], w[None, None], tuple(map(Window, kernel)), 1)[0, 0]
    same(ordered_lines.correlate(x, w), expected)


@GENERATED
@DTYPE
@given(members=st.integers(2, 6), wide=st.integers(1, 6), rows=st.integers(1, 9), more=st.integers(0, 40), seed=SEED)
@settings(max_examples=20)
def test_every_tile_of_lines_sums_in_the_same_order(
    dtype: str, members: int, wide: int, rows: int, more: int, seed: int
) -> None:
    """Whichever a processor with other vectors would take."""
    from convmath.kernels.simd import ordered_lines
    from convmath.kernels.simd.host import host

    wide = min(wide, 12 // members)
    below, lanes = rows > 1, host().vector // np.dtype(dtype).itemsize
    members = min(members, rows) if below else members
    kernel = (members, 7) if below else (1, wide * lanes * (members - 1) + more + 1)
    counts = rows, wide * lanes * members + more
    x, w = (numbers(seed, dtype, *shape) for shape in (np.add(counts, kernel) - 1, kernel))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordered_lines, "_tile", lambda *_: (members, wide))
        found = ordered_lines.correlate(x, w)
    same(found, ordered.conv(x[None, None], w[None, None], tuple(map(Window, kernel)), 1)[0, 0])


# --- teeth ----------------------------------------------------------------------------------------------------


@GENERATED
def test_the_law_of_lines_sees_taps_from_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    from convmath.kernels.simd import ordered_lines

    right = ordered_lines.correlate

    def turned(x: np.ndarray, w: np.ndarray) -> np.ndarray:
        return np.flip(right(*(np.ascontiguousarray(np.flip(array)) for array in (x, w))))

    monkeypatch.setattr(ordered_lines, "correlate", turned)
    caught(test_lines_of_a_signal_sum_in_the_same_order, "f4")


def test_the_law_of_convolutions_sees_taps_before_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    def taps_first(target: np.ndarray, source: np.ndarray, weight: np.ndarray, pairs: Any) -> None:
        for tap, write, read_ in pairs:
            for v in range(source.shape[2]):
                factor = weight[(slice(None), v, slice(None), *tap)]
                target[write] += (
                    factor.reshape(*factor.shape, *[1] * (target.ndim - 3)) * source[:, :, v : v + 1][read_]
                )

    monkeypatch.setattr(ordered, "_spread", taps_first)
    caught(test_convolutions_sum_in_their_order, "f4")


LAWS = [
    (test_convolutions_sum_in_their_order, ("f4",)),
    (test_a_product_sums_over_the_common_axis, ("f4",)),
    (test_a_total_has_sixteen_sums, ("f4", (0, 2))),
]


@pytest.mark.parametrize(("law", "arguments"), LAWS)
def test_the_laws_see_a_sum_that_goes_backwards(
    law: Callable[..., None], arguments: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ordered._run
    monkeypatch.setattr(ordered, "_run", lambda found, terms: run(found, terms[::-1]))
    caught(law, *arguments)


def test_the_law_of_totals_sees_lines_that_go_on_from_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    in_lanes = ordered._in_lanes

    def one_line(found: np.ndarray, lines: np.ndarray) -> None:
        in_lanes(found, lines.swapaxes(0, 1).reshape(1, lines.shape[1], -1))

    monkeypatch.setattr(ordered, "_in_lanes", one_line)
    caught(test_a_total_has_sixteen_sums, "f4", (0, 2))
