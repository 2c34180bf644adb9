"""Normalisation by generated kernels; NumPy where there are none: for short rows, and other types.

A group is rows that lie behind one another in equal steps. At most CHUNK elements are summed in vectors of their own
type, and these sums in float64, in an order that the sizes alone decide. So a sum of terms that are rounded r times
each is off by at most γ(r + SUMMED)·Σ|…|, γ(k) = k·u/(1 - k·u), and for float64 k is greater by the number of chunks.

The variance is corrected for the rounding of the mean: V = (Σd² - (Σd)²/m)/m, d = X - μ, is as exact as if μ were.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from convmath.kernels import norms
from convmath.kernels.norms import Layout

from . import workers
from .builder import FLOATS, Builder, Value, words
from .compile import kernel
from .host import host
from .memory import empty

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

DTYPES = {np.dtype(np.float32): "f4", np.dtype(np.float64): "f8"}
CHUNK = 1024  # elements that are summed in their own type
AHEAD = 4  # sums that run side by side
SUMMED = CHUNK // (AHEAD * 2) + AHEAD  # sums that an element goes through at most, with vectors of two numbers
SHORT = 4  # elements of rows for which lanes are not worth it
SPEED = 8e9  # bytes a second, about: only to see what is worth sharing

# the rows of a group, their length and bytes from one group and one row to the next; row r of group g has the weight
# g·of + r·on mod all
SHAPE = "rows length far step of on all"
AFFINE = ("none", "row", "element")


# --- sums ---------------------------------------------------------------------------------------------------------


def _wide(k: Builder, value: Value) -> Value:
    """In float64."""
    return value if k.dtype == "f8" else k.widened(value)


def _own(k: Builder, value: Value) -> Value:
    """A number of float64 in the type of the kernel."""
    return value if k.dtype == "f8" else k.narrowed(value)


def _real(k: Builder, pointer: Value, place: int) -> Value:
    return k.from_bits(k.load_word(pointer, 8 * place))


def _sums(k: Builder, length: Value, totals: Sequence[Value], add: Callable[..., Sequence[Value]]) -> list[Value]:
    """The totals, vectors of float64, with those of a row.

    add(offset in bytes, mask, *sums) gives the sums with what is there, which is 0 where it is masked.
    """
    count = len(totals)

    def chunk(start: Value, *totals: Value) -> list[Value]:
        begin, here = start * k.bytes, k.least_of(length - start, CHUNK)
        ahead = AHEAD * k.lanes
        whole = here & -ahead

        def several(i: Value, *sums: Value) -> list[Value]:
            at = begin + i * k.bytes
            each = [sums[v * count : (v + 1) * count] for v in range(AHEAD)]
            return [s for v, now in enumerate(each) for s in add(at + v * k.vector, None, *now)]

        sums = k.loop(0, whole, ahead, [k.splat(0.0)] * (AHEAD * count), several)
        each = [(sums[j] + sums[count + j]) + (sums[2 * count + j] + sums[3 * count + j]) for j in range(count)]
        rest = begin + whole * k.bytes
        each = k.over(here - whole, lambda offset, mask, *sums: add(rest + offset, mask, *sums), each)
        return [total + _wide(k, s) for total, s in zip(totals, each, strict=True)]

    return k.loop(0, length, CHUNK, list(totals), chunk)


def _nothing(k: Builder) -> Value:
    return _wide(k, k.splat(0.0))


def _over_rows(k: Builder, group: Value, count: int, of_row: Callable[..., Sequence[Value]]) -> list[Value]:
    """What of_row(row, offset in bytes, *totals) adds up to over the rows of a group, as numbers of float64."""

    def row(r: Value, *totals: Value) -> Sequence[Value]:
        return of_row(r, group * k.far + r * k.step, *totals)

    totals = k.loop(0, k.rows, 1, [_nothing(k)] * count, row)
    return [k.sum_of_lanes(total) for total in totals]


# --- forward ------------------------------------------------------------------------------------------------------


def _moments(k: Builder, group: Value) -> tuple[Value, Value]:
    """Mean and variance of a group, in float64."""
    members = _real(k, k.real, 1)

    def first(r: Value, at: Value, *totals: Value) -> list[Value]:
        return _sums(k, k.length, totals, lambda offset, mask, so_far: [so_far + k.load(k.x, at + offset, mask=mask)])

    (total,) = _over_rows(k, group, 1, first)
    mean = total / members
    middle = k.splat(_own(k, mean))

    def second(r: Value, at: Value, *totals: Value) -> list[Value]:
        def add(offset: Value, mask: Value | None, once: Value, twice: Value) -> list[Value]:
            d = k.load(k.x, at + offset, mask=mask) - middle
            d = d if mask is None else k.select(mask, d, k.splat(0.0))
            return [once + d, k.multiply_add(d, d, twice)]

        return _sums(k, k.length, totals, add)

    once, twice = _over_rows(k, group, 2, second)
    variance = (twice - once * once / members) / members
    nothing = Value(k, FLOATS["f8"](0.0))
    return mean, k.select(variance < nothing, nothing, variance)


def _scale(k: Builder, variance: Value) -> Value:
    """1/√(V + ε), in float64"""
    one = Value(k, FLOATS["f8"](1.0))
    return one / k.of_kind("sqrt", variance + _real(k, k.real, 0))


def _write(k: Builder, group: Value, mean: Value, scale: Value, affine: str, biased: bool) -> None:
    """Y = W·(X - μ)/σ + B; the difference comes first, so that nothing cancels."""
    middle = k.splat(mean)

    def row(r: Value) -> None:
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
            k.store(d * by if to is None else k.multiply_add(d, by, to), y, offset, mask=mask)

        k.over(k.length, vector)

    k.loop(0, k.rows, 1, [], row)


@kernel("x y w b mean variance real", SHAPE)
def normal(k: Builder, dtype: str, affine: str, biased: bool, written: bool) -> None:
    """Mean and variance of each group and, if it is to be written, the output."""

    def group(g: Value) -> None:
        mean, variance = _moments(k, g)
        k.store(_own(k, mean), k.mean, g * k.bytes)
        k.store(_own(k, variance), k.variance, g * k.bytes)
        if written:
            _write(k, g, _own(k, mean), _scale(k, variance), affine, biased)

    k.loop(k.first, k.behind, 1, [], group)


@kernel("x y w b mean variance real", SHAPE)
def fixed_normal(k: Builder, dtype: str, affine: str, biased: bool) -> None:
    """The output, by statistics that are given."""

    def group(g: Value) -> None:
        mean, variance = (k.load_number(array, g * k.bytes) for array in (k.mean, k.variance))
        _write(k, g, mean, _scale(k, _wide(k, variance)), affine, biased)

    k.loop(k.first, k.behind, 1, [], group)


# --- backward -----------------------------------------------------------------------------------------------------


@kernel("gy x gx w mean variance real sums products scales", SHAPE)
def normal_input(k: Builder, dtype: str, affine: str, rows: bool, fixed: bool) -> None:
    """gX, and Σ gY and Σ gY·Z of each group, or of each of its rows (weighed by elements, if weights are)."""

    def weight(g: Value, r: Value) -> Value:
        return k.load_number(k.w, (g * k.of + r * k.on) % k.all * k.bytes)

    def group(g: Value) -> None:
        mean, variance = (k.load_number(array, g * k.bytes) for array in (k.mean, k.variance))
        scale, middle, members = _scale(k, _wide(k, variance)), k.splat(mean), _real(k, k.real, 1)
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
            return _sums(k, k.length, totals, adding(at))

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

        def out(r: Value) -> None:
            at = g * k.far + r * k.step
            own = k.splat(_own(k, scale * _wide(k, weight(g, r)) if affine == "row" else scale))

            def vector(offset: Value, mask: Value | None) -> None:
                by = own * k.load(k.w, offset, mask=mask) if affine == "element" else own
                cotangent = k.load(k.at(k.gy, at), offset, mask=mask)
                if fixed:
                    found = cotangent * by
                else:
                    d = k.load(k.at(k.x, at), offset, mask=mask) - middle
                    found = k.multiply_add(-d, slope, k.multiply_add(cotangent, by, -shift))
                k.store(found, k.at(k.gx, at), offset, mask=mask)

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
    affine, biased, *parameters = weights_of(layout, x.dtype, w, b)
    real = _reals(layout, eps)
    block = words(x, y, *parameters, mean, variance, real, *shape_words(layout, x.itemsize))
    code = normal(DTYPES[x.dtype], affine, biased, written)
    workers.run(code, block, mean.size, seconds=2 * x.nbytes / SPEED)
    return y, mean, variance


def standardised(
    x: np.ndarray, layout: Layout, mean: np.ndarray, variance: np.ndarray, eps: float,
    w: np.ndarray | None, b: np.ndarray | None,
) -> np.ndarray:  # fmt: skip
    """Y = W·(X - μ)/σ + B, σ = √(V + ε), by statistics that are given"""
    if not fits(layout, x, mean, variance, w, b):
        return norms.standardised(x, layout, mean, variance, eps, w, b)
    y = empty(x.shape, x.dtype)
    affine, biased, *parameters = weights_of(layout, x.dtype, w, b)
    real = _reals(layout, eps)
    block = words(x, y, *parameters, mean, variance, real, *shape_words(layout, x.itemsize))
    code = fixed_normal(DTYPES[x.dtype], affine, biased)
    workers.run(code, block, mean.size, seconds=2 * x.nbytes / SPEED)
    return y


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
    arrays = gy, x, gx, weight, mean, variance, _reals(layout, eps), sums, products, scales
    code = normal_input(DTYPES[x.dtype], affine, each, fixed)
    workers.run(code, words(*arrays, *shape_words(layout, x.itemsize)), groups, seconds=3 * x.nbytes / SPEED)
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


def _reals(layout: Layout, eps: float) -> np.ndarray:
    return np.array([eps, layout.members], float)


def shape_words(layout: Layout, itemsize: int) -> tuple[int, ...]:
    """The words of SHAPE."""
    a, b, c, length = layout.shape
    row = length * itemsize
    return (a, length, row, b * row, 1, 0, b) if layout.across else (c, length, c * row, row, c, 1, b * c)
