"""Sums in an order that the shape alone fixes, so that their bits are the same on every machine: no BLAS, no pairs.

Every product and every sum is rounded by itself, and a sum begins with 0. The orders are

- conv:        over channels c, in each over taps t row by row; on the padding W·0 is a term. The bias comes last.
- conv_input:  over output channels o, in each over taps t row by row where s·j + d·t - a = i. The bias comes last.
- conv_weight: over images ν, in each over windows j row by row; on the padding gY·0 is a term. Where each channel has
               one kernel of its own it is the total over images and windows.
- product:     over the common axis. So are the sums of `linear` and its gradients, over rows one after the other.
- pools:       those of `patches`, down the rows of a window and then along them; see there.
- total:       along the last axis in 16 sums, by the position modulo 16, over others in one; see there.

The functions have the same arguments as those of `patches` and `features`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import product as combinations

import numpy as np

from convmath.window import Window

from .direct import shifted
from .padding import bare, pad
from .patches import (
    avg_pool,
    avg_pool_input,
    max_pool,
    max_pool_input,
    max_pool_selection,
    sum_pool,
    sum_pool_input,
)
from .taps import Slices, output_sizes, taps

__all__ = [
    "avg_pool",
    "avg_pool_input",
    "conv",
    "conv_input",
    "conv_transpose",
    "conv_weight",
    "joined",
    "linear",
    "linear_input",
    "linear_weight",
    "max_pool",
    "max_pool_input",
    "max_pool_selection",
    "mean",
    "product",
    "products",
    "sum_pool",
    "sum_pool_input",
    "total",
]

Windows = Sequence[Window]
Tap = tuple[tuple[int, ...], Slices, Slices]

LANES = 16  # sums that `total` keeps

# Speed alone: elements that are worked on together, so that they stay in the cache; so few that a step of Python would
# take longer than to sum them one by one; elements of an array that is laid out anew.
ROOM, FEW, COPIED = 2**14, 2**8, 2**20


# --- convolution ----------------------------------------------------------------------------------------------


def conv(x: np.ndarray, w: np.ndarray, windows: Windows, groups: int, b: np.ndarray | None = None) -> np.ndarray:
    """Y[ν,o,j] = Σ_{c,t} W[o,c,t] · X[ν,c,s·j+d·t-a] + B[o]"""
    x, windows = pad(x, windows), bare(windows)
    counts = output_sizes(windows, x.shape[2:])
    y = np.zeros((x.shape[0], w.shape[0], *counts), np.result_type(x, w))
    reads = taps(windows, x.shape[2:], counts)
    _spread(_grouped(y, 1, groups), _grouped(x, 1, groups), _grouped(w, 0, groups).swapaxes(1, 2), reads)
    return shifted(y, b)


def conv_input(
    gy: np.ndarray, w: np.ndarray, windows: Windows, groups: int, sizes: Sequence[int], b: np.ndarray | None = None
) -> np.ndarray:
    """gX[ν,c,i] = Σ_{o,j,t} [s·j+d·t-a = i] W[o,c,t] · gY[ν,o,j] + B[c]"""
    gx = np.zeros((gy.shape[0], groups * w.shape[1], *sizes), np.result_type(gy, w))
    writes = ((tap, into, out) for tap, out, into in taps(windows, sizes, gy.shape[2:]))
    _spread(_grouped(gx, 1, groups), _grouped(gy, 1, groups), _grouped(w, 0, groups), writes)
    return shifted(gx, b)


def conv_weight(gy: np.ndarray, x: np.ndarray, windows: Windows, groups: int) -> np.ndarray:
    """gW[o,c,t] = Σ_{ν,j} gY[ν,o,j] · X[ν,c,s·j+d·t-a]"""
    x, windows = pad(x, windows), bare(windows)
    counts, kernel = gy.shape[2:], tuple(window.kernel for window in windows)
    makes, reads = gy.shape[1] // groups, x.shape[1] // groups
    if makes == reads == 1:
        return _depthwise_weight(gy, x, windows)
    gw = np.zeros((groups, makes, reads * math.prod(kernel)), np.result_type(gy, x))
    for image, cotangent in zip(x, gy, strict=True):
        # (group, window, channel and tap)
        read = np.empty((groups, *counts, reads, *kernel), x.dtype)
        for tap, _, into in taps(windows, x.shape[2:], counts):
            read[(..., *tap)] = np.moveaxis(_grouped(image, 0, groups)[into], 1, -1)
        of = cotangent.reshape(groups, makes, math.prod(counts))
        _accumulate(gw, of, read.reshape(groups, math.prod(counts), gw.shape[2]))
    return gw.reshape(gy.shape[1], reads, *kernel)


def _depthwise_weight(gy: np.ndarray, x: np.ndarray, windows: Windows) -> np.ndarray:
    gw = np.empty((gy.shape[1], 1, *(window.kernel for window in windows)), np.result_type(gy, x))
    for tap, out, into in taps(windows, x.shape[2:], gy.shape[2:]):
        gw[:, 0, *tap] = total(gy[out] * x[into], (0, *range(2, gy.ndim))).reshape(-1)
    return gw


# what a convolution does to cotangents of its output, a transposed one does to its input
conv_transpose = conv_input


def _grouped(array: np.ndarray, axis: int, groups: int) -> np.ndarray:
    """The channels of that axis as (group, channel of the group); the array itself, seen in another way."""
    shape = array.shape
    return array.reshape(*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :])


def _spread(target: np.ndarray, source: np.ndarray, weight: np.ndarray, pairs: Iterable[Tap]) -> None:
    """target[ν,g,u,…] += weight[g,v,u,tap] · source[ν,g,v,…] for every v and tap, which say where to write and read."""
    pairs = list(pairs)
    for n, g, u in _blocks(target.shape[:3], ROOM // max(1, math.prod(target.shape[3:]))):
        part = target[n, g, u]
        for v in range(source.shape[2]):
            one = source[n, g, v : v + 1]
            for tap, write, read in pairs:
                factor = weight[(g, v, u, *tap)]
                part[write] += factor.reshape(*factor.shape, *[1] * (target.ndim - 3)) * one[read]


# --- products -------------------------------------------------------------------------------------------------


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Σ_k a[o,k] · b[k,q]"""
    return products(a[None], b[None])[0]


