"""The layers by torch, in both of its memory layouts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from .. import layers
from ..layers import Layer
from ..measure import Call, Case

__all__ = ["cases"]


def cases(*args: Any, **kwargs: Any) -> Iterator[Case]:
    """Those of tests.bench.layers beside torch."""
    return layers.cases(_torch, *args, **kwargs)


def _torch(layer: Layer, x: np.ndarray, w: np.ndarray, gy: np.ndarray) -> dict[str, tuple[Call, Call, Call]]:
    found = {"contiguous": _in(None, layer, x, w, gy)}
    if len(layer.x) == 4:
        found["channels last"] = _in(torch.channels_last, layer, x, w, gy)
    return found


def _in(layout: Any, layer: Layer, x: np.ndarray, w: np.ndarray, gy: np.ndarray) -> tuple[Call, Call, Call]:
    arrays = [torch.from_numpy(array) for array in (x, w, gy)]
    if layout is not None:
        arrays = [array.contiguous(memory_format=layout) for array in arrays]
    tx, tw, tg = arrays
    ndim = x.ndim - 2
    each = [[number] * ndim for number in (layer.stride, layer.padding, layer.dilation)]
    more = layer.transposed, [0] * ndim, layer.groups

    def forward() -> object:
        return torch.ops.aten.convolution(tx, tw, None, *each, *more)

    def gradient(mask: list[bool]) -> Call:
        return lambda: torch.ops.aten.convolution_backward(tg, tx, tw, None, *each, *more, mask)

    return forward, gradient([True, False, False]), gradient([False, True, False])
