"""3×3 convolution of stride 1 over two axes by F(m, 3) with NumPy: tiles of m×m outputs from (m + 2)² multiplications.

    Y = Aᵀ[(G g Gᵀ) ⊙ (B d Bᵀ)]A, summed over channels before A is applied
    gW = Gᵀ[Σ (A gy Aᵀ) ⊙ (B d Bᵀ)]G, summed over tiles before G is applied

with the matrices of `toom_cook`; both axes together are one matrix (A ⊗ A), and at each of the (m + 2)² points the sum
is a product of matrices, so that BLAS does all of it. F(2, 3) multiplies by 0, ±1 and 1/2 alone; its error is below
that of the plain sum. F(4, 3) is faster and less exact, and is taken on demand only.

Tiles lie in phases: phase (p, q) has the elements (m·i + p, m·j + q) of all channels and images, in one more row and
column of tiles than there are. Then what a tap of every tile reads is one phase, shifted, and is copied without gaps;
what comes out in the row and column too many means nothing.

If anything that is not finite comes out, the definition decides: `patches` computes the call again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from convmath.window import Window

from . import costs, direct, patches
from .blas import alone
from .blocks import Piece, has_room, pieces
from .cores import each
from .problem import Convolution
from .products import is_finite, product
from .simd.memory import empty
from .sums import add_up, parts
from .taps import output_sizes
from .toom_cook import INFINITY, ToomCook, toom_cook

__all__ = ["TAPS", "Tiles", "plain", "matrices"]

TAPS = 3
EXTRA = 1  # rows and columns of tiles too many: so far are taps shifted

Windows = Sequence[Window]
Multiply = Callable[[np.ndarray, np.ndarray], np.ndarray]


@lru_cache
def matrices(m: int) -> ToomCook:
    """F(m, 3): at 0, ±1, ∞ for m = 2, and at points that lose less than whole numbers do for m = 4."""
    if m != 4:
        return toom_cook(m, TAPS)
    fine, wide = Fraction(5, 8), Fraction(3, 2)
    return toom_cook(m, TAPS, (0, fine, -fine, wide, -wide, INFINITY))


def plain(windows: Windows) -> bool:
    """Whether they are 3×3, without stride and dilation."""
    return len(windows) == 2 and all((w.kernel, w.stride, w.dilation) == (TAPS, 1, 1) for w in windows)


class Way(NamedTuple):
    """What a convolution takes (`costs`)."""

    kind: str
    amounts: Mapping[str, float]


@dataclass(frozen=True)
class Tiles:
    """The functions of `patches` by F(m, 3), where that is a way, and by `patches` itself elsewhere."""

    m: int

    def way(self, problem: Convolution) -> Way | None:
        """What it takes; None where it is no way."""
        return _way(self.m, problem)

    def conv(
        self, x: np.ndarray, w: np.ndarray, windows: Windows, groups: int, b: np.ndarray | None = None
    ) -> np.ndarray:
        """Y[ν,o,j] = Σ_{c,t} W[o,c,t] · X[ν,c,j+t-a] + B[o]"""
        way = self.way(Convolution.forward(x, w, windows, groups)) if x.dtype == w.dtype else None
        y = None if way is None else _conv(self.m, x, w, windows, groups, costs.of(*way))
        return patches.conv(x, w, windows, groups, b) if y is None else direct.shifted(y, b)

    def conv_input(
        self, gy: np.ndarray, w: np.ndarray, windows: Windows, groups: int, sizes: Sequence[int],
        b: np.ndarray | None = None,
    ) -> np.ndarray:  # fmt: skip
        """gX[ν,c,i] = Σ_{o,j,t} [j+t-a = i] W[o,c,t] · gY[ν,o,j] + B[c]"""
        problem = Convolution.by_input(gy, w, windows, groups, sizes)
        way, gx = self.way(problem) if gy.dtype == w.dtype else None, None
        if way is not None and (back := problem.turned) is not None:
            gx = _conv(self.m, gy, patches.exchanged(w, groups), back.windows, groups, costs.of(*way))
        return patches.conv_input(gy, w, windows, groups, sizes, b) if gx is None else direct.shifted(gx, b)

    conv_transpose = conv_input

    def conv_weight(self, gy: np.ndarray, x: np.ndarray, windows: Windows, groups: int) -> np.ndarray:
        """gW[o,c,t] = Σ_{ν,j} gY[ν,o,j] · X[ν,c,j+t-a]"""
        way = self.way(Convolution.by_weight(gy, x, windows, groups)) if gy.dtype == x.dtype else None
        gw = None if way is None else _conv_weight(self.m, gy, x, windows, groups, costs.of(*way))
        return patches.conv_weight(gy, x, windows, groups) if gw is None else gw


@lru_cache(4096)
def _way(m: int, p: Convolution) -> Way | None:
    back = p.turned if p.kind == "input" else p
    if not plain(p.windows) or back is None or p.empty or p.dtype not in (np.float32, np.float64):
        return None
    if any(min(v.before, v.after) < 0 for v in back.windows):
        return None
    q, size, reads, makes = m + TAPS - 1, p.dtype.itemsize, p.reads, p.makes
    if not has_room(q**2 * p.outputs * reads * size // 4):  # what is multiplied by has to be near too
        return None
    tiles = p.shape[0] * math.prod(-(-n // m) + EXTRA for n in back.counts)
    products = 2 * q**2 * tiles * p.groups * reads * makes
    moved = (q * (q + m) * tiles * (p.shape[1] + p.outputs) + 2 * q**2 * p.outputs * reads) * size
    return Way("tiles", {"call": 1, "product": products * size / 4, "moved": moved})


# --- the functions ------------------------------------------------------------------------------------------------


def _conv(m: int, x: np.ndarray, w: np.ndarray, windows: Windows, groups: int, seconds: float) -> np.ndarray | None:
    """The convolution, if all of it is finite."""
    by, reads, makes = _both_axes(m, x.dtype), w.shape[1], w.shape[0] // groups
    y = empty((x.shape[0], w.shape[0], *output_sizes(windows, x.shape[2:])), x.dtype)
    kernels = product(by.G, w.reshape(-1, TAPS**2).T).reshape(-1, groups, makes, reads)
    finite = []

    def compute(piece: Piece) -> None:
        with np.errstate(all="ignore"):  # also of what means nothing
            read = _read(m, by.B, x[piece.read], piece)
            points, images = len(read), read.shape[2:]
            found = _multiply(kernels[:, piece.groups], read.reshape(points, -1, reads, math.prod(images)))
            del read
            found = _multiply(by.A.T, found.reshape(points, -1))
            finite.append(is_finite(found))
        into = y[_made(m, piece, makes)].swapaxes(0, 1)
        for phase, (i, j) in zip(found, np.ndindex(m, m), strict=True):
            part = into[..., i::m, j::m]
            part[...] = phase.reshape(-1, *images)[..., : part.shape[2], : part.shape[3]]

    each(compute, _pieces(m, x, windows, y.shape[2:], groups, makes), seconds)
    return y if all(finite) else None


def _conv_weight(
    m: int, gy: np.ndarray, x: np.ndarray, windows: Windows, groups: int, seconds: float
) -> np.ndarray | None:
    """The gradient by the weight, if all of it is finite."""
    by, reads, makes = _both_axes(m, x.dtype), x.shape[1] // groups, gy.shape[1] // groups
    cut = list(_pieces(m, x, windows, gy.shape[2:], groups, makes))
    total = np.zeros((len(by.A), groups, makes, reads), gy.dtype)

    def add(into: np.ndarray, piece: Piece, multiply: Multiply = _multiply) -> None:
        with np.errstate(all="ignore"):
            read = _read(m, by.B, x[piece.read], piece)
            phases = _phases(m, gy[_made(m, piece, makes)], (0, 0), piece.block.counts)[..., : read.shape[3], :]
            points, tiles = len(read), math.prod(read.shape[2:])
            made = multiply(by.A, phases.reshape(m * m, -1)).reshape(points, -1, makes, tiles)
            into[:, piece.groups] += multiply(made, read.reshape(points, -1, reads, tiles).swapaxes(2, 3))

    if parts(len(cut), total.nbytes) > 1:
        add_up(total, cut, add, seconds)
    else:
        with alone():
            for piece in cut:
                add(total, piece, product)  # which threads share
    gw = product(by.G.T, total.reshape(len(total), -1)).T
    return np.ascontiguousarray(gw).reshape(-1, reads, TAPS, TAPS) if np.isfinite(gw).all() else None


def _pieces(m: int, x: np.ndarray, windows: Windows, counts: Sequence[int], groups: int, makes: int) -> Iterable[Piece]:
    """The tiles in pieces, as windows that overlap."""
    q, tiles = m + TAPS - 1, [-(-n // m) for n in counts]
    laid = [
        Window(q, m, 1, v.before, m * (t - 1) + q - n - v.before)
        for v, n, t in zip(windows, x.shape[2:], tiles, strict=True)
    ]
    size = q**2 * max(x.shape[1] // groups, makes) * x.itemsize
    with_extra = -(-size * math.prod(n + EXTRA for n in tiles) // math.prod(tiles))
    return pieces(x.shape, laid, tiles, groups, with_extra)


def _made(m: int, piece: Piece, makes: int) -> tuple[slice, ...]:
    """The index of what the tiles of a piece make."""
    starts = [at.start or 0 for at in piece.block.out[2:]]
    boxes = (slice(m * first, m * (first + n)) for first, n in zip(starts, piece.block.counts, strict=True))
    return (piece.block.images, slice(piece.groups.start * makes, piece.groups.stop * makes), *boxes)


# --- tiles --------------------------------------------------------------------------------------------------------


class _BothAxes(NamedTuple):
    """A ⊗ A, G ⊗ G and B ⊗ B: a row for each point."""

    A: np.ndarray
    G: np.ndarray
    B: np.ndarray


@lru_cache
def _both_axes(m: int, dtype: np.dtype) -> _BothAxes:
    f = matrices(m)
    single = (np.array(matrix, float) for matrix in (f.A, f.G, f.B))
    return _BothAxes(*(np.kron(one, one).astype(dtype) for one in single))


def _multiply(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a @ b, in memory that is used again."""
    return np.matmul(a, b, out=empty((*b.shape[:-2], a.shape[-2], b.shape[-1]), b.dtype))


