"""The steps of the way back: from the cotangent of what comes out of a unit to those of what it reads."""

from __future__ import annotations

import math

import numpy as np

from . import correlation, norm, pooling, tables
from .buffers import Slot, Step
from .draft import Draft, Made, Tail, named
from .layers import Activation, AvgPool, Correlation, Input, MaxPool, Norm, Sum
from .layout import Layout, egress
from .there import combined, divisors_of, normal, reading, taps_of
from .tiled import tiled, tiled_weights
from .units import Unit
from .weights import BIASES, tile_of, weights

__all__ = ["backward"]

NEAR = 512 * 1024  # bytes that should stay near a core


def backward(draft: Draft, unit: Unit) -> list[Step]:
    """The steps of a unit whose own cotangent is there."""
    made, layer = draft.made[unit.y], unit.layer
    if unit.y not in draft.needs:
        return []
    steps = [] if unit.other is None else _copied(draft, made, unit.other)
    match layer:
        case Input():
            steps += _input(draft, layer, made)
        case Correlation():
            steps += _correlation(draft, layer, made)
        case MaxPool() | AvgPool():
            steps += _pool(draft, layer, made)
        case Norm():
            steps.append(_norm(draft, layer, made))
        case Sum() | Activation():
            steps += (step for value in layer.reads for step in _copied(draft, made, value))
    draft.memory.give_back(made.layout, made.g)
    return steps


def _copied(draft: Draft, made: Made, value: int) -> list[Step]:
    """The cotangent as that of a value that was added."""
    if value not in draft.needs:
        return []
    x = draft.made[value]
    return [combined(draft, (made.layout, made.g), None, x, draft.cotangent_tail(x))]


