"""Cases of normalisations: no channel is constant where ε is 0."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from ..case import Case
from .numbers import SEEDS, distinct, integers
from .options import Options

__all__ = ["DRAWN"]

_EPS = (1e-5, 1.0, 0.5, 1e-5, 0.0)


def _shape(options: Options, least: int = 1, channels: tuple[int, ...] = (1, 2, 3, 5)) -> tuple[int, ...]:
    """A small shape (N, C, *n)."""
    most = {0: 1, 1: 5, 2: 3}.get(options.ndim, 2)
    sizes = [options.draw(st.integers(1, most)) for _ in range(options.ndim)]
    return options.draw(st.sampled_from((least, least + 1, least + 2))), options.draw(st.sampled_from(channels)), *sizes


def _data(options: Options, shape: tuple[int, ...], together: int) -> tuple[np.ndarray, dict[str, Any]]:
    """X, and ε where it is not the default; `together` is how many values a mean is over."""
    eps = options.draw(st.sampled_from(_EPS))
    if eps == 0.0 and together < 2:
        eps = 1.0
    any_values = options.draw(st.sampled_from((integers, distinct)))  # drawn at any ε: the simplest case draws least
    values = distinct if eps == 0.0 else any_values
    return values(options.draw(SEEDS), shape), {} if eps == 1e-5 else {"eps": eps}


def _affine(options: Options, shape: tuple[int, ...]) -> list[np.ndarray | None]:
    """Weight and bias, each there or not."""
    weight, bias = (
        integers(options.draw(SEEDS), shape) if options.one_of(name, False, True) else None
        for name in ("weight", "bias")
    )
    return [weight, bias] if bias is not None else [weight] if weight is not None else []


def _batch_norm(options: Options) -> Case:
    training = options.one_of("training", False, True)
    running = options.one_of("running", False, True) or not training
    shape = _shape(options, least=2 if training and running else 1)
    channels, m = shape[1], math.prod(shape) // shape[1]
    x, kwargs = _data(options, shape, m)
    mean, variance = (integers(options.draw(SEEDS), (channels,)) for _ in range(2))
    statistics = [mean, np.maximum(np.abs(variance), 1)] if running else [None, None]
    kwargs |= {"training": True} if training else {}
    if training and running:
        kwargs |= {"momentum": 0.25} if options.draw(st.booleans()) else {}
    return Case("batch_norm", (x, *statistics, *_affine(options, (channels,))), kwargs)


def _layer_norm(options: Options) -> Case:
    shape = _shape(options)
    x, kwargs = _data(options, shape, math.prod(shape[1:]))
    return Case("layer_norm", (x, shape[1:], *_affine(options, shape[1:])), kwargs)


def _group_norm(options: Options) -> Case:
    shape, groups = _shape(options, channels=(1, 2, 3)), options.draw(st.integers(1, 3))
    shape = (shape[0], groups * shape[1], *shape[2:])
    x, kwargs = _data(options, shape, math.prod(shape[1:]) // groups)
    return Case("group_norm", (x, groups, *_affine(options, shape[1:2])), kwargs)


def _instance_norm(options: Options) -> Case:
    shape = _shape(options)
    x, kwargs = _data(options, shape, math.prod(shape[2:]))
    return Case("instance_norm", (x, *_affine(options, shape[1:2])), kwargs)


def _local_response_norm(options: Options) -> Case:
    kwargs = {
        name: options.draw(st.sampled_from(values))
        for name, values in (("alpha", (None, 1.0)), ("beta", (None, 0.5, 1.0, 2.0)), ("k", (None, 2.0)))
    }
    kwargs = {name: value for name, value in kwargs.items() if value is not None}
    x = integers(options.draw(SEEDS), _shape(options))
    return Case("local_response_norm", (x, options.draw(st.integers(1, 6))), kwargs)


DRAWN: Mapping[str, Callable[[Options], Case]] = {
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "group_norm": _group_norm,
    "instance_norm": _instance_norm,
    "local_response_norm": _local_response_norm,
}
