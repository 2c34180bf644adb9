"""Normalisation by generated kernels; NumPy where there are none: for short rows, and other types.

A group is rows that lie behind one another in equal steps. At most CHUNK elements are summed in vectors of their own
type, and these sums in float64, in an order that the sizes alone decide. So a sum of terms that are rounded r times
each is off by at most γ(r + SUMMED)·Σ|…|, γ(k) = k·u/(1 - k·u), and for float64 k is greater by the number of chunks.

The variance is V = (Σd² - (Σd)²/m)/m, d = X - p. The pivot p is the mean of a sample, or the mean itself where that is
further than σ/2 from it; so a group is mostly read once for its statistics, and V is off by at most 3·γ(SUMMED + 6)·V.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convmath.kernels import norms
from convmath.kernels.norms import Layout

from . import workers
from .builder import DTYPES, FLOATS, Builder, Value, words
from .compile import Kernel, kernel
from .host import host
from .memory import empty, goes_past

__all__ = [
    "DTYPES",
    "SHAPE",
    "SPEED",
    "SUMMED",
    "fits",
    "gradients",
    "normalised",
    "shape_words",
    "standardised",
    "statistics",
    "weights_of",
]

CHUNK = 1024  # elements that are summed in their own type
BESIDE = 4  # sums that run side by side
SUMMED = CHUNK // (BESIDE * 2) + BESIDE  # sums that an element goes through at most, with vectors of two numbers
SHORT = 4  # elements of rows for which lanes are not worth it
NEAR = 2**19  # bytes of a group that stay in a cache from one round to the next, with those of another
SPEED = 40e9  # bytes a second, about: only to see what is worth sharing

# the rows of a group, their length and bytes from one group and one row to the next; row r of group g has the weight
# g·of + r·on mod all
SHAPE = "rows length far step of on all"
WORDS = f"eps members {SHAPE}"  # the first two as the bits of numbers in float64
AFFINE = ("none", "row", "element")


@dataclass(frozen=True)
class Traffic:
    """What is asked of memory beforehand, and whether results go `past` the caches.

    Where groups are `near` the next one is brought while results of this one are written, and their lines are brought
    while sums are taken; where not, the next rows are while sums are taken.
    """

    near: bool
    past: bool

    def __str__(self) -> str:
        return f"{int(self.near)}_{int(self.past)}"


# --- sums ---------------------------------------------------------------------------------------------------------


def _wide(k: Builder, value: Value) -> Value:
    """In float64."""
    return value if k.dtype == "f8" else k.widened(value)


def _own(k: Builder, value: Value) -> Value:
    """A number of float64 in the type of the kernel."""
    return value if k.dtype == "f8" else k.narrowed(value)


def _sums(
    k: Builder, traffic: Traffic, at: Value, arrays: Sequence[Value], into: Value, totals: Sequence[Value],
    add: Callable[..., Sequence[Value]],
) -> list[Value]:  # fmt: skip
    """The totals, vectors of float64, with those of the row that is `at` so many bytes of the arrays.

    add(offset in bytes, mask, *sums) gives the sums with what is there, which is 0 where it is masked. Later something
    is written `into` the row of another array.
    """
    count, rows, result = len(totals), [k.at(array, at) for array in arrays], k.at(into, at)

    def chunk(start: Value, *totals: Value) -> list[Value]:
        begin, here = start * k.bytes, k.least_of(k.length - start, CHUNK)
        ahead = BESIDE * k.lanes
        whole = here & -ahead
        # a processor does not see by itself that one row is followed by another far away
        following = k.select(k.length - start > CHUNK, begin + CHUNK * k.bytes, k.step)

        def several(i: Value, *sums: Value) -> list[Value]:
            at, then = begin + i * k.bytes, following + i * k.bytes
            each = [sums[v * count : (v + 1) * count] for v in range(BESIDE)]
            for v in range(BESIDE):
                if not traffic.near:
                    for row in rows:
                        k.prefetch(row, then + v * k.vector)
                elif not traffic.past:
                    k.prefetch(result, at + v * k.vector, written=True)
            return [s for v, now in enumerate(each) for s in add(at + v * k.vector, None, *now)]

        sums = k.loop(0, whole, ahead, [k.splat(0.0)] * (BESIDE * count), several)
        each = [(sums[j] + sums[count + j]) + (sums[2 * count + j] + sums[3 * count + j]) for j in range(count)]
        rest = begin + whole * k.bytes
        each = k.over(here - whole, lambda offset, mask, *sums: add(rest + offset, mask, *sums), each)
        return [total + _wide(k, s) for total, s in zip(totals, each, strict=True)]

    return k.loop(0, k.length, CHUNK, list(totals), chunk)


def _nothing(k: Builder) -> Value:
    return _wide(k, k.splat(0.0))


def _over_rows(k: Builder, group: Value, count: int, of_row: Callable[..., Sequence[Value]]) -> list[Value]:
    """What of_row(row, offset in bytes, *totals) adds up to over the rows of a group, as numbers of float64."""

    def row(r: Value, *totals: Value) -> Sequence[Value]:
        return of_row(r, group * k.far + r * k.step, *totals)

    totals = k.loop(0, k.rows, 1, [_nothing(k)] * count, row)
    return [k.sum_of_lanes(total) for total in totals]


# --- forward ------------------------------------------------------------------------------------------------------


def _sample(k: Builder, group: Value) -> Value:
    """The mean of some elements in the middle of every row: what the mean may be near to."""
    few = k.least_of(k.length, k.greatest_of(k.word(CHUNK) // k.rows, k.lanes))
    start = (k.length - few) // 2 * k.bytes

    def row(r: Value, so_far: Value) -> list[Value]:
        at = k.at(k.x, group * k.far + r * k.step + start)
        return k.over(few, lambda offset, mask, sums: [sums + k.load(at, offset, mask=mask)], [so_far])

    [total] = k.loop(0, k.rows, 1, [k.splat(0.0)], row)
    return k.sum_of_lanes(total) / k.to_float(few * k.rows, k.float)


def _about(k: Builder, group: Value, pivot: Value, traffic: Traffic) -> tuple[Value, Value]:
    """Mean and variance of a group in float64, by the sums of X, D and D²; D = X - pivot."""
    middle, members = k.splat(pivot), k.from_bits(k.members)

    def row(r: Value, at: Value, *totals: Value) -> list[Value]:
        def add(offset: Value, mask: Value | None, total: Value, once: Value, twice: Value) -> list[Value]:
            x = k.load(k.x, at + offset, mask=mask)
            d = x - middle
            d = d if mask is None else k.select(mask, d, k.splat(0.0))
            return [total + x, once + d, k.multiply_add(d, d, twice)]

        return _sums(k, traffic, at, [k.x], k.y, totals, add)

    total, once, twice = _over_rows(k, group, 3, row)
    variance = (twice - once * once / members) / members
    nothing = Value(k, FLOATS["f8"](0.0))
    return total / members, k.select(variance < nothing, nothing, variance)


def _moments(k: Builder, group: Value, traffic: Traffic) -> tuple[Value, Value]:
    """Mean and variance of a group, in float64.

    Nothing cancels in V = (ΣD² - (ΣD)²/m)/m if the pivot is within σ/2 of the mean; else there is another round.
    """
    pivot = _sample(k, group)
    mean, variance = _about(k, group, pivot, traffic)
    off = mean - _wide(k, pivot)
    near = off * off * 4.0 <= variance
    done = k.select(near, k.word(1), k.word(0))
    [variance] = k.loop(done, 1, 1, [variance], lambda *_: _about(k, group, _own(k, mean), traffic)[1])
    return mean, variance


def _scale(k: Builder, variance: Value) -> Value:
    """1/√(V + ε), in float64"""
    one = Value(k, FLOATS["f8"](1.0))
    return one / k.of_kind("sqrt", variance + k.from_bits(k.eps))


def _write(k: Builder, group: Value, mean: Value, scale: Value, affine: str, biased: bool, traffic: Traffic) -> None:
    """Y = W·(X - μ)/σ + B; the difference comes first, so that nothing cancels."""
    middle = k.splat(mean)

    def row(i: Value) -> None:
        r = k.rows - 1 - i  # the rows that were read last are still near
        at, place = group * k.far + r * k.step, (group * k.of + r * k.on) % k.all * k.bytes
        x, y = k.at(k.x, at), k.at(k.y, at)
        own = k.splat(_own(k, scale * _wide(k, k.load_number(k.w, place)) if affine == "row" else scale))
        shift = k.splat(k.load_number(k.b, place)) if biased and affine == "row" else None

        def vector(offset: Value, mask: Value | None) -> None:
            by, to = own, shift
            if affine == "element":
                by = by * k.load(k.w, offset, mask=mask)
                to = k.load(k.b, offset, mask=mask) if biased else None
            d = k.load(x, offset, mask=mask) - middle
            if traffic.near:
                k.prefetch(x, offset + k.far)
            k.store(d * by if to is None else k.multiply_add(d, by, to), y, offset, mask=mask, past=traffic.past)

        k.over(k.length, vector)

    k.loop(0, k.rows, 1, [], row)


@kernel("x y w b mean variance", WORDS)
def normal(k: Builder, dtype: str, affine: str, biased: bool, traffic: Traffic, written: bool) -> None:
    """Mean and variance of each group and, if it is to be written, the output."""

    def group(g: Value) -> None:
        mean, variance = _moments(k, g, traffic)
        k.store(_own(k, mean), k.mean, g * k.bytes)
        k.store(_own(k, variance), k.variance, g * k.bytes)
        if written:
            _write(k, g, _own(k, mean), _scale(k, variance), affine, biased, traffic)

    k.loop(k.first, k.behind, 1, [], group)


@kernel("x y w b mean variance", WORDS)
def fixed_normal(k: Builder, dtype: str, affine: str, biased: bool, traffic: Traffic) -> None:
    """The output, by statistics that are given."""

    def group(g: Value) -> None:
        mean, variance = (k.load_number(array, g * k.bytes) for array in (k.mean, k.variance))
        _write(k, g, mean, _scale(k, _wide(k, variance)), affine, biased, traffic)

    k.loop(k.first, k.behind, 1, [], group)


# --- backward -----------------------------------------------------------------------------------------------------


@kernel("gy x gx w mean variance sums products scales", WORDS)
def normal_input(k: Builder, dtype: str, affine: str, rows: bool, fixed: bool, traffic: Traffic) -> None:
    """gX, and Σ gY and Σ gY·Z of each group, or of each of its rows (weighed by elements, if weights are)."""

    def weight(g: Value, r: Value) -> Value:
        return k.load_number(k.w, (g * k.of + r * k.on) % k.all * k.bytes)

    def group(g: Value) -> None:
        mean, variance = (k.load_number(array, g * k.bytes) for array in (k.mean, k.variance))
        scale, middle, members = _scale(k, _wide(k, variance)), k.splat(mean), k.from_bits(k.members)
        k.store(_own(k, scale), k.scales, g * k.bytes)

        def adding(at: Value) -> Callable[..., list[Value]]:
            def add(offset: Value, mask: Value | None, total: Value, product: Value) -> list[Value]:
                cotangent = k.load(k.at(k.gy, at), offset, mask=mask)
                if affine == "element":
                    cotangent = cotangent * k.load(k.w, offset, mask=mask)
                d = k.load(k.at(k.x, at), offset, mask=mask) - middle
                d = d if mask is None else k.select(mask, d, k.splat(0.0))
                return [total + cotangent, k.multiply_add(cotangent, d, product)]

            return add

        def of_row(r: Value, at: Value, *totals: Value) -> list[Value]:
            return _sums(k, traffic, at, [k.gy, k.x], k.gx, totals, adding(at))

        def keep(place: Value, total: Value, product: Value) -> None:
            k.store(total, k.sums, place * 8)
            k.store(product * scale, k.products, place * 8)

        if rows:
            zero = Value(k, FLOATS["f8"](0.0))

            def of_one(r: Value, total: Value, product: Value) -> list[Value]:
                vectors = of_row(r, g * k.far + r * k.step, _nothing(k), _nothing(k))
                own = [k.sum_of_lanes(vector) for vector in vectors]
                keep(g * k.rows + r, *own)
                w = _wide(k, weight(g, r)) if affine == "row" else 1.0
                return [total + own[0] * w, product + own[1] * w]

            total, product = k.loop(0, k.rows, 1, [zero, zero], of_one)
        else:
            total, product = _over_rows(k, g, 2, of_row)
            keep(g, total, product)
            if affine == "row":
                w = _wide(k, weight(g, k.word(0)))
                total, product = w * total, w * product
        # gX = W·gY/σ - mean(gZ)/σ - d·mean(gZ·d)/σ³
        shift = k.splat(_own(k, scale * total / members))
        slope = k.splat(_own(k, scale * scale * scale * product / members))

        def out(i: Value) -> None:
            r = k.rows - 1 - i  # the rows that were read last are still near
            at = g * k.far + r * k.step
            own = k.splat(_own(k, scale * _wide(k, weight(g, r)) if affine == "row" else scale))

            def vector(offset: Value, mask: Value | None) -> None:
                by = own * k.load(k.w, offset, mask=mask) if affine == "element" else own
                cotangent = k.load(k.at(k.gy, at), offset, mask=mask)
                if traffic.near:
                    for array in (k.gy, k.x):
                        k.prefetch(k.at(array, at), offset + k.far)
                if fixed:
                    found = cotangent * by
                else:
                    d = k.load(k.at(k.x, at), offset, mask=mask) - middle
                    found = k.multiply_add(-d, slope, k.multiply_add(cotangent, by, -shift))
                k.store(found, k.at(k.gx, at), offset, mask=mask, past=traffic.past)

            k.over(k.length, vector)

        k.loop(0, k.rows, 1, [], out)

    k.loop(k.first, k.behind, 1, [], group)


COLUMNS = 4  # vectors of columns that are summed together
DOWN = 128  # rows that are summed in their own type


@kernel("gy x mean scales sums products", "rows length")
def normal_weight(k: Builder, dtype: str) -> None:
    """Σ gY·Z and Σ gY over all groups, for each element of a row; an item is some columns."""

    def columns(item: Value, count: int, masks: list[Value | None]) -> None:
        start = item * (COLUMNS * k.vector)

        def some(r: Value, *totals: Value) -> list[Value]:
            def row(i: Value, *sums: Value) -> list[Value]:
                at = start + i * (k.length * k.bytes)
                middle, scale = (k.splat(k.load_number(array, i * k.bytes)) for array in (k.mean, k.scales))
                found = []
                for v in range(count):
                    offset = at + v * k.vector
                    g = k.load(k.gy, offset, mask=masks[v])
                    z = (k.load(k.x, offset, mask=masks[v]) - middle) * scale
                    found += [sums[2 * v] + g, k.multiply_add(g, z, sums[2 * v + 1])]
                return found

            here = k.least_of(r + DOWN, k.rows)
            sums = k.loop(r, here, 1, [k.splat(0.0)] * (2 * count), row)
            return [total + _wide(k, s) for total, s in zip(totals, sums, strict=True)]

        totals = k.loop(0, k.rows, DOWN, [_nothing(k)] * (2 * count), some)
        for v in range(count):
            for array, total in ((k.sums, totals[2 * v]), (k.products, totals[2 * v + 1])):
                k.store(_own(k, total), array, start + v * k.vector, mask=masks[v])

    def item(i: Value) -> None:
        first = i * (COLUMNS * k.lanes)
        rest = k.length - first
        k.either(
            rest >= COLUMNS * k.lanes,
            lambda: columns(i, COLUMNS, [None] * COLUMNS),
            lambda: columns(i, COLUMNS, [k.below(rest - v * k.lanes) for v in range(COLUMNS)]),
        )

    k.loop(k.first, k.behind, 1, [], item)


# --- calls --------------------------------------------------------------------------------------------------------


def statistics(x: np.ndarray, layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of each group"""
    if not fits(layout, x):
        return norms.statistics(x, layout)
    return _normal(x, layout, 0.0, None, None, written=False)[1:]