def products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Σ_k a[g,o,k] · b[g,k,q]"""
    found = np.zeros((*a.shape[:2], b.shape[2]), np.result_type(a, b))
    _accumulate(found, a, b)
    return found


def linear(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Y[…,o] = Σ_c W[o,c] · X[…,c]"""
    return product(_rows(x), w.T).reshape(*x.shape[:-1], w.shape[0])


def linear_input(gy: np.ndarray, w: np.ndarray) -> np.ndarray:
    """gX[…,c] = Σ_o gY[…,o] · W[o,c]"""
    return product(_rows(gy), w).reshape(*gy.shape[:-1], w.shape[1])


def linear_weight(gy: np.ndarray, x: np.ndarray) -> np.ndarray:
    """gW[o,c] = Σ gY[…,o] · X[…,c]"""
    return product(_rows(gy).T, _rows(x))


def _rows(x: np.ndarray) -> np.ndarray:
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def _accumulate(found: np.ndarray, a: np.ndarray, b: np.ndarray) -> None:
    """found[g,o,q] += a[g,o,k] · b[g,k,q], one k after the other"""
    groups, rows, columns = found.shape
    for g, q in _blocks((groups, columns), ROOM // max(1, rows)):
        part, left, right = found[g, :, q], a[g].transpose(2, 0, 1)[..., None], b[g, :, q].swapaxes(0, 1)[:, :, None]
        step = max(1, ROOM // max(1, part.size)) if part.size < FEW else 1
        for k in range(0, len(left), step):
            _run(part, left[k : k + step] * right[k : k + step])


def _run(found: np.ndarray, terms: np.ndarray) -> None:
    """found + terms[0] + terms[1] + …, in place. `accumulate` is defined to go one by one, `reduce` is not."""
    if found.size < FEW:
        found[...] = np.add.accumulate(np.concatenate([found[None], terms]), axis=0)[-1]
    else:
        for term in terms:
            found += term


def _blocks(lengths: Sequence[int], room: int) -> Iterator[tuple[slice, ...]]:
    """The index space of these lengths in blocks of at most so many elements, or of one: whole rows where they fit."""
    steps = []
    for length in reversed(lengths):
        step = max(1, min(length, room))
        steps.append(step)
        room //= step
    starts = [range(0, length, step) for length, step in zip(lengths, reversed(steps), strict=True)]
    for corner in combinations(*starts):
        yield tuple(slice(start, start + step) for start, step in zip(corner, reversed(steps), strict=True))


# --- sums -----------------------------------------------------------------------------------------------------


def total(x: np.ndarray, axes: Sequence[int]) -> np.ndarray:
    """Σ x over the axes, which stay with length 1.

    Lines along the last of these axes come one after the other, in the order of the others. If nothing lies behind that
    axis, element p of each line is added to sum p mod 16, and then the upper half of the 16 sums is added to the lower,
    until one is left. Elsewhere there is one sum, of one element after the other.
    """
    *others, last = sorted(axis % x.ndim for axis in axes)
    kept = [axis for axis in range(x.ndim) if axis not in others and axis != last]
    lines, many, length = (math.prod(x.shape[axis] for axis in part) for part in (others, kept, [last]))
    sums = np.zeros(many, x.dtype)
    if math.prod(x.shape[last + 1 :]) == 1:
        _in_lanes(sums, x.transpose(*others, *kept, last).reshape(lines, many, length))
    else:
        rows = x.transpose(*others, last, *kept).reshape(lines * length, many)
        for n, part in _blocks((len(rows), many), COPIED):
            _run(sums[part], rows[n, part])
    return sums.reshape([length if axis in kept else 1 for axis, length in enumerate(x.shape)])


def _in_lanes(found: np.ndarray, lines: np.ndarray) -> None:
    """found[q] = Σ lines[n,q,p]"""
    count, many, length = lines.shape
    sums = np.zeros((many, LANES), found.dtype)
    for (part,) in _blocks((many,), ROOM // LANES):
        room = COPIED // sums[part].size
        for n, of in _blocks((count, -(-length // LANES)), room):
            read = lines[n, part, of.start * LANES : of.stop * LANES].swapaxes(1, 2)
            # (line, block and lane, kept); 0 at the end of a line changes nothing
            laid = np.zeros((len(read), -(-read.shape[1] // LANES) * LANES, read.shape[2]), found.dtype)
            laid[:, : read.shape[1]] = read
            _run(sums[part], laid.reshape(-1, LANES, read.shape[2]).swapaxes(1, 2))
    while sums.shape[1] > 1:
        half = sums.shape[1] // 2
        sums = sums[:, :half] + sums[:, half:]
    found[...] = sums[:, 0]


def joined(real: np.ndarray, imaginary: np.ndarray) -> np.ndarray:
    """The complex numbers of these parts, without an operation that could round."""
    return np.stack([real, imaginary], -1).view(np.result_type(real, np.complex64))[..., 0]


def mean(x: np.ndarray, axes: Sequence[int]) -> np.ndarray:
    """total(x)/n"""
    found = total(x, axes)
    return found / x.dtype.type(math.prod(x.shape[axis] for axis in axes))
