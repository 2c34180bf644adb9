"""The steps of a 3×3 convolution that is computed by tiles, there and by its input."""

from __future__ import annotations

import numpy as np

from ..memory import LINE
from . import winograd
from .buffers import Slot, Step
from .correlation import outputs_of
from .draft import Draft, Tail
from .layers import Correlation
from .layout import Layout
from .winograd import POINTS, STEP, TAPS, TILE

__all__ = ["tiled"]


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