def normalised(
    x: np.ndarray, layout: Layout, eps: float, w: np.ndarray | None, b: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Y = W·(X - μ)/σ + B, σ = √(V + ε), with the statistics of the groups, which come too"""
    if not fits(layout, x, w, b):
        return norms.normalised(x, layout, eps, w, b)
    return _normal(x, layout, eps, w, b, written=True)


def _normal(
    x: np.ndarray, layout: Layout, eps: float, w: np.ndarray | None, b: np.ndarray | None, *, written: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    y, mean, variance = empty(x.shape if written else (0,), x.dtype), *_each_group(layout, x.dtype, 2)
    _start(normal, x, y, layout, mean, variance, eps, w, b, _traffic(y, layout, 1), written)
    return y, mean, variance


def standardised(
    x: np.ndarray, layout: Layout, mean: np.ndarray, variance: np.ndarray, eps: float,
    w: np.ndarray | None, b: np.ndarray | None,
) -> np.ndarray:  # fmt: skip
    """Y = W·(X - μ)/σ + B, σ = √(V + ε), by statistics that are given"""
    if not fits(layout, x, mean, variance, w, b):
        return norms.standardised(x, layout, mean, variance, eps, w, b)
    y = empty(x.shape, x.dtype)
    _start(fixed_normal, x, y, layout, mean, variance, eps, w, b, _traffic(y, layout, 1))
    return y


def _start(
    make: Callable[..., Kernel], x: np.ndarray, y: np.ndarray, layout: Layout, mean: np.ndarray, variance: np.ndarray,
    eps: float, w: np.ndarray | None, b: np.ndarray | None, *fixed: Traffic | bool,
) -> None:  # fmt: skip
    affine, biased, *parameters = weights_of(layout, x.dtype, w, b)
    numbers = *_reals(layout, eps), *shape_words(layout, x.itemsize)
    code = make(DTYPES[x.dtype], affine, biased, *fixed)
    workers.run(code, words(x, y, *parameters, mean, variance, *numbers), mean.size, seconds=2 * x.nbytes / SPEED)


def _traffic(y: np.ndarray, layout: Layout, arrays: int) -> Traffic:
    """For groups of so many arrays that are read; y is what is written."""
    near = y.nbytes > 0 and arrays * layout.members * y.itemsize <= NEAR
    return Traffic(near, goes_past(y, layout.shape[3] * y.itemsize))


def gradients(
    gy: np.ndarray, x: np.ndarray, layout: Layout, mean: np.ndarray, variance: np.ndarray, eps: float,
    w: np.ndarray | None, b: np.ndarray | None, *, fixed: bool = False,
) -> tuple[Any, ...]:  # fmt: skip
    """By X, W and B; where the statistics of whole channels are `fixed`, also by them."""
    if not fits(layout, x, gy, mean, variance, w, b) or (fixed and not layout.across):
        return norms.gradients(gy, x, layout, mean, variance, eps, w, b, fixed=fixed)
    gx, groups = empty(x.shape, x.dtype), mean.size
    affine, _, weight, _ = weights_of(layout, x.dtype, w, None)
    each = not layout.across and layout.shape[2] > 1 and 3 not in layout.affine
    sums, products = np.empty((2, groups, layout.shape[2] if each else 1))
    scales = np.empty(groups, x.dtype)
    arrays = gy, x, gx, weight, mean, variance, sums, products, scales
    numbers = *_reals(layout, eps), *shape_words(layout, x.itemsize)
    code = normal_input(DTYPES[x.dtype], affine, each, fixed, _traffic(gx, layout, 2))
    workers.run(code, words(*arrays, *numbers), groups, seconds=3 * x.nbytes / SPEED)
    gb, gw = _parameters(gy, x, layout, mean, scales, sums, products, w is not None or b is not None)
    found = (
        gx,
        None if w is None else gw.reshape(w.shape).astype(x.dtype),
        None if b is None else gb.reshape(b.shape).astype(x.dtype),
    )
    if not fixed:
        return found
    own = -1.0 if w is None else -w.astype(float)
    scale = 1 / np.sqrt(variance.reshape(-1) + np.float64(eps))
    by_mean, by_variance = own * scale * sums[:, 0], own * scale * scale * products[:, 0] / 2
    return *found, *(g.astype(x.dtype).reshape(mean.shape) for g in (by_mean, by_variance))


def _parameters(
    gy: np.ndarray, x: np.ndarray, layout: Layout, mean: np.ndarray, scales: np.ndarray,
    sums: np.ndarray, products: np.ndarray, wanted: bool,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Σ gY and Σ gY·Z for each weight."""
    if 3 not in layout.affine:
        if layout.across:
            return sums, products
        return sums.reshape(layout.shape[0], -1).sum(0), products.reshape(layout.shape[0], -1).sum(0)
    length = layout.shape[3]
    found = np.empty((2, length), x.dtype)
    if wanted:
        block = words(gy, x, mean, scales, *found, mean.size, length)
        code = normal_weight(DTYPES[x.dtype])
        items = -(-length // (COLUMNS * host().vector // x.itemsize))
        workers.run(code, block, items, seconds=2 * x.nbytes / SPEED)
    return found[0], found[1]


def fits(layout: Layout, *arrays: np.ndarray | None) -> bool:
    """Whether there are kernels for these arrays."""
    dtypes = {a.dtype for a in arrays if a is not None}
    return len(dtypes) == 1 and dtypes <= set(DTYPES) and math.prod(layout.shape) > 0 and layout.shape[3] >= SHORT


def _each_group(layout: Layout, dtype: np.dtype, count: int) -> list[np.ndarray]:
    return [np.empty(layout.of_groups, dtype) for _ in range(count)]


def weights_of(layout: Layout, dtype: np.dtype, w: np.ndarray | None, b: np.ndarray | None) -> tuple[Any, ...]:
    """What weights belong to, whether there is a bias, and both; a bias alone has weights 1."""
    if w is None and b is None:
        return "none", False, 0, 0
    w = np.ones_like(b) if w is None else w
    return "element" if 3 in layout.affine else "row", b is not None, w, 0 if b is None else b


def _reals(layout: Layout, eps: float) -> tuple[int, int]:
    return struct.unpack("qq", struct.pack("dd", eps, layout.members))  # type: ignore[return-value]


def shape_words(layout: Layout, itemsize: int) -> tuple[int, ...]:
    """The words of SHAPE."""
    a, b, c, length = layout.shape
    row = length * itemsize
    return (a, length, row, b * row, 1, 0, b) if layout.across else (c, length, c * row, row, c, 1, b * c)
