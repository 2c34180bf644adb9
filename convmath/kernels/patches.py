"""Windows as columns of a matrix: convolutions are products of matrices, pools go along one axis after the other.

What a convolution does is cut into pieces, blocks of windows and of groups of channels, by its shape alone; threads
share the pieces, so that which of them does one makes no difference.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import groupby
from itertools import product as pairs

import numpy as np

from convmath.window import Window

from . import costs, depthwise, direct
from .blocks import PARTS, Block, Piece, at_once, blocks, pieces
from .cores import WORTH, each
from .lowering import Lowering, columns, lowering, worth_turning
from .order import in_exact_order
from .problem import Convolution
from .products import product
from .simd.memory import empty
from .sums import add_up, parts
from .taps import folded, output_sizes, taps

__all__ = [
    "avg_pool",
    "avg_pool_input",
    "conv",
    "conv_input",
    "conv_transpose",
    "conv_weight",
    "max_pool",
    "max_pool_input",
    "max_pool_selection",
    "sum_pool",
    "sum_pool_input",
]

Windows = Sequence[Window]


# --- convolution ----------------------------------------------------------------------------------------------


def conv(x: np.ndarray, w: np.ndarray, windows: Windows, groups: int, b: np.ndarray | None = None) -> np.ndarray:
    """(O × C·k) times (C·k × windows), in each image and group"""
    problem = Convolution.forward(x, w, windows, groups)
    counts = problem.counts
    if x.dtype == w.dtype and depthwise.fits(windows, problem.reads, problem.makes, x.dtype):
        return direct.shifted(depthwise.conv(x, w, windows, counts), b)
    y = empty((x.shape[0], groups, problem.makes, *counts), problem.dtype)
    if _in_place(problem):
        product(
            columns(problem).weights(w, groups), _rows(x, groups), out=_rows(y.reshape(len(x), len(w), *counts), groups)
        )
    else:
        laid = lowering(problem)
        weights = laid.weights(w, groups)
        each(lambda piece: laid.multiply(weights, x, piece, y), _pieces(problem, laid), _seconds(problem, laid))
    return direct.shifted(y.reshape(x.shape[0], w.shape[0], *counts), b)


def conv_input(
    gy: np.ndarray, w: np.ndarray, windows: Windows, groups: int, sizes: Sequence[int], b: np.ndarray | None = None
) -> np.ndarray:
    """(C·k × O) times (O × windows), in each image and group; each tap's rows are added where it reads"""
    problem = Convolution.by_input(gy, w, windows, groups, sizes)
    back = worth_turning(problem)
    if back is not None and np.isfinite(w).all():
        # windows are copied once, and products added twice; what is not finite would meet the zeros around gY
        return conv(gy, exchanged(w, groups), back.windows, groups, b)
    gx = np.zeros(problem.shape, problem.dtype)
    laid = columns(problem)
    matrix, cotangents = laid.weights(w, groups).swapaxes(1, 2), _rows(gy, groups)
    if _in_place(problem):
        product(matrix, cotangents, out=_rows(gx, groups))
    else:
        # pieces of the same images may add to the same elements; if all are of the same, channels are shared out
        cut = _pieces(problem, laid)
        alike = [list(same) for _, same in groupby(cut, lambda piece: piece.block.images)]
        each_tap, into = problem.taps, gx.reshape(len(gx), groups, w.shape[1], *sizes)
        few = -(-w.shape[1] // PARTS) if len(alike) == 1 and len(alike[0]) > 1 else w.shape[1]

        def add(item: tuple[Sequence[Piece], int]) -> None:
            same, first = item
            own = slice(first, min(first + few, w.shape[1]))
            for piece in same:
                block, part = piece.block, into[piece.block.images, piece.groups, own, *piece.read[2:]]
                found = matrix[piece.groups, own.start * each_tap : own.stop * each_tap] @ cotangents[piece.out]
                found = found.reshape(*part.shape[:3], *w.shape[2:], *block.counts)
                for tap, out, at in taps(block.windows, part.shape[3:], block.counts):
                    part[at] += found[:, :, :, *tap][out]

        each(add, pairs(alike, range(0, w.shape[1], max(1, few))), _seconds(problem, laid))
    return direct.shifted(gx, b)


def conv_weight(gy: np.ndarray, x: np.ndarray, windows: Windows, groups: int) -> np.ndarray:
    """(O × windows) times (windows × C·k), in each image and group"""
    problem = Convolution.by_weight(gy, x, windows, groups)
    if gy.dtype == x.dtype and depthwise.fits(windows, problem.reads, problem.makes, x.dtype):
        found = depthwise.conv_weight(gy, x, windows)
        if found is not None:
            return found
    laid, all_taps = lowering(problem), problem.reads * problem.taps
    cotangents = gy.reshape(gy.shape[0], groups, problem.makes, *problem.counts)
    gw = np.zeros((groups, problem.makes, all_taps), problem.dtype)
    cut, seconds = list(_pieces(problem, laid, gw.nbytes)), _seconds(problem, laid)

    def add(into: np.ndarray, piece: Piece, left: np.ndarray, columns: np.ndarray, first: int, behind: int) -> None:
        """To the gradients by these outputs."""
        step = at_once(math.prod(left.shape[:2]) * all_taps * gw.itemsize)
        for start in range(first, behind, step):
            outputs = slice(start, min(start + step, behind))
            into[piece.groups, outputs] += (left[:, :, outputs] @ columns).sum(0)

    def matrices(piece: Piece) -> tuple[np.ndarray, np.ndarray]:
        return laid.outputs(cotangents, piece), laid.windows(x, piece).swapaxes(2, 3)

    if parts(len(cut), gw.nbytes) > 1:
        add_up(gw, cut, lambda into, piece: add(into, piece, *matrices(piece), 0, gw.shape[1]), seconds)
    else:  # rows of the matrix are shared out where a piece takes long enough
        few = max(1, -(-gw.shape[1] // (PARTS if seconds > WORTH * len(cut) else 1)))
        for piece in cut:
            left, columns = matrices(piece)
            some = ((first, min(first + few, gw.shape[1])) for first in range(0, gw.shape[1], few))
            each(lambda ends, p=piece, m=(left, columns): add(gw, p, *m, *ends), some, seconds / len(cut))
    return laid.kernel(gw, (gy.shape[1], problem.reads, *(window.kernel for window in windows)))


def exchanged(w: np.ndarray, groups: int) -> np.ndarray:
    """The kernel of the convolution that goes back: what was made is read, and taps are turned."""
    makes, reads, *kernel = w.shape
    found = np.flip(w.reshape(groups, makes // groups, reads, *kernel).swapaxes(1, 2), tuple(range(3, w.ndim + 1)))
    return np.ascontiguousarray(found).reshape(groups * reads, makes // groups, *kernel)


# what a convolution does to cotangents of its output, a transposed one does to its input
conv_transpose = conv_input


def _in_place(problem: Convolution) -> bool:
    """Whether window j reads element j alone, so that the matrix of windows is the array itself."""
    alone = all(window.kernel == 1 and window.stride == 1 and window.before == 0 for window in problem.windows)
    return alone and problem.counts == problem.shape[2:]


def _pieces(problem: Convolution, laid: Lowering, image: int = 1) -> Iterable[Piece]:
    """What is computed at once, where an image takes so many bytes more."""
    return pieces(problem.shape, problem.windows, problem.counts, problem.groups, laid.window, image)


def _seconds(problem: Convolution, laid: Lowering) -> float:
    """About what it takes one thread to lay out the windows and to multiply them."""
    return laid.copied * costs.SECONDS["patches"]["copied"] + costs.multiplying(problem.flops, problem.dtype)


def _rows(y: np.ndarray, groups: int) -> np.ndarray:
    """(image, group, channel, window)"""
    return y.reshape(y.shape[0], groups, y.shape[1] // groups, math.prod(y.shape[2:]))


# --- pooling --------------------------------------------------------------------------------------------------
# A window is a box: its maximum is that of one axis after the other. A sum goes down the rows of a window, all axes but
# the last, and then along them, as that of generated kernels does: both have the same bits.


def _along_each(windows: Windows) -> list[tuple[Window, ...]]:
    """For each axis the windows that act on it alone."""
    single = Window(1)
    return [tuple(w if i == axis else single for i in range(len(windows))) for axis, w in enumerate(windows)]


def max_pool(x: np.ndarray, windows: Windows) -> np.ndarray:
    y = np.empty((*x.shape[:2], *output_sizes(windows, x.shape[2:])), x.dtype)
    for block in _pooled(x, windows, y.shape[2:]):
        y[block.out] = reduce(direct.max_pool, _along_each(block.windows), x[block.read])
    if y.dtype.kind == "f" and in_exact_order():
        y += 0  # of zeros with different signs NumPy may take either
    return y


def _pooled(x: np.ndarray, windows: Windows, counts: Sequence[int]) -> Iterator[Block]:
    """The windows in blocks, with room for what they step over and for some positions and numbers of theirs."""
    each = x.shape[1] * (4 + math.prod(window.stride for window in windows)) * x.itemsize
    return blocks(len(x), windows, x.shape[2:], counts, each)


def max_pool_selection(x: np.ndarray, windows: Windows, ties: str) -> np.ndarray:
    """The first maximiser stands behind as many taps as there are before any has attained the maximum."""
    sizes = x.shape[2:]
    selection = np.empty((*x.shape[:2], *output_sizes(windows, sizes)), np.int64)
    for block in _pooled(x, windows, selection.shape[2:]):
        selection[block.out] = _selected(x[block.read], block, sizes, ties)
    return selection


def _selected(x: np.ndarray, block: Block, sizes: Sequence[int], ties: str) -> np.ndarray:
    """The selection of a block, as positions in an array of those sizes."""
    y, windows = reduce(direct.max_pool, _along_each(block.windows), x), block.windows
    nan = np.isnan(y).any()
    attained = np.zeros(y.shape, bool)
    waited = np.zeros(y.shape, np.min_scalar_type(math.prod(w.kernel for w in windows)))
    for _, out, into in taps(windows, x.shape[2:], y.shape[2:], backwards=ties == "last"):
        attained[out] |= x[into] == y[out]
        if nan:
            attained[out] |= np.isnan(x[into])
        waited += ~attained
    place = [math.prod(sizes[axis + 1 :]) for axis in range(len(sizes))]
    axes = list(zip(windows, block.counts, block.first, place, strict=True))
    start = reduce(np.add.outer, [(i + w.stride * np.arange(m) - w.before) * p for w, m, i, p in axes])
    tap = reduce(np.add.outer, [w.dilation * np.arange(w.kernel) * p for w, _, _, p in axes]).reshape(-1)
    return np.where(attained, start + (tap[::-1] if ties == "last" else tap).take(waited, mode="clip"), -1)


def max_pool_input(gy: np.ndarray, x: np.ndarray, windows: Windows, ties: str) -> np.ndarray:
    """Each cotangent is added at the position that its window selects, that of the last window first."""
    shared = ties in ("split", "all")
    dtype = np.result_type(gy, np.float32) if ties == "split" else gy.dtype
    gx, sizes = np.zeros(x.shape, dtype), x.shape[2:]
    for block in reversed(list(_pooled(x, windows, gy.shape[2:]))):
        g, read = gy[block.out], x[block.read]
        if shared:
            gx[block.read] += direct.max_pool_input(g, read, block.windows, ties)
            continue
        selection, into = _selected(read, block, sizes, ties), gx[block.images].reshape(-1)
        planes = math.prod(sizes) * np.arange(math.prod(g.shape[:2])).reshape(*g.shape[:2], *[1] * len(windows))
        found = selection >= 0
        np.add.at(into, (planes + selection)[found][::-1], g[found][::-1])
    return gx


def avg_pool(x: np.ndarray, windows: Windows, divisor: np.ndarray | int) -> np.ndarray:
    total = sum_pool(x, windows)
    if total.dtype.kind != "f":
        return direct.divided(total, divisor)
    return np.divide(total, np.asarray(divisor, total.dtype), out=total)


def avg_pool_input(gy: np.ndarray, windows: Windows, sizes: Sequence[int], divisor: np.ndarray | int) -> np.ndarray:
    return sum_pool_input(direct.divided(gy, divisor), windows, sizes)


def sum_pool(x: np.ndarray, windows: Windows) -> np.ndarray:
    sizes, laid = folded(x.shape[2:], windows)
    counts = output_sizes(laid, sizes)
    x_, y = x.reshape(*x.shape[:2], *sizes), np.empty((*x.shape[:2], *counts), x.dtype)
    for block in _pooled(x_, laid, counts):
        y[block.out] = reduce(direct.sum_pool, _down_and_along(block.windows), x_[block.read])
    return y.reshape(*x.shape[:2], *output_sizes(windows, x.shape[2:]))


def sum_pool_input(g: np.ndarray, windows: Windows, sizes: Sequence[int]) -> np.ndarray:
    *down, along = _down_and_along(windows)
    for outer in down:
        g = direct.sum_pool_input(g, outer, (*sizes[:-1], g.shape[-1]))
    return direct.sum_pool_input(g, along, sizes)


def _down_and_along(windows: Windows) -> list[tuple[Window, ...]]:
    """The windows on all axes but the last, if there are others, and those on the last."""
    single = Window(1)
    *outer, last = windows
    return [*([(*outer, single)] if outer else []), (*[single] * len(outer), last)]
