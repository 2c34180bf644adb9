"""Cases of softmax and of losses: targets by class, some of them not counted, or by probabilities that sum to 1."""

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


def _shape(options: Options, *, empty: bool) -> tuple[int, ...]:
    """A small shape (N, C, *n)."""
    most = {0: 1, 1: 4, 2: 2}.get(options.ndim, 2)
    sizes = [options.draw(st.integers(1, most)) for _ in range(options.ndim)]
    batch = options.draw(BATCH if empty else st.integers(1, 3))
    return batch, options.draw(st.sampled_from((1, 2, 3, 5))), *sizes


def _softmax(name: str, options: Options) -> Case:
    return Case(name, options.arrays(_shape(options, empty=True)), {"axis": 1})


# --- losses -------------------------------------------------------------------------------------------------------


def _reduced(options: Options) -> tuple[tuple[int, ...], dict[str, Any]]:
    """The shape of X, and the reduction where it is not the default; a mean is over something."""
    reduction = options.one_of("reduction", "mean", "sum", "none")
    return _shape(options, empty=reduction != "mean"), {} if reduction == "mean" else {"reduction": reduction}


def _positive(options: Options, shape: tuple[int, ...]) -> np.ndarray:
    return np.abs(integers(options.draw(SEEDS), shape)) + 1


def _classes(options: Options, shape: tuple[int, ...], ignoring: bool) -> tuple[np.ndarray, dict[str, Any]]:
    """A class for each position; of those that are not counted, the first is none."""
    positions, classes = (shape[0], *shape[2:]), shape[1]
    seed = options.draw(SEEDS)
    rng = np.random.default_rng(seed)
    target = rng.integers(0, classes, positions) if seed else np.zeros(positions, int)
    if not ignoring:
        return target, {}
    ignored = options.draw(st.sampled_from((-100, 0, classes - 1) if classes > 1 else (-100, classes)))
    flat = np.where(rng.random(positions) < 0.5, ignored, target).reshape(-1)
    flat[:1] = 1 if ignored == 0 else 0
    return flat.reshape(positions), {"ignore_index": ignored}


def _probabilities(options: Options, shape: tuple[int, ...]) -> np.ndarray:
    """Eighths that sum to 1 over the channels."""
    seed, classes = options.draw(SEEDS), shape[1]
    counts = np.random.default_rng(seed).multinomial(8, np.full(classes, 1 / classes), (shape[0], *shape[2:]))
    return np.ascontiguousarray(np.moveaxis(counts / 8, -1, 1))


def _cross_entropy(options: Options) -> Case:
    shape, kwargs = _reduced(options)
    x, by_class = *options.arrays(shape), options.one_of("target", "indices", "probabilities") == "indices"
    ignoring = options.one_of("ignore_index", False, True)  # drawn for both: the simplest case draws least
    if by_class:
        target, ignored = _classes(options, shape, ignoring)
        kwargs |= ignored
    else:
        target = _probabilities(options, shape)
    if options.one_of("weight", False, True):
        kwargs["weight"] = _positive(options, shape[1:2])
    if options.one_of("label_smoothing", False, True):
        kwargs["label_smoothing"] = options.draw(st.sampled_from((0.25, 0.1, 1.0)))
    return Case("cross_entropy", (x, target), kwargs)


def _nll(options: Options) -> Case:
    shape, kwargs = _reduced(options)
    target, ignored = _classes(options, shape, options.one_of("ignore_index", False, True))
    kwargs |= ignored
    if options.one_of("weight", False, True):
        kwargs["weight"] = _positive(options, shape[1:2])
    return Case("nll", (*options.arrays(shape), target), kwargs)


def _mse(options: Options) -> Case:
    shape, kwargs = _reduced(options)
    return Case("mse", options.arrays(shape, shape), kwargs)


def _binary(options: Options) -> Case:
    shape, kwargs = _reduced(options)
    target = np.random.default_rng(options.draw(SEEDS)).integers(0, 5, shape) / 4
    weight = _positive(options, shape) if options.one_of("weight", False, True) else None
    if options.one_of("pos_weight", False, True):
        kwargs |= {"weight": weight, "pos_weight": _positive(options, shape[1:2])}
    elif weight is not None:
        kwargs["weight"] = weight
    return Case("binary_cross_entropy_with_logits", (*options.arrays(shape), target), kwargs)


DRAWN: Mapping[str, Callable[[Options], Case]] = {
    "softmax": partial(_softmax, "softmax"),
    "log_softmax": partial(_softmax, "log_softmax"),
    "cross_entropy": _cross_entropy,
    "nll": _nll,
    "mse": _mse,
    "binary_cross_entropy_with_logits": _binary,
}
