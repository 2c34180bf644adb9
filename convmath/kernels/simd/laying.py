"""Weights as kernels with output channels in the lanes read them, and gradients back from where these sum them.

    u[group, tile, column, lane] = w[group, tile·C + lane, column]

A column is a channel that is read, and a tap. Squares of as many rows as there are lanes are turned in registers, so
that no table of where each weight lies is needed. Kernels with other tiles have one, of half the bytes of an address.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir

from . import workers
from .builder import DTYPES, WORD, Builder, Value, words
from .compile import kernel
from .host import host
from .memory import aligned, empty
from .watch import note, unseen, watched

__all__ = ["GATHERED", "LAID", "SPEED", "TAKEN_BACK", "gathered", "laid", "numbers", "taken_back"]

COLUMNS = 64  # that are turned one after the other
BLOCK = 4096  # weights of an item that are gathered
AT_ONCE = 8  # of them that are written out
SPEED = 4e9  # bytes a second, about: only to see what is worth sharing
# cycles for each vector of weights, as measured where there are so many that they come from far away
LAID, TAKEN_BACK = 10, 8
GATHERED = 1  # the same for each weight


@kernel("w u", "row matrix group columns last matrices tiles total", passes=False)
def lay(k: Builder, dtype: str, vectors: int, rest: int) -> None:
    """Matrices of some columns for each tile of `vectors`, the items. The `last` has `rest` beside whole squares."""
    wide = vectors * k.vector

    def item(i: Value) -> None:
        m, tile = i % k.matrices, i // k.matrices
        g, t = tile // k.tiles, tile % k.tiles
        source = k.at(k.w, g * k.group + t * (vectors * k.lanes) * k.row + m * k.matrix)
        into = k.at(k.u, (tile * k.total + m * k.columns) * wide)
        count = k.select(m < k.matrices - 1, k.columns, k.last)
        whole = count & -k.lanes

        def square(c: Value, columns: int, mask: Value | None) -> None:
            def one(v: Value) -> None:
                first = k.at(source, v * k.lanes * k.row + c * k.bytes)
                turned = k.transposed([k.load(k.at(first, k.row * lane), mask=mask) for lane in range(k.lanes)])
                for j, column in enumerate(turned[:columns]):
                    k.store(column, k.at(into, (c + j) * wide), v * k.vector)

            k.loop(0, vectors, 1, [], one)

        k.loop(0, whole, k.lanes, [], lambda c: square(c, k.lanes, None))
        if rest:
            mask = k.lanes_where([lane < rest for lane in range(k.lanes)])
            k.when(whole < count, lambda: square(whole, rest, mask))

    k.loop(k.first, k.behind, 1, [], item)


def laid(w: np.ndarray, groups: int, vectors: int, *, turned: bool = False) -> np.ndarray:
    """Weights (groups·makes, reads, *taps) in tiles of so many vectors; `turned` are (groups·reads, makes, *taps)."""
    lanes, size = host().vector // w.itemsize, w.itemsize
    rows, inner, taps = len(w) // groups, w.shape[1], w[0, 0].size
    reads, makes = (rows, inner) if turned else (inner, rows)
    tiles, total, u = makes // (vectors * lanes), reads * taps, aligned(w.size, w.dtype)
    if turned and taps == 1:  # they stand side by side already
        u.reshape(groups, tiles, reads, -1)[...] = w.reshape(groups, reads, tiles, -1).swapaxes(1, 2)
        return u
    columns = taps if turned else min(COLUMNS, total)
    matrices = -(-total // columns)
    last = total - columns * (matrices - 1)
    row, matrix = (taps, makes * taps) if turned else (total, columns)
    block = words(w, u, row * size, matrix * size, makes * total * size, columns, last, matrices, tiles, total)
    code = lay(DTYPES[w.dtype], vectors, last % lanes)
    workers.run(code, block, groups * tiles * matrices, seconds=2 * w.nbytes / SPEED)
    return u


def numbers(count: int) -> np.ndarray:
    """0, 1, …, of which tables are made, in the narrowest type that there are kernels for."""
    return np.arange(count, dtype=np.int32 if count < 2**31 else np.int64)


@kernel("w u table", "count", passes=False)
def gather(k: Builder, dtype: str, bits: int) -> None:
    """u[i] = w[table i]"""
    entry = ir.IntType(bits)

    def one(i: Value) -> None:
        place = Value(k, k.code.load(k.at(k.table, i * (bits // 8)).value, typ=entry, align=bits // 8))
        place = place if bits == WORD.width else Value(k, k.code.sext(place.value, WORD))
        k.store(k.load_number(k.w, place * k.bytes), k.u, i * k.bytes)

    def item(i: Value) -> None:
        first, behind = i * BLOCK, k.least_of((i + 1) * BLOCK, k.count)
        whole = first + ((behind - first) & -AT_ONCE)

        def several(i: Value) -> None:
            for n in range(AT_ONCE):
                one(i + n)

        k.loop(first, whole, AT_ONCE, [], several)
        k.loop(whole, behind, 1, [], one)

    k.loop(k.first, k.behind, 1, [], item)


def gathered(w: np.ndarray, table: np.ndarray) -> np.ndarray:
    """The weights at the places of a table of `numbers`, in its order."""
    u, count = aligned(table.size, w.dtype), table.size
    code = gather(DTYPES[w.dtype], 8 * table.itemsize)
    workers.run(code, words(w, u, table, count), -(-count // BLOCK), seconds=u.nbytes / SPEED)
    return u


@kernel("sums w flag", "parts part wide makes columns blocks", passes=False)
def take_back(k: Builder, dtype: str) -> None:
    """w[group, made, column] = Σ_p sums[p, group, column, made], part after part; an item is some columns."""

    def item(i: Value) -> None:
        g, first = i // k.blocks, i % k.blocks * COLUMNS
        behind = k.least_of(first + COLUMNS, k.columns)

        def made(o: Value, seen: Value) -> list[Value]:
            def square(c: Value, seen: Value) -> Value:
                # behind the last column it is read once more
                lines = [g * k.columns + k.least_of(c + j, k.columns - 1) for j in range(k.lanes)]
                places = [k.at(k.sums, (line * k.wide + o) * k.bytes) for line in lines]

                def add(p: Value, *so_far: Value) -> list[Value]:
                    return [s + k.load(place, p * k.part) for s, place in zip(so_far, places, strict=True)]

                totals = k.loop(1, k.parts, 1, [k.load(place) for place in places], add)
                mask = k.below(k.columns - c)
                for lane, row in enumerate(k.transposed(totals)):
                    seen = watched(k, seen, row)
                    there = k.at(k.w, ((g * k.makes + o + lane) * k.columns + c) * k.bytes)
                    k.when(o + lane < k.makes, lambda row=row, there=there: k.store(row, there, mask=mask))
                return seen

            return k.loop(first, behind, k.lanes, [seen], square)

        note(k, k.loop(0, k.makes, k.lanes, [unseen(k)], made)[0], k.flag)

    k.loop(k.first, k.behind, 1, [], item)


def taken_back(sums: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, bool]:
    """Sums (parts, groups, columns, lanes) as weights of this shape, (groups·makes, reads, *taps); are all finite?"""
    parts, groups, columns, wide = sums.shape
    w, flag = empty(shape, sums.dtype), np.zeros(1, np.int64)
    blocks = -(-columns // COLUMNS)
    block = words(sums, w, flag, parts, sums.strides[0], wide, shape[0] // groups, columns, blocks)
    workers.run(take_back(DTYPES[sums.dtype]), block, groups * blocks, seconds=2 * sums.nbytes / SPEED)
    return w, not flag[0]
