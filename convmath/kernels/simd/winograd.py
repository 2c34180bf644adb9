"""3×3 convolution of stride 1 over two axes by F(m, 3): tiles of m×m outputs from (m + 2)² multiplications.

    Y = Aᵀ[(G g Gᵀ) ⊙ (B d Bᵀ)]A, summed over channels before A is applied

with the matrices of `kernels.winograd`, channels in the lanes. A band of tiles is transformed, multiplied (one matrix
product for each of the (m + 2)² points) and transformed back while it is in the cache. F(2, 3) multiplies by 0, ±1 and
1/2 alone; its error is below that of the plain sum. F(4, 3) is faster and less exact, and is taken on demand only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import product

import numpy as np

from convmath.kernels.winograd import TAPS, matrices, plain
from convmath.window import Window

from . import workers
from .builder import BYTES, Builder, Value, words
from .compile import kernel
from .host import host
from .lanes import turn
from .laying import LAID, laid
from .memory import aligned, biases, empty
from .transform import both_sides
from .watch import note, unseen, watched

__all__ = ["Plan", "forward", "run", "transposed"]

NEAR = 400 * 1024  # bytes of transformed input that should stay near a core
FLOPS = 100e9  # multiplications and additions a second, about: only to see what is worth sharing
ITEM = 7  # words: offsets of x, y, u, b in bytes; images; the first row of tiles, rows of tiles


# --- code ---------------------------------------------------------------------------------------------------------


def innermost(
    k: Builder, source: Value, plane: Value, into: Value, channels: Value, height: Value, width: Value,
    before_row: Value, before_column: Value, first: Value, rows: Value, length: Value,
) -> None:  # fmt: skip
    """Rows of a (channel, row, column) array as (row, column, channel), zeros around, from row `first` on."""
    pixel = channels * k.bytes

    def block(c: Value) -> None:
        def row(r: Value) -> None:
            at, line = first + r - before_row, k.at(into, r * length * pixel + c * k.bytes)

            def zeros(low: Value, high: Value) -> None:
                k.loop(low, high, 1, [], lambda i: k.store(k.splat(0.0), line, i * pixel))

            def copy() -> None:
                here = k.at(k.at(source, c * plane), at * width * k.bytes)
                lines = [k.at(here, plane * i) for i in range(k.lanes)]
                # what is stored beyond the row is overwritten by zeros
                turn(k, lines, width, k.at(line, before_column * pixel), pixel)
                zeros(before_column + width, length)

            zeros(k.word(0), before_column)
            k.either((at >= 0) & (at < height), copy, lambda: zeros(k.word(0), length))

        k.loop(0, rows, 1, [], row)

    k.loop(0, channels, k.lanes, [], block)


def transform_tiles(
    k: Builder, matrix: tuple, source: Value, length: Value, into: Value, point: Value, channels: int, step: int,
    rows: Value, columns: Value,
) -> None:  # fmt: skip
    """M·d·Mᵀ of every tile, point by point: `step` pixels from tile to tile, `point` bytes from point to point."""
    size, pixel = len(matrix[0]), channels * k.bytes

    def tile(ty: Value, tx: Value) -> None:
        base = k.at(source, (ty * step * length + tx * step) * pixel)
        lines = [k.at(base, length * (i * pixel)) for i in range(size)]
        there = k.at(into, (ty * columns + tx) * pixel)

        def vector(c: Value) -> None:
            found = both_sides(k, matrix, lambda i, j: k.load(k.at(lines[i], c * k.bytes), j * pixel))
            for place, value in enumerate(value for row in found for value in row):
                k.store(value, k.at(there, c * k.bytes), point * place)

        k.loop(0, channels, k.lanes, [], vector)

    k.loop(0, rows, 1, [], lambda ty: k.loop(0, columns, 1, [], lambda tx: tile(ty, tx)) and None)


@kernel(
    "x y u b flag items",
    "height width out_height out_width makes before_row before_column length columns "
    "plane out_plane image out_image tiles",
    "scratch transformed products turned",
    passes=False,
)
def tiles(k: Builder, dtype: str, m: int, pixels: int, vectors: int, channels: int) -> None:
    """`channels` read; tiles of `pixels` × `vectors` of the channels that are made in each matrix product."""
    f = matrices(m)
    points, wide = len(f.points) ** 2, vectors * k.vector

    def multiply(v: Value, u: Value, into: Value, blocks: Value, point: Value, out_point: Value) -> None:
        """One matrix product for each point: (tiles × channels) times (channels × channels made)."""

        def one(p: Value) -> None:
            weights, inputs, found = k.at(u, p * (channels * wide)), k.at(v, p * point), k.at(into, p * out_point)

            def block(i: Value) -> None:
                here = k.at(inputs, i * (pixels * channels * k.bytes))

                def channel(c: Value, *sums: Value) -> list[Value]:
                    sums_, at, row = list(sums), k.at(here, c * k.bytes), k.at(weights, c * wide)
                    each = [k.load(row, j * k.vector) for j in range(vectors)]
                    for q in range(pixels):
                        x = k.splat(k.load_number(at, q * channels * k.bytes))
                        for j in range(vectors):
                            sums_[q * vectors + j] = k.multiply_add(x, each[j], sums_[q * vectors + j])
                    return sums_

                sums = k.loop(0, channels, 1, [k.splat(0.0)] * (pixels * vectors), channel)
                for place, total in enumerate(sums):
                    k.store(total, k.at(found, i * (pixels * wide)), place * k.vector)

            k.loop(0, blocks, 1, [], block)

        k.loop(0, points, 1, [], one)

    product_of = k.subroutine("multiply", "pppiii", multiply)

    def item(i: Value) -> None:
        at = [k.load_word(k.at(k.items, i * (8 * ITEM)), 8 * place) for place in range(ITEM)]
        x, y, u, b = (k.at(base, offset) for base, offset in zip((k.x, k.y, k.u, k.b), at[:4], strict=True))
        images, first, rows = at[4], at[5], at[6]
        each = rows * k.columns
        point, out_point = k.tiles * (channels * k.bytes), k.tiles * wide

        def lay(j: Value) -> None:
            innermost(
                k, k.at(x, j * k.image), k.plane, k.scratch, k.word(channels), k.height, k.width,
                k.before_row, k.before_column, first * m, rows * m + (TAPS - 1), k.length,
            )  # fmt: skip
            into = k.at(k.transformed, j * each * (channels * k.bytes))
            transform_tiles(k, f.B, k.scratch, k.length, into, point, channels, m, rows, k.columns)

        k.loop(0, images, 1, [], lay)
        blocks = (images * each + (pixels - 1)) // pixels

        def made(c: Value) -> None:
            weights = k.at(u, c * (points * channels * k.bytes))
            product_of(k.transformed, weights, k.products, blocks, point, out_point)

            def vector(v: Value) -> None:
                channel = c + v * k.lanes
                shift = k.load(b, channel * k.bytes)

                def row(j: Value, ty: Value) -> None:
                    line = (j * each + ty * k.columns) * wide + v * k.vector
                    there = k.at(k.at(y, j * k.out_image), channel * k.out_plane)
                    back(k.at(k.products, line), out_point, shift)
                    rows_of_pixels(k.at(there, (first + ty) * m * k.out_width * k.bytes), (first + ty) * m)

                k.loop(0, images, 1, [], lambda j: k.loop(0, rows, 1, [], lambda ty: row(j, ty)) and None)

            k.loop(0, vectors, 1, [], vector)

        k.loop(0, k.makes, vectors * k.lanes, [], made)

    transposed_a = tuple(zip(*f.A, strict=True))

    def back(products: Value, point: Value, shift: Value) -> None:
        """A row of tiles: Aᵀ M A into lines of pixels, each a vector of channels."""
        across = k.columns * (m * k.vector)

        def tile(tx: Value) -> None:
            here = k.at(products, tx * wide)
            size = len(f.points)
            found = both_sides(k, transposed_a, lambda i, j: k.load(k.at(here, point * (i * size + j))))
            for i, line in enumerate(found):
                for j, value in enumerate(line):
                    k.store(value + shift, k.at(k.turned, across * i + tx * (m * k.vector)), j * k.vector)

        k.loop(0, k.columns, 1, [], tile)

    def rows_of_pixels(y: Value, first: Value) -> None:
        """The lines, those that are rows of the output, from vectors of channels to rows of pixels."""
        across = k.columns * (m * k.vector)

        def line(i: Value) -> None:
            def write() -> None:
                source, there = k.at(k.turned, i * across), k.at(y, i * k.out_width * k.bytes)

                def block(offset: Value, mask: Value | None, seen: Value) -> Value:
                    values = [k.load(k.at(source, offset * k.lanes), q * k.vector) for q in range(k.lanes)]
                    for channel, row in enumerate(k.transposed(values)):
                        k.store(row, k.at(there, k.out_plane * channel), offset, mask=mask)
                        inside = row if mask is None else k.select(mask, row, k.splat(0.0))
                        seen = watched(k, seen, inside)
                    return seen

                [seen] = k.over(k.out_width, block, [unseen(k)])
                note(k, seen, k.flag)

            k.when(first + i < k.out_height, write)

        k.loop(0, m, 1, [], line)

    k.loop(k.first, k.behind, 1, [], item)


@kernel("w u", "channels", passes=False)
def transform_weights(k: Builder, dtype: str, m: int, vectors: int, turned: bool) -> None:
    """G g Gᵀ: w (tile of channels made, channel, tap, made) into u (tile, point, channel, made); an item is a tile."""
    f = matrices(m)
    points, wide = len(f.points) ** 2, vectors * k.vector

    def made(t: Value) -> None:
        def channel(c: Value) -> None:
            taps = k.at(k.w, (t * k.channels + c) * (TAPS * TAPS * wide))
            there = k.at(k.u, t * k.channels * (points * wide) + c * wide)

            def tap(i: int, j: int, v: int) -> Value:
                place = i * TAPS + j
                return k.load(taps, (TAPS * TAPS - 1 - place if turned else place) * wide + v * k.vector)

            for v in range(vectors):
                found = both_sides(k, f.G, lambda i, j, v=v: tap(i, j, v))
                for place, value in enumerate(value for row in found for value in row):
                    k.store(value, k.at(there, k.channels * (wide * place)), v * k.vector)

        k.loop(0, k.channels, 1, [], channel)

    k.loop(k.first, k.behind, 1, [], made)


# --- plans --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Problem:
    """A correlation with 3×3 taps, no stride and no dilation, of `reads` channels into `makes` in each group."""

    dtype: str
    batch: int
    groups: int
    reads: int
    makes: int
    sizes: tuple[int, int]
    before: tuple[int, int]
    counts: tuple[int, int]
    turned: bool  # whether the kernel is turned, and its channels exchanged


class Plan:
    """A correlation of given sizes by F(m, 3)."""

    def __init__(self, problem: Problem, m: int):
        p, size, f = problem, BYTES[problem.dtype], matrices(m)
        lanes, points = host().vector // size, len(f.points) ** 2
        (height, width), (rows, columns) = p.counts, (-(-n // m) for n in p.counts)
        self.vectors = 2 if p.makes // lanes % 2 == 0 else 1
        most = max(14, NEAR // (points * p.reads * size))
        if rows * columns <= most:
            together, band = max(1, min(-(-p.batch // 2), most // (rows * columns))), rows
        else:
            together, band = 1, max(1, most // columns)
            band = -(-rows // -(-rows // band))
        count = together * band * columns
        pixels = min(
            range(14 if host().registers == 32 else 6, 3, -1), key=lambda q: -(-count // q) * (q * self.vectors / 2 + 1)
        )
        tiles_ = (-(-count // pixels) * pixels) | 1  # odd, so that the points don't share lines of the cache
        self.problem, self.points, self.m = p, points, m
        self.kernel = partial(tiles, p.dtype, m, pixels, self.vectors, p.reads)
        self.weights = partial(transform_weights, p.dtype, m, self.vectors, p.turned)
        self.tiles = p.makes // (self.vectors * lanes)
        plane, out_plane = math.prod(p.sizes), math.prod(p.counts)
        length = columns * m + TAPS - 1
        length = max(length, p.before[1] + p.sizes[1])
        images = p.groups * p.reads * plane * size, p.groups * p.makes * out_plane * size
        self.items = np.array([
            (
                n * images[0] + g * p.reads * plane * size, n * images[1] + g * p.makes * out_plane * size,
                g * p.makes * p.reads * points * size, g * p.makes * size, min(together, p.batch - n), ty, min(band,
                rows - ty),
            )
            for n, g, ty in product(range(0, p.batch, together), range(p.groups), range(0, rows, band))
        ], np.int64)  # fmt: skip
        self.numbers = (
            *p.sizes, height, width, p.makes, *p.before, length, columns, plane * size, out_plane * size,
            *images, tiles_,
        )  # fmt: skip
        self.own = tuple(size * elements for elements in (
            ((band * m + TAPS - 1) * length + lanes) * p.reads,
            points * tiles_ * p.reads + lanes,
            points * tiles_ * self.vectors * lanes + lanes,
            (columns * m + lanes) * m * lanes,
        ))  # fmt: skip
        work = points * rows * columns * p.batch * p.groups * p.reads * p.makes
        moved = points * rows * columns * p.batch * p.groups * (p.reads * 2.5 + p.makes * 2.5)
        # weights whose taps are turned are laid out by short rows; what is transformed is written once more
        laid_out = p.groups * p.reads * p.makes * LAID * (TAPS * TAPS * (2 if p.turned else 1) + points)
        self.cycles = (work / 2 * 1.05 + moved + laid_out) / lanes
        self.seconds = 2 * work / FLOPS


def run(plan: Plan, x: np.ndarray, w: np.ndarray, b: np.ndarray | None) -> tuple[np.ndarray, bool]:
    """The output, and whether all of it is finite."""
    p = plan.problem
    y = empty((p.batch, p.groups * p.makes, *p.counts), x.dtype)
    u = aligned(p.groups * plan.points * p.reads * p.makes, x.dtype)
    w_ = laid(w, p.groups, plan.vectors, turned=p.turned)
    workers.run(plan.weights(), words(w_, u, p.reads), p.groups * plan.tiles, seconds=u.size * 2e-10)
    flag = np.zeros(1, np.int64)
    shift = biases(b, p.groups * p.makes, x.dtype)
    block = words(x, y, u, shift, flag, plan.items, *plan.numbers)
    workers.run(plan.kernel(), block, len(plan.items), plan.own, plan.seconds)
    return y, not flag[0]


def _fits(dtype: str, reads: int, makes: int, windows: tuple[Window, ...], counts: tuple[int, ...]) -> bool:
    lanes = host().vector // BYTES[dtype]
    return plain(windows) and reads % lanes == 0 == makes % lanes and min(counts) >= 4


@lru_cache(512)
def forward(
    dtype: str, batch: int, channels: int, sizes: tuple[int, ...], outputs: int, windows: tuple[Window, ...],
    groups: int, *, m: int = 2,
) -> Plan | None:  # fmt: skip
    """Y[ν,o,j] = Σ_{c,t} W[o,c,t] · X[ν,c,j+t-a] + B[o]; None where this is no way to compute it."""
    counts = tuple(window.output_size(n) for window, n in zip(windows, sizes, strict=True))
    reads, makes = channels // groups, outputs // groups
    if not _fits(dtype, reads, makes, windows, counts):
        return None
    before = tuple(window.before for window in windows)
    return Plan(Problem(dtype, batch, groups, reads, makes, sizes, before, counts, False), m)  # type: ignore[arg-type]


@lru_cache(512)
def transposed(
    dtype: str, batch: int, channels: int, counts: tuple[int, ...], outputs: int, windows: tuple[Window, ...],
    groups: int, sizes: tuple[int, ...], *, m: int = 2,
) -> Plan | None:  # fmt: skip
    """Y[ν,o,i] = Σ_{c,j,t} [j+t-a = i] W[c,o,t] · X[ν,c,j] + B[o]: the kernel is turned."""
    reads, makes = channels // groups, outputs // groups
    before = tuple(window.span - 1 - window.before for window in windows)
    if not _fits(dtype, reads, makes, windows, sizes) or min(before) < 0:
        return None
    return Plan(Problem(dtype, batch, groups, reads, makes, counts, before, sizes, True), m)  # type: ignore[arg-type]
