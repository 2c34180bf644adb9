"""The steps of a 3×3 convolution that is computed by tiles: there, by its input, and by its weight."""

from __future__ import annotations

import numpy as np

from ..memory import LINE
from ..winograd_weight import turned
from . import winograd, winograd_weights
from .buffers import Slot, Step
from .correlation import outputs_of
from .draft import Draft, Tail
from .layers import Correlation
from .layout import Layout
from .winograd import POINTS, STEP, TAPS, TILE
from .winograd_weights import READ, SIDE

__all__ = ["tiled", "tiled_weights"]

PARTS = 16  # of the tiles of a gradient by the weight, for each of which its sums are kept
SUMS = 2**21  # bytes of these sums


def tiled(
    draft: Draft, layer: Correlation, source: tuple[Layout, np.ndarray], target: Layout, tail: Tail, *, turned: bool
) -> list[Step]:
    """The steps that compute Y from X or, with the kernels turned, gX from gY."""
    (of_x, x), memory, dtype, size = source, draft.memory, draft.net.dtype, draft.bytes
    reads, outputs = of_x.channels // layer.groups, target.channels // layer.groups
    many, taps = outputs_of(outputs, draft.lanes), TAPS * TAPS * size
    blocks, block = -(-outputs // many), draft.lanes.together * draft.lanes.vector
    # a line more, so that points don't share lines of the cache
    u_point = blocks * many * reads * size + LINE
    shared = {
        "u": memory.zeros(layer.groups * POINTS * u_point),
        "reads": reads,
        "outputs": outputs,
        "groups": layer.groups,
        "u_group": POINTS * u_point,
        "u_point": u_point,
    }
    weights = {
        **shared,
        "w": Slot(layer.w),
        "w_in": taps * (outputs if turned else 1),
        "w_out": taps * (1 if turned else reads),
        "w_group": outputs * reads * taps,
    }
    before = [TAPS - 1 - w.before if turned else w.before for w in layer.windows]
    tiles = _tiles(of_x, target, before)
    words = {
        **shared,
        **tail.words,
        "x": x,
        "b": 0 if turned or layer.b is None else Slot(layer.b),
        "tiles": memory.table(tiles),
        "flag": memory.flag,
        "blocks": blocks,
        "x_channel": of_x.channel,
        "x_line": of_x.strides[0],
        "x_group": reads * of_x.channel,
        "y_channel": target.channel,
        "y_line": target.strides[0],
        "row": draft.lanes.row,
    }
    draft.products += len(tiles) * layer.groups * POINTS * reads * outputs * draft.net.images
    biased = layer.b is not None and not turned
    code = winograd.correlate_tiles(dtype, many, draft.lanes.together, biased, *tail.arguments)
    return [
        memory.step(winograd.transform_weights(dtype, many, turned), layer.groups * outputs, weights),
        memory.step(code, len(tiles) * layer.groups, words, winograd.room(reads, blocks * many, block)),
    ]


def _tiles(x: Layout, y: Layout, before: list[int]) -> np.ndarray:
    """Rows of TILE: where the tiles begin in both arrays, and how many of their rows and columns are there."""
    starts = [np.arange(0, n, STEP) for n in y.sizes]
    there = np.meshgrid(*(np.minimum(STEP, n - start) for n, start in zip(y.sizes, starts, strict=True)), indexing="ij")
    of_x = x.at([start - pad for start, pad in zip(starts, before, strict=True)])
    table = np.stack([of_x, y.at(starts), *(count.reshape(-1) for count in there)], -1).astype(np.int64)
    assert table.itemsize * table.shape[1] == TILE
    return table


# --- by the weight ------------------------------------------------------------------------------------------------


def tiled_weights(
    draft: Draft, layer: Correlation, x: tuple[Layout, np.ndarray], g: tuple[Layout, np.ndarray]
) -> list[Step]:
    """The steps that compute gW from X and gY."""
    (of_x, x_), (of_g, g_), memory = x, g, draft.memory
    reads, outputs, row = of_x.channels // layer.groups, of_g.channels // layer.groups, draft.lanes.row
    tiles, channels = _pairs(layer, of_x, of_g), reads + outputs
    points = SIDE * winograd_weights.lines_of(channels, row)
    most = winograd_weights.most(channels, row, points)
    many, pairs = winograd_weights.tile_of(draft.lanes.lanes)
    matrix = -(-outputs // many) * -(-reads // pairs) * draft.lanes.vector
    pieces = max(1, min(PARTS, -(-len(tiles) // most), SUMS // (POINTS * matrix)))
    lines, factors = _lines(of_x.strides[0], of_g.strides[0])
    shared = {
        "x_count": reads,
        "g_count": outputs,
        "pieces": pieces,
        "sums": memory.zeros(layer.groups * pieces * POINTS * matrix),
    }
    words = {
        **shared,
        "x": x_,
        "g": g_,
        "tiles": memory.table(tiles),
        "parts": memory.table(np.linspace(0, len(tiles), pieces + 1).astype(np.int64)),
        "lines": memory.table(lines),
        "factors": memory.floats(factors),
        "most": most,
        "x_channel": of_x.channel,
        "x_group": reads * of_x.channel,
        "x_line": of_x.strides[0],
        "g_channel": of_g.channel,
        "g_group": outputs * of_g.channel,
        "g_line": of_g.strides[0],
        "row": row,
    }
    back = {**shared, "gw": draft.gradient(layer.w), "flag": memory.flag}
    draft.products += len(tiles) * layer.groups * POINTS * reads * outputs * draft.net.images
    dtype, room = draft.net.dtype, winograd_weights.room(channels, row, points)
    add = winograd_weights.add_products(dtype, many, pairs, points == POINTS)
    finish = winograd_weights.transform_back(dtype, many, pairs)
    return [
        memory.step(add, layer.groups * pieces * (POINTS // points), words, room),
        memory.step(finish, layer.groups * (matrix // draft.lanes.vector), back, TAPS * TAPS * draft.lanes.vector),
    ]


def _pairs(layer: Correlation, x: Layout, g: Layout) -> np.ndarray:
    """Rows of TILE: where the tiles begin in both arrays. What they have beyond gY is 0 there."""
    starts = [np.arange(0, n, STEP) for n in g.sizes]
    of_x = x.at([start - window.before for start, window in zip(starts, layer.windows, strict=True)])
    return np.stack([of_x, g.at(starts)], -1).astype(np.int64)


def _lines(x_line: int, g_line: int) -> tuple[np.ndarray, np.ndarray]:
    """For each point of the first axis: where the two lines of X and of gY lie that it reads, and what they count."""
    f, lines, factors = turned(STEP), [], []
    for b, g in zip(f.B, f.G, strict=True):
        for row, line in ((b, x_line), (g, g_line)):
            found = [(place * line, float(factor)) for place, factor in enumerate(row) if factor]
            found += [(0, 0.0)] * (READ - len(found))
            lines += [at for at, _ in found]
            factors += [factor for _, factor in found]
    return np.array(lines, np.int64), np.array(factors)
