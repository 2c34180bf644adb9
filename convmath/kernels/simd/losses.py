"""Softmax, its logarithm and their gradients by generated kernels; those of `kernels.losses` where there are none.

Classes are in the lanes where their axis is the last one, else the positions behind it. exp is that of `exponential`
and log that of `kernels.elementary`, at most 1 ulp off; a sum of n is off by at most γ(n)·Σ|…|, γ(n) = n·u/(1 - n·u).
Exact kernels have the bits of `kernels.losses` within `exact_order`: a sum is one of `kernels.ordered`, and what is
divided there is divided here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce

import numpy as np

from convmath.kernels import losses
from convmath.kernels.elementary import emit
from convmath.kernels.order import in_exact_order

from . import sixteen, workers
from .builder import DTYPES, WORD, Builder, Value, words
from .compile import Kernel, kernel
from .exponential import exp
from .memory import empty

__all__ = ["log_softmax", "log_softmax_input", "of_softmax", "softmax", "softmax_input"]

BESIDE = 4  # vectors whose greatest are found side by side
TOGETHER = 4  # registers that are worked on together
LONG = 512  # classes or positions from which on that is worth it
SHORT = 4  # positions for which lanes are not worth it
ROWS = 16  # rows of an item
SPEED = 30e9  # bytes a second, about: only to see what is worth sharing

SHAPE = "outer classes inner"
Emit = Callable[..., Value]


# --- the two ways through an array --------------------------------------------------------------------------------


class _Along:
    """One sum or maximum over classes: what is carried is a vector, whose lanes are classes or positions.

    `over(body, carried)` goes through the classes with body(offset in bytes, mask, *carried); `greatest` makes one
    number of a vector of classes, in every lane. Of arrays with one number for each position, this one's is at `place`.
    """

    def __init__(self, k: Builder, rows: bool, start: Value, place: Value, mask: Value | None):
        self.k, self.rows, self.start, self.place, self.mask = k, rows, start, place, mask

    def over(self, body: Callable[..., list[Value]], carried: list[Value]) -> list[Value]:
        k = self.k
        if self.rows:
            return k.over(k.classes, lambda offset, mask, *now: body(self.start + offset, mask, *now), carried)
        step = k.inner * k.bytes
        return k.loop(0, k.classes, 1, carried, lambda c, *now: body(self.start + c * step, self.mask, *now))

    def total(self, term: Callable[[Value, Value | None], Value]) -> Value:
        """The sum of term(offset in bytes, mask), which is 0 where it is masked."""
        k = self.k
        if self.rows and k.exact:
            terms = lambda offset, mask: [term(self.start + offset, mask)]  # noqa: E731
            return k.splat(sixteen.total(k, sixteen.over(k, k.classes, terms, sixteen.nothing(k))))
        [found] = self.over(lambda offset, mask, so_far: [so_far + term(offset, mask)], [k.splat(0.0)])
        return k.splat(k.sum_of_lanes(found)) if self.rows else found

    def given(self, array: Value) -> Value:
        """The number of the position, in every lane where those are classes."""
        k = self.k
        return k.splat(k.load_number(array, self.place)) if self.rows else k.load(array, self.place, mask=self.mask)

    def keep(self, value: Value, array: Value) -> None:
        k = self.k
        k.store(k.lane(value, 0) if self.rows else value, array, self.place, mask=self.mask)

    def target(self) -> Value:
        """The place of the target's element (of a row), or the number of the target of each position."""
        k = self.k
        word = self.place // k.bytes * 8
        if self.rows:
            return self.start + k.load_word(k.target, word) * k.bytes
        found = k.load_integers(WORD, k.target, word, mask=self.mask)
        return found if k.integer == WORD else k.resized(found, k.integer)

    def most(self) -> Value:
        """The greatest of k.x; a zero is +0, whichever came first.

        Several are found side by side: one comparison takes longer than the next vector.
        """
        k = self.k
        step = k.vector if self.rows else k.inner * k.bytes
        each = k.lanes if self.rows else 1
        beside = BESIDE * each
        whole = k.classes // beside * beside

        def several(c: Value, *so_far: Value) -> list[Value]:
            at = self.start + c // each * step
            return [k.greater(most, k.load(k.x, at + v * step, mask=self.mask)) for v, most in enumerate(so_far)]

        def one(c: Value, so_far: Value) -> list[Value]:
            mask = k.below(k.classes - c) if self.rows else self.mask
            return [k.greater(so_far, k.load(k.x, self.start + c // each * step, mask=mask, outside=-math.inf))]

        found = k.loop(0, whole, beside, [k.splat(-math.inf)] * BESIDE, several)
        [most] = k.loop(whole, k.classes, each, [reduce(k.greater, found)], one)
        return self.greatest(most) + 0.0

    def greatest(self, vector: Value) -> Value:
        k, lanes = self.k, vector.lanes
        if not self.rows:
            return vector
        while lanes > 1:
            lanes //= 2
            upper = k.shuffle(vector, vector, range(lanes, 2 * lanes))
            vector = k.greater(k.shuffle(vector, vector, range(lanes)), upper)
        return k.splat(k.lane(vector, 0))


def _each(k: Builder, rows: bool, body: Callable[[_Along], None]) -> None:
    """The body for each row, or each vector of positions."""
    if rows:

        def row(i: Value) -> None:
            body(_Along(k, True, i * (k.classes * k.bytes), i * k.bytes, None))

        k.loop(k.first * ROWS, k.least_of(k.behind * ROWS, k.outer), 1, [], row)
        return

    def plane(i: Value) -> None:
        row = i * (k.inner * k.bytes)
        k.over(k.inner, lambda offset, mask: body(_Along(k, False, row * k.classes + offset, row + offset, mask)))

    k.loop(k.first, k.behind, 1, [], plane)


def _widen(k: Builder, long: bool) -> None:
    """Where lines of lanes are long, several registers are worked on together."""
    if long:
        k.in_registers(TOGETHER)


def _outside(k: Builder, value: Value, mask: Value | None, stands: float) -> Value:
    """What stands where nothing is loaded."""
    return value if mask is None else k.select(mask, value, k.splat(stands))


# --- code ---------------------------------------------------------------------------------------------------------


@kernel("x y", SHAPE)
def forward(k: Builder, dtype: str, rows: bool, long: bool, logarithm: bool) -> None:
    """exp(X - M)/S, or X - M - log S; M the greatest, S the sum of exponentials."""
    _widen(k, long)

    def body(along: _Along) -> None:
        most = along.most()

        def exponential(offset: Value, mask: Value | None) -> Value:
            e = exp(k, k.load(k.x, offset, mask=mask) - most)
            if not logarithm:
                k.store(e, k.y, offset, mask=mask)
            return _outside(k, e, mask, 0.0)

        total = along.total(exponential)
        change = emit(k, "log", total) if logarithm else total if k.exact else k.splat(1.0) / total

        def write(offset: Value, mask: Value | None) -> list[Value]:
            if logarithm:
                found = k.load(k.x, offset, mask=mask) - most - change
            else:
                e = k.load(k.y, offset, mask=mask)
                found = e / change if k.exact else e * change
            k.store(found, k.y, offset, mask=mask)
            return []

        along.over(write, [])

    _each(k, rows, body)


@kernel("g y out", SHAPE)
def backward(k: Builder, dtype: str, rows: bool, long: bool, logarithm: bool) -> None:
    """Y·(gY - Σ gY·Y), or gZ - exp(Z)·Σ gZ"""
    _widen(k, long)

    def body(along: _Along) -> None:
        def term(offset: Value, mask: Value | None) -> Value:
            g = k.load(k.g, offset, mask=mask)
            return g if logarithm else g * k.load(k.y, offset, mask=mask)

        total = along.total(term)

        def write(offset: Value, mask: Value | None) -> list[Value]:
            g, y = k.load(k.g, offset, mask=mask), k.load(k.y, offset, mask=mask)
            found = g - exp(k, y) * total if logarithm else y * (g - total)
            k.store(found, k.out, offset, mask=mask)
            return []

        along.over(write, [])

    _each(k, rows, body)


@kernel("x target weight found", SHAPE)
def by_class(k: Builder, dtype: str, rows: bool, long: bool, weighed: bool) -> None:
    """-W·log softmax(X)[T] for each position, and what its gradient needs: M and log S, one behind the other"""
    _widen(k, long)
    each = k.outer * k.inner * k.bytes
    values, greatest, logarithms = (k.at(k.found, each * place) for place in range(3))

    def finish(place: Value, mask: Value | None, chosen: Value, most: Value, total: Value) -> None:
        logarithm = emit(k, "log", total)
        z = chosen - most - logarithm
        k.store(-k.load(k.weight, place, mask=mask) * z if weighed else -z, values, place, mask=mask)
        k.store(most, greatest, place, mask=mask)
        k.store(logarithm, logarithms, place, mask=mask)

    def body(along: _Along) -> None:
        most, target = along.most(), along.target()

        def exponential(offset: Value, mask: Value | None) -> Value:
            return _outside(k, exp(k, k.load(k.x, offset, mask=mask) - most), mask, 0.0)

        if rows:
            along.keep(k.splat(k.load_number(k.x, target)), values)
            along.keep(most, greatest)
            along.keep(along.total(exponential), logarithms)
            return

        def add(offset: Value, mask: Value | None, so_far: Value, chosen: Value, c: Value) -> list[Value]:
            x = k.load(k.x, offset, mask=mask)
            e = _outside(k, exp(k, x - most), mask, 0.0)
            return [so_far + e, k.select(target.equals(c), x, chosen), c + 1]

        total, chosen, _ = along.over(add, [k.splat(0.0)] * 2 + [k.integers(k.integer, [0] * k.lanes)])
        finish(along.place, along.mask, chosen, most, total)

    _each(k, rows, body)
    if rows:  # of many rows at once: a logarithm takes as long for a vector as for a number
        begin = k.first * ROWS

        def some(offset: Value, mask: Value | None) -> None:
            place = begin * k.bytes + offset
            finish(
                place, mask, *(k.load(array, place, mask=mask, outside=1.0) for array in (values, greatest, logarithms))
            )

        k.over(k.least_of(k.behind * ROWS, k.outer) - begin, some)


@kernel("x target g found out", SHAPE)
def by_class_back(k: Builder, dtype: str, rows: bool, long: bool, each: bool) -> None:
    """(softmax(X) - [c = T])·g, g a number for `each` position, or one for all"""
    _widen(k, long)
    for_all, behind = k.splat(0.0 if each else k.load_number(k.g)), k.outer * k.inner * k.bytes
    greatest, logarithms = (k.at(k.found, behind * place) for place in (1, 2))

    def body(along: _Along) -> None:
        g, most, logarithm = along.given(k.g) if each else for_all, along.given(greatest), along.given(logarithms)
        target = along.target()

        def share(offset: Value, mask: Value | None) -> Value:
            return exp(k, k.load(k.x, offset, mask=mask) - most - logarithm) * g

        def write(offset: Value, mask: Value | None, *c: Value) -> list[Value]:
            # a zero is +0, as where a sum of zeros is taken away from 0
            here = share(offset, mask)
            found = here + 0.0 if rows else k.select(target.equals(c[0]), here - g, here + 0.0)
            k.store(found, k.out, offset, mask=mask)
            return [number + 1 for number in c]

        along.over(write, [] if rows else [k.integers(k.integer, [0] * k.lanes)])
        if rows:
            k.store(k.load_number(k.out, target) - k.lane(g, 0), k.out, target)

    _each(k, rows, body)


# --- calls --------------------------------------------------------------------------------------------------------


def _shape(array: np.ndarray, axis: int) -> tuple[int, int, int] | None:
    """Rows, classes and positions behind them; None where there is no kernel."""
    axis %= array.ndim
    outer, inner = math.prod(array.shape[:axis]), math.prod(array.shape[axis + 1 :])
    fits = array.dtype in DTYPES and array.flags.c_contiguous and array.size > 0
    return (outer, array.shape[axis], inner) if fits and (inner == 1 or inner >= SHORT) else None


def _ways(shape: tuple[int, int, int]) -> tuple[bool, bool]:
    """Whether the lanes are classes, and whether there are many."""
    _, classes, inner = shape
    return inner == 1, (classes if inner == 1 else inner) >= LONG


def _items(shape: tuple[int, int, int]) -> int:
    return -(-shape[0] // ROWS) if shape[2] == 1 else shape[0]


def _run(
    make: Callable[..., Kernel], arrays: tuple[np.ndarray, ...], shape: tuple[int, int, int], *fixed: bool,
    over: bool = False,
) -> np.ndarray:  # fmt: skip
    """What a kernel makes of arrays; it may be written over the last of them."""
    code = make(DTYPES[arrays[-1].dtype], *_ways(shape), *fixed, exact=in_exact_order())
    out = arrays[-1] if over else empty(arrays[-1].shape, arrays[-1].dtype)
    workers.run(code, words(*arrays, out, *shape), _items(shape), seconds=3 * out.nbytes / SPEED)
    return out


def softmax(x: np.ndarray, axis: int) -> np.ndarray:
    shape = _shape(x, axis)
    if shape is None:
        return losses.softmax(x, axis)
    return _run(forward, (x,), shape, False)


def log_softmax(x: np.ndarray, axis: int) -> np.ndarray:
    shape = _shape(x, axis)
    if shape is None:
        return losses.log_softmax(x, axis)
    return _run(forward, (x,), shape, True)


def softmax_input(gy: np.ndarray, y: np.ndarray, axis: int, *, over: bool = False) -> np.ndarray:
    """Y·(gY - Σ gY·Y), which may be written over Y"""
    shape = _shape(y, axis)
    if shape is None or _shape(gy, axis) is None or gy.dtype != y.dtype:
        return losses.softmax_input(gy, y, axis)
    return _run(backward, (gy, y), shape, False, over=over)


def log_softmax_input(gz: np.ndarray, z: np.ndarray, axis: int, *, over: bool = False) -> np.ndarray:
    """gZ - exp(Z)·Σ gZ, which may be written over Z"""
    shape = _shape(z, axis)
    if shape is None or _shape(gz, axis) is None or gz.dtype != z.dtype:
        return losses.log_softmax_input(gz, z, axis)
    return _run(backward, (gz, z), shape, True, over=over)


def of_softmax(
    x: np.ndarray, target: np.ndarray, kept: np.ndarray | None, weight: np.ndarray | None
) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """-W[T]·log softmax(X)[T] for each position, and the gradient by X of a cotangent of it

    The gradient is (softmax(X) - [c = T])·W[T]·g. At a position that is not kept the loss is 0, whatever stands there.
    """
    shape = _shape(x, 1)
    if shape is None or (weight is not None and weight.dtype != x.dtype):
        return losses.of_softmax(x, target, kept, weight)
    kind, plain = (DTYPES[x.dtype], *_ways(shape)), kept is None and weight is None
    own = 0 if plain else losses.of_target(losses.each_of(x, target, kept, weight)[2], target, kept)
    found = empty((3, *target.shape), x.dtype)
    items, exact = _items(shape), in_exact_order()
    block = words(x, target, own, found, *shape)
    workers.run(by_class(*kind, not plain, exact=exact), block, items, seconds=2 * x.nbytes / SPEED)

    def by_input(g: np.ndarray) -> np.ndarray:
        if g.dtype != x.dtype:
            return losses.by_class_input(g, log_softmax(x, 1), *losses.each_of(x, target, kept, weight))
        one = plain and not any(g.strides)  # the same number for all positions
        cotangent = g.reshape(-1)[:1] if one else np.ascontiguousarray(g if plain else _where(kept, g * own))
        gx = empty(x.shape, x.dtype)
        block = words(x, target, cotangent, found, gx, *shape)
        workers.run(by_class_back(*kind, not one, exact=exact), block, items, seconds=2 * x.nbytes / SPEED)
        return gx

    return _where(kept, found[0]), by_input


def _where(kept: np.ndarray | None, found: np.ndarray) -> np.ndarray:
    return found if kept is None else np.where(kept, found, 0)
