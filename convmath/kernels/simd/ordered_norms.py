"""Normalisation with the bits that `kernels.norms` has within `exact_order`, by generated kernels.

Each formula is that of `kernels.norms`, operation by operation, and each sum one of `kernels.ordered.total`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from convmath.kernels import norms
from convmath.kernels.norms import Layout

from . import sixteen, workers
from .builder import Builder, Value, words
from .compile import kernel
from .host import host
from .memory import empty
from .norms import DTYPES, SHAPE, SPEED, fits, shape_words, weights_of

__all__ = ["gradients", "normalised", "standardised", "statistics"]

Terms = Callable[[Value, Value | None], list[Value]]

COLUMNS = 4  # vectors of columns that are summed together


# --- what they have in common -------------------------------------------------------------------------------------


def _over_rows(k: Builder, group: Value, count: int, of_row: Callable[[Value, Value], Terms]) -> list[Value]:
    """The sums of so many terms over a group; of_row(row, offset in bytes) gives those of a row."""

    def row(r: Value, *sums: Value) -> list[Value]:
        return sixteen.over(k, k.length, of_row(r, group * k.far + r * k.step), sums)

    sums = k.loop(0, k.rows, 1, sixteen.nothing(k, count), row)
    each = len(sums) // count
    return [sixteen.total(k, sums[one * each : (one + 1) * each]) for one in range(count)]


def _at(k: Builder, array: Value, offset: Value, mask: Value | None, outside: Value | None = None) -> Value:
    """What stands there, and something else where nothing is loaded."""
    found = k.load(array, offset, mask=mask)
    return found if mask is None or outside is None else k.select(mask, found, outside)


def _deviation(k: Builder, variance: Value) -> Value:
    """σ = √(V + ε)"""
    return k.of_kind("sqrt", variance + k.load_number(k.real))


def _members(k: Builder) -> Value:
    return k.load_number(k.real, k.bytes)


def _statistics(k: Builder, group: Value) -> tuple[Value, Value]:
    mean, variance = (k.load_number(array, group * k.bytes) for array in (k.mean, k.variance))
    return k.splat(mean), k.splat(_deviation(k, variance))


def _place(k: Builder, group: Value, row: Value) -> Value:
    """The bytes before the weight of a row."""
    return (group * k.of + row * k.on) % k.all * k.bytes


# --- forward ------------------------------------------------------------------------------------------------------


def _moments(k: Builder, group: Value) -> tuple[Value, Value]:
    members = _members(k)
    (total,) = _over_rows(k, group, 1, lambda r, at: lambda offset, mask: [k.load(k.x, at + offset, mask=mask)])
    mean = total / members
    middle = k.splat(mean)

    def of_row(r: Value, at: Value) -> Terms:
        def terms(offset: Value, mask: Value | None) -> list[Value]:
            d = _at(k, k.x, at + offset, mask, middle) - middle
            return [d, d * d]

        return terms

    once, twice = _over_rows(k, group, 2, of_row)
    rounded = once / members
    variance = twice / members - rounded * rounded
    return mean, k.select(variance < 0.0, k.number(0.0), variance)


def _write(k: Builder, group: Value, middle: Value, deviation: Value, affine: str, biased: bool) -> None:
    """Y = W·(X - μ)/σ + B"""

    def row(r: Value) -> None:
        at, place = group * k.far + r * k.step, _place(k, group, r)
        by, to = (k.splat(k.load_number(array, place)) if affine == "row" else None for array in (k.w, k.b))

        def vector(offset: Value, mask: Value | None) -> None:
            y = (k.load(k.x, at + offset, mask=mask) - middle) / deviation
            if affine != "none":
                y = y * (by or k.load(k.w, offset, mask=mask))
            if biased:
                y = y + (to or k.load(k.b, offset, mask=mask))
            k.store(y, k.y, at + offset, mask=mask)

        k.over(k.length, vector)

    k.loop(0, k.rows, 1, [], row)


@kernel("x y w b mean variance real", SHAPE)
def normal(k: Builder, dtype: str, affine: str, biased: bool, written: bool) -> None:
    """Mean and variance of each group and, if it is to be written, the output."""

    def group(g: Value) -> None:
        mean, variance = _moments(k, g)
        k.store(mean, k.mean, g * k.bytes)
        k.store(variance, k.variance, g * k.bytes)
        if written:
            _write(k, g, k.splat(mean), k.splat(_deviation(k, variance)), affine, biased)

    k.loop(k.first, k.behind, 1, [], group)


@kernel("x y w b mean variance real", SHAPE)
def fixed_normal(k: Builder, dtype: str, affine: str, biased: bool) -> None:
    """The output, by statistics that are given."""
    k.loop(k.first, k.behind, 1, [], lambda g: _write(k, g, *_statistics(k, g), affine, biased))


# --- backward -----------------------------------------------------------------------------------------------------


@kernel("gy x gx w mean variance real by_mean by_variance", SHAPE)
def normal_input(k: Builder, dtype: str, affine: str, fixed: bool) -> None:
    """gX = (gZ - mean gZ - Z·mean(gZ·Z))/σ; gZ/σ, and the gradients by the statistics, where they are fixed"""

    def group(g: Value) -> None:
        middle, deviation = _statistics(k, g)

        def of_row(r: Value, at: Value) -> Callable[[Value, Value | None], tuple[Value, Value]]:
            own = k.splat(k.load_number(k.w, _place(k, g, r))) if affine == "row" else None

            def both(offset: Value, mask: Value | None) -> tuple[Value, Value]:
                """gZ and Z"""
                gz = k.load(k.gy, at + offset, mask=mask)
                if affine != "none":
                    gz = gz * (own or k.load(k.w, offset, mask=mask))
                return gz, (_at(k, k.x, at + offset, mask, middle) - middle) / deviation

            return both

        def sums_of_row(r: Value, at: Value) -> Terms:
            both = of_row(r, at)

            def terms(offset: Value, mask: Value | None) -> list[Value]:
                gz, z = both(offset, mask)
                gx = gz / deviation
                found = [gx, gx * z / deviation] if fixed else [gz, gz * z]
                return found if mask is None else [k.select(mask, term, k.splat(0.0)) for term in found]

            return terms

        total, product = _over_rows(k, g, 2, sums_of_row)
        shift, slope = (k.splat(s / _members(k)) for s in (total, product))
        if fixed:
            k.store(-total, k.by_mean, g * k.bytes)
            k.store(-product / 2.0, k.by_variance, g * k.bytes)

        def out(r: Value) -> None:
            at = g * k.far + r * k.step
            both = of_row(r, at)

            def vector(offset: Value, mask: Value | None) -> None:
                gz, z = both(offset, mask)
                k.store((gz if fixed else gz - shift - z * slope) / deviation, k.gx, at + offset, mask=mask)

            k.over(k.length, vector)

        k.loop(0, k.rows, 1, [], out)

    k.loop(k.first, k.behind, 1, [], group)


@kernel("gy x mean variance real products sums", "images all length groups each")
def of_rows(k: Builder, dtype: str) -> None:
    """Σ gY·Z and Σ gY for each row that has a weight, over the images; an image has `groups` of `each` rows."""

    def row(a: Value) -> None:
        def image(v: Value, *sums: Value) -> list[Value]:
            middle, deviation = _statistics(k, v * k.groups + a // k.each)
            at = (v * k.all + a) * (k.length * k.bytes)

            def terms(offset: Value, mask: Value | None) -> list[Value]:
                g = k.load(k.gy, at + offset, mask=mask)
                return [g * ((_at(k, k.x, at + offset, mask, middle) - middle) / deviation), g]

            return sixteen.over(k, k.length, terms, sums)

        sums = k.loop(0, k.images, 1, sixteen.nothing(k, 2), image)
        half = len(sums) // 2
        for array, own in ((k.products, sums[:half]), (k.sums, sums[half:])):
            k.store(sixteen.total(k, own), array, a * k.bytes)

    k.loop(k.first, k.behind, 1, [], row)


@kernel("gy x mean variance real products sums", "rows length")
def of_elements(k: Builder, dtype: str) -> None:
    """Σ gY·Z and Σ gY for each element of a row, one row after the other; an item is some columns."""

    def columns(start: Value, masks: list[Value | None]) -> None:
        def row(i: Value, *sums: Value) -> list[Value]:
            at = start + i * (k.length * k.bytes)
            middle, deviation = _statistics(k, i)
            found = []
            for v, mask in enumerate(masks):
                g = k.load(k.gy, at + v * k.vector, mask=mask)
                z = (_at(k, k.x, at + v * k.vector, mask, middle) - middle) / deviation
                found += [sums[2 * v] + g * z, sums[2 * v + 1] + g]
            return found

        found = k.loop(0, k.rows, 1, [k.splat(0.0)] * (2 * COLUMNS), row)
        for v, mask in enumerate(masks):
            k.store(found[2 * v], k.products, start + v * k.vector, mask=mask)
            k.store(found[2 * v + 1], k.sums, start + v * k.vector, mask=mask)

    def item(i: Value) -> None:
        first = i * (COLUMNS * k.lanes)
        rest = k.length - first
        k.either(
            rest >= COLUMNS * k.lanes,
            lambda: columns(first * k.bytes, [None] * COLUMNS),
            lambda: columns(first * k.bytes, [k.below(rest - v * k.lanes) for v in range(COLUMNS)]),
        )

    k.loop(k.first, k.behind, 1, [], item)


# --- calls --------------------------------------------------------------------------------------------------------


def statistics(x: np.ndarray, layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of each group"""
    return _normal(x, layout, 0.0, None, None, written=False)[1:] if fits(layout, x) else norms.statistics(x, layout)


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
    y, mean, variance = empty(x.shape if written else (0,), x.dtype), *np.empty((2, *layout.of_groups), x.dtype)
    affine, biased, *arrays = weights_of(layout, x.dtype, w, b)
    real = _reals(layout, eps, x.dtype)
    block = words(x, y, *arrays, mean, variance, real, *shape_words(layout, x.itemsize))
    workers.run(normal(DTYPES[x.dtype], affine, biased, written), block, mean.size, seconds=2 * x.nbytes / SPEED)
    return y, mean, variance


