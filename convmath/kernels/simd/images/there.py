"""The steps of the way there: from the arrays to the loss, with its gradient by what it is the loss of."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..host import host
from . import correlation, loss, norm, pooling, tables
from .buffers import VALUE, Slot, Step
from .draft import Draft, Made, Tail
from .layers import Activation, AvgPool, Classes, Correlation, Input, MaxPool, Norm, Squares, Sum
from .layout import Layout, ingest
from .pointwise import combine
from .tiled import tiled
from .units import Unit

__all__ = ["combined", "divisors_of", "forward", "loss_steps", "normal", "reading", "taps_of"]


def forward(draft: Draft, unit: Unit) -> list[Step]:
    """The steps that compute what comes out of a unit."""
    made, layer = draft.made[unit.y], unit.layer
    match layer:
        case Input():
            elements = draft.memory.table(made.layout.elements)
            words = {"array": Slot(layer.array), "lanewise": made.y, "places": elements}
            words |= {"images": draft.net.images, "elements": len(elements)}
            return [draft.memory.step(ingest(draft.net.dtype), -(-len(elements) // draft.lanes.lanes), words)]
        case Correlation():
            if unit.pool is None and draft.by_tiles(layer):
                x = draft.made[layer.x]
                return tiled(draft, layer, (x.layout, x.y), made.layout, draft.value_tail(made), turned=False)
            return [_correlation(draft, layer, made)]
        case MaxPool() | AvgPool():
            return [_pool(draft, layer, made)]
        case Norm():
            return [_norm(draft, layer, made)]
        case Activation():
            x = draft.made[layer.x]
            return [combined(draft, (x.layout, x.y), None, made, draft.value_tail(made))]
        case Sum():
            x, u = draft.made[layer.x], draft.made[layer.u]
            return [combined(draft, (x.layout, x.y), (u.layout, u.y), made, draft.value_tail(made))]


def combined(
    draft: Draft, x: tuple[Layout, np.ndarray], u: tuple[Layout, np.ndarray] | None, made: Made, tail: Tail
) -> Step:
    """X, or X + U, in the place of a value or of its cotangent."""
    places = np.zeros((len(made.layout.positions), tables.PLACE // 8), np.int64)
    places[:, 0], places[:, 3] = x[0].positions, made.layout.positions
    words = {
        **tail.words,
        "x": x[1],
        "x_channel": x[0].channel,
        "y_channel": made.layout.channel,
        "channels": made.layout.channels,
        "row": draft.lanes.row,
        "places": draft.memory.table(places),
    }
    words["others"] = words["places"]
    if u is not None:
        others = np.zeros_like(places)
        others[:, 0] = u[0].positions
        words |= {"u": u[1], "u_channel": u[0].channel, "others": draft.memory.table(others)}
    code = combine(draft.net.dtype, draft.lanes.together, u is not None, *tail.arguments)
    return draft.memory.step(code, len(places), words)


# --- convolutions and linear layers -------------------------------------------------------------------------------


def taps_of(layer: Correlation) -> int:
    return math.prod(w.kernel for w in layer.windows)


def reading(draft: Draft, found: tables.Table, source: tuple[Layout, np.ndarray], made: Layout) -> dict[str, Any]:
    """The words of a kernel that reads a source by a table, and makes what lies as is said."""
    return {
        "x": source[1],
        "x_channel": source[0].channel,
        "y_channel": made.channel,
        "row": draft.lanes.row,
        "taps": draft.memory.table(found.taps),
        "places": draft.memory.table(found.places),
    }


def _correlation(draft: Draft, layer: Correlation, made: Made) -> Step:
    x, taps, size = draft.made[layer.x], taps_of(layer), draft.bytes
    reads, outputs = x.layout.channels // layer.groups, made.layout.channels // layer.groups
    # the padding is there as zeros, so that every window is whole
    each = zip(layer.windows, x.layout.sizes, made.inner.sizes, strict=True)
    axes = [(read, np.ones_like(inside)) for read, inside in (tables.forward(*one) for one in each)]
    found = tables.table(axes, x.layout, size * np.arange(taps), made.inner.positions)
    pool, members = made.unit.pool, 1
    if pool is not None:
        found, members = _of_pool(found, pool, made)
    many, tail = correlation.outputs_of(outputs, draft.lanes), draft.value_tail(made)
    tiles, positions = -(-outputs // many), len(found.places) // members
    words = {
        **reading(draft, found, (x.layout, x.y), made.layout),
        **tail.words,
        "w": Slot(layer.w),
        "b": 0 if layer.b is None else Slot(layer.b),
        "reads": reads,
        "w_in": taps * size,
        "w_out": reads * taps * size,
        "outputs": outputs,
        "tiles": tiles,
        "groups": layer.groups,
        "x_group": reads * x.layout.channel,
        "w_group": outputs * reads * taps * size,
    }
    draft.products += len(found.places) * layer.groups * outputs * reads * taps * draft.net.images
    arguments = (draft.net.dtype, many, draft.lanes.together, layer.b is not None, *tail.arguments)
    items = positions * layer.groups * tiles
    if pool is None:
        return draft.memory.step(correlation.correlate(*arguments), items, words)
    own = members * many * draft.lanes.together * host().vector
    code = correlation.correlate_pooled(*arguments, members)
    return draft.memory.step(code, items, {**words, "chosen": made.code, "flag": draft.memory.flag}, own)


def _of_pool(found: tables.Table, pool: MaxPool, made: Made) -> tuple[tables.Table, int]:
    """The positions in the order in which the windows of a pool have them."""
    inner = made.inner
    numbered = Layout(1, inner.sizes, 1, ((0, 0),) * len(inner.sizes))
    each = zip(pool.windows, inner.sizes, made.layout.sizes, strict=True)
    positions, _ = tables.reads([tables.forward(*one) for one in each], numbered)
    places = found.places[positions.reshape(-1)]
    places[:, 3] = np.repeat(made.layout.positions, positions.shape[1])
    return tables.Table(places, found.taps), positions.shape[1]


# --- pools --------------------------------------------------------------------------------------------------------


def _pool(draft: Draft, layer: MaxPool | AvgPool, made: Made) -> Step:
    x, members = draft.made[layer.x], math.prod(w.kernel for w in layer.windows)
    each = zip(layer.windows, x.layout.sizes, made.layout.sizes, strict=True)
    found = tables.table([tables.forward(*one) for one in each], x.layout, np.arange(members), made.layout.positions)
    tail, dtype, together = draft.value_tail(made), draft.net.dtype, draft.lanes.together
    words = {**reading(draft, found, (x.layout, x.y), made.layout), "channels": x.layout.channels, **tail.words}
    if isinstance(layer, MaxPool):
        code = pooling.max_pool(dtype, together, *tail.arguments, members, layer.last)
        words |= {"chosen": made.code, "flag": draft.memory.flag}
    else:
        code = pooling.avg_pool(dtype, together, *tail.arguments)
        words |= {"divisors": divisors_of(draft, layer, made.layout)}
    return draft.memory.step(code, len(found.places), words)


def divisors_of(draft: Draft, layer: AvgPool, made: Layout) -> np.ndarray:
    """The number that each place of a channel is divided by."""
    divisors = np.ones(made.channel // made.row)
    divisors[made.positions // made.row] = np.broadcast_to(layer.divisors, made.sizes).reshape(-1)
    return draft.memory.floats(divisors)


# --- norms --------------------------------------------------------------------------------------------------------


def normal(draft: Draft, layer: Norm, made: Made, y: Layout, u: Layout) -> dict[str, Any]:
    """The words of a kernel that goes through X, an array that lies as Y, and a third."""
    x = draft.made[layer.x]
    places = np.stack([x.layout.positions, y.positions, u.positions], -1)
    members = len(places) * draft.net.images
    return {
        "x": x.y,
        "w": 0 if layer.w is None else Slot(layer.w),
        "kept": made.kept,
        "real": draft.memory.table(np.array([members, layer.eps], "f8")),
        "places": draft.memory.table(places),
        "flag": draft.memory.flag,
        "channels": x.layout.channels,
        "positions": len(places),
        "images": draft.net.images,
        "x_channel": x.layout.channel,
        "y_channel": y.channel,
        "u_channel": u.channel,
        "row": draft.lanes.row,
    }


def _norm(draft: Draft, layer: Norm, made: Made) -> Step:
    other = None if made.unit.other is None else draft.made[made.unit.other]
    tail = draft.value_tail(made)
    words = {
        **normal(draft, layer, made, made.layout, other.layout if other else made.layout),
        **tail.words,
        "u": other.y if other else 0,
        "b": 0 if layer.b is None else Slot(layer.b),
    }
    affine = layer.w is not None, layer.b is not None, other is not None
    code = norm.norm(draft.net.dtype, draft.lanes.together, *affine, *tail.arguments)
    return draft.memory.step(code, made.layout.channels, words)


# --- losses -------------------------------------------------------------------------------------------------------


def loss_steps(draft: Draft) -> tuple[list[Step], np.ndarray]:
    """The steps of the loss, and the memory of classes, a row for each position."""
    layer, memory, dtype = draft.net.loss, draft.memory, draft.net.dtype
    x = draft.made[layer.x]
    flat = isinstance(layer, Classes) and layer.flat
    places = np.zeros(1, np.int64) if flat else x.layout.positions
    length = len(places) * draft.lanes.row // draft.bytes
    totals, losses = memory.zeros(64), memory.zeros(length * draft.bytes)
    tail = draft.cotangent_tail(x)
    shared = {**tail.words, "x": x.y, "losses": losses, "totals": totals, "row": draft.lanes.row}
    target = np.zeros(0, np.int64)
    if isinstance(layer, Squares):
        other = draft.made[layer.target]
        totals.view(dtype)[0] = draft.net.images * math.prod(draft.net.values[layer.x])
        both = memory.table(np.stack([places, other.layout.positions], -1))
        sizes = {"channels": x.layout.channels, "x_channel": x.layout.channel, "images": draft.net.images}
        words = {**shared, **sizes, "other": other.y, "other_channel": other.layout.channel, "places": both}
        steps = [memory.step(loss.squares(dtype, layer.mean, *tail.arguments), len(places), words)]
    else:
        members = x.layout.elements if flat else x.layout.channel * np.arange(x.layout.channels)
        target = memory.zeros(length * 8).view(np.int64)
        target.fill(layer.ignored)
        # 1 - ε of the class itself, and ε/C of each
        smoothing = memory.floats([1 - layer.smoothing, layer.smoothing / len(members)])
        classes = {"classes": len(members), "ignored": layer.ignored, "target": target}
        words = {**shared, **classes, "members": memory.table(members), "places": memory.table(places)}
        counted = {**classes, "length": length, "totals": totals, "flag": memory.flag}
        steps = [
            memory.step(loss.count(dtype), 1, counted),
            memory.step(
                loss.by_class(dtype, layer.mean, *tail.arguments), len(places), {**words, "smoothing": smoothing}
            ),
        ]
    end = {"losses": losses, "totals": totals, "value": Slot(VALUE), "flag": memory.flag, "length": length}
    steps.append(memory.step(loss.total(dtype, layer.mean), 1, end))
    return steps, target.reshape(len(places), -1)
