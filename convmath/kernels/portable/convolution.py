"""Convolutions as products of matrices whose columns are windows, put together of slices."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

from convmath.window import Window

from ..padding import padded_sizes
from ..taps import output_sizes
from .library import device
from .moves import added, inner, padded, taps, zeros
from .products import matmul

__all__ = ["conv", "conv_input", "conv_weight", "of_channels"]

Windows = Sequence[Window]

# elements in a matrix of windows: on a CPU it should stay in the cache, elsewhere not fill the memory
ROOM, ROOM_ELSEWHERE = 2**21, 2**27


def conv(xp: ModuleType, x: Any, w: Any, windows: Windows, groups: int) -> Any:
    """(O × C·k) times (C·k × windows), in each image and group"""
    counts = output_sizes(windows, x.shape[2:])
    weights = _weight_matrix(xp, w, groups)

    def part(images: slice) -> Any:
        return matmul(xp, weights, _columns(xp, x[images, ...], windows, counts, groups))

    y = _in_parts(xp, part, _parts(x, x.shape[1], windows, counts))
    return xp.reshape(y, (x.shape[0], w.shape[0], *counts))


def conv_input(xp: ModuleType, gy: Any, w: Any, windows: Windows, groups: int, sizes: Sequence[int]) -> Any:
    """(C·k × O) times (O × windows), in each image and group; each tap's rows are added where it reads"""
    counts, channels, count = gy.shape[2:], groups * w.shape[1], math.prod(w.shape[2:])
    weights = xp.matrix_transpose(_weight_matrix(xp, w, groups))
    # windows may reach beyond the padding where the output of a transposed convolution was cut short
    axes = zip(padded_sizes(windows, sizes), windows, counts, strict=True)
    wide = [max(length, _read(window, m)) for length, window, m in axes]

    def part(images: slice) -> Any:
        rows = _rows(xp, gy[images, ...], groups)
        columns = xp.reshape(matmul(xp, weights, rows), (rows.shape[0], channels, count, *counts))
        gx = zeros(xp, (rows.shape[0], channels, *wide), gy)
        for t, place in enumerate(taps(windows, counts)):
            gx = added(xp, gx, place, columns[:, :, t, ...])
        return inner(gx, windows, sizes)

    return _in_parts(xp, part, _parts(gy, channels, windows, counts))


def _read(window: Window, m: int) -> int:
    return window.stride * (m - 1) + window.span if m else 0


def conv_weight(xp: ModuleType, gy: Any, x: Any, windows: Windows, groups: int) -> Any:
    """(O × windows) times (windows × C·k), in each image and group"""
    counts = gy.shape[2:]
    gw: Any = None
    for images in _parts(x, x.shape[1], windows, counts):
        columns = xp.matrix_transpose(_columns(xp, x[images, ...], windows, counts, groups))
        own = xp.sum(matmul(xp, _rows(xp, gy[images, ...], groups), columns), axis=0)
        gw = own if gw is None else gw + own
    return xp.reshape(gw, (gy.shape[1], x.shape[1] // groups, *(window.kernel for window in windows)))


def of_channels(xp: ModuleType, gy: Any) -> Any:
    """gB[c] = Σ gY[ν,c,j]"""
    return xp.sum(gy, axis=(0, *range(2, gy.ndim)), dtype=gy.dtype)


def _parts(x: Any, channels: int, windows: Windows, counts: Sequence[int]) -> Iterator[slice]:
    """The batch in parts for whose windows there is room; at least one, which may be empty."""
    columns = channels * math.prod(window.kernel for window in windows) * math.prod(counts)
    room = ROOM if "cpu" in str(device(x)).lower() else ROOM_ELSEWHERE
    step = max(1, room // max(1, columns))
    return (slice(start, min(start + step, x.shape[0])) for start in range(0, max(1, x.shape[0]), step))


def _in_parts(xp: ModuleType, part: Callable[[slice], Any], parts: Iterator[slice]) -> Any:
    found = [part(images) for images in parts]
    return found[0] if len(found) == 1 else xp.concat(found, axis=0)


def _columns(xp: ModuleType, x: Any, windows: Windows, counts: Sequence[int], groups: int) -> Any:
    """(image, group, channel and tap, window)"""
    x = padded(xp, x, windows, counts)
    columns = [x[place] for place in taps(windows, counts)]
    laid = columns[0] if len(columns) == 1 else xp.stack(columns, axis=2)
    rows = x.shape[1] // groups * len(columns)
    return xp.reshape(laid, (x.shape[0], groups, rows, math.prod(counts)))


def _rows(xp: ModuleType, y: Any, groups: int) -> Any:
    """(image, group, channel, window)"""
    return xp.reshape(y, (y.shape[0], groups, y.shape[1] // groups, math.prod(y.shape[2:])))


def _weight_matrix(xp: ModuleType, w: Any, groups: int) -> Any:
    """(group, output channel, channel and tap)"""
    return xp.reshape(w, (groups, w.shape[0] // groups, math.prod(w.shape[1:])))