def standardised(
    x: np.ndarray, layout: Layout, mean: np.ndarray, variance: np.ndarray, eps: float,
    w: np.ndarray | None, b: np.ndarray | None,
) -> np.ndarray:  # fmt: skip
    """Y = W·(X - μ)/σ + B, σ = √(V + ε), by statistics that are given"""
    if not fits(layout, x, mean, variance, w, b):
        return norms.standardised(x, layout, mean, variance, eps, w, b)
    y = empty(x.shape, x.dtype)
    affine, biased, *arrays = weights_of(layout, x.dtype, w, b)
    real = _reals(layout, eps, x.dtype)
    block = words(x, y, *arrays, mean, variance, real, *shape_words(layout, x.itemsize))
    workers.run(fixed_normal(DTYPES[x.dtype], affine, biased), block, mean.size, seconds=2 * x.nbytes / SPEED)
    return y


def gradients(
    gy: np.ndarray, x: np.ndarray, layout: Layout, mean: np.ndarray, variance: np.ndarray, eps: float,
    w: np.ndarray | None, b: np.ndarray | None, *, fixed: bool = False,
) -> tuple[Any, ...]:  # fmt: skip
    """By X, W and B; where the statistics of whole channels are `fixed`, also by them."""
    if not fits(layout, x, gy, mean, variance, w, b):
        return norms.gradients(gy, x, layout, mean, variance, eps, w, b, fixed=fixed)
    gx, by = empty(x.shape, x.dtype), np.empty((2, *mean.shape), x.dtype)
    affine, _, weight, _ = weights_of(layout, x.dtype, w, None)
    real = _reals(layout, eps, x.dtype)
    block = words(gy, x, gx, weight, mean, variance, real, *by, *shape_words(layout, x.itemsize))
    workers.run(normal_input(DTYPES[x.dtype], affine, fixed), block, mean.size, seconds=3 * x.nbytes / SPEED)
    gw = gb = None
    if w is not None or b is not None:
        products, sums = _of_parameters(gy, x, layout, mean, variance, real)
        gw, gb = (None if p is None else own.reshape(p.shape) for p, own in ((w, products), (b, sums)))
    return (gx, gw, gb, *by) if fixed else (gx, gw, gb)


def _of_parameters(
    gy: np.ndarray, x: np.ndarray, layout: Layout, mean: np.ndarray, variance: np.ndarray, real: np.ndarray
) -> np.ndarray:
    """Σ gY·Z and Σ gY for each weight."""
    images, groups, each, length = layout.shape
    arrays = gy, x, mean, variance, real
    if 3 in layout.affine:
        found = np.empty((2, length), x.dtype)
        block, code = words(*arrays, *found, mean.size, length), of_elements(DTYPES[x.dtype])
        items = -(-length // (COLUMNS * host().vector // x.itemsize))
    else:
        found = np.empty((2, items := groups * each), x.dtype)
        # a group that goes through the whole batch has no statistics of its own in an image
        shape = images, items, length, 0 if layout.across else groups, each
        block, code = words(*arrays, *found, *shape), of_rows(DTYPES[x.dtype])
    workers.run(code, block, items, seconds=2 * x.nbytes / SPEED)
    return found


def _reals(layout: Layout, eps: float, dtype: np.dtype) -> np.ndarray:
    """ε and the number of members, in the type that is computed in."""
    return np.array([eps, layout.members], dtype)