def _input(draft: Draft, layer: Input, made: Made) -> list[Step]:
    elements = draft.memory.table(made.layout.elements)
    words = {"array": draft.gradient(layer.array), "lanewise": made.g, "places": elements}
    words |= {"images": draft.net.images, "elements": len(elements), "flag": draft.memory.flag}
    return [draft.memory.step(egress(draft.net.dtype), -(-len(elements) // draft.lanes.lanes), words)]


def _norm(draft: Draft, layer: Norm, made: Made) -> Step:
    x, written = draft.made[layer.x], layer.x in draft.needs
    tail = draft.cotangent_tail(x) if written else Tail("store", None, {})
    words = {**normal(draft, layer, made, x.layout, made.layout), **tail.words, "g": made.g}
    words["b"] = 0 if layer.b is None else Slot(layer.b)
    for name, array in (("gw", layer.w), ("gb", layer.b)):
        words[name] = 0 if array is None else draft.gradient(array)
    affine = layer.w is not None, layer.b is not None, written
    inner = named(made.unit.activation)[0] if made.unit.finds_slope else ""
    code = norm.norm_input(draft.net.dtype, draft.lanes.together, *affine, *tail.arguments, inner)
    return draft.memory.step(code, made.layout.channels, words)


# --- pools --------------------------------------------------------------------------------------------------------


def _pool(draft: Draft, layer: MaxPool | AvgPool, made: Made) -> list[Step]:
    if layer.x not in draft.needs:
        return []
    x = draft.made[layer.x]
    tail, dtype, together = draft.cotangent_tail(x), draft.net.dtype, draft.lanes.together
    words = {**_gathered(draft, layer, made, x.layout), **tail.words}
    if isinstance(layer, MaxPool):
        members = math.prod(w.kernel for w in layer.windows)
        code = pooling.max_pool_input(dtype, together, *tail.arguments, members, "", 0)
        words |= {"chosen": made.code}
    else:
        code = pooling.avg_pool_input(dtype, together, *tail.arguments)
        words |= {"divisors": divisors_of(draft, layer, made.layout)}
    return [draft.memory.step(code, len(x.layout.positions), words)]


def _gathered(draft: Draft, layer: MaxPool | AvgPool, made: Made, x: Layout) -> dict[str, object]:
    """The words of a sum over the windows that read a position."""
    each = zip(layer.windows, x.sizes, made.layout.sizes, strict=True)
    members = np.arange(math.prod(w.kernel for w in layer.windows))
    found = tables.table([tables.backward(*one) for one in each], made.layout, members, x.positions)
    return {**reading(draft, found, (made.layout, made.g), x), "channels": x.channels}


def _through_pool(draft: Draft, pool: MaxPool, made: Made) -> Step:
    """The cotangent of what a convolution made, from that of the maxima of its activation."""
    name, numbers = named(made.unit.activation)
    members = math.prod(w.kernel for w in pool.windows)
    code = pooling.max_pool_input(draft.net.dtype, draft.lanes.together, "store", "", 0, members, name, numbers)
    words = {
        **_gathered(draft, pool, made, made.inner),
        "y": made.inner_g,
        "chosen": made.code,
        "selected": made.before,
        "inner": draft.numbers(made.unit.activation),
    }
    return draft.memory.step(code, len(made.inner.positions), words)


# --- convolutions and linear layers -------------------------------------------------------------------------------


def _correlation(draft: Draft, layer: Correlation, made: Made) -> list[Step]:
    steps = []
    if made.unit.pool:
        made.inner_g = draft.memory.borrowed(made.inner)
        steps.append(_through_pool(draft, made.unit.pool, made))
    if {layer.w, layer.b} & {*draft.net.wanted}:
        steps += _weights(draft, layer, made)
    if layer.x in draft.needs:
        steps += _by_input(draft, layer, made)
    if made.unit.pool:
        draft.memory.give_back(made.inner, made.inner_g)
    return steps


def _by_input(draft: Draft, layer: Correlation, made: Made) -> list[Step]:
    """gX[c,i] = Σ_{o,t} [s·j+d·t-a = i] W[o,c,t] · gY[o,j]"""
    (of_y, g), x, taps, size = made.produced, draft.made[layer.x], taps_of(layer), draft.bytes
    if draft.by_tiles(layer):
        return tiled(draft, layer, made.produced, x.layout, draft.cotangent_tail(x), turned=True)
    outputs, reads = x.layout.channels // layer.groups, of_y.channels // layer.groups
    each = zip(layer.windows, x.layout.sizes, of_y.sizes, strict=True)
    found = tables.table([tables.backward(*one) for one in each], of_y, size * np.arange(taps), x.layout.positions)
    many, tail = correlation.outputs_of(outputs, draft.lanes), draft.cotangent_tail(x)
    tiles = -(-outputs // many)
    words = {
        **reading(draft, found, (of_y, g), x.layout),
        **tail.words,
        "w": Slot(layer.w),
        "reads": reads,
        "outputs": outputs,
        "tiles": tiles,
        "groups": layer.groups,
        "w_in": outputs * taps * size,
        "w_out": taps * size,
        "x_group": reads * of_y.channel,
        "w_group": outputs * reads * taps * size,
    }
    draft.products += len(of_y.positions) * taps * layer.groups * outputs * reads * draft.net.images
    code = correlation.correlate(draft.net.dtype, many, draft.lanes.together, False, *tail.arguments)
    return [draft.memory.step(code, len(found.places) * layer.groups * tiles, words)]


def _weights(draft: Draft, layer: Correlation, made: Made) -> list[Step]:
    tiles, biased = draft.weights_by_tiles(layer), layer.b is not None and layer.b in draft.net.wanted
    x = draft.made[layer.x]
    steps = tiled_weights(draft, layer, (x.layout, x.y), made.produced) if tiles else []
    return [*steps, *([_sums(draft, layer, made, matrix=not tiles, biased=biased)] if biased or not tiles else [])]


def _sums(draft: Draft, layer: Correlation, made: Made, *, matrix: bool, biased: bool) -> Step:
    """The step that computes gW, if it is this that does, and gB."""
    (of_y, g), x, taps = made.produced, draft.made[layer.x], taps_of(layer)
    outputs, reads = of_y.channels // layer.groups, x.layout.channels // layer.groups
    # a tap is so far from where the window of position 0 begins
    strides = x.layout.strides
    begin = x.layout.origin - sum(w.before * stride for w, stride in zip(layer.windows, strides, strict=True))
    along = [stride * w.dilation * np.arange(w.kernel) for w, stride in zip(layer.windows, strides, strict=True)]
    offsets = _outer([x.layout.channel * np.arange(reads), *along])
    runs = _runs(draft, layer, begin, x.layout, of_y)
    many, pairs = tile_of(outputs, len(offsets), draft.lanes.lanes)
    tiles, wide = -(-outputs // many), -(-len(offsets) // pairs) if matrix else 0
    items = layer.groups * tiles * wide + (-(-of_y.channels // BIASES) if biased else 0)
    sums = items * max(many * pairs, BIASES) * draft.lanes.lanes * draft.bytes
    parts = min(len(runs), -(-(x.layout.bytes + of_y.bytes) // NEAR))
    banded = parts > 1 and items > 1 and sums <= 4 * NEAR
    if not banded:
        parts = 1
    # what the tiles of a block read of X stays near while they go through the outputs
    across = wide if banded else max(1, min(wide, NEAR * wide * layer.groups // x.layout.bytes))
    bands = np.linspace(0, len(runs), parts + 1).astype(np.int64)
    words = {
        "x": x.y,
        "g": g,
        "flag": draft.memory.flag,
        "parts": parts,
        "gw": draft.gradient(layer.w) if matrix else 0,
        "bands": draft.memory.table(bands),
        "gb": draft.gradient(layer.b) if layer.b is not None and biased else 0,
        "offsets": draft.memory.table(offsets),
        "runs": draft.memory.table(runs),
        "sums": draft.memory.zeros(sums if banded else 0),
        "groups": layer.groups,
        "outputs": outputs,
        "pairs": len(offsets),
        "tiles": tiles,
        "wide": wide,
        "across": across,
        "x_group": reads * x.layout.channel,
        "g_group": outputs * of_y.channel,
        "g_channel": of_y.channel,
    }
    draft.products += matrix * len(of_y.positions) * taps * layer.groups * outputs * reads * draft.net.images
    return draft.memory.step(weights(draft.net.dtype, many, pairs, banded), items, words, whole=banded)


def _runs(draft: Draft, layer: Correlation, begin: int, x: Layout, y: Layout) -> np.ndarray:
    """Positions whose images lie behind one another in both arrays: where X and gY begin, and how many bytes go."""
    steps = [w.stride * stride for w, stride in zip(layer.windows, x.strides, strict=True)]
    counts, length = list(y.sizes), draft.lanes.row
    if layer.windows and layer.windows[-1].stride == 1:
        length *= counts[-1]
        counts[-1] = min(1, counts[-1])
    of_x = begin + _outer([step * np.arange(count) for step, count in zip(steps, counts, strict=True)])
    of_y = y.at([np.arange(count) for count in counts])
    return np.stack(np.broadcast_arrays(of_x, of_y, length), -1).astype(np.int64)


def _outer(sums: list[np.ndarray]) -> np.ndarray:
    total = np.zeros(1, np.int64)
    for along in sums:
        total = np.add.outer(total, along).reshape(-1)
    return total
