"""Cases of activations: whole numbers, kinks among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st

from ..case import Case
from .numbers import SEEDS, integers
from .options import BATCH, Options

__all__ = ["DRAWN"]

_CHANNELS = (1, 2, 3, 5)


def _input(options: Options, channels: tuple[int, ...] = _CHANNELS) -> np.ndarray:
    """X of a small shape (N, C, *n)."""
    most = {0: 1, 1: 6, 2: 3}.get(options.ndim, 2)
    sizes = [options.draw(st.integers(1, most)) for _ in range(options.ndim)]
    shape = (options.draw(BATCH), options.draw(st.sampled_from(channels)), *sizes)
    return integers(options.draw(SEEDS), shape)


def _some(options: Options, **values: tuple[Any, ...]) -> dict[str, Any]:
    """One of the values for each hyper-parameter, or its default."""
    drawn = {name: options.draw(st.sampled_from((None, *others))) for name, others in values.items()}
    return {name: value for name, value in drawn.items() if value is not None}


def _plain(name: str, options: Options) -> Case:
    return Case(name, (_input(options),), {})


def _leaky_relu(options: Options) -> Case:
    return Case("leaky_relu", (_input(options),), _some(options, negative_slope=(0.25, 0.0, -0.5)))


def _elu(options: Options) -> Case:
    return Case("elu", (_input(options),), _some(options, alpha=(0.5, 2.0)))


def _scaled_tanh(options: Options) -> Case:
    return Case("scaled_tanh", (_input(options),), _some(options, amplitude=(1.0, 2.0), slope=(0.25, 1.0)))


def _prelu(options: Options) -> Case:
    shared = options.one_of("shared", False, True)
    x = _input(options, _CHANNELS[1:] if shared else _CHANNELS)
    return Case("prelu", (x, integers(options.draw(SEEDS), (1 if shared else x.shape[1],))), {})


def _gelu(options: Options) -> Case:
    approximate = options.one_of("approximate", "none", "tanh")
    return Case("gelu", (_input(options),), {"approximate": approximate} if approximate != "none" else {})


def _softplus(options: Options) -> Case:
    kwargs = _some(options, beta=(0.5, 2.0))
    if options.one_of("threshold", False, True):
        kwargs["threshold"] = options.draw(st.sampled_from((20.0, 2.0, -1.0)))
    return Case("softplus", (_input(options),), kwargs)


DRAWN: Mapping[str, Callable[[Options], Case]] = {
    "relu": partial(_plain, "relu"),
    "leaky_relu": _leaky_relu,
    "prelu": _prelu,
    "relu6": partial(_plain, "relu6"),
    "elu": _elu,
    "selu": partial(_plain, "selu"),
    "sigmoid": partial(_plain, "sigmoid"),
    "tanh": partial(_plain, "tanh"),
    "scaled_tanh": _scaled_tanh,
    "gelu": _gelu,
    "silu": partial(_plain, "silu"),
    "softplus": _softplus,
    "hardswish": partial(_plain, "hardswish"),
}