def _read(m: int, onto: np.ndarray, x: np.ndarray, piece: Piece) -> np.ndarray:
    """B d Bᵀ of each tile that a piece reads: (point, channel, image, row, column)"""
    phases = _phases(m, x, [v.before for v in piece.block.windows], piece.block.counts)
    shape, points = phases.shape[2:], m + TAPS - 1
    flat = phases.reshape(m, m, -1)
    taps, size = empty((points, points, flat.shape[2]), x.dtype), flat.shape[2]
    for down, along in np.ndindex(1 + EXTRA, 1 + EXTRA):
        shift = down * shape[-1] + along
        part = taps[down * m : (down + 1) * m, along * m : (along + 1) * m]
        part[..., : size - shift] = flat[: len(part), : part.shape[1], shift:]
        part[..., size - shift :] = 0
    found = _multiply(onto, taps.reshape(len(onto), -1)).reshape(-1, *shape)
    # the row too many of one image stands at the end
    return found[..., :-EXTRA, :] if shape[1] == 1 else found


def _phases(m: int, x: np.ndarray, before: Sequence[int], tiles: Sequence[int]) -> np.ndarray:
    """(phase of rows, phase of columns, channel, image, row, column), zeros around"""
    found = empty((m, m, x.shape[1], x.shape[0], *(n + EXTRA for n in tiles)), x.dtype)
    found[...] = 0
    for p, q in np.ndindex(m, m):
        row, column = (p - before[0]) % m, (q - before[1]) % m
        part = x[:, :, row::m, column::m].swapaxes(0, 1)
        first, left = (row + before[0]) // m, (column + before[1]) // m
        found[p, q, :, :, first : first + part.shape[2], left : left + part.shape[3]] = part
    return found
