"""Products of matrices of which a panel stays near a core: tiles of rows × vectors of columns stay in registers.

    acc[row][columns] += a[row][k] · b[k][columns]

Each element is summed from the first k to the last, as `kernels.ordered` has it, and nothing is added to it that the
definition has not. Where the tiles don't fill the result, the last ones are moved back: what is computed twice is the
same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import product as pairs

import numpy as np

from convmath.kernels.order import in_exact_order

from . import workers
from .builder import BYTES, DTYPES, Builder, Value, words
from .compile import Kernel, kernel
from .host import host
from .lanes import turn
from .memory import empty
from .plane import ROOM

__all__ = ["fits", "product"]

FLOPS = 150e9  # multiplications and additions a second, about: only to see what is worth sharing
MOST_ROWS = 8  # of a tile: each has an address of its own
SHARES = 8  # of a product that may be done at once, about; with b turned each lays out its own panel
LEAST = 2**16  # multiplications that are worth a call


@kernel("a b shift y", "rows columns common a_row a_k b_row b_k blocks tiles shares", "panel")
def multiply(k: Builder, dtype: str, many: int, vectors: int, turned: bool) -> None:
    """An item is a block of columns, and some tiles of `many` rows; with b `turned` a panel of it is laid out first."""
    wide = vectors * k.vector

    def item(i: Value) -> None:
        block, share = i % k.blocks, i // k.blocks
        column = k.least_of(block * (vectors * k.lanes), k.columns - vectors * k.lanes)
        if turned:
            _lay_out(k, column, vectors)
            b, b_k = k.panel, k.word(wide)
        else:
            b, b_k = k.at(k.b, column * k.bytes), k.b_k
        shift = [k.load(k.shift, column * k.bytes + v * k.vector) for v in range(vectors)]

        def tile(t: Value) -> None:
            row = k.least_of(t * many, k.rows - many)
            lines = [k.at(k.a, (row + r) * k.a_row) for r in range(many)]

            def term(c: Value, *sums: Value) -> list[Value]:
                there, found = k.at(b, c * b_k), list(sums)
                each = [k.load(there, v * k.vector) for v in range(vectors)]
                for r in range(many):
                    number = k.splat(k.load_number(lines[r], c * k.a_k))
                    for v in range(vectors):
                        found[r * vectors + v] = k.multiply_add(number, each[v], found[r * vectors + v])
                return found

            sums = k.loop(0, k.common, 1, [k.splat(0.0)] * (many * vectors), term)
            for r, v in pairs(range(many), range(vectors)):
                there = k.at(k.y, ((row + r) * k.columns + column) * k.bytes)
                k.store(sums[r * vectors + v] + shift[v], there, v * k.vector)

        k.loop(k.tiles * share // k.shares, k.tiles * (share + 1) // k.shares, 1, [], tile)

    k.loop(k.first, k.behind, 1, [], item)


def _lay_out(k: Builder, column: Value, vectors: int) -> None:
    """panel[k][columns], of b[column][k]"""

    def one(v: Value) -> None:
        lines = [k.at(k.b, (column + v * k.lanes + lane) * k.b_row) for lane in range(k.lanes)]
        turn(k, lines, k.common, k.at(k.panel, v * k.vector), vectors * k.vector)

    k.loop(0, vectors, 1, [], one)


# --- plans --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """A product of given sizes."""

    kernel: partial[Kernel]
    items: int
    own: tuple[int, ...]
    numbers: tuple[int, ...]  # blocks of columns, tiles of rows, shares of these
    seconds: float


@lru_cache(512)
def _planned(dtype: str, rows: int, columns: int, common: int, turned: bool) -> Plan:
    lanes, best = host().vector // BYTES[dtype], (math.inf, 1, 1)
    for many, vectors in pairs(range(1, min(rows, MOST_ROWS) + 1), range(1, min(columns // lanes, 6) + 1)):
        if many * vectors + vectors + 1 <= host().registers:
            each = max(many * vectors / 2, (many + 2 * vectors) / 2, 4.0) + 0.5
            tiles = -(-rows // many) * -(-columns // (vectors * lanes))
            best = min(best, (tiles * (each * common + 2 * many * vectors), many, vectors))
    _, many, vectors = best
    blocks, tiles = -(-columns // (vectors * lanes)), -(-rows // many)
    shares = max(1, min(tiles, (SHARES // 4 if turned else SHARES) // blocks))
    panel = (common + lanes) * vectors * host().vector if turned else 0
    code = partial(multiply, dtype, many, vectors, turned)
    return Plan(code, blocks * shares, (panel,), (blocks, tiles, shares), 2 * rows * columns * common / FLOPS)


def fits(a: np.ndarray, b: np.ndarray, rows: int, columns: int, common: int) -> bool:
    """Whether there is a kernel, and it is not slower than a library that lays out both matrices anew."""
    if a.dtype not in DTYPES or a.dtype != b.dtype or not (a.flags.c_contiguous and b.flags.c_contiguous):
        return False
    lanes = host().vector // a.itemsize
    return columns >= lanes and rows * columns * common >= LEAST and common * 4 * host().vector <= ROOM // 2


def product(a: np.ndarray, b: np.ndarray, shift: np.ndarray | None = None, *, of: str = "rows") -> np.ndarray:
    """Σ_k a[row,k]·b[k,column] + shift[column]; `of` "turned", b is [column,k], and of "sums", a is [k,row]."""
    turned = of == "turned"
    common, rows = a.shape if of == "sums" else a.shape[::-1]
    columns = b.shape[0] if turned else b.shape[1]
    dtype, size = DTYPES[a.dtype], a.itemsize
    plan = _planned(dtype, rows, columns, common, turned)
    y = empty((rows, columns), a.dtype)
    shift = np.zeros(columns, a.dtype) if shift is None else shift
    a_row, a_k = (size, rows * size) if of == "sums" else (common * size, size)
    block = words(
        *(a, b, shift, y, rows, columns, common, a_row, a_k),
        *(common * size, columns * size, *plan.numbers),
    )
    workers.run(plan.kernel(exact=in_exact_order()), block, plan.items, plan.own, plan.seconds)
    return y
